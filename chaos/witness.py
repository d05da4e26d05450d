"""The witness: what the tables must never hold, asked in SQL of its own.

Owns those questions. It opens the database's file with sqlite3 and believes only rows; it knows
neither the store nor the hashes by which the store keeps answers apart.
"""

import os
import sqlite3
from collections.abc import Iterator, Mapping, Set
from contextlib import closing
from pathlib import Path

from chaos.findings import Finding, Flaw

Listed = Mapping[str, str]
"""The photos that a container holds now: their etags by name."""

_QUESTIONS: tuple[tuple[Flaw, str, str], ...] = (
    (
        "doubled",
        "{} has {} answers of one model to one content",
        "SELECT image_filename, COUNT(*) FROM image_prediction GROUP BY container, image_filename,"
        " etag, model_version, preprocessing_version, forced_run HAVING COUNT(*) > 1",
    ),
    (
        "doubled",
        "{} has {} current answers",
        "SELECT image_filename, COUNT(*) FROM current_prediction"
        " GROUP BY container, image_filename HAVING COUNT(*) > 1",
    ),
    (
        "doubled",
        "{} failed {} times in one run",
        "SELECT image_filename, COUNT(*) FROM image_failure"
        " GROUP BY run_id, container, image_filename HAVING COUNT(*) > 1",
    ),
    (
        "doubled",
        "{} has both an answer and a failure of run {}",
        "SELECT p.image_filename, p.run_id FROM image_prediction AS p JOIN image_failure AS f"
        " ON f.run_id = p.run_id AND f.container = p.container"
        " AND f.image_filename = p.image_filename",
    ),
    (
        "half",
        "answer {} to {} has no probabilities",
        "SELECT p.image_id, p.image_filename FROM image_prediction AS p LEFT JOIN"
        " image_probabilities AS q ON q.image_id = p.image_id WHERE q.image_id IS NULL",
    ),
    (
        "half",
        "probabilities {} belong to no answer ({})",
        "SELECT q.probabilities_id, q.image_id FROM image_probabilities AS q LEFT JOIN"
        " image_prediction AS p ON p.image_id = q.image_id WHERE p.image_id IS NULL",
    ),
    (
        "half",
        "answer {} has {} rows of probabilities",
        "SELECT image_id, COUNT(*) FROM image_probabilities GROUP BY image_id HAVING COUNT(*) > 1",
    ),
    (
        "half",
        "the probabilities of answer {} sum to {}",
        "SELECT image_id, t_shirt + trouser + pullover + dress + coat + sandal + shirt + sneaker"
        " + bag + ankle_boot AS total FROM image_probabilities WHERE ABS(total - 1) > 0.000001",
    ),
    (
        "wrong",
        "run {} is {}, but has no end",
        "SELECT run_id, status FROM batch_run WHERE status <> 'running' AND finished_at IS NULL",
    ),
    (
        "wrong",
        "run {} went well, but of {} photos it lists the outcomes do not add up",
        "SELECT run_id, listed FROM batch_run WHERE status = 'succeeded'"
        " AND listed <> classified + failed + skipped",
    ),
    (
        "wrong",
        "run {} says that it classified {} photos; the tables hold another number of its answers",
        "SELECT run_id, classified FROM batch_run AS r WHERE status = 'succeeded' AND classified <>"
        " (SELECT COUNT(*) FROM image_prediction AS p WHERE p.run_id = r.run_id)",
    ),
    (
        "wrong",
        "run {} says that {} photos failed; the tables hold another number of its failures",
        "SELECT run_id, failed FROM batch_run AS r WHERE status = 'succeeded' AND failed <>"
        " (SELECT COUNT(*) FROM image_failure AS f WHERE f.run_id = r.run_id)",
    ),
    (
        "wrong",
        "a row of {} points to a row of {} that is not there",
        'SELECT "table", parent FROM pragma_foreign_key_check',
    ),
)
"""What must give no row: its kind, the words for a row, and the question."""

_AT_THE_END: tuple[tuple[Flaw, str, str], ...] = (
    (
        "stuck",
        "run {}, started by {}, still goes on",
        "SELECT run_id, trigger FROM batch_run WHERE status = 'running'",
    ),
)

_STATUSES = ("running", "succeeded", "failed", "interrupted")


def seen_in(database: Path) -> list[Finding]:
    """Return what must not be in a database at any moment, even right after a crash."""
    try:
        with closing(opened(database)) as connection:
            return [*_damage(connection), *_answers(connection, _QUESTIONS)]
    except sqlite3.DatabaseError as error:
        return [Finding("wrong", f"the database cannot be read: {error}")]


def seen_at_the_end(database: Path, listed: Listed, gone: Set[str] = frozenset()) -> list[Finding]:
    """Return what must not be in a database once the night is over.

    Args:
        database: Its file.
        listed: What the container holds; each must have an answer to just this content, or a
            failure in the last run.
        gone: Names that it held before; they may have outcomes too.
    """
    found = seen_in(database)
    if found and found[0].text.startswith("the database"):
        return found
    with closing(opened(database)) as connection:
        return [*found, *_answers(connection, _AT_THE_END), *_lost(connection, listed, gone)]


def opened(database: Path, seconds: float = 60) -> sqlite3.Connection:
    """Open a database that is there; whoever else writes is waited for so long."""
    address = f"{database.absolute().as_uri()}?mode=rw"
    connection = sqlite3.connect(address, uri=True, timeout=seconds)
    # Where SQLite stands for SQL Server, its columns bring that server's order of texts.
    connection.create_collation("Latin1_General_BIN2", lambda one, two: (one > two) - (one < two))
    return connection


def photos_in(folder: Path) -> dict[str, str]:
    """Return the photos that lie below a folder: etags by name, as a folder container has them."""
    found = {}
    for place, _, names in os.walk(folder):
        for name in names:
            path = Path(place) / name
            status = path.stat()
            etag = f"{status.st_mtime_ns:x}-{status.st_size:x}"
            found[path.relative_to(folder).as_posix()] = etag
    return found


def _damage(connection: sqlite3.Connection) -> Iterator[Finding]:
    for (text,) in connection.execute("PRAGMA integrity_check"):
        if text != "ok":
            yield Finding("wrong", f"the database is damaged: {text}")
    for (status,) in connection.execute("SELECT DISTINCT status FROM batch_run"):
        if status not in _STATUSES:
            yield Finding("wrong", f"a run is {status!r}")


def _answers(
    connection: sqlite3.Connection, questions: tuple[tuple[Flaw, str, str], ...]
) -> Iterator[Finding]:
    for flaw, words, question in questions:
        for row in connection.execute(question):
            yield Finding(flaw, words.format(*row))


def _lost(connection: sqlite3.Connection, listed: Listed, gone: Set[str]) -> Iterator[Finding]:
    """Yield the photos without an outcome, and outcomes of photos that never were."""
    answers = set(connection.execute("SELECT image_filename, etag FROM image_prediction"))
    failures = set(
        connection.execute(
            "SELECT image_filename, etag FROM image_failure"
            " WHERE run_id = (SELECT MAX(run_id) FROM batch_run)"
        )
    )
    for photo in listed.items():
        if photo not in answers and photo not in failures:
            yield Finding("lost", f"{photo[0]} has no outcome")
    for name in {name for name, _ in answers | failures} - listed.keys() - gone:
        yield Finding("wrong", f"{name} has an outcome and was never there")
