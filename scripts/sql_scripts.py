"""Writes SQL_Scripts/schema.sql from the migrations: `python -m scripts.sql_scripts`.

A test fails when it is stale. The other scripts of that folder are written by hand.
"""

import io
import re

from alembic import command
from alembic.config import Config

from clothing.config import PROJECT
from clothing.tables import SCHEMA_VERSION
from scripts.files import write

SCHEMA = PROJECT / "SQL_Scripts" / "schema.sql"

HEAD = f"""\
-- The tables of the clothing returns, schema {SCHEMA_VERSION}, for SQL Server and Azure SQL.
-- Generated from clothing/migrations: do not edit, run `make docs`.
--
-- Run it once, on an empty database, in the portal's Query editor, SSMS or sqlcmd. It is one batch
-- and one transaction: either all of it is there afterwards, or nothing. It does what
-- `python -m clothing db upgrade` does, which on later versions goes on from here.
-- Names and etags compare exactly (Latin1_General_BIN2), whatever the database's collation is.

SET NOCOUNT ON;
SET XACT_ABORT ON;
SET ANSI_NULLS ON;
SET QUOTED_IDENTIFIER ON;

"""


def schema() -> str:
    """Return the script that makes all tables on an empty database."""
    output = io.StringIO()
    config = Config(output_buffer=output)
    config.set_main_option("script_location", "clothing:migrations")
    command.upgrade(config, "head", sql=True)
    text = output.getvalue().replace(" OUTPUT inserted.version_num", "")  # nobody reads it here
    lines = (line.rstrip().expandtabs(4) for line in text.splitlines())
    return HEAD + re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip() + "\n"


if __name__ == "__main__":
    SCHEMA.parent.mkdir(exist_ok=True)
    write(SCHEMA, schema())
