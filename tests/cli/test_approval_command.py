"""approve, reject and fence: what they say, what they leave, and how they end."""

from __future__ import annotations

import asyncio
import re
import shutil
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest

from command import Ended, run_here
from faulty_relay import FaultyRelay
from pressrun.delivery.outcome import State
from pressrun.store.approval import read_approval
from pressrun.store.database import Database, open_database
from pressrun.store.delivery_log import count_states
from relay_thread import relaying
from small_edition import addresses, fill_list
from small_issue import PUBLICATION, write_small_issue

ISSUE = "small/2026-01"


def in_store(workspace: Path, act: Callable[[Database], Coroutine[Any, Any, Any]]) -> Any:
    async def run() -> Any:
        async with open_database(f"sqlite:///{workspace}/.pressrun/pressrun.db") as database:
            return await act(database)

    return asyncio.run(run())


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    """A workspace with a small issue that needs approval, and a list of three."""
    write_small_issue(tmp_path, publication=f"{PUBLICATION}approval: required\n")
    in_store(tmp_path, lambda database: fill_list(database, "all", addresses(3)))
    return tmp_path


def send(workspace: Path, relay: FaultyRelay) -> Ended:
    return run_here(workspace, "send", ISSUE, "--list", "all", "--smtp", f"{relay.url}?starttls=never")


def ask(workspace: Path) -> str:
    """Plan the issue as a send does, and give the seal that is shown."""
    with relaying() as relay:
        ended = send(workspace, relay)
        assert ended.status == 2
        assert f"{ISSUE} waits for approval — pressrun approve {ISSUE} --by NAME" in ended.err
        assert relay.connections == 0
    shown = run_here(workspace, "approve", ISSUE)
    assert shown.status == 1
    found = re.search(r"seal ([0-9a-f]{12})\n", shown.out)
    assert found, shown.out
    return found[1]


def approve(workspace: Path, *more: str) -> Ended:
    return run_here(workspace, "approve", ISSUE, *more)


def test_from_a_send_that_waits_to_one_that_is_done(workspace: Path) -> None:
    seal = ask(workspace)
    shown = approve(workspace)
    assert "3 people on all, 3 of them wait for approval; edition " in shown.out
    assert f"pressrun approve {ISSUE} --by NAME --seal {seal} lets it leave" in shown.out
    ended = approve(workspace, "--by", "Ann", "--seal", seal, "--note", "fine")
    assert (ended.status, ended.out) == (0, f"{ISSUE} is approved by Ann (seal {seal})\n")
    after = approve(workspace)
    assert after.status == 0
    assert "approved by Ann, " in after.out and ": fine\n" in after.out
    with relaying() as relay:
        sent = send(workspace, relay)
    assert sent.status == 0, sent.err
    assert relay.counts == dict.fromkeys(addresses(3), 1)


def test_an_issue_that_was_edited_since_is_not_approved(workspace: Path) -> None:
    seal = ask(workspace)
    second = workspace / "issues" / ISSUE / "second.md"
    second.write_text(second.read_text(encoding="utf-8") + "\n又一段。\n", encoding="utf-8")
    assert approve(workspace, "--by", "Ann", "--seal", seal).status == 0  # nobody planned the new text yet
    with relaying() as relay:
        ended = send(workspace, relay)
        assert (ended.status, relay.connections) == (2, 0)
    late = approve(workspace, "--by", "Ann", "--seal", seal)
    assert late.status == 2
    assert f"{ISSUE} has changed since '{seal}' was shown; nothing was decided" in late.err
    assert in_store(workspace, lambda database: read_approval(database, ISSUE)) is None


def test_a_rejected_issue_stays(workspace: Path) -> None:
    seal = ask(workspace)
    ended = run_here(workspace, "reject", ISSUE, "--by", "Bob", "--seal", seal, "--note", "typo")
    assert (ended.status, ended.out) == (0, f"{ISSUE} is rejected by Bob (seal {seal}): nothing of it leaves\n")
    assert "rejected by Bob" in approve(workspace).out
    with relaying() as relay:
        assert send(workspace, relay).status == 2
        assert relay.connections == 0


