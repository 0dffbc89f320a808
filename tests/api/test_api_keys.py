"""Keys, scopes and limits: who gets in."""

from __future__ import annotations

import datetime as dt

import httpx
import pytest
import sqlalchemy as sa

from api_desk import Desk, problem
from pressrun.api.app import OPERATIONS
from pressrun.store.api_key import ApiScope, list_api_keys, revoke_api_key
from pressrun.store.people_tables import api_keys
from pressrun.web import make_web_app

A_SECOND = dt.timedelta(seconds=1)


def path_of(path: str) -> str:
    """An address of the path, of things that are not there."""
    return path.replace("{id}", "77").replace("{publication}", "no").replace("{issue}", "no")


async def test_every_operation_wants_a_key(desk: Desk) -> None:
    async with desk.client(None) as client:
        for one in OPERATIONS:
            answer = await client.request(one.method, path_of(one.path))
            problem(answer, 401, "no-key")
            assert answer.headers["www-authenticate"] == 'Bearer realm="pressrun"', one  # RFC 6750 §3.1: no error


@pytest.mark.parametrize("scope", list(ApiScope))
async def test_a_key_opens_what_its_scope_says_and_nothing_else(desk: Desk, scope: ApiScope) -> None:
    async with await desk.made(scope) as client:
        for one in OPERATIONS:
            answer = await client.request(one.method, path_of(one.path), json={} if one.method == "PATCH" else None)
            missing = [needed for needed in one.scopes if needed is not scope]
            if missing:
                told = problem(answer, 403, "scope")
                assert f'error="insufficient_scope", scope="{" ".join(missing)}"' in answer.headers["www-authenticate"]
                assert told["remedy"] == f"use a key made with {' '.join(f'--scope {one}' for one in missing)}"
            else:
                assert answer.status_code not in (401, 403), one


async def test_who_has_events_posted_somewhere_needs_to_be_allowed_to_read_them(desk: Desk) -> None:
    body = {"url": "https://hooks.example.com/a"}
    async with await desk.made() as client:
        made = (await client.post("/webhooks", json=body)).json()
    async with await desk.made(ApiScope.WEBHOOKS_WRITE) as client:
        for path, sent in (("/webhooks", body), (f"/webhooks/{made['id']}/retry", None)):
            answer = await client.post(path, json=sent)
            assert "logs:read" in problem(answer, 403, "scope")["detail"]
            assert 'scope="logs:read"' in answer.headers["www-authenticate"]
        assert [one["id"] for one in (await client.get("/webhooks")).json()["items"]] == [made["id"]]
        assert (await client.get(f"/webhooks/{made['id']}/secret")).is_success
        assert (await client.delete(f"/webhooks/{made['id']}")).is_success
    async with await desk.made(ApiScope.WEBHOOKS_WRITE, ApiScope.LOGS_READ) as client:
        assert (await client.post("/webhooks", json=body)).status_code == 201


async def test_revoked_and_expired_keys_open_nothing_and_look_like_wrong_ones(desk: Desk) -> None:
    key, text = await desk.make_key()
    _, short = await desk.make_key(until=desk.now + dt.timedelta(days=1))
    async with desk.client(text) as client, desk.client(short) as brief:
        assert (await client.get("/lists")).is_success
        assert (await brief.get("/lists")).is_success
        desk.now += dt.timedelta(days=1)
        await revoke_api_key(desk.database, key.id, desk.now)
        answers = [await client.get("/lists"), await brief.get("/lists")]
        async with desk.client(f"prk_{'0' * 16}_{'A' * 43}") as wrong:
            answers.append(await wrong.get("/lists"))
    assert len({answer.content for answer in answers}) == 1
    assert all('error="invalid_token"' in answer.headers["www-authenticate"] for answer in answers)


async def test_no_part_of_another_key_opens_anything(desk: Desk) -> None:
    (one, one_text), (_, other_text) = await desk.make_key(), await desk.make_key()
    _, _, one_secret = one_text.split("_", 2)
    _, other_id, _ = other_text.split("_", 2)
    async with desk.database.read() as connection:
        stored = await connection.scalar(sa.select(api_keys.c.hash).where(api_keys.c.id == one.id))
    forged = [
        f"prk_{other_id}_{one_secret}",
        f"prk_{one.id}_{stored}",
        f"prk_{one.id}_",
        f"{one_text}A",
        one_text[:-1],
        one_text.upper(),
        one_secret,
        f"prk_{one.id}_{one_secret}\u00df",
        "",
        "prk_",
        "' OR 1=1 --",
    ]
    for text in forged:
        async with desk.client(None) as client:
            shown = {"authorization": f"Bearer {text}".encode()}
            problem(await client.get("/lists", headers=shown), 401)


