"""`pressrun preview` as a process: it says where it is, serves, and ends cleanly."""

from __future__ import annotations

import re
import signal
import socket
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from command import plain_environment, run_here
from patience import HUNG
from pressrun.preview import screenshot as screenshot_module
from small_issue import write_small_issue


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_serves_the_preview_where_it_says_and_ends_cleanly(tmp_path: Path, number: signal.Signals) -> None:
    write_small_issue(tmp_path)
    command = [sys.executable, "-m", "pressrun", "--workspace", str(tmp_path), "preview", "2026-01", "--port", "0"]
    process = subprocess.Popen(command, env=plain_environment(), stderr=subprocess.PIPE, text=True)
    try:
        assert process.stderr
        said = process.stderr.readline()
        address = re.search(r"http://127\.0\.0\.1:\d+/", said)
        assert address, said
        with httpx.Client(base_url=address[0], trust_env=False, timeout=HUNG) as client:
            assert "small/2026-01" in client.get("/").text
            with client.stream("GET", "/events") as events:  # somebody who listens does not hold up the end
                assert next(events.iter_lines()).startswith("data: ")
                process.send_signal(number)
                assert process.wait(HUNG) == 0
        assert process.stderr.read() == ""
    finally:
        process.kill()
        process.communicate()


def test_an_unknown_issue_is_told_in_one_line(tmp_path: Path) -> None:
    write_small_issue(tmp_path)
    ended = run_here(tmp_path, "preview", "small/2026-10")
    assert (ended.status, ended.err.count("\n")) == (2, 1)
    assert "did you mean small/2026-01" in ended.err


def test_a_port_that_is_taken_is_told_in_one_line(tmp_path: Path) -> None:
    write_small_issue(tmp_path)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        ended = run_here(tmp_path, "preview", "2026-01", "--port", taken.getsockname()[1])
    assert ended.status == 2
    assert "set --port to another port" in ended.err


def test_without_chromium_no_screenshot_is_begun(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_small_issue(tmp_path)
    monkeypatch.setattr(screenshot_module, "find_chromium", lambda: None)
    ended = run_here(tmp_path, "screenshot", "2026-01", "--out", tmp_path / "out")
    assert ended.status == 2
    assert "apt install chromium" in ended.err
