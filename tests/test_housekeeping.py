"""Housekeeping: harmless at any time, and never a hand on what is settled."""

from __future__ import annotations

import datetime as dt
import os
from pathlib import Path

import pytest
import sqlalchemy as sa

from pressrun.address import parse_address
from pressrun.delivery.outcome import State
from pressrun.housekeeping import LETTER_AGE, PREVIEW_AGE, Housekeeping, housekeeping, remove_previews
from pressrun.store.claim import register_worker
from pressrun.store.database import Database
from pressrun.store.delivery_log import Row, plan, read_log
from pressrun.store.forget import forget
from pressrun.store.inbox import note_letter, was_read
from pressrun.store.tables import deliveries
from pressrun.workspace import Workspace, open_workspace
from small_edition import NOW, addresses, fill_list, make_edition
from small_issue import write_small_issue

ISSUE = "small/2026-01"
LATER = NOW + dt.timedelta(days=4)


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    for name in ("PRESSRUN_PREVIEW_FOLDER", "PRESSRUN_EXPIRE_DAYS", "PRESSRUN_RETAIN_ADDRESSES_DAYS"):
        monkeypatch.delenv(name, raising=False)
    write_small_issue(tmp_path)
    return open_workspace(tmp_path)


async def put(database: Database, worker_id: str, *states: State) -> None:
    """Rows in these states; those in work are the worker's."""
    await fill_list(database, "all", addresses(len(states)))
    await plan(database, make_edition(issue=ISSUE), "all", NOW)
    async with database.write() as connection:
        for n, state in enumerate(states):
            worker = worker_id if state in (State.SENDING, State.DOT) else None
            row = sa.update(deliveries).where(deliveries.c.address == addresses(1, n)[0])
            await connection.execute(row.values(state=state.value, attempts=1, worker_id=worker))


async def rows(database: Database) -> list[Row]:
    return [row async for row in read_log(database, ISSUE)]


def lay_preview(folder: Path, issue: str, moment: dt.datetime) -> Path:
    preview = folder / issue / "preview.html"
    (preview.parent / "media").mkdir(parents=True)
    (preview.parent / "media" / "cover.png").touch()
    preview.touch()
    os.utime(preview, (moment.timestamp(), moment.timestamp()))
    return preview.parent


async def test_a_dead_workers_rows_are_taken_back_and_over_age_ones_expire(
    database: Database, workspace: Workspace
) -> None:
    await put(database, "gone", State.SENDING, State.SENDING, State.DOT, State.DEFERRED, State.QUEUED)
    await register_worker(database, "gone", "host", 1, NOW, dt.timedelta(seconds=30))
    done = await housekeeping(database, workspace, LATER)
    assert done == Housekeeping(queued=2, in_doubt=1, expired=1)
    states = [row.state for row in await rows(database)]
    assert states == [State.QUEUED, State.QUEUED, State.IN_DOUBT, State.EXPIRED, State.QUEUED]
    assert await housekeeping(database, workspace, LATER) == Housekeeping()


async def test_a_living_workers_rows_are_its_own(database: Database, workspace: Workspace) -> None:
    await put(database, "here", State.SENDING, State.DOT)
    await register_worker(database, "here", "host", 1, LATER, dt.timedelta(seconds=30))
    before = await rows(database)
    assert await housekeeping(database, workspace, LATER) == Housekeeping()
    assert await rows(database) == before


async def test_what_is_settled_is_never_touched(database: Database, workspace: Workspace) -> None:
    settled = (State.SENT, State.FAILED, State.IN_DOUBT, State.SUPPRESSED, State.EXPIRED, State.CANCELLED)
    await put(database, "gone", *settled)
    before = await rows(database)
    await housekeeping(database, workspace, NOW + dt.timedelta(days=4000))
    assert await rows(database) == before


async def test_old_previews_go_unless_their_issue_is_still_to_be_sent(database: Database, workspace: Workspace) -> None:
    await put(database, "gone", State.QUEUED)
    old = NOW - PREVIEW_AGE - dt.timedelta(minutes=1)
    waiting = lay_preview(workspace.preview_folder, ISSUE, old)
    finished = lay_preview(workspace.preview_folder, "small/2025-01", old)
    done = await housekeeping(database, workspace, NOW)
    assert (done.previews, waiting.exists(), finished.exists()) == (1, True, False)
    others = ("queued", "in_doubt", "expired", "starts", "letters", "events", "addresses", "confirmations", "networks")
    assert done.counts == {"previews": 1, "compacted": 0} | dict.fromkeys(others, 0)


def test_only_what_was_laid_down_as_a_preview_is_removed(tmp_path: Path) -> None:
    new = lay_preview(tmp_path / "preview", "small/2026-02", NOW)
    old = lay_preview(tmp_path / "preview", "small/2026-01", NOW - dt.timedelta(days=1))
    (new.parent / "notes").mkdir()
    (tmp_path / "preview" / "index.html").touch()
    elsewhere = lay_preview(tmp_path / "elsewhere", "small/2026-03", NOW - dt.timedelta(days=1))
    (new.parent / "2026-03").symlink_to(elsewhere)
    assert remove_previews(tmp_path / "preview", (), NOW - dt.timedelta(hours=1)) == 1
    assert not old.exists() and elsewhere.exists()
    assert sorted(one.name for one in new.parent.iterdir()) == ["2026-02", "2026-03", "notes"]


def test_without_a_folder_there_is_nothing_to_remove(tmp_path: Path) -> None:
    assert remove_previews(tmp_path / "none", (), NOW) == 0


async def test_which_letters_were_read_is_forgotten_after_a_while(database: Database, workspace: Workspace) -> None:
    await note_letter(database, "old", "bounce", NOW - LETTER_AGE - dt.timedelta(minutes=1))
    await note_letter(database, "new", "bounce", NOW - LETTER_AGE + dt.timedelta(minutes=1))
    assert (await housekeeping(database, workspace, NOW)).letters == 1
    assert [await was_read(database, one) for one in ("old", "new")] == [False, True]


async def test_what_settings_keep_for_a_time_is_let_go_of(
    database: Database, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    await put(database, "gone", State.SENT, State.FAILED)
    monkeypatch.setenv("PRESSRUN_RETAIN_ADDRESSES_DAYS", "365")
    strict = open_workspace(workspace.root)
    assert (await housekeeping(database, strict, NOW + dt.timedelta(days=364))).addresses == 0
    assert (await housekeeping(database, strict, NOW + dt.timedelta(days=366))).addresses == 2
    assert [(row.address, row.state) for row in await rows(database)] == [("", State.SENT), ("", State.FAILED)]


async def test_the_file_is_compacted_once_somebody_was_forgotten_and_nothing_is_under_way(
    database: Database, workspace: Workspace
) -> None:
    await put(database, "gone", State.SENT, State.QUEUED)
    await forget(database, workspace.link_keys(), parse_address("stranger@example.com"), NOW)
    assert (await housekeeping(database, workspace, NOW)).compacted == 0
    await forget(database, workspace.link_keys(), parse_address(addresses(1, 1)[0]), NOW)
    assert (await housekeeping(database, workspace, NOW)).compacted == (database.dialect == "sqlite")
    assert (await housekeeping(database, workspace, NOW)).compacted == 0
