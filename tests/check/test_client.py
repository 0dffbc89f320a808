"""What content and theme add over MJML's own markup is known by its marks, and held against the mail programs."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from pressrun.check.caniemail import update
from pressrun.check.feature import read_marks
from pressrun.check.support import read_support
from pressrun.finding import Finding, Severity
from rule_findings import article, find, places
from small_issue import PUBLICATION

SUPPORT = read_support()
_MARK = re.compile(r"(element|attribute|link|image|property|declaration|unit|function|pseudo|at|media) \S|important$")


def about(found: list[Finding], title: str) -> Finding:
    (finding,) = [one for one in found if one.message.startswith(f"{title}, ")]
    return finding


@pytest.mark.parametrize(
    ("html", "mark"),
    [
        ("<ul><li>a</ul>", "element ul"),
        ("<p lang='en'>a", "attribute lang"),
        ("<a href='#x'>a</a>", "link #"),
        ("<a href='mailto:a@example.com'>a</a>", "link mailto"),
        ("<img src='https://www.example.com/a.webp?b=1'>", "image webp"),
        ("<img src='data:image/png;base64,AA'>", "image base64"),
        ("<img src='a.JPEG'>", "image jpg"),
        ("<input type='checkbox'>", "attribute input type=checkbox"),
        ("<meta name='color-scheme' content='light'>", "attribute meta name=color-scheme"),
        ("<p style='column-gap:1em'>a", "property column-gap"),
        ("<p style='column-gap:1em'>a", "unit em"),
        ("<p style='width:50%'>a", "unit %"),
        ("<p style='width:calc(1px + 2px)'>a", "function calc"),
        ("<p style='color:var(--a)'>a", "function var"),
        ("<p style='display: FLEX !important'>a", "declaration display:flex"),
        ("<p style='color:red!important'>a", "important"),
    ],
)
def test_what_stands_in_an_element_is_firm(html: str, mark: str) -> None:
    assert mark in read_marks(f"<html><body>{html}</body></html>").firm


@pytest.mark.parametrize(
    ("css", "mark"),
    [
        ("a:hover { color: red }", "pseudo :hover"),
        ("a::before { content: 'x' }", "pseudo ::before"),
        ("@media (prefers-color-scheme: dark) { a { gap: 1px } }", "at media"),
        ("@media (prefers-color-scheme: dark) { a { gap: 1px } }", "media prefers-color-scheme"),
        ("@media (prefers-color-scheme: dark) { a { gap: 1px } }", "property gap"),
        ("@font-face { font-family: x }", "at font-face"),
    ],
)
def test_what_stands_in_a_style_sheet_is_an_addition(css: str, mark: str) -> None:
    marks = read_marks(f"<html><head><style>{css}</style></head><body>a</body></html>")
    assert mark in marks.added - marks.firm


@pytest.mark.parametrize("html", ["<!--[if mso]><video></video><![endif]-->", "<p style='background:url(a:hover)'>a"])
def test_comments_and_addresses_are_no_marks(html: str) -> None:
    marks = read_marks(f"<html><body>{html}</body></html>")
    assert not {"element video", "pseudo :hover"} & (marks.firm | marks.added)
    assert "property /* gap" not in read_marks("<style>a { /* gap: 1px */ color: red }</style>").added


def test_an_element_of_the_text_is_told_at_its_line(tmp_path: Path) -> None:
    publication = PUBLICATION + "clients: [orange]\n"
    found = find("client-support", tmp_path, publication=publication, second=article("A.\n\nSome `code`."))
    finding = about(found, "<code> element")
    assert (Path(finding.path).name, finding.line, finding.severity) == ("second.md", 6, Severity.WARNING)
    assert "used by the text: 0 % of the clients show it; not Orange on " in finding.message


def test_a_theme_s_feature_is_told_at_the_theme_with_share_and_names(tmp_path: Path) -> None:
    template = tmp_path / "templates" / "themes" / "bulletin" / "prose.css.j2"
    template.parent.mkdir(parents=True)
    template.write_text("p { text-emphasis: dot; text-indent: 2px }", encoding="utf-8")
    found = find("client-support", tmp_path, publication=PUBLICATION + "theme: bulletin\n")
    finding = about(found, "text-emphasis")
    assert finding.severity is Severity.WARNING
    assert (Path(finding.path).name, finding.line, finding.column) == ("publication.yaml", 16, 8)
    told = r"used by the theme: \d+ % of the clients show it; not Gmail on Android, .* and \d+ more"
    assert re.search(told, finding.message)


def test_what_mjml_needs_itself_is_not_told(tmp_path: Path) -> None:
    told = " ".join(finding.message for finding in find("client-support", tmp_path))
    assert not re.search(r"<table> element|cellpadding|<style> element|border-collapse|@media,", told)


def test_fewer_clients_are_fewer_findings(tmp_path: Path) -> None:
    def count(clients: str) -> int:
        return len(find("client-support", tmp_path, publication=PUBLICATION + f"clients: [{clients}]\n"))

    assert count("apple-mail") < count("apple-mail, gmail, outlook")


def test_a_name_that_nobody_knows_is_found_with_the_nearest(tmp_path: Path) -> None:
    publication = PUBLICATION + "clients:\n  - gmail\n  - outlok\n"
    (finding,) = find("client-unknown", tmp_path, publication=publication)
    assert (finding.line, finding.column, finding.hint) == (18, 5, "did you mean outlook?")
    assert places("client-unknown", tmp_path) == []


def test_each_client_weighs_the_same_and_what_is_unknown_does_not_count() -> None:
    feature = next(one for one in SUPPORT.features if one.id == "css-display-flex")
    letters = {client: letter for client, letter in zip(SUPPORT.clients, feature.support, strict=True) if letter != "u"}
    asked = [letter for (family, _), letter in letters.items() if family in ("gmail", "gmx")]
    share = SUPPORT.share_of(feature, ("gmail", "gmx"))
    assert (share.known, len(share.failing)) == (len(asked), asked.count("n"))
    assert share.percent == round(100 * (len(asked) - asked.count("n")) / len(asked))
    assert SUPPORT.share_of(feature, ("nobody",)).percent == 100


def test_the_table_is_whole_and_small() -> None:
    folder = Path(update.__file__).parent
    assert (folder / "support.json").stat().st_size < 200_000
    assert "MIT License" in (folder / "LICENSE").read_text(encoding="utf-8")
    assert len(SUPPORT.features) > 250
    assert re.fullmatch(r"caniemail \d+\.\d+\.\d+, data of \d{4}-\d\d-\d\d", SUPPORT.source)
    for feature in SUPPORT.features:
        assert len(feature.support) == len(SUPPORT.clients)
        assert set(feature.support) <= set("ynau")
        assert all(_MARK.match(mark) for mark in feature.marks), feature.id


def test_the_table_is_made_of_the_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package, out = tmp_path / "package", tmp_path / "out"
    (package / "dist" / "data").mkdir(parents=True)
    out.mkdir()
    (package / "package.json").write_text('{"version": "9.8.7"}', encoding="utf-8")
    (package / "LICENSE").write_text("MIT License", encoding="utf-8")
    data = {
        "last_update_date": "2026-05-13 14:45:41 +0000",
        "nicenames": {"family": {"gmail": "Gmail"}, "platform": {"ios": "iOS", "android": "Android"}},
        "data": [
            {"slug": "css-gap", "title": "gap, column-gap", "stats": {"gmail": {"ios": {"1": "y", "2": "a #1"}}}},
            {"slug": "html-del", "title": "<del> element", "stats": {"gmail": {"android": {"1": "n"}}}},
            {"slug": "amp", "title": "AMP for Email", "stats": {}},
        ],
    }
    (package / "dist" / "data" / "caniemail.json").write_text(json.dumps(data), encoding="utf-8")
    monkeypatch.setattr(update, "HERE", out)
    update.main(package)
    made = json.loads((out / "support.json").read_text(encoding="utf-8"))
    assert made["clients"] == ["gmail/android", "gmail/ios"]
    assert made["source"] == "caniemail 9.8.7, data of 2026-05-13"
    assert made["features"] == {
        "css-gap": {"title": "gap, column-gap", "marks": "property gap, property column-gap", "support": "ua"},
        "html-del": {"title": "<del> element", "marks": "element del", "support": "nu"},
    }
    assert (out / "LICENSE").read_text(encoding="utf-8") == "MIT License"
