"""A sample of the edition on disk: what a reader gets, and a preview that needs no network."""

from __future__ import annotations

import email
import email.policy
import re
from pathlib import Path

import pytest

from full_issue import write_full_issue
from pressrun.render.sample import write_sample
from rendered_issue import render_folder
from small_issue import ISSUE, write_small_issue


@pytest.fixture
def out(tmp_path: Path) -> Path:
    folder = write_full_issue(tmp_path)
    write_sample(render_folder(folder), folder, tmp_path / "out" / "deep")
    return tmp_path / "out" / "deep"


def test_the_files_it_names_are_written(tmp_path: Path) -> None:
    folder = write_full_issue(tmp_path)
    files = write_sample(render_folder(folder), folder, tmp_path / "out")
    assert [file.name for file in files] == ["email.html", "email.txt", "message.eml", "preview.html"]
    assert all(file.stat().st_size for file in files)


def test_writing_again_makes_the_same_files(tmp_path: Path) -> None:
    folder = write_full_issue(tmp_path)
    first = [file.read_bytes() for file in write_sample(render_folder(folder), folder, tmp_path / "out")]
    assert first == [file.read_bytes() for file in write_sample(render_folder(folder), folder, tmp_path / "out")]


def test_the_message_holds_the_same_html_and_text(out: Path) -> None:
    message = email.message_from_bytes((out / "message.eml").read_bytes(), policy=email.policy.default)
    plain, html = message.iter_parts()
    assert message["To"] == "Robin Reader <reader@example.com>"
    assert message["Subject"] == "News; small & <tall>"
    assert plain.get_content().replace("\r\n", "\n").rstrip() == (out / "email.txt").read_text().rstrip()
    assert html.get_content().replace("\r\n", "\n").rstrip() == (out / "email.html").read_text().rstrip()


def test_every_picture_of_the_preview_lies_beside_it(out: Path) -> None:
    sources = re.findall(r'src="([^"]*)"', (out / "preview.html").read_text())
    assert sources and all((out / source).is_file() for source in sources)


def test_the_mail_itself_has_its_pictures_at_their_public_address(out: Path) -> None:
    sources = re.findall(r'src="([^"]*)"', (out / "email.html").read_text())
    assert all(source.startswith("https://small.example.com/news/2026-01/media/") for source in sources)


def test_the_sample_reader_has_a_name_and_nothing_else_is_known(tmp_path: Path) -> None:
    body = (
        "{{ name | nobody }} of {{ city | some town }}, {{ address }}.\n\n"
        '::: when city == "Graz"\nFor Graz.\n:::\n::: otherwise\nFor all.\n:::'
    )
    folder = write_small_issue(
        tmp_path,
        first=f"---\ntitle: The first\n---\n{body}\n",
        second='---\ntitle: Hidden\nwhen: city == "Graz"\n---\nText\n',
        issue=ISSUE + "subject: 'News, {{ name | reader }} of {{ city | some town }}'\n",
    )
    write_sample(render_folder(folder), folder, tmp_path / "out")
    message = email.message_from_bytes((tmp_path / "out" / "message.eml").read_bytes(), policy=email.policy.default)
    assert message["Subject"] == "News, Robin Reader of some town"
    for name in ("email.html", "email.txt", "preview.html"):
        text = (tmp_path / "out" / name).read_text(encoding="utf-8")
        assert "Robin Reader of some town, reader@example.com." in text and "For all." in text
        assert "For Graz" not in text and "Hidden" not in text
