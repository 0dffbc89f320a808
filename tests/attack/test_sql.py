"""SQL: names, values and filters reach the store as values, whatever they look like."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import sqlalchemy as sa
from hostile import SQL

from command import run_here
from pressrun.delivery.outcome import State
from pressrun.store.database import Database
from pressrun.store.delivery_log import count_states, plan
from pressrun.store.subscribers import count_lists, list_subscribers
from pressrun.store.tables import subscribers
from small_edition import NOW, addresses, fill_list, make_edition
from small_issue import write_small_issue


async def count_people(database: Database) -> int:
    async with database.read() as connection:
        return await connection.scalar(sa.select(sa.func.count()).select_from(subscribers)) or 0


@pytest.mark.parametrize("text", SQL)
async def test_a_list_or_issue_may_be_called_anything(database: Database, text: str) -> None:
    await fill_list(database, "other", addresses(2))
    await fill_list(database, text, [*addresses(1), "lin@example.com"])
    assert [person.address async for person in list_subscribers(database, text)] == [*addresses(1), "lin@example.com"]
    assert {one.name: one.members for one in await count_lists(database)} == {"other": 2, text: 2}
    await plan(database, make_edition(issue=text), text, NOW)
    assert (await count_states(database, text))[State.QUEUED] == 2
    assert (await count_states(database, f"{text}x"))[State.QUEUED] == 0
    assert await count_people(database) == 3


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    write_small_issue(tmp_path)
    for address, city in (("a@example.com", "Graz"), ("b@example.com", "Linz")):
        assert (
            run_here(tmp_path, "subscribers", "add", address, "--list", "l", "--attribute", f"city={city}").status == 0
        )
    return tmp_path


@pytest.mark.parametrize("text", SQL)
def test_a_filters_values_and_names_are_values(workspace: Path, text: str) -> None:
    """A filter that looks like SQL finds nobody more, and nobody is missing afterwards."""
    quoted = text.replace("\\", "\\\\").replace('"', '\\"')
    for filter_ in (f'city == "{quoted}"', f'city in ("{quoted}", "x")', f'tag == "{quoted}"', f'domain == "{quoted}"'):
        shown = run_here(workspace, "segments", "show", filter_, "--list", "l", "--format", "json")
        if shown.status == 0:
            assert '"people": 0' in shown.out or '"size": 0' in shown.out, shown.out
        assert "Traceback" not in shown.err and "sqlite" not in shown.err.lower()
    for raw in (text, f"city == {text}", f"`{text}` == 'x'", f"list == {text}"):
        ended = run_here(workspace, "segments", "show", raw, "--list", "l")
        assert ended.status in (0, 1, 2) and "internal error" not in ended.err and "sqlite" not in ended.err.lower()
    people = run_here(workspace, "subscribers", "list", "--list", "l", "--format", "json").out.splitlines()
    assert [json.loads(line)["address"] for line in people] == ["a@example.com", "b@example.com"]
