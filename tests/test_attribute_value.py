"""The canonical text of a value: which texts are the same one, and which are none."""

from __future__ import annotations

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pressrun.attribute_value import AttributeType, ValueFault, clean_choice, clean_value

NUMBER, DATE, BOOLEAN = AttributeType.NUMBER, AttributeType.DATE, AttributeType.BOOLEAN
LANGUAGE, TIMEZONE = AttributeType.LANGUAGE, AttributeType.TIMEZONE


@pytest.mark.parametrize(
    ("kind", "text", "canonical"),
    [
        *((NUMBER, text, "7.5") for text in ("7.5", "+7.5", "007.50", "7.500")),
        *((NUMBER, text, "0") for text in ("0", "-0", "000", "0.00", "-0.0")),
        (NUMBER, "-12", "-12"),
        (NUMBER, "7.", "7"),
        *((DATE, text, "2026-02-08") for text in ("2026-02-08", "2026/2/8", "2026.02.08", "2026年2月8日")),
        *((BOOLEAN, text, "true") for text in ("true", "Yes", "1", "是", "ON")),
        *((BOOLEAN, text, "false") for text in ("FALSE", "no", "0", "否", "off")),
        (LANGUAGE, "ZH_hans_cn", "zh-Hans-CN"),
        (LANGUAGE, "en", "en"),
        (TIMEZONE, "asia/shanghai", "Asia/Shanghai"),
        (AttributeType.TEXT, " as it is ", " as it is "),
    ],
)
def test_texts_of_one_value_have_one_canonical_text(kind: AttributeType, text: str, canonical: str) -> None:
    assert clean_value(kind, text) == canonical
    assert clean_value(kind, canonical) == canonical


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        *((NUMBER, text) for text in ("", "1,000", "1e5", "NaN", "inf", "0x10", "１２", "1 2", ".", "-", "1" * 16)),
        *((DATE, text) for text in ("", "2026-02-30", "01/02/2026", "2026-2/8", "2026", "2026-02-08T00:00")),
        *((BOOLEAN, text) for text in ("", "maybe", "2")),
        *((LANGUAGE, text) for text in ("", "Chinese!", "z", "zh--CN", "zh-")),
        *((TIMEZONE, text) for text in ("", "Mars/Base", "../etc/passwd")),
    ],
)
def test_a_text_that_is_no_value_is_refused_with_a_remedy(kind: AttributeType, text: str) -> None:
    with pytest.raises(ValueFault) as found:
        clean_value(kind, text)
    assert found.value.remedy


def test_a_choice_is_found_whatever_its_case_unless_two_differ_by_it_alone() -> None:
    assert clean_choice("FREE", ("free", "paid")) == "free"
    assert clean_choice("A", ("a", "A")) == "A"
    with pytest.raises(ValueFault, match="none of its choices"):
        clean_choice("Ab", ("ab", "AB"))


def test_a_long_text_is_shown_in_part() -> None:
    with pytest.raises(ValueFault) as found:
        clean_value(NUMBER, "x" * 5_000)
    assert len(found.value.message) < 100


@given(
    st.sampled_from(list(AttributeType)), st.text(st.sampled_from("0123456789.-+/年月日zhenCN_ trufalse"), max_size=20)
)
def test_what_is_clean_stays_as_it_is(kind: AttributeType, text: str) -> None:
    if kind is AttributeType.CHOICE:
        return
    try:
        canonical = clean_value(kind, text)
    except ValueFault:
        return
    assert clean_value(kind, canonical) == canonical


@given(st.dates(min_value=dt.date(1000, 1, 1)))
def test_every_day_is_read_in_each_form(day: dt.date) -> None:
    for form in (
        "{0.year:04}-{0.month}-{0.day}",
        "{0.year:04}/{0.month:02}/{0.day:02}",
        "{0.year:04}年{0.month}月{0.day}日",
    ):
        assert clean_value(DATE, form.format(day)) == day.isoformat()


@given(st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**7), max_value=10**7, places=4))
def test_canonical_numbers_are_equal_as_texts_if_they_are_as_numbers(number: object) -> None:
    canonical = clean_value(NUMBER, f"{number:f}")
    assert float(canonical) == float(str(number))
    assert clean_value(NUMBER, f"{number:+f}" if not str(number).startswith("-") else f"{number:f}") == canonical
