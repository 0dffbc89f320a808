"""rehearse-send: the real send to nobody, with things going wrong on purpose, and a report of what came of it."""

from __future__ import annotations

from typing import Annotated, Any

from prefect import flow, get_run_logger
from prefect.artifacts import acreate_markdown_artifact
from prefect.states import Completed, Failed, State
from pydantic import Field

from flows.accounts import artifact_key
from flows.blocks import open_with_secrets
from flows.rehearsing import tell
from pressrun.errors import PressrunError, UsageError
from pressrun.finding import count_of
from pressrun.rehearsal.rehearse import USUAL, Faults, Rehearsal, write_rehearsal
from pressrun.rehearsal.rehearse import rehearse_send as run_rehearsal
from pressrun.render.source import open_issue

Share = Annotated[float, Field(ge=0, le=1)]


@flow(
    name="rehearse-send",
    flow_run_name="rehearse {issue}",
    description="""Sends an issue to its whole audience by the real engine, and to nobody: a receiver on the same
machine takes every message, refuses some, cuts connections, and the sending process is killed in the middle. Then each
message is opened and looked at, and everybody is accounted for.

No relay is used, nothing is planned or logged, nobody gets mail. It takes the disk room and the time that the send
takes.

**When it fails**, the report says what is not sound: somebody lost, a message twice without a flag, a link that is not
theirs. Do not send the issue before that is understood. A wrong name is answered with the nearest.""",
)
async def rehearse_send(
    issue: str,
    lists: list[str] | None = None,
    sample: Annotated[int, Field(ge=1)] | None = None,
    temporary: Share = USUAL.temporary,
    permanent: Share = USUAL.permanent,
    dropped: Share = USUAL.dropped,
    slow: Share = USUAL.slow,
    kill: bool = USUAL.kill,
) -> State[Any]:
    """Rehearse the send; the artifact `rehearsal-…` is the report.

    Args:
        issue: The issue to rehearse: publication/issue, such as spp/2026-02.
        lists: The lists it would go to. Empty: its own lists, those of issue.yaml or publication.yaml.
        sample: How many people to rehearse with, by chance. Empty: everybody.
        temporary: The share of tries that are refused for now, 0 to 1.
        permanent: The share of tries that are refused for good, 0 to 1.
        dropped: The share of tries whose connection is cut, 0 to 1.
        slow: The share of recipient domains that answer slowly, 0 to 1.
        kill: Whether the sending process is killed in the middle.
    """
    logger = get_run_logger()
    try:
        faults = Faults(temporary=temporary, permanent=permanent, dropped=dropped, slow=slow, kill=kill)
        workspace = await open_with_secrets()
        opened = open_issue(workspace, issue)
        chosen = lists or opened.lists
        if not chosen:
            raise UsageError(f"{opened.key} names no list", "name one, or write lists: into its publication.yaml")
        done = await run_rehearsal(workspace, opened.key, chosen, faults, sample=sample, say=logger.info)
    except PressrunError as error:
        return Failed(message=str(error))
    said = describe_rehearsal(done, complete=sample is None and set(chosen) >= set(opened.lists))
    await acreate_markdown_artifact(write_rehearsal(done), artifact_key("rehearsal", opened.key), said)
    return conclude_rehearsal(done)


def describe_rehearsal(done: Rehearsal, *, complete: bool) -> str:
    """What stands beside the report. A part of the audience is not what a publication asks for before an approval."""
    return tell(done.edition_id, is_sound=done.is_sound) if complete else f"A part of the audience, {done.audience:,}"


def conclude_rehearsal(done: Rehearsal) -> State[Any]:
    """Whether the rehearsal was sound, in a line."""
    account = done.account
    if done.is_sound:
        return Completed(message=f"sound: {account.planned:,} planned, {account.received:,} received, none lost")
    found = "; ".join(f"{defect.what}: {defect.count:,}" for defect in done.findings)
    return Failed(name="NotSound", message=f"{count_of(len(done.findings), 'finding')} in {done.issue}: {found}")
