"""The formats of files of subscribers: how each is told by its heading, and what becomes of its columns.

The columns are those of listmonk's subscriber export, Mailchimp's audience export, Substack's e-mail list and Ghost's
member export.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

ADDRESS_HEADINGS = ("email", "e-mail", "邮箱", "address")
"""In order: a file with both `email` and `address` means a postal address by the second."""
NAME_HEADINGS = ("name", "姓名")
TAGS_HEADING = "tags"


class FileFormat(StrEnum):
    """Whose file it is."""

    CSV = "csv"
    JSON_LINES = "json-lines"
    LISTMONK = "listmonk"
    MAILCHIMP = "mailchimp"
    SUBSTACK = "substack"
    GHOST = "ghost"


class Use(StrEnum):
    """What becomes of a column."""

    ADDRESS = "address"
    NAME = "name"
    ATTRIBUTE = "attribute"
    TAGS = "tags"
    ATTRIBUTES = "attributes"  # a cell that holds several, as a JSON object
    RECORD = "record"  # of consent or departure
    NOTHING = "left out"


@dataclass(frozen=True)
class Column:
    """A column by its heading; `key` is the attribute's name, or what the record calls it."""

    heading: str
    use: Use
    key: str = ""

    def __str__(self) -> str:
        if self.use is Use.ATTRIBUTE:
            return f"attribute {self.key}"
        return "record of consent" if self.use is Use.RECORD else str(self.use)


def recognise(names: Sequence[str]) -> FileFormat:
    """The format of a CSV file whose headings are `names`."""
    folded = {name.casefold() for name in names}
    if "email address" in folded and len(folded & _MAILCHIMP_MARKS) >= 2:
        return FileFormat.MAILCHIMP
    if "email" not in folded:
        return FileFormat.CSV
    if "attributes" in folded and folded <= _LISTMONK.keys():
        return FileFormat.LISTMONK
    if {"active_subscription", "email_disabled"} <= folded or {"stripe plan", "start date"} <= folded:
        return FileFormat.SUBSTACK
    if {"subscribed_to_emails", "created_at"} <= folded:
        return FileFormat.GHOST
    return FileFormat.CSV


def arrange(names: Sequence[str], format: FileFormat, skipped: Sequence[str] = ()) -> list[Column]:
    """What becomes of the columns headed `names`; those in `skipped`, of whatever case, are left out."""
    left_out = {name.casefold() for name in skipped}
    columns = _arrange_own(names) if format is FileFormat.CSV else [_arrange(name, format) for name in names]
    return [Column(one.heading, Use.NOTHING) if one.heading.casefold() in left_out else one for one in columns]


def _arrange_own(names: Sequence[str]) -> list[Column]:
    used = {
        _find(names, ADDRESS_HEADINGS): Use.ADDRESS,
        _find(names, NAME_HEADINGS): Use.NAME,
        _find(names, (TAGS_HEADING,)): Use.TAGS,
    }
    return [
        Column(name, used[n], name) if n in used else Column(name, Use.ATTRIBUTE, name) for n, name in enumerate(names)
    ]


def _arrange(name: str, format: FileFormat) -> Column:
    use, key = _KNOWN[format].get(name.casefold(), (Use.ATTRIBUTE, name))
    return Column(name, use, key)


def _find(names: Sequence[str], headings: Sequence[str]) -> int | None:
    folded = [name.casefold() for name in names]
    return next((folded.index(heading) for heading in headings if heading in folded), None)


def _as(use: Use, *headings: str) -> dict[str, tuple[Use, str]]:
    return {heading: (use, heading) for heading in headings}


_LISTMONK = {
    **_as(Use.ADDRESS, "email"),
    **_as(Use.NAME, "name"),
    **_as(Use.ATTRIBUTES, "attributes"),
    **_as(Use.RECORD, "status", "created_at"),
    **_as(Use.NOTHING, "uuid", "updated_at"),
}
# What Mailchimp guesses from network addresses is nothing that people said of themselves: it stays there.
_MAILCHIMP_GUESSES = ("latitude", "longitude", "gmtoff", "dstoff", "timezone", "cc", "region")
_MAILCHIMP_RECORD = ("optin_time", "optin_ip", "confirm_time", "confirm_ip", "unsub_time", "unsub_reason", "clean_time")
_MAILCHIMP = {
    **_as(Use.ADDRESS, "email address"),
    **_as(Use.NAME, "first name", "last name"),
    **_as(Use.TAGS, "tags"),
    **_as(Use.RECORD, *_MAILCHIMP_RECORD),
    **_as(Use.NOTHING, "member_rating", *_MAILCHIMP_GUESSES, "last_changed", "leid", "euid", "notes", "email_type"),
    **_as(Use.NOTHING, "unsub_campaign_title", "unsub_campaign_id", "unsub_reason_other"),
    **_as(Use.NOTHING, "clean_campaign_title", "clean_campaign_id"),
}
_MAILCHIMP_MARKS = frozenset({"member_rating", "leid", "euid", "last_changed", *_MAILCHIMP_RECORD})
_SUBSTACK = {
    **_as(Use.ADDRESS, "email"),
    **_as(Use.NAME, "name"),
    **_as(Use.ATTRIBUTE, "plan"),
    "type": (Use.ATTRIBUTE, "plan"),
    **_as(Use.RECORD, "email_disabled", "created_at", "start date"),
    **_as(Use.NOTHING, "active_subscription", "expiry", "first_payment_at", "stripe plan", "cancel date"),
    **_as(Use.NOTHING, "activity", "revenue", "paid upgrade date", "emails opened (6mo)", "country", "state"),
}
_GHOST = {
    **_as(Use.ADDRESS, "email"),
    **_as(Use.NAME, "name"),
    "labels": (Use.TAGS, "labels"),
    **_as(Use.ATTRIBUTE, "note", "tiers", "products"),
    **_as(Use.RECORD, "subscribed_to_emails", "created_at", "deleted_at"),
    **_as(Use.NOTHING, "id", "complimentary_plan", "stripe_customer_id", "gift_id"),
}
_KNOWN: Mapping[FileFormat, Mapping[str, tuple[Use, str]]] = {
    FileFormat.LISTMONK: _LISTMONK,
    FileFormat.MAILCHIMP: _MAILCHIMP,
    FileFormat.SUBSTACK: _SUBSTACK,
    FileFormat.GHOST: _GHOST,
}
