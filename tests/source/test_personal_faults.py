"""Faults of fields, conditions and attachments are told with file, line and column, all at once."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from pressrun.check import examine
from pressrun.condition import parse_condition
from pressrun.finding import Finding, Severity
from pressrun.source.attachment import is_refused, media_type_of
from pressrun.source.branch import split_forks
from pressrun.source.field import field_faults
from pressrun.source.loader import load_issue
from pressrun.workspace import open_workspace
from small_issue import ISSUE, PUBLICATION, write_small_issue


def found(folder: Path, **changes: str | bytes | None) -> list[Finding]:
    return list(examine(write_small_issue(folder, **changes), open_workspace(folder)).findings)


def places(findings: list[Finding]) -> list[tuple[str, int, int, str]]:
    return [(Path(finding.path).name, finding.line, finding.column, finding.code) for finding in findings]


def article(body: str, front: str = "") -> str:
    return f"---\ntitle: The first\n{front}---\n{body}\n"


def test_a_sound_issue_with_all_of_it_has_no_findings(tmp_path: Path) -> None:
    body = (
        "Hi {{ name | reader }}, [x](https://www.example.com/?c={{ city | a b }}), [y]({{ unsubscribe_url }}), "
        "[z]({{ survey | https://www.example.com/s }}), [m](mailto:{{ address }}) and \\{{ braces }}.\n\n"
        '::: when city == "Beijing"\n[z](https://www.example.com/z)\n\n:::quote\ntext: In {{ city }}\n:::\n:::\n'
    )
    issue = ISSUE.replace("    articles:", '    when: list == "press"\n    articles:')
    issue += "subject: For {{ city | you }}\nattachments:\n  - {file: media/chart.png, name: The issue.png}\n"
    publication = (
        PUBLICATION + "greeting: Dear {{ title | friend }} {name}\nverp: true\nreturn_path: bounces@e.example.com\n"
    )
    assert found(tmp_path, first=article(body, 'when: role == "x"\n'), issue=issue, publication=publication) == []


@pytest.mark.parametrize(
    ("body", "line", "column", "code"),
    [
        ("Text\n\nand {{ city | a | b }}.", 6, 5, "bad-field"),
        ("- a\n  - {{ }}", 5, 5, "bad-field"),
        ("{{ city", 4, 1, "bad-field"),
        (":::report\ntitle: R\nsummary: In {{ }}.\n:::", 6, 13, "bad-field"),
        (":::report\ntitle: R\nsummary: >-\n  Here\n\n  in {{ city\n:::", 9, 6, "bad-field"),
        ("a\n\n::: when city = 1\nb\n:::", 6, 15, "bad-condition"),
        ('::: when a == "x"\n\n::: when\nc\n:::\n:::', 6, 1, "bad-condition"),
        ('::: when a == "x"\nb', 4, 1, "block-unclosed"),
        ("a\n\n::: otherwise\nb\n:::", 6, 1, "block-misplaced"),
        ('- a\n\n  ::: when a == "x"\n  b\n  :::', 6, 1, "block-nested"),
        (' ::: when a == "x"\nb\n :::', 4, 1, "block-misplaced"),
        ('::: when a == "x"\n:::figure\nimage: media/none.png\nalt: x\n:::\n:::', 6, 8, "missing-file"),
        ('::: when a == "x"\n<b>x</b>\n:::', 5, 1, "raw-html"),
        (
            '::: when a == "x"\nb\n:::\n::: otherwise\n[x](https://e.example.com/track/link/1)\n:::',
            8,
            5,
            "tracking-link",
        ),
        ("[x](https://{{ city }}.example.com/)", 4, 5, "bad-link"),
        ("[x]({{ city }}/x)", 4, 5, "bad-link"),
        ("[x]({{ city | nowhere }})", 4, 5, "bad-link"),
    ],
)
def test_a_fault_in_an_article_has_its_place(tmp_path: Path, body: str, line: int, column: int, code: str) -> None:
    findings = found(tmp_path, first=article(body))
    assert places(findings)[0] == ("first.md", line, column, code), [str(finding) for finding in findings]
    assert findings[0].severity is Severity.ERROR and findings[0].hint


@pytest.mark.parametrize(
    ("key", "line", "column", "code"),
    [
        ("subject: For {{ a | b | c }}", 1, 14, "bad-field"),
        ("intro: |\n  Hi {{ }}", 2, 6, "bad-field"),
        ('intro: |\n  ::: when city = "x"\n  b\n  :::', 2, 17, "bad-condition"),
        ("intro: |\n  Hi\n\n  :::quote\n  text: b\n  :::", 4, 3, "block-misplaced"),
        ("colophon:\n  statement: '{{ '", 2, 15, "bad-field"),
    ],
)
def test_a_fault_in_the_issue_has_its_place(tmp_path: Path, key: str, line: int, column: int, code: str) -> None:
    findings = found(tmp_path, issue=f"{ISSUE}{key}\n")
    assert places(findings)[0] == ("issue.yaml", ISSUE.count("\n") + line, column, code), findings


def test_a_fault_in_a_condition_of_a_section_or_article_has_its_place(tmp_path: Path) -> None:
    issue = ISSUE.replace("    articles:", '    when: city == "x" an\n    articles:')
    findings = found(tmp_path, issue=issue, first=article("Text", 'when: "city == x"\n'))
    assert places(findings) == [("first.md", 3, 16, "bad-condition"), ("issue.yaml", 12, 23, "bad-condition")]


def test_a_greetings_fault_has_its_place(tmp_path: Path) -> None:
    findings = found(tmp_path, publication=PUBLICATION + "greeting: Dear {{ title\n")
    assert places(findings) == [("publication.yaml", PUBLICATION.count("\n") + 1, 16, "bad-field")]


@pytest.mark.parametrize(
    "changes",
    [
        {"issue": ISSUE + "title: News of {{ city }}\n"},
        {"first": "---\ntitle: News of {{ city }}\n---\nText\n"},
        {"first": article(":::figure\nimage: media/chart.png\nalt: In {{ city }}\n:::")},
    ],
)
def test_a_field_where_all_read_the_same_is_warned_of(tmp_path: Path, changes: dict[str, str]) -> None:
    (finding,) = found(tmp_path, **changes)
    assert (finding.code, finding.severity) == ("field-misplaced", Severity.WARNING)
    assert "{{ city }}" in finding.message


def test_the_braces_of_a_label_are_its_own(tmp_path: Path) -> None:
    assert found(tmp_path, publication=PUBLICATION.replace("Issue {number}", "{{Issue}} {number}")) == []


def test_a_link_that_leads_nowhere_for_some_is_warned_of(tmp_path: Path) -> None:
    (finding,) = found(tmp_path, first=article("[x]({{ survey }}) [y]({{ view_url }})"))
    assert (finding.code, finding.severity) == ("link-without-fallback", Severity.WARNING)


@pytest.mark.parametrize(
    ("entry", "key", "code"),
    [
        ("{file: media/none.pdf}", "file", "missing-file"),
        ("{file: media/../issue.yaml}", "file", "bad-value"),
        ("{file: ../issue.yaml}", "file", "bad-value"),
        ("{file: media/chart.png, name: setup.EXE}", "name", "attachment-refused"),
        ("{file: media/chart.png, name: 'x.js.'}", "name", "attachment-refused"),
        ("{file: media/chart.png, name: a/b.pdf}", "name", "bad-value"),
        ("{file: media/chart.png, name: .pdf}", "name", "bad-value"),
        ("{file: media/chart.png, colour: red}", "colour", "unknown-key"),
    ],
)
def test_an_attachment_that_cannot_go_is_an_error(tmp_path: Path, entry: str, key: str, code: str) -> None:
    line = f"  - {entry}"
    findings = found(tmp_path, issue=f"{ISSUE}attachments:\n{line}\n")
    column = line.index(f"{key}: ") + (1 if code == "unknown-key" else len(key) + 3)
    assert places(findings) == [("issue.yaml", ISSUE.count("\n") + 2, column, code)]
    assert findings[0].severity is Severity.ERROR


def test_two_attachments_of_one_name_are_an_error(tmp_path: Path) -> None:
    entries = "attachments:\n  - {file: media/chart.png}\n  - {file: media/cover.png, name: chart.png}\n"
    assert places(found(tmp_path, issue=ISSUE + entries)) == [("issue.yaml", ISSUE.count("\n") + 3, 35, "bad-value")]


@pytest.mark.parametrize(
    ("octets", "severity"), [(1_000_000, None), (1_100_000, Severity.WARNING), (10_600_000, Severity.ERROR)]
)
def test_heavy_attachments_are_told(tmp_path: Path, octets: int, severity: Severity | None) -> None:
    (tmp_path / "issues" / "small" / "2026-01" / "media").mkdir(parents=True)
    (tmp_path / "issues" / "small" / "2026-01" / "media" / "issue.pdf").write_bytes(bytes(octets))
    findings = found(tmp_path, issue=f"{ISSUE}attachments:\n  - {{file: media/issue.pdf}}\n")
    assert [(finding.code, finding.severity) for finding in findings] == (
        [("message-large", severity)] if severity else []
    )
    assert not findings or places(findings)[0][:2] == ("issue.yaml", ISSUE.count("\n") + 1)


@pytest.mark.parametrize("images", ["inline", "hosted"])
def test_heavy_pictures_are_told_where_the_message_holds_them(tmp_path: Path, images: str) -> None:
    folder = write_small_issue(tmp_path, publication=f"{PUBLICATION}images: {images}\n")
    with (folder / "media" / "cover.png").open("ab") as picture:
        picture.write(bytes(1_100_000))
    findings = examine(folder, open_workspace(tmp_path)).findings
    codes = [finding.code for finding in findings if finding.code != "picture-heavy"]
    assert codes == (["message-large"] if images == "inline" else [])


def test_an_attachments_type_is_that_of_its_name(tmp_path: Path) -> None:
    entries = "attachments:\n  - {file: media/chart.png, name: 第2期.pdf}\n  - {file: media/chart.png}\n"
    issue = load_issue(write_small_issue(tmp_path, issue=ISSUE + entries)).issue
    assert issue and [(each.name, each.media_type) for each in issue.attachments] == [
        ("第2期.pdf", "application/pdf"),
        ("chart.png", "image/png"),
    ]


@pytest.mark.parametrize(
    ("name", "media_type"),
    [
        ("a.PDF", "application/pdf"),
        ("a.docx", "application/vnd.openxmlformats-officedocument.wordprocessingml.document"),
        ("a.csv", "text/csv"),
        ("a.ics", "text/calendar"),
        ("a.tar.gz", "application/octet-stream"),
        ("a", "application/octet-stream"),
    ],
)
def test_a_media_type_does_not_depend_on_the_machine(name: str, media_type: str) -> None:
    assert media_type_of(name) == media_type


@pytest.mark.parametrize(("name", "refused"), [("a.exe", True), ("a.pdf.Bat ", True), ("exe", False), ("a.pdf", False)])
def test_what_mail_servers_refuse_goes_by_the_last_suffix(name: str, refused: bool) -> None:
    assert is_refused(name) is refused


def test_the_examples_in_the_docs_are_sound() -> None:
    text = (Path(__file__).parents[2] / "docs" / "writing.md").read_text(encoding="utf-8")
    examples = re.findall(r"^```markdown\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)
    assert sum("::: when" in example for example in examples) and sum("{{" in example for example in examples)
    for example in examples:
        assert not list(field_faults(example)) and split_forks(example)[1] == []
    for condition in re.findall(r"^when: (.*?) +#", text, re.MULTILINE):
        assert parse_condition(condition).names == {"city"}
