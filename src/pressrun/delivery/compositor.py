"""Makes each row's envelope and message: editions are loaded and compiled once for a run."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import partial
from typing import NamedTuple

from pressrun.delivery.connection import Connection, Envelope, stuff_dots
from pressrun.delivery.dkim_key import SigningKey
from pressrun.delivery.form import Form, make_form, read_form
from pressrun.delivery.message import MessageTemplate, needs_smtputf8, wire_address
from pressrun.delivery.recipient import envelope_sender, make_recipient
from pressrun.link_keys import LinkKeys
from pressrun.render.edition import Edition
from pressrun.store.database import Database
from pressrun.store.delivery_log import load_editions
from pressrun.store.journal import Claimed

_Place = tuple[int | str, bool | str]
"""A send and whether its relay offers 8BITMIME, or an edition and the form of a message sent before."""


class Letter(NamedTuple):
    """What goes over the line for one row, and how it was made."""

    envelope: Envelope
    form: Form

    @property
    def template(self) -> MessageTemplate:
        """The edition it is made of."""
        return self.form.template


class Compositor:
    """The editions of an issue's sends, ready to be filled; `keys` sign links, `signing` messages."""

    def __init__(self, database: Database, issue: str, keys: LinkKeys, signing: Sequence[SigningKey]) -> None:
        self._database, self._issue, self._keys, self._signing = database, issue, keys, signing
        self._editions: dict[int, Edition] = {}
        self._forms: dict[_Place, Form] = {}
        self._senders: dict[str, str] = {}

    async def learn(self, rows: Iterable[Claimed]) -> None:
        """Load what `rows` are made of, also of a send that another process planned while this one runs."""
        if any(row.send_id not in self._editions for row in rows):
            self._editions = await load_editions(self._database, self._issue)

    def address(self, row: Claimed, connection: Connection) -> Letter:
        """The row's envelope, for this connection.

        Raises UsageError where a message that is sent again can't be built as it was, for want of a key.
        """
        form = self._forms.get((row.send_id, connection.offers_8bitmime))
        if form is None or row.repeated:
            form = self._find(row, connection)
        template, address = form.template, row.address
        edition = template.edition
        sender = envelope_sender(row, edition, form.keys) if edition.verp else self._senders[edition.id]
        if address.isascii():  # nearly all
            return Letter(Envelope(sender, address, False, template.is_eight_bit), form)
        envelope = Envelope(sender, wire_address(address), needs_smtputf8(address), template.is_eight_bit)
        return Letter(envelope, form)

    def fill(self, row: Claimed, letter: Letter) -> bytes:
        """The row's message, as DATA carries it."""
        template, keys = letter.form.template, letter.form.keys
        message = template.fill(make_recipient(row, template.edition, keys))
        # Base64 and quoted-printable are written so that no line begins with a dot, or ends but by CRLF.
        return stuff_dots(message) if template.is_eight_bit else message

    def _find(self, row: Claimed, connection: Connection) -> Form:
        edition = self._editions[row.send_id]
        self._senders[edition.id] = wire_address(edition.return_path or edition.sender_address)
        if row.repeated and row.form:  # sent again while in doubt: the same bytes, also after the keys were changed
            place: _Place = edition.id, row.form
            make = partial(read_form, row.form, edition, self._signing, self._keys)
        else:
            place = row.send_id, connection.offers_8bitmime
            make = partial(make_form, edition, self._signing, self._keys, eight_bit=connection.offers_8bitmime)
        if place not in self._forms:
            self._forms[place] = make()
        return self._forms[place]
