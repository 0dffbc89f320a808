"""Tags: put on and taken off once, with an event for what changed."""

from __future__ import annotations

import pytest

from person_story import ANN, tell_story
from pressrun.errors import UsageError
from pressrun.store.database import Database
from pressrun.store.person import read_person
from pressrun.store.tag import LONGEST, tag, untag
from small_edition import KEY, NOW


async def test_tags_are_put_on_and_taken_off_once(database: Database) -> None:
    person = await tell_story(database)
    assert await tag(database, person, ["vip", "北京", "vip"], NOW) == ["vip", "北京"]
    assert await tag(database, person, ["vip"], NOW) == []
    assert await untag(database, person, ["vip", "other"], NOW) == ["vip"]
    assert await untag(database, person, ["vip"], NOW) == []
    told = await read_person(database, KEY, ANN)
    assert told.tags == ("secret-circle", "北京")
    changes = [(str(event.kind), event.detail["tag"]) for event in told.events if "tag" in event.detail]
    assert changes[1:] == [("tagged", "vip"), ("tagged", "北京"), ("untagged", "vip")]


@pytest.mark.parametrize("word", ["", " vip", "vip ", "v\nip", "v\x00ip", "x" * (LONGEST + 1)])
async def test_what_can_not_be_a_tag_is_refused_and_nothing_changes(database: Database, word: str) -> None:
    person = await tell_story(database)
    with pytest.raises(UsageError, match="can't be a tag"):
        await tag(database, person, ["good", word], NOW)
    assert (await read_person(database, KEY, ANN)).tags == ("secret-circle",)
