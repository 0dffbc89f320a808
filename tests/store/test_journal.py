"""The journal: whatever comes of workers and their leases, a row is one worker's at a time and tells the truth."""

from __future__ import annotations

import asyncio
import datetime as dt
import tempfile
from collections.abc import Iterable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from functools import partial

import asyncpg
import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule, run_state_machine_as_test

from postgres_database import fresh_postgres
from pressrun.address import parse_address
from pressrun.delivery.outcome import State
from pressrun.errors import StoreError
from pressrun.store.claim import give_back, put_off, recover, register_worker, repeat_in_doubt, retire_worker
from pressrun.store.database import Database, open_database
from pressrun.store.delivery_log import plan
from pressrun.store.journal import Claimed, Mark, Scope, Settled, open_journal
from pressrun.store.journal_postgres import _MARK
from pressrun.store.subscribers import suppress_address
from pressrun.store.tables import deliveries, workers
from small_edition import NOW, addresses, fill_list, make_edition

ISSUE = "spp/2026-02"
LEASE = dt.timedelta(seconds=30)
EXPIRY = dt.timedelta(days=3)
SECOND = dt.timedelta(seconds=1)
ROWS = 6
WORKERS = ("a", "b", "c")
HELD = ("sending", "dot")

workers_of = st.sampled_from(WORKERS)
places = st.lists(st.integers(0, ROWS - 1), min_size=1, max_size=4, unique=True)
outcomes = st.sampled_from([State.SENT, State.FAILED, State.DEFERRED, State.QUEUED, State.IN_DOUBT])


@dataclass
class Expected:
    """A row as it should be."""

    state: str = "queued"
    worker: str | None = None
    attempts: int = 0
    due_at: dt.datetime = NOW
    repeated: bool = False


