"""The links a person leaves a list by: signed, so that nobody can make one for somebody else."""

from __future__ import annotations

import base64
import hmac
from dataclasses import dataclass

_PURPOSE = b"pressrun unsubscribe v1"


@dataclass(frozen=True)
class Leave:
    """Who leaves what."""

    subscriber_id: int
    list_name: str


def make_leave_token(leave: Leave, key: bytes) -> str:
    """A token that says `leave` and that only the holder of `key` can make; letters, digits, - _ and ~."""
    said = f"{leave.subscriber_id}~{_text(leave.list_name.encode())}"
    return f"{said}~{_text(_sign(said, key))}"


def read_leave_token(token: str, key: bytes) -> Leave | None:
    """What `token` says, or None where it was not made with `key`."""
    if not token.isascii():
        return None
    said, _, signature = token.rpartition("~")
    number, _, name = said.partition("~")
    if not hmac.compare_digest(signature.encode(), _text(_sign(said, key)).encode()):
        return None
    return Leave(int(number), base64.urlsafe_b64decode(name + "=" * (-len(name) % 4)).decode())


def _sign(said: str, key: bytes) -> bytes:
    return hmac.digest(key, _PURPOSE + b"\0" + said.encode(), "sha256")[:16]


def _text(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode("ascii")
