from __future__ import annotations

import datetime as dt

import httpx
import pytest
import sqlalchemy as sa

from api_desk import PEOPLE, Desk, problem
from pressrun.store.consent import ConsentBasis, read_consents
from pressrun.store.event import EventKind, read_events
from pressrun.store.people_tables import api_calls
from pressrun.store.subscribers import make_list
from pressrun.store.tables import subscribers
from small_edition import NOW

NEW = {
    "address": "new@example.com",
    "name": "林晓",
    "attributes": {"city": "北京", "score": "7"},
    "tags": ["vip"],
    "consents": [{"list": "news", "basis": "double-opt-in", "wording": "Send me the news."}],
}


def consenting(address: str, basis: str = "double-opt-in", **changes: object) -> dict[str, object]:
    return {"address": address, "consents": [{"list": "news", "basis": basis, **changes}]}


async def find(client: httpx.AsyncClient, address: str) -> dict[str, object]:
    found = (await client.get("/subscribers", params={"address": address})).json()["items"]
    assert len(found) == 1
    one: dict[str, object] = found[0]
    return one


async def test_who_is_added_is_there_with_their_consent(client: httpx.AsyncClient, desk: Desk) -> None:
    added = await client.post("/subscribers", json=NEW)
    assert added.status_code == 201
    told = added.json()
    assert told == {"id": told["id"], "is_new": True, "joined": {"news": "added"}}
    person = (await client.get(added.headers["location"].removeprefix("/api/v1"))).json()
    assert person["address"] == "new@example.com"
    assert person["name"] == "林晓"
    assert person["attributes"] == {"city": "北京", "score": "7"}
    assert person["tags"] == ["vip"]
    assert [one["list"] for one in person["lists"]] == ["news"]
    (consent,) = await read_consents(desk.database, told["id"])
    assert (consent.basis, consent.source) == (ConsentBasis.DOUBLE_OPT_IN, "api key a test")
    assert (consent.wording, consent.given_at) == ("Send me the news.", NOW)


@pytest.mark.parametrize(
    ("said", "where"),
    [({"attributes": {"city": "a\u202eb"}}, "#/attributes/city"), ({"name": "Lin\u2066"}, "#/name")],
)
async def test_text_that_every_other_door_refuses_is_refused(
    client: httpx.AsyncClient, said: dict[str, object], where: str
) -> None:
    for answer in (
        await client.post("/subscribers", json={**NEW, **said}),
        await client.patch("/subscribers/1", json=said),
    ):
        told = problem(answer, 422, "invalid")
        assert [one["where"] for one in told["errors"]] == [where]
    assert (await client.get("/subscribers", params={"address": "new@example.com"})).json()["items"] == []


async def test_adding_twice_changes_nothing_and_records_no_second_consent(
    client: httpx.AsyncClient, desk: Desk
) -> None:
    first = (await client.post("/subscribers", json=NEW)).json()
    second = await client.post("/subscribers", json=NEW)
    assert second.status_code == 200
    assert second.json() == {"id": first["id"], "is_new": False, "joined": {"news": "unchanged"}}
    assert len(await read_consents(desk.database, first["id"])) == 1
    kinds = [one.event.kind for one in await read_events(desk.database) if one.event.subscriber_id == first["id"]]
    assert sorted(kinds) == [EventKind.JOINED, EventKind.TAGGED]


async def test_what_is_not_said_of_a_known_person_stays(client: httpx.AsyncClient) -> None:
    told = (
        await client.post("/subscribers", json=consenting("LIN@example.com") | {"attributes": {"score": "3"}})
    ).json()
    assert told["joined"] == {"news": "updated"}
    person = await find(client, "lin@example.com")
    assert person["attributes"] == {"city": "Leeds", "score": "3"}
    assert person["name"] == "Reader"


async def test_a_list_that_is_not_there_is_told_with_its_place(client: httpx.AsyncClient, desk: Desk) -> None:
    body = {**NEW, "consents": [*NEW["consents"], {"list": "nws", "basis": "written"}]}  # type: ignore[misc]
    told = problem(await client.post("/subscribers", json=body), 422)
    assert told["errors"][0]["where"] == "#/consents/1/list"
    async with desk.database.read() as connection:  # and nothing of it was done
        assert await connection.scalar(sa.select(sa.func.count()).select_from(subscribers)) == len(PEOPLE)


