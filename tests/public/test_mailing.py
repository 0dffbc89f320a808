from __future__ import annotations

import asyncio
import datetime as dt
import logging
from pathlib import Path

import pytest
import sqlalchemy as sa

from faulty_relay import Step, faulty_relay, say
from gated_relay import gated_relay
from pressrun.address import parse_address
from pressrun.public.mailing import BATCH, LEASE, MAILS_A_DAY, confirm_token, decide, post_mails
from pressrun.service_mail import ServiceKind
from pressrun.store.confirmation import GOOD_FOR, Asked, Confirmation, Standing, ask, claim_due, read_confirmation
from pressrun.store.database import Database
from pressrun.store.people_tables import confirmations
from small_reader import LISTED, NOW, reader

ASKED = Asked("small", parse_address("ann@example.com"), ("news",), "en")
KNOWN = Standing(7, None, frozenset({"news"}), False, 0)
STRANGER = Standing(None, None, frozenset(), False, 0)


def asked(**changes: object) -> Confirmation:
    values: dict[str, object] = {"id": 1, "asked": ASKED, "requested_at": NOW}
    return Confirmation(**{**values, **changes})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("confirmation", "standing", "kind"),
    [
        (asked(), STRANGER, ServiceKind.CONFIRM),
        (asked(), KNOWN, ServiceKind.ALREADY),
        (asked(), Standing(7, None, frozenset({"other"}), False, 0), ServiceKind.CONFIRM),
        (asked(), Standing(7, None, frozenset({"news"}), True, 0), None),
        (asked(), Standing(None, None, frozenset(), False, MAILS_A_DAY - 1), ServiceKind.CONFIRM),
        (asked(), Standing(None, None, frozenset(), False, MAILS_A_DAY), None),
        (asked(requested_at=NOW - GOOD_FOR), STRANGER, None),
        (asked(confirmed_at=NOW), KNOWN, ServiceKind.WELCOME),
        (asked(confirmed_at=NOW), STRANGER, None),
        (asked(asked=Asked("small", ASKED.address, (), "en", subscriber_id=3)), STRANGER, ServiceKind.CHANGE),
        (asked(asked=Asked("small", ASKED.address, (), "en", subscriber_id=3)), KNOWN, None),
    ],
)
def test_what_somebody_gets_depends_on_what_they_are_already(
    confirmation: Confirmation, standing: Standing, kind: ServiceKind | None
) -> None:
    assert decide(confirmation, standing, NOW) is kind


async def states(database: Database) -> list[tuple[object, ...]]:
    """Attempts, whether it was mailed, and when it is due again, of each request."""
    columns = (confirmations.c.attempts, confirmations.c.mailed_at, confirmations.c.due_at)
    async with database.read() as connection:
        rows = (await connection.execute(sa.select(*columns).order_by(confirmations.c.id))).all()
    return [(row.attempts, row.mailed_at is not None, row.due_at) for row in rows]


async def test_an_address_gets_three_mails_a_day_however_often_it_is_typed(tmp_path: Path, database: Database) -> None:
    async with reader(tmp_path, database) as someone:
        for _ in range(4):
            await ask(database, ASKED, someone.now)
        await someone.post()
        for _ in range(4):
            await ask(database, ASKED, someone.now)
            await someone.post()
        assert len(someone.mails()) == MAILS_A_DAY
        someone.wait(days=1, seconds=1)
        await ask(database, ASKED, someone.now)
        await someone.post()
        assert len(someone.mails()) == MAILS_A_DAY + 1
        assert all(due is None for _, _, due in await states(database))