async def test_a_key_is_taken_from_one_header_alone(desk: Desk) -> None:
    _, text = await desk.make_key()
    async with desk.client(None) as client:
        problem(await client.get("/lists", params={"access_token": text}), 401)  # RFC 6750 §2.3, which is insecure
        problem(await client.get("/lists", headers={"cookie": f"authorization=Bearer {text}"}), 401)
        problem(await client.get("/lists", headers=[("authorization", f"Bearer {text}")] * 2), 401)
        problem(await client.get("/lists", headers={"authorization": f"Basic {text}"}), 401)
        assert (await client.get("/lists", headers={"authorization": f"bearer {text}"})).is_success


async def test_the_store_keeps_no_key(desk: Desk) -> None:
    _, text = await desk.make_key()
    async with desk.database.read() as connection:
        rows = (await connection.execute(sa.select(api_keys))).all()
    assert text.split("_", 2)[2] not in str(rows)
    assert text not in repr(await list_api_keys(desk.database))


async def test_the_last_use_is_noted_to_the_hour(desk: Desk) -> None:
    _, text = await desk.make_key()
    used = []
    async with desk.client(text) as client:
        for after in (0, 59, 61):
            desk.now += dt.timedelta(minutes=after)
            await client.get("/lists")
            used.append((await list_api_keys(desk.database))[0].used_at)
    assert used[0] == used[1]
    assert used[2] == desk.now


async def test_who_asks_too_often_is_told_how_long_to_wait(desk: Desk) -> None:
    desk.limits.api.rate, desk.limits.api.burst = 0.1, 3
    async with await desk.made() as client, await desk.made() as other:
        answers = [await client.get("/lists") for _ in range(4)]
        assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
        problem(answers[-1], 429, "too-many")
        assert 1 <= int(answers[-1].headers["retry-after"]) <= 10
        assert (await other.get("/lists")).is_success  # each key has its own


async def test_guesses_are_limited_and_good_keys_from_the_same_place_are_not(desk: Desk) -> None:
    desk.limits.guesses.rate, desk.limits.guesses.burst = 0.01, 2
    async with desk.client("prk_wrong") as wrong, await desk.made() as good:
        assert [(await wrong.get("/lists")).status_code for _ in range(3)] == [401, 401, 429]
        assert (await good.get("/lists")).is_success


async def test_asking_for_a_key_that_is_not_there_takes_the_same_steps(desk: Desk) -> None:
    key, _ = await desk.make_key()
    counts = []
    for shown in (f"prk_{key.id}_{'A' * 43}", f"prk_{'f' * 16}_{'A' * 43}"):
        said: list[str] = []

        def note(*arguments: object, into: list[str] = said) -> None:
            into.append(str(arguments[2]))

        sa.event.listen(desk.database.engine.sync_engine, "before_cursor_execute", note)
        async with desk.client(shown) as client:
            problem(await client.get("/lists"), 401)
        sa.event.remove(desk.database.engine.sync_engine, "before_cursor_execute", note)
        counts.append(said)
    assert counts[0] == counts[1] != []


async def test_errors_of_the_body_are_not_told_to_who_has_no_key(desk: Desk) -> None:
    async with desk.client(None) as client:
        problem(await client.post("/subscribers", content=b"{", headers={"content-type": "application/json"}), 401)
    async with await desk.made(ApiScope.SUBSCRIBERS_READ) as client:
        problem(await client.post("/subscribers", content=b"x" * 2_000_000), 403)


async def test_a_broken_store_is_told_without_its_address(desk: Desk) -> None:
    async with await desk.made() as client:
        async with desk.database.write() as connection:
            await connection.execute(sa.text("ALTER TABLE lists RENAME TO gone"))
        answer = await client.get("/lists")
    assert answer.status_code in (500, 503)
    problem(answer, answer.status_code)
    assert "sqlite" not in answer.text.lower()
    assert "lists" not in answer.text


async def test_every_answer_says_what_it_is_and_is_kept_by_nobody(client: httpx.AsyncClient) -> None:
    for path in ("/lists", "/nothing", "/subscribers/1", "/subscribers?x=1"):
        answer = await client.get(path)
        assert answer.headers["cache-control"] == "no-store"
        assert "set-cookie" not in answer.headers
        assert not [name for name in answer.headers if name.startswith("access-control-")]


async def test_the_api_stands_beside_the_other_doors(desk: Desk) -> None:
    app = make_web_app(desk.workspace, lambda: desk.now)
    transport = httpx.ASGITransport(app)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=transport, base_url="http://web") as client,
    ):
        answer = await client.get("/api/v1/lists")
        problem(answer, 401, "no-key")
        assert answer.headers["x-content-type-options"] == "nosniff"
        problem(await client.get("/api/v1/nothing"), 404)
        problem(await client.get("/api/v1/webhooks/%0A"), 404)
