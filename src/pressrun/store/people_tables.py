"""The store's tables about people beyond their address: consent, tags, events, requests, and the doors they come by."""

from __future__ import annotations

import sqlalchemy as sa

from pressrun.store.tables import Key, key_column, metadata, moment_column

__all__ = ["metadata"]

tags = sa.Table(
    "tags",
    metadata,
    sa.Column("subscriber_id", Key, sa.ForeignKey("subscribers.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("tag", sa.Text, primary_key=True, index=True),
)

consents = sa.Table(
    "consents",
    metadata,
    key_column(),
    sa.Column("subscriber_id", Key, sa.ForeignKey("subscribers.id", ondelete="CASCADE"), nullable=False, index=True),
    sa.Column("list", sa.Text, nullable=False),
    sa.Column("basis", sa.Text, nullable=False),  # a ConsentBasis
    sa.Column("source", sa.Text, nullable=False),  # by what way: a form, a file, a key of the API, the command line
    sa.Column("wording", sa.Text, nullable=False, server_default=""),  # what they were told, as they read it
    sa.Column("form_version", sa.Text, nullable=False, server_default=""),
    sa.Column("network", sa.Text, nullable=True),  # the network address it came from
    sa.Column("proof", sa.JSON, nullable=False),  # what shows it, such as the confirmed message's id
    moment_column("given_at"),
    moment_column("withdrawn_at", nullable=True),
)

forgotten = sa.Table(
    "forgotten",
    metadata,
    sa.Column("address_hash", sa.Text, primary_key=True),  # keyed: whoever has the table alone can test no address
    moment_column("created_at"),
)

events = sa.Table(
    "events",
    metadata,
    key_column(),
    moment_column("at"),
    sa.Column("kind", sa.Text, nullable=False),  # an EventKind
    sa.Column("subscriber_id", Key, nullable=True, index=True),  # no foreign key: NULL once they are forgotten
    sa.Column("list", sa.Text, nullable=True),
    sa.Column("issue", sa.Text, nullable=True),
    sa.Column("delivery_id", Key, nullable=True),
    sa.Column("detail", sa.JSON, nullable=False),
    sqlite_autoincrement=True,  # cursors go by the id: none is given twice, also where retention deleted the newest
)
sa.Index("ix_events_at", events.c.at)

confirmations = sa.Table(
    "confirmations",
    metadata,
    key_column(),
    sa.Column("publication", sa.Text, nullable=False),
    sa.Column("address", sa.Text, nullable=False),
    sa.Column("address_key", sa.Text, nullable=False, index=True),
    sa.Column("name", sa.Text, nullable=False, server_default=""),
    sa.Column("attributes", sa.JSON, nullable=False),
    sa.Column("lists", sa.JSON, nullable=False),  # the names of the lists that were asked for
    sa.Column("language", sa.Text, nullable=False),
    sa.Column("wording", sa.Text, nullable=False),
    sa.Column("form_version", sa.Text, nullable=False),
    sa.Column("network", sa.Text, nullable=True),
    moment_column("requested_at"),
    moment_column("due_at", nullable=True),  # when its mail is to leave (again); NULL once it left or never will
    sa.Column("attempts", sa.Integer, nullable=False, server_default="0"),
    sa.Column("message_id", sa.Text, nullable=True),
    moment_column("mailed_at", nullable=True),
    moment_column("confirmed_at", nullable=True),
    sa.Column("confirmed_from", sa.Text, nullable=True),  # the network address the confirmation came from
    # Whose address this one is to become; NULL where somebody subscribes.
    sa.Column("subscriber_id", Key, sa.ForeignKey("subscribers.id", ondelete="CASCADE"), nullable=True),
    sqlite_autoincrement=True,  # the number of a request that is gone is never somebody else's
)
sa.Index(
    "ix_confirmations_due",
    confirmations.c.due_at,
    sqlite_where=sa.text("due_at IS NOT NULL"),
    postgresql_where=sa.text("due_at IS NOT NULL"),
)

api_keys = sa.Table(
    "api_keys",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),  # the public half of the key
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("hash", sa.Text, nullable=False),  # of the secret half
    sa.Column("scopes", sa.JSON, nullable=False),
    moment_column("created_at"),
    moment_column("expires_at", nullable=True),
    moment_column("used_at", nullable=True),
    moment_column("revoked_at", nullable=True),
)

api_calls = sa.Table(
    "api_calls",
    metadata,
    sa.Column("key_id", sa.Text, sa.ForeignKey("api_keys.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("idempotency_key", sa.Text, primary_key=True),
    sa.Column("request_hash", sa.Text, nullable=False),
    sa.Column("status", sa.Integer, nullable=True),  # NULL while it is being answered
    sa.Column("answer", sa.JSON, nullable=True),
    moment_column("created_at"),
)

webhooks = sa.Table(
    "webhooks",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("url", sa.Text, nullable=False),
    sa.Column("kinds", sa.JSON, nullable=False),  # of events; empty: all
    sa.Column("last_event", Key, nullable=False),  # what happened up to here stands in webhook_posts
    moment_column("created_at"),
    moment_column("disabled_at", nullable=True),
    sa.Column("reason", sa.Text, nullable=True),  # why it was disabled
)

webhook_posts = sa.Table(
    "webhook_posts",
    metadata,
    key_column(),
    sa.Column("webhook_id", sa.Text, sa.ForeignKey("webhooks.id", ondelete="CASCADE"), nullable=False),
    sa.Column("event_id", Key, nullable=False),
    sa.Column("state", sa.Text, nullable=False),  # a PostState
    sa.Column("attempts", sa.Integer, nullable=False, server_default="0"),
    sa.Column("code", sa.Integer, nullable=True),
    sa.Column("reply", sa.Text, nullable=True),
    moment_column("due_at", nullable=True),
    moment_column("created_at"),
    moment_column("updated_at"),
    sa.UniqueConstraint("webhook_id", "event_id"),
)
sa.Index(
    "ix_webhook_posts_due",
    webhook_posts.c.due_at,
    sqlite_where=sa.text("due_at IS NOT NULL"),
    postgresql_where=sa.text("due_at IS NOT NULL"),
)

links = sa.Table(
    "links",
    metadata,
    key_column(),
    sa.Column("issue", sa.Text, nullable=False),
    sa.Column("kind", sa.Text, nullable=False),  # click or open
    sa.Column("url", sa.Text, nullable=False),  # where it leads; empty for an open
    moment_column("created_at"),
    sa.UniqueConstraint("issue", "kind", "url"),
)

link_counts = sa.Table(
    "link_counts",
    metadata,
    sa.Column("link_id", Key, sa.ForeignKey("links.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("day", sa.Date, primary_key=True),
    sa.Column("agent", sa.Text, primary_key=True),  # an Agent: a reader, a scanner, a prefetcher
    sa.Column("count", sa.Integer, nullable=False),
)

inbox_messages = sa.Table(
    "inbox_messages",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),  # hash of the message: what was read is not read twice
    sa.Column("kind", sa.Text, nullable=False),
    moment_column("read_at"),
)
