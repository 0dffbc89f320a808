"""Messages: whatever the recipient, well-formed, their own, and the same bytes every time."""

from __future__ import annotations

import datetime as dt
import re
from email import message_from_bytes, policy
from email.header import decode_header, make_header
from email.message import EmailMessage
from email.utils import parsedate_to_datetime
from functools import cache

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from pressrun.address import parse_address
from pressrun.delivery.dkim import canonicalize_body
from pressrun.delivery.html_line import break_lines
from pressrun.delivery.message import (
    VARIANTS,
    MessageTemplate,
    Recipient,
    clean_line,
    greet,
    needs_smtputf8,
    read_values,
    wire_address,
)
from pressrun.render.edition import Edition, Field
from pressrun.render.slot import cut_header, cut_html, cut_plain, select_blocks
from pressrun.tracking import Way
from signed_message import ask_dkimpy, both_keys
from small_edition import HTML, NONCE, NOW, TEXT, TOKENS, make_edition, make_personal_edition, make_recipient

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
    "MIME-Version", "List-Id", "List-Archive", "List-Post", "Content-Type", "Feedback-ID",
]  # fmt: skip


def read(octets: bytes) -> EmailMessage:
    return message_from_bytes(octets, policy=policy.default)  # type: ignore[return-value]


def text_of(message: EmailMessage, kind: str) -> str:
    part = message.get_body((kind,))
    assert part is not None
    return part.get_content().replace("\r\n", "\n")


def expect_texts(edition: Edition, recipient: Recipient, *, eight_bit: bool = False) -> tuple[str, str]:
    """Plain text and HTML as filling the whole would write them."""
    met = [recipient.attributes.get("city") == "北京", recipient.attributes.get("city") != "北京"][
        : len(edition.conditions)
    ]
    plain, html = select_blocks(edition.text, TOKENS, met), select_blocks(edition.html, TOKENS, met)
    values = {slot: clean_line(value) for slot, value in read_values(edition, recipient).items()}
    html = break_lines(html) if eight_bit else html
    return cut_plain(plain, TOKENS).fill(values), cut_html(html, TOKENS).fill(values)


def check_wire(octets: bytes) -> None:
    """What every message must be, whatever is in it."""
    assert octets.endswith(b"\r\n") and b"\0" not in octets
    assert octets.count(b"\r\n") == octets.count(b"\n") == octets.count(b"\r")
    assert max(map(len, octets.split(b"\r\n"))) <= 998  # RFC 5322 §2.1.1


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
    check_wire(octets)
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


ATTRIBUTES = st.one_of(NAMES, st.text(max_size=30), st.sampled_from(["北京", "\ud800", "|", "--=_pressrun_mixed_e0"]))
LONG_ENGLISH = make_edition(
    html=f"<p title='{TOKENS['field0']}'>Dear {TOKENS['name']},{TOKENS['field0']}{TOKENS['field0']}</p>\n"
    + f"<p class='a b' style='margin: 0'>Buy less, buy better = keep longer. </p>  <a href='{TOKENS['view_url']}'>"
    * 40,
    text=f"Dear {TOKENS['name']},\n.{TOKENS['field0']}\n{TOKENS['field0']}.\n{TOKENS['field0']}From {TOKENS['list']} \n"
    + "A long English line of plain text.  " * 20,
    fields=(Field(attribute="city"),),
    eight_bit=True,
)
PERSONAL = make_personal_edition(eight_bit=True)


