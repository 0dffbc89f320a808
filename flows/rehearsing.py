"""The rehearsal that a publication may want before an issue is approved: made once for each edition."""

from __future__ import annotations

from collections.abc import Sequence

from prefect import get_run_logger, task
from prefect.artifacts import acreate_markdown_artifact
from prefect.cache_policies import NO_CACHE

from flows.accounts import artifact_key, read_versions
from pressrun.errors import PressrunError
from pressrun.finding import count_of
from pressrun.rehearsal.rehearse import rehearse_send
from pressrun.rehearsal.report import write_rehearsal
from pressrun.render.edition import Edition
from pressrun.source.issue import Issue
from pressrun.store.approval import Decision, read_approval
from pressrun.store.database import Database
from pressrun.workspace import Workspace


async def require_rehearsal(
    workspace: Workspace, database: Database, issue: Issue, edition: Edition, lists: Sequence[str]
) -> None:
    """Rehearse where the publication wants it and nobody has approved yet. Raises PressrunError where it goes wrong."""
    if issue.publication.rehearsal != "required":
        return
    approval = await read_approval(database, issue.key)
    known = [one.description for one in await read_versions(artifact_key("rehearsal", issue.key))]
    if tell(edition.id, is_sound=True) in known or (approval and approval.decision is Decision.APPROVED):
        return
    await rehearse(workspace, issue.key, lists, edition.id)


@task(task_run_name="rehearse {key}", cache_policy=NO_CACHE, persist_result=False)
async def rehearse(workspace: Workspace, key: str, lists: Sequence[str], edition_id: str) -> None:
    """Send it to its whole audience, and to nobody; the report is an artifact. Raises PressrunError."""
    logger = get_run_logger()
    done = await rehearse_send(workspace, key, lists, say=lambda text: logger.info("rehearsal: %s", text))
    said = tell(done.edition_id, is_sound=done.is_sound)
    await acreate_markdown_artifact(write_rehearsal(done), artifact_key("rehearsal", key), said)
    if not done.is_sound:
        found = count_of(len(done.findings), "finding")
        raise PressrunError(f"the rehearsal of {key} has {found}", "see the rehearsal artifact; nothing was sent")


def tell(edition_id: str, *, is_sound: bool) -> str:
    """What stands beside a rehearsal's report."""
    return f"Edition {edition_id[:12]}: {'all is well' if is_sound else 'something is wrong'}"
