"""A finding tells where it is in each form: a line, and an annotation of GitHub Actions."""

from __future__ import annotations

import pytest

from pressrun.finding import Finding, Severity, count_errors, count_of, count_warnings


def finding(severity: Severity = Severity.ERROR, path: str = "a/b.md", message: str = "Wrong") -> Finding:
    return Finding(path=path, line=3, column=7, severity=severity, code="link-text", message=message, hint="mend it")


@pytest.mark.parametrize(
    ("severity", "level"), [(Severity.ERROR, "error"), (Severity.WARNING, "warning"), (Severity.INFO, "notice")]
)
def test_an_annotation_has_a_level_and_a_place(severity: Severity, level: str) -> None:
    assert finding(severity).as_annotation() == f"::{level} file=a/b.md,line=3,col=7,title=link-text::Wrong — mend it"


def test_what_means_something_in_a_workflow_command_is_escaped() -> None:
    told = finding(path="a,b:c%.md", message="100 %\r\n::error::x, y").as_annotation()
    assert told == "::error file=a%2Cb%3Ac%25.md,line=3,col=7,title=link-text::100 %25%0D%0A::error::x, y — mend it"


def test_findings_are_counted_by_severity() -> None:
    found = [finding(severity) for severity in (Severity.ERROR, Severity.WARNING, Severity.WARNING, Severity.INFO)]
    assert (count_errors(found), count_warnings(found)) == (1, 2)
    assert [count_of(n, "warning") for n in (0, 1, 2)] == ["0 warnings", "1 warning", "2 warnings"]
