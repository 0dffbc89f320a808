from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pressrun.choices import MOST_ISSUES, Choices, offer, read_choices
from pressrun.store.database import Database
from pressrun.workspace import Workspace, open_workspace
from small_edition import fill_list
from small_issue import PUBLICATION, write_small_issue

CHOICES = Choices("small", ("small/2026-02", "small/2026-01"), ("news", "press"))
FORM: dict[str, Any] = {
    "title": "Parameters",
    "type": "object",
    "required": ["issue"],
    "properties": {
        "issue": {"title": "issue", "description": "The issue.", "position": 0, "type": "string"},
        "lists": {
            "title": "lists",
            "description": "The lists.",
            "position": 1,
            "anyOf": [{"type": "array", "items": {"type": "string"}}, {"type": "null"}],
            "default": None,
        },
        "list_name": {"title": "list_name", "position": 2, "type": "string", "default": "news"},
        "with_site": {"title": "with_site", "position": 3, "type": "boolean", "default": True},
    },
    "definitions": {},
}


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    """A workspace with two publications and issues that sort by number, not by letter."""
    (write_small_issue(tmp_path).parent / "2026-9").mkdir()
    for name in ("2026-9", "2026-10", "2025-12"):
        folder = tmp_path / "issues" / "small" / name
        folder.mkdir(exist_ok=True)
        (folder / "issue.yaml").touch()
    other = tmp_path / "issues" / "other"
    other.mkdir()
    (other / "publication.yaml").write_text(f"{PUBLICATION}lists: [press, gone]\n", encoding="utf-8")
    return open_workspace(tmp_path)


async def test_issues_stand_newest_first_and_lists_with_the_publications_own_first(
    workspace: Workspace, database: Database
) -> None:
    for name in ("all", "news", "press"):
        await fill_list(database, name, ["ann@example.com"])
    other, small = await read_choices(workspace, database)
    assert small.issues == ("small/2026-10", "small/2026-9", "small/2026-01", "small/2025-12")
    assert small.lists == ("all", "news", "press")
    assert other == Choices("other", (), ("press", "all", "news"))


async def test_segments_of_the_publications_own_lists_are_choices(workspace: Workspace, database: Database) -> None:
    (workspace.root / "subscribers").mkdir()
    (workspace.root / "subscribers" / "segments.yaml").write_text('north: city == "Kiel"\nbroken: city =\n')
    for name in ("all", "press"):
        await fill_list(database, name, ["ann@example.com"])
    other, small = await read_choices(workspace, database)
    assert small.lists == ("all", "press", "all:north", "press:north")
    assert other.lists == ("press", "all", "press:north")


async def test_a_faulty_publication_is_offered_all_the_same(workspace: Workspace, database: Database) -> None:
    (workspace.issues / "small" / "publication.yaml").write_text("title: [")
    choices = {one.publication: one for one in await read_choices(workspace, database)}
    assert len(choices["small"].issues) == 4


async def test_a_form_offers_the_newest_of_very_many_issues(workspace: Workspace, database: Database) -> None:
    for number in range(MOST_ISSUES):
        folder = workspace.issues / "small" / f"2027-{number}"
        folder.mkdir()
        (folder / "issue.yaml").touch()
    _, small = await read_choices(workspace, database)
    assert (len(small.issues), small.issues[0]) == (MOST_ISSUES, f"small/2027-{MOST_ISSUES - 1}")


def test_names_become_choices_and_the_rest_of_the_form_stays() -> None:
    fields = offer(FORM, CHOICES)["properties"]
    assert fields["issue"] == {
        "title": "issue",
        "description": "The issue.",
        "position": 0,
        "type": "string",
        "enum": ["small/2026-02", "small/2026-01"],
    }
    assert fields["lists"] == {
        "title": "lists",
        "description": "The lists.",
        "position": 1,
        "type": "array",
        "items": {"type": "string", "enum": ["news", "press"]},
        "uniqueItems": True,
    }
    assert fields["list_name"]["default"] == "news"
    assert fields["with_site"] == FORM["properties"]["with_site"]
    assert {key: value for key, value in offer(FORM, CHOICES).items() if key != "properties"} == {
        key: value for key, value in FORM.items() if key != "properties"
    }


def test_a_field_without_any_choice_stays_free() -> None:
    assert offer(FORM, Choices("new", (), ())) == FORM


NAMES = st.lists(st.text(min_size=1), unique=True).map(tuple)


@given(NAMES, NAMES)
def test_offering_again_changes_nothing(issues: tuple[str, ...], lists: tuple[str, ...]) -> None:
    choices = Choices("small", issues, lists)
    assert offer(offer(FORM, choices), choices) == offer(FORM, choices)
