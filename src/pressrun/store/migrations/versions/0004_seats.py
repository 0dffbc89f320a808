"""What workers need to keep to a relay's connections together.

A migration is history: it repeats what `tables.py` said at its time and never follows it.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the table."""
    op.create_table(
        "seats",
        sa.Column("relay", sa.Text, nullable=False),
        sa.Column("worker_id", sa.Text, nullable=False),
        sa.Column("held", sa.Integer, nullable=False),
        sa.Column("wanted", sa.Integer, nullable=False),
        sa.PrimaryKeyConstraint("relay", "worker_id", name="pk_seats"),
        sa.ForeignKeyConstraint(["worker_id"], ["workers.id"], name="fk_seats_worker_id", ondelete="CASCADE"),
    )
    op.create_index("ix_seats_worker_id", "seats", ["worker_id"])


def downgrade() -> None:
    """Take it away again."""
    op.drop_table("seats")
