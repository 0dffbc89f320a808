"""Logs of relays: a message was taken only where the log says so, in whatever dress the line comes."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pressrun.delivery.maillog import MailLog, moment_of

NOW = dt.datetime(2026, 3, 1, 12, tzinfo=dt.UTC)
ONE, TWO, TWELVE = (f"<e0123456789abcdef0123456.{n}@spp.example.com>" for n in (1, 2, 12))
WANTED = [ONE, TWO, TWELVE]
DRESSES = [
    "Feb 20 09:00:01 mx1 {tag}[123]: {said}",
    "Feb  2 09:00:01 mx1 {tag}[123]: {said}",
    "<22>Feb 20 09:00:01 mx1 {tag}[123]: {said}",
    "Feb 20 09:00:01 mx1 {tag}[123]: [ID 197553 mail.info] {said}",
    "2026-02-20T09:00:01.123456+01:00 mx1 {tag}[123]: {said}",
    "2026-02-20T08:00:01Z mx1 {tag}[123]: {said}",
    "2026-02-20 09:00:01 mx1 {tag}[123]: {said}",
    "Fri 2026-02-20 09:00:01 UTC mx1 {tag}[123]: {said}",
    "<22>1 2026-02-20T09:00:01.123456+01:00 mx1 {tag} 123 - - {said}",
    '<22>1 2026-02-20T09:00:01Z mx1 {tag} 123 - [x@1 a="b"][y@1 c="d"] {said}',
]


def read(*lines: str, wanted: list[str] | None = None) -> MailLog:
    log = MailLog(WANTED if wanted is None else wanted)
    for line in lines:
        log.read(line.encode() + b"\n")
    return log


def cleanup(queue_id: str, message_id: str, host: str = "mx1", instance: str = "postfix") -> str:
    return f"Feb 20 09:00:01 {host} {instance}/cleanup[11]: {queue_id}: message-id={message_id}"


def active(queue_id: str, host: str = "mx1", instance: str = "postfix") -> str:
    said = f"{queue_id}: from=<bulletin@spp.example.com>, size=20480, nrcpt=1 (queue active)"
    return f"Feb 20 09:00:01 {host} {instance}/qmgr[12]: {said}"


@pytest.mark.parametrize("dress", DRESSES)
@pytest.mark.parametrize("queue_id", ["4jXF390fqLzJ9DH", "3C1A04A1F2"])
def test_postfix_took_what_its_queue_manager_got(dress: str, queue_id: str) -> None:
    begun = dress.format(tag="postfix/cleanup", said=f"{queue_id}: message-id={ONE}")
    taken = dress.format(tag="postfix/qmgr", said=f"{queue_id}: from=<a@example.com>, size=9, nrcpt=1 (queue active)")
    assert read(begun, taken).accepted == {ONE: queue_id}
    assert read(begun).accepted == {}
    assert read(begun).unfinished == {ONE}
    assert read(taken, begun).accepted == {}


def test_a_client_that_vanished_before_the_dot_leaves_no_line_of_the_queue_manager() -> None:
    log = read(
        "Nov 22 03:31:01 mx1 postfix/smtpd[17121]: 4jXF3950g2zJ9DH: client=unknown[127.0.0.1]",
        "Nov 22 03:31:02 mx1 postfix/smtpd[17121]: lost connection after DATA (63 bytes) from unknown[127.0.0.1]",
        cleanup("4jXF3950g2zJ9DH", ONE),
        cleanup("4jXF3B29x9zJ9DH", TWO),
        active("4jXF3B29x9zJ9DH"),
    )
    assert (dict(log.accepted), log.unfinished) == ({TWO: "4jXF3B29x9zJ9DH"}, {ONE})


@pytest.mark.parametrize("other", ["<somebody.else@example.com>", "<>", TWO])
def test_a_short_queue_id_used_again_is_the_later_messages(other: str) -> None:
    log = read(cleanup("3C1A04A1F2", ONE), cleanup("3C1A04A1F2", other), active("3C1A04A1F2"))
    assert ONE not in log.accepted
    assert (TWO in log.accepted) == (other == TWO)


def test_a_resent_message_id_is_not_the_next_message() -> None:
    resent = cleanup("3C1A04A1F2", "").replace("message-id=", "resent-message-id=<x@example.com>")
    assert read(cleanup("3C1A04A1F2", ONE), resent, active("3C1A04A1F2")).accepted == {ONE: "3C1A04A1F2"}


def test_hosts_and_instances_have_queues_of_their_own() -> None:
    begun = cleanup("3C1A04A1F2", ONE)
    assert read(begun, active("3C1A04A1F2", host="mx2")).accepted == {}
    assert read(begun, active("3C1A04A1F2", instance="postfix-out")).accepted == {}
    between = cleanup("3C1A04A1F2", TWO, host="mx2")
    log = read(begun, between, active("3C1A04A1F2", host="mx2"), active("3C1A04A1F2"))
    assert set(log.accepted) == {ONE, TWO}


def test_a_retry_of_the_relays_own_changes_nothing() -> None:
    log = read(cleanup("3C1A04A1F2", ONE), active("3C1A04A1F2"), active("3C1A04A1F2"), cleanup("99A1F2", ONE))
    assert (log.accepted, log.unfinished) == ({ONE: "3C1A04A1F2"}, frozenset())


def test_a_message_id_that_was_folded_is_known_as_postfix_shows_it() -> None:
    folded = ONE.replace("@", "@? ")
    assert read(cleanup("3C1A04A1F2", folded), active("3C1A04A1F2")).accepted == {ONE: "3C1A04A1F2"}


@pytest.mark.parametrize(
    ("length", "known"),
    [(len(TWO) - 1, True), (TWO.index("@") + 1, True), (TWO.index("@"), False), (TWO.index("."), False), (1, False)],
)
def test_a_message_id_cut_off_counts_where_only_one_begins_so(length: int, known: bool) -> None:
    log = read(cleanup("3C1A04A1F2", TWO[:length]), active("3C1A04A1F2"))
    assert dict(log.accepted) == ({TWO: "3C1A04A1F2"} if known else {})


def test_a_message_id_cut_off_that_two_begin_with_is_neithers() -> None:
    both = ["<a.1@example.com>", "<a.1@example.org>"]
    assert read(cleanup("3C1A04A1F2", "<a.1@example."), active("3C1A04A1F2"), wanted=both).accepted == {}


def test_what_a_client_says_is_no_line_of_the_relay() -> None:
    forged = f"postfix/cleanup[1]: 3C1A04A1F2: message-id={ONE}"
    smtpd = "Feb 20 09:00:01 mx1 postfix/smtpd[9]: NOQUEUE: reject: RCPT from x[192.0.2.1]: helo=<{}>"
    log = read(smtpd.format(forged), smtpd.format(f"Feb 20 09:00:01 mx1 {forged}"), active("3C1A04A1F2"))
    assert (log.accepted, log.unfinished) == ({}, frozenset())
    assert read(cleanup("3C1A04A1F2", ONE), smtpd.format("3C1A04A1F2: (queue active)")).accepted == {}


SENDMAIL = "Feb 20 09:00:01 mx1 {tag}[123]: 61K900aB012345: {said}"


@pytest.mark.parametrize("tag", ["sendmail", "sm-mta"])
@pytest.mark.parametrize(
    ("stat", "taken"),
    [
        ("Sent (ok 1 queued)", True),
        ("Deferred: Connection refused by mx.example.com.", True),
        ("queued", True),
        ("Blocked by SpamAssassin", False),
    ],
)
def test_sendmail_took_what_it_went_on_to_deliver(tag: str, stat: str, taken: bool) -> None:
    begun = SENDMAIL.format(tag=tag, said=f"from=<a@example.com>, size=9, class=0, nrcpts=1, msgid={ONE}, proto=ESMTP")
    tried = SENDMAIL.format(tag=tag, said=f"to=<b@example.com>, delay=00:00:00, mailer=esmtp, dsn=2.0.0, stat={stat}")
    assert dict(read(begun, tried).accepted) == ({ONE: "61K900aB012345"} if taken else {})
    assert read(begun).unfinished == {ONE}
    assert read(tried).accepted == {}


@pytest.mark.parametrize("queue_id", ["1dJ08B-0003oP-5i", "1rOJ2x-000000002kp-3VnY"])
@pytest.mark.parametrize(
    "dress",
    [
        "2026-02-20 09:00:01 {}",
        "2026-02-20 09:00:01.123 +0100 [4711] {}",
        "Feb 20 09:00:01 mx1 exim[4711]: {}",
        "Feb 20 09:00:01 mx1 exim[4711]: 2026-02-20 09:00:01 {}",
    ],
)
def test_exim_took_what_it_tells_the_arrival_of(dress: str, queue_id: str) -> None:
    arrival = f"{queue_id} <= a@example.com H=x.example.com [192.0.2.1] P=esmtp S=20480 id={ONE.strip('<>')}"
    assert read(dress.format(arrival)).accepted == {ONE: queue_id}
    assert read(dress.format(f'{arrival} T="id={TWO}" for b@example.com')).accepted == {ONE: queue_id}
    assert read(dress.format(arrival.replace("<=", "=>"))).accepted == {}


@pytest.mark.parametrize(
    ("line", "moment"),
    [
        ("2026-02-20T09:00:01.123456+01:00 mx1 x", "2026-02-20T08:00:01Z"),
        ("<22>1 2026-02-20T09:00:01Z mx1 x", "2026-02-20T09:00:01Z"),
        ("2026-02-20 09:00:01.5 +0100 [1] x", "2026-02-20T08:00:01Z"),
        ("Feb 20 09:00:01 mx1 x", "2026-02-20T09:00:01Z"),
        ("Mar  2 09:00:01 mx1 x", "2026-03-02T09:00:01Z"),
        ("Dec 31 23:59:59 mx1 x", "2025-12-31T23:59:59Z"),
        ("Feb 29 09:00:01 mx1 x", "2024-02-29T09:00:01Z"),
        ("Feb 20 2024 09:00:01 mx1 x", "2024-02-20T09:00:01Z"),
        ("Feb 31 09:00:01 mx1 x", None),
        ("Foo 20 09:00:01 mx1 x", None),
        ("2026-99-99T99:99:99Z", None),
        ("9999-12-31T23:59:59-23:59", None),
        ("", None),
    ],
)
def test_a_line_without_a_year_is_of_the_last_one_that_fits(line: str, moment: str | None) -> None:
    assert moment_of(line.encode(), NOW) == (dt.datetime.fromisoformat(moment) if moment else None)


@dataclass(frozen=True)
class Message:
    """One message a relay got; its queue id is perhaps used again by the next."""

    number: int
    host: str
    queue_id: str
    taken: bool
    tries: int


MESSAGES = st.lists(
    st.builds(
        Message,
        st.integers(0, 30),
        st.sampled_from(["mx1", "mx2"]),
        st.sampled_from(["3C1A04A1F2", "AAAAA1", "BBBBB2"]),
        st.booleans(),
        st.integers(1, 3),
    ),
    max_size=30,
)
NOISE = st.sampled_from(
    [
        "Feb 20 09:00:01 mx1 postfix/qmgr[12]: 3C1A04A1F2: removed",
        "Feb 20 09:00:01 mx1 postfix/smtpd[12]: 3C1A04A1F2: client=unknown[127.0.0.1]",
        "Feb 20 09:00:01 mx1 dovecot: imap: message-id=<x@example.com> (queue active)",
        "\x00\x00\x00 message-id=",
        "",
    ]
)


def lines_of(message: Message, dress: str) -> list[str]:
    dressed = dress.replace("mx1", message.host)
    said = f"{message.queue_id}: message-id={id_of(message.number)}"
    begun = dressed.format(tag="postfix/cleanup", said=said)
    got = dressed.format(
        tag="postfix/qmgr", said=f"{message.queue_id}: from=<a@example.com>, size=1, nrcpt=1 (queue active)"
    )
    return [begun, *([got] * message.tries if message.taken else [])]


def id_of(number: int) -> str:
    return f"<e0123456789abcdef0123456.{number}@spp.example.com>"


@given(MESSAGES, st.sets(st.integers(0, 30)), st.sampled_from(DRESSES), NOISE)
def test_exactly_what_was_taken_is_found(messages: list[Message], wanted: set[int], dress: str, noise: str) -> None:
    lines = [line for message in messages for line in (*lines_of(message, dress), noise)]
    log = read(*lines, wanted=[id_of(number) for number in wanted])
    taken = {id_of(m.number) for m in messages if m.taken and m.number in wanted}
    assert set(log.accepted) == taken
    assert log.unfinished == {id_of(m.number) for m in messages if m.number in wanted} - taken


@given(MESSAGES, st.lists(st.binary(max_size=200), max_size=20), st.randoms(use_true_random=False))
def test_what_is_found_was_taken_in_whatever_order_lines_come(messages, junk, random) -> None:  # type: ignore[no-untyped-def]
    lines = [line.encode() for message in messages for line in lines_of(message, DRESSES[0])] + junk
    random.shuffle(lines)
    log = MailLog([id_of(number) for number in range(31)])
    for line in lines:
        log.read(line)
    begun = {id_of(m.number) for m in messages}
    assert set(log.accepted) | log.unfinished == begun
    assert len(log.accepted) <= sum(m.tries for m in messages if m.taken)


@given(st.binary(max_size=300))
@settings(max_examples=300)
def test_no_line_raises(line: bytes) -> None:
    log = MailLog(WANTED)
    for text in (
        line,
        b": message-id=" + line,
        b" <= x id=" + line,
        b" <= x id=<" + line,
        b" msgid=<" + line,
        b"Feb 20 09:00:01 mx1 postfix/cleanup[1]: AAAAA1: message-id=" + line,
    ):
        log.read(text)
    moment_of(line, NOW)
    moment_of(b"Feb 20 " + line, NOW)
    assert log.accepted == {}
