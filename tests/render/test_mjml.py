"""MJML comes out whole and right, or is refused with its place; nothing passes in silence."""

from __future__ import annotations

import unicodedata

import lxml.html
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from markupsafe import escape

from pressrun.errors import RenderError
from pressrun.render import mjml
from pressrun.render.mjml import compile_mjml

VISIBLE = st.text(st.characters(exclude_categories=["Cs", "Cc", "Co", "Cn"]), min_size=1, max_size=30)


def document(body: str, head: str = "") -> str:
    return f'<mjml lang="en">\n<mj-head>{head}</mj-head>\n<mj-body>\n{body}\n</mj-body></mjml>'


def column(content: str, head: str = "") -> str:
    return document(f"<mj-section><mj-column>{content}</mj-column></mj-section>", head)


def text(content: str, head: str = "") -> str:
    return column(f"<mj-text>{content}</mj-text>", head)


def compiled(source: str) -> lxml.html.HtmlElement:
    return lxml.html.document_fromstring(compile_mjml(source, "mail.mjml.j2"))


def refusal(source: str) -> str:
    with pytest.raises(RenderError) as caught:
        compile_mjml(source, "mail.mjml.j2")
    assert caught.value.message.startswith("mail.mjml.j2")
    return caught.value.message


@pytest.mark.parametrize(
    "alt",
    [
        "全角　空格",
        "a\u00a0b",
        "a\u200db",
        "👨‍👩‍👧",
        "❤️",
        "e\u0301",
        "C:\\new\\u{3000}",
        "a\u2028b",
        "“引号” & <b> \"'",
    ],
)
def test_an_attribute_keeps_every_character_it_had(alt: str) -> None:
    written = escape(alt)
    html = compile_mjml(column(f'<mj-image src="a.png" alt="{written}" title="{written}" />'), "mail")
    image = lxml.html.document_fromstring(html).find(".//img")
    assert (image.get("alt"), image.get("title")) == (alt, alt)
    inside = compiled(text(f'<img src="a.png" alt="{written}" />')).find(".//img")
    assert inside.get("alt") == alt


@given(VISIBLE)
@example("\ue000")
@example("é\\")
def test_any_text_comes_back_from_attribute_and_content(value: str) -> None:
    written = escape(value)
    html = compiled(text(f'<p title="{written}">x</p><b>{written}</b>'))
    assert html.find(".//p").get("title") == value
    assert html.find(".//b").text_content() == value


@pytest.mark.parametrize("gap", ["&#10;", "&#9;", "&#13;"])
def test_line_ends_and_tabs_in_an_attribute_are_not_written_as_rust_escapes(gap: str) -> None:
    html = compile_mjml(text(f'<p title="a{gap}b">x</p>'), "mail")
    title = lxml.html.document_fromstring(html).find(".//p").get("title")
    assert "\\" not in html
    assert title is not None and title.split() == ["a", "b"]


def test_a_style_over_several_lines_keeps_its_first_declaration() -> None:
    style = compiled(text('<p style="\n  color: red;\n\tmargin: 0">x</p>')).find(".//p").get("style")
    assert [part.strip() for part in style.split(";")] == ["color: red", "margin: 0"]


@pytest.mark.parametrize("tag", ["p", "span", "td", "a", "div", "h2", "i"])
def test_an_empty_element_stays_open_and_swallows_nothing(tag: str) -> None:
    html = compile_mjml(text(f"<{tag}></{tag}><b>after</b>"), "mail")
    assert f"<{tag}></{tag}><b>after</b>" in html


@pytest.mark.parametrize("tag", ["<br>", "<hr>", "<wbr>", '<hr style="border:0;margin:2px">', "<br/>", "<br />"])
def test_a_void_element_may_be_written_as_html_or_xml(tag: str) -> None:
    html = compiled(text(f"a{tag}b"))
    name = tag.strip("<>/ ").split()[0]
    assert html.find(f".//{name}").tail == "b"


def test_a_style_sheet_reaches_browsers_as_css() -> None:
    html = compile_mjml(text("x", head='<mj-style>a > b::after { content: "&amp;"; }</mj-style>'), "mail")
    assert 'a > b::after { content: "&"; }' in html


def test_text_outside_of_style_sheets_stays_escaped() -> None:
    html = compile_mjml(text("1 &lt; 2 &amp;&amp; &lt;script&gt;"), "mail")
    assert "1 &lt; 2 &amp;&amp; &lt;script" in html


