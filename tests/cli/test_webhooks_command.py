"""webhooks and clicks: from adding one to seeing what came of a post."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from command import run_here
from pressrun.store.database import open_database
from pressrun.store.event import Event, EventKind, record_events
from pressrun.store.planning import plan
from small_edition import NOW, fill_list, make_edition
from small_issue import write_small_issue


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    """One whose webhooks may lead to this machine."""
    write_small_issue(tmp_path)
    (tmp_path / "pressrun.toml").write_text("webhook_private = true\n")
    return tmp_path


@contextmanager
def listening(code: int) -> Iterator[tuple[str, list[dict[str, str]]]]:
    """A receiver in a thread that answers `code`, and the headers it got."""
    got: list[dict[str, str]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["content-length"]))
            got.append({name.lower(): value for name, value in self.headers.items()})
            self.send_response(code)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/hook", got
    finally:
        server.shutdown()
        server.server_close()


def happen(workspace: Path) -> None:
    async def act() -> None:
        async with open_database(f"sqlite:///{workspace}/.pressrun/pressrun.db") as database, database.write() as one:
            await record_events(one, [Event(EventKind.LEFT, NOW, 1, list="news"), Event(EventKind.JOINED, NOW, 2)])

    asyncio.run(act())


def add(workspace: Path, url: str, *more: str) -> tuple[str, str]:
    ended = run_here(workspace, "webhooks", "add", url, *more)
    assert (ended.status, ended.err) == (0, "")
    first, secret = ended.out.splitlines()
    return first.split()[0], secret


def test_a_webhook_from_beginning_to_end(workspace: Path) -> None:
    with listening(200) as (url, got):
        name, secret = add(workspace, url, "--kind", "subscriber.left")
        assert secret.startswith("whsec_")
        assert run_here(workspace, "webhooks", "show-secret", name).out.strip() == secret
        ended = run_here(workspace, "webhooks", "test", name)
        assert (ended.status, ended.out) == (0, "taken: 200\n")
        happen(workspace)
        ended = run_here(workspace, "webhooks", "post")
        assert (ended.status, ended.out) == (0, "1 posted, 0 put off, 0 failed\n")
        assert len(got) == 2
        (shown,) = map(json.loads, run_here(workspace, "webhooks", "list", "--format", "json").out.splitlines())
        assert (shown["id"], shown["kinds"], shown["state"]) == (name, "subscriber.left", "enabled")
        (row,) = map(json.loads, run_here(workspace, "webhooks", "posts", name, "--format", "json").out.splitlines())
        assert (row["kind"], row["state"], row["code"]) == ("left", "taken", 200)
        assert run_here(workspace, "webhooks", "remove", name).status == 0
        assert run_here(workspace, "webhooks", "list").out == ""


def test_what_is_not_taken_is_told(workspace: Path) -> None:
    with listening(503) as (url, _):
        name, _ = add(workspace, url)
        ended = run_here(workspace, "webhooks", "test", name)
        assert (ended.status, ended.out) == (1, "")
        assert ended.err.startswith("not taken: 503")
        happen(workspace)
        assert run_here(workspace, "webhooks", "post").status == 1
    ended = run_here(workspace, "webhooks", "retry", name)
    assert ended.out == f"{name} is enabled; 2 to be posted again\n"


def test_wrong_usage_is_told_with_a_remedy(workspace: Path) -> None:
    (workspace / "pressrun.toml").write_text("")
    for arguments, said in (
        (("add", "http://example.com/"), "https://"),
        (("add", "https://example.com/", "--kind", "nothing"), "subscriber.left"),
        (("test", "wh0"), "webhooks list"),
        (("remove", "wh0"), "webhooks list"),
    ):
        ended = run_here(workspace, "webhooks", *arguments)
        assert (ended.status, ended.out) == (2, "")
        assert said in ended.err


def test_clicks_shows_each_link_or_that_nothing_is_counted(workspace: Path) -> None:
    ended = run_here(workspace, "clicks", "2026-01")
    assert (ended.status, ended.out) == (0, "")
    assert "nothing is counted" in ended.err

    async def act() -> None:
        async with open_database(f"sqlite:///{workspace}/.pressrun/pressrun.db") as database:
            await fill_list(database, "all", ["lin@example.com"])
            edition = make_edition(issue="small/2026-01", clicks="total", links=("https://example.org/",))
            await plan(database, edition, "all", NOW)

    asyncio.run(act())
    (row,) = map(json.loads, run_here(workspace, "clicks", "2026-01", "--format", "json").out.splitlines())
    agents = dict.fromkeys(("reader", "scanner", "prefetch", "unknown"), 0)
    assert row == {"kind": "click", "url": "https://example.org/", **agents, "people": 0}
    assert "| https://example.org/ | 0 | 0 | 0 | 0 | 0 |" in run_here(workspace, "report", "2026-01").out
