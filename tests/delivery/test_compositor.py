"""The compositor: each row's envelope and message, made of its own send's edition as the connection can take it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import cast

import pytest

from pressrun.delivery.compositor import Compositor, Letter
from pressrun.delivery.connection import Connection
from pressrun.delivery.recipient import make_recipient, read_verp
from pressrun.errors import UsageError
from pressrun.link_keys import LinkKeys
from pressrun.render.edition import Edition
from pressrun.store.database import Database
from pressrun.store.delivery_log import plan
from pressrun.store.journal import Claimed, Scope, open_journal
from signed_message import both_keys
from small_edition import KEY, NOW, OTHER_KEY, fill_list, make_edition
from small_world import ISSUE

PEOPLE = ["lin@example.com", "用户@example.com", "user@采购.example.com"]


@dataclass
class Offers:
    """What a connection's relay offers."""

    offers_8bitmime: bool = True


def connection(*, offers_8bitmime: bool = True) -> Connection:
    return cast(Connection, Offers(offers_8bitmime))


async def composed(
    database: Database, edition: Edition, people: list[str] = PEOPLE, **changes: object
) -> tuple[Compositor, list[Claimed]]:
    """The compositor of the edition's issue, which knows the rows."""
    await fill_list(database, "all", people)
    await plan(database, edition, "all", NOW)
    compositor = Compositor(database, ISSUE, KEY, **({"signing": ()} | changes))  # type: ignore[arg-type]
    rows = await claim(database)
    await compositor.learn(rows)
    return compositor, rows


async def claim(database: Database) -> list[Claimed]:
    async with open_journal(database) as journal:
        return await journal.claim(Scope(ISSUE, "a"), 100, NOW)


async def test_an_envelope_names_addresses_as_the_wire_has_them(database: Database) -> None:
    compositor, rows = await composed(database, make_edition(sender_address="news@采购.example.com"))
    letters = {row.address: compositor.address(row, connection()).envelope for row in rows}
    assert {one.sender for one in letters.values()} == {"news@xn--7n3ap4g.example.com"}
    assert [letters[address].recipient for address in PEOPLE] == [
        "lin@example.com", "用户@example.com", "user@xn--7n3ap4g.example.com"
    ]  # fmt: skip
    assert [letters[address].smtputf8 for address in PEOPLE] == [False, True, False]


@pytest.mark.parametrize("allows", [False, True])
@pytest.mark.parametrize("offers", [False, True])
async def test_8bit_needs_both_the_editions_leave_and_the_relays_offer(
    database: Database, allows: bool, offers: bool
) -> None:
    compositor, (row, *_) = await composed(database, make_edition(eight_bit=allows))
    letter = compositor.address(row, connection(offers_8bitmime=offers))
    message = compositor.fill(row, letter)
    assert letter.envelope.eight_bit is letter.template.is_eight_bit is (allows and offers)
    assert (b"Content-Transfer-Encoding: 8bit" in message) is (allows and offers)
    assert message.isascii() is not (allows and offers)
    assert message.endswith(b"\r\n")


async def test_each_of_an_issues_sends_goes_out_as_it_was_when_planned(database: Database) -> None:
    compositor, (first, *_) = await composed(database, make_edition(), PEOPLE[:1])
    await fill_list(database, "late", ["late@example.com"])
    mended = make_edition(id="f" * 64, subject="corrected", return_path="bounces@spp.example.com")
    await plan(database, mended, "late", NOW)
    (late,) = await claim(database)
    await compositor.learn([late])
    subjects = [b"Subject: corrected" in fill(compositor, row) for row in (first, late, first)]
    assert subjects == [False, True, False]
    senders = [compositor.address(row, connection()).envelope.sender for row in (first, late)]
    assert senders == ["bulletin@spp.example.com", "bounces@spp.example.com"]


def fill(compositor: Compositor, row: Claimed) -> bytes:
    return compositor.fill(row, compositor.address(row, connection()))


