"""Views: how a migration puts another in the place of one."""

from alembic import op


def replace_view(statement: str) -> None:
    """Put another view in the place of the one with its name.

    Args:
        statement: `CREATE VIEW current_prediction AS …`.
    """
    if op.get_context().dialect.name != "mssql":
        op.execute("DROP VIEW current_prediction")
        op.execute(statement)
        return
    # A view that is dropped takes with it who may read it.
    altered = statement.replace("CREATE VIEW", "CREATE OR ALTER VIEW")
    # In T-SQL a view stands alone in its batch. A script is one batch, and EXEC makes another.
    if op.get_context().as_sql:
        quoted = altered.replace("'", "''")
        op.execute(f"EXEC sp_executesql N'{quoted}'")
    else:
        op.execute(altered)
