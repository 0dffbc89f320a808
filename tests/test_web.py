from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote

import httpx
import pytest

from faulty_relay import faulty_relay
from pressrun.delivery.deliver import Policy
from pressrun.delivery.leave_link import Leave, make_leave_token
from pressrun.delivery.outcome import Outcome, State
from pressrun.delivery.send import send
from pressrun.errors import UsageError
from pressrun.store.database import Database, open_database
from pressrun.store.delivery_log import plan, read_log
from pressrun.store.subscribers import list_subscribers
from pressrun.web import make_web_app
from pressrun.wording import words
from pressrun.workspace import Workspace, open_workspace
from small_edition import NOW, OTHER_KEY, addresses, fill_list, make_edition
from small_issue import PUBLICATION, write_small_issue

ONE_CLICK = {"List-Unsubscribe": "One-Click"}


class _Page(HTMLParser):
    """What a page says of itself."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attributes)))

    def handle_data(self, data: str) -> None:
        self.text += data

    def find(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]


@pytest.fixture(autouse=True)
def _nothing_set(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("PRESSRUN_DATABASE_URL", "PRESSRUN_SITE_FOLDER", "PRESSRUN_PREVIEW_FOLDER", "PRESSRUN_SECRET_KEY"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    """An English publication `small` and a Chinese one `letter`."""
    write_small_issue(tmp_path)
    letter = tmp_path / "issues" / "letter"
    letter.mkdir()
    text = PUBLICATION.replace("language: en", "language: zh-CN").replace(
        "title: Small News", "title: 简报 <周刊> & 其他"
    )
    (letter / "publication.yaml").write_text(text, encoding="utf-8")
    return open_workspace(tmp_path)


@pytest.fixture
async def store(workspace: Workspace) -> AsyncIterator[Database]:
    """The workspace's store with 林晓 and two readers on the list `news`."""
    async with open_database(workspace.database_url) as database:
        await fill_list(database, "news", ["lin@example.com", *addresses(2)])
        yield database