async def test_who_is_suppressed_or_was_forgotten_is_refused(client: httpx.AsyncClient) -> None:
    lin, ann = await find(client, "lin@example.com"), await find(client, "ann@example.com")
    assert (await client.post(f"/subscribers/{lin['id']}/suppress", json={"reason": "asked by phone"})).json()[
        "changed"
    ]
    assert (await client.post(f"/subscribers/{ann['id']}/forget", json={"address": "ann@example.com"})).is_success
    problem(await client.post("/subscribers", json=consenting("lin@example.com")), 409, "suppressed")
    problem(await client.post("/subscribers", json=consenting("ann@example.com")), 409, "forgotten")
    assert (await client.post(f"/subscribers/{lin['id']}/lift", json={"reason": "asked again"})).json()["changed"]
    assert (await client.post("/subscribers", json=consenting("lin@example.com"))).is_success


@pytest.mark.parametrize(
    ("basis", "given_at", "status"),
    [
        ("double-opt-in", "2026-02-20T09:30:00Z", 200),
        ("double-opt-in", None, 409),  # whoever sends their people each night says no more than that
        ("written", "2026-02-20T09:30:00Z", 200),
        ("written", "2026-02-20T08:00:00+00:00", 409),  # from before they left
        ("legitimate-interest", None, 409),
        ("contract", None, 409),
        ("unknown", None, 409),
    ],
)
async def test_who_left_comes_back_only_by_a_newer_consent_of_their_own(
    client: httpx.AsyncClient, desk: Desk, basis: str, given_at: str | None, status: int
) -> None:
    lin = await find(client, "lin@example.com")
    left = await client.post(f"/subscribers/{lin['id']}/leave", json={"list": "news"})
    assert left.json()["lists"] == ["news"]
    desk.now += dt.timedelta(hours=1)
    changes = {"given_at": given_at} if given_at else {}
    again = await client.post("/subscribers", json=consenting("lin@example.com", basis, **changes))
    assert again.status_code == status, again.text
    assert again.json().get("code", "returned") == ("returned" if status == 200 else "left")


async def test_one_list_that_they_left_lets_them_join_no_other(client: httpx.AsyncClient, desk: Desk) -> None:
    lin = await find(client, "lin@example.com")
    async with desk.database.write() as connection:
        await make_list(connection, "extra", NOW)
    await client.post(f"/subscribers/{lin['id']}/leave", json={"list": "news"})
    both = [{"list": name, "basis": "written"} for name in ("extra", "news")]
    told = problem(
        await client.post("/subscribers", json={"address": "lin@example.com", "consents": both}), 409, "left"
    )
    assert "'news'" in told["detail"] and "given_at" in told["remedy"]
    assert len((await find(client, "lin@example.com"))["lists"]) == 1  # type: ignore[arg-type]
    extra = {"address": "lin@example.com", "consents": both[:1]}
    assert (await client.post("/subscribers", json=extra)).json()["joined"] == {"extra": "added"}


async def test_who_left_and_is_suppressed_is_told_as_suppressed(client: httpx.AsyncClient) -> None:
    lin = await find(client, "lin@example.com")
    await client.post(f"/subscribers/{lin['id']}/leave", json={})
    await client.post(f"/subscribers/{lin['id']}/suppress", json={"reason": "asked"})
    problem(await client.post("/subscribers", json=consenting("lin@example.com")), 409, "suppressed")


async def test_pages_hold_everybody_once_also_while_others_join_and_leave(client: httpx.AsyncClient) -> None:
    seen: list[str] = []
    query: dict[str, object] | httpx.QueryParams = {"limit": 2, "list": "news"}
    for turn in range(20):
        answer = await client.get("/subscribers", params=query)  # type: ignore[arg-type]
        page = answer.json()
        seen += [one["address"] for one in page["items"]]
        for n in range(3 if turn == 0 else 0):
            await client.post("/subscribers", json=consenting(f"late{n}@example.com"))
        if page["next"] is None:
            assert "link" not in answer.headers
            break
        assert answer.headers["link"].endswith('>; rel="next"')
        query = httpx.URL("http://web/api/v1/subscribers").join(answer.headers["link"][1:].partition(">")[0]).params
    assert seen == [*PEOPLE, *(f"late{n}@example.com" for n in range(3))]


