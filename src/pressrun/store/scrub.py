"""The delivery log without a person: what stands in a row for an address that was taken out of it."""

from __future__ import annotations

import base64

import sqlalchemy as sa

from pressrun.delivery.seal import seal
from pressrun.link_keys import LinkKeys
from pressrun.store.tables import deliveries, sends

SCRUBBED = "scrubbed"
"""What people read where an address or a relay's words were taken out."""

_PURPOSE = b"pressrun forgotten v1"
_MARK = "@"  # no address ends so


def address_hash(keys: LinkKeys, address_key: str) -> str:
    """What stands for an address that isn't kept: 43 letters, digits, - and _.

    Keyed by the newest key of links, as addresses can be guessed: whoever has the store without the keys can test none.
    """
    return _hash(keys.newest.secret, address_key)


def address_hashes(keys: LinkKeys, address_key: str) -> tuple[str, ...]:
    """What may stand for an address, by each key there is, the newest first: rows outlive a change of keys."""
    return tuple(_hash(key.secret, address_key) for key in keys.keys)


def scrubbed_key(keys: LinkKeys, address_key: str) -> str:
    """The `address_key` of a scrubbed row: still one for each issue and address (promise 1), and no address."""
    return address_hash(keys, address_key) + _MARK


def row_keys(keys: LinkKeys, address_key: str) -> list[str]:
    """Every `address_key` under which rows of this address may stand in the log."""
    return [address_key, *(hashed + _MARK for hashed in address_hashes(keys, address_key))]


def is_scrubbed() -> sa.ColumnElement[bool]:
    """Rows whose address was taken out."""
    return deliveries.c.address_key.endswith(_MARK)


def rows_under(address_keys: list[str]) -> sa.ColumnElement[bool]:
    """The rows of all issues under these keys, asked for in the way that the index of (issue, address) serves."""
    return sa.and_(deliveries.c.issue.in_(sa.select(sends.c.issue)), deliveries.c.address_key.in_(address_keys))


def _hash(secret: bytes, address_key: str) -> str:
    return base64.urlsafe_b64encode(seal(secret, _PURPOSE, address_key.encode())).rstrip(b"=").decode("ascii")
