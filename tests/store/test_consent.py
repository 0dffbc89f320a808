"""Consents: what was given stays on record as it was given, and its end is noted once."""

from __future__ import annotations

from dataclasses import replace

from person_story import ANN, BEN, CONSENT, DAY, put_on_list
from pressrun.store.consent import Consent, ConsentBasis, read_consents, record_consents, withdraw_consents
from pressrun.store.database import Database
from small_edition import NOW

DIGEST = Consent("digest", ConsentBasis.WRITTEN, "file", NOW)


async def ann_and_ben(database: Database) -> tuple[int, int]:
    """Both on the list, each with consents to two."""
    ann, ben = await put_on_list(database, "all", [ANN.address, BEN.address])
    async with database.write() as connection:
        for person in (ann, ben):
            await record_consents(connection, person, [CONSENT, DIGEST])
        await record_consents(connection, ann, [])
    return ann, ben


async def test_a_consent_is_kept_whole_in_the_order_it_was_given(database: Database) -> None:
    ann, _ = await ann_and_ben(database)
    assert await read_consents(database, ann) == [CONSENT, DIGEST]
    assert await read_consents(database, 0) == []


async def test_it_ends_for_one_list_or_all_and_only_once(database: Database) -> None:
    ann, ben = await ann_and_ben(database)
    async with database.write() as connection:
        await withdraw_consents(connection, [ann], "all", NOW)
        await withdraw_consents(connection, [ann], None, NOW + DAY)
    ended = [replace(CONSENT, withdrawn_at=NOW), replace(DIGEST, withdrawn_at=NOW + DAY)]
    assert await read_consents(database, ann) == ended
    assert await read_consents(database, ben) == [CONSENT, DIGEST]


async def test_many_people_withdraw_at_once(database: Database) -> None:
    people = await put_on_list(database, "all", [f"reader{n}@example.com" for n in range(1_100)])
    async with database.write() as connection:
        for person in people[::100]:
            await record_consents(connection, person, [CONSENT])
        await withdraw_consents(connection, people, "all", NOW)
    ended = [one for person in people[::100] for one in await read_consents(database, person)]
    assert {one.withdrawn_at for one in ended} == {NOW} and len(ended) == 11
