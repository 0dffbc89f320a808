"""Whether the values of a row agree with what the workspace declares and the store takes."""

from __future__ import annotations

from pressrun.attribute import AttributeSchema
from pressrun.errors import UsageError
from pressrun.store.tag import check_tag
from pressrun.subscriber_file.lines import RowError


def type_attributes(schema: AttributeSchema, attributes: dict[str, str]) -> dict[str, str]:
    """`attributes` in the forms of `schema`. Raises `RowError`."""
    values, faults = schema.clean(attributes, whole=True)
    if faults:
        raise RowError(faults[0].message)
    return values


def check_tags(tags: tuple[str, ...]) -> tuple[str, ...]:
    """`tags`, if each can be one. Raises `RowError`."""
    try:
        return tuple(map(check_tag, tags))
    except UsageError as error:
        raise RowError(error.message) from None
