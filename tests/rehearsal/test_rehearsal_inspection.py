from __future__ import annotations

import base64
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pressrun.delivery.leave_link import Leave, make_leave_token
from pressrun.delivery.message import MessageTemplate
from pressrun.delivery.recipient import make_recipient
from pressrun.rehearsal.inspection import Flaw, Inspected, Inspector
from pressrun.render.edition import Edition
from pressrun.render.mail import LIMIT_OCTETS
from pressrun.store.journal import Claimed
from signed_message import both_keys
from small_edition import KEY, NOW, OTHER_KEY, TOKENS, make_edition, make_personal_edition

CITIZEN = {"city": "北京", "role": "主任"}


def make_row(**changes: object) -> Claimed:
    """Lin's row, unless `changes` say otherwise."""
    values: dict[str, object] = {
        "id": 3,
        "send_id": 1,
        "list": "spp",
        "subscriber_id": 7,
        "address": "lin@example.com",
        "name": "林晓",
        "attributes": CITIZEN,
        "message_id": "<e0123456789abcdef0123456.7@spp.example.com>",
        "attempts": 1,
        "created_at": NOW.replace(microsecond=123_456),
    }
    return Claimed(**(values | changes))  # type: ignore[arg-type]


def write(edition: Edition, row: Claimed, *, eight_bit: bool = False, signed: bool = False) -> bytes:
    signing = both_keys() if signed else ()
    template = MessageTemplate(edition, eight_bit=eight_bit, signing=signing)
    return template.fill(make_recipient(row, edition, KEY))


def inspect(
    content: bytes, edition: Edition, row: Claimed | None = None, recipient: str = "", *, signed: bool = False
) -> Inspected:
    row = row or make_row()
    inspector = Inspector({row.send_id: edition}, KEY, both_keys() if signed else ())
    return inspector.inspect(row, recipient or row.address, content)


@pytest.mark.parametrize("signed", [False, True])
@pytest.mark.parametrize("eight_bit", [False, True])
@pytest.mark.parametrize("make", [make_edition, make_personal_edition])
def test_a_message_of_the_engine_has_no_flaw(make: type[Edition], eight_bit: bool, signed: bool) -> None:
    edition = make(eight_bit=True)
    content = write(edition, make_row(), eight_bit=eight_bit, signed=signed)
    found = inspect(content, edition, signed=signed)
    assert found.flaws == frozenset()
    assert found.token == make_leave_token(Leave(7, "spp"), KEY)


ANYTHING = st.text(st.characters(exclude_categories=("Cs", "Cc")), max_size=80)


@given(ANYTHING, ANYTHING, ANYTHING, st.booleans())
def test_whatever_people_are_called_their_messages_have_no_flaw(name: str, city: str, role: str, as_is: bool) -> None:
    edition = make_personal_edition(eight_bit=as_is)
    row = make_row(name=name, attributes={"city": city, "role": role})
    assert inspect(write(edition, row, eight_bit=as_is), edition, row).flaws <= {Flaw.EMPTY}


@pytest.mark.parametrize(
    "address", ["o'brien+tag@example.com", "lin@例子.example.com", "林晓@example.com", "A.B@Example.COM"]
)
def test_any_address_is_this_persons(address: str) -> None:
    row = make_row(address=address)
    assert inspect(write(make_edition(), row), make_edition(), row).flaws == frozenset()


@pytest.mark.parametrize(
    ("old", "new", "flaw"),
    [
        (rb"To: .*?\r\n", b"To: ann@example.com\r\n", Flaw.ADDRESSEE),
        (rb"To: .*? <", b"To: Ann <", Flaw.ADDRESSEE),
        (rb"Message-ID: <e", b"Message-ID: <f", Flaw.ADDRESSEE),
        (rb"Date: Fri, 20", b"Date: Sat, 21", Flaw.HEADERS),
        (rb"Date: Fri", b"Date: some day", Flaw.HEADERS),
        (rb"MIME-Version: 1.0\r\n", b"MIME-Version: 1.0\r\nMIME-Version: 1.0\r\n", Flaw.HEADERS),
        (rb"List-Unsubscribe-Post: .*?\r\n", b"", Flaw.HEADERS),
        (rb"=One-Click", b"=Two-Click", Flaw.HEADERS),
        (rb"Reply-To: .*?\r\n", b"Reply-To: a@example.com\r\nReply-To: b@example.com\r\n", Flaw.HEADERS),
        (rb"Subject: .*?\r\n", b"Subject: another\r\n", Flaw.TEXT),
        (rb"unsubscribe/7~", b"unsubscribe/8~", Flaw.LEAVE_LINK),
        (rb"List-Unsubscribe: <https:", b"List-Unsubscribe: <https://x.example.com/>, <https:", Flaw.LEAVE_LINK),
        (rb"\r\n\r\n", b"\r\n\n", Flaw.LINES),
        (rb"\r\n\Z", b"\r\n" + b"x" * 999 + b"\r\n", Flaw.LINES),
        (rb"=_pressrun_alternative_", b"=_pressrun_other_", Flaw.MIME),
        (rb"text/html", b"text/plain", Flaw.MIME),
        (rb'text/plain; charset="utf-8"', b'text/plain; charset="ascii"', Flaw.MIME),
        (rb'text/plain; charset="utf-8"', b'text/plain; charset="none"', Flaw.MIME),
    ],
)
def test_each_fault_in_a_message_is_found(old: bytes, new: bytes, flaw: Flaw) -> None:
    content = write(make_edition(), make_row())
    spoilt, count = re.subn(old, lambda match: new, content, count=1)
    assert count == 1
    assert flaw in inspect(spoilt, make_edition()).flaws


