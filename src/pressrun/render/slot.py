"""Slots: the places in a rendered mail that each recipient's values fill, and the blocks that some recipients see."""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from urllib.parse import quote

Escape = Callable[[str], str]


class Slot(StrEnum):
    """What may differ from recipient to recipient; a name that ends in `_url` is an address.

    Beside these `field0`, `field1` … are slots: an edition's `fields`.
    """

    GREETING = "greeting"
    NAME = "name"
    ADDRESS = "address"
    UNSUBSCRIBE_URL = "unsubscribe_url"
    PREFERENCES_URL = "preferences_url"
    VIEW_URL = "view_url"
    MESSAGE_ID = "message_id"
    LIST = "list"
    PERSON = "person"  # says in counted links whose they are: see `tracking`


_ADDRESSES = "|".join(slot for slot in Slot if slot.endswith("_url"))
_WORDS = "|".join(slot for slot in Slot if not slot.endswith("_url")) + r"|field\d+"
_NUMBERED = re.compile(r"(?:field|if|end)(?:0|[1-9]\d*)")


@dataclass(frozen=True)
class SlotTokens:
    """What stands for a slot until it is filled; the nonce keeps text that looks like a slot from being one.

    Only a host name in an address, and a word between @@ elsewhere, come through Markdown, nh3, css-inline
    and mrml unchanged. `if0` and `end0` enclose what only those see who meet an edition's first condition.
    """

    nonce: str

    def __getitem__(self, name: str) -> str:
        if name not in set(Slot) and not _NUMBERED.fullmatch(name):
            raise KeyError(name)  # which makes it undefined for a template, told with file and line
        return f"https://{self.nonce}.invalid/{name}" if name.endswith("_url") else f"@@{self.nonce}.{name}@@"

    @property
    def pattern(self) -> re.Pattern[str]:
        """Matches any slot; its groups are the slot's name, one for words and one for addresses."""
        nonce = re.escape(self.nonce)
        return re.compile(rf"@@{nonce}\.({_WORDS})@@|https://{nonce}\.invalid/({_ADDRESSES})")

    @property
    def block_pattern(self) -> re.Pattern[str]:
        """Matches where a block begins or ends; its groups are `if` or `end`, and the condition's number."""
        return re.compile(rf"@@{re.escape(self.nonce)}\.(if|end)(\d+)@@")


@dataclass(frozen=True)
class SlottedText:
    """A text cut at its slots: `literals` has one more item than `slots`, and each slot has its own escape."""

    literals: tuple[str, ...]
    slots: tuple[str, ...]
    escapes: tuple[Escape, ...]

    def fill(self, values: Mapping[str, str]) -> str:
        """The text with each slot's value, escaped for where it stands."""
        parts = [self.literals[0]]
        for slot, escape, literal in zip(self.slots, self.escapes, self.literals[1:], strict=True):
            parts += (escape(values[slot]), literal)
        return "".join(parts)


def select_blocks(text: str, tokens: SlotTokens, met: Sequence[bool]) -> str:
    """`text` with only the blocks whose condition is `met`, by the condition's number; the blocks' tokens are gone.

    Blocks may nest. Raises ValueError where they don't close as they opened.
    """
    kept: list[str] = []
    open_blocks: list[int] = []
    hidden = 0  # how many of the open blocks are not met
    done = 0
    for token in tokens.block_pattern.finditer(text):
        if not hidden:
            kept.append(text[done : token.start()])
        done, number = token.end(), int(token[2])
        if token[1] == "if":
            open_blocks.append(number)
            hidden += not met[number]
        elif not open_blocks or open_blocks.pop() != number:
            raise ValueError(f"block {number} closes where it is not the last one open")
        else:
            hidden -= not met[number]
    if open_blocks:
        raise ValueError(f"block {open_blocks[-1]} never closes")
    return "".join((*kept, text[done:]))


def cut_html(text: str, tokens: SlotTokens) -> SlottedText:
    """`text` as HTML: a value is escaped for the text, attribute or address that it stands in."""
    stands_in = dict(_attribute_slots(text, tokens))
    return _cut(text, tokens, lambda slot: stands_in.get(slot.start(), html.escape))


