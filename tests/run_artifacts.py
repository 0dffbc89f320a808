"""The artifacts of one run: a server tells at most 200 at once, and tests of a session share one."""

from __future__ import annotations

from typing import Any
from uuid import UUID


async def artifacts_of(run_id: UUID) -> dict[str, Any]:
    """The run's artifacts by key."""
    from prefect.client.orchestration import get_client
    from prefect.client.schemas.filters import ArtifactFilter, ArtifactFilterFlowRunId

    its = ArtifactFilter(flow_run_id=ArtifactFilterFlowRunId(any_=[run_id]))
    async with get_client() as client:
        return {one.key or "": one for one in await client.read_artifacts(artifact_filter=its)}
