"""The REST API, mounted below /api/v1."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from starlette.routing import BaseRoute, Mount

from pressrun.public.doors import Doors

PATH = "/api/v1"


def routes(doors: Doors) -> Sequence[BaseRoute]:
    """The routes of this door."""
    from pressrun.api.app import make_api  # FastAPI takes half a second to import

    mounted = Mount(PATH, make_api(doors))
    # Mount's own `.` takes no line break: an address with one in it would get another door's answer.
    mounted.path_regex = re.compile(mounted.path_regex.pattern, re.DOTALL)
    return (mounted,)


@asynccontextmanager
async def working(doors: Doors) -> AsyncIterator[None]:
    """What goes on while the application runs."""
    yield
