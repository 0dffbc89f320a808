"""Retention: what is old goes, what is not stays, and the account of every send stays right."""

from __future__ import annotations

import datetime as dt

import pytest
import sqlalchemy as sa

from person_story import ANN, BEN, CONSENT, DAY, ISSUES, request_of, set_state, states_of, tell_story
from pressrun.delivery.account import read_account
from pressrun.delivery.outcome import State
from pressrun.delivery.show_message import show_message
from pressrun.errors import UsageError
from pressrun.store.consent import record_consents
from pressrun.store.database import Database
from pressrun.store.delivery_log import count_states, plan
from pressrun.store.event import Event, EventKind, record_events
from pressrun.store.forget import forget
from pressrun.store.move import change_address
from pressrun.store.people_tables import confirmations, consents, events, webhooks
from pressrun.store.person import read_person
from pressrun.store.retention import Ages, LetGo, let_go
from pressrun.store.tables import deliveries
from small_edition import KEY, NOW, make_edition

MUCH_LATER = NOW + 400 * DAY
FIRST = make_edition(issue=ISSUES[0], id="0" * 64)
YEAR = Ages(addresses=365)


async def finish(database: Database, issue: str = ISSUES[0], state: State = State.SENT) -> None:
    """Settle the rows of an issue as they may have ended."""
    said = f"2.1.5 <{BEN.address}> taken"
    async with database.write() as connection:
        row = sa.update(deliveries).where(deliveries.c.issue == issue)
        values = {"code": 250, "enhanced": "2.1.5", "reply": said, "relay": "one", "attempts": 1, "updated_at": NOW}
        await connection.execute(row.values(state=state.value, **values))


async def test_by_default_everything_is_kept(database: Database) -> None:
    await tell_story(database)
    await finish(database)
    assert await let_go(database, KEY, Ages(), MUCH_LATER) == LetGo()
    assert await states_of(database, ISSUES[0]) == {ANN.address: "sent", BEN.address: "sent"}


@pytest.mark.parametrize("page", [1, 2, 100])
async def test_addresses_are_scrubbed_from_finished_issues_once(database: Database, page: int) -> None:
    await tell_story(database)
    await finish(database)
    before = await count_states(database, ISSUES[0])
    assert (await let_go(database, KEY, YEAR, MUCH_LATER, page)).addresses == 2
    assert (await let_go(database, KEY, YEAR, MUCH_LATER, page)).addresses == 0
    assert await count_states(database, ISSUES[0]) == before
    async with database.read() as connection:
        found = (await connection.execute(sa.select(deliveries).where(deliveries.c.issue == ISSUES[0]))).all()
    assert {(row.address, row.name, row.reply, row.code) for row in found} == {("", "", "scrubbed", 250)}
    assert all(row.attributes == {} and len(row.address_key) == 44 for row in found)
    assert set(await states_of(database, ISSUES[1])) == {ANN.address, BEN.address}  # it is not finished


@pytest.mark.parametrize("state", [State.QUEUED, State.SENDING, State.DOT, State.DEFERRED])
async def test_an_issue_that_is_not_finished_keeps_its_addresses(database: Database, state: State) -> None:
    await tell_story(database)
    await finish(database)
    await set_state(database, ISSUES[0], BEN.address, state)
    assert (await let_go(database, KEY, YEAR, MUCH_LATER)).addresses == 0


async def test_a_row_in_doubt_keeps_its_address(database: Database) -> None:
    await tell_story(database)
    await finish(database)
    await set_state(database, ISSUES[0], BEN.address, State.IN_DOUBT)
    assert (await let_go(database, KEY, YEAR, MUCH_LATER)).addresses == 1
    assert set(await states_of(database, ISSUES[0])) == {"", BEN.address}


async def test_what_was_settled_lately_stays(database: Database) -> None:
    await tell_story(database)
    await finish(database)
    assert (await let_go(database, KEY, YEAR, NOW + 364 * DAY)).addresses == 0


async def test_planning_a_scrubbed_issue_again_mails_nobody_twice(database: Database) -> None:
    await tell_story(database)
    await finish(database)
    await let_go(database, KEY, YEAR, MUCH_LATER)
    assert (await plan(database, FIRST, "all", MUCH_LATER)).added == 0
    await change_address(database, KEY, ANN, type(ANN)("ann@new.example.com", "ann@new.example.com"), MUCH_LATER)
    assert (await plan(database, FIRST, "all", MUCH_LATER)).added == 0


