"""The web application for any ASGI server: `uvicorn --factory pressrun.asgi:make_app`, or `pressrun.asgi:app`."""

from __future__ import annotations

import datetime as dt
from typing import Any

from starlette.applications import Starlette

from pressrun.web import make_web_app
from pressrun.workspace import open_workspace


def make_app() -> Starlette:
    """The application of the workspace that PRESSRUN_WORKSPACE names, or that this folder is in; without previews."""
    return make_web_app(open_workspace(), lambda: dt.datetime.now(dt.UTC), previews=False)


def __getattr__(name: str) -> Any:
    if name == "app":  # made when asked for: importing this opens no workspace
        return make_app()
    raise AttributeError(name)
