"""The terminal: nothing that a stranger wrote can steer it, whichever command prints it."""

from __future__ import annotations

import io
import json
import re
import sys
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path

import pytest
from hostile import STEERING, TURNING
from hypothesis import given
from hypothesis import strategies as st

from command import Ended, run_here
from pressrun.cli.app import Format
from pressrun.cli.rows import print_rows
from pressrun.cli.screen import guarded_screen, unguarded, visible
from small_issue import write_small_issue

STEERS = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff]|\r(?!\n)")


class _Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True


def printed(text: str, stream: type[io.StringIO] = _Terminal) -> str:
    """What comes out where `text` is printed, by all the ways there are."""
    out = stream()
    with redirect_stdout(out), redirect_stderr(out), guarded_screen():
        print(text)
        print(text, file=sys.stderr)
        sys.stdout.writelines([text, "\n"])
        for form in Format:
            print_rows([{"name": text, "attributes": {"city": text}}], form)
    return re.sub(r"\x1b\[[0-9;]*m", "", out.getvalue())  # a table's own bold head


@pytest.mark.parametrize("text", STEERING)
@pytest.mark.parametrize("stream", [_Terminal, io.StringIO])
def test_what_is_printed_steers_no_terminal(text: str, stream: type[io.StringIO]) -> None:
    assert not STEERS.search(printed(text, stream))


@pytest.mark.parametrize("text", TURNING)
def test_no_line_on_a_terminal_reads_backwards(text: str) -> None:
    assert not re.search("[\u202a-\u202e\u2066-\u2069]", printed(text))


@given(text=st.text())
def test_nothing_at_all_steers_it(text: str) -> None:
    assert not STEERS.search(printed(text, io.StringIO))
    assert not STEERS.search(visible(text).replace("\r\n", "").rstrip("\r"))


def test_what_is_written_out_still_says_the_same_as_json() -> None:
    out = io.StringIO()
    with redirect_stdout(out), guarded_screen():
        print(json.dumps({"name": "a\x9b\x7fb"}, ensure_ascii=False))
    assert json.loads(out.getvalue()) == {"name": "a\x9b\x7fb"}


def test_ordinary_text_of_any_script_comes_out_as_it_is() -> None:
    text = "林晓\tO’Brien 👩\u200d👧 مرحبا\u200f\r\n"
    assert visible(text) == text


def test_colours_of_logs_come_through_on_standard_error_only() -> None:
    out, err = _Terminal(), _Terminal()
    with redirect_stdout(out), redirect_stderr(err), guarded_screen():
        for stream in (sys.stdout, sys.stderr):
            stream.write("\x1b[31mred\x1b[0m\x1b[2J")
            assert unguarded(stream) in (out, err)
    assert err.getvalue() == "\x1b[31mred\x1b[0m\\u001b[2J"
    assert "\x1b" not in out.getvalue()


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    write_small_issue(tmp_path)
    return tmp_path


def run(workspace: Path, *arguments: object) -> Ended:
    ended = run_here(workspace, *arguments)
    assert not STEERS.search(ended.out + ended.err), arguments
    return ended


@pytest.mark.parametrize("text", STEERING)
def test_a_rejected_row_is_shown_harmlessly(workspace: Path, text: str) -> None:
    file = workspace / "people.csv"
    file.write_bytes(f'email,name\nno address {text},"{text}"\n'.encode())
    ended = run(workspace, "subscribers", "import", file, "--list", "news", "--basis", "unknown")
    assert ended.status in (1, 2)


@pytest.mark.parametrize("text", STEERING)
def test_names_in_arguments_and_files_are_shown_harmlessly(workspace: Path, text: str) -> None:
    run(workspace, "check", text)
    run(workspace, "status", f"small/{text}")
    run(workspace, "subscribers", "remove", text, "--list", "x")
    run(workspace, "subscribers", "list", "--list", text)
    if "/" not in text:
        (workspace / "issues" / "small" / "2026-01" / f"{text}.md").write_text("---\ntitle: x\n---\nx\n")
        assert run(workspace, "check", "2026-01").status == 1
        assert run(workspace, "check", "2026-01", "--format", "json").status == 1
