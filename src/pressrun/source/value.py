"""The values that source files hold, as people write them: lines, addresses, dates, times."""

from __future__ import annotations

import datetime as dt
import re
from functools import cache
from typing import Annotated, Any, Literal
from zoneinfo import available_timezones

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, StringConstraints, WithJsonSchema
from pydantic_core import PydanticCustomError

SLUG = r"^[a-z0-9]+(?:-[a-z0-9]+)*$"
DOT_ATOM = r"^[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+$"

Line = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, pattern=r"^[^\r\n]*$")]
Markdown = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]
Slug = Annotated[str, StringConstraints(pattern=SLUG)]
Url = Annotated[str, StringConstraints(strip_whitespace=True, pattern=r"^(https?://|mailto:)\S+$")]
WebUrl = Annotated[str, StringConstraints(strip_whitespace=True, pattern=r"^https?://\S+$")]
MailAddress = Annotated[str, StringConstraints(pattern=r"^[^@\s<>,;]+@[^@\s<>,;]+\.[^@\s<>,;]+$")]
Origin = Annotated[str, StringConstraints(pattern=r"^https?://[A-Za-z0-9.-]+(:[0-9]{1,5})?$")]
LanguageTag = Annotated[str, StringConstraints(pattern=r"^[a-z]{2,3}(-[A-Za-z0-9]{2,8})*$")]
MediaPath = Annotated[str, StringConstraints(pattern=r"^media/[^\\]+$")]


@cache
def _zones() -> frozenset[str]:
    return frozenset(available_timezones())  # which walks through a folder of 600 files


def _known_zone(name: str) -> str:
    if name not in _zones():
        raise ValueError(f"no time zone is called {name!r}")
    return name


def _written_as(pattern: str, kind: str) -> BeforeValidator:
    """Only the written form: pydantic alone would take `20260228` for seconds since 1970."""

    def look(value: Any) -> Any:
        if isinstance(value, str) and not re.fullmatch(pattern, value):
            raise PydanticCustomError(f"{kind}_form", "not written as a {kind}", {"kind": kind})
        return value

    return BeforeValidator(look)


Date = Annotated[dt.date, _written_as(r"\d{4}-\d\d-\d\d", "date")]
Time = Annotated[
    dt.time,
    _written_as(r"\d\d:\d\d(:\d\d)?", "time"),
    WithJsonSchema({"type": "string", "pattern": r"^\d\d:\d\d(:\d\d)?$"}),  # format "time" would ask for a zone
]
DateTime = Annotated[
    dt.datetime,
    _written_as(r"[12]\d{3}-\d\d-\d\d \d\d:\d\d", "datetime"),
    WithJsonSchema({"type": "string", "pattern": r"^[12]\d{3}-\d\d-\d\d \d\d:\d\d$"}),  # as with times: no zone
]
TimeZone = Annotated[str, AfterValidator(_known_zone)]
Weekday = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
WEEKDAYS: tuple[Weekday, ...] = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


class SourceModel(BaseModel):
    """A part of a source file: keys are known, values don't change once read."""

    model_config = ConfigDict(extra="forbid", frozen=True)
