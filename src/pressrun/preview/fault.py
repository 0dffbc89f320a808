"""What keeps an issue from being shown: where it stands, what it is, and how to mend it."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from pressrun.errors import PressrunError
from pressrun.finding import Finding, Severity

# How errors of templates tell their place: `file:12: …`, and `name (part): line 12, column 3: …` of what MJML made.
_PLACES = (
    re.compile(r"(?P<path>[^\s:]+):(?P<line>\d+)(?::(?P<column>\d+))?: "),
    re.compile(r"(?P<path>[^\s:]+)(?: \([\w-]+\))?: line (?P<line>\d+)(?:, column (?P<column>\d+))?: "),
)
_NEXT = re.compile(r"; (?=[^\s:]+:\d+:\d+: )")  # a file's faults told in one message


@dataclass(frozen=True)
class Fault:
    """One fault: `path` is told from the workspace's root; empty, and `line` None, where no place is known."""

    message: str
    remedy: str
    path: str = ""
    line: int | None = None
    column: int | None = None

    @property
    def place(self) -> str:
        """The place as editors and terminals take it: `file:line:column`."""
        return ":".join(str(part) for part in (self.path, self.line, self.column) if part)


def faults_in(findings: Iterable[Finding]) -> tuple[Fault, ...]:
    """Those of `findings` that stop a send."""
    errors = (finding for finding in findings if finding.severity is Severity.ERROR)
    return tuple(Fault(error.message, error.hint, error.path, error.line, error.column) for error in errors)


def faults_of(error: BaseException, root: Path) -> tuple[Fault, ...]:
    """What `error` says, with its places where it tells any."""
    if isinstance(error, PressrunError):
        told = _NEXT.split(error.message.replace(f"{root}/", ""))
        return tuple(_placed(message, error.remedy) for message in told)
    if isinstance(error, OSError) and error.strerror:
        path = str(error.filename or "a file").replace(f"{root}/", "")
        return (Fault(error.strerror, "make it readable; it is looked at again when it changes", path),)
    what = f"internal error: {type(error).__name__}: {error}"
    return (Fault(what, "report it; the preview goes on when a file changes"),)


def _placed(message: str, remedy: str) -> Fault:
    for place in _PLACES:
        if found := place.match(message):
            line, column = (int(found[name]) if found[name] else None for name in ("line", "column"))
            return Fault(message[found.end() :], remedy, found["path"], line, column)
    return Fault(message, remedy)
