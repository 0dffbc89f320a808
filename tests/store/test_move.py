"""Moves: what a person agreed to goes along, and no issue reaches them twice."""

from __future__ import annotations

from dataclasses import replace

import pytest
import sqlalchemy as sa

from person_story import ANN, BEN, CONSENT, DAY, ISSUES, put_on_list, request_of, set_state, states_of, tell_story
from pressrun.address import parse_address
from pressrun.delivery.outcome import State
from pressrun.errors import UsageError
from pressrun.store.approval import Decision, decide, read_approval
from pressrun.store.consent import ConsentBasis
from pressrun.store.database import Database
from pressrun.store.delivery_log import plan
from pressrun.store.forget import forget
from pressrun.store.journal import Mark, Scope, open_journal
from pressrun.store.move import change_address, move_subscriber
from pressrun.store.pause import pause
from pressrun.store.people_tables import confirmations
from pressrun.store.person import read_person
from pressrun.store.subscribers import suppress_address
from pressrun.store.tables import deliveries, memberships
from small_edition import KEY, NOW, make_edition

NEW = parse_address("ann@new.example.com")
LATER = NOW + DAY
SECOND = make_edition(issue=ISSUES[1], id="1" * 64)


async def test_consent_and_pause_go_along_to_the_other_list(database: Database) -> None:
    person = await tell_story(database)
    await pause(database, person, NOW + 7 * DAY, NOW)
    assert await move_subscriber(database, ANN, "all", "digest", LATER)
    told = await read_person(database, KEY, ANN)
    assert [(one.list, one.joined_at, one.left_at, one.paused_until) for one in told.lists] == [
        ("all", NOW, LATER, None),
        ("digest", LATER, None, NOW + 7 * DAY),
    ]
    whence = {"moved": [{"from": "all", "at": "2026-02-21T09:00:00+00:00"}]}
    carried = replace(CONSENT, list="digest", proof={**CONSENT.proof, **whence})
    assert told.consents == (replace(CONSENT, withdrawn_at=LATER), carried)
    assert [(str(event.kind), event.list) for event in told.events[-2:]] == [("left", "all"), ("joined", "digest")]


async def test_a_second_move_keeps_the_whole_chain(database: Database) -> None:
    await tell_story(database)
    await move_subscriber(database, ANN, "all", "digest", NOW)
    await move_subscriber(database, ANN, "digest", "weekly", LATER)
    last = (await read_person(database, KEY, ANN)).consents[-1]
    assert (last.list, last.given_at, [one["from"] for one in last.proof["moved"]]) == (
        "weekly", CONSENT.given_at, ["all", "digest"],
    )  # fmt: skip


async def test_where_no_consent_was_noted_the_record_says_so(database: Database) -> None:
    await put_on_list(database, "all", [BEN.address])
    await move_subscriber(database, BEN, "all", "digest", NOW)
    assert [one.basis for one in (await read_person(database, KEY, BEN)).consents] == [ConsentBasis.UNKNOWN]


async def test_who_left_the_other_list_is_not_put_back_and_nothing_changes(database: Database) -> None:
    await tell_story(database)
    await move_subscriber(database, ANN, "all", "digest", NOW)
    with pytest.raises(UsageError, match="has left all by themselves"):
        await move_subscriber(database, ANN, "digest", "all", LATER)
    told = await read_person(database, KEY, ANN)
    assert [(one.list, one.left_at) for one in told.lists] == [("all", NOW), ("digest", None)]


async def test_who_is_on_both_lists_leaves_the_one(database: Database) -> None:
    person = await tell_story(database)
    await put_on_list(database, "digest", ["cleo@example.com"])
    async with database.write() as connection:
        query = sa.select(memberships.c.list_id).order_by(memberships.c.list_id.desc()).limit(1)
        row = {"list_id": await connection.scalar(query), "subscriber_id": person, "joined_at": NOW}
        await connection.execute(sa.insert(memberships), row)
    assert not await move_subscriber(database, ANN, "all", "digest", LATER)
    told = await read_person(database, KEY, ANN)
    assert [(one.list, one.left_at) for one in told.lists] == [("all", LATER), ("digest", None)]


