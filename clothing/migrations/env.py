"""Alembic's entrance: runs the steps on the connection that `Store.upgrade` hands over."""

from alembic import context

from clothing.tables import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
)
context.run_migrations()
