"""The one root of everything pressrun raises on purpose.

An error says what is wrong and how to mend it; the command line prints it in
one line and turns it into the exit status that `docs/cli.md` promises.
"""

from __future__ import annotations


class PressrunError(Exception):
    """Something a person has to mend.

    `message` states the fault with file and field where there is one, `remedy`
    the next step. `exit_status` is what the command line ends with.
    """

    exit_status = 1

    def __init__(self, message: str, remedy: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.remedy = remedy

    def __str__(self) -> str:
        return f"{self.message} — {self.remedy}" if self.remedy else self.message


class UsageError(PressrunError):
    """The command, a name or a setting is wrong: nothing was begun."""

    exit_status = 2


class RenderError(PressrunError):
    """A template or its result can't be turned into a message or page."""


class StoreError(PressrunError):
    """The database can't be opened or does not fit this version."""

    exit_status = 2


class RelayError(PressrunError):
    """The relay can't be reached, secured or logged in to: nothing was sent on this connection.

    `code` is the reply's that said so, where one did.
    """

    def __init__(self, message: str, remedy: str = "", code: int | None = None) -> None:
        super().__init__(message, remedy)
        self.code = code


class FencedError(PressrunError):
    """The store is not where it was, or has gone back in time: nothing leaves until a person vouches for it."""

    exit_status = 2
