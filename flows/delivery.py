"""Delivery in Prefect: an issue to its lists, steered, shown and concluded, by one run or with more beside it."""

from __future__ import annotations

import asyncio
import datetime as dt
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Literal
from uuid import UUID

import httpx
from prefect import get_run_logger, task
from prefect.cache_policies import NO_CACHE
from prefect.client.orchestration import get_client
from prefect.client.schemas.objects import FlowRun
from prefect.deployments import arun_deployment
from prefect.exceptions import ObjectNotFound
from prefect.runtime import deployment as this_deployment
from prefect.runtime import flow_run as this_run
from prefect.states import Cancelled, Completed, Failed, State

from flows.accounts import describe, show_report, show_trip, zone_of
from flows.deploy import deployed_run, own_general
from flows.events import Happening, emit
from flows.progress import shown_progress
from flows.start import Start, Step, key_of
from flows.steering import Steering, finishing, steered
from flows.trip import ask_what_to_do, follow_answer
from pressrun.delivery.keyring import signing_keys
from pressrun.delivery.outcome import State as RowState
from pressrun.delivery.policy import policy_from
from pressrun.delivery.relay import parse_relays
from pressrun.delivery.send import SendReport, send
from pressrun.errors import PressrunError, RelayError, UsageError
from pressrun.render.edition import Edition
from pressrun.segment import segments_for
from pressrun.send_due import looked_after
from pressrun.store.control import Wish, read_wish, require_run
from pressrun.store.database import Database, open_database
from pressrun.store.delivery_log import Plan, count_states
from pressrun.store.standing import occasion_for
from pressrun.store.start import claim_start, confirm_start
from pressrun.workspace import Workspace

RELAY_AWAY = "RelayAway"

When = Literal["at its time", "now"]
"""Whether an issue waits for its `send_at` and the send window, or leaves at once whatever they say."""

AT_ITS_TIME: When = "at its time"

STALE = dt.timedelta(minutes=5)
"""After this a claim that nobody confirmed may be taken over."""


@dataclass(frozen=True)
class Send:
    """What one run delivers: an issue through lists.

    With `held` nobody gets it who was not approved of. Nothing begins after `until`; `waves` are moments by time zone.
    Where it `is_claimed`, send-due knows already that somebody began it.
    """

    workspace: Workspace
    edition: Edition
    lists: Sequence[str]
    add_new: bool = True
    held: bool = False
    workers: int = 1
    when: When = AT_ITS_TIME
    until: dt.datetime | None = None
    waves: Mapping[str, dt.datetime] = field(default_factory=dict)
    is_claimed: bool = False

    @property
    def issue(self) -> str:
        """The issue's name."""
        return self.edition.issue


async def _is_relay_away(task: Any, run: Any, state: State[Any]) -> bool:
    """Only a relay that can't be reached is worth another try: the log knows who is done."""
    return state.name == RELAY_AWAY


@task(
    task_run_name="deliver {sending.issue} to {list_name}",
    cache_policy=NO_CACHE,
    retries=2,
    retry_delay_seconds=[10, 60],
    retry_condition_fn=_is_relay_away,
    persist_result=False,
)
async def send_edition(sending: Send, list_name: str, steering: Steering) -> SendReport | State[Any]:
    """Deliver to everyone on the list who has no message of this issue yet; an expected failure is a state."""
    workspace, settings, logger = sending.workspace, sending.workspace.settings, get_run_logger()
    others: list[asyncio.Task[None]] = []
    try:
        relays = parse_relays(settings.smtp_url.get_secret_value())

        def begin(plan: Plan, open_rows: int) -> None:
            logger.info(
                "%s: %s on the list, %s newly planned, %s to deliver by %s",
                list_name, f"{plan.audience:,}", f"{plan.added:,}", f"{open_rows:,}", ", ".join(map(str, relays)),
            )  # fmt: skip
            if sending.workers > 1 and open_rows:
                others.append(asyncio.create_task(start_others(sending, list_name)))

        async with open_database(workspace.database_url) as database:
            with finishing(steering):
                return await send(
                    database,
                    sending.edition,
                    list_name,
                    relays,
                    workspace.link_keys(),
                    policy_from(settings),
                    signing=signing_keys(workspace),
                    planned=begin,
                    stop=steering.stop,
                    add=sending.add_new,
                    held=sending.held,
                    until=sending.until,
                    due_by_zone=sending.waves,
                    witness=workspace.witness,
                    segments=segments_for(workspace, [list_name]),
                )
    except PressrunError as error:
        logger.warning("%s", error)
        return Failed(message=str(error), name=RELAY_AWAY if isinstance(error, RelayError) else "Failed")
    finally:
        await asyncio.gather(*others)


async def start_others(sending: Send, list_name: str) -> None:
    """Start runs of deliver-send beside this one: as many as there are to be, however often this is tried."""
    logger = get_run_logger()
    if this_deployment.id is None:
        logger.warning("more workers need a deployment: this run delivers alone")
        return
    try:
        async with get_client() as client:
            name = await own_general(client) or "deliver-send"
        for number in range(2, sending.workers + 1):
            await arun_deployment(
                f"deliver-send/{name}",
                parameters={"issue": sending.issue, "list_name": list_name, "add_new": False, "when": sending.when},
                idempotency_key=f"{this_run.id} {this_run.run_count} {list_name} {number}",
                timeout=0,
            )
        logger.info("%s: %s more workers were asked for", list_name, sending.workers - 1)
    except (ObjectNotFound, httpx.HTTPError, RuntimeError) as error:
        logger.warning("no more workers, this run delivers alone: %s", error)


