"""The guard before every operation: whose key it is, what it may do, how often, and whether it was done already."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from typing import Any, get_origin

from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Message

from pressrun.api.body import read_json
from pressrun.api.problem import Fault, RefusalError, explain, invalid
from pressrun.delivery.seal import seal
from pressrun.errors import FencedError, PressrunError, StoreError
from pressrun.public.doors import Doors
from pressrun.public.limit import network_key
from pressrun.public.request import network_of
from pressrun.store.api_call import Answer, Call, answer_call, begin_call, drop_call
from pressrun.store.api_key import ApiKey, ApiScope, find_api_key, note_use

SCHEME = "key"
"""What the description calls the way keys are shown."""

ONCE = "Idempotency-Key"
_PURPOSE = b"pressrun api call v1"
# draft-ietf-httpapi-idempotency-key-header §2.1 has it in quotes, which few programs send.
_NAMED = re.compile(r'"?[\x21\x23-\x5b\x5d-\x7e]{1,255}"?')
_TWICE = frozenset({"POST", "PATCH"})  # the methods that RFC 9110 §9.2.2 doesn't call idempotent
_KEPT = frozenset({"content-type", "etag", "location"})
_KEY, _CALL = "pressrun.key", "pressrun.call"

Handler = Callable[[Request], Awaitable[Response]]


def needs(*scopes: ApiScope) -> dict[str, Any]:
    """What an operation's description says of the scopes it needs, all of them; the guard reads it there."""
    return {"security": [{SCHEME: [scope.value for scope in scopes]}]}


def doors_of(request: Request) -> Doors:
    """What the API shares with the other doors."""
    doors: Doors = request.app.state.doors
    return doors


def key_of(request: Request) -> ApiKey:
    """The key that the request showed."""
    key: ApiKey = request.scope[_KEY]
    return key


def call_of(request: Request) -> Call | None:
    """What the sender named the request, to be done once; None where they did not."""
    call: Call | None = request.scope.get(_CALL)
    return call


class GuardedRoute(APIRoute):
    """An operation behind the guard. It needs the scopes that its description tells, and can't be made without any."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """What answers a request; refusals are answers too."""
        scopes = [ApiScope(scope) for scope in (self.openapi_extra or {})["security"][0][SCHEME]]
        if not scopes:
            raise ValueError(f"{self.path} needs no scope")
        known = {one.alias: get_origin(one.field_info.annotation) is list for one in self.dependant.query_params}
        needs_no_body = self.body_field is None
        answer = super().get_route_handler()

        async def handle(request: Request) -> Response:
            try:
                response = await _admit(request, scopes, known, answer, needs_no_body)
            except (RefusalError, RequestValidationError, PressrunError) as error:
                response = refusal_of(error).answer()
            response.headers["cache-control"] = "no-store"  # it is for this key's eyes
            return response

        return handle


def refusal_of(error: RefusalError | RequestValidationError | PressrunError) -> RefusalError:
    """What is answered where `error` was raised. What the library refuses is a state that doesn't allow it."""
    match error:
        case RefusalError():
            return error
        case RequestValidationError():
            return explain(error)
        case StoreError() | FencedError():
            # Not its own words: they name the database and where it is.
            return RefusalError(
                503, "unavailable", "the store can't be used now", "try again", headers={"retry-after": "10"}
            )
    return RefusalError(409, "conflict", error.message, error.remedy)


async def _admit(
    request: Request, scopes: Sequence[ApiScope], known: Mapping[str, bool], answer: Handler, needs_no_body: bool
) -> Response:
    doors = doors_of(request)
    key = await _identify(request, doors)
    if seconds := doors.limits.api.allow(key.id):
        raise _too_many(seconds)
    if missing := [scope for scope in scopes if scope not in key.scopes]:
        raise _beyond(missing)
    _check_query(request, known)
    await note_use(doors.database, key, doors.clock())
    body = await read_json(request)
    if needs_no_body and body.strip() not in (b"", b"{}"):
        raise RefusalError(400, "unwanted-body", "this takes no body", "send none")
    call = _call_of(request, key, body)
    read = Request({**request.scope, _KEY: key, _CALL: call}, _replay(body))
    return await (answer(read) if call is None else _answer_once(doors, call, read, answer))


def _call_of(request: Request, key: ApiKey, body: bytes) -> Call | None:
    name = _name_of(request)
    if name is None or request.method not in _TWICE:
        return None
    said = [request.method, request.url.path, request.url.query, body.decode()]
    return Call(key.id, name, seal(doors_of(request).keys.newest.secret, _PURPOSE, json.dumps(said).encode()).hex())


