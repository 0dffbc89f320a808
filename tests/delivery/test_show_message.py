"""Showing a message: the octets that were sent or will be, whatever has changed since."""

from __future__ import annotations

from email import message_from_bytes, policy

import pytest
import sqlalchemy as sa

from faulty_relay import faulty_relay
from pressrun.address import parse_address
from pressrun.delivery.deliver import Policy
from pressrun.delivery.dkim import Algorithm
from pressrun.delivery.dkim_key import make_key
from pressrun.delivery.outcome import State
from pressrun.delivery.recipient import read_verp
from pressrun.delivery.relay import parse_relay
from pressrun.delivery.send import send
from pressrun.delivery.show_message import show_message
from pressrun.errors import UsageError
from pressrun.link_keys import LinkKeys
from pressrun.store.database import Database
from pressrun.store.delivery_log import plan
from pressrun.store.subscribers import add_subscriber, suppress_address
from pressrun.store.tables import deliveries
from small_edition import KEY, NOW, OTHER_KEY, addresses, fill_list, make_edition

ISSUE = "spp/2026-02"
EDITION = make_edition(return_path="bounces@spp.example.com", verp=True, eight_bit=True)
KEYS = (make_key("spp.example.com", "pr202602", Algorithm.ED25519_SHA256),)
LIN = parse_address("lin@采购.example.com")


async def test_what_is_shown_is_what_was_sent(database: Database) -> None:
    await fill_list(database, "all", [*addresses(3), LIN.address])
    async with faulty_relay() as relay:
        target = parse_relay(f"{relay.url}?starttls=never")
        await send(database, EDITION, "all", [target], KEY, Policy(connections=2), signing=KEYS)
    await fill_list(database, "all", addresses(1))
    await add_subscriber(
        database, LIN, "another name", {"city": "Leeds"}, "all", NOW
    )  # the row keeps the person as planned
    received = {one.recipient: one for one in relay.accepted}
    assert len(received) == 4
    newer = (*KEYS, make_key("spp.example.com", "pr202603", Algorithm.ED25519_SHA256))
    rotated = LinkKeys((*OTHER_KEY.keys, *KEY.keys))
    for address in (*addresses(3), LIN.address):
        shown = await show_message(database, ISSUE, parse_address(address), rotated, newer)
        assert shown.state is State.SENT
        assert shown.form.endswith(f" dkim=pr202602 key={KEY.newest.id}")
        assert shown.content == received[shown.recipient].content
        assert shown.sender == received[shown.recipient].sender


async def test_a_row_never_sent_is_shown_as_it_would_be_sent(database: Database) -> None:
    await fill_list(database, "all", addresses(2))
    await suppress_address(database, parse_address(addresses(2)[1]), "complained", NOW)
    await plan(database, EDITION, "all", NOW)
    for address, state in zip(addresses(2), (State.QUEUED, State.SUPPRESSED), strict=True):
        shown = await show_message(database, ISSUE, parse_address(address.upper()), KEY, KEYS)
        assert (shown.state, shown.recipient, shown.form) == (state, address, f"8bit dkim=pr202602 key={KEY.newest.id}")
        message = message_from_bytes(shown.content, policy=policy.default)
        assert message["To"].addresses[0].addr_spec == address
        assert message["DKIM-Signature"] is not None
        async with database.read() as connection:
            query = sa.select(deliveries.c.id).where(deliveries.c.address == address)
            assert read_verp(shown.sender, KEY) == await connection.scalar(query)


async def test_the_form_in_the_row_decides_not_the_keys_there_are(database: Database) -> None:
    await fill_list(database, "all", addresses(1))
    await plan(database, EDITION, "all", NOW)
    address = parse_address(addresses(1)[0])
    for form in ("7bit", "8bit", "7bit dkim=pr202602"):
        async with database.write() as connection:
            await connection.execute(sa.update(deliveries).values(form=form))
        shown = await show_message(database, ISSUE, address, KEY, KEYS)
        assert shown.form == form
        assert (b"DKIM-Signature:" in shown.content) == ("dkim" in form)
    with pytest.raises(UsageError, match="signed with the key pr202602"):
        await show_message(database, ISSUE, address, KEY)


async def test_each_row_is_shown_in_the_edition_it_was_planned_with(database: Database) -> None:
    await fill_list(database, "all", addresses(1))
    await plan(database, make_edition(), "all", NOW)
    await fill_list(database, "all", addresses(2))
    await plan(database, make_edition(id="f" * 64, subject="mended"), "all", NOW)
    subjects = []
    for address in addresses(2):
        shown = await show_message(database, ISSUE, parse_address(address), KEY)
        subjects.append(message_from_bytes(shown.content, policy=policy.default)["Subject"])
    assert subjects == [make_edition().subject, "mended"]


async def test_who_has_no_row_is_told(database: Database) -> None:
    await fill_list(database, "all", addresses(1))
    await plan(database, EDITION, "all", NOW)
    for issue, address in ((ISSUE, "nobody@example.com"), ("spp/2025-02", addresses(1)[0])):
        with pytest.raises(UsageError, match=f"{issue} has no row for {address} — pressrun log {issue}"):
            await show_message(database, issue, parse_address(address), KEY)
