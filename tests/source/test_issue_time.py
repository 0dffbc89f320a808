"""What an issue and its publication say of time, as values."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest
from pydantic import ValidationError

from pressrun.source.issue import Issue
from pressrun.source.loader import load_issue, load_publication
from small_issue import ISSUE, PUBLICATION, write_small_issue
from small_publication import make_publication

TIMED = """\
lists: [all, press, all]
approval: required
rehearsal: required
testers: [lin@example.com]
send_window:
  not_before: 09:00
  not_after: "18:00"
  days: [mon, tue]
  quiet:
    - start: 12:00
      end: 13:00
late:
  after_minutes: 30
  then: ask
recipient_local: true
cadence:
  rule: FREQ=MONTHLY;BYMONTHDAY=-1
  since: 2026-01-01
  warn_days: 5
"""


def load(folder: Path, **changes: str) -> Issue:
    loaded = load_issue(write_small_issue(folder, **changes))
    assert loaded.findings == ()
    assert loaded.issue is not None
    return loaded.issue


def test_an_issue_without_a_time_goes_nowhere_by_itself(tmp_path: Path) -> None:
    issue = load(tmp_path)
    assert (issue.send_at, issue.lists) == (None, ())
    assert issue.publication.approval == "none"
    assert (issue.publication.late.after_minutes, issue.publication.late.then) == (120, "send")


def test_its_time_is_the_publications(tmp_path: Path) -> None:
    issue = load(tmp_path, issue=ISSUE + "send_at: 2026-03-31 09:00\nlists: [all]\n")
    assert issue.send_at == dt.datetime(2026, 3, 31, 7, tzinfo=dt.UTC)  # Vienna, after the clocks went on
    assert issue.send_at is not None and issue.send_at.isoformat() == "2026-03-31T09:00:00+02:00"


def test_a_time_that_clocks_skip_is_after_the_jump(tmp_path: Path) -> None:
    issue = load(tmp_path, issue=ISSUE + "send_at: 2026-03-29 02:30\nlists: [all]\n")
    assert issue.send_at is not None and issue.send_at.isoformat() == "2026-03-29T03:30:00+02:00"


def test_its_lists_are_its_own_or_the_publications_each_once(tmp_path: Path) -> None:
    assert load(tmp_path, publication=PUBLICATION + TIMED).lists == ("all", "press")
    own = ISSUE + "lists: [friends]\n"
    assert load(tmp_path, publication=PUBLICATION + TIMED, issue=own).lists == ("friends",)
    assert load(tmp_path, publication=PUBLICATION + TIMED, issue=ISSUE + "lists: []\n").lists == ()


def test_a_publication_says_when_its_mail_may_leave(tmp_path: Path) -> None:
    publication = load(tmp_path, publication=PUBLICATION + TIMED).publication
    assert publication.send_window is not None and publication.cadence is not None
    assert publication.send_window.not_before == dt.time(9)
    assert [(quiet.start, quiet.end) for quiet in publication.send_window.quiet] == [(dt.time(12), dt.time(13))]
    assert (publication.late.then, publication.recipient_local, publication.testers) == (
        "ask",
        True,
        ("lin@example.com",),
    )
    assert (publication.cadence.since, publication.cadence.warn_days) == (dt.date(2026, 1, 1), 5)


@pytest.mark.parametrize(
    ("spoilt", "place", "said"),
    [
        (TIMED.replace("not_before: 09:00", "not_before: 19:00"), (21, 3), "send_window: not_after is not later"),
        (TIMED.replace("end: 13:00", "end: 12:00"), (21, 3), "send_window: quiet hours end when they begin"),
        (TIMED.replace("start: 12:00", "start: 08:00").replace("end: 13:00", "end: 18:00"), (21, 3), "no hour"),
        (TIMED.replace("[mon, tue]", "[mon, Tuesday]"), (23, 15), "send_window.days.1 is 'Tuesday'"),
        (TIMED.replace("not_before: 09:00", "not_before: 9"), (21, 15), "no date or time"),
        (TIMED.replace("then: ask", "then: wait"), (29, 9), "late.then is 'wait'"),
        (TIMED.replace("MONTHLY", "HOURLY"), (32, 9), "cadence.rule: FREQ is one of"),
        (TIMED.replace("BYMONTHDAY=-1", "BYMONTHDAY=99"), (32, 3), "cadence: the rule gives no day"),
        (TIMED.replace("  since: 2026-01-01\n", ""), (32, 3), "cadence.since is missing"),
    ],
)
def test_a_fault_is_found_at_its_place(tmp_path: Path, spoilt: str, place: tuple[int, int], said: str) -> None:
    issue = write_small_issue(tmp_path, publication=PUBLICATION + spoilt)
    publication, findings = load_publication(issue.parent)
    assert publication is None
    (finding,) = findings
    assert said in finding.message
    assert (finding.line, finding.column) == place
    assert finding.hint


def test_a_value_does_not_change_once_read() -> None:
    with pytest.raises(ValidationError):
        make_publication().lists = ("other",)  # type: ignore[misc]
