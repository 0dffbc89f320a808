"""Mail addresses: whether a text is one, and by what key two of them are the same person's."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache

from email_validator import EmailNotValidError, validate_email

# RFC 5322 §3.2.3 (dot-atom) at a host name of letters, digits, dots and hyphens. A shortcut for what most addresses
# look like: the library takes 37 µs for one, too long for a list of a million; about a domain it is asked just once.
_ATOM = r"[A-Za-z0-9_!#$%&'*+\-/=?^`{|}~]+"
_PLAIN = re.compile(rf"(?P<local>(?=.{{1,64}}@){_ATOM}(?:\.{_ATOM})*)@(?P<domain>[A-Za-z0-9.\-]+)", re.ASCII)

_LONGEST = 254  # RFC 5321 §4.5.3.1.3, less the angle brackets


class AddressError(ValueError):
    """The text is no address that mail can be sent to; says why in a few words."""


@dataclass(frozen=True, slots=True)
class ParsedAddress:
    """An address as it was given, without the space around it, and the key by which it is compared."""

    address: str
    key: str

    def __str__(self) -> str:
        return self.address


def parse_address(text: str) -> ParsedAddress:
    """The address in `text`; nobody is asked whether it exists.

    The key is the local part in NFC and case folded, at the domain as lower-case A-labels (RFC 5890). A `+tag` and dots
    stay: they may name another mailbox. A local part beyond ASCII is allowed: whether a server takes it (RFC 6531),
    the delivery finds out. Raises `AddressError`.
    """
    _refuse_unsafe(text)
    address = text.strip()
    plain = _PLAIN.fullmatch(address)
    if plain is None or len(address) > _LONGEST:
        return _parse_any(address)
    return ParsedAddress(address, f"{plain['local'].lower()}@{_ascii_domain(plain['domain'].lower())}")


def _refuse_unsafe(text: str) -> None:
    # Before stripping: a line break anywhere near an address is an attempt to write a header or an SMTP command.
    if "\r" in text or "\n" in text or "\0" in text:
        raise AddressError("a line break or NUL can't stand in an address")
    if "<" in text or ">" in text:
        raise AddressError("give the address alone, without a name or angle brackets")


def _parse_any(address: str) -> ParsedAddress:
    local, domain = _validate(address)
    return ParsedAddress(address, f"{_fold(local)}@{domain}")


def _fold(local: str) -> str:
    # NFC again after folding, which may leave letters apart; NFD before it, so that marks are folded in one order
    # (Unicode §3.13, D145).
    return unicodedata.normalize("NFC", unicodedata.normalize("NFD", local).casefold())


@lru_cache(maxsize=65_536)
def _ascii_domain(domain: str) -> str:
    return _validate(f"a@{domain}")[1]


def _validate(address: str) -> tuple[str, str]:
    """The local part as given and the domain as A-labels, if email-validator agrees."""
    try:
        # test_environment lets *.test pass (RFC 6761 §6.2); *.example always does.
        valid = validate_email(address, strict=True, check_deliverability=False, test_environment=True)
    except EmailNotValidError as error:
        raise AddressError(_short(str(error))) from None
    if "." not in valid.ascii_domain:
        raise AddressError("the part after the @-sign should have a period")
    return address.rpartition("@")[0], valid.ascii_domain.lower()


def _short(reason: str) -> str:
    return (reason[:1].lower() + reason[1:]).rstrip(".")


def key_of(address: str) -> str:
    """The key of an address that is stored; itself where this version takes it for none, as an earlier one did not."""
    try:
        return parse_address(address).key
    except AddressError:
        return address
