"""The store's tables, as SQLAlchemy Core sees them; every change here has a migration beside it."""

from __future__ import annotations

import datetime as dt

import sqlalchemy as sa
from sqlalchemy.types import TypeDecorator


class UtcDateTime(TypeDecorator[dt.datetime]):
    """An aware moment: kept as UTC without a zone, given back as UTC with one."""

    impl = sa.DateTime
    cache_ok = True

    def process_bind_param(self, value: dt.datetime | None, dialect: sa.Dialect) -> dt.datetime | None:
        """Refuse a naive moment; turn any other into UTC."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a moment without a zone can't be stored")
        return value.astimezone(dt.UTC).replace(tzinfo=None)

    def process_result_value(self, value: dt.datetime | None, dialect: sa.Dialect) -> dt.datetime | None:
        """Give a stored moment its zone back."""
        return None if value is None else value.replace(tzinfo=dt.UTC)


metadata = sa.MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

_Key = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def _key() -> sa.Column[int]:
    return sa.Column("id", _Key, primary_key=True, autoincrement=True)


def _moment(name: str, *, nullable: bool = False) -> sa.Column[dt.datetime]:
    return sa.Column(name, UtcDateTime, nullable=nullable)


subscribers = sa.Table(
    "subscribers",
    metadata,
    _key(),
    sa.Column("address", sa.Text, nullable=False),  # as given; this is what is mailed
    sa.Column("address_key", sa.Text, nullable=False, unique=True),  # compared: NFC, case folded, A-label
    sa.Column("name", sa.Text, nullable=False, server_default=""),
    sa.Column("attributes", sa.JSON, nullable=False),
    _moment("created_at"),
    _moment("updated_at"),
)

lists = sa.Table(
    "lists",
    metadata,
    _key(),
    sa.Column("name", sa.Text, nullable=False, unique=True),
    _moment("created_at"),
)

memberships = sa.Table(
    "memberships",
    metadata,
    sa.Column("list_id", _Key, sa.ForeignKey("lists.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("subscriber_id", _Key, sa.ForeignKey("subscribers.id", ondelete="CASCADE"), primary_key=True, index=True),
    _moment("joined_at"),
    _moment("left_at", nullable=True),
)

suppressions = sa.Table(
    "suppressions",
    metadata,
    sa.Column("address_key", sa.Text, primary_key=True),
    sa.Column("reason", sa.Text, nullable=False),
    _moment("created_at"),
)

editions = sa.Table(
    "editions",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),  # the hash of everything that went into it
    sa.Column("issue", sa.Text, nullable=False, index=True),  # publication/issue
    sa.Column("content", sa.LargeBinary, nullable=False),  # the edition's canonical JSON, compressed
    _moment("created_at"),
)

sends = sa.Table(
    "sends",
    metadata,
    _key(),
    sa.Column("issue", sa.Text, nullable=False, index=True),
    sa.Column("list", sa.Text, nullable=False),
    sa.Column("edition_id", sa.Text, sa.ForeignKey("editions.id"), nullable=False),
    _moment("created_at"),
    sa.UniqueConstraint("issue", "list", "edition_id"),
)

workers = sa.Table(
    "workers",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("host", sa.Text, nullable=False),
    sa.Column("pid", sa.Integer, nullable=False),
    _moment("started_at"),
    _moment("lease_until"),  # after this its rows may be taken over
)

deliveries = sa.Table(
    "deliveries",
    metadata,
    _key(),
    sa.Column("send_id", _Key, sa.ForeignKey("sends.id"), nullable=False),
    sa.Column("issue", sa.Text, nullable=False),
    sa.Column("subscriber_id", _Key, nullable=False),  # no foreign key: the log outlives the person's row
    sa.Column("address", sa.Text, nullable=False),
    sa.Column("address_key", sa.Text, nullable=False),
    sa.Column("name", sa.Text, nullable=False, server_default=""),  # the subscriber as planned
    sa.Column("attributes", sa.JSON, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("attempts", sa.Integer, nullable=False, server_default="0"),
    sa.Column("worker_id", sa.Text, nullable=True),
    sa.Column("code", sa.Integer, nullable=True),
    sa.Column("enhanced", sa.Text, nullable=True),
    sa.Column("reply", sa.Text, nullable=True),
    sa.Column("message_id", sa.Text, nullable=False),
    _moment("due_at"),  # not before this moment
    _moment("created_at"),
    _moment("updated_at"),
    sa.UniqueConstraint("issue", "address_key"),  # promise 1: one row for each issue and address
    sa.Index("ix_deliveries_open", "issue", "state", "due_at"),
    sa.Index("ix_deliveries_worker_id", "worker_id", "state"),
)
