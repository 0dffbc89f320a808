from __future__ import annotations

from urllib.parse import parse_qsl

from hypothesis import given
from hypothesis import strategies as st

from pressrun.preview.look import Look, View, Width, read_look
from pressrun.preview.reader import Reader
from pressrun.preview.scheme import Scheme


def test_without_a_word_everything_is_shown_as_a_reader_with_a_name_sees_it() -> None:
    assert read_look([]) == Look()
    assert Look().views == set(View)
    assert Look().reader == Reader(named=True)


def test_a_look_is_read_from_the_fields_of_the_form() -> None:
    fields = [("show", "mail"), ("show", "feed"), ("width", "375"), ("scheme", "dark"), ("images", "off")]
    fields += [("reader", "anonymous"), ("about.city", " Beijing "), ("about.role", "")]
    assert read_look(fields) == Look(
        views=frozenset({View.MAIL, View.FEED}),
        width=Width.PHONE,
        scheme=Scheme.DARK,
        images=False,
        reader=Reader(named=False, about={"city": "Beijing"}),
    )


@given(st.lists(st.tuples(st.sampled_from(["show", "width", "scheme", "images", "reader", "about."]), st.text())))
def test_what_is_wrong_is_left_out(fields: list[tuple[str, str]]) -> None:
    look = read_look(fields)
    assert look.views
    assert look.width in Width


@given(
    st.builds(
        Look,
        scheme=st.sampled_from(Scheme),
        images=st.booleans(),
        reader=st.builds(
            Reader,
            st.booleans(),
            st.dictionaries(
                st.text(min_size=1), st.text("abc &=+#?/%中é", min_size=1).filter(lambda text: text == text.strip())
            ),
        ),
    )
)
def test_a_views_address_says_how_it_is_seen(look: Look) -> None:
    assert read_look(parse_qsl(look.query, keep_blank_values=True)) == look
