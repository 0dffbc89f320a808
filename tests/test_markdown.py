"""Markdown is CommonMark where the text is English, right where it is Chinese, and never more than clean HTML."""

from __future__ import annotations

import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from pressrun.markdown import clean_html, is_cjk, render_inline, render_markdown

ASCII = "".join(chr(n) for n in range(32, 127)) + "\n"
MARKS = "*_`~[]()<>!#|-+:.\\&;\"'\n 1ab"
plain_commonmark = MarkdownIt("commonmark", {"html": False}).enable(["table", "strikethrough"]).disable("image")


@pytest.mark.parametrize(
    ("source", "html"),
    [
        ("**重点。**后文", "<strong>重点。</strong>后文"),
        ("前文**“引号”**后文", "前文<strong>“引号”</strong>后文"),
        ("“**引号**”", "“<strong>引号</strong>”"),
        ("**“引号”**后", "<strong>“引号”</strong>后"),
        ("中文*强调*中文", "中文<em>强调</em>中文"),
        ("**甲**和**乙**", "<strong>甲</strong>和<strong>乙</strong>"),
        ("**甲、**乙**丙。**", "<strong>甲、</strong>乙<strong>丙。</strong>"),
        ("（**注**）后文", "（<strong>注</strong>）后文"),
        ("**（注）**后文", "<strong>（注）</strong>后文"),
        ("**《书》**说", "<strong>《书》</strong>说"),
        ("见**[链接](https://a.example.com)**。", '见<strong><a href="https://a.example.com">链接</a></strong>。'),
        ("增长**25%**以上", "增长<strong>25%</strong>以上"),
        ("采用**“EPEAT”**标准", "采用<strong>“EPEAT”</strong>标准"),
        ("***重点。***后文", "<em><strong>重点。</strong></em>后文"),
        ("~~删去。~~后文", "<s>删去。</s>后文"),
        ("**핵심.**입니다", "<strong>핵심.</strong>입니다"),
        ("**重要です。**次", "<strong>重要です。</strong>次"),
        ("a**b**c", "a<strong>b</strong>c"),
        ("3 ** 4 是乘方", "3 ** 4 是乘方"),
        ("变量snake_case_name不变", "变量snake_case_name不变"),
        ("中文_不是_强调", "中文_不是_强调"),
        ("星号\\*不是\\*强调", "星号*不是*强调"),
        ("`**代码。**`后文", "<code>**代码。**</code>后文"),
        ("It’s **“very”** good—**really**", "It’s <strong>“very”</strong> good—<strong>really</strong>"),
    ],
)
def test_emphasis_beside_chinese_and_english(source: str, html: str) -> None:
    assert render_inline(source) == html


@given(words=st.lists(st.text("重点“”。，（）《》a1", min_size=1, max_size=6), min_size=1, max_size=4))
def test_strong_text_is_strong_whatever_chinese_stands_around_it(words: list[str]) -> None:
    source = "".join(f"前{'**'}{word}{'**'}后" for word in words)
    assert render_inline(source) == "".join(f"前<strong>{word}</strong>后" for word in words)


@given(text=st.text(ASCII, max_size=80) | st.text(MARKS, max_size=60))
@example("**a.**b *c* _d_e ~~f.~~g")
def test_ascii_text_renders_as_plain_commonmark_does(text: str) -> None:
    if ":::" in text:
        return
    assert render_markdown(text) == clean_html(plain_commonmark.render(text))


@pytest.mark.parametrize(
    ("source", "html"),
    [
        ("采购\n标准", "采购标准"),
        ("采购。\n标准", "采购。标准"),
        ("采购“\n标准”", "采购“标准”"),
        ("**采购**\n标准", "<strong>采购</strong>标准"),
        ("采购\n*标准*", "采购<em>标准</em>"),
        ("采购  \n标准", "采购<br>标准"),
        ("green\nbuying", "green\nbuying"),
        ("采购\ngreen", "采购\ngreen"),
        ("it’s “so”\n“yes”", "it’s “so”\n“yes”"),
        ("구매\n기준", "구매\n기준"),
        ("購入\nの基準", "購入の基準"),
        ("采购\n标准\n方法", "采购标准方法"),
    ],
)
def test_a_line_break_vanishes_between_chinese_only(source: str, html: str) -> None:
    assert render_inline(source).replace("<br>\n", "<br>") == html


@pytest.mark.parametrize(
    ("source", "shown"),
    [
        ("<script>alert(1)</script>", "&lt;script&gt;alert(1)&lt;/script&gt;"),
        ("a <b>b</b>", "a &lt;b&gt;b&lt;/b&gt;"),
        ("<!-- a -->", "&lt;!-- a --&gt;"),
        ('<img src="x" onerror="y">', "&lt;img"),
    ],
)
def test_raw_html_is_text(source: str, shown: str) -> None:
    assert shown in render_markdown(source)


@pytest.mark.parametrize(
    "source",
    [
        "[a](javascript:alert(1))",
        "[a](JAVASCRIPT:alert(1))",
        "[a](java&#10;script:alert(1))",
        "[a](<java script:alert(1)>)",
        "[a](data:text/html;base64,PHM+)",
        "[a](vbscript:x)",
        "[a](file:///etc/passwd)",
        "<javascript:alert(1)>",
        "[a][b]\n\n[b]: javascript:alert(1)",
    ],
)
def test_a_link_that_runs_or_reads_is_dropped(source: str) -> None:
    html = render_markdown(source)
    assert not re.search(r'href="(?!https?:|mailto:)[a-z]+:', html, re.I)


def test_a_mail_and_a_web_address_are_kept() -> None:
    assert render_inline("<a@example.com>") == '<a href="mailto:a@example.com">a@example.com</a>'
    assert render_inline('[a](https://example.com/b_(c) "d")') == '<a href="https://example.com/b_(c)" title="d">a</a>'


def test_a_table_keeps_its_alignment() -> None:
    html = render_markdown("| 国家 | 数 |\n| --- | --: |\n| **中国。**是 | 3 |\n")
    assert '<td style="text-align:right">3</td>' in html.replace("text-align: right", "text-align:right")
    assert "<td><strong>中国。</strong>是</td>" in html


def test_nested_lists_and_their_numbers_are_kept() -> None:
    html = render_markdown("3. 甲\n   - 乙\n     1. 丙\n4. 丁\n")
    assert re.sub(r"\s", "", html) == '<olstart="3"><li>甲<ul><li>乙<ol><li>丙</li></ol></li></ul></li><li>丁</li></ol>'


def test_a_picture_is_no_picture_in_markdown() -> None:
    assert "<img" not in render_markdown("![a](https://example.com/a.png)")


@given(text=st.text(max_size=60))
@example("a&#12;b")
@example("a\x0bb\x00c")
@example("&#x80;&#xfffe;&#xd800;")
@example("```\n\x1b[31m\n```")
def test_no_control_character_comes_through(text: str) -> None:
    for html in (render_markdown(text), render_inline(text)):
        assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\ufffe\uffff]", html)


@given(text=st.text(MARKS + "采，“”é😀", max_size=60))
def test_clean_html_stays_as_it_is_when_cleaned_again(text: str) -> None:
    html = render_markdown(text)
    assert clean_html(html) == html


@pytest.mark.parametrize("character", "采，。「」　ひカ한豈！Ａ𠀀")
def test_is_cjk_knows_scripts_and_full_width_punctuation(character: str) -> None:
    assert is_cjk(character)


@pytest.mark.parametrize("character", "aé.,“”—…·1 😀")
def test_is_cjk_does_not_take_what_english_shares(character: str) -> None:
    assert not is_cjk(character)
