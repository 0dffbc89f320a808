"""The sample reader as whom one looks at a mail: with a name or without, and with what its conditions ask for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from pressrun.condition import parse_condition, probes
from pressrun.delivery.message import Recipient, read_values
from pressrun.delivery.value import read_facts
from pressrun.render.edition import Edition
from pressrun.render.sample import SAMPLE_ADDRESS, SAMPLE_NAME
from pressrun.render.slot import SlottedText, SlotTokens, cut_header, cut_html, cut_plain, select_blocks
from pressrun.source.field import write_fields

_OWN = frozenset({"name", "address", "domain", "list"})  # known of everybody: no attribute of the same name hides it


@dataclass(frozen=True)
class Reader:
    """Who reads: `about` is what is known of them beside the name, by attribute."""

    named: bool = True
    about: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Trait:
    """An attribute that makes a difference: `values` are those that conditions name; with none, any text will do."""

    name: str
    values: tuple[str, ...] = ()


def traits_of(edition: Edition) -> tuple[Trait, ...]:
    """What can be said of a reader that changes the mail, by name; the name itself aside."""
    asked: dict[str, set[str]] = {known.attribute: set() for known in edition.fields}
    for name, values in probes(map(parse_condition, edition.conditions)).items():
        asked.setdefault(name, set()).update({*values} - {""})
    return tuple(Trait(name, tuple(sorted(values))) for name, values in sorted(asked.items()) if _is_free(name, values))


def _is_free(name: str, values: set[str]) -> bool:
    """Whether a person may choose it; a name or an address that no condition names is given by the sample reader."""
    return name not in _OWN or bool(values)


def make_recipient(edition: Edition, reader: Reader) -> Recipient:
    """The recipient that stands for `reader`."""
    base, about = edition.base_url.rstrip("/"), reader.about
    name = SAMPLE_NAME.get(edition.language.split("-")[0], SAMPLE_NAME["en"]) if reader.named else ""
    return Recipient(
        address=_address(about),
        name=about.get("name") or name,
        message_id=f"<{edition.id[:24]}.sample@{edition.sender_address.rpartition('@')[2]}>",
        planned_at=edition.published,
        unsubscribe_url=f"{base}/unsubscribe/sample",
        unsubscribe_mail=edition.unsubscribe_mail,
        preferences_url=f"{base}/preferences/sample",
        list=about.get("list") or "sample",
        attributes={name: value for name, value in about.items() if name not in _OWN},
    )


def _address(about: Mapping[str, str]) -> str:
    if named := about.get("address"):
        return named
    local, _, domain = SAMPLE_ADDRESS.rpartition("@")
    return f"{local}@{about.get('domain') or domain}"


def read_html(edition: Edition, reader: Reader) -> str:
    """The mail's HTML as `reader` gets it."""
    tokens = SlotTokens(edition.nonce)
    return _fill(cut_html(_select(edition.html, edition, reader), tokens), edition, reader)


def read_text(edition: Edition, reader: Reader) -> str:
    """The mail's plain text as `reader` gets it."""
    tokens = SlotTokens(edition.nonce)
    return _fill(cut_plain(_select(edition.text, edition, reader), tokens), edition, reader)


def read_subject(edition: Edition, reader: Reader) -> str:
    """The subject as `reader` gets it."""
    return " ".join(_fill(cut_header(edition.subject, SlotTokens(edition.nonce)), edition, reader).split())


def read_line(text: str, edition: Edition, reader: Reader) -> str:
    """A line of the source as `reader` gets it, with its fields filled."""
    facts = read_facts(make_recipient(edition, reader))
    return " ".join(write_fields(text, lambda use: facts.get(use.name) or use.fallback).split())


def _select(text: str, edition: Edition, reader: Reader) -> str:
    facts = read_facts(make_recipient(edition, reader))
    met = [parse_condition(condition).holds(facts) for condition in edition.conditions]
    return select_blocks(text, SlotTokens(edition.nonce), met)


def _fill(text: SlottedText, edition: Edition, reader: Reader) -> str:
    return text.fill(read_values(edition, make_recipient(edition, reader)))
