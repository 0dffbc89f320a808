"""Segments as the workspace saves them: what the file may hold, where it goes wrong, and what they stand for."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from pressrun.condition import OneOf, parse_condition, spell_out
from pressrun.condition.parser import ConditionError
from pressrun.errors import UsageError
from pressrun.segment import (
    IN_ALL,
    IN_STORE,
    find_segment,
    issue_vocabulary,
    load_segments,
    read_segments,
    segments_for,
)
from pressrun.workspace import Workspace, open_workspace

SOUND = """\
chinese: language == "zh"
loyal:
  filter: received >= 3 and segment == "chinese"
  description: Readers of long standing
北京: city in ("Beijing", "北京")
"""
CHINESE = 'language in ("zh", "zh-*")'


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    (tmp_path / "issues").mkdir()
    (tmp_path / "subscribers").mkdir()
    (tmp_path / "pressrun.toml").write_text("")
    return open_workspace(tmp_path)


def save(workspace: Workspace, text: str, attributes: str = "") -> None:
    (workspace.root / "subscribers/segments.yaml").write_text(text)
    if attributes:
        (workspace.root / "subscribers/attributes.yaml").write_text(attributes)


def test_segments_are_read_in_their_order_with_others_written_out(workspace: Workspace) -> None:
    save(workspace, SOUND)
    found = load_segments(workspace)
    assert [*found] == ["chinese", "loyal", "北京"]
    assert (found["loyal"].description, found["loyal"].told) == (
        "Readers of long standing", f"received >= 3 and {CHINESE}",
    )  # fmt: skip
    assert found["北京"].filter == 'city in ("Beijing", "北京")'


def test_a_segment_may_name_one_that_comes_later(workspace: Workspace) -> None:
    save(workspace, 'both: segment in ("first", "second")\nfirst: city == "a"\nsecond: city == "b"\n')
    assert load_segments(workspace)["both"].told == 'city == "a" or city == "b"'


def test_without_the_file_there_are_none(workspace: Workspace) -> None:
    assert load_segments(workspace) == {}
    assert segments_for(workspace, ["spp:chinese"]) == {}


@pytest.mark.parametrize(
    ("text", "place", "says"),
    [
        ('a: city = "x"\n', (1, 9), "= can't stand here"),
        ('a:\n  filter: city == "x" adn b == ""\n', (2, 23), "and or or is missing"),
        ("a:\n  filter: >-\n    city ==\n", (2, 11), "a value in double quotes"),
        ("a:\n  fliter: x\n", (1, 1), "filter"),
        ('a b: city == "x"\n', (1, 1), "'a b' can't name one"),
        ('spp:x: city == "x"\n', (1, 1), "'spp:x' can't name one"),
        ('a: segment == "a"\n', (1, 15), "the segment a is made of itself"),
        ('a: segment == "b"\nb: segment == "a"\n', (2, 15), "the segment a is made of itself"),
        ('a: segment == "c"\n', (1, 15), "no segment is called c"),
        ('a: received > "3"\n', (1, 15), "a number belongs here"),
        ("a: scoer > 3\n", (1, 4), "nothing is known as scoer"),
        ("- a\n", (1, 1), "no list of segments"),
        ('a: city == "x"\na: city == "y"\n', (2, 1), "twice"),
    ],
)
def test_a_fault_names_its_place(workspace: Workspace, text: str, place: tuple[int, int], says: str) -> None:
    save(workspace, text, "city: {}\nscore: {type: number}\n")
    first = read_segments(workspace.root).findings[0]
    assert ((first.line, first.column), says in first.message or says in first.hint) == (place, True), str(first)
    with pytest.raises(UsageError, match=r"subscribers/segments\.yaml:\d+:\d+: "):
        load_segments(workspace)


def test_a_fault_leaves_the_other_segments_sound(workspace: Workspace) -> None:
    save(workspace, 'good: city == "x"\nbad: city = "x"\nworse: segment == "bad"\n')
    read = read_segments(workspace.root)
    assert ([*read.segments], [*read.faulty]) == (["good"], ["bad", "worse"])


def test_segments_go_no_deeper_than_anybody_reads(workspace: Workspace) -> None:
    chain = [f'd{n}: segment == "d{n + 1}"\n' for n in range(40)]
    save(workspace, "".join([*chain, 'd40: city == "x"\n']))
    assert "deep here" in read_segments(workspace.root).findings[0].message


def test_a_segment_is_found_by_name_or_is_a_filter(workspace: Workspace) -> None:
    save(workspace, SOUND)
    assert find_segment(workspace, "chinese").name == "chinese"
    asked = find_segment(workspace, 'segment == "chinese"')
    assert (asked.name, asked.term) == ("", OneOf("language", ("zh", "zh-*")))
    with pytest.raises(UsageError, match="no segment is called 'chinse' — did you mean chinese"):
        find_segment(workspace, "chinse")
    with pytest.raises(UsageError, match="at character 6: = can't stand here"):
        find_segment(workspace, 'city = "x"')


@pytest.mark.parametrize(
    ("filter", "fits"),
    [
        ("score >= 10", True),
        ('born < "30 days ago"', True),
        ("paid == true", True),
        ('role == "press"', True),
        ('role == "pres"', False),
        ('city > "a"', False),
        ("unknown == 1", False),
        ('list == "spp" and language == "zh" and joined < "2026-01-01"', True),
        ('tag == "vip" and confirmed == true and last_clicked == "" and domain == "qq.com"', True),
        ('timezone == "Asia/Shanghai" and tracking == "yes"', True),
        ('tracking == "true"', False),
    ],
)
def test_declared_attributes_are_compared_by_their_type(workspace: Workspace, filter: str, fits: bool) -> None:
    types = "score: number, born: date, paid: boolean, city: text"
    attributes = "".join(f"{each.replace(': ', ': {type: ')}}}\n" for each in types.split(", "))
    save(workspace, "", attributes + "role: {type: choice, choices: [press, guest]}\n")
    try:
        find_segment(workspace, filter)
    except UsageError:
        assert not fits
    else:
        assert fits


def test_an_issue_may_ask_only_for_what_its_messages_know(workspace: Workspace) -> None:
    save(workspace, f'{SOUND}new: born > "30 days ago"\nbroken: city =\n')
    vocabulary = issue_vocabulary(workspace.root)
    assert spell_out('segment == "chinese" and list == "spp"', vocabulary) == f'{CHINESE} and list == "spp"'
    for text, says in (
        ('tag == "vip"', "tag is not known when a message is written"),
        ('segment == "loyal"', "the segment loyal asks for received"),
        ('segment == "new"', "changes from day to day"),
        ('born > "30 days ago"', "changes from day to day"),
        ('segment == "broken"', "the segment broken is faulty"),
    ):
        with pytest.raises(ConditionError, match=says):
            parse_condition(text, vocabulary)


PAGE = (Path(__file__).parents[1] / "docs" / "segments.md").read_text(encoding="utf-8")


def asked_in_the_docs() -> list[str]:
    """What stands as code in the first column of the page's table of comparisons, and its filters elsewhere."""
    table = PAGE.partition("## How it is asked")[2].partition("**What is not known")[0]
    cells = [line.split(" | ")[0] for line in table.splitlines() if line.startswith("| `")]
    shown = [text for cell in cells for text in re.findall("`([^`]+)`", cell)]
    return [text for text in shown if re.match(r"[a-z]+ (?:==|!=|<|>|in|not|contains)", text) and "…" not in text]


@pytest.mark.parametrize("text", asked_in_the_docs())
def test_what_the_page_shows_can_be_asked(workspace: Workspace, text: str) -> None:
    save(workspace, "", "city: {}\nscore: {type: number}\nborn: {type: date}\npaid: {type: boolean}\n")
    assert find_segment(workspace, text).filter == text


def test_the_pages_file_is_sound_and_said_as_the_page_says_it(workspace: Workspace) -> None:
    (text,) = [block for block in re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL) if "filter:" in block]
    save(workspace, text)
    assert load_segments(workspace)["loyal"].told in PAGE


def test_the_page_names_all_that_can_be_asked() -> None:
    table = PAGE.partition("## What can be asked")[2].partition("**Opens")[0]
    named = set(re.findall("`([a-z_]+)`", "".join(line.split(" | ")[0] for line in table.splitlines())))
    assert {*IN_ALL, *IN_STORE} <= named
