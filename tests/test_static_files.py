"""How files of a site are answered: types, validators, compression, lifetimes, and what is never answered."""

from __future__ import annotations

import asyncio
import gzip
import os
import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.applications import Starlette
from starlette.routing import Mount

from pressrun import static_files
from pressrun.site.folder import swap
from pressrun.static_files import SiteFiles, accepts_gzip

TEXT = "<rss>" + "采购 " * 400 + "</rss>"
PLAIN = {"Accept-Encoding": "identity"}
BROWSER = {"Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", **PLAIN}


def serve(files: SiteFiles) -> httpx.ASGITransport:
    return httpx.ASGITransport(Starlette(routes=[Mount("/", files)]))


@pytest.fixture
def site(tmp_path: Path) -> Path:
    for name in ("small/rss.xml", "small/issues-atom-2.xml", "small/feed.json", "small/index.html", "small/style.css"):
        file = tmp_path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(TEXT, encoding="utf-8")
    (tmp_path / "small/cover.png").write_bytes(b"\x89PNG" + bytes(2000))
    (tmp_path / "small/events").mkdir()
    (tmp_path / "small/events/day.ics").write_text("BEGIN:VCALENDAR\r\nEND:VCALENDAR\r\n")
    return tmp_path


@pytest.fixture
async def client(site: Path) -> AsyncIterator[httpx.AsyncClient]:
    links = {"small/rss.xml": '<https://hub.example.com/>; rel="hub"'}
    transport = serve(SiteFiles(site, links.get))
    async with httpx.AsyncClient(transport=transport, base_url="http://web") as opened:
        yield opened


@pytest.mark.parametrize(
    ("path", "media_type"),
    [
        ("small/rss.xml", "application/rss+xml; charset=utf-8"),
        ("small/issues-atom-2.xml", "application/atom+xml; charset=utf-8"),
        ("small/feed.json", "application/feed+json"),
        ("small/", "text/html; charset=utf-8"),
        ("small/style.css", "text/css; charset=utf-8"),
        ("small/cover.png", "image/png"),
        ("small/events/day.ics", "text/calendar; charset=utf-8"),
    ],
)
async def test_a_file_is_called_what_it_is(client: httpx.AsyncClient, path: str, media_type: str) -> None:
    answer = await client.get(path)
    assert (answer.status_code, answer.headers["content-type"]) == (200, media_type)


async def test_a_browser_gets_a_feed_as_plain_xml_which_it_can_show(client: httpx.AsyncClient) -> None:
    shown = await client.get("small/rss.xml", headers=BROWSER)
    read = await client.get("small/rss.xml", headers=PLAIN)
    assert shown.headers["content-type"] == "application/xml; charset=utf-8"
    assert shown.content == read.content
    assert shown.headers["etag"] != read.headers["etag"]
    assert shown.headers["vary"] == read.headers["vary"] == "Accept-Encoding, Accept"
    page = await client.get("small/", headers=BROWSER)
    assert page.headers["vary"] == "Accept-Encoding"


@pytest.mark.parametrize("path", ["small/rss.xml", "small/feed.json", "small/", "small/cover.png"])
@pytest.mark.parametrize("encoding", ["gzip", "identity"])
async def test_what_did_not_change_is_not_sent_again(client: httpx.AsyncClient, path: str, encoding: str) -> None:
    first = await client.get(path, headers={"Accept-Encoding": encoding})
    for name, value in (
        ("If-None-Match", first.headers["etag"]),
        ("If-None-Match", f'"other", W/{first.headers["etag"]}'),
        ("If-None-Match", "*"),
        ("If-Modified-Since", first.headers["last-modified"]),
    ):
        again = await client.get(path, headers={"Accept-Encoding": encoding, name: value})
        assert (again.status_code, again.content) == (304, b"")
        assert again.headers["etag"] == first.headers["etag"]
        assert again.headers["cache-control"] == first.headers["cache-control"]
        assert again.headers.get("vary") == first.headers.get("vary")
    changed = await client.get(path, headers={"Accept-Encoding": encoding, "If-None-Match": '"other"'})
    assert changed.status_code == 200


