"""The rules find bad links where they stand, and leave good ones and code alone."""

from __future__ import annotations

from pathlib import Path

import pytest

from pressrun.check import check
from pressrun.finding import Severity
from pressrun.workspace import open_workspace
from small_issue import ISSUE, PUBLICATION, write_small_issue

TRACKING = [
    "https://news.us19.list-manage.com/track/click?u=34ec809327c2e2137b747&id=18445af59d&e=5e456e5846",
    "https://un.example.com/track/link/key/118163/signature/8a6c/userid/e23d7f986ccd9c7b",
    "https://example.com/track/click/30/www.example.org?p=eyJz",
    "https://example.com/page?e=5e456e5846",
]
GOOD = [
    "https://en.wikipedia.org/wiki/A_(b)",
    "https://example.com/a?b=1&c=2#d",
    "https://example.com/a_b_c/",
    "http://www.example.com",
    "https://例子.example.com/路径",
    "https://example.com/track-record",
    "https://example.com/search?e=mc2",
    "https://user@example.com:8080/~a/%20b",
]


def faults(folder: Path, **changes: str) -> list[tuple[str, int, int, str]]:
    """What the rules find, by file name, line, column and code."""
    issue = write_small_issue(folder, **changes)
    return [(Path(f.path).name, f.line, f.column, f.code) for f in check(issue, open_workspace(folder))]


def article(body: str, head: str = "") -> str:
    return f"---\ntitle: An article\n{head}---\n{body}\n"


def test_a_sound_issue_has_none(tmp_path: Path) -> None:
    assert faults(tmp_path) == []


def test_a_path_is_told_from_the_workspace(tmp_path: Path) -> None:
    issue = write_small_issue(tmp_path, second=article("[a](http:www.example.com)"))
    (finding,) = check(issue, open_workspace(tmp_path))
    assert finding.path == "issues/small/2026-01/second.md"
    assert str(finding).startswith("issues/small/2026-01/second.md:4:5: bad-link ")
    assert finding.hint


@pytest.mark.parametrize("url", TRACKING)
@pytest.mark.parametrize(
    ("form", "line", "column"),
    [
        ("[a]({})", 4, 5),
        ("[a](<{}>)", 4, 6),
        ("<{}>", 4, 2),
        ("看{}。", 4, 2),
        ("One line,\nthen [a][b].\n\n[b]: {}", 7, 6),
        ("- a\n  - see [a]({} 'title')", 5, 13),
        ("| a |\n| - |\n| [a]({}) |", 6, 7),
        (":::quote\ntext: see {} now\n:::", 5, 11),
        (":::case\nlabels: [a]\ntitle: b\ntext: |\n  A.\n\n  [a]({})\n:::", 10, 7),
        (":::figure\nimage: media/chart.png\nalt: a\nurl: {}\n:::", 7, 6),
    ],
)
def test_a_tracking_link_is_found_wherever_it_stands(
    url: str, form: str, line: int, column: int, tmp_path: Path
) -> None:
    assert faults(tmp_path, second=article(form.format(url))) == [("second.md", line, column, "tracking-link")]


def test_one_is_found_in_front_matter_in_the_issue_and_in_the_publication(tmp_path: Path) -> None:
    url = TRACKING[0]
    found = faults(
        tmp_path,
        second=article("A.", f"sources:\n  - name: a\n    url: {url}\n"),
        issue=ISSUE + f"intro: |\n  A lead.\n  With [a link]({url}).\n",
        publication=PUBLICATION + f"  statement: Taken from [there]({url})\n",
    )
    assert sorted(found) == [
        ("issue.yaml", 17, 17, "tracking-link"),
        ("publication.yaml", 16, 33, "tracking-link"),
        ("second.md", 5, 10, "tracking-link"),
    ]


@pytest.mark.parametrize("url", GOOD)
@pytest.mark.parametrize("form", ["[a]({})", "<{}>", "看（{}）。", "(see {})", "({}).", "{}, and", "**{}**", "“{}”"])
def test_a_good_link_is_left_alone(url: str, form: str, tmp_path: Path) -> None:
    head = f"sources: [{{name: a, url: '{url}'}}]\n"
    assert faults(tmp_path, second=article(form.format(url), head)) == []


