"""Serves every flow from this process, so that an operator can start them in Prefect's UI."""

from __future__ import annotations

from prefect import aserve

from flows.deliver import deliver_send
from flows.publish import publish_issue
from flows.site import build_site


async def serve_flows() -> None:
    """Serve until stopped, as deployments called `here`: a server may have others, for workers, beside them."""
    flows = (publish_issue, deliver_send, build_site)
    await aserve(*[await flow.ato_deployment("here", tags=["pressrun"]) for flow in flows])


if __name__ == "__main__":
    import asyncio

    asyncio.run(serve_flows())
