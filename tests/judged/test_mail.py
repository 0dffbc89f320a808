"""The mail of every sample issue in every theme, as programs of others judge it."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from functools import cache
from pathlib import Path

import pytest

from browser_page import BrowserPage, open_browser
from judged.axe import find_violations, needs_axe
from judged.nu import Message, check_html, needs_nu
from judged.sample_mail import MAILS, SampleMail, write_mail
from judged.spamassassin import judge_message, needs_spamassassin

SPAM_POINTS = 1.0
NOT_FOR_MAIL = {
    # A mail is shown inside of a mail program's own page, which has the landmarks; a second `main` would be wrong.
    "landmark-one-main",
    "region",
}
IDIOMS = {
    # Outlook on Windows lays mail out as Word does, by tables and their attributes, and knows little CSS.
    r"The “(align|border|cellpadding|cellspacing|height|valign|width|bgcolor)” attribute on the “(table|td|tr|th)” "
    r"element is obsolete\.": "tables for Outlook",
    # MJML lets a picture's height follow its width by the attribute, which mail programs read as no height.
    r"Bad value “auto” for attribute “height” on element “img”": "a picture's height",
    # The names of Word's own elements, which stand in conditional comments.
    r"Attribute “xmlns:[vo]” not allowed here\.": "names for Outlook",
    # Properties that only Outlook knows: no gaps between tables, and what it is to hide.
    r"CSS: “mso-[a-z-]+”: Property “mso-[a-z-]+” doesn't exist\.": "properties for Outlook",
    # Some mail programs drop a style sheet that does not name its type.
    r"The “type” attribute for the “style” element is not needed": "style sheets that name their type",
}
"""What the checker may say of our mail: MJML's own idioms, each with its reason."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("mail")


@pytest.fixture
async def page(tmp_path: Path) -> AsyncIterator[BrowserPage]:
    async with open_browser(tmp_path / "profile") as opened:
        yield opened


def is_idiom(message: Message) -> bool:
    return any(re.match(idiom, message.text) for idiom in IDIOMS)


@cache
def checked(folder: Path) -> list[Message]:
    """What the checker says of all mails: one start of Java for them all."""
    return check_html([write_mail(name, folder).html for name in MAILS])


class TestAxe:
    pytestmark = needs_axe

    @pytest.mark.parametrize("name", MAILS)
    async def test_nothing_hinders_readers_in_light_or_dark(self, name: str, folder: Path, page: BrowserPage) -> None:
        mail = write_mail(name, folder)
        for scheme in ("light", "dark"):
            await page.show(mail.page, 640, scheme)
            assert await find_violations(page, NOT_FOR_MAIL) == [], scheme


class TestNu:
    pytestmark = needs_nu

    def test_the_checker_finds_nothing_but_mjmls_idioms(self, folder: Path) -> None:
        assert [message for message in checked(folder) if not is_idiom(message)] == []

    @pytest.mark.parametrize("idiom", IDIOMS, ids=IDIOMS.values())
    def test_an_idiom_that_is_excused_is_there(self, idiom: str, folder: Path) -> None:
        assert any(re.match(idiom, message.text) for message in checked(folder))


class TestSpamAssassin:
    pytestmark = needs_spamassassin

    @pytest.mark.parametrize("name", MAILS)
    def test_a_message_does_not_look_like_spam(self, name: str, folder: Path, tmp_path: Path) -> None:
        mail: SampleMail = write_mail(name, folder)
        verdict = judge_message(mail.message.read_bytes(), tmp_path)
        assert verdict.score <= SPAM_POINTS, verdict
