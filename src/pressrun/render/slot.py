"""Slots: the places in a rendered mail that each recipient's values fill."""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum


class Slot(StrEnum):
    """What may differ from recipient to recipient; a name that ends in `_url` is an address."""

    GREETING = "greeting"
    NAME = "name"
    ADDRESS = "address"
    UNSUBSCRIBE_URL = "unsubscribe_url"


@dataclass(frozen=True)
class SlotTokens:
    """What templates write for a slot; the nonce keeps text that looks like a slot from being one.

    Only a host name in an address, and a word between @@ elsewhere, come through Markdown, nh3, css-inline
    and mrml unchanged.
    """

    nonce: str

    def __getitem__(self, name: str) -> str:
        if name not in set(Slot):
            raise KeyError(name)  # which makes it undefined for a template, told with file and line
        slot = Slot(name)
        return f"https://{self.nonce}.invalid/{slot}" if slot.endswith("_url") else f"@@{self.nonce}.{slot}@@"

    @property
    def pattern(self) -> re.Pattern[str]:
        """Matches any slot; its one group is the slot's name."""
        return re.compile(rf"(?:@@{self.nonce}\.|https://{self.nonce}\.invalid/)([a-z_]+)(?:(?<!_url)@@|(?<=_url))")


@dataclass(frozen=True)
class SlottedText:
    """A text cut at its slots: `literals` has one more item than `slots`."""

    literals: tuple[str, ...]
    slots: tuple[Slot, ...]
    escape: Callable[[str], str]

    def fill(self, values: Mapping[Slot, str]) -> str:
        """The text with each slot's value, escaped for where it stands."""
        parts = [self.literals[0]]
        for slot, literal in zip(self.slots, self.literals[1:], strict=True):
            parts += (self.escape(values[slot]), literal)
        return "".join(parts)


def cut_html(text: str, tokens: SlotTokens) -> SlottedText:
    """`text` as HTML: values are escaped for content and quoted attributes alike."""
    return _cut(text, tokens, html.escape)


def cut_plain(text: str, tokens: SlotTokens) -> SlottedText:
    """`text` as plain text: a value can't bring line breaks with it."""
    return _cut(text, tokens, lambda value: " ".join(value.split()))


def _cut(text: str, tokens: SlotTokens, escape: Callable[[str], str]) -> SlottedText:
    parts = tokens.pattern.split(text)
    return SlottedText(tuple(parts[::2]), tuple(Slot(name) for name in parts[1::2]), escape)
