from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pressrun.preview.scheme import Scheme, force_scheme, force_scheme_of_css

DARK, LIGHT = Scheme.DARK, Scheme.LIGHT
SHEET = "<style>{}</style>"


@pytest.mark.parametrize(
    ("query", "holds_in"),
    [
        ("(prefers-color-scheme: dark)", DARK),
        ("(prefers-color-scheme:light)", LIGHT),
        ("( Prefers-Color-Scheme :  DARK )", DARK),
    ],
)
def test_a_query_for_a_scheme_holds_in_that_scheme_alone(query: str, holds_in: Scheme) -> None:
    for scheme in Scheme:
        wanted = "(min-width:0px)" if scheme is holds_in else "(max-width:-1px)"
        assert force_scheme_of_css(f"@media {query} {{ a {{ color: red }} }}", scheme) == (
            f"@media {wanted} {{ a {{ color: red }} }}"
        )


def test_a_query_that_asks_for_more_keeps_the_rest() -> None:
    css = "@media screen and (max-width: 479px) and (prefers-color-scheme: dark), not (prefers-color-scheme: dark)"
    assert force_scheme_of_css(css, DARK) == (
        "@media screen and (max-width: 479px) and (min-width:0px), not (min-width:0px)"
    )


def test_a_browser_that_knows_schemes_at_all_is_always_there() -> None:
    assert force_scheme_of_css("@media (prefers-color-scheme) {}", LIGHT) == "@media (min-width:0px) {}"


def test_the_page_takes_the_schemes_own_ground_and_scroll_bars() -> None:
    assert force_scheme_of_css(":root { color-scheme: light dark; }", DARK) == ":root { color-scheme: dark; }"
    assert force_scheme_of_css("a{color-scheme:dark light}", LIGHT) == "a{color-scheme:light}"
    assert force_scheme_of_css("a { color-scheme: only light }", DARK) == "a { color-scheme: only light }"
    assert force_scheme_of_css("--my-color-scheme: light dark", DARK) == "--my-color-scheme: light dark"


@pytest.mark.parametrize("name", ["color-scheme", "supported-color-schemes"])
def test_what_a_page_says_of_its_schemes_is_settled(name: str) -> None:
    page = f'<meta name="{name}" content="light dark" /><meta name="description" content="light dark">'
    assert force_scheme(page, DARK) == (
        f'<meta name="{name}" content="dark" /><meta name="description" content="light dark">'
    )


def test_attributes_that_hold_a_query_are_settled() -> None:
    page = '<link rel="stylesheet" media="(prefers-color-scheme: dark)" href="d.css">'
    assert 'media="(max-width:-1px)"' in force_scheme(page, LIGHT)


def test_words_of_the_text_stay_as_they_are() -> None:
    text = "<p>We write @media (prefers-color-scheme: dark) and color-scheme: light dark.</p>"
    assert force_scheme(text, DARK) == text


@given(st.text())
def test_a_page_without_style_stays_as_it_is(text: str) -> None:
    if "<" not in text:
        assert force_scheme(text, DARK) == text


@given(st.text(), st.sampled_from(Scheme))
def test_settling_twice_changes_nothing_more(css: str, scheme: Scheme) -> None:
    sheet = f"{css} @media (prefers-color-scheme: dark) {{}}"
    once = force_scheme_of_css(sheet, scheme)
    assert force_scheme_of_css(once, scheme) == once
    assert "prefers-color-scheme: dark" not in once
