"""What consent, self-service, segments, the REST API, webhooks and the inbox need.

A migration is history: it repeats what the tables were at its time and never follows them.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

_KEY = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    """Add columns and tables."""
    _number_people_once()
    op.add_column("memberships", sa.Column("paused_until", sa.DateTime, nullable=True))
    op.add_column("sends", sa.Column("of_list", sa.Text, nullable=True))
    op.add_column("sends", sa.Column("filter", sa.Text, nullable=True))
    _create_tags()
    _create_consents()
    _create_forgotten()
    _create_events()
    _create_confirmations()
    _create_api_keys()
    _create_api_calls()
    _create_webhooks()
    _create_webhook_posts()
    _create_links()
    _create_link_counts()
    _create_inbox_messages()


def _number_people_once() -> None:
    """Keep SQLite from giving the number of somebody who was forgotten to somebody else: links and the log name it."""
    if op.get_context().dialect.name == "sqlite":
        with op.batch_alter_table("subscribers", recreate="always", table_kwargs={"sqlite_autoincrement": True}):
            pass


def _create_tags() -> None:
    op.create_table(
        "tags",
        sa.Column("subscriber_id", _KEY, nullable=False),
        sa.Column("tag", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("subscriber_id", "tag", name="pk_tags"),
        sa.ForeignKeyConstraint(
            ["subscriber_id"], ["subscribers.id"], name="fk_tags_subscriber_id", ondelete="CASCADE"
        ),
    )
    op.create_index("ix_tags_tag", "tags", ["tag"])


def _create_consents() -> None:
    op.create_table(
        "consents",
        sa.Column("id", _KEY, nullable=False),
        sa.Column("subscriber_id", _KEY, nullable=False),
        sa.Column("list", sa.Text, nullable=False),
        sa.Column("basis", sa.Text, nullable=False),
        sa.Column("source", sa.Text, nullable=False),
        sa.Column("wording", sa.Text, nullable=False, server_default=""),
        sa.Column("form_version", sa.Text, nullable=False, server_default=""),
        sa.Column("network", sa.Text, nullable=True),
        sa.Column("proof", sa.JSON, nullable=False),
        sa.Column("given_at", sa.DateTime, nullable=False),
        sa.Column("withdrawn_at", sa.DateTime, nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_consents"),
        sa.ForeignKeyConstraint(
            ["subscriber_id"], ["subscribers.id"], name="fk_consents_subscriber_id", ondelete="CASCADE"
        ),
    )
    op.create_index("ix_consents_subscriber_id", "consents", ["subscriber_id"])


def _create_forgotten() -> None:
    op.create_table(
        "forgotten",
        sa.Column("address_hash", sa.Text, nullable=False),
        sa.Column("created_at", sa.DateTime, nullable=False),
        sa.PrimaryKeyConstraint("address_hash", name="pk_forgotten"),
    )


def _create_events() -> None:
    op.create_table(
        "events",
        sa.Column("id", _KEY, nullable=False),
        sa.Column("at", sa.DateTime, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("subscriber_id", _KEY, nullable=True),
        sa.Column("list", sa.Text, nullable=True),
        sa.Column("issue", sa.Text, nullable=True),
        sa.Column("delivery_id", _KEY, nullable=True),
        sa.Column("detail", sa.JSON, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_events"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_events_at", "events", ["at"])
    op.create_index("ix_events_subscriber_id", "events", ["subscriber_id"])


def _create_confirmations() -> None:
    op.create_table(
        "confirmations",
        sa.Column("id", _KEY, nullable=False),
        sa.Column("publication", sa.Text, nullable=False),
        sa.Column("address", sa.Text, nullable=False),
        sa.Column("address_key", sa.Text, nullable=False),
        sa.Column("name", sa.Text, nullable=False, server_default=""),
        sa.Column("attributes", sa.JSON, nullable=False),
        sa.Column("lists", sa.JSON, nullable=False),
        sa.Column("language", sa.Text, nullable=False),
        sa.Column("wording", sa.Text, nullable=False),
        sa.Column("form_version", sa.Text, nullable=False),
        sa.Column("network", sa.Text, nullable=True),
        sa.Column("requested_at", sa.DateTime, nullable=False),
        sa.Column("due_at", sa.DateTime, nullable=True),
        sa.Column("attempts", sa.Integer, nullable=False, server_default="0"),
        sa.Column("message_id", sa.Text, nullable=True),
        sa.Column("mailed_at", sa.DateTime, nullable=True),
        sa.Column("confirmed_at", sa.DateTime, nullable=True),
        sa.Column("confirmed_from", sa.Text, nullable=True),
        sa.Column("subscriber_id", _KEY, nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_confirmations"),
        sa.ForeignKeyConstraint(
            ["subscriber_id"], ["subscribers.id"], name="fk_confirmations_subscriber_id", ondelete="CASCADE"
        ),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_confirmations_address_key", "confirmations", ["address_key"])
    op.create_index(
        "ix_confirmations_due",
        "confirmations",
        ["due_at"],
        sqlite_where=sa.text("due_at IS NOT NULL"),
        postgresql_where=sa.text("due_at IS NOT NULL"),
    )


def _create_api_keys() -> None:
    op.create_table(
        "api_keys",
        sa.Column("id", sa.Text, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("hash", sa.Text, nullable=False),
        sa.Column("scopes", sa.JSON, nullable=False),
        sa.Column("created_at", sa.DateTime, nullable=False),
        sa.Column("expires_at", sa.DateTime, nullable=True),
        sa.Column("used_at", sa.DateTime, nullable=True),
        sa.Column("revoked_at", sa.DateTime, nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_api_keys"),
    )


def _create_api_calls() -> None:
    op.create_table(
        "api_calls",
        sa.Column("key_id", sa.Text, nullable=False),
        sa.Column("idempotency_key", sa.Text, nullable=False),
        sa.Column("request_hash", sa.Text, nullable=False),
        sa.Column("status", sa.Integer, nullable=True),
        sa.Column("answer", sa.JSON, nullable=True),
        sa.Column("created_at", sa.DateTime, nullable=False),
        sa.PrimaryKeyConstraint("key_id", "idempotency_key", name="pk_api_calls"),
        sa.ForeignKeyConstraint(["key_id"], ["api_keys.id"], name="fk_api_calls_key_id", ondelete="CASCADE"),
    )


def _create_webhooks() -> None:
    op.create_table(
        "webhooks",
        sa.Column("id", sa.Text, nullable=False),
        sa.Column("url", sa.Text, nullable=False),
        sa.Column("kinds", sa.JSON, nullable=False),
        sa.Column("last_event", _KEY, nullable=False),
        sa.Column("created_at", sa.DateTime, nullable=False),
        sa.Column("disabled_at", sa.DateTime, nullable=True),
        sa.Column("reason", sa.Text, nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_webhooks"),
    )


def _create_webhook_posts() -> None:
    op.create_table(
        "webhook_posts",
        sa.Column("id", _KEY, nullable=False),
        sa.Column("webhook_id", sa.Text, nullable=False),
        sa.Column("event_id", _KEY, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False, server_default="0"),
        sa.Column("code", sa.Integer, nullable=True),
        sa.Column("reply", sa.Text, nullable=True),
        sa.Column("due_at", sa.DateTime, nullable=True),
        sa.Column("created_at", sa.DateTime, nullable=False),
        sa.Column("updated_at", sa.DateTime, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_webhook_posts"),
        sa.UniqueConstraint("webhook_id", "event_id", name="uq_webhook_posts_webhook_id_event_id"),
        sa.ForeignKeyConstraint(
            ["webhook_id"], ["webhooks.id"], name="fk_webhook_posts_webhook_id", ondelete="CASCADE"
        ),
    )
    op.create_index(
        "ix_webhook_posts_due",
        "webhook_posts",
        ["due_at"],
        sqlite_where=sa.text("due_at IS NOT NULL"),
        postgresql_where=sa.text("due_at IS NOT NULL"),
    )


def _create_links() -> None:
    op.create_table(
        "links",
        sa.Column("id", _KEY, nullable=False),
        sa.Column("issue", sa.Text, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("url", sa.Text, nullable=False),
        sa.Column("created_at", sa.DateTime, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_links"),
        sa.UniqueConstraint("issue", "kind", "url", name="uq_links_issue_kind_url"),
    )


def _create_link_counts() -> None:
    op.create_table(
        "link_counts",
        sa.Column("link_id", _KEY, nullable=False),
        sa.Column("day", sa.Date, nullable=False),
        sa.Column("agent", sa.Text, nullable=False),
        sa.Column("count", sa.Integer, nullable=False),
        sa.PrimaryKeyConstraint("link_id", "day", "agent", name="pk_link_counts"),
        sa.ForeignKeyConstraint(["link_id"], ["links.id"], name="fk_link_counts_link_id", ondelete="CASCADE"),
    )


def _create_inbox_messages() -> None:
    op.create_table(
        "inbox_messages",
        sa.Column("id", sa.Text, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("read_at", sa.DateTime, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_inbox_messages"),
    )


def downgrade() -> None:
    """Take them away again."""
    for table in (
        "inbox_messages",
        "link_counts",
        "links",
        "webhook_posts",
        "webhooks",
        "api_calls",
        "api_keys",
        "confirmations",
        "events",
        "forgotten",
        "consents",
        "tags",
    ):
        op.drop_table(table)
    op.drop_column("sends", "filter")
    op.drop_column("sends", "of_list")
    op.drop_column("memberships", "paused_until")
