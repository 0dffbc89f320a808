"""kill -9 and SIGTERM against `pressrun send` as a real process: nobody lost, nobody twice without a flag."""

from __future__ import annotations

import asyncio
import random
import signal
import sys
from collections import Counter
from pathlib import Path

import pytest

from command import plain_environment
from faulty_relay import FaultyRelay, faulty_relay, read_journal
from pressrun.delivery.outcome import State
from pressrun.store.database import open_database
from pressrun.store.delivery_log import Row, count_open, count_states, read_log
from small_edition import addresses, fill_list
from small_issue import write_small_issue

ISSUE = "small/2026-01"
RECIPIENTS = 2_000
CONNECTIONS = 8


@pytest.fixture
def recipients() -> int:
    """How many people are on the list."""
    return RECIPIENTS


@pytest.fixture
async def workspace(tmp_path: Path, recipients: int) -> Path:
    """A workspace with a small issue and a list."""
    write_small_issue(tmp_path)
    async with open_database(f"sqlite:///{tmp_path}/.pressrun/pressrun.db") as database:
        await fill_list(database, "all", addresses(recipients))
    return tmp_path


async def start(workspace: Path, relay: FaultyRelay, options: str = "") -> asyncio.subprocess.Process:
    settings = {
        "PRESSRUN_SMTP_URL": f"{relay.url}?starttls=never{options}",
        "PRESSRUN_LEASE_SECONDS": "1",
        "PRESSRUN_CONNECTIONS": str(CONNECTIONS),
    }
    command = ("-m", "pressrun", "--workspace", str(workspace), "send", ISSUE, "--list", "all")
    return await asyncio.create_subprocess_exec(
        sys.executable, *command, env=plain_environment() | settings, stdout=-3, stderr=asyncio.subprocess.PIPE
    )


async def run_until(relay: FaultyRelay, process: asyncio.subprocess.Process, accepted: int) -> None:
    """Wait until so many are accepted or the process has ended."""
    while len(relay.accepted) < accepted and process.returncode is None:
        await asyncio.sleep(0.001)


async def read_rows(workspace: Path) -> tuple[dict[State, int], list[Row]]:
    async with open_database(f"sqlite:///{workspace}/.pressrun/pressrun.db") as database:
        return await count_states(database, ISSUE), [row async for row in read_log(database, ISSUE)]


async def test_after_five_kills_each_has_one_message_or_a_flag(workspace: Path, tmp_path: Path) -> None:
    chance = random.Random(20260122)
    journal = tmp_path / "journal"
    async with faulty_relay(journal=journal) as relay:
        for kill in range(5):
            process = await start(workspace, relay)
            await run_until(relay, process, len(relay.accepted) + chance.randint(1, 350))
            await asyncio.sleep(chance.random() * 0.01)
            assert process.returncode is None, f"ended before kill {kill}"
            process.kill()
            await process.wait()
        process = await start(workspace, relay)
        _, errors = await process.communicate()
    counts, rows = await read_rows(workspace)
    delivered = read_journal(journal)
    assert delivered == Counter(one.recipient for one in relay.accepted)
    doubtful = {row.address for row in rows if row.state is State.IN_DOUBT}
    assert sum(counts.values()) == counts[State.SENT] + counts[State.IN_DOUBT] == RECIPIENTS, errors.decode()
    assert len(doubtful) <= 5 * CONNECTIONS
    assert process.returncode == (1 if doubtful else 0)
    assert {address for address in addresses(RECIPIENTS) if address not in delivered} <= doubtful  # nobody is lost
    assert max(delivered.values()) == 1  # nor mailed twice, flagged or not
    assert all(row.code == 250 and row.reply for row in rows if row.state is State.SENT)


async def test_sigterm_ends_after_the_messages_in_flight_with_nothing_in_doubt(workspace: Path) -> None:
    async with faulty_relay() as relay:
        process = await start(workspace, relay)
        await run_until(relay, process, 100)
        process.send_signal(signal.SIGTERM)
        _, errors = await process.communicate()
        assert process.returncode == 1
        assert b"Traceback" not in errors
        counts, rows = await read_rows(workspace)
        assert {state for state, count in counts.items() if count} == {State.SENT, State.QUEUED}
        assert counts[State.SENT] == len(relay.accepted) < RECIPIENTS
        assert count_open(counts) == counts[State.QUEUED]
        assert {row.attempts for row in rows if row.state is State.QUEUED} == {0}


@pytest.mark.parametrize("recipients", [600])
async def test_two_processes_at_once_mail_nobody_twice(workspace: Path, recipients: int) -> None:
    async with faulty_relay() as relay:
        processes = [await start(workspace, relay) for _ in range(2)]
        errors = [(await process.communicate())[1] for process in processes]
        assert [process.returncode for process in processes] == [0, 0], errors
    assert relay.counts == dict.fromkeys(addresses(recipients), 1)
    counts, _ = await read_rows(workspace)
    assert counts[State.SENT] == recipients


@pytest.mark.parametrize("recipients", [600])
async def test_two_processes_share_a_relay_s_connections_also_when_one_is_killed(
    workspace: Path, recipients: int
) -> None:
    async with faulty_relay() as relay:
        killed = await start(workspace, relay, "&connections=3")
        await run_until(relay, killed, 50)
        other = await start(workspace, relay, "&connections=3")
        await run_until(relay, killed, 150)
        killed.kill()
        await killed.wait()
        _, errors = await other.communicate()
        assert relay.most_open == 3
    counts, _ = await read_rows(workspace)
    assert counts[State.SENT] + counts[State.IN_DOUBT] == recipients, errors.decode()
    assert counts[State.IN_DOUBT] <= 3
