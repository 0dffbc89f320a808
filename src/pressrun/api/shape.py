"""Shapes that several operations share: texts within bounds, moments, and the base of what comes in and goes out."""

from __future__ import annotations

import datetime as dt
import re
from typing import Annotated

from fastapi import Path
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints, WithJsonSchema

from pressrun.store.subscriber import is_attribute_name

_RFC3339 = re.compile(r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d{1,6})?([Zz]|[+-]\d\d:\d\d)")
_WHOLE = re.compile(r"-?(0|[1-9][0-9]{0,17})")
_LINE = r"^[^\u0000-\u001f\u007f-\u009f\u2028\u2029]*$"
_TEXT = r"^[^\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f]*$"


class Incoming(BaseModel):
    """What a program sends: each name is known, each value of its kind as it stands."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class Outgoing(BaseModel):
    """What is answered."""

    model_config = ConfigDict(frozen=True, from_attributes=True)


def _read_moment(value: object) -> dt.datetime:
    if not (isinstance(value, str) and _RFC3339.fullmatch(value)):
        raise ValueError("not a moment as 2026-02-20T09:00:00Z (RFC 3339)")
    moment = dt.datetime.fromisoformat(value.upper())
    if not 1970 <= moment.year <= 2999:
        raise ValueError("out of bounds: give a year from 1970 to 2999")
    return moment.astimezone(dt.UTC)


def read_whole(value: object) -> object:
    """What an address says of a number, written in the one way there is: pydantic alone would take `1.0` and `1_0`."""
    if isinstance(value, str) and not _WHOLE.fullmatch(value):
        raise ValueError("not a whole number, in digits alone")
    return value


def _check_name(name: str) -> str:
    if not is_attribute_name(name):
        raise ValueError("not printable, or with space around it")
    return name


Moment = Annotated[
    dt.datetime, BeforeValidator(_read_moment), WithJsonSchema({"type": "string", "format": "date-time"})
]
Line = Annotated[str, StringConstraints(max_length=200, pattern=_LINE)]
Text = Annotated[str, StringConstraints(max_length=2_000, pattern=_TEXT)]
LongText = Annotated[str, StringConstraints(max_length=20_000, pattern=_TEXT)]
Named = Annotated[str, StringConstraints(min_length=1, max_length=100, pattern=_LINE), AfterValidator(_check_name)]
"""The name of an attribute, a list or a tag: printable, without space around it."""

Address = Annotated[
    str,
    StringConstraints(min_length=3, max_length=254, pattern=r"^[^\u0000-\u0020\u007f-\u009f<>]+@[^\u0000-\u0020@<>]+$"),
    Field(description="The mail address, alone", examples=["lin@example.com"]),
]
SubscriberId = Annotated[
    int, Field(ge=1, le=2**53 - 1), BeforeValidator(read_whole), Path(description="The subscriber's id")
]
"""No higher than what every program reads a JSON number to exactly (RFC 7493 §2.2)."""

Slug = Annotated[str, Path(min_length=1, max_length=200, description="The folder's name", examples=["2026-02"])]
