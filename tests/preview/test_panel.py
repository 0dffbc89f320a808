from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from pressrun.preview.board import Showing
from pressrun.preview.look import Look
from pressrun.preview.panel import HEAVIEST, InboxLine, Weight, chosen, panel_values
from pressrun.preview.proof import attempt
from pressrun.preview.reader import Trait
from pressrun.render.mail import BUDGET_OCTETS, LIMIT_OCTETS
from pressrun.workspace import open_workspace
from small_issue import FIRST, ISSUE, write_small_issue


def showing_in(folder: Path, **changes: str) -> Showing:
    write_small_issue(folder, **changes)
    workspace = open_workspace(folder)
    return Showing().after(attempt(workspace, workspace.issue_folder("2026-01")))


def test_it_says_what_an_inbox_shows(tmp_path: Path) -> None:
    values = panel_values(showing_in(tmp_path), Look())
    assert values["inbox"] == InboxLine(
        "Small News", "Small News Issue 1 of 2026, 7 in all", "What is small this spring"
    )


def test_the_heaviest_articles_come_first(tmp_path: Path) -> None:
    more = {f"a{n}": FIRST.replace("The end.", "The end. " * (n + 1)) for n in range(HEAVIEST + 2)}
    listing = "".join(f"      - {name}\n" for name in more)
    weight = panel_values(showing_in(tmp_path, issue=ISSUE + listing, **more), Look())["weight"]
    assert isinstance(weight, Weight)
    assert [part.name for part in weight.parts] == ["a6", "a5", "a4", "a3", "a2"]


@pytest.mark.parametrize(
    ("octets", "verdict"),
    [(BUDGET_OCTETS, "within the budget"), (BUDGET_OCTETS + 1, "over the budget"), (LIMIT_OCTETS + 1, "too large")],
)
def test_the_size_is_held_against_the_budget(octets: int, verdict: str) -> None:
    assert Weight(octets, None, ()).verdict.startswith(verdict)


def test_errors_come_before_warnings(tmp_path: Path) -> None:
    showing = showing_in(tmp_path, first=FIRST.replace("/page)", "/{{ city }})").replace("The end.", "[x](nowhere)"))
    found = panel_values(showing, Look())["found"]
    assert isinstance(found, list)
    severities = [finding.severity for finding in found]
    assert severities == sorted(severities)
    assert "error" in severities


def test_with_nothing_to_show_the_findings_are_told_all_the_same(tmp_path: Path) -> None:
    showing = replace(showing_in(tmp_path), proof=None)
    values = panel_values(showing, Look())
    assert values["inbox"] is values["weight"] is None
    assert values["traits"] == ()


def test_a_value_that_is_no_choice_is_none() -> None:
    trait = Trait("role", ("guest", "press"))
    assert chosen(trait, {"role": "press"}) == "press"
    assert chosen(trait, {"role": "king"}) == chosen(trait, {}) == ""
    assert chosen(Trait("city"), {"city": "Graz"}) == "Graz"