def test_a_title_with_markup_signs_stays_escaped() -> None:
    html = compile_mjml(text("x", head="<mj-title>a &lt;/title&gt;&lt;script&gt; &amp; b</mj-title>"), "mail")
    assert "<script>" not in html
    assert lxml.html.document_fromstring(html).findtext(".//title") == "a </title><script> & b"


def test_a_cdata_section_is_text() -> None:
    assert compiled(text("a<![CDATA[<b>&amp;]]>c")).text_content().count("a<b>&amp;c") == 1


def test_a_processing_instruction_does_not_get_through() -> None:
    assert "php" not in compile_mjml(text("a<?php echo 1?>b"), "mail")


@pytest.mark.parametrize(
    "doctype",
    [
        '<!DOCTYPE mjml [<!ENTITY x SYSTEM "file:///etc/passwd">]>',
        '<!DOCTYPE mjml [<!ENTITY x "harmless">]>',
        '<!DOCTYPE mjml SYSTEM "file:///etc/passwd">',
        '<!DOCTYPE mjml [<!ENTITY % p SYSTEM "file:///etc/passwd"> %p;]>',
    ],
)
def test_a_document_type_is_refused_whatever_it_declares(doctype: str) -> None:
    message = refusal(doctype + text("a &x; b") if "ENTITY x" in doctype else doctype + text("a"))
    assert "root:" not in message


def test_entities_of_entities_do_not_fill_the_memory() -> None:
    levels = "".join(f'<!ENTITY e{n} "{f"&e{n - 1};" * 10}">' for n in range(1, 12))
    refusal(f'<!DOCTYPE mjml [<!ENTITY e0 "lol">{levels}]>' + text('<p title="&e11;">&e11;</p>'))


def test_an_unknown_entity_is_refused() -> None:
    assert "copy" in refusal(text("&copy;"))


@pytest.mark.parametrize(
    ("source", "names"),
    [
        (text("<p>"), ["line 4", "column"]),
        (text("a & b"), ["line 4", "column"]),
        (text('<a href="x"href="y">z</a>'), ["line 4", "column"]),
        (text("<o:p>x</o:p>"), ["line 4", "o"]),
        ("", ["line 1"]),
        ("plain text", ["line 1"]),
        ('<?xml version="1.0" encoding="gb2312"?>' + text("x"), []),
        (text("\x0b"), ["line 4"]),
        (text("\ud800"), []),
    ],
)
def test_malformed_markup_names_line_and_column(source: str, names: list[str]) -> None:
    message = refusal(source)
    assert all(name in message for name in names), message


def test_malformed_markup_names_the_article_it_stands_in() -> None:
    raw = "<mj-raw><!--article {}--></mj-raw>"
    source = column(f"{raw.format('first')}\n<mj-text>x</mj-text>\n{raw.format('second-one')}\n<mj-text><p></mj-text>")
    assert "(second-one)" in refusal(source)


def test_every_fault_is_told_at_once_with_its_line() -> None:
    message = refusal(column("\n<mj-carousel />\n<mj-text colour='red'>x</mj-text>\n<mj-image src='a' />"))
    assert "line 5: <mj-carousel> is not to be used here" in message
    assert "line 6: <mj-text> takes no colour" in message
    assert "line 7: <mj-image> needs alt" in message


@pytest.mark.parametrize(
    ("source", "names"),
    [
        (text("x", head='<mj-include path="/etc/passwd" type="html" />'), "<mj-include>"),
        (column('<mj-include path="/etc/passwd" />'), "<mj-include>"),
        (text("x", head='<meta name="a" />'), "<meta>"),
        (text("x", head="<p>html</p>"), "<p>"),
        (text("x", head="loose"), "loose"),
        (text("x", head="<mj-attributes><!-- no --><mj-all color='red' /></mj-attributes>"), "comment"),
        (text("x", head='<mj-style inline="inline">a{}</mj-style>'), "inline"),
        (text("x", head="<mj-preview>x</mj-preview>"), "<mj-preview>"),
        (text("x", head="<mj-html-attributes />"), "<mj-html-attributes>"),
        (text("<mj-text>inner</mj-text>"), "<mj-text> can't stand in <mj-text>"),
        (column("<p>x</p>"), "<p>"),
        (column("loose"), "loose"),
        (document("<mj-section><mj-text>x</mj-text></mj-section>"), "<mj-section>"),
        (document("<mj-column><mj-text>x</mj-text></mj-column>"), "<mj-body>"),
        (text('<img src="a.png" />'), "alt"),
        (column('<mj-image alt="a" />'), "src"),
        (column('<mj-text mj-class="a" data-x="1">x</mj-text>'), "data-x"),
        ("<mjml><mj-raw>x</mj-raw><mj-body></mj-body></mjml>", "<mj-raw>"),
        ("<mjml><mj-body></mj-body><mj-body></mj-body></mjml>", "one <mj-body>"),
        ("<mjml></mjml>", "one <mj-body>"),
        ("<html><body>x</body></html>", "<mjml>"),
        ("<mj-text>x</mj-text>", "<mjml>"),
    ],
)
def test_what_mrml_drops_or_breaks_is_refused_by_name(source: str, names: str) -> None:
    assert names in refusal(source)


