"""What Alembic runs around the migrations: on the connection, and in the transaction, that `migrate` gives it."""

from __future__ import annotations

from alembic import context

from pressrun.store.people_tables import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    render_as_batch=True,  # SQLite can alter little in place
    transactional_ddl=True,
)

with context.begin_transaction():
    context.run_migrations()
