"""The audit: opens every message in the box, finds the row that each belongs to, and gathers what is wrong."""

from __future__ import annotations

import asyncio
import hashlib
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import sqlalchemy as sa

from pressrun.address import AddressError, parse_address
from pressrun.rehearsal.box import Received, read_box
from pressrun.rehearsal.inspection import Flaw, Inspector
from pressrun.rehearsal.receipts import Receipt, write_receipts
from pressrun.rehearsal.rehearsal import Defect, Sizes
from pressrun.store.database import Database
from pressrun.store.journal import Claimed
from pressrun.store.tables import deliveries, sends

BATCH = 100
"""Messages opened between two steps of the event loop."""

EXAMPLES = 3
"""How many faulty messages of a kind are told by number and laid out as files."""


@dataclass(frozen=True)
class Audit:
    """How many messages were opened, how large they are, and what is wrong with how many of them."""

    sizes: Sizes
    defects: tuple[Defect, ...]


async def audit(
    replica: Database,
    issue: str,
    box: Path,
    inspector: Inspector,
    *,
    opened: Callable[[int], None] = lambda count: None,
) -> Audit:
    """Open every message in `box`; `opened` is told now and then how many are done.

    The receipts go into the replica, and a few faulty messages of each kind into a folder beside the box.
    """
    found, sizes = _Found(box.parent / "faulty"), Sizes()
    for batch in _batches(read_box(box)):
        rows = await _find_rows(replica, issue, [one.recipient for one in batch])
        receipts = []
        for one in batch:
            sizes = sizes.add(len(one.content))
            receipts.append(_open(one, rows.get(_key_of(one.recipient)), inspector, found))
        await write_receipts(replica, receipts)
        opened(sizes.count)
        await asyncio.sleep(0)
    return Audit(sizes, found.defects)


def _open(one: Received, row: Claimed | None, inspector: Inspector, found: _Found) -> Receipt:
    digest = hashlib.sha256(one.content).hexdigest()[:32]
    if row is None:
        return Receipt(one.number, None, "", digest)
    flaws, token = inspector.inspect(row, one.recipient, one.content)
    for flaw in flaws:
        found.add(flaw, one)
    return Receipt(one.number, row.id, token, digest)


class _Found:
    """The flaws so far; the first few messages with each are laid out in `folder`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._counts: Counter[Flaw] = Counter()
        self._examples: dict[Flaw, list[int]] = defaultdict(list)

    def add(self, flaw: Flaw, one: Received) -> None:
        self._counts[flaw] += 1
        if len(self._examples[flaw]) < EXAMPLES:
            self._examples[flaw].append(one.number)
            self._folder.mkdir(mode=0o700, exist_ok=True)
            (self._folder / f"{flaw.name.lower().replace('_', '-')}-{one.number}.eml").write_bytes(one.content)

    @property
    def defects(self) -> tuple[Defect, ...]:
        """In the order in which `Flaw` has them."""
        return tuple(Defect(f"messages with {flaw}", self._counts[flaw], tuple(self._examples[flaw]))
                     for flaw in Flaw if self._counts[flaw])  # fmt: skip


def _batches(messages: Iterator[Received]) -> Iterator[list[Received]]:
    while batch := list(islice(messages, BATCH)):
        yield batch


def _key_of(recipient: str) -> str:
    try:
        return parse_address(recipient).key
    except AddressError:
        return ""


async def _find_rows(replica: Database, issue: str, recipients: Sequence[str]) -> Mapping[str, Claimed]:
    """The rows of `issue` for some addresses, by the key of each."""
    columns = [deliveries.c[name] for name in Claimed._fields if name != "list"]
    keys = {_key_of(recipient) for recipient in recipients}
    query = (
        sa.select(*columns, sa.func.coalesce(sends.c.of_list, sends.c.list).label("list"), deliveries.c.address_key)
        .select_from(deliveries.join(sends))
        .where(deliveries.c.issue == issue, deliveries.c.address_key.in_(keys))
    )
    async with replica.read() as connection:
        found = (await connection.execute(query)).mappings().all()
    return {row["address_key"]: Claimed(**{name: row[name] for name in Claimed._fields}) for row in found}