@pytest.mark.parametrize(
    ("body", "column", "code"),
    [
        ("[a](http:www.example.com)", 5, "bad-link"),
        ("see http:www.example.com now", 5, "bad-link"),
        ("<http:www.example.com>", 2, "bad-link"),
        ("[a](www.example.com)", 5, "bad-link"),
        ("[a](other.md)", 5, "bad-link"),
        ("[a](http://localhost)", 5, "bad-link"),
        ("[a](https://[::1)", 5, "bad-link"),
        ("[a](<https://[a.example.com>)", 6, "bad-link"),
        ("[a](javascript:alert(1))", 5, "bad-link"),
        ("[a](mailto:nobody)", 5, "bad-link"),
        ("<https://example.com/a)>", 2, "bad-link"),
        ("see https://example.com/a) now", 5, "bad-link"),
        ("[a]()", 3, "empty-link"),
        ("[a](#)", 3, "empty-link"),
        ("[a](<>)", 3, "empty-link"),
    ],
)
def test_a_broken_link_is_found(body: str, column: int, code: str, tmp_path: Path) -> None:
    assert faults(tmp_path, second=article(body)) == [("second.md", 4, column, code)]


@pytest.mark.parametrize(
    "body",
    [
        "`[a](http:www.example.com)`",
        "`http:www.example.com`",
        "```\n[a](http:www.example.com)\nhttp:www.example.com\n```",
        "    [a](http:www.example.com)",
        "\\[a\\](b)",
        "[ ] to do (later)",
        "a[1](2",
        "# 1",
    ],
)
def test_code_and_brackets_are_no_links(body: str, tmp_path: Path) -> None:
    assert [code for *_, code in faults(tmp_path, second=article(body)) if code.endswith("link")] == []


def test_a_comment_is_no_link(tmp_path: Path) -> None:
    assert faults(tmp_path, issue=ISSUE + "# was: http:www.example.com\n") == []


def test_the_same_bad_link_twice_is_found_at_both_places(tmp_path: Path) -> None:
    found = faults(
        tmp_path, second=article("[a](http:a.example.com) and [b](http:a.example.com)\n[c](http:a.example.com)")
    )
    assert [(line, column) for _, line, column, _ in found] == [(4, 5), (4, 33), (5, 5)]


def test_a_bad_link_is_not_placed_at_a_longer_one_before_it(tmp_path: Path) -> None:
    found = faults(
        tmp_path,
        second=article("[a](https://example.com/?e=0123456789abc&x=1)\n[b](https://example.com/?e=0123456789)"),
    )
    assert [(line, column) for _, line, column, _ in found] == [(4, 5), (5, 5)]


@pytest.mark.parametrize(
    ("website", "mail", "warned"),
    [
        ("https://www.exmaple.com", "a@example.com", True),
        ("https://example.con", "a@example.com", True),
        ("https://www.example.com", "a@example.com", False),
        ("https://news.example.com", "a@mail.example.com", False),
        ("https://one.example.com", "a@EXAMPLE.com", False),
        ("https://example.com", "a@small-town.test", False),
    ],
)
def test_a_web_site_whose_domain_is_all_but_the_mails_is_warned_of(
    website: str, mail: str, warned: bool, tmp_path: Path
) -> None:
    publication = PUBLICATION.replace("editor@small.example.com", mail).replace("https://small.example.com\n", website)
    findings = check(write_small_issue(tmp_path, publication=publication + "\n"), open_workspace(tmp_path))
    assert [(f.line, f.column, f.code, f.severity) for f in findings] == (
        [(15, 12, "domain-mismatch", Severity.WARNING)] if warned else []
    )


def test_a_base_address_without_https_is_warned_of(tmp_path: Path) -> None:
    publication = PUBLICATION.replace("https://small.example.com/news", "http://small.example.com/news")
    (finding,) = check(write_small_issue(tmp_path, publication=publication), open_workspace(tmp_path))
    assert (finding.line, finding.column, finding.code, finding.severity) == (
        9, 11, "base-url-insecure", Severity.WARNING,
    )  # fmt: skip


def test_faults_of_loading_and_of_another_file_come_sorted_and_once(tmp_path: Path) -> None:
    found = faults(
        tmp_path, second="no front matter", issue=ISSUE.replace("2026-03-31", "soon"), aaa=b"\xff".decode("latin-1")
    )
    assert found == sorted(found)
    assert len(found) == len(set(found)) == 4
