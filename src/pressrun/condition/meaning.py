"""Meanings: what a value of text stands for by the kind of its subject, and what is wrong with it."""

from __future__ import annotations

from pressrun.condition.literal import is_real_day
from pressrun.condition.term import ANY_BELOW
from pressrun.condition.vocabulary import Kind, Subject, suggest


def meant_by(kind: Kind, text: str) -> tuple[str, ...]:
    """The values that `text` stands for."""
    if kind is Kind.LANGUAGE and text and not text.endswith(ANY_BELOW):
        tag = _clean_language(text)
        return tag, f"{tag}{ANY_BELOW}"
    if kind is Kind.ADDRESS:
        return (_fold_address(text),)
    return (_fold_domain(text),) if kind is Kind.DOMAIN else (text,)


def _clean_language(text: str) -> str:
    from pressrun.attribute_value import AttributeType, ValueFault, clean_value

    try:
        return clean_value(AttributeType.LANGUAGE, text)
    except ValueFault:  # nobody has it
        return text


def _fold_address(text: str) -> str:
    from pressrun.address import AddressError, parse_address

    try:
        return parse_address(text).key
    except AddressError:  # nobody has it
        return text


def _fold_domain(text: str) -> str:
    return _fold_address(f"a@{text}").removeprefix("a@")


def fault_of(subject: Subject, text: str) -> tuple[str, str] | None:
    """What is wrong with `text` as a value of that kind, and what to do about it."""
    if not text:
        return None
    if subject.kind is Kind.NUMBER:
        return "a number belongs here", "write it without quotes"
    if subject.kind is Kind.DATE and not is_real_day(text):
        return f'"{text}" is no day', 'write it as "2026-01-31"; days like "30 days ago" go with < <= > >='
    if subject.kind is Kind.FLAG and text not in ("true", "false"):
        return f'"{text}" is neither true nor false', "write true or false"
    if subject.kind is Kind.CHOICE and text not in subject.choices:
        return f'"{text}" is none of its values', suggest(text, subject.choices)
    return None
