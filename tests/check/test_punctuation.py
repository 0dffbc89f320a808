"""Marks without their other half, English marks in Chinese and Chinese marks in English are found where they stand."""

from __future__ import annotations

from pathlib import Path

import pytest

from rule_findings import article, find, places
from small_issue import ISSUE, PUBLICATION


@pytest.mark.parametrize(
    ("body", "columns"),
    [
        ("他说“可以。", [3]),
        ("他说可以”。", [5]),
        ("《报告》（2026", [5]),
        ("（a（b）", [1]),
        ("A (b and c.", [3]),
        ("A word) and c.", [7]),
        ("“A said “b”.", [1]),
        ("“a” 「b」 『c』 《d》 （e） (f) «g»", []),
        ("（a)", []),
        ("a) one\nb) two", []),
        ("See 1) and (2).", []),
        ("挑战来源于1) 建筑的类型；2) 数量，三）方式。", []),
        ("Fine :) and ;-)", []),
        ("A `(` and `code(`.", []),
        ("See [a](https://www.example.com/a_(b) 'a (b') or https://www.example.com/a_(b).", []),
        ("(see https://www.example.com/a)", []),
        ("It’s ‘fine’ and Bob’s.", []),
    ],
)
def test_a_mark_without_its_other_half_is_found(body: str, columns: list[int], tmp_path: Path) -> None:
    assert [column for _, _, column in places("unbalanced", tmp_path, second=article(body))] == columns


def test_a_quotation_may_go_over_paragraphs_where_each_opens_it_again(tmp_path: Path) -> None:
    assert places("unbalanced", tmp_path, second=article("“A.\n\n“B.\n\n“C.”")) == []
    assert places("unbalanced", tmp_path, second=article("“A.\n\nB.”")) == [("second.md", 4, 1), ("second.md", 6, 3)]


def test_a_mark_is_found_in_any_text_of_the_issue(tmp_path: Path) -> None:
    found = places(
        "unbalanced",
        tmp_path,
        publication=PUBLICATION.replace("News of small things.", "News (of small things."),
        issue=ISSUE.replace("A small house", "A (small house") + "intro: |\n  One.\n\n  Two (and three.\n",
        first=article("- a\n- b\n\n  > c (d\n\n| e |\n| - |\n| ef) |"),
        second=article(
            ":::quote\ntext: Small (is\n:::\n\n:::case\nlabels: [a]\ntitle: b\ntext: >-\n  One\n  two (three\n:::"
        ),
    )
    assert found == [
        ("first.md", 7, 7),
        ("first.md", 11, 5),
        ("issue.yaml", 8, 10),
        ("issue.yaml", 18, 7),
        ("publication.yaml", 2, 19),
        ("second.md", 5, 13),
        ("second.md", 13, 7),
    ]


@pytest.mark.parametrize(
    ("body", "columns", "hint"),
    [
        ("会议结束,各方同意。", [5], "write ，"),
        ("会议结束.", [5], "write 。"),
        ("议题: 采购", [3], "write ："),
        ("可以吗?可以", [4], "write ？"),
        ("计划(采购)启动", [3], "write （"),
        ("“采购”;供应", [5], "write ；"),
        ("第 3.5 节, 2026.6, 采购:GPP, SPP(可持续)计划, www.example.com", [], ""),
        ("采购 (GPP) 计划", [], ""),
        ("采购...供应", [], ""),
        ("时间：9:30", [], ""),
        ("`采购,供应`和[采购](https://www.example.com/采购,供应)", [], ""),
    ],
)
def test_english_marks_between_chinese_are_found(body: str, columns: list[int], hint: str, tmp_path: Path) -> None:
    found = find("halfwidth-punctuation", tmp_path, second=article(body))
    assert [finding.column for finding in found] == columns
    assert all(finding.hint == hint for finding in found)


@pytest.mark.parametrize(
    ("body", "columns"),
    [
        ("It ended， and all agreed。", [9, 25]),
        ("A （b） c", [3, 5]),
        ("See 联合国环境署（UNEP）, or 采购，供应。", []),
        ("He wrote “采购，供应” there", []),
    ],
)
def test_chinese_marks_in_english_are_found(body: str, columns: list[int], tmp_path: Path) -> None:
    assert [column for _, _, column in places("fullwidth-punctuation", tmp_path, second=article(body))] == columns


def test_chinese_marks_in_a_chinese_article_are_its_own(tmp_path: Path) -> None:
    assert places("fullwidth-punctuation", tmp_path, second=article("GPP，SPP。", "language: zh-CN\n")) == []


@pytest.mark.parametrize(
    ("body", "found"),
    [
        ("　　第一段。\n　　第二段。\n　　第三段。", [(5, 1), (6, 1)]),
        ("　　第一段。\n\n　　第二段。", []),
        ("- 一\n  　　二", [(5, 3)]),
        ("> 一\n> 　二", [(5, 3)]),
        ("一\n\n二\n　　**三**", [(7, 1)]),
        ("诗一行\\\n　　诗二行  \n　　诗三行", []),
        ("```\n一\n　　二\n```", []),
        ("一　　二\n三", []),
        (":::callout\ntext: |\n  　　一\n  　　二\n:::", [(7, 3)]),
        ("One.\n　　Two.", [(5, 1)]),
    ],
)
def test_a_paragraph_that_begins_without_an_empty_line_is_found(
    body: str, found: list[tuple[int, int]], tmp_path: Path
) -> None:
    assert [place[1:] for place in places("indented-paragraph", tmp_path, second=article(body))] == found


def test_a_paragraph_in_the_issues_lead_is_found_too(tmp_path: Path) -> None:
    issue = ISSUE + "intro: |\n  　　一。\n  　　二。\n"
    (finding,) = find("indented-paragraph", tmp_path, issue=issue)
    assert (finding.line, finding.column, finding.hint) == (issue.count("\n"), 3, "put an empty line before it")
