from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from pressrun.preview.app import make_preview_app
from pressrun.preview.board import Board
from pressrun.preview.proof import Attempt, attempt
from pressrun.workspace import Workspace, open_workspace
from small_issue import FIRST, ISSUE, PUBLICATION, write_small_issue

NAME = "small/2026-01"
VIEWS = ["/view/mail", "/view/text", "/view/feed", "/view/archive/light/2026-01/"]
PRESS = FIRST + '\n::: when role == "press"\nOnly for the press.\n:::\n'


class World:
    """A preview's application over a small issue, asked without a network."""

    def __init__(self, folder: Path, board: Board, workspace: Workspace, client: httpx.AsyncClient) -> None:
        self.folder, self.board, self.workspace, self.client = folder, board, workspace, client

    def save(self, **changes: str) -> None:
        """Write the issue anew with `changes`, and show what comes of it."""
        write_small_issue(self.workspace.root, **changes)
        self.board.show(attempt(self.workspace, self.folder))

    async def get(self, address: str, **headers: str) -> httpx.Response:
        return await self.client.get(address, headers=headers)


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    folder = write_small_issue(tmp_path)
    workspace, board = open_workspace(tmp_path), Board()
    transport = httpx.ASGITransport(make_preview_app(board, workspace, NAME))
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:4280") as client:
        yield World(folder, board, workspace, client)


async def test_the_frame_page_holds_every_view(world: World) -> None:
    world.save()
    page = await world.get("/")
    frames = re.findall(r'<iframe title="([^"]*)" src="([^"]*)" sandbox="([^"]*)"', page.text)
    assert [title for title, _, _ in frames] == ["Mail", "Plain text", "Archive page", "Feed entries"]
    for _, address, sandbox in frames:
        assert "allow-scripts" not in sandbox
        assert (await world.get(address.replace("&amp;", "&"))).status_code == 200


async def test_nothing_comes_from_elsewhere_and_no_script_but_the_pages_own_runs(world: World) -> None:
    world.save()
    page = await world.get("/")
    policy = page.headers["content-security-policy"]
    (nonce,) = set(re.findall(r"'nonce-([^']+)'", policy))
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert re.findall(r"<(?:script|style)[^>]*>", page.text) == [
        f'<style nonce="{nonce}">',
        f'<script nonce="{nonce}">',
    ]
    assert not re.search(r'\sstyle="|\son\w+="', page.text)
    assert nonce not in (await world.get("/")).text
    for view in VIEWS:
        policy = (await world.get(view)).headers["content-security-policy"]
        assert policy.startswith("default-src 'none'; img-src 'self' data:;")
        assert "sandbox allow-same-origin" in policy
        assert "allow-scripts" not in policy


@pytest.mark.parametrize(
    "host", ["evil.example.com", "127.0.0.1.example.com", "192.0.2.7:4280", "localhost.example.org"]
)
async def test_another_hosts_name_is_not_answered(world: World, host: str) -> None:
    world.save()
    for address in ("/", "/panel", "/events", "/view/mail", "/media/cover.png"):
        assert (await world.get(address, host=host)).status_code == 400


@pytest.mark.parametrize("host", ["localhost:4280", "127.0.0.1"])
async def test_this_machines_own_names_are_answered(world: World, host: str) -> None:
    assert (await world.get("/", host=host)).status_code == 200


@pytest.mark.parametrize(
    "address",
    [
        "/media/unused.png", "/media/%2e%2e/issue.yaml", "/media/..%2fissue.yaml", "/media//etc/passwd",
        "/view/archive/light/2026-01/issue.yaml", "/view/archive/light/%2e%2e/%2e%2e/pressrun.toml",
        "/view/archive/light/2026-01/media/..%2f..%2fpublication.yaml", "/view/archive/pink/2026-01/", "/view/other",
        "/view/archive/light/2026-02/media/cover.png",
    ],
)  # fmt: skip
async def test_no_path_leads_to_other_files(world: World, address: str) -> None:
    world.save()
    (world.folder / "media" / "unused.png").write_bytes(b"secret")
    answer = await world.get(address)
    assert answer.status_code == 404
    assert "Small" not in answer.text


