"""Expressions that SQLite and PostgreSQL spell differently: an attribute, a number in a text, a piece of it."""

from __future__ import annotations

import datetime as dt
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement

from pressrun.condition.literal import MOST_DIGITS
from pressrun.store.tables import UtcDateTime


class number_of(FunctionElement[float]):  # noqa: N801 - reads as a function
    """The number that a text is in decimal digits; NULL where it is none (`condition.literal.read_number`)."""

    type = sa.Double()
    inherit_cache = True


@compiles(number_of, "sqlite")
def _number_in_sqlite(element: number_of, compiler: SQLCompiler, **options: Any) -> str:
    text = compiler.process(element.clauses, **options)
    form = (
        "t.v NOT GLOB '*[^0-9.-]*' AND t.v NOT GLOB '?*-*' AND t.v NOT GLOB '*.*.*' AND t.v GLOB '*[0-9]' "
        "AND (t.v GLOB '[0-9]*' OR t.v GLOB '-[0-9]*')"
    )
    digits = f"length(replace(replace(t.v, '-', ''), '.', '')) <= {MOST_DIGITS}"
    return f"(SELECT CASE WHEN {form} AND {digits} THEN CAST(t.v AS REAL) END FROM (SELECT {text} AS v) AS t)"


@compiles(number_of, "postgresql")
def _number_in_postgres(element: number_of, compiler: SQLCompiler, **options: Any) -> str:
    text = compiler.process(element.clauses, **options)
    digits = f"length(replace(replace(t.v, '-', ''), '.', '')) <= {MOST_DIGITS}"
    form = f"t.v ~ '^-?[0-9]+([.][0-9]+)?$' AND {digits}"
    return f"(SELECT CASE WHEN {form} THEN CAST(t.v AS DOUBLE PRECISION) END FROM (SELECT {text} AS v) AS t)"


class is_day_text(FunctionElement[bool]):  # noqa: N801 - reads as a function
    """Whether a text has the form of a day: such texts compare as the days do."""

    type = sa.Boolean()
    inherit_cache = True


@compiles(is_day_text, "sqlite")
def _day_in_sqlite(element: is_day_text, compiler: SQLCompiler, **options: Any) -> str:
    digits = "[0-9]"
    form = f"{digits * 4}-{digits * 2}-{digits * 2}"
    return f"({compiler.process(element.clauses, **options)} GLOB '{form}')"


@compiles(is_day_text, "postgresql")
def _day_in_postgres(element: is_day_text, compiler: SQLCompiler, **options: Any) -> str:
    return f"({compiler.process(element.clauses, **options)} ~ '^[0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}}$')"


class domain_of(FunctionElement[str]):  # noqa: N801 - reads as a function
    """What follows the @ of an address."""

    type = sa.Text()
    inherit_cache = True


@compiles(domain_of, "sqlite")
def _domain_in_sqlite(element: domain_of, compiler: SQLCompiler, **options: Any) -> str:
    address = compiler.process(element.clauses, **options)
    return f"substr({address}, instr({address}, '@') + 1)"


@compiles(domain_of, "postgresql")
def _domain_in_postgres(element: domain_of, compiler: SQLCompiler, **options: Any) -> str:
    return f"split_part({compiler.process(element.clauses, **options)}, '@', 2)"


class _find_text(FunctionElement[int]):  # noqa: N801 - reads as a function
    type = sa.Integer()
    inherit_cache = True


@compiles(_find_text, "sqlite")
def _find_in_sqlite(element: _find_text, compiler: SQLCompiler, **options: Any) -> str:
    return f"instr({compiler.process(element.clauses, **options)})"


@compiles(_find_text, "postgresql")
def _find_in_postgres(element: _find_text, compiler: SQLCompiler, **options: Any) -> str:
    return f"strpos({compiler.process(element.clauses, **options)})"


def find_text(text: sa.ColumnElement[str], piece: str) -> sa.ColumnElement[int]:
    """Where `piece` begins in a text, from 1 on; 0 where it is not in it."""
    return _find_text(text, sa.literal(piece, sa.Text))


class _attribute_by_key(FunctionElement[str]):  # noqa: N801 - reads as a function
    type = sa.Text()
    inherit_cache = True


@compiles(_attribute_by_key, "sqlite")
def _key_in_sqlite(element: _attribute_by_key, compiler: SQLCompiler, **options: Any) -> str:
    attributes, name = (compiler.process(part, **options) for part in element.clauses)
    return f"(SELECT a.value FROM json_each({attributes}) AS a WHERE a.key = {name})"


@compiles(_attribute_by_key, "postgresql")
def _key_in_postgres(element: _attribute_by_key, compiler: SQLCompiler, **options: Any) -> str:
    attributes, name = (compiler.process(part, **options) for part in element.clauses)
    return f"({attributes} ->> {name})"


def attribute_of(attributes: sa.ColumnElement[Any], name: str) -> sa.ColumnElement[str]:
    """The value of the attribute `name`, whatever the name; NULL where there is none."""
    if set(name) & {'"', "\\"}:  # SQLite's paths know no way to write these
        return _attribute_by_key(attributes, sa.literal(name, sa.Text))
    return attributes[name].as_string()  # type: ignore[no-any-return]


def day_bounds(day: str) -> tuple[sa.ColumnElement[Any], sa.ColumnElement[Any]]:
    """The first moment of a day of UTC, and that of the next."""
    begin = dt.datetime.fromisoformat(day).replace(tzinfo=dt.UTC)
    last = dt.datetime.max.replace(tzinfo=dt.UTC)
    end = begin + dt.timedelta(days=1) if begin.date() < last.date() else last
    return sa.literal(begin, UtcDateTime()), sa.literal(end, UtcDateTime())
