"""The benchmarks run, and measure what they say; how fast anything is is not a test's matter."""

from __future__ import annotations

import asyncio
import datetime as dt
import os
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import aiosmtplib
import pytest

from postgres_database import POSTGRES_URL
from pressrun.delivery.outcome import State
from pressrun.store.database import Database
from pressrun.store.delivery_log import count_states, plan
from pressrun.store.subscribers import list_subscribers
from private_postfix import skip_without_postfix

ROOT = Path(__file__).parent.parent
NOWHERE = "postgresql://127.0.0.1:1/nowhere"
pytestmark = pytest.mark.usefixtures("benchmarks_importable")


@pytest.fixture
def benchmarks_importable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(ROOT))


def run(tmp_path: Path, *options: str) -> tuple[str, str]:
    """What a tiny run without PostgreSQL printed, and the page it wrote."""
    page = tmp_path / "performance.md"
    command = [sys.executable, "-m", "benchmarks", *options, "--recipients=20", "--rounds=1", f"--out={page}"]
    environment = {**os.environ, "PRESSRUN_TEST_POSTGRES_URL": NOWHERE}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    return done.stdout, page.read_text(encoding="utf-8")


def test_a_ratio_is_taken_round_by_round() -> None:
    from benchmarks.measure import ratio

    assert ratio([2.0, 40.0, 3.0], [1.0, 10.0, 1.0]) == 3.0


async def test_the_own_sink_finds_the_end_of_each_message_however_it_is_cut() -> None:
    from benchmarks.receiver import HOST, Sink

    server = await asyncio.get_running_loop().create_server(Sink, HOST, 0)
    port = server.sockets[0].getsockname()[1]
    async with server, aiosmtplib.SMTP(hostname=HOST, port=port, start_tls=False) as client:
        for size in (0, 1, 70_000):
            errors, reply = await client.sendmail(
                "a@example.com", ["b@example.com"], b"X: y\r\n\r\n" + b".a\r\n" * size
            )
            assert not errors
            assert reply == "2.0.0 Ok"


async def test_the_proxy_passes_everything_on_in_order_a_round_trip_later() -> None:
    from benchmarks.proxy import Near
    from benchmarks.receiver import HOST

    async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(1000):
            writer.write(data)
        writer.close()

    loop, delay, sent = asyncio.get_running_loop(), 0.02, bytes(range(256)) * 2_000
    async with await asyncio.start_server(echo, HOST, 0) as far:
        behind = far.sockets[0].getsockname()[1]
        async with await loop.create_server(partial(Near, loop, behind, delay), HOST, 0) as near:
            reader, writer = await asyncio.open_connection(HOST, near.sockets[0].getsockname()[1])
            started = time.monotonic()
            writer.write(sent)
            came = await reader.readexactly(len(sent))
            taken = time.monotonic() - started
            writer.write_eof()
            assert await reader.read() == b""
            writer.close()
    assert came == sent
    assert taken >= 2 * delay


@pytest.mark.parametrize("kilobytes", [2, 20, 60])
def test_an_edition_of_a_size_fills_to_that_size(kilobytes: int) -> None:
    from benchmarks.edition import fill, make_edition

    edition = make_edition(kilobytes)
    messages = [fill(edition, number) for number in (0, 99_999)]
    assert all(abs(len(message) / (kilobytes * 1024) - 1) <= 0.02 for message in messages)
    assert all(edition.nonce.encode() not in message for message in messages)


async def test_a_filled_store_holds_the_readers_the_peers_write_to(database: Database) -> None:
    from benchmarks.edition import LIST, address, make_edition, name
    from benchmarks.store import fill

    await fill(database, 120)
    people = [(one.address, one.name) async for one in list_subscribers(database, LIST)]
    assert people == [(address(number), name(number)) for number in range(120)]
    edition = make_edition(2)
    await plan(database, edition, LIST, dt.datetime.now(dt.UTC))
    assert (await count_states(database, edition.issue))[State.QUEUED] == 120


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="the system has no /proc")
def test_a_meter_reads_the_cpu_of_another_process() -> None:
    from benchmarks.measure import Meter

    busy = subprocess.Popen([sys.executable, "-c", "while True: pass"])
    try:
        meter, until = Meter("busy loop", busy.pid), time.monotonic() + 20
        while not (used := meter.read()) and time.monotonic() < until:
            time.sleep(0.01)
    finally:
        busy.kill()
        busy.wait()
    assert used


def test_the_page_says_which_bars_were_missed() -> None:
    from benchmarks.measure import Bar, Scale, Table
    from benchmarks.report import as_markdown

    bars = (Bar("speed", "at most 1.00", "1.20", False), Bar("memory", "under 200 MB", "no /proc", None))
    table = Table("Figures", "A note.", (("", "wall"), ("pressrun", "1 s")), ("a peer: it is not there",), bars)
    page = as_markdown([table], ["a machine"], Scale(), dt.date(2026, 2, 20))
    assert "| speed | at most 1.00 | 1.20 | **missed** |" in page
    assert "| memory | under 200 MB | no /proc | not measured |" in page
    assert page.index("## Bars") < page.index("## Figures\n\nA note.\n\n|  | wall |\n| --- | ---: |\n| pressrun |")
    assert page.endswith("\nNot measured: a peer: it is not there.\n")


def test_a_tiny_run_prints_and_writes_tables_and_bars_for_the_delivery(tmp_path: Path) -> None:
    printed, page = run(tmp_path, "delivery", "--sizes=20")
    assert "CPU per message" in printed
    assert "| pressrun, SQLite, 2 processes |" in page
    assert "| aiosmtplib `sendmail` |" in page
    assert "Not measured: pressrun, PostgreSQL: no PostgreSQL server answers" in page
    assert "| CPU a message, 20 KB, unsigned | at most 60 µs |" in page


def test_tiny_runs_of_the_other_contests_on_the_engine(tmp_path: Path) -> None:
    _, page = run(tmp_path, "distance", "signing", "memory", "planning", "--memory=10,20", "--planned=30")
    assert "| speed against plain aiosmtplib at 20 ms | at least 3 times |" in page
    assert "| rsa-2048 and ed25519 |" in page
    assert "| memory from 10 to 20 recipients | at most 20% more |" in page
    assert "## Planning 30 rows" in page


def test_a_tiny_run_of_unsubscribes_loses_nobody(tmp_path: Path) -> None:
    _, page = run(tmp_path, "unsubscribe")
    assert "| requests a second |" in page and "| one-click unsubscribes a second | 1,000 without an error |" in page
    assert "Not measured: PostgreSQL: no PostgreSQL server answers" in page


def test_without_postgresql_workers_and_scaling_are_not_measured(tmp_path: Path) -> None:
    _, page = run(tmp_path, "workers", "scaling")
    assert page.count("Not measured: ") == 2
    assert "no PostgreSQL server answers" in page


@pytest.mark.postgres
def test_tiny_runs_of_workers_and_scaling(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.modules[__name__], "NOWHERE", POSTGRES_URL)
    _, page = run(tmp_path, "workers", "scaling")
    assert page.count("| worker processes | throughput |") == 2
    assert "| 4 |" in page
    assert "| PostgreSQL's log |" in page
    assert "100 million" in page


@pytest.mark.postfix
def test_a_tiny_run_of_data_against_bdat(tmp_path: Path) -> None:
    skip_without_postfix()
    _, page = run(tmp_path, "chunking")
    assert page.count("| BDAT |") == 2
