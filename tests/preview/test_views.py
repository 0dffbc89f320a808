from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest

from pressrun.preview.look import Look
from pressrun.preview.proof import Proof, attempt
from pressrun.preview.reader import Reader
from pressrun.preview.scheme import Scheme
from pressrun.preview.views import archive_view, feed_view, mail_view, text_view
from pressrun.workspace import open_workspace
from small_issue import PUBLICATION, write_small_issue

SOURCES = re.compile(r'<img[^<>]*?\ssrc="([^"]*)"')
GREETING = "greeting: Dear {name},\ngreeting_anonymous: Dear reader,\n"
DARK = Look(scheme=Scheme.DARK)


def proof_in(folder: Path, more: str = "") -> Proof:
    write_small_issue(folder, publication=PUBLICATION + GREETING + more)
    workspace = open_workspace(folder)
    proof = attempt(workspace, workspace.issue_folder("2026-01")).proof
    assert proof
    return proof


def pictures_in(page: str) -> set[str]:
    """The pictures' addresses, without the time that they are stamped with."""
    return {re.sub(r"\?v=[0-9a-f]+-[0-9a-f]+$", "", address) for address in SOURCES.findall(page)}


def folders(folder: Path) -> list[Path]:
    return open_workspace(folder).template_folders


@pytest.mark.parametrize("images", ["hosted", "inline"])
def test_the_mails_pictures_are_this_servers(tmp_path: Path, images: str) -> None:
    shown = mail_view(proof_in(tmp_path, f"images: {images}\n"), Look())
    assert pictures_in(shown) == {"/media/cover.png", "/media/chart.png"}
    assert 'href="https://www.example.com/page"' in shown


def test_the_mail_is_the_readers(tmp_path: Path) -> None:
    proof = proof_in(tmp_path)
    assert "Dear Robin Reader," in mail_view(proof, Look())
    assert "Dear reader," in mail_view(proof, Look(reader=Reader(named=False)))
    assert "Dear reader," in text_view(proof, Look(reader=Reader(named=False)), folders(tmp_path))


def test_links_to_elsewhere_open_a_tab_of_their_own(tmp_path: Path) -> None:
    proof = proof_in(tmp_path)
    found = archive_view(proof, proof.page, Scheme.LIGHT)
    assert found
    for page in (mail_view(proof, Look()), found[1], feed_view(proof, Look(), folders(tmp_path))):
        outward = re.findall(r'<a\b[^<>]*href="https?:[^<>]*>', page)
        assert outward
        assert all('target="_blank"' in link and "noopener" in link for link in outward)
    assert 'target="_blank"' not in "".join(re.findall(r'<a\b[^<>]*href="#[^<>]*>', found[1]))


def test_links_to_the_issues_own_pages_lead_to_those_that_are_shown(tmp_path: Path) -> None:
    proof = proof_in(tmp_path)
    for page in (mail_view(proof, DARK), feed_view(proof, DARK, folders(tmp_path))):
        assert proof.issue.url not in page
        own = re.findall(r'href="(/view/archive/dark/2026-01/[^"#]*)', page)
        assert own
        for address in own:
            assert archive_view(proof, address.removeprefix("/view/archive/dark/"), Scheme.DARK), address


def test_every_view_is_dark_where_dark_is_asked_for(tmp_path: Path) -> None:
    proof = proof_in(tmp_path)
    style = archive_view(proof, "style.css", Scheme.DARK)
    page = archive_view(proof, proof.page, Scheme.DARK)
    assert style
    assert page
    views = [
        mail_view(proof, DARK),
        text_view(proof, DARK, folders(tmp_path)),
        feed_view(proof, DARK, folders(tmp_path)),
    ]
    for view in (*views, style[1]):
        assert "prefers-color-scheme" not in view
        assert "@media (min-width:0px)" in view
    for view in (*views, page[1]):
        assert '<meta name="color-scheme" content="dark"' in view


def test_a_feed_shows_each_article_with_its_pictures(tmp_path: Path) -> None:
    page = feed_view(proof_in(tmp_path), Look(), folders(tmp_path))
    assert re.findall(r"<h2><a[^<>]*>([^<]*)</a></h2>", page) == ["The first", "第二篇"]
    assert pictures_in(page) == {"/media/chart.png"}
    assert "<strong>weight</strong>" in page


def test_plain_text_is_shown_as_text(tmp_path: Path) -> None:
    proof = proof_in(tmp_path)
    edition = proof.rendering.edition.model_copy(update={"text": "a <b> & c\n"})
    spoilt = replace(proof, rendering=replace(proof.rendering, edition=edition))
    assert "<pre>a &lt;b&gt; &amp; c\n</pre>" in text_view(spoilt, Look(), folders(tmp_path))


def test_the_archive_shows_what_is_in_it_and_nothing_else(tmp_path: Path) -> None:
    proof = proof_in(tmp_path)
    assert archive_view(proof, "", Scheme.LIGHT)
    assert archive_view(proof, "other/index.html", Scheme.LIGHT) is None


def test_a_picture_has_one_address_in_all_views_until_it_changes(tmp_path: Path) -> None:
    proof = proof_in(tmp_path)

    def addresses() -> list[set[str]]:
        pages = [mail_view(proof, Look()), feed_view(proof, Look(), folders(tmp_path))]
        pages += [
            found[1] for path in (proof.page, "2026-01/first/") if (found := archive_view(proof, path, Scheme.DARK))
        ]
        return [{address for address in SOURCES.findall(page) if "chart" in address} for page in pages]

    before = addresses()
    assert len(before) == 4
    assert len(set().union(*before)) == 1
    file = proof.issue.pictures["media/chart.png"].file
    file.write_bytes(file.read_bytes() + b" ")
    assert not set().union(*before) & set().union(*addresses())
    file.unlink()
    assert addresses()[0] == {"/media/chart.png"}
