import pytest
from hypothesis import given
from hypothesis import strategies as st

from pressrun.delivery.leave_link import Leave, make_leave_token
from pressrun.delivery.recipient import envelope_sender
from pressrun.inbox.letter import read_letter
from pressrun.inbox.proof import Proven, prove
from pressrun.link_keys import LinkKey, LinkKeys
from pressrun.store.journal import Claimed
from returned_letters import POSTFIX, QMAIL, bounce, complaint, wish
from small_edition import NOW, make_edition

KEYS = LinkKeys((LinkKey(b"new key of ours, quite long"), LinkKey(b"old key of ours, quite long")))
OTHERS = LinkKeys((LinkKey(b"somebody else's key, as long"),))
LEAVE = Leave(7, "spp")
ROW = Claimed(4711, 1, "spp", 7, "ann@example.com", "", {}, "<e.7@example.com>", 1, NOW)


def return_path(keys: LinkKeys) -> str:
    return envelope_sender(ROW, make_edition(verp=True, return_path="bounces@example.com"), keys)


def prove_letter(raw: bytes) -> Proven:
    return prove(read_letter(raw), KEYS)


@pytest.mark.parametrize("form", [POSTFIX, QMAIL])
def test_a_bounce_is_about_the_row_whose_signed_return_path_it_came_to(form: str) -> None:
    assert prove_letter(bounce(form, return_path=return_path(KEYS))).row_id == 4711
    assert prove_letter(bounce(form, return_path=return_path(KEYS).upper())).row_id == 4711


def test_a_return_path_that_we_did_not_sign_proves_nothing() -> None:
    assert not prove_letter(bounce(POSTFIX, return_path=return_path(OTHERS))).is_proven
    assert not prove_letter(bounce(POSTFIX, return_path="bounces+4711-aaaaaaaa@example.com")).is_proven


def test_returned_headers_prove_who_got_the_message_by_the_link_they_leave_by() -> None:
    link = f"https://spp.example.com/unsubscribe/{make_leave_token(LEAVE, KEYS)}"
    headers = f"Message-ID: <e.7@example.com>\nList-Unsubscribe: <{link}>"
    for raw in (bounce(POSTFIX, headers=headers), complaint(headers)):
        assert prove_letter(raw) == Proven(None, LEAVE, "<e.7@example.com>")


def test_a_message_id_alone_proves_nothing() -> None:
    assert not prove_letter(bounce(POSTFIX, headers="Message-ID: <e.7@example.com>")).is_proven


@pytest.mark.parametrize("key", KEYS.keys)
def test_a_wish_to_leave_is_proven_by_its_subject_also_where_an_answer_mark_stands_before_it(key: LinkKey) -> None:
    for mark in ("", "Re: ", "回复："):
        assert prove_letter(wish(f"{mark}leave {make_leave_token(LEAVE, LinkKeys((key,)))}")).leave == LEAVE


def test_a_wish_of_somebody_who_only_writes_an_address_proves_nothing() -> None:
    assert not prove_letter(wish("unsubscribe", text="ann@example.com")).is_proven


def test_a_token_for_another_list_or_person_is_none() -> None:
    token = make_leave_token(LEAVE, KEYS)
    assert not prove_letter(wish(f"leave 8{token[1:]}")).is_proven
    assert not prove_letter(wish(f"leave {token[:-1]}")).is_proven


@given(st.text(max_size=200))
def test_no_text_proves_anything_by_chance(text: str) -> None:
    assert not prove(read_letter(wish("x", text=text.encode("utf-8", "replace").decode())), KEYS).is_proven
