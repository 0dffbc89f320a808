"""The timetable holds what is said of time, and faults instead of issues that can't be read."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

from pressrun.schedule.timetable import Entry, read_timetable
from pressrun.workspace import open_workspace
from small_issue import ISSUE, PUBLICATION, write_small_issue

TIMED = ISSUE + "send_at: 2026-03-31 09:00\n"
LISTED = PUBLICATION + "lists: [all]\n"
CADENCE = "cadence: {rule: FREQ=MONTHLY;BYMONTHDAY=-1, since: 2026-01-01}\n"


def entries(folder: Path, **changes: str) -> tuple[Entry, ...]:
    write_small_issue(folder, **changes)
    return read_timetable(open_workspace(folder)).entries


def test_an_issue_with_a_time_is_in_it(tmp_path: Path) -> None:
    (entry,) = entries(tmp_path, publication=LISTED, issue=TIMED)
    assert (entry.issue, entry.lists, entry.date, entry.fault) == ("small/2026-01", ("all",), dt.date(2026, 3, 31), "")
    assert entry.local == dt.datetime.fromisoformat("2026-03-31T09:00")
    assert entry.send_at is not None and entry.send_at.isoformat() == "2026-03-31T07:00:00+00:00"


def test_one_without_is_in_it_where_issues_are_expected(tmp_path: Path) -> None:
    assert entries(tmp_path) == ()
    (entry,) = entries(tmp_path, publication=PUBLICATION + CADENCE)
    assert (entry.send_at, entry.date) == (None, dt.date(2026, 3, 31))


def test_faults_in_articles_are_not_looked_for(tmp_path: Path) -> None:
    (entry,) = entries(tmp_path, publication=LISTED, issue=TIMED, first="no front matter\n")
    assert entry.fault == ""


def test_an_issue_that_cannot_be_read_tells_why_and_keeps_its_date(tmp_path: Path) -> None:
    (entry,) = entries(tmp_path, publication=LISTED, issue=TIMED.replace("number: 1", "number: one"))
    assert "issue.yaml:2:9: wrong-type number" in entry.fault
    assert (entry.date, entry.send_at) == (dt.date(2026, 3, 31), None)
    (entry,) = entries(tmp_path, issue="send_at: [")
    assert entry.fault.startswith("issue.yaml:") and entry.date is None


def test_a_publication_that_cannot_be_read_is_the_fault_of_its_issues(tmp_path: Path) -> None:
    write_small_issue(tmp_path, publication="title: x\n", issue=TIMED)
    timetable = read_timetable(open_workspace(tmp_path))
    assert timetable.publications == {}
    assert timetable.entries[0].fault.startswith("issues/small/publication.yaml:")
