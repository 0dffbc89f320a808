"""A small issue that is planned and held until somebody approves of it, for tests of what may leave and when."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Sequence

import sqlalchemy as sa

from pressrun.delivery.outcome import State
from pressrun.render.edition import Edition
from pressrun.store.claim import register_worker
from pressrun.store.database import Database
from pressrun.store.journal import Scope, Settled, open_journal
from pressrun.store.planning import propose
from pressrun.store.tables import deliveries, sends
from small_edition import NOW, addresses, fill_list, make_edition

ISSUE = "spp/2026-02"
FIRST = make_edition()
MENDED = make_edition(id="f" * 64, html="<p>mended</p>")
HOUR = dt.timedelta(hours=1)


async def put_up(database: Database, count: int = 3, *lists: str, edition: Edition = FIRST) -> str:
    """Propose the edition for `count` people on each list: the seal's text."""
    for number, name in enumerate(lists or ["all"]):
        await fill_list(database, name, addresses(count, number * count))
    return await seal_now(database, edition, *lists)


async def seal_now(database: Database, edition: Edition, *lists: str, fresh: bool = False) -> str:
    """Propose the edition as it is now: the seal's text."""
    proposal = await propose(database, edition, lists or ["all"], NOW, fresh=fresh)
    return proposal.seal.text if proposal.seal else ""


async def rows(database: Database) -> list[tuple[str, str, str, bool]]:
    """Every row of the log: list, address, edition and whether its send is held."""
    columns = (sends.c.list, deliveries.c.address, sends.c.edition_id, sends.c.held)
    query = sa.select(*columns).select_from(deliveries.join(sends)).order_by(sends.c.list, deliveries.c.id)
    async with database.read() as connection:
        return [tuple(row) for row in await connection.execute(query)]


async def begin(database: Database, limit: int, state: State | None = State.SENT) -> Sequence[str]:
    """Claim up to `limit` rows and, with a state, settle them: whose they are."""
    worker = uuid.uuid4().hex[:12]
    await register_worker(database, worker, "host", 1, NOW, HOUR)
    async with open_journal(database) as journal:
        claimed = await journal.claim(Scope(ISSUE, worker), limit, NOW)
        if state:
            settled = [Settled(row.id, state, 1, 250, None, "ok", NOW + HOUR, NOW) for row in claimed]
            await journal.write(worker, settled, (), NOW)
    return [row.address for row in claimed]
