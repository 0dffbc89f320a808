"""What programs that read feeds make of ours: newsboat subscribes, Chromium shows, Nu's checker reads the content."""

from __future__ import annotations

import asyncio
import datetime as dt
import json
import shutil
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from browser_page import CHROMIUM, open_browser
from judged.nu import check_html, needs_nu
from pressrun.language import direction
from pressrun.serve import listen, running
from pressrun.site.build import site
from pressrun.web import make_web_app
from pressrun.wording import words
from pressrun.workspace import Workspace, open_workspace

pytestmark = pytest.mark.judged
REPOSITORY = Path(__file__).parents[2]
NEWSBOAT = shutil.which("newsboat")
PATIENCE = 180
"""Seconds after which a program that does not end hangs."""


class Watched:
    """The web server's application, and what it answered: path, status, and content encoding."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self.answered: list[tuple[str, int, str]] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def note(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = dict(message["headers"])
                encoding = headers.get(b"content-encoding", b"").decode()
                self.answered.append((scope["path"], message["status"], encoding))
            await send(message)

        await self._app(scope, receive, note)


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site of the repository's own issues."""
    out = tmp_path_factory.mktemp("site") / "out"
    site(open_workspace(REPOSITORY), out)
    return out


@pytest.fixture
def workspace(tmp_path: Path, built: Path, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    """A workspace that serves the site."""
    (tmp_path / "issues").mkdir()
    (tmp_path / "pressrun.toml").touch()
    monkeypatch.setenv("PRESSRUN_SITE_FOLDER", str(built))
    return open_workspace(tmp_path)


@asynccontextmanager
async def served(workspace: Workspace) -> AsyncIterator[tuple[str, Watched]]:
    listening = listen("127.0.0.1", 0, "--port")
    app = Watched(make_web_app(workspace, lambda: dt.datetime.now(dt.UTC), previews=False))
    async with running(app, listening, "the server of the test"):
        yield f"http://127.0.0.1:{listening.getsockname()[1]}", app


async def reload(home: Path) -> str:
    """Let newsboat fetch its feeds once; what it says."""
    assert NEWSBOAT
    files = ["-u", str(home / "urls"), "-c", str(home / "cache.db"), "-C", str(home / "config")]
    environment = {"HOME": str(home), "LANG": "C.UTF-8", "PATH": "/usr/bin:/bin", "TERM": "dumb"}
    process = await asyncio.create_subprocess_exec(
        *(NEWSBOAT, *files, "-x", "reload", "print-unread"),
        env=environment,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    async with asyncio.timeout(PATIENCE):
        said, _ = await process.communicate()
    assert process.returncode == 0, said.decode()
    return said.decode()


@pytest.mark.skipif(not NEWSBOAT, reason="no newsboat here")
@pytest.mark.parametrize("kind", ["rss", "atom"])
async def test_newsboat_shows_every_article_and_asks_again_politely(
    workspace: Workspace, built: Path, tmp_path: Path, kind: str
) -> None:
    names = {}
    for folder in sorted(built.glob("*/rss.xml")):
        names[folder.parent.name] = json.loads((folder.parent / "feed.json").read_bytes())
        names[f"{folder.parent.name}/issues-"] = json.loads((folder.parent / "issues-feed.json").read_bytes())
    assert names
    wanted = {item["id"]: item for feed in names.values() for item in feed["items"]}
    async with served(workspace) as (base, app):
        urls = [f"{base}/{name}{'' if name.endswith('-') else '/'}{kind}.xml" for name in names]
        (tmp_path / "urls").write_text("\n".join(urls) + "\n")
        (tmp_path / "config").touch()
        told = await reload(tmp_path)
        assert told.split()[0] == str(len(wanted))
        assert {(status, encoding) for _, status, encoding in app.answered} == {(200, "gzip")}
        await reload(tmp_path)  # newsboat notes the validators of a feed that it knows
        before = len(app.answered)
        await reload(tmp_path)
    assert {path for path, _, _ in app.answered[before:]} == {urlsplit(url).path for url in urls}
    assert {status for _, status, _ in app.answered[before:]} == {304}
    with closing(sqlite3.connect(tmp_path / "cache.db")) as cache:
        found = {row[0]: row[1:] for row in cache.execute("select guid, title, url, content from rss_item")}
    assert {guid: (title, url) for guid, (title, url, _) in found.items()} == {
        guid: (item["title"], item["url"]) for guid, item in wanted.items()
    }
    assert all("<p>" in content for _, _, content in found.values())


@pytest.mark.skipif(not CHROMIUM, reason="no Chromium here")
@pytest.mark.parametrize("name", ["rss.xml", "atom.xml", "issues-rss.xml", "sections"])
async def test_a_person_who_opens_a_feed_reads_what_it_is(
    workspace: Workspace, built: Path, tmp_path: Path, name: str
) -> None:
    folder = built / "spp"
    if name == "sections":
        name = sorted(folder.glob("sections/*/atom.xml"))[0].relative_to(folder).as_posix()
    title = json.loads((folder / "feed.json").read_bytes())["items"][0]["title"]
    say = words("zh-CN")
    async with served(workspace) as (base, app), open_browser(tmp_path / "profile") as page:
        await page.open(f"{base}/spp/{name}")
        root = await page.measure("document.documentElement.localName")
        assert root == ("rss" if "rss" in name else "feed")
        # What the style sheet says stands in no element; it says it before the title.
        told = await page.measure(
            "[...document.querySelectorAll('channel > title, feed > div')].map("
            "e => getComputedStyle(e, '::before').content + e.textContent).join()"
        )
        assert say["feed_about"] in told
        shown = "[...document.querySelectorAll('*')].filter(e => e.getClientRects().length).map(e => e.localName)"
        names = set(await page.measure(shown))
        assert {"title", "entry" if root == "feed" else "item"} <= names
        assert not names & {"content", "encoded", "guid", "id", "author", "creator", "category", "enclosure"}
        assert await page.measure("document.documentElement.scrollWidth <= innerWidth")
        if name == "atom.xml":
            assert title in await page.measure("document.querySelector('entry > title').textContent")
            assert await page.measure("document.querySelector('div a').href.startsWith('https://')")
    assert (f"/spp/{name}", 200) in [(path, status) for path, status, _ in app.answered]


class TestContent:
    pytestmark = needs_nu

    def test_every_entrys_content_is_sound_html(self, built: Path, tmp_path: Path) -> None:
        files = []
        for feed in sorted(built.glob("*/*feed.json")):
            for n, item in enumerate(json.loads(feed.read_bytes())["items"]):
                file = tmp_path / f"{feed.parent.name}-{feed.stem}-{n}.html"
                root = f'<html lang="{item["language"]}" dir="{direction(item["language"])}">'
                head = f'<!doctype html>{root}<head><meta charset="utf-8"><title>x</title>'
                # Readers show an entry below its title.
                text = f"{head}</head><body><h1>x</h1>{item['content_html']}</body></html>"
                file.write_text(text, encoding="utf-8")
                files.append(file)
        assert files
        assert [f"{each.file.name}: {each.text}: {each.extract}" for each in check_html(files)] == []
