"""The command line: its verbs name library functions, its exit status is 0, 1 or 2 as `docs/cli.md` promises."""

from __future__ import annotations

import sys

import typer

from pressrun.cli import delivery, flows, issue, site, source, subscribers
from pressrun.cli.app import app
from pressrun.errors import PressrunError

__all__ = ["delivery", "flows", "issue", "main", "site", "source", "subscribers"]

INTERRUPTED = 130  # 128 + SIGINT, as shells have it


def main() -> None:
    """Run the command line; an error is one line on standard error, with a traceback only under --debug."""
    debug = "--debug" in sys.argv[1:]
    try:
        status = app(standalone_mode=False)
    except typer.TyperException as error:
        if debug:
            raise
        _fail(error.format_message(), error.exit_code)
    except (typer.Abort, KeyboardInterrupt):
        _fail("interrupted", INTERRUPTED)
    except PressrunError as error:
        if debug:
            raise
        _fail(str(error), error.exit_status)
    except BrokenPipeError:
        sys.stderr.close()  # the reader has had enough; there is nobody to tell
        sys.exit(0)
    except Exception as error:
        if debug:
            raise
        _fail(f"internal error: {type(error).__name__}: {error} — run it again with --debug and report it", 1)
    if status == INTERRUPTED:  # Typer turns Ctrl-C into this status and says nothing
        _fail("interrupted", INTERRUPTED)
    sys.exit(status if isinstance(status, int) else 0)


def _fail(message: str, status: int) -> None:
    print(f"pressrun: {' '.join(message.split())}", file=sys.stderr)  # noqa: T201
    sys.exit(status)
