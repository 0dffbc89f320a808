import pytest
from hypothesis import given
from hypothesis import strategies as st

from pressrun.delivery.leave_link import Leave, make_leave_token
from pressrun.delivery.recipient import envelope_sender
from pressrun.inbox.letter import read_letter
from pressrun.inbox.proof import Proven, prove
from pressrun.inbox.understanding import LetterKind, understand
from pressrun.link_keys import LinkKey, LinkKeys
from pressrun.store.journal import Claimed
from quoted_letters import complaint_enclosing, complaint_quoting, reply
from returned_letters import POSTFIX, QMAIL, bounce, complaint, wish
from small_edition import NOW, make_edition

KEYS = LinkKeys((LinkKey(b"new key of ours, quite long"), LinkKey(b"old key of ours, quite long")))
OTHERS = LinkKeys((LinkKey(b"somebody else's key, as long"),))
LEAVE = Leave(7, "spp")
ROW = Claimed(4711, 1, "spp", 7, "ann@example.com", "", {}, "<e.7@example.com>", 1, NOW)


def return_path(keys: LinkKeys) -> str:
    return envelope_sender(ROW, make_edition(verp=True, return_path="bounces@example.com"), keys)


def prove_letter(raw: bytes) -> Proven:
    letter = read_letter(raw)
    return prove(letter, understand(letter).kind, KEYS)


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
    for mark in ("", "Re: ", "RE : Fwd: ", "[EXTERNAL] ", "Antw:", "回复：", "【外部】转发："):
        assert prove_letter(wish(f"{mark}leave {make_leave_token(LEAVE, LinkKeys((key,)))}")).leave == LEAVE


def test_a_wish_is_proven_however_its_subject_was_folded_encoded_or_tagged_on_the_way() -> None:
    token = make_leave_token(LEAVE, KEYS)
    head, tail = (part.replace("_", "=5F").replace("~", "=7E") for part in (token[:30], token[30:]))
    for subject in (
        f"leave\n {token}",
        f"leave {token[:30]}\n {token[30:]}",
        f"=?utf-8?q?Re=3A_leave_{head}?=\n =?utf-8?q?{tail}?=",
        f"leave%20{token}",
        f"Leave {token} [checked by a scanner]",
    ):
        assert prove_letter(f"From: Ann <ann@example.com>\nSubject: {subject}\n\n".encode()).leave == LEAVE


@pytest.mark.parametrize(
    "subject", ["Re: Leave no one behind", "unsubscribe", "Fwd: remove the barriers", "退订", "About your article"]
)
def test_a_token_in_a_quoted_footer_is_no_wish_whatever_the_subject_says(subject: str) -> None:
    assert not prove_letter(reply(subject, make_leave_token(LEAVE, KEYS))).is_proven


def test_a_wish_that_came_to_a_signed_return_path_still_needs_its_token() -> None:
    assert not prove_letter(wish("unsubscribe", to=return_path(KEYS))).is_proven


def test_a_complaint_proves_nothing_by_a_token_outside_of_the_message_that_it_encloses() -> None:
    token = make_leave_token(LEAVE, KEYS)
    assert not prove_letter(complaint_quoting(token, "Subject: an issue")).is_proven
    forwarded = f"Subject: Fwd: an issue\n\nTo leave: https://spp.example.com/unsubscribe/{token}"
    assert not prove_letter(complaint(forwarded)).is_proven


@pytest.mark.parametrize("kind", ["message/rfc822", "text/rfc822-headers", "message/global", "message/global-headers"])
def test_a_complaint_may_enclose_the_message_or_its_headers_alone(kind: str) -> None:
    link = f"https://spp.example.com/unsubscribe/{make_leave_token(LEAVE, KEYS)}"
    headers = f"Message-ID: <e.7@example.com>\nList-Unsubscribe: <{link}>,\n <mailto:leave@example.com?subject=leave>"
    assert prove_letter(complaint_enclosing(kind, headers)) == Proven(None, LEAVE, "<e.7@example.com>")


def test_a_wish_of_somebody_who_only_writes_an_address_proves_nothing() -> None:
    assert not prove_letter(wish("unsubscribe", text="ann@example.com")).is_proven


def test_a_token_for_another_list_or_person_is_none() -> None:
    token = make_leave_token(LEAVE, KEYS)
    assert not prove_letter(wish(f"leave 8{token[1:]}")).is_proven
    assert not prove_letter(wish(f"leave {token[:-1]}")).is_proven


@given(st.text(max_size=200))
def test_no_text_proves_anything_by_chance(text: str) -> None:
    letter = read_letter(wish("x", text=text.encode("utf-8", "replace").decode()))
    assert not any(prove(letter, kind, KEYS).is_proven for kind in LetterKind)
