"""What approval, starting in time and the fence around a restored store need.

A migration is history: it repeats what `tables.py` said at its time and never follows it.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_KEY = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    """Add columns and tables."""
    op.add_column("sends", sa.Column("held", sa.Boolean, nullable=False, server_default=sa.false()))
    op.add_column("controls", sa.Column("reason", sa.Text, nullable=True))
    _create_approvals()
    _create_starts()
    _create_fence()


def _create_approvals() -> None:
    op.create_table(
        "approvals",
        sa.Column("id", _KEY, nullable=False),
        sa.Column("issue", sa.Text, nullable=False),
        sa.Column("seal", sa.Text, nullable=False),
        sa.Column("decision", sa.Text, nullable=False),
        sa.Column("decided_by", sa.Text, nullable=False),
        sa.Column("note", sa.Text, nullable=False, server_default=""),
        sa.Column("send_at", sa.DateTime, nullable=True),
        sa.Column("created_at", sa.DateTime, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_approvals"),
    )
    op.create_index("ix_approvals_issue", "approvals", ["issue"])


def _create_starts() -> None:
    op.create_table(
        "starts",
        sa.Column("issue", sa.Text, nullable=False),
        sa.Column("occasion", sa.Text, nullable=False),
        sa.Column("claimed_by", sa.Text, nullable=False),
        sa.Column("claimed_at", sa.DateTime, nullable=False),
        sa.Column("started_at", sa.DateTime, nullable=True),
        sa.Column("run", sa.Text, nullable=True),
        sa.PrimaryKeyConstraint("issue", "occasion", name="pk_starts"),
    )


def _create_fence() -> None:
    op.create_table(
        "fence",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("store_id", sa.Text, nullable=False),
        sa.Column("home", sa.Text, nullable=False),
        sa.Column("epoch", _KEY, nullable=False),
        sa.Column("confirmed_by", sa.Text, nullable=True),
        sa.Column("confirmed_at", sa.DateTime, nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_fence"),
    )


def downgrade() -> None:
    """Take them away again."""
    for table in ("fence", "starts", "approvals"):
        op.drop_table(table)
    op.drop_column("controls", "reason")
    op.drop_column("sends", "held")
