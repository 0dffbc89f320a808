"""What a rule is: an id, a severity, a sentence, and what looks for its faults."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from pressrun.check.manuscript import Manuscript
from pressrun.finding import Finding, Severity
from pressrun.source.yamlfile import Place


class Stage(StrEnum):
    """What a rule needs before it: the source files, the theme, the rendered mail, or the net."""

    SOURCE = "source"
    THEME = "theme"
    MAIL = "mail"
    ONLINE = "online"


@dataclass(frozen=True)
class Fault:
    """What a rule found in `file`; `severity` where this one is milder than the rule's worst."""

    file: Path
    place: Place
    message: str
    hint: str
    severity: Severity | None = None


Look = Callable[[Manuscript], Iterable[Fault]]


@dataclass(frozen=True)
class Rule:
    """A rule of the checks; `severity` is its worst faults', `says` what it asks for in a sentence."""

    id: str
    severity: Severity
    says: str
    look: Look
    stage: Stage = Stage.SOURCE
    can_be_silenced: bool = True

    def find(self, manuscript: Manuscript) -> Iterable[Finding]:
        """What it finds in the issue."""
        return (self.tell(fault) for fault in self.look(manuscript))

    def tell(self, fault: Fault) -> Finding:
        """The finding that says `fault`."""
        return Finding(
            path=str(fault.file),
            line=fault.place.line,
            column=fault.place.column,
            severity=fault.severity or self.severity,
            code=self.id,
            message=fault.message,
            hint=fault.hint,
        )


def look_nowhere(_: Manuscript) -> Iterable[Fault]:
    """The look of a rule whose faults are told by what else sees them."""
    return ()


def rule(
    id: str, severity: Severity, says: str, stage: Stage = Stage.SOURCE, *, can_be_silenced: bool = True
) -> Callable[[Look], Rule]:
    """Make a rule of a function that looks through an issue."""
    return lambda look: Rule(id, severity, says, look, stage, can_be_silenced)
