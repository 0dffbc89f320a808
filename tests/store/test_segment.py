"""Segments in the store: SQL selects whom the same condition holds for in Python, and binds every value."""

from __future__ import annotations

import datetime as dt
import itertools
import random
from collections.abc import Iterator

import pytest
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from pressrun.address import parse_address
from pressrun.attribute import AttributeSchema
from pressrun.condition import Both, Contains, Day, Either, Facts, Not, Number, OneOf, Sign, Term, parse_condition
from pressrun.condition.term import settle_days
from pressrun.errors import UsageError
from pressrun.segment import segment_vocabulary
from pressrun.store.consent import Consent, ConsentBasis, record_consents
from pressrun.store.database import Database
from pressrun.store.event import Event, EventKind, record_events
from pressrun.store.people_tables import tags
from pressrun.store.segment import ListScope, compile_filter, sample_segment, size_segment
from pressrun.store.subscribers import find_list, leave_list, make_list
from pressrun.store.tables import deliveries, editions, memberships, sends, subscribers
from small_edition import NOW, addresses, fill_list

DAY = dt.timedelta(days=1)
VOCABULARY = segment_vocabulary(AttributeSchema(), {})
TODAY = NOW.date()

ATTACKS = (
    "'; DROP TABLE subscribers; --", '" OR 1=1 --', "%", "_", "\\", "a\\'b", "%s", "{0}", ":x", "?", "$1", "$.\"a\"",
    "x' UNION SELECT address FROM subscribers --", "\u202e", "*", "[a]",
)  # fmt: skip
TEXTS = ("", "Beijing", "beijing", "上海", "10", "9.5", "-3", "007", "1e3", "1.", "2026-01-31", "2026-13-99", "zh-CN",
         "zh", "zhx", "1234567890123456", *ATTACKS)  # fmt: skip
NAMES = ("city", "language", "first name", '"quoted" \\ name', "城市", "a.b", "$", "[0]", "x'y")


class Person:
    """A person made up, as rows and as what is known of them."""

    def __init__(self, chance: random.Random, number: int) -> None:
        self.id = number
        self.address = (
            f"{chance.choice('Ab')}{number}@{chance.choice(('other.example', 'Example.COM', 'bücher.example'))}"
        )
        self.name = chance.choice(TEXTS)
        self.attributes = {name: value for name in NAMES if (value := chance.choice(TEXTS)) and chance.random() < 0.7}
        self.lists = [name for name in ("spp", "guests") if chance.random() < 0.6]
        self.tags = [tag for tag in ("vip", "press", "'") if chance.random() < 0.4]
        self.joined = NOW - chance.randrange(60) * DAY
        self.sent = [NOW - chance.randrange(40) * DAY for _ in range(chance.randrange(4))]
        self.clicked = [NOW - chance.randrange(40) * DAY for _ in range(chance.choice((0, 0, 1, 3)))]
        self.confirmed = chance.random() < 0.5

    @property
    def facts(self) -> Facts:
        return {
            **self.attributes,
            "address": parse_address(self.address).key,
            "domain": parse_address(self.address).key.partition("@")[2],
            "name": self.name,
            "list": frozenset(self.lists),
            "tag": frozenset(self.tags),
            "joined": self.joined.date().isoformat(),
            "confirmed": "true" if self.confirmed else "false",
            "received": str(len(self.sent)),
            "last_sent": max(self.sent).date().isoformat() if self.sent else "",
            "opened": "0",
            "bounced": "0",
            "clicked": str(len(self.clicked)),
            "last_opened": "",
            "last_clicked": max(self.clicked).date().isoformat() if self.clicked else "",
        }


