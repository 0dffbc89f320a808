"""send, status and log: what scripts may rely on."""

from __future__ import annotations

import asyncio
import csv
import datetime as dt
import io
import json
from pathlib import Path

import pytest

from command import Ended, run_here
from faulty_relay import CLOSE, Answer, FaultyRelay, Step, Then, say
from pressrun.delivery.outcome import State
from pressrun.store.database import open_database
from relay_thread import relaying
from small_edition import fill_list
from small_issue import write_small_issue

ISSUE = "small/2026-01"
PEOPLE = ["ann@example.com", "bob@example.com", "晓@example.com", "dan@example.com"]


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    """A workspace with a small issue and a list of four."""
    write_small_issue(tmp_path)

    async def fill() -> None:
        async with open_database(f"sqlite:///{tmp_path}/.pressrun/pressrun.db") as database:
            await fill_list(database, "all", PEOPLE)

    asyncio.run(fill())
    return tmp_path


def send(workspace: Path, relay: FaultyRelay, *more: str) -> Ended:
    url = f"{relay.url}?starttls=never"
    return run_here(workspace, "send", ISSUE, "--list", "all", "--smtp", url, *more)


def json_lines(ended: Ended) -> list[dict[str, object]]:
    return [json.loads(line) for line in ended.out.splitlines()]


def status_of(workspace: Path) -> dict[str, object]:
    (status,) = json_lines(run_here(workspace, "status", ISSUE, "--format", "json"))
    return status


def test_a_send_that_goes_well_ends_with_0_and_a_second_mails_nobody(workspace: Path) -> None:
    with relaying() as relay:
        first, second = send(workspace, relay), send(workspace, relay)
    assert (first.status, second.status) == (0, 0), first.err
    assert "4 newly planned of 4" in first.out and "4 sent" in first.out
    assert "0 newly planned of 4" in second.out and "0 tries" in second.out
    assert relay.counts == dict.fromkeys(PEOPLE, 1)


def test_status_counts_every_state(workspace: Path) -> None:
    assert status_of(workspace)["planned"] == 0
    with relaying({Step.RCPT: say(b"550 5.1.1 no")}, {Step.RCPT: say(b"450 4.2.1 later")}) as relay:
        assert send(workspace, relay).status == 1
    status = status_of(workspace)
    assert status["issue"] == ISSUE
    assert set(status) == {"issue", "planned", *map(str, State)}
    assert status["planned"] == 4 == sum(int(str(status[state])) for state in State)
    assert (status["sent"], status["failed"], status["deferred"]) == (2, 1, 1)
    assert run_here(workspace, "status", ISSUE).status == 1


def test_status_is_0_only_when_all_went_well(workspace: Path) -> None:
    with relaying() as relay:
        send(workspace, relay)
    table = run_here(workspace, "status", ISSUE)
    assert (table.status, "4 planned, finished" in table.out) == (0, True)
    assert run_here(workspace, "status", "2026-01", "--format", "json").status == 0


def test_the_log_has_the_keys_that_scripts_rely_on(workspace: Path) -> None:
    with relaying({Step.DOT: say("250 2.0.0 <b>好</b>, taken".encode())}) as relay:
        send(workspace, relay)
    log = run_here(workspace, "log", ISSUE, "--format", "json")
    assert log.status == 0
    rows = json_lines(log)
    assert [row["address"] for row in rows] == PEOPLE
    needed = {"address", "state", "code", "reply", "message_id", "attempts", "updated_at"}
    assert all(needed <= set(row) for row in rows)
    assert {(row["state"], row["code"], row["attempts"]) for row in rows} == {("sent", 250, 1)}
    assert "2.0.0 <b>好</b>, taken" in {row["reply"] for row in rows}
    moments = [dt.datetime.fromisoformat(str(row["updated_at"])) for row in rows]
    assert all(moment.tzinfo is not None for moment in moments)
    assert {one.message_id for one in relay.accepted} == {row["message_id"] for row in rows}


def test_the_log_can_be_narrowed_to_states(workspace: Path) -> None:
    with relaying({Step.DOT: Answer(then=Then.CLOSE, keeps=True)}, {Step.RCPT: say(b"550 5.1.1 no")}) as relay:
        assert send(workspace, relay).status == 1

    def count(*states: str) -> int:
        options = [part for state in states for part in ("--status", state)]
        return len(json_lines(run_here(workspace, "log", ISSUE, "--format", "json", *options)))

    assert (count("sent"), count("failed"), count("in_doubt"), count("queued")) == (2, 1, 1, 0)
    assert (count("failed", "in_doubt"), count()) == (2, 4)


def test_the_log_as_csv_is_one_row_a_recipient(workspace: Path) -> None:
    with relaying({Step.RCPT: say(b'550 5.1.1 "no", he said')}) as relay:
        send(workspace, relay)
    rows = list(csv.DictReader(io.StringIO(run_here(workspace, "log", ISSUE, "--format", "csv").out)))
    assert [row["address"] for row in rows] == PEOPLE
    assert '5.1.1 "no", he said' in {row["reply"] for row in rows}


def test_a_state_that_is_none_is_refused_by_name(workspace: Path) -> None:
    ended = run_here(workspace, "log", ISSUE, "--status", "sendt")
    assert ended.status == 2
    assert "'sendt'" in ended.err and "in_doubt" in ended.err
    assert len(ended.err.splitlines()) == 1
    assert ended.out == ""


def test_a_dry_run_writes_and_sends_nothing(workspace: Path) -> None:
    with relaying() as relay:
        ended = send(workspace, relay, "--dry-run")
    assert ended.status == 0
    assert "4 people, 4 of them not planned yet" in ended.out
    assert "nothing was planned or sent" in ended.out
    assert (relay.connections, status_of(workspace)["planned"]) == (0, 0)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("send", ISSUE, "--list", "nobody"), "no list 'nobody'"),
        (("send", ISSUE, "--list", "nobody", "--dry-run"), "no list 'nobody'"),
        (("send", "small/2099-01", "--list", "all"), "no issue is called"),
        (("send", ISSUE, "--list", "all", "--smtp", "http://127.0.0.1"), "SMTP URL"),
        (("send", ISSUE), "--list"),
        (("status", "small/2099-01"), "no issue is called"),
        (("log", "small/2099-01"), "no issue is called"),
        (("log", ISSUE, "--format", "xml"), "xml"),
    ],
)
def test_wrong_usage_ends_with_2_and_one_line(workspace: Path, arguments: tuple[str, ...], said: str) -> None:
    ended = run_here(workspace, *arguments)
    assert ended.status == 2
    assert said in ended.err
    assert len(ended.err.splitlines()) == 1
    assert "Traceback" not in ended.err


def test_a_relay_that_is_not_there_ends_with_1_and_no_password(workspace: Path) -> None:
    with relaying({Step.CONNECT: CLOSE}) as relay:
        pass
    url = f"smtp://me:geheim-4711@127.0.0.1:{relay.port}"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("pressrun.delivery.work.FIRST_DOWNS", 1)
        ended = run_here(workspace, "send", ISSUE, "--list", "all", "--smtp", url)
    assert ended.status == 1
    assert f"127.0.0.1:{relay.port}" in ended.err
    assert "geheim" not in ended.out + ended.err
    assert len(ended.err.splitlines()) == 1
    assert status_of(workspace)["queued"] == 4
