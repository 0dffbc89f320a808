"""Cursors: where a listing goes on, told so that nobody can make one up or take one to another listing."""

from __future__ import annotations

import base64
import hashlib
import json
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import Query
from pydantic import BeforeValidator, Field
from starlette.responses import Response

from pressrun.api.problem import Fault, RefusalError
from pressrun.api.shape import read_whole
from pressrun.link_keys import LinkKeys

MOST = 500
"""How many items an answer holds at most."""

Limit = Annotated[
    int, Field(ge=1, le=MOST), BeforeValidator(read_whole), Query(description="How many items to answer with at most")
]
Cursor = Annotated[
    str | None,
    Query(min_length=1, max_length=1_000, description="Where to go on: `next` of the answer before, as it is"),
]

_PURPOSE = b"pressrun api cursor v1"


def make_cursor(keys: LinkKeys, listing: str, last: int | str) -> str:
    """The cursor that goes on behind the item `last` of a listing; `listing` names it with all it is filtered by."""
    said = json.dumps([_digest(listing), last]).encode()
    return keys.make_token(_PURPOSE, base64.urlsafe_b64encode(said).rstrip(b"=").decode("ascii"))


def read_cursor(keys: LinkKeys, listing: str, cursor: str | None) -> Any:
    """The item behind which to go on; None at the beginning. Raises RefusalError 422 for a cursor of anything else."""
    if cursor is None:
        return None
    said = keys.read_token(_PURPOSE, cursor)
    if said is not None:
        name, last = json.loads(base64.urlsafe_b64decode(said + "=" * (-len(said) % 4)))
        if name == _digest(listing):
            return last
    fault = Fault(
        where="cursor",
        detail="this cursor does not belong to this listing",
        remedy="take `next` of an answer to the same request, filters included, or begin without a cursor",
    )
    raise RefusalError(422, "cursor", fault.detail, fault.remedy, errors=[fault])


def link_next(response: Response, cursor: str | None, **parameters: object) -> None:
    """Say where the next page is (RFC 8288 §3), as a reference to the same path behind whatever proxy."""
    if cursor is None:
        return
    said = {name: value for name, value in parameters.items() if value is not None and value != []}
    query = urlencode({**said, "cursor": cursor}, doseq=True)
    response.headers["link"] = f'<?{query}>; rel="next"'


def _digest(listing: str) -> str:
    return hashlib.sha256(listing.encode()).hexdigest()[:16]
