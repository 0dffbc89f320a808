"""send-due: one look, two that race, one that dies on the way."""

from __future__ import annotations

import asyncio
import datetime as dt
import importlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any
from uuid import uuid4

import pytest

from command import free_ports
from pressrun.schedule.cadence import Gap, Lack
from pressrun.schedule.due import Judgement, Verdict
from pressrun.send_due import Due
from pressrun.store.database import Database
from pressrun.store.standing import occasion_for
from pressrun.store.start import read_start
from pressrun.workspace import Workspace, open_workspace
from small_issue import write_small_issue

NOW = dt.datetime(2026, 3, 31, 7, 0, 30, tzinfo=dt.UTC)
KEY = "small/2026-01"


@pytest.fixture
def flows_due(prefect_set_up: None) -> Iterator[ModuleType]:
    """The module of send-due; its log goes nowhere, as no run is there."""
    from prefect.logging import disable_run_logger

    module = importlib.import_module("flows.due")  # sets Prefect's logging up
    with disable_run_logger():
        yield module


def due(verdict: Verdict = Verdict.DUE, occasion: str = "due 2026-03-31T07:00:00Z", **changes: Any) -> Due:
    judgement = Judgement(verdict, NOW, "its time was 09:00", occasion)
    values = {"issue": KEY, "lists": ("news",), "judgement": judgement, "occasion": occasion_for(("news",), occasion)}
    return Due(**(values | changes))


async def open_plainly() -> Workspace:
    """The workspace, without asking a server for secrets."""
    return open_workspace()


@dataclass
class Orchestrator:
    """Starts runs as Prefect does: asked twice under one key, it gives the same run. It may die before or after."""

    now: dt.datetime = NOW
    runs: dict[str, str] = field(default_factory=dict)
    told: list[tuple[str, str]] = field(default_factory=list)
    dies: str = ""

    async def launch(self, start: Any) -> str:
        from flows.start import key_of

        if self.dies == "before":
            raise KeyboardInterrupt
        run = self.runs.setdefault(key_of(start), f"run {len(self.runs) + 1}")
        await asyncio.sleep(0)
        if self.dies == "after":
            raise KeyboardInterrupt
        return run

    def announce(self, happening: Any, issue: str, message: str, **details: Any) -> None:
        self.told.append((happening.value, issue))

    def look(self, flows_due: ModuleType, database: Database, **changes: Any) -> Any:
        return flows_due.Look(database, self.now, clock=lambda: self.now, announce=self.announce, **changes)


async def test_what_is_due_is_started_and_confirmed(flows_due: ModuleType, database: Database) -> None:
    prefect = Orchestrator()
    look = prefect.look(flows_due, database)
    await look.start([due()], prefect.launch)
    assert list(prefect.runs) == ["pressrun small/2026-01 news: due 2026-03-31T07:00:00Z"]
    start = await read_start(database, KEY, due().occasion)
    assert start is not None
    assert (start.run, start.started_at) == ("run 1", NOW)
    assert prefect.told == [("pressrun.send.due", KEY)]
    assert look.conclude([due()]).message == "started publish-issue small/2026-01"


async def test_two_looks_that_race_start_it_once(flows_due: ModuleType, database: Database) -> None:
    prefect = Orchestrator()
    looks = [prefect.look(flows_due, database) for _ in range(8)]
    await asyncio.gather(*(look.start([due()], prefect.launch) for look in looks))
    assert len(prefect.runs) == 1
    assert sum(len(look.started) for look in looks) == 1
    assert len(prefect.told) == 1


@pytest.mark.parametrize("dies", ["before", "after"])
async def test_a_look_that_dies_between_claim_and_confirmation_loses_nothing_and_doubles_nothing(
    flows_due: ModuleType, database: Database, dies: str
) -> None:
    prefect = Orchestrator(dies=dies)
    with pytest.raises(KeyboardInterrupt):
        await prefect.look(flows_due, database).start([due()], prefect.launch)
    prefect.dies = ""

    prefect.now += flows_due.STALE - dt.timedelta(seconds=1)
    await prefect.look(flows_due, database).start([due()], prefect.launch)
    assert len(prefect.runs) == (dies == "after")  # the claim still holds

    prefect.now += dt.timedelta(seconds=1)
    await prefect.look(flows_due, database).start([due()], prefect.launch)
    await prefect.look(flows_due, database).start([due()], prefect.launch)
    assert list(prefect.runs.values()) == ["run 1"]
    start = await read_start(database, KEY, due().occasion)
    assert start is not None
    assert start.run == "run 1"


