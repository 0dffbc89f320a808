"""Formula cells: nothing that a stranger wrote is a formula where a spreadsheet opens what was exported."""

from __future__ import annotations

import asyncio
import csv
import io
from pathlib import Path

import pytest
import sqlalchemy as sa
from hostile import FORMULAS

from command import run_here
from pressrun.delivery.outcome import State
from pressrun.formula import guard_formula, is_formula
from pressrun.store.database import open_database
from pressrun.store.delivery_log import plan
from pressrun.store.tables import deliveries
from small_edition import NOW, addresses, fill_list, make_edition
from small_issue import write_small_issue

ISSUE = "small/2026-01"
STARTS = tuple("=+-@\t\r\n＝＋－＠")


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    write_small_issue(tmp_path)
    return tmp_path


def cells_of(text: str) -> list[str]:
    return [cell for row in csv.reader(io.StringIO(text, newline="")) for cell in row]


@pytest.mark.parametrize("formula", FORMULAS)
def test_a_formula_is_guarded_and_other_text_is_not(formula: str) -> None:
    assert is_formula(formula)
    assert not guard_formula(formula).startswith(STARTS)
    for text in ("", "林晓", "a=b", "2-1", "O’Brien", "1", "x@example.com", "'", " "):
        assert guard_formula(text) == text


@pytest.mark.parametrize("formula", FORMULAS)
def test_the_log_has_none_from_a_servers_words_or_an_address(workspace: Path, formula: str) -> None:
    async def act() -> None:
        async with open_database(f"sqlite:///{workspace}/.pressrun/pressrun.db") as database:
            await fill_list(database, "all", ["=cmd@example.com", *addresses(1)])
            await plan(database, make_edition(issue=ISSUE), "all", NOW)
            async with database.write() as connection:
                values = {"state": State.FAILED.value, "attempts": 1, "code": 550, "reply": formula, "relay": formula}
                await connection.execute(sa.update(deliveries).values(**values))

    asyncio.run(act())
    text = run_here(workspace, "log", ISSUE, "--format", "csv").out
    assert "cmd@example.com" in text
    assert [cell for cell in cells_of(text) if cell.startswith(STARTS)] == []


@pytest.mark.parametrize("formula", [formula for formula in FORMULAS if formula.isprintable()])
def test_lists_and_exports_of_people_have_none(workspace: Path, formula: str) -> None:
    added = run_here(workspace, "subscribers", "add", "=1@example.com", "--list", "all", "--name", formula)
    assert added.status == 0, added.err
    for command in (("list", "--list", "all", "--format", "csv"), ("export", "--list", "all"), ("export",)):
        text = run_here(workspace, "subscribers", *command).out
        assert "1@example.com" in text
        assert [cell for cell in cells_of(text) if cell.startswith(STARTS)] == [], command
