"""`pressrun calendar`: what it prints, and how it ends."""

from __future__ import annotations

import csv
import datetime as dt
import io
import json
from pathlib import Path

import pytest

from command import run_here
from small_issue import ISSUE, PUBLICATION, write_small_issue

SOON = f"{dt.datetime.now(dt.UTC) + dt.timedelta(days=30):%Y-%m-%d}"
TIMED = ISSUE.replace("2026-03-31", SOON) + f"send_at: {SOON} 09:00\n"
LISTED = PUBLICATION + "lists: [all]\n"


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    """A workspace whose issue goes out in a month to a list with one person."""
    write_small_issue(tmp_path, publication=LISTED, issue=TIMED)
    assert run_here(tmp_path, "subscribers", "add", "lin@example.com", "--list", "all").status == 0
    return tmp_path


def test_it_tells_what_goes_out_when(workspace: Path) -> None:
    ended = run_here(workspace, "calendar", "--format", "json")
    assert (ended.status, ended.err) == (0, "")
    line = json.loads(ended.out)
    assert (line["issue"], line["lists"], line["state"]) == ("small/2026-01", "all", "waiting")
    assert line["at"].startswith(f"{SOON} 09:00+0")
    table = run_here(workspace, "calendar", "small")
    assert SOON in table.out and "waiting" in table.out
    (row,) = csv.DictReader(io.StringIO(run_here(workspace, "calendar", "--format", "csv").out))
    assert row["publication"] == "small"


def test_a_fault_is_told_and_ends_with_1(workspace: Path) -> None:
    write_small_issue(workspace, publication=PUBLICATION + "lists: [nobody]\n", issue=TIMED)
    ended = run_here(workspace, "calendar", "--format", "json")
    assert ended.status == 1
    line = json.loads(ended.out)
    assert (line["state"], line["said"]) == ("faulty", "there is no list 'nobody'; import it first")


def test_expected_issues_are_shown_as_far_as_asked_for(workspace: Path) -> None:
    daily = LISTED + f"cadence: {{rule: FREQ=DAILY, since: {SOON}, warn_days: 0}}\n"
    write_small_issue(workspace, publication=daily, issue=TIMED)
    near = run_here(workspace, "calendar", "--days", "20", "--format", "json")
    assert [json.loads(line)["state"] for line in near.out.splitlines()] == ["waiting"]
    far = run_here(workspace, "calendar", "--days", "40", "--format", "json")
    states = [json.loads(line)["state"] for line in far.out.splitlines()]
    assert states[0] == "waiting" and set(states[1:]) == {"expected"}


def test_an_empty_calendar_says_so(tmp_path: Path) -> None:
    write_small_issue(tmp_path)
    assert run_here(tmp_path, "calendar").out == "nothing is scheduled or expected\n"
    assert run_here(tmp_path, "calendar", "--format", "json").out == ""


def test_a_publication_that_is_not_there_is_refused(workspace: Path) -> None:
    ended = run_here(workspace, "calendar", "smal")
    assert (ended.status, ended.out) == (2, "")
    assert ended.err == "pressrun: no publication is called 'smal' — known: small\n"
