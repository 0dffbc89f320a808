"""What a build notes of itself in the folder it wrote, so that the next one does only what has to be done."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from pressrun.site.digest import digest_of
from pressrun.site.folder import MARKER
from pressrun.site.withheld import Terms


class _Noted(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class IssueRecord(_Noted):
    """One issue that is shown: the names of its source and of all its pages rest on, its terms, and its own pages."""

    source: str
    pages_from: str
    terms: Terms
    pages: tuple[str, ...]


class Record(_Noted):
    """The whole folder: what it was made from, each issue by its id, and the name of every file by its path.

    Only what the public may know stands in it: it lies where the site is served.
    """

    note: str = "Written by pressrun site, which replaces what it wrote here."
    made_from: str
    issues: Mapping[str, IssueRecord]
    files: Mapping[str, str]
    pages: int = Field(ge=0)
    entries: int = Field(ge=0)


def read_record(folder: Path) -> Record | None:
    """What the last build noted in `folder`; None where there is none, or one of another pressrun."""
    try:
        return Record.model_validate_json((folder / MARKER).read_bytes())
    except (OSError, ValidationError):
        return None


def is_whole(folder: Path, record: Record) -> bool:
    """Whether `folder` holds the files that were written into it, byte by byte, and no others."""
    found = {
        path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_symlink() or not path.is_dir()
    }
    if any((folder / path).is_symlink() for path in found):
        return False
    return found == {*record.files, MARKER} and all(
        digest_of((folder / path).read_bytes()) == name for path, name in record.files.items()
    )


def read_pages(folder: Path, record: Record, paths: tuple[str, ...]) -> dict[str, bytes] | None:
    """These pages as the last build wrote them; None where one is not as it was written."""
    pages: dict[str, bytes] = {}
    for path in paths:
        try:
            pages[path] = (folder / path).read_bytes()
        except OSError:
            return None
        if digest_of(pages[path]) != record.files.get(path):
            return None
    return pages
