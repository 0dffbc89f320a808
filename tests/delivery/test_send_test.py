"""Test copies: real messages, marked, of which nothing is planned and whose links are nobody's."""

from __future__ import annotations

import random
import re

import dkim
import pytest

from faulty_relay import FaultyRelay, Step, faulty_relay, say
from pressrun.delivery.dkim_key import Algorithm, make_key
from pressrun.delivery.leave_link import Leave, read_leave_token
from pressrun.delivery.outcome import Kind
from pressrun.delivery.policy import Policy, Surroundings
from pressrun.delivery.recipient import read_verp
from pressrun.delivery.send_test import MOST, send_test
from pressrun.delivery.send_test import Tested as Copy  # pytest takes what begins with Test for a test
from pressrun.errors import UsageError
from pressrun.render.edition import Edition
from pressrun.store.database import Database
from pressrun.store.delivery_log import plan
from pressrun.store.subscribers import leave_list, list_subscribers
from small_edition import KEY, NOW, addresses, fill_list, make_edition, make_personal_edition

POLICY = Policy(timeout=2, final_reply_timeout=2)


async def copies_to(relay: FaultyRelay, *people: str, edition: Edition | None = None, **changes: object) -> list[Copy]:
    world = Surroundings(clock=lambda: NOW, chance=random.Random(7))
    values = {"surroundings": world} | changes
    return await send_test(edition or make_edition(), people, [relay.relay], KEY, POLICY, **values)  # type: ignore[arg-type]


async def test_each_person_gets_a_copy_whose_subject_says_that_it_is_a_test() -> None:
    async with faulty_relay() as relay:
        tested = await copies_to(relay, "ann@example.com", "bob@example.com")
    assert [(one.address, one.is_sent) for one in tested] == [("ann@example.com", True), ("bob@example.com", True)]
    assert relay.counts == {"ann@example.com": 1, "bob@example.com": 1}
    message = relay.accepted[0].message
    assert message["Subject"] == f"[test] {make_edition().subject}"
    assert (message["To"], message["From"].addresses[0].addr_spec) == ("ann@example.com", "bulletin@spp.example.com")
    assert "尊敬的读者" in message.get_body(("plain",)).get_content()  # type: ignore[union-attr]


async def test_a_personal_edition_is_sent_as_to_a_reader_of_whom_nothing_is_known() -> None:
    async with faulty_relay() as relay:
        await copies_to(relay, "ann@example.com", edition=make_personal_edition())
    message = relay.accepted[0].message
    assert message["Subject"].startswith("[test] ")
    assert [part.get_filename() for part in message.iter_attachments()][-1] == "data.csv"
    assert "s0123456789ab" not in message.get_body(("html",)).get_content()  # type: ignore[union-attr]


async def test_its_links_are_signed_for_nobody_and_following_them_changes_nothing(database: Database) -> None:
    await fill_list(database, "test", addresses(3))
    await plan(database, make_edition(), "test", NOW)
    async with faulty_relay() as relay:
        await copies_to(relay, addresses(1)[0], edition=make_edition(verp=True))
    accepted = relay.accepted[0]
    header = str(accepted.message["List-Unsubscribe"])
    link = re.fullmatch(r"<https://spp\.example\.com/unsubscribe/(\S+)>", header)
    assert link, "a mail to leave would come from the tester, who may be a reader too"
    assert (leave := read_leave_token(link[1], KEY)) == Leave(0, "test")
    assert link[1] in accepted.message.get_body(("plain",)).get_content()  # type: ignore[union-attr]
    assert not await leave_list(database, leave.subscriber_id, leave.list_name, NOW)
    assert len([one async for one in list_subscribers(database, "test")]) == 3
    assert accepted.sender.startswith("bulletin+0-") and read_verp(accepted.sender, KEY) is None


async def test_no_two_copies_share_a_message_id() -> None:
    async with faulty_relay() as relay:
        await copies_to(relay, *addresses(3))
        await copies_to(relay, *addresses(3), surroundings=Surroundings(clock=lambda: NOW, chance=random.Random(8)))
    assert len({one.message_id for one in relay.accepted}) == 6
    assert all(re.fullmatch(r"<\w{24}\.test-\w{16}@spp\.example\.com>", one.message_id) for one in relay.accepted)


async def test_it_is_signed_like_the_real_one() -> None:
    key = make_key("spp.example.com", "s1", Algorithm.ED25519_SHA256)
    stranger = make_key("other.example.com", "s1", Algorithm.ED25519_SHA256)
    async with faulty_relay() as relay:
        await copies_to(relay, "ann@example.com", signing=(stranger, key))
    content = relay.accepted[0].content
    assert dkim.DKIM(content).verify(0, dnsfunc=lambda name, timeout=5: key.record.encode())
    assert content.count(b"DKIM-Signature") == 1


async def test_a_bodys_encoding_is_what_the_relay_takes() -> None:
    edition = make_edition(eight_bit=True)
    for extensions, expected in (((b"8BITMIME",), b"8bit"), ((), b"base64")):
        async with faulty_relay(extensions=extensions) as relay:
            (tested,) = await copies_to(relay, "ann@example.com", edition=edition)
        assert tested.is_sent
        assert b"Content-Transfer-Encoding: " + expected in relay.accepted[0].content
        assert relay.accepted[0].content.count(b"\r\n") == relay.accepted[0].content.count(b"\n")


async def test_what_the_relay_says_is_told_for_each_address() -> None:
    async with faulty_relay([{Step.RCPT: say(b"550 5.1.1 no")}, {Step.DOT: say(b"451 4.3.0 later")}]) as relay:
        tested = await copies_to(relay, *addresses(3))
    assert [one.outcome.kind for one in tested] == [Kind.PERMANENT, Kind.TEMPORARY, Kind.ACCEPTED]
    assert [one.is_sent for one in tested] == [False, False, True]


async def test_a_relay_that_is_gone_is_told_and_not_raised() -> None:
    async with faulty_relay() as relay:
        pass
    (tested,) = await copies_to(relay, "ann@example.com")
    assert tested.outcome.kind is Kind.NOT_SENT
    assert f"127.0.0.1:{relay.port}" in tested.outcome.text


async def test_a_person_named_twice_gets_one_copy_and_an_address_beyond_ascii_its_own() -> None:
    async with faulty_relay() as relay:
        await copies_to(relay, "Ann@example.com", " ann@EXAMPLE.com", "晓@采购.example.com")
    assert relay.counts == {"Ann@example.com": 1, "晓@xn--7n3ap4g.example.com": 1}


@pytest.mark.parametrize(
    ("people", "said"),
    [
        ((), "nobody is named"),
        (("ann",), "'ann' is no mail address"),
        (("ann@example.com\r\nRCPT TO:<bob@example.com>",), "is no mail address"),
        (tuple(addresses(MOST + 1)), f"name {MOST} at most"),
    ],
)
async def test_wrong_addresses_are_refused_before_anything_leaves(people: tuple[str, ...], said: str) -> None:
    async with faulty_relay() as relay:
        with pytest.raises(UsageError, match=said):
            await copies_to(relay, *people)
    assert relay.connections == 0
