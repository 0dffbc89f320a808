"""Line breaks where one line is meant: headers, SMTP commands, logs and replies stay the lines they were."""

from __future__ import annotations

from email import message_from_bytes, policy
from pathlib import Path

import pytest
from hostile import LINES
from hypothesis import given, settings
from hypothesis import strategies as st

from faulty_relay import faulty_relay
from pressrun.address import AddressError, parse_address
from pressrun.delivery.connection import Connection, Envelope
from pressrun.delivery.header import (
    clean_line,
    write_mailbox,
    write_mailto,
    write_parameter,
    write_phrase,
    write_text,
    write_uri,
)
from pressrun.delivery.message import MessageTemplate
from pressrun.delivery.outcome import Kind, one_line, outcome_of_reply
from pressrun.notify import notify
from pressrun.settings import Settings
from pressrun.source.loader import load_issue
from small_edition import TOKENS, make_edition, make_recipient
from small_issue import PUBLICATION, write_small_issue

BREAKS = "\r\n\x00\x0b\x0c\x1c\x1d\x1e\x85\u2028\u2029"
TEXT = st.lists(st.sampled_from([*LINES, *BREAKS, "a", "林", " ", '"', "<"]), max_size=6).map("".join)
FIELDS = (
    "sender_name", "subject", "list_title", "title", "greeting", "greeting_anonymous", "base_url", "url", "issue",
)  # fmt: skip


async def may_leave() -> bool:
    return True


def check_header(octets: bytes) -> None:
    """One header of fields that are the house's, each of whole lines in ASCII."""
    head = octets.partition(b"\r\n\r\n")[0]
    assert head.isascii() and b"\0" not in head
    for line in head.split(b"\r\n"):
        assert not line.strip(b"\t") or line[:1] in b" \t" or b":" in line
        assert b"\r" not in line and b"\n" not in line and len(line) <= 998
    names = {line.partition(b":")[0].lower() for line in head.split(b"\r\n") if line[:1] not in (b" ", b"\t")}
    assert b"bcc" not in names and b"victim" not in b"".join(names)


@pytest.mark.parametrize("value", LINES)
@pytest.mark.parametrize("field", FIELDS)
def test_no_field_of_an_edition_begins_a_header_of_its_own(field: str, value: str) -> None:
    kept = value.encode("utf-8", "replace").decode()
    octets = MessageTemplate(make_edition(**{field: kept})).fill(make_recipient())
    check_header(octets)


STRICT = (
    *("list_id: news.small.example.com", "language: en", "tag: small.example.com,2026", "timezone: Europe/Vienna"),
    *("base_url: https://small.example.com/news", "address: news@small.example.com"),
)


def with_more(line: str, more: str) -> str:
    """The small publication with `more` at the end of one of its values."""
    name, _, value = line.partition(": ")
    escaped = f"{value}{more}".encode("unicode_escape").decode()
    assert PUBLICATION.count(f"{line}\n") == 1
    return PUBLICATION.replace(f"{line}\n", f'{name}: "{escaped}"\n')


@pytest.mark.parametrize("value", LINES[:14])
@pytest.mark.parametrize("line", STRICT)
def test_what_goes_into_headers_as_it_is_was_refused_at_the_source(tmp_path: Path, line: str, value: str) -> None:
    assert load_issue(write_small_issue(tmp_path, publication=with_more(line, ""))).issue is not None
    assert load_issue(write_small_issue(tmp_path, publication=with_more(line, value))).issue is None


@pytest.mark.parametrize("value", LINES)
def test_nor_does_anything_a_subscriber_is_called(value: str) -> None:
    edition = make_edition(subject=f"For {TOKENS['name']}", html=f"<p>{TOKENS['name']}</p>\n")
    octets = MessageTemplate(edition).fill(make_recipient(name=value, list=value))
    check_header(octets)
    assert [part for part in message_from_bytes(octets, policy=policy.default) if part.lower() == "bcc"] == []


@settings(max_examples=200)
@given(text=TEXT)
def test_whatever_writes_a_header_writes_one_line_or_folds(text: str) -> None:
    clean = clean_line(text)
    for written in (
        write_phrase(clean),
        write_mailbox(text, "a@example.com"),
        write_text("Subject", text).removesuffix("\r\n"),
        write_uri(text),
        write_mailto("a@example.com"),
        write_parameter("filename", text),
    ):
        assert written.isascii()
        unfolded = written.replace("\r\n ", " ")
        assert not set(unfolded) & set(BREAKS), written


@pytest.mark.parametrize("value", LINES)
def test_no_address_with_a_line_break_is_one(value: str) -> None:
    for text in (f"a{value}@example.com", f"a@example{value}.com", f"a@example.com{value}", f"{value}a@example.com"):
        try:
            parsed = parse_address(text)
        except AddressError:
            continue
        assert not set(parsed.address) & set(BREAKS + " <>")


@pytest.mark.parametrize("value", ["a@example.com>\r\nRCPT TO:<b@example.com", "a@example.com\nDATA", "a b@example.com",
                                   "a@example.com\x00", "<a@example.com>", "a@example.com\x7f"])  # fmt: skip
async def test_an_address_that_a_store_was_made_to_hold_ends_no_command(value: str) -> None:
    async with faulty_relay() as relay:
        connection = Connection(relay.relay, 5, 5)
        await connection.open()
        outcome = await connection.deliver(Envelope("n@example.com", value), b"Subject: x\r\n\r\nx\r\n", may_leave)
        await connection.close()
    assert outcome is not None and (outcome.kind, outcome.enhanced) == (Kind.PERMANENT, "5.1.3")
    assert relay.accepted == []


@given(text=st.text() | TEXT)
def test_what_a_server_says_is_kept_as_one_printable_line(text: str) -> None:
    said = one_line(text)
    assert said.isprintable() and len(said) <= 1000
    assert outcome_of_reply(550, text).text == said
    said.encode()  # as every store and log can take it


@pytest.mark.parametrize("value", LINES)
async def test_a_notice_has_the_headers_it_was_given(value: str) -> None:
    async with faulty_relay() as relay:
        url = f"smtp://127.0.0.1:{relay.relay.port}?starttls=never"
        settings = Settings(smtp_url=url, notify_mail="a@example.com")  # type: ignore[arg-type]
        (told,) = await notify(settings, value, value)
    assert told.is_reached
    (accepted,) = relay.accepted
    check_header(accepted.content)
