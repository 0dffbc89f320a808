"""Which issues the public may see: what is not out yet, or not approved, is withheld."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from pressrun.source.issue import send_time
from pressrun.source.model import IssueFile, Publication


class Terms(NamedTuple):
    """What an issue says of its being shown: from when on, and whether somebody has to approve it first."""

    moment: dt.datetime
    needs_approval: bool


@dataclass(frozen=True)
class Standing:
    """What the store knows, by issue (`publication/issue`): whose mail has begun to leave, and what is approved.

    An approval may come with a time that its approver set instead of the issue's.
    """

    begun: frozenset[str] = frozenset()
    approved: Mapping[str, dt.datetime | None] = field(default_factory=dict)


def terms_of(publication: Publication, meta: IssueFile) -> Terms:
    """The terms of an issue: its send_at, else its date at the publication's hour."""
    at_its_hour = dt.datetime.combine(meta.date, publication.publish_time, publication.zone)
    return Terms(send_time(publication, meta) or at_its_hour, publication.approval == "required" and not meta.archived)


def withheld(terms: Terms, now: dt.datetime, *, approved: bool, begun: bool) -> str | None:
    """Why an issue may not be shown at `now`, in words; None where it may.

    One that has begun to leave is out, whatever its terms say: its mails link to its page.
    """
    if begun:
        return None
    if terms.needs_approval and not approved:
        return "nobody has approved it"
    if terms.moment > now:
        return f"it comes out on {terms.moment:%Y-%m-%d at %H:%M %Z}"
    return None


def judge(key: str, terms: Terms, now: dt.datetime, standing: Standing) -> str | None:
    """The same for the issue `key` as the store knows it."""
    instead = standing.approved.get(key)
    agreed = terms._replace(moment=instead.astimezone(terms.moment.tzinfo)) if instead else terms
    return withheld(agreed, now, approved=key in standing.approved, begun=key in standing.begun)