@settings(max_examples=150, deadline=None)
@given(
    edition=st.sampled_from([PERSONAL, LONG_ENGLISH]),
    name=NAMES,
    city=ATTRIBUTES,
    role=ATTRIBUTES,
    list_name=ATTRIBUTES,
    eight_bit=st.booleans(),
)
@example(edition=PERSONAL, name="", city="北京", role=".", list_name="", eight_bit=False)
@example(edition=PERSONAL, name="x" * 2_000, city="重" * 2_000, role="", list_name="a" * 2_000, eight_bit=True)
@example(edition=LONG_ENGLISH, name=".", city=".", role="", list_name=" ", eight_bit=False)
@example(edition=PERSONAL, name="--=_pressrun_mixed_e0--", city="北京", role="", list_name="", eight_bit=True)
def test_whatever_the_values_the_message_holds_what_filling_the_whole_would_give(
    edition: Edition, name: str, city: str, role: str, list_name: str, eight_bit: bool
) -> None:
    recipient = make_recipient(
        name=name,
        list=list_name,
        attributes={"city": city, "role": role},
        preferences_url="https://spp.example.com/preferences/7~abc",
    )
    octets = template_of(edition, eight_bit).fill(recipient)
    assert octets == template_of(edition, eight_bit).fill(recipient)
    check_wire(octets)
    head, _, body = octets.partition(b"\r\n\r\n")
    assert head.isascii()
    assert eight_bit or (canonicalize_body(body) == body and not re.search(rb"(?m)^\.", body) and body.isascii())
    message = read(octets)
    assert sorted(message.keys()) == sorted([*ONCE, "Reply-To", *(["Content-Transfer-Encoding"] if eight_bit else [])])
    values = {slot: clean_line(value) for slot, value in read_values(edition, recipient).items()}
    assert message["Subject"] == clean_line(cut_header(edition.subject, TOKENS).fill(values))
    plain, html = (message.get_body((kind,)) for kind in ("plain", "html"))
    expected = expect_texts(edition, recipient, eight_bit=eight_bit)
    for part, text in zip((plain, html), expected, strict=True):
        assert part is not None
        assert part.get_payload(decode=True) == text.replace("\n", "\r\n").encode()
    assert [part.get_payload(decode=True) for part in message.iter_attachments()] == [
        file.content for file in edition.attachments
    ]
    assert not any(part.defects for part in message.walk())


@cache
def template_at(n: int, eight_bit: bool) -> MessageTemplate:
    return MessageTemplate((PERSONAL, LONG_ENGLISH)[n], eight_bit=eight_bit)


def template_of(edition: Edition, eight_bit: bool) -> MessageTemplate:
    return template_at(0 if edition is PERSONAL else 1, eight_bit)


@settings(max_examples=40, deadline=None)
@given(name=NAMES, city=ATTRIBUTES, edition=st.sampled_from([PERSONAL, LONG_ENGLISH]), eight_bit=st.booleans())
def test_signatures_hold_whatever_the_values(name: str, city: str, edition: Edition, eight_bit: bool) -> None:
    keys = both_keys()
    template = MessageTemplate(edition, eight_bit=eight_bit, signing=keys)
    recipient = make_recipient(name=name, attributes={"city": city})
    signed = template.fill(recipient)
    check_wire(signed)
    assert signed == template.fill(recipient)
    assert ask_dkimpy(signed, keys) == [True, True]
    assert signed.endswith(MessageTemplate(edition, eight_bit=eight_bit).fill(recipient))
    assert template.form == f"{'8bit' if eight_bit else '7bit'} dkim=test,test-ed25519"


@pytest.mark.parametrize(
    ("allowed", "offered", "form"), [(True, True, "8bit"), (True, False, "7bit"), (False, True, "7bit")]
)
def test_8bit_takes_the_publications_leave_and_the_relays_offer(allowed: bool, offered: bool, form: str) -> None:
    template = MessageTemplate(make_edition(eight_bit=allowed), eight_bit=offered)
    assert (template.form, template.is_eight_bit) == (form, form == "8bit")
    octets = template.fill(make_recipient())
    assert octets.isascii() == (form == "7bit")
    assert octets.count(b"Content-Transfer-Encoding: 8bit") == (3 if form == "8bit" else 0)


def test_a_html_of_long_lines_still_goes_as_8bit() -> None:
    cells = "<td align='left' style='font-size: 16px; color: #333'>绿色采购让公共资金买得更好。</td>" * 50
    edition = make_edition(html=f"<table><tr>{cells}</tr></table>", eight_bit=True)
    octets = MessageTemplate(edition, eight_bit=True).fill(make_recipient())
    assert b"base64" not in octets
    assert max(map(len, octets.split(b"\r\n"))) < 500


