"""Reads what a request says: its form within bounds, and the network address it came from."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from urllib.parse import unquote_to_bytes

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request

from pressrun.public.doors import Doors, Network

MOST_OCTETS = 16 * 1024
"""How long a form may be."""

MOST_FIELDS = 50


async def read_body(request: Request, most: int = MOST_OCTETS) -> bytes:
    """The request's body. Raises HTTPException 413 where it is longer than `most` octets, before more is read."""
    length = request.headers.get("content-length", "0")
    if not length.isdecimal() or int(length[:12]) > most:
        raise HTTPException(413)
    body = bytearray()
    try:
        async for chunk in request.stream():
            body += chunk
            if len(body) > most:
                raise HTTPException(413)
    except ClientDisconnect:
        raise HTTPException(400) from None
    return bytes(body)


async def read_form(request: Request) -> dict[str, list[str]]:
    """The fields of a form as browsers send it without files (`application/x-www-form-urlencoded`).

    Each name has its values in order: boxes that were ticked share one. Raises HTTPException: 413 where it is too long,
    415 for another kind of body, 400 for more than 50 fields and for what is no text in UTF-8 or holds a NUL.
    """
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    body = await read_body(request)
    if kind != "application/x-www-form-urlencoded" and (kind or body):
        raise HTTPException(415)
    return parse_form(body)


def parse_form(body: bytes) -> dict[str, list[str]]:
    """The fields of an urlencoded body; see `read_form`."""
    pairs = [pair for pair in body.split(b"&") if pair]
    if len(pairs) > MOST_FIELDS:
        raise HTTPException(400)
    form: dict[str, list[str]] = {}
    for pair in pairs:
        name, _, value = pair.partition(b"=")
        form.setdefault(_decode(name), []).append(_decode(value))
    return form


def first(form: dict[str, list[str]], name: str) -> str:
    """The first value of a field, without space around it; empty where there is none."""
    return form.get(name, [""])[0].strip()


def _decode(text: bytes) -> str:
    try:
        decoded = unquote_to_bytes(text.replace(b"+", b" ")).decode("utf-8")
    except UnicodeDecodeError:
        raise HTTPException(400) from None
    if "\0" in decoded:  # PostgreSQL can't store it
        raise HTTPException(400)
    return decoded


def network_of(request: Request, doors: Doors) -> str:
    """The address the request came from, behind proxies that `trusted_proxies` names too; empty where none is known."""
    return find_network(request.client.host if request.client else "", request.headers, doors.proxies)


def find_network(peer: str, headers: Headers, trusted: Sequence[Network]) -> str:
    """The address a request came from: the connection's, or the one that proxies we trust say they had it from.

    X-Forwarded-For is read from its end, for as long as whoever wrote the entry is trusted: all before that anybody
    may have made up.
    """
    told = [part.strip() for line in headers.getlist("x-forwarded-for") for part in line.split(",")]
    address = peer
    while told and is_trusted(address, trusted):
        before = _bare(told.pop())
        if before is None:
            break
        address = before
    return address


def is_trusted(address: str, trusted: Sequence[Network]) -> bool:
    """Whether the address is in one of the networks."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return False
    # A socket that listens on IPv6 for both calls a peer ::ffff:192.0.2.1 (RFC 4291 §2.5.5.2).
    plain = getattr(parsed, "ipv4_mapped", None) or parsed
    return any(plain in network for network in trusted)


def _bare(told: str) -> str | None:
    """An entry of X-Forwarded-For without port and brackets, or None where it is no address."""
    bare = told[1:].partition("]")[0] if told.startswith("[") else told
    if bare.count(":") == 1:
        bare = bare.partition(":")[0]
    try:
        return str(ipaddress.ip_address(bare))
    except ValueError:
        return None
