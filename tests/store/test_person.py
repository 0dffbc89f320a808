"""A person as the store knows them: everything of theirs, and nothing of anybody else's."""

from __future__ import annotations

import json

import pytest

from person_story import ANN, BEN, CONSENT, ISSUES, tell_story
from pressrun.address import parse_address
from pressrun.delivery.outcome import State
from pressrun.errors import UsageError
from pressrun.store.database import Database
from pressrun.store.forget import forget
from pressrun.store.person import find_subscriber, read_person, require_subscriber
from pressrun.store.subscribers import suppress_address
from small_edition import KEY, NOW

NOBODY = parse_address("nobody@example.com")


async def test_all_that_is_known_is_told(database: Database) -> None:
    person_id = await tell_story(database)
    await suppress_address(database, ANN, "asked by phone", NOW)
    person = await read_person(database, KEY, parse_address(ANN.address.upper()))
    assert (person.id, person.address, person.name, person.attributes) == (
        person_id, ANN.address, "Ann Secret", {"city": "Secretville"},
    )  # fmt: skip
    assert [(one.list, one.joined_at, one.left_at) for one in person.lists] == [("all", NOW, None)]
    assert (person.tags, person.consents) == (("secret-circle",), (CONSENT,))
    assert person.suppression is not None and person.suppression.reason == "asked by phone"
    assert [(one.lists, one.network, one.confirmed_at) for one in person.requests] == [(["all"], "192.0.2.7", None)]
    assert [str(event.kind) for event in person.events] == ["left", "tagged"]
    told = [(one.issue, one.state, one.code, one.reply) for one in person.deliveries]
    sent = (ISSUES[0], State.SENT, 250, f"2.1.5 <{ANN.address}> taken")
    assert told == [sent, (ISSUES[1], State.QUEUED, None, None)]


async def test_it_is_complete_as_json_and_names_nobody_else(database: Database) -> None:
    await tell_story(database)
    text = json.dumps((await read_person(database, KEY, ANN)).to_json())
    assert BEN.address not in text and "ben" not in text
    data = json.loads(text)
    assert data["consents"][0]["basis"] == "double-opt-in"
    assert data["consents"][0]["given_at"] == "2026-02-19T09:00:00+00:00"
    assert data["consents"][0]["proof"] == {"message": "<c1@x>"}
    assert data["deliveries"][0]["state"] == "sent"
    assert data["suppression"] is None


async def test_of_a_stranger_nothing_is_known_unless_something_is(database: Database) -> None:
    await tell_story(database)
    assert not (await read_person(database, KEY, NOBODY)).is_known
    await suppress_address(database, NOBODY, "hard bounce", NOW)
    person = await read_person(database, KEY, NOBODY)
    assert (person.is_known, person.id, person.created_at) == (True, None, None)


async def test_of_somebody_forgotten_their_rows_are_found_by_the_hash_and_tell_nothing(database: Database) -> None:
    await tell_story(database)
    await forget(database, KEY, ANN, NOW)
    person = await read_person(database, KEY, ANN)
    assert (person.id, person.events, person.requests, person.consents) == (None, (), (), ())
    assert [(one.issue, one.address, one.name) for one in person.deliveries] == [(issue, "", "") for issue in ISSUES]


async def test_who_is_no_subscriber_is_told_with_a_remedy(database: Database) -> None:
    person = await tell_story(database)
    async with database.read() as connection:
        assert await require_subscriber(connection, ANN) == person
        assert await find_subscriber(connection, NOBODY) is None
        with pytest.raises(UsageError, match=r"nobody@example\.com is no subscriber — pressrun subscribers add"):
            await require_subscriber(connection, NOBODY)
