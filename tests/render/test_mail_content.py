"""What a reader finds in the mail: all of the issue, in order, in HTML and in text, safe for every mail program."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from itertools import pairwise
from pathlib import Path

import lxml.html
import pytest
from markdown_it.token import Token

from full_issue import write_full_issue
from pressrun.language import direction
from pressrun.markdown import parser
from pressrun.render.mail import BUDGET_OCTETS, Rendering
from pressrun.render.slot import Slot
from pressrun.source.block import (
    Block,
    Button,
    Callout,
    Case,
    DataTable,
    Event,
    Figure,
    Prose,
    Quote,
    Report,
    Timeline,
)
from pressrun.source.field import write_fields
from pressrun.source.issue import Article, Issue
from pressrun.wording import words
from rendered_issue import REAL_ISSUES, REPOSITORY, VALUES, fill, load_folder, render_folder, render_real

ISSUES = (*REAL_ISSUES, "full", "full-letter")


@pytest.fixture(scope="module")
def full_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_full_issue(tmp_path_factory.mktemp("full"))


@pytest.fixture(scope="module")
def letter_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_full_issue(tmp_path_factory.mktemp("letter"), "letter")


@pytest.fixture(params=ISSUES)
def folder(request: pytest.FixtureRequest, full_folder: Path, letter_folder: Path) -> Path:
    own = {"full": full_folder, "full-letter": letter_folder}
    return own.get(request.param, REPOSITORY / "issues" / request.param)


@cache
def cached(folder: Path) -> tuple[Issue, Rendering]:
    if folder.is_relative_to(REPOSITORY):
        return load_folder(folder), render_real(f"{folder.parent.name}/{folder.name}")
    return load_folder(folder), render_folder(folder)


@pytest.fixture
def issue(folder: Path) -> Issue:
    return cached(folder)[0]


@pytest.fixture
def rendering(folder: Path) -> Rendering:
    return cached(folder)[1]


@pytest.fixture
def html(rendering: Rendering) -> str:
    return fill(rendering)[0]


@pytest.fixture
def text(rendering: Rendering) -> str:
    return fill(rendering)[1]


@pytest.fixture
def page(html: str) -> lxml.html.HtmlElement:
    return lxml.html.document_fromstring(html)


_AS_TYPED = str.maketrans("“”„«»‘’–—", '"""""\'\'--', "\u2060")


def squeezed(text: str) -> str:
    """`text` without blanks, and with marks, dashes and dots as on a keyboard: typography changes only these."""
    return "".join(text.translate(_AS_TYPED).replace("…", "...").split())


def markdown_of(article: Article) -> Iterator[str]:
    for block in article.blocks:
        match block:
            case Prose():
                yield block.markdown
            case Report():
                yield block.summary
            case Timeline():
                yield from (moment.text for moment in block.moments)
            case Case() | Callout():
                yield block.text
            case Event() if block.text:
                yield block.text


def lines_of(article: Article) -> Iterator[str | None]:
    """Every field of `article` that readers see."""
    meta = article.meta
    yield from (meta.title, meta.kicker, *meta.labels, *meta.authors, *(source.name for source in meta.sources))
    if meta.image:
        yield from (meta.image.caption, meta.image.credit)
    for block in article.blocks:
        yield from lines_of_block(block)


def lines_of_block(block: Block) -> Iterator[str | None]:
    match block:
        case Figure():
            yield from (block.caption, block.credit)
        case Report():
            yield from (block.title, block.publisher)
        case Timeline():
            yield block.title
            yield from (line for moment in block.moments for line in (moment.when, moment.title))
        case Case():
            yield from (block.title, *block.labels)
        case Quote():
            yield from (block.text, block.by)
        case Callout():
            yield block.title
        case Event():
            yield from (block.title, block.place)
        case Button():
            yield block.text
        case DataTable():
            yield from (block.caption, block.source, *block.columns, *(cell for row in block.rows for cell in row))


def leaves(tokens: list[Token]) -> Iterator[str]:
    """Every run of text in Markdown: of paragraphs, list items, table cells, code."""
    for token in tokens:
        if token.children:
            yield from leaves(token.children)
        elif token.type in ("text", "code_inline", "fence", "code_block"):
            yield token.content


def addresses_of(article: Article) -> Iterator[str | None]:
    yield from (source.url for source in article.meta.sources)
    for block in article.blocks:
        match block:
            case Report() | Case() | Figure() | Event() | Button():
                yield block.url
            case Timeline():
                yield from (moment.url for moment in block.moments)
    for text in markdown_of(article):
        for token in parser().parse(text):
            yield from (str(child.attrs["href"]) for child in token.children or () if child.type == "link_open")


def test_the_html_is_within_its_budget(rendering: Rendering) -> None:
    assert rendering.octets == len(rendering.edition.html.encode()) < BUDGET_OCTETS == 90 * 1024


