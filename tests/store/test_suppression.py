"""Suppressions: who said so and why is on record, and so is who took it back."""

from __future__ import annotations

import pytest

from person_story import ANN, BEN, ISSUES, tell_story
from pressrun.address import parse_address
from pressrun.errors import UsageError
from pressrun.store.database import Database
from pressrun.store.journal import Scope, open_journal
from pressrun.store.person import read_person
from pressrun.store.suppression import lift_suppression, suppress
from small_edition import KEY, NOW

STRANGER = parse_address("stranger@example.com")


async def claimed(database: Database) -> list[str]:
    async with open_journal(database) as journal:
        return [row.address for row in await journal.claim(Scope(ISSUES[1], "w"), 10, NOW)]


async def test_a_suppressed_address_is_not_mailed_and_the_first_reason_stands(database: Database) -> None:
    await tell_story(database)
    assert await suppress(database, ANN, "asked by phone", "olga", NOW)
    assert not await suppress(database, ANN, "another reason", "otto", NOW)
    assert await claimed(database) == [BEN.address]
    person = await read_person(database, KEY, ANN)
    assert person.suppression is not None and person.suppression.reason == "asked by phone"
    assert [event.detail for event in person.events if event.kind == "suppressed"] == [
        {"reason": "asked by phone", "by": "olga"}
    ]


async def test_lifted_they_are_mailed_again(database: Database) -> None:
    await tell_story(database)
    await suppress(database, ANN, "asked by phone", "olga", NOW)
    assert await lift_suppression(database, ANN, "asked again", "otto", NOW)
    assert not await lift_suppression(database, ANN, "asked again", "otto", NOW)
    assert await claimed(database) == [ANN.address, BEN.address]
    last = (await read_person(database, KEY, ANN)).events[-1]
    assert (str(last.kind), last.detail) == ("unsuppressed", {"reason": "asked again", "by": "otto"})


async def test_an_address_that_is_nobodys_can_be_suppressed(database: Database) -> None:
    assert await suppress(database, STRANGER, "role address", "olga", NOW)
    assert (await read_person(database, KEY, STRANGER)).suppression is not None


@pytest.mark.parametrize("reason", ["", "  "])
async def test_a_reason_is_wanted(database: Database, reason: str) -> None:
    with pytest.raises(UsageError, match="needs a reason"):
        await suppress(database, ANN, reason, "olga", NOW)
    assert (await read_person(database, KEY, ANN)).suppression is None
