"""send-due: start each issue whose time has come, once, whatever runs twice or stops halfway."""

from __future__ import annotations

import datetime as dt
import os
import socket
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any

from prefect import flow, get_client, get_run_logger
from prefect.states import Completed, Failed, State

from flows.answers import take_answers_along
from flows.blocks import open_with_secrets
from flows.deliver import deliver_send
from flows.delivery import STALE
from flows.deploy import deployed_run, own_general
from flows.events import Happening, emit
from flows.looks import cancel_missed_looks
from flows.publish import publish_issue
from flows.start import Start, Step, key_of, start_deployment, telling_faults
from pressrun.errors import PressrunError
from pressrun.schedule.cadence import Gap
from pressrun.schedule.due import GOES_ON, Verdict
from pressrun.send_due import Due, find_due, find_missing
from pressrun.store.database import Database, open_database
from pressrun.store.start import claim_start, confirm_start
from pressrun.workspace import Workspace

NOTED = (Verdict.LATE_HELD, Verdict.LATE_ASKS)
"""Verdicts that a person has to hear of."""


def now_in_utc() -> dt.datetime:
    """This machine's time."""
    return dt.datetime.now(dt.UTC)


Launch = Callable[[Start], Awaitable[str]]
"""Begins a start, and gives the run's id; asked twice for one start, it is the same run."""


@flow(
    name="send-due",
    flow_run_name="look for what is due",
    description="""Starts every issue whose time has come: `send_at` in its `issue.yaml`, or when approval has to be
asked for. It also goes on with deferred deliveries that are due again, and with what a crashed run left.

It runs every minute and may be run at any time, twice at once too: each start is claimed in the store, and made once.

**When it fails**, its state says what could not be started. Nothing is lost: the next look finds it again.""",
)
async def send_due(dry_run: bool = False) -> State[Any]:
    """Look what is due, and start it; the log tells of each issue that is not just waiting.

    Args:
        dry_run: Tell what would be started, and start nothing.
    """
    try:
        with telling_faults("the block of secrets can't be read"):
            workspace = await open_with_secrets()
        async with open_database(workspace.database_url) as database:
            look = Look(database, now_in_utc(), dry_run)
            found = await find_due(workspace, database, look.now)
            missing = await find_missing(workspace, database, look.now)
            await look.tell(found, missing)
            answered = [] if dry_run else await look.take_answers(workspace)
            await look.start([due for due in found if start_of(due) and due.issue not in answered], await _launch())
    except PressrunError as error:
        return Failed(message=str(error))
    if not dry_run:
        await _cancel_missed(look.now)
    return look.conclude(found)


def start_of(due: Due) -> Start | None:
    """What is to be started for an issue now, if anything.

    One that is late and whose publication wants to be asked is published too: that run asks.
    """
    if due.fault or not due.occasion:
        return None
    if due.judgement.verdict is Verdict.LATE_ASKS:
        return Start(Step.PUBLISH, due.issue, due.lists, due.occasion)
    if not due.is_to_start:
        return None
    step = Step.DELIVER if due.judgement.verdict in GOES_ON else Step.PUBLISH
    return Start(step, due.issue, due.lists, due.occasion)


async def _launch() -> Launch:
    """By the deployments beside this run's own; without one, here."""
    if not deployed_run():
        return run_here
    with telling_faults("nothing can be started"):
        async with get_client() as client:
            general = await own_general(client)

    async def launch(start: Start) -> str:
        return await start_deployment(start, general)

    return launch


async def run_here(start: Start) -> str:
    """Run the flow here and now, to its end. Its claim is confirmed after that: what is planned guards it meanwhile."""
    with telling_faults(f"{start.step} could not be run"):
        if start.step is Step.PUBLISH:
            state = await publish_issue(**start.parameters, return_state=True)
        else:
            state = await deliver_send(**start.parameters, return_state=True)
    get_run_logger().info("%s: %s", start.issue, state.message or state.name)
    return str(state.state_details.flow_run_id)