async def test_the_report_and_the_message_say_that_it_was_scrubbed(database: Database) -> None:
    await tell_story(database)
    await finish(database, state=State.FAILED)
    await let_go(database, KEY, YEAR, MUCH_LATER)
    account = await read_account(database, ISSUES[0])
    assert [(one.name, dict(one.counts)[State.FAILED]) for one in account.domains] == [("scrubbed", 2)]
    assert [(one.count, one.example) for one in account.refusals] == [(2, "scrubbed")]
    with pytest.raises(UsageError, match="was scrubbed from the log"):
        await show_message(database, ISSUES[0], BEN, KEY)


async def test_who_is_asked_for_is_still_found_and_can_be_forgotten(database: Database) -> None:
    person = await tell_story(database)
    await finish(database)
    await let_go(database, KEY, YEAR, MUCH_LATER)
    assert len((await read_person(database, KEY, ANN)).deliveries) == 2
    await forget(database, KEY, ANN, MUCH_LATER)
    async with database.read() as connection:
        numbers = (await connection.scalars(sa.select(deliveries.c.subscriber_id))).all()
    assert person not in numbers


@pytest.mark.parametrize("page", [1, 100])
async def test_old_events_go_but_none_that_a_webhook_has_not_come_to(database: Database, page: int) -> None:
    person = await tell_story(database)
    async with database.write() as connection:
        new = Event(EventKind.TAGGED, MUCH_LATER - DAY, person)
        await connection.execute(sa.delete(events))
        await record_events(connection, [Event(EventKind.TAGGED, NOW, person) for _ in range(3)] + [new])
        ids = (await connection.scalars(sa.select(events.c.id).order_by(events.c.id))).all()
        hook = {"id": "w", "url": "https://example.com/", "kinds": [], "last_event": ids[1], "created_at": NOW}
        await connection.execute(sa.insert(webhooks), hook)
    assert (await let_go(database, KEY, Ages(events=30), MUCH_LATER, page)).events == 2
    async with database.write() as connection:
        await connection.execute(sa.update(webhooks).values(disabled_at=NOW))
    assert (await let_go(database, KEY, Ages(events=30), MUCH_LATER, page)).events == 1
    async with database.read() as connection:
        assert (await connection.scalars(sa.select(events.c.id))).all() == [ids[3]]


async def test_requests_that_nobody_confirmed_go_and_confirmed_ones_stay(database: Database) -> None:
    await tell_story(database)
    async with database.write() as connection:
        row = request_of(BEN.address, BEN.key, confirmed_at=NOW)
        await connection.execute(sa.insert(confirmations), row)
    assert (await let_go(database, KEY, Ages(confirmations=30), NOW + 29 * DAY)).confirmations == 0
    assert (await let_go(database, KEY, Ages(confirmations=30), NOW + 31 * DAY)).confirmations == 1
    assert len((await read_person(database, KEY, BEN)).requests) == 1


@pytest.mark.parametrize("page", [1, 100])
async def test_network_addresses_go_and_the_rest_of_the_proof_stays(database: Database, page: int) -> None:
    person = await tell_story(database)
    proof = {"confirmed_from": "192.0.2.9", "OPTIN_IP": "2001:db8::1", "message": "<c2@x>"}
    newer = type(CONSENT)("all", CONSENT.basis, "file", MUCH_LATER, network="192.0.2.8")
    with_proof = type(CONSENT)("all", CONSENT.basis, "file", NOW, proof=proof)
    async with database.write() as connection:
        await record_consents(connection, person, [with_proof, newer])
    ages = Ages(network=90)
    assert (await let_go(database, KEY, ages, MUCH_LATER + dt.timedelta(hours=1), page)).networks == 3
    assert (await let_go(database, KEY, ages, MUCH_LATER + dt.timedelta(hours=1), page)).networks == 0
    async with database.read() as connection:
        query = sa.select(consents.c.network, consents.c.proof).order_by(consents.c.id)
        found = (await connection.execute(query)).all()
    assert [tuple(row) for row in found] == [
        (None, {"message": "<c1@x>"}), (None, {"message": "<c2@x>"}), ("192.0.2.8", {}),
    ]  # fmt: skip
    assert [one.network for one in (await read_person(database, KEY, ANN)).requests] == [None]