def test_the_parts_are_the_issues_and_fit_into_the_whole(rendering: Rendering, issue: Issue) -> None:
    expected = []
    for section in issue.sections:
        expected += [(section.meta.slug, 0), *((article.slug, 1) for article in section.articles)]
    assert [(part.name, part.level) for part in rendering.parts] == [*expected, ("colophon", 0)]
    assert sum(part.octets for part in rendering.parts if part.level == 0) < rendering.octets
    assert all(part.octets > 300 for part in rendering.parts)


def test_there_is_one_first_heading_and_no_level_is_skipped(page: lxml.html.HtmlElement) -> None:
    levels = [int(heading.tag[1]) for heading in page.xpath("//h1|//h2|//h3|//h4|//h5|//h6")]
    assert levels[0] == 1 and levels.count(1) == 1
    assert all(following <= level + 1 for level, following in pairwise(levels)), levels


def test_sections_are_second_headings_and_articles_third_in_order(page: lxml.html.HtmlElement, issue: Issue) -> None:
    headings = ["".join(h.itertext()).strip() or h.find(".//img").get("alt") for h in page.iter("h2")]
    start = headings.index(words(issue.publication.language)["contents"]) + 1
    sections = [section.meta.title for section in issue.sections]
    assert len(headings[start : start + len(sections)]) == len(sections)
    told = list(zip(sections, headings[start:], strict=False))
    assert all(squeezed(title) in squeezed(heading) for title, heading in told)
    titles = [squeezed(article.meta.title) for article in issue.articles]
    assert [squeezed(heading.text_content()) for heading in page.iter("h3")] == titles


def test_every_heading_says_something(page: lxml.html.HtmlElement) -> None:
    for heading in page.xpath("//h1|//h2|//h3|//h4|//h5|//h6"):
        assert heading.text_content().strip() or heading.find(".//img").get("alt").strip()


def test_every_picture_has_alt_text_and_width(page: lxml.html.HtmlElement, issue: Issue) -> None:
    pictures = list(page.iter("img"))
    assert pictures
    for picture in pictures:
        assert (picture.get("alt") or "").strip()
        assert 0 < int(picture.get("width")) <= 640
        name = (picture.get("src") or "").removeprefix(issue.url)
        assert name in issue.pictures
    assert issue.meta.cover.alt in {picture.get("alt") for picture in pictures}


def test_the_language_is_set(page: lxml.html.HtmlElement, issue: Issue) -> None:
    language = issue.publication.language
    assert page.get("lang") == language == page.xpath("//div[@role='article']")[0].get("lang")
    for article in issue.articles:
        if article.meta.language:
            fragment = page.xpath(f"//div[@lang='{article.meta.language}'][.//h3]")[0]
            assert squeezed(fragment.find(".//h3").text_content()) == squeezed(article.meta.title)
            assert fragment.get("dir") == direction(article.meta.language)


def test_every_link_leads_to_an_absolute_address(page: lxml.html.HtmlElement) -> None:
    for link in page.iter("a"):
        # A mailto: without an address passes the issue on: whom to is the reader's affair.
        leads = re.match(r"https?://[^/\s]+|mailto:\S+@\S+$|mailto:\?subject=\S+$", link.get("href") or "")
        assert leads, lxml.html.tostring(link)
        assert link.text_content().strip() or link.find(".//img") is not None


def test_the_contents_lead_to_the_archive(page: lxml.html.HtmlElement, issue: Issue) -> None:
    heading = next(h for h in page.iter("h2") if h.text_content() == words(issue.publication.language)["contents"])
    lists = heading.xpath("following-sibling::ul//a")
    expected = [
        (issue.article_url(article.slug), squeezed(article.meta.short_title or article.meta.title))
        for article in issue.articles
    ]
    assert [(link.get("href"), squeezed(link.text_content())) for link in lists] == expected


def test_no_slot_stays_open_once_filled(html: str, text: str, rendering: Rendering) -> None:
    for filled in (html, text):
        assert rendering.edition.nonce not in filled
        assert (VALUES[Slot.GREETING] in filled or "Hello, Robin &lt;Reader&gt;" in filled) == bool(
            rendering.edition.greeting
        )
    assert "https://leave.example.com/robin?a=1&amp;b=2" in html
    assert "https://leave.example.com/robin?a=1&b=2" in text


def test_no_escape_of_rust_or_xml_is_left(html: str, issue: Issue) -> None:
    attributes = re.findall(r'="([^"]*)"', html)
    assert not any("\\" in value for value in attributes)
    assert "\\u{" not in html
    for sheet in re.findall(r"<style[^>]*>(.*?)</style>", html, re.DOTALL):
        assert "&gt;" not in sheet and "&amp;" not in sheet and "&#" not in sheet


def test_mail_programs_find_nothing_they_drop(page: lxml.html.HtmlElement) -> None:
    assert not list(page.iter("script", "iframe", "form", "svg", "picture", "video", "object", "link"))
    assert "@import" not in lxml.html.tostring(page, encoding="unicode")
    assert not page.xpath("//@srcset | //@onclick | //@onload | //*[@id]")