async def store(database: Database, people: list[Person]) -> None:
    async with database.write() as connection:
        lists = {name: await make_list(connection, name, NOW) for name in ("spp", "guests")}
        await connection.execute(sa.insert(editions), {"id": "e", "issue": "spp/1", "content": b"", "created_at": NOW})
        send = {"id": 1, "issue": "spp/1", "list": "spp", "edition_id": "e", "created_at": NOW}
        await connection.execute(sa.insert(sends), send)
        for one in people:
            parsed = parse_address(one.address)
            row = {"id": one.id, "address": parsed.address, "address_key": parsed.key, "name": one.name}
            moments = {"created_at": one.joined, "updated_at": NOW}
            await connection.execute(sa.insert(subscribers), {**row, "attributes": one.attributes, **moments})
            for name in one.lists:
                member = {"list_id": lists[name], "subscriber_id": one.id, "joined_at": one.joined}
                await connection.execute(sa.insert(memberships), member)
            for tag in one.tags:
                await connection.execute(sa.insert(tags), {"subscriber_id": one.id, "tag": tag})
            await _store_history(connection, one)


async def _store_history(connection: sa.ext.asyncio.AsyncConnection, one: Person) -> None:
    for n, at in enumerate(one.sent):
        row = {
            "send_id": 1, "issue": f"spp/{n}", "subscriber_id": one.id, "address": one.address,
            "address_key": f"{one.id}", "attributes": {}, "state": "sent", "message_id": "<m>", "due_at": at,
            "created_at": at, "updated_at": at,
        }  # fmt: skip
        await connection.execute(sa.insert(deliveries), row)
    clicks = [Event(EventKind.CLICKED, at, one.id, issue=f"spp/{n}") for n, at in enumerate(one.clicked)]
    await record_events(connection, [*clicks, *clicks[:1]])  # a second click in one issue counts once
    if one.confirmed:
        await record_consents(connection, one.id, [Consent("spp", ConsentBasis.DOUBLE_OPT_IN, "form", NOW)])


def make_term(chance: random.Random, depth: int = 3) -> Term:
    kind = chance.randrange(8 if depth else 5)
    if kind < 5:
        return _make_leaf(chance, kind)
    if kind == 5:
        return Not(make_term(chance, depth - 1))
    terms = tuple(make_term(chance, depth - 1) for _ in range(chance.randint(2, 3)))
    return Both(terms) if kind == 6 else Either(terms)


def _make_leaf(chance: random.Random, kind: int) -> Term:
    signs = list(Sign)
    if kind == 0:
        name = chance.choice((*NAMES, "name", "domain", "address", "list", "tag"))
        values = (*TEXTS, "other.example", "vip", "spp", "zh-*", "xn--bcher-kva.example")
        return OneOf(name, tuple(chance.choices(values, k=chance.randint(1, 3))))
    if kind == 1:
        return Number(chance.choice((*NAMES, "name")), chance.choice(signs), chance.choice(("0", "9.5", "10", "-3")))
    if kind == 2:
        return Contains(chance.choice((*NAMES, "name", "domain")), chance.choice([text for text in TEXTS if text]))
    if kind == 3:
        names = ("joined", "last_sent", "last_clicked", "last_opened", *NAMES[:2])
        days = ("2026-01-31", "30 days ago", "today", TODAY.isoformat())
        return Day(chance.choice(names), chance.choice(signs[1:]), chance.choice(days))
    counted = ("received", "clicked", "opened", "bounced")
    return chance.choice((
        Number(chance.choice(counted), chance.choice(signs), chance.choice(("0", "1", "2.5", "3"))),
        OneOf("confirmed", (chance.choice(("true", "false")),)),
        OneOf(chance.choice(("joined", "last_sent")), (chance.choice(("", TODAY.isoformat())),)),
    ))  # fmt: skip


async def test_sql_selects_whom_the_condition_holds_for(database: Database) -> None:
    chance = random.Random(6)
    people = [Person(chance, number) for number in range(1, 60)]
    await store(database, people)
    async with database.read() as connection:
        for _ in range(400):
            term = make_term(chance)
            settled = settle_days(term, TODAY)
            query = sa.select(subscribers.c.id).where(compile_filter(term, NOW))
            selected = set((await connection.scalars(query)).all())
            assert selected == {one.id for one in people if settled.holds(one.facts)}, term


