"""Where one case takes place: a list in a store, a receiver, the senders; and what every case does with them."""

from __future__ import annotations

import asyncio
import atexit
import datetime as dt
import random
import shutil
import tempfile
import time
from collections.abc import AsyncIterator, Collection, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import sqlalchemy as sa

from pressrun.delivery.outcome import State
from pressrun.store.database import Database, connect_database, open_database
from pressrun.store.delivery_log import plan
from pressrun.store.tables import deliveries
from small_edition import fill_list
from torture.account import Account, Expected, LogRow, settle_account
from torture.fault import FaultPlan
from torture.process import HUNG, ReceiverProcess, SenderProcess, receiving
from torture.sender import LIST, Job, edition

DOMAINS = 10
_RUNS = 8  # how often a send is taken up again before it counts as unfinished
_PATIENCE = 90.0  # seconds a sender may take
_STANDSTILL = 5.0  # seconds in which nothing reaches the receiver
_STOCK: dict[int, Path] = {}


def readers(count: int) -> list[str]:
    """So many addresses, over ten domains."""
    return [f"reader{number:05}@d{number % DOMAINS}.example.com" for number in range(count)]


@dataclass
class Arena:
    """One case's surroundings; `target` is the port that senders are given: the receiver's, or one before it.

    What the case finds beside the books is put into `faults`, and what is worth a word into `remarks`.
    """

    folder: Path
    database: str
    addresses: Sequence[str]
    receiver: ReceiverProcess
    chance: random.Random
    job: Job
    baseline: bool = False
    faults: list[str] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)
    _senders: list[SenderProcess] = field(default_factory=list)

    @property
    def target(self) -> int:
        """The port that senders are given."""
        return self.job.port

    @target.setter
    def target(self, port: int) -> None:
        self.job = replace(self.job, port=port)

    def start(self, **changes: object) -> SenderProcess:
        """Start a sender on this case's job with `changes`."""
        job = replace(self.job, **changes)  # type: ignore[arg-type]
        sender = SenderProcess(job, "torture.baseline" if self.baseline else "torture.sender", self.folder)
        self._senders.append(sender)
        return sender

    async def run(self, **changes: object) -> int:
        """Start a sender and wait until it has ended; its status."""
        sender = self.start(**changes)
        return await self.ended(sender)

    async def ended(self, sender: SenderProcess, patience: float = _PATIENCE) -> int:
        """Its exit status; one that hangs or crashes is noted."""
        status = await sender.wait(patience)
        if status == HUNG:
            self.faults.append(f"a sender hung for {patience:g} s")
        elif sender.crash:
            self.remarks.append(f"a sender ended with {sender.crash}")
        return status

    async def finish(self, **changes: object) -> None:
        """Run senders until nothing is open, an hour apart by their clocks so that what was deferred is due."""
        for number in range(_RUNS):
            status = await self.run(**({"rounds": 30, "clock": self.job.clock + number * 10_000} | changes))
            if status in (0, HUNG):
                return

    async def grow(self, sender: SenderProcess, more: int) -> None:
        """Wait until the receiver has taken so many more, or the sender has ended or gets nowhere."""
        goal, since, before = self.receiver.journal.count() + more, time.monotonic(), -1
        while (count := self.receiver.journal.count()) < goal and not sender.has_ended:
            if count > before:
                since, before = time.monotonic(), count
            if time.monotonic() - since > _STANDSTILL:
                return
            await asyncio.sleep(0.001)

    async def reach_some_moment(self, sender: SenderProcess, most: int) -> None:
        """Wait for a moment by chance: mostly between two messages of the next `most`, sometimes of the start."""
        await sender.ready()
        if self.chance.random() < 0.15:
            await asyncio.sleep(self.chance.uniform(0, 0.4))
        else:
            await self.grow(sender, self.chance.randint(1, most))
            await asyncio.sleep(self.chance.uniform(0, 0.008))

    @asynccontextmanager
    async def store(self) -> AsyncIterator[Database]:
        """The store as it is."""
        database = connect_database(self.database)
        try:
            yield database
        finally:
            await database.engine.dispose()

    async def plan(self) -> None:
        """Plan the send before any sender does."""
        async with self.store() as database:
            await plan(database, edition(), LIST, dt.datetime.now(dt.UTC))

    async def rows(self) -> list[LogRow]:
        """What the log says of everybody."""
        names = ("address", "message_id", "state", "repeated", "worker_id")
        query = sa.select(*(deliveries.c[name] for name in names)).order_by(deliveries.c.id)
        async with self.store() as database, database.read() as connection:
            found = (await connection.execute(query)).all()
        return [
            LogRow(row.address, row.message_id, State(row.state), bool(row.repeated), row.worker_id) for row in found
        ]

    async def settle(self, bound: int, *, of_one: int | None = None, unwanted: Collection[str] = ()) -> Account:
        """The account of this case."""
        expected = Expected(self.addresses, bound, of_one, unwanted)
        account = settle_account(await self.rows(), self.receiver.journal.receipts(), expected)
        spoken = self.receiver.out_of_turn
        faults = [*self.faults, *([f"{len(spoken)} times out of turn, first {spoken[0]}"] if spoken else [])]
        remarks = dict.fromkeys([*account.remarks, *self.remarks])
        return replace(account, faults=(*account.faults, *faults), remarks=tuple(remarks))

    async def leave(self) -> None:
        """End what is still running."""
        for sender in self._senders:
            await sender.kill()


@asynccontextmanager
async def arena(
    seed: str, recipients: int, connections: int = 8, *, database: str = "", folder: Path | None = None,
    plan: FaultPlan | None = None, baseline: bool = False,
) -> AsyncIterator[Arena]:  # fmt: skip
    """An arena with a list of so many people; on SQLite, in `folder` if one is given, else in `database`."""
    chance = random.Random(seed)
    with tempfile.TemporaryDirectory(prefix="pressrun-torture-") as name:
        addresses = readers(recipients)
        database = database or await lay_down_sqlite(folder or Path(name), addresses)
        async with receiving(Path(name)) as receiver:
            await receiver.follow((plan or FaultPlan()).changed(seed=chance.getrandbits(32)))
            job = Job(database, receiver.port, connections, seed=chance.getrandbits(32))
            made = Arena(Path(name), database, addresses, receiver, chance, job, baseline)
            try:
                yield made
            finally:
                await made.leave()


async def lay_down_sqlite(folder: Path, addresses: Sequence[str]) -> str:
    """A store with the list in `folder`; made once for each length, then copied."""
    if len(addresses) not in _STOCK or not _STOCK[len(addresses)].exists():
        stock = Path(tempfile.mkdtemp(prefix="pressrun-stock-")) / "pressrun.db"
        await lay_down(f"sqlite:///{stock}", addresses)
        _STOCK[len(addresses)] = stock
    shutil.copyfile(_STOCK[len(addresses)], folder / "pressrun.db")
    return f"sqlite:///{folder}/pressrun.db"


async def lay_down(url: str, addresses: Sequence[str]) -> None:
    """Put the list into the store at `url`."""
    async with open_database(url) as database:
        await fill_list(database, LIST, addresses)


@atexit.register
def clear_stock() -> None:
    """Remove the lists kept for copying."""
    for stock in _STOCK.values():
        shutil.rmtree(stock.parent, ignore_errors=True)
    _STOCK.clear()