@asynccontextmanager
async def browser(workspace: Workspace, *, previews: bool = True) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the application as it runs."""
    app = make_web_app(workspace, lambda: NOW, previews=previews)
    transport = httpx.ASGITransport(app)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=transport, base_url="http://web") as client,
    ):
        yield client


@pytest.fixture
async def client(workspace: Workspace, store: Database) -> AsyncIterator[httpx.AsyncClient]:
    async with browser(workspace) as opened:
        yield opened


async def test_previews_are_served_only_where_they_are_asked_for(workspace: Workspace, store: Database) -> None:
    (workspace.preview_folder / "small").mkdir(parents=True)
    (workspace.preview_folder / "small" / "preview.html").write_text("not for everybody")
    for previews, status in ((True, 200), (False, 404)):
        async with browser(workspace, previews=previews) as client:
            assert (await client.get("/preview/small/preview.html")).status_code == status
            assert (await client.get("/health")).status_code == 200


async def members(store: Database, list_name: str = "news") -> list[str]:
    return [person.address async for person in list_subscribers(store, list_name)]


def link(workspace: Workspace, subscriber: int = 1, list_name: str = "news", publication: str = "small") -> str:
    return f"/{publication}/unsubscribe/{make_leave_token(Leave(subscriber, list_name), workspace.link_keys())}"


async def test_one_click_leaves_at_once_without_redirect_or_cookie(
    client: httpx.AsyncClient, workspace: Workspace, store: Database
) -> None:
    answer = await client.post(link(workspace), data=ONE_CLICK)  # RFC 8058 §3.1
    assert answer.status_code == 200
    assert "location" not in answer.headers
    assert "set-cookie" not in answer.headers
    assert await members(store) == addresses(2)


async def test_one_click_as_multipart_form_leaves_too(
    client: httpx.AsyncClient, workspace: Workspace, store: Database
) -> None:
    answer = await client.post(link(workspace), files={"List-Unsubscribe": (None, "One-Click")})  # RFC 8058 §3.2
    assert answer.status_code == 200
    assert await members(store) == addresses(2)


async def test_second_post_is_as_good_as_the_first(
    client: httpx.AsyncClient, workspace: Workspace, store: Database
) -> None:
    first = await client.post(link(workspace), data=ONE_CLICK)
    second = await client.post(link(workspace), data=ONE_CLICK)
    assert (second.status_code, second.text) == (first.status_code, first.text)
    assert await members(store) == addresses(2)


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS", "PUT", "DELETE", "PATCH"])
async def test_nothing_but_post_changes_anything(
    client: httpx.AsyncClient, workspace: Workspace, store: Database, method: str
) -> None:
    answer = await client.request(method, link(workspace))
    assert answer.status_code == (200 if method in {"GET", "HEAD"} else 405)
    assert "location" not in answer.headers
    assert len(await members(store)) == 3


async def test_the_page_leaves_by_a_button_that_posts_to_the_same_address(
    client: httpx.AsyncClient, workspace: Workspace, store: Database
) -> None:
    page = _Page((await client.get(link(workspace))).text)
    assert page.find("form") == [{"method": "post"}]
    assert page.find("script") == page.find("img") == []
    await client.post(link(workspace))  # as the button does
    assert await members(store) == addresses(2)


def _spoilt(token: str) -> Iterator[str]:
    number, name, key, signature = token.split("~")
    yield f"2~{name}~{key}~{signature}"  # somebody else
    yield f"{number}~b3RoZXI~{key}~{signature}"  # another list
    yield f"{number}~{name}~aaaa~{signature}"  # another key's name
    yield f"{number}~{name}~{key}~{signature[:-1]}"
    yield f"{number}~{name}~{key}~{signature[::-1]}"
    yield f"{number}~{name}~{key}~"
    yield f"{number}~{name}~{key}"
    yield f"{number}~{name}"
    yield f"{number}~~{name}~{key}~{signature}"
    yield f" {token}"
    yield f"{token}%0A"
    yield "~" * 5_000
    yield "%00"
    yield "退订"


async def test_a_link_that_was_tampered_with_is_unknown_and_changes_nothing(
    client: httpx.AsyncClient, workspace: Workspace, store: Database
) -> None:
    token = link(workspace).rpartition("/")[2]
    for spoilt in (*_spoilt(token), make_leave_token(Leave(1, "news"), OTHER_KEY)):
        for method in ("GET", "POST"):
            answer = await client.request(method, f"/small/unsubscribe/{spoilt}", data=ONE_CLICK)
            assert answer.status_code == 404, spoilt
            assert not _Page(answer.text).find("form")
    assert len(await members(store)) == 3


async def test_a_link_leaves_only_its_own_list(
    client: httpx.AsyncClient, workspace: Workspace, store: Database
) -> None:
    await fill_list(store, "other", ["lin@example.com"])
    await client.post(link(workspace, list_name="other"), data=ONE_CLICK)
    assert await members(store, "other") == []
    assert len(await members(store)) == 3


async def test_a_link_of_somebody_or_some_list_long_gone_is_answered_kindly(
    client: httpx.AsyncClient, workspace: Workspace, store: Database
) -> None:
    assert (await client.post(link(workspace, subscriber=4711))).status_code == 200
    assert (await client.post(link(workspace, list_name="gone"))).status_code == 200
    assert len(await members(store)) == 3


@pytest.mark.parametrize(("publication", "language"), [("small", "en"), ("letter", "zh-CN"), ("nowhere", "en")])
async def test_pages_speak_the_publications_language(
    client: httpx.AsyncClient, workspace: Workspace, publication: str, language: str
) -> None:
    say = words(language)
    asked = await client.get(link(workspace, publication=publication))
    done = await client.post(link(workspace, publication=publication))
    unknown = await client.get(f"/{publication}/unsubscribe/nonsense")
    for answer, word in ((asked, "unsubscribe_ask"), (done, "unsubscribe_done"), (unknown, "unsubscribe_unknown")):
        page = _Page(answer.content.decode("utf-8"))
        assert say[word] in page.text
        assert page.find("html") == [{"lang": language, "dir": "ltr"}]
        assert {"name": "robots", "content": "noindex"} in page.find("meta")


async def test_a_title_is_text_and_never_markup(client: httpx.AsyncClient, workspace: Workspace) -> None:
    page = _Page((await client.get(link(workspace, publication="letter"))).text)
    assert "简报 <周刊> & 其他" in page.text


@pytest.mark.parametrize("text", ["title: [", ""])
async def test_a_broken_publication_file_keeps_nobody_on_the_list(
    client: httpx.AsyncClient, workspace: Workspace, store: Database, text: str
) -> None:
    (workspace.issues / "small" / "publication.yaml").write_text(text)
    assert (await client.post(link(workspace), data=ONE_CLICK)).status_code == 200
    assert await members(store) == addresses(2)


async def test_site_and_previews_are_served(client: httpx.AsyncClient, workspace: Workspace) -> None:
    pages = {"small/index.html": "<p>archive</p>", "small/rss.xml": "<rss/>", "index.html": "<p>front</p>"}
    for name, text in pages.items():
        file = workspace.site_folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    preview = workspace.preview_folder / "small" / "2026-01" / "preview.html"
    preview.parent.mkdir(parents=True)
    preview.write_text("<p>the mail</p>")
    for path, text in {
        "/": "<p>front</p>",
        "/small/": "<p>archive</p>",
        "/small/rss.xml": "<rss/>",
        "/preview/small/2026-01/preview.html": "<p>the mail</p>",
        "/health": "ok\n",
    }.items():
        answer = await client.get(path)
        assert (answer.status_code, answer.text) == (200, text)
    assert (await client.get("/small/nothing.html")).status_code == 404


async def test_every_answer_carries_the_safe_headers(client: httpx.AsyncClient, workspace: Workspace) -> None:
    for path in ("/health", link(workspace), "/nothing", "/small/unsubscribe/x", "/preview/"):
        headers = (await client.get(path)).headers
        assert headers.get_list("x-content-type-options") == ["nosniff"]
        assert headers.get_list("referrer-policy") == ["no-referrer"]
        assert "camera=()" in headers["permissions-policy"]


async def test_pages_load_only_what_lies_beside_them(client: httpx.AsyncClient, workspace: Workspace) -> None:
    for path in ("/", link(workspace), "/nothing", "/health"):
        policy = (await client.get(path)).headers["content-security-policy"].split("; ")
        assert {"default-src 'none'", "style-src 'self'", "img-src 'self' data:", "form-action 'self'"} <= set(policy)
        assert not [part for part in policy if "unsafe" in part or "*" in part]


async def test_a_preview_may_have_styles_and_is_kept_and_listed_by_nobody(
    client: httpx.AsyncClient, workspace: Workspace
) -> None:
    (workspace.preview_folder / "mail.html").write_text('<p style="color: red">the mail</p>')
    headers = (await client.get("/preview/mail.html")).headers
    assert "content-security-policy" not in headers
    assert (headers["cache-control"], headers["x-robots-tag"]) == ("no-cache", "noindex")


async def test_feeds_name_the_publications_hub(client: httpx.AsyncClient, workspace: Workspace) -> None:
    publication = workspace.issues / "letter" / "publication.yaml"
    hub = "hub: https://hub.example.com/\n"
    publication.write_text(publication.read_text(encoding="utf-8") + hub, encoding="utf-8")
    for name in ("letter", "small"):
        (workspace.site_folder / name).mkdir(parents=True, exist_ok=True)
        (workspace.site_folder / name / "atom.xml").write_text("<feed/>")
    assert 'https://hub.example.com/>; rel="hub"' in (await client.get("/letter/atom.xml")).headers["link"]
    assert "link" not in (await client.get("/small/atom.xml")).headers


async def test_an_unsubscribe_page_is_kept_in_no_cache(client: httpx.AsyncClient, workspace: Workspace) -> None:
    for answer in (await client.get(link(workspace)), await client.post(link(workspace))):
        assert answer.headers["cache-control"] == "no-store"


TRAVERSALS = [
    f"{prefix}{dots}{name}"
    for prefix in ("/", "/preview/", "/small/")
    for dots in ("../", "..%2f", "%2e%2e/", "%2e%2e%2f", "..%5c", "....//", ".%00./", "/", "%2f")
    for name in ("pressrun.db", "secret-key", "../pressrun.toml", ".pressrun/secret-key")
]


@pytest.mark.parametrize("method", ["GET", "HEAD"])
async def test_nothing_beside_the_served_folders_can_be_read(
    workspace: Workspace, store: Database, method: str
) -> None:
    secret = workspace.secret_key()
    app = make_web_app(workspace, lambda: NOW)
    for path in TRAVERSALS:
        status, body = await ask_raw(app, method, path)
        assert status in {400, 404, 405}, path
        assert secret not in body, path


async def ask_raw(app: object, method: str, path: str) -> tuple[int, bytes]:
    """Ask with the path exactly as it is: a client would tidy it up first."""
    said: list[dict[str, object]] = []

    async def receive() -> dict[str, object]:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def keep(message: dict[str, object]) -> None:
        said.append(message)

    scope = {"type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": method, "scheme": "http"}
    scope |= {"path": unquote(path), "raw_path": path.encode(), "query_string": b"", "headers": [], "root_path": ""}
    await app(scope, receive, keep)  # type: ignore[operator]
    return int(str(said[0]["status"])), b"".join(bytes(part.get("body", b"")) for part in said[1:])  # type: ignore[call-overload]


async def test_a_link_out_of_the_served_folder_leads_nowhere(client: httpx.AsyncClient, workspace: Workspace) -> None:
    (workspace.site_folder / "key.txt").symlink_to(workspace.state / "secret-key")
    (workspace.site_folder / "state").symlink_to(workspace.state)
    assert (await client.get("/key.txt")).status_code == 404
    assert (await client.get("/state/secret-key")).status_code == 404


@pytest.mark.parametrize("folder", [".", ".pressrun", "issues/.."])
@pytest.mark.parametrize("setting", ["PRESSRUN_SITE_FOLDER", "PRESSRUN_PREVIEW_FOLDER"])
def test_a_folder_that_holds_the_state_is_never_served(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch, setting: str, folder: str
) -> None:
    monkeypatch.setenv(setting, str(workspace.root / folder))
    with pytest.raises(UsageError, match="nobody may read"):
        make_web_app(open_workspace(workspace.root), lambda: NOW)


async def test_who_leaves_after_the_plan_gets_no_mail(
    client: httpx.AsyncClient, workspace: Workspace, store: Database
) -> None:
    await plan(store, make_edition(), "news", dt.datetime.now(dt.UTC))
    await client.post(link(workspace), data=ONE_CLICK)
    async with faulty_relay() as relay:
        report = await send(store, make_edition(), "news", [relay.relay], workspace.link_keys())
    assert sorted(relay.counts) == addresses(2)
    assert (report.counts[State.SENT], report.counts[State.SUPPRESSED]) == (2, 1)


async def test_who_leaves_while_a_send_is_running_is_left_out_of_what_is_claimed_later(
    client: httpx.AsyncClient, workspace: Workspace, store: Database
) -> None:
    await fill_list(store, "many", addresses(450))
    people = {person.address: n for n, person in enumerate([p async for p in list_subscribers(store)], start=1)}
    last = addresses(450)[-1]
    tasks: list[asyncio.Task[httpx.Response]] = []

    def leave_once(outcome: Outcome) -> None:
        if not tasks:
            post = client.post(link(workspace, people[last], "many"), data=ONE_CLICK)
            tasks.append(asyncio.create_task(post))

    async with faulty_relay() as relay:
        key, policy = workspace.link_keys(), Policy(connections=8)
        report = await send(store, make_edition(), "many", [relay.relay], key, policy, progress=leave_once)
    states = {row.address: row.state async for row in read_log(store, "spp/2026-02", [])}
    assert (await tasks[0]).status_code == 200
    assert states[last] is State.SUPPRESSED
    assert relay.counts[last] == 0
    assert report.counts[State.SENT] == len(relay.accepted) == 449