@pytest.mark.parametrize("dialect", [sqlite.dialect(), postgresql.dialect()], ids=["sqlite", "postgresql"])
def test_no_value_stands_in_the_statement(dialect: sa.Dialect) -> None:
    marker = "zq'\"x7"
    term = Both(
        (
            OneOf("city", (marker, f"{marker}2")), Contains("city", marker), OneOf("list", (marker,)),
            Not(OneOf(marker, ("",))), OneOf("tag", (marker,)), Number("city", Sign.ABOVE, "7341"),
            Number("received", Sign.ABOVE, "7341"), Day("city", Sign.BELOW, "1987-06-05"),
            Day("joined", Sign.BELOW, "1987-06-05"), OneOf("language", (f"{marker}-*",)),
            Day("last_sent", Sign.BELOW, "1987-06-05"), OneOf("name", (marker,)), OneOf("domain", (marker,)),
        )
    )  # fmt: skip
    for scope in (None, ListScope(7341, marker)):
        said = str(compile_filter(term, NOW, scope).compile(dialect=dialect))
        assert not [piece for piece in ("zq", "x7", "7341", "1987") if piece in said], said


@pytest.mark.parametrize("text", ATTACKS)
async def test_an_attack_in_a_filter_finds_nobody_and_breaks_nothing(database: Database, text: str) -> None:
    await fill_list(database, "spp", addresses(3))
    quoted = text.replace("\\", "\\\\").replace('"', '\\"')
    for form in ('city == "{}"', 'name contains "{}"', 'tag == "{}"', 'list == "{}"', 'domain == "{}"'):
        term = parse_condition(form.replace("{}", quoted), VOCABULARY).term
        assert await size_segment(database, term, NOW, "spp") == 0
        assert await size_segment(database, Not(term), NOW, "spp") == 3


async def test_of_a_list_only_those_count_who_are_on_it_now(database: Database) -> None:
    await fill_list(database, "spp", addresses(3))
    await fill_list(database, "guests", addresses(2))
    await leave_list(database, 1, "spp", NOW)
    everybody = Not(OneOf("domain", ("",)))
    assert await size_segment(database, everybody, NOW) == 3
    assert await size_segment(database, everybody, NOW, "spp") == 2
    assert await size_segment(database, OneOf("list", ("spp",)), NOW, "guests") == 1
    with pytest.raises(UsageError, match="there is no list 'spq'"):
        await size_segment(database, everybody, NOW, "spq")


async def test_joined_is_about_the_list_that_is_asked(database: Database) -> None:
    await fill_list(database, "spp", addresses(2))
    async with database.write() as connection:
        list_id = await find_list(connection, "spp")
        early = sa.update(memberships).where(memberships.c.list_id == list_id, memberships.c.subscriber_id == 1)
        await connection.execute(early.values(joined_at=NOW - 90 * DAY))
    term = Day("joined", Sign.BELOW, "30 days ago")
    assert [await size_segment(database, term, NOW, name) for name in ("spp", None)] == [1, 0]


async def test_a_sample_is_drawn_by_chance_from_the_segment_alone(database: Database) -> None:
    people = addresses(40)
    await fill_list(database, "spp", people)
    term = Contains("address", "1")
    fit = {address for address in people if "1" in address}

    async def draw(seed: int) -> list[str]:
        rows = await sample_segment(database, term, NOW, 5, random.Random(seed), "spp")
        return [row["address"] for row in rows]

    drawn = [await draw(seed) for seed in range(6)]
    assert all(len(set(one)) == 5 and set(one) <= fit for one in drawn)
    assert await draw(3) == drawn[3]
    assert len({tuple(one) for one in drawn}) > 1


def boundaries() -> Iterator[tuple[str, str]]:
    return itertools.product(("<", "<=", "==", ">=", ">"), ("0001-01-01", "9999-12-31", "2024-02-29"))


@pytest.mark.parametrize(("sign", "day"), list(boundaries()))
async def test_the_calendars_ends_are_days_as_well(database: Database, sign: str, day: str) -> None:
    await fill_list(database, "spp", addresses(1))
    joined = parse_condition(f'joined {sign} "{day}"', VOCABULARY).term
    wanted = parse_condition(f'joined {sign} "{day}"').holds({"joined": TODAY.isoformat()})
    assert await size_segment(database, joined, NOW, "spp") == wanted
