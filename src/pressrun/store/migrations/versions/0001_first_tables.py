"""The first tables: subscribers and lists, editions and sends, and the delivery log.

A migration is history: it repeats what `tables.py` said at its time and never follows it.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_Key = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    """Make them."""
    _create_subscribers()
    _create_sends()
    _create_deliveries()


def downgrade() -> None:
    """Drop them, the youngest first."""
    for table in (
        "deliveries",
        "workers",
        "sends",
        "editions",
        "suppressions",
        "memberships",
        "lists",
        "subscribers",
    ):
        op.drop_table(table)


def _create_subscribers() -> None:
    op.create_table(
        "subscribers",
        sa.Column("id", _Key, autoincrement=True, nullable=False),
        sa.Column("address", sa.Text, nullable=False),
        sa.Column("address_key", sa.Text, nullable=False),
        sa.Column("name", sa.Text, nullable=False, server_default=""),
        sa.Column("attributes", sa.JSON, nullable=False),
        sa.Column("created_at", sa.DateTime, nullable=False),
        sa.Column("updated_at", sa.DateTime, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_subscribers"),
        sa.UniqueConstraint("address_key", name="uq_subscribers_address_key"),
    )
    op.create_table(
        "lists",
        sa.Column("id", _Key, autoincrement=True, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("created_at", sa.DateTime, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_lists"),
        sa.UniqueConstraint("name", name="uq_lists_name"),
    )
    op.create_table(
        "memberships",
        sa.Column("list_id", _Key, nullable=False),
        sa.Column("subscriber_id", _Key, nullable=False),
        sa.Column("joined_at", sa.DateTime, nullable=False),
        sa.Column("left_at", sa.DateTime, nullable=True),
        sa.PrimaryKeyConstraint("list_id", "subscriber_id", name="pk_memberships"),
        sa.ForeignKeyConstraint(["list_id"], ["lists.id"], name="fk_memberships_list_id", ondelete="CASCADE"),
        sa.ForeignKeyConstraint(
            ["subscriber_id"], ["subscribers.id"], name="fk_memberships_subscriber_id", ondelete="CASCADE"
        ),
    )
    op.create_index("ix_memberships_subscriber_id", "memberships", ["subscriber_id"])
    op.create_table(
        "suppressions",
        sa.Column("address_key", sa.Text, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("created_at", sa.DateTime, nullable=False),
        sa.PrimaryKeyConstraint("address_key", name="pk_suppressions"),
    )


def _create_sends() -> None:
    op.create_table(
        "editions",
        sa.Column("id", sa.Text, nullable=False),
        sa.Column("issue", sa.Text, nullable=False),
        sa.Column("content", sa.LargeBinary, nullable=False),
        sa.Column("created_at", sa.DateTime, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_editions"),
    )
    op.create_index("ix_editions_issue", "editions", ["issue"])
    op.create_table(
        "sends",
        sa.Column("id", _Key, autoincrement=True, nullable=False),
        sa.Column("issue", sa.Text, nullable=False),
        sa.Column("list", sa.Text, nullable=False),
        sa.Column("edition_id", sa.Text, nullable=False),
        sa.Column("created_at", sa.DateTime, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_sends"),
        sa.ForeignKeyConstraint(["edition_id"], ["editions.id"], name="fk_sends_edition_id"),
        sa.UniqueConstraint("issue", "list", "edition_id", name="uq_sends_issue_list_edition_id"),
    )
    op.create_index("ix_sends_issue", "sends", ["issue"])
    op.create_table(
        "workers",
        sa.Column("id", sa.Text, nullable=False),
        sa.Column("host", sa.Text, nullable=False),
        sa.Column("pid", sa.Integer, nullable=False),
        sa.Column("started_at", sa.DateTime, nullable=False),
        sa.Column("lease_until", sa.DateTime, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_workers"),
    )


def _create_deliveries() -> None:
    op.create_table(
        "deliveries",
        sa.Column("id", _Key, autoincrement=True, nullable=False),
        sa.Column("send_id", _Key, nullable=False),
        sa.Column("issue", sa.Text, nullable=False),
        sa.Column("subscriber_id", _Key, nullable=False),
        sa.Column("address", sa.Text, nullable=False),
        sa.Column("address_key", sa.Text, nullable=False),
        sa.Column("name", sa.Text, nullable=False, server_default=""),
        sa.Column("attributes", sa.JSON, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False, server_default="0"),
        sa.Column("worker_id", sa.Text, nullable=True),
        sa.Column("code", sa.Integer, nullable=True),
        sa.Column("enhanced", sa.Text, nullable=True),
        sa.Column("reply", sa.Text, nullable=True),
        sa.Column("message_id", sa.Text, nullable=False),
        sa.Column("due_at", sa.DateTime, nullable=False),
        sa.Column("created_at", sa.DateTime, nullable=False),
        sa.Column("updated_at", sa.DateTime, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_deliveries"),
        sa.ForeignKeyConstraint(["send_id"], ["sends.id"], name="fk_deliveries_send_id"),
        sa.UniqueConstraint("issue", "address_key", name="uq_deliveries_issue_address_key"),
    )
    op.create_index("ix_deliveries_open", "deliveries", ["issue", "state", "due_at"])
    op.create_index("ix_deliveries_worker_id", "deliveries", ["worker_id", "state"])
