"""What differs from reader to reader: fields and conditional parts, from the editor's text to one reader's mail."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

import lxml.html
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pressrun.condition import parse_condition
from pressrun.delivery.value import read_facts, read_values
from pressrun.errors import RenderError
from pressrun.render.edition import Edition, Field
from pressrun.render.slot import SlotTokens, cut_header, cut_html, cut_plain, select_blocks
from rendered_issue import REPOSITORY, render_folder
from small_edition import make_recipient
from small_issue import ISSUE, PUBLICATION, write_small_issue

ARTICLE = "---\ntitle: The {n}\n{when}---\nText {n}.\n"
BEIJING, WIEN = 'city == "Beijing"', 'city == "Wien"'


def mail_for(edition: Edition, attributes: Mapping[str, str], name: str = "Robin") -> tuple[str, str, str]:
    """Subject, HTML and text as a reader with these attributes gets them."""
    recipient = make_recipient(name=name, attributes=attributes)
    tokens, values = SlotTokens(edition.nonce), read_values(edition, recipient)
    met = [parse_condition(condition).holds(read_facts(recipient)) for condition in edition.conditions]
    html, text = (select_blocks(each, tokens, met) for each in (edition.html, edition.text))
    subject = cut_header(edition.subject, tokens).fill(values)
    return subject, cut_html(html, tokens).fill(values), cut_plain(text, tokens).fill(values)


def body_of(html: str) -> lxml.html.HtmlElement:
    return lxml.html.document_fromstring(html).find("body")


def write_article(folder: Path, body: str, **changes: str) -> Edition:
    return render_folder(write_small_issue(folder, first=f"---\ntitle: The first\n---\n{body}\n", **changes)).edition


def test_a_field_is_filled_wherever_editors_write_text(tmp_path: Path) -> None:
    body = (
        "Hello {{ city | town }}, **{{ city | town }}**, `{{ city | town }}`.\n\n- {{ city | town }}\n\n"
        "| {{ city | town }} | b |\n| --- | --- |\n| 1 | {{city|town}} |\n\n"
        ":::report\ntitle: R\nsummary: In {{ city | town }}.\n:::\n\n"
        ":::timeline\nmoments:\n  - {when: May, text: 'In {{ city | town }}.'}\n:::\n\n"
        ":::case\nlabels: [a]\ntitle: C\ntext: In {{ city | town }}.\n:::\n\n"
        ":::quote\ntext: In {{ city | town }}.\n:::\n"
    )
    issue = ISSUE.replace(
        "preheader: What is small this spring",
        "subject: For {{ city | town }}\nintro: In {{ city | town }}.\npreheader: In {{ city | town }}.",
    )
    publication = PUBLICATION.replace("colophon:\n", "colophon:\n  statement: In {{ city | town }}\n")
    edition = write_article(tmp_path, body, issue=issue, publication=publication)
    assert edition.fields == (Field(attribute="city", fallback="town"),)
    for attributes, shown in (({"city": "Graz"}, "Graz"), ({}, "town"), ({"city": "<b>&"}, "<b>&")):
        subject, html, text = mail_for(edition, attributes)
        assert subject == f"For {shown}"
        page = body_of(html).text_content()
        assert page.count(shown) == 13 and text.count(shown) == 12  # the text has no preheader
        assert "{{" not in page + text and edition.nonce not in html + text


@settings(max_examples=60, deadline=None)
@given(value=st.text(st.characters(exclude_categories=["Cs"]), max_size=40))
def test_any_value_comes_through_as_it_is_and_changes_nothing_else(personal_edition: Edition, value: str) -> None:
    _, plain_html, _ = mail_for(personal_edition, {"city": "Q"})
    _, html, text = mail_for(personal_edition, {"city": value})
    tags = re.compile(r"<[^<>]*>")
    without_links = [re.sub(r'href="[^"]*"', "", tag) for tag in tags.findall(html)]
    assert without_links == [re.sub(r'href="[^"]*"', "", tag) for tag in tags.findall(plain_html)]
    assert len(text.splitlines()) == len(mail_for(personal_edition, {"city": "Q"})[2].splitlines())
    hrefs = [link.get("href") or "" for link in body_of(html).iter("a")]
    assert [href for href in hrefs if href.startswith("https://www.example.com/?c=")]
    assert not [href for href in hrefs if re.match(r"\s*javascript", href, re.I)]


@pytest.fixture(scope="module")
def personal_edition(tmp_path_factory: pytest.TempPathFactory) -> Edition:
    body = (
        "To {{ city | you }}, [there](https://www.example.com/?c={{ city }}&d=1) "
        "and [here]({{ city | https://e.example.com/ }})."
    )
    return write_article(tmp_path_factory.mktemp("personal"), body)


def test_a_field_in_an_address_is_percent_encoded_in_html_and_text(tmp_path: Path) -> None:
    edition = write_article(tmp_path, "[x](https://www.example.com/?c={{ city | 北京 }}&d={{ role }}).")
    for attributes, query in (({}, "c=%E5%8C%97%E4%BA%AC&d="), ({"city": "a b&c", "role": '"'}, "c=a%20b%26c&d=%22")):
        _, html, text = mail_for(edition, attributes)
        assert body_of(html).xpath("//a[text()='x']/@href") == [f"https://www.example.com/?{query}"]
        assert f"x <https://www.example.com/?{query}>" in text


def test_a_whole_address_leads_only_where_links_may(tmp_path: Path) -> None:
    edition = write_article(tmp_path, "[x]({{ survey | https://www.example.com/s }}) [y]({{ unsubscribe_url }})")
    for survey, address in (
        ("", "https://www.example.com/s"),
        ("https://e.example.com/a?b=1&c=ü", "https://e.example.com/a?b=1&c=%C3%BC"),
        ("javascript:alert(1)", ""),
        ("data:text/html,x", ""),
        ('https://e.example.com/" onclick="x', "https://e.example.com/%22%20onclick=%22x"),
    ):
        _, html, _ = mail_for(edition, {"survey": survey})
        assert body_of(html).xpath("//a[text()='x']/@href") == [address]
        assert body_of(html).xpath("//a[text()='y']/@href") == [make_recipient().unsubscribe_url]


@pytest.mark.parametrize(
    ("source", "html"),
    [
        ("The **{{ city }}**ers", "The <strong>Graz</strong>ers"),
        ("pre*{{ city }}*", "pre<em>Graz</em>"),
        ("a_{{ city }}_b **x**", "a_Graz_b <strong>x</strong>"),
        ("您好\n{{ city }}\n先生", "您好Graz先生"),
        ("Dear\n{{ city }}\nyou", "Dear\nGraz\nyou"),
        ("我在**{{ city }}**工作", "我在<strong>Graz</strong>工作"),
    ],
)
def test_a_field_is_a_word_to_markdown(tmp_path: Path, source: str, html: str) -> None:
    shown = mail_for(write_article(tmp_path, source), {"city": "Graz"})[1]
    assert f">{html}</p>" in re.sub(r'<em style="[^"]*">', "<em>", shown)


def test_braces_after_a_backslash_are_braces(tmp_path: Path) -> None:
    edition = write_article(tmp_path, r"Write \{{ city }} and `\{{ city }}`.", issue=ISSUE + r"subject: A \{{ b }}")
    subject, html, text = mail_for(edition, {"city": "Graz"})
    assert subject == "A {{ b }}" and "Write {{ city }} and {{ city }}." in text
    assert "Write {{ city }} and {{ city }}." in body_of(html).text_content()
    assert edition.fields == ()


@pytest.mark.parametrize("greeting", ["Dear {{ title | friend }} {name},", "Dear {{ title | friend }} {{ name }},"])
def test_a_greeting_with_fields_has_both_its_forms(tmp_path: Path, greeting: str) -> None:
    lines = f"greeting: '{greeting}'\ngreeting_anonymous: 'Dear {{{{ title | reader }}}},'\n"
    edition = write_article(tmp_path, "Text", publication=PUBLICATION + lines)
    for attributes, name, shown in (
        ({"title": "Dr"}, "Robin", "Dear Dr Robin,"),
        ({}, "Robin", "Dear friend Robin,"),
        ({}, "", "Dear reader,"),
    ):
        _, html, text = mail_for(edition, attributes, name)
        assert f">{shown}</p>" in html and f"\n{shown}\n" in text
        assert html.count("Dear") == text.count("Dear") == 1


FORKED = """\
Before.

