"""Templates run strictly and sandboxed; a fault in one names its file and line."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jinja2 import Environment
from markupsafe import Markup

from full_issue import write_full_issue
from pressrun.errors import RenderError
from pressrun.render.environment import make_html_environment, make_text_environment, render_template
from pressrun.render.slot import SlotTokens
from pressrun.source.block import Event
from rendered_issue import render_folder
from small_issue import ISSUE, write_small_issue

VALUES = {"slots": SlotTokens("s0123456789ab"), "text": "<b>", "number": 0, "nothing": None}


def write(folder: Path, source: str | bytes, name: str = "page.j2") -> Path:
    (folder / name).write_bytes(source if isinstance(source, bytes) else source.encode())
    return folder


@pytest.mark.parametrize("make", [make_html_environment, make_text_environment])
@pytest.mark.parametrize(
    ("expression", "names"),
    [
        ("{{ missing }}", "missing"),
        ("{{ text.missing }}", "missing"),
        ("{{ slots.salutation }}", "salutation"),
        ("{{ slots['salutation'] }}", "salutation"),
        ("{{ ''.__class__ }}", "__class__"),
        ("{{ ''.__class__.__mro__[1].__subclasses__() }}", "__class__"),
        ("{{ text.format.__globals__ }}", "__globals__"),
        ("{{ '{0.__class__}'.format(text) }}", "__class__"),
        ("{{ number.__init__ }}", "__init__"),
        ("{% if %}", "expression"),
        ("{{ text|nosuch }}", "nosuch"),
        ("{{ 1 / number }}", "ZeroDivisionError"),
        ("{{ nothing|length }}", "TypeError"),
        ("{{ text|date('en') }}", "'str'"),
        ("{% include 'absent.j2' %}", "absent.j2"),
        ("{% import 'absent.j2' as a %}", "absent.j2"),
        ("{% include 'page.j2' %}", "RecursionError"),
        ("{% for n in range(10 ** 9) %}{% endfor %}", "range"),
    ],
)
def test_a_fault_names_file_and_line(tmp_path: Path, make: object, expression: str, names: str) -> None:
    assert callable(make)
    write(tmp_path, f"first\nsecond\n{expression}\n")
    with pytest.raises(RenderError) as caught:
        render_template(make([tmp_path]), "page.j2", **VALUES)
    assert "page.j2:3" in caught.value.message
    assert names in caught.value.message


def test_a_fault_inside_an_included_template_names_that_one(tmp_path: Path) -> None:
    write(tmp_path, "\n{{ missing }}", "inner.j2")
    write(tmp_path, "{% include 'inner.j2' %}")
    with pytest.raises(RenderError, match=r"inner\.j2:2"):
        render_template(make_text_environment([tmp_path]), "page.j2")


def test_a_missing_template_is_named(tmp_path: Path) -> None:
    with pytest.raises(RenderError, match=r"there is no template absent\.j2"):
        render_template(make_text_environment([tmp_path]), "absent.j2")


def test_a_template_in_another_encoding_is_told(tmp_path: Path) -> None:
    write(tmp_path, "页面".encode("gb18030"))
    with pytest.raises(RenderError, match=r"page\.j2: UnicodeDecodeError"):
        render_template(make_text_environment([tmp_path]), "page.j2")


def test_a_template_cannot_reach_files_outside_its_folders(tmp_path: Path) -> None:
    (tmp_path / "templates").mkdir()
    (tmp_path / "secret.txt").write_text("secret")
    write(tmp_path / "templates", "{% include '../secret.txt' %}")
    with pytest.raises(RenderError, match="secret"):
        render_template(make_text_environment([tmp_path / "templates"]), "page.j2")


def test_html_is_escaped_and_text_is_not(tmp_path: Path) -> None:
    write(tmp_path, "{{ text }}")
    assert render_template(make_html_environment([tmp_path]), "page.j2", text="<b>&") == "&lt;b&gt;&amp;"
    assert render_template(make_text_environment([tmp_path]), "page.j2", text="<b>&") == "<b>&"


def test_a_template_that_changes_is_compiled_anew(tmp_path: Path) -> None:
    for word in ("first", "other", "third"):
        write(tmp_path, word)
        assert render_template(make_text_environment([tmp_path]), "page.j2") == word


def test_a_template_of_the_first_folder_wins_from_the_moment_it_is_there(tmp_path: Path) -> None:
    own, starter = tmp_path / "own", tmp_path / "starter"
    own.mkdir()
    starter.mkdir()
    write(starter, "starter")
    assert render_template(make_text_environment([own, starter]), "page.j2") == "starter"
    write(own, "own")
    assert render_template(make_text_environment([own, starter]), "page.j2") == "own"
    (own / "page.j2").unlink()
    assert render_template(make_text_environment([own, starter]), "page.j2") == "starter"


CSS = "p { margin: 0 0 14px; color: red; } a { color: blue; } hr { border: 0; } td { padding: 6px; }"


def styled(folder: Path, text: str, css: str = CSS) -> str:
    write(folder, "{{ text|markdown }}")
    return render_template(make_html_environment([folder], css), "page.j2", text=text)


def test_styles_are_written_into_elements_without_spaces(tmp_path: Path) -> None:
    assert '<p style="margin:0 0 14px;color:red;">' in styled(tmp_path, "text")


def test_styling_leaves_the_text_as_it_is(tmp_path: Path) -> None:
    html = styled(tmp_path, 'One; two:  three `a;  b: c` "style=x; y" 1 < 2')
    assert "One; two:  three <code>a;  b: c</code>" in html
    assert "style=x; y" in html
    assert "1 &lt; 2" in html


def test_styling_leaves_an_address_and_a_title_as_they_are(tmp_path: Path) -> None:
    html = styled(tmp_path, '[x](https://www.example.com/?a=1&b=2;%20c "one; two < three > \\"four\\"")')
    assert 'href="https://www.example.com/?a=1&amp;b=2;%20c"' in html
    assert 'title="one; two &lt; three &gt; &quot;four&quot;"' in html


@given(st.text(st.characters(exclude_categories=["Cs", "Cc", "Co", "Cn"])))
def test_any_text_of_an_article_survives_styling(text: str) -> None:
    environment = make_html_environment([], CSS)
    plain = make_html_environment([])
    source = "".join(f"\\{c}" if c in "\\`*_{}[]()#+-.!<>|~:&" else c for c in text)
    template = "{{ text|markdown }}"
    html = environment.from_string(template).render(text=source)
    assert html.replace(' style="margin:0 0 14px;color:red;"', "") == plain.from_string(template).render(text=source)


@pytest.mark.parametrize(
    "file",
    [
        "mail.mjml.j2",
        "pieces.mjml.j2",
        "parts/cover.mjml.j2",
        "blocks/quote.mjml.j2",
        "blocks/quote.txt.j2",
        "prose.css.j2",
    ],
)
def test_a_fault_in_any_file_of_a_theme_names_it(tmp_path: Path, file: str) -> None:
    folder = write_full_issue(tmp_path)
    theme = tmp_path / "templates" / "themes" / "bulletin"
    (theme / file).parent.mkdir(parents=True)
    original = Path(__file__).parents[2] / "templates" / "themes" / "bulletin" / file
    (theme / file).write_text("{{ slots.salutation }}\n" + original.read_text(encoding="utf-8"), encoding="utf-8")
    with pytest.raises(RenderError, match=rf"{file}:1: .*salutation"):
        render_folder(folder)


def filtered(make: Callable[..., Environment], expression: str, text: str | Markup, language: str = "zh-CN") -> str:
    return make([], language=language).from_string(expression).render(text=text)


@pytest.mark.parametrize("make", [make_html_environment, make_text_environment])
@pytest.mark.parametrize("name", ["markdown", "inline", "typeset"])
def test_text_is_set_in_the_environments_language_or_the_one_a_filter_is_given(
    make: Callable[..., Environment], name: str
) -> None:
    assert "采用 EPEAT 标准" in filtered(make, f"{{{{ text|{name} }}}}", "采用EPEAT标准")
    assert "采用EPEAT标准" in filtered(make, f"{{{{ text|{name}('en') }}}}", "采用EPEAT标准")
    assert "采用EPEAT标准" in filtered(make, f"{{{{ text|{name} }}}}", "采用EPEAT标准", "")


def test_a_line_is_set_and_then_escaped_as_html_and_not_bound_as_text() -> None:
    typed = 'It\'s <b> "5 km"'
    assert filtered(make_html_environment, "{{ text|typeset }}", typed, "en") == "It’s &lt;b&gt; “5\u00a0km”"
    assert filtered(make_text_environment, "{{ text|typeset }}", typed, "en") == "It’s <b> “5 km”"


def test_what_is_markup_already_is_not_set() -> None:
    markup = Markup('<a href="x--y">it\'s</a>')
    assert filtered(make_html_environment, "{{ text|typeset }}", markup, "en") == str(markup)


def test_a_number_is_held_together_by_a_style_in_mail_and_a_class_elsewhere() -> None:
    mail = make_html_environment([], CSS, "zh").from_string("{{ text|markdown }}").render(text="约3.5万吨。")
    assert '约<span style="white-space:nowrap">3.5万吨</span>。' in mail
    page = filtered(make_html_environment, "{{ text|markdown }}", "约3.5万吨。", "zh")
    assert '约<span class="nowrap">3.5万吨</span>。' in page


def test_a_template_tells_an_events_time() -> None:
    event = Event.model_validate({"slug": "a", "title": "A", "starts": "2026-06-30 09:00"})
    environment = make_html_environment([])
    told = environment.from_string("{{ event|event_time('en', zone) }}").render(event=event, zone=ZoneInfo("UTC"))
    assert told == "30 June 2026, 09:00 (UTC)"


def test_the_subject_is_set_as_its_language_is(tmp_path: Path) -> None:
    issue = ISSUE + "subject: \"Is it 'small'? 5 km -- {{ city | here }}\"\n"
    subject = render_folder(write_small_issue(tmp_path, issue=issue)).edition.subject
    assert subject.startswith("Is it ‘small’? 5 km – @@")
