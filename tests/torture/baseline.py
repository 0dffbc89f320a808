"""What is usual, to compare with: `sendmail`, then the log. Takes a Job as torture.sender does, and reports alike.

A row is claimed by nobody and marked by nothing: what is not in the log as sent is sent again after a crash, and a
connection that was lost is taken for a message that was not sent, as `sendmail` can't tell the two apart.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Sequence

import aiosmtplib
import sqlalchemy as sa

from pressrun.delivery.message import MessageTemplate
from pressrun.delivery.outcome import State
from pressrun.store.database import Database, open_database
from pressrun.store.delivery_log import plan
from pressrun.store.tables import deliveries
from small_edition import make_recipient
from torture.sender import LIST, OPEN, Job, World, edition

_BATCH = 100
_TRIES = 3


class Baseline:
    """One run over what is not sent yet."""

    def __init__(self, database: Database, job: Job) -> None:
        self.database, self.job = database, job
        self.template = MessageTemplate(edition())
        self.rows: asyncio.Queue[sa.Row] = asyncio.Queue()
        self.results: list[dict[str, object]] = []

    async def run(self) -> None:
        """Batch after batch, on as many connections as the job has."""
        tried: set[int] = set()
        while batch := await self.load(tried):
            tried.update(row.id for row in batch)
            for row in batch:
                self.rows.put_nowait(row)
            async with asyncio.TaskGroup() as group:
                for _ in range(self.job.connections):
                    group.create_task(self.work())
            await self.log()

    async def load(self, tried: set[int]) -> Sequence[sa.Row]:
        open_rows = deliveries.c.state.in_([State.QUEUED.value, State.DEFERRED.value])
        query = sa.select(deliveries).where(open_rows, deliveries.c.id > max(tried, default=0)).limit(_BATCH)
        async with self.database.read() as connection:
            return (await connection.execute(query.order_by(deliveries.c.id))).all()

    async def work(self) -> None:
        client = aiosmtplib.SMTP(hostname="127.0.0.1", port=self.job.port, start_tls=False, timeout=self.job.timeout)
        while not self.rows.empty():
            row = self.rows.get_nowait()
            state = await self.hand_over(client, row)
            self.results.append({"row": row.id, "new_state": state.value})
            if len(self.results) >= self.job.connections:
                await self.log()
        client.close()

    async def hand_over(self, client: aiosmtplib.SMTP, row: sa.Row) -> State:
        """Send one message, again where the connection broke."""
        changes = {"address": row.address, "name": row.name, "message_id": row.message_id}
        message = self.template.fill(make_recipient(**changes))
        for _ in range(_TRIES):
            try:
                if not client.is_connected:
                    await client.connect()
                await client.sendmail("bulletin@spp.example.com", [row.address], message)
            except aiosmtplib.SMTPRecipientsRefused as error:
                return _state_after(error.recipients[0].code)
            except aiosmtplib.SMTPResponseException as error:
                return _state_after(error.code)
            except (aiosmtplib.SMTPException, OSError):
                client.close()
            else:
                return State.SENT
        return State.DEFERRED

    async def log(self) -> None:
        """Write down what has come of the last few."""
        results, self.results = self.results, []
        if not results:
            return
        statement = sa.update(deliveries).where(deliveries.c.id == sa.bindparam("row"))
        async with self.database.write() as connection:
            await connection.execute(statement.values(state=sa.bindparam("new_state")), results)


def _state_after(code: int) -> State:
    return State.FAILED if 500 <= code < 600 else State.DEFERRED


async def work(job: Job) -> int:
    """Send what is open, for so many rounds."""
    world = World(job, job.clock)
    async with open_database(job.database) as database:
        await plan(database, edition(), LIST, world.clock())
        for number in range(job.rounds):
            run = Baseline(database, job)
            await run.run()
            open_rows = await run.load(set())
            print(json.dumps({"event": "round", "number": number, "status": OPEN if open_rows else 0}), flush=True)
            if not open_rows:
                return 0
    return OPEN


def main(text: str) -> None:
    """Do the job that `text` is, and end the process."""
    print(json.dumps({"event": "ready"}), flush=True)
    sys.exit(asyncio.run(work(Job(**json.loads(text)))))


if __name__ == "__main__":
    main(sys.argv[1])
