"""Segments in the store: a filter's condition as SQL of either dialect, and whom it selects."""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from pressrun.condition import Both, Contains, Day, Either, Not, Number, OneOf, Sign, Term
from pressrun.condition.term import Leaf, settle_days
from pressrun.delivery.outcome import State
from pressrun.store.consent import ConsentBasis
from pressrun.store.database import Database
from pressrun.store.event import EventKind
from pressrun.store.expression import attribute_of, day_bounds, domain_of, find_text, is_day_text, number_of
from pressrun.store.people_tables import consents, events, tags
from pressrun.store.subscribers import find_list
from pressrun.store.tables import deliveries, lists, memberships, subscribers

Where = sa.ColumnElement[bool]


@dataclass(frozen=True)
class ListScope:
    """The list whose members are asked for: `joined` and `confirmed` are then about it."""

    id: int
    name: str


def compile_filter(term: Term, now: dt.datetime, of_list: ListScope | None = None) -> Where:
    """The people for whom `term` holds at `now`, as a condition on `subscribers`; it is never NULL.

    Without a list, `joined` is when they were first stored, and `confirmed` is about any list. Days are days of UTC.
    All values are bound.
    """
    return _Compiler(of_list).compile(settle_days(term, now.astimezone(dt.UTC).date()))


async def find_scope(connection: AsyncConnection, list_name: str | None) -> ListScope | None:
    """The list of that name; None where none is named. Raises UsageError."""
    return None if list_name is None else ListScope(await find_list(connection, list_name), list_name)


async def size_segment(database: Database, term: Term, now: dt.datetime, list_name: str | None = None) -> int:
    """How many people `term` holds for: of a list's members now, or of everybody. Raises UsageError."""
    async with database.read() as connection:
        scope = await find_scope(connection, list_name)
        query = sa.select(sa.func.count()).select_from(subscribers)
        return int(await connection.scalar(query.where(*_selected(term, now, scope))) or 0)


async def sample_segment(
    database: Database, term: Term, now: dt.datetime, count: int, chance: random.Random, list_name: str | None = None
) -> list[Mapping[str, Any]]:
    """Up to `count` people for whom `term` holds, drawn by chance: address, name and attributes. Raises UsageError."""
    # Spread over all ids without a random number for each row: multiples of an odd number, by their low bits.
    factor = chance.randrange(1 << 20, 1 << 30) | 1
    order = (subscribers.c.id * factor).op("%")(1 << 31)
    person = (subscribers.c.address, subscribers.c.name, subscribers.c.attributes)
    async with database.read() as connection:
        scope = await find_scope(connection, list_name)
        query = sa.select(*person).where(*_selected(term, now, scope)).order_by(order).limit(count)
        return [dict(row) for row in (await connection.execute(query)).mappings()]


def _selected(term: Term, now: dt.datetime, scope: ListScope | None) -> Sequence[Where]:
    found = [compile_filter(term, now, scope)]
    if scope is not None:
        member = sa.select(memberships.c.subscriber_id).where(memberships.c.list_id == scope.id)
        found.append(subscribers.c.id.in_(member.where(memberships.c.left_at.is_(None))))
    return found


class _Compiler:
    """Turns terms into SQL; what is counted or looked up elsewhere becomes one subquery for all people at once."""

    def __init__(self, scope: ListScope | None) -> None:
        self._scope = scope
        self._special: Mapping[str, Callable[[Leaf], Where]] = {
            "list": self._on_lists,
            "tag": self._tagged,
            "confirmed": self._confirmed,
            "joined": lambda leaf: _in_days(leaf, self._joined),
            **{name: self._counted for name in _COUNTED},
            **{name: self._last for name in _LAST},
        }

    def compile(self, term: Term) -> Where:
        if isinstance(term, Not):
            return sa.not_(self.compile(term.term))
        if isinstance(term, Both):
            return sa.and_(sa.true(), *map(self.compile, term.terms))
        if isinstance(term, Either):
            return sa.or_(sa.false(), *map(self.compile, term.terms))
        return self._special[term.name](term) if term.name in self._special else _of_text(term, _text_of(term.name))

    @property
    def _joined(self) -> sa.ColumnElement[Any]:
        if self._scope is None:
            return subscribers.c.created_at
        member = memberships.alias()
        query = sa.select(member.c.joined_at).where(member.c.list_id == self._scope.id)
        return query.where(member.c.subscriber_id == subscribers.c.id).correlate(subscribers).scalar_subquery()

    def _on_lists(self, leaf: Leaf) -> Where:
        on = memberships.alias()
        present = sa.select(on.c.subscriber_id).where(on.c.left_at.is_(None))
        named = sa.select(lists.c.id).where(lists.c.name.in_(_values(leaf)))
        return _among_several(leaf, present, on.c.list_id.in_(named))

    def _tagged(self, leaf: Leaf) -> Where:
        return _among_several(leaf, sa.select(tags.c.subscriber_id), tags.c.tag.in_(_values(leaf)))

    def _confirmed(self, leaf: Leaf) -> Where:
        given = sa.select(consents.c.subscriber_id).where(
            consents.c.basis == ConsentBasis.DOUBLE_OPT_IN.value, consents.c.withdrawn_at.is_(None)
        )
        if self._scope is not None:
            given = given.where(consents.c.list == self._scope.name)
        wanted = [subscribers.c.id.in_(given)] if "true" in _values(leaf) else []
        others = [subscribers.c.id.not_in(given)] if "false" in _values(leaf) else []
        return sa.or_(sa.false(), *wanted, *others)

    def _counted(self, leaf: Leaf) -> Where:
        people, number, condition = _COUNTED[leaf.name]
        if not isinstance(leaf, Number):
            return sa.false()
        bound = float(leaf.value)
        met = leaf.sign.compare(number, sa.literal(bound, sa.Double))
        counts = sa.select(people).where(condition, people.is_not(None)).group_by(people)
        if leaf.sign.compare(0.0, bound):  # whoever has nothing to count meets it too
            return subscribers.c.id.not_in(counts.having(sa.not_(met)))
        return subscribers.c.id.in_(counts.having(met))

    def _last(self, leaf: Leaf) -> Where:
        people, moment, condition = _LAST[leaf.name]
        known = sa.select(people).where(condition, people.is_not(None)).group_by(people)
        latest = sa.func.max(moment, type_=moment.type)
        if isinstance(leaf, Day):
            return subscribers.c.id.in_(known.having(_compare_day(latest, leaf.sign, leaf.value)))
        days = [_compare_day(latest, Sign.EQUAL, value) for value in _values(leaf) if value]
        found = [subscribers.c.id.in_(known.having(sa.or_(*days)))] if days else []
        never = [subscribers.c.id.not_in(known)] if "" in _values(leaf) else []
        return sa.or_(sa.false(), *found, *never)


