"""report: Markdown for people, one object for scripts, and an exit status that tells how it went."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest
import sqlalchemy as sa

from command import run_here
from pressrun.delivery.outcome import State
from pressrun.store.database import open_database
from pressrun.store.delivery_log import plan
from pressrun.store.tables import deliveries
from small_edition import NOW, addresses, fill_list, make_edition
from small_issue import write_small_issue

ISSUE = "small/2026-01"


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    """A workspace with a small issue that was never sent."""
    write_small_issue(tmp_path)
    return tmp_path


def put(workspace: Path, *states: State) -> None:
    """Plan a row for each of these states."""

    async def act() -> None:
        async with open_database(f"sqlite:///{workspace}/.pressrun/pressrun.db") as database:
            await fill_list(database, "all", addresses(len(states)))
            await plan(database, make_edition(issue=ISSUE), "all", NOW)
            async with database.write() as connection:
                ids = (await connection.scalars(sa.select(deliveries.c.id).order_by(deliveries.c.id))).all()
                for row_id, state in zip(ids, states, strict=True):
                    values = {"state": state.value, "attempts": 1, "code": 550, "reply": "<reader0001@example.com> no"}
                    await connection.execute(sa.update(deliveries).where(deliveries.c.id == row_id).values(**values))

    asyncio.run(act())


def test_a_report_is_markdown_in_the_publications_time_with_a_link_to_the_archive(workspace: Path) -> None:
    put(workspace, State.SENT, State.FAILED)
    ended = run_here(workspace, "report", "2026-01")
    assert (ended.status, ended.err) == (1, "")
    assert ended.out.startswith(f"# {ISSUE}\n\n**1 of 2 sent**, 1 failed: finished.\n")
    assert "[Archive](<https://spp.example.com/2026-02/>)" in ended.out
    assert "@" not in ended.out


def test_as_json_it_is_one_object(workspace: Path) -> None:
    put(workspace, State.SENT, State.SENT, State.FAILED)
    ended = run_here(workspace, "report", ISSUE, "--format", "json")
    assert ended.status == 1
    found = json.loads(ended.out)
    assert (found["issue"], found["planned"], found["open"]) == (ISSUE, 3, 0)
    assert found["counts"] == {"sent": 2, "failed": 1}
    assert found["lists"] == {"all": {"sent": 2, "failed": 1}}
    assert found["refusals"][0]["code"] == 550
    assert found["first"] == "2026-02-20T09:00:00+00:00"
    assert "@" not in ended.out


def test_a_send_that_went_well_ends_with_0(workspace: Path) -> None:
    put(workspace, State.SENT, State.SUPPRESSED)
    assert run_here(workspace, "report", ISSUE).status == 0


def test_what_was_never_sent_is_told_so(workspace: Path) -> None:
    ended = run_here(workspace, "report", ISSUE)
    assert (ended.status, ended.out) == (0, f"# {ISSUE}\n\nNothing was planned yet.\n")


def test_a_publication_with_errors_still_has_its_report(workspace: Path) -> None:
    put(workspace, State.SENT)
    (workspace / "issues" / "small" / "publication.yaml").write_text("title: [", encoding="utf-8")
    ended = run_here(workspace, "report", ISSUE)
    assert (ended.status, " UTC" in ended.out) == (0, True)
