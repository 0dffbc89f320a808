"""Consents: on what basis each person is on a list, what they were told, and what shows it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from pressrun.store.database import Database
from pressrun.store.people_tables import consents

_BATCH = 500  # ids in one statement


class ConsentBasis(StrEnum):
    """Why a person may be mailed. The values stand in the store, in files and in the REST API: they never change."""

    DOUBLE_OPT_IN = "double-opt-in"
    SINGLE_OPT_IN = "single-opt-in"
    WRITTEN = "written"
    CONTRACT = "contract"
    INTEREST = "legitimate-interest"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Consent:
    """That a person may be mailed for a list, since `given_at`; over at `withdrawn_at`, if that is set.

    `source` is the way it came by: a form, a file, a key of the API, the command line. `wording` is what they were
    told, as they read it, `form_version` where. `network` is the network address it came from. `proof` is JSON that
    shows it, such as the confirmed message's id.
    """

    list: str
    basis: ConsentBasis
    source: str
    given_at: dt.datetime
    wording: str = ""
    form_version: str = ""
    network: str | None = None
    proof: Mapping[str, Any] = field(default_factory=dict)
    withdrawn_at: dt.datetime | None = None


async def record_consents(connection: AsyncConnection, subscriber_id: int, given: Sequence[Consent]) -> None:
    """Note what a person consented to, in the transaction in which they join."""
    if given:
        rows = [{"subscriber_id": subscriber_id, **_row(consent)} for consent in given]
        await connection.execute(sa.insert(consents), rows)


async def withdraw_consents(
    connection: AsyncConnection, subscriber_ids: Sequence[int], list_name: str | None, now: dt.datetime
) -> None:
    """Note that people withdrew what they had consented to for a list, or for all lists where it is None.

    The record stays: it shows that they were mailed rightly until `now`.
    """
    standing = sa.update(consents).where(consents.c.withdrawn_at.is_(None)).values(withdrawn_at=now)
    if list_name is not None:
        standing = standing.where(consents.c.list == list_name)
    for start in range(0, len(subscriber_ids), _BATCH):
        ids = list(subscriber_ids[start : start + _BATCH])
        await connection.execute(standing.where(consents.c.subscriber_id.in_(ids)))


async def read_consents(database: Database, subscriber_id: int) -> list[Consent]:
    """What a person consented to, in the order in which it was noted, withdrawn ones too."""
    async with database.read() as connection:
        return await select_consents(connection, subscriber_id)


async def select_consents(connection: AsyncConnection, subscriber_id: int) -> list[Consent]:
    """The same, in a transaction that there is already."""
    columns = [consents.c[name] for name in Consent.__dataclass_fields__]
    query = sa.select(*columns).where(consents.c.subscriber_id == subscriber_id).order_by(consents.c.id)
    found = (await connection.execute(query)).mappings()
    return [Consent(**{**row, "basis": ConsentBasis(row["basis"])}) for row in found]


def _row(consent: Consent) -> dict[str, Any]:
    values = {name: getattr(consent, name) for name in Consent.__dataclass_fields__}
    return {**values, "basis": consent.basis.value, "proof": dict(consent.proof)}
