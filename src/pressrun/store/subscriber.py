"""Values about subscribers: a person in the store, a row of an import and what became of it."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from pressrun.address import ParsedAddress
from pressrun.errors import UsageError

_UNFIT_FOR_NAME = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
_UNFIT_FOR_TEXT = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class Subscriber:
    """A person: the address as given, and the lists that they are on now.

    `joined_at` is when they joined the list that was asked for, or, where none was, when they were first stored.
    """

    address: str
    name: str = ""
    attributes: Mapping[str, str] = field(default_factory=dict)
    lists: tuple[str, ...] = ()
    joined_at: dt.datetime = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)


@dataclass(frozen=True, slots=True)
class Row:
    """A row to import, from the 1-based physical `line` of a file.

    It says only what it holds: a `name` of None and an attribute that isn't there leave the stored ones as they are; an
    empty name or attribute clears the stored one.
    """

    line: int
    address: ParsedAddress
    name: str | None = None
    attributes: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class RejectedRow:
    """A row that wasn't taken: its 1-based physical line, the text there (at most 1,000 characters), and why."""

    line: int
    text: str
    reason: str


@dataclass(frozen=True, slots=True)
class ImportReport:
    """What an import did: every row of the file is in exactly one of these.

    `added` joined the list; `updated` and `unchanged` were on it; `left` had left it and stay away, untouched.
    """

    added: int = 0
    updated: int = 0
    unchanged: int = 0
    left: int = 0
    rejected: tuple[RejectedRow, ...] = ()
    duplicates: tuple[RejectedRow, ...] = ()


class Joined(StrEnum):
    """What adding a subscriber did: `returned` is one who had left the list."""

    ADDED = "added"
    RETURNED = "returned"
    UPDATED = "updated"
    UNCHANGED = "unchanged"


@dataclass(frozen=True, slots=True)
class ListCount:
    """A list and the number of people on it now."""

    name: str
    members: int


def find_fault(name: str, attributes: Mapping[str, str]) -> str | None:
    """Why the store can't hold this name or these values (line breaks in a name, control characters), or None."""
    if _UNFIT_FOR_NAME.search(name):
        return "a line break or control character can't stand in a name"
    if _UNFIT_FOR_TEXT.search("".join(attributes.values())):
        unfit = next(key for key, value in attributes.items() if _UNFIT_FOR_TEXT.search(value))
        return f"a control character can't stand in {unfit!r}"
    return None


def is_attribute_name(text: str) -> bool:
    """Whether `text` can name an attribute: printable, not empty, no space around it."""
    return bool(text) and text == text.strip() and text.isprintable()


def check_list_name(name: str) -> None:
    """Raise `UsageError` if `name` can't be a list's name."""
    if not (name and name == name.strip() and name.isprintable()):
        raise UsageError(f"{name!r} can't be the name of a list", "use printable characters, without space around them")
