"""The benchmarks run; what they measure is not a test's matter."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from pathlib import Path

import aiosmtplib
import pytest

ROOT = Path(__file__).parent.parent


@pytest.fixture
def benchmarks_importable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(ROOT))


@pytest.mark.usefixtures("benchmarks_importable")
def test_a_ratio_is_taken_round_by_round() -> None:
    from benchmarks.measure import ratio

    assert ratio([2.0, 40.0, 3.0], [1.0, 10.0, 1.0]) == 3.0


@pytest.mark.usefixtures("benchmarks_importable")
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


def test_a_tiny_run_prints_and_writes_a_table_for_the_delivery(tmp_path: Path) -> None:
    page = tmp_path / "performance.md"
    command = [sys.executable, "-m", "benchmarks", "delivery", "--recipients=20", "--rounds=1", f"--out={page}"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert "CPU per message" in done.stdout
    assert "| aiosmtplib `sendmail` |" in page.read_text(encoding="utf-8")
