"""`pressrun publish` as a process on Prefect's embedded server: nothing runs beforehand, nothing is left behind."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import pytest_asyncio

from command import Ended, run_here, run_process
from faulty_relay import Step, faulty_relay, say
from small_edition import addresses
from small_issue import write_small_issue

pytestmark = pytest.mark.prefect


@dataclass(frozen=True)
class Published:
    """An issue published twice, with one more person on the list the second time, whom the relay refuses."""

    folder: Path
    first: Ended
    second: Ended
    got_first: dict[str, int]
    got_second: dict[str, int]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def published(
    tmp_path_factory: pytest.TempPathFactory, prefect_environment: dict[str, str]
) -> AsyncIterator[Published]:
    folder = tmp_path_factory.mktemp("publish")
    write_small_issue(folder)

    async def publish(url: str) -> Ended:
        env = prefect_environment | {"PRESSRUN_SMTP_URL": url}
        return await asyncio.to_thread(run_process, folder, "publish", "2026-01", "--list", "news", env=env)

    await asyncio.to_thread(add, folder, *addresses(3))
    async with faulty_relay() as relay:
        first = await publish(relay.url)
        got_first = dict(relay.counts)
    await asyncio.to_thread(add, folder, "refused@example.com")
    async with faulty_relay([{Step.RCPT: say(b"550 5.1.1 nobody of that name")}]) as relay:
        second = await publish(relay.url)
        got_second = dict(relay.counts)
    yield Published(folder, first, second, got_first, got_second)


def add(folder: Path, *people: str) -> None:
    for address in people:
        assert run_here(folder, "subscribers", "add", address, "--list", "news").status == 0


def test_it_publishes_and_ends_well(published: Published) -> None:
    assert published.first.status == 0, published.first.err
    assert published.first.out == "small/2026-01: 3 of 3 sent\n"
    assert published.got_first == dict.fromkeys(addresses(3), 1)
    assert (published.folder / ".pressrun" / "site" / "small" / "rss.xml").is_file()


def test_again_it_mails_nobody_twice_and_falls_short_where_somebody_is_refused(published: Published) -> None:
    assert published.second.status == 1
    assert published.second.out == "small/2026-01: 3 of 4 sent, 1 failed\n"
    assert published.got_second == {}


def test_the_log_says_who_got_what(published: Published) -> None:
    lines = run_here(published.folder, "log", "2026-01", "--format", "json").out.splitlines()
    rows = {row["address"]: row for row in map(json.loads, lines)}
    assert {address: row["state"] for address, row in rows.items()} == {
        **dict.fromkeys(addresses(3), "sent"),
        "refused@example.com": "failed",
    }
    assert rows["refused@example.com"]["reply"] == "5.1.1 nobody of that name"
    assert rows["refused@example.com"]["enhanced"] == "5.1.1"


def test_what_prefect_says_is_no_traceback_and_names_nobody(published: Published) -> None:
    for ended in (published.first, published.second):
        assert "Traceback" not in ended.err
        assert "@example.com" not in ended.err