async def _cancel_missed(now: dt.datetime) -> None:
    """Cancel the looks that were missed; where that fails they run, and each of them sees it all too."""
    own = deployed_run()
    try:
        missed = await cancel_missed_looks(own, now) if own else 0
    except PressrunError as error:
        get_run_logger().warning("%s", error)
        return
    if missed:
        get_run_logger().info("%s looks were missed while no worker ran; this one has seen it all", missed)


@dataclass
class Look:
    """One look at everything, and what came of it."""

    database: Database
    now: dt.datetime
    dry_run: bool = False
    clock: Callable[[], dt.datetime] = now_in_utc
    announce: Callable[..., None] = emit

    def __post_init__(self) -> None:
        self.started: list[str] = []
        self.failed: list[str] = []
        self._by = f"{socket.gethostname()} {os.getpid()}"

    async def take_answers(self, workspace: Workspace) -> list[str]:
        """Let the runs go on whose issue was decided about in a terminal: these issues. A fault is only told."""
        try:
            answered = await take_answers_along(workspace, self.database)
        except PressrunError as error:
            get_run_logger().error("%s", error)
            self.failed.append(str(error))
            return []
        for issue in answered:
            get_run_logger().info("%s: was decided about in a terminal; the run that waited for it goes on", issue)
        return answered

    async def start(self, starts: Sequence[Due], launch: Launch) -> None:
        """Start what this look can claim; what can't be started is told, and does not hold up the others."""
        for due in starts:
            start = start_of(due)
            assert start is not None
            if self.dry_run:
                self.started.append(f"{start.step} {due.issue} ({due.judgement.reason})")
                continue
            try:
                await self._start(start, due, launch)
            except PressrunError as error:
                get_run_logger().error("%s: %s", due.issue, error)
                self.failed.append(f"{due.issue}: {error}")

    async def _start(self, start: Start, due: Due, launch: Launch) -> None:
        if not await claim_start(self.database, start.issue, start.occasion, self._by, self.clock(), stale=STALE):
            get_run_logger().info("%s: is being started by another look (%s)", due.issue, due.judgement.reason)
            return
        get_run_logger().info("%s: starting %s: %s", due.issue, start.step, due.judgement.reason)
        run = await launch(start)
        await confirm_start(self.database, start.issue, start.occasion, run, self.clock())
        self.announce(Happening.DUE, due.issue, due.judgement.reason, step=start.step.value, run=run, key=key_of(start))
        self.started.append(f"{start.step} {due.issue}")

    async def tell(self, found: Sequence[Due], missing: Sequence[Gap]) -> None:
        """Log what is not as it should be, and tell each of it once."""
        for due in found:
            if due.fault:
                await self._tell_once(Happening.MISSING, due.issue, f"can't go out: {due.fault}", due.fault)
            elif due.judgement.verdict in NOTED:
                await self._tell_once(Happening.LATE, due.issue, due.judgement.reason, due.occasion)
        for gap in missing:
            about = gap.issue or f"{gap.publication}/{gap.day}"
            await self._tell_once(Happening.MISSING, about, gap.said, f"{gap.lack} {gap.day}")

    async def _tell_once(self, happening: Happening, issue: str, message: str, occasion: str) -> None:
        """At least once, to be exact: who is killed between claim and event, tells it again five minutes later."""
        get_run_logger().warning("%s: %s", issue, message)
        told = f"told {occasion}"
        if self.dry_run or not await claim_start(self.database, issue, told, self._by, self.clock(), stale=STALE):
            return
        self.announce(happening, issue, message)
        await confirm_start(self.database, issue, told, happening.value, self.clock())

    def conclude(self, found: Sequence[Due]) -> State[Any]:
        """The state that says what was started and how the rest stands."""
        did = "would start" if self.dry_run else "started"
        parts = [f"{did} {', '.join(self.started)}"] if self.started else []
        counts = Counter("faulty" if due.fault else due.judgement.verdict.value for due in found if not start_of(due))
        parts += [f"{count} {what.replace('_', ' ')}" for what, count in sorted(counts.items())]
        if self.failed:
            return Failed(name="NotStarted", message="; ".join([*self.failed, *parts]))
        return Completed(message="; ".join(parts) or "nothing is scheduled or open")
