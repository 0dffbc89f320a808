"""Counted links in the store: where they lead, and how often they were followed by whom."""

from __future__ import annotations

import datetime as dt
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from pressrun.agent import SOONEST, Agent
from pressrun.render.edition import Edition
from pressrun.store.database import Database
from pressrun.store.event import Event, EventKind, record_events
from pressrun.store.people_tables import events, link_counts, links
from pressrun.store.subscribers import insert_into
from pressrun.store.tables import deliveries, subscribers
from pressrun.tracking import ATTRIBUTE, LinkKind, link_id

_BATCH = 500


@dataclass(frozen=True)
class Link:
    """A counted link; `url` is where it leads, empty for the picture that counts opens."""

    id: int
    issue: str
    kind: LinkKind
    url: str


@dataclass(frozen=True)
class Hit:
    """A counted link that was asked for; `delivery_id` says in whose mail, where it says so."""

    link: Link
    at: dt.datetime
    agent: Agent
    delivery_id: int | None = None


@dataclass(frozen=True)
class LinkCount:
    """How often a link was asked for, by kind of agent; `people` are those who agreed to be counted and did."""

    kind: LinkKind
    url: str
    counts: Mapping[Agent, int]
    people: int

    @property
    def by_readers(self) -> int:
        """How often it was asked for as far as nothing speaks against its having been a reader."""
        return self.counts.get(Agent.READER, 0)


async def keep_links(connection: AsyncConnection, edition: Edition, now: dt.datetime) -> None:
    """Keep where the counted links of `edition` lead, before any of its messages leaves."""
    counted = [(LinkKind.CLICK, url) for url in edition.links]
    if edition.opens != "none":
        counted.append((LinkKind.OPEN, ""))
    rows = [
        {"id": link_id(edition.issue, kind, url), "issue": edition.issue, "kind": kind.value, "url": url}
        for kind, url in counted
    ]
    if rows:
        new = insert_into(connection, links).on_conflict_do_nothing()
        await connection.execute(new, [row | {"created_at": now} for row in rows])


async def find_link(database: Database, number: int) -> Link | None:
    """The link with that id."""
    query = sa.select(links.c.id, links.c.issue, links.c.kind, links.c.url).where(links.c.id == number)
    async with database.read() as connection:
        row = (await connection.execute(query)).one_or_none()
    return Link(row.id, row.issue, LinkKind(row.kind), row.url) if row else None


async def count_hits(database: Database, hits: Sequence[Hit]) -> None:
    """Add what was asked for to the counts, by day (UTC) and agent; readers' own, where they agree to it, as events.

    What was asked for sooner after its mail left than anybody reads was not asked for by a reader.
    """
    if not hits:
        return
    async with database.write() as connection:
        known = await _mails_of(connection, sorted({hit.delivery_id for hit in hits if hit.delivery_id is not None}))
        judged = [_judge(hit, known.get(hit.delivery_id)) for hit in hits]
        await _add_counts(connection, judged)
        own = [(hit, known[hit.delivery_id]) for hit in judged if hit.delivery_id in known]
        await record_events(connection, [_event(hit, mail) for hit, mail in own if _is_by_name(hit, mail)])


@dataclass(frozen=True)
class _Mail:
    """The delivery that a link says it was in."""

    person: int
    issue: str
    sent_at: dt.datetime
    is_agreed: bool  # whether its person agrees to be counted now, whatever they did when it was sent


async def _mails_of(connection: AsyncConnection, delivery_ids: Sequence[int]) -> dict[int | None, _Mail]:
    found: dict[int | None, _Mail] = {}
    agrees = sa.func.coalesce(subscribers.c.attributes[ATTRIBUTE].as_string() == "yes", sa.false())
    columns = (deliveries.c.id, subscribers.c.id, deliveries.c.issue, deliveries.c.updated_at, agrees)
    for start in range(0, len(delivery_ids), _BATCH):
        query = (
            sa.select(*columns)
            .join_from(deliveries, subscribers, subscribers.c.id == deliveries.c.subscriber_id)
            .where(deliveries.c.id.in_(delivery_ids[start : start + _BATCH]))
        )
        found |= {row[0]: _Mail(row[1], row[2], row[3], bool(row[4])) for row in await connection.execute(query)}
    return found


def _judge(hit: Hit, mail: _Mail | None) -> Hit:
    is_too_soon = mail is not None and hit.at - mail.sent_at < SOONEST
    return replace(hit, agent=Agent.SCANNER) if is_too_soon and hit.agent is Agent.READER else hit


def _is_by_name(hit: Hit, mail: _Mail) -> bool:
    return hit.agent is Agent.READER and mail.is_agreed and mail.issue == hit.link.issue


def _event(hit: Hit, mail: _Mail) -> Event:
    kind = EventKind.CLICKED if hit.link.kind is LinkKind.CLICK else EventKind.OPENED
    detail = {"url": hit.link.url} if hit.link.url else {}
    return Event(kind, hit.at, mail.person, issue=mail.issue, delivery_id=hit.delivery_id, detail=detail)


async def _add_counts(connection: AsyncConnection, hits: Sequence[Hit]) -> None:
    counted = Counter((hit.link.id, hit.at.astimezone(dt.UTC).date(), hit.agent.value) for hit in hits)
    rows = [
        {"link_id": number, "day": day, "agent": agent, "count": count}
        for (number, day, agent), count in sorted(counted.items())  # in one order: nobody waits for each other
    ]
    new = insert_into(connection, link_counts)
    more = {"count": link_counts.c.count + new.excluded.count}
    await connection.execute(new.on_conflict_do_update(index_elements=["link_id", "day", "agent"], set_=more), rows)


async def read_link_counts(database: Database, issue: str) -> list[LinkCount]:
    """How often each counted link of `issue` was asked for: opens first, then the links, the most read first."""
    async with database.read() as connection:
        return await link_counts_of(connection, issue)


async def link_counts_of(connection: AsyncConnection, issue: str) -> list[LinkCount]:
    """The same on a connection of the caller's."""
    known = sa.select(links.c.id, links.c.kind, links.c.url).where(links.c.issue == issue)
    found = [Link(row.id, issue, LinkKind(row.kind), row.url) for row in await connection.execute(known)]
    if not found:
        return []
    total = sa.func.sum(link_counts.c.count)
    summed = (
        sa.select(link_counts.c.link_id, link_counts.c.agent, total)
        .join_from(link_counts, links)
        .where(links.c.issue == issue)
        .group_by(link_counts.c.link_id, link_counts.c.agent)
    )
    counts: dict[int, dict[Agent, int]] = defaultdict(dict)
    for number, agent, count in await connection.execute(summed):
        counts[number][Agent(agent)] = int(count)
    people = await _people_of(connection, issue)
    made = [LinkCount(link.kind, link.url, counts[link.id], people.get((link.kind, link.url), 0)) for link in found]
    return sorted(made, key=lambda one: (one.kind is LinkKind.CLICK, -one.by_readers, one.url))


async def _people_of(connection: AsyncConnection, issue: str) -> dict[tuple[LinkKind, str], int]:
    kinds = {EventKind.CLICKED.value: LinkKind.CLICK, EventKind.OPENED.value: LinkKind.OPEN}
    url = sa.func.coalesce(events.c.detail["url"].as_string(), "").label("url")
    query = (
        sa.select(events.c.kind, url, sa.func.count(sa.distinct(events.c.subscriber_id)).label("people"))
        .where(events.c.issue == issue, events.c.kind.in_(list(kinds)))
        .group_by(events.c.kind, url)
    )
    return {(kinds[row.kind], row.url): int(row.people) for row in await connection.execute(query)}
