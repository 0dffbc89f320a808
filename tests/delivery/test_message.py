"""Messages: whatever the recipient, well-formed, their own, and the same bytes every time."""

from __future__ import annotations

import re
from email import message_from_bytes, policy
from email.header import decode_header, make_header
from email.message import EmailMessage
from email.utils import parsedate_to_datetime

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from pressrun.address import parse_address
from pressrun.delivery.message import MessageTemplate, clean_line, greet, needs_smtputf8, wire_address
from small_edition import HTML, NONCE, NOW, TEXT, TOKENS, make_edition, make_recipient

TEMPLATE = MessageTemplate(make_edition())
ENGLISH = MessageTemplate(
    make_edition(
        html=f"<p>Dear {TOKENS['name']},</p>\n" + "<p>Buy less, buy better = keep longer. </p>\n" * 20,
        text=f"Dear {TOKENS['name']},\n\n" + ("A long English line of plain text. " * 5 + "\n") * 20,
        greeting=None,
        greeting_anonymous=None,
        sender_name="O'Brien, Sean",
        subject="Field Notes, No. 1",
        list_title="Field Notes",
        reply_to=None,
        unsubscribe_mail=None,
    )
)
ONCE = [
    "To", "Date", "Message-ID", "List-Unsubscribe", "List-Unsubscribe-Post", "From", "Subject", "Content-Language",
    "MIME-Version", "List-Id", "List-Archive", "List-Post", "Content-Type",
]  # fmt: skip


def read(octets: bytes) -> EmailMessage:
    return message_from_bytes(octets, policy=policy.default)  # type: ignore[return-value]


def text_of(message: EmailMessage, kind: str) -> str:
    part = message.get_body((kind,))
    assert part is not None
    return part.get_content().replace("\r\n", "\n")


def name_in(message: EmailMessage, header: str) -> str:
    """The mailbox's name, read as RFC 2047 §6.2 demands; 3.11's parser puts a space between encoded words."""
    raw = next(value for name, value in message.raw_items() if name == header)
    if raw.count("=?utf-8?b?") < 2:
        return message[header].addresses[0].display_name
    return str(make_header(decode_header(raw.rpartition("<")[0].replace("\r\n", "")))).rstrip()


ODD = st.sampled_from([
    '"', "<", ">", "\r", "\n", "\r\nBcc: x@example.com\r\n", "\\", ",", ";", ":", "(", ")", "@", "@@", ".", "=",
    "=?utf-8?q?a?=", "=?", "?=", "\u202e", "\u200f", "\u2028", "\x85", "\u3000", "\xa0", "\0", "🎉", "👩\u200d👧",
    "e\u0301",
    "{name}", TOKENS["name"], TOKENS["unsubscribe_url"], f"@@{NONCE}.", " ", "\t", "林晓", "&amp;", "</p>", "\ufeff",
])  # fmt: skip
NAMES = st.one_of(
    st.text(st.characters(exclude_categories=["Cs"]), max_size=80),
    st.lists(st.one_of(ODD, st.text(st.characters(exclude_categories=["Cs"]), max_size=5)), max_size=12).map("".join),
    st.text("a 林.", min_size=1_900, max_size=2_000),
)


@settings(max_examples=80, deadline=None)
@given(name=NAMES, english=st.booleans())
@example(name="x" * 2_000, english=True)
@example(name="晓" * 2_000, english=False)
@example(name="word " * 400, english=False)
@example(name="." * 30, english=True)
@example(name='"' * 59, english=True)
@example(name="a" * 60, english=True)
def test_a_name_can_be_anything(name: str, english: bool) -> None:
    template = ENGLISH if english else TEMPLATE
    octets = template.fill(make_recipient(name=name))
    assert octets.isascii()
    assert octets.count(b"\r\n") == octets.count(b"\n") == octets.count(b"\r")
    assert max(map(len, octets.split(b"\r\n"))) <= 998
    message = read(octets)
    for header in ONCE:
        assert len(message.get_all(header, [])) == 1, header
    assert not {"Bcc", "Cc"} & set(message.keys())
    assert message["To"].addresses[0].addr_spec == "lin@example.com"
    clean = clean_line(name)
    assert name_in(message, "To") == clean
    assert " ".join(clean.split()) == clean
    text = text_of(message, "plain")
    assert text.splitlines()[0] == (f"Dear {clean}," if english else greet(template.edition, name))
    if not english:
        assert "绿色采购让公共资金买得更好。\n.\n.点开头\n..两点\n" in text
        assert "<h2>重点。后文</h2>\n<p>绿色采购让公共资金买得更好。</p>\n<p>.点开头</p>" in text_of(message, "html")
    assert [part.get_content_type() for part in message.walk()] == ["multipart/alternative", "text/plain", "text/html"]
    assert not any(part.defects for part in message.walk())


