"""Every route of the web part, those that come later too: looking changes nothing, and nothing breaks them."""

from __future__ import annotations

import json
import re

import httpx
import pytest
from besieged import METHODS, Besieged
from hostile import EVERYTHING
from markup import active_in, dangers_in

PREFETCH = (
    {},
    {"Purpose": "prefetch"},
    {"Sec-Purpose": "prefetch;prerender"},
    {"X-Moz": "prefetch"},
    {"X-Purpose": "preview"},
    {"X-HTTP-Method-Override": "POST", "X-HTTP-Method": "DELETE", "X-Method-Override": "PUT"},
    {"Content-Type": "application/x-www-form-urlencoded"},
)
SAFE = ("GET", "HEAD", "OPTIONS", "TRACE")
BODIES: dict[str, tuple[str, bytes]] = {
    "nothing": ("", b""),
    "a form": ("application/x-www-form-urlencoded", b"List-Unsubscribe=One-Click"),
    "a form without a type": ("", b"a=b"),
    "bad percent signs": ("application/x-www-form-urlencoded", b"%=%zz&%00=%ff%fe&a=%c3&&&===&"),
    "bad UTF-8": ("application/x-www-form-urlencoded", b"\xff\xfe\x00=\xed\xa0\x80"),
    "many fields": ("application/x-www-form-urlencoded", b"&".join(b"f%d=1" % n for n in range(5_000))),
    "one field often": ("application/x-www-form-urlencoded", b"email=a@example.com&" * 500),
    "too long": ("application/x-www-form-urlencoded", b"email=" + b"a" * 2_000_000),
    "JSON": ("application/json", b'{"email": ["x"], "lists": {"a": null}}'),
    "JSON that ends early": ("application/json", b'{"email": "a'),
    "deep JSON": ("application/json", b"[" * 50_000 + b"]" * 50_000),
    "deep objects": ("application/json", b'{"a":' * 20_000 + b"1" + b"}" * 20_000),
    "a large number": ("application/json", b'{"a": 1' + b"0" * 100_000 + b"}"),
    "odd numbers": ("application/json", b'{"a": NaN, "b": Infinity, "c": 1e999, "limit": -1}'),
    "lone surrogates": ("application/json", b'{"email": "\\ud800", "\\udfff": "\\u0000"}'),
    "doubled keys": ("application/json", b'{"email": "a@example.com", "email": "b@example.com"}'),
    "XML": ("application/xml", b'<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]><a>&b;</a>'),
    "multipart": (
        "multipart/form-data; boundary=x",
        b"--x\r\nContent-Disposition: form-data; name=a\r\n\r\nb\r\n--x--",
    ),
    "multipart without end": (
        "multipart/form-data; boundary=x",
        b"--x\r\nContent-Disposition: form-data; name=a\r\n\r\n",
    ),
    "multipart without boundary": ("multipart/form-data", b"--x\r\n"),
    "another charset": ("application/x-www-form-urlencoded; charset=utf-7", b"email=+ADw-script+AD4-"),
    "no type at all": ("\xff;;;=", b"x"),
}
HEADERS = (
    {"Content-Length": "-1"},
    {"Content-Length": "99999999999999999999"},
    {"Content-Length": "1e3"},
    {"Content-Encoding": "gzip"},
    {"Accept": "*/*;q=x, text/html;level=" + "1" * 5_000},
    {"Accept-Language": "x-" * 3_000 + ";q=nan"},
    {"Accept-Language": "zh;q=9e999, ar;q=-1, \xe9"},
    {"Cookie": "a=" + "b" * 5_000},
    {"Range": "bytes=0-,0-,0-," + "0-," * 1_000},
    {"If-Modified-Since": "yesterday", "If-None-Match": "W/" * 1_000},
    {"X-Forwarded-For": "127.0.0.1, " * 500},
    {"X-Forwarded-For": "<script>, ::::, 999.1.1.1, [::1"},
    {"Authorization": "Bearer " + "x" * 5_000},
    {"Authorization": "Bearer \xff\xfe"},
    {"Authorization": "Basic eDp5"},
    {"Idempotency-Key": '"' + "x" * 5_000},
    {"Origin": "https://evil.example.org", "Referer": "https://evil.example.org"},
    {"User-Agent": "\x80" * 2_000},
)
QUERIES = ("?", "?a", "?%", "?%00", "?limit=-1", "?limit=99999999999999999999", "?cursor=x", "?cursor=%00",
           "?since=x", "?" + "a=b&" * 3_000, "?list='%20OR%201=1--", "?language=../../etc/passwd",
           "?filter=" + "(" * 3_000)  # fmt: skip


