"""Keys of the REST API: made, found by what a request shows, listed and revoked. The store has only their hashes."""

from __future__ import annotations

import datetime as dt
import hashlib
import hmac
import re
import secrets
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import sqlalchemy as sa

from pressrun.errors import UsageError
from pressrun.store.database import Database
from pressrun.store.people_tables import api_keys
from pressrun.store.subscribers import insert_into

USED_HOURS = 1
"""How exactly a key's last use is noted: a write for each request would cost more than most requests do."""

_WRITTEN = re.compile(r"prk_([0-9a-f]{16})_([A-Za-z0-9_-]{43})")
_NOBODY = hashlib.sha256(b"nobody's key").hexdigest()


class ApiScope(StrEnum):
    """What a key may be for. The values stand in the store and in programs of others: they never change."""

    SUBSCRIBERS_READ = "subscribers:read"
    SUBSCRIBERS_WRITE = "subscribers:write"
    SEGMENTS_READ = "segments:read"
    ISSUES_READ = "issues:read"
    SENDS_READ = "sends:read"
    SENDS_WRITE = "sends:write"
    LOGS_READ = "logs:read"
    WEBHOOKS_WRITE = "webhooks:write"


@dataclass(frozen=True)
class ApiKey:
    """A key as it may be shown: `id` is its public half, moments are UTC. `used_at` is exact to an hour."""

    id: str
    name: str
    scopes: frozenset[ApiScope]
    created_at: dt.datetime
    expires_at: dt.datetime | None = None
    used_at: dt.datetime | None = None
    revoked_at: dt.datetime | None = None

    def is_good(self, now: dt.datetime) -> bool:
        """Whether it opens anything at `now`."""
        return self.revoked_at is None and (self.expires_at is None or now < self.expires_at)


async def add_api_key(
    database: Database, name: str, scopes: Collection[ApiScope], now: dt.datetime, expires_at: dt.datetime | None = None
) -> tuple[ApiKey, str]:
    """Make a key: the key as it may be shown, and the text that programs send, which nothing can tell again."""
    if not (name and name == name.strip() and name.isprintable()):
        raise UsageError(f"{name!r} can't name a key", "use printable characters, without space around them")
    if not scopes:
        raise UsageError("a key without a scope opens nothing", f"name some: {', '.join(ApiScope)}")
    key = ApiKey(secrets.token_hex(8), name, frozenset(scopes), now, expires_at)
    secret = secrets.token_urlsafe(32)
    row = {
        "id": key.id,
        "name": name,
        "hash": _hash(secret),
        "scopes": sorted(key.scopes),
        "created_at": now,
        "expires_at": expires_at,
    }
    async with database.write() as connection:
        await connection.execute(insert_into(connection, api_keys).values(row))
    return key, f"prk_{key.id}_{secret}"


async def find_api_key(database: Database, shown: str, now: dt.datetime) -> ApiKey | None:
    """The key that `shown` is, or None where it is nobody's, revoked or expired: which of these, nobody is told."""
    match = _WRITTEN.fullmatch(shown)
    key_id, secret = match.groups() if match else ("", "")
    async with database.read() as connection:
        row = (await connection.execute(sa.select(api_keys).where(api_keys.c.id == key_id))).mappings().first()
    # Compared also where there is none: how long it takes doesn't tell which keys there are.
    is_right = hmac.compare_digest(_hash(secret), row["hash"] if row else _NOBODY)
    if row is None or not is_right:
        return None
    key = _key_of(row)
    return key if key.is_good(now) else None


async def note_use(database: Database, key: ApiKey, now: dt.datetime) -> None:
    """Note that the key was used, unless that was noted within the last hour."""
    if key.used_at and now - key.used_at < dt.timedelta(hours=USED_HOURS):
        return
    async with database.write() as connection:
        await connection.execute(sa.update(api_keys).where(api_keys.c.id == key.id).values(used_at=now))


async def list_api_keys(database: Database) -> Sequence[ApiKey]:
    """All keys, the oldest first, revoked and expired ones too."""
    async with database.read() as connection:
        rows = (await connection.execute(sa.select(api_keys).order_by(api_keys.c.created_at, api_keys.c.id))).mappings()
        return [_key_of(row) for row in rows]


async def revoke_api_key(database: Database, key_id: str, now: dt.datetime) -> ApiKey:
    """Let the key open nothing from now on; it stays listed. Raises UsageError where none has this id."""
    revoke = sa.update(api_keys).where(api_keys.c.id == key_id)
    revoke = revoke.values(
        revoked_at=sa.func.coalesce(api_keys.c.revoked_at, sa.literal(now, api_keys.c.revoked_at.type))
    )
    async with database.write() as connection:
        row = (await connection.execute(revoke.returning(api_keys))).mappings().first()
    if row is None:
        raise UsageError(f"no key has the id {key_id!r}", "pressrun api-keys list shows all")
    return _key_of(row)


def _hash(secret: str) -> str:
    # 256 random bits can't be guessed: a slow hash, as passwords need one, would only slow down each request.
    return hashlib.sha256(b"pressrun api key v1\0" + secret.encode()).hexdigest()


def _key_of(row: Any) -> ApiKey:
    known = {scope.value for scope in ApiScope}  # one of a later version opens nothing here
    scopes = frozenset(ApiScope(scope) for scope in row["scopes"] if scope in known)
    moments = {name: row[name] for name in ("created_at", "expires_at", "used_at", "revoked_at")}
    return ApiKey(row["id"], row["name"], scopes, **moments)
