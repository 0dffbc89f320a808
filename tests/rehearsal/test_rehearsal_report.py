from __future__ import annotations

import datetime as dt
import json
from dataclasses import replace
from pathlib import Path

import pytest

from pressrun.delivery.outcome import State
from pressrun.rehearsal.expectation import Bound, Expectation
from pressrun.rehearsal.faults import Faults
from pressrun.rehearsal.rehearsal import Account, Defect, Rehearsal, Sizes
from pressrun.rehearsal.report import summarize, write_rehearsal

NOON = dt.datetime(2026, 2, 20, 12, tzinfo=dt.UTC)
STATES = dict.fromkeys(State, 0)
ACCOUNT = Account(states=STATES | {State.SENT: 990, State.FAILED: 8, State.IN_DOUBT: 2}, received=992)
WELL = Rehearsal(
    issue="spp/2026-02",
    subject="可持续 | 第 2 期",
    edition_id="e0123456789abcdef",
    lists=("spp", "friends"),
    faults=Faults(temporary=0.05, permanent=0.01, dropped=0.005, kill=True),
    audience=1_000,
    sample=None,
    account=ACCOUNT,
    defects=(),
    sizes=Sizes(992, 992 * 20_480, 20_000, 21_000),
    struck={"temporary": 51, "permanent": 8, "cut after": 1},
    kills=1,
    rounds=5,
    connections=8,
    started_at=NOON,
    seconds=4.2,
    expectation=Expectation(1_000, NOON, 7_300.0, Bound.RATE),
)


def with_account(**changes: object) -> Rehearsal:
    return replace(WELL, account=replace(ACCOUNT, **changes))  # type: ignore[arg-type]


def test_a_sound_rehearsal_says_so_with_its_account_and_what_was_struck() -> None:
    text = write_rehearsal(WELL)
    assert text.startswith("# Rehearsal of spp/2026-02: sound\n")
    for line in (
        r"可持续 \| 第 2 期, edition `e0123456789a`, to spp, friends.",
        "The whole audience: 1,000 people.",
        "None: everybody is accounted for, and every message is as it should be.",
        "| planned | 1,000 |",
        "| in doubt | 2 |",
        "| received a message | 992 |",
        "| tries refused for now (4xx) | 51 |",
        "| sending processes killed (kill -9) | 1 |",
        "Asked for: 5 % of tries refused for now, 1 % of tries refused for good, 0.5 % of connections cut, "
        "a kill -9 in the middle.",
    ):
        assert line in text.splitlines(), line
    assert "1,000 messages take 2.0 h, until 2026-02-20 14:01 UTC if begun when this was: held back by the" in text
    assert "not signed" in text


@pytest.mark.parametrize(
    ("rehearsal", "told"),
    [
        (with_account(lost=3), "| 3 | lost: the log says sent, and nothing came |  |"),
        (with_account(twice=5, flagged=4), "| 1 | mailed twice, and the log doesn't say so |  |"),
        (with_account(contradicted=2), "| 2 | got a message, though the log says that it never left |  |"),
        (with_account(strangers=2), "| 2 | messages for people who were to get none |  |"),
        (with_account(altered=2), "| 2 | mailed twice, and the copies differ |  |"),
        (with_account(shared_links=2), "| 2 | links to leave by that are not one person's alone |  |"),
        (with_account(states=STATES | {State.DEFERRED: 4}), "| 4 | rows still open at the end |  |"),
        (with_account(states=STATES | {State.IN_DOUBT: 12}), "| 3 | in doubt beyond the connections that were "
                                                             "broken |  |"),
        (with_account(states=STATES), "| 1 | rehearsal with nobody: there is nobody on the lists who may be "
                                      "mailed |  |"),
        (replace(WELL, struck={"no room": 6}), "| 6 | messages that the disk had no room for |  |"),
        (replace(WELL, defects=(Defect("messages with x", 7, (1, 5, 9)),)), "| 7 | messages with x | 1, 5, 9, … |"),
        (replace(WELL, defects=(Defect("messages with x", 2, (1, 5)),)), "| 2 | messages with x | 1, 5 |"),
    ],
)  # fmt: skip
def test_each_thing_that_is_wrong_is_a_finding(rehearsal: Rehearsal, told: str) -> None:
    text = write_rehearsal(rehearsal)
    assert not rehearsal.is_sound
    assert text.startswith("# Rehearsal of spp/2026-02: not sound\n")
    assert told in text.splitlines()


def test_as_many_may_be_in_doubt_as_connections_were_broken() -> None:
    for in_doubt, sound in ((9, True), (10, False)):
        states = STATES | {State.SENT: 1, State.IN_DOUBT: in_doubt}
        assert with_account(states=states).is_sound is sound


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"sample": 50, "audience": 50}, "A sample: 50 people, by chance."),
        ({"faults": Faults()}, "Asked for: nothing."),
        ({"faults": Faults(slow=0.1)}, "Asked for: 10 % of domains slow by 0.25 s."),
        ({"is_signed": True}, "signatures checked"),
        ({"kept_in": Path("out")}, "They are in `out`"),
        ({"account": replace(ACCOUNT, before=12)}, "| settled before the rehearsal, sent nothing | 12 |"),
        ({"expectation": Expectation(9, NOON, None, Bound.WARMUP)}, "9 messages take over a year at the relays'"),
        ({"expectation": Expectation(9, NOON, 3.0, Bound.PACE)}, "take 3.0 s: no limits of the relays"),
        ({"expectation": Expectation(9, NOON, 400.0, Bound.RATE)}, "take 7 min: held"),
        ({"expectation": Expectation(9, NOON, 400_000.0, Bound.WARMUP)}, "take 4.6 days, until 2026-02-25 03:06 UTC"),
    ],
)  # fmt: skip
def test_the_report_tells_what_was_done(changes: dict[str, object], told: str) -> None:
    assert told in write_rehearsal(replace(WELL, **changes))  # type: ignore[arg-type]


def test_the_summary_holds_the_figures_for_scripts() -> None:
    summary = json.loads(json.dumps(summarize(replace(WELL, defects=(Defect("x", 2, (1, 2)),)))))
    assert summary["planned"] == summary["sent"] + summary["failed"] + summary["in_doubt"] == 1_000
    assert (summary["sound"], summary["lost"], summary["expected_seconds"]) == (False, 0, 7_300.0)
    assert summary["findings"] == [{"what": "x", "count": 2}]


def test_where_all_had_the_issue_before_nothing_is_wrong() -> None:
    assert with_account(states=STATES, before=1_000).is_sound
    assert not with_account(states=STATES | {State.SUPPRESSED: 3}).is_sound
