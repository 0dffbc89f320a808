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

Key = sa.BigInteger().with_variant(sa.Integer, "sqlite")
"""What numbers rows: SQLite counts by itself only what it calls INTEGER."""


def key_column() -> sa.Column[int]:
    """The column `id`, which the database counts."""
    return sa.Column("id", Key, primary_key=True, autoincrement=True)


def moment_column(name: str, *, nullable: bool = False) -> sa.Column[dt.datetime]:
    """A column of moments in UTC."""
    return sa.Column(name, UtcDateTime, nullable=nullable)


subscribers = sa.Table(
    "subscribers",
    metadata,
    key_column(),
    sa.Column("address", sa.Text, nullable=False),  # as given; this is what is mailed
    sa.Column("address_key", sa.Text, nullable=False, unique=True),  # compared: NFC, case folded, A-label
    sa.Column("name", sa.Text, nullable=False, server_default=""),
    sa.Column("attributes", sa.JSON, nullable=False),
    moment_column("created_at"),
    moment_column("updated_at"),
    sqlite_autoincrement=True,  # the number of somebody who was forgotten is never somebody else's
)

lists = sa.Table(
    "lists",
    metadata,
    key_column(),
    sa.Column("name", sa.Text, nullable=False, unique=True),
    moment_column("created_at"),
)

memberships = sa.Table(
    "memberships",
    metadata,
    sa.Column("list_id", Key, sa.ForeignKey("lists.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("subscriber_id", Key, sa.ForeignKey("subscribers.id", ondelete="CASCADE"), primary_key=True, index=True),
    moment_column("joined_at"),
    moment_column("left_at", nullable=True),
    moment_column("paused_until", nullable=True),  # no mail before this moment, as they asked for
)

suppressions = sa.Table(
    "suppressions",
    metadata,
    sa.Column("address_key", sa.Text, primary_key=True),
    sa.Column("reason", sa.Text, nullable=False),
    moment_column("created_at"),
)

editions = sa.Table(
    "editions",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),  # the hash of everything that went into it
    sa.Column("issue", sa.Text, nullable=False, index=True),  # publication/issue
    sa.Column("content", sa.LargeBinary, nullable=False),  # the edition's canonical JSON, compressed
    moment_column("created_at"),
)

sends = sa.Table(
    "sends",
    metadata,
    key_column(),
    sa.Column("issue", sa.Text, nullable=False, index=True),
    sa.Column("list", sa.Text, nullable=False),  # its audience: a list's name, or LIST:SEGMENT
    sa.Column("edition_id", sa.Text, sa.ForeignKey("editions.id"), nullable=False),
    moment_column("created_at"),
    sa.Column("held", sa.Boolean, nullable=False, server_default=sa.false()),  # nothing of it leaves before approval
    sa.Column("of_list", sa.Text, nullable=True),  # the list that `list` names a segment of
    sa.Column("filter", sa.Text, nullable=True),  # the segment's condition, as it was when it was planned
    sa.UniqueConstraint("issue", "list", "edition_id"),
)

workers = sa.Table(
    "workers",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("host", sa.Text, nullable=False),
    sa.Column("pid", sa.Integer, nullable=False),
    moment_column("started_at"),
    moment_column("lease_until"),  # after this its rows may be taken over
)

deliveries = sa.Table(
    "deliveries",
    metadata,
    key_column(),
    sa.Column("send_id", Key, sa.ForeignKey("sends.id"), nullable=False),
    sa.Column("issue", sa.Text, nullable=False),
    sa.Column("subscriber_id", Key, nullable=False),  # no foreign key: the log outlives the person's row
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
    moment_column("due_at"),  # not before this moment
    moment_column("created_at"),
    moment_column("updated_at"),
    sa.Column("relay", sa.Text, nullable=True),  # the relay that spoke last
    sa.Column("form", sa.Text, nullable=True),  # how the message was built when its dot was last marked
    sa.Column("repeated", sa.Boolean, nullable=False, server_default=sa.false()),  # sent again while in doubt
    sa.UniqueConstraint("issue", "address_key"),  # promise 1: one row for each issue and address
)

# Only rows that somebody will ask for by state stand in these: the log's bulk, which is settled, costs nothing.
for _name, _column, _states in (
    ("ix_deliveries_queued", "id", "state = 'queued'"),
    ("ix_deliveries_deferred", "due_at", "state = 'deferred'"),
    ("ix_deliveries_in_doubt", "id", "state = 'in_doubt'"),
):
    sa.Index(
        _name,
        deliveries.c.send_id,
        deliveries.c[_column],
        sqlite_where=sa.text(_states),
        postgresql_where=sa.text(_states),
    )
sa.Index(
    "ix_deliveries_held",
    deliveries.c.worker_id,
    sqlite_where=sa.text("state IN ('sending', 'dot')"),
    postgresql_where=sa.text("state IN ('sending', 'dot')"),
)

controls = sa.Table(
    "controls",
    metadata,
    sa.Column("issue", sa.Text, primary_key=True),
    sa.Column("wish", sa.Text, nullable=False),  # run, pause or cancel
    moment_column("updated_at"),
    sa.Column("reason", sa.Text, nullable=True),  # why it was paused, where nobody did it by hand
)

approvals = sa.Table(
    "approvals",
    metadata,
    key_column(),
    sa.Column("issue", sa.Text, nullable=False, index=True),
    sa.Column("seal", sa.Text, nullable=False),  # the hash of edition and plan that the decision is about
    sa.Column("decision", sa.Text, nullable=False),  # approved or rejected
    sa.Column("decided_by", sa.Text, nullable=False),
    sa.Column("note", sa.Text, nullable=False, server_default=""),
    moment_column("send_at", nullable=True),  # a time the approver set instead of the issue's
    moment_column("created_at"),
)

starts = sa.Table(
    "starts",
    metadata,
    sa.Column("issue", sa.Text, primary_key=True),
    sa.Column("occasion", sa.Text, primary_key=True),  # what it was started for: its time, a retry's, a lost worker's
    sa.Column("claimed_by", sa.Text, nullable=False),
    moment_column("claimed_at"),
    moment_column("started_at", nullable=True),  # when whoever claimed it saw it begin
    sa.Column("run", sa.Text, nullable=True),  # what began, as its orchestrator calls it
)

fence = sa.Table(
    "fence",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),  # one row: 1
    sa.Column("store_id", sa.Text, nullable=False),
    sa.Column("home", sa.Text, nullable=False),  # where the store was when somebody last vouched for it
    sa.Column("epoch", Key, nullable=False),  # goes up with every run that delivers
    sa.Column("confirmed_by", sa.Text, nullable=True),
    moment_column("confirmed_at", nullable=True),
)

allowances = sa.Table(
    "allowances",
    metadata,
    sa.Column("relay", sa.Text, primary_key=True),  # its name
    moment_column("free_at"),  # when the rate allows the next message
    sa.Column("day", sa.Date, nullable=False),  # the day `taken` counts for
    sa.Column("taken", sa.Integer, nullable=False, server_default="0"),
)

seats = sa.Table(
    "seats",
    metadata,
    sa.Column("relay", sa.Text, primary_key=True),  # its name
    sa.Column("worker_id", sa.Text, sa.ForeignKey("workers.id", ondelete="CASCADE"), primary_key=True, index=True),
    sa.Column("held", sa.Integer, nullable=False),  # connections to it that nobody else may open
    sa.Column("wanted", sa.Integer, nullable=False),
)