class Interleaving(RuleBasedStateMachine):
    """Workers that live, die and come back late, against a model that knows only the promises."""

    url = ""

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.stack = AsyncExitStack()
        self.now = NOW
        self.ids: list[int] = []
        self.runner.run(self._set_up())
        self.rows = {row_id: Expected() for row_id in self.ids}
        self.leases: dict[str, dt.datetime] = {}
        for worker in WORKERS:
            self._register(worker)

    async def _set_up(self) -> None:
        self.database = await self.stack.enter_async_context(open_database(self.url))
        self.journal = await self.stack.enter_async_context(open_journal(self.database))
        await fill_list(self.database, "all", addresses(ROWS))
        await plan(self.database, make_edition(), "all", NOW)
        fresh = {"state": "queued", "worker_id": None, "attempts": 0, "due_at": NOW, "repeated": False, "form": None}
        async with self.database.write() as connection:
            await connection.execute(sa.update(deliveries).values(created_at=NOW, code=None, reply=None, **fresh))
            await connection.execute(sa.delete(workers))
            self.ids = list((await connection.scalars(sa.select(deliveries.c.id).order_by(deliveries.c.id))).all())

    def teardown(self) -> None:
        self.runner.run(self.stack.aclose())
        self.runner.close()

    @rule(worker=workers_of)
    def register(self, worker: str) -> None:
        """A worker begins; one whose lease was lost keeps its name here, as a zombie does."""
        if worker not in self.leases:
            self._register(worker)

    def _register(self, worker: str) -> None:
        self.runner.run(register_worker(self.database, worker, "host", 1, self.now, LEASE))
        self.leases[worker] = self.now + LEASE

    @rule(worker=workers_of, limit=st.integers(1, 4))
    def claim(self, worker: str, limit: int) -> None:
        if worker not in self.leases:
            return
        free = [row_id for row_id in self.ids if self._is_due(self.rows[row_id])]
        claimed = self.runner.run(self.journal.claim(Scope(ISSUE, worker, expiry=EXPIRY), limit, self.now))
        assert len(claimed) == min(limit, len(free))
        for one in claimed:
            expected = self.rows[one.id]
            assert one.id in free
            expected.state, expected.worker, expected.attempts = "sending", worker, expected.attempts + 1
            assert (one.attempts, one.repeated) == (expected.attempts, expected.repeated)
        self._compare()

    def _is_due(self, row: Expected) -> bool:
        return row.state == "queued" or (row.state == "deferred" and row.due_at <= self.now)

    @rule(worker=workers_of, marked=places, settled=places, state=outcomes, repeated=st.booleans())
    def write(self, worker: str, marked: list[int], settled: list[int], state: State, repeated: bool) -> None:
        """Any worker tries, also one that holds nothing; only what is its own is granted or changed."""
        to_mark = [self.ids[at] for at in marked if at not in settled]
        to_settle = [self.ids[at] for at in settled]
        due_at = self.now + 60 * SECOND
        changed = [
            Settled(row_id, state, self.rows[row_id].attempts, 250, None, "said", due_at, self.now, "r", repeated)
            for row_id in to_settle
        ]
        granted = self.runner.run(
            self.journal.write(worker, changed, [Mark(row_id, "7bit", "r") for row_id in to_mark], self.now)
        )
        assert granted == {row_id for row_id in to_mark if self._holds(worker, row_id, "sending")}
        for row_id in granted:
            self.rows[row_id].state = "dot"
        for row_id in to_settle:
            if self._holds(worker, row_id, "sending", "dot", "in_doubt"):
                row = self.rows[row_id]
                row.state, row.due_at, row.repeated = state.value, due_at, repeated
        self._compare()

    def _holds(self, worker: str, row_id: int, *among: str) -> bool:
        return self.rows[row_id].worker == worker and self.rows[row_id].state in among

    @rule(seconds=st.sampled_from([1, 20, 31, 61]))
    def wait_and_recover(self, seconds: int) -> None:
        self.now += seconds * SECOND
        self.runner.run(recover(self.database, self.now))
        for row in self.rows.values():
            if row.state in HELD and self.leases[row.worker or ""] <= self.now:
                self._take_back(row)
        self._compare()

    @rule(worker=workers_of)
    def retire(self, worker: str) -> None:
        if worker not in self.leases:
            return
        self.runner.run(retire_worker(self.database, worker, self.now))
        del self.leases[worker]
        for row in self.rows.values():
            if row.worker == worker and row.state in HELD:
                self._take_back(row)
        self._compare()

    def _take_back(self, row: Expected) -> None:
        if row.state == "dot":
            row.state = "in_doubt"  # its worker may yet tell what came of it
        else:
            row.state, row.worker, row.attempts = "queued", None, row.attempts - 1

    @rule(worker=workers_of, some=places)
    def hand_back(self, worker: str, some: list[int]) -> None:
        ids = [self.ids[at] for at in some]
        self.runner.run(give_back(self.database, worker, self.now, ids))
        for row_id in ids:
            if self._holds(worker, row_id, "sending"):
                self._take_back(self.rows[row_id])
        self._compare()

    @rule(worker=workers_of, some=places)
    def defer(self, worker: str, some: list[int]) -> None:
        ids, due_at = [self.ids[at] for at in some], self.now + 40 * SECOND
        self.runner.run(put_off(self.database, worker, ids, due_at, "put off", self.now))
        for row_id in ids:
            if self._holds(worker, row_id, "sending"):
                self._take_back(self.rows[row_id])
                self.rows[row_id].state, self.rows[row_id].due_at = "deferred", due_at
        self._compare()

    @rule()
    def repeat(self) -> None:
        doubtful = [row for row in self.rows.values() if row.state == "in_doubt" and not row.repeated]
        assert self.runner.run(repeat_in_doubt(self.database, ISSUE, self.now)) == len(doubtful)
        for row in doubtful:
            row.state, row.worker, row.repeated, row.due_at = "queued", None, True, self.now
        self._compare()

    def _compare(self) -> None:
        found = self.runner.run(self._read())
        assert found == {row_id: (row.state, row.attempts, row.repeated) for row_id, row in self.rows.items()}

    async def _read(self) -> dict[int, tuple[str, int, bool]]:
        columns = (deliveries.c.id, deliveries.c.state, deliveries.c.attempts, deliveries.c.repeated)
        async with self.database.read() as connection:
            return {row_id: tuple(rest) for row_id, *rest in await connection.execute(sa.select(*columns))}


