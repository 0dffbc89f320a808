from __future__ import annotations

from pathlib import Path

import pytest

from pressrun.errors import RenderError
from pressrun.finding import Finding, Severity
from pressrun.preview.fault import Fault, faults_in, faults_of

ROOT = Path("/workspace")


@pytest.mark.parametrize(
    ("message", "fault"),
    [
        (
            "/workspace/templates/themes/x/mail.mjml.j2:12: 'foo' is undefined",
            Fault("'foo' is undefined", "mend it", "templates/themes/x/mail.mjml.j2", 12),
        ),
        (
            "themes/x/mail.mjml.j2 (first-one): line 3, column 7: tags do not match",
            Fault("tags do not match", "mend it", "themes/x/mail.mjml.j2", 3, 7),
        ),
        ("themes/x/mail.mjml.j2: line 9: <b> stands", Fault("<b> stands", "mend it", "themes/x/mail.mjml.j2", 9)),
        ("no theme is called 'x'", Fault("no theme is called 'x'", "mend it")),
    ],
)
def test_an_error_tells_its_place(message: str, fault: Fault) -> None:
    assert faults_of(RenderError(message, "mend it"), ROOT) == (fault,)


def test_an_error_that_tells_of_several_faults_is_several() -> None:
    told = faults_of(
        RenderError("/workspace/t.yaml:5:3: this is missing; /workspace/t.yaml:9:1: so is this", "add"), ROOT
    )
    assert [fault.place for fault in told] == ["t.yaml:5:3", "t.yaml:9:1"]
    assert [fault.message for fault in told] == ["this is missing", "so is this"]


def test_a_file_that_can_not_be_read_is_named() -> None:
    (fault,) = faults_of(PermissionError(13, "Permission denied", "/workspace/issues/a/b/issue.yaml"), ROOT)
    assert (fault.path, fault.message) == ("issues/a/b/issue.yaml", "Permission denied")
    assert fault.remedy


def test_a_fault_of_our_own_is_told_as_such() -> None:
    (fault,) = faults_of(ZeroDivisionError("by zero"), ROOT)
    assert "internal error: ZeroDivisionError: by zero" in fault.message


def test_findings_that_stop_a_send_are_faults() -> None:
    error = Finding(path="a.md", line=2, column=3, code="x", message="bad", hint="mend")
    warning = error.model_copy(update={"severity": Severity.WARNING})
    assert faults_in([error, warning]) == (Fault("bad", "mend", "a.md", 2, 3),)
