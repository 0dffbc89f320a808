"""Links are asked politely, once, and what they answer is told: against a real server on this machine."""

from __future__ import annotations

import asyncio
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import httpx
import pytest

from pressrun.check import review
from pressrun.check.online import USER_AGENT, Answer, Asker, Standing, addresses_to_ask
from pressrun.cli import main
from pressrun.finding import Severity
from pressrun.workspace import open_workspace
from rule_findings import article, manuscript
from small_issue import PUBLICATION, write_small_issue

STATUSES = {"/gone": 410, "/missing": 404, "/forbidden": 403, "/busy": 429, "/broken": 500, "/no-get": 404}


class Site(BaseHTTPRequestHandler):
    """Answers as its paths are called, and remembers what was asked."""

    asked: Counter[tuple[str, str]]
    agents: set[str]

    def do_HEAD(self) -> None:
        self._answer("HEAD")

    def do_GET(self) -> None:
        self._answer("GET")

    def _answer(self, method: str) -> None:
        self.asked[method, self.path] += 1
        self.agents.add(self.headers["User-Agent"])
        path = self.path.partition("?")[0]
        if path == "/get-only" and method == "HEAD":
            self._send(405)
        elif path in ("/moved", "/away", "/round"):
            where = {"/moved": "/there", "/away": "/there", "/round": "/round"}[path]
            self._send(301 if path == "/moved" else 302, where)
        elif path == "/drop":
            self.close_connection = True
        else:
            self._send(STATUSES.get(path, 200))

    def _send(self, status: int, location: str = "") -> None:
        self.send_response(status)
        if location:
            self.send_header("Location", location)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


@pytest.fixture
def site() -> Iterator[str]:
    """The address of a server on this machine."""
    Site.asked, Site.agents = Counter(), set()
    with ThreadingHTTPServer(("127.0.0.1", 0), Site) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()
        thread.join()


class Detour(httpx.AsyncBaseTransport):
    """Leads every host to the server on this machine."""

    def __init__(self, site: str) -> None:
        self._site, self._real = httpx.URL(site), httpx.AsyncHTTPTransport()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        request.url = request.url.copy_with(scheme="http", host=self._site.host, port=self._site.port)
        return await self._real.handle_async_request(request)


@pytest.mark.parametrize(
    ("path", "answer"),
    [
        ("/there", Answer(Standing.THERE)),
        ("/get-only", Answer(Standing.THERE)),
        ("/away", Answer(Standing.THERE)),
        ("/gone", Answer(Standing.GONE, "410 Gone")),
        ("/missing", Answer(Standing.GONE, "404 Not Found")),
        ("/forbidden", Answer(Standing.REFUSED, "403 Forbidden")),
        ("/busy", Answer(Standing.REFUSED, "429 Too Many Requests")),
        ("/broken", Answer(Standing.FAILED, "500 Internal Server Error")),
        ("/round", Answer(Standing.FAILED, "it sends on in a circle")),
    ],
)
def test_each_answer_is_judged(path: str, answer: Answer, site: str) -> None:
    assert Asker(pause=0).ask([site + path]) == {site + path: answer}


def test_what_moved_for_good_is_told_with_where_it_is(site: str) -> None:
    assert Asker(pause=0).ask([site + "/moved"])[site + "/moved"] == Answer(Standing.MOVED, site + "/there")


def test_a_connection_that_breaks_and_a_host_that_is_not_there_are_failures(site: str) -> None:
    urls = [site + "/drop", "http://127.0.0.1:1/a"]
    answers = Asker(pause=0).ask(urls)
    assert [answers[url].standing for url in urls] == [Standing.FAILED] * 2
    assert all(answers[url].said for url in urls)


def test_an_address_is_asked_once_by_head_and_says_who_asks(site: str) -> None:
    asker = Asker(pause=0)
    asker.ask([site + "/a", site + "/a", site + "/b"])
    asker.ask([site + "/b"])
    assert Site.asked == {("HEAD", "/a"): 1, ("HEAD", "/b"): 1}
    assert Site.agents == {USER_AGENT}


def test_one_host_is_asked_one_at_a_time_with_a_pause_between(site: str) -> None:
    pauses: list[float] = []

    async def sleep(seconds: float) -> None:
        pauses.append(seconds)
        await asyncio.sleep(0)

    Asker(sleep=sleep).ask([f"{site}/{n}" for n in range(4)])
    assert pauses == [1.0] * 3


def test_only_whole_web_addresses_that_count_nobody_are_asked(tmp_path: Path) -> None:
    body = (
        "[a](https://www.example.com/a) [b](https://www.example.com/a?mc_eid=1) [c](mailto:a@example.com) "
        "[d](https://www.example.com/{{ city }}) [e](http:www.example.com) [f](https://small.example.com/news/2026-01/)"
        " [g](http://localhost:1/) [h](https://www.example.com/a) [i](https://www.example.com/b?utm_source=a)"
    )
    asked = addresses_to_ask(manuscript(tmp_path, first=article("A."), second=article(body)))
    assert asked == [
        "https://small.example.com",
        "https://www.example.com/a",
        "https://www.example.com/b?utm_source=a",
    ]


def test_what_was_answered_is_told_at_every_link(tmp_path: Path, site: str) -> None:
    base = "https://www.example.com"
    body = (
        f"[a]({base}/gone) [b]({base}/gone)\n[c]({base}/moved) [d]({base}/forbidden) [e]({base}/broken) [f]({base}/a)"
    )
    issue = write_small_issue(tmp_path, second=article(body))
    found = review(issue, open_workspace(tmp_path), Asker(transport=Detour(site), pause=0)).findings
    told = [
        (f.line, f.column, f.code, f.severity)
        for f in found
        if f.code in ("link-dead", "link-moved", "link-unanswered")
    ]
    assert told == [
        (4, 5, "link-dead", Severity.ERROR),
        (4, 39, "link-dead", Severity.ERROR),
        (5, 5, "link-moved", Severity.INFO),
        (5, 40, "link-unanswered", Severity.INFO),
        (5, 79, "link-unanswered", Severity.WARNING),
    ]
    assert next(f.hint for f in found if f.code == "link-moved").endswith("/there")


def test_the_command_asks_where_it_is_told_to(
    tmp_path: Path, site: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    publication = PUBLICATION.partition("colophon:")[0]
    write_small_issue(tmp_path, publication=publication, first=article("A."), second=article(f"[a]({site}/gone)"))
    monkeypatch.chdir(tmp_path)
    told = {}
    for option in ("--strict", "--online"):
        monkeypatch.setattr(sys, "argv", ["pressrun", "check", option])
        with pytest.raises(SystemExit):
            main()
        told[option] = capsys.readouterr().out
    assert "link-dead" not in told["--strict"]
    assert f"second.md:4:5: link-dead {site}/gone isn't there: 410 Gone — " in told["--online"]