FEW = settings(
    max_examples=15, stateful_step_count=25, deadline=None, suppress_health_check=[HealthCheck.too_slow],
)  # fmt: skip


def test_any_interleaving_on_sqlite_keeps_the_promises() -> None:
    with tempfile.TemporaryDirectory() as folder:
        run_machine(f"sqlite:///{folder}/pressrun.db")


@pytest.mark.postgres
def test_any_interleaving_on_postgresql_keeps_the_promises() -> None:
    with asyncio.Runner() as runner:
        server = fresh_postgres()
        url = runner.run(server.__aenter__())
        try:
            run_machine(url)
        finally:
            runner.run(server.__aexit__(None, None, None))


def run_machine(url: str) -> None:
    machine = type("InterleavingHere", (Interleaving,), {"url": url})
    run_state_machine_as_test(machine, settings=FEW)


@pytest.fixture
async def planned(database: Database) -> Database:
    """Six rows, planned, and the workers a and b."""
    await fill_list(database, "all", addresses(ROWS))
    await plan(database, make_edition(), "all", NOW)
    for name in "ab":
        await register_worker(database, name, "host", 1, NOW, LEASE)
    return database


async def states_of(database: Database, rows: Iterable[Claimed]) -> list[str]:
    query = sa.select(deliveries.c.id, deliveries.c.state)
    async with database.read() as connection:
        states = {row_id: state for row_id, state in await connection.execute(query)}
    return [states[row.id] for row in rows]


def sent(row: Claimed) -> Settled:
    return Settled(row.id, State.SENT, row.attempts, 250, "2.0.0", "ok", NOW, NOW, "relay")


async def test_outcomes_and_marks_are_written_together_or_not_at_all(planned: Database) -> None:
    async with open_journal(planned) as journal:
        done, begun = await journal.claim(Scope(ISSUE, "a"), 2, NOW)
        await journal.write("a", (), [Mark(done.id, "7bit", "relay")], NOW)
        await refuse_marks(planned)
        with pytest.raises(StoreError, match="no room"):
            await journal.write("a", [sent(done)], [Mark(begun.id, "7bit", "relay")], NOW)
        assert await states_of(planned, [done, begun]) == ["dot", "sending"]
        await journal.write("a", [sent(done)], (), NOW)  # the journal is of use again
        assert await states_of(planned, [done, begun]) == ["sent", "sending"]


async def refuse_marks(database: Database) -> None:
    statements = [
        "CREATE TRIGGER broken BEFORE UPDATE ON deliveries WHEN NEW.state = 'dot' "
        "BEGIN SELECT RAISE(ABORT, 'no room'); END"
    ]
    if database.dialect == "postgresql":
        statements = [
            "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'no room'; END $$",
            "CREATE TRIGGER broken BEFORE UPDATE ON deliveries FOR EACH ROW WHEN (NEW.state = 'dot') "
            "EXECUTE FUNCTION refuse()",
        ]
    async with database.write() as connection:
        for statement in statements:
            await connection.execute(sa.text(statement))


async def test_only_deferred_rows_expire(planned: Database) -> None:
    """A row that was never tried is sent however late it is: nobody was told anything else."""
    async with open_journal(planned) as journal:
        first, *_ = await journal.claim(Scope(ISSUE, "a"), 1, NOW)
        put = Settled(first.id, State.DEFERRED, 1, 451, None, "later", NOW + SECOND, NOW)
        await journal.write("a", [put], (), NOW)
        rows = await journal.claim(Scope(ISSUE, "a", expiry=EXPIRY), 10, NOW + EXPIRY + SECOND)
        assert [row.address for row in rows] == addresses(ROWS)[1:]
        assert await states_of(planned, [first]) == ["expired"]


