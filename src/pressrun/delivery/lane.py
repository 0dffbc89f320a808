"""One lane of a delivery: a connection at a time, on it one message after another."""

from __future__ import annotations

from dataclasses import replace

from pressrun.delivery.compositor import Letter
from pressrun.delivery.connection import NO_SMTPUTF8, Connection, Envelope
from pressrun.delivery.outcome import Kind
from pressrun.delivery.work import Work
from pressrun.errors import RelayError, UsageError
from pressrun.store.journal import Claimed, Mark

_PATIENCE = 5.0
"""Seconds a lane keeps its connection while the relay's rate lets nothing through."""


_Begun = tuple[Claimed, Letter]


class Lane:
    """Takes rows as long as there are any, and relays as the pool has room."""

    def __init__(self, work: Work) -> None:
        self._work = work
        self._connection: Connection | None = None
        self._ahead: _Begun | None = None  # its envelope is on the line already

    async def run(self) -> None:
        """Work until there is nothing more to begin. Raises StoreError where the log can't be written."""
        try:
            while not self._work.is_over:
                begun = self._pop_ahead() or await self._begin()
                if begun is not None:
                    await self._hand_over(*begun)
                elif self._work.held_until is not None:
                    return
        finally:
            self._give_up_ahead()
            await self._leave()

    def _pop_ahead(self) -> _Begun | None:
        """The row whose envelope is on the line, if the line is still there."""
        if self._ahead is None:
            return None
        if not self._has_connection():
            self._give_up_ahead()
            return None
        begun, self._ahead = self._ahead, None
        return begun

    async def _begin(self) -> _Begun | None:
        """A row, and a connection that may take it; None where there is none of either just now."""
        work = self._work
        if not self._may_stay():
            await self._leave()  # it counts until this is said
        if self._connection is None and work.pool.choose(work.surroundings.timer()) is None:
            await work.wait_for_room()
            return None
        row = await work.next_row(self._may_stay)
        if row is None:
            return None
        if not (await self._connect() and await self._pass_gate()) or self._connection is None:
            work.put_back(row)
            return None
        gate = work.gates[self._connection.relay.name]
        begun = self._address(row, self._connection)
        if begun is None:
            gate.put_back()
        return begun

    async def _hand_over(self, row: Claimed, letter: Letter) -> None:
        work, connection = self._work, self._connection
        assert connection is not None
        message = work.compositor.fill(row, letter)
        mark = Mark(row.id, letter.form.text, connection.relay.name)
        try:
            _require_size(connection, message)
            outcome = await connection.deliver(
                letter.envelope, message, lambda: work.ledger.mark_dot(mark), self._take_ahead
            )
        except RelayError as error:
            work.gates[connection.relay.name].put_back()
            work.put_back(row)
            work.relay_failed(connection.relay, error)
            await self._leave()
            return
        if outcome is not None and outcome.enhanced == NO_SMTPUTF8 and work.has_other_than(connection.relay):
            outcome = replace(outcome, kind=Kind.NOT_SENT)  # another may offer it
        if outcome is None:
            work.gates[connection.relay.name].put_back()
            work.drop(row)
        else:
            work.settle(row, outcome, connection.relay, is_first=connection.handed_over == 1)

    def _take_ahead(self) -> Envelope | None:
        """The next row's envelope, to ride behind the dot that is about to leave."""
        work, connection = self._work, self._connection
        if connection is None or work.is_over or self._is_to_leave(connection):
            return None
        gate = work.gates[connection.relay.name]
        if not gate.pass_now():
            return None
        row = work.take_row()
        if row is None:
            gate.put_back()
            return None
        begun = self._address(row, connection)
        if begun is None:
            gate.put_back()
            return None
        if connection.refuse_unasked(begun[1].envelope):
            gate.put_back()
            work.put_back(row)
            return None
        self._ahead = begun
        return begun[1].envelope

    def _address(self, row: Claimed, connection: Connection) -> _Begun | None:
        try:
            return row, self._work.compositor.address(row, connection)
        except UsageError as error:
            self._work.hold(row, str(error), connection.relay)
            return None

    async def _connect(self) -> bool:
        """See that there is a connection; False where no relay has room, or the one that had does not answer."""
        work = self._work
        if self._connection is not None and self._may_stay():
            return True
        await self._leave()
        relay = work.pool.choose(work.surroundings.timer())
        if relay is None:
            return False
        work.pool.opened(relay)
        self._connection = Connection(relay, work.policy.timeout, work.policy.final_reply_timeout)
        try:
            await self._connection.open()
        except RelayError as error:
            work.relay_failed(relay, error)
            await self._leave()
            return False
        return True

    async def _pass_gate(self) -> bool:
        """Wait for the relay's limits; False where that takes too long, and other relays may be quicker."""
        work, connection = self._work, self._connection
        assert connection is not None
        gate = work.gates[connection.relay.name]
        while (until := await gate.wait_for()) is not None:
            seconds = (until - work.surroundings.clock()).total_seconds()
            if seconds > _PATIENCE:
                work.pool.hold(connection.relay, work.surroundings.timer() + seconds)
                await self._leave()
                return False
            await work.surroundings.sleep(min(max(seconds, 0.001), 1.0))
            if work.is_over:
                return False
        return True

    def _has_connection(self) -> bool:
        return self._connection is not None and self._connection.is_open

    def _may_stay(self) -> bool:
        """Whether the connection is good for one more message; also where there is none that should go."""
        connection = self._connection
        return connection is None or (connection.is_open and not self._is_to_leave(connection))

    def _is_to_leave(self, connection: Connection) -> bool:
        """Whether the connection has done its share, or another relay or worker is to have it."""
        if connection.handed_over >= connection.relay.messages:
            return True
        return self._work.pool.is_overfull(connection.relay, self._work.surroundings.timer())

    def _give_up_ahead(self) -> None:
        if self._ahead is not None and self._connection is not None:
            self._work.gates[self._connection.relay.name].put_back()
            self._work.put_back(self._ahead[0])
            self._ahead = None

    async def _leave(self) -> None:
        connection, self._connection = self._connection, None
        if connection is None:
            return
        if connection.relay.connections is not None:  # the relay's limit counts it as long as it is there
            self._work.pool.leaving(connection.relay)
            await connection.close()
        self._work.pool.closed(connection.relay)
        self._work.announce()
        await connection.close()


def _require_size(connection: Connection, message: bytes) -> None:
    # RFC 1870: it would refuse each row for what no row can help.
    if connection.most_octets and len(message) > connection.most_octets:
        text = f"the relay {connection.relay} takes messages of up to {connection.most_octets:,} octets"
        raise RelayError(f"{text}, this one has {len(message):,}", "make the issue smaller")