@pytest.mark.parametrize(
    ("who", "whence", "whither", "words"),
    [
        (ANN, "all", "all", "can't move from all to itself"),
        (ANN, "nowhere", "digest", "there is no list 'nowhere'"),
        (NEW, "all", "digest", "is no subscriber"),
    ],
)
async def test_what_can_not_be_moved_is_told(
    database: Database, who: object, whence: str, whither: str, words: str
) -> None:
    await tell_story(database)
    with pytest.raises(UsageError, match=words):
        await move_subscriber(database, who, whence, whither, NOW)  # type: ignore[arg-type]


async def test_at_a_new_address_nothing_reaches_them_twice_and_what_waits_goes_there(database: Database) -> None:
    person = await tell_story(database)
    assert await change_address(database, KEY, ANN, NEW, LATER) == 1
    assert await states_of(database, ISSUES[0]) == {ANN.address: "sent", BEN.address: "queued"}  # as it was sent
    assert await states_of(database, ISSUES[1]) == {NEW.address: "queued", BEN.address: "queued"}
    for number, issue in enumerate(ISSUES):
        again = await plan(database, make_edition(issue=issue, id=f"{number}" * 64), "all", LATER)
        assert (again.added, again.audience) == (0, 2)
    told = await read_person(database, KEY, NEW)
    assert (told.id, told.tags, told.consents, len(told.deliveries)) == (person, ("secret-circle",), (CONSENT,), 2)
    assert told.events[-1].detail["from"] == ANN.address and told.events[-1].detail["to"] == NEW.address
    assert not (await read_person(database, KEY, ANN)).is_known


async def test_a_message_on_its_way_keeps_its_address(database: Database) -> None:
    await tell_story(database)
    async with open_journal(database) as journal:
        claimed = {row.address: row.id for row in await journal.claim(Scope(ISSUES[1], "w"), 10, NOW)}
        await journal.write("w", (), [Mark(claimed[ANN.address], "form", "relay")], NOW)
    assert await change_address(database, KEY, ANN, NEW, LATER) == 0
    assert (await states_of(database, ISSUES[1]))[ANN.address] == "dot"
    assert (await plan(database, SECOND, "all", LATER)).added == 0


async def test_one_that_was_marked_once_keeps_its_address_too(database: Database) -> None:
    await tell_story(database)
    await set_state(database, ISSUES[1], ANN.address, State.QUEUED)
    async with database.write() as connection:
        await connection.execute(sa.update(deliveries).values(form="8bit"))
    assert await change_address(database, KEY, ANN, NEW, LATER) == 0
    assert ANN.address in await states_of(database, ISSUES[1])


async def test_an_approval_holds_at_the_new_address(database: Database) -> None:
    await tell_story(database)
    edition = make_edition(issue="spp/2026-03", id="3" * 64)
    await plan(database, edition, "all", NOW, held=True)
    await decide(database, edition.issue, Decision.APPROVED, "olga", NOW)
    await change_address(database, KEY, ANN, NEW, LATER)
    approval = await read_approval(database, edition.issue)
    assert approval is not None and approval.decided_by == "olga"


async def test_another_spelling_of_the_same_address_is_no_conflict(database: Database) -> None:
    await tell_story(database)
    spelled = parse_address(ANN.address.lower())
    await change_address(database, KEY, ANN, spelled, LATER)
    told = await read_person(database, KEY, ANN)
    assert (told.address, len(told.deliveries)) == (spelled.address, 2)


async def test_an_address_that_is_taken_suppressed_or_forgotten_is_refused(database: Database) -> None:
    await tell_story(database)
    suppressed, gone = parse_address("bounced@example.com"), parse_address("gone@example.com")
    await suppress_address(database, suppressed, "hard bounce", NOW)
    await forget(database, KEY, gone, NOW)
    refused = ((BEN, "somebody's address"), (suppressed, "suppressed: hard bounce"), (gone, "was forgotten"))
    for new, words in refused:
        with pytest.raises(UsageError, match=words):
            await change_address(database, KEY, ANN, new, LATER)
    assert (await read_person(database, KEY, ANN)).id is not None


async def test_requests_that_wait_go_and_confirmed_ones_follow(database: Database) -> None:
    await tell_story(database)
    async with database.write() as connection:
        row = request_of(ANN.address, ANN.key, confirmed_at=NOW)
        await connection.execute(sa.insert(confirmations), row)
    await change_address(database, KEY, ANN, NEW, LATER)
    assert [one.confirmed_at for one in (await read_person(database, KEY, NEW)).requests] == [NOW]
    assert (await read_person(database, KEY, ANN)).requests == ()
