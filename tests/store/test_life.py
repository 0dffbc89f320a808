"""The life of a person: whatever happens in whatever order, who doesn't want mail is never claimed."""

from __future__ import annotations

import asyncio
import datetime as dt
import tempfile
from contextlib import AsyncExitStack

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from person_story import DAY, put_on_list
from postgres_database import fresh_postgres
from pressrun.address import ParsedAddress, parse_address
from pressrun.delivery.leave_link import Leave
from pressrun.delivery.outcome import State
from pressrun.errors import UsageError
from pressrun.store.database import open_database
from pressrun.store.delivery_log import count_states, plan
from pressrun.store.departure import depart
from pressrun.store.forget import forget, is_forgotten, remember
from pressrun.store.journal import Scope, Settled, open_journal
from pressrun.store.move import change_address
from pressrun.store.pause import pause, resume
from pressrun.store.people_tables import consents, forgotten, tags
from pressrun.store.person import find_subscriber, read_person
from pressrun.store.retention import Ages, let_go
from pressrun.store.subscribers import make_list
from pressrun.store.suppression import lift_suppression, suppress
from pressrun.store.tables import deliveries, memberships, subscribers
from pressrun.store.tag import tag
from small_edition import KEY, NOW, make_edition

PEOPLE = [parse_address(f"{name}@example.com") for name in ("ann", "ben", "cleo")]
people = st.sampled_from(PEOPLE)