def test_a_block_is_there_for_those_who_meet_its_condition() -> None:
    template = MessageTemplate(make_personal_edition())
    there = text_of(read(template.fill(make_recipient(attributes={"city": "北京", "role": "编辑"}))), "html")
    elsewhere = text_of(read(template.fill(make_recipient(attributes={"city": "成都"}))), "html")
    assert "<p>北京的编辑</p>" in there and "never" not in there
    assert "<p>成都，example.com</p>" in elsewhere and "北京的" not in elsewhere
    assert NONCE not in there + elsewhere


def test_each_variant_is_compiled_once_and_the_longest_unused_is_dropped() -> None:
    compiled: list[tuple[bool, ...]] = []

    class Counting(MessageTemplate):
        def _compile(self, way: Way, met: tuple[bool, ...]) -> object:  # type: ignore[override]
            compiled.append(met)
            return super()._compile(way, met)

    names = [f"c{n}" for n in range(8)]
    edition = make_edition(conditions=tuple(f'{name} == "1"' for name in names))
    template = Counting(edition)

    def fill(number: int) -> bytes:
        return template.fill(make_recipient(attributes={name: str(number >> n & 1) for n, name in enumerate(names)}))

    first = fill(0)
    assert fill(0) == first and len(compiled) == 1
    for number in range(1, VARIANTS + 1):
        fill(number)
    assert len(compiled) == VARIANTS + 1
    assert fill(0) == first and len(compiled) == VARIANTS + 2


def test_a_subject_may_name_the_reader() -> None:
    edition = make_edition(
        subject=f"{TOKENS['name']}: news from {TOKENS['field0']}", fields=(Field(attribute="city", fallback="here"),)
    )
    template = MessageTemplate(edition)
    assert b"\r\nSubject: Mary: news from here\r\n" in template.fill(make_recipient(name="Mary"))
    hostile = read(template.fill(make_recipient(name="a\r\nBcc: b@example.com", attributes={"city": "\u2028北京"})))
    assert hostile["Subject"] == "a Bcc: b@example.com: news from 北京"
    assert "Bcc" not in hostile


@pytest.mark.parametrize(
    ("list_name", "said"),
    [
        ("readers", "spp/2026-02:readers:news:spp"),
        ("", "spp/2026-02::news:spp"),
        ("a:b 读", "spp/2026-02:a%3Ab%20%E8%AF%BB:news:spp"),
    ],
)
def test_feedback_names_issue_list_and_publication(list_name: str, said: str) -> None:
    assert read(TEMPLATE.fill(make_recipient(list=list_name)))["Feedback-ID"] == said


def test_a_moment_is_dated_alike_in_every_time_zone() -> None:
    template = MessageTemplate(make_edition())
    beijing = NOW.astimezone(dt.timezone(dt.timedelta(hours=8)))
    first = template.fill(make_recipient(planned_at=beijing))
    assert b"\r\nDate: Fri, 20 Feb 2026 09:00:00 +0000\r\n" in first
    assert template.fill(make_recipient()) == first
    later = template.fill(make_recipient(planned_at=NOW + dt.timedelta(hours=1)))
    assert b"\r\nDate: Fri, 20 Feb 2026 10:00:00 +0000\r\n" in later


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
    link, mail = unsubscribe.split(", ")
    assert link == "<https://spp.example.com/unsubscribe/7~c3Bw~abc>"
    # Whoever reads it knows whose wish it is.
    assert mail == "<mailto:leave@spp.example.com?subject=leave%207~c3Bw~abc>"
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
@given(
    title=NAMES.filter(clean_line),
    subject=NAMES.filter(lambda text: clean_line(text) and NONCE not in text),
    sender=NAMES.filter(clean_line),
)
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
        url = recipient.unsubscribe_url  # type: ignore[attr-defined]
        values = [recipient.address, recipient.name, recipient.message_id, url]  # type: ignore[attr-defined]
        for value in (*values, url.rpartition("/")[2]):
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
