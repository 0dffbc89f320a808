"""HTML, pictures and first headings are found in the Markdown of YAML values as in an article's text."""

from __future__ import annotations

from pathlib import Path

import pytest

from pressrun.source.loader import load_issue
from small_issue import ISSUE, PUBLICATION, write_small_issue

AFTER = ISSUE.count("\n")


def places(folder: Path, **changes: str) -> list[tuple[str, int, int, str]]:
    findings = load_issue(write_small_issue(folder, **changes)).findings
    return [(Path(finding.path).name, finding.line, finding.column, finding.code) for finding in findings]


@pytest.mark.parametrize(
    ("key", "line", "column", "code"),
    [
        ("intro: A <b>lead", 1, 10, "raw-html"),
        ("intro: |\n  One.\n\n  <div>\n  two\n  </div>", 4, 3, "raw-html"),
        ("intro: |\n  # One", 2, 3, "heading-level"),
        ("intro: |\n  One\n  ===", 2, 3, "heading-level"),
        ("intro: |\n  One\n  ![a](media/cover.png)", 3, 3, "markdown-image"),
        ('intro: |\n  ::: when city == "x"\n  A <b>lead\n  :::', 3, 5, "raw-html"),
        ('intro: |\n  One.\n  ::: when city == "x"\n  A\n  :::\n  ::: otherwise\n  # B\n  :::', 7, 3, "heading-level"),
        ("colophon:\n  statement: A <i>statement", 2, 16, "raw-html"),
        ("corrections:\n  - date: 2026-04-02\n    what: A <i>word", 3, 13, "raw-html"),
        ("corrections:\n  - date: 2026-04-02\n    what: >-\n      # Not 3\n", 4, 7, "heading-level"),
        (
            "corrections:\n  - date: 2026-04-02\n    what: |\n      One\n\n      :::quote\n      x\n",
            6,
            7,
            "block-nested",
        ),
        ('intro: "A \\u003cb> lead"', 1, 8, "raw-html"),
    ],
)
def test_what_mail_cant_have_is_found_in_the_issue_file(
    key: str, line: int, column: int, code: str, tmp_path: Path
) -> None:
    assert places(tmp_path, issue=f"{ISSUE}{key}\n") == [("issue.yaml", AFTER + line, column, code)]


def test_it_is_found_in_the_publications_colophon(tmp_path: Path) -> None:
    publication = PUBLICATION + "  statement: A <i>statement\n"
    assert places(tmp_path, publication=publication) == [
        ("publication.yaml", publication.count("\n"), 16, "raw-html"),
    ]


@pytest.mark.parametrize(
    ("block", "line", "column", "code"),
    [
        (":::report\ntitle: R\nsummary: A <b>word\n:::", 6, 12, "raw-html"),
        (":::callout\ntext: |\n  One\n\n  # Two\n:::", 8, 3, "heading-level"),
        (":::case\nlabels: [a]\ntitle: b\ntext: A ![a](media/cover.png)\n:::", 7, 9, "markdown-image"),
        (":::timeline\nmoments:\n  - {when: May, text: a}\n  - {when: June, text: a <b>}\n:::", 7, 26, "raw-html"),
        (":::event\nslug: a\ntitle: b\nstarts: 2026-06-30\ntext: a <b>\n:::", 8, 9, "raw-html"),
        ('::: when a == "x"\n\n:::report\ntitle: R\nsummary: A <b>word\n:::\n:::', 8, 12, "raw-html"),
        ("::::report\ntitle: R\nsummary: |\n  A\n\n  :::quote\n  text: b\n  :::\n::::", 9, 3, "block-nested"),
    ],
)
def test_it_is_found_in_a_block(block: str, line: int, column: int, code: str, tmp_path: Path) -> None:
    assert places(tmp_path, first=f"---\ntitle: x\n---\n{block}\n") == [("first.md", line, column, code)]


@pytest.mark.parametrize(
    "article",
    [
        "---\ntitle: A <b>title\nsummary: '# one'\n---\n:::quote\ntext: '# 5 <b> is ![a](b)'\nby: <i>\n:::\n",
        "---\ntitle: x\n---\n:::button\ntext: <b>\nurl: https://www.example.com/\n:::\n",
        "---\ntitle: x\n---\n:::callout\ntext: a \\<b>, `<b>`, <https://www.example.com/> and 1 < 2\n:::\n",
    ],
)
def test_plain_lines_and_code_may_have_what_looks_like_it(article: str, tmp_path: Path) -> None:
    assert places(tmp_path, first=article) == []
