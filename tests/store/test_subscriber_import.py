"""What an import makes of consent, of those who must stay away, and of a trial."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any

import pytest
import sqlalchemy as sa

from pressrun.address import parse_address
from pressrun.link_keys import LinkKey, LinkKeys
from pressrun.store.consent import Consent, ConsentBasis, read_consents
from pressrun.store.database import Database
from pressrun.store.event import EventKind
from pressrun.store.forget import forget
from pressrun.store.people_tables import consents, events
from pressrun.store.subscriber import Facts, ImportReport, ImportTerms, RejectedRow, Row, Standing, Subscriber
from pressrun.store.subscriber_import import import_subscribers
from pressrun.store.subscribers import add_subscriber, list_subscribers, remove_subscriber, suppress_address
from pressrun.store.tables import lists, memberships, subscribers, suppressions
from small_edition import KEY

NOW = dt.datetime(2026, 2, 1, 8, 30, tzinfo=dt.UTC)
LATER = NOW + dt.timedelta(days=1)
LONG_AGO = dt.datetime(2015, 3, 16, 14, 41, tzinfo=dt.UTC)
TERMS = ImportTerms("spp", ConsentBasis.DOUBLE_OPT_IN, "people.csv", "Mail me, please.")
ANN, BO, CY = (parse_address(f"{name}@example.com") for name in ("ann", "bo", "cy"))
OTHER_KEYS = LinkKeys((LinkKey(b"the newest key for tests"), *KEY.keys))


async def bring(database: Database, *rows: Row | RejectedRow, now: dt.datetime = NOW, **more: Any) -> ImportReport:
    return await import_subscribers(database, rows, TERMS, more.pop("keys", KEY), now, **more)


async def people(database: Database, list_name: str | None = "spp") -> list[Subscriber]:
    return [person async for person in list_subscribers(database, list_name)]


async def select(database: Database, *what: Any) -> list[Any]:
    async with database.read() as connection:
        return list((await connection.execute(sa.select(*what))).all())


async def id_of(database: Database, address: str) -> int:
    (found,) = [
        one for one, key in await select(database, subscribers.c.id, subscribers.c.address_key) if key == address
    ]
    return int(found)


async def kinds(database: Database) -> list[tuple[str, str | None]]:
    return [tuple(row) for row in await select(database, events.c.kind, events.c.list)]


def rows(*addresses: str, **more: Any) -> Sequence[Row]:
    return [Row(n, parse_address(text), **more) for n, text in enumerate(addresses, start=2)]


async def test_who_is_new_has_a_record_of_consent_and_nobody_else_a_second(database: Database) -> None:
    facts = Facts(LONG_AGO, "192.0.2.1", {"program": "Mailchimp", "optin_ip": "192.0.2.1"})
    await bring(database, Row(2, ANN, facts=facts), Row(3, BO))
    first = Consent("spp", ConsentBasis.DOUBLE_OPT_IN, "people.csv", NOW, "Mail me, please.")
    ann, bo = await id_of(database, ANN.key), await id_of(database, BO.key)
    assert await read_consents(database, bo) == [first]
    own = Consent(**{**vars(first), "given_at": LONG_AGO, "network": "192.0.2.1", "proof": dict(facts.proof)})
    assert await read_consents(database, ann) == [own]
    assert [person.joined_at for person in await people(database)] == [LONG_AGO, NOW]
    await bring(database, Row(2, ANN, facts=facts), Row(3, BO, "Bo"), now=LATER)
    assert len(await select(database, consents.c.id)) == 2


async def test_a_moment_that_lies_ahead_counts_as_now(database: Database) -> None:
    await bring(database, Row(2, ANN, facts=Facts(NOW + dt.timedelta(days=400))))
    assert [person.joined_at for person in await people(database)] == [NOW]


async def test_one_event_tells_of_the_whole_import(database: Database) -> None:
    await bring(database, *rows("ann@example.com", "bo@example.com"), RejectedRow(4, "x", "no address"))
    ((kind, on, detail),) = await select(database, events.c.kind, events.c.list, events.c.detail)
    assert (kind, on) == ("imported", "spp")
    assert {key: detail[key] for key in ("source", "basis", "added", "rejected")} == {
        "source": "people.csv",
        "basis": "double-opt-in",
        "added": 2,
        "rejected": 1,
    }


async def test_who_is_suppressed_stays_as_they_are(database: Database) -> None:
    await add_subscriber(database, ANN, "Ann", {}, "spp", NOW)
    for address in (ANN, BO):
        await suppress_address(database, address, "complaint", NOW)
    assert await bring(database, *rows("ANN@example.com", "bo@example.com", name="New")) == ImportReport(suppressed=2)
    assert [(person.address, person.name) for person in await people(database, None)] == [("ann@example.com", "Ann")]


async def test_who_was_forgotten_is_not_brought_back_whatever_key_made_the_hash(database: Database) -> None:
    await add_subscriber(database, ANN, "Ann", {}, "spp", NOW)
    await forget(database, KEY, ANN, NOW)
    given = rows("ann@example.com", "bo@example.com", tags=("vip",))
    assert await bring(database, *given, keys=OTHER_KEYS) == ImportReport(added=1, forgotten=1, tagged=1)
    left = Row(4, ANN, standing=Standing.LEFT)
    assert await bring(database, left) == ImportReport(forgotten=1)
    assert [person.address for person in await people(database, None)] == ["bo@example.com"]


async def test_who_was_forgotten_while_rows_were_gathered_is_not_brought_back(database: Database) -> None:
    async def forget_ann() -> None:
        await add_subscriber(database, ANN, "Ann", {}, "spp", NOW)
        await forget(database, KEY, ANN, NOW)

    hasher = import_subscribers.__globals__["hash_gathered"]
    calls = []

    async def slow(*arguments: Any) -> bool:
        calls.append(1)
        is_hashed: bool = await hasher(*arguments)
        if len(calls) == 1:
            assert not is_hashed
            await forget_ann()
        return is_hashed

    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(import_subscribers.__globals__, "hash_gathered", slow)
        assert await bring(database, *rows("ann@example.com", "bo@example.com")) == ImportReport(added=1, forgotten=1)


async def test_rows_of_the_departed_let_members_leave_and_keep_strangers_out(database: Database) -> None:
    await bring(database, Row(2, ANN))
    async with database.write() as connection:
        await connection.execute(sa.update(memberships).values(paused_until=LATER))
    await add_subscriber(database, CY, "Cy", {}, "notes", NOW)
    gone = Facts(ended_at=LONG_AGO)
    file = [
        Row(2, ANN, standing=Standing.LEFT, facts=gone),
        Row(3, BO, "Bo", {"a": "b"}, standing=Standing.LEFT, facts=gone),
    ]
    file.append(Row(4, CY, standing=Standing.LEFT))
    assert await bring(database, *file, now=LATER) == ImportReport(departed=3)
    assert await people(database) == []
    assert [(person.address, person.name, person.attributes) for person in await people(database, None)] == [
        ("ann@example.com", "", {}),
        ("cy@example.com", "Cy", {}),
        ("bo@example.com", "", {}),
    ]
    spp = sa.and_(lists.c.id == memberships.c.list_id, lists.c.name == "spp")
    async with database.read() as connection:
        query = (
            sa.select(memberships.c.left_at, memberships.c.paused_until)
            .join(lists, spp)
            .order_by(memberships.c.left_at)
        )
        assert (await connection.execute(query)).all() == [(LONG_AGO, None), (LATER, None), (LATER, None)]
    (consent,) = await read_consents(database, await id_of(database, ANN.key))
    assert consent.withdrawn_at == LATER
    assert (EventKind.LEFT.value, "spp") in await kinds(database)
    assert [kind for kind, _ in await kinds(database)].count("left") == 1
    assert await bring(database, *file, now=LATER) == ImportReport(left=3)
    assert await bring(database, *rows("ann@example.com", "bo@example.com", "cy@example.com")) == ImportReport(left=3)


async def test_rows_of_the_barred_suppress_and_add_nobody(database: Database) -> None:
    await add_subscriber(database, ANN, "Ann", {}, "spp", NOW)
    barred = Facts(reason="blocklisted in listmonk")
    file = [Row(n, one, standing=Standing.SUPPRESSED, facts=barred) for n, one in enumerate((ANN, BO), start=2)]
    assert await bring(database, *file) == ImportReport(barred=2)
    assert await bring(database, *file) == ImportReport(suppressed=2)
    found = await select(database, suppressions.c.address_key, suppressions.c.reason)
    assert sorted(tuple(row) for row in found) == [
        ("ann@example.com", "blocklisted in listmonk"),
        ("bo@example.com", "blocklisted in listmonk"),
    ]
    assert [person.address for person in await people(database, None)] == ["ann@example.com"]
    assert [kind for kind, _ in await kinds(database)].count("suppressed") == 1


async def test_of_two_rows_one_that_lets_somebody_go_counts(database: Database) -> None:
    file = [Row(2, ANN), Row(3, BO), Row(4, ANN, standing=Standing.LEFT), Row(5, ANN, standing=Standing.SUPPRESSED)]
    report = await bring(database, *file, Row(6, BO, standing=Standing.LEFT))
    assert (report.added, report.departed, report.barred) == (0, 1, 1)
    assert [(row.line, row.reason) for row in report.duplicates] == [
        (2, "the same address as in line 5"),
        (3, "the same address as in line 6"),
        (4, "the same address as in line 5"),
    ]


async def test_tags_are_added_to_those_there_are(database: Database) -> None:
    assert await bring(database, Row(2, ANN, tags=("vip", 'a, "b" 李')), Row(3, BO)) == ImportReport(added=2, tagged=2)
    again = await bring(database, Row(2, ANN, tags=("vip", "new")))
    assert again == ImportReport(unchanged=1, tagged=1)
    assert [person.tags for person in await people(database)] == [('a, "b" 李', "new", "vip"), ()]


async def test_somebody_who_left_gets_no_tags(database: Database) -> None:
    await bring(database, Row(2, ANN))
    await remove_subscriber(database, ANN, "spp", LATER)
    assert await bring(database, Row(2, ANN, tags=("vip",))) == ImportReport(left=1)


async def test_a_trial_tells_all_and_changes_nothing(database: Database) -> None:
    await bring(database, Row(2, ANN))
    before = [
        await select(database, table) for table in (subscribers, memberships, suppressions, consents, events, lists)
    ]
    told: list[RejectedRow] = []
    file = [Row(2, ANN, "Ann"), Row(3, BO, tags=("x",)), Row(4, CY, standing=Standing.SUPPRESSED), Row(5, ANN)]
    terms = ImportTerms("new", ConsentBasis.WRITTEN)
    report = await import_subscribers(database, file, terms, KEY, LATER, dry_run=True, tell=told.append)
    assert (report.added, report.barred, report.tagged, len(report.duplicates)) == (2, 1, 1, 1)
    assert [row.line for row in told] == [5]
    after = [
        await select(database, table) for table in (subscribers, memberships, suppressions, consents, events, lists)
    ]
    assert after == before
    real = await import_subscribers(database, file, terms, KEY, LATER)
    assert real == report


async def test_rows_that_are_not_taken_are_all_told_and_the_first_are_kept(database: Database) -> None:
    told: list[RejectedRow] = []
    bad = (RejectedRow(n, "x", "no address") for n in range(10_050))
    report = await import_subscribers(database, bad, TERMS, KEY, NOW, tell=told.append)
    assert (len(report.rejected), report.omitted, len(told)) == (10_000, 50, 10_050)
    doubled = [Row(n, ANN) for n in range(10_011)]
    report = await import_subscribers(database, doubled, TERMS, KEY, NOW)
    assert (report.added, len(report.duplicates), report.omitted) == (1, 10_000, 10)


async def test_a_pause_outlives_an_import(database: Database) -> None:
    await bring(database, Row(2, ANN))
    async with database.write() as connection:
        await connection.execute(sa.update(memberships).values(paused_until=LATER))
    await bring(database, Row(2, ANN, "Ann"), now=LATER)
    assert [tuple(row) for row in await select(database, memberships.c.paused_until)] == [(LATER,)]


async def test_adding_by_hand_records_consent_for_those_who_join(database: Database) -> None:
    consent = Consent("spp", ConsentBasis.WRITTEN, "a form on paper", NOW)
    for _ in range(2):
        await add_subscriber(database, ANN, "Ann", {}, "spp", NOW, consent)
    ann = await id_of(database, ANN.key)
    assert await read_consents(database, ann) == [consent]
    await remove_subscriber(database, ANN, "spp", LATER)
    assert [one.withdrawn_at for one in await read_consents(database, ann)] == [LATER]
    await add_subscriber(database, ANN, "Ann", {}, "spp", LATER, consent)
    assert len(await read_consents(database, ann)) == 2
    assert [kind for kind, _ in await kinds(database)] == ["joined", "left", "joined"]


async def test_people_are_listed_by_a_condition_too(database: Database) -> None:
    await bring(database, Row(2, ANN, attributes={"city": "Bath"}), Row(3, BO, attributes={"team": "x"}))
    where = subscribers.c.address_key == BO.key
    found = [person.address async for person in list_subscribers(database, "spp", where)]
    assert found == ["bo@example.com"]
