"""Each judge finds the fault that it is shown, so that its silence means something."""

from __future__ import annotations

from pathlib import Path

import pytest

from browser_page import open_browser
from judged.axe import find_violations, needs_axe
from judged.npm_mjml import compile_with_npm, needs_npm_mjml
from judged.nu import check_html, needs_nu
from judged.spamassassin import judge_message, needs_spamassassin

PAGE = """<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>Faults</title></head>
<body><main><h1>Faults</h1><p style="color:#999;background:#fff">Faint words</p><img src="a.png"></main></body></html>
"""
# What every filter of spam takes for the worst, by agreement.
GTUBE = "XJS*C4JDBQADN1.NSBN3*2IDNEN*GTUBE-STANDARD-ANTI-UBE-TEST-EMAIL*C.34X"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    written = tmp_path / "page.html"
    written.write_text(PAGE, encoding="utf-8")
    return written


class TestAxe:
    pytestmark = needs_axe

    async def test_it_finds_faint_words_and_a_picture_without_alt_text(self, file: Path, tmp_path: Path) -> None:
        async with open_browser(tmp_path / "profile") as page:
            await page.show(file, 640, "light")
            found = {violation.rule: violation for violation in await find_violations(page)}
            assert set(found) == {"color-contrast", "image-alt"}
            assert "Faint words" in found["color-contrast"].elements[0]
            assert {each.rule for each in await find_violations(page, {"image-alt"})} == {"color-contrast"}


class TestNu:
    pytestmark = needs_nu

    def test_it_finds_a_picture_without_alt_text_and_says_where(self, file: Path) -> None:
        (message,) = check_html([file])
        assert (message.file, message.line, message.kind) == (file, 3, "error")
        assert "alt" in message.text and "<img" in message.extract


class TestSpamAssassin:
    pytestmark = needs_spamassassin

    def test_it_knows_the_message_that_all_filters_take_for_spam(self, tmp_path: Path) -> None:
        message = f"From: a@example.com\r\nTo: b@example.com\r\nSubject: Test\r\n\r\n{GTUBE}\r\n".encode()
        verdict = judge_message(message, tmp_path)
        assert verdict.score > 900 and verdict.rules["GTUBE"] == 1000


class TestNpmMjml:
    pytestmark = needs_npm_mjml

    def test_it_makes_html(self) -> None:
        mjml = (
            "<mjml><mj-body><mj-section><mj-column><mj-text>Words</mj-text></mj-column></mj-section></mj-body></mjml>"
        )
        html = compile_with_npm(mjml)
        assert html.lstrip().lower().startswith("<!doctype html") and ">Words<" in html
