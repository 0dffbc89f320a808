"""Idempotency-Key: what is asked twice is done once."""

from __future__ import annotations

import asyncio
import datetime as dt
import uuid

import httpx
import pytest
import sqlalchemy as sa

from api_desk import PEOPLE, Desk, problem
from pressrun.store.api_call import IN_FLIGHT, KEPT, Answer, Call, answer_call, begin_call, drop_old_calls
from pressrun.store.api_key import ApiScope
from pressrun.store.event import read_events
from pressrun.store.people_tables import api_calls
from pressrun.store.webhook import list_webhooks

BODY = {"address": "new@example.com", "consents": [{"list": "news", "basis": "written"}]}


def once(name: str) -> dict[str, str]:
    return {"idempotency-key": name}


async def test_the_same_request_gets_the_same_answer_and_is_done_once(client: httpx.AsyncClient, desk: Desk) -> None:
    name = str(uuid.UUID(int=7))
    first = await client.post("/subscribers", json=BODY, headers=once(name))
    happened = len(await read_events(desk.database))
    again = await client.post("/subscribers", json=BODY, headers=once(f'"{name}"'))  # as the draft writes it
    assert (again.status_code, again.json()) == (first.status_code, first.json()) == (201, first.json())
    assert again.headers["location"] == first.headers["location"]
    assert again.headers["content-type"] == first.headers["content-type"]
    assert "idempotent-replayed" not in first.headers
    assert again.headers["idempotent-replayed"] == "true"
    assert len(await read_events(desk.database)) == happened


async def test_another_request_by_the_same_name_is_refused(client: httpx.AsyncClient) -> None:
    assert (await client.post("/subscribers", json=BODY, headers=once("a"))).is_success
    other = BODY | {"name": "Lin"}
    problem(await client.post("/subscribers", json=other, headers=once("a")), 422, "idempotency-key")
    problem(await client.patch("/subscribers/1", json={}, headers=once("a")), 422, "idempotency-key")
    assert (await client.post("/subscribers", json=other, headers=once("b"))).is_success


async def test_names_of_one_key_are_not_anothers(desk: Desk) -> None:
    async with await desk.made() as one, await desk.made() as other:
        assert (await one.post("/subscribers", json=BODY, headers=once("a"))).json()["is_new"]
        told = await other.post("/subscribers", json=BODY, headers=once("a"))
        assert told.json()["is_new"] is False


async def test_what_was_refused_may_be_asked_again(client: httpx.AsyncClient, desk: Desk) -> None:
    body = {"address": "new@example.com", "consents": [{"list": "later", "basis": "written"}]}
    problem(await client.post("/subscribers", json=body, headers=once("a")), 422, "invalid")
    async with desk.database.write() as connection:
        await connection.execute(sa.text("UPDATE lists SET name = 'later'"))
    assert (await client.post("/subscribers", json=body, headers=once("a"))).status_code == 201


async def test_of_requests_at_once_one_is_done_and_the_others_wait_or_get_its_answer(
    client: httpx.AsyncClient, desk: Desk
) -> None:
    async def ask() -> httpx.Response:
        return await client.post("/subscribers", json=BODY, headers=once("a"))

    answers = await asyncio.gather(*(ask() for _ in range(8)))
    statuses = {answer.status_code for answer in answers}
    assert statuses <= {201, 409}
    assert len({answer.content for answer in answers if answer.status_code == 201}) == 1
    for answer in answers:
        if answer.status_code == 409:
            problem(answer, 409, "in-flight")
            assert answer.headers["retry-after"] == "1"
    found = (await client.get("/subscribers", params={"limit": 500})).json()["items"]
    assert len(found) == len(PEOPLE) + 1


async def test_a_call_that_a_crash_cut_off_is_done_again_after_a_while(desk: Desk) -> None:
    key, _ = await desk.make_key(ApiScope.SUBSCRIBERS_WRITE)
    call = Call(key.id, "a", "hash")
    assert (await begin_call(desk.database, call, desk.now)).is_ours
    assert not (await begin_call(desk.database, call, desk.now)).is_ours
    soon, late = desk.now + IN_FLIGHT - dt.timedelta(seconds=1), desk.now + IN_FLIGHT
    assert not (await begin_call(desk.database, call, soon)).is_ours
    assert (await begin_call(desk.database, Call(key.id, "a", "other"), late)).is_another
    assert (await begin_call(desk.database, call, late)).is_ours


async def test_an_answer_is_kept_for_a_day(desk: Desk) -> None:
    key, _ = await desk.make_key()
    call = Call(key.id, "a", "hash")
    await begin_call(desk.database, call, desk.now)
    await answer_call(desk.database, call, Answer(200, {"id": 1}, {"etag": '"x"'}))
    almost = desk.now + KEPT - dt.timedelta(seconds=1)
    assert (await begin_call(desk.database, call, almost)).answer == Answer(200, {"id": 1}, {"etag": '"x"'})
    assert await drop_old_calls(desk.database, almost) == 0
    assert await drop_old_calls(desk.database, desk.now + KEPT) == 1
    assert (await begin_call(desk.database, call, desk.now + KEPT)).is_ours


async def test_a_webhook_is_made_once_also_where_the_server_died_before_it_kept_its_answer(
    client: httpx.AsyncClient, desk: Desk
) -> None:
    body = {"url": "https://hooks.example.com/a", "kinds": ["left"]}
    made = await client.post("/webhooks", json=body, headers=once("a"))
    await client.post("/subscribers/1/leave", json={"list": "news"})
    async with desk.database.write() as connection:  # as a server that dies leaves it
        await connection.execute(sa.update(api_calls).values(status=None, answer=None))
    desk.now += IN_FLIGHT
    again = await client.post("/webhooks", json=body, headers=once("a"))
    assert (again.status_code, again.json()) == (201, made.json())
    assert again.headers["location"] == made.headers["location"]
    (kept,) = await list_webhooks(desk.database)
    assert kept.last_event < (await read_events(desk.database))[-1].id  # what happened meanwhile is still to be posted


async def test_webhooks_that_were_asked_for_by_other_names_are_others(desk: Desk) -> None:
    body = {"url": "https://hooks.example.com/a"}
    async with await desk.made() as one, await desk.made() as other:
        asked = [(one, once("a")), (one, once("b")), (other, once("a")), (one, {}), (one, {})]
        answers = [await client.post("/webhooks", json=body, headers=headers) for client, headers in asked]
        desk.now += KEPT
        answers.append(await one.post("/webhooks", json={"url": "https://hooks.example.com/b"}, headers=once("a")))
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.json()["id"] for answer in answers}) == len(answers)


@pytest.mark.parametrize("name", ["", " ", "a b", "x" * 256, '"', '"a', "\u00e9", "a\tb"])
async def test_names_that_are_none_are_refused(client: httpx.AsyncClient, name: str) -> None:
    headers = {"idempotency-key": name.encode()}
    told = problem(await client.post("/subscribers", json=BODY, headers=headers), 422, "invalid")  # type: ignore[arg-type]
    assert told["errors"][0]["where"] == "Idempotency-Key"


async def test_what_is_kept_of_a_call_names_nobody(client: httpx.AsyncClient, desk: Desk) -> None:
    assert (await client.post("/subscribers", json=BODY, headers=once("a"))).is_success
    assert (await client.patch("/subscribers/1", json={"name": "Lin Xiao"}, headers=once("b"))).is_success
    async with desk.database.read() as connection:
        rows = str((await connection.execute(sa.select(api_calls))).all())
    assert "a" in rows
    assert "new@example.com" not in rows
    assert "Lin Xiao" not in rows
