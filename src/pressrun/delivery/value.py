"""Values: what stands in a recipient's slots, each on one line, before it is escaped for its place."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache
from operator import attrgetter
from types import MappingProxyType
from typing import NamedTuple

from pressrun.address import AddressError, parse_address
from pressrun.delivery.header import clean_line
from pressrun.render.edition import Edition, Field
from pressrun.render.slot import Escape, Slot, SlottedText, SlotTokens, cut_header, cut_html, cut_plain


class Recipient(NamedTuple):
    """One person as the row knows them; `planned_at` dates the message at every try alike."""

    address: str
    name: str
    message_id: str
    planned_at: dt.datetime
    unsubscribe_url: str
    unsubscribe_mail: str | None = None
    preferences_url: str = ""
    list: str = ""
    attributes: Mapping[str, str] = MappingProxyType({})
    person: str = ""


Reader = Callable[[Recipient], str]
Places = Mapping[tuple[str, Escape], int]
"""Under which number the value of a slot, escaped so, is found."""


def slot_readers(edition: Edition) -> dict[str, Reader]:
    """For each slot of the edition what reads its value off a recipient."""
    greet_one = _greeter(edition)
    return {f"field{n}": _field_reader(wanted) for n, wanted in enumerate(edition.fields)} | {
        Slot.GREETING: lambda recipient: greet_one(recipient.name),
        Slot.NAME: _KNOWN["name"],
        Slot.ADDRESS: _KNOWN["address"],
        Slot.UNSUBSCRIBE_URL: attrgetter("unsubscribe_url"),
        Slot.PREFERENCES_URL: attrgetter("preferences_url"),
        Slot.VIEW_URL: lambda recipient: edition.url,
        Slot.MESSAGE_ID: attrgetter("message_id"),
        Slot.LIST: _KNOWN["list"],
        Slot.PERSON: attrgetter("person"),
    }


def read_values(edition: Edition, recipient: Recipient) -> dict[str, str]:
    """Every slot's value for `recipient`."""
    return {slot: read(recipient) for slot, read in slot_readers(edition).items()}


def settle(text: SlottedText, slot: str, value: str) -> SlottedText:
    """`text` with that slot filled: the value is the same for everybody."""
    literals, slots, escapes = [text.literals[0]], [], []
    for name, escape, literal in zip(text.slots, text.escapes, text.literals[1:], strict=True):
        if name == slot:
            literals[-1] += escape(value) + literal
        else:
            literals.append(literal)
            slots.append(name)
            escapes.append(escape)
    return SlottedText(tuple(literals), tuple(slots), tuple(escapes))


def read_facts(recipient: Recipient) -> dict[str, str]:
    """What conditions may ask of a recipient."""
    facts = {**recipient.attributes, **{name: read(recipient) for name, read in _KNOWN.items()}}
    facts["domain"] = _fold_domain(facts["domain"])
    return facts


@lru_cache(maxsize=4096)
def _fold_domain(domain: str) -> str:
    """The domain as conditions name it: in lower case, as A-labels."""
    try:
        return parse_address(f"a@{domain}").key[2:]
    except AddressError:
        return domain.lower()


def greet(edition: Edition, name: str) -> str:
    """The greeting for a person called `name`, or for one whose name is not known."""
    return _greeter(edition)(name)


def _greeter(edition: Edition) -> Callable[[str], str]:
    anonymous = clean_line(edition.greeting_anonymous or "")
    words = clean_line(edition.greeting or anonymous).split("{name}")

    def greet_one(name: str) -> str:
        clean = clean_line(name)
        return clean.join(words) if clean else anonymous

    return greet_one


_KNOWN: Mapping[str, Reader] = {
    "name": lambda recipient: clean_line(recipient.name),
    "address": attrgetter("address"),
    "domain": lambda recipient: recipient.address.rpartition("@")[2],
    "list": lambda recipient: clean_line(recipient.list),
}
"""What is known of everybody; no attribute of the same name hides it."""


def _field_reader(wanted: Field) -> Reader:
    fallback, attribute = clean_line(wanted.fallback), wanted.attribute
    if known := _KNOWN.get(attribute):
        return lambda recipient: known(recipient) or fallback
    return lambda recipient: clean_line(recipient.attributes.get(attribute) or "") or fallback


class SlotValues:
    """The values of some texts' slots, escaped for their places and encoded, each under a number of its own."""

    def __init__(self, texts: Iterable[SlottedText], readers: Mapping[str, Reader]) -> None:
        pairs = tuple(dict.fromkeys(pair for text in texts for pair in zip(text.slots, text.escapes, strict=True)))
        slots = tuple(dict.fromkeys(slot for slot, _ in pairs))
        calm = tuple(dict.fromkeys(escape for _, escape in pairs if escape in CALM))
        quick = [(slot, escape) for escape in calm for slot in slots]
        others = [pair for pair in pairs if pair not in quick]
        self._readers = [readers[slot] for slot in slots]
        self._calm = calm
        self._others = [(slots.index(slot), escape) for slot, escape in others]
        self.places: Places = {pair: place for place, pair in enumerate((*quick, *others))}

    def read(self, recipient: Recipient) -> list[bytes]:
        """The values for `recipient` by place, each one line of UTF-8."""
        values = [read(recipient) for read in self._readers]
        # Most people's values hold nothing that has to be escaped: all are asked at once.
        joined = "|".join(values)
        if joined.isprintable():
            line = joined.encode()
            octets = line.split(b"|")
            if len(octets) == len(values) and len(line.translate(None, _MARKUP)) == len(line):
                return self._add_others(octets * len(self._calm), values)
        return self._read_any([clean_line(value) for value in values])

    def _read_any(self, values: Sequence[str]) -> list[bytes]:
        octets = [value.encode() for value in values]
        odd = [n for n, line in enumerate(octets) if len(line.translate(None, _MARKUP)) != len(line)]
        found = octets * len(self._calm)
        for k, escape in enumerate(self._calm):
            for n in odd:
                found[k * len(values) + n] = escape(values[n]).encode()
        return self._add_others(found, values)

    def _add_others(self, found: list[bytes], values: Sequence[str]) -> list[bytes]:
        return found + [_escape(escape, values[n]) for n, escape in self._others] if self._others else found


@lru_cache(maxsize=4096)
def _escape(escape: Escape, value: str) -> bytes:
    """An attribute's value in a link, for one: many readers live in one city."""
    return escape(value).encode()


_MARKUP = b"&<>\"'"


def _find_calm() -> frozenset[Escape]:
    tokens = SlotTokens("calm")
    return frozenset(cut(tokens[Slot.NAME], tokens).escapes[0] for cut in (cut_html, cut_plain, cut_header))


CALM = _find_calm()
"""The escapes that change nothing in a clean line without & < > and quotes."""