::: when city == "Beijing"
In **Beijing**.

:::figure
image: media/chart.png
alt: A chart
:::

::: when role == "press"
Press in Beijing.
:::

:::

::: otherwise
- elsewhere
:::

After.
"""


@pytest.mark.parametrize(
    ("attributes", "sees"),
    [
        ({}, "Before. elsewhere After."),
        ({"city": "Beijing"}, "Before. In Beijing. After."),
        ({"city": "Beijing", "role": "press"}, "Before. In Beijing. Press in Beijing. After."),
        ({"role": "press"}, "Before. elsewhere After."),
    ],
)
def test_a_conditional_block_is_for_those_who_meet_it(tmp_path: Path, attributes: dict[str, str], sees: str) -> None:
    edition = write_article(tmp_path, FORKED)
    _, html, text = mail_for(edition, attributes)
    pieces = body_of(html).xpath("//h3[.='The first']/..//text()[normalize-space()]")
    assert " ".join(" ".join(pieces).split()).replace(" .", ".") == f"The first {sees}"
    assert ('alt="A chart"' in html) == ("city" in attributes)
    plain = text.partition("The first\n---------\n")[2].partition("第二篇")[0]
    assert " ".join(plain.replace("[A chart]", "").replace("- ", "").split()) == sees
    assert "\n\n\n\n" not in plain and edition.nonce not in html + text


def test_an_intro_has_conditional_blocks_too(tmp_path: Path) -> None:
    intro = 'intro: |\n  ::: when city == "Beijing"\n  For {{ city }}.\n  :::\n  ::: otherwise\n  For all.\n  :::\n'
    edition = write_article(tmp_path, "Text", issue=ISSUE + intro)
    for attributes, shown, hidden in (({"city": "Beijing"}, "For Beijing.", "For all."), ({}, "For all.", "For Beij")):
        _, html, text = mail_for(edition, attributes)
        assert f">{shown}</p>" in html and f"\n\n{shown}\n\n" in text and hidden not in html + text


def write_three(folder: Path, whens: tuple[str | None, ...], section: str | None = None, keep: str = "abc") -> Edition:
    """An issue of a section with the articles a, b, c, and another section after it."""
    when = f"    when: {section}\n" if section else ""
    listed = "".join(f"      - {name}\n" for name in keep)
    own = f"  - title: News\n    slug: news\n{when}    articles:\n{listed}" if keep else ""
    issue = ISSUE.partition("sections:\n")[0] + f"sections:\n{own}  - title: Last\n    slug: last\n    articles: [z]\n"
    articles = {
        name: ARTICLE.format(n=name, when=f"when: {text}\n" if text else "")
        for name, text in zip("abc", whens, strict=True)
        if name in keep
    }
    changes = articles | {"z": ARTICLE.format(n="z", when="")}
    return render_folder(write_small_issue(folder, first=None, second=None, issue=issue, **changes)).edition


@pytest.mark.parametrize(
    ("whens", "section", "attributes", "keep"),
    [
        ((None, BEIJING, None), None, {}, "ac"),
        ((None, BEIJING, None), None, {"city": "Beijing"}, "abc"),
        ((BEIJING, None, None), None, {}, "bc"),
        ((BEIJING, WIEN, None), None, {}, "c"),
        ((BEIJING, WIEN, None), None, {"city": "Wien"}, "bc"),
        ((BEIJING, BEIJING, WIEN), None, {"city": "Wien"}, "c"),
        ((BEIJING, BEIJING, WIEN), None, {}, ""),
        ((None, None, None), BEIJING, {}, ""),
        ((None, WIEN, None), BEIJING, {"city": "Beijing"}, "ac"),
    ],
)
def test_a_reader_gets_the_mail_as_if_the_others_articles_were_not_there(
    tmp_path: Path, whens: tuple[str | None, ...], section: str | None, attributes: dict[str, str], keep: str
) -> None:
    _, html, text = mail_for(write_three(tmp_path / "all", whens, section), attributes)
    _, bare_html, bare_text = mail_for(write_three(tmp_path / "kept", (None, None, None), keep=keep), attributes)
    assert squeezed(html) == squeezed(bare_html)
    assert text == bare_text


def squeezed(html: str) -> str:
    return re.sub(r">\s+<", "><", html)


def test_a_theme_that_would_show_it_to_everybody_is_refused(tmp_path: Path) -> None:
    folder = write_small_issue(tmp_path, first=ARTICLE.format(n="first", when=f"when: {BEIJING}\n"))
    theme = tmp_path / "templates" / "themes" / "bulletin"
    theme.mkdir(parents=True)
    original = (REPOSITORY / "templates/themes/bulletin/mail.txt.j2").read_text(encoding="utf-8")
    open_to_all = re.sub(r"\{\{ (begin|end)\((article|section)\.condition\) \}\}", "", original)
    (theme / "mail.txt.j2").write_text(open_to_all, encoding="utf-8")
    with pytest.raises(RenderError, match=r"mail\.txt\.j2: shows to everybody what is only for .*Beijing"):
        render_folder(folder)


def test_a_theme_whose_blocks_cross_is_refused(tmp_path: Path) -> None:
    folder = write_small_issue(tmp_path, first=ARTICLE.format(n="first", when=f"when: {BEIJING}\n"))
    theme = tmp_path / "templates" / "themes" / "bulletin"
    theme.mkdir(parents=True)
    original = (REPOSITORY / "templates/themes/bulletin/mail.txt.j2").read_text(encoding="utf-8")
    (theme / "mail.txt.j2").write_text(original.replace("{{ end(article.condition) }}", "", 1), encoding="utf-8")
    with pytest.raises(RenderError, match=r"mail\.txt\.j2: block \d+ "):
        render_folder(folder)


def test_the_subject_shown_to_operators_has_the_fallback(tmp_path: Path) -> None:
    edition = write_article(tmp_path, "Text", issue=ISSUE + "subject: 'News for {{ name }} in {{ city | town }}'\n")
    assert edition.shown_subject == "News for in town"
    assert Edition.from_bytes(edition.to_bytes()).shown_subject == "News for in town"
