"""A server that is killed in the middle: whoever was told that they left the list did."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from pathlib import Path

import httpx
import sqlalchemy as sa

from command import free_ports, plain_environment
from patience import HUNG
from pressrun.delivery.leave_link import Leave, make_leave_token
from pressrun.store.database import Database, open_database
from pressrun.store.tables import memberships
from small_edition import KEY, addresses, fill_list
from small_issue import write_small_issue

PEOPLE, CONNECTIONS, TOLD = 2_000, 40, 300
ONE_CLICK = {"List-Unsubscribe": "One-Click"}


def start(workspace: Path, database_url: str, port: int) -> subprocess.Popen[str]:
    """`pressrun serve`, once it listens."""
    command = [sys.executable, "-m", "pressrun", "--workspace", str(workspace), "serve", "--port", str(port)]
    known = {"PRESSRUN_DATABASE_URL": database_url, "PRESSRUN_SECRET_KEY": KEY.newest.secret.decode()}
    process = subprocess.Popen(command, env=plain_environment() | known, stderr=subprocess.PIPE, text=True)
    assert process.stderr and "serving" in process.stderr.readline()
    return process


async def post(port: int, waiting: list[int], told: set[int], enough: asyncio.Event) -> None:
    """Let people leave, one after the other, until the server is gone."""
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", trust_env=False, timeout=HUNG) as client:
        while waiting:
            number = waiting.pop()
            try:
                answer = await client.post(
                    f"/small/unsubscribe/{make_leave_token(Leave(number, 'all'), KEY)}", data=ONE_CLICK
                )
            except httpx.TransportError:
                return
            assert answer.status_code == 200
            told.add(number)
            if len(told) >= TOLD:
                enough.set()


async def who_left(database: Database) -> set[int]:
    query = sa.select(memberships.c.subscriber_id).where(memberships.c.left_at.is_not(None))
    async with database.read() as connection:
        return set((await connection.scalars(query)).all())


async def test_whoever_was_told_that_they_left_did(tmp_path: Path, database_url: str) -> None:
    write_small_issue(tmp_path)
    async with open_database(database_url) as database:
        await fill_list(database, "all", addresses(PEOPLE))
    (port,) = free_ports(1)
    process = await asyncio.to_thread(start, tmp_path, database_url, port)
    waiting, told, enough = list(range(1, PEOPLE + 1)), set[int](), asyncio.Event()
    try:
        async with asyncio.timeout(HUNG):
            posting = asyncio.gather(*(post(port, waiting, told, enough) for _ in range(CONNECTIONS)))
            await asyncio.wait([asyncio.ensure_future(enough.wait()), posting], return_when=asyncio.FIRST_COMPLETED)
            process.kill()
            await posting
    finally:
        process.kill()
        process.communicate()
    assert TOLD <= len(told) < PEOPLE  # it was killed while people were leaving
    async with open_database(database_url) as database:
        left = await who_left(database)
    assert told <= left
    assert len(left - told) <= CONNECTIONS  # those whose answer was on its way
