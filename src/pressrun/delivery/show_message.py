"""Builds again what one person was or will be sent, byte for byte, from the log and the edition store."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from pressrun.address import ParsedAddress
from pressrun.delivery.dkim import SigningKey
from pressrun.delivery.form import Form, make_form, read_form
from pressrun.delivery.message import wire_address
from pressrun.delivery.outcome import State
from pressrun.delivery.recipient import envelope_sender, make_recipient
from pressrun.errors import UsageError
from pressrun.link_keys import LinkKeys
from pressrun.render.edition import Edition
from pressrun.store.database import Database
from pressrun.store.journal import Claimed
from pressrun.store.scrub import row_keys
from pressrun.store.tables import deliveries, editions, sends


@dataclass(frozen=True)
class ShownMessage:
    """One person's message: the envelope's addresses, where the row stands, how it was built, and its octets."""

    sender: str
    recipient: str
    state: State
    form: str
    content: bytes


@dataclass(frozen=True)
class _Planned:
    row: Claimed
    state: State
    edition: Edition


async def show_message(
    database: Database, issue: str, address: ParsedAddress, keys: LinkKeys, signing: Sequence[SigningKey] = ()
) -> ShownMessage:
    """The message of `issue` for `address`, as its row says it was built; one never sent, as it would be sent now.

    Raises UsageError where there is no row, where a key that signed the message is not among `signing`, or one that
    signed its links not among `keys`.
    """
    planned = await _load(database, issue, address, keys)
    form = _form_of(planned, signing, keys)
    return ShownMessage(
        sender=envelope_sender(planned.row, planned.edition, form.keys),
        recipient=wire_address(planned.row.address),
        state=planned.state,
        form=form.text,
        content=form.template.fill(make_recipient(planned.row, planned.edition, form.keys)),
    )


async def _load(database: Database, issue: str, address: ParsedAddress, keys: LinkKeys) -> _Planned:
    columns = [deliveries.c[name] for name in Claimed._fields if name != "list"]
    of_list = sa.func.coalesce(sends.c.of_list, sends.c.list).label("list")
    query = (
        sa.select(*columns, of_list, deliveries.c.state, editions.c.content)
        .select_from(deliveries.join(sends).join(editions))
        .where(deliveries.c.issue == issue, deliveries.c.address_key.in_(row_keys(keys, address.key)))
        .order_by(deliveries.c.address.desc())  # one with its address first
    )
    async with database.read() as connection:
        found = (await connection.execute(query)).mappings().first()
    if found is None:
        raise UsageError(f"{issue} has no row for {address}", f"pressrun log {issue} shows who has one")
    if not found["address"]:
        remedy = f"pressrun log {issue} shows what is left of it"
        raise UsageError(f"what {address} was sent of {issue} can't be shown: it was scrubbed from the log", remedy)
    row = Claimed(**{name: found[name] for name in Claimed._fields})
    return _Planned(row, State(found["state"]), Edition.from_bytes(found["content"]))


def _form_of(planned: _Planned, signing: Sequence[SigningKey], keys: LinkKeys) -> Form:
    if planned.row.form is not None:
        return read_form(planned.row.form, planned.edition, signing, keys)
    # Hardly a relay is left that doesn't offer 8BITMIME.
    return make_form(planned.edition, signing, keys, eight_bit=planned.edition.eight_bit)
