"""Enumeration: nobody learns from an answer, or from what it takes to make it, whether an address is on a list."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import sqlalchemy as sa
from besieged import KNOWN, UNKNOWN, Besieged

from pressrun.address import parse_address
from pressrun.delivery.leave_link import Leave, make_leave_token
from pressrun.delivery.preferences_link import make_preferences_token
from pressrun.link_keys import LinkKey, LinkKeys
from pressrun.public.form import LATEST, QUICKEST, make_stamp
from pressrun.store.departure import depart
from pressrun.store.people_tables import confirmations
from pressrun.store.subscribers import suppress_address
from small_edition import NOW, addresses

FORGER = LinkKeys((LinkKey(b"a key that somebody made up"),))


@contextmanager
def statements() -> Iterator[list[str]]:
    """The statements that this task gives a store meanwhile: what an answer costs, whatever the clock says."""
    given: list[str] = []
    mine = asyncio.current_task()

    def note(_connection: object, _cursor: object, statement: str, *_more: object) -> None:
        if asyncio.current_task() is mine:
            given.append(re.sub(r"\s+", " ", statement))

    sa.event.listen(sa.engine.Engine, "before_cursor_execute", note)
    try:
        yield given
    finally:
        sa.event.remove(sa.engine.Engine, "before_cursor_execute", note)


async def ask(web: Besieged, path: str, **form: str) -> tuple[object, ...]:
    """All that can be seen of an answer, and what it cost."""
    with statements() as given:
        answer = await web.client.post(path, data=form)
    headers = sorted((name, value) for name, value in answer.headers.items() if name != "date")
    return answer.status_code, headers, answer.text, given


def stamp(web: Besieged, publication: str = "small") -> str:
    return make_stamp(web.workspace.link_keys(), publication, NOW - QUICKEST * 2)


async def test_the_form_answers_everybody_alike(web: Besieged) -> None:
    left, suppressed = addresses(2)
    await depart(web.database, [Leave(2, "small")], NOW, "page")
    await suppress_address(web.database, parse_address(suppressed), "complaint", NOW)
    seen = [
        await ask(web, "/small/subscribe", email=address, stamp=stamp(web))
        for address in (UNKNOWN, KNOWN, left, suppressed, KNOWN.upper(), UNKNOWN)
    ]
    assert seen[0][0] == 200 and seen[0][3]
    assert all(one == seen[0] for one in seen)
    async with web.database.read() as connection:
        asked = (await connection.scalars(sa.select(confirmations.c.address))).all()
    assert len(asked) == 6  # each was taken, and none answered from what is known


@pytest.mark.parametrize("path", ["/small/unsubscribe/{}", "/small/preferences/{}"])
async def test_a_forged_link_says_the_same_whoever_it_names(web: Besieged, path: str) -> None:
    make = [lambda n: make_leave_token(Leave(n, "small"), FORGER), lambda n: make_preferences_token(n, FORGER)][
        "preferences" in path
    ]
    seen = [
        await ask(web, path.format(make(number)), **{"List-Unsubscribe": "One-Click"}) for number in (1, 2, 999_999)
    ]
    assert seen[0][0] in (400, 403, 404) and seen[0][3] == []  # the store is not even asked
    assert all(one == seen[0] for one in seen)


async def test_leaving_twice_or_as_somebody_who_is_gone_says_the_same(web: Besieged) -> None:
    keys = web.workspace.link_keys()
    form = {"List-Unsubscribe": "One-Click"}
    seen = [
        (await ask(web, f"/small/unsubscribe/{make_leave_token(Leave(number, name), keys)}", **form))[:3]
        for number, name in ((1, "small"), (1, "small"), (999_999, "small"), (2, "no such list"))
    ]
    assert all(one == seen[0] for one in seen) and seen[0][0] == 200


@pytest.mark.parametrize("moment", [NOW, NOW - LATEST * 2, NOW + LATEST])
async def test_a_form_without_a_fresh_stamp_asks_again_and_keeps_nothing(web: Besieged, moment: object) -> None:
    keys = web.workspace.link_keys()
    stamps = [
        make_stamp(keys, "small", moment),
        stamp(web, "other"),
        make_stamp(FORGER, "small", NOW - QUICKEST),
        "",
        "x~1~y",
    ]
    for one in stamps:
        status, _, text, given = await ask(web, "/small/subscribe", email=UNKNOWN, stamp=one)
        assert status == 200 and "stamp" in str(text)
        assert [statement for statement in given if statement.startswith("INSERT")] == []  # type: ignore[attr-defined]


async def test_one_network_can_not_ask_for_mail_to_many(web: Besieged) -> None:
    """List bombing: after a handful, nothing more is taken from there for a while."""
    answers = [
        await web.client.post("/small/subscribe", data={"email": f"victim{n}@example.com", "stamp": stamp(web)})
        for n in range(60)
    ]
    refused = [answer for answer in answers if answer.status_code == 429]
    assert len(refused) >= 20
    assert all(int(answer.headers["retry-after"]) > 0 for answer in refused)


async def test_forwarded_for_is_not_believed_from_anybody(web: Besieged) -> None:
    answers = [
        await web.client.post(
            "/small/subscribe",
            data={"email": f"victim{n}@example.com", "stamp": stamp(web)},
            headers={"X-Forwarded-For": f"192.0.2.{n}", "Forwarded": f"for=192.0.2.{n}", "X-Real-IP": f"192.0.2.{n}"},
        )
        for n in range(60)
    ]
    assert [answer for answer in answers if answer.status_code == 429]
