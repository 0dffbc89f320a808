"""Settling rows in doubt: a log's word first, then a person's, and nothing where the choice doesn't fit."""

from __future__ import annotations

import datetime as dt
import gzip
import os
import smtplib
import socket
import threading
import time
from collections.abc import Sequence
from pathlib import Path

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st

from pressrun.address import ParsedAddress, parse_address
from pressrun.delivery.outcome import State
from pressrun.delivery.resolve import Choice, LogFindings, decide, read_logs, resolve
from pressrun.errors import UsageError
from pressrun.store.control import cancel, pause
from pressrun.store.database import Database
from pressrun.store.delivery_log import Row, count_states, plan, read_log
from pressrun.store.resolution import InDoubt
from pressrun.store.tables import deliveries
from private_postfix import PrivatePostfix, private_postfix
from small_edition import NOW, addresses, fill_list, make_edition

ISSUE = "spp/2026-02"
LATER = NOW + dt.timedelta(hours=1)


async def die_behind_the_dot(database: Database, count: int) -> list[str]:
    """A worker dies with `count` dots on their way; nobody has noticed yet. Gives the Message-IDs."""
    await fill_list(database, "all", addresses(count + 1))
    await plan(database, make_edition(), "all", NOW)
    worked_on = sa.update(deliveries).where(deliveries.c.address.in_(addresses(count)))
    async with database.write() as connection:
        await connection.execute(worked_on.values(state=State.DOT.value, worker_id="w", attempts=1))
    return [row.message_id for row in await log(database)][:count]


async def log(database: Database) -> list[Row]:
    return [row async for row in read_log(database, ISSUE)]


def named(*texts: str) -> Sequence[ParsedAddress]:
    return [parse_address(text) for text in texts]


def taken(queue_id: str, message_id: str, moment: str = "Feb 20 09:00:01") -> str:
    return (
        f"{moment} mx1 postfix/cleanup[1]: {queue_id}: message-id={message_id}\n"
        f"{moment} mx1 postfix/qmgr[2]: {queue_id}: from=<a@example.com>, size=9, nrcpt=1 (queue active)\n"
    )


async def test_without_a_choice_the_rows_are_told_and_stay(database: Database) -> None:
    await die_behind_the_dot(database, 2)
    for _ in range(2):  # the first one notices that the worker is gone
        resolution = await resolve(database, ISSUE, LATER)
        assert [row.address for row in resolution.left] == addresses(2)
        assert (resolution.by_log, resolution.by_hand, resolution.again) == (0, 0, 0)
    assert (await count_states(database, ISSUE))[State.IN_DOUBT] == 2


async def test_rows_are_settled_one_by_one(database: Database) -> None:
    await die_behind_the_dot(database, 3)
    choice = Choice(named("Reader0000@EXAMPLE.com"), named("reader0001@example.com"), note="asked\r\nthem; 林")
    resolution = await resolve(database, ISSUE, LATER, choice=choice)
    assert (resolution.by_hand, resolution.again, len(resolution.left)) == (1, 1, 1)
    accepted, again, left, _ = await log(database)
    assert (accepted.state, accepted.code, accepted.reply) == (State.SENT, 250, "settled by hand: asked them; 林")
    assert (again.state, left.state) == (State.QUEUED, State.IN_DOUBT)


@pytest.mark.parametrize(
    ("choice", "state", "reply"),
    [
        (Choice(accept_all=True), State.SENT, "settled by hand: taken for sent, no note"),
        (Choice(resend_all=True), State.QUEUED, "the sender stopped between the final dot and the relay's answer"),
    ],
)
async def test_all_are_settled_at_once(database: Database, choice: Choice, state: State, reply: str) -> None:
    await die_behind_the_dot(database, 3)
    assert not (await resolve(database, ISSUE, LATER, choice=choice)).left
    assert {(row.state, row.reply) for row in (await log(database))[:3]} == {(state, reply)}


async def test_a_log_settles_what_the_relay_took_and_a_person_the_rest(database: Database, tmp_path: Path) -> None:
    ids = await die_behind_the_dot(database, 4)
    file = tmp_path / "mail.log"
    begun = f"Feb 20 09:00:09 mx1 postfix/cleanup[1]: 4jXF3950g2zJ9DH: message-id={ids[1]}\n"
    file.write_text(taken("4jXF390fqLzJ9DH", ids[0]) + begun)
    resolution = await resolve(database, ISSUE, LATER, logs=[file], choice=Choice(resend=named(addresses(4)[0])))
    assert (resolution.by_log, resolution.by_hand, resolution.again, len(resolution.left)) == (1, 0, 0, 3)
    assert resolution.unfinished == {ids[1]}
    row = (await log(database))[0]
    assert (row.state, row.code, row.enhanced) == (State.SENT, 250, None)
    assert row.reply == "queued as 4jXF390fqLzJ9DH, by the log mail.log"
    assert not (await resolve(database, ISSUE, LATER, logs=[file], choice=Choice(resend_all=True))).left
    assert (await count_states(database, ISSUE))[State.QUEUED] == 4


