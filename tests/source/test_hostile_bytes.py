"""Whatever bytes stand in a source file or a picture, loading gives an issue or findings and raises nothing."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pressrun.check import check_issue
from pressrun.source.loader import load_issue
from small_issue import FIRST, ISSUE, PUBLICATION, write_picture, write_small_issue

TEXTS = {"publication": PUBLICATION, "issue": ISSUE, "first": FIRST}
# What YAML, Markdown, Python's formats and file names take for more than itself.
PIECES = [
    *"{}[]*&!|>%@`\"'#,?:-<\\\t\n\r\0\x0b\x0c\x7f",
    *("---\n", "...\n", ":::\n", ":::figure\n", "<<: ", "? ", "!!int ", "!!python/object:os.system ", "&a *a", "\\0"),
    *('"\\UFFFFFFFF"', '"\\ud800"', "%YAML 9.9\n", "{year.x}", "media/\\0", "../", "~", "null", "\ufeff", "\u2028"),
    *("](", "![](", "<b>", "&#0;", "http://[", "9" * 30, "é", "采", "😀", "\u202e", "\u0085", "\ufffe"),
]
edits = st.lists(
    st.tuples(
        st.sampled_from(["delete", "insert", "swap", "replace", "repeat"]),
        st.floats(0, 1, allow_nan=False),
        st.integers(1, 40),
        st.sampled_from([piece.encode() for piece in PIECES]) | st.binary(max_size=4),
    ),
    min_size=1,
    max_size=6,
)


def spoil(raw: bytes, edits: list[tuple[str, float, int, bytes]]) -> bytes:
    """`raw` with each edit made at its relative place."""
    for kind, place, length, piece in edits:
        at = int(place * len(raw))
        before, middle, after = raw[:at], raw[at : at + length], raw[at + length :]
        match kind:
            case "delete":
                raw = before + after
            case "insert":
                raw = before + piece + middle + after
            case "swap":
                raw = middle + before + after
            case "replace":
                raw = before + piece + after
            case "repeat":
                raw = before + middle * 20 + after
    return raw


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as name:
        yield Path(name)


def load(folder: Path, **changes: bytes) -> None:
    loaded = load_issue(write_small_issue(folder, **changes))
    assert (loaded.issue is None) == bool(loaded.findings)
    for finding in loaded.findings:
        lines = Path(finding.path).read_bytes().replace(b"\r\n", b"\n").replace(b"\r", b"\n").count(b"\n") + 1
        assert 1 <= finding.line <= lines, finding
        assert "\n" not in str(finding), finding
        assert finding.model_dump_json()
    if loaded.issue:
        assert loaded.issue.label
        list(check_issue(loaded.issue))


@pytest.mark.parametrize("stem", TEXTS)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(edits=edits)
def test_a_spoilt_file_gives_findings_or_an_issue(
    stem: str, folder: Path, edits: list[tuple[str, float, int, bytes]]
) -> None:
    write_small_issue(folder)
    load(folder, **{stem: spoil(TEXTS[stem].encode(), edits)})


@pytest.mark.parametrize("stem", TEXTS)
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(raw=st.binary(max_size=60))
def test_any_bytes_give_findings_or_an_issue(stem: str, folder: Path, raw: bytes) -> None:
    write_small_issue(folder)
    load(folder, **{stem: raw})


@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=st.text(st.sampled_from("*_`~[]()<>!#|-+:.\\&;\n \t1aé采，“”"), max_size=80))
def test_any_markdown_gives_findings_or_an_issue(folder: Path, text: str) -> None:
    write_small_issue(folder)
    load(folder, first=f"---\ntitle: x\n---\n{text}".encode())


@pytest.mark.parametrize("form", ["PNG", "JPEG", "GIF"])
@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(edits=edits)
def test_a_spoilt_picture_gives_findings_or_an_issue(
    form: str, folder: Path, edits: list[tuple[str, float, int, bytes]]
) -> None:
    issue = write_small_issue(folder)
    cover = issue / "media" / "cover.png"
    write_picture(cover, form)
    cover.write_bytes(spoil(cover.read_bytes(), edits))
    codes = {finding.code for finding in load_issue(issue).findings}
    assert codes <= {"bad-picture"}


@pytest.mark.parametrize("text", ["[" * 10_000, ">" * 10_000, "*" * 10_000, "- " * 5_000, "`" * 10_000, "<a" * 5_000])
def test_deep_nesting_in_markdown_is_no_trouble(text: str, folder: Path) -> None:
    write_small_issue(folder)
    load(folder, first=f"---\ntitle: x\n---\n{text}".encode())
