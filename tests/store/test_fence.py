"""The fence: a store that is elsewhere or has gone back in time sends nothing until somebody vouches for it."""

from __future__ import annotations

import asyncio
import datetime as dt
import fcntl
import json
import multiprocessing
import shutil
import sqlite3
import threading
from pathlib import Path

import asyncpg
import pytest
import sqlalchemy as sa

from approved_plan import ISSUE, begin, put_up
from postgres_database import POSTGRES_URL
from pressrun.delivery.outcome import State
from pressrun.errors import FencedError, UsageError
from pressrun.store.approval import Decision, decide
from pressrun.store.database import Database, open_database
from pressrun.store.delivery_log import count_states, read_log
from pressrun.store.fence import (
    GAP,
    bear_witness,
    confirm_fence,
    home_of,
    name_of,
    pass_fence,
    read_fence,
    read_witness,
)
from pressrun.store.tables import subscribers
from small_edition import NOW, fill_list

SPAWN = multiprocessing.get_context("spawn")
ELSEWHERE = "not where it was"
BEHIND = "put back from a backup"


@pytest.fixture
def witness(tmp_path: Path) -> Path:
    return tmp_path / "state" / "fence.json"


async def test_every_run_is_counted_in_the_store_and_on_the_machine(database: Database, witness: Path) -> None:
    before = await read_fence(database, witness)
    assert (before.epoch, before.fault, before.name) == (0, None, await name_of(database))
    assert [await pass_fence(database, witness, NOW) for _ in range(3)] == [1, 2, 3]
    assert list(read_witness(witness).values()) == [3]
    after = await read_fence(database, witness)
    assert (after.epoch, after.seen, after.fault, after.confirmed_by) == (3, 3, None, None)


async def test_another_machine_that_never_saw_the_store_may_join(database: Database, witness: Path) -> None:
    await pass_fence(database, witness, NOW)
    second = witness.with_name("second.json")
    assert [await pass_fence(database, one, NOW) for one in (second, witness, second)] == [2, 3, 4]
    assert (list(read_witness(witness).values()), list(read_witness(second).values())) == ([3], [4])


async def test_looking_changes_nothing(database: Database, witness: Path) -> None:
    await read_fence(database, witness)
    assert not witness.parent.exists()
    assert await pass_fence(database, witness, NOW) == 1


async def put_back(database: Database, epoch: int) -> None:
    """What restoring an older backup into the same place does to the count."""
    async with database.write() as connection:
        await connection.execute(sa.text(f"UPDATE fence SET epoch = {epoch}"))


async def test_a_store_that_was_put_back_is_fenced_until_somebody_vouches(database: Database, witness: Path) -> None:
    for _ in range(3):
        await pass_fence(database, witness, NOW)
    await put_back(database, 2)
    name = await name_of(database)
    for _ in range(2):
        with pytest.raises(FencedError, match=f"{BEHIND}.*pressrun fence --confirm {name} --by"):
            await pass_fence(database, witness, NOW)
    assert (await read_fence(database, witness)).fault is not None
    await confirm_fence(database, witness, name, "Ann", NOW)
    after = await read_fence(database, witness)
    assert (after.fault, after.confirmed_by, after.confirmed_at) == (None, "Ann", NOW)
    assert await pass_fence(database, witness, NOW) == 4


async def test_vouching_once_is_enough_for_all_machines(database: Database, witness: Path) -> None:
    second = witness.with_name("second.json")
    await pass_fence(database, witness, NOW)
    for _ in range(5):
        await pass_fence(database, second, NOW)
    await put_back(database, 1)
    await confirm_fence(database, witness, await name_of(database), "Ann", NOW)
    await pass_fence(database, second, NOW)


async def test_the_same_backup_put_back_again_is_fenced_again(tmp_path: Path, witness: Path) -> None:
    store, backup = tmp_path / "pressrun.db", tmp_path / "backup.db"
    async with open_database(f"sqlite:///{store}") as database:
        await pass_fence(database, witness, NOW)
    copy(store, backup)
    for _ in range(2):
        async with open_database(f"sqlite:///{store}") as database:
            await pass_fence(database, witness, NOW)
            await pass_fence(database, witness, NOW)
        store.write_bytes(backup.read_bytes())  # the inode stays
        async with open_database(f"sqlite:///{store}") as database:
            with pytest.raises(FencedError, match=BEHIND):
                await pass_fence(database, witness, NOW)
            await confirm_fence(database, witness, "pressrun.db", "Ann", NOW)