@settings(max_examples=60, deadline=None)
@given(name=NAMES)
def test_the_same_input_gives_the_same_bytes(name: str) -> None:
    recipient = make_recipient(name=name)
    assert TEMPLATE.fill(recipient) == MessageTemplate(make_edition()).fill(recipient)


def test_what_a_name_holds_is_text_in_html() -> None:
    name = "<b>\"Tom\" & 'Jerry'</b>"
    html = text_of(read(TEMPLATE.fill(make_recipient(name=name))), "html")
    assert "<b>" not in html
    assert "title='&lt;b&gt;&quot;Tom&quot; &amp; &#x27;Jerry&#x27;&lt;/b&gt;'" in html


def test_a_name_that_is_a_slot_fills_no_slot() -> None:
    message = read(TEMPLATE.fill(make_recipient(name=TOKENS["address"])))
    assert text_of(message, "plain").splitlines()[0] == f"尊敬的{TOKENS['address']}，您好！"


@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("", "To: lin@example.com"),
        ("Mary Field", "To: Mary Field <lin@example.com>"),
        ("O'Brien, Sean", 'To: "O\'Brien, Sean" <lin@example.com>'),
        ('a\\"b', 'To: "a\\\\\\"b" <lin@example.com>'),
        ("林晓", "To: =?utf-8?b?5p6X5pmT?= <lin@example.com>"),
    ],
)
def test_to_reads_as_people_write_it(name: str, line: str) -> None:
    assert TEMPLATE.fill(make_recipient(name=name)).decode().splitlines()[0] == line


def test_a_long_name_folds_within_78_columns_and_no_character_is_cut() -> None:
    octets = TEMPLATE.fill(make_recipient(name="可持续公共采购🎉" * 20))
    head = octets.partition(b"\r\nDate:")[0].decode()
    assert all(len(line) <= 78 for line in head.split("\r\n"))
    for word in re.findall(r"=\?utf-8\?b\?[^?]*\?=", head):
        assert len(word) <= 75
        assert "\ufffd" not in str(read(f"Subject: {word}\r\n\r\n".encode())["Subject"])


