"""What the API says when it refuses: problem details (RFC 9457), in words that tell how to mend it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, Field
from starlette.responses import JSONResponse

MEDIA_TYPE = "application/problem+json"
_SHOWN = 20  # faults in one answer


class Fault(BaseModel):
    """One thing that is wrong with a request."""

    where: str = Field(
        description="A JSON Pointer into the body as `#/lists/0` (RFC 6901 §6), or the parameter's name",
        examples=["#/attributes/city"],
    )
    detail: str = Field(description="What is wrong there")
    remedy: str = Field(description="How to mend it")


class Problem(BaseModel):
    """Why a request was refused (RFC 9457)."""

    type: str = Field("about:blank", description="Always about:blank: `code` tells what kind it is")
    title: str = Field(description="The status in words", examples=["Unprocessable Content"])
    status: int = Field(description="The HTTP status", examples=[422])
    code: str = Field(description="What kind of problem it is, for programs", examples=["invalid"])
    detail: str = Field(description="What is wrong, for people")
    remedy: str = Field(description="How to mend it, for people")
    errors: list[Fault] = Field(default_factory=list, description="Each fault of the request, where there are some")


class RefusalError(Exception):
    """A request that is not done: what is answered instead."""

    def __init__(
        self,
        status: int,
        code: str,
        detail: str,
        remedy: str,
        *,
        errors: Sequence[Fault] = (),
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.problem = Problem(
            title=_TITLES.get(status) or HTTPStatus(status).phrase,
            status=status,
            code=code,
            detail=_sound(detail),
            remedy=_sound(remedy),
            errors=list(errors[:_SHOWN]),
        )
        self.headers = dict(headers or {})

    def answer(self) -> JSONResponse:
        """What goes over the line."""
        body = self.problem.model_dump(mode="json")
        return JSONResponse(body, self.status, {**self.headers, "cache-control": "no-store"}, MEDIA_TYPE)


_TITLES = {413: "Content Too Large", 422: "Unprocessable Content"}  # as RFC 9110 has them; Python's names are older


def invalid(faults: Sequence[Fault]) -> RefusalError:
    """A request that is well formed and can't be done as it is."""
    detail = faults[0].detail if len(faults) == 1 else f"{len(faults)} things are wrong with the request"
    return RefusalError(422, "invalid", detail, "see errors: each says how to mend it", errors=faults)


def not_found(what: str, remedy: str) -> RefusalError:
    """What was asked for isn't there."""
    return RefusalError(404, "not-found", what, remedy)


def explain(error: RequestValidationError) -> RefusalError:
    """What pydantic found, in our words."""
    return invalid([_fault(found) for found in error.errors()[:_SHOWN]] or [Fault(where="#", detail="", remedy="")])


def _fault(found: Mapping[str, Any]) -> Fault:
    source, *path = found["loc"]
    name = str(path[-1]) if path else "the body"
    where = pointer(*path) if source == "body" else name
    detail, remedy = _words(name, found)
    return Fault(where=_sound(where), detail=_sound(detail), remedy=_sound(remedy))


def pointer(*path: object) -> str:
    """A JSON Pointer as a URI fragment: RFC 6901 §6, but for percent-encoding, which would hide what it names."""
    return "#" + "".join("/" + str(part).replace("~", "~0").replace("/", "~1") for part in path)


def _words(name: str, found: Mapping[str, Any]) -> tuple[str, str]:
    kind, context = found["type"], found.get("ctx") or {}
    match kind:
        case "missing":
            return f"{name} is missing", "give it: the description of the API says what it holds"
        case "extra_forbidden":
            return f"{name} is not known here", "leave it out, or see the description of the API for its right name"
        case "value_error":
            return f"{name}: {context.get('error', found['msg'])}", "give another value"
        case "literal_error" | "enum":
            return f"{name} is none of the values it may have", f"give one of {context.get('expected')}"
        case "string_pattern_mismatch":
            return f"{name} is not written as it has to be", f"write it to match {context.get('pattern')}"
    return f"{name}: {found['msg'][:1].lower()}{found['msg'][1:]}", "give a value of the kind the description says"


def _sound(text: str) -> str:
    """Text that can be written as UTF-8, on one line and within bounds, whatever it quotes."""
    told = " ".join(text.encode("utf-8", "backslashreplace").decode("utf-8").split())
    return "".join(c if c.isprintable() else f"\\u{ord(c):04x}" for c in told)[:1_000]