async def test_an_issue_that_can_not_be_started_does_not_hold_up_the_next(
    flows_due: ModuleType, database: Database
) -> None:
    from pressrun.errors import PressrunError

    prefect = Orchestrator()

    async def launch(start: Any) -> str:
        if start.issue == KEY:
            raise PressrunError("there is no deployment publish-issue/publish-issue", "run pressrun deploy")
        return await prefect.launch(start)

    look = prefect.look(flows_due, database)
    other = due(issue="small/2026-02")
    await look.start([due(), other], launch)
    assert len(prefect.runs) == 1
    ended = look.conclude([due(), other])
    assert (ended.type.value, ended.name) == ("FAILED", "NotStarted")
    assert "run pressrun deploy" in ended.message
    assert "started publish-issue small/2026-02" in ended.message


@pytest.fixture
def server_is_away(flows_due: ModuleType) -> Iterator[None]:
    """Nothing answers where Prefect's server should be, and nobody waits for it."""
    from prefect.settings import PREFECT_API_URL, PREFECT_CLIENT_MAX_RETRIES, temporary_settings

    (port,) = free_ports(1)
    with temporary_settings({PREFECT_API_URL: f"http://127.0.0.1:{port}/api", PREFECT_CLIENT_MAX_RETRIES: 0}):
        yield


async def test_a_server_that_is_away_is_told_for_each_start_and_looked_for_again(
    flows_due: ModuleType, server_is_away: None, database: Database
) -> None:
    start_deployment = importlib.import_module("flows.start").start_deployment
    look = Orchestrator().look(flows_due, database)
    found = [due(), due(issue="small/2026-02")]
    await look.start(found, lambda start: start_deployment(start, None))
    ended = look.conclude(found)
    assert (ended.type.value, ended.name) == ("FAILED", "NotStarted")
    assert ended.message.count("the server did not start publish-issue/publish-issue: it does not answer") == 2


async def test_a_look_that_runs_flows_here_tells_that_the_server_is_away(
    flows_due: ModuleType, server_is_away: None, database: Database
) -> None:
    look = Orchestrator().look(flows_due, database)
    await look.start([due()], flows_due.run_here)
    assert "publish-issue could not be run: Failed to reach API" in look.conclude([due()]).message


