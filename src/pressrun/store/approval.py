"""Approvals: what exactly was planned for an issue, as a seal, and what somebody decided about it (promise 8)."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from pressrun.errors import UsageError
from pressrun.store.database import Database
from pressrun.store.tables import approvals, deliveries, sends

SHORT = 12
"""Characters of a seal that stand for all of it, at least: what people are shown and type."""

_PAGE = 2_000
_encode = json.JSONEncoder(separators=(",", ":")).encode


class Decision(StrEnum):
    """What somebody decided about a plan."""

    APPROVED = "approved"
    REJECTED = "rejected"


@dataclass(frozen=True)
class Approval:
    """A decision about the plan with this seal; `send_at` is a time the approver set instead of the issue's."""

    issue: str
    seal: str
    decision: Decision
    decided_by: str
    note: str
    send_at: dt.datetime | None
    created_at: dt.datetime


@dataclass(frozen=True)
class Seal:
    """What is planned for an issue: `text` is the hash of its editions, lists, and every recipient as planned.

    It stays the same while rows are delivered, and is another as soon as somebody is added or left out, or the
    edition changes. `recipients` are all rows, `waiting` those of them that wait for approval.
    """

    text: str
    edition_ids: tuple[str, ...]
    lists: tuple[str, ...]
    recipients: int
    waiting: int = field(default=0, compare=False)

    @property
    def short(self) -> str:
        """The part of it that people are shown."""
        return self.text[:SHORT]


class _Send(NamedTuple):
    """A send that has rows."""

    id: int
    list: str
    edition_id: str
    held: bool


class _Sealed(NamedTuple):
    seal: Seal
    sends: frozenset[_Send]

    def held(self) -> list[int]:
        return [send.id for send in self.sends if send.held]

    def released(self) -> list[int]:
        return [send.id for send in self.sends if not send.held]


async def read_seal(database: Database, issue: str) -> Seal | None:
    """The seal of what is planned for `issue`, None where nothing is: seconds for a million rows."""
    async with database.read() as connection:
        return await seal_of(connection, issue)


async def read_approval(database: Database, issue: str) -> Approval | None:
    """The newest decision about what is planned for `issue` today; one about an earlier plan counts for nothing."""
    async with database.read() as connection:
        return await decision_that_holds(connection, issue)


async def seal_of(connection: AsyncConnection, issue: str) -> Seal | None:
    """The seal, in the caller's transaction."""
    sealed = await _seal(connection, issue)
    return sealed.seal if sealed else None


async def decision_that_holds(connection: AsyncConnection, issue: str) -> Approval | None:
    """The same, in the caller's transaction; costs nothing where nobody has decided anything."""
    if await connection.scalar(sa.select(approvals.c.id).where(approvals.c.issue == issue).limit(1)) is None:
        return None
    sealed = await _seal(connection, issue)
    return await _newest(connection, issue, sealed.seal.text) if sealed else None


async def decide(
    database: Database,
    issue: str,
    decision: Decision,
    by: str,
    now: dt.datetime,
    *,
    seal: str | None = None,
    note: str = "",
    send_at: dt.datetime | None = None,
) -> Approval:
    """Decide about what is planned for `issue`, in one transaction with what follows from it.

    Approved, its held sends are released. Rejected, they stay held, and released ones that have not begun are held
    again. With `seal`, whole or its first characters, nothing is decided where the plan is another by now. Deciding the
    same again changes nothing, unless it sets another time.

    Raises UsageError where nothing is planned, nothing waits, the plan changed, or a rejection comes too late.
    """
    async with database.write() as connection:
        await lock_plan(connection, issue)
        sealed = await _require_seal(connection, issue, seal)
        standing = await _newest(connection, issue, sealed.seal.text)
        if standing and standing.decision is not decision:
            standing = None
        if decision is Decision.APPROVED:
            changed = await _release(connection, sealed) or send_at not in (None, standing and standing.send_at)
        else:
            changed = await _withdraw(connection, issue, sealed)
        if standing and not changed:
            return standing
        if not standing:
            _require_effect(issue, decision, sealed, changed)
        made = Approval(issue, sealed.seal.text, decision, by, note, send_at, now)
        await connection.execute(sa.insert(approvals), {**vars(made), "decision": decision.value})
    return made


def waits_for_approval(issue: str) -> UsageError:
    """What is raised where somebody has to approve first."""
    return UsageError(f"{issue} waits for approval", f"pressrun approve {issue} --by NAME lets it go")


async def lock_plan(connection: AsyncConnection, issue: str) -> None:
    """Keep everyone else from planning `issue` or deciding about it until this transaction ends.

    The first thing such a transaction does. SQLite has one writer at a time anyway.
    """
    if connection.dialect.name == "postgresql":
        number = int.from_bytes(hashlib.sha256(f"pressrun plan {issue}".encode()).digest()[:8], signed=True)
        await connection.execute(sa.select(sa.func.pg_advisory_xact_lock(sa.literal(number, sa.BigInteger))))