async def test_an_edition_is_compiled_once_for_each_form(database: Database) -> None:
    compositor, rows = await composed(database, make_edition(eight_bit=True))
    for offers in (True, False):
        letters: list[Letter] = [compositor.address(row, connection(offers_8bitmime=offers)) for row in rows]
        assert len({id(letter.template) for letter in letters}) == 1


async def test_with_verp_each_sender_names_its_row(database: Database) -> None:
    compositor, rows = await composed(database, make_edition(return_path="bounces@spp.example.com", verp=True))
    senders = [compositor.address(row, connection()).envelope.sender for row in rows]
    assert [read_verp(sender, KEY) for sender in senders] == [row.id for row in rows]


@pytest.mark.parametrize("form", ["8bit", "7bit"])
async def test_a_row_sent_again_in_doubt_has_the_form_it_had(database: Database, form: str) -> None:
    compositor, (row, *_) = await composed(database, make_edition(eight_bit=True))
    before = (
        fill(compositor, row)
        if form == "8bit"
        else compositor.fill(row, compositor.address(row, connection(offers_8bitmime=False)))
    )
    for offers in (True, False):
        again = replace_row(row, form=f"{form} key={KEY.newest.id}", repeated=True)
        letter = compositor.address(again, connection(offers_8bitmime=offers))
        assert (letter.template.form, letter.form.text) == (form, f"{form} key={KEY.newest.id}")
        assert compositor.fill(again, letter) == before


def replace_row(row: Claimed, **changes: object) -> Claimed:
    return row._replace(**changes)  # type: ignore[arg-type]


async def test_a_row_tried_again_without_doubt_goes_as_the_relay_can_take_it(database: Database) -> None:
    compositor, (row, *_) = await composed(database, make_edition(eight_bit=True))
    again = replace_row(row, form="8bit", repeated=False)
    assert compositor.address(again, connection(offers_8bitmime=False)).template.form == "7bit"


async def test_a_row_sent_again_is_signed_by_the_keys_that_signed_it(database: Database) -> None:
    first, second = both_keys()
    first, second = (replace(key, domain="spp.example.com") for key in (first, second))
    compositor, (row, *_) = await composed(database, make_edition(), signing=(first, second))
    assert compositor.address(row, connection()).template.form == f"7bit dkim={first.selector},{second.selector}"
    once = replace_row(row, form=f"7bit dkim={first.selector}", repeated=True)
    assert fill(compositor, once).count(b"DKIM-Signature:") == 1
    gone = replace_row(row, form="7bit dkim=gone", repeated=True)
    with pytest.raises(UsageError, match="gone"):
        compositor.address(gone, connection())


async def test_a_row_sent_again_after_the_keys_were_changed_has_the_links_it_had(database: Database) -> None:
    edition = make_edition(return_path="bounces@spp.example.com", verp=True)
    compositor, (row, *_) = await composed(database, edition)
    letter = compositor.address(row, connection())
    changed = Compositor(database, ISSUE, LinkKeys((*OTHER_KEY.keys, *KEY.keys)), ())
    await changed.learn([row])
    again = replace_row(row, form=letter.form.text, repeated=True)
    assert changed.address(again, connection()).envelope == letter.envelope
    assert fill(changed, again) == compositor.fill(row, letter) != fill(changed, row)


async def test_8bit_lines_that_begin_with_a_dot_are_stuffed_and_no_line_is_a_lone_dot(database: Database) -> None:
    compositor, (row, *_) = await composed(database, make_edition(eight_bit=True))
    letter = compositor.address(row, connection())
    plain = letter.template.fill(make_recipient(row, make_edition(eight_bit=True), KEY))
    stuffed = compositor.fill(row, letter)
    assert b"\r\n.\r\n" in plain
    assert b"\r\n.\r\n" not in stuffed
    assert stuffed.replace(b"\r\n..", b"\r\n.") == plain
