"""Alembic's entrance: runs the steps on the connection that `Store.upgrade` hands over.

Offline, it writes them as one batch of T-SQL instead: `scripts/sql_scripts.py` asks for that.
"""

from alembic import context

from clothing.tables import metadata

if context.is_offline_mode():
    context.configure(
        dialect_name="mssql", target_metadata=metadata, mssql_batch_separator="", literal_binds=True
    )
    with context.begin_transaction():
        context.run_migrations()
else:
    context.configure(connection=context.config.attributes["connection"], target_metadata=metadata)
    context.run_migrations()