async def test_suppression_comes_before_expiry(planned: Database) -> None:
    async with open_journal(planned) as journal:
        first, *_ = await journal.claim(Scope(ISSUE, "a"), 1, NOW)
        put = Settled(first.id, State.DEFERRED, 1, 451, None, "later", NOW + SECOND, NOW)
        await journal.write("a", [put], (), NOW)
        await suppress_address(planned, parse_address(first.address), "bounced", NOW)
        await journal.claim(Scope(ISSUE, "a", expiry=EXPIRY), 10, NOW + EXPIRY + SECOND)
        assert await states_of(planned, [first]) == ["suppressed"]


async def test_who_waits_for_a_second_message_is_in_doubt_where_it_is_not_to_be_sent(planned: Database) -> None:
    """The first one may have arrived: `expired` or `suppressed` would say that it has not."""
    async with open_journal(planned) as journal:
        rows = await journal.claim(Scope(ISSUE, "a"), 2, NOW)
        second = [Settled(row.id, State.DEFERRED, 1, None, None, "lost", NOW + SECOND, NOW, None, True) for row in rows]
        await journal.write("a", second, (), NOW)
        await suppress_address(planned, parse_address(rows[0].address), "bounced", NOW)
        await journal.claim(Scope(ISSUE, "a", expiry=EXPIRY), 10, NOW + EXPIRY + SECOND)
    assert await states_of(planned, rows) == ["in_doubt", "in_doubt"]


async def test_what_is_written_comes_back_as_it_was(planned: Database) -> None:
    awkward = "5.2.2 boîte 'pleine' \"%s\" \\ 信箱满 :name ?1 $1 {}"
    async with open_journal(planned) as journal:
        (row,) = await journal.claim(Scope(ISSUE, "a"), 1, NOW)
        await journal.write("a", (), [Mark(row.id, "8bit dkim=s1,s2", "mx1")], NOW)
        moment = NOW + dt.timedelta(microseconds=1)
        put = Settled(row.id, State.DEFERRED, 7, 452, "4.2.2", awkward, moment, moment, None, True)
        await journal.write("a", [put], (), NOW)
    async with planned.read() as connection:
        stored = (await connection.execute(sa.select(deliveries).where(deliveries.c.id == row.id))).one()
    assert (stored.state, stored.attempts, stored.code, stored.enhanced) == ("deferred", 7, 452, "4.2.2")
    assert (stored.reply, stored.due_at, stored.updated_at) == (awkward, moment, moment)
    assert (stored.relay, stored.form, stored.repeated) == ("mx1", "8bit dkim=s1,s2", True)


async def test_attributes_names_and_forms_are_claimed_as_they_were_planned(planned: Database) -> None:
    async with planned.write() as connection:
        attributes = {"city": "昆明", "level": 3, "empty": ""}
        await connection.execute(sa.update(deliveries).values(attributes=attributes, name="林'晓\"", form="8bit"))
    async with open_journal(planned) as journal:
        (row,) = await journal.claim(Scope(ISSUE, "a"), 1, NOW)
    assert (dict(row.attributes), row.name, row.form, row.repeated) == (attributes, "林'晓\"", "8bit", False)
    assert row.created_at == NOW and row.created_at.utcoffset() == dt.timedelta()


async def test_moments_of_any_zone_are_one_moment(planned: Database) -> None:
    zone = dt.timezone(dt.timedelta(hours=8))
    async with open_journal(planned) as journal:
        (row,) = await journal.claim(Scope(ISSUE, "a"), 1, NOW.astimezone(zone))
        due_at = (NOW + SECOND).astimezone(zone)
        put = Settled(row.id, State.DEFERRED, 1, 451, None, "later", due_at, due_at)
        await journal.write("a", [put], (), NOW)
        others = await journal.claim(Scope(ISSUE, "b"), 10, NOW)
        assert row.id not in {one.id for one in others}
        assert [one.id for one in await journal.claim(Scope(ISSUE, "b"), 10, NOW + SECOND)] == [row.id]
        with pytest.raises(ValueError, match="zone"):
            await journal.claim(Scope(ISSUE, "b"), 10, NOW.replace(tzinfo=None))


