"""Bad addresses are found where they stand; good ones, and code, are left alone."""

from __future__ import annotations

from pathlib import Path

import pytest

from pressrun.check import RULES, check
from pressrun.finding import Severity
from pressrun.workspace import open_workspace
from rule_findings import article, find, hints, manuscript, places
from small_issue import ISSUE, PUBLICATION, write_small_issue

ABOUT = "empty-link bad-link link-punctuation private-link misleading-link link-without-fallback domain-mismatch"
WRAPPINGS = "tracking-link redirect-link campaign-link"
GOOD = [
    "https://en.wikipedia.org/wiki/A_(b)",
    "https://example.com/a?b=1&c=2#d",
    "https://example.com/a_b_c/",
    "http://www.example.com",
    "https://例子.example.com/路径",
    "https://zh.example.org/wiki/采购（公共）",
    "https://example.com/track-record",
    "https://example.com/search?e=mc2",
    "https://user@example.com:8080/~a/%20b",
    "https://93.184.216.34/a",
    "mailto:editor@example.com?subject=A%20word",
]


def faults(folder: Path, **changes: str) -> list[tuple[str, int, int, str]]:
    """What the rules on addresses find, by file name, line, column and rule."""
    issue = manuscript(folder, **changes)
    found = [finding for id in f"{ABOUT} {WRAPPINGS}".split() for finding in RULES[id].find(issue)]
    return sorted((Path(f.path).name, f.line, f.column, f.code) for f in found)


def test_a_path_is_told_from_the_workspace(tmp_path: Path) -> None:
    issue = write_small_issue(tmp_path, second=article("[a](http:www.example.com)"))
    (finding,) = check(issue, open_workspace(tmp_path))
    assert finding.path == "issues/small/2026-01/second.md"
    assert str(finding).startswith("issues/small/2026-01/second.md:4:5: bad-link ")
    assert finding.hint


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
        ("[a](<https://example.com/a b>)", 6, "bad-link"),
        ("[a](https://[::1)", 5, "bad-link"),
        ("[a](<https://[a.example.com>)", 6, "bad-link"),
        ("[a](javascript:alert(1))", 5, "bad-link"),
        ("[a](mailto:nobody)", 5, "bad-link"),
        ("<https://example.com/a)>", 2, "bad-link"),
        ("see https://example.com/a) now", 5, "bad-link"),
        ("[a](https://example.com/a》)", 5, "bad-link"),
        ("[a](https://example.com/a。)", 5, "bad-link"),
        ("[a](https://example.com/a，)", 5, "bad-link"),
        ("[a](https://example.com/a.)", 5, "link-punctuation"),
        ("[a](https://example.com/a,)", 5, "link-punctuation"),
        ("[a]()", 3, "empty-link"),
        ("[a](#)", 3, "empty-link"),
        ("[a](<>)", 3, "empty-link"),
        ("[a](http://localhost)", 5, "private-link"),
        ("[a](http://localhost:8000/a)", 5, "private-link"),
        ("[a](http://127.0.0.1/a)", 5, "private-link"),
        ("[a](http://10.1.2.3/a)", 5, "private-link"),
        ("[a](http://wiki.internal/a)", 5, "private-link"),
        ("[a](https://bank.example.org@example.com/a)", 5, "misleading-link"),
        ("[a](https://user:word@example.com/a)", 5, "misleading-link"),
        ("[a](https://wаter.example.com/a)", 5, "misleading-link"),  # with a Cyrillic а
        ("[a](https://xn--wter-53d.example.com/a)", 5, "misleading-link"),
        ("[www.example.org](https://www.example.com)", 19, "misleading-link"),
    ],
)
def test_a_broken_link_is_found(body: str, column: int, code: str, tmp_path: Path) -> None:
    assert faults(tmp_path, second=article(body)) == [("second.md", 4, column, code)]


@pytest.mark.parametrize(
    ("url", "hint"),
    [
        ("http:www.example.com/a", "did you mean http://www.example.com/a?"),
        ("https:/www.example.com/a", "did you mean https://www.example.com/a?"),
        ("https//www.example.com/a", "did you mean https://www.example.com/a?"),
        ("www.example.com/a", "write https://www.example.com/a"),
        ("ann@example.com", "write mailto:ann@example.com"),
        ("https://example.com/a)", "take the ) away"),
        ("other.md", "write the whole address of the article's page in the archive"),
        ("other", "write it whole, with https://"),
    ],
)
def test_what_an_address_could_have_been_is_told(url: str, hint: str, tmp_path: Path) -> None:
    assert hints("bad-link", tmp_path, second=article(f"[a](<{url}>)")) == [hint]


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
    found = check(write_small_issue(tmp_path, second=article(body)), open_workspace(tmp_path))
    assert [finding.code for finding in found if "link" in finding.code] == []


def test_a_comment_is_no_link(tmp_path: Path) -> None:
    assert faults(tmp_path, issue=ISSUE + "# was: http:www.example.com\n") == []


def test_the_same_bad_link_twice_is_found_at_both_places(tmp_path: Path) -> None:
    body = "[a](http:a.example.com) and [b](http:a.example.com)\n[c](http:a.example.com)"
    assert places("bad-link", tmp_path, second=article(body)) == [
        ("second.md", 4, 5), ("second.md", 4, 33), ("second.md", 5, 5),
    ]  # fmt: skip


def test_a_bad_link_is_not_placed_at_a_longer_one_before_it(tmp_path: Path) -> None:
    body = "[a](https://example.com/?e=012345678abc&x=1)\n[b](https://example.com/?e=012345678a)"
    assert places("tracking-link", tmp_path, second=article(body)) == [("second.md", 4, 5), ("second.md", 5, 5)]


def test_a_site_that_a_reader_chooses_is_found(tmp_path: Path) -> None:
    body = "[a](https://{{ site }}/a) and [b](https://www.example.com/{{ page }}) and [c]({{ survey }})"
    assert places("bad-link", tmp_path, second=article(body)) == [("second.md", 4, 5)]
    assert places("link-without-fallback", tmp_path, second=article(body)) == [("second.md", 4, 79)]


def test_a_base_address_without_https_is_warned_of(tmp_path: Path) -> None:
    publication = PUBLICATION.replace("https://small.example.com/news", "http://small.example.com/news")
    (finding,) = find("base-url-insecure", tmp_path, publication=publication)
    assert (finding.line, finding.column, finding.severity) == (9, 11, Severity.WARNING)


def test_example_addresses_are_told_of_and_others_are_not(tmp_path: Path) -> None:
    body = "[a](https://www.example.com) [b](https://www.oneplanetnetwork.org) [c](https://examples.com)"
    assert [place for place in places("example-link", tmp_path, second=article(body)) if place[0] == "second.md"] == [
        ("second.md", 4, 5)
    ]


@pytest.mark.parametrize("words", ["Node.js", "example.com", "the site of example.org", "EXAMPLE.COM/a", "report.pdf"])
def test_words_that_name_another_thing_mislead_nobody(words: str, tmp_path: Path) -> None:
    body = f"[{words}](https://www.example.com/a)"
    assert places("misleading-link", tmp_path, second=article(body)) == []
