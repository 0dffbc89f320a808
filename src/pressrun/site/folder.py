"""Puts finished folders and files where readers look, whole or not at all."""

from __future__ import annotations

import fcntl
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from pressrun.errors import PressrunError, UsageError

MARKER = ".pressrun-site"
FRONT_PAGE = "index.html"
_MARK = "Written by `pressrun site`, which replaces what it wrote here.\n"
_STAGING = ".pressrun-new-"


def is_ours(folder: Path) -> bool:
    """Whether `folder` was written by a build before."""
    return (folder / MARKER).is_file()


def _demand_room(out: Path, names: Iterable[str]) -> None:
    """Refuse to write over what a build did not make."""
    if out.exists() and not out.is_dir():
        raise UsageError(f"{out} is no folder", "name another --out")
    if (out / FRONT_PAGE).exists() and not is_ours(out):
        raise UsageError(f"{out / FRONT_PAGE} was not written by pressrun site", "name another --out")
    for folder in (out / name for name in names):
        if folder.is_symlink() or (folder.exists() and not is_ours(folder)):
            raise UsageError(f"{folder} was not written by pressrun site", "name another --out, or move it away")


@contextmanager
def staging(out: Path, names: Iterable[str]) -> Iterator[Path]:
    """A new folder inside `out` to build in, held by one build at a time.

    It stands inside `out` so that a rename never crosses file systems. Raises UsageError where a folder of `out`
    called one of `names`, or its front page, is somebody else's; other things may stand in `out` and are left alone.
    """
    _demand_room(out, names)
    try:
        out.mkdir(parents=True, exist_ok=True)
        with (out / MARKER).open("a", encoding="utf-8") as marker:
            fcntl.flock(marker, fcntl.LOCK_EX)
            (out / MARKER).write_text(_MARK, encoding="utf-8")
            for left_behind in out.glob(f"{_STAGING}*"):  # by a build that was killed
                shutil.rmtree(left_behind)
            stage = Path(tempfile.mkdtemp(prefix=_STAGING, dir=out))
            try:
                yield stage
            finally:
                shutil.rmtree(stage)
    except OSError as error:
        raise PressrunError(f"{error.filename or out}: {error.strerror}", "check --out and its permissions") from error


def mark(folder: Path) -> None:
    """Sign `folder` as written by a build."""
    (folder / MARKER).write_text(_MARK, encoding="utf-8")


def swap(stage: Path, out: Path, folders: Iterable[str], files: Mapping[str, str]) -> None:
    """Move `folders` from `stage` into `out` in place of the old ones, then put `files` there."""
    for name in folders:
        _swap_folder(stage / name, out / name, stage / f"{name}.old")
    for name, text in files.items():
        (stage / name).write_text(text, encoding="utf-8")
        (stage / name).replace(out / name)


def _swap_folder(new: Path, place: Path, old: Path) -> None:
    if place.exists():
        place.rename(old)
    try:
        new.rename(place)
    except OSError:
        if old.exists():
            old.rename(place)
        raise
