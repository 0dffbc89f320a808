"""What several relays, pausing, warm-up and showing a message need; indexes that hold open rows only.

A migration is history: it repeats what `tables.py` said at its time and never follows it.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_QUEUED = sa.text("state = 'queued'")
_DEFERRED = sa.text("state = 'deferred'")
_IN_DOUBT = sa.text("state = 'in_doubt'")
_HELD = sa.text("state IN ('sending', 'dot')")


def upgrade() -> None:
    """Add columns and tables, and index open rows only."""
    # Not in a batch: SQLite adds a column in place, where a batch would copy a log of millions of rows.
    op.add_column("deliveries", sa.Column("relay", sa.Text, nullable=True))
    op.add_column("deliveries", sa.Column("form", sa.Text, nullable=True))
    op.add_column("deliveries", sa.Column("repeated", sa.Boolean, nullable=False, server_default=sa.false()))
    op.drop_index("ix_deliveries_open", "deliveries")
    op.drop_index("ix_deliveries_worker_id", "deliveries")
    for name, columns, where in (
        ("ix_deliveries_queued", ["send_id", "id"], _QUEUED),
        ("ix_deliveries_deferred", ["send_id", "due_at"], _DEFERRED),
        ("ix_deliveries_in_doubt", ["send_id", "id"], _IN_DOUBT),
        ("ix_deliveries_held", ["worker_id"], _HELD),
    ):
        op.create_index(name, "deliveries", columns, sqlite_where=where, postgresql_where=where)
    _create_controls()
    _create_allowances()


def _create_controls() -> None:
    op.create_table(
        "controls",
        sa.Column("issue", sa.Text, nullable=False),
        sa.Column("wish", sa.Text, nullable=False),
        sa.Column("updated_at", sa.DateTime, nullable=False),
        sa.PrimaryKeyConstraint("issue", name="pk_controls"),
    )


def _create_allowances() -> None:
    op.create_table(
        "allowances",
        sa.Column("relay", sa.Text, nullable=False),
        sa.Column("free_at", sa.DateTime, nullable=False),
        sa.Column("day", sa.Date, nullable=False),
        sa.Column("taken", sa.Integer, nullable=False, server_default="0"),
        sa.PrimaryKeyConstraint("relay", name="pk_allowances"),
    )


def downgrade() -> None:
    """Take them away again."""
    op.drop_table("allowances")
    op.drop_table("controls")
    for name in ("ix_deliveries_held", "ix_deliveries_in_doubt", "ix_deliveries_deferred", "ix_deliveries_queued"):
        op.drop_index(name, "deliveries")
    op.create_index("ix_deliveries_worker_id", "deliveries", ["worker_id", "state"])
    op.create_index("ix_deliveries_open", "deliveries", ["issue", "state", "due_at"])
    for column in ("repeated", "form", "relay"):
        op.drop_column("deliveries", column)
