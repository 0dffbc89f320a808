"""Every kind of block in every theme: what it is made of, which way it runs, what a thumb can press."""

from __future__ import annotations

import math
import re
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import lxml.html
import pytest

from full_issue import write_full_issue
from pressrun.source.block import KINDS
from rendered_issue import REPOSITORY, fill, render_folder

TEMPLATES = REPOSITORY / "templates"
THEMES = sorted(file.parent.name for file in TEMPLATES.glob("themes/*/theme.yaml"))
URL = "https://small.example.com/news/2026-01/"

Element = lxml.html.HtmlElement


@pytest.fixture(scope="module", params=THEMES)
def theme(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def page(theme: str, tmp_path_factory: pytest.TempPathFactory) -> Element:
    folder = write_full_issue(tmp_path_factory.mktemp(theme), theme)
    return lxml.html.document_fromstring(fill(render_folder(folder))[0])


@pytest.fixture(scope="module")
def arabic(theme: str, tmp_path_factory: pytest.TempPathFactory) -> Element:
    folder = write_full_issue(tmp_path_factory.mktemp(theme), theme, "ar")
    return lxml.html.document_fromstring(fill(render_folder(folder))[0])


def style_of(element: Element) -> dict[str, str]:
    """An element's own styles."""
    declared = (part.partition(":") for part in (element.get("style") or "").split(";") if ":" in part)
    return {name.strip(): value.strip() for name, _, value in declared}


def found(page: Element, path: str) -> Element:
    """The one element at `path`."""
    (element,) = page.xpath(path)
    assert isinstance(element, lxml.html.HtmlElement)
    return element


def said(element: Element) -> str:
    return " ".join(element.text_content().split())


@pytest.mark.parametrize("kind", sorted(KINDS.values()))
@pytest.mark.parametrize("medium", ["mjml", "txt"])
def test_every_kind_of_block_has_a_partial_in_either_medium(kind: str, medium: str) -> None:
    assert (TEMPLATES / "themes" / "bulletin" / "blocks" / f"{kind}.{medium}.j2").is_file()


def test_a_call_out_says_what_it_is_in_words_and_not_by_its_colour_alone(page: Element) -> None:
    note = found(page, "//div[p[contains(., 'Good to know')]]")
    assert said(note[0]) == "Note: Good to know"
    assert [said(item) for item in note.iter("li")] == ["a point", "a link"]
    warning = found(page, "//div[p[starts-with(normalize-space(), 'Warning')]]")
    assert [said(part) for part in warning] == ["Warning", "Mind the step."]
    assert "alarm" in warning.get("class")
    assert style_of(note)["border-left"] != style_of(warning)["border-left"]


def test_an_event_has_its_day_its_place_and_its_calendar_file(page: Element) -> None:
    title = found(page, "//h4[contains(., 'Open house')]")
    event = title.getparent()
    assert "18 April 2026" in said(event) and "Small House, 1 Small Street" in said(event)
    assert [link.get("href") for link in event.iter("a")] == [
        f"{URL}events/open-house.ics",
        "https://www.example.com/open-house",
    ]
    assert all("Open house & garden" in link.get("aria-label") for link in event.iter("a"))
    fair = found(page, "//h4[contains(., 'The fair')]").getparent()
    assert "2 May 2026" in said(fair) or "2–3 May 2026" in said(fair)
    assert [link.get("href") for link in fair.iter("a")] == [f"{URL}events/fair.ics"]


def test_a_button_is_a_padded_cell_for_outlook_and_a_padded_link_for_the_others(page: Element) -> None:
    link = found(page, "//a[normalize-space() = 'Read the report']")
    cell = link.getparent()
    assert link.get("href") == "https://www.example.com/report?a=1&b=2"
    assert style_of(cell)["mso-padding-alt"] == style_of(link)["padding"]
    assert style_of(link)["display"] == "inline-block"
    assert found(cell, "ancestor::table[1]").get("role") == "presentation"


def test_a_data_table_is_a_table_with_caption_and_scopes(page: Element) -> None:
    table = found(page, "//table[caption]")
    assert table.get("role") is None
    assert said(table.find("caption")) == "Share of small things"
    assert [(said(head), head.get("scope")) for head in table.xpath("thead//th")] == [
        ("Land", "col"),
        ("Houses", "col"),
        ("Share", "col"),
        ("Remark", "col"),
    ]
    assert [(said(head), head.get("scope")) for head in table.xpath("tbody//th")] == [("Here", "row"), ("There", "row")]


def sides(row: Element) -> list[str]:
    return [style_of(cell)["text-align"] for cell in row if "text-align" in style_of(cell)]


def test_figures_stand_flush_at_the_end_of_their_column(page: Element, arabic: Element) -> None:
    for shown, start, end in ((page, "left", "right"), (arabic, "right", "left")):
        heads, first, *_ = found(shown, "//table[caption]").iter("tr")
        assert sides(heads) == [start, end, end, start]
        assert sides(first) == [start, end, end]  # words lie as the line does


def test_a_table_for_layout_says_that_it_is_none(page: Element) -> None:
    tables = [table for table in page.iter("table") if table.find("caption") is None and table.find("thead") is None]
    assert tables and all(table.get("role") == "presentation" for table in tables)


def test_a_divider_of_the_text_is_a_line(page: Element) -> None:
    assert style_of(found(page, "//hr"))["border-top"].startswith("1px solid")


def height_of(link: Element) -> float:
    """Pixels that the link's line and padding take."""
    above = [link, *link.iterancestors()]
    size = next(int(style_of(e)["font-size"][:-2]) for e in above if "font-size" in style_of(e))
    leading = next(style_of(e)["line-height"] for e in above if "line-height" in style_of(e))
    line = float(leading[:-2]) if leading.endswith("px") else size * float(leading)
    return line + 2 * int(style_of(link)["padding"].split()[0][:-2])


def test_links_that_stand_alone_are_high_enough_for_a_thumb(page: Element) -> None:
    footer = found(page, "//p[a[contains(@href, 'leave.example.com')]]")
    contents = page.xpath("//h2[. = 'Contents']/following-sibling::ul//a")
    events = page.xpath("//a[contains(@href, '/events/')]")
    button = page.xpath("//a[normalize-space() = 'Read the report']")
    alone = [*footer.iter("a"), *contents, *events, *button]
    assert len(alone) >= 9
    assert all(math.ceil(height_of(link)) >= 44 for link in alone), [height_of(link) for link in alone]


def test_the_footer_leads_online_on_to_friends_and_out(page: Element) -> None:
    footer = found(page, "//p[a[contains(@href, 'leave.example.com')]]")
    online, forward, settings, leave = footer.iter("a")
    assert (said(online), online.get("href")) == ("View online", URL)
    assert (said(settings), said(leave)) == ("Preferences", "Unsubscribe")
    parts = urlsplit(forward.get("href"))
    asked = parse_qs(parts.query)
    assert (parts.scheme, parts.path) == ("mailto", "")
    assert asked == {"subject": ["Small & <tall>"], "body": [f"Small & <tall>\r\n{URL}"]}
    assert " " not in forward.get("href") and "+" not in forward.get("href")  # RFC 6068 §5: a blank is %20


@pytest.mark.parametrize(("line", "shown"), [("", True), ("preferences: false\nforward: false\n", False)])
def test_a_theme_says_which_links_the_footer_has(tmp_path: Path, theme: str, line: str, shown: bool) -> None:
    folder = write_full_issue(tmp_path, theme)
    own = tmp_path / "templates" / "themes" / theme
    own.mkdir(parents=True)
    (own / "theme.yaml").write_text(f"extends: {theme}\n{line}", encoding="utf-8")
    edition = render_folder(folder).edition
    assert edition.names_preferences is shown
    assert ("mailto:?subject" in edition.html) is shown
    assert ("Preferences" in edition.text) is shown


def test_a_publication_from_right_to_left_is_mirrored(arabic: Element) -> None:
    assert (arabic.get("lang"), arabic.get("dir")) == ("ar", "rtl")
    one_sided = re.compile(r"(?:padding|margin|border)-(left|right)")
    own = [
        element
        for element in arabic.xpath("//*[@style][not(ancestor-or-self::*[@lang = 'zh-CN'])]")
        if "mj-" not in (element.get("class") or "")
    ]
    named = {side for element in own for side in one_sided.findall(element.get("style"))}
    assert named == {"right", "left"}
    starts = ("padding-left", "border-left")
    assert not [e for e in own if e.tag in ("ul", "ol", "blockquote", "div") and set(starts) & set(style_of(e))]
    aligned = {style_of(element)["text-align"] for element in own if "text-align" in style_of(element)}
    assert "right" in aligned
    words_of = [e for e in own if e.tag == "div" and style_of(e).get("text-align") == "left" and said(e)]
    assert all("font-size:0px" in e.get("style") for e in words_of)  # mrml's own columns, which hold no text themselves


def test_an_article_in_another_direction_runs_its_own_way_within(arabic: Element) -> None:
    article = found(arabic, "//div[@lang = 'zh-CN'][.//h3]")
    assert article.get("dir") == "ltr"
    assert style_of(article)["text-align"] == "left"
    assert {
        side for e in article.iter("ul", "ol") for side in ("left", "right") if f"padding-{side}" in style_of(e)
    } == {"left"}
    timeline = [e for e in article.iter("p", "td", "span") if said(e) == "2月"]
    assert timeline
    assert found(arabic, "//li[@lang = 'zh-CN']").get("dir") == "ltr"


@pytest.mark.parametrize("language", ["zh-CN", "ar"])
def test_scripts_without_an_italic_are_never_slanted(tmp_path: Path, theme: str, language: str) -> None:
    html = render_folder(write_full_issue(tmp_path, theme, language)).edition.html
    assert "italic" not in html