async def _identify(request: Request, doors: Doors) -> ApiKey:
    """The key that is shown in the header, as RFC 6750 §2.1 has it; never in an address, which stands in logs."""
    shown = request.headers.getlist("authorization")
    scheme, _, token = shown[0].partition(" ") if len(shown) == 1 else ("", "", "")
    if scheme.lower() == "bearer":
        if key := await find_api_key(doors.database, token.strip(), doors.clock()):
            return key
        if seconds := doors.limits.guesses.allow(network_key(network_of(request, doors))):
            raise _too_many(seconds)
    # RFC 6750 §3.1: who showed nothing is told nothing of errors.
    wrong = ', error="invalid_token"' if shown else ""
    what = "the key opens nothing: it is wrong, revoked or expired" if shown else "no key was shown"
    remedy = "send Authorization: Bearer prk_…; pressrun api-keys add makes a key"
    raise RefusalError(401, "no-key", what, remedy, headers={"www-authenticate": f'Bearer realm="pressrun"{wrong}'})


def _beyond(missing: Sequence[ApiScope]) -> RefusalError:
    challenge = f'Bearer realm="pressrun", error="insufficient_scope", scope="{" ".join(missing)}"'  # RFC 6750 §3.1
    what = f"the key is not for {' and '.join(missing)}"
    remedy = f"use a key made with {' '.join(f'--scope {scope}' for scope in missing)}"
    return RefusalError(403, "scope", what, remedy, headers={"www-authenticate": challenge})


def _check_query(request: Request, known: Mapping[str, bool]) -> None:
    """Refuse parameters that are not `known`, or come twice where they may not: a misspelt filter would not filter."""
    faults = []
    names = [name for name, _ in request.query_params.multi_items()]
    for name in dict.fromkeys(names):
        if name not in known:
            told = f"known here: {', '.join(known)}" if known else "leave it out: none is known here"
            faults.append(Fault(where=name, detail=f"there is no parameter {name!r}", remedy=told))
        elif names.count(name) > 1 and not known[name]:
            faults.append(Fault(where=name, detail=f"{name} is given more than once", remedy="give it once"))
    # PostgreSQL can't hold one, nor be asked for one.
    nulled = [name for name, value in request.query_params.multi_items() if "\0" in name + value]
    faults += [Fault(where=name, detail="a NUL stands in it", remedy="leave it out") for name in nulled]
    if faults:
        raise invalid(faults)


def _too_many(seconds: float) -> RefusalError:
    wait = math.ceil(seconds)
    return RefusalError(429, "too-many", "too many requests", f"wait {wait} s", headers={"retry-after": str(wait)})


def _replay(body: bytes) -> Callable[[], Awaitable[Message]]:
    async def receive() -> Message:
        return {"type": "http.request", "body": body, "more_body": False}

    return receive


def _name_of(request: Request) -> str | None:
    """What the sender named the call, if they did."""
    names = request.headers.getlist(ONCE)
    if not names:
        return None
    if len(names) > 1 or not _NAMED.fullmatch(names[0]) or names[0].startswith('"') != names[0].endswith('"'):
        detail, remedy = (
            f"{ONCE} is not written as it has to be",
            "give 1 to 255 visible ASCII characters, such as a UUID",
        )
        raise invalid([Fault(where=ONCE, detail=detail, remedy=remedy)])
    return names[0].strip('"')


async def _answer_once(doors: Doors, call: Call, request: Request, answer: Handler) -> Response:
    """Do what is asked unless it was done already, and give the same answer each time."""
    begun = await begin_call(doors.database, call, doors.clock())
    if begun.answer:
        return _given_again(begun.answer)
    if begun.is_another:
        remedy = "name each request anew, and repeat a name only with the same request"
        raise RefusalError(422, "idempotency-key", f"{ONCE} named another request before", remedy)
    if not begun.is_ours:
        what, remedy = "the same request is being answered", "wait, then ask again with the same name"
        raise RefusalError(409, "in-flight", what, remedy, headers={"retry-after": "1"})
    try:
        response = await answer(request)
    except BaseException:  # cancelled too. It changed nothing, or comes to the same: the next try must not wait for it
        await drop_call(doors.database, call)
        raise
    body = json.loads(bytes(response.body)) if response.body else None
    headers = {name: value for name, value in response.headers.items() if name in _KEPT}
    await answer_call(doors.database, call, Answer(response.status_code, body, headers))
    return response


def _given_again(kept: Answer) -> Response:
    body = b"" if kept.body is None else json.dumps(kept.body, ensure_ascii=False, separators=(",", ":")).encode()
    return Response(body, kept.status, {**(kept.headers or {}), "idempotent-replayed": "true"})
