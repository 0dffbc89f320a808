"""ZIP archives as Mailchimp and Substack hand them out: the lists in one, and no more of it than is safe to unpack."""

from __future__ import annotations

import re
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path, PurePosixPath
from typing import BinaryIO, cast

from pressrun.errors import UsageError
from pressrun.subscriber_file.lines import Source

_MOST_FILES = 10_000
_MOST_BYTES = 1 << 30  # unpacked, all lists together
_LISTS = re.compile(r"(?:subscribed|unsubscribed|cleaned|nonsubscribed)_.*\.csv|email_list.*\.csv", re.IGNORECASE)
_REMEDY = "unpack it, and import the files one by one"


def is_archive(path: Path) -> bool:
    """Whether the file at `path` is a ZIP archive."""
    return path.is_file() and zipfile.is_zipfile(path)


def list_archive(path: Path) -> list[Source]:
    """The lists in the archive at `path`; those of the departed come first. Raises `UsageError`."""
    try:
        with zipfile.ZipFile(path) as archive:
            entries = archive.infolist()
    except (zipfile.BadZipFile, OSError, NotImplementedError) as error:
        raise UsageError(f"{path}: this archive can't be read: {error}", _REMEDY) from None
    if len(entries) > _MOST_FILES:
        raise UsageError(f"{path}: this archive holds {len(entries):,} files", _REMEDY)
    found = [entry for entry in entries if _LISTS.fullmatch(PurePosixPath(entry.filename).name)]
    if not found:
        files = [entry for entry in entries if entry.filename.lower().endswith(".csv")]
        found = files if len(files) == 1 else []
    if not found:
        raise UsageError(f"{path}: no list of subscribers is in this archive", _REMEDY)
    if sum(entry.file_size for entry in found) > _MOST_BYTES:
        raise UsageError(f"{path}: its lists are larger than 1 GiB, unpacked", _REMEDY)
    if any(entry.flag_bits & 1 for entry in found):
        raise UsageError(f"{path}: this archive has a password", _REMEDY)
    names = sorted((entry.filename for entry in found), key=lambda name: (_is_of_members(name), name))
    return [Source(f"{path}/{name}", partial(_open, path, name), name) for name in names]


@contextmanager
def telling_damage(source: Source) -> Iterator[None]:
    """Raises `UsageError` where what is read within the block turns out to be damaged."""
    try:
        yield
    except (zipfile.BadZipFile, zlib.error, EOFError) as error:
        raise UsageError(f"{source.place}: this part of the archive is damaged: {error}", "get it anew") from None


def _is_of_members(name: str) -> bool:
    return PurePosixPath(name).name.lower().startswith(("subscribed", "email_list"))


def _open(path: Path, name: str) -> BinaryIO:
    # The archive is closed with the file: zipfile counts who still reads. What it declares as the file's size is all
    # that zipfile gives out.
    with zipfile.ZipFile(path) as archive:
        return cast(BinaryIO, archive.open(name))
