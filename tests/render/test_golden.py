"""The mail as it was last looked at; `pytest --regenerate-golden` takes what is rendered now."""

from __future__ import annotations

import difflib
from pathlib import Path

import pytest

from full_issue import write_full_issue
from rendered_issue import REPOSITORY, fill, render_folder

GOLDEN = REPOSITORY / "tests" / "golden"


@pytest.mark.parametrize("name", ["field-notes", "full", "full-letter"])
def test_the_mail_is_as_it_was_looked_at(name: str, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    theme = {"full": "bulletin", "full-letter": "letter"}.get(name)
    folder = write_full_issue(tmp_path, theme) if theme else REPOSITORY / "issues" / "field-notes" / "2026-01"
    rendering = render_folder(folder)
    html, text = fill(rendering)
    for kind, content in (("html", html.replace("><", ">\n<")), ("txt", text)):
        assert rendering.edition.id[:12] not in content  # a new version alone changes nothing here
        file = GOLDEN / f"{name}.{kind}"
        if request.config.getoption("--regenerate-golden"):
            file.parent.mkdir(exist_ok=True)
            file.write_text(content, encoding="utf-8")
        seen = file.read_text(encoding="utf-8").splitlines()
        difference = difflib.unified_diff(seen, content.splitlines(), f"golden/{file.name}", "rendered now", n=1)
        if lines := list(difference):
            told = "\n".join(lines[:60])
            pytest.fail(f"{told}\nlook at it, then run pytest --regenerate-golden", pytrace=False)