async def send(web: Besieged, method: str, path: str, **more: object) -> httpx.Response:
    """The answer; fails where the application raised, or told its inside."""
    answer = await web.client.request(method, path, **more)  # type: ignore[arg-type]
    assert answer.status_code < 500, (method, path, more, answer.text[:300])
    assert "Traceback" not in answer.text and "site-packages" not in answer.text
    check_headers(answer)
    return answer


def check_headers(answer: httpx.Response) -> None:
    """What every answer says and does not say, whatever was asked."""
    headers = answer.headers
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"
    assert "set-cookie" not in headers
    assert "access-control-allow-origin" not in headers
    assert not {"server", "x-powered-by"} & set(headers)
    if "text/html" in headers.get("content-type", ""):
        policy = headers["content-security-policy"]
        assert "default-src 'none'" in policy and "frame-ancestors" in policy
        assert "unsafe-inline" not in policy and "unsafe-eval" not in policy and "*" not in policy


async def test_there_are_routes_to_attack(web: Besieged) -> None:
    paths = {door.path for door in web.doors}
    assert {"/health", "/{publication}/unsubscribe/{token}", "/api/v1/subscribers"} <= paths
    assert (await web.client.get("/api/v1/subscribers")).status_code == 200


@pytest.mark.parametrize("headers", PREFETCH, ids=str)
async def test_looking_changes_nothing(web: Besieged, headers: dict[str, str]) -> None:
    before = await web.read_store()
    for door in web.doors:
        for path in web.paths(door):
            for method in SAFE if not headers else SAFE[:2]:
                await send(web, method, path, headers=headers, content=b"List-Unsubscribe=One-Click")
            for more in ("", "?_method=POST", "?List-Unsubscribe=One-Click&confirm=yes") if not headers else ():
                await send(web, "GET", path + more)
    assert await web.read_store() == before


async def test_a_method_that_is_not_taken_is_refused_and_changes_nothing(web: Besieged) -> None:
    before = await web.read_store()
    for door in web.doors:
        if not door.methods:
            continue
        taken = {method for other in web.doors if other.path == door.path for method in other.methods}
        taken |= {"OPTIONS", *(["HEAD"] if "GET" in taken else [])}
        for method in METHODS:
            if method not in taken:
                answer = await send(web, method, next(web.paths(door)))
                assert answer.status_code in (400, 401, 403, 404, 405, 501), (method, door)
    assert await web.read_store() == before


@pytest.mark.parametrize("body", BODIES)
async def test_no_body_breaks_a_route(web: Besieged, body: str) -> None:
    kind, octets = BODIES[body]
    headers = {"Content-Type": kind.encode("latin-1")} if kind else {}
    for door in web.doors:
        for method in ("POST", "PUT", "PATCH", "DELETE"):
            await send(web, method, next(web.paths(door)), content=octets, headers=headers)


@pytest.mark.parametrize("number", range(len(HEADERS)))
async def test_no_header_breaks_a_route(web: Besieged, number: int) -> None:
    headers = {name: value.encode("latin-1") for name, value in HEADERS[number].items()}
    for door in web.doors:
        for method in ("GET", "POST"):
            await send(web, method, next(web.paths(door)), headers=headers)


async def test_no_query_breaks_a_route(web: Besieged) -> None:
    for door in web.doors:
        for query in QUERIES:
            await send(web, "GET", next(web.paths(door)) + query)


