"""Workers on several hosts, one of them cut off in the middle: everybody is mailed once, or flagged."""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress
from contextvars import ContextVar
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from faulty_relay import Accepted, FaultyRelay
from hosts import NETWORK, Host, hosts, why_no_hosts
from installation import DEPLOYMENTS
from patience import HUNG
from pressrun.delivery.outcome import State
from pressrun.store.database import open_database
from pressrun.store.delivery_log import Row, count_open, read_log
from small_edition import addresses, fill_list
from small_issue import write_small_issue
from torture.cluster import Cluster, private_cluster, why_no_cluster

pytestmark = pytest.mark.postgres

ISSUE = "small/2026-01"
RECIPIENTS = 1_500
CONNECTIONS = 4

PASSWORDS = {"PREFECT_DATABASE_PASSWORD": "one", "PRESSRUN_DATABASE_PASSWORD": "two"}
_NOTICE = (  # as databases.sql has it, only sooner
    *("tcp_keepalives_idle = 1", "tcp_keepalives_interval = 1", "tcp_keepalives_count = 2", "tcp_user_timeout = '3s'"),
)
_sender: ContextVar[str] = ContextVar("sender")


@dataclass
class WatchedRelay(FaultyRelay):
    """A relay that everybody reaches, and that counts what each host gave it."""

    by_host: Counter[str] = field(default_factory=Counter)

    async def take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        _sender.set(writer.get_extra_info("peername")[0])
        with suppress(asyncio.CancelledError):
            await super().take(reader, writer)

    def keep(self, accepted: Accepted) -> None:
        self.by_host[_sender.get()] += 1
        super().keep(accepted)


@asynccontextmanager
async def watched_relay() -> AsyncIterator[WatchedRelay]:
    """One that listens on all of this machine's addresses."""
    relay = WatchedRelay(extensions=(b"PIPELINING", b"8BITMIME", b"SMTPUTF8"))
    server = await asyncio.start_server(relay.take, "0.0.0.0", 0, limit=1 << 22)
    relay.port = server.sockets[0].getsockname()[1]
    try:
        yield relay
    finally:
        server.close()


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    """PostgreSQL as databases.sql sets it up, reachable from the hosts."""
    if reason := why_no_cluster() or why_no_hosts():
        pytest.skip(reason)
    with private_cluster() as cluster:
        data = cluster.folder / "data"
        with (data / "postgresql.conf").open("a") as file:
            file.write("listen_addresses = '*'\n")
        with (data / "pg_hba.conf").open("a") as file:
            file.write(f"host all all {NETWORK} scram-sha-256\n")
        cluster.stop()
        cluster.start()
        run_sql(cluster, "-f", str(DEPLOYMENTS / "databases.sql"))
        for setting in _NOTICE:
            run_sql(cluster, "-c", f"ALTER ROLE pressrun SET {setting}")
        yield cluster


def run_sql(cluster: Cluster, *arguments: str) -> None:
    """psql as the superuser; it must end well."""
    command = ["psql", "-X", "-q", "-v", "ON_ERROR_STOP=1", "-d", cluster.url(), *arguments]
    subprocess.run(command, env=os.environ | PASSWORDS, check=True, capture_output=True)


@pytest.fixture
async def store(cluster: Cluster) -> AsyncIterator[str]:
    """The address of the store without its host, anew for each test; with everybody on the list."""
    run_sql(cluster, "-c", "DROP DATABASE pressrun WITH (FORCE)", "-c", "CREATE DATABASE pressrun OWNER pressrun")
    async with open_database(f"postgresql://pressrun@127.0.0.1:{cluster.port}/pressrun") as database:
        await fill_list(database, "all", addresses(RECIPIENTS))
    yield f"{cluster.port}/pressrun"


@pytest.fixture
def two_hosts() -> Iterator[list[Host]]:
    with hosts(2) as made:
        yield made


