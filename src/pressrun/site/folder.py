"""Puts finished folders and files where readers look, whole or not at all, and leaves what did not change."""

from __future__ import annotations

import ctypes
import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from pressrun.errors import PressrunError, UsageError
from pressrun.site.digest import digest_of

MARKER = ".pressrun-site"
FRONT_PAGE = "index.html"
_MARK = "Written by `pressrun site`, which replaces what it wrote here.\n"
_STAGING = ".pressrun-new-"
_OLD = ".old"

Content = bytes | Path
"""What a file is to hold: octets, or those of a file that is there."""


def is_ours(folder: Path) -> bool:
    """Whether `folder` was written by a build before."""
    return (folder / MARKER).is_file()


def left_in(out: Path) -> list[str]:
    """The names of the folders of publications that builds left in `out`.

    A link is somebody else's, and so is a whole site that stands below this one.
    """
    folders = (marker.parent for marker in out.glob(f"[!.]*/{MARKER}") if marker.is_file())
    return sorted(folder.name for folder in folders if not folder.is_symlink() and not _is_site(folder))


def _is_site(folder: Path) -> bool:
    try:
        return (folder / MARKER).read_bytes() == _MARK.encode()
    except OSError:  # what can't be read is left alone
        return True


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
def holding(out: Path, names: Iterable[str]) -> Iterator[None]:
    """Hold `out` for one build at a time, and set right what a killed one left behind.

    Raises UsageError where a folder of `out` called one of `names`, or its front page, is somebody else's; other
    things may stand in `out` and are left alone. Where the build fails and `out` is new, it is gone again.
    """
    names = list(names)
    _demand_room(out, names)
    is_new = not out.exists()
    try:
        out.mkdir(parents=True, exist_ok=True)
        with (out / MARKER).open("a", encoding="utf-8") as marker:
            fcntl.flock(marker, fcntl.LOCK_EX)
            if not marker.tell():
                marker.write(_MARK)
            _recover(out)
            yield
    except OSError as error:
        raise PressrunError(f"{error.filename or out}: {error.strerror}", "check --out and its permissions") from error
    finally:
        if is_new:
            _remove_empty(out)


def _recover(out: Path) -> None:
    for left_behind in out.glob(f"{_STAGING}*"):
        for old in left_behind.glob(f"*{_OLD}"):  # killed between the two renames of a file system that can't exchange
            if not (place := out / old.name.removesuffix(_OLD)).exists():
                old.rename(place)
        shutil.rmtree(left_behind)


def _remove_empty(out: Path) -> None:
    if out.is_dir() and [path.name for path in out.iterdir()] == [MARKER]:
        (out / MARKER).unlink()
        with suppress(OSError):
            out.rmdir()


@contextmanager
def staging(out: Path) -> Iterator[Path]:
    """A new folder inside `out` to build in, so that a rename never crosses file systems."""
    stage = Path(tempfile.mkdtemp(prefix=_STAGING, dir=out))
    try:
        yield stage
    finally:
        shutil.rmtree(stage)


def write_tree(files: Mapping[str, Content], folder: Path, old: Path) -> tuple[dict[str, str], int]:
    """Write `files` by their paths into the new `folder`: the name of each, and how many differ from those in `old`.

    A file that is the same there is that very file: a link to it, with its inode and time.
    """
    names: dict[str, str] = {}
    made: set[Path] = set()
    changed = 0
    for path, content in files.items():
        target, before = folder / path, old / path
        if target.parent not in made:
            target.parent.mkdir(parents=True, exist_ok=True)
            made.add(target.parent)
        octets = content if isinstance(content, bytes) else content.read_bytes()
        names[path] = digest_of(octets)
        if _holds(before, octets):
            _link(before, target)
        else:
            target.write_bytes(octets)
            changed += 1
    return names, changed


def _holds(file: Path, octets: bytes) -> bool:
    try:
        return not file.is_symlink() and file.read_bytes() == octets
    except (FileNotFoundError, IsADirectoryError, NotADirectoryError):
        return False


def _link(before: Path, target: Path) -> None:
    try:
        target.hardlink_to(before)
    except OSError:  # a file system without links, or too many of them: time and bytes stay all the same
        shutil.copy2(before, target)


def swap(new: Path, place: Path) -> None:
    """Put the folder `new` where `place` is, at once; what was there is where `new` was, or beside it."""
    if not place.exists():
        new.rename(place)
    elif not _exchange(new, place):
        _swap_in_two(new, place, new.with_name(f"{new.name}{_OLD}"))


def remove(place: Path, stage: Path) -> None:
    """Take the folder `place` away at once; it is deleted with `stage`."""
    place.rename(stage / f"{place.name}.gone")


def put(stage: Path, out: Path, files: Mapping[str, bytes]) -> None:
    """Put `files` into `out`, each whole, and only those that are not there like that."""
    for name, octets in files.items():
        if not _holds(out / name, octets):
            (stage / name).write_bytes(octets)
            (stage / name).replace(out / name)


def _exchange(one: Path, other: Path) -> bool:
    """Exchange two folders in one step; False where the system or its file system can't (renameat2(2), Linux 3.15)."""
    call = getattr(ctypes.CDLL(None, use_errno=True), "renameat2", None)
    here, exchange = -100, 2  # AT_FDCWD, RENAME_EXCHANGE
    return call is not None and call(here, os.fsencode(one), here, os.fsencode(other), exchange) == 0


def _swap_in_two(new: Path, place: Path, old: Path) -> None:
    place.rename(old)
    try:
        new.rename(place)
    except OSError:
        old.rename(place)
        raise
