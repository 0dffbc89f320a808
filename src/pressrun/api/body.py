"""Reads the bodies of requests: JSON within bounds, in which nothing is said twice and nothing can't be stored."""

from __future__ import annotations

import json
from typing import Any, NoReturn

from starlette.exceptions import HTTPException
from starlette.requests import Request

from pressrun.api.problem import RefusalError
from pressrun.public.request import read_body

MOST_OCTETS = 1_000_000
MOST_LEVELS = 16
"""How deep lists and objects may lie in each other."""


async def read_json(request: Request) -> bytes:
    """The body, which is sound JSON as RFC 8259 has it, or empty. Raises RefusalError: 400, 413, 415."""
    try:
        body = await read_body(request, MOST_OCTETS)
    except HTTPException as error:
        if error.status_code != 413:
            raise
        limit = f"send at most {MOST_OCTETS:,} octets in a request"
        raise RefusalError(413, "too-large", "the body is too long", limit, headers={"connection": "close"}) from None
    if body:
        _require_json(request)
        _check_json(body)
    return body


def _require_json(request: Request) -> None:
    if request.headers.get("content-encoding", "identity").lower() != "identity":
        raise RefusalError(415, "unsupported-media-type", "the body is compressed", "send it as it is")
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/json":
        what = f"the body is {kind}" if kind else "the body's kind is not told"
        raise RefusalError(415, "unsupported-media-type", what, "send JSON, as Content-Type: application/json")


def _check_json(body: bytes) -> None:
    try:
        text = body.decode("utf-8")  # RFC 8259 §8.1
        value = json.loads(text, parse_constant=_refuse_constant, object_pairs_hook=_refuse_doubles)
    except UnicodeDecodeError:
        raise _malformed("it is not UTF-8") from None
    except RecursionError:
        raise _too_deep() from None
    except ValueError as error:
        raise _malformed(str(error)) from None
    _check_depth(value)
    if "\\u" in text:  # only an escape can say what UTF-8 can't
        _check_storable(value)


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON")


def _refuse_doubles(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    # RFC 8259 §4: with a name twice, each program believes another of the two.
    names = dict(pairs)
    if len(names) != len(pairs):
        raise ValueError("an object says one name twice")
    return names


def _check_depth(value: Any) -> None:
    level = [value]
    for _ in range(MOST_LEVELS):
        below: list[Any] = []
        for one in level:
            if isinstance(one, dict):
                below += one.values()
            elif isinstance(one, list):
                below += one
        if not below:
            return
        level = below
    raise _too_deep()


def _check_storable(value: Any) -> None:
    said = json.dumps(value, ensure_ascii=False)
    if any("\ud800" <= character <= "\udfff" for character in said):
        raise _malformed("half of a surrogate pair stands in it")


def _malformed(reason: str) -> RefusalError:
    return RefusalError(
        400, "malformed", f"the body is no JSON that can be read: {reason}", "send JSON (RFC 8259) in UTF-8"
    )


def _too_deep() -> RefusalError:
    return RefusalError(400, "malformed", "the body is nested too deeply", f"nest at most {MOST_LEVELS} levels")
