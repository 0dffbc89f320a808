"""Links that carry somebody else's counting are found wherever they stand, and unwrapped where that can be seen."""

from __future__ import annotations

from pathlib import Path

import pytest

from rule_findings import article, hints, places
from small_issue import ISSUE, PUBLICATION

TRACKING = [
    "https://news.us19.list-manage.com/track/click?u=34ec809327c2e2137b747&id=18445af59d&e=5e456e5846",
    "https://un.example.com/track/link/key/118163/signature/8a6c/userid/e23d7f986ccd9c7b",
    "https://example.com/track/click/30/www.example.org?p=eyJz",
    "https://example.com/page?e=5e456e5846",
]


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
        ('::: when city == "Linz"\n[a]({})\n:::', 5, 5),
    ],
)
def test_a_tracking_link_is_found_wherever_it_stands(
    url: str, form: str, line: int, column: int, tmp_path: Path
) -> None:
    assert places("tracking-link", tmp_path, second=article(form.format(url))) == [("second.md", line, column)]


def test_one_is_found_in_front_matter_in_the_issue_and_in_the_publication(tmp_path: Path) -> None:
    url = TRACKING[0]
    found = places(
        "tracking-link",
        tmp_path,
        second=article("A.", f"sources:\n  - name: a\n    url: {url}\n"),
        issue=ISSUE + f"intro: |\n  A lead.\n  With [a link]({url}).\n",
        publication=PUBLICATION + f"  statement: Taken from [there]({url})\n",
    )
    assert found == [("issue.yaml", 17, 17), ("publication.yaml", 16, 33), ("second.md", 5, 10)]


def test_the_hint_shows_the_page_itself_where_the_link_shows_it(tmp_path: Path) -> None:
    body = "[a](https://www.example.com/a?id=3&mc_eid=5e456e5846#b) [c](https://news.example.com/track/click/30?x=1)"
    assert hints("tracking-link", tmp_path, second=article(body)) == [
        "write https://www.example.com/a?id=3#b",
        "open it once and link to the page it ends at",
    ]


@pytest.mark.parametrize(
    ("url", "rule"),
    [
        ("https://bit.ly/3abc", "redirect-link"),
        ("https://lnkd.in/dAbC", "redirect-link"),
        ("https://www.google.com/url?sa=t&q=https://www.example.com/a", "redirect-link"),
        ("https://www.example.com/?utm_source=a", "campaign-link"),
        ("https://www.example.com/?fbclid=IwAR0", "campaign-link"),
        ("https://www.example.com/a?_hsenc=p2ANq", "tracking-link"),
        ("https://www.example.com/a?mkt_tok=MTIz", "tracking-link"),
        ("https://u1.ct.sendgrid.net/ls/click?upn=abc", "tracking-link"),
        ("https://substack.com/redirect/1a2b?j=eyJ1", "tracking-link"),
        ("https://urldefense.com/v3/__https://www.example.com/a__;!!AbC!xyz$", "tracking-link"),
    ],
)
def test_each_kind_of_wrapping_has_its_rule(url: str, rule: str, tmp_path: Path) -> None:
    found = [
        one
        for one in ("tracking-link", "redirect-link", "campaign-link")
        if places(one, tmp_path, second=article(f"[a]({url})"))
    ]
    assert found == [rule]
