"""The folder a rehearsal works in: its own, readable by nobody else, and gone afterwards whatever happens."""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from pressrun.errors import UsageError

_PREFIX = "rehearsal-"
_LOCK = "lock"


@contextmanager
def make_folder(state: Path, keep: Path | None) -> Iterator[Path]:
    """A new folder in `state`, removed at the end; or `keep`, a new or empty one that stays. Raises UsageError.

    It holds people's addresses, so what a rehearsal left behind that was killed is removed by the next one.
    """
    if keep is not None:
        yield _make_kept(keep)
        return
    state.mkdir(parents=True, exist_ok=True)
    for left in state.glob(f"{_PREFIX}*"):
        _remove_unless_locked(left)
    folder = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=state))
    descriptor = os.open(folder / _LOCK, os.O_CREAT | os.O_RDWR, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield folder
    finally:
        os.close(descriptor)
        shutil.rmtree(folder, ignore_errors=True)


def _make_kept(folder: Path) -> Path:
    if folder.exists() and any(folder.iterdir()):
        raise UsageError(f"{folder} is not empty", "name a new folder to keep the rehearsal in")
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return folder


def _remove_unless_locked(folder: Path) -> None:
    """Remove the folder of a rehearsal that is gone: its process held the lock as long as it lived."""
    with suppress(OSError):
        descriptor = os.open(folder / _LOCK, os.O_RDWR)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(folder, ignore_errors=True)
        finally:
            os.close(descriptor)
