"""Header fields: whatever the values, one field each, of short lines, in ASCII (RFC 5322 §2.2, RFC 2047)."""

from __future__ import annotations

import unicodedata
from binascii import b2a_base64
from collections.abc import Iterator
from functools import lru_cache
from urllib.parse import quote

import idna

_LINE = 76  # RFC 2047 §2, for lines with encoded words
_LONGEST_PHRASE = 60
_WORD = 39  # octets of text in an encoded word: 64 characters, so that any field's name stands beside it
_FOLD = "\r\n "
_ATOM_MARKS = dict.fromkeys(map(ord, " !#$%&'*+-/=?^_`{|}~"))  # RFC 5322 §3.2.3, and spaces between atoms
_URI_MARKS = "!#$%&'()*+,-./:;=?@[]_~"
_TOKEN_MARKS = "!#$&+-.^_`|~"  # RFC 2231 §7, attribute-char


def clean_line(text: str) -> str:
    """`text` on one line, without control characters: nothing in it can begin a header of its own.

    A lone surrogate, which no encoding has a place for, becomes U+FFFD.
    """
    if text.isprintable():
        return " ".join(text.split()) if " " in text else text
    return " ".join("".join(map(_clean_letter, text)).split())


def _clean_letter(letter: str) -> str:
    match unicodedata.category(letter):
        case "Cc":
            return " "
        case "Cs":
            return "\ufffd"
    return letter


def wire_address(address: str) -> str:
    """`address` with its domain as A-labels, as envelopes and headers carry it without SMTPUTF8."""
    if address.isascii():
        return address
    local, _, domain = address.rpartition("@")
    return f"{local}@{_ascii_domain(domain)}"


@lru_cache(maxsize=4096)
def _ascii_domain(domain: str) -> str:
    return domain if domain.isascii() else idna.encode(domain, uts46=True).decode("ascii")


def needs_smtputf8(address: str) -> bool:
    """Whether only a relay that offers SMTPUTF8 (RFC 6531) can take `address`."""
    return not (address.isascii() or address.rpartition("@")[0].isascii())


def write_mailbox(name: str, address: str) -> str:
    """A field's mailbox, folded for a field with a short name (RFC 5322 §3.4)."""
    wire = wire_address(address)
    phrase = write_phrase(clean_line(name))
    if not phrase:
        return wire
    last = len(phrase) - phrase.rfind("\n") - 1
    return f"{phrase} <{wire}>" if last + len(wire) + 12 <= _LINE else f"{phrase}{_FOLD}<{wire}>"


def write_phrase(name: str) -> str:
    """A clean name as atoms or a quoted string; where it has other letters or is long, as encoded words."""
    if not name.isascii() or len(name) > _LONGEST_PHRASE or "=?" in name:
        return _encode_words(name)
    if name.isalpha() or name.translate(_ATOM_MARKS).isalnum() or not name:
        return name
    escaped = name.replace("\\", r"\\").replace('"', r"\"")
    return f'"{escaped}"'


def write_text(name: str, text: str) -> str:
    """The field `name` holding any text (RFC 5322 §2.2.1), folded, with its CRLF."""
    clean = clean_line(text)
    if clean.isascii() and "=?" not in clean:
        words = clean.split()
        if all(len(name) + 2 + len(word) <= _LINE for word in words):
            return f"{name}: {_FOLD.join(_fold_words(words, len(name) + 2))}\r\n"
    return f"{name}: {_encode_words(clean)}\r\n"


def _fold_words(words: list[str], begun: int) -> Iterator[str]:
    """Lines of `words`, the first of them after `begun` characters."""
    line: list[str] = []
    length = begun - 1
    for word in words:
        if length + 1 + len(word) > _LINE:
            yield " ".join(line)
            line, length = [], 0
        line.append(word)
        length += 1 + len(word)
    yield " ".join(line)


def _encode_words(text: str) -> str:
    octets = text.encode()
    if len(octets) <= _WORD:
        return f"=?utf-8?b?{b2a_base64(octets, newline=False).decode('ascii')}?="
    return _FOLD.join(
        f"=?utf-8?b?{b2a_base64(word, newline=False).decode('ascii')}?=" for word in _split_letters(octets)
    )


def _split_letters(octets: bytes) -> Iterator[bytes]:
    """`octets` of UTF-8 in pieces that fit into encoded words, no letter cut in two (RFC 2047 §5)."""
    start = 0
    while start < len(octets):
        end = start + _WORD
        while end < len(octets) and octets[end] & 0xC0 == 0x80:
            end -= 1
        yield octets[start:end]
        start = end


def write_uri(address: str) -> str:
    """A web address in ASCII, with nothing that would end the angle brackets around it."""
    if address.isascii() and address.isprintable() and not (" " in address or "<" in address or ">" in address):
        return address
    return quote(clean_line(address), safe=_URI_MARKS)


def write_mailto(address: str) -> str:
    """The `mailto:` address of a mailbox (RFC 6068 §2)."""
    return "mailto:" + quote(wire_address(address), safe="@!$'*+-._~")


def write_parameter(name: str, value: str) -> str:
    """A parameter to stand after what is on the line already; other letters and long values by RFC 2231."""
    clean = clean_line(value)
    if clean.isascii() and len(clean) <= _LONGEST_PHRASE and not set(clean) & {'"', "\\"}:
        return f'; {name}="{clean}"'
    sections = list(_fold_value(clean))
    if len(sections) == 1:
        return f";{_FOLD}{name}*=utf-8''{sections[0]}"
    sections[0] = f"utf-8''{sections[0]}"
    return "".join(f";{_FOLD}{name}*{n}*={section}" for n, section in enumerate(sections))


def _fold_value(text: str) -> Iterator[str]:
    section = ""
    for letter in text:
        encoded = quote(letter, safe=_TOKEN_MARKS)
        if len(section) + len(encoded) > _LONGEST_PHRASE - 12:
            yield section
            section = ""
        section += encoded
    yield section
