"""An event as an iCalendar file (RFC 5545), which puts it into a reader's calendar."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from pressrun.plain import render_plain
from pressrun.schedule.moment import local_moment
from pressrun.source.block import Block, Branch, Event
from pressrun.source.field import write_fields
from pressrun.source.issue import Article, Issue
from pressrun.typography import typeset

if TYPE_CHECKING:
    from icalendar import Event as CalendarEvent

PRODUCT = "-//pressrun//pressrun//EN"


def events_of(issue: Issue) -> tuple[Event, ...]:
    """Every event of `issue` in its order, those in conditional blocks too."""
    return tuple(event for article in issue.articles for event in _events_in(article.blocks))


def make_event_file(issue: Issue, event: Event) -> bytes:
    """The calendar file of `event`, one of `issue`'s; the same event gives the same bytes.

    Times are in UTC, so that no rules of a time zone have to go with them; an event of days is one wherever it is read.
    The event's identifier never changes, and each correction of the issue makes it a newer one (SEQUENCE), so that a
    calendar which has it already takes the new one in its place.
    """
    from icalendar import Calendar
    from icalendar import Event as CalendarEvent

    calendar, entry = Calendar(), CalendarEvent()
    calendar.add("version", "2.0")
    calendar.add("prodid", PRODUCT)
    entry.add("uid", str(event_uid(issue, event)))
    entry.add("dtstamp", _last_change(issue))
    if issue.meta.corrections:
        entry.add("sequence", len(issue.meta.corrections))
    _add_time(entry, event, issue.publication.zone)
    _add_text(entry, event, issue)
    calendar.add_component(entry)
    return bytes(calendar.to_ical())


def event_uid(issue: Issue, event: Event) -> uuid.UUID:
    """What calendars know `event` by: it depends on its name alone, that of its issue and the publication's tag."""
    # RFC 7986 §5.3 asks for a UUID; RFC 4151's name of the event makes it the same in every build.
    return uuid.uuid5(uuid.NAMESPACE_URL, f"tag:{issue.publication.tag}:{issue.key}/events/{event.slug}")


def _events_in(blocks: Iterable[Block]) -> Iterator[Event]:
    for block in blocks:
        if isinstance(block, Event):
            yield block
        elif isinstance(block, Branch):
            yield from _events_in((*block.blocks, *block.otherwise))


def _last_change(issue: Issue) -> dt.datetime:
    """RFC 5545 §3.8.7.2: without a METHOD, DTSTAMP is when what is said was last revised."""
    day = max((issue.meta.date, *(correction.date for correction in issue.meta.corrections)))
    return dt.datetime.combine(day, issue.publication.publish_time, issue.publication.zone).astimezone(dt.UTC)


def _add_time(entry: CalendarEvent, event: Event, zone: ZoneInfo) -> None:
    if not isinstance(event.starts, dt.datetime):
        entry.add("dtstart", event.starts)
        entry.add("dtend", (event.ends or event.starts) + dt.timedelta(days=1))  # RFC 5545 §3.6.1: it is not part of it
        return
    starts = local_moment(event.starts, zone)
    entry.add("dtstart", starts)
    if isinstance(event.ends, dt.datetime) and (ends := local_moment(event.ends, zone)) > starts:
        entry.add("dtend", ends)  # §3.8.2.2: it has to be later, which clocks that jump may prevent


def _add_text(entry: CalendarEvent, event: Event, issue: Issue) -> None:
    language = _language_of(issue, event)
    entry.add("summary", typeset(event.title, language, binding=False))
    if event.place:
        entry.add("location", typeset(event.place, language, binding=False))
    if event.text:
        entry.add("description", render_plain(write_fields(event.text, lambda use: use.fallback), language))
    entry.add("url", event.url or issue.url)


def _language_of(issue: Issue, event: Event) -> str:
    def holds(article: Article) -> bool:
        return any(other.slug == event.slug for other in _events_in(article.blocks))

    own = next((article.meta.language for article in issue.articles if holds(article)), None)
    return own or issue.publication.language
