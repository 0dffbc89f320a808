"""Carries single messages outside any send, test copies and notices: to the first relay that can be used."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

from pressrun.delivery.connection import Connection, Envelope
from pressrun.delivery.outcome import Kind, Outcome
from pressrun.delivery.policy import Policy
from pressrun.delivery.relay import Relay
from pressrun.errors import RelayError

TRIES = 2
"""How often a message is handed over whose connection broke before its final dot: a relay may close an idle one."""


class Parcel(NamedTuple):
    """An envelope, and the message as DATA carries it (`stuff_dots`)."""

    envelope: Envelope
    message: bytes


Pack = Callable[[Connection], Parcel]
"""Makes a message for what the connection's relay offers."""


async def carry(relays: Sequence[Relay], policy: Policy, packs: Iterable[Pack]) -> list[Outcome]:
    """Hand each message over, one after another; what became of each, in their order.

    What a relay does is told by the outcomes: where none can be used they are NOT_SENT, with the last one's reason.
    """
    courier = _Courier(relays, policy)
    try:
        return [await courier.carry(pack) for pack in packs]
    finally:
        await courier.close()


class _Courier:
    """One connection at a time; a relay that fails is not asked again."""

    def __init__(self, relays: Sequence[Relay], policy: Policy) -> None:
        self._relays, self._policy = list(relays), policy
        self._connection: Connection | None = None
        self._fault = RelayError("no relay is named")

    async def carry(self, pack: Pack) -> Outcome:
        """Hand one message over."""
        outcome = Outcome(Kind.NOT_SENT)
        for _ in range(TRIES):
            try:
                connection = await self._connect()
                outcome = await self._hand_over(connection, pack)
            except RelayError as error:
                return Outcome(Kind.NOT_SENT, error.code, text=str(error))
            if outcome.kind is not Kind.NOT_SENT:
                break
        return outcome

    async def close(self) -> None:
        """End the connection, if there is one."""
        if self._connection is not None:
            await self._connection.close()

    async def _hand_over(self, connection: Connection, pack: Pack) -> Outcome:
        outcome = await connection.deliver(*pack(connection), _may_leave)
        assert outcome is not None, "nobody said no before the dot"
        return outcome

    async def _connect(self) -> Connection:
        """A connection that takes one more message. Raises RelayError where no relay is left."""
        connection = self._connection
        if connection and connection.is_open and connection.handed_over < connection.relay.messages:
            return connection
        await self.close()
        while self._relays:
            self._connection = Connection(self._relays[0], self._policy.timeout, self._policy.final_reply_timeout)
            try:
                await self._connection.open()
            except RelayError as error:
                self._fault = error
                del self._relays[0]
            else:
                return self._connection
        raise self._fault


async def _may_leave() -> bool:
    return True
