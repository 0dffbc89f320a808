"""The keys that links and tokens are signed with: the newest signs, and older ones are still read."""

from __future__ import annotations

import base64
import hashlib
import hmac
from dataclasses import dataclass, field
from functools import cached_property

from pressrun.delivery.seal import seal


@dataclass(frozen=True)
class LinkKey:
    """A key and the four letters that tokens name it by, which say nothing of it.

    One that is not `named` makes tokens as they were before keys could be changed: without its id.
    """

    secret: bytes = field(repr=False)
    is_named: bool = True

    @cached_property
    def id(self) -> str:
        """Four letters or digits, - or _."""
        return base64.urlsafe_b64encode(hashlib.sha256(b"pressrun key id\0" + self.secret).digest()[:3]).decode("ascii")

    @cached_property
    def mark(self) -> str:
        """What stands between what a token says and its signature."""
        return f"~{self.id}~" if self.is_named else "~"


@dataclass(frozen=True)
class LinkKeys:
    """All keys, the newest first; there is always one."""

    keys: tuple[LinkKey, ...]

    @cached_property
    def newest(self) -> LinkKey:
        """The key that signs."""
        return self.keys[0]

    def led_by(self, name: str | None) -> LinkKeys | None:
        """The same keys, but the one called `name` signs; None where there is none.

        Without a name, the oldest signs as was done before keys had any.
        """
        if name is None:
            return LinkKeys((LinkKey(self.keys[-1].secret, is_named=False), *self.keys))
        found = next((key for key in self.keys if key.id == name), None)
        return None if found is None else LinkKeys((found, *self.keys))

    def make_token(self, purpose: bytes, said: str) -> str:
        """A token that says `said` for one purpose, readable by whoever has it: `said~keyid~signature`.

        `said` holds letters, digits and -_.~ only (RFC 3986 §2.3), so that the token can stand in any URL as it is.
        """
        key = self.newest
        return f"{said}{key.mark}{_sign(key, purpose, said)}"

    def read_token(self, purpose: bytes, token: str) -> str | None:
        """What `token` says, or None where none of the keys made it for this purpose."""
        said, _, signature = token.rpartition("~")
        said, _, name = said.rpartition("~")
        return said if self._is_signed(purpose, said, signature, name) else None

    def read_unnamed_token(self, purpose: bytes, token: str) -> str | None:
        """What a token says that was made before keys had names: `said~signature`."""
        said, _, signature = token.rpartition("~")
        return said if self._is_signed(purpose, said, signature, None) else None

    def _is_signed(self, purpose: bytes, said: str, signature: str, name: str | None) -> bool:
        if not (said.isascii() and signature.isascii()):
            return False
        is_signed = False
        for key in self.keys:  # each is tried, whichever it names: how long it takes tells nothing
            is_right = hmac.compare_digest(signature.encode(), _sign(key, purpose, said).encode())
            is_signed |= is_right and name in (None, key.id)
        return is_signed


def _sign(key: LinkKey, purpose: bytes, said: str) -> str:
    signature = seal(key.secret, purpose, said.encode())[:16]
    return base64.urlsafe_b64encode(signature)[:22].decode("ascii")  # without the padding
