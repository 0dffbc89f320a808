"""Holds YAML values against a model and tells every fault with its place and remedy."""

from __future__ import annotations

import difflib
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from pressrun.finding import Finding
from pressrun.source.yamlfile import Path, YamlText

Model = TypeVar("Model", bound=BaseModel)


def validate(model: type[Model], text: YamlText, path: str) -> tuple[Model | None, list[Finding]]:
    """The value `text` holds as `model`, or None; and every finding, syntax included."""
    if text.data is None and text.findings:
        return None, list(text.findings)
    data = {} if text.data is None else text.data
    try:
        return model.model_validate(data), list(text.findings)
    except ValidationError as error:
        faults = [_finding(model, text, path, fault) for fault in _first_causes(error.errors(include_url=False))]
        return None, [*text.findings, *faults]


def _first_causes(faults: list[ErrorDetails]) -> list[ErrorDetails]:
    """Without "too few items" where the items are there and each has a fault of its own."""
    places = [fault["loc"] for fault in faults]

    def follows(fault: ErrorDetails) -> bool:
        at = fault["loc"]
        return fault["type"] == "too_short" and any(place[: len(at)] == at and place != at for place in places)

    return [fault for fault in faults if not follows(fault)]


def _finding(model: type[BaseModel], text: YamlText, path: str, fault: ErrorDetails) -> Finding:
    at: Path = tuple(fault["loc"])
    code, message, hint = _explain(model, at, fault)
    place = text.key_place_of(at) if code in ("unknown-key", "missing-field") else text.place_of(at)
    return Finding(path=path, line=place.line, column=place.column, code=code, message=message, hint=hint)


def _explain(model: type[BaseModel], at: Path, fault: ErrorDetails) -> tuple[str, str, str]:
    name = ".".join(str(part) for part in at) or "the file"
    field = _describe(model, at)
    kind = fault["type"]
    if kind == "missing":
        return "missing-field", f"{name} is missing", f"add it: {field}" if field else "add it"
    if kind == "extra_forbidden":
        return "unknown-key", f"{name} is not known here", _nearest(model, at)
    if kind.startswith(("date_", "time_", "datetime_")):
        what = f"{name} is {_shown(fault['input'])}, which is no date or time"
        form = "2026-02-28 09:00" if kind.startswith("datetime_") else "2026-02-28 or 09:00"
        return "bad-date", what, f"write it as {form}"
    if kind == "model_type":
        what = f"{name} is {_shown(fault['input'])}, where keys and values belong"
        return "wrong-type", what, f"known here: {', '.join(_keys_of(model, at))}"
    if kind == "tuple_type":
        return "wrong-type", f"{name} is {_shown(fault['input'])}, where a list belongs", field or "write a list"
    if kind == "value_error":
        return "bad-value", f"{name}: {fault['ctx']['error']}", field or "give another value"
    if kind.endswith("_type") or kind.endswith("_parsing"):
        return "wrong-type", f"{name}: {_lower(fault['msg'])}", field or "give a value of that kind"
    return "bad-value", f"{name} is {_shown(fault['input'])}: {_lower(fault['msg'])}", field or "give another value"


def _shown(value: Any) -> str:
    shown = repr(value)
    return shown if len(shown) <= 60 else f"{shown[:57]}…"


def _lower(message: str) -> str:
    return message[:1].lower() + message[1:]


def _parent_model(model: type[BaseModel], at: Path) -> type[BaseModel] | None:
    """The model that the last part of `at` is a key of."""
    current: type[BaseModel] | None = model
    for part in at[:-1]:
        if isinstance(part, int) or current is None:
            continue
        field = current.model_fields.get(part)
        current = _model_in(field.annotation) if field else None
    return current


def _model_in(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    for part in getattr(annotation, "__args__", ()):
        if found := _model_in(part):
            return found
    return None


def _describe(model: type[BaseModel], at: Path) -> str:
    if not at:
        return "give keys and values"
    while at and isinstance(at[-1], int):
        at = at[:-1]
    parent = _parent_model(model, at)
    field = parent.model_fields.get(str(at[-1])) if parent else None
    return (field.description or "") if field else ""


def _keys_of(model: type[BaseModel], at: Path) -> list[str]:
    """The keys that may stand in the part at `at`."""
    inside = _parent_model(model, (*at, ""))
    return list(inside.model_fields) if inside else []


def _nearest(model: type[BaseModel], at: Path) -> str:
    parent = _parent_model(model, at)
    known = list(parent.model_fields) if parent else []
    near = difflib.get_close_matches(str(at[-1]), known, n=1)
    return f"did you mean {near[0]}?" if near else f"known here: {', '.join(known)}"
