"""Conditional blocks: where they begin and end, whatever stands in them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pressrun.source.branch import Fork, Passage, fold_forks, fork_faults, split_forks, without_forks

C = 'city == "Beijing"'
WHEN = f"::: when {C}"


def told(text: str) -> str:
    """What `text` says, its conditional blocks as `[condition: then / otherwise]`."""
    return " ".join(fold_forks(text, lambda condition, then, other: f"[{condition}: {then} / {other}]").split())


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("a\n\nb", "a b"),
        (f"{WHEN}\na\n:::", '[city == "Beijing": a / ]'),
        (':::when x == ""\na\n:::\n', '[x == "": a / ]'),
        (f"x\n{WHEN}\na\n:::\ny", 'x [city == "Beijing": a / ] y'),
        (f"{WHEN}\na\n:::\n::: otherwise\nb\n:::\ny", '[city == "Beijing": a / b] y'),
        (f"{WHEN}\na\n:::\n\n::: otherwise\nb\n:::", '[city == "Beijing": a / b]'),
        (f"{WHEN}\na\n::: otherwise\nb\n:::\ny", '[city == "Beijing": a / b] y'),
        (f'::::: when a == ""\n{WHEN}\na\n:::\n:::', '[a == "": [city == "Beijing": a / ] / ]'),
        (f'::: when a == ""\n{WHEN}\na\n::: otherwise\nb\n:::\n:::', '[a == "": [city == "Beijing": a / b] / ]'),
        (f'::: when a == ""\n{WHEN}\na\n:::\n::: otherwise\nb\n:::\n:::', '[a == "": [city == "Beijing": a / b] / ]'),
        (f"{WHEN}\n:::figure\nimage: x\n:::\nb\n:::\ny", '[city == "Beijing": :::figure image: x ::: b / ] y'),
        (f"{WHEN}\n:::figure\nimage: x\n:::\n::: otherwise\nb\n:::", '[city == "Beijing": :::figure image: x ::: / b]'),
        (f"{WHEN}\n{WHEN}\n:::\n::: otherwise\na\n:::\n::: otherwise\nb\n:::", f"[{C}: [{C}: / a] / b]"),
        (f"{WHEN}\n{WHEN}\n:::\n{WHEN}\n:::\n::: otherwise\na\n:::\n:::", f"[{C}: [{C}: / ] [{C}: / a] / ]"),
        (f"{WHEN}\n{WHEN}\n:::\nx\n::: otherwise\nb\n:::", f"[{C}: [{C}: / ] x / b]"),
        (f"{WHEN}\n```\n:::\n```\n:::\ny", '[city == "Beijing": ``` ::: ``` / ] y'),
        (f"```\n{WHEN}\n```", f"``` {WHEN} ```"),
        (f"~~~~\n{WHEN}\n~~~\n~~~~\n{WHEN}\na\n:::", f'~~~~ {WHEN} ~~~ ~~~~ [city == "Beijing": a / ]'),
        (f":::quote\ntext: {WHEN}\n:::", f":::quote text: {WHEN} :::"),
        (f"{WHEN}\n:::", '[city == "Beijing": / ]'),
        ("a ::: when b", "a ::: when b"),
    ],
)
def test_a_block_ends_where_its_own_fence_closes(text: str, says: str) -> None:
    assert told(text) == says
    assert split_forks(text)[1] == []


@pytest.mark.parametrize(
    ("text", "line", "column", "code"),
    [
        (f"a\n{WHEN}\nb", 1, 1, "block-unclosed"),
        (f"{WHEN}\n:::figure\nb\n:::", 0, 1, "block-unclosed"),
        (f"{WHEN}\na\n:::\n::: otherwise\nb", 3, 1, "block-unclosed"),
        ("a\n::: otherwise\nb\n:::", 1, 1, "block-misplaced"),
        ("::: when\na\n:::", 0, 1, "bad-condition"),
        ('::: when city = "x"\na\n:::', 0, 15, "bad-condition"),
        ("a\n:::when  city ==\na\n:::", 1, 17, "bad-condition"),
        ("\n".join([WHEN] * 12 + ["a"] + [":::"] * 12), 10, 1, "block-nested"),
    ],
)
def test_a_fault_has_its_place(text: str, line: int, column: int, code: str) -> None:
    fault = split_forks(text)[1][0]
    assert (fault.line, fault.column, fault.code) == (line, column, code) and fault.message and fault.hint


def test_faults_inside_of_blocks_have_their_place_in_the_whole() -> None:
    text = f"{WHEN}\n\na\n::: when b\nc\n:::\n:::\n::: otherwise\n::: when c\nd\n:::\n:::"
    assert [(fault.line, fault.code) for fault in fork_faults(text)] == [(3, "bad-condition"), (8, "bad-condition")]


@pytest.mark.parametrize(("text", "line"), [("a\n:::\nb", 1), (f"{WHEN}\na\n:::\n\n:::", 4), ("a\n\n:::quote\n:::", 2)])
def test_where_only_conditional_blocks_stand_another_fence_is_a_fault(text: str, line: int) -> None:
    assert fork_faults(text).__next__().line == line
    assert not list(fork_faults(f"```\n{text}\n```"))


@given(
    st.lists(st.sampled_from([WHEN, ":::", "::: otherwise", ":::quote", "text", "", "```", "::: when"]), max_size=14)
)
def test_any_lines_are_parted_without_loss(lines: list[str]) -> None:
    text = "\n".join(lines)
    parts, faults = split_forks(text)
    assert without_forks(text).count("\n") == text.count("\n")
    for part in parts:
        for passage in (part,) if isinstance(part, Passage) else (part.then, part.otherwise):
            if passage:
                count = passage.text.count("\n") + 1
                assert not passage.text or text.split("\n")[passage.line : passage.line + count] == passage.text.split(
                    "\n"
                )
    if not faults and not any(isinstance(part, Fork) for part in parts):
        assert "\n\n".join(part.text for part in parts if isinstance(part, Passage)) in (text, "")
    list(fork_faults(text))


def test_a_file_of_fences_only_is_told_at_once() -> None:
    for text in ("\n".join([WHEN] * 20_000), "\n".join([WHEN, "::: otherwise"] * 10_000), "\n".join([":::"] * 20_000)):
        assert list(fork_faults(text))
        assert without_forks(text).count("\n") == text.count("\n")
