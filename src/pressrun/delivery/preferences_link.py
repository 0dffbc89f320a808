"""The link to a person's preferences: signed, so that nobody can make one for somebody else."""

from __future__ import annotations

from pressrun.link_keys import LinkKeys

_PURPOSE = b"pressrun preferences v1"


def make_preferences_token(subscriber_id: int, keys: LinkKeys) -> str:
    """A token that names the subscriber and that only the holder of `keys` can make; letters, digits, - _ and ~."""
    return keys.make_token(_PURPOSE, str(subscriber_id))


def read_preferences_token(token: str, keys: LinkKeys) -> int | None:
    """The subscriber's id, or None where `token` was made with none of `keys`."""
    # As it is made, else as it was before keys had names: those are in mails that people keep.
    said = keys.read_token(_PURPOSE, token) or keys.read_unnamed_token(_PURPOSE, token)
    return None if said is None else int(said)
