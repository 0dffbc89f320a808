"""The recipient a row stands for: the values its message is filled with, and the sender its envelope names."""

from __future__ import annotations

import hmac
import re

from pressrun.delivery.leave_link import Leave, make_leave_token
from pressrun.delivery.message import Recipient, wire_address
from pressrun.delivery.preferences_link import make_preferences_token
from pressrun.delivery.seal import seal
from pressrun.link_keys import LinkKey, LinkKeys
from pressrun.render.edition import Edition
from pressrun.store.journal import Claimed
from pressrun.tracking import ATTRIBUTE, PURPOSE

_PURPOSE = b"pressrun return path v1"
_TAG = re.compile(r"([1-9][0-9]{0,18})-([a-z2-7]{8})", re.ASCII)


def make_recipient(row: Claimed, edition: Edition, keys: LinkKeys) -> Recipient:
    """The recipient `row` stands for, with links signed by the newest of `keys`."""
    base = edition.base_url.rstrip("/")
    return Recipient(
        row.address,
        row.name,
        row.message_id,
        row.created_at,
        f"{base}/unsubscribe/{make_leave_token(Leave(row.subscriber_id, row.list), keys)}",
        edition.unsubscribe_mail,
        _make_preferences_url(row, base, keys) if edition.names_preferences else "",
        row.list,
        row.attributes,
        make_person_token(row, keys) if edition.counts_people and row.attributes.get(ATTRIBUTE) == "yes" else "",
    )


def make_person_token(row: Claimed, keys: LinkKeys) -> str:
    """What counted links say whose they are by; only for those who agreed to it."""
    return keys.make_token(PURPOSE, str(row.id))


def _make_preferences_url(row: Claimed, base: str, keys: LinkKeys) -> str:
    return f"{base}/preferences/{make_preferences_token(row.subscriber_id, keys)}"


def envelope_sender(row: Claimed, edition: Edition, keys: LinkKeys) -> str:
    """Where bounces of `row`'s message go, its domain as A-labels.

    With `edition.verp` the address says whose it is, as in `bounces+4711-k3v7q2xd@example.com`: `read_verp` gives the
    row back. What is added takes up to 29 of the 64 octets a local part may have (RFC 5321 §4.5.3.1.1), too few to name
    the key as well.
    """
    sender = wire_address(edition.return_path or edition.sender_address)
    if not edition.verp:
        return sender
    local, _, domain = sender.rpartition("@")
    return f"{local}+{row.id}-{_sign(str(row.id), keys.newest)}@{domain}"


def read_verp(address: str, keys: LinkKeys) -> int | None:
    """The id of the row whose bounces go to `address`, in whatever case it came; None where none of `keys` made it."""
    match = _TAG.fullmatch(address.rpartition("@")[0].rpartition("+")[2].lower())
    if match is None:
        return None
    # All are tried: how long it takes tells nothing.
    is_signed = sum([hmac.compare_digest(match[2], _sign(match[1], key)) for key in keys.keys])
    return int(match[1]) if is_signed else None


_ALPHABET = "abcdefghijklmnopqrstuvwxyz234567"  # RFC 4648 §6, in lower case: relays on the way back may fold case
_PAIRS = [high + low for high in _ALPHABET for low in _ALPHABET]


def _sign(row_id: str, key: LinkKey) -> str:
    signed = int.from_bytes(seal(key.secret, _PURPOSE, row_id.encode())[:5], "big")
    # Ten bits a step: base64.b32encode takes longer than the digest.
    return _PAIRS[signed >> 30] + _PAIRS[signed >> 20 & 1023] + _PAIRS[signed >> 10 & 1023] + _PAIRS[signed & 1023]
