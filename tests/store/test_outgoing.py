"""What the store says of issues to who builds the site: what has begun to leave, and what is approved."""

from __future__ import annotations

from pathlib import Path

from approved_plan import FIRST, HOUR, ISSUE, MENDED, begin, put_up, seal_now
from pressrun.site.withheld import Standing
from pressrun.store.approval import Decision, decide
from pressrun.store.database import Database, open_database
from pressrun.store.delivery_log import plan
from pressrun.store.outgoing import ask_store, read_outgoing
from small_edition import NOW, addresses, fill_list


async def test_rows_that_wait_for_an_approval_have_not_begun(database: Database) -> None:
    await put_up(database)
    assert await read_outgoing(database) == Standing()


async def test_what_is_approved_is_told_until_it_changes(database: Database) -> None:
    await put_up(database)
    await decide(database, ISSUE, Decision.APPROVED, "Ann", NOW)
    assert await read_outgoing(database) == Standing(approved={ISSUE: None})
    await seal_now(database, MENDED)
    assert await read_outgoing(database) == Standing()


async def test_the_time_an_approver_set_is_told(database: Database) -> None:
    await put_up(database)
    await decide(database, ISSUE, Decision.APPROVED, "Ann", NOW, send_at=NOW + HOUR)
    assert (await read_outgoing(database)).approved == {ISSUE: NOW + HOUR}


async def test_what_was_rejected_is_not_approved(database: Database) -> None:
    await put_up(database)
    await decide(database, ISSUE, Decision.REJECTED, "Ann", NOW)
    assert await read_outgoing(database) == Standing()


async def test_an_issue_has_begun_with_its_first_message(database: Database) -> None:
    await fill_list(database, "all", addresses(3))
    await plan(database, FIRST, "all", NOW)
    assert await read_outgoing(database) == Standing()
    await begin(database, 1)
    assert await read_outgoing(database) == Standing(begun=frozenset([ISSUE]))


async def test_a_store_that_is_not_there_is_not_made(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/state/pressrun.db"
    assert await ask_store(url) == Standing()
    assert not (tmp_path / "state").exists()
    async with open_database(url):
        pass
    assert await ask_store(url) == Standing()
