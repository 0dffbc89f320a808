"""Template injection: what looks like a template, a slot or a format is text, whoever wrote it."""

from __future__ import annotations

from email import message_from_bytes, policy
from pathlib import Path

import pytest
from hostile import TEMPLATES
from hypothesis import given, settings
from hypothesis import strategies as st

from pressrun.delivery.message import MessageTemplate
from pressrun.errors import RenderError
from pressrun.render.environment import make_html_environment, make_text_environment, render_template
from pressrun.source.loader import load_issue
from rendered_issue import render_folder
from small_edition import NONCE, make_personal_edition, make_recipient
from small_issue import ISSUE, PUBLICATION, write_small_issue

TEMPLATE = MessageTemplate(make_personal_edition())
PIECES = [
    *TEMPLATES,
    "@@",
    NONCE,
    f"@@{NONCE}.",
    "field0@@",
    ".if1@@",
    ".end0@@",
    f"https://{NONCE}.invalid/",
    "{name}",
]


def texts_for(name: str, city: str) -> tuple[str, str, str]:
    """Subject, text and HTML of one person's message."""
    octets = TEMPLATE.fill(make_recipient(name=name, attributes={"city": city, "role": city}))
    message = message_from_bytes(octets, policy=policy.default)
    parts = [message.get_body((kind,)) for kind in ("plain", "html")]  # type: ignore[attr-defined]
    text, html = (part.get_content() for part in parts if part is not None)
    return str(message["Subject"]), text, html


@pytest.mark.parametrize("value", TEMPLATES)
def test_a_subscribers_values_are_never_evaluated_nor_filled_again(value: str) -> None:
    subject, text, _ = texts_for(value, value)
    assert value in text
    assert " ".join(value.split()) in " ".join(subject.split())
    assert "1337" not in subject + text and "lin@example.com" not in text.replace("寄给 lin@example.com", "")


@settings(max_examples=80)
@given(value=st.lists(st.sampled_from(PIECES), max_size=5).map("".join))
def test_slot_tokens_in_values_open_hide_and_fill_nothing(value: str) -> None:
    _, text, html = texts_for("Q", value)
    _, plain_text, plain_html = texts_for("Q", "Q")
    assert len(text.splitlines()) == len(plain_text.splitlines())
    assert html.count("<p>") == plain_html.count("<p>")
    assert text.count("lin@example.com") == plain_text.count("lin@example.com")


@pytest.mark.parametrize("value", [value for value in TEMPLATES if "{" not in value])
def test_an_editors_text_that_looks_like_a_slot_is_none(tmp_path: Path, value: str) -> None:
    article = f"---\ntitle: {value!r}\n---\nA `{value}` in a text.\n"
    edition = render_folder(write_small_issue(tmp_path, first=article)).edition
    assert edition.conditions == () and edition.fields == ()
    assert edition.nonce != NONCE


@pytest.mark.parametrize(
    "value", ["{{ ''.__class__ }}", "{{ 7*191 }}", "{{ config }}", "{% for x in y %}", "{{ a|b|c }}", "{{ __class__ }}"]
)
def test_an_editors_text_is_no_template(tmp_path: Path, value: str) -> None:
    folder = write_small_issue(tmp_path, first=f"---\ntitle: x\n---\nA {value} here.\n")
    if load_issue(folder).issue is None:  # told with its place, and nothing was evaluated
        return
    edition = render_folder(folder).edition
    assert "1337" not in edition.html and "&lt;class" not in edition.html and "<class" not in edition.text


@pytest.mark.parametrize("label", ["{number.__class__}", "{0}", "{year.x}", "{total[0]}", "{}", "{secret_key}"])
def test_the_label_of_issues_takes_its_three_names_only(tmp_path: Path, label: str) -> None:
    publication = PUBLICATION.replace("Issue {number} of {year}, {total} in all", label)
    assert load_issue(write_small_issue(tmp_path, publication=publication)).issue is None


@pytest.mark.parametrize("greeting", ["{name.__class__}", "{name!r}", "{0}", "%s"])
def test_a_greeting_is_no_format(tmp_path: Path, greeting: str) -> None:
    folder = write_small_issue(tmp_path, publication=f"{PUBLICATION}greeting: '{greeting}'\n")
    if load_issue(folder).issue is None:
        return
    message = MessageTemplate(render_folder(folder).edition).fill(make_recipient(name="Robin"))
    assert b"class" not in message.split(b"\r\n\r\n")[1][:60]


ESCAPES = (
    "''.__class__.__mro__",
    "''['__class__']",
    "cycler.__init__.__globals__",
    "lipsum.__globals__['os']",
    "self.__init__.__globals__",
    "x|attr('__class__')",
    "'%s'|format(x.__class__)",
    "'{0.__class__}'.format(x)",
    "x.f()",
    "issue.model_copy.__globals__",
    "x.__init__.__globals__.__builtins__",
    "namespace.__init__.__globals__",
    "joiner.__init__.__globals__",
)


@pytest.mark.parametrize("expression", ESCAPES)
@pytest.mark.parametrize("make", [make_html_environment, make_text_environment])
def test_a_themes_template_can_not_leave_its_sandbox(tmp_path: Path, expression: str, make: object) -> None:
    (tmp_path / "evil.j2").write_text(f"{{{{ {expression} }}}}")
    with pytest.raises(RenderError):
        render_template(make([tmp_path]), "evil.j2", x="text")  # type: ignore[operator]


@pytest.mark.parametrize("name", ["../secret.txt", "/etc/passwd", "a/../../secret.txt", "..\\secret.txt"])
def test_a_template_includes_nothing_from_outside_its_folders(tmp_path: Path, name: str) -> None:
    (tmp_path / "templates").mkdir()
    (tmp_path / "secret.txt").write_text("secret")
    (tmp_path / "templates" / "evil.j2").write_text(f"{{% include {name!r} %}}")
    with pytest.raises(RenderError):
        render_template(make_html_environment([tmp_path / "templates"]), "evil.j2")


@pytest.mark.parametrize("theme", ["../../secret", "/tmp", "bulletin/../..", "..", "a\\b", "bulletin\x00"])
def test_a_theme_is_a_name_and_no_path(tmp_path: Path, theme: str) -> None:
    folder = write_small_issue(tmp_path, publication=f"{PUBLICATION}theme: {theme!r}\n", issue=ISSUE)
    if load_issue(folder).issue is not None:
        with pytest.raises(RenderError):
            render_folder(folder)