async def send(host: Host, store: str, relay: FaultyRelay, folder: Path) -> asyncio.subprocess.Process:
    """Start sending on the host, in a workspace of its own."""
    workspace = folder / host.name
    workspace.mkdir()
    write_small_issue(workspace)
    settings = {
        "PRESSRUN_DATABASE_URL": f"postgresql://pressrun:two@{host.here}:{store}",
        "PRESSRUN_SMTP_URL": f"smtp://{host.here}:{relay.port}?starttls=never",
        "PRESSRUN_SECRET_KEY": "a key for tests",
        "PRESSRUN_LEASE_SECONDS": "2",
        "PRESSRUN_CONNECTIONS": str(CONNECTIONS),
        "PRESSRUN_SMTP_TIMEOUT": "5",
        "PRESSRUN_FINAL_REPLY_TIMEOUT": "5",
    }
    return await host.run_pressrun("--workspace", str(workspace), "send", ISSUE, "--list", "all", env=settings)


async def wait_for_both(relay: WatchedRelay, made: list[Host], each: int) -> None:
    """Wait until each host has given the relay so many."""
    async with asyncio.timeout(HUNG):
        while min(relay.by_host[host.address] for host in made) < each:
            await asyncio.sleep(0.005)


async def end(process: asyncio.subprocess.Process) -> str:
    """Let it end by itself: what it said on standard error."""
    async with asyncio.timeout(HUNG):
        return (await process.communicate())[1].decode()


async def read_rows(cluster: Cluster) -> list[Row]:
    async with open_database(f"postgresql://pressrun@127.0.0.1:{cluster.port}/pressrun") as database:
        return [row async for row in read_log(database, ISSUE)]


def check_everybody(rows: list[Row], relay: FaultyRelay) -> None:
    """Each has one message, or a flag."""
    states = Counter(row.state for row in rows)
    doubtful = {row.address for row in rows if row.state is State.IN_DOUBT}
    assert states[State.SENT] + states[State.IN_DOUBT] == len(rows) == RECIPIENTS, states
    assert max(relay.counts.values()) == 1
    assert set(addresses(RECIPIENTS)) - set(relay.counts) <= doubtful
    assert len(doubtful) <= CONNECTIONS


async def test_two_hosts_share_a_send_and_no_row(
    cluster: Cluster, store: str, two_hosts: list[Host], tmp_path: Path
) -> None:
    async with watched_relay() as relay:
        workers = [await send(host, store, relay, tmp_path) for host in two_hosts]
        told = [await end(worker) for worker in workers]
    assert [worker.returncode for worker in workers] == [0, 0], told
    assert min(relay.by_host[host.address] for host in two_hosts) > 0
    assert relay.counts == dict.fromkeys(addresses(RECIPIENTS), 1)


@pytest.mark.parametrize("comes_back", [True, False], ids=["comes back", "is lost"])
async def test_a_host_is_cut_off_and_the_other_one_finishes(
    cluster: Cluster, store: str, two_hosts: list[Host], tmp_path: Path, comes_back: bool
) -> None:
    lost = two_hosts[0]
    async with watched_relay() as relay:
        cut_off, other = [await send(host, store, relay, tmp_path) for host in two_hosts]
        await wait_for_both(relay, two_hosts, 100)
        lost.pull_out()
        told = await end(other)
        assert cut_off.returncode is None
        rows = await read_rows(cluster)
        assert count_open(Counter(row.state for row in rows)) == 0, told
        if comes_back:
            lost.plug_in()
            await end(cut_off)
        else:
            cut_off.kill()
            await end(cut_off)
        check_everybody(await read_rows(cluster), relay)


async def test_rows_that_a_lost_host_had_locked_are_set_free(
    cluster: Cluster, store: str, two_hosts: list[Host], tmp_path: Path
) -> None:
    lost, left = two_hosts
    async with watched_relay() as relay:
        planning = await send(left, store, relay, tmp_path)
        await end(planning)
        psql = await lost.start(
            *("psql", "-X", "-q", "-d", f"postgresql://pressrun:two@{lost.here}:{store}"),
            env={}, pipe=asyncio.subprocess.PIPE,
        )  # fmt: skip
        assert psql.stdin
        assert psql.stdout
        psql.stdin.write(
            b"UPDATE deliveries SET state = 'queued'; BEGIN; UPDATE deliveries SET name = name; SELECT 1;\n"
        )
        await psql.stdout.readline()
        lost.pull_out()
        relay.accepted.clear()
        shutil.rmtree(tmp_path / left.name)
        told = await end(again := await send(left, store, relay, tmp_path))
        psql.kill()
        await psql.wait()
    assert again.returncode == 0, told
    assert relay.counts == dict.fromkeys(addresses(RECIPIENTS), 1)