FRAGMENTS = st.sampled_from(
    [
        *(f"<{tag}>" for tag in mjml.ALLOWED),
        *(f"</{tag}>" for tag in mjml.ALLOWED),
        *(f"<{tag} />" for tag in mjml.ALLOWED),
        *("<p>", "</p>", "<!-- c -->", "text", "&#160;", "<mj-include path='x' />", '<mj-column width="x">', "<hr>"),
    ]
)


@given(st.lists(FRAGMENTS, max_size=8), st.lists(FRAGMENTS, max_size=4))
def test_no_document_leads_to_anything_but_html_or_a_refusal(body: list[str], head: list[str]) -> None:
    for source in (document("".join(body), "".join(head)), column("".join(body)), "".join(body)):
        try:
            assert compile_mjml(source, "mail").startswith("<!doctype html>")
        except RenderError as error:
            assert error.message.startswith("mail")


VALUES = st.one_of(st.sampled_from(["", "-1px", "0", "1e9px", "100%", "a b c d e", "px", "%", "NaN", "，"]), VISIBLE)


@given(st.sampled_from(sorted(mjml.ALLOWED)).flatmap(lambda t: st.tuples(st.just(t), st.data())), VALUES)
def test_no_attribute_value_makes_it_panic(case: tuple[str, st.DataObject], value: str) -> None:
    tag, data = case
    names = sorted(mjml.ALLOWED[tag])
    attribute = data.draw(st.sampled_from(names)) if names else ""
    written = f'{attribute}="{escape(value)}"' if attribute else ""
    given_already = {"mj-image": 'src="a" alt="b"', "mj-button": 'href="a"'}.get(tag, "")
    rest = " ".join(part for part in given_already.split() if part.split("=")[0] != attribute)
    inside = f"<{tag} {written} {rest}></{tag}>"
    try:
        compile_mjml(column(inside) if tag in ("mj-text", "mj-image", "mj-button") else document(inside), "mail")
    except RenderError as error:
        assert error.message.startswith("mail")


class PanicException(BaseException):
    """What a panic in Rust looks like in Python."""


def test_a_panic_of_mrml_is_a_render_error(monkeypatch: pytest.MonkeyPatch) -> None:
    def panic(*_: object, **__: object) -> str:
        raise PanicException("called `Option::unwrap()` on a `None` value")

    monkeypatch.setattr(mjml, "mjml2html", panic)
    assert "unwrap" in refusal(text("x"))


def test_an_interrupt_while_compiling_stays_an_interrupt(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(*_: object, **__: object) -> str:
        raise KeyboardInterrupt

    monkeypatch.setattr(mjml, "mjml2html", interrupt)
    with pytest.raises(KeyboardInterrupt):
        compile_mjml(text("x"), "mail")


def test_the_allowed_attributes_have_their_effect() -> None:
    html = compile_mjml(
        column('<mj-button href="https://www.example.com/" background-color="#112233">Go</mj-button>'), "mail"
    )
    assert "#112233" in html and "https://www.example.com/" in html


def test_characters_held_for_mrml_are_all_let_go() -> None:
    html = compile_mjml(text('<p title="a\u3000b">　x</p>'), "mail")
    assert not any(unicodedata.category(c) == "Co" for c in html)


def test_no_font_is_fetched_from_elsewhere() -> None:
    html = compile_mjml(text("x", head='<mj-attributes><mj-all font-family="Roboto,Lato" /></mj-attributes>'), "mail")
    assert "Roboto,Lato" in html
    assert "googleapis" not in html


def test_a_line_end_between_two_words_stays_a_space() -> None:
    page = compiled(text('<p><strong>one</strong>\n  <em>two</em>\n<a href="x">three</a></p>'))
    assert "one two three" in page.text_content()
