"""Forgetting: nothing in the store tells of somebody who was forgotten, and the account of every send stays right."""

from __future__ import annotations

import datetime as dt
import sqlite3
from pathlib import Path

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st

from person_story import ANN, BEN, DAY, ISSUES, put_on_list, request_of, set_state, states_of, tell_story
from pressrun.address import parse_address
from pressrun.delivery.outcome import State
from pressrun.delivery.show_message import show_message
from pressrun.errors import UsageError
from pressrun.link_keys import LinkKey, LinkKeys
from pressrun.store.approval import Decision, decide, read_approval
from pressrun.store.claim import recover, repeat_in_doubt
from pressrun.store.database import Database, open_database
from pressrun.store.delivery_log import count_states, plan, preview_plan
from pressrun.store.exclusion import read_audience
from pressrun.store.forget import address_hash, address_hashes, compact, forget, is_forgotten, remember
from pressrun.store.journal import Mark, Scope, Settled, open_journal
from pressrun.store.move import change_address
from pressrun.store.people_tables import api_calls, api_keys, confirmations, events, forgotten, metadata
from pressrun.store.person import read_person
from pressrun.store.subscribers import suppress_address
from pressrun.store.tables import deliveries, subscribers, suppressions
from small_edition import KEY, NOW, make_edition

TRACES = ("secret", "leeds.example", "192.0.2.7")
NEXT_KEY = LinkKeys((LinkKey(b"a newer key"), *KEY.keys))
SECOND = make_edition(issue=ISSUES[1], id="1" * 64)


async def dump(database: Database) -> str:
    """Every value of every table."""
    async with database.read() as connection:
        tables = [await connection.execute(sa.select(table)) for table in metadata.sorted_tables]
        return "\n".join(str(tuple(row)) for found in tables for row in found).casefold()


async def rows_of(database: Database, issue: str) -> list[sa.Row[tuple[object, ...]]]:
    async with database.read() as connection:
        query = sa.select(deliveries).where(deliveries.c.issue == issue).order_by(deliveries.c.id)
        return list((await connection.execute(query)).all())


async def test_no_row_of_any_table_tells_of_them(database: Database) -> None:
    person = await tell_story(database)
    await suppress_address(database, ANN, "asked by Ann Secret", NOW)
    async with database.write() as connection:
        key = {"id": "k", "name": "shop", "hash": "h", "scopes": [], "created_at": NOW}
        await connection.execute(sa.insert(api_keys), key)
        answer = {"key_id": "k", "idempotency_key": "1", "request_hash": "h", "answer": {"address": ANN.address}}
        await connection.execute(sa.insert(api_calls), {**answer, "created_at": NOW})
    before = await dump(database)
    assert all(trace in before for trace in TRACES)
    done = await forget(database, KEY, ANN, NOW)
    after = await dump(database)
    assert [trace for trace in TRACES if trace in after] == []
    assert (done.was_known, done.scrubbed, done.closed, done.leaving) == (True, 2, 1, 0)
    assert "ben@example.com" in after
    assert str(person) in after  # a number that is nobody's, in FORGOTTEN, for who keeps copies


async def test_no_byte_of_the_file_tells_of_them(tmp_path: Path) -> None:
    file = tmp_path / "pressrun.db"
    async with open_database(f"sqlite:///{file}") as database:
        await tell_story(database)
        for n in range(40):  # pages fill, split and move, which leaves copies in them
            await put_on_list(database, "all", [f"reader{n}.{m}@example.com" for m in range(20)])
        await forget(database, KEY, ANN, NOW)
        assert await compact(database)
        assert not await compact(database)  # nobody was forgotten since
    found = b"".join(path.read_bytes() for path in tmp_path.iterdir()).lower()
    assert b"reader1.1@" in found
    assert [trace for trace in TRACES if trace.encode() in found] == []


