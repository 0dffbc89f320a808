"""Text is set as its language is: the same whichever way it was typed, and changed in nothing but its setting."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from pressrun.markdown import render_inline, render_markdown
from pressrun.plain import render_plain
from pressrun.site.prose import feed_prose
from pressrun.typography import typeset

LANGUAGES = ["zh-CN", "zh-TW", "en", "fr", "ar", "de", "ja", "sv", "sw"]
MARKS = "中文采购第图年月万abE5120 \"'“”‘’.-—…%。，：（）《》=;!«»m@é\n"
PIECES = (" - ", "...", "--", "5 km", "2020", "图 1 ", "https://a.example.com/--", "@@s1.name@@", "。。。", " 中")
pieces = st.sampled_from([*MARKS, *PIECES])
lines = st.lists(pieces, max_size=12).map("".join) | st.text(MARKS, max_size=20) | st.text(max_size=20)


def shown(text: str) -> str:
    """`text` with its no-break spaces to be seen."""
    return text.replace("\u00a0", "~").replace("\u202f", "^")


@pytest.mark.parametrize(
    ("typed", "set_text"),
    [
        ("采用EPEAT标准", "采用 EPEAT 标准"),
        ("采用 EPEAT标准", "采用 EPEAT 标准"),
        ("采用  EPEAT  标准", "采用 EPEAT 标准"),
        ("第28届COP会议COP28", "第28届 COP 会议 COP28"),
        ("减少CO₂排放", "减少 CO₂ 排放"),
        ("学习C++语言", "学习 C++ 语言"),
        ("（EPEAT）、EPEAT，好", "（EPEAT）、EPEAT，好"),
        ("EPEAT （标准） ，好", "EPEAT（标准），好"),
        ("采用 “EPEAT” 标准", "采用“EPEAT”标准"),
        ("到 2030 年增长 25% 以上", "到2030年增长25%以上"),
        ("到2030年增长25%以上", "到2030年增长25%以上"),
        ("2026 年 6 月 30 日", "2026年6月30日"),
        ("第 3 期，共 24 期", "第3期，共24期"),
        ("约 3.5 万吨", "约3.5万吨"),
        ("20 %以上", "20%以上"),
        ("约5 km外", "约 5~km 外"),
        ("约 5 km 外", "约 5~km 外"),
        ("花费US$5亿", "花费US$5亿"),
        ("可持续公共采购计划简报 2026年第2期", "可持续公共采购计划简报 2026年第2期"),
        ("采购指南 2026", "采购指南 2026"),
        ("图 1 采购份额", "图1 采购份额"),
        ("作者①和②", "作者①和②"),
        ("您好@@s1.name@@，您", "您好@@s1.name@@，您"),
        ("见https://www.example.com/a--b，再看", "见 https://www.example.com/a--b，再看"),
        ("写信到a.b@example.com即可", "写信到 a.b@example.com 即可"),
    ],
)
def test_chinese_has_one_space_around_words_and_none_around_figures(typed: str, set_text: str) -> None:
    assert shown(typeset(typed, "zh-CN")) == set_text


@pytest.mark.parametrize(
    ("typed", "set_text"),
    [
        ('他说"采购很重要"。', "他说“采购很重要”。"),
        ("他说\"采购'很'重要\"。", "他说“采购‘很’重要”。"),
        ('采用"EPEAT"标准', "采用“EPEAT”标准"),
        ('"甲"和"乙"', "“甲”和“乙”"),
        ("it's采购", "it’s 采购"),
        ('没有另一半"', '没有另一半"'),
        ("等等...", "等等……"),
        ("等等。。。", "等等……"),
        ("等等…好", "等等……好"),
        ("等等……", "等等……"),
        ("采购--标准", "采购——标准"),
        ("采购 -- 标准", "采购——标准"),
        ("采购 —— 标准", "采购——标准"),
        ("水平为低—中", "水平为低—中"),
        ("15% - 30%", "15%—30%"),
        ("2025 - 2026年", "2025—2026年"),
    ],
)
def test_chinese_has_its_own_quotes_dots_and_dashes(typed: str, set_text: str) -> None:
    assert typeset(typed, "zh-CN") == set_text


@pytest.mark.parametrize(
    ("typed", "set_text"),
    [
        ('"It\'s," she said', "“It’s,” she said"),
        ("the '90s and 'tis", "the ’90s and ’tis"),
        ("the readers' list", "the readers’ list"),
        ("('so') and 'so on'", "(‘so’) and ‘so on’"),
        ('a 27" screen, 5\'10"', 'a 27" screen, 5\'10"'),
        ('a 27" screen is "big"', 'a 27" screen is “big”'),
        ("wait...", "wait…"),
        ("wait....", "wait...."),
        ("this -- that", "this – that"),
        ("this--that", "this—that"),
        ("this --- that", "this — that"),
        ("with --flag", "with --flag"),
        ("15--20", "15–20"),
        ("2020 - 2025", "2020–2025"),
        ("09:00 - 17:00", "09:00–17:00"),
        ("10 - 5 = 5", "10 - 5 = 5"),
        ("2025 - 2020", "2025 - 2020"),
        ("2026-06-30 and ISO 20400-2017", "2026-06-30 and ISO 20400-2017"),
        ("20 % of 5 km in 3.5 million t", "20~% of 5~km in 3.5~million t"),
        ("5 kmart", "5 kmart"),
        ("see No. 5, p. 12", "see No.~5, p.~12"),
        ("write to o'hara--x@example.com", "write to o’hara--x@example.com"),
    ],
)
def test_english_is_set(typed: str, set_text: str) -> None:
    assert shown(typeset(typed, "en-GB")) == set_text


@pytest.mark.parametrize(
    ("language", "typed", "set_text"),
    [
        ("fr", 'Il dit "oui" : « l\'ami » !', "Il dit «^oui^»~: «^l’ami^»^!"),
        ("ar", 'قال "نعم" 20 %', "قال «نعم» 20~%"),
        ("de-AT", "\"ja\" 'nein' 20 % a--b", "„ja“ ‚nein‘ 20 % a--b"),
        ("zh-TW", '他說"好"', "他說「好」"),
        ("zh-Hant-HK", '他說"好"', "他說「好」"),
        ("ja", '"はい"と5 km', "「はい」と5 km"),
        ("sv", '"ja"', "”ja”"),
        ("sw", '"ndiyo"...', "“ndiyo”..."),
        ("", '"as it is"...', '"as it is"...'),
    ],
)
def test_each_language_has_its_quotes_and_an_unknown_one_nothing_else(language: str, typed: str, set_text: str) -> None:
    assert shown(typeset(typed, language)) == set_text


@pytest.mark.parametrize("language", LANGUAGES)
def test_plain_text_has_no_space_that_does_not_break(language: str) -> None:
    typed = 'Il dit "oui" ! 20 % de 5 km, p. 3'
    assert not re.search("[\u00a0\u202f\u2060]", typeset(typed, language, binding=False))


@pytest.mark.parametrize("language", LANGUAGES)
@settings(deadline=None)
@given(text=lines)
@example("。。。\n'!2年1第")
@example('";" ......@》“')
@example("'b\"。。。文'...（\"")
def test_what_is_set_stays_as_it_is_when_set_again(language: str, text: str) -> None:
    once = typeset(text, language)
    assert typeset(once, language) == once
    prose = render_inline(text, language)
    assert strip(prose) == strip(render_inline(text))


@pytest.mark.parametrize("language", LANGUAGES)
@settings(deadline=None)
@given(text=lines)
def test_only_spaces_quotes_dashes_and_dots_change(language: str, text: str) -> None:
    assert strip(typeset(text, language)) == strip(text)
    assert strip(typeset(text, language, binding=False)) == strip(text)


def strip(text: str) -> str:
    """`text` without all that setting may change."""
    text = re.sub(r"&(?:nbsp|quot|apos);|<span[^>]*>|</span>", "", text)
    return re.sub(r"[\s\u00a0\u202f\"'“”‘’«»‹›„‚「」『』.…。\-–—]", "", text)


@pytest.mark.parametrize(
    ("source", "html"),
    [
        ("采用**EPEAT**标准", "采用 <strong>EPEAT</strong> 标准"),
        ("采用[EPEAT](https://a.example.com)标准", '采用 <a href="https://a.example.com">EPEAT</a> 标准'),
        (
            "采用**EPEAT**[标准](https://a.example.com)",
            '采用 <strong>EPEAT</strong> <a href="https://a.example.com">标准</a>',
        ),
        ("用`code`写", "用 <code>code</code> 写"),
        ("用`代码`写", "用<code>代码</code>写"),
        ('他说"**重点**"。', "他说“<strong>重点</strong>”。"),
        ('**"重点"**。', "<strong>“重点”</strong>。"),
        ('`"x" -- ...`', '<code>"x" -- ...</code>'),
        ("<https://a.example.com/x--y>", '<a href="https://a.example.com/x--y">https://a.example.com/x--y</a>'),
        ('[甲](https://a.example.com/"x")', '<a href="https://a.example.com/%22x%22">甲</a>'),
        ("`a`**`中`**", "<code>a</code><strong><code>中</code></strong>"),
        ("采用\\\nEPEAT", "采用<br>\nEPEAT"),
        ("到\n2030\n年", '到<span class="nowrap">2030年</span>'),
        ("采用\nEPEAT\n标准", "采用\nEPEAT\n标准"),
        ("约 **25%** 以上", "约<strong>25%</strong>以上"),
    ],
)
def test_a_paragraph_is_set_across_its_markup_and_never_in_code_or_addresses(source: str, html: str) -> None:
    assert render_inline(source, "zh") == html


def test_a_paragraph_has_no_gap_at_a_figure_where_a_heading_may() -> None:
    assert render_markdown("采购指南 2026共", "zh") == "<p>采购指南2026共</p>\n"
    assert render_markdown("## 采购指南 2026共", "zh") == "<h2>采购指南 2026共</h2>\n"
    assert "<td>甲 2026共</td>" in render_markdown("| 甲 | 乙 |\n| --- | --- |\n| 甲 2026共 | 丙 |\n", "zh")


@pytest.mark.parametrize("number", ["3.5万吨", "第24期", "6月30日", "2026年", "20亿美元", "3个百分点", "18个月", "9时"])
def test_a_number_and_what_it_counts_are_held_together_in_html_only(number: str) -> None:
    assert render_inline(f"约{number}。", "zh") == f'约<span class="nowrap">{number}</span>。'
    assert render_plain(f"约{number}。", "zh") == f"约{number}。"
    assert "span" not in render_inline(f"约{number}。", "en")


def test_a_number_is_not_held_to_a_word_that_only_begins_like_a_measure() -> None:
    assert render_inline("后2022时代", "zh") == "后2022时代"


def test_plain_text_is_set_as_html_is_but_for_what_holds_together() -> None:
    source = '采用**EPEAT**"标准"，约 5 km\n外...'
    assert render_plain(source, "zh") == "采用 EPEAT“标准”，约 5 km 外……"


def _rows(heading: str) -> list[list[str]]:
    """The cells in code of the rows below a heading of the docs."""
    text = (Path(__file__).parents[1] / "docs" / "typography.md").read_text(encoding="utf-8")
    passage = text.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    return [re.findall(r"`([^`]+)`", line) for line in passage.splitlines() if line.startswith("|") and "`" in line]


@pytest.mark.parametrize(("heading", "language"), [("Chinese", "zh-CN"), ("English", "en")])
def test_every_row_of_the_docs_is_set_as_it_says(heading: str, language: str) -> None:
    rows = _rows(heading)
    assert len(rows) >= 9
    assert [typeset(typed, language, binding=False) for typed, _ in rows] == [shown for _, shown in rows]


def test_the_other_languages_of_the_docs_are_set_as_they_say() -> None:
    rows = _rows("French and Arabic")
    for (typed, set_text), language in zip(rows, ("fr", "ar"), strict=True):
        assert typeset(typed, language, binding=False) == set_text


markdown = st.lists(
    st.sampled_from(
        [*MARKS, "**", "*", "`", "[中](https://a.example.com/--)", '`"--"`', "\n\n", "## ", "3.5万吨", "- ", "<", "\\"]
    ),
    max_size=12,
).map("".join)


@pytest.mark.parametrize("language", ["zh", "en", "fr"])
@settings(deadline=None)
@given(text=markdown)
def test_markup_addresses_and_code_are_the_same_set_or_not(language: str, text: str) -> None:
    plain, set_html = render_markdown(text), render_markdown(text, language)
    assert strip(set_html) == strip(plain)
    kept = r"</?(?!span\b|br\b)\w+(?: [^<>]*)?>|<code>.*?</code>"
    assert re.findall(kept, set_html, re.DOTALL) == re.findall(kept, plain, re.DOTALL)


def test_a_feed_goes_without_the_spans() -> None:
    html = render_markdown("约3.5万吨，6月30日。", "zh")
    assert "<span" in html
    assert feed_prose(html, 2) == "<p>约3.5万吨，6月30日。</p>"