def copy(source: Path, target: Path) -> None:
    """A backup as SQLite makes it."""
    with sqlite3.connect(source) as one, sqlite3.connect(target) as other:
        one.backup(other)
    one.close()
    other.close()


async def test_a_copy_of_the_file_is_fenced_and_the_original_is_not(tmp_path: Path, witness: Path) -> None:
    store, clone = tmp_path / "pressrun.db", tmp_path / "elsewhere" / "pressrun.db"
    clone.parent.mkdir()
    async with open_database(f"sqlite:///{store}") as database:
        await pass_fence(database, witness, NOW)
    copy(store, clone)
    unknowing = tmp_path / "another" / "fence.json"
    async with open_database(f"sqlite:///{clone}") as database:
        for one in (witness, unknowing):
            with pytest.raises(FencedError, match=ELSEWHERE):
                await pass_fence(database, one, NOW)
        assert not unknowing.exists()
        await confirm_fence(database, unknowing, "pressrun.db", "Ann", NOW)
        await pass_fence(database, unknowing, NOW)
    async with open_database(f"sqlite:///{store}") as database:
        assert await pass_fence(database, witness, NOW) == 2


async def test_a_file_that_takes_anothers_place_is_fenced(tmp_path: Path, witness: Path) -> None:
    store = tmp_path / "pressrun.db"
    async with open_database(f"sqlite:///{store}") as database:
        await pass_fence(database, witness, NOW)
    shutil.copy(store, tmp_path / "copy")
    (tmp_path / "copy").replace(store)
    async with open_database(f"sqlite:///{store}") as database:
        with pytest.raises(FencedError, match=ELSEWHERE):
            await pass_fence(database, witness, NOW)


async def test_a_new_store_in_the_place_of_one_that_was_thrown_away_may_send(tmp_path: Path, witness: Path) -> None:
    store = tmp_path / "pressrun.db"
    for _ in range(2):
        async with open_database(f"sqlite:///{store}") as database:
            assert [await pass_fence(database, witness, NOW) for _ in range(2)] == [1, 2]
        for file in tmp_path.glob("pressrun.db*"):
            file.unlink()


async def test_a_folder_may_be_moved_with_all_that_is_in_it(tmp_path: Path) -> None:
    folder = tmp_path / "before"
    async with open_database(f"sqlite:///{folder}/pressrun.db") as database:
        await pass_fence(database, folder / "fence.json", NOW)
    folder.rename(tmp_path / "after")
    async with open_database(f"sqlite:///{tmp_path}/after/pressrun.db") as database:
        assert await pass_fence(database, tmp_path / "after" / "fence.json", NOW) == 2


@pytest.mark.postgres
async def test_a_clone_on_the_same_server_is_fenced(postgres_url: str, witness: Path) -> None:
    source = sa.make_url(postgres_url)
    async with open_database(postgres_url) as database:
        await pass_fence(database, witness, NOW)
        home = await home_of(database)
    clone = f"{source.database}_clone"
    server = await asyncpg.connect(POSTGRES_URL)
    try:
        await server.execute(f'CREATE DATABASE "{clone}" TEMPLATE "{source.database}"')
        url = source.set(database=clone).render_as_string(hide_password=False)
        async with open_database(url) as database:
            assert await home_of(database) != home
            with pytest.raises(FencedError, match=f"{ELSEWHERE}.*--confirm {clone}"):
                await pass_fence(database, witness, NOW)
    finally:
        await server.execute(f'DROP DATABASE IF EXISTS "{clone}" WITH (FORCE)')
        await server.close()


async def test_only_the_right_name_vouches(database: Database, witness: Path) -> None:
    await pass_fence(database, witness, NOW)
    await put_back(database, 0)
    with pytest.raises(UsageError, match=f"not called 'another' — its name is {await name_of(database)}"):
        await confirm_fence(database, witness, "another", "Ann", NOW)
    with pytest.raises(FencedError):
        await pass_fence(database, witness, NOW)


