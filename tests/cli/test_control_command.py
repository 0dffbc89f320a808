"""pause, resume, cancel, resolve and show-message: what they say, what they leave, and how they end."""

from __future__ import annotations

import asyncio
import csv
import io
import json
from collections.abc import Callable, Coroutine, Sequence
from email import message_from_bytes, policy
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from command import Ended, run_here, run_process
from pressrun.delivery.outcome import State
from pressrun.store.database import Database, open_database
from pressrun.store.delivery_log import count_states, plan
from pressrun.store.tables import deliveries
from small_edition import NOW, addresses, fill_list, make_edition
from small_issue import write_small_issue

ISSUE = "small/2026-01"
EDITION = make_edition(issue=ISSUE)


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    """A workspace with a small issue that was never sent."""
    write_small_issue(tmp_path)
    return tmp_path


def in_store(workspace: Path, act: Callable[[Database], Coroutine[Any, Any, Any]]) -> Any:
    async def run() -> Any:
        async with open_database(f"sqlite:///{workspace}/.pressrun/pressrun.db") as database:
            return await act(database)

    return asyncio.run(run())


def put(workspace: Path, states: Sequence[State]) -> list[str]:
    """Plan a row for each of these states and give their Message-IDs; rows in work are a dead worker's."""

    async def act(database: Database) -> list[str]:
        await fill_list(database, "all", addresses(len(states)))
        await plan(database, EDITION, "all", NOW)
        async with database.write() as connection:
            ids = (await connection.scalars(sa.select(deliveries.c.id).order_by(deliveries.c.id))).all()
            for row_id, state in zip(ids, states, strict=True):
                row = sa.update(deliveries).where(deliveries.c.id == row_id)
                await connection.execute(row.values(state=state.value, worker_id="w" if state is State.DOT else None))
            return list(await connection.scalars(sa.select(deliveries.c.message_id).order_by(deliveries.c.id)))

    ids: list[str] = in_store(workspace, act)
    return ids


def states_of(workspace: Path) -> dict[str, int]:
    counts = in_store(workspace, lambda database: count_states(database, ISSUE))
    return {str(state): count for state, count in counts.items() if count}


def rows_of(ended: Ended) -> list[dict[str, object]]:
    return [json.loads(line) for line in ended.out.splitlines()]


def test_pausing_and_resuming_say_what_waits(workspace: Path) -> None:
    put(workspace, [State.QUEUED] * 1_230 + [State.DEFERRED] * 4 + [State.DOT, State.SENT])
    paused = run_here(workspace, "pause", ISSUE)
    assert (paused.status, paused.err) == (0, "")
    assert paused.out == (
        f"{ISSUE} is paused: 1,234 rows wait, 1 with a worker, which finishes it or gives it back;"
        f" pressrun resume {ISSUE} goes on\n"
    )
    resumed = run_here(workspace, "resume", "2026-01")
    assert resumed.status == 0
    assert resumed.out.startswith(f"{ISSUE} goes on: 1,234 rows wait, 1 with a worker")
    assert "start it again" in resumed.out
    assert states_of(workspace) == {"queued": 1_230, "deferred": 4, "dot": 1, "sent": 1}


def test_a_cancel_closes_rows_and_is_taken_back_by_name(workspace: Path) -> None:
    put(workspace, [State.QUEUED, State.SENT])
    cancelled = run_here(workspace, "cancel", ISSUE)
    assert (
        cancelled.out == f"{ISSUE} is cancelled: 1 row was closed; pressrun resume {ISSUE} --cancelled takes it back\n"
    )
    assert (cancelled.status, states_of(workspace)) == (0, {"cancelled": 1, "sent": 1})
    refused = run_here(workspace, "resume", ISSUE)
    assert (refused.status, "--cancelled" in refused.err) == (2, True)
    resumed = run_here(workspace, "resume", ISSUE, "--cancelled")
    assert "1 row waits (1 of them had been cancelled)" in resumed.out
    assert (resumed.status, states_of(workspace)) == (0, {"queued": 1, "sent": 1})


def test_resuming_what_has_nothing_waiting_says_so(workspace: Path) -> None:
    put(workspace, [State.SENT])
    resumed = run_here(workspace, "resume", ISSUE)
    assert (resumed.status, resumed.out) == (0, f"{ISSUE} may go on, but no row waits\n")


@pytest.mark.parametrize("verb", ["pause", "cancel"])
def test_what_is_finished_is_refused(workspace: Path, verb: str) -> None:
    put(workspace, [State.SENT])
    ended = run_here(workspace, verb, ISSUE)
    assert (ended.status, ended.out) == (2, "")
    assert ended.err == f"pressrun: {ISSUE} is finished: no row is open — pressrun status {ISSUE} tells how it ended\n"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("pause", ISSUE), "was planned yet"),
        (("resume", ISSUE), "was planned yet"),
        (("cancel", ISSUE), "was planned yet"),
        (("pause", "small/2099-01"), "no issue is called"),
        (("resolve", "small/2099-01"), "no issue is called"),
        (("resolve", ISSUE, "--accept", "nobody"), "'nobody' is no mail address"),
        (("resolve", ISSUE, "--accept", "nobody@example.com"), "has no row for nobody@example.com"),
        (("resolve", ISSUE, "--accept-all", "--resend-all"), "contradict each other"),
        (("resolve", ISSUE, "--maillog", "missing.log"), "missing.log"),
        (("show-message", ISSUE, "nobody@example.com"), "has no row for nobody@example.com"),
        (("show-message", ISSUE, "no\nbody@example.com"), "no mail address"),
    ],
)
def test_wrong_usage_ends_with_2_and_one_line(workspace: Path, arguments: tuple[str, ...], said: str) -> None:
    ended = run_here(workspace, *arguments)
    assert ended.status == 2
    assert said in ended.err
    assert len(ended.err.splitlines()) == 1
    assert "Traceback" not in ended.err + ended.out


