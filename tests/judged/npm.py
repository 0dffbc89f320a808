"""The npm packages that `make test-marked` installs beside this Python."""

from __future__ import annotations

import sys
from pathlib import Path

MODULES = Path(sys.prefix) / "npm" / "node_modules"


def find_file(path: str) -> Path | None:
    """The file `path` of the npm packages, such as `axe-core/axe.min.js`; None where it is not installed."""
    file = MODULES / path
    return file if file.is_file() else None
