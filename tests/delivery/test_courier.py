"""Single messages: the first relay that can be used takes them, and what goes wrong is an outcome."""

from __future__ import annotations

from dataclasses import replace

from faulty_relay import CLOSE, FaultyRelay, Script, Step, Then, faulty_relay, say
from pressrun.delivery.connection import Connection, Envelope, stuff_dots
from pressrun.delivery.courier import Pack, Parcel, carry
from pressrun.delivery.outcome import Kind, Outcome
from pressrun.delivery.policy import Policy
from pressrun.delivery.relay import Relay

POLICY = Policy(timeout=2, final_reply_timeout=2)


def pack_for(*people: str) -> list[Pack]:
    def pack(person: str, connection: Connection) -> Parcel:
        return Parcel(Envelope("ops@example.com", person), stuff_dots(b"Subject: hello\r\n\r\n.\r\n"))

    return [lambda connection, person=person: pack(person, connection) for person in people]  # type: ignore[misc]


async def send_to(relay: FaultyRelay | Relay, *people: str) -> list[Outcome]:
    return await carry([relay.relay if isinstance(relay, FaultyRelay) else relay], POLICY, pack_for(*people))


async def test_messages_share_a_connection_that_is_ended_properly() -> None:
    async with faulty_relay() as relay:
        outcomes = await send_to(relay, "ann@example.com", "bob@example.com")
    assert [one.kind for one in outcomes] == [Kind.ACCEPTED, Kind.ACCEPTED]
    assert (relay.connections, relay.commands[-1]) == (1, b"QUIT")
    assert [one.recipient for one in relay.accepted] == ["ann@example.com", "bob@example.com"]
    assert relay.accepted[0].content == b"Subject: hello\r\n\r\n.\r\n"


async def test_a_refusal_is_one_persons_and_the_others_get_theirs() -> None:
    script: list[Script] = [{Step.RCPT: say(b"550 5.1.1 nobody here")}]
    async with faulty_relay(script) as relay:
        refused, taken = await send_to(relay, "ann@example.com", "bob@example.com")
    assert (refused.kind, refused.code, refused.enhanced) == (Kind.PERMANENT, 550, "5.1.1")
    assert taken.kind is Kind.ACCEPTED


async def test_the_next_relay_takes_what_the_first_cannot() -> None:
    async with faulty_relay() as gone:
        pass
    async with faulty_relay() as relay:
        outcomes = await carry([gone.relay, relay.relay], POLICY, pack_for("ann@example.com"))
    assert [one.kind for one in outcomes] == [Kind.ACCEPTED]


async def test_where_no_relay_can_be_used_each_outcome_says_why_and_it_is_asked_once() -> None:
    async with faulty_relay([{Step.CONNECT: say(b"554 5.7.1 go away", Then.CLOSE)}] * 9) as relay:
        outcomes = await send_to(relay, "ann@example.com", "bob@example.com")
    assert relay.connections == 1
    assert {one.kind for one in outcomes} == {Kind.NOT_SENT}
    assert all("go away" in one.text and str(relay.port) in one.text for one in outcomes)


async def test_a_connection_that_broke_before_the_dot_is_tried_once_more() -> None:
    async with faulty_relay([{Step.DATA: CLOSE}]) as relay:
        outcomes = await send_to(relay, "ann@example.com")
    assert ([one.kind for one in outcomes], relay.connections) == ([Kind.ACCEPTED], 2)
    async with faulty_relay([{Step.DATA: CLOSE}, {Step.DATA: CLOSE}]) as relay:
        outcomes = await send_to(relay, "ann@example.com")
    assert ([one.kind for one in outcomes], relay.connections) == ([Kind.NOT_SENT], 2)


async def test_what_may_have_been_taken_is_not_sent_again() -> None:
    async with faulty_relay([{Step.DOT: replace(CLOSE, keeps=True)}]) as relay:
        outcomes = await send_to(relay, "ann@example.com")
    assert [one.kind for one in outcomes] == [Kind.IN_DOUBT]
    assert relay.counts == {"ann@example.com": 1}


async def test_a_relay_that_refuses_the_sender_is_told_and_not_asked_for_the_next() -> None:
    async with faulty_relay([{Step.MAIL: say(b"530 5.7.0 authentication required")}] * 9) as relay:
        outcomes = await send_to(relay, "ann@example.com", "bob@example.com")
    assert {(one.kind, one.code) for one in outcomes} == {(Kind.NOT_SENT, 530)}
    assert "authentication required" in outcomes[1].text


async def test_a_relays_limit_of_messages_on_a_connection_holds() -> None:
    async with faulty_relay() as relay:
        await send_to(replace(relay.relay, messages=1), "ann@example.com", "bob@example.com")
    assert (relay.connections, len(relay.accepted)) == (2, 2)


async def test_without_a_relay_nothing_is_sent() -> None:
    (outcome,) = await carry([], POLICY, pack_for("ann@example.com"))
    assert (outcome.kind, outcome.text) == (Kind.NOT_SENT, "no relay is named")
