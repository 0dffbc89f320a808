"""Pictures in the message: what the mail shows goes with it, under names that stay the same."""

from __future__ import annotations

import email
import email.policy
import re
from pathlib import Path

import pytest

from full_issue import FULL_PUBLICATION, write_full_issue
from pressrun.render.edition import Edition
from pressrun.render.inline import content_id
from pressrun.render.mail import Rendering
from pressrun.render.sample import write_sample
from rendered_issue import render_folder
from small_issue import ISSUE, PUBLICATION, write_picture, write_small_issue

INLINE = PUBLICATION + "images: inline\n"


def write_inline(folder: Path, **changes: str) -> Rendering:
    return render_folder(write_small_issue(folder, publication=INLINE, **changes))


def sources(html: str) -> list[str]:
    return re.findall(r'<img[^>]* src="([^"]*)"', html)


def test_hosted_pictures_are_no_part_of_the_message(tmp_path: Path) -> None:
    rendering = render_folder(write_small_issue(tmp_path))
    assert rendering.edition.inline == () and "cid:" not in rendering.edition.html
    assert rendering.message_octets is None


def test_what_the_mail_shows_goes_with_it(tmp_path: Path) -> None:
    folder = write_full_issue(tmp_path)
    (folder.parent / "publication.yaml").write_text(FULL_PUBLICATION + "images: inline\n", encoding="utf-8")
    edition = render_folder(folder).edition
    files = {f"cid:{file.content_id}": file for file in edition.inline}
    assert set(sources(edition.html)) == {*files} and len(files) == len(edition.inline) == 5
    for file in edition.inline:
        assert file.content == (folder / "media" / file.name).read_bytes()
        assert file.media_type == "image/png"


def test_a_picture_that_no_text_shows_stays_behind(tmp_path: Path) -> None:
    folder = write_small_issue(tmp_path, publication=INLINE)
    write_picture(folder / "media" / "unused.png")
    assert {file.name for file in render_folder(folder).edition.inline} == {"cover.png", "chart.png"}


def test_links_to_the_issue_stay_links(tmp_path: Path) -> None:
    html = write_inline(tmp_path).edition.html
    assert 'href="https://small.example.com/news/2026-01/"' in html


@pytest.mark.parametrize("name", ["media/cover.png", "media/a_b-c.1.jpg"])
def test_a_content_id_is_the_pictures_name(name: str) -> None:
    assert content_id(name, "news.example.com") == f"{name.removeprefix('media/')}@news.example.com"


def test_content_ids_are_addresses_and_all_different() -> None:
    names = [
        "a b.png",
        "封面.png",
        "x/cover.png",
        "..png",
        "a..png",
        "a<b>.png",
        "cover.png",
        "Cover.png",
        'a"b.png',
        "-",
    ]
    ids = [content_id(f"media/{name}", "news.example.com") for name in names]
    assert len(set(ids)) == len(names)
    assert all(re.fullmatch(r"[\w-]+(\.[\w-]+)*@news\.example\.com", each, re.ASCII) for each in ids)


def test_a_picture_in_a_folder_or_with_blanks_is_found(tmp_path: Path) -> None:
    folder = write_small_issue(tmp_path, publication=INLINE, issue=ISSUE.replace("cover.png", "deep/a & b.png"))
    (folder / "media" / "deep").mkdir()
    write_picture(folder / "media" / "deep" / "a & b.png")
    edition = render_folder(folder).edition
    assert edition.inline[0].name == "a & b.png"
    assert sources(edition.html)[0] == f"cid:{edition.inline[0].content_id}"


def test_the_message_holds_pictures_and_attachments(tmp_path: Path) -> None:
    issue = f"{ISSUE}attachments:\n  - {{file: media/chart.png, name: 第1期.png}}\n"
    rendering = write_inline(tmp_path, issue=issue)
    folder = tmp_path / "issues" / "small" / "2026-01"
    write_sample(rendering, folder, tmp_path / "out")
    message = email.message_from_bytes((tmp_path / "out" / "message.eml").read_bytes(), policy=email.policy.default)
    shown = {part["Content-ID"]: part.get_content() for part in message.walk() if part["Content-ID"]}
    assert shown == {f"<{file.content_id}>": file.content for file in rendering.edition.inline}
    (attached,) = [part for part in message.walk() if part.is_attachment()]
    assert (attached.get_filename(), attached.get_content()) == ("第1期.png", (folder / "media/chart.png").read_bytes())
    assert rendering.message_octets is not None
    assert rendering.message_octets == pytest.approx(len((tmp_path / "out" / "message.eml").read_bytes()), rel=0.2)


def test_the_preview_shows_pictures_from_disk_and_the_mail_from_itself(tmp_path: Path) -> None:
    folder = write_small_issue(tmp_path, publication=INLINE, issue=ISSUE.replace("cover.png", "deep/a b.png"))
    (folder / "media" / "deep").mkdir()
    write_picture(folder / "media" / "deep" / "a b.png")
    write_sample(render_folder(folder), folder, tmp_path / "out")
    preview = sources((tmp_path / "out" / "preview.html").read_text(encoding="utf-8"))
    assert preview == ["media/deep/a%20b.png", "media/chart.png"]
    assert (tmp_path / "out" / "media" / "deep" / "a b.png").is_file()
    assert all(source.startswith("cid:") for source in sources((tmp_path / "out" / "email.html").read_text()))


def test_an_edition_with_files_comes_back_from_the_store(tmp_path: Path) -> None:
    issue = f"{ISSUE}attachments:\n  - {{file: media/chart.png}}\n"
    edition = write_inline(tmp_path, issue=issue).edition
    assert Edition.from_bytes(edition.to_bytes()) == edition
