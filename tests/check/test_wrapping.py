"""What others wrapped around an address is read and taken off, as far as the address shows what is inside."""

from __future__ import annotations

import base64
import json
from urllib.parse import quote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pressrun.check.wrapping import read_wrapping, unwrap

PAGE = "https://www.example.com/a/b?c=1&d=%E9%87%87#e"


def packed(value: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")


WRAPPED = [
    f"https://eur01.safelinks.protection.outlook.com/?url={quote(PAGE, safe='')}&data=05%7C01&sdata=x&reserved=0",
    f"https://urldefense.proofpoint.com/v2/url?u={quote(PAGE, safe='').replace('%', '-').replace('_', '%5F')}&d=Dw&c=x",
    f"https://www.google.com/url?sa=t&url={quote(PAGE, safe='')}&usg=AO",
    f"https://www.google.co.uk/url?q={quote(PAGE, safe='')}",
    f"https://l.facebook.com/l.php?u={quote(PAGE, safe='')}&h=AT0",
    f"https://link.zhihu.com/?target={quote(PAGE, safe='')}",
    f"https://abc.r.us-east-1.awstrack.me/L0/{quote(PAGE, safe='')}/1/0100018/x=1",
    f"https://substack.com/redirect/2/{packed({'e': PAGE})}",
    f"https://mandrillapp.com/track/click/30/www.example.com?p={packed({'s': 'x', 'p': json.dumps({'url': PAGE})})}",
    f"https://news.example.org/track/click/30?to={quote(PAGE, safe='')}",
    PAGE.replace("#", "&utm_source=a&utm_medium=b&mc_eid=5e456e5846#"),
    PAGE.replace("?", "?e=5e456e5846&"),
]


@pytest.mark.parametrize("url", WRAPPED)
def test_the_page_inside_is_found(url: str) -> None:
    assert read_wrapping(url) is not None
    assert unwrap(url) == PAGE


def test_a_wrapping_in_a_wrapping_is_taken_off_too() -> None:
    once = f"https://www.google.com/url?q={quote(PAGE.replace('#', '&utm_source=a#'), safe='')}"
    assert unwrap(f"https://eur01.safelinks.protection.outlook.com/?url={quote(once, safe='')}&data=x") == PAGE


@pytest.mark.parametrize(
    ("filled", "page"),
    [
        ("https://www.example.com/a__;!!AbC!xyz$", "https://www.example.com/a"),
        ("https://www.example.com/a*b__;Iw!!AbC!xyz$", "https://www.example.com/a#b"),
        ("https://www.example.com/**Ab__;6YeH6LSt!!AbC!xyz$", "https://www.example.com/采购b"),
    ],
)
def test_an_address_of_urldefense_is_filled_in(filled: str, page: str) -> None:
    assert unwrap(f"https://urldefense.com/v3/__{filled}") == page


@pytest.mark.parametrize(
    "url",
    [
        PAGE,
        "https://www.example.com/search?e=mc2&q=utm_source",
        "https://www.example.com/?q=https://www.example.org/",
        "https://www.google.com/search?q=https://www.example.org/",
        "https://bit.ly",
        "https://www.example.com/track-record?url=a",
        "mailto:ann@example.com",
        "https://[",
        "",
    ],
)
def test_a_clean_address_stays_as_it_is(url: str) -> None:
    assert read_wrapping(url) is None
    assert unwrap(url) == url


@pytest.mark.parametrize(
    "url", ["https://bit.ly/3abc", "https://x.list-manage.com/track/click?u=1&id=2&e=5e456e5846ab"]
)
def test_what_can_not_be_seen_is_not_guessed(url: str) -> None:
    assert read_wrapping(unwrap(url)) is not None


PIECES = [
    *("https://", "http://", "www.google.com/url?q=", "urldefense.com/v3/__", "__;", "!!", "**A", "*", "%", "%25", "&"),
    *("eur01.safelinks.protection.outlook.com/?url=", "/v2/url?u=", "urldefense.proofpoint.com", "?", "a.example"),
    *("mandrillapp.com/track/click?p=", "awstrack.me/L0/", "utm_source=a", "mc_eid=1", "e=0123456789", "#", "["),
    *(
        "eyJlIjogImh0dHBzOi8vYS5iL2MifQ",
        "W10",
        "=",
        "/",
        "采",
        "{{ a }}",
        " ",
        "\n",
        "@",
        ":",
        "substack.com/redirect/2/",
    ),
]
addresses = st.lists(st.sampled_from(PIECES) | st.text(max_size=6), max_size=14).map("".join) | st.text(max_size=60)


@settings(max_examples=400, deadline=None)
@given(url=addresses)
def test_unwrapping_any_text_ends_and_twice_is_once(url: str) -> None:
    bare = unwrap(url)
    assert unwrap(bare) == bare
    assert len(bare) <= len(url)
    read_wrapping(url)


@settings(max_examples=100, deadline=None)
@given(page=st.text(st.sampled_from("abc/?&=%#采-_.~"), max_size=30))
def test_what_a_guard_wraps_comes_out_as_it_went_in(page: str) -> None:
    url = f"https://www.example.com/{page}"
    wrapped = f"https://eur01.safelinks.protection.outlook.com/?url={quote(url, safe='')}&data=05"
    assert unwrap(wrapped) == unwrap(url)
