"""SQL_Scripts: the tables are the migrations', the reports run, the grants are the least."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
import sqlglot

from clothing.config import PROJECT
from clothing.photos import Counts, Failure, Photo, Prediction
from clothing.store import Store
from clothing.tables import metadata
from scripts.sql_scripts import SCHEMA, schema
from tests.sql_server_double import SERVER_URL, SqlServer, opened

REPORTS = (PROJECT / "SQL_Scripts" / "reports.sql").read_text(encoding="utf-8")
GRANTS = (PROJECT / "SQL_Scripts" / "grants.sql").read_text(encoding="utf-8")


def test_the_script_of_the_tables_is_current() -> None:
    assert SCHEMA.read_text(encoding="utf-8") == schema(), "run: make docs"


@pytest.mark.parametrize(
    "script", sorted((PROJECT / "SQL_Scripts").glob("*.sql")), ids=lambda path: path.name
)
def test_scripts_are_t_sql_in_one_batch(script: Path) -> None:
    text = script.read_text(encoding="utf-8")

    sqlglot.parse(text, read="tsql", error_level=sqlglot.ErrorLevel.RAISE)

    assert not re.search(r"^\s*GO\s*$", text, re.MULTILINE)
    assert text.isascii()  # the portal's editor and sqlcmd read a file each in its own encoding


def test_the_script_makes_all_or_nothing() -> None:
    text = schema()

    assert text.index("XACT_ABORT ON") < text.index("BEGIN TRANSACTION;") < text.index("CREATE")
    assert text.rstrip().endswith("COMMIT;")
    assert text.index("QUOTED_IDENTIFIER ON") < text.index("CREATE UNIQUE INDEX")


def test_after_the_script_the_store_is_ready(sql_server: SqlServer) -> None:
    """The stand-in carries the script out, statement by statement."""
    connection = sql_server.connect("by hand")
    for statement in _statements(schema()):
        connection.cursor().execute(statement)
    connection.commit()
    connection.close()
    sql_server.statements.clear()  # a person's, not ours
    store = Store(SERVER_URL)

    store.ready()

    assert store.open_run("test").run_id == 1
    store.dispose()


def test_the_script_makes_the_same_as_the_upgrade(
    sql_server: SqlServer, server_store: Store
) -> None:
    made = [text.split() for text in sql_server.statements if text.strip().startswith("CREATE")]

    written = [text.split() for text in _statements(schema()) if text.startswith("CREATE")]

    assert written == made


def test_the_reports_tell_what_the_tables_hold(server_store: Store, tmp_path: Path) -> None:
    _fill(server_store, tmp_path)

    by_category, waiting, runs, failures, agreement, corrections = _reports(tmp_path)

    assert by_category == [("Bag", 2, 1, 0.5), ("Dress", 1, 0, 0.5)]
    assert [row[2] for row in waiting] == ["unsure.jpg"]
    assert [(row[1], row[2], row[7]) for row in runs] == [
        ("succeeded", "test", 0),
        ("succeeded", "test", 3),
    ]
    assert [(row[0], row[2], row[3]) for row in failures] == [(2, "broken.jpg", "decode")]
    assert agreement == [("m-1", 1, 0, 0.0)]
    assert corrections == [("Bag", "Dress", 1)]


def test_every_report_has_a_number_and_a_name() -> None:
    assert re.findall(r"^-- (\d)\. ", REPORTS, re.MULTILINE) == list("123456")
    assert len(list(_queries())) == 6


def test_the_app_may_read_all_add_rows_and_change_no_answer() -> None:
    granted = re.findall(r"^GRANT (.+) ON (\w+) TO clothing_app;$", GRANTS, re.MULTILINE)
    rights = {table: may.split(", ") for may, table in granted}

    assert rights.keys() == {*metadata.tables, "current_prediction", "alembic_version"}
    assert all("SELECT" in may for may in rights.values())
    changed = {table for table, may in rights.items() if "UPDATE" in may}
    assert changed == {"batch_run", "review_claim"}
    assert {table for table, may in rights.items() if "INSERT" in may} == set(metadata.tables)
    assert {right for may in rights.values() for right in may} == {"SELECT", "INSERT", "UPDATE"}


def _statements(script: str) -> Iterator[str]:
    """Yield the statements of the tables' script, without settings and its own transaction."""
    script = re.sub(
        r"EXEC sp_executesql N'((?:[^']|'')*)'", lambda found: found[1].replace("''", "'"), script
    )
    for text in re.sub(r"^--.*$", "", script, flags=re.MULTILINE).split(";\n"):
        if text.strip() and not text.strip().startswith(("SET ", "BEGIN TRAN", "COMMIT")):
            yield text.strip().removesuffix(";")


def _queries() -> Iterator[str]:
    yield from sqlglot.transpile(REPORTS, read="tsql", write="sqlite", comments=False)


def _reports(tmp_path: Path) -> list[list[tuple[object, ...]]]:
    with opened(tmp_path) as connection:
        connection.create_function("sysutcdatetime", 0, lambda: datetime.now(UTC).isoformat(" "))
        return [connection.execute(query).fetchall() for query in _queries()]


def _fill(store: Store, tmp_path: Path) -> None:
    """Leave a run of three photos and a failure; one photo is unsure, one was corrected.

    The night after, the broken one is tried again.
    """
    run = store.open_run("test")
    store.describe_run(run.run_id, "m-1", "p-1")
    photos = [Photo("images", name, "1", 0) for name in ("sure.jpg", "unsure.jpg", "wrong.jpg")]
    store.save(
        store.run(run.run_id),
        [
            *(
                Prediction(photo, "Bag", 0.5, 0.4, (0.1,) * 10, photo.name != "sure.jpg", "")
                for photo in photos
            ),
            Failure(Photo("images", "broken.jpg", "1", 0), "decode", "the file is empty"),
        ],
        Counts(4, 3, 1),
    )
    store.close_run(run.run_id, "succeeded", None, None)
    run = store.open_run("test")
    store.save(
        run,
        [Failure(Photo("images", "broken.jpg", "1", 0), "decode", "the file is empty")],
        Counts(),
    )
    store.close_run(run.run_id, "succeeded", None, None)
    with opened(tmp_path) as connection:
        connection.execute(
            "INSERT INTO image_review (image_id, photo_key, etag, reviewed_category, reviewer, "
            "timestamp) SELECT image_id, photo_key, etag, 'Dress', 'Kim', '2026-11-22' "
            "FROM image_prediction WHERE image_filename = 'wrong.jpg'"
        )