def test_the_preheader_comes_first_and_is_hidden(page: lxml.html.HtmlElement, issue: Issue) -> None:
    body = page.find("body").text_content()
    first = next(element for element in page.find("body").iter("div") if (element.text or "").strip())
    preheader = squeezed(issue.meta.preheader)
    assert squeezed(body).startswith(preheader)
    assert squeezed(first.text or "").startswith(preheader)
    assert "display:none" in first.get("style")


def test_dark_colours_and_a_phones_layout_are_there(html: str) -> None:
    assert "@media (prefers-color-scheme: dark)" in html
    assert '<meta name="color-scheme" content="light dark" />' in html
    assert "@media only screen and (max-width: 479px)" in html


def test_every_class_of_the_style_sheet_is_in_some_mail(full_folder: Path, letter_folder: Path) -> None:
    mails = [cached(folder)[1].edition.html for folder in (full_folder, letter_folder)]
    mails += [render_real(key).edition.html for key in REAL_ISSUES]
    known = {word for html in mails for names in re.findall(r'class="([^"]*)"', html) for word in names.split()}
    sheets = "".join(re.findall(r"\.page \{.*?</style>", mails[0], re.DOTALL))
    asked = {name for rule in re.findall(r"([^{}]+)\{", sheets) for name in re.findall(r"\.([a-z]+)", rule)}
    assert {"page", "stack", "quiet"} <= asked <= known


def test_everything_the_issue_says_is_in_html_and_text(page: lxml.html.HtmlElement, text: str, issue: Issue) -> None:
    in_html, in_text = squeezed(page.find("body").text_content()), squeezed(text)
    for article in issue.articles:
        texts = (write_fields(markdown, str) for markdown in markdown_of(article))
        leaf = (leaf for markdown in texts for leaf in leaves(parser().parse(markdown)))
        for piece in filter(None, (*lines_of(article), *leaf)):
            assert squeezed(piece) in in_html, f"{article.slug}: {piece}"
            assert squeezed(piece) in in_text, f"{article.slug}: {piece}"


def test_every_address_of_the_issue_is_in_html_and_text(page: lxml.html.HtmlElement, text: str, issue: Issue) -> None:
    links = {link.get("href") for link in page.iter("a")}
    for article in issue.articles:
        for url in filter(None, addresses_of(article)):
            assert url in links and f"<{url}>" in text, f"{article.slug}: {url}"


def test_the_frame_of_the_issue_is_in_html_and_text(page: lxml.html.HtmlElement, text: str, issue: Issue) -> None:
    c, publication = issue.colophon, issue.publication
    slogan = issue.meta.slogan or publication.slogan
    pieces = [issue.meta.title or publication.title, publication.masthead, slogan, issue.label, issue.copyright]
    pieces += [c.compiled_by, *c.editors, c.mail, c.website, publication.postal_address]
    pieces += [word for key, word in words(publication.language).items() if key in ("unsubscribe", "view_online")]
    for piece in filter(None, pieces):
        assert squeezed(piece) in squeezed(page.text_content())
        assert squeezed(piece) in squeezed(text)
    assert issue.url in text


def test_emphasis_is_rendered_never_shown_as_stars(page: lxml.html.HtmlElement, issue: Issue) -> None:
    assert "**" not in page.find("body").text_content()
    strong = sum(
        child.type == "strong_open"
        for article in issue.articles
        for markdown in markdown_of(article)
        for token in parser().parse(markdown)
        for child in token.children or ()
    )
    assert len(list(page.iter("strong"))) >= strong


def test_the_text_has_no_html_and_no_stray_blanks(text: str) -> None:
    assert not re.search(r"</?[a-z][a-z0-9]*(\s[^<>]*)?/?>(?!\w)", text.replace("<best>", "").replace("<tall>", ""))
    assert "&amp;" not in text and "&#" not in text
    assert not re.search(r"[ \t\u3000]$", text, re.MULTILINE)
    assert "\n\n\n\n" not in text
    assert text == text.strip() + "\n"


def test_the_text_is_in_the_order_of_the_issue(text: str, issue: Issue) -> None:
    underlined = ["".join(line.split()) for line in re.findall(r"^(.+)\n-+$", text.translate(_AS_TYPED), re.MULTILINE)]
    places = [underlined.index(squeezed(article.meta.title)) for article in issue.articles]
    assert places == sorted(places)


def test_headings_in_blocks_and_after_them_keep_their_level(page: lxml.html.HtmlElement, folder: Path) -> None:
    if folder.is_relative_to(REPOSITORY):
        return
    levels = {heading.text_content(): heading.tag for heading in page.xpath("//h2|//h4|//h5")}
    assert levels["A lead"] == "h2"
    assert (levels["A heading"], levels["A deeper heading"], levels["回顾"]) == ("h4", "h5", "h4")
    assert "## no heading" in page.text_content()