async def hold_unbegun(connection: AsyncConnection, issue: str, send_ids: Sequence[int]) -> list[int]:
    """Hold those of the released sends whose edition has not begun to leave: which ones these are.

    Exact while workers claim: a claim locks its sends until it is made, so that after they are held every claim is
    either made, and seen, or finds nothing.
    """
    begun = await _find_begun(connection, issue, send_ids)
    still = [number for number in send_ids if number not in begun]
    await _set_held(connection, still, held=True)
    begun = await _find_begun(connection, issue, still)
    await _set_held(connection, begun, held=False)
    return [number for number in still if number not in begun]


async def _find_begun(connection: AsyncConnection, issue: str, send_ids: Sequence[int]) -> list[int]:
    if not send_ids:
        return []
    tried = sa.select(sends.c.edition_id).join(deliveries, deliveries.c.send_id == sends.c.id)
    tried = tried.where(deliveries.c.issue == issue, deliveries.c.attempts > 0).distinct()
    query = sa.select(sends.c.id).where(sends.c.id.in_(send_ids), sends.c.edition_id.in_(tried))
    return list((await connection.scalars(query)).all())


async def _set_held(connection: AsyncConnection, send_ids: Sequence[int], *, held: bool) -> None:
    if send_ids:
        await connection.execute(sa.update(sends).where(sends.c.id.in_(send_ids)).values(held=held))


async def _release(connection: AsyncConnection, sealed: _Sealed) -> bool:
    await _set_held(connection, sealed.held(), held=False)
    return bool(sealed.held())


async def _withdraw(connection: AsyncConnection, issue: str, sealed: _Sealed) -> bool:
    return bool(await hold_unbegun(connection, issue, sealed.released()))


def _require_effect(issue: str, decision: Decision, sealed: _Sealed, changed: bool) -> None:
    """Refuse a first decision that is about nothing."""
    if changed or sealed.held():
        return
    if decision is Decision.APPROVED:
        raise UsageError(f"nothing of {issue} waits for approval", f"pressrun status {issue} tells how it stands")
    remedy = f"pressrun pause {issue} or pressrun cancel {issue} stops what has not left yet"
    raise UsageError(f"{issue} has begun to leave", remedy)


async def _require_seal(connection: AsyncConnection, issue: str, shown: str | None) -> _Sealed:
    sealed = await _seal(connection, issue)
    if sealed is None:
        raise UsageError(f"nothing of {issue} was planned yet", f"pressrun send {issue} --list LIST plans it")
    if shown is not None and (len(shown) < SHORT or not sealed.seal.text.startswith(shown)):
        remedy = f"look at it as it is now: pressrun approve {issue} shows it"
        raise UsageError(f"{issue} has changed since {shown[:SHORT]!r} was shown; nothing was decided", remedy)
    return sealed


async def _newest(connection: AsyncConnection, issue: str, text: str) -> Approval | None:
    columns = [approvals.c[name] for name in Approval.__dataclass_fields__]
    query = sa.select(*columns).where(approvals.c.issue == issue, approvals.c.seal == text)
    row = (await connection.execute(query.order_by(approvals.c.id.desc()).limit(1))).mappings().first()
    return Approval(**{**row, "decision": Decision(row["decision"])}) if row else None


async def _seal(connection: AsyncConnection, issue: str) -> _Sealed | None:
    """Hash the rows in the order of their addresses: neither ids nor states nor moments of rows are in it."""
    digest = hashlib.sha256(_encode(["pressrun plan 1", issue]).encode())
    found: dict[_Send, int] = {}
    stream = await connection.stream(_planned(issue).execution_options(yield_per=_PAGE))
    async for page in stream.partitions(_PAGE):
        rows: list[Any] = []
        for number, list_name, edition_id, held, *person in page:
            send = _Send(number, list_name, edition_id, bool(held))
            found[send] = found.get(send, 0) + 1
            rows.append((list_name, edition_id, *person))
        digest.update(_encode(rows)[1:-1].encode() + b",")  # without the brackets: pages leave no trace
    if not found:
        return None
    seal = Seal(
        digest.hexdigest(),
        tuple(sorted({send.edition_id for send in found})),
        tuple(sorted({send.list for send in found})),
        sum(found.values()),
        sum(count for send, count in found.items() if send.held),
    )
    return _Sealed(seal, frozenset(found))


def _planned(issue: str) -> sa.Select[Any]:
    row, send = deliveries.c, sends.c
    person = (row.address_key, row.address, row.name, sa.cast(row.attributes, sa.Text))
    query = sa.select(send.id, send.list, send.edition_id, send.held, *person)
    return query.join(sends, send.id == row.send_id).where(row.issue == issue).order_by(row.address_key)
