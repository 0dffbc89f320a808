"""Files that hold what is known of people: written where only their owner can read them."""

from __future__ import annotations

import os
from pathlib import Path

from pressrun.errors import UsageError


def write_private(file: Path, text: str) -> None:
    """Write `file` anew, readable by nobody else. Raises UsageError where that can't be done."""
    try:
        file.unlink(missing_ok=True)  # what is there may be readable by others, or a link to what they own
        with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as stream:
            stream.write(text)
    except OSError as error:
        raise UsageError(f"{file}: can't be written: {error.strerror}", "name another file") from None
