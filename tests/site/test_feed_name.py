"""The names of feed files, and what the web server knows by them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pressrun.site.feed_name import ISSUES, Kind, file_name, is_live, kind_of


@given(kind=st.sampled_from(Kind), prefix=st.sampled_from(["", ISSUES]), number=st.none() | st.integers(1, 10_000))
def test_a_name_is_known_again(kind: Kind, prefix: str, number: int | None) -> None:
    name = file_name(kind, prefix, number)
    assert kind_of(name) is kind
    assert is_live(name) is (number is None)


@pytest.mark.parametrize("name", ["sitemap.xml", "index.html", "search.json", "rss.json", "feed.xml", "my-rss.xml", ""])
def test_another_file_is_no_feed(name: str) -> None:
    assert kind_of(name) is None
    assert not is_live(name)
