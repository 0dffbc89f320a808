"""One connection: what each fault at each step comes to, and what leaves on the line."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from faulty_relay import CLOSE, STALL, Answer, FaultyRelay, Script, Step, Then, faulty_relay, say
from pressrun.delivery.outcome import Kind, Outcome
from pressrun.delivery.relay import Relay, Starttls
from pressrun.delivery.session import Envelope, RelayError, Session

ENVELOPE = Envelope("bulletin@spp.example.com", "lin@example.com")
MESSAGE = b"Message-ID: <1@example.com>\r\nSubject: x\r\n\r\nfirst\r\n.\r\nlast\r\n"
TIMEOUT = 0.15


async def may_leave() -> bool:
    return True


def session_to(relay: FaultyRelay) -> Session:
    return Session(relay.relay, TIMEOUT, TIMEOUT)


async def try_once(script: Script, message: bytes = MESSAGE) -> tuple[Outcome | None, bool, FaultyRelay]:
    """The outcome, whether the connection can be used again, and the relay."""
    async with faulty_relay([script]) as relay:
        session = session_to(relay)
        await session.open()
        outcome = await session.deliver(ENVELOPE, message, may_leave)
        await asyncio.sleep(0.01)
        usable = session.is_open
        if usable:
            again = await session.deliver(Envelope("b@example.com", "next@example.com"), MESSAGE, may_leave)
            assert again is not None and again.kind is Kind.ACCEPTED
            assert relay.accepted[-1].recipient == "next@example.com"
        await session.close()
        return outcome, usable, relay


T, P, D, N = Kind.TEMPORARY, Kind.PERMANENT, Kind.IN_DOUBT, Kind.NOT_SENT
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
    "two replies to the dot": (
        {Step.DOT: Answer(b"451 4.3.0 later\r\n250 2.0.0 or not\r\n")}, T, 451, "4.3.0", CUT
    ),
}  # fmt: skip


@pytest.mark.parametrize("fault", FAULTS)
async def test_each_fault_has_its_outcome(fault: str) -> None:
    script, kind, code, enhanced, usable = FAULTS[fault]
    outcome, is_open, relay = await try_once(script)
    assert outcome is not None
    assert (outcome.kind, outcome.code, outcome.enhanced, is_open) == (kind, code, enhanced, usable)
    assert outcome.text.isprintable()
    if kind in (Kind.TEMPORARY, Kind.PERMANENT, Kind.NOT_SENT):
        assert relay.counts[ENVELOPE.recipient] == 0


async def test_a_sender_that_is_refused_for_good_is_no_fault_of_the_recipient() -> None:
    async with faulty_relay([{Step.MAIL: say(b"530 5.7.0 authentication required")}]) as relay:
        session = session_to(relay)
        await session.open()
        with pytest.raises(RelayError, match=f"refuses the sender {ENVELOPE.sender}: 530 5.7.0 authentication"):
            await session.deliver(ENVELOPE, MESSAGE, may_leave)
        assert not session.is_open


async def test_a_good_transaction_keeps_the_relays_reply() -> None:
    outcome, usable, relay = await try_once({Step.DOT: say(b"250 2.6.0 <x@example.com> queued as 4711")})
    assert outcome == Outcome(Kind.ACCEPTED, 250, "2.6.0", "2.6.0 <x@example.com> queued as 4711")
    assert usable
    assert next((one.sender, one.recipient) for one in relay.accepted) == (ENVELOPE.sender, ENVELOPE.recipient)


@pytest.mark.parametrize("closing", [CLOSE, say(b"421 4.3.2 closing", Then.CLOSE)], ids=["silently", "with 421"])
async def test_a_connection_lost_within_the_body_sends_no_dot(closing: Answer) -> None:
    async def wait_for_loss() -> bool:
        await asyncio.sleep(0.05)
        return True

    async with faulty_relay([{Step.BODY: closing}]) as relay:
        session = session_to(relay)
        await session.open()
        outcome = await session.deliver(ENVELOPE, MESSAGE * 1000, wait_for_loss)
    assert outcome is not None and outcome.kind is Kind.NOT_SENT
    assert not session.is_open
    assert relay.accepted == []


async def test_an_answer_before_the_dot_is_not_the_answer_to_the_dot() -> None:
    async def wait_for_reply() -> bool:
        await asyncio.sleep(0.05)
        return True

    early = {Step.BODY: say(b"250 2.0.0 early"), Step.DOT: say(b"554 5.7.1 spam")}
    async with faulty_relay([early]) as relay:
        session = session_to(relay)
        await session.open()
        outcome = await session.deliver(ENVELOPE, MESSAGE, wait_for_reply)
        await session.close()
    assert outcome is not None and (outcome.kind, outcome.code) == (Kind.PERMANENT, 554)


async def test_a_relay_that_stops_reading_leaves_the_message_in_doubt_not_hanging() -> None:
    outcome, usable, _ = await try_once({Step.BODY: Answer(then=Then.STALL)}, MESSAGE + b"x" * 3_000_000)
    assert outcome is not None and outcome.kind is Kind.IN_DOUBT
    assert not usable


async def test_where_the_log_says_no_the_dot_never_leaves() -> None:
    async def no() -> bool:
        return False

    async with faulty_relay() as relay:
        session = session_to(relay)
        await session.open()
        assert await session.deliver(ENVELOPE, MESSAGE, no) is None
        await asyncio.sleep(0.02)
    assert not session.is_open
    assert relay.accepted == []


async def test_where_the_log_fails_the_dot_never_leaves() -> None:
    async def fail() -> bool:
        raise ZeroDivisionError

    async with faulty_relay() as relay:
        session = session_to(relay)
        await session.open()
        with pytest.raises(ZeroDivisionError):
            await session.deliver(ENVELOPE, MESSAGE, fail)
        assert not session.is_open
        await asyncio.sleep(0.02)
    assert relay.accepted == []


@pytest.mark.parametrize("step", [Step.MAIL, Step.RCPT, Step.DATA, Step.DOT])
async def test_a_cancelled_delivery_cuts_its_connection(step: Step) -> None:
    async with faulty_relay([{step: STALL}]) as relay:
        session = Session(relay.relay, 5, 5)
        await session.open()
        task = asyncio.create_task(session.deliver(ENVELOPE, MESSAGE, may_leave))
        await asyncio.sleep(0.05)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert not session.is_open


@pytest.mark.parametrize(
    ("script", "said"),
    [
        ({Step.CONNECT: say(b"554 5.7.1 go away", Then.CLOSE)}, "go away"),
        ({Step.CONNECT: say(b"451 4.3.2 later", Then.CLOSE)}, "later"),
        ({Step.CONNECT: say(b"421 4.7.0 too many", Then.CLOSE)}, "too many"),
        ({Step.CONNECT: CLOSE}, ""),
        ({Step.CONNECT: STALL}, "imed out"),
        ({Step.CONNECT: say(b"HTTP/1.1 400 Bad Request")}, ""),
        ({Step.EHLO: CLOSE}, ""),
        ({Step.EHLO: STALL}, "imed out"),
        ({Step.EHLO: say(b"421 4.3.2 closing", Then.CLOSE)}, ""),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else value,
)
async def test_a_connection_that_does_not_open_is_a_relay_error(script: Script, said: str) -> None:
    async with faulty_relay([script]) as relay:
        session = session_to(relay)
        with pytest.raises(RelayError) as raised:
            await session.open()
        assert not session.is_open
    assert said in raised.value.message
    assert f"127.0.0.1:{relay.port}" in raised.value.message


async def test_a_port_where_nobody_listens_is_a_relay_error() -> None:
    async with faulty_relay() as relay:
        pass
    with pytest.raises(RelayError):
        await session_to(relay).open()


async def test_a_server_that_knows_only_helo_is_spoken_to() -> None:
    outcome, _, relay = await try_once({Step.EHLO: say(b"502 5.5.1 not implemented")})
    assert outcome is not None and outcome.kind is Kind.ACCEPTED
    assert [command[:4] for command in relay.commands[:2]] == [b"EHLO", b"HELO"]


async def test_a_login_that_fails_tells_no_password() -> None:
    async with faulty_relay() as relay:
        login = Relay("127.0.0.1", relay.port, starttls=Starttls.NEVER, username="bulletin", password="geheim-4711")
        session = Session(login, TIMEOUT, TIMEOUT)
        with pytest.raises(RelayError) as raised:
            await session.open()
    assert "geheim" not in f"{raised.value}{raised.value!r}{login!r}{login}"
    assert not session.is_open


async def test_starttls_demanded_and_not_offered_is_a_relay_error() -> None:
    async with faulty_relay() as relay:
        session = Session(Relay("127.0.0.1", relay.port, starttls=Starttls.ALWAYS), TIMEOUT, TIMEOUT)
        with pytest.raises(RelayError):
            await session.open()
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
            session = session_to(relay)
            await session.open()
            outcome = await session.deliver(envelope, MESSAGE, may_leave)
            assert session.is_open
            await session.close()
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
            session = session_to(relay)
            await session.open()
            for body in bodies:
                outcome = await session.deliver(ENVELOPE, b"A: b\r\n\r\n" + body, may_leave)
                assert outcome is not None and outcome.kind is Kind.ACCEPTED
            await session.close()
            return [one.content for one in relay.accepted]

    received = asyncio.run(exchange())
    for body, content in zip(bodies, received, strict=True):
        lines = (b"A: b\n\n" + body.replace(b"\r\n", b"\n").replace(b"\r", b"\n")).replace(b"\n", b"\r\n")
        assert content == (lines if lines.endswith(b"\r\n") else lines + b"\r\n")
