"""Approval in Prefect: what a person is shown and asked before an issue leaves, and what becomes of the answer."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from prefect import task
from prefect.cache_policies import NO_CACHE
from prefect.input import RunInput
from prefect.logging import get_run_logger
from prefect.runtime import flow_run as this_run
from prefect.states import Completed, Failed, State
from pydantic import Field

from flows.accounts import artifact_key, read_versions, show_audience, show_pictures, show_tests, show_text
from flows.events import Happening, emit
from flows.question import Answer, Asked, ask, can_ask, read_answer
from flows.send_test import send_to, tell_tests
from pressrun.approve import approve, reject
from pressrun.delivery.table import plain
from pressrun.errors import PressrunError, UsageError
from pressrun.finding import Finding, count_errors, count_of
from pressrun.render.edition import Edition
from pressrun.render.mail import Rendering
from pressrun.render.picture import find_chromium, take_pictures
from pressrun.segment import segments_for
from pressrun.source.issue import Issue
from pressrun.store.approval import Approval, Decision, Seal, read_approval
from pressrun.store.database import Database
from pressrun.store.exclusion import Audience, read_audience
from pressrun.store.lack import Lack, count_planned_lacks
from pressrun.store.planning import propose
from pressrun.workspace import Workspace

KIND = "approval"
APPROVE, REJECT, TEST = "approve", "reject", "send test copies"

_BLANK = re.compile(r"[\s,;]+")


class ApprovalForm(RunInput):
    """What an approver fills in."""

    decision: Literal["approve", "reject", "send test copies"] = Field(
        title="Decision",
        description="Test copies go out at once, and you are asked again",
        json_schema_extra={"position": 0},
    )
    name: str = Field(
        title="Your name", description="Kept with the decision", pattern=r"\S", json_schema_extra={"position": 1}
    )
    note: str = Field("", title="Note", description="Kept with the decision", json_schema_extra={"position": 2})
    send_at: dt.datetime | None = Field(
        None,
        title="Send at",
        description="A time instead of the issue's; empty: as planned",
        json_schema_extra={"position": 3},
    )
    test_to: str = Field(
        "",
        title="Test copies to",
        description="Addresses parted by blanks; empty: the publication's testers",
        json_schema_extra={"position": 4},
    )


@dataclass(frozen=True)
class Draft:
    """An issue as it stands before its approver."""

    workspace: Workspace
    issue: Issue
    rendering: Rendering
    findings: Sequence[Finding]
    lists: Sequence[str]
    waves: Mapping[str, dt.datetime]
    why: str = ""
    """Why somebody is asked, where it is not the publication that wants it."""

    @property
    def edition(self) -> Edition:
        """What would be sent."""
        return self.rendering.edition


async def seek_approval(draft: Draft, database: Database) -> Approval | State[Any]:
    """The approval of what is planned for the draft; else the state to end in. Suspends the run until it is answered.

    Runs from the top after each answer: what was done before is done again, and changes nothing.
    """
    key, now = draft.issue.key, _now()
    segments = segments_for(draft.workspace, draft.lists)
    proposal = await propose(database, draft.edition, draft.lists, now, due_by_zone=draft.waves, segments=segments)
    if proposal.seal is None:
        return Failed(message=f"nobody is on {', '.join(draft.lists)}; import or add people, then publish it again")
    standing = await read_approval(database, key)
    if standing is not None and standing.decision is Decision.APPROVED:
        get_run_logger().info("%s: approved by %s", key, standing.decided_by)
        return standing
    answer = await read_answer(KIND, ApprovalForm)
    problem = ""
    if answer is not None and _is_about(answer, proposal.seal, standing):
        decided = await _follow(draft, database, proposal.seal, answer)
        if not isinstance(decided, str):
            return decided
        problem = decided
    elif answer is not None:
        problem = f"It has changed since {answer.form.name} looked at it: what was said then is void."
    if not can_ask():
        remedy = f"pressrun approve {key} --by NAME, then publish it again"
        return Completed(message=f"{key} waits for approval: {remedy}", name="WaitsForApproval")
    await _present(draft, proposal.seal)
    audience = await read_audience(database, key)
    await show_audience(key, audience)
    lacks = await count_planned_lacks(database, draft.edition)
    text = write_question(draft, proposal.seal, audience, standing, problem, lacks)
    hours = draft.workspace.settings.approval_hours
    emit(Happening.ASKED, key, f"{key} waits for approval", seal=proposal.seal.short, hours=hours)
    get_run_logger().info("%s: %s; waiting up to %g hours for a decision", key, proposal.seal.short, hours)
    await ask(KIND, _about(proposal.seal, standing), ApprovalForm, text, hours, now)


def _is_about(answer: Answer[ApprovalForm], seal: Seal, standing: Approval | None) -> bool:
    """Whether it counts for the plan as it is: it was asked about that, or rejects what is rejected by now anyway."""
    plan, _, _ = answer.asked.about.partition("x")
    return plan == seal.short or (standing is not None and answer.form.decision == REJECT)


async def _follow(
    draft: Draft, database: Database, seal: Seal, answer: Answer[ApprovalForm]
) -> Approval | State[Any] | str:
    """Do what the form says: the approval, the state to end in, or why to ask again."""
    form, key = answer.form, draft.issue.key
    if form.decision == TEST:
        return await _send_tests(draft, _BLANK.split(form.test_to.strip()) if form.test_to.strip() else [])
    decided = {"seal": seal.text, "note": form.note}
    try:
        if form.decision == APPROVE:
            send_at = moment_of(form.send_at, draft.issue)
            given = await approve(database, key, form.name, _now(), **decided, send_at=send_at)
        else:
            given = await reject(database, key, form.name, _now(), **decided)
    except UsageError as error:  # the time is past, or somebody else changed it or let it begin a moment ago
        return f"{error}."
    note = f": {given.note}" if given.note else ""
    message = f"{key} was {given.decision} by {given.decided_by}{note}"
    get_run_logger().info("%s", message)
    if given.decision is Decision.REJECTED:
        emit(Happening.REJECTED, key, message, by=given.decided_by)
        return Failed(message=f"{message}; nothing was sent", name="Rejected")
    emit(Happening.APPROVED, key, message, by=given.decided_by)
    return given


def moment_of(chosen: dt.datetime | None, issue: Issue) -> dt.datetime | None:
    """The time from the form; without a zone, it is one in the publication's."""
    return chosen if chosen is None or chosen.tzinfo else chosen.replace(tzinfo=issue.publication.zone)


