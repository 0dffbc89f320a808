"""Stored script: what people, servers and editors write is shown in mails, pages and feeds, and never runs there."""

from __future__ import annotations

import re
from collections.abc import Iterator
from email import message_from_bytes, policy
from pathlib import Path

import lxml.etree
import pytest
import yaml
from hostile import EVERYTHING, SCRIPTS
from hypothesis import given, settings
from hypothesis import strategies as st
from markup import active_in, dangers_in, shape_of

from pressrun.delivery.message import MessageTemplate
from pressrun.delivery.table import plain, unlinked
from pressrun.errors import PressrunError
from pressrun.markdown import render_inline, render_markdown
from pressrun.site.build import site
from pressrun.source.loader import load_issue
from pressrun.workspace import open_workspace
from rendered_issue import fill, render_folder
from small_edition import TOKENS, make_personal_edition, make_recipient
from small_issue import ISSUE, PUBLICATION, write_small_issue

EDITION = make_personal_edition(
    html=make_personal_edition().html.replace("</body>", f'<p><a href="{TOKENS["field1"]}">x</a></p></body>')
)
TEMPLATE = MessageTemplate(EDITION)


def html_for(value: str) -> str:
    """The HTML part for somebody whose name and attributes are `value`."""
    person = make_recipient(name=value, attributes={"city": value, "role": value})
    message = message_from_bytes(TEMPLATE.fill(person), policy=policy.default)
    part = message.get_body(("html",))  # type: ignore[attr-defined]
    assert part is not None
    return str(part.get_content())


@pytest.mark.parametrize("value", EVERYTHING)
def test_a_name_or_attribute_adds_nothing_to_a_mail_but_text(value: str) -> None:
    html = html_for(value)
    assert shape_of(html) == shape_of(html_for("x"))
    assert list(dangers_in(html)) == []


@settings(max_examples=60)
@given(value=st.lists(st.sampled_from(SCRIPTS) | st.text(max_size=3), max_size=4).map("".join))
def test_nor_do_mixtures_of_them(value: str) -> None:
    html = html_for(value)
    assert shape_of(html) == shape_of(html_for("x"))
    assert list(dangers_in(html)) == []


@pytest.mark.parametrize("text", SCRIPTS)
def test_markdown_of_an_issue_has_no_script(text: str) -> None:
    for html in (render_markdown(f"{text}\n\n- {text}\n\n| {text} |\n| --- |\n| {text} |\n"), render_inline(text)):
        assert list(dangers_in(f"<div>{html}</div>")) == []
        assert active_in(f"<div>{html}</div>") == []


def _spread(data: object, text: str, keep: tuple[str, ...]) -> object:
    """`data` with `text` behind every text that is no name, address or picture."""
    if isinstance(data, dict):
        return {key: value if key in keep else _spread(value, text, keep) for key, value in data.items()}
    if isinstance(data, list):
        return [_spread(value, text, keep) for value in data]
    return f"{data} {text}" if isinstance(data, str) else data


KEPT = (
    *("language", "timezone", "address", "list_id", "base_url", "tag", "mail", "website", "issue_label"),
    *("date", "image", "slug", "articles", "url"),
)


