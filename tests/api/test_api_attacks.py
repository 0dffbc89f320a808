"""What programs send that should not: torn, huge, nested, misplaced and made up."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from api_desk import PEOPLE, SEND, Desk, problem
from pressrun.api.app import OPERATIONS
from pressrun.api.page import make_cursor, read_cursor
from pressrun.api.problem import RefusalError
from pressrun.link_keys import LinkKey, LinkKeys
from pressrun.public.limit import make_limits

JSON = {"content-type": "application/json"}
GOOD: dict[str, Any] = {"address": "new@example.com", "consents": [{"list": "news", "basis": "written"}]}


async def count(client: httpx.AsyncClient) -> int:
    return len((await client.get("/subscribers", params={"limit": 500})).json()["items"])


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 422),
        (b"{", 400),
        (b"nul", 400),
        (b'{"address": NaN}', 400),
        (b'{"address": Infinity}', 400),
        (b'{"address": "a@example.com", "address": "b@example.com"}', 400),
        (b'{"name": "\xff\xfe"}', 400),
        (b'{"name": "\\ud800"}', 400),
        ("{}".encode("utf-16"), 400),
        (b"[" * 100_000, 400),
        (b'{"a":' * 100_000, 400),
        (b"[" * 17 + b"]" * 17, 400),
        (b"[" * 15 + b"]" * 15, 422),
        (b"1" * 10_000, 400),
        (b"[]", 422),
        (b"7", 422),
        (b"null", 422),
        (b'"text"', 422),
        (b'{"__proto__": {"x": 1}}', 422),
    ],
)
async def test_bodies_that_are_no_sound_json_are_refused(client: httpx.AsyncClient, body: bytes, status: int) -> None:
    problem(await client.post("/subscribers", content=body, headers=JSON), status)
    assert await count(client) == len(PEOPLE)


async def test_a_body_over_the_limit_is_not_read_to_its_end(client: httpx.AsyncClient) -> None:
    asked = 0

    async def endless() -> Any:
        nonlocal asked
        for _ in range(1_000):
            asked += 1
            yield b" " * 10_000

    problem(await client.post("/subscribers", content=endless(), headers=JSON), 413, "too-large")
    assert asked < 200
    problem(await client.post("/subscribers", content=b" " * 1_000_001, headers=JSON), 413, "too-large")


@pytest.mark.parametrize(
    "kind", ["", "text/plain", "application/x-www-form-urlencoded", "application/xml", "multipart/form-data"]
)
async def test_only_json_is_read(client: httpx.AsyncClient, kind: str) -> None:
    headers = {"content-type": kind} if kind else {}
    problem(await client.post("/subscribers", content=json.dumps(GOOD), headers=headers), 415)
    compressed = JSON | {"content-encoding": "gzip"}  # what is small on the line may be huge in memory
    problem(await client.post("/subscribers", content=b"\x1f\x8b", headers=compressed), 415)


async def test_operations_without_a_body_take_none(client: httpx.AsyncClient) -> None:
    problem(await client.post(f"/sends/{SEND}/pause", json={"reason": "x"}), 400, "unwanted-body")
    assert (await client.post(f"/sends/{SEND}/pause", json={})).is_success


@pytest.mark.parametrize(
    "path",
    [
        "/issues/../small/2026-01",
        "/issues/..%2f..%2fetc/passwd",
        "/issues/%2e%2e/%2e%2e",
        "/issues/%252e%252e/x",
        "/issues/small/..%5c..%5cx",
        "/issues/small/2026-01%00",
        "/issues/small/.",
        "/issues/small%2f2026-01/media",
        "/issues/small//2026-01",
        "/issues/SMALL/2026-01",
        "/issues/small/2026-01/",
        "/issues/small/publication.yaml",
        "/sends/../../x",
        "/sends/small/..%2f2026-01",
        "/sends/small/2026-01/deliveries%0a",
        "/webhooks/%0a",
    ],
)
async def test_no_name_leads_out_of_the_workspace(client: httpx.AsyncClient, path: str) -> None:
    request = client.build_request("GET", "http://web/x")
    request.url = request.url.copy_with(raw_path=b"/api/v1" + path.encode())  # as it is, not made canonical
    answer = await client.send(request)
    assert answer.status_code in (404, 422), answer.text
    if answer.request.url.raw_path.startswith(b"/api/v1"):
        problem(answer, answer.status_code)


@pytest.mark.parametrize("header", ["x-http-method-override", "x-method-override", "x-http-method"])
async def test_the_method_is_the_requests_own(client: httpx.AsyncClient, header: str) -> None:
    before = await count(client)
    answer = await client.get("/subscribers/1", headers={header: "DELETE"})
    assert answer.json()["id"] == 1
    problem(await client.get("/subscribers/1", params={"_method": "DELETE"}), 422)
    assert await count(client) == before


async def test_a_method_that_is_not_possible_is_told_with_those_that_are(client: httpx.AsyncClient) -> None:
    for path, allowed in (
        ("/subscribers", "GET, HEAD, POST"),
        ("/subscribers/1", "GET, HEAD, PATCH"),
        ("/lists", "GET, HEAD"),
    ):
        for method in ("PUT", "DELETE", "TRACE", "OPTIONS", "FOO"):
            answer = await client.request(method, path)
            problem(answer, 405, "method")
            assert answer.headers["allow"] == allowed


async def test_head_answers_as_get_does_without_the_content(client: httpx.AsyncClient) -> None:
    for one in OPERATIONS:
        if one.method == "GET":
            path = one.path.replace("{id}", "1").replace("{publication}/{issue}", SEND)
            got, head = await client.get(path), await client.head(path)
            assert (head.status_code, head.content) == (got.status_code, b"")
            assert head.headers == got.headers
    problem(await client.get("/webhooks/1/retry"), 405)
    assert (await client.head("/webhooks/1/retry")).status_code == 405


async def test_parameters_that_are_not_known_or_come_twice_are_refused(client: httpx.AsyncClient) -> None:
    for query, where in (("lsit=news", "lsit"), ("list=news&list=x", "list"), ("limit=1&limit=2", "limit")):
        told = problem(await client.get(f"/subscribers?{query}"), 422, "invalid")
        assert [fault["where"] for fault in told["errors"]] == [where]
    for limit in ("0", "501", "-1", "1.0", "1_0", " 1", "1e1", "x", ""):
        problem(await client.get("/subscribers", params={"limit": limit}), 422)


@pytest.mark.parametrize(
    "text", ["'; DROP TABLE lists; --", "news' OR '1'='1", "%", "_", "\\", "news\u0000", "$1", ":x", "?", "😀"]
)
async def test_filters_are_values_and_no_sql(client: httpx.AsyncClient, text: str) -> None:
    for name in ("list", "tag"):
        answer = await client.get("/subscribers", params={name: text})
        assert answer.status_code in (200, 422), answer.text
        assert answer.json().get("items", []) == []
    assert await count(client) == len(PEOPLE)


async def test_a_cursor_serves_its_own_listing_alone(client: httpx.AsyncClient) -> None:
    one = (await client.get("/subscribers", params={"limit": 1})).json()["next"]
    assert (await client.get("/subscribers", params={"limit": 2, "cursor": one})).is_success
    for path, query in (
        ("/subscribers", {"list": "news"}),
        ("/events", {}),
        ("/sends", {}),
        (f"/sends/{SEND}/deliveries", {}),
    ):
        problem(await client.get(path, params={**query, "cursor": one}), 422, "cursor")
    for cursor in (one[:-1], one + "A", one.swapcase(), "0", "~~", "a~b~c", "é", one.replace("~", "~~", 1)):
        problem(await client.get("/subscribers", params={"cursor": cursor}), 422, "cursor")
    # The text %00, written out: clients differ in what they make of a percent sign.
    problem(await client.get("/subscribers?cursor=%2500"), 422, "cursor")


KEYS = LinkKeys((LinkKey(b"new"), LinkKey(b"old")))


@given(
    st.text(max_size=50),
    st.one_of(st.integers(min_value=0, max_value=2**60), st.text(max_size=50)),
    st.text(max_size=80),
)
def test_cursors_come_back_as_they_were_and_nothing_else_is_one(listing: str, last: int | str, other: str) -> None:
    listing = listing.encode("utf-8", "replace").decode()
    cursor = make_cursor(LinkKeys(KEYS.keys[1:]), listing, last)
    assert read_cursor(KEYS, listing, cursor) == last  # also one of the key before
    assert read_cursor(KEYS, listing, None) is None
    for wrong in (other, cursor + other[:1] if other else cursor[1:]):
        with pytest.raises(RefusalError):
            read_cursor(KEYS, listing, wrong)
    with pytest.raises(RefusalError):
        read_cursor(KEYS, listing + "x", cursor)


ANYTHING = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False), st.text()),
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(st.text(max_size=10), inner, max_size=4)),
    max_leaves=8,
)
BODIES = st.fixed_dictionaries(
    {},
    optional={
        "address": st.one_of(st.text(max_size=30), st.just("lin@example.com"), ANYTHING),
        "name": st.one_of(st.text(max_size=30), ANYTHING),
        "attributes": st.one_of(st.dictionaries(st.text(max_size=8), st.text(max_size=8), max_size=3), ANYTHING),
        "tags": st.one_of(st.lists(st.text(max_size=8), max_size=3), ANYTHING),
        "consents": st.one_of(st.just(GOOD["consents"]), ANYTHING),
        "extra": ANYTHING,
    },
)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(body=BODIES)
async def test_no_body_makes_the_server_stumble(client: httpx.AsyncClient, body: dict[str, Any]) -> None:
    content = json.dumps(body).encode("utf-8", "surrogatepass")
    for method, path in (("POST", "/subscribers"), ("PATCH", "/subscribers/1")):
        answer = await client.request(method, path, content=content, headers=JSON)
        assert answer.status_code in (200, 201, 400, 409, 422), answer.text
        if not answer.is_success:
            problem(answer, answer.status_code)


async def test_what_is_refused_is_quoted_so_that_it_steers_nothing(client: httpx.AsyncClient) -> None:
    answer = await client.patch("/subscribers/1", json={"\u001b[2J<script>alert(1)</script>\u202e": 1})
    told = problem(answer, 422)
    assert answer.headers["content-type"] == "application/problem+json"
    assert "\u001b" not in json.dumps(told, ensure_ascii=False)
    assert "\u202e" not in json.dumps(told, ensure_ascii=False)


async def test_webhooks_lead_to_no_private_place(client: httpx.AsyncClient) -> None:
    for url in (
        "http://example.com/",
        "https://user:pass@example.com/",
        "ftp://example.com/",
        "https://",
        "https:///x",
    ):
        problem(await client.post("/webhooks", json={"url": url}), 422)
    assert (await client.get("/webhooks")).json()["items"] == []


def test_the_limits_of_a_server_are_there_by_default() -> None:
    limits = make_limits(lambda: 0.0)
    assert limits.api.burst < 1_000


async def test_a_desk_without_people_answers_too(desk: Desk) -> None:
    async with await desk.made() as client:
        assert (await client.get("/subscribers", params={"list": "none"})).json() == {"items": [], "next": None}
