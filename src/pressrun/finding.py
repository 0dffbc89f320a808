"""What a check found: a place, a rule's code, and how to mend it."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from pathlib import Path

from pydantic import BaseModel, ConfigDict, field_validator


class Severity(StrEnum):
    """`error` stops a send; `warning` is for a person to weigh; `info` is good to know."""

    ERROR = "error"
    WARNING = "warning"
    INFO = "info"


class Finding(BaseModel):
    """One fault in a source file, at a 1-based line and column (in characters)."""

    model_config = ConfigDict(frozen=True)

    path: str
    line: int = 1
    column: int = 1
    severity: Severity = Severity.ERROR
    code: str
    message: str
    hint: str

    @field_validator("path", "message", "hint", mode="before")
    @classmethod
    def _printable(cls, text: str) -> str:
        """What no UTF-8 can hold, such as a file name in another encoding, as a backslash and a number."""
        return text.encode("utf-8", "backslashreplace").decode("utf-8")

    def __str__(self) -> str:
        return f"{self.path}:{self.line}:{self.column}: {self.code} {self.message} — {self.hint}"

    def as_annotation(self) -> str:
        """The finding as a workflow command that GitHub Actions shows beside the line."""
        level = "notice" if self.severity is Severity.INFO else self.severity
        place = f"file={_escape_property(self.path)},line={self.line},col={self.column}"
        said = _escape(f"{self.message} — {self.hint}")
        return f"::{level} {place},title={_escape_property(self.code)}::{said}"

    def relative_to(self, root: Path) -> Finding:
        """The same finding with its path told from `root`, where it lies below it."""
        try:
            return self.model_copy(update={"path": str(Path(self.path).relative_to(root))})
        except ValueError:
            return self


def _escape(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _escape_property(text: str) -> str:
    return _escape(text).replace(":", "%3A").replace(",", "%2C")


def count_errors(findings: Iterable[Finding]) -> int:
    """How many of `findings` stop a send."""
    return sum(finding.severity is Severity.ERROR for finding in findings)


def count_warnings(findings: Iterable[Finding]) -> int:
    """How many of `findings` are for a person to weigh."""
    return sum(finding.severity is Severity.WARNING for finding in findings)


def count_of(number: int, what: str) -> str:
    """`number` and the English noun `what` in its form: 1 error, 2 errors."""
    return f"{number} {what}" if number == 1 else f"{number} {what}s"


def in_order(findings: Iterable[Finding]) -> list[Finding]:
    """The findings by place, each once."""
    return sorted(set(findings), key=lambda f: (f.path, f.line, f.column, f.code, f.message))