async def test_nothing_in_an_address_breaks_a_route(web: Besieged) -> None:
    odd = ["%00", "%ff", "%ed%a0%80", "..%2f..%2fetc%2fpasswd", "%2e%2e", "..%5c..%5c", "~" * 500, "A" * 5_000,
           "%0d%0aX:y", "0", "-1", "99999999999999999999999", "１", "<script>", "%3Cscript%3E", "{}", "%25%30%30",
           ";x=y", "null"]  # fmt: skip
    for door in web.doors:
        for path in web.paths(door, odd):
            answer = await send(web, "GET", path)
            assert "x" not in answer.headers  # no header of the address's own
            await send(web, "POST", path)


async def test_what_is_asked_for_is_never_shown_as_markup(web: Besieged) -> None:
    for value in ("<script>stolen</script>", '"onmouseover="stolen', "javascript:stolen", "{{7*191}}"):
        for door in web.doors:
            for path in web.paths(door, [value.replace("/", "%2F")]):
                for answer in (await send(web, "GET", path), await send(web, "GET", f"{path}?{value}={value}")):
                    if "html" in answer.headers.get("content-type", ""):
                        assert "<script>stolen" not in answer.text and '"onmouseover=' not in answer.text
                        assert 'href="javascript:' not in answer.text and "1337" not in answer.text


async def test_a_form_with_anything_in_it_breaks_nothing(web: Besieged) -> None:
    names = ("email", "name", "language", "list", "lists", "until", "tracking", "city", "consent", "proof", "when")
    for value in EVERYTHING:
        form = {name: value.encode("utf-8", "surrogatepass").decode("latin-1") for name in names}
        body = "&".join(f"{name}={''.join(f'%{ord(c):02x}' for c in text)}" for name, text in form.items())
        for door in web.doors:
            if "POST" in door.methods:
                headers = {"Content-Type": "application/x-www-form-urlencoded"}
                answer = await send(web, "POST", next(web.paths(door)), content=body, headers=headers)
                if "html" in answer.headers.get("content-type", ""):
                    assert list(dangers_in(answer.text)) == []
                    assert not set(active_in(answer.text)) - {"form", "link", "meta"}


@pytest.mark.parametrize("host", ["evil.example.org", "evil.example.org:80", "small.example.com@evil.example.org",
                                  "", "a b",
                                  "[::1", "small.example.com\tevil.example.org"])  # fmt: skip
async def test_the_host_that_was_asked_for_goes_into_no_answer(web: Besieged, host: str) -> None:
    """No link, redirect or cached page can be turned to somebody else's host (cache poisoning, CWE-644)."""
    forged = {"Host": host, "X-Forwarded-Host": "evil.example.org", "X-Original-URL": "/x", "X-Rewrite-URL": "/x",
              "Forwarded": "host=evil.example.org", "X-Forwarded-Prefix": "//evil.example.org"}  # fmt: skip
    for door in web.doors:
        for path in web.paths(door):
            answer = await send(web, "GET", path, headers=forged)
            assert "evil.example.org" not in answer.text
            assert "evil.example.org" not in json.dumps(dict(answer.headers))


@pytest.mark.parametrize("path", ["//evil.example.org", "//evil.example.org/%2e%2e", "/\\evil.example.org",
                                  "/%5cevil.example.org",
                                  "/small//evil.example.org/", "///evil.example.org/..", "/small/2026-01",
                                  "/https:evil.example.org",
                                  "//evil.example.org/small/2026-01/..", "/%2f%2fevil.example.org/"])  # fmt: skip
async def test_no_address_redirects_to_another_site(web: Besieged, path: str) -> None:
    for more in (
        "",
        "?next=https://evil.example.org",
        "?url=//evil.example.org",
        "?redirect_uri=https://evil.example.org",
    ):
        answer = await web.client.get(httpx.URL("https://small.example.com").copy_with(raw_path=(path + more).encode()))
        location = answer.headers.get("location", "")
        # A browser takes //host and /\host for another site.
        assert not re.match(r"(?:https?:)?[/\\]{2}(?!small\.example\.com(?:/|$))", location), location
