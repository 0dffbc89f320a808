"""A deployment's run, carried out in this process as a worker's process would: it can suspend, and start anew."""

from __future__ import annotations

import inspect
from contextlib import suppress
from dataclasses import dataclass
from typing import Any
from uuid import UUID


@dataclass
class DeployedRun:
    """A run of a flow that has a deployment."""

    flow: Any
    run_id: UUID
    parameters: dict[str, Any]

    async def carry_out(self) -> Any:
        """What the process does that a worker starts; the run's state on the server afterwards."""
        from prefect.exceptions import Pause
        from prefect.flow_engine import run_flow_async

        run = await self.read()
        with suppress(Pause):  # here the process would end
            await run_flow_async(self.flow, flow_run=run, parameters=self.parameters, return_type="state")
        return (await self.read()).state

    async def resume(self, **form: Any) -> Any:
        """Fill in the form under Resume; gives what the server says to it."""
        from prefect.client.orchestration import get_client

        async with get_client() as client:
            return await client.resume_flow_run(self.run_id, run_input=form)

    async def answer(self, **form: Any) -> Any:
        """Fill in the form, and let the run start anew; the state it is then in."""
        answered = await self.resume(**form)
        assert answered.status == "ACCEPT", answered
        return await self.carry_out()

    async def read(self) -> Any:
        from prefect.client.orchestration import get_client

        async with get_client() as client:
            return await client.read_flow_run(self.run_id)

    async def question(self) -> str:
        """What stands above the form."""
        from prefect.input import aread_flow_run_input

        state = (await self.read()).state
        key = state.state_details.run_input_keyset["description"]
        return str(await aread_flow_run_input(key, flow_run_id=self.run_id))


async def deploy_run(flow: Any, **parameters: Any) -> DeployedRun:
    """A run of `flow` by a deployment that is made for it; what is not given has the flow's default."""
    from prefect.client.orchestration import get_client

    defaults = {name: one.default for name, one in inspect.signature(flow.fn).parameters.items()}
    given = {name: value for name, value in defaults.items() if value is not inspect.Parameter.empty} | parameters
    async with get_client() as client:
        flow_id = await client.create_flow(flow)
        deployment_id = await client.create_deployment(flow_id, name="for-a-test", enforce_parameter_schema=False)
        run = await client.create_flow_run_from_deployment(deployment_id, parameters=given)
    return DeployedRun(flow, run.id, given)
