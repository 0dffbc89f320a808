"""Verbs on segments, and sending to one, as somebody types them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from command import Ended, run_here
from small_issue import write_small_issue


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_small_issue(tmp_path)
    (tmp_path / "subscribers").mkdir(exist_ok=True)
    save(tmp_path, 'chinese:\n  filter: language == "zh"\n  description: For the survey\n')
    for name, language in (("ann", "en"), ("bao", "zh-CN"), ("chen", "zh")):
        run_here(
            tmp_path,
            "subscribers",
            "add",
            f"{name}@example.com",
            "--list",
            "news",
            "--attribute",
            f"language={language}",
        )
    return tmp_path


def save(folder: Path, text: str) -> None:
    (folder / "subscribers" / "segments.yaml").write_text(text, encoding="utf-8")


def run(folder: Path, *words: str) -> Ended:
    return run_here(folder, "segments", *words)


def test_list_shows_what_is_saved(folder: Path) -> None:
    (row,) = map(json.loads, run(folder, "list", "--format", "json").out.splitlines())
    assert row == {"segment": "chinese", "filter": 'language == "zh"', "description": "For the survey"}
    save(folder, "")
    assert "none is saved" in run(folder, "list").out


def test_show_tells_the_size_before_the_segment_is_used_and_addresses_only_where_asked(folder: Path) -> None:
    ended = run(folder, "show", "chinese", "--list", "news")
    assert ended.out == 'chinese: 2 people of news\n  language in ("zh", "zh-*")\n'
    shown = run(folder, "show", "chinese", "--sample", "5", "--format", "json").out
    assert {json.loads(line)["address"] for line in shown.splitlines()} == {"bao@example.com", "chen@example.com"}
    told = json.loads(run(folder, "show", 'domain == "EXAMPLE.com"', "--format", "json").out)
    assert told == {"segment": "", "filter": 'domain == "example.com"', "list": None, "people": 3}


def test_the_same_seed_draws_the_same_sample(folder: Path) -> None:
    def draw() -> str:
        return run(folder, "show", 'name == ""', "--sample", "1", "--seed", "7", "--format", "csv").out

    assert draw() == draw() != ""


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("chinse",), "no segment is called 'chinse' — did you mean chinese?"),
        (("language = 1",), "the filter, at character 10: = can't stand here"),
        (("chinese", "--list", "newz"), "there is no list 'newz'"),
    ],
)
def test_a_wrong_name_or_filter_is_exit_status_2(folder: Path, words: tuple[str, ...], says: str) -> None:
    ended = run(folder, "show", *words)
    assert ended.status == 2
    assert says in ended.err


def test_check_tells_every_fault_with_its_place(folder: Path) -> None:
    assert (run(folder, "check").status, run(folder, "check").err) == (0, "1 segment, 0 errors\n")
    save(folder, 'a: city = "x"\nb: received > "3"\n')
    ended = run(folder, "check")
    assert ended.status == 1
    assert [line.split(" ")[0] for line in ended.out.splitlines()] == [
        "subscribers/segments.yaml:1:9:", "subscribers/segments.yaml:2:15:",
    ]  # fmt: skip


def test_a_dry_run_counts_a_segment_and_who_lacks_a_value(folder: Path) -> None:
    write_small_issue(folder, first="---\ntitle: The first\n---\nNews from {{ city | your city }}.\n")
    ended = run_here(folder, "send", "2026-01", "--list", "news:chinese", "--dry-run")
    assert (ended.status, ended.err) == (0, "")
    assert "news:chinese: 2 people, 2 of them not planned yet" in ended.out
    assert "2 without city read “your city”" in ended.out


def test_sending_to_a_segment_that_is_not_there_is_told_before_anything_leaves(folder: Path) -> None:
    ended = run_here(folder, "send", "2026-01", "--list", "news:chinse")
    assert (ended.status, "there is no segment 'chinse' — did you mean chinese?" in ended.err) == (2, True)
    save(folder, "chinese: city =\n")
    ended = run_here(folder, "send", "2026-01", "--list", "news:chinese")
    assert (ended.status, "subscribers/segments.yaml:1:" in ended.err) == (2, True)
