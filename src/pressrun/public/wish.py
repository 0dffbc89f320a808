"""Wishes: what a person asks for in the preference centre, read from the form and held against what it offers."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from pressrun.attribute import Attribute, AttributeSchema
from pressrun.public.form import public_lists
from pressrun.public.request import first
from pressrun.source.model import Publication, PublicList
from pressrun.store.roster import Entry
from pressrun.store.subscriber import find_fault

PAUSES: Mapping[str, dt.timedelta] = {
    "1": dt.timedelta(days=30),
    "3": dt.timedelta(days=91),
    "6": dt.timedelta(days=182),
}
"""How long a pause can be, by the number of months that people read."""

KEEP, NONE = "keep", "none"

LONGEST = 500
"""How many characters people may write into a field."""

_OWN_QUESTIONS = frozenset({"language", "timezone", "tracking"})


@dataclass(frozen=True)
class Offer:
    """What a publication lets a person change."""

    lists: tuple[PublicList, ...]
    language: str
    """The one that whoever chose none gets."""
    languages: tuple[str, ...]
    zone: bool
    """Whether their time zone matters."""
    tracking: bool
    """Whether what they open may be counted for them alone, with their consent."""
    attributes: Mapping[str, Attribute]


@dataclass(frozen=True)
class Wish:
    """What a person wants to be so: lists to join and to leave, a pause, and attributes that differ from now."""

    join: tuple[str, ...] = ()
    leave: tuple[str, ...] = ()
    pause: str = KEEP
    attributes: Mapping[str, str] = field(default_factory=dict)
    faults: frozenset[str] = frozenset()
    """The attributes whose value can't be taken; then nothing is changed."""


def make_offer(
    publication: Publication, person: Entry, schema: AttributeSchema, others: Sequence[Publication]
) -> Offer:
    """What the person may change here: the public lists, and those that they are on unless they are another's."""
    lists = {one.name: one for one in public_lists(publication)}
    foreign = {name for other in others for name in (*other.lists, *(one.name for one in public_lists(other)))}
    is_only = len(publication.lists) == 1
    for name in lists_of(person):
        if name not in lists and (name in publication.lists or name not in foreign):
            title = publication.title if is_only and name in publication.lists else name
            lists[name] = PublicList(name=name, title=title)
    languages = publication.subscribing.languages if publication.subscribing else ()
    counted = publication.tracking
    return Offer(
        lists=tuple(lists.values()),
        language=publication.language,
        languages=languages if len(languages) > 1 else (),
        zone=publication.recipient_local,
        tracking="person" in (counted.clicks, counted.opens),
        attributes={name: one for name, one in schema.editable.items() if name not in _OWN_QUESTIONS},
    )


def lists_of(person: Entry) -> list[str]:
    """The lists that a person is on now."""
    return [one.list for one in person.lists if one.left_at is None]


def paused_until(person: Entry, offer: Offer, now: dt.datetime) -> dt.datetime | None:
    """Until when mail from the lists on offer is paused; None where it isn't."""
    offered = {one.name for one in offer.lists}
    pauses = [one.paused_until for one in person.lists if one.list in offered and one.left_at is None]
    return max((until for until in pauses if until and until > now), default=None)


def read_wish(fields: Mapping[str, list[str]], offer: Offer, person: Entry, schema: AttributeSchema) -> Wish:
    """What a person changed on the page. All else stays as it is now: it may be newer than what the page shows."""
    given = dict(fields)
    attributes, faults = schema.clean(_read_attributes(given, offer))
    # What is shown to whoever never chose is no choice of theirs when it comes back.
    present = {"language": offer.language, "tracking": "no"} | dict(person.attributes)
    changed = {name: value for name, value in attributes.items() if present.get(name, "") != value}
    unfit = {name for name, value in changed.items() if len(value) > LONGEST or find_fault("", {name: value})}
    join, leave = _read_lists(given, offer, lists_of(person))
    pause = first(given, "pause")
    return Wish(
        join=tuple(join),
        leave=tuple(leave),
        pause=pause if pause in (*PAUSES, NONE) else KEEP,
        attributes=changed,
        faults=frozenset(unfit | {fault.name for fault in faults}),
    )


def _read_lists(given: dict[str, list[str]], offer: Offer, on: Sequence[str]) -> tuple[list[str], list[str]]:
    """Which lists to join and which to leave.

    Of each the page says how it was when it was drawn: `ticked` or `unticked`. A workspace's own template may tell only
    that it was `shown`: then it was as it is now.
    """
    ticked, unticked, told, wanted = (set(given.get(name, [])) for name in ("ticked", "unticked", "shown", "list"))
    was = ticked | told.intersection(on)
    shown = [one.name for one in offer.lists if one.name in was | unticked | told]
    return [name for name in shown if name in wanted - was], [name for name in shown if name in was - wanted]


def _read_attributes(given: dict[str, list[str]], offer: Offer) -> dict[str, str]:
    """What was said of each attribute that the form asks for; nothing of those it did not send."""
    found = {name: first(given, f"attribute.{name}") for name in offer.attributes if f"attribute.{name}" in given}
    if first(given, "language") in offer.languages and offer.languages:
        found["language"] = first(given, "language")
    if offer.zone and "timezone" in given:
        found["timezone"] = first(given, "timezone")
    tracking = first(given, "tracking")
    if offer.tracking and tracking in ("yes", "no") and tracking != first(given, "tracked"):  # else as it was drawn
        found["tracking"] = tracking
    return found
