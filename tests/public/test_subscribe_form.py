from __future__ import annotations

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pressrun.link_keys import LinkKey, LinkKeys
from pressrun.public.form import choose_language, is_stamped, make_stamp, mask_address, open_form, read_filled
from pressrun.source.model import Publication, Subscribing
from small_publication import make_publication

KEYS = LinkKeys((LinkKey(b"a key for tests"),))
NOW = dt.datetime(2026, 2, 20, 9, tzinfo=dt.UTC)
TWO = [{"name": "news", "title": "The news"}, {"name": "extra", "title": "Extras"}]


def publication(**subscribing: object) -> Publication:
    return make_publication(lists=["news"], subscribing=subscribing)


@given(st.dictionaries(st.text(max_size=20), st.lists(st.text(max_size=400), min_size=1, max_size=3), max_size=6))
def test_whatever_is_sent_is_read_and_bounded(fields: dict[str, list[str]]) -> None:
    form = open_form(publication(lists=TWO, languages=["en", "ar"]), "")
    assert form
    filled = read_filled(form, fields)
    assert len(filled.text) <= 300 and len(filled.name) <= 100
    assert set(filled.lists) <= {"news", "extra"} and filled.language in ("", "en", "ar")
    assert filled.name.isprintable() or not filled.name
    assert (filled.address is None) <= bool(filled.fault)


@given(st.text())
def test_no_header_or_stamp_raises(text: str) -> None:
    assert choose_language("en", ["en", "zh-CN"], text) in ("en", "zh-CN")
    assert not is_stamped(KEYS, "small", text, NOW)


@pytest.mark.parametrize(("seconds", "holds"), [(0, False), (1.9, False), (2, True), (86_400, True), (86_401, False)])
def test_a_stamp_holds_from_two_seconds_to_a_day(seconds: float, holds: bool) -> None:
    stamp = make_stamp(KEYS, "small", NOW)
    assert is_stamped(KEYS, "small", stamp, NOW + dt.timedelta(seconds=seconds)) is holds
    assert not is_stamped(KEYS, "other", stamp, NOW + dt.timedelta(seconds=seconds))


def test_the_version_tells_of_wording_and_lists_alike() -> None:
    changes = [
        {},
        {"consent": "I agree."},
        {"lists": TWO},
        {"lists": TWO[:1]},
        {"lists": [TWO[0] | {"about": "Daily"}]},
    ]
    versions = [form.version for change in changes if (form := open_form(publication(**change), ""))]
    assert len(set(versions)) == len(changes)
    assert versions[0] == open_form(publication(), "").version  # type: ignore[union-attr]


def test_who_may_show_the_form_in_a_frame_is_an_origin_and_nothing_else() -> None:
    for unfit in (
        "https://a.example; script-src *",
        "https://a.example/path",
        "*",
        "javascript:x",
        "https://a.example ",
    ):
        with pytest.raises(ValueError, match="embed_on"):
            Subscribing.model_validate({"embed_on": [unfit]})
    assert Subscribing.model_validate({"embed_on": ["https://a.example:8443"]})


@pytest.mark.parametrize(
    ("address", "shown"),
    [("ann@example.com", "a…@example.com"), ("林晓@example.com", "林…@example.com"), ("a@b.example", "a…@b.example")],
)
def test_an_address_is_shown_in_part(address: str, shown: str) -> None:
    assert mask_address(address) == shown
