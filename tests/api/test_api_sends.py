"""Issues, sends, logs, events, lists, segments and webhooks."""

from __future__ import annotations

import datetime as dt

import httpx
import pytest

from api_desk import PEOPLE, SEND, Desk, problem
from pressrun.delivery.outcome import State
from pressrun.store.api_key import ApiScope
from pressrun.store.event import EventKind
from pressrun.store.webhook import find_webhook
from pressrun.webhook import secret_of


async def test_an_issue_tells_what_it_is_and_what_is_wrong_with_it(client: httpx.AsyncClient, desk: Desk) -> None:
    (one,) = (await client.get("/issues")).json()["items"]
    assert (one["id"], one["state"], one["is_sound"], one["year"]) == (SEND, "open", True, 2026)
    assert one["lists"] == {"news": True}
    issue = (await client.get(f"/issues/{SEND}")).json()
    assert {name: issue[name] for name in one} == one
    text = desk.workspace.issues / SEND / "issue.yaml"
    text.write_text(text.read_text(encoding="utf-8").replace("total: 7", "total: many"), encoding="utf-8")
    issue = (await client.get(f"/issues/{SEND}")).json()
    assert (issue["is_sound"], issue["title"]) == (False, None)
    assert issue["findings"][0]["path"] == f"issues/{SEND}/issue.yaml"
    assert str(desk.workspace.root) not in str(issue)


async def test_issues_are_found_by_publication(client: httpx.AsyncClient) -> None:
    assert len((await client.get("/issues", params={"publication": "small"})).json()["items"]) == 1
    assert (await client.get("/issues", params={"publication": "other"})).json() == {"items": [], "next": None}


async def test_a_sends_counts_add_up_to_its_plan(client: httpx.AsyncClient) -> None:
    assert (await client.get("/sends")).json()["items"] == [{"issue": SEND, "lists": {"news": True}}]
    told = (await client.get(f"/sends/{SEND}")).json()
    assert told["planned"] == told["open"] == told["states"]["queued"] == len(PEOPLE)
    assert set(told["states"]) == set(State)
    assert told["wish"] == "run"


async def test_a_send_is_paused_resumed_and_cancelled_for_good(client: httpx.AsyncClient) -> None:
    assert (await client.post(f"/sends/{SEND}/pause")).json()["wish"] == "pause"
    assert (await client.post(f"/sends/{SEND}/pause")).json()["wish"] == "pause"
    assert (await client.post(f"/sends/{SEND}/resume")).json()["wish"] == "run"
    told = (await client.post(f"/sends/{SEND}/cancel")).json()
    assert (told["wish"], told["open"], told["states"]["cancelled"]) == ("cancel", 0, len(PEOPLE))
    problem(await client.post(f"/sends/{SEND}/resume"), 409, "conflict")
    problem(await client.post("/sends/small/2026-02/pause"), 404)


async def test_the_log_is_read_by_page_and_state(client: httpx.AsyncClient) -> None:
    path = f"/sends/{SEND}/deliveries"
    first = (await client.get(path, params={"limit": 2})).json()
    rest = (await client.get(path, params={"limit": 2, "cursor": first["next"]})).json()
    assert [row["address"] for row in first["items"] + rest["items"]] == list(PEOPLE)
    assert rest["next"] is None
    assert (await client.get(path, params={"state": ["sent", "failed"]})).json()["items"] == []
    assert len((await client.get(path, params={"state": "queued"})).json()["items"]) == len(PEOPLE)
    problem(await client.get(path, params={"state": "lost"}), 422)


async def test_who_follows_events_misses_none_and_sees_none_twice(client: httpx.AsyncClient) -> None:
    page = (await client.get("/events", params={"limit": 2, "kind": ["joined", "left"]})).json()
    assert page["more"] is True
    seen = list(page["items"])
    page = (await client.get("/events", params={"limit": 2, "kind": ["joined", "left"], "cursor": page["next"]})).json()
    seen += page["items"]
    assert page["more"] is False
    for _ in range(2):  # nothing has happened: the same place
        page = (await client.get("/events", params={"kind": ["left", "joined"], "cursor": page["next"]})).json()
        assert page["items"] == []
    await client.post("/subscribers/1/leave", json={})
    page = (await client.get("/events", params={"kind": ["joined", "left"], "cursor": page["next"]})).json()
    seen += page["items"]
    assert [(one["kind"], one["subscriber_id"]) for one in seen] == [*(("joined", n) for n in (1, 2, 3)), ("left", 1)]
    problem(await client.get("/events", params={"kind": "exploded"}), 422)


async def test_lists_and_segments_are_told(client: httpx.AsyncClient) -> None:
    assert (await client.get("/lists")).json() == {"items": [{"name": "news", "members": len(PEOPLE)}]}
    (segment,) = (await client.get("/segments")).json()["items"]
    assert segment == {"name": "leeds", "filter": 'city == "Leeds"', "description": "People in Leeds"}
    assert (await client.get("/segments/leeds")).json() == {**segment, "size": len(PEOPLE)}
    await client.patch("/subscribers/1", json={"attributes": {"city": "York"}})
    await client.post("/subscribers/2/leave", json={})
    assert (await client.get("/segments/leeds")).json()["size"] == 2
    assert (await client.get("/segments/leeds", params={"list": "news"})).json()["size"] == 1
    problem(await client.get("/segments/york"), 404)
    problem(await client.get("/segments/leeds", params={"list": "other"}), 422)


async def test_a_webhook_is_added_read_and_removed(client: httpx.AsyncClient, desk: Desk) -> None:
    made = await client.post("/webhooks", json={"url": "https://example.com/hooks/secret-part", "kinds": ["left"]})
    assert made.status_code == 201
    path = made.headers["location"].removeprefix("/api/v1")
    shown = (await client.get(path)).json()
    assert shown == made.json() == (await client.get("/webhooks")).json()["items"][0]
    assert (shown["host"], shown["kinds"]) == ("example.com", ["left"])
    assert "secret-part" not in str(shown)
    webhook = await find_webhook(desk.database, shown["id"])
    assert webhook.kinds == (EventKind.LEFT,)
    secret = (await client.get(f"{path}/secret")).json()["secret"]
    assert secret.startswith("whsec_")
    assert secret != secret_of("another", desk.workspace.link_keys().newest)
    assert (await client.post(f"{path}/retry")).json() == {"posts": 0}
    assert (await client.delete(path)).status_code == 204
    problem(await client.get(path), 404)
    problem(await client.delete(path), 404)


async def test_a_key_that_may_only_write_reads_nothing(desk: Desk) -> None:
    async with await desk.made(ApiScope.SUBSCRIBERS_WRITE) as client:
        problem(await client.get("/subscribers"), 403)
        body = {"address": PEOPLE[0], "consents": [{"list": "news", "basis": "written"}]}
        told = (await client.post("/subscribers", json=body)).json()
        assert set(told) == {"id", "is_new", "joined"}
        assert set((await client.patch("/subscribers/1", json={})).json()) == {"id", "changed"}


@pytest.mark.parametrize("days", [0, 400])
async def test_pages_of_issues_end(client: httpx.AsyncClient, desk: Desk, days: int) -> None:
    desk.now += dt.timedelta(days=days)
    page = (await client.get("/issues", params={"limit": 1})).json()
    assert page["next"] is None