def write_hostile_issue(folder: Path, text: str) -> Path:
    """The small issue with `text` wherever an editor writes prose."""
    more = {"masthead": "M", "slogan": "S", "copyright": "C", "greeting": "Dear {name}"}
    publication = yaml.safe_load(PUBLICATION) | more
    prose = re.sub(r"([^\w\s])", r"\\\1", text)  # as Markdown for just that text
    issue = yaml.safe_load(ISSUE) | {"title": "T", "subject": "S"}
    issue["date"] = str(issue["date"])
    head = {"title": f"A {text}", "kicker": text, "labels": [text], "authors": [text], "summary": text,
            "sources": [{"name": text, "url": "https://www.example.com/a"}]}  # fmt: skip
    blocks = {
        "quote": {"text": text, "by": text},
        "callout": {"title": text, "text": prose},
        "button": {"text": text, "url": "https://www.example.com/b"},
        "figure": {"image": "media/chart.png", "alt": text, "caption": text, "credit": text},
        "table": {"caption": text, "columns": [text, "b"], "rows": [[text, text]]},
        "case": {"labels": [text], "title": text, "text": prose},
    }
    body = "".join(f"\n:::{name}\n{yaml.safe_dump(block, allow_unicode=True)}:::\n" for name, block in blocks.items())
    return write_small_issue(
        folder,
        publication=yaml.safe_dump(_spread(publication, text, KEPT), allow_unicode=True),
        issue=yaml.safe_dump(_spread(issue, text, KEPT), allow_unicode=True),
        first=f"---\n{yaml.safe_dump(head, allow_unicode=True)}---\n{prose}\n\n- {prose}\n{body}",
    )


@pytest.mark.parametrize("text", [text for text in SCRIPTS if re.match("<[a-z]", text)])
def test_raw_html_in_an_issue_is_refused_with_its_place(tmp_path: Path, text: str) -> None:
    loaded = load_issue(write_small_issue(tmp_path, first=f"---\ntitle: x\n---\nA text\n\n{text}\n"))
    assert (6, "raw-html") in {(finding.line, finding.code) for finding in loaded.findings}
    assert loaded.issue is None


def loads(folder: Path) -> bool:
    return load_issue(folder).issue is not None


def html_in_feed(file: Path) -> Iterator[str]:
    """Each piece of HTML that a feed carries: of Atom what says it is, of RSS what readers take for it."""
    for element in lxml.etree.parse(file).iter("{*}*"):
        if element.get("type") == "html" or lxml.etree.QName(element).localname in ("description", "encoded"):
            yield f"<div>{element.text}</div>"


@pytest.mark.parametrize("text", SCRIPTS)
def test_what_editors_write_runs_neither_in_mail_nor_archive_nor_feeds(tmp_path: Path, text: str) -> None:
    hostile = write_hostile_issue(tmp_path / "hostile", text)
    benign = write_hostile_issue(tmp_path / "benign", "harmless")
    assert loads(benign)
    assert loads(hostile)
    html, _ = fill(render_folder(hostile))
    twin, _ = fill(render_folder(benign))
    assert list(dangers_in(html)) == []
    assert active_in(html) == active_in(twin)
    if "](javascript:" in text:  # what is no address is an error, and nothing with errors comes to the site
        with pytest.raises(PressrunError, match="bad-link"):
            site(open_workspace(tmp_path / "hostile"), tmp_path / "hostile" / "out")
        return
    for folder in ("hostile", "benign"):
        site(open_workspace(tmp_path / folder), tmp_path / folder / "out")
    for page in sorted((tmp_path / "hostile" / "out").rglob("*.html")):
        shown = page.read_text(encoding="utf-8")
        other = tmp_path / "benign" / "out" / page.relative_to(tmp_path / "hostile" / "out")
        assert list(dangers_in(shown)) == [], page
        assert active_in(shown) == active_in(other.read_text(encoding="utf-8")), page
    for feed in (tmp_path / "hostile" / "out").rglob("*.xml"):
        for piece in html_in_feed(feed):
            assert list(dangers_in(piece)) == [], feed
            assert active_in(piece) == [], feed


@pytest.mark.parametrize("text", SCRIPTS)
def test_what_servers_say_is_no_markup_in_reports_and_artifacts(text: str) -> None:
    shown = f"<div>{render_markdown(f'| {plain(text)} |{chr(10)}| --- |{chr(10)}| {plain(text)} |')}</div>"
    assert list(dangers_in(shown)) == []
    assert not {"a", "img", "script", "iframe"} & {tag for tag, _ in shape_of(shown)}
    assert "](" not in unlinked(text) and "\n" not in unlinked(text)
