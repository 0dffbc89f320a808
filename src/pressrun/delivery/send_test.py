"""Sends test copies of an edition to a few named people: real messages, of which nothing stands in the log."""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from pressrun.address import AddressError, ParsedAddress, parse_address
from pressrun.delivery.connection import Connection, Envelope, stuff_dots
from pressrun.delivery.courier import Parcel, carry
from pressrun.delivery.dkim_key import SigningKey, keys_for
from pressrun.delivery.message import MessageTemplate, needs_smtputf8, wire_address
from pressrun.delivery.outcome import Kind, Outcome
from pressrun.delivery.policy import Policy, Surroundings
from pressrun.delivery.recipient import envelope_sender, make_recipient
from pressrun.delivery.relay import Relay
from pressrun.errors import UsageError
from pressrun.link_keys import LinkKeys
from pressrun.render.edition import Edition
from pressrun.store.journal import Claimed

MARK = "[test] "
"""What stands before the subject."""

MOST = 20
"""How many people one test may go to: what leaves without a log must stay small."""

NOBODY = 0
"""The id no subscriber and no row has: links and bounces of a test copy are nobody's."""

_LIST = "test"


@dataclass(frozen=True)
class Tested:
    """What became of one person's test copy."""

    address: str
    outcome: Outcome

    @property
    def is_sent(self) -> bool:
        """Whether the relay took it."""
        return self.outcome.kind is Kind.ACCEPTED


async def send_test(
    edition: Edition,
    addresses: Sequence[str],
    relays: Sequence[Relay],
    keys: LinkKeys,
    policy: Policy | None = None,
    *,
    signing: Sequence[SigningKey] = (),
    surroundings: Surroundings | None = None,
) -> list[Tested]:
    """Send each address the edition as a reader gets it of whom nothing is known; nothing is planned or logged.

    The subject begins with `[test] `, and the links to leave are signed for nobody: following one changes nothing. What
    relays do is told by the outcomes, in the addresses' order, each address once. The relays' limits do not count them.
    Raises UsageError where there is no address, one that is none, or more than `MOST`.
    """
    people = _parse_all(addresses)
    world = surroundings or Surroundings()
    proof = _Proof(mark(edition), keys, signing)
    rows = [_make_row(edition, person, world.clock(), world.chance) for person in people]
    outcomes = await carry(relays, policy or Policy(), [partial(proof.pack, row) for row in rows])
    return [Tested(str(person), outcome) for person, outcome in zip(people, outcomes, strict=True)]


def mark(edition: Edition) -> Edition:
    """The edition as a test copy: its subject says so, no mail to leave can be written from it, nothing is counted."""
    uncounted = {"clicks": "none", "opens": "none", "links": ()}
    return edition.model_copy(update={"subject": f"{MARK}{edition.subject}", "unsubscribe_mail": None} | uncounted)


class _Proof:
    """The edition ready to be filled, for relays that offer 8BITMIME and for those that don't."""

    def __init__(self, edition: Edition, keys: LinkKeys, signing: Sequence[SigningKey]) -> None:
        self._edition, self._keys = edition, keys
        self._signing = keys_for(signing, edition.sender_address)
        self._templates: dict[bool, MessageTemplate] = {}

    def pack(self, row: Claimed, connection: Connection) -> Parcel:
        """The copy that `row` stands for, as this connection takes it."""
        edition, offered = self._edition, connection.offers_8bitmime
        if offered not in self._templates:
            self._templates[offered] = MessageTemplate(edition, eight_bit=offered, signing=self._signing)
        template = self._templates[offered]
        sender = envelope_sender(row, edition, self._keys)
        recipient = wire_address(row.address)
        envelope = Envelope(sender, recipient, needs_smtputf8(row.address), template.is_eight_bit)
        return Parcel(envelope, stuff_dots(template.fill(make_recipient(row, edition, self._keys))))


def _make_row(edition: Edition, person: ParsedAddress, now: dt.datetime, chance: random.Random) -> Claimed:
    """A row as the log would have it, of nobody; each copy has a Message-ID of its own, or the next one would hide."""
    domain = wire_address(edition.sender_address).rpartition("@")[2]
    message_id = f"<{edition.id[:24]}.test-{chance.getrandbits(64):016x}@{domain}>"
    return Claimed(NOBODY, 0, _LIST, NOBODY, str(person), "", {}, message_id, 1, now)


def _parse_all(addresses: Sequence[str]) -> list[ParsedAddress]:
    people: dict[str, ParsedAddress] = {}
    for person in map(_parse, addresses):
        people.setdefault(person.key, person)
    if not people:
        raise UsageError("nobody is named to send a test to", "name addresses, or set testers in publication.yaml")
    if len(people) > MOST:
        raise UsageError(f"{len(people)} people are too many for a test", f"name {MOST} at most; send needs a list")
    return list(people.values())


def _parse(address: str) -> ParsedAddress:
    try:
        return parse_address(address)
    except AddressError as error:
        raise UsageError(f"{address!r} is no mail address: {error}", "write it as name@example.com") from None
