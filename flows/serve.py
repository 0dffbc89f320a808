"""Serves every flow from this process, so that an operator can start them in Prefect's UI."""

from __future__ import annotations

from prefect import aserve

from flows.deliver import deliver_send
from flows.publish import publish_issue
from flows.site import build_site


async def serve_flows() -> None:
    """Serve until stopped."""
    await aserve(
        await publish_issue.ato_deployment("publish-issue", tags=["pressrun"]),
        await deliver_send.ato_deployment("deliver-send", tags=["pressrun"]),
        await build_site.ato_deployment("build-site", tags=["pressrun"]),
    )


if __name__ == "__main__":
    import asyncio

    asyncio.run(serve_flows())
