"""The description of the API: OpenAPI 3.1, made from the operations, with what each may refuse."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from pressrun.api.guard import ONCE, SCHEME
from pressrun.api.problem import MEDIA_TYPE, Problem

_TEXT = """\
What programs may read and change of a newsletter's subscribers, issues, sends and delivery logs.

Show a key as `Authorization: Bearer prk_…`; `pressrun api-keys add` makes one, for the scopes that it needs. Whatever
is refused is answered as `application/problem+json` (RFC 9457). See docs/api.md for a first walk through it.
"""
_REFUSALS = {
    "400": "The request can't be read",
    "401": "No key was shown, or one that opens nothing",
    "403": "The key is not for this",
    "404": "There is no such thing",
    "409": "The state of things doesn't allow it",
    "412": "The person is not as they were when you read them",
    "413": "The body is too long",
    "415": "The body is no JSON",
    "422": "The request is not as it has to be; `errors` tells where",
    "429": "Too many requests: `Retry-After` tells how many seconds to wait",
    "503": "The store can't be used now",
}
_ALWAYS = ("401", "403", "422", "429", "503")
_WITH_BODY = ("400", "413", "415")
_ONCE = {
    "name": ONCE,
    "in": "header",
    "required": False,
    "description": "A name of your own for the request, such as a UUID. Asked again by it, you get the same answer for "
    "a day, and nothing is done twice",
    "schema": {"type": "string", "pattern": r"^[!#-\[\]-~]{1,255}$"},
}
_SCHEME = {
    "type": "http",
    "scheme": "bearer",
    "description": "A key as `pressrun api-keys add` prints it. Each operation names the scopes that the key needs; "
    "where there are two, it needs both.",
}


def describe(app: FastAPI) -> dict[str, Any]:
    """The description, as it is served and stands in docs/openapi.json."""
    described = get_openapi(
        title=app.title, version=app.version, description=_TEXT, routes=app.routes, openapi_version="3.1.0"
    )
    components = described.setdefault("components", {})
    schemas = components.setdefault("schemas", {})
    for unused in ("HTTPValidationError", "ValidationError"):
        schemas.pop(unused, None)
    fault = Problem.model_json_schema(ref_template="#/components/schemas/{model}")
    schemas.update(fault.pop("$defs"), Problem=fault)
    components["securitySchemes"] = {SCHEME: _SCHEME}
    components["responses"] = {code: _refusal(text) for code, text in _REFUSALS.items()}
    described["servers"] = [{"url": "/api/v1"}]
    for method, path, operation in _operations(described):
        _complete(method, path, operation)
    return described


def to_text(described: dict[str, Any]) -> str:
    """The description as a file holds it."""
    return json.dumps(described, indent=2, ensure_ascii=False) + "\n"


def _operations(described: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, methods in described["paths"].items():
        for method, operation in methods.items():
            yield method, path, operation


def _complete(method: str, path: str, operation: dict[str, Any]) -> None:
    """Add what the guard does before every operation."""
    told = {*_ALWAYS, *operation.pop("x-more", ())}
    if "{" in path:
        told.add("404")
    if "requestBody" in operation:
        told.update(_WITH_BODY)
    if method in ("post", "patch"):
        operation.setdefault("parameters", []).append(_ONCE)
        told.update(("409", *_WITH_BODY))
    good = {code: one for code, one in operation["responses"].items() if code < "400"}
    for code in sorted(one for one in told if one < "400"):
        good[code] = {**good["200"], "description": "They are new"}
    told = {one for one in told if one >= "400"}
    operation["responses"] = good | {code: {"$ref": f"#/components/responses/{code}"} for code in sorted(told)}


def _refusal(text: str) -> dict[str, Any]:
    return {"description": text, "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}}
