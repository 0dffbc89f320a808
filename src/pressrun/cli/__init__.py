"""The command line: its verbs name library functions, its exit status is 0, 1 or 2 as `docs/cli.md` promises."""

from __future__ import annotations

import sys
from typing import NoReturn

import typer

from pressrun.cli import (
    api_keys,
    approval,
    clicks,
    control,
    delivery,
    deploy,
    dkim,
    doctor,
    flows,
    hub,
    inbox,
    issue,
    people,
    preview,
    rehearse,
    report,
    schedule,
    segments,
    serve,
    site,
    source,
    subscriber_files,
    subscribers,
    webhooks,
)
from pressrun.cli.app import app
from pressrun.cli.screen import guarded_screen
from pressrun.errors import PressrunError
from pressrun.last_minute import note_status

__all__ = [
    "api_keys",
    "approval",
    "clicks",
    "control",
    "delivery",
    "deploy",
    "dkim",
    "doctor",
    "flows",
    "hub",
    "inbox",
    "issue",
    "main",
    "people",
    "preview",
    "rehearse",
    "report",
    "schedule",
    "segments",
    "serve",
    "site",
    "source",
    "subscriber_files",
    "subscribers",
    "webhooks",
]

INTERRUPTED = 130  # 128 + SIGINT, as shells have it


def main() -> None:
    """Run the command line; an error is one line on standard error, with a traceback only under --debug."""
    with guarded_screen():
        _run()


def _run() -> NoReturn:
    try:
        status = app(standalone_mode=False)
    except (typer.Abort, KeyboardInterrupt):
        _fail("interrupted", INTERRUPTED)
    except BrokenPipeError:
        sys.stderr.close()  # the reader has had enough; there is nobody to tell
        sys.exit(0)
    except Exception as error:
        if "--debug" in sys.argv[1:]:
            note_status(1)
            raise
        message, exit_status = _explain(error)
        if type(error).__name__ == "NoArgsIsHelpError":  # its message is the help: to be read as it is
            print(message, file=sys.stderr)  # noqa: T201
            _end(exit_status)
        _fail(message, exit_status)
    if status == INTERRUPTED:  # Typer turns Ctrl-C into this status and says nothing
        _fail("interrupted", INTERRUPTED)
    _end(status if isinstance(status, int) else 0)


def _explain(error: Exception) -> tuple[str, int]:
    """The line that tells `error`, and the exit status it ends with."""
    match error:
        case typer.TyperException():
            return error.format_message(), error.exit_code
        case PressrunError():
            return str(error), error.exit_status
        case OSError() if error.strerror:
            where = error.filename or "a file"
            return f"{where}: {error.strerror} — name a place that can be read and written", 2
    return f"internal error: {type(error).__name__}: {error} — run it again with --debug and report it", 1


def _fail(message: str, status: int) -> NoReturn:
    print(f"pressrun: {' '.join(message.split())}", file=sys.stderr)  # noqa: T201
    _end(status)


def _end(status: int) -> NoReturn:
    note_status(status)
    sys.exit(status)
