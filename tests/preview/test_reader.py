from __future__ import annotations

from pathlib import Path

import pytest

from pressrun.preview.reader import (
    Reader,
    Trait,
    make_recipient,
    read_html,
    read_line,
    read_subject,
    read_text,
    traits_of,
)
from pressrun.render.edition import Edition
from rendered_issue import render_folder
from small_issue import FIRST, ISSUE, PUBLICATION, write_small_issue

ARTICLE = f"""{FIRST}
You live in {{{{ city | some town }}}}.

::: when role in ("press", "guest") and country == "AT"
Only for the press.
:::
"""
SUBJECT = ISSUE.replace(
    "preheader:", 'subject: "News for {{ name | you }}"\npreheader: "{{ city | Everywhere }}:'
).replace("spring\n", 'spring"\n')


@pytest.fixture
def edition(tmp_path: Path) -> Edition:
    publication = PUBLICATION + "greeting: Dear {name},\ngreeting_anonymous: Dear reader,\n"
    folder = write_small_issue(tmp_path, first=ARTICLE, issue=SUBJECT, publication=publication)
    return render_folder(folder).edition


def test_the_traits_are_what_conditions_and_fields_ask_for(edition: Edition) -> None:
    assert traits_of(edition) == (Trait("city"), Trait("country", ("AT",)), Trait("role", ("guest", "press")))


def test_a_reader_with_a_name_is_greeted_by_it(edition: Edition) -> None:
    for read in (read_html, read_text):
        assert "Dear Robin Reader," in read(edition, Reader())
        assert "Dear reader," in read(edition, Reader(named=False))


def test_what_is_known_of_a_reader_decides_what_they_see(edition: Edition) -> None:
    press = Reader(about={"role": "press", "country": "AT"})
    for read in (read_html, read_text):
        assert "Only for the press." in read(edition, press)
        assert "Only for the press." not in read(edition, Reader(about={"role": "press"}))
        assert "You live in some town." in read(edition, press)
        assert "You live in Graz &amp; Linz." in read_html(edition, Reader(about={"city": "Graz & Linz"}))


def test_subject_and_preheader_are_those_of_the_reader(edition: Edition) -> None:
    assert read_subject(edition, Reader()) == "News for Robin Reader"
    assert read_subject(edition, Reader(named=False)) == "News for you"
    assert read_line("{{ city | Everywhere }}: now", edition, Reader(about={"city": "Graz"})) == "Graz: now"
    assert read_line("{{ city | Everywhere }}: now", edition, Reader()) == "Everywhere: now"


def test_what_everybody_has_can_be_chosen_too(edition: Edition) -> None:
    chosen = make_recipient(edition, Reader(named=False, about={"list": "press", "domain": "example.org", "a": "b"}))
    assert (chosen.list, chosen.address, chosen.attributes) == ("press", "reader@example.org", {"a": "b"})
    assert make_recipient(edition, Reader(about={"name": "Ann"})).name == "Ann"
