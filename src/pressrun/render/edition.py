"""An edition: an issue rendered for mail, immutable, named by the hash of everything that went into it."""

from __future__ import annotations

import datetime as dt
import zlib
from functools import cached_property

from pydantic import BaseModel, ConfigDict

from pressrun.render.slot import Slot, SlotTokens, cut_header
from pressrun.source.model import Counting
from pressrun.tracking import Way, count_links, count_opens


class Field(BaseModel):
    """A subscriber's attribute that the text names, and what stands there for those who have none."""

    model_config = ConfigDict(frozen=True)

    attribute: str
    fallback: str = ""


class File(BaseModel):
    """A picture in the message, or an attachment; `content_id` is what `cid:` addresses name a picture by."""

    model_config = ConfigDict(frozen=True, ser_json_bytes="base64", val_json_bytes="base64")

    name: str
    media_type: str
    content: bytes
    content_id: str | None = None


class Edition(BaseModel):
    """All that a message is made of but the recipient's own values (`nonce` marks their slots).

    What has a default here came later than the first editions in the stores: those are still read.
    """

    model_config = ConfigDict(frozen=True, ser_json_bytes="base64", val_json_bytes="base64")

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
    return_path: str | None = None
    """The envelope's sender, where bounces go; the sender's address without it."""
    verp: bool = False
    """Whether each recipient's envelope sender says whose it is."""
    eight_bit: bool = False
    """Whether bodies may go as 8bit to a relay that offers 8BITMIME."""
    fields: tuple[Field, ...] = ()
    """Slot `field0` stands for the first, and so on."""
    conditions: tuple[str, ...] = ()
    """Tokens `if0` … `end0` enclose what only those see who meet the first, and so on."""
    inline: tuple[File, ...] = ()
    attachments: tuple[File, ...] = ()
    clicks: Counting = "none"
    opens: Counting = "none"
    links: tuple[str, ...] = ()
    """The addresses in the HTML whose clicks are counted; there they stand as they are, for whoever looks at it."""

    @cached_property
    def is_counted(self) -> bool:
        """Whether anything its readers do is counted."""
        return self.clicks != "none" or self.opens != "none"

    @cached_property
    def counts_people(self) -> bool:
        """Whether what those readers do who agreed to it is counted by person."""
        return "person" in (self.clicks, self.opens)

    def html_for(self, way: Way) -> str:
        """The HTML that readers get who are counted that way."""
        if way is Way.PLAIN or not self.is_counted:
            return self.html
        person = {"person": SlotTokens(self.nonce)[Slot.PERSON]} if way is Way.PERSON else {}
        html = self.html
        if self.clicks != "none":
            html = count_links(html, self.issue, self.links, self.base_url, with_person=person.get(self.clicks, ""))
        if self.opens != "none":
            html = count_opens(html, self.issue, self.base_url, with_person=person.get(self.opens, ""))
        return html

    @property
    def shown_subject(self) -> str:
        """The subject as a reader gets it of whom nothing is known, for people who look at a send."""
        cut = cut_header(self.subject, SlotTokens(self.nonce))
        fallbacks = {f"field{n}": known.fallback for n, known in enumerate(self.fields)}
        return " ".join(cut.fill(dict.fromkeys(cut.slots, "") | fallbacks).split())

    @cached_property
    def names_preferences(self) -> bool:
        """Whether a link to the reader's preferences stands in it: making one for each recipient takes its time."""
        token = f"https://{self.nonce}.invalid/preferences_url"
        return any(token in text for text in (self.html, self.text, self.subject))

    def to_bytes(self) -> bytes:
        """The edition as the store keeps it."""
        return zlib.compress(self.model_dump_json().encode(), 9)

    @classmethod
    def from_bytes(cls, content: bytes) -> Edition:
        """The edition the store kept."""
        return cls.model_validate_json(zlib.decompress(content))