async def test_people_are_found_by_list_tag_and_address(client: httpx.AsyncClient) -> None:
    await client.post("/subscribers", json=NEW)

    async def found(**query: str) -> list[str]:
        answer = await client.get("/subscribers", params=query)
        return [one["address"] for one in answer.json()["items"]]

    assert await found(tag="vip") == ["new@example.com"]
    assert await found(address="ANN@EXAMPLE.com") == ["ann@example.com"]
    assert await found(list="nobody") == []
    assert len(await found(list="news")) == len(PEOPLE) + 1
    assert await found(list="news' OR '1'='1") == []
    assert await found(tag="%") == []


async def test_people_are_found_by_segment_and_filter(client: httpx.AsyncClient) -> None:
    await client.patch("/subscribers/1", json={"attributes": {"city": "York", "score": "12"}})

    async def found(**query: str) -> list[str]:
        answer = await client.get("/subscribers", params=query)
        assert answer.is_success, answer.text
        return [one["address"] for one in answer.json()["items"]]

    assert await found(segment="leeds") == list(PEOPLE[1:])
    assert await found(segment="score > 9") == [PEOPLE[0]]
    assert await found(segment='list == "news" and domain == "example.org"') == ["bob@example.org"]
    assert await found(segment="leeds", list="news") == list(PEOPLE[1:])
    for unfit in ("nobody", "score >", "score > 1; DROP TABLE lists", "(" * 500, "1=1", 'city == "a\u0000"'):
        told = problem(await client.get("/subscribers", params={"segment": unfit}), 422)
        assert told["errors"][0]["where"] == "segment"
    problem(await client.get("/subscribers", params={"segment": "leeds", "list": "other"}), 422)
    (page,) = [(await client.get("/subscribers", params={"segment": "leeds", "limit": 1})).json()]
    problem(await client.get("/subscribers", params={"segment": "score > 9", "cursor": page["next"]}), 422, "cursor")


async def test_a_change_keeps_what_it_does_not_name(client: httpx.AsyncClient, desk: Desk) -> None:
    lin = await find(client, "lin@example.com")
    path = f"/subscribers/{lin['id']}"
    changes = {"attributes": {"city": None, "score": "12"}, "tags": ["vip", "press"]}
    assert (await client.patch(path, json=changes)).json() == {"id": lin["id"], "changed": True}
    assert (await client.patch(path, json=changes)).json()["changed"] is False
    person = (await client.get(path)).json()
    assert person["attributes"] == {"score": "12"}
    assert person["tags"] == ["press", "vip"]
    assert person["name"] == "Reader"
    assert (await client.patch(path, json={"name": "", "tags": []})).json()["changed"] is True
    person = (await client.get(path)).json()
    assert (person["name"], person["tags"]) == ("", [])
    details = [one.event.detail for one in await read_events(desk.database, kinds=[EventKind.CHANGED])]
    assert {"source": "api", "fields": ["city", "score"]} in details
    assert "12" not in str(details)


async def test_a_change_of_what_somebody_else_changed_is_refused(client: httpx.AsyncClient) -> None:
    path = f"/subscribers/{(await find(client, 'lin@example.com'))['id']}"
    seen = (await client.get(path)).headers["etag"]
    assert (await client.patch(path, json={"name": "Lin"}, headers={"if-match": seen})).is_success
    problem(await client.patch(path, json={"name": "Xiao"}, headers={"if-match": seen}), 412, "outdated")
    assert (await client.patch(path, json={"name": "Xiao"}, headers={"if-match": "*"})).is_success
    now = (await client.get(path)).headers["etag"]
    assert (await client.patch(path, json={"name": "Lin"}, headers={"if-match": f'"other", {now}'})).is_success


@pytest.mark.parametrize(
    ("body", "where"),
    [
        ({"attributes": {"score": "many"}}, "#/attributes/score"),
        ({"attributes": {"shoe": "43"}}, "#/attributes/shoe"),
        ({"attributes": {"city": "a\u0000b"}}, "#/attributes/city"),
        ({"attributes": {"city": 7}}, "#/attributes/city"),
        ({"name": "Lin\r\nBcc: all@example.com"}, "#/name"),
        ({"name": 7}, "#/name"),
        ({"tags": ["a", " b "]}, "#/tags/1"),
        ({"nmae": "Lin"}, "#/nmae"),
    ],
)
async def test_faults_are_told_by_their_place_and_change_nothing(
    client: httpx.AsyncClient, body: dict[str, object], where: str
) -> None:
    before = await find(client, "lin@example.com")
    told = problem(await client.patch(f"/subscribers/{before['id']}", json=body), 422, "invalid")
    assert [fault["where"] for fault in told["errors"]] == [where]
    assert all(fault["detail"] and fault["remedy"] for fault in told["errors"])
    assert await find(client, "lin@example.com") == before


