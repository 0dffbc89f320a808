"""Values about subscribers: a person in the store, a row of an import and what became of it."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from pressrun.address import ParsedAddress
from pressrun.errors import UsageError
from pressrun.store.consent import ConsentBasis

# Besides what controls a terminal or a header: what turns the text after it around, as an override or an isolate that
# nobody closes does, and a byte order mark, which nobody sees.
_UNSEEN = r"\u202a-\u202e\u2066-\u2069\ufeff\ufff9-\ufffb\ud800-\udfff"
_UNFIT_FOR_NAME = re.compile(rf"[\x00-\x1f\x7f-\x9f\u2028\u2029{_UNSEEN}]")
_UNFIT_FOR_TEXT = re.compile(rf"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f{_UNSEEN}]")
_LONGEST_NAME = 200
_LONGEST_VALUE = 10_000


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
    tags: tuple[str, ...] = ()


class Standing(StrEnum):
    """What a row says of a person: they are to be on the list, have left it, or are never to be mailed."""

    MEMBER = "member"
    LEFT = "left"
    SUPPRESSED = "suppressed"


@dataclass(frozen=True, slots=True)
class Facts:
    """What a file knows of a person's time with another program: it becomes their consent, or their departure.

    `given_at` is when they consented, from the network address `network`; `ended_at` when they left, `reason` why they
    are never to be mailed. `proof` is what the file says of it, as JSON.
    """

    given_at: dt.datetime | None = None
    network: str | None = None
    proof: Mapping[str, Any] = field(default_factory=dict)
    ended_at: dt.datetime | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Row:
    """A row to import, from the 1-based physical `line` of a file.

    It says only what it holds: a `name` of None and an attribute that isn't there leave the stored ones as they are; an
    empty name or attribute clears the stored one. Tags are added to the stored ones.
    """

    line: int
    address: ParsedAddress
    name: str | None = None
    attributes: Mapping[str, str] = field(default_factory=dict)
    tags: tuple[str, ...] = ()
    standing: Standing = Standing.MEMBER
    facts: Facts | None = None


@dataclass(frozen=True, slots=True)
class RejectedRow:
    """A row that wasn't taken: its 1-based physical line, the text there (at most 1,000 characters), and why.

    `file` is its file's name, where it came out of an archive of several.
    """

    line: int
    text: str
    reason: str
    file: str = ""


@dataclass(frozen=True, slots=True)
class ImportTerms:
    """What an import is about: the list, and the consent of those who are new on it.

    `source` says where they come from, such as the file's name; `wording` what they were told, as they read it.
    """

    list_name: str
    basis: ConsentBasis
    source: str = "import"
    wording: str = ""
    form_version: str = ""


@dataclass(frozen=True, slots=True)
class ImportReport:
    """What an import did: every row of the file counts in exactly one of these, but for `tagged`.

    `added` joined the list; `updated` and `unchanged` were on it. Untouched are those who stay away: `left` had left
    it, `suppressed` are never mailed, `forgotten` were erased. `departed` have left by what the file says, and
    `barred` are never mailed from now on. Of the rejected and the doubled rows it holds the first 10,000 each;
    `omitted` are the others. `tagged` is how many tags people got.
    """

    added: int = 0
    updated: int = 0
    unchanged: int = 0
    left: int = 0
    suppressed: int = 0
    forgotten: int = 0
    departed: int = 0
    barred: int = 0
    rejected: tuple[RejectedRow, ...] = ()
    duplicates: tuple[RejectedRow, ...] = ()
    omitted: int = 0
    tagged: int = 0


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
    """Why the store can't hold this name or these values, or None.

    A name has no line breaks and at most 200 characters, a value at most 10,000; neither has control characters.
    """
    if _UNFIT_FOR_NAME.search(name):
        return "a line break or control character can't stand in a name"
    if len(name) > _LONGEST_NAME:
        return f"a name has at most {_LONGEST_NAME} characters"
    together = "".join(attributes.values())
    if _UNFIT_FOR_TEXT.search(together):
        unfit = next(key for key, value in attributes.items() if _UNFIT_FOR_TEXT.search(value))
        return f"a control character can't stand in {unfit!r}"
    if len(together) > _LONGEST_VALUE and (
        long := [key for key, value in attributes.items() if len(value) > _LONGEST_VALUE]
    ):
        return f"{long[0]!r} has more than {_LONGEST_VALUE:,} characters"
    return None


def is_attribute_name(text: str) -> bool:
    """Whether `text` can name an attribute: printable, not empty, no space around it."""
    return bool(text) and text == text.strip() and text.isprintable()


def check_list_name(name: str) -> None:
    """Raise `UsageError` if `name` can't be a list's name."""
    if not (name and name == name.strip() and name.isprintable()):
        raise UsageError(f"{name!r} can't be the name of a list", "use printable characters, without space around them")