def cut_plain(text: str, tokens: SlotTokens) -> SlottedText:
    """`text` as plain text: a value can't bring line breaks with it, nor blanks into an address."""
    return _cut(text, tokens, _plain_escape)


def cut_header(text: str, tokens: SlotTokens) -> SlottedText:
    """`text` of a header: a value is one line without control characters, and nothing else is changed."""
    return _cut(text, tokens, lambda slot: _one_line)


def _cut(text: str, tokens: SlotTokens, escape_of: Callable[[re.Match[str]], Escape]) -> SlottedText:
    literals, slots, escapes, done = [], [], [], 0
    for slot in tokens.pattern.finditer(text):
        literals.append(text[done : slot.start()])
        slots.append(slot[1] or slot[2])
        escapes.append(escape_of(slot))
        done = slot.end()
    return SlottedText((*literals, text[done:]), tuple(slots), tuple(escapes))


# Values of attributes: in double or single quotes, or bare. Tags inside of Outlook's comments are found as others are.
_VALUE = r"""=\s*(?:"(?P<double>[^"]*)"|'(?P<single>[^']*)'|(?P<bare>[^\s"'>]+))"""
_ATTRIBUTE = re.compile(rf"(?P<name>[^\s\"'<>/=]+)\s*{_VALUE}")
_TAG = re.compile(r"""<[A-Za-z](?:[^"'<>]|"[^"]*"|'[^']*')*>""")
_HOLDS_ADDRESS = frozenset({"href", "src", "action", "background", "cite", "formaction", "poster"})


def _attribute_slots(text: str, tokens: SlotTokens) -> Iterator[tuple[int, Escape]]:
    """Where a slot stands in an attribute, and how it is escaped there."""
    for tag in _TAG.finditer(text):
        if tokens.nonce not in tag[0]:
            continue
        for attribute in _ATTRIBUTE.finditer(text, tag.start(), tag.end()):
            group = attribute.lastgroup or ""
            value = attribute[group]
            for slot in tokens.pattern.finditer(value):
                escape = _attribute_escape(attribute["name"].lower(), group, value, slot)
                yield attribute.start(group) + slot.start(), escape


def _attribute_escape(name: str, group: str, value: str, slot: re.Match[str]) -> Escape:
    if group == "bare":
        return _escape_bare
    if name not in _HOLDS_ADDRESS:
        return html.escape
    if slot[0] == value.strip():
        return html.escape if slot[2] else _escape_address
    # Percent-encoding leaves nothing that HTML needs escaped.
    return _quote_in_mailto if value.lstrip().lower().startswith("mailto:") else _quote


_ASCII_ADDRESS = re.compile(r"(?:https?://|mailto:)(?:[!-;=?-~]*[A-Za-z0-9=/&?#%_~+:@-])?$", re.IGNORECASE)


def _plain_escape(slot: re.Match[str]) -> Escape:
    address = _ASCII_ADDRESS.search(slot.string, max(0, slot.start() - 2_000), slot.start())
    if slot[2] or not address:
        return _strip_breaks
    return _quote_in_mailto if address[0].lower().startswith("mailto:") else _quote


_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]+")
_NOT_PLAIN = re.compile(r"[^A-Za-z0-9]")
_SAFE_ADDRESS = re.compile(r"\s*(?:https?://[^/?#\s]|mailto:|tel:)", re.IGNORECASE)


def _one_line(value: str) -> str:
    return " ".join(_CONTROL.sub(" ", value).split())


def _strip_breaks(value: str) -> str:
    return " ".join(value.split())


def _quote(value: str) -> str:
    return quote(value, safe="", errors="replace")


def _quote_in_mailto(value: str) -> str:
    return quote(value, safe="@", errors="replace")  # RFC 6068 §2: the @ between the parts stays


def _escape_address(value: str) -> str:
    """A value that is a whole address; nothing where it is none that a link may lead to, such as a script."""
    if not _SAFE_ADDRESS.match(value):
        return ""
    return html.escape(quote(value.strip(), safe="!#$%&'()*+,/:;=?@[]~", errors="replace"))


def _escape_bare(value: str) -> str:
    """For an attribute without quotes, where nearly anything would end the value."""
    return _NOT_PLAIN.sub(lambda character: f"&#{ord(character[0])};", value)