async def test_the_issues_pictures_are_served_and_kept_where_their_time_is_in_the_address(world: World) -> None:
    world.save()
    wanted = (world.folder / "media" / "cover.png").read_bytes()
    for address, kept in (
        ("/media/cover.png", "no-store"),
        ("/media/cover.png?v=1-2", "private, max-age=86400, immutable"),
    ):
        answer = await world.get(address)
        assert (answer.content, answer.headers["content-type"]) == (wanted, "image/png")
        assert answer.headers["cache-control"] == kept
    (world.folder / "media" / "cover.png").unlink()
    assert (await world.get("/media/cover.png")).status_code == 404


async def test_with_images_off_none_is_shown(world: World) -> None:
    world.save()
    assert "img-src 'none'" in (await world.get("/view/mail?images=off")).headers["content-security-policy"]
    assert "img-src 'self'" in (await world.get("/view/mail?images=on")).headers["content-security-policy"]


async def test_a_fault_is_told_with_its_place_and_the_last_sound_state_stays(world: World) -> None:
    world.save()
    world.save(issue=ISSUE.replace("number: 1", "number: one"))
    panel = (await world.get("/panel")).text
    assert "issues/small/2026-01/issue.yaml:2:" in panel
    assert "keeps the newest from being shown" in panel
    assert "stale" in (await world.get("/")).text
    assert "A text with" in (await world.get("/view/mail")).text
    world.save()
    assert "keeps the newest" not in (await world.get("/panel")).text


async def test_before_anything_is_sound_the_views_say_so(world: World) -> None:
    world.save(issue="[")
    page = await world.get("/")
    assert "This keeps the issue from being shown" in page.text
    for view in VIEWS:
        assert "Nothing to show yet" in (await world.get(view)).text
    assert (await world.get("/media/cover.png")).status_code == 404


async def test_what_conditions_ask_for_can_be_chosen(world: World) -> None:
    world.save(first=PRESS)
    panel = (await world.get("/panel?about.role=press")).text
    assert '<select form="look" name="about.role">' in panel
    assert '<option value="press" selected>' in panel
    assert "Only for the press." in (await world.get("/view/mail?about.role=press")).text
    assert "Only for the press." not in (await world.get("/view/mail")).text


async def test_texts_that_look_like_markup_are_shown_as_text(world: World) -> None:
    hostile = PUBLICATION.replace("  name: Small News", '  name: "<script>alert(1)</script>"')
    world.save(publication=hostile, first=FIRST.replace("](https://www.example.com/page)", "](<b>nowhere)"))
    for address in ("/", "/panel"):
        assert "<script>alert" not in (await world.get(address)).text


async def test_who_listens_is_told_of_each_attempt_until_the_end(world: World) -> None:
    world.save()
    world.board.close()
    answer = await world.get("/events")
    assert answer.headers["content-type"].startswith("text/event-stream")
    assert answer.text == ""


async def test_an_event_says_what_is_shown(tmp_path: Path) -> None:
    folder = write_small_issue(tmp_path)
    workspace, board = open_workspace(tmp_path), Board()
    board.show(attempt(workspace, folder))
    sent: list[bytes] = []

    async def receive() -> dict[str, object]:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: dict[str, object]) -> None:
        if isinstance(body := message.get("body"), bytes) and body:
            sent.append(body)
            board.show(Attempt(None)) if len(sent) == 1 else board.close()

    scope = {
        "type": "http",
        "method": "GET",
        "path": "/events",
        "query_string": b"",
        "headers": [(b"host", b"localhost")],
    }
    scope |= {"asgi": {"version": "3.0", "spec_version": "2.4"}, "http_version": "1.1"}
    await make_preview_app(board, workspace, NAME)(scope, receive, send)  # type: ignore[arg-type]
    told = [json.loads(event.removeprefix(b"data: ")) for event in sent]
    assert [(event["version"], event["made"]) for event in told] == [(1, 1), (2, 1)]
    assert len({event["run"] for event in told}) == 1


async def test_a_fault_in_the_previews_own_template_is_told(world: World) -> None:
    world.save()
    templates = world.workspace.root / "templates" / "preview"
    templates.mkdir(parents=True)
    (templates / "frame.html.j2").write_text("{{ nothing.there }}")
    answer = await world.get("/")
    assert answer.status_code == 500
    assert "frame.html.j2:1" in answer.text
