"""Fields in an editor's text: what is one, what is a fault, and what stays as it is."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pressrun.source.field import FieldUse, field_faults, fields_in, hide_fields, write_fields


def shown(use: FieldUse) -> str:
    return f"<{use.name}/{use.fallback}>"


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("a {{ city }} b", "a <city/> b"),
        ("{{city}}{{ city|x }}", "<city/><city/x>"),
        ("{{ city | your city }}", "<city/your city>"),
        ("{{ 城市 | 您的城市 }}", "<城市/您的城市>"),
        ("{{ first name | you, }}", "<first name/you,>"),
        ("{{ utm.source-2 |}}", "<utm.source-2/>"),
        ("{{ unsubscribe_url }}", "<unsubscribe_url/>"),
        (r"\{{ city }} and \{{", "{{ city }} and {{"),
        ("{ city } }} {city}", "{ city } }} {city}"),
        ("no braces", "no braces"),
    ],
)
def test_a_field_is_written(text: str, written: str) -> None:
    assert write_fields(text, shown) == written
    assert list(field_faults(text)) == []


@pytest.mark.parametrize(
    ("text", "at", "says"),
    [
        ("a {{ }} b", 2, "names no attribute"),
        ("{{ | x }}", 0, "names no attribute"),
        ("{{ city", 0, "not closed"),
        ("{{ city\n}}", 0, "not closed"),
        ("{{ a | b | c }}", 0, "| can't stand"),
        ("{{{ city }}}", 0, "{ can't stand"),
        ("{{ a {{ b }}", 0, "{ can't stand"),
        ("{{ a\u200bb }}", 0, "invisible"),
        ("{{ a | b\u202ec }}", 0, "invisible"),
        ("{{ unsubscribe_url | x }}", 0, "is there for everybody"),
    ],
)
def test_a_faulty_field_is_told_and_stays(text: str, at: int, says: str) -> None:
    fault, *others = field_faults(text)
    assert (fault.at, others) == (at, []) and says in fault.message and fault.hint
    assert write_fields(text, shown).count("<") == 0


@given(st.text("a {|}\\\n城", max_size=30))
def test_every_pair_of_braces_is_a_field_a_fault_or_literal(text: str) -> None:
    found = len(list(field_faults(text))) + len(list(fields_in(text)))
    written = write_fields(text, shown)
    assert written.count("<") == len(list(fields_in(text)))
    if not found:
        assert written == text.replace(r"\{{", "{{")


@given(st.text("a {|}@0\\1\n", max_size=30))
def test_hidden_fields_come_back_as_they_were_written(text: str) -> None:
    hidden, show = hide_fields(text)
    if "@@" not in text:
        assert show(hidden) == text
        assert "{{" not in hidden.replace("{{{", "") or "{{" not in text
