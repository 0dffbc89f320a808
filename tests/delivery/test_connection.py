"""One connection: what each fault at each step comes to, and what leaves on the line."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from faulty_relay import CLOSE, GOOD, STALL, Answer, FaultyRelay, Script, Step, Then, faulty_relay, say
from pressrun.delivery.connection import Connection, Envelope, stuff_dots
from pressrun.delivery.outcome import Kind, Outcome
from pressrun.delivery.relay import Relay, Starttls
from pressrun.errors import RelayError

ENVELOPE = Envelope("bulletin@spp.example.com", "lin@example.com")
MESSAGE = stuff_dots(b"Message-ID: <1@example.com>\r\nSubject: x\r\n\r\nfirst\r\n.\r\nlast\r\n")
TIMEOUT = 0.15


async def may_leave() -> bool:
    return True


def connection_to(relay: FaultyRelay) -> Connection:
    return Connection(relay.relay, TIMEOUT, TIMEOUT)


async def try_once(
    script: Script, message: bytes = MESSAGE, **changes: object
) -> tuple[Outcome | None, bool, FaultyRelay]:
    """The outcome, whether the connection can be used again, and the relay."""
    async with faulty_relay([script], **changes) as relay:
        connection = connection_to(relay)
        await connection.open()
        outcome = await connection.deliver(ENVELOPE, stuff_dots(message), may_leave)
        await asyncio.sleep(0.01)
        usable = connection.is_open
        if usable:
            again = await connection.deliver(Envelope("b@example.com", "next@example.com"), MESSAGE, may_leave)
            assert again is not None and again.kind is Kind.ACCEPTED
            assert relay.accepted[-1].recipient == "next@example.com"
        await connection.close()
        return outcome, usable, relay


A, T, P, D, N = Kind.ACCEPTED, Kind.TEMPORARY, Kind.PERMANENT, Kind.IN_DOUBT, Kind.NOT_SENT
STAYS, CUT = True, False
MULTI = b"550-5.1.1 first line\r\n550-5.1.1 second line\r\n550 5.1.1 last line\r\n"

FAULTS: Mapping[str, tuple[Script, Kind, int | None, str | None, bool]] = {
    "4xx to MAIL": ({Step.MAIL: say(b"451 4.3.0 later")}, T, 451, "4.3.0", STAYS),
    "421 to MAIL": ({Step.MAIL: say(b"421 4.3.2 closing", Then.CLOSE)}, T, 421, "4.3.2", CUT),
    "421 to MAIL without closing": ({Step.MAIL: say(b"421 4.3.2 closing")}, T, 421, "4.3.2", CUT),
    "4xx to RCPT": ({Step.RCPT: say(b"450 4.2.1 greylisted")}, T, 450, "4.2.1", STAYS),
    "5xx to RCPT": ({Step.RCPT: say(b"550 5.1.1 no such user")}, P, 550, "5.1.1", STAYS),
    "421 to RCPT": ({Step.RCPT: say(b"421 4.3.2 closing", Then.CLOSE)}, T, 421, "4.3.2", CUT),
    "4xx to DATA": ({Step.DATA: say(b"451 4.3.0 later")}, T, 451, "4.3.0", STAYS),
    "5xx to DATA": ({Step.DATA: say(b"554 5.5.0 no")}, P, 554, "5.5.0", STAYS),
    "421 to DATA": ({Step.DATA: say(b"421 4.3.2 closing", Then.CLOSE)}, T, 421, "4.3.2", CUT),
    "2xx to DATA": ({Step.DATA: say(b"250 2.0.0 ok")}, N, 250, None, CUT),
    "4xx to the dot": ({Step.DOT: say(b"452 4.2.2 full")}, T, 452, "4.2.2", STAYS),
    "5xx to the dot": ({Step.DOT: say(b"554 5.7.1 spam")}, P, 554, "5.7.1", STAYS),
    "421 to the dot": ({Step.DOT: say(b"421 4.3.2 closing", Then.CLOSE)}, T, 421, "4.3.2", CUT),
    "3xx to the dot": ({Step.DOT: say(b"354 go on")}, D, 354, None, CUT),
    "no SMTP code at the dot": ({Step.DOT: say(b"999 what")}, D, 999, None, CUT),
    "close at MAIL": ({Step.MAIL: CLOSE}, N, None, None, CUT),
    "close at RCPT": ({Step.RCPT: CLOSE}, N, None, None, CUT),
    "close at DATA": ({Step.DATA: CLOSE}, N, None, None, CUT),
    "accept and close": ({Step.DOT: Answer(then=Then.CLOSE, keeps=True)}, D, None, None, CUT),
    "drop and close": ({Step.DOT: CLOSE}, D, None, None, CUT),
    "accept and stall": ({Step.DOT: Answer(then=Then.STALL, keeps=True)}, D, None, None, CUT),
    "stall at MAIL": ({Step.MAIL: STALL}, N, None, None, CUT),
    "stall at RCPT": ({Step.RCPT: STALL}, N, None, None, CUT),
    "stall at DATA": ({Step.DATA: STALL}, N, None, None, CUT),
    "garbage to MAIL": ({Step.MAIL: say(b"\x00\xff hello")}, N, None, None, CUT),
    "garbage to RCPT": ({Step.RCPT: say(b"<html>")}, N, None, None, CUT),
    "garbage to DATA": ({Step.DATA: say(b"ok, go on")}, N, None, None, CUT),
    "garbage to the dot": ({Step.DOT: say(b"\x00\xff thank you")}, D, None, None, CUT),
    "an endless reply to the dot": ({Step.DOT: Answer(b"250-x\r\n" * 20_000)}, D, None, None, CUT),
    "half a reply to the dot, then close": ({Step.DOT: Answer(b"250 2.0.0 o", Then.CLOSE)}, D, None, None, CUT),
    "many lines to RCPT": ({Step.RCPT: Answer(MULTI)}, P, 550, "5.1.1", STAYS),
    "many lines to RCPT, byte by byte": ({Step.RCPT: Answer(MULTI, bytewise=True)}, P, 550, "5.1.1", STAYS),
    "an enhanced code of another class": ({Step.RCPT: say(b"550 4.1.1 odd")}, P, 550, None, STAYS),
    "no enhanced code": ({Step.RCPT: say(b"550 no such user")}, P, 550, None, STAYS),
    "no text at all": ({Step.RCPT: say(b"550")}, P, 550, None, STAYS),
    "an enhanced code that is none": ({Step.RCPT: say(b"550 5.1111.1 no")}, P, 550, None, STAYS),
    "RSET refused after a refusal": (
        {Step.RCPT: say(b"550 5.1.1 no"), Step.RSET: say(b"503 5.5.1 no")}, P, 550, "5.1.1", CUT
    ),
    "close at RSET after a refusal": ({Step.RCPT: say(b"550 5.1.1 no"), Step.RSET: CLOSE}, P, 550, "5.1.1", CUT),
    "250 and 354 at once": ({Step.DATA: Answer(b"354 go on\r\n250 2.0.0 early\r\n")}, N, None, None, CUT),
    "a yes to the dot, then nonsense": ({Step.DOT: Answer(b"250 2.0.0 ok\r\n<html>\r\n")}, A, 250, "2.0.0", CUT),
    "a yes to the dot, then 421": (
        {Step.DOT: Answer(b"250 2.0.0 ok\r\n421 4.3.2 closing\r\n", Then.CLOSE)}, A, 250, "2.0.0", CUT
    ),
    "two replies to the dot": (
        {Step.DOT: Answer(b"451 4.3.0 later\r\n250 2.0.0 or not\r\n")}, T, 451, "4.3.0", CUT
    ),
}  # fmt: skip


PIPELINING = (b"PIPELINING", b"8BITMIME", b"SMTPUTF8")
WAYS: Mapping[str, Mapping[str, object]] = {
    "in turn": {},
    "pipelined": {"extensions": PIPELINING},
    "pipelined, 354 whatever comes": {"extensions": PIPELINING, "goes_on_without_recipient": True},
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("fault", FAULTS)
async def test_each_fault_has_its_outcome(fault: str, way: str) -> None:
    script, kind, code, enhanced, usable = FAULTS[fault]
    if "RSET" in fault and way != "in turn":
        pytest.skip("RSET goes out with the next message: see below")
    outcome, is_open, relay = await try_once(script, **WAYS[way])
    assert outcome is not None
    assert (outcome.kind, outcome.code, outcome.enhanced, is_open) == (kind, code, enhanced, usable)
    assert outcome.text.isprintable()
    if kind in (Kind.TEMPORARY, Kind.PERMANENT, Kind.NOT_SENT):
        assert relay.counts[ENVELOPE.recipient] == 0


async def test_a_sender_that_is_refused_for_good_is_no_fault_of_the_recipient() -> None:
    async with faulty_relay([{Step.MAIL: say(b"530 5.7.0 authentication required")}]) as relay:
        connection = connection_to(relay)
        await connection.open()
        with pytest.raises(RelayError, match=f"refuses the sender {ENVELOPE.sender}: 530 5.7.0 authentication"):
            await connection.deliver(ENVELOPE, MESSAGE, may_leave)
        assert not connection.is_open


async def test_a_good_transaction_keeps_the_relays_reply() -> None:
    outcome, usable, relay = await try_once({Step.DOT: say(b"250 2.6.0 <x@example.com> queued as 4711")})
    assert outcome == Outcome(Kind.ACCEPTED, 250, "2.6.0", "2.6.0 <x@example.com> queued as 4711")
    assert usable
    assert next((one.sender, one.recipient) for one in relay.accepted) == (ENVELOPE.sender, ENVELOPE.recipient)


async def test_a_connection_lost_within_the_message_leaves_it_in_doubt_for_its_dot_had_left() -> None:
    outcome, usable, relay = await try_once({Step.BODY: CLOSE}, MESSAGE * 1000)
    assert outcome is not None and outcome.kind is Kind.IN_DOUBT
    assert not usable
    assert relay.accepted == []


async def test_a_refusal_within_the_message_is_its_answer() -> None:
    outcome, usable, _ = await try_once({Step.BODY: say(b"421 4.3.2 closing", Then.CLOSE)}, MESSAGE * 1000)
    assert outcome is not None and (outcome.kind, outcome.code) == (Kind.TEMPORARY, 421)
    assert not usable


async def test_a_yes_before_the_message_has_ended_is_no_acceptance() -> None:
    early = {Step.BODY: Answer(b"250 2.0.0 early\r\n", Then.STALL)}
    outcome, usable, _ = await try_once(early, MESSAGE + b"x" * 9_000_000)
    assert outcome is not None and (outcome.kind, outcome.code) == (Kind.IN_DOUBT, 250)
    assert not usable


async def test_a_refused_reset_costs_the_next_message_its_connection_and_no_more() -> None:
    script = {Step.RCPT: say(b"550 5.1.1 no"), Step.RSET: say(b"503 5.5.1 no")}
    async with faulty_relay([script], extensions=PIPELINING) as relay:
        connection = connection_to(relay)
        await connection.open()
        refused = await connection.deliver(ENVELOPE, MESSAGE, may_leave)
        assert refused is not None and refused.code == 550
        assert connection.is_open
        following = await connection.deliver(ENVELOPE, MESSAGE, may_leave)
        assert following is not None and following.kind is Kind.NOT_SENT
        assert not connection.is_open
    assert relay.accepted == []


def envelopes(count: int) -> list[Envelope]:
    return [Envelope("bulletin@spp.example.com", f"reader{n}@example.com") for n in range(count)]


async def deliver_all(
    relay: FaultyRelay, people: list[Envelope], dots: list[str] | None = None
) -> list[Outcome | None]:
    """Each in turn on one connection, the next envelope behind each dot; a new connection where one was lost."""
    connection, outcomes = connection_to(relay), []
    for n, envelope in enumerate(people):

        async def mark(name: str = envelope.recipient) -> bool:
            if dots is not None:
                dots.append(name)
            return True

        if not connection.is_open:
            connection = connection_to(relay)
            await connection.open()
        following = people[n + 1] if n + 1 < len(people) else None
        outcomes.append(await connection.deliver(envelope, MESSAGE, mark, lambda ahead=following: ahead))
    await connection.close()
    return outcomes


async def test_the_next_envelope_rides_behind_the_dot() -> None:
    async with faulty_relay(extensions=PIPELINING) as relay:
        outcomes = await deliver_all(relay, envelopes(5))
    assert [outcome and outcome.kind for outcome in outcomes] == [Kind.ACCEPTED] * 5
    assert [one.recipient for one in relay.accepted] == [one.recipient for one in envelopes(5)]
    assert relay.connections == 1
    assert [command[:4] for command in relay.commands[1:]] == [b"MAIL", b"RCPT", b"DATA"] * 5 + [b"QUIT"]


async def test_a_relay_without_pipelining_is_never_sent_ahead() -> None:
    async with faulty_relay() as relay:
        outcomes = await deliver_all(relay, envelopes(3))
    assert [outcome and outcome.kind for outcome in outcomes] == [Kind.ACCEPTED] * 3


PIPELINED_FAULTS = [GOOD, *(script for script, *_ in FAULTS.values() if Step.RSET not in script)]


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    scripts=st.lists(st.sampled_from(PIPELINED_FAULTS), max_size=8),
    goes_on=st.booleans(),
    pipelining=st.booleans(),
)
def test_through_any_faults_each_outcome_is_its_own_messages(
    scripts: list[Script], goes_on: bool, pipelining: bool
) -> None:
    async def exchange() -> None:
        extensions = PIPELINING if pipelining else PIPELINING[1:]
        async with faulty_relay(scripts, extensions=extensions, goes_on_without_recipient=goes_on) as relay:
            people, dots = envelopes(10), []
            outcomes = await deliver_all(relay, people, dots)
        assert len(dots) == len(set(dots))
        for envelope, outcome in zip(people, outcomes, strict=True):
            assert outcome is not None
            received = relay.counts[envelope.recipient]
            if outcome.kind is Kind.ACCEPTED:
                assert received == 1
            elif outcome.kind is Kind.IN_DOUBT:
                assert received <= 1 and envelope.recipient in dots
            else:
                assert received == 0

    asyncio.run(exchange())


async def test_a_relay_that_falls_silent_leaves_the_message_in_doubt_not_hanging() -> None:
    outcome, usable, _ = await try_once({Step.BODY: Answer(then=Then.STALL)}, MESSAGE + b"x" * 3_000_000)
    assert outcome is not None and outcome.kind is Kind.IN_DOUBT
    assert not usable


async def test_a_relay_that_stops_reading_before_the_dot_was_sent_nothing() -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for reply in (b"220 hi", b"250 hi", b"250 ok", b"250 ok", b"354 go on"):
            writer.write(reply + b"\r\n")
            if not reply.startswith(b"354"):
                await reader.readline()
        await asyncio.sleep(5)  # the reader's buffer fills, then nothing is read any more

    server = await asyncio.start_server(talk, "127.0.0.1", 0)
    relay = Relay("127.0.0.1", server.sockets[0].getsockname()[1], starttls=Starttls.NEVER)
    connection = Connection(relay, TIMEOUT, TIMEOUT)
    await connection.open()
    outcome = await connection.deliver(ENVELOPE, MESSAGE + b"x" * 20_000_000, may_leave)
    server.close()
    assert outcome is not None and outcome.kind is Kind.NOT_SENT
    assert not connection.is_open


async def test_where_the_log_says_no_the_dot_never_leaves() -> None:
    async def no() -> bool:
        return False

    async with faulty_relay() as relay:
        connection = connection_to(relay)
        await connection.open()
        assert await connection.deliver(ENVELOPE, MESSAGE, no) is None
        await asyncio.sleep(0.02)
    assert not connection.is_open
    assert relay.accepted == []


async def test_where_the_log_fails_the_dot_never_leaves() -> None:
    async def fail() -> bool:
        raise ZeroDivisionError

    async with faulty_relay() as relay:
        connection = connection_to(relay)
        await connection.open()
        with pytest.raises(ZeroDivisionError):
            await connection.deliver(ENVELOPE, MESSAGE, fail)
        assert not connection.is_open
        await asyncio.sleep(0.02)
    assert relay.accepted == []


@pytest.mark.parametrize("step", [Step.MAIL, Step.RCPT, Step.DATA, Step.DOT])
async def test_a_cancelled_delivery_cuts_its_connection(step: Step) -> None:
    async with faulty_relay([{step: STALL}]) as relay:
        connection = Connection(relay.relay, 5, 5)
        await connection.open()
        task = asyncio.create_task(connection.deliver(ENVELOPE, MESSAGE, may_leave))
        await asyncio.sleep(0.05)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert not connection.is_open


async def test_a_server_that_knows_only_helo_is_spoken_to() -> None:
    outcome, _, relay = await try_once({Step.EHLO: say(b"502 5.5.1 not implemented")})
    assert outcome is not None and outcome.kind is Kind.ACCEPTED
    assert [command[:4] for command in relay.commands[:2]] == [b"EHLO", b"HELO"]


async def test_a_login_that_fails_tells_no_password() -> None:
    async with faulty_relay() as relay:
        login = Relay("127.0.0.1", relay.port, starttls=Starttls.NEVER, username="bulletin", password="geheim-4711")
        connection = Connection(login, TIMEOUT, TIMEOUT)
        with pytest.raises(RelayError) as raised:
            await connection.open()
    assert "geheim" not in f"{raised.value}{raised.value!r}{login!r}{login}"
    assert not connection.is_open


async def test_starttls_demanded_and_not_offered_is_a_relay_error() -> None:
    async with faulty_relay() as relay:
        connection = Connection(Relay("127.0.0.1", relay.port, starttls=Starttls.ALWAYS), TIMEOUT, TIMEOUT)
        with pytest.raises(RelayError):
            await connection.open()
    assert not any(command.startswith(b"MAIL") for command in relay.commands)


async def test_a_reply_in_another_character_set_can_be_stored() -> None:
    outcome, _, _ = await try_once({Step.RCPT: say("550 5.2.2 boîte\x00 pleine".encode("latin-1"))})
    assert outcome is not None
    assert outcome.text == "5.2.2 bo\ufffdte pleine"
    outcome.text.encode()


async def test_a_local_part_beyond_ascii_needs_smtputf8() -> None:
    envelope = Envelope("bulletin@spp.example.com", "用户@example.com", smtputf8=True)
    async with faulty_relay() as able, faulty_relay(extensions=(b"8BITMIME",)) as unable:
        for relay in (able, unable):
            connection = connection_to(relay)
            await connection.open()
            outcome = await connection.deliver(envelope, MESSAGE, may_leave)
            assert connection.is_open
            await connection.close()
            if relay is unable:
                assert outcome is not None
                assert (outcome.kind, outcome.enhanced, relay.accepted) == (Kind.PERMANENT, "5.6.7", [])
            else:
                assert outcome is not None and outcome.kind is Kind.ACCEPTED
                assert relay.accepted[0].recipient == "用户@example.com"
                assert any(line.endswith(b"SMTPUTF8 BODY=8BITMIME") for line in relay.commands)


@pytest.mark.parametrize(
    "evil",
    [
        b"a\n.\nMAIL FROM:<evil@example.com>\n",
        b"a\r\n.\nMAIL FROM:<evil@example.com>\r\n",
        b"a\n.\r\nMAIL FROM:<evil@example.com>\r\n",
        b"a\r.\rMAIL FROM:<evil@example.com>\r",
        b"a\r.\r\nMAIL\r\n",
        b"a\r\n.\r\nMAIL FROM:<evil@example.com>\r\nQUIT\r\n",
        b".\r\n.",
        b"no line end",
        b"",
    ],
)
async def test_nothing_in_a_message_ends_it_early(evil: bytes) -> None:
    outcome, _, relay = await try_once({}, b"Message-ID: <1@example.com>\r\n\r\n" + evil)
    assert outcome is not None and outcome.kind is Kind.ACCEPTED
    assert [one.recipient for one in relay.accepted] == ["lin@example.com", "next@example.com"]
    raw = relay.raw[0].replace(b"\r\n", b"")
    assert b"\r" not in raw and b"\n" not in raw
    assert not any(b"evil" in command for command in relay.commands)


PIECES = st.sampled_from([b".", b"\r\n", b"\r\n.", b"..", b"x", b"\r\n.\r\n", b"\n", b"\r"])


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(bodies=st.lists(st.lists(PIECES, max_size=12).map(b"".join), min_size=1, max_size=5))
def test_every_body_comes_out_whole(bodies: list[bytes]) -> None:
    async def exchange() -> list[bytes]:
        async with faulty_relay() as relay:
            connection = connection_to(relay)
            await connection.open()
            for body in bodies:
                outcome = await connection.deliver(ENVELOPE, stuff_dots(b"A: b\r\n\r\n" + body), may_leave)
                assert outcome is not None and outcome.kind is Kind.ACCEPTED
            await connection.close()
            return [one.content for one in relay.accepted]

    received = asyncio.run(exchange())
    for body, content in zip(bodies, received, strict=True):
        lines = (b"A: b\n\n" + body.replace(b"\r\n", b"\n").replace(b"\r", b"\n")).replace(b"\n", b"\r\n")
        assert content == (lines if lines.endswith(b"\r\n") else lines + b"\r\n")


async def test_a_relay_that_closes_behind_its_yes_costs_the_envelope_ahead_its_connection_alone() -> None:
    async with faulty_relay([{Step.DOT: say(b"250 2.0.0 ok", Then.CLOSE)}], extensions=PIPELINING) as relay:
        outcomes = await deliver_all(relay, envelopes(3))
    kinds = [outcome and outcome.kind for outcome in outcomes]
    assert kinds[0] is Kind.ACCEPTED and kinds[2] is Kind.ACCEPTED
    assert kinds[1] in (Kind.NOT_SENT, Kind.ACCEPTED)  # by whether the loss was known before it was handed over
    assert sum(relay.counts.values()) == kinds.count(Kind.ACCEPTED)


async def test_what_was_sent_ahead_and_is_not_wanted_any_more_leaves_no_message() -> None:
    """A run that stops closes its connections: MAIL, RCPT and DATA are out, and nothing may follow them."""
    first, second = envelopes(2)
    async with faulty_relay(extensions=PIPELINING) as relay:
        connection = connection_to(relay)
        await connection.open()
        outcome = await connection.deliver(first, MESSAGE, may_leave, lambda: second)
        assert outcome is not None and outcome.kind is Kind.ACCEPTED
        await connection.close()
        await asyncio.sleep(0.01)
        assert b"QUIT" not in relay.commands  # it would be the first line of the message
    assert relay.counts == {first.recipient: 1}


async def test_the_limits_a_relay_states_are_known() -> None:
    async with faulty_relay(extensions=(b"SIZE 12345", b"PIPELINING")) as relay:
        connection = connection_to(relay)
        await connection.open()
        offers = (connection.offers_pipelining, connection.offers_8bitmime, connection.offers_smtputf8)
        assert (connection.most_octets, offers) == (12_345, (True, False, False))
        eight_bit = Envelope("b@example.com", "lin@example.com", eight_bit=True)
        outcome = await connection.deliver(eight_bit, MESSAGE, may_leave)
        assert outcome is not None and (outcome.kind, outcome.enhanced) == (Kind.TEMPORARY, "4.6.3")
        assert connection.is_open and not any(command.startswith(b"MAIL") for command in relay.commands)
        await connection.close()


async def test_8bit_is_announced_to_a_relay_that_takes_it() -> None:
    async with faulty_relay(extensions=PIPELINING) as relay:
        connection = connection_to(relay)
        await connection.open()
        envelope = Envelope("b@example.com", "lin@example.com", eight_bit=True)
        outcome = await connection.deliver(envelope, stuff_dots("A: b\r\n\r\n信\r\n".encode()), may_leave)
        await connection.close()
    assert outcome is not None and outcome.kind is Kind.ACCEPTED
    assert b"MAIL FROM:<b@example.com> BODY=8BITMIME" in relay.commands


@pytest.mark.parametrize("evil", ["a b@example.com", "a>@example.com", "a@example.com\r\nRSET", "a\x00@example.com"])
async def test_an_address_that_would_end_its_command_never_reaches_the_line(evil: str) -> None:
    async with faulty_relay(extensions=PIPELINING) as relay:
        connection = connection_to(relay)
        await connection.open()
        outcome = await connection.deliver(Envelope("b@example.com", evil), MESSAGE, may_leave)
        await connection.close()
    assert outcome is not None and (outcome.kind, outcome.enhanced) == (Kind.PERMANENT, "5.1.3")
    assert [command[:4] for command in relay.commands] == [b"EHLO", b"QUIT"]
