"""Letters that come back after the person has another address, or was forgotten, or their row was scrubbed."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest
import sqlalchemy as sa

from pressrun.address import parse_address
from pressrun.delivery.outcome import State
from pressrun.inbox.read_inbox import Rules
from pressrun.store.database import Database
from pressrun.store.delivery_log import plan
from pressrun.store.forget import forget
from pressrun.store.move import change_address
from pressrun.store.people_tables import events, inbox_messages, metadata
from pressrun.store.retention import Ages, let_go
from pressrun.store.tables import deliveries
from returned_letters import POSTFIX, bounce, complaint
from small_edition import KEY, NOW, addresses, make_edition
from small_inbox import Inbox, open_inbox

OLD, NEW = parse_address(addresses(5)[2]), parse_address("new@example.net")
SAID = f"550 5.1.1 <{OLD}>: nobody here"
SOFT = {"status": "5.2.2", "said": "552 5.2.2 the mailbox is full"}


@pytest.fixture
async def inbox(database: Database, tmp_path: Path) -> Inbox:
    opened = await open_inbox(database, tmp_path / "box")
    await settle(opened)
    return opened


async def settle(inbox: Inbox) -> None:
    async with inbox.database.write() as connection:
        await connection.execute(sa.update(deliveries).values(state=State.SENT.value, code=250, form="8bit"))


async def move(inbox: Inbox) -> None:
    await change_address(inbox.database, KEY, OLD, NEW, NOW)


async def scrub(inbox: Inbox) -> None:
    """What `retain_addresses_days` does to rows that are old enough."""
    later = NOW + dt.timedelta(days=100)
    assert (await let_go(inbox.database, KEY, Ages(addresses=30), later)).addresses == 5


async def everything(inbox: Inbox) -> str:
    """Every value of every table."""
    async with inbox.database.read() as connection:
        tables = [await connection.execute(sa.select(table)) for table in metadata.sorted_tables]
        return "\n".join(str(tuple(row)) for found in tables for row in found).casefold()


async def details(inbox: Inbox, kind: str) -> list[int | None]:
    """The deliveries of which something of this kind was told."""
    query = sa.select(events.c.delivery_id).where(events.c.kind == kind)
    async with inbox.database.read() as connection:
        return list(await connection.scalars(query))


@pytest.mark.parametrize("proof", ["return path", "link"])
async def test_a_late_bounce_of_an_old_address_leaves_the_new_one_alone(inbox: Inbox, proof: str) -> None:
    row = await inbox.row(2)
    if proof == "return path":
        letter = bounce(POSTFIX, return_path=await inbox.return_path(2), said=SAID)
    else:
        letter = bounce(POSTFIX, headers=await inbox.headers(2), said=SAID)
    await move(inbox)
    inbox.put(letter)
    assert (await inbox.read()).read == {"bounce hard": 1}
    assert list(await inbox.suppressed()) == [OLD.key]
    assert await inbox.kinds() == ["changed", "bounced"]  # nothing says that the person is suppressed
    assert (await details(inbox, "bounced"), await inbox.members()) == ([row.id], 5)


async def test_who_complains_of_mail_at_an_old_address_leaves_and_that_address_is_suppressed(inbox: Inbox) -> None:
    letter = complaint(await inbox.headers(2))
    await move(inbox)
    inbox.put(letter)
    await inbox.read()
    assert list(await inbox.suppressed()) == [OLD.key]
    assert (await inbox.members(), await inbox.kinds()) == (4, ["changed", "left", "complained"])


async def test_soft_bounces_of_an_old_address_do_not_count_against_the_new_one(inbox: Inbox) -> None:
    rules = Rules(soft_limit=2, soft_days=30)
    inbox.put(bounce(POSTFIX, return_path=await inbox.return_path(2), **SOFT))
    await inbox.read(rules=rules)
    await move(inbox)
    for number in (1, 2):
        edition = make_edition(id=f"{number:064x}", issue=f"spp/2026-{number + 10}")
        await plan(inbox.database, edition, "all", NOW)
        row = await inbox.row_of(NEW.address, edition.issue)
        inbox.put(bounce(POSTFIX, return_path=inbox.path_of(row), **SOFT))
        await inbox.read(rules=rules)
        assert list(await inbox.suppressed()) == ([NEW.key] if number == 2 else [])


@pytest.mark.parametrize("is_moved", [False, True])
async def test_a_bounce_of_which_nobody_knows_the_address_any_more_is_only_noted(inbox: Inbox, is_moved: bool) -> None:
    row = await inbox.row(2)
    letters = bounce(POSTFIX, return_path=await inbox.return_path(2)), bounce(POSTFIX, headers=await inbox.headers(2))
    if is_moved:
        await move(inbox)
    await scrub(inbox)
    inbox.put(*letters)
    assert (await inbox.read()).read == {"bounce hard": 2}
    assert (await inbox.suppressed(), await details(inbox, "bounced")) == ({}, [row.id, row.id])


@pytest.mark.parametrize("proof", ["return path", "link"])
async def test_who_complains_after_their_row_was_scrubbed_is_not_mailed_again(inbox: Inbox, proof: str) -> None:
    row = await inbox.row(2)
    letter = complaint(await inbox.headers(2))
    if proof == "return path":
        letter = complaint("Subject: an issue").replace(b"abuse@example.com", (await inbox.return_path(2)).encode())
    await move(inbox)
    await scrub(inbox)
    inbox.put(letter)
    assert (await inbox.read()).read == {"complaint": 1}
    assert list(await inbox.suppressed()) == [NEW.key]
    assert (await inbox.members(), await details(inbox, "complained")) == (4, [row.id])


@pytest.mark.parametrize("proof", ["return path", "link", "complaint"])
async def test_a_late_letter_about_somebody_who_was_forgotten_is_noted_as_read_and_nothing_else(
    inbox: Inbox, proof: str
) -> None:
    letter = {
        "return path": bounce(POSTFIX, return_path=await inbox.return_path(2), address=OLD.address, said=SAID),
        "link": bounce(POSTFIX, headers=await inbox.headers(2), said=SAID),
        "complaint": complaint(await inbox.headers(2), OLD.address),
    }[proof]
    await forget(inbox.database, KEY, OLD, NOW)
    before = await everything(inbox)
    inbox.put(letter)
    assert (await inbox.read()).total == 1
    async with inbox.database.write() as connection:
        assert (await connection.execute(sa.delete(inbox_messages))).rowcount == 1
    assert OLD.key not in before
    assert (await everything(inbox), inbox.unseen) == (before, 0)
