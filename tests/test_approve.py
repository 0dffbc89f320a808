"""approve and reject: what they ask of a person before anything is decided."""

from __future__ import annotations

import datetime as dt

import pytest

from approved_plan import HOUR, ISSUE, begin, put_up
from pressrun.approve import approve, reject
from pressrun.errors import UsageError
from pressrun.store.approval import Decision, read_approval
from pressrun.store.database import Database
from small_edition import NOW, addresses

TOKYO = dt.timezone(dt.timedelta(hours=9))


async def test_an_approval_says_who_why_and_when(database: Database) -> None:
    seal = await put_up(database)
    send_at = (NOW + HOUR).astimezone(TOKYO)
    await approve(database, ISSUE, " Ann\nLee ", NOW, seal=seal, note=" looks\tfine ", send_at=send_at)
    found = await read_approval(database, ISSUE)
    assert found is not None
    assert (found.decided_by, found.note, found.decision) == ("Ann Lee", "looks fine", Decision.APPROVED)
    assert (found.send_at, found.created_at) == (send_at, NOW)


async def test_a_rejection_keeps_it_from_leaving(database: Database) -> None:
    await put_up(database)
    assert (await reject(database, ISSUE, "Ann", NOW, note="typo")).decision is Decision.REJECTED
    assert await begin(database, 9) == []
    await approve(database, ISSUE, "Ann", NOW)
    assert await begin(database, 9) == addresses(3)


@pytest.mark.parametrize("name", ["", "  ", "\n\t"])
async def test_somebody_has_to_decide(database: Database, name: str) -> None:
    await put_up(database)
    for refused in (approve(database, ISSUE, name, NOW), reject(database, ISSUE, name, NOW)):
        with pytest.raises(UsageError, match="nobody's name"):
            await refused
    assert await read_approval(database, ISSUE) is None


@pytest.mark.parametrize("send_at", [NOW, NOW - HOUR])
async def test_a_time_that_is_past_is_refused(database: Database, send_at: dt.datetime) -> None:
    await put_up(database)
    with pytest.raises(UsageError, match="is past"):
        await approve(database, ISSUE, "Ann", NOW, send_at=send_at)
    assert await begin(database, 9) == []