@pytest.mark.parametrize("field", ["id", "suppressed", "created_at", "updated_at", "address_key", "lists", "address"])
async def test_nobody_sets_by_a_change_what_is_not_theirs_to_set(client: httpx.AsyncClient, field: str) -> None:
    before = await find(client, "lin@example.com")
    answer = await client.patch(f"/subscribers/{before['id']}", json={field: before.get(field, "x")})
    assert problem(answer, 422)["errors"][0]["where"] == f"#/{field}"


async def test_a_pause_holds_for_its_time_and_ends_when_asked(client: httpx.AsyncClient) -> None:
    path = f"/subscribers/{(await find(client, 'lin@example.com'))['id']}"
    problem(await client.post(f"{path}/pause", json={"until": "2026-02-20T08:59:59Z"}), 422)
    paused = await client.post(f"{path}/pause", json={"until": "2026-03-20T09:00:00+01:00"})
    assert paused.json()["lists"] == ["news"]
    assert (await client.get(path)).json()["lists"][0]["paused_until"] == "2026-03-20T08:00:00Z"
    assert (await client.post(f"{path}/resume", json={})).json()["lists"] == ["news"]
    assert (await client.get(path)).json()["lists"][0]["paused_until"] is None


async def test_a_person_is_forgotten_only_by_their_address_and_leaves_nothing(
    client: httpx.AsyncClient, desk: Desk
) -> None:
    lin = await find(client, "lin@example.com")
    path = f"/subscribers/{lin['id']}"
    once = {"idempotency-key": "k1"}
    assert (await client.post("/subscribers", json=consenting("lin@example.com"), headers=once)).is_success
    problem(await client.post(f"{path}/forget", json={"address": "ann@example.com"}), 422)
    problem(await client.post(f"{path}/forget", json={}), 422)
    assert (await client.get(path)).is_success
    done = await client.post(f"{path}/forget", json={"address": "lin@example.com"}, headers={"idempotency-key": "k2"})
    assert done.json() == {"forgotten": True, "rows": 1, "closed": 1, "leaving": 0}
    problem(await client.get(path), 404)
    async with desk.database.read() as connection:
        kept = (await connection.execute(sa.select(api_calls))).all()
    assert "lin@example.com" not in str(kept)


async def test_a_persons_data_is_all_of_theirs_and_nobody_elses(client: httpx.AsyncClient) -> None:
    lin = await find(client, "lin@example.com")
    data = (await client.get(f"/subscribers/{lin['id']}/data")).json()
    assert data["address"] == "lin@example.com"
    assert data["consents"][0]["basis"] == "written"
    assert len(data["deliveries"]) == 1
    assert "ann@example.com" not in str(data)
    assert "prk_" not in str(data)


async def test_leaving_ends_the_consent_and_says_by_what_way(client: httpx.AsyncClient, desk: Desk) -> None:
    lin = await find(client, "lin@example.com")
    path = f"/subscribers/{lin['id']}/leave"
    problem(await client.post(path, json={"list": "other"}), 422)
    assert (await client.post(path, json={})).json()["lists"] == ["news"]
    assert (await client.post(path, json={})).json()["lists"] == []
    on_it = (await client.get("/subscribers", params={"list": "news"})).json()["items"]
    assert [one["address"] for one in on_it] == list(PEOPLE[1:])
    (consent,) = await read_consents(desk.database, int(str(lin["id"])))
    assert consent.withdrawn_at == NOW
    (left,) = await read_events(desk.database, kinds=[EventKind.LEFT])
    assert left.event.detail == {"source": "api"}


async def test_ids_that_nobody_has_are_not_found(client: httpx.AsyncClient) -> None:
    for path in ("/subscribers/999", "/subscribers/999/data"):
        problem(await client.get(path), 404)
    for verb, body in (("leave", {}), ("resume", {}), ("suppress", {"reason": "x"}), ("lift", {"reason": "x"})):
        problem(await client.post(f"/subscribers/999/{verb}", json=body), 404)
    problem(await client.patch("/subscribers/999", json={}), 404)
    for unfit in ("0", "-1", "1e3", "1.0", "9" * 30, "lin", "%00", "1%00"):
        assert (await client.get(f"/subscribers/{unfit}")).status_code in (404, 422)