class Life(RuleBasedStateMachine):
    """People come and go against a model that knows only what each of them wants."""

    url = ""

    def __init__(self) -> None:
        super().__init__()
        self.runner, self.stack = asyncio.Runner(), AsyncExitStack()
        self.now, self.issues = NOW, 0
        self.on: set[str] = set()
        self.suppressed: set[str] = set()
        self.forgotten: set[str] = set()
        self.paused: dict[str, dt.datetime] = {}
        self.mailed: set[tuple[int, str]] = set()
        self.runner.run(self._set_up())
        for who in PEOPLE:
            self.join(who)
        self.publish()

    async def _set_up(self) -> None:
        self.database = await self.stack.enter_async_context(open_database(self.url))
        self.journal = await self.stack.enter_async_context(open_journal(self.database))
        async with self.database.write() as connection:
            for table in (deliveries, subscribers, forgotten):
                await connection.execute(sa.delete(table))
            await connection.execute(sa.text("DELETE FROM suppressions"))
            await make_list(connection, "all", NOW)

    def teardown(self) -> None:
        self.runner.run(self.stack.aclose())
        self.runner.close()

    def _id(self, who: ParsedAddress) -> int | None:
        async def find() -> int | None:
            async with self.database.read() as connection:
                return await find_subscriber(connection, who)

        return self.runner.run(find())

    @rule(who=people)
    def join(self, who: ParsedAddress) -> None:
        """By their own wish: whatever was before, they are back."""

        async def come(person: int) -> None:
            async with self.database.write() as connection:
                await remember(connection, KEY, who.key, person)
                mine = sa.update(memberships).where(memberships.c.subscriber_id == person)
                await connection.execute(mine.values(left_at=None, joined_at=self.now))

        if self._id(who) is None:
            self.runner.run(put_on_list(self.database, "all", [who.address]))
        self.runner.run(come(self._id(who) or 0))
        self.on.add(who.key)
        self.forgotten.discard(who.key)

    @rule(who=people)
    def leave(self, who: ParsedAddress) -> None:
        self.runner.run(depart(self.database, [Leave(self._id(who) or 0, "all")], self.now, "page"))
        self.on.discard(who.key)
        self.paused.pop(who.key, None)

    @rule(who=people, days=st.integers(1, 3))
    def pause(self, who: ParsedAddress, days: int) -> None:
        until = self.now + days * DAY
        self.runner.run(pause(self.database, self._id(who) or 0, until, self.now))
        if who.key in self.on:
            self.paused[who.key] = until

    @rule(who=people)
    def resume(self, who: ParsedAddress) -> None:
        self.runner.run(resume(self.database, self._id(who) or 0, self.now))
        self.paused.pop(who.key, None)

    @rule(who=people)
    def suppress(self, who: ParsedAddress) -> None:
        self.runner.run(suppress(self.database, who, "bounced", "olga", self.now))
        self.suppressed.add(who.key)

    @rule(who=people)
    def lift(self, who: ParsedAddress) -> None:
        self.runner.run(lift_suppression(self.database, who, "well again", "olga", self.now))
        self.suppressed.discard(who.key)

    @rule(who=people)
    def tag(self, who: ParsedAddress) -> None:
        if person := self._id(who):
            self.runner.run(tag(self.database, person, ["vip"], self.now))

    @rule(who=people)
    def forget(self, who: ParsedAddress) -> None:
        self.runner.run(forget(self.database, KEY, who, self.now))
        self.on.discard(who.key)
        self.suppressed.discard(who.key)
        self.paused.pop(who.key, None)
        self.forgotten.add(who.key)

    @rule(who=people, other=people)
    def change_address(self, who: ParsedAddress, other: ParsedAddress) -> None:
        """Nobody gets somebody's address, a suppressed or a forgotten one."""
        is_free = self._id(other) is None and other.key not in self.suppressed | self.forgotten
        if self._id(who) is None or is_free or who == other:
            return  # the model follows nobody to another address; `test_move` does
        with pytest.raises(UsageError):
            self.runner.run(change_address(self.database, KEY, who, other, self.now))

    @rule()
    def publish(self) -> None:
        self.issues += 1
        edition = make_edition(issue=f"spp/{self.issues}", id=f"{self.issues:064}")
        self.runner.run(plan(self.database, edition, "all", self.now))

    @rule()
    def plan_again(self) -> None:
        for number in range(1, self.issues + 1):
            edition = make_edition(issue=f"spp/{number}", id=f"{number:064}")
            self.runner.run(plan(self.database, edition, "all", self.now))

    @rule(days=st.integers(1, 3))
    def wait(self, days: int) -> None:
        self.now += days * DAY

    @rule()
    def let_go(self) -> None:
        self.runner.run(let_go(self.database, KEY, Ages(addresses=1, events=1), self.now))

    @rule()
    def send(self) -> None:
        """Whoever is claimed wants mail, and had none of this issue before."""
        for number in range(1, self.issues + 1):
            self._send(number)

    def _send(self, number: int) -> None:
        scope = Scope(f"spp/{number}", "w", expiry=dt.timedelta(days=10_000))
        claimed = self.runner.run(self.journal.claim(scope, 10, self.now))
        for row in claimed:
            key = parse_address(row.address).key
            assert key in self.on and key not in self.suppressed | self.forgotten
            assert self.paused.get(key, self.now) <= self.now
            assert (number, key) not in self.mailed
            self.mailed.add((number, key))
        done = [Settled(row.id, State.SENT, 1, 250, None, f"<{row.address}> ok", self.now, self.now) for row in claimed]
        self.runner.run(self.journal.write("w", done, (), self.now))

    @invariant()
    def the_store_agrees(self) -> None:
        self.runner.run(self._compare())

    async def _compare(self) -> None:
        for who in PEOPLE:
            person = await read_person(self.database, KEY, who)
            assert (who.key in self.on) == any(one.left_at is None for one in person.lists)
            assert (who.key in self.suppressed) == (person.suppression is not None)
            if who.key in self.forgotten:
                assert (person.id, person.events, person.tags) == (None, (), ())
                assert not any(row.address or row.reply == f"<{who}> ok" for row in person.deliveries)
            async with self.database.read() as connection:
                assert await is_forgotten(connection, KEY, who.key) == (who.key in self.forgotten)
        async with self.database.read() as connection:
            known = sa.select(subscribers.c.id)
            for table in (tags, consents, memberships):
                assert not (await connection.scalars(sa.select(table).where(table.c.subscriber_id.not_in(known)))).all()
        for number in range(1, self.issues + 1):
            sent = sum(issue == number for issue, _ in self.mailed)
            assert (await count_states(self.database, f"spp/{number}"))[State.SENT] == sent


def live(url: str, examples: int) -> None:
    of_this = type("Of", (Life,), {"url": url})
    slow = [HealthCheck.too_slow]
    run_state_machine_as_test(  # type: ignore[no-untyped-call]
        of_this,
        settings=settings(max_examples=examples, stateful_step_count=20, deadline=None, suppress_health_check=slow),
    )


def test_who_does_not_want_mail_is_never_claimed() -> None:
    with tempfile.TemporaryDirectory() as folder:
        live(f"sqlite:///{folder}/pressrun.db", 12)


@pytest.mark.postgres
async def test_nor_on_postgresql() -> None:
    async with fresh_postgres() as url:
        await asyncio.to_thread(live, url, 5)
