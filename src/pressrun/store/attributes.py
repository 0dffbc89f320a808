"""How given attributes join stored ones, in the SQL of either dialect: RFC 7396 with an empty value for null."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB

from pressrun.store.tables import subscribers


def clean_attributes(attributes: Mapping[str, str]) -> dict[str, str | None]:
    """The attributes as a merge patch: an empty value removes."""
    return {key: value or None for key, value in attributes.items()}


def merged(dialect: str, stored: sa.ColumnElement[Any], patch: sa.ColumnElement[str]) -> sa.ColumnElement[Any]:
    """`stored` with `patch`, a merge patch as JSON text, applied; as the column holds it."""
    if dialect == "postgresql":
        return sa.cast(_merged_jsonb(stored, patch), sa.JSON)
    return sa.func.json_patch(stored, patch)


def differs(
    dialect: str,
    address: sa.ColumnElement[Any],
    name: sa.ColumnElement[Any],
    patch: sa.ColumnElement[str],
) -> sa.ColumnElement[bool]:
    """Whether a stored subscriber would change by these; a `name` of NULL changes nothing."""
    stored = subscribers.c.attributes
    if dialect == "postgresql":
        unlike = _merged_jsonb(stored, patch) != sa.cast(stored, JSONB)
    else:
        unlike = sa.func.json_patch(stored, patch) != sa.func.json(stored)
    # NULL <> name is NULL, and NULL OR false is no match.
    return sa.or_(subscribers.c.address != address, subscribers.c.name != name, unlike)


def _merged_jsonb(stored: sa.ColumnElement[Any], patch: sa.ColumnElement[str]) -> sa.ColumnElement[Any]:
    both = sa.cast(stored, JSONB).op("||", return_type=JSONB())(sa.cast(patch, JSONB))
    return sa.func.jsonb_strip_nulls(both, type_=JSONB())
