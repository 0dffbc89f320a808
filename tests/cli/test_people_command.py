"""Verbs on one person, as somebody types them."""

from __future__ import annotations

import json
import stat
from pathlib import Path

import pytest

from command import Ended, run_here
from small_issue import write_small_issue

ANN = "ann@example.com"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_small_issue(tmp_path)
    run(tmp_path, "add", ANN, "--list", "news", "--name", "Ann Field", "--attribute", "city=Leeds")
    return tmp_path


def run(folder: Path, *words: str) -> Ended:
    return run_here(folder, "subscribers", *words)


def shown(folder: Path, address: str = ANN) -> dict[str, object]:
    told: dict[str, object] = json.loads(run(folder, "show", address, "--format", "json").out)
    return told


def test_show_tells_facts_and_what_happened(folder: Path) -> None:
    ended = run(folder, "show", ANN)
    assert (ended.status, ended.err) == (0, "")
    for told in (ANN, "Ann Field", "Leeds", "news: on it", "joined"):
        assert told in ended.out
    assert shown(folder)["attributes"] == {"city": "Leeds"}
    rows = run(folder, "show", ANN, "--format", "csv").out.splitlines()
    assert rows[:2] == ["when,what,about,said", ",address,,ann@example.com"]


def test_show_of_a_stranger_is_exit_status_1_and_of_no_address_2(folder: Path) -> None:
    ended = run(folder, "show", "nobody@example.com")
    assert (ended.status, ended.err) == (1, "nothing is known of nobody@example.com\n")
    assert run(folder, "show", "nobody").status == 2


def test_data_is_written_for_its_owner_alone(folder: Path) -> None:
    file = folder / "ann.json"
    file.write_text("old")
    file.chmod(0o644)
    assert run(folder, "data", ANN, "--out", str(file)).status == 0
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    data = json.loads(file.read_text(encoding="utf-8"))
    assert (data["address"], data["lists"][0]["list"]) == (ANN, "news")
    assert json.loads(run(folder, "data", ANN).out)["name"] == "Ann Field"
    assert run(folder, "data", ANN, "--out", str(folder / "none" / "x")).status == 2


def test_tags_are_put_on_and_taken_off(folder: Path) -> None:
    assert run(folder, "tag", ANN, "vip", "north").out == f"{ANN}: tagged north, vip\n"
    assert run(folder, "tag", ANN, "vip").out == f"{ANN}: nothing to change\n"
    assert run(folder, "tag", ANN, "vip", "--remove").out == f"{ANN}: untagged vip\n"
    assert shown(folder)["tags"] == ["north"]
    assert run(folder, "tag", "nobody@example.com", "vip").status == 2


def test_a_person_moves_to_another_list_or_address(folder: Path) -> None:
    assert run(folder, "move", ANN, "--from", "news", "--to", "digest").out == f"{ANN} moved from news to digest\n"
    assert run(folder, "move", ANN, "ann@new.example.com").out == f"{ANN} is ann@new.example.com from now on\n"
    assert shown(folder, "ann@new.example.com")["name"] == "Ann Field"
    assert run(folder, "show", ANN).status == 1


@pytest.mark.parametrize("words", [[], ["--from", "news"], ["ann@new.example.com", "--to", "digest"]])
def test_where_to_has_to_be_clear(folder: Path, words: list[str]) -> None:
    ended = run(folder, "move", ANN, *words)
    assert ended.status == 2
    assert "write move ADDRESS NEW, or move ADDRESS --from LIST --to LIST" in ended.err


def test_a_pause_begins_and_ends(folder: Path) -> None:
    assert run(folder, "pause", ANN, "--until", "2999-01-31").out == f"{ANN}: no mail before 2999-01-31: news\n"
    assert "no mail before 2999-01-3" in run(folder, "show", ANN).out
    assert run(folder, "pause", ANN, "--end").out == f"{ANN}: mail begins again: news\n"
    assert run(folder, "pause", ANN, "--end").out == f"{ANN}: nothing to change\n"


@pytest.mark.parametrize(
    "words", [[], ["--until", "soon"], ["--until", "2000-01-01"], ["--until", "2999-01-01", "--end"]]
)
def test_a_pause_without_a_day_to_come_is_refused(folder: Path, words: list[str]) -> None:
    assert run(folder, "pause", ANN, *words).status == 2


def test_an_address_is_suppressed_and_let_go_with_who_and_why(folder: Path) -> None:
    assert run(folder, "suppress", ANN, "--reason", "by phone", "--by", "olga").out == (
        f"{ANN} is never mailed from now on\n"
    )
    assert "already" in run(folder, "suppress", ANN, "--reason", "again").out
    assert shown(folder)["suppression"]["reason"] == "by phone"  # type: ignore[index]
    assert run(folder, "suppress", ANN, "--lift", "--reason", "asked").status == 0
    assert "was not suppressed" in run(folder, "suppress", ANN, "--lift", "--reason", "asked").out
    assert shown(folder)["suppression"] is None


def test_forgetting_asks_first_and_is_for_good(folder: Path) -> None:
    assert run(folder, "forget", ANN).status != 0  # nobody answers
    assert shown(folder)["name"] == "Ann Field"
    ended = run(folder, "forget", ANN, "--yes")
    assert (ended.status, ended.out) == (0, f"{ANN}: forgotten; 0 rows of the delivery log scrubbed\n")
    assert run(folder, "show", ANN).status == 1
    people = folder / "people.csv"
    people.write_text(f"email\n{ANN}\n", encoding="utf-8")
    assert run(folder, "import", str(people), "--list", "news", "--basis", "written").status == 0
    assert run(folder, "show", ANN).status == 1