_SENT = deliveries.c.state == State.SENT.value
_COUNTED = {
    "received": (deliveries.c.subscriber_id, sa.func.count(), _SENT),
    **{
        name: (events.c.subscriber_id, sa.func.count(events.c.issue.distinct()), events.c.kind == kind.value)
        for name, kind in (
            ("opened", EventKind.OPENED), ("clicked", EventKind.CLICKED), ("bounced", EventKind.BOUNCED),
        )
    },
}  # fmt: skip
"""What is counted of a person: by which column it is theirs, how, and in which rows."""

_LAST = {
    "last_sent": (deliveries.c.subscriber_id, deliveries.c.updated_at, _SENT),
    "last_opened": (events.c.subscriber_id, events.c.at, events.c.kind == EventKind.OPENED.value),
    "last_clicked": (events.c.subscriber_id, events.c.at, events.c.kind == EventKind.CLICKED.value),
}
"""What a person did, or got, last: likewise, by its moment."""


def _values(leaf: Leaf) -> tuple[str, ...]:
    return leaf.values if isinstance(leaf, OneOf) else ()


def _among_several(leaf: Leaf, present: sa.Select[Any], named: Where) -> Where:
    """Where a person may have several: one of them is among the values, or there is none and "" is."""
    none = [subscribers.c.id.not_in(present)] if "" in _values(leaf) else []
    return sa.or_(subscribers.c.id.in_(present.where(named)), *none)


def _text_of(name: str) -> sa.ColumnElement[str]:
    if name == "name":
        return subscribers.c.name
    if name == "address":
        return subscribers.c.address_key
    if name == "domain":
        return domain_of(subscribers.c.address_key)
    return sa.func.coalesce(attribute_of(subscribers.c.attributes, name), "")


def _of_text(leaf: Leaf, text: sa.ColumnElement[str]) -> Where:
    if isinstance(leaf, Contains):
        return find_text(text, leaf.value) > 0
    if isinstance(leaf, Number):
        met = leaf.sign.compare(number_of(text), sa.literal(float(leaf.value), sa.Double))
        return sa.func.coalesce(met, sa.false())
    if isinstance(leaf, Day):
        return sa.and_(is_day_text(text), leaf.sign.compare(text, leaf.value))
    ranges = leaf.ranges if leaf.name == "language" else ()
    below = [sa.func.substr(text, 1, len(start)) == start for start in ranges]
    return sa.or_(text.in_(leaf.values), *below)


def _in_days(leaf: Leaf, moment: sa.ColumnElement[Any]) -> Where:
    if isinstance(leaf, Day):
        met = _compare_day(moment, leaf.sign, leaf.value)
    else:
        met = sa.or_(sa.false(), *(_compare_day(moment, Sign.EQUAL, value) for value in _values(leaf) if value))
    return sa.func.coalesce(met, sa.false())


def _compare_day(moment: sa.ColumnElement[Any], sign: Sign, day: str) -> Where:
    """Whether the day of `moment` compares so with `day`."""
    begin, end = day_bounds(day)
    if sign is Sign.EQUAL:
        return sa.and_(moment >= begin, moment < end)
    if sign in (Sign.BELOW, Sign.AT_LEAST):
        return sign.compare(moment, begin)  # type: ignore[no-any-return]
    return moment < end if sign is Sign.AT_MOST else moment >= end
