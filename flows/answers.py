"""Takes decisions that were made elsewhere, in a terminal say, to the runs that wait for them."""

from __future__ import annotations

from prefect.client.orchestration import PrefectClient, get_client
from prefect.client.schemas.filters import FlowRunFilter, FlowRunFilterState, FlowRunFilterStateType
from prefect.client.schemas.objects import FlowRun, StateType
from prefect.client.schemas.responses import SetStateStatus
from prefect.logging import get_run_logger

from flows.approval import APPROVE, KIND, REJECT, known_to, mark_of
from flows.question import Asked, newest
from flows.start import telling_faults
from pressrun.errors import PressrunError, UsageError
from pressrun.store.approval import Approval, Decision, read_approval
from pressrun.store.database import Database
from pressrun.workspace import Workspace


async def take_answers_along(workspace: Workspace, database: Database) -> list[str]:
    """Resume the suspended runs whose issue was decided about elsewhere since they asked: these issues.

    For send-due: whoever types `pressrun approve` need not look for the run that waits. Raises PressrunError where the
    server does not answer; a run that can't be resumed is told in the log, and does not hold up the others.
    """
    resumed = []
    with telling_faults("who waits for an approval can't be read"):
        async with get_client() as client:
            which = FlowRunFilter(state=FlowRunFilterState(type=FlowRunFilterStateType(any_=[StateType.PAUSED])))
            for run in await client.read_flow_runs(flow_run_filter=which):
                key = _issue_of(workspace, run)
                decided = await _decided_since(database, run, key) if key else None
                if key and decided and await _resume(client, run, decided):
                    resumed.append(key)
    return resumed


async def _decided_since(database: Database, run: FlowRun, key: str) -> Approval | None:
    """The decision that the run waits for: another one than was known when it asked.

    By which it is, not by when it was made: the clocks of machines differ.
    """
    asked = _question_of(run)
    decided = await read_approval(database, key) if asked else None
    return decided if asked and decided and mark_of(decided) != known_to(asked) else None


async def _resume(client: PrefectClient, run: FlowRun, decided: Approval) -> bool:
    decision = APPROVE if decided.decision is Decision.APPROVED else REJECT
    form = {"decision": decision, "name": decided.decided_by, "note": decided.note}
    try:
        with telling_faults(f"the run {run.name} does not go on"):
            answered = await client.resume_flow_run(run.id, run_input=form)
    except PressrunError as error:
        get_run_logger().warning("%s", error)
        return False
    return answered.status is SetStateStatus.ACCEPT


def _question_of(run: FlowRun) -> Asked | None:
    """What the run is suspended for, where that is an approval."""
    keyset = run.state.state_details.run_input_keyset if run.state else None
    return newest([keyset["response"].removeprefix("suspended-").removesuffix("-response")], KIND) if keyset else None


def _issue_of(workspace: Workspace, run: FlowRun) -> str | None:
    try:
        return workspace.issue_key(str(run.parameters.get("issue", "")))
    except UsageError:  # it is gone from the workspace
        return None