async def _present(draft: Draft, seal: Seal) -> None:
    """Pictures and the text once for each run and plan, test copies once for each plan, however often this runs."""
    key, mark = draft.issue.key, f"Of {seal.short}"
    shown = await read_versions(artifact_key("text", key))
    if not any(one.description == mark and str(one.flow_run_id) == this_run.id for one in shown):
        await show_pictures(draft.workspace, key, await draw_preview(draft))
        await show_text(key, draft.workspace.preview_folder / key, mark)
    tested = await read_versions(artifact_key("tests", key))
    if draft.issue.publication.testers and not any((one.description or "").startswith(mark) for one in tested):
        await _test(draft, mark)


@task(task_run_name="draw {draft.issue.key}", cache_policy=NO_CACHE, persist_result=False)
async def draw_preview(draft: Draft) -> list[Any]:
    """The mail as pictures, where there is something to draw them with."""
    page = draft.workspace.preview_folder / draft.issue.key / "preview.html"
    pictures = await take_pictures(page, find_chromium())
    if not pictures:
        get_run_logger().info("no pictures: Chromium is not on this machine, or could not draw them")
    return pictures


async def _send_tests(draft: Draft, addresses: Sequence[str]) -> str:
    """Send what the form asked for; gives what to say above the next form."""
    try:
        tested = await send_to(draft.workspace, draft.edition, addresses or draft.issue.publication.testers)
    except PressrunError as error:
        return f"No test copies: {error}."
    await show_tests(draft.edition, tested, f"Asked for in the form: {tell_tests(tested)}")
    return f"Test copies: {tell_tests(tested)}."


async def _test(draft: Draft, mark: str) -> None:
    """To the publication's testers; without their copies it is asked all the same."""
    try:
        tested = await send_to(draft.workspace, draft.edition, draft.issue.publication.testers)
    except PressrunError as error:
        get_run_logger().warning("no test copies: %s", error)
    else:
        await show_tests(draft.edition, tested, f"{mark}: {tell_tests(tested)}")


def write_question(
    draft: Draft,
    seal: Seal,
    audience: Audience,
    standing: Approval | None,
    problem: str = "",
    lacks: Sequence[Lack] = (),
) -> str:
    """What stands above the form, as Markdown."""
    issue, edition = draft.issue, draft.edition
    warnings = len(draft.findings) - count_errors(draft.findings)
    lists = ", ".join(f"{plain(name)} ({count:,})" for name, count in audience.planned.items())
    segments = [f"- {plain(name)} are those with {plain(told)}" for name, told in audience.filters.items()]
    excluded = "; ".join(f"{count:,} {plain(reason)}" for reason, count in audience.excluded.items())
    details = artifact_key("audience", issue.key)
    lines = [
        f"## {plain(edition.shown_subject)}",
        f"**{plain(problem)}**" if problem else "",
        draft.why,
        _tell_rejection(standing),
        f"- to **{audience.recipients:,} people** on {lists}",
        *segments,
        f"- left out: {excluded} (the artifact {details})" if excluded else "- nobody is left out",
        *(f"- {plain(str(lack))}" for lack in lacks),
        f"- {_tell_time(issue)}",
        f"- {count_of(warnings, 'warning')}: see the artifact {artifact_key('findings', issue.key)}",
        f"- [the mail]({draft.workspace.preview_address(issue.key)}); as picture and as text: this run's artifacts",
        f"- plan `{seal.short}`: any change, to the issue or to who is planned, voids the approval",
    ]
    return "\n".join(line for line in lines if line)


def _tell_rejection(standing: Approval | None) -> str:
    if standing is None or standing.decision is not Decision.REJECTED:
        return ""
    note = f": {plain(standing.note)}" if standing.note else ""
    return f"It was rejected before, by {plain(standing.decided_by)}{note}."


def _tell_time(issue: Issue) -> str:
    return f"at {issue.send_at:%Y-%m-%d %H:%M %Z}" if issue.send_at else "as soon as it is approved"


def _about(seal: Seal, standing: Approval | None) -> str:
    """What a question is about: the plan, and the decision about it that was known by then."""
    return f"{seal.short}x{mark_of(standing)}" if standing else seal.short


def known_to(asked: Asked) -> str:
    """The mark of the decision about its plan that was known when it was asked; empty where there was none."""
    return asked.about.partition("x")[2]


def mark_of(decided: Approval) -> str:
    """What tells a decision from others about its plan: the moment that the store has with it."""
    return f"{decided.created_at.astimezone(dt.UTC):%Y%m%d%H%M%S%f}"


def _now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)
