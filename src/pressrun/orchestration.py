"""Finds and loads the workspace's flows for the command line; it is their code, not this, that imports Prefect."""

from __future__ import annotations

import importlib
import os
import sys
import urllib.request
from pathlib import Path
from types import ModuleType
from typing import Any

from pressrun.errors import PressrunError, UsageError
from pressrun.starter import starter_folder
from pressrun.workspace import Workspace

QUIET = {
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",  # it fails without a network, and is nobody's business
    "PREFECT_CLI_PROMPT": "false",
    "PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS": "120",  # a small machine takes its time
    "PREFECT_LOGGING_EXTRA_LOGGERS": "pressrun",
    "DO_NOT_TRACK": "1",
}


def flow_environment(workspace: Workspace) -> dict[str, str]:
    """What Prefect needs to know where nothing else tells it: history in the workspace's state, no telemetry.

    Where `pressrun up` is running, its server is used.
    Somebody who has a Prefect of their own (PREFECT_API_URL, PREFECT_HOME, PREFECT_PROFILE or a profile) keeps it.
    """
    environment = {**QUIET, "PRESSRUN_WORKSPACE": str(workspace.root)}
    own = any(os.environ.get(name) for name in ("PREFECT_API_URL", "PREFECT_HOME", "PREFECT_PROFILE"))
    if not own and not (Path.home() / ".prefect" / "profiles.toml").is_file():
        environment["PREFECT_HOME"] = str(workspace.state / "prefect")
        if server := running_server(workspace):  # a second one on the same database would lock it
            environment |= server
    return {
        name: value for name, value in environment.items() if name not in os.environ or name == "PRESSRUN_WORKSPACE"
    }


def server_note(workspace: Workspace) -> Path:
    """The file in which `pressrun up` notes its server's address while it runs."""
    return workspace.state / "prefect-server"


def running_server(workspace: Workspace) -> dict[str, str]:
    """The environment to use what `pressrun up` runs for this workspace by; empty where its server doesn't answer."""
    try:
        lines = server_note(workspace).read_text(encoding="utf-8").splitlines()
        shared = dict(line.split("=", 1) for line in lines)
        with urllib.request.urlopen(f"{shared['PREFECT_API_URL']}/health", timeout=2) as answer:
            return shared if answer.status == 200 else {}
    except (OSError, ValueError, KeyError):  # none noted, or what noted it was killed
        return {}


def load_flow(workspace: Workspace, module: str) -> ModuleType:
    """The workspace's module `flows.<module>`, else the starter's, with Prefect set up for it."""
    os.environ.update(flow_environment(workspace))
    workspace.state.mkdir(parents=True, exist_ok=True)  # Prefect makes its own folder in it, but none above
    folder = flow_folder(workspace)
    if str(folder.parent) not in sys.path:
        sys.path.insert(0, str(folder.parent))
    return importlib.import_module(f"flows.{module}")


async def run_flow(workspace: Workspace, module: str, flow: str, **parameters: Any) -> Any:
    """Run a flow here and now; gives the state it ended in. Raises PressrunError where its server can't be reached."""
    run = getattr(load_flow(workspace, module), flow)
    try:
        return await run(**parameters, return_state=True)
    except RuntimeError as error:
        if "Failed to reach API" not in str(error):  # Prefect has no error of its own for it
            raise
        remedy = "start it, or unset PREFECT_API_URL to do without one"
        raise PressrunError(f"no Prefect server answers: {error}", remedy) from error


def flow_folder(workspace: Workspace) -> Path:
    """Where the flows are: the workspace's own folder, else the starter's."""
    for folder in (workspace.root / "flows", starter_folder() / "flows"):
        if (folder / "publish.py").is_file():
            return folder
    raise UsageError(f"{workspace.root} has no flows", "copy the folder flows/ from a new workspace: pressrun init DIR")