async def test_a_store_can_be_vouched_for_before_its_first_run(database: Database, witness: Path) -> None:
    await confirm_fence(database, witness, await name_of(database), "Ann", NOW)
    assert await pass_fence(database, witness, NOW) == 2


async def test_after_a_restore_what_may_have_left_can_be_put_in_doubt(database: Database, witness: Path) -> None:
    await put_up(database, 4)
    await decide(database, ISSUE, Decision.APPROVED, "Ann", NOW)
    await begin(database, 1)
    await begin(database, 1, None)
    name = await name_of(database)
    assert await confirm_fence(database, witness, name, "Ann", NOW) == 0
    assert await confirm_fence(database, witness, name, "Ann", NOW, in_doubt=True) == 3
    counts = await count_states(database, ISSUE)
    assert (counts[State.SENT], counts[State.IN_DOUBT], sum(counts.values())) == (1, 3, 4)
    assert {row.reply async for row in read_log(database, ISSUE, [State.IN_DOUBT])} == {
        "the store was put back from a backup: the message may have left after that was made"
    }


async def test_nobody_gets_a_number_that_the_store_may_have_given_out_after_the_backup(
    database: Database, witness: Path
) -> None:
    """Links in mail that left meanwhile are signed for numbers: of somebody whom the store knows no more."""
    await fill_list(database, "all", ["before@example.com"])
    await confirm_fence(database, witness, await name_of(database), "Ann", NOW)
    await fill_list(database, "all", ["after@example.com"])
    async with database.read() as connection:
        before, after = (await connection.scalars(sa.select(subscribers.c.id).order_by(subscribers.c.id))).all()
    assert after - before > GAP


async def test_what_waits_for_approval_was_not_sent_and_is_not_in_doubt(database: Database, witness: Path) -> None:
    await put_up(database, 2)
    assert await confirm_fence(database, witness, await name_of(database), "Ann", NOW, in_doubt=True) == 0


@pytest.mark.parametrize("content", [b"{", b"[]", b'{"a": "b"}', b"\xff", b'{"a": null}'])
async def test_a_memory_that_can_not_be_read_is_told_and_lets_nothing_leave(
    database: Database, witness: Path, content: bytes
) -> None:
    witness.parent.mkdir()
    witness.write_bytes(content)
    with pytest.raises(FencedError, match="can't be read"):
        await pass_fence(database, witness, NOW)
    async with database.read() as connection:
        assert await connection.scalar(sa.text("SELECT count(*) FROM fence")) == 0


def test_a_machine_never_remembers_less_than_it_did(witness: Path) -> None:
    for store, epoch in (("a", 5), ("b", 1), ("a", 3), ("a", 6), ("b", 1)):
        bear_witness(witness, store, epoch)
    assert read_witness(witness) == {"a": 6, "b": 1}


def test_who_remembers_waits_for_who_is_writing(witness: Path) -> None:
    bear_witness(witness, "a", 1)
    with witness.with_suffix(".lock").open("w") as stream:
        fcntl.flock(stream, fcntl.LOCK_EX)
        thread = threading.Thread(target=bear_witness, args=(witness, "a", 2))
        thread.start()
        thread.join(0.1)
        assert thread.is_alive()
        witness.write_text('{"a": 9}')
    thread.join()
    assert read_witness(witness) == {"a": 9}


def _pass(url: str, witness: str, times: int) -> None:
    async def run() -> None:
        async with open_database(url) as database:
            for _ in range(times):
                await pass_fence(database, Path(witness), dt.datetime.now(dt.UTC))

    asyncio.run(run())


async def test_processes_that_begin_at_once_are_all_counted(
    database: Database, database_url: str, witness: Path
) -> None:
    arguments = (database_url, str(witness), 5)
    processes = [SPAWN.Process(target=_pass, args=arguments) for _ in range(3)]
    for process in processes:
        process.start()
    for process in processes:
        await asyncio.to_thread(process.join)
    assert [process.exitcode for process in processes] == [0, 0, 0]
    assert list(json.loads(witness.read_bytes()).values()) == [15]
    assert (await read_fence(database, witness)).epoch == 15