def test_another_time_is_read_in_the_publications_zone(workspace: Path) -> None:
    ask(workspace)
    ended = approve(workspace, "--by", "Ann", "--at", "2099-07-01 09:00")
    assert f"{ISSUE} is approved by Ann, to leave at 2099-07-01 09:00 CEST (seal " in ended.out
    found = in_store(workspace, lambda database: read_approval(database, ISSUE))
    assert found.send_at.isoformat() == "2099-07-01T07:00:00+00:00"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("approve", ISSUE, "--by", "Ann", "--at", "tomorrow"), "'tomorrow' is no time"),
        (("approve", ISSUE, "--by", "Ann", "--at", "2020-01-01 09:00"), "is past"),
        (("approve", ISSUE, "--by", " "), "nobody's name"),
        (("approve", ISSUE, "--by", "Ann", "--seal", "0123456789ab"), "nothing was decided"),
        (("approve", "small/2099-01", "--by", "Ann"), "no issue is called"),
        (("reject", ISSUE), "--by"),
        (("fence", "--confirm", "pressrun.db"), "nobody vouches"),
        (("fence", "--confirm", "pressrun.db", "--by", " "), "nobody vouches"),
        (("fence", "--confirm", "another.db", "--by", "Ann"), "its name is pressrun.db"),
        (("fence", "--by", "Ann"), "go with --confirm"),
        (("fence", "--in-doubt"), "go with --confirm"),
    ],
)
def test_wrong_usage_ends_with_2_and_one_line(workspace: Path, arguments: tuple[str, ...], said: str) -> None:
    ask(workspace)
    ended = run_here(workspace, *arguments)
    assert (ended.status, len(ended.err.splitlines())) == (2, 1)
    assert said in ended.err
    assert in_store(workspace, lambda database: read_approval(database, ISSUE)) is None


def test_what_was_never_planned_is_told_so(workspace: Path) -> None:
    shown = approve(workspace)
    assert (shown.status, shown.out) == (0, f"{ISSUE}: nothing was planned yet\n")
    assert "nothing of small/2026-01 was planned yet" in approve(workspace, "--by", "Ann").err


def test_a_restored_store_sends_only_after_it_was_vouched_for(tmp_path: Path) -> None:
    write_small_issue(tmp_path)
    in_store(tmp_path, lambda database: fill_list(database, "all", addresses(3)))
    store, backup = tmp_path / ".pressrun" / "pressrun.db", tmp_path / "backup.db"
    assert "pressrun.db may send: run 0" in run_here(tmp_path, "fence").out
    with relaying() as relay:
        send(tmp_path, relay)
        assert "pressrun.db may send: run 1, this machine saw 1" in run_here(tmp_path, "fence").out
        shutil.copy(store, backup)
        shutil.copy(backup, store.with_suffix(".new"))
        store.with_suffix(".new").replace(store)
        ended = send(tmp_path, relay)
        assert (ended.status, len(ended.err.splitlines())) == (2, 1)
        assert "not where it was" in ended.err and "pressrun fence --confirm pressrun.db --by NAME" in ended.err
        shown = run_here(tmp_path, "fence")
        assert (shown.status, "pressrun.db may not send" in shown.out) == (1, True)
        confirmed = run_here(tmp_path, "fence", "--confirm", "pressrun.db", "--by", "Ann")
        assert (confirmed.status, confirmed.out) == (0, "pressrun.db may send again: Ann vouches for it\n")
        assert "Ann vouched for it" in run_here(tmp_path, "fence").out
        assert send(tmp_path, relay).status == 0


def test_after_a_restore_open_rows_can_be_put_in_doubt(workspace: Path) -> None:
    ask(workspace)
    approve(workspace, "--by", "Ann")
    ended = run_here(workspace, "fence", "--confirm", "pressrun.db", "--by", "Ann", "--in-doubt")
    assert "3 rows are in doubt: pressrun resolve ISSUE --maillog FILE" in ended.out
    assert in_store(workspace, lambda database: count_states(database, ISSUE))[State.IN_DOUBT] == 3
