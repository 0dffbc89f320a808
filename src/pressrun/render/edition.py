"""An edition: an issue rendered for mail, immutable, named by the hash of everything that went into it."""

from __future__ import annotations

import datetime as dt
import zlib

from pydantic import BaseModel, ConfigDict


class Edition(BaseModel):
    """All that a message is made of but the recipient's own values (`nonce` marks their slots)."""

    model_config = ConfigDict(frozen=True)

    id: str
    nonce: str
    issue: str
    title: str
    subject: str
    language: str
    sender_name: str
    sender_address: str
    reply_to: str | None
    list_id: str
    list_title: str
    unsubscribe_mail: str | None
    base_url: str
    url: str
    greeting: str | None
    greeting_anonymous: str | None
    published: dt.datetime
    html: str
    text: str

    def to_bytes(self) -> bytes:
        """The edition as the store keeps it."""
        return zlib.compress(self.model_dump_json().encode(), 9)

    @classmethod
    def from_bytes(cls, content: bytes) -> Edition:
        """The edition the store kept."""
        return cls.model_validate_json(zlib.decompress(content))