def test_rows_in_doubt_are_listed_with_what_scripts_rely_on(workspace: Path) -> None:
    first, second, _ = put(workspace, [State.DOT, State.DOT, State.QUEUED])
    ended = run_here(workspace, "resolve", ISSUE, "--format", "json")
    assert ended.status == 1
    assert ended.err.startswith(f"{ISSUE}: 2 left in doubt\n")
    rows = rows_of(ended)
    assert [(row["address"], row["message_id"]) for row in rows] == list(
        zip(addresses(2), (first, second), strict=True)
    )
    keys = {"address", "message_id", "relay", "updated_at", "reply", "list", "repeated", "in_log"}
    assert all(set(row) == keys for row in rows)
    assert {(row["list"], row["repeated"], row["in_log"]) for row in rows} == {("all", False, None)}
    table = run_here(workspace, "resolve", ISSUE)
    assert (table.status, table.err) == (1, "")
    assert first in table.out and "--maillog FILE" in table.out
    as_csv = run_here(workspace, "resolve", ISSUE, "--format", "csv").out
    assert [row["address"] for row in csv.DictReader(io.StringIO(as_csv))] == addresses(2)


def test_an_issue_with_nothing_in_doubt_ends_with_0(workspace: Path) -> None:
    put(workspace, [State.SENT, State.QUEUED])
    ended = run_here(workspace, "resolve", ISSUE)
    assert (ended.status, ended.out) == (0, f"{ISSUE}: 0 left in doubt\n")
    assert run_here(workspace, "resolve", ISSUE, "--format", "json").out == ""


def test_a_person_settles_row_by_row_and_then_the_rest(workspace: Path) -> None:
    put(workspace, [State.DOT] * 4)
    one, two, three, _ = addresses(4)
    some = run_here(
        workspace, "resolve", ISSUE, "--accept", one, "--accept", two, "--resend", three, "--note", "林 asked them"
    )
    assert some.status == 1
    assert f"{ISSUE}: 2 settled as sent by hand, 1 queued to be sent again, 1 left in doubt" in some.out
    assert states_of(workspace) == {"sent": 2, "queued": 1, "in_doubt": 1}
    sent = rows_of(run_here(workspace, "log", ISSUE, "--status", "sent", "--format", "json"))
    assert {(row["code"], row["enhanced"], row["reply"]) for row in sent} == {
        (250, None, "settled by hand: 林 asked them")
    }
    rest = run_here(workspace, "resolve", ISSUE, "--resend-all")
    assert (rest.status, states_of(workspace)) == (0, {"sent": 2, "queued": 2})


def test_logs_settle_what_they_tell_of_and_the_rest_is_told(workspace: Path) -> None:
    ids = put(workspace, [State.DOT] * 3)
    log = workspace / "mail.log"
    log.write_text(
        f"Feb 20 09:00:01 mx1 postfix/cleanup[1]: 4jXF390fqLzJ9DH: message-id={ids[0]}\n"
        "Feb 20 09:00:01 mx1 postfix/qmgr[2]: 4jXF390fqLzJ9DH: from=<a@example.com>, size=9, nrcpt=1 (queue active)\n"
        f"Feb 20 09:00:02 mx1 postfix/cleanup[1]: 4jXF3950g2zJ9DH: message-id={ids[1]}\n"
    )
    ended = run_here(workspace, "resolve", ISSUE, "--maillog", log, "--format", "json")
    assert ended.status == 1
    assert [(row["message_id"], row["in_log"]) for row in rows_of(ended)] == [(ids[1], "not taken"), (ids[2], "absent")]
    assert "1 settled as sent by the logs, 2 left in doubt" in ended.err
    assert "1 not in these logs: resend them with --resend-all if the logs" in ended.err
    assert "1 begun in these logs and not taken" in ended.err
    (sent,) = rows_of(run_here(workspace, "log", ISSUE, "--status", "sent", "--format", "json"))
    assert sent["reply"] == "queued as 4jXF390fqLzJ9DH, by the log mail.log"
    assert run_here(workspace, "resolve", ISSUE, "--maillog", log, "--resend-all").status == 0


def test_a_message_is_shown_as_octets(workspace: Path) -> None:
    put(workspace, [State.QUEUED])
    (address,) = addresses(1)
    ended = run_here(workspace, "show-message", ISSUE, address, "--out", workspace / "one.eml")
    content = (workspace / "one.eml").read_bytes()
    assert ended.status == 0, ended.err
    start = f"queued; from <bulletin@spp.example.com> to <{address}>; 7bit key="
    assert ended.out.startswith(start)
    assert f"; {len(content):,} octets, in " in ended.out
    assert content.endswith(b"\r\n") and b"\n" not in content.replace(b"\r\n", b"")
    message = message_from_bytes(content, policy=policy.default)
    assert (message["To"].addresses[0].addr_spec, message["Subject"]) == (address, EDITION.subject)
    piped = run_process(workspace, "show-message", "2026-01", address.upper())
    assert piped.out.encode() == content.replace(b"\r\n", b"\n")  # a text pipe in the test reads line ends as one
    assert piped.err == ended.out.replace(f", in {workspace / 'one.eml'}", "")
