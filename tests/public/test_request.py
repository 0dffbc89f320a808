from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.requests import Request

from pressrun.public.request import find_network, first, parse_form, read_body, read_form

FORM = "application/x-www-form-urlencoded"
TRUSTED = [ipaddress.ip_network("127.0.0.1"), ipaddress.ip_network("10.0.0.0/8"), ipaddress.ip_network("::1")]


class Sent:
    """A request whose body comes in parts; it counts those that were read."""

    def __init__(self, *parts: bytes, kind: str | None = FORM, length: str | None = None) -> None:
        self._parts, self.read = parts, 0
        said = [(b"content-type", kind.encode())] if kind is not None else []
        said += [(b"content-length", length.encode())] if length is not None else []
        self.request = Request({"type": "http", "method": "POST", "path": "/", "headers": said}, self._receive)

    async def _receive(self) -> dict[str, object]:
        if self.read >= len(self._parts):
            return {"type": "http.disconnect"}
        self.read += 1
        more = self.read < len(self._parts)
        return {"type": "http.request", "body": self._parts[self.read - 1], "more_body": more}


async def status_of(sent: Sent) -> int:
    with pytest.raises(HTTPException) as refused:
        await read_form(sent.request)
    return refused.value.status_code


async def test_a_form_is_read_as_browsers_send_it() -> None:
    form = await read_form(Sent(b"name=%E6%9E%97+%E6%99%93&list=a&li", b"st=b&empty=&bare").request)
    assert form == {"name": ["林 晓"], "list": ["a", "b"], "empty": [""], "bare": [""]}
    assert (first(form, "list"), first(form, "missing")) == ("a", "")


async def test_a_post_without_a_body_is_an_empty_form() -> None:
    assert await read_form(Sent(b"", kind=None).request) == {}


async def test_too_long_a_body_is_read_no_further() -> None:
    sent = Sent(*[b"a" * 10_000] * 50)
    assert await status_of(sent) == 413
    assert sent.read == 2


@pytest.mark.parametrize("length", ["16385", "9" * 5_000, "-1", "1e3", "x", "²"])
async def test_a_length_that_says_too_much_or_nonsense_is_refused_before_reading(length: str) -> None:
    sent = Sent(b"a=b", length=length)
    assert await status_of(sent) == 413
    assert sent.read == 0


@pytest.mark.parametrize("kind", ["application/json", "multipart/form-data; boundary=x", "text/plain", None])
async def test_other_kinds_of_body_are_refused(kind: str | None) -> None:
    assert await status_of(Sent(b"a=b", kind=kind)) == 415


@pytest.mark.parametrize("body", [b"a=%FF", b"a=%00", b"%00=a", b"a=\xff", b"&".join([b"a=b"] * 51), b"a=%ED%A0%80"])
async def test_what_is_no_text_and_too_many_fields_are_refused(body: bytes) -> None:
    assert await status_of(Sent(body)) == 400


async def test_a_client_that_goes_away_is_refused_quietly() -> None:
    with pytest.raises(HTTPException) as refused:
        await read_body(Sent().request)
    assert refused.value.status_code == 400


text = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=30)


@given(st.lists(st.tuples(text, text), max_size=50))
def test_what_was_encoded_is_read_again(pairs: list[tuple[str, str]]) -> None:
    expected: dict[str, list[str]] = {}
    for name, value in pairs:
        expected.setdefault(name, []).append(value)
    assert parse_form(urlencode(pairs).encode()) == expected


@given(st.binary(max_size=200))
def test_any_octets_are_a_form_or_refused(body: bytes) -> None:
    try:
        form = parse_form(body)
    except HTTPException as refused:
        assert refused.status_code == 400
    else:
        assert not any("\0" in value for values in form.values() for value in values)


def network(peer: str, *told: str, trusted: Iterable[ipaddress.IPv4Network | ipaddress.IPv6Network] = TRUSTED) -> str:
    return find_network(peer, Headers(raw=[(b"x-forwarded-for", line.encode()) for line in told]), list(trusted))


def test_nobody_but_a_trusted_proxy_is_believed() -> None:
    assert network("198.51.100.9", "203.0.113.5") == "198.51.100.9"
    assert network("127.0.0.1", "203.0.113.5", trusted=[]) == "127.0.0.1"
    assert network("127.0.0.1", "203.0.113.5") == "203.0.113.5"


def test_what_stands_before_an_untrusted_entry_is_made_up() -> None:
    assert network("127.0.0.1", "10.0.0.1, 203.0.113.5") == "203.0.113.5"
    assert network("127.0.0.1", "192.0.2.66, 203.0.113.5, 10.1.2.3") == "203.0.113.5"
    assert network("127.0.0.1", "192.0.2.66", "203.0.113.5, 10.1.2.3") == "203.0.113.5"


def test_an_entry_that_is_no_address_ends_the_reading() -> None:
    assert network("127.0.0.1", "203.0.113.5, unknown") == "127.0.0.1"
    assert network("127.0.0.1", "203.0.113.5, ") == "127.0.0.1"
    assert network("127.0.0.1") == "127.0.0.1"


def test_entries_may_have_ports_and_brackets() -> None:
    assert network("::1", "203.0.113.5:4711") == "203.0.113.5"
    assert network("::1", "[2001:db8::7]:4711") == network("::1", "2001:DB8::7") == "2001:db8::7"
    assert network("::ffff:10.0.0.9", "203.0.113.5") == "203.0.113.5"


@given(st.text(max_size=30), st.lists(st.text(st.characters(max_codepoint=255), max_size=30), max_size=4))
def test_whatever_is_told_only_an_address_is_believed(peer: str, told: list[str]) -> None:
    headers = Headers(raw=[(b"x-forwarded-for", line.encode("latin-1")) for line in told])
    found = find_network(peer, headers, TRUSTED)
    assert found == peer or ipaddress.ip_address(found)
