"""The links a person leaves a list by: signed, so that nobody can make one for somebody else."""

from __future__ import annotations

import base64
from functools import lru_cache
from typing import NamedTuple

from pressrun.link_keys import LinkKeys

_PURPOSE = b"pressrun unsubscribe v1"


class Leave(NamedTuple):
    """Who leaves what."""

    subscriber_id: int
    list_name: str


def make_leave_token(leave: Leave, keys: LinkKeys) -> str:
    """A token that says `leave` and that only the holder of `keys` can make; letters, digits, - _ and ~."""
    return keys.make_token(_PURPOSE, f"{leave.subscriber_id}~{_name(leave.list_name)}")


def read_leave_token(token: str, keys: LinkKeys) -> Leave | None:
    """What `token` says, or None where it was made with none of `keys`."""
    # As it is made, else as it was before keys had names: those are in mails that people keep.
    said = keys.read_token(_PURPOSE, token) or keys.read_unnamed_token(_PURPOSE, token)
    if said is None:
        return None
    number, _, name = said.partition("~")
    return Leave(int(number), base64.urlsafe_b64decode(name + "=" * (-len(name) % 4)).decode())


@lru_cache(maxsize=256)
def _name(list_name: str) -> str:
    return base64.urlsafe_b64encode(list_name.encode()).rstrip(b"=").decode("ascii")