async def test_a_claim_through_a_list_takes_no_other_lists_rows(planned: Database) -> None:
    await fill_list(planned, "more", addresses(2, 50))
    await plan(planned, make_edition(), "more", NOW)
    async with open_journal(planned) as journal:
        rows = await journal.claim(Scope(ISSUE, "a", "more"), 10, NOW)
        assert [(row.address, row.list) for row in rows] == [(address, "more") for address in addresses(2, 50)]
        assert await journal.claim(Scope(ISSUE, "a", "no such list"), 10, NOW) == []
        assert await journal.claim(Scope("spp/other", "a"), 10, NOW) == []


async def test_a_cancelled_claim_or_write_leaves_the_journal_of_use(planned: Database) -> None:
    async with open_journal(planned) as journal:
        for _ in range(3):
            task = asyncio.create_task(journal.claim(Scope(ISSUE, "a"), 1, NOW))
            await asyncio.sleep(0)
            task.cancel()
            await asyncio.wait([task])
        await give_back(planned, "a", NOW)
        assert len(await journal.claim(Scope(ISSUE, "a"), 10, NOW)) == ROWS


@pytest.mark.postgres
async def test_rows_that_somebody_has_locked_are_passed_over_at_once(postgres_url: str) -> None:
    async with open_database(postgres_url) as database:
        await fill_list(database, "all", addresses(ROWS))
        await plan(database, make_edition(), "all", NOW)
        await register_worker(database, "a", "host", 1, NOW, LEASE)
        other = await asyncpg.connect(postgres_url)
        async with other.transaction(), open_journal(database) as journal:
            await other.fetch("SELECT id FROM deliveries ORDER BY id LIMIT 2 FOR UPDATE")
            async with asyncio.timeout(5):
                rows = await journal.claim(Scope(ISSUE, "a"), 10, NOW)
            assert [row.address for row in rows] == addresses(ROWS)[2:]
        await other.close()


@pytest.mark.postgres
async def test_marks_find_their_rows_by_id_however_many_are_held(postgres_url: str) -> None:
    """By the index of held rows a mark would pass by all that its worker has sent since the last VACUUM."""
    async with open_database(postgres_url) as database:
        await fill_list(database, "readers", addresses(200))
        await plan(database, make_edition(), "readers", NOW)
        async with database.write() as connection:
            await connection.execute(sa.text("UPDATE deliveries SET state = 'sending', worker_id = 'a' WHERE id < 5"))
    postgres = await asyncpg.connect(postgres_url)
    await postgres.execute("ANALYZE deliveries")
    await postgres.execute("SET enable_seqscan = off")  # so few rows are read whole otherwise
    found = await postgres.fetch(f"EXPLAIN {_MARK}", "a", NOW.replace(tzinfo=None), [1, 2], ["7bit"] * 2, ["r"] * 2)
    await postgres.close()
    told = "\n".join(line for (line,) in found)
    assert "pk_deliveries" in told
    assert "ix_deliveries_held" not in told


async def test_whoever_is_cancelled_at_any_step_leaves_a_journal_that_works(database: Database) -> None:
    await fill_list(database, "all", addresses(ROWS))
    await plan(database, make_edition(), "all", NOW)
    await register_worker(database, "a", "here", 1, NOW, LEASE)
    scope = Scope(ISSUE, "a")
    async with open_journal(database) as journal:
        for work in (
            partial(journal.claim, scope, 1, NOW),
            partial(journal.write, "a", [], [Mark(1, "7bit", "r")], NOW),
        ):
            for steps in range(1, 12):
                task = asyncio.ensure_future(work())
                for _ in range(steps):
                    await asyncio.sleep(0)
                task.cancel()
                await asyncio.gather(task, return_exceptions=True)
                await give_back(database, "a", NOW)
                claimed = await journal.claim(scope, 1, NOW)
                marked = await journal.write("a", [], [Mark(claimed[0].id, "7bit", "r")], NOW)
                async with database.write() as connection:  # another one sees it: it was committed
                    found = sa.update(deliveries).where(deliveries.c.state == "dot").returning(deliveries.c.id)
                    rows = (await connection.scalars(found.values(state="queued", worker_id=None))).all()
                assert set(rows) == marked == {claimed[0].id}, steps