def test_headers_of_a_list_are_as_the_standards_demand() -> None:
    message = read(TEMPLATE.fill(make_recipient()))
    unsubscribe = str(message["List-Unsubscribe"])
    assert unsubscribe == "<https://spp.example.com/unsubscribe/7~c3Bw~abc>, <mailto:leave@spp.example.com>"
    assert unsubscribe.count("https:") == 1
    assert message["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"  # RFC 8058 §3.1, exactly this
    assert str(message["List-Id"]).endswith(" <bulletin.spp.example.com>")
    assert message["List-Post"] == "NO"
    assert message["List-Archive"] == "<https://spp.example.com>"


def test_the_other_headers_say_who_what_and_when() -> None:
    message = read(TEMPLATE.fill(make_recipient()))
    assert message["From"].addresses[0].addr_spec == "bulletin@spp.example.com"
    assert message["From"].addresses[0].display_name == "可持续公共采购"
    assert message["Reply-To"] == "editor@spp.example.com"
    assert message["Subject"] == "可持续公共采购通讯 2026 年第 2 期（总第 24 期）"
    assert message["Message-ID"] == "<e0123456789abcdef0123456.7@spp.example.com>"
    assert parsedate_to_datetime(str(message["Date"])) == NOW
    assert message["Content-Language"] == "zh-CN"


def test_where_there_is_no_address_for_it_mail_is_no_way_to_leave() -> None:
    message = read(ENGLISH.fill(make_recipient(unsubscribe_mail=None)))
    assert message["List-Unsubscribe"] == "<https://spp.example.com/unsubscribe/7~c3Bw~abc>"
    assert "Reply-To" not in message


@settings(max_examples=60, deadline=None)
@given(title=NAMES.filter(clean_line), subject=NAMES.filter(clean_line), sender=NAMES.filter(clean_line))
def test_a_publications_own_words_cant_break_the_headers(title: str, subject: str, sender: str) -> None:
    edition = make_edition(list_title=title, subject=subject, sender_name=sender)
    octets = MessageTemplate(edition).fill(make_recipient())
    message = read(octets)
    assert octets.isascii()
    for header in ONCE:
        assert len(message.get_all(header, [])) == 1, header
    assert set(message.keys()) == {*ONCE, "Reply-To"}
    assert name_in(message, "From") == clean_line(sender)
    assert message["Subject"] == clean_line(subject)
    assert re.search(r"\n <bulletin\.spp\.example\.com>\r\n", octets.decode().partition("\r\n\r\n")[0])


def test_different_recipients_differ_only_in_their_own_values() -> None:
    first = make_recipient()
    other = make_recipient(
        name="李伟",
        address="li@other.example.com",
        message_id="<e0123456789abcdef0123456.8@spp.example.com>",
        unsubscribe_url="https://spp.example.com/unsubscribe/8~c3Bw~xyz",
    )

    def neutral(recipient: object) -> list[str]:
        message = read(TEMPLATE.fill(recipient))  # type: ignore[arg-type]
        shown = [f"{name}: {value}" for name, value in message.items()]
        shown += [text_of(message, "plain"), text_of(message, "html")]
        values = [recipient.address, recipient.name, recipient.message_id, recipient.unsubscribe_url]  # type: ignore[attr-defined]
        for value in values:
            shown = [text.replace(value, "…") for text in shown]
        return shown

    assert TEMPLATE.fill(first) != TEMPLATE.fill(other)
    assert neutral(first) == neutral(other)


@pytest.mark.parametrize(
    "address",
    [
        "a@example.com",
        "o'brien+tag@school.example.com",
        "!#$%&'*+-/=?^_`{|}~@example.com",
        f"{'a' * 64}@{'.'.join(['b' * 55] * 3)}.example.com",
        "user@bücher.example.com",
        "user@采购.example.com",
    ],
)
def test_every_address_the_store_takes_can_stand_in_a_message(address: str) -> None:
    assert parse_address(address).address == address
    octets = TEMPLATE.fill(make_recipient(address=address))
    assert octets.isascii()
    assert read(octets)["To"].addresses[0].addr_spec == wire_address(address)


def test_a_local_part_beyond_ascii_stands_in_utf_8_and_only_there() -> None:
    address = "用户@采购.example.com"
    assert needs_smtputf8(address)
    octets = TEMPLATE.fill(make_recipient(address=address))
    beyond = [line for line in octets.split(b"\r\n") if not line.isascii()]
    assert len(beyond) == 1
    assert "用户@xn--".encode() in beyond[0]
    assert not needs_smtputf8("user@采购.example.com")


def test_parts_take_the_shorter_encoding() -> None:
    assert TEMPLATE.fill(make_recipient()).count(b"Content-Transfer-Encoding: base64") == 2
    assert ENGLISH.fill(make_recipient()).count(b"Content-Transfer-Encoding: quoted-printable") == 2


def test_who_has_no_name_is_greeted_without_one() -> None:
    message = read(TEMPLATE.fill(make_recipient(name=" \r\n ")))
    assert text_of(message, "plain").startswith("尊敬的读者，您好！\n")
    assert message["To"] == "lin@example.com"


def test_the_samples_hold_every_slot() -> None:
    assert TOKENS["unsubscribe_url"] in HTML and TOKENS["unsubscribe_url"] in TEXT