@pytest.mark.parametrize(
    ("choice", "said"),
    [
        (Choice(accept=named("nobody@example.com"), resend_all=True), "has no row for nobody@example.com"),
        (Choice(resend=named("reader0002@example.com"), accept_all=True), "is queued, not in doubt"),
        (Choice(accept_all=True, resend_all=True), "contradict"),
        (Choice(accept=named("A@example.com"), resend=named("a@example.com")), "a@example.com is to be accepted and"),
    ],
)
async def test_a_choice_that_does_not_fit_settles_nothing(database: Database, choice: Choice, said: str) -> None:
    await die_behind_the_dot(database, 2)
    with pytest.raises(UsageError, match=said):
        await resolve(database, ISSUE, LATER, choice=choice)
    assert len((await resolve(database, ISSUE, LATER)).left) == 2


async def test_nothing_is_sent_again_under_a_cancel_but_may_be_under_a_pause(database: Database) -> None:
    await die_behind_the_dot(database, 2)
    await resolve(database, ISSUE, LATER)
    await pause(database, ISSUE, LATER)
    assert (await resolve(database, ISSUE, LATER, choice=Choice(resend=named(addresses(1)[0])))).again == 1
    await cancel(database, ISSUE, LATER)
    with pytest.raises(UsageError, match="--cancelled"):
        await resolve(database, ISSUE, LATER, choice=Choice(resend_all=True))
    left = (await resolve(database, ISSUE, LATER)).left
    assert [one.repeated for one in left] == [True, False]  # the second message was cancelled: the first stays in doubt
    assert (await resolve(database, ISSUE, LATER, choice=Choice(accept_all=True))).by_hand == 2


async def test_a_resent_row_keeps_what_its_bytes_are_made_of(database: Database) -> None:
    await die_behind_the_dot(database, 1)
    columns = [deliveries.c[name] for name in ("message_id", "created_at", "name", "attributes", "form", "send_id")]
    async with database.write() as connection:
        await connection.execute(sa.update(deliveries).values(form="8bit dkim=pr202602"))
        before = (await connection.execute(sa.select(*columns).order_by(deliveries.c.id))).first()
    await resolve(database, ISSUE, LATER, choice=Choice(resend_all=True))
    async with database.read() as connection:
        query = sa.select(*columns, deliveries.c.repeated, deliveries.c.worker_id).order_by(deliveries.c.id)
        after = (await connection.execute(query)).first()
    assert before is not None and after is not None
    assert tuple(after) == (*before, True, None)


def row(number: int) -> InDoubt:
    address = f"r{number}@example.com"
    return InDoubt(number, address, address, "all", f"<e.{number}@example.com>", None, None, False, NOW, NOW)


NUMBERS = st.sets(st.integers(0, 12))


@given(NUMBERS, NUMBERS, NUMBERS, NUMBERS, st.sampled_from(["", "accept", "resend"]))
def test_every_row_is_decided_exactly_once(
    rows: set[int], logged: set[int], accept: set[int], resend: set[int], rest: str
) -> None:
    findings = LogFindings({f"<e.{number}@example.com>": "queued" for number in logged})
    resend -= accept
    people = [named(*(f"r{number}@example.com" for number in numbers)) for numbers in (accept, resend)]
    choice = Choice(*people, accept_all=rest == "accept", resend_all=rest == "resend")
    decision = decide([row(number) for number in rows], findings, choice)
    left = {one.id for one in decision.left}
    parts = [set(decision.by_log), set(decision.by_hand), set(decision.again), left]
    assert sum(map(len, parts)) == len(rows) and set().union(*parts) == rows
    assert parts[0] == rows & logged
    assert accept & rows - logged <= parts[1]
    assert resend & rows - logged <= parts[2]
    assert not (left and rest)


