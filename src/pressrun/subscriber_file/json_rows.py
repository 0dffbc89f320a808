"""Rows of JSON lines (one object a line), and attributes that stand in a cell as a JSON object."""

from __future__ import annotations

import json
import math
from collections.abc import Collection, Iterator, Sequence
from typing import Any, NoReturn

from pressrun.address import AddressError, ParsedAddress, parse_address
from pressrun.attribute import AttributeSchema
from pressrun.store.subscriber import RejectedRow, Row, find_fault, is_attribute_name
from pressrun.subscriber_file.format import ADDRESS_HEADINGS, NAME_HEADINGS, TAGS_HEADING
from pressrun.subscriber_file.lines import Lines, RowError
from pressrun.subscriber_file.values import check_tags, type_attributes

_ATTRIBUTES = "attributes"


def read_json_rows(lines: Lines, schema: AttributeSchema, skipped: Sequence[str]) -> Iterator[Row | RejectedRow]:
    """The objects, a line each: `email`, `name`, `tags`, `attributes`, and any other key as an attribute."""
    left_out = {name.casefold() for name in skipped}
    while True:
        number = lines.begin_row()
        line = next(lines, "")
        if not line:
            return
        if not line.strip():
            continue
        try:
            yield _read_row(number, line, schema, left_out)
        except RowError as fault:
            yield lines.reject_row(fault)


def _read_row(number: int, line: str, schema: AttributeSchema, left_out: Collection[str]) -> Row:
    found = {key: value for key, value in _read_object(line).items() if key.casefold() not in left_out}
    address = _take(found, ADDRESS_HEADINGS)
    name = _take(found, NAME_HEADINGS)
    tags = check_tags(_read_tags(found.pop(TAGS_HEADING, None)))
    packed = found.pop(_ATTRIBUTES, None)
    attributes = {**_flatten({} if packed is None else packed), **_flatten(found)}
    attributes = {key: value for key, value in attributes.items() if key.casefold() not in left_out}
    if fault := find_fault(name or "", attributes):
        raise RowError(fault)
    return Row(number, _parse(address), name, type_attributes(schema, attributes), tags)


def read_attributes(text: str) -> dict[str, str]:
    """The attributes in a cell that holds a JSON object. Raises `RowError`."""
    return _flatten(_read_object(text))


def _read_object(text: str) -> dict[str, Any]:
    try:
        found = json.loads(text, object_pairs_hook=_read_pairs, parse_constant=_refuse)
    except RecursionError:
        raise RowError("this JSON is nested too deep") from None
    except ValueError:  # numbers of thousands of digits too
        raise RowError("this is no JSON object") from None
    if not isinstance(found, dict):
        raise RowError("this is no JSON object")
    return found


def _read_pairs(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise RowError("a key stands in this JSON object twice")
    return found


def _refuse(text: str) -> NoReturn:
    raise RowError(f"{text} is no JSON")


def _take(found: dict[str, Any], names: Sequence[str]) -> str | None:
    """The text under the first of `names` that is there, which is taken out."""
    for name in names:
        for key in list(found):
            if key.casefold() == name:
                value = found.pop(key)
                if isinstance(value, str | None):
                    return value.strip() if value else value
                raise RowError(f"{key} is no text")
    return None


def _parse(address: str | None) -> ParsedAddress:
    if not address:
        raise RowError("no address")
    try:
        return parse_address(address)
    except AddressError as error:
        raise RowError(str(error)) from None


def _read_tags(value: object) -> tuple[str, ...]:
    if value is None:
        return ()
    if isinstance(value, list) and all(isinstance(tag, str) for tag in value):
        return tuple(dict.fromkeys(value))
    raise RowError("tags is no list of texts")


def _flatten(values: object) -> dict[str, str]:
    if not isinstance(values, dict):
        raise RowError("attributes is no JSON object")
    if unfit := [key for key in values if not is_attribute_name(key)]:
        raise RowError(f"{unfit[0]!r} can't name an attribute")
    return {key: _text_of(key, value) for key, value in values.items()}


def _text_of(key: str, value: object) -> str:
    if isinstance(value, str):
        return value
    if value is None:
        return ""
    if isinstance(value, float) and not math.isfinite(value):
        raise RowError(f"{key} is no number that can be kept")
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
