"""`pressrun serve` as a process: it serves, ends cleanly, and says where it can't listen."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from command import free_ports, plain_environment, run_here
from small_issue import write_small_issue


@contextmanager
def serving(workspace: Path, *options: str) -> Iterator[tuple[subprocess.Popen[str], httpx.Client]]:
    """A running `pressrun serve`, and a client for it."""
    (port,) = free_ports(1)
    command = [sys.executable, "-m", "pressrun", "--workspace", str(workspace), "serve", "--port", str(port), *options]
    process = subprocess.Popen(command, env=plain_environment(), stderr=subprocess.PIPE, text=True)
    try:
        assert process.stderr
        assert "serving" in process.stderr.readline()
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", trust_env=False) as client:
            yield process, client
    finally:
        process.kill()
        process.communicate()


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    write_small_issue(tmp_path)
    for folder in ("site", "preview"):
        (tmp_path / ".pressrun" / folder).mkdir(parents=True)
        (tmp_path / ".pressrun" / folder / "page.html").write_text(folder)
    return tmp_path


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_serves_the_site_without_previews_and_ends_cleanly(workspace: Path, number: signal.Signals) -> None:
    with serving(workspace) as (process, client):
        assert client.get("/page.html").text == "site"
        assert client.get("/preview/page.html").status_code == 404
        process.send_signal(number)
        assert process.wait(20) == 0


def test_with_previews_it_serves_them_too(workspace: Path) -> None:
    with serving(workspace, "--previews") as (_, client):
        assert client.get("/preview/page.html").text == "preview"


def test_a_port_that_is_taken_is_told_in_one_line(workspace: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        ended = run_here(workspace, "serve", "--port", port)
    assert ended.status == 2
    assert ended.err.startswith(f"pressrun: nothing can listen at 127.0.0.1:{port}: ")
    assert "set --port to another port" in ended.err