async def test_logs_are_read_oldest_first_however_they_are_named(tmp_path: Path) -> None:
    message_id = "<e.1@example.com>"
    begun, active = taken("3C1A04A1F2", message_id, "Dec 31 23:59:59").splitlines(keepends=True)
    newer, older = tmp_path / "mail.log", tmp_path / "mail.log.1.gz"
    newer.write_text("\n-- no moment --\n" + active.replace("Dec 31 23:59:59", "Jan  1 00:00:00"))
    older.write_bytes(gzip.compress(begun.encode()))
    for files in ([newer, older], [older, newer]):
        findings = read_logs(files, [message_id], NOW)
        assert findings.taken == {message_id: "queued as 3C1A04A1F2, by the log mail.log"}
    assert read_logs([older], [message_id], NOW).unfinished == {message_id}


def test_a_log_may_come_through_a_pipe(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    text = taken("3C1A04A1F2", "<e.1@example.com>")
    writer = threading.Thread(target=pipe.write_text, args=(text,))
    writer.start()
    assert set(read_logs([pipe], ["<e.1@example.com>"], NOW).taken) == {"<e.1@example.com>"}
    writer.join()


@pytest.mark.parametrize("content", [b"\x1f\x8b\x08 not gzip at all", gzip.compress(b"x" * 9_000, mtime=0)[:-30], None])
async def test_a_log_that_cant_be_read_settles_nothing(
    database: Database, tmp_path: Path, content: bytes | None
) -> None:
    (message_id,) = await die_behind_the_dot(database, 1)
    good, bad = tmp_path / "good.log", tmp_path / "bad.log.gz"
    good.write_text(taken("3C1A04A1F2", message_id))
    if content is not None:
        bad.write_bytes(content)
    with pytest.raises(UsageError, match=r"bad\.log\.gz: can't be read"):
        await resolve(database, ISSUE, LATER, logs=[good, bad], choice=Choice(accept_all=True))
    assert len((await resolve(database, ISSUE, LATER)).left) == 1


def test_a_file_without_line_ends_is_read_in_pieces(tmp_path: Path) -> None:
    file = tmp_path / "core"
    file.write_bytes(b"message-id=" * 100_000)
    assert read_logs([file], ["<e.1@example.com>"], NOW) == LogFindings({}, frozenset())


def submit(postfix: PrivatePostfix, message_id: str) -> str:
    """Hand a message over as a whole; gives the queue id that Postfix answered with."""
    with smtplib.SMTP("127.0.0.1", postfix.port) as client:
        client.ehlo()
        client.mail("a@example.com")
        client.rcpt("b@example.com")
        code, reply = client.data(f"From: a@example.com\r\nMessage-ID: {message_id}\r\n\r\nhello\r\n")
    assert code == 250
    return reply.decode().rpartition(" ")[2]


def vanish(postfix: PrivatePostfix, message_id: str) -> None:
    """Hand a message over without its dot, and be gone."""
    with socket.create_connection(("127.0.0.1", postfix.port)) as connection, connection.makefile("rwb") as stream:
        stream.readline()
        for command in ("HELO x", "MAIL FROM:<a@example.com>", "RCPT TO:<b@example.com>", "DATA"):
            stream.write(f"{command}\r\n".encode())
            stream.flush()
            assert stream.readline()[:1] in b"23"
        stream.write(f"From: a@example.com\r\nMessage-ID: {message_id}\r\n\r\nhello\r\n".encode())


@pytest.mark.postfix
@pytest.mark.parametrize("long_ids", ["yes", "no"])
def test_postfixs_own_log_tells_what_it_took(tmp_path: Path, long_ids: str) -> None:
    ids = [f"<e0123456789abcdef0123456.{n}@spp.example.com>" for n in range(6)]
    long = f"<e0123456789abcdef0123456.7@{'.'.join(['x' * 60] * 3)}.example.com>"
    with private_postfix(settings={"enable_long_queue_ids": long_ids}) as postfix:
        queued = {}
        for number, message_id in enumerate(ids):
            if number % 2:
                vanish(postfix, message_id)
            else:
                queued[message_id] = submit(postfix, message_id)
        queued[long] = submit(postfix, f"\r\n {long}")  # on a line of its own (RFC 5322 §2.2.3)
        wait_for(postfix, [*ids, long])
        findings = read_logs([postfix.log_file], [*ids, long, "<e.8@example.com>"], dt.datetime.now(dt.UTC))
    said = {message_id: f"queued as {queue_id}, by the log mail.log" for message_id, queue_id in queued.items()}
    assert findings == LogFindings(said, frozenset(ids[1::2]))


def wait_for(postfix: PrivatePostfix, message_ids: Sequence[str]) -> None:
    """Return when the log has a line for each message and nothing is left in the queue."""
    postfix.wait_until_empty()
    until = time.monotonic() + 20
    while not all(message_id in postfix.log for message_id in message_ids):
        assert time.monotonic() < until, postfix.log
        time.sleep(0.05)
