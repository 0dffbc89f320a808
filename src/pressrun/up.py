"""Starts, for one person on one machine, all there is to look at: Prefect with its UI, flows, receiver, site."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager, suppress
from pathlib import Path

from pressrun.errors import PressrunError
from pressrun.orchestration import QUIET, flow_folder, server_note
from pressrun.serve import listen, serving
from pressrun.sink import Kept, sink
from pressrun.workspace import Workspace

HOST = "127.0.0.1"
READY_SECONDS = 120.0
STOP_SECONDS = 10.0


async def up(workspace: Workspace, stop: asyncio.Event, say: Callable[[str], None]) -> None:
    """Run until `stop` is set, then end every part; `say` is told what is where. State stays in `.pressrun/`."""
    settings = workspace.settings
    ui = f"http://{HOST}:{settings.server_port}"
    web = f"http://{HOST}:{settings.site_port}"
    environment = _environment(workspace, ui, web)
    logs = workspace.state / "logs"
    logs.mkdir(parents=True, exist_ok=True)
    for setting in ("server_port", "site_port", "sink_port"):  # before anything is begun
        listen(HOST, getattr(settings, setting), f"PRESSRUN_{setting.upper()}").close()
    async with AsyncExitStack() as parts:
        maildir = workspace.state / "maildir"
        await parts.enter_async_context(sink(maildir, HOST, settings.sink_port, kept=_teller(say)))
        await _build_site(workspace, say)
        site = listen(HOST, settings.site_port, "PRESSRUN_SITE_PORT")
        await parts.enter_async_context(serving(workspace, site))
        server = ("prefect", "server", "start", "--host", HOST, "--port", str(settings.server_port))
        running = [await parts.enter_async_context(_process(server, environment, logs / "server.log"))]
        await _wait_until_ready(ui, running[0], logs / "server.log", stop)
        if stop.is_set():
            return
        parts.enter_context(_noted(server_note(workspace), share_environment(workspace, environment)))
        running.append(await parts.enter_async_context(_process(("flows.serve",), environment, logs / "flows.log")))
        say(f"Prefect UI        {ui}")
        say(f"site and feeds    {web}")
        say(f"receiver          smtp://{HOST}:{settings.sink_port}, keeping in {maildir}")
        say(f"store             {workspace.database_url if not settings.database_url.get_secret_value() else 'as set'}")
        say(f"logs              {logs}")
        say("Ctrl-C ends it all; what was made stays.")
        await _watch(running, stop, logs)


def _environment(workspace: Workspace, ui: str, web: str) -> dict[str, str]:
    settings = workspace.settings
    relay = settings.smtp_url.get_secret_value()
    return {
        **os.environ,
        **QUIET,
        "PRESSRUN_WORKSPACE": str(workspace.root),
        "PRESSRUN_PREVIEW_URL": settings.preview_url or f"{web}/preview",
        # Only a relay that somebody set is mailed to; without one, the receiver here gets everything.
        "PRESSRUN_SMTP_URL": relay
        if "smtp_url" in settings.model_fields_set
        else f"smtp://{HOST}:{settings.sink_port}",
        "PREFECT_HOME": str(workspace.state / "prefect"),
        "PREFECT_API_URL": f"{ui}/api",
        "PREFECT_SERVER_UI_API_URL": f"{ui}/api",
        "PYTHONPATH": os.pathsep.join(filter(None, (str(flow_folder(workspace).parent), os.environ.get("PYTHONPATH")))),
        "PYTHONUNBUFFERED": "1",
    }


def share_environment(workspace: Workspace, environment: Mapping[str, str]) -> dict[str, str]:
    """What a flow run from another terminal needs to know of this one; never a relay's address that somebody set,
    which may hold a password.
    """
    names = ["PREFECT_API_URL", "PRESSRUN_PREVIEW_URL"]
    if "smtp_url" not in workspace.settings.model_fields_set:
        names.append("PRESSRUN_SMTP_URL")
    return {name: environment[name] for name in names}


@contextmanager
def _noted(file: Path, shared: Mapping[str, str]) -> Iterator[None]:
    file.write_text("".join(f"{name}={value}\n" for name, value in shared.items()), encoding="utf-8")
    try:
        yield
    finally:
        file.unlink(missing_ok=True)


def _teller(say: Callable[[str], None]) -> Callable[[Kept], None]:
    return lambda kept: say(f"received for {kept.recipient}: {kept.subject}")


async def _build_site(workspace: Workspace, say: Callable[[str], None]) -> None:
    from pressrun.site.build import site
    from pressrun.store.outgoing import ask_store

    standing = await ask_store(workspace.database_url)
    try:
        report = site(workspace, workspace.site_folder, ask=lambda: standing)
    except PressrunError as error:
        say(f"the site is not built: {error}")
        return
    for issue in report.withheld:
        say(f"not on the site   {issue.key}: {issue.reason}")


@asynccontextmanager
async def _process(
    module: tuple[str, ...], environment: Mapping[str, str], log: Path
) -> AsyncIterator[asyncio.subprocess.Process]:
    """A Python module as a process of its own session, ended with the block, or by its leash if this is killed."""
    with log.open("ab") as stream:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "pressrun.leash", *module),
            env=dict(environment),
            stdin=asyncio.subprocess.PIPE,
            stdout=stream,
            stderr=stream,
            start_new_session=True,
        )
    try:
        yield process
    finally:
        await _end(process)


async def _end(process: asyncio.subprocess.Process) -> None:
    """Ask the process to end, then kill it, and in any case what it began and left behind."""
    if process.returncode is None:
        process.terminate()
        with suppress(TimeoutError):
            await asyncio.wait_for(process.wait(), STOP_SECONDS)
    with suppress(ProcessLookupError):  # nothing of its session is left
        os.killpg(process.pid, signal.SIGKILL)
    await process.wait()


async def _wait_until_ready(ui: str, server: asyncio.subprocess.Process, log: Path, stop: asyncio.Event) -> None:
    import httpx

    deadline = time.monotonic() + READY_SECONDS
    async with httpx.AsyncClient(timeout=2, trust_env=False) as client:  # no proxy stands before this machine
        while not stop.is_set():
            if server.returncode is not None:
                raise PressrunError("the Prefect server ended by itself", f"see {log}")
            if time.monotonic() > deadline:
                raise PressrunError(f"the Prefect server is not ready after {READY_SECONDS:.0f} s", f"see {log}")
            with suppress(httpx.HTTPError):  # not yet there
                if (await client.get(f"{ui}/api/health")).is_success:
                    return
            await asyncio.sleep(0.2)


async def _watch(running: list[asyncio.subprocess.Process], stop: asyncio.Event, logs: Path) -> None:
    """Wait for `stop`; a part that ends by itself is an error."""
    waits = [asyncio.create_task(process.wait()) for process in running]
    stopped = asyncio.create_task(stop.wait())
    await asyncio.wait([*waits, stopped], return_when=asyncio.FIRST_COMPLETED)
    for task in (*waits, stopped):
        task.cancel()
    if not stop.is_set():
        raise PressrunError("a part of it ended by itself", f"see {logs}")
