"""What hubs and those who read feeds are told."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import parse_qs

import pytest
from typer.testing import CliRunner

from pressrun.cli.app import app
from pressrun.errors import UsageError
from pressrun.site.build import site
from pressrun.site.hub import HubLinks, find_feeds, ping, ping_hub
from pressrun.workspace import Workspace

import pressrun.cli.hub  # isort: skip

assert pressrun.cli.hub
LIVE = ["atom.xml", "feed.json", "issues-atom.xml", "issues-feed.json", "issues-rss.xml", "rss.xml"]


class Hub:
    """A hub on a port of this machine that keeps what it is told, and answers as it is set to."""

    def __init__(self) -> None:
        self.told: list[dict[str, list[str]]] = []
        self.status = "204 No Content"
        self.is_silent = False
        self.url = ""

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        length = next(int(line.split(":")[1]) for line in head.lower().splitlines() if "content-length" in line)
        self.told.append(parse_qs((await reader.readexactly(length)).decode()))
        if self.is_silent:
            await reader.read()  # until the other side gives up
        else:
            writer.write(f"HTTP/1.1 {self.status}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".encode())
            await writer.drain()
        writer.close()


@pytest.fixture
async def hub() -> AsyncIterator[Hub]:
    hub = Hub()
    server = await asyncio.start_server(hub.answer, "127.0.0.1", 0)
    hub.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
    async with server:
        yield hub


def name_hub(workspace: Workspace, url: str) -> None:
    file = workspace.issues / "letter" / "publication.yaml"
    file.write_text(f"{file.read_text(encoding='utf-8')}hub: {url}\n", encoding="utf-8")


async def test_a_hub_is_told_of_every_live_feed_that_was_built(workspace: Workspace, hub: Hub, tmp_path: Path) -> None:
    site(workspace, tmp_path / "out")
    name_hub(workspace, hub.url)
    pinged = await ping_hub(workspace, "letter", tmp_path / "out")
    assert all(one.is_taken for one in pinged)
    base = "https://news.example.com/letter/"
    sections = [
        f"sections/{name}/{file}" for name in ("cases", "progress") for file in ("atom.xml", "feed.json", "rss.xml")
    ]
    assert sorted(one.url for one in pinged) == sorted(base + path for path in (*LIVE, *sections))
    assert sorted(form["hub.url"][0] for form in hub.told) == sorted(one.url for one in pinged)
    assert {form["hub.mode"][0] for form in hub.told} == {"publish"}


async def test_a_hub_that_refuses_is_told_as_data(hub: Hub) -> None:
    hub.status = "503 Service Unavailable"
    (one,) = await ping(hub.url, ["https://news.example.com/rss.xml"])
    assert (one.is_taken, one.fault) == (False, "answered 503")


async def test_a_hub_that_says_nothing_is_waited_for_no_longer_than_told(hub: Hub) -> None:
    hub.is_silent = True
    pinged = await ping(hub.url, [f"https://news.example.com/{n}" for n in range(40)], seconds=0.05)
    assert {one.fault for one in pinged} == {"no answer in time"}
    assert len(pinged) == 40
    assert len(hub.told) < 40  # all of them had three times as long as one


@pytest.mark.parametrize("url", ["http://127.0.0.1:1/", "http://[::1", "http://hub.invalid:99999/"])
async def test_a_hub_that_is_not_there_is_told_as_data(url: str) -> None:
    (one,) = await ping(url, ["https://news.example.com/rss.xml"])
    assert one.fault


async def test_a_publication_without_a_hub_tells_nobody(workspace: Workspace) -> None:
    assert await ping_hub(workspace, "letter") == []


async def test_a_hub_hears_nothing_of_feeds_that_are_not_there(workspace: Workspace, hub: Hub, tmp_path: Path) -> None:
    name_hub(workspace, hub.url)
    with pytest.raises(UsageError, match="holds no feed"):
        await ping_hub(workspace, "letter", tmp_path / "nothing")
    with pytest.raises(UsageError, match="letter"):
        await ping_hub(workspace, "leter")


def test_archive_documents_are_no_live_feeds(tmp_path: Path) -> None:
    for name in ("rss.xml", "rss-1.xml", "sitemap.xml", "sections/a/atom.xml", "2026-01/rss.xml"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    assert find_feeds(tmp_path) == ["rss.xml", "sections/a/atom.xml"]


def test_link_headers_follow_the_publications_file(workspace: Workspace) -> None:
    links = HubLinks(workspace.publication_folders)
    assert links("letter/rss.xml") is None
    name_hub(workspace, "https://hub.example.com/")
    assert links("letter/sections/cases/rss.xml") == (
        '<https://hub.example.com/>; rel="hub", <https://news.example.com/letter/sections/cases/rss.xml>; rel="self"'
    )
    assert [links(path) for path in ("letter/rss-1.xml", "letter/index.html", "nowhere/rss.xml", "rss.xml", ".")] == [
        None
    ] * 5


def test_a_link_header_is_ascii_whatever_the_address_is(workspace: Workspace) -> None:
    name_hub(workspace, "https://hub.example.com/订阅")
    header = HubLinks(workspace.publication_folders)("letter/rss.xml")
    assert header and header.isascii()


def test_the_command_says_that_there_is_no_hub(workspace: Workspace) -> None:
    ended = CliRunner().invoke(app, ["--workspace", str(workspace.root), "ping-hub", "letter"])
    assert (ended.exit_code, ended.output) == (0, "letter names no hub\n")


def test_the_command_tells_what_the_hub_did_not_take(workspace: Workspace, tmp_path: Path) -> None:
    site(workspace, tmp_path / "out")
    name_hub(workspace, "http://127.0.0.1:1/")
    ended = CliRunner().invoke(
        app,
        ["--workspace", str(workspace.root), "ping-hub", "letter", "--site", str(tmp_path / "out")],
        standalone_mode=False,
    )
    assert ended.return_value == 1
    assert "https://news.example.com/letter/rss.xml: " in ended.output
