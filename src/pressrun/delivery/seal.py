"""Seals: what shows that only the holder of a key can have said something, for one purpose (HMAC-SHA-256, RFC 2104)."""

from __future__ import annotations

import hashlib
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hashlib import _Hash

_BLOCK = 64
_INNER, _OUTER = bytes(x ^ 0x36 for x in range(256)), bytes(x ^ 0x5C for x in range(256))


def seal(key: bytes, purpose: bytes, said: bytes) -> bytes:
    """The 32 octets of HMAC-SHA-256 over `purpose`, a NUL and `said`.

    The same as `hmac.digest`, which takes several times as long: it begins from the key each time, and lets go of the
    interpreter for other threads.
    """
    begun, outer = _begin(key, purpose)
    inner = begun.copy()
    inner.update(said)
    outer = outer.copy()
    outer.update(inner.digest())
    return outer.digest()


@lru_cache(maxsize=32)
def _begin(key: bytes, purpose: bytes) -> tuple[_Hash, _Hash]:
    padded = (hashlib.sha256(key).digest() if len(key) > _BLOCK else key).ljust(_BLOCK, b"\0")
    inner, outer = hashlib.sha256(padded.translate(_INNER)), hashlib.sha256(padded.translate(_OUTER))
    inner.update(purpose + b"\0")
    return inner, outer
