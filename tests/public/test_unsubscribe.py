"""Leaving a list over the web: what each way of asking is recorded as, what the page shows, and what is refused."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
import sqlalchemy as sa

from pressrun.delivery.preferences_link import read_preferences_token
from pressrun.public.wording import page_words
from pressrun.store.database import Database, open_database
from pressrun.store.event import EventKind
from pressrun.store.people_tables import events
from pressrun.store.subscribers import list_subscribers
from pressrun.store.tables import subscribers
from pressrun.workspace import Workspace
from small_edition import addresses, fill_list
from small_web import browser, leave_path, make_workspace, served

ONE_CLICK = {"List-Unsubscribe": "One-Click"}
MULTIPART = (
    b'--x\r\nContent-Disposition: form-data; name="List-Unsubscribe"\r\n\r\nOne-Click\r\n--x--\r\n',
    {"content-type": "multipart/form-data; boundary=x"},
)


@pytest.fixture
def workspace(tmp_path: Path, database_url: str, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    return make_workspace(tmp_path, monkeypatch, database_url=database_url)


@pytest.fixture
async def store(workspace: Workspace) -> AsyncIterator[Database]:
    async with open_database(workspace.database_url) as database:
        await fill_list(database, "news", addresses(3))
        yield database


@pytest.fixture
async def client(workspace: Workspace, store: Database) -> AsyncIterator[httpx.AsyncClient]:
    async with browser(workspace) as opened:
        yield opened


async def recorded(store: Database) -> list[tuple[int | None, str | None, dict[str, str]]]:
    query = sa.select(events.c.subscriber_id, events.c.list, events.c.detail).where(events.c.kind == EventKind.LEFT)
    async with store.read() as connection:
        return [tuple(row) for row in await connection.execute(query.order_by(events.c.id))]


async def test_each_way_of_leaving_is_recorded_as_such_and_once(
    client: httpx.AsyncClient, workspace: Workspace, store: Database
) -> None:
    for _ in range(2):
        assert (await client.post(leave_path(workspace, 1), data=ONE_CLICK)).status_code == 200
        body, headers = MULTIPART
        assert (await client.post(leave_path(workspace, 2), content=body, headers=headers)).status_code == 200
        assert (await client.post(leave_path(workspace, 3))).status_code == 200
    said = [(1, "news", {"source": "one-click"}), (2, "news", {"source": "one-click"}), (3, "news", {"source": "page"})]
    assert await recorded(store) == said


async def test_the_page_names_the_list_and_never_the_address(client: httpx.AsyncClient, workspace: Workspace) -> None:
    for answer in (await client.get(leave_path(workspace)), await client.post(leave_path(workspace))):
        assert "news" in answer.text and "Small News" in answer.text
        assert addresses(1)[0] not in answer.text and "reader0000" not in answer.text


async def test_whoever_left_finds_the_way_back_to_their_settings(
    client: httpx.AsyncClient, workspace: Workspace
) -> None:
    text = (await client.post(leave_path(workspace, 2))).text
    _, _, rest = text.partition('href="../preferences/')
    assert read_preferences_token(rest.partition('"')[0], workspace.link_keys()) == 2


@pytest.mark.parametrize(("language", "spoken"), [("zh-CN", "zh-CN"), ("ar", "ar"), ("tlh", None), ("", None)])
async def test_the_page_speaks_the_readers_language_where_it_can(
    client: httpx.AsyncClient, workspace: Workspace, store: Database, language: str, spoken: str | None
) -> None:
    async with store.write() as connection:
        attributes = {"language": language} if language else {}
        await connection.execute(sa.update(subscribers).values(attributes=attributes))
    text = (await client.get(leave_path(workspace))).text
    assert f'<html lang="{spoken or "en"}"' in text
    assert page_words(spoken or "en")["unsubscribe_ask"] in text


@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize("headers", [{}, {"purpose": "prefetch"}, {"sec-purpose": "prefetch;prerender"}])
async def test_reading_the_page_changes_nothing(
    client: httpx.AsyncClient, workspace: Workspace, store: Database, method: str, headers: dict[str, str]
) -> None:
    assert (await client.request(method, leave_path(workspace), headers=headers)).status_code == 200
    assert len([person async for person in list_subscribers(store, "news")]) == 3
    assert await recorded(store) == []


async def test_other_methods_are_told_which_there_are(client: httpx.AsyncClient, workspace: Workspace) -> None:
    allowed = {(await client.request(method, leave_path(workspace))).headers["allow"] for method in ("PUT", "OPTIONS")}
    assert [set(one.split(", ")) for one in allowed] == [{"GET", "HEAD", "POST"}]


async def test_a_body_far_longer_than_a_mail_program_sends_leaves_nobody(
    client: httpx.AsyncClient, workspace: Workspace, store: Database
) -> None:
    assert (await client.post(leave_path(workspace), content=b"a" * 5_000)).status_code == 413
    assert await recorded(store) == []


async def test_links_that_say_nothing_get_one_answer(client: httpx.AsyncClient, workspace: Workspace) -> None:
    forged = leave_path(workspace).rpartition("~")[0] + "~" + "A" * 22
    answers = [
        await client.request(method, path) for path in (forged, "/small/unsubscribe/x") for method in ("GET", "POST")
    ]
    assert {(answer.status_code, answer.content) for answer in answers} == {(404, answers[0].content)}


async def test_a_link_of_mail_from_before_the_key_was_changed_still_leaves(
    tmp_path: Path, workspace: Workspace, store: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PRESSRUN_SECRET_KEY", "the-first-key-of-this-place")
    old = leave_path(make_workspace(tmp_path, monkeypatch))
    changed = make_workspace(
        tmp_path, monkeypatch, secret_key="a-second-and-newer-key-of-it the-first-key-of-this-place"
    )
    async with browser(changed) as client:
        assert (await client.post(old, data=ONE_CLICK)).status_code == 200
    assert [person for person, *_ in await recorded(store)] == [1]
    dropped = make_workspace(tmp_path, monkeypatch, secret_key="a-second-and-newer-key-of-it")
    async with browser(dropped) as client:
        assert (await client.post(old, data=ONE_CLICK)).status_code == 404


async def test_where_the_store_fails_nobody_is_told_that_they_left(workspace: Workspace, store: Database) -> None:
    fails = [True]

    def fail(_: object, __: object, statement: str, *___: object) -> None:
        if fails and statement.startswith("UPDATE memberships"):
            raise sa.exc.OperationalError(statement, {}, OSError("no space left for lin@example.com"))

    async with served(workspace) as (client, database):
        sa.event.listen(database.engine.sync_engine, "before_cursor_execute", fail)
        answer = await client.post(leave_path(workspace), data=ONE_CLICK)
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "30")
        assert "lin@" not in answer.text and await recorded(store) == []
        fails.clear()
        assert (await client.post(leave_path(workspace), data=ONE_CLICK)).status_code == 200
    assert len(await recorded(store)) == 1