async def test_more_than_the_setting_allows_wait_and_are_not_dropped(tmp_path: Path, database: Database) -> None:
    async with reader(tmp_path, database) as someone:
        people = 70
        for n in range(people):
            await ask(database, Asked("small", parse_address(f"p{n}@d{n}.example"), ("news",), "en"), someone.now)
        for _ in range(people // BATCH):
            await someone.post()
        assert len(someone.mails()) == 60
        someone.wait(minutes=1)
        for _ in range(2):
            await someone.post()
        assert len(someone.mails()) == people


async def test_what_the_relay_puts_off_is_tried_again_under_the_same_name(tmp_path: Path, database: Database) -> None:
    async with (
        faulty_relay([{Step.RCPT: say(b"451 4.7.1 greylisted")}]) as relay,
        reader(tmp_path, database, smtp_url=f"smtp://127.0.0.1:{relay.relay.port}") as someone,
    ):
        await ask(database, ASKED, NOW)
        await someone.post()
        ((attempts, is_mailed, due),) = await states(database)
        assert (attempts, is_mailed) == (1, False) and isinstance(due, dt.datetime)
        assert dt.timedelta(minutes=4) <= due - NOW <= dt.timedelta(minutes=6)
        assert await someone.post() == 0
        someone.now = due
        await someone.post()
        assert await states(database) == [(2, True, None)]
        assert len(relay.accepted) == 1


async def test_what_the_relay_refuses_is_not_tried_again(
    tmp_path: Path, database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    async with (
        faulty_relay([{Step.RCPT: say(b"550 5.1.1 ann@example.com is unknown")}]) as relay,
        reader(tmp_path, database, smtp_url=f"smtp://127.0.0.1:{relay.relay.port}") as someone,
    ):
        await ask(database, ASKED, NOW)
        with caplog.at_level(logging.DEBUG, logger="pressrun"):
            await someone.post()
        assert await states(database) == [(1, False, None)]
        assert "ann@example.com" not in caplog.text


async def test_whoever_dies_with_a_request_leaves_it_to_the_next(tmp_path: Path, database: Database) -> None:
    async with reader(tmp_path, database) as someone:
        await ask(database, ASKED, NOW)
        assert len(await claim_due(database, NOW, LEASE, BATCH)) == 1  # and never comes back
        assert await someone.post() == 0
        someone.now += LEASE
        await someone.post()
        assert len(someone.mails()) == 1


async def test_who_confirms_while_others_mails_are_on_their_way_gets_their_welcome(
    tmp_path: Path, database: Database
) -> None:
    """Mails go as a batch, and what became of them is noted after the slowest."""
    welcoming = LISTED + "subscribing: {welcome: true}\n"
    async with (
        gated_relay() as relay,
        reader(tmp_path, database, welcoming, smtp_url=relay.url) as someone,
    ):
        for name in ("ann", "bo"):
            await ask(database, Asked("small", parse_address(f"{name}@example.com"), ("news",), "en"), NOW)
        posting = asyncio.create_task(someone.post())
        relay.let(1)
        await relay.wait_for(2)  # Ann has hers, Bo's is at the relay
        confirmation = await read_confirmation(database, 1)
        assert confirmation
        path = f"/small/confirm/{confirm_token(someone.doors.keys, confirmation)}"
        assert (await someone.client.post(path)).status_code == 200
        relay.let(2)
        assert await posting == 2
        assert all(is_mailed for _, is_mailed, _ in await states(database))
        assert await someone.post() == 1
        assert relay.taken == ["ann@example.com", "bo@example.com", "ann@example.com"]


async def test_servers_of_one_store_never_take_the_same_request(database: Database) -> None:
    for n in range(30):
        await ask(database, Asked("small", parse_address(f"p{n}@example.com"), ("news",), "en"), NOW)
    taken = await asyncio.gather(*(claim_due(database, NOW, LEASE, BATCH) for _ in range(5)))
    ids = [one.id for batch in taken for one in batch]
    assert len(ids) == len(set(ids))


async def test_a_theme_that_fails_holds_up_nobody_else(tmp_path: Path, database: Database) -> None:
    async with reader(tmp_path, database) as someone:
        other = tmp_path / "issues" / "other"
        other.mkdir()
        (other / "publication.yaml").write_text(f"{LISTED}subscribing: {{}}\ntheme: unheard-of\n")
        await ask(database, Asked("other", parse_address("bo@example.com"), ("news",), "en"), NOW)
        await ask(database, ASKED, NOW)
        await someone.post()
        assert [mail["To"] for mail in someone.mails()] == ["ann@example.com"]
        assert (await states(database))[0][2] is not None


async def test_requests_of_a_publication_that_is_gone_are_closed(tmp_path: Path, database: Database) -> None:
    async with reader(tmp_path, database) as someone:
        await ask(database, Asked("gone", ASKED.address, ("news",), "en"), NOW)
        await someone.post()
        assert await states(database) == [(1, False, None)] and someone.mails() == []


async def test_the_server_posts_at_once_what_is_asked_for(tmp_path: Path, database: Database) -> None:
    async with reader(tmp_path, database) as someone:
        posting = asyncio.create_task(post_mails(someone.doors, pause=3600))
        await someone.fill_in("ann@example.com")
        async with asyncio.timeout(180):
            while not someone.mails():
                await asyncio.sleep(0.02)
        posting.cancel()