async def heed(workspace: Workspace, issue: str) -> State[Any] | None:
    """Do what this run was told while it had no process; the state to end in where that is not to go on.

    Before anything else is judged: whoever lets an issue go on, or cancels it, does so outside of the send window too,
    and whatever became of the source.
    """
    async with open_database(workspace.database_url) as database:
        await Steering(database, issue, UUID(this_run.id)).take_up()  # a pause of its own, which it was resumed from
        return await follow_answer(database, issue)


async def deliver_lists(sending: Send) -> State[Any]:
    """Deliver list after list, as the run's operator steers it: the state the run ends in. Raises PressrunError."""
    async with open_database(sending.workspace.database_url) as database:
        await note_start(sending, database)
        emit(Happening.STARTED, sending.issue, f"{sending.issue} goes to {', '.join(sending.lists)}")
        async with steered(database, sending.issue) as steering:
            async with shown_progress(database, sending.issue) as board:
                ended = await _send_lists(sending, steering)
            with suppress(httpx.HTTPError, RuntimeError):  # a server that is away fails no send that is done
                await board.show(await show_report(sending.workspace, database, sending.issue, sending.edition))
            cancelled = await steering.give_way()
        if isinstance(ended, State):
            return Cancelled(message=ended.message) if cancelled else ended
        return await conclude(sending, ended, database, cancelled=cancelled, stopped=steering.stopped)


async def note_start(sending: Send, database: Database) -> None:
    """Have send-due look after what this run may leave: a closed window, a used up allowance or SIGTERM leaves rows.

    Before anybody is planned, as a run may be killed right after that. What is run in a terminal is its caller's to go
    on with; what send-due started has a start, and what another run started beside itself is part of that one's.
    """
    run, key = deployed_run(), sending.issue
    if run is None or run.parent_task_run_id or sending.is_claimed or _is_of_send_due(run, key):
        return
    if not await _may_leave(sending, database):
        return
    now = dt.datetime.now(dt.UTC)
    for lists in looked_after(sending.workspace, key, sending.lists, now):
        occasion = occasion_for(lists, f"run {run.id} {run.run_count}")
        if await claim_start(database, key, occasion, f"run {run.id}", now, stale=STALE):
            await confirm_start(database, key, occasion, str(run.id), now)


def _is_of_send_due(run: FlowRun, issue: str) -> bool:
    return (run.idempotency_key or "").startswith(key_of(Start(Step.DELIVER, issue, (), "")))


async def _may_leave(sending: Send, database: Database) -> bool:
    """Whether nobody paused or cancelled it, and not all of it waits for approval."""
    try:
        await require_run(database, sending.issue)
    except UsageError:  # sending it fails by that, and says so
        return False
    return not sending.held or any((await count_states(database, sending.issue)).values())


async def _send_lists(sending: Send, steering: Steering) -> list[SendReport] | State[Any]:
    reports: list[SendReport] = []
    for name in sending.lists:
        ended = await send_edition(sending, name, steering, return_state=True)
        if ended.is_failed():
            return Failed(message=ended.message)
        reports.append(await ended.aresult())
        if steering.stop.is_set() or reports[-1].tripped:
            break
    return reports


async def conclude(
    sending: Send, reports: Sequence[SendReport], database: Database, *, cancelled: bool, stopped: str | None
) -> State[Any]:
    """The state a run ends in: its message counts, and Failed means that a person has to look."""
    counts: Counter[RowState] = Counter()
    for report in reports:
        counts.update(report.counts)
    message = describe({state: counts[state] for state in RowState}, *_later(sending, reports))
    get_run_logger().info("%s: %s", sending.issue, message)
    trip = next((report.tripped for report in reports if report.tripped), None)
    if trip:
        await show_trip(sending.issue, trip)
    if cancelled or await read_wish(database, sending.issue) is Wish.CANCEL:
        return Cancelled(message=message)
    if reason := trip.reason if trip else stopped:
        return await ask_what_to_do(sending.workspace, sending.issue, reason, message)
    if any(report.has_losses for report in reports):
        emit(Happening.FELL_SHORT, sending.issue, message)
        return Failed(message=message, name="FellShort")
    if all(report.is_finished for report in reports):
        emit(Happening.FINISHED, sending.issue, message)
        return Completed(message=message)
    emit(Happening.DEFERRED, sending.issue, message)
    return Completed(message=message, name="Deferred")


def _later(sending: Send, reports: Sequence[SendReport]) -> list[str]:
    """When there is more to do, and why not before."""
    zone = zone_of(sending.workspace, sending.issue)
    moments = {
        "next try at": min((report.next_due for report in reports if report.next_due), default=None),
        "the relays' limits allow more at": min((one.held_until for one in reports if one.held_until), default=None),
    }
    if sending.until is not None and any(not report.is_finished for report in reports):
        moments["nothing leaves after"] = sending.until
    return [f"{what} {moment.astimezone(zone):%Y-%m-%d %H:%M %Z}" for what, moment in moments.items() if moment]
