"""Calls of the REST API that are not to be done twice: what each was about, and how it was answered, for a day."""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from pressrun.store.database import Database
from pressrun.store.people_tables import api_calls
from pressrun.store.subscribers import insert_into

KEPT = dt.timedelta(hours=24)
"""How long an answer is kept and given again."""

IN_FLIGHT = dt.timedelta(minutes=2)
"""How long a call is waited for that has no answer: after that, the process that began it is taken for dead."""


@dataclass(frozen=True)
class Call:
    """One call: the key's id, what its sender named it, and a hash of what it asks for."""

    key_id: str
    name: str
    request_hash: str

    @property
    def number(self) -> int:
        """64 bits that are this call's alone, the same each time: what it makes can bear them as its name."""
        said = "\0".join((self.key_id, self.name, self.request_hash))
        return int.from_bytes(hashlib.sha256(said.encode()).digest()[:8])


@dataclass(frozen=True)
class Answer:
    """What was answered: status, JSON body (None: without) and headers."""

    status: int
    body: Any = None
    headers: Mapping[str, str] | None = None


@dataclass(frozen=True)
class Begun:
    """What became of beginning a call: it is to be done now, or `answer` was given, or it is another request's name."""

    is_ours: bool = False
    is_another: bool = False
    answer: Answer | None = None


async def begin_call(database: Database, call: Call, now: dt.datetime) -> Begun:
    """Begin a call, in a transaction of its own. Neither ours nor another nor answered: it is in flight elsewhere.

    A call that was begun minutes ago and never answered was cut off by a crash: whoever asks again does it again, which
    comes to the same: every change of the API sets a state rather than adding to one, and what it makes anew bears the
    call's own `number`.
    """
    theirs = sa.and_(api_calls.c.key_id == call.key_id, api_calls.c.idempotency_key == call.name)
    row = {"key_id": call.key_id, "idempotency_key": call.name, "request_hash": call.request_hash, "created_at": now}
    async with database.write() as connection:
        await connection.execute(sa.delete(api_calls).where(theirs, api_calls.c.created_at <= now - KEPT))
        abandoned = sa.and_(theirs, api_calls.c.status.is_(None), api_calls.c.created_at <= now - IN_FLIGHT)
        await connection.execute(sa.delete(api_calls).where(abandoned, api_calls.c.request_hash == call.request_hash))
        begin = insert_into(connection, api_calls).values(row).on_conflict_do_nothing().returning(api_calls.c.key_id)
        if (await connection.execute(begin)).first() is not None:
            return Begun(is_ours=True)
        found = (await connection.execute(sa.select(api_calls).where(theirs))).mappings().one()
    if found["request_hash"] != call.request_hash:
        return Begun(is_another=True)
    if found["status"] is None:
        return Begun()
    told = found["answer"]
    return Begun(answer=Answer(found["status"], told["body"], told["headers"]))


async def answer_call(database: Database, call: Call, answer: Answer) -> None:
    """Keep the answer, to give it again."""
    told = {"body": answer.body, "headers": dict(answer.headers or {})}
    async with database.write() as connection:
        await connection.execute(sa.update(api_calls).where(_is(call)).values(status=answer.status, answer=told))


async def drop_call(database: Database, call: Call) -> None:
    """Forget a call that changed nothing: the same may be asked for again."""
    async with database.write() as connection:
        await connection.execute(sa.delete(api_calls).where(_is(call)))


async def drop_old_calls(database: Database, now: dt.datetime) -> int:
    """Forget the calls whose answers are no longer kept: how many. For housekeeping."""
    async with database.write() as connection:
        old = sa.delete(api_calls).where(api_calls.c.created_at <= now - KEPT)
        return (await connection.execute(old)).rowcount


def _is(call: Call) -> sa.ColumnElement[bool]:
    return sa.and_(api_calls.c.key_id == call.key_id, api_calls.c.idempotency_key == call.name)
