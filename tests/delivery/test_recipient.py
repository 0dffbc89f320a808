"""The recipient a row stands for, and the sender its envelope names."""

from __future__ import annotations

import base64
import hmac

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pressrun.delivery.leave_link import Leave, read_leave_token
from pressrun.delivery.preferences_link import read_preferences_token
from pressrun.delivery.recipient import envelope_sender, make_recipient, read_verp
from pressrun.link_keys import LinkKeys
from pressrun.store.journal import Claimed
from small_edition import KEY, NOW, OTHER_KEY, make_edition, make_personal_edition

VERP = make_edition(return_path="bounces@spp.example.com", verp=True)


def claimed(row_id: int = 4711) -> Claimed:
    attributes = {"city": "昆明", "level": "3"}
    return Claimed(row_id, 1, "同事", 7, "lin@example.com", "林晓", attributes, "<e.7@spp.example.com>", 1, NOW)


def test_a_recipient_is_the_row_with_links_of_its_own() -> None:
    row = claimed()
    recipient = make_recipient(row, make_edition(base_url="https://spp.example.com/"), KEY)
    assert (recipient.address, recipient.name, recipient.list) == ("lin@example.com", "林晓", "同事")
    assert (recipient.message_id, recipient.planned_at) == (row.message_id, NOW)
    assert recipient.attributes == row.attributes
    assert recipient.unsubscribe_mail == "leave@spp.example.com"
    leave, _, token = recipient.unsubscribe_url.rpartition("/")
    assert (leave, read_leave_token(token, KEY)) == ("https://spp.example.com/unsubscribe", Leave(7, "同事"))
    assert recipient.preferences_url == ""  # signing a link that no message shows would cost every reader's message


def test_an_edition_that_names_the_preferences_has_each_persons_own() -> None:
    edition = make_personal_edition(base_url="https://spp.example.com/")
    preferences, _, token = make_recipient(claimed(), edition, KEY).preferences_url.rpartition("/")
    assert (preferences, read_preferences_token(token, KEY)) == ("https://spp.example.com/preferences", 7)


@pytest.mark.parametrize(
    ("changes", "sender"),
    [
        ({}, "bulletin@spp.example.com"),
        ({"return_path": "bounces@spp.example.com"}, "bounces@spp.example.com"),
        ({"sender_address": "news@采购.example.com"}, "news@xn--7n3ap4g.example.com"),
    ],
)
def test_without_verp_bounces_go_to_the_return_path_else_to_the_sender(changes: dict[str, object], sender: str) -> None:
    assert envelope_sender(claimed(), make_edition(**changes), KEY) == sender


def test_with_verp_the_tag_is_the_rows_id_and_a_signature_of_it() -> None:
    signature = hmac.digest(KEY.newest.secret, b"pressrun return path v1\0" + b"4711", "sha256")[:5]
    tag = base64.b32encode(signature).decode().lower()
    assert envelope_sender(claimed(), VERP, KEY) == f"bounces+4711-{tag}@spp.example.com"


def test_with_verp_a_sender_without_return_path_gets_the_tag_behind_its_own() -> None:
    sender = envelope_sender(claimed(), make_edition(sender_address="news+spp@example.com", verp=True), KEY)
    assert sender.startswith("news+spp+4711-") and read_verp(sender, KEY) == 4711


@given(st.integers(1, 10**19 - 1))
def test_every_row_is_found_again_in_whatever_case_the_address_comes_back(row_id: int) -> None:
    sender = envelope_sender(claimed(row_id), VERP, KEY)
    assert [read_verp(text, KEY) for text in (sender, sender.upper(), sender.title())] == [row_id] * 3
    assert len(sender.partition("@")[0]) <= len("bounces") + 29


def test_a_change_of_any_character_of_the_tag_makes_it_void() -> None:
    sender = envelope_sender(claimed(), VERP, KEY)
    for place in range(sender.index("+") + 1, sender.index("@")):
        for letter in set("abcdefghijklmnopqrstuvwxyz0123456789-+é") - {sender[place]}:
            assert read_verp(sender[:place] + letter + sender[place + 1 :], KEY) is None
    assert read_verp(sender, OTHER_KEY) is None


def test_bounces_of_mail_that_an_older_key_signed_name_their_row() -> None:
    assert read_verp(envelope_sender(claimed(), VERP, KEY), LinkKeys((*OTHER_KEY.keys, *KEY.keys))) == 4711


@pytest.mark.parametrize(
    "address",
    ["", "@", "bounces@spp.example.com", "bounces+@x", "+-@x", "b+0-aaaaaaaa@x", "b+٣-aaaaaaaa@x", f"b+{'9' * 99}-a@x"],
)
def test_other_addresses_name_no_row(address: str) -> None:
    assert read_verp(address, KEY) is None


@given(st.text())
def test_no_address_raises(text: str) -> None:
    assert read_verp(text, KEY) is None
    assert read_verp(f"a+1-{text}@example.com", KEY) is None