async def test_what_lay_in_the_file_before_is_gone_once_it_is_compacted(tmp_path: Path) -> None:
    file = tmp_path / "pressrun.db"
    async with open_database(f"sqlite:///{file}") as database:
        await tell_story(database)
        other = sqlite3.connect(file, isolation_level=None)
        other.execute("PRAGMA secure_delete = OFF")  # as SQLite was built elsewhere
        other.execute("INSERT INTO lists (name, created_at) VALUES (?, 0)", (ANN.key * 1000,))
        other.execute("DELETE FROM lists WHERE created_at = 0")
        other.close()
        await forget(database, KEY, ANN, NOW)
        assert ANN.key.encode() in file.read_bytes()
        assert await compact(database)
        assert ANN.key.encode() not in file.read_bytes()


async def test_the_log_of_sqlite_is_written_back_at_once(tmp_path: Path) -> None:
    async with open_database(f"sqlite:///{tmp_path}/pressrun.db") as database:
        await tell_story(database)
        await forget(database, KEY, ANN, NOW)
        assert (tmp_path / "pressrun.db-wal").stat().st_size == 0


async def test_a_file_that_others_read_is_compacted_next_time(tmp_path: Path) -> None:
    async with open_database(f"sqlite:///{tmp_path}/pressrun.db") as database:
        await tell_story(database)
        await forget(database, KEY, ANN, NOW)
        other = sqlite3.connect(tmp_path / "pressrun.db", isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        assert not await compact(database)
        other.execute("ROLLBACK")
        other.close()
        assert await compact(database)


async def test_sums_states_and_codes_of_a_send_stay(database: Database) -> None:
    await tell_story(database)
    before = await count_states(database, ISSUES[0])
    await forget(database, KEY, ANN, NOW)
    assert await count_states(database, ISSUES[0]) == before
    row = next(row for row in await rows_of(database, ISSUES[0]) if not row.address)
    assert (row.state, row.code, row.enhanced, row.reply, row.name, row.attributes) == (
        "sent", 250, "2.1.5", "scrubbed", "", {},
    )  # fmt: skip
    assert (await read_audience(database, ISSUES[1])).excluded == {"the person was forgotten": 1}


async def test_their_number_is_never_anybody_elses(database: Database) -> None:
    await put_on_list(database, "all", ["ben@example.com", ANN.address])
    await forget(database, KEY, ANN, NOW)
    await put_on_list(database, "all", ["cleo@example.com"])
    async with database.read() as connection:
        numbers = (await connection.scalars(sa.select(subscribers.c.id).order_by(subscribers.c.id))).all()
    assert len(numbers) == 2 and numbers[1] > numbers[0] + 1


@pytest.mark.parametrize("state", [State.QUEUED, State.DEFERRED])
async def test_what_waited_is_closed_and_never_claimed(database: Database, state: State) -> None:
    await tell_story(database)
    await set_state(database, ISSUES[1], ANN.address, state)
    await forget(database, KEY, ANN, NOW)
    assert await states_of(database, ISSUES[1]) == {"": "suppressed", BEN.address: "queued"}
    async with open_journal(database) as journal:
        claimed = await journal.claim(Scope(ISSUES[1], "w"), 10, NOW)
    assert [row.address for row in claimed] == [BEN.address]


async def test_a_row_that_a_worker_holds_gets_no_dot(database: Database) -> None:
    await tell_story(database)
    async with open_journal(database) as journal:
        claimed = {row.address: row.id for row in await journal.claim(Scope(ISSUES[1], "w"), 10, NOW)}
        done = await forget(database, KEY, ANN, NOW)
        granted = await journal.write("w", (), [Mark(id, "form", "relay") for id in claimed.values()], NOW)
        assert (done.closed, granted) == (1, frozenset({claimed[BEN.address]}))
        late = Settled(claimed[ANN.address], State.SENT, 1, 250, None, f"<{ANN.address}> taken", NOW, NOW)
        await journal.write("w", [late], (), NOW)
    assert await states_of(database, ISSUES[1]) == {"": "suppressed", BEN.address: "dot"}
    assert "secret" not in await dump(database)


async def test_a_row_on_its_way_ends_as_it_ends_without_the_relays_words(database: Database) -> None:
    await tell_story(database)
    async with open_journal(database) as journal:
        claimed = {row.address: row.id for row in await journal.claim(Scope(ISSUES[1], "w"), 10, NOW)}
        mine = claimed[ANN.address]
        assert mine in await journal.write("w", (), [Mark(mine, "form", "relay")], NOW)
        done = await forget(database, KEY, ANN, NOW)
        assert (done.closed, done.leaving) == (0, 1)
        await journal.write("w", [Settled(mine, State.SENT, 1, 250, "2.0.0", "Ann Secret", NOW, NOW)], (), NOW)
    row = next(row for row in await rows_of(database, ISSUES[1]) if row.id == mine)
    assert (row.state, row.code, row.enhanced, row.reply) == ("sent", 250, "2.0.0", "scrubbed")


async def test_a_row_in_doubt_is_never_sent_again(database: Database) -> None:
    await tell_story(database)
    await set_state(database, ISSUES[1], ANN.address, State.DOT, "gone")
    await forget(database, KEY, ANN, NOW)
    assert await recover(database, NOW + DAY) == (0, 1)
    assert await repeat_in_doubt(database, ISSUES[1], NOW) == 1
    async with open_journal(database) as journal:
        assert [row.address for row in await journal.claim(Scope(ISSUES[1], "w"), 10, NOW)] == [BEN.address]
    assert (await states_of(database, ISSUES[1]))[""] == "suppressed"


async def test_an_approval_holds_for_everybody_else(database: Database) -> None:
    await tell_story(database)
    edition = make_edition(issue="spp/2026-03", id="3" * 64)
    await plan(database, edition, "all", NOW, held=True)
    await decide(database, edition.issue, Decision.APPROVED, "olga", NOW, send_at=NOW + DAY)
    await forget(database, KEY, ANN, NOW)
    approval = await read_approval(database, edition.issue)
    assert approval is not None
    assert (approval.decision, approval.decided_by, approval.send_at) == (Decision.APPROVED, "olga", NOW + DAY)


async def test_a_plan_that_waits_is_not_approved_by_it(database: Database) -> None:
    await tell_story(database)
    edition = make_edition(issue="spp/2026-03", id="3" * 64)
    await plan(database, edition, "all", NOW, held=True)
    await forget(database, KEY, ANN, NOW)
    assert await read_approval(database, edition.issue) is None


async def test_the_message_they_got_can_not_be_shown(database: Database) -> None:
    await tell_story(database)
    await forget(database, KEY, ANN, NOW)
    with pytest.raises(UsageError, match="can't be shown: it was scrubbed from the log"):
        await show_message(database, ISSUES[0], ANN, KEY)


async def test_every_address_they_had_is_forgotten(database: Database) -> None:
    await tell_story(database)
    new = parse_address("ann.new@example.org")
    await suppress_address(database, ANN, "moved away", NOW)
    await change_address(database, KEY, ANN, new, NOW)
    await forget(database, KEY, new, NOW)
    after = await dump(database)
    assert [trace for trace in (*TRACES, "ann.new") if trace in after] == []
    async with database.read() as connection:
        assert await is_forgotten(connection, KEY, ANN.key) and await is_forgotten(connection, KEY, new.key)


async def test_a_row_that_stayed_under_an_earlier_address_is_forgotten_too(database: Database) -> None:
    await tell_story(database)
    new = parse_address("ann.new@example.org")
    await put_on_list(database, "all", [new.address])
    await plan(database, SECOND, "all", NOW)
    async with database.write() as connection:  # somebody who had the address once, and left a row under it
        await connection.execute(sa.delete(subscribers).where(subscribers.c.address_key == new.key))
    await change_address(database, KEY, ANN, new, NOW)
    assert ANN.key in [row.address_key for row in await rows_of(database, ISSUES[1])]
    await forget(database, KEY, new, NOW)
    after = await dump(database)
    assert [trace for trace in (*TRACES, "ann.new") if trace in after] == []


async def test_an_earlier_address_that_is_somebody_elses_by_now_stays_theirs(database: Database) -> None:
    await tell_story(database)
    new = parse_address("ann.new@example.org")
    await change_address(database, KEY, ANN, new, NOW)
    await put_on_list(database, "all", [ANN.address])
    await forget(database, KEY, new, NOW)
    async with database.read() as connection:
        assert not await is_forgotten(connection, KEY, ANN.key)
    assert (await read_person(database, KEY, ANN)).id is not None


async def test_who_is_no_subscriber_can_be_forgotten_too(database: Database) -> None:
    stranger = parse_address("stranger@example.com")
    async with database.write() as connection:
        await connection.execute(sa.insert(confirmations), request_of(stranger.address, stranger.key))
    done = await forget(database, KEY, stranger, NOW)
    assert (done.was_known, done.scrubbed) == (False, 0)
    assert "stranger" not in await dump(database)
    async with database.read() as connection:
        assert await is_forgotten(connection, KEY, stranger.key)


async def test_forgetting_twice_is_forgetting_once(database: Database) -> None:
    await tell_story(database)
    await forget(database, KEY, ANN, NOW)
    again = await forget(database, KEY, ANN, NOW + DAY)
    assert (again.was_known, again.closed) == (False, 0)
    async with database.read() as connection:
        assert await connection.scalar(sa.select(sa.func.count()).select_from(forgotten)) == 1


async def test_events_keep_what_happened_and_when(database: Database) -> None:
    await tell_story(database)
    async with database.read() as connection:
        before = (await connection.execute(sa.select(events.c.id, events.c.at, events.c.kind))).all()
    await forget(database, KEY, ANN, NOW)
    async with database.read() as connection:
        after = (await connection.execute(sa.select(events).order_by(events.c.id))).all()
    assert [(row.id, row.at, row.kind) for row in after[:-1]] == [tuple(row) for row in before]
    assert {row.subscriber_id for row in after} == {None}
    assert [row.detail for row in after[:-1]] == [{}] * len(before)
    assert after[-1].kind == "forgotten"


async def test_who_comes_back_gets_no_issue_twice(database: Database) -> None:
    await tell_story(database)
    await forget(database, KEY, ANN, NOW)
    await put_on_list(database, "all", [ANN.address])
    async with database.write() as connection:
        person = await connection.scalar(sa.select(subscribers.c.id).where(subscribers.c.address_key == ANN.key))
        assert await remember(connection, NEXT_KEY, ANN.key, person)
        assert not await remember(connection, NEXT_KEY, ANN.key, person)
        assert not await is_forgotten(connection, KEY, ANN.key)
    assert (await preview_plan(database, ISSUES[1], "all", NOW)).added == 0
    assert (await plan(database, SECOND, "all", NOW)).added == 0
    assert (await plan(database, make_edition(issue="spp/2026-04"), "all", NOW)).added == 2
    await forget(database, NEXT_KEY, ANN, NOW)
    assert "secret" not in await dump(database)


async def test_rows_of_both_keys_can_be_forgotten_together(database: Database) -> None:
    await tell_story(database)
    await forget(database, KEY, ANN, NOW)
    await put_on_list(database, "all", [ANN.address])  # by hand, without `remember`
    await plan(database, SECOND, "all", NOW)
    await forget(database, KEY, ANN, NOW)
    assert "secret" not in await dump(database)
    assert len(await rows_of(database, ISSUES[1])) == 3


@given(st.emails(), st.emails(), st.binary(min_size=1), st.binary(min_size=1))
def test_a_hash_tells_of_one_address_to_who_has_the_key(one: str, other: str, key: bytes, newer: bytes) -> None:
    keys, rotated = LinkKeys((LinkKey(key),)), LinkKeys((LinkKey(newer), LinkKey(key)))
    assert (address_hash(keys, one) == address_hash(keys, other)) == (one == other)
    assert address_hash(keys, one) in address_hashes(rotated, one)
    assert (address_hash(keys, one) == address_hash(rotated, one)) == (key == newer)
    assert one not in address_hash(keys, one)


async def test_suppressions_of_others_stay(database: Database) -> None:
    await tell_story(database)
    await suppress_address(database, BEN, "hard bounce", NOW)
    await forget(database, KEY, ANN, NOW + dt.timedelta(hours=1))
    async with database.read() as connection:
        assert (await connection.scalars(sa.select(suppressions.c.address_key))).all() == [BEN.key]