async def test_a_look_at_which_the_server_goes_away_ends_with_that_and_not_with_a_traceback(
    flows_due: ModuleType, server_is_away: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from prefect.client.schemas.objects import FlowRun

    write_small_issue(tmp_path)
    monkeypatch.setenv("PRESSRUN_WORKSPACE", str(tmp_path))
    unread = await flows_due.send_due.fn()
    assert unread.type.value == "FAILED"
    assert unread.message.startswith("the block of secrets can't be read: it does not answer")

    monkeypatch.setattr(flows_due, "open_with_secrets", open_plainly)
    alone = await flows_due.send_due.fn()
    assert (alone.type.value, alone.name) == ("FAILED", "NotStarted")
    assert alone.message.startswith("who waits for an approval can't be read: it does not answer")

    own = FlowRun(flow_id=uuid4(), deployment_id=uuid4())
    for module in ("flows.due", "flows.deploy"):
        monkeypatch.setattr(importlib.import_module(module), "deployed_run", lambda: own)
    deployed = await flows_due.send_due.fn()
    assert deployed.type.value == "FAILED"
    assert "nothing can be started: it does not answer" in deployed.message


async def test_looks_that_can_not_be_cancelled_are_told_as_such(flows_due: ModuleType, server_is_away: None) -> None:
    from prefect.client.schemas.objects import FlowRun

    from pressrun.errors import PressrunError

    looks = importlib.import_module("flows.looks")
    with pytest.raises(PressrunError, match="looks that were missed stay scheduled: it does not answer"):
        await looks.cancel_missed_looks(FlowRun(flow_id=uuid4(), deployment_id=uuid4()), NOW)


async def test_a_server_that_answers_with_an_error_is_told_with_its_number(flows_due: ModuleType) -> None:
    import httpx

    from pressrun.errors import PressrunError

    answer = httpx.Response(503, request=httpx.Request("GET", "http://127.0.0.1/api"))
    with (
        pytest.raises(PressrunError, match="it did not: it answered 503"),
        importlib.import_module("flows.start").telling_faults("it did not"),
    ):
        answer.raise_for_status()


async def test_a_dry_run_claims_and_tells_nothing(flows_due: ModuleType, database: Database) -> None:
    prefect = Orchestrator()
    look = prefect.look(flows_due, database, dry_run=True)
    await look.tell([due(Verdict.LATE_HELD, "late 1")], [])
    await look.start([due()], prefect.launch)
    assert (prefect.runs, prefect.told) == ({}, [])
    assert await read_start(database, KEY, due().occasion) is None
    assert look.conclude([due()]).message == "would start publish-issue small/2026-01 (its time was 09:00)"


@pytest.mark.parametrize(
    ("verdict", "step"),
    [
        (Verdict.DUE, "publish-issue"),
        (Verdict.UNAPPROVED, "publish-issue"),
        (Verdict.LATE_ASKS, "publish-issue"),
        (Verdict.RETRY, "deliver-send"),
        (Verdict.ABANDONED, "deliver-send"),
        *[
            (verdict, None)
            for verdict in Verdict
            if verdict.value not in ("due", "unapproved", "late_asks", "retry", "abandoned")
        ],
    ],
)
def test_each_verdict_starts_what_it_asks_for(flows_due: ModuleType, verdict: Verdict, step: str | None) -> None:
    start = flows_due.start_of(due(verdict))
    assert (start and start.step.value) == step


def test_nothing_is_started_that_is_faulty_or_was_not_given_an_occasion(flows_due: ModuleType) -> None:
    assert flows_due.start_of(due(fault="2 errors")) is None
    assert flows_due.start_of(due(occasion="")) is None


def test_what_goes_on_plans_nobody_new(flows_due: ModuleType) -> None:
    assert flows_due.start_of(due(Verdict.RETRY)).parameters == {
        "issue": KEY, "list_name": "news", "add_new": False
    }  # fmt: skip
    both = due(Verdict.ABANDONED, lists=("news", "press"))
    assert flows_due.start_of(both).parameters["list_name"] is None
    assert flows_due.start_of(due()).parameters == {"issue": KEY, "lists": ["news"]}


def test_one_that_is_late_is_asked_for_under_the_claim_of_any_asking(flows_due: ModuleType) -> None:
    start = flows_due.start_of(due(Verdict.LATE_ASKS, "ask 2026-03-31T07:00:00Z"))
    assert start.occasion == "news: ask 2026-03-31T07:00:00Z"


async def test_what_a_person_must_know_is_told_once_and_is_no_start(flows_due: ModuleType, database: Database) -> None:
    from pressrun.store.standing import read_standing

    prefect = Orchestrator()
    gap = Gap("small", dt.date(2026, 4, 30), Lack.MISSING, None, "an issue is expected on 2026-04-30")
    late, faulty = due(Verdict.LATE_HELD, "late 1"), due(issue="small/2026-02", fault="2 errors")
    for _ in range(3):
        await prefect.look(flows_due, database).tell([late, faulty], [gap])
        prefect.now += dt.timedelta(minutes=1)
    assert sorted(prefect.told) == [
        ("pressrun.send.late", KEY),
        ("pressrun.send.missing", "small/2026-02"),
        ("pressrun.send.missing", "small/2026-04-30"),
    ]
    assert (await read_standing(database, KEY, ["news"], prefect.now)).started is None


async def test_a_new_fault_is_told_anew(flows_due: ModuleType, database: Database) -> None:
    prefect = Orchestrator()
    for fault in ("2 errors", "1 error"):
        await prefect.look(flows_due, database).tell([due(fault=fault)], [])
    assert len(prefect.told) == 2


def test_a_look_counts_what_it_does_not_start(flows_due: ModuleType) -> None:
    look = flows_due.Look(None, NOW)
    found = [due(Verdict.WAITING), due(Verdict.WAITING), due(Verdict.LATE_HELD), due(fault="2 errors")]
    ended = look.conclude(found)
    assert (ended.type.value, ended.message) == ("COMPLETED", "1 faulty; 1 late held; 2 waiting")
    assert look.conclude([]).message == "nothing is scheduled or open"