def test_a_message_that_came_for_somebody_else_is_found() -> None:
    content = write(make_edition(), make_row())
    assert inspect(content, make_edition(), recipient="ann@example.com").flaws == {Flaw.ADDRESSEE}


def test_another_persons_message_is_found() -> None:
    other = make_row(subscriber_id=8, name="Ann", message_id="<e.8@spp.example.com>")
    found = inspect(write(make_edition(), other), make_edition())
    assert {Flaw.ADDRESSEE, Flaw.LEAVE_LINK, Flaw.TEXT} <= found.flaws


@pytest.mark.parametrize(
    "token", [make_leave_token(Leave(7, "other"), KEY), make_leave_token(Leave(7, "spp"), OTHER_KEY)]
)
def test_a_token_for_another_list_or_by_another_key_is_found(token: str) -> None:
    place = "List-Unsubscribe: <https://spp.example.com/unsubscribe/"
    right, wrong = (f"{place}{each}>".encode() for each in (make_leave_token(Leave(7, "spp"), KEY), token))
    content = write(make_edition(), make_row()).replace(right, wrong)
    assert wrong in content
    assert inspect(content, make_edition()).flaws == {Flaw.LEAVE_LINK}


def spoil_text(content: bytes, old: str, new: str) -> bytes:
    """The message with `old` replaced in its parts, whatever their encoding."""

    def replace(match: re.Match[bytes]) -> bytes:
        text = base64.b64decode(match[2]).decode()
        return match[1] + base64.encodebytes(text.replace(old, new).encode()).replace(b"\n", b"\r\n") + b"\r\n"

    spoilt, count = re.subn(rb"(base64\r\n\r\n)([A-Za-z0-9+/=\r\n]+?)\r\n(?=--)", replace, content)
    assert count == 2
    return spoilt


def test_a_slot_left_unfilled_is_found() -> None:
    content = spoil_text(write(make_edition(), make_row()), "林晓", TOKENS["name"])
    assert {Flaw.UNFILLED, Flaw.TEXT} <= inspect(content, make_edition()).flaws


def test_one_changed_character_of_the_text_is_found() -> None:
    content = spoil_text(write(make_edition(), make_row()), "买得更好", "买得更坏")
    assert inspect(content, make_edition()).flaws == {Flaw.TEXT}


def test_somebody_elses_name_in_the_text_is_found() -> None:
    content = spoil_text(write(make_edition(), make_row()), "林晓", "王五")
    assert inspect(content, make_edition()).flaws == {Flaw.TEXT}


def test_a_part_for_others_is_found() -> None:
    edition, row = make_personal_edition(), make_row()
    other = make_row(attributes={"city": "上海", "role": "主任"})
    assert Flaw.TEXT in inspect(write(edition, other), edition, row).flaws


def test_a_slot_that_is_empty_for_this_person_is_found_only_where_they_read_it() -> None:
    hidden = make_personal_edition(subject="第 2 期", html=make_edition().html, text=make_edition().text)
    nobody = make_row(attributes={})
    assert inspect(write(make_personal_edition(), nobody), make_personal_edition(), nobody).flaws == {Flaw.EMPTY}
    assert inspect(write(hidden, nobody), hidden, nobody).flaws == frozenset()


def test_a_file_that_is_not_the_editions_is_found() -> None:
    edition = make_personal_edition()
    for files in (edition.attachments[:1], ()):
        content = write(make_personal_edition(attachments=files), make_row())
        assert inspect(content, edition).flaws == {Flaw.FILES}


def test_more_html_than_mail_programs_show_is_found() -> None:
    edition = make_edition(html=make_edition().html.replace("</body>", "x" * LIMIT_OCTETS + "</body>"))
    assert inspect(write(edition, make_row()), edition).flaws == {Flaw.CLIPPED}


def test_a_message_that_should_be_signed_and_is_not_is_found() -> None:
    edition = make_edition()
    assert inspect(write(edition, make_row()), edition, signed=True).flaws == {Flaw.UNSIGNED}
    spoilt = write(edition, make_row(), signed=True).replace(b"List-Post: NO", b"List-Post: no")
    assert inspect(spoilt, edition, signed=True).flaws == {Flaw.UNSIGNED}


@given(st.binary(max_size=400))
def test_octets_that_are_no_message_have_flaws_and_raise_nothing(content: bytes) -> None:
    assert {Flaw.HEADERS, Flaw.MIME, Flaw.ADDRESSEE} <= inspect(content, make_edition()).flaws


@given(st.integers(0, 100_000), st.binary(max_size=3))
def test_no_spoilt_message_raises_anything(at: int, octets: bytes) -> None:
    content = write(make_personal_edition(), make_row())
    at %= len(content)
    inspect(content[:at] + octets + content[at + 1 :], make_personal_edition())
