"""A person with a past, for tests of what the store tells and forgets about one."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

import sqlalchemy as sa

from pressrun.address import parse_address
from pressrun.delivery.outcome import State
from pressrun.store.claim import register_worker
from pressrun.store.consent import Consent, ConsentBasis, record_consents
from pressrun.store.database import Database
from pressrun.store.delivery_log import plan
from pressrun.store.event import Event, EventKind, record_events
from pressrun.store.people_tables import confirmations
from pressrun.store.person import require_subscriber
from pressrun.store.subscribers import make_list
from pressrun.store.tables import deliveries, memberships, subscribers
from pressrun.store.tag import tag
from small_edition import NOW, make_edition

ANN = parse_address("Ann.Secret@Leeds.example.com")
BEN = parse_address("ben@example.com")
DAY = dt.timedelta(days=1)
CONSENT = Consent(
    "all", ConsentBasis.DOUBLE_OPT_IN, "form", NOW - DAY, "Send me the letter", "3", "192.0.2.7", {"message": "<c1@x>"}
)
ISSUES = ("spp/2026-01", "spp/2026-02")


async def tell_story(database: Database) -> int:
    """Ann and Ben on the list `all`; Ann with all that may be known of somebody: her number."""
    await put_on_list(database, "all", [ANN.address, BEN.address])
    for n, issue in enumerate(ISSUES):
        await plan(database, make_edition(issue=issue, id=f"{n}" * 64), "all", NOW)
    async with database.write() as connection:
        person = await require_subscriber(connection, ANN)
        theirs = sa.update(subscribers).where(subscribers.c.id == person)
        await connection.execute(theirs.values(name="Ann Secret", attributes={"city": "Secretville"}))
        await record_consents(connection, person, [CONSENT])
        await record_events(connection, [Event(EventKind.LEFT, NOW, person, list="old", detail={"source": "Secret"})])
        await connection.execute(sa.insert(confirmations), request_of(ANN.address, ANN.key))
        first = sa.update(deliveries).where(deliveries.c.issue == ISSUES[0], deliveries.c.subscriber_id == person)
        said = {"code": 250, "enhanced": "2.1.5", "reply": f"2.1.5 <{ANN.address}> taken"}
        await connection.execute(first.values(state=State.SENT.value, attempts=1, name="Ann Secret", **said))
    await tag(database, person, ["secret-circle"], NOW)
    return person


async def put_on_list(database: Database, name: str, people: Sequence[str]) -> list[int]:
    """New people on a list, without anything else: their numbers."""
    parsed = [parse_address(text) for text in people]
    rows = [{"address": one.address, "address_key": one.key, "attributes": {}, **_AT_NOW} for one in parsed]
    async with database.write() as connection:
        list_id = await make_list(connection, name, NOW)
        await connection.execute(sa.insert(subscribers), rows)
        ids = [await require_subscriber(connection, one) for one in parsed]
        members = [{"list_id": list_id, "subscriber_id": one, "joined_at": NOW} for one in ids]
        await connection.execute(sa.insert(memberships), members)
    return ids


_AT_NOW = {"created_at": NOW, "updated_at": NOW}


def request_of(address: str, key: str, **changes: object) -> dict[str, object]:
    """A request as the form stores it."""
    return {
        "publication": "spp",
        "address": address,
        "address_key": key,
        "name": "Ann Secret",
        "attributes": {"city": "Secretville"},
        "lists": ["all"],
        "language": "en",
        "wording": "Send me the letter",
        "form_version": "3",
        "network": "192.0.2.7",
        "requested_at": NOW,
    } | changes


async def states_of(database: Database, issue: str) -> dict[str, str]:
    """The state of each row by its address."""
    query = sa.select(deliveries.c.address, deliveries.c.state).where(deliveries.c.issue == issue)
    async with database.read() as connection:
        return {address: state for address, state in await connection.execute(query)}


async def set_state(database: Database, issue: str, address: str, state: State, worker: str | None = None) -> None:
    """Put a row into a state, as `worker`'s where one is named."""
    if worker:
        await register_worker(database, worker, "host", 1, NOW, dt.timedelta(hours=1))
    row = sa.update(deliveries).where(deliveries.c.issue == issue, deliveries.c.address == address)
    async with database.write() as connection:
        await connection.execute(row.values(state=state.value, worker_id=worker, attempts=1))
