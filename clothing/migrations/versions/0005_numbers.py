"""Numbers of rows are given once: not again after `forget` took the newest out of a SQLite file."""

from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Rebuild SQLite's tables so; SQL Server has always done it."""
    if op.get_context().dialect.name == "mssql":
        return
    # It reads one of the tables, so it cannot stand while that one is away.
    view = op.get_bind().exec_driver_sql(
        "SELECT sql FROM sqlite_master WHERE name = 'current_prediction'"
    )
    statement = view.scalar_one()
    op.execute("DROP VIEW current_prediction")
    for table in ("image_prediction", "image_failure", "image_review"):
        with op.batch_alter_table(
            table, recreate="always", table_kwargs={"sqlite_autoincrement": True}
        ):
            pass
    op.execute(statement)