async def test_an_etag_names_the_bytes_and_not_the_moment(client: httpx.AsyncClient, site: Path) -> None:
    file = site / "small/rss.xml"
    before = (await client.get("small/rss.xml")).headers["etag"]
    os.utime(file, (1, 1))
    assert (await client.get("small/rss.xml")).headers["etag"] == before
    moment = file.stat().st_mtime_ns
    other = site / "new.xml"
    other.write_text(TEXT.replace("采", "买"), encoding="utf-8")  # as long as before
    os.utime(other, ns=(moment, moment))
    other.replace(file)
    answer = await client.get("small/rss.xml")
    assert answer.headers["etag"] != before
    assert "买" in answer.text


async def test_a_site_that_is_exchanged_is_answered_as_it_is_now(client: httpx.AsyncClient, site: Path) -> None:
    before = await client.get("small/rss.xml")
    (site / "next").mkdir()
    (site / "next/rss.xml").write_text("<rss/>")
    (site / "small").rename(site / "old")
    (site / "next").rename(site / "small")
    after = await client.get("small/rss.xml", headers={"If-None-Match": before.headers["etag"]})
    assert (after.status_code, after.text) == (200, "<rss/>")
    assert (await client.get("small/feed.json")).status_code == 404


async def test_text_is_compressed_for_those_who_take_it(client: httpx.AsyncClient) -> None:
    packed = await client.get("small/rss.xml", headers={"Accept-Encoding": "br, gzip"})
    plain = await client.get("small/rss.xml", headers=PLAIN)
    assert packed.headers["content-encoding"] == "gzip"
    assert int(packed.headers["content-length"]) < len(TEXT.encode()) / 4
    assert packed.text == plain.text == TEXT
    assert "content-encoding" not in plain.headers
    assert packed.headers["etag"] != plain.headers["etag"]


async def test_compressed_text_is_always_the_same(client: httpx.AsyncClient, site: Path) -> None:
    texts = []
    for _ in range(2):
        transport = serve(SiteFiles(site))
        async with (
            httpx.AsyncClient(transport=transport, base_url="http://web") as one,
            one.stream("GET", "small/rss.xml", headers={"Accept-Encoding": "gzip"}) as answer,
        ):
            texts.append(b"".join([part async for part in answer.aiter_raw()]))
    assert texts[0] == texts[1]
    assert gzip.decompress(texts[0]).decode() == TEXT


async def test_pictures_and_short_texts_are_not_compressed(client: httpx.AsyncClient) -> None:
    for path in ("small/cover.png", "small/events/day.ics"):
        answer = await client.get(path, headers={"Accept-Encoding": "gzip"})
        assert "content-encoding" not in answer.headers
        assert "vary" not in answer.headers


async def test_a_part_of_a_picture_can_be_asked_for(client: httpx.AsyncClient) -> None:
    answer = await client.get("small/cover.png", headers={"Range": "bytes=1-3"})
    assert (answer.status_code, answer.content) == (206, b"PNG")


@pytest.mark.parametrize("path", ["small/rss.xml", "small/", "small/cover.png"])
async def test_head_says_what_get_would(client: httpx.AsyncClient, path: str) -> None:
    got, headed = await client.get(path), await client.head(path)
    assert headed.content == b""
    assert headed.headers == got.headers
    assert int(headed.headers["content-length"]) > 0


async def test_how_long_an_answer_holds_depends_on_what_it_is(client: httpx.AsyncClient) -> None:
    ages = {
        path: (await client.get(path)).headers["cache-control"]
        for path in ("small/rss.xml", "small/", "small/cover.png")
    }
    assert ages == {
        "small/rss.xml": "public, max-age=300",
        "small/": "public, max-age=60",
        "small/cover.png": "public, max-age=86400",
    }


