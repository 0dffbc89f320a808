"""The command line: its verbs name library functions, its exit status is 0, 1 or 2 as `docs/cli.md` promises."""

from __future__ import annotations

import sys
from typing import NoReturn

import typer

from pressrun.cli import delivery, flows, issue, site, source, subscribers
from pressrun.cli.app import app
from pressrun.errors import PressrunError

__all__ = ["delivery", "flows", "issue", "main", "site", "source", "subscribers"]

INTERRUPTED = 130  # 128 + SIGINT, as shells have it


def main() -> None:
    """Run the command line; an error is one line on standard error, with a traceback only under --debug."""
    try:
        status = app(standalone_mode=False)
    except (typer.Abort, KeyboardInterrupt):
        _fail("interrupted", INTERRUPTED)
    except BrokenPipeError:
        sys.stderr.close()  # the reader has had enough; there is nobody to tell
        sys.exit(0)
    except Exception as error:
        if "--debug" in sys.argv[1:]:
            raise
        message, exit_status = _explain(error)
        if type(error).__name__ == "NoArgsIsHelpError":  # its message is the help: to be read as it is
            print(message, file=sys.stderr)  # noqa: T201
            sys.exit(exit_status)
        _fail(message, exit_status)
    if status == INTERRUPTED:  # Typer turns Ctrl-C into this status and says nothing
        _fail("interrupted", INTERRUPTED)
    sys.exit(status if isinstance(status, int) else 0)


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
    sys.exit(status)