async def test_a_feed_names_its_hub_in_the_header(client: httpx.AsyncClient) -> None:
    assert (await client.get("small/rss.xml")).headers["link"] == '<https://hub.example.com/>; rel="hub"'
    assert "link" not in (await client.get("small/feed.json")).headers


async def test_what_a_build_has_not_finished_is_nobodys(client: httpx.AsyncClient, site: Path) -> None:
    hidden = (".pressrun-new-x/small/rss.xml", "small/.pressrun-site", ".git/config")
    for name in (*hidden, ".well-known/security.txt"):
        (site / name).parent.mkdir(parents=True, exist_ok=True)
        (site / name).write_text("x")
    assert {(await client.get(path)).status_code for path in hidden} == {404}
    assert (await client.get(".well-known/security.txt")).status_code == 200


async def test_a_page_of_its_own_for_what_is_not_there_is_no_good_answer_to_keep(
    client: httpx.AsyncClient, site: Path
) -> None:
    (site / "404.html").write_text("<p>not here</p>")
    answer = await client.get("nothing.html", headers={"If-None-Match": "*"})
    assert (answer.status_code, answer.text) == (404, "<p>not here</p>")
    assert answer.headers["cache-control"] == "no-cache"


async def test_a_text_that_is_too_large_for_memory_is_handed_on_from_the_disk(
    client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(static_files, "LARGEST", 100)
    answer = await client.get("small/rss.xml")
    assert (answer.text, answer.headers["content-type"]) == (TEXT, "application/rss+xml; charset=utf-8")
    again = await client.get("small/rss.xml", headers={"If-None-Match": answer.headers["etag"]})
    assert again.status_code == 304


async def test_no_answer_mixes_two_builds_of_a_site(client: httpx.AsyncClient, site: Path) -> None:
    texts = {f"<rss>{n * 'text ' * 100}</rss>" for n in range(1, 6)}
    etags: dict[str, set[str]] = {}

    def exchange() -> None:
        for text in [*texts] * 8:
            (site / "next").mkdir()
            (site / "next/rss.xml").write_text(text)
            swap(site / "next", site / "small")
            shutil.rmtree(site / "next", ignore_errors=True)

    building = asyncio.create_task(asyncio.to_thread(exchange))
    while not building.done():
        answer = await client.get("small/rss.xml", headers=PLAIN)
        if answer.status_code == 200:  # a file system that can't exchange folders has none for a moment
            assert int(answer.headers["content-length"]) == len(answer.content)
            etags.setdefault(answer.headers["etag"], set()).add(answer.text)
    await building
    assert all(len(found) == 1 and found <= texts | {TEXT} for found in etags.values())


async def test_memory_holds_no_more_than_it_may(site: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(static_files, "KEPT_OCTETS", 3 * len(TEXT.encode()))
    files = SiteFiles(site)
    async with httpx.AsyncClient(transport=serve(files), base_url="http://web") as client:
        for path in ("small/rss.xml", "small/feed.json", "small/style.css", "small/rss.xml"):
            assert (await client.get(path)).text == TEXT
    assert len(files._kept._texts) == 1


@pytest.mark.parametrize(
    ("header", "taken"),
    [
        ("gzip", True),
        ("br;q=1.0, GZIP;q=0.5", True),
        ("*", True),
        ("", False),
        ("identity", False),
        ("gzip;q=0", False),
        ("gzip; q=0.000", False),
        ("*;q=0", False),
        ("gzip;q=0, *", False),
        ("x-gzipped", False),
    ],
)
def test_gzip_is_for_those_who_say_so(header: str, taken: bool) -> None:
    assert accepts_gzip(header) is taken


@given(st.text())
def test_any_header_can_be_read(header: str) -> None:
    assert accepts_gzip(header) in (True, False)
