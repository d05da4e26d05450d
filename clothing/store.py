"""The store: runs, predictions, failures.

Owns the connections, the schema, and every statement that a run needs. What pages and people ask is
in `questions`, `review_queue` and `forgetting`, by these connections; no other module speaks SQL.
Every write is one transaction, and doing one again changes nothing: so one whose end was never
heard of, because the line broke or the server moved, is simply done again. Names and etags are
compared by hash, so no collation has a say. Times are UTC: they lie in the tables without a zone
and leave this module with one.
"""

import sqlite3
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError, IntegrityError, SQLAlchemyError

from clothing.errors import ActiveRunError, StoreError
from clothing.labels import COLUMNS
from clothing.photos import (
    Counts,
    Failure,
    Outcome,
    Photo,
    Prediction,
    Run,
    RunStatus,
    answer_key,
    photo_key,
)
from clothing.sql_server import (
    again,
    in_words,
    is_transient,
    let_statements_take_long,
    make_engine,
)
from clothing.tables import (
    SCHEMA_VERSION,
    UTC_TIME,
    batch_run,
    image_failure,
    image_prediction,
    image_probabilities,
)

STALE = timedelta(seconds=60)
"""A running run whose heartbeat is older than this is taken for dead."""

PAGE = 100
"""Rows that a page of a list has."""

_KEYS = 500  # in one IN (…): SQL Server takes 2,100 parameters a statement
_LOCK_SECONDS = 30  # how long SQLite waits for another writer
_SAME_MOMENT = timedelta(milliseconds=10)  # a driver may round what it sends

_Returned = TypeVar("_Returned")


@dataclass(frozen=True, slots=True)
class StoredPrediction:
    """A prediction as it lies in the tables, with when and by what it was made."""

    image_id: int
    run_id: int
    timestamp: datetime
    model_version: str
    preprocessing_version: str
    prediction: Prediction


class Store:
    """The database behind a SQLAlchemy address; opens a connection when first asked something.

    Args:
        url: For instance `sqlite:////absolute/path/clothing.db`, or `mssql+pyodbc://…`.

    Attributes:
        file: The database's file, or None if it is a server's.
    """

    def __init__(self, url: str) -> None:
        self.url = sa.make_url(url)
        self.file = Path(self.url.database or "") if self.url.drivername == "sqlite" else None
        self._made: sa.Engine | None = None
        self._making = threading.Lock()

    def dispose(self) -> None:
        """Close all connections; the next question opens new ones."""
        if self._made:
            self._made.dispose()

    # Schema

    def schema_version(self) -> str | None:
        """Return the newest migration that this database has seen, or None if it is empty."""
        return self._schema_version(patient=True)

    def _schema_version(self, patient: bool) -> str | None:
        if self.file and not self.file.exists():
            return None  # asking SQLite would make the file
        return self._read(_schema_version, patient)

    def upgrade(self) -> None:
        """Bring the schema to this code's version; of several at once, one does it."""
        try:
            self._write(_upgrade)
        except StoreError as error:
            was_faster = _refused_a_statement(error) and self.schema_version() == SCHEMA_VERSION
            if not was_faster:  # another one
                raise

    def ready(self, patient: bool = True) -> None:
        """Make sure that the schema fits: SQLite is upgraded, any other database must have been.

        Args:
            patient: False not to wait for a database that is waking up.

        Raises:
            StoreError: It cannot be reached, or its schema is another version's.
        """
        found = self._schema_version(patient)
        if found == SCHEMA_VERSION:
            return
        if found is not None and found > SCHEMA_VERSION:
            raise StoreError(
                f"The database has schema {found}, which is newer than this program's "
                f"{SCHEMA_VERSION}. Update the program."
            )
        if not self.file:
            raise StoreError(
                f"The database must have schema {SCHEMA_VERSION}. Received: {found or 'none'}. "
                "Run: python -m clothing db upgrade"
            )
        self.upgrade()

    def clock(self) -> datetime:
        """Return the time that the database's server has."""
        if self.file:
            return datetime.now(UTC)  # there is no other clock
        query = sa.select(sa.func.sysutcdatetime(type_=UTC_TIME))
        return _utc(self._read(lambda connection: connection.execute(query).scalar_one()))

    # Runs

    def open_run(self, trigger: str, prefix: str = "", force: bool = False) -> Run:
        """Start a run, unless one is going on; a run that shows no life is interrupted first.

        Args:
            trigger: Who asked, for instance "http" or "command".
            prefix: Only photos whose names start so.
            force: Whether photos with an answer are classified anew.

        Raises:
            ActiveRunError: Another run is going on.
        """
        now = _now()
        row = {
            "status": "running",
            "trigger": trigger,
            "prefix": prefix,
            "force": force,
            "started_at": now,
            "heartbeat_at": now,
            "listed": 0,
            "classified": 0,
            "failed": 0,
            "skipped": 0,
        }
        tries = 0

        def insert(connection: sa.Connection) -> int:
            nonlocal tries
            tries += 1
            key = connection.execute(sa.insert(batch_run), row).inserted_primary_key
            return int(key[0]) if key else 0

        self.interrupt_stale_runs()
        try:
            return self.run(self._write(insert))
        except StoreError as error:
            if not _is_duplicate(error):
                raise
            active = self.active_run()
            if active is None:  # it ended in this very moment
                return self.open_run(trigger, prefix, force)
            if tries > 1 and active.started_at == _utc(now):
                return active  # the first try had done it, only its answer was lost
            raise ActiveRunError(
                f"Run {active.run_id} is going on since {active.started_at:%H:%M:%S} UTC.",
                run_id=active.run_id,
            ) from error

    def describe_run(self, run_id: int, model_version: str, preprocessing_version: str) -> None:
        """Note what a run that goes on classifies with."""
        versions = {
            "model_version": model_version,
            "preprocessing_version": preprocessing_version,
        }
        self._write(lambda connection: _update_running(connection, run_id, versions))

    def beat(self, run_id: int, counts: Counts, expected: int | None) -> None:
        """Show that a run is alive, and how far it is.

        Args:
            run_id: The run.
            counts: Photos so far.
            expected: Photos in all, or None if they are not counted yet.

        Raises:
            StoreError: It goes on no longer: someone took it for dead, and this process must stop.
        """
        alive = {"heartbeat_at": _now(), "expected": expected, **_columns_of(counts)}
        # One try only: the next heartbeat comes soon, and says more.
        self._write(lambda connection: _update_running(connection, run_id, alive), patient=False)

    def save(self, run: Run, outcomes: Sequence[Outcome], counts: Counts) -> None:
        """Write the outcomes of a batch, and how far the run is, in one transaction.

        Args:
            run: The run that they are part of; it must go on.
            outcomes: Each photo once.
            counts: Of the run so far, these outcomes included.
        """
        predictions = [outcome for outcome in outcomes if isinstance(outcome, Prediction)]
        failures = [outcome for outcome in outcomes if isinstance(outcome, Failure)]

        def insert(connection: sa.Connection) -> None:
            _insert_predictions(connection, run, predictions)
            _insert_failures(connection, run, failures)
            progress = {"heartbeat_at": _now(), **_columns_of(counts)}
            _update_running(connection, run.run_id, progress)

        try:
            self._write(insert)
        except StoreError as error:
            if not _is_duplicate(error):
                raise
            self._write(insert)  # a try that was given up came through after all

    def close_run(
        self, run_id: int, status: RunStatus, counts: Counts | None, error: str | None
    ) -> None:
        """Bring a run that goes on to its final state.

        Args:
            run_id: The run.
            status: How it ended.
            counts: The final ones; None leaves the last that were saved.
            error: What went wrong, in words.
        """
        now = _now()
        final: dict[str, Any] = {"status": status, "heartbeat_at": now, "finished_at": now}
        final["error"] = error[:2000] if error else None
        if counts:
            final |= {"expected": counts.listed, **_columns_of(counts)}
        self._write(lambda connection: _close_running(connection, run_id, final))

    def interrupt_stale_runs(self) -> None:
        """Bring runs that show no life to the final state "interrupted"."""
        now = _now()
        died = {
            "status": "interrupted",
            "finished_at": now,
            "error": f"no sign of life for {STALE.total_seconds():.0f} s",
        }
        stale = (batch_run.c.status == "running") & (batch_run.c.heartbeat_at < now - STALE)
        query = sa.select(batch_run.c.run_id).where(stale)
        change = sa.update(batch_run).where(stale).values(died)
        # Asking first: pages ask often, and writing takes the lock.
        if self._read(lambda connection: connection.scalar(query)) is not None:
            self._write(lambda connection: connection.execute(change))

    def run(self, run_id: int) -> Run:
        """Return one run.

        Raises:
            LookupError: There is none with this number.
        """
        rows = self._rows(sa.select(batch_run).where(batch_run.c.run_id == run_id))
        if not rows:
            raise LookupError(f"There is no run {run_id}.")
        return _run_of(rows[0])

    def active_run(self) -> Run | None:
        """Return the run that goes on, or None."""
        rows = self._rows(sa.select(batch_run).where(batch_run.c.status == "running"))
        return _run_of(rows[0]) if rows else None

    def runs(self, before: int | None = None, limit: int = PAGE) -> list[Run]:
        """Return runs, newest first; with `before`, only those with smaller numbers."""
        query = sa.select(batch_run).order_by(batch_run.c.run_id.desc()).limit(limit)
        if before is not None:
            query = query.where(batch_run.c.run_id < before)
        return [_run_of(row) for row in self._rows(query)]

    def first_run(self) -> Run | None:
        """Return the oldest run, or None if there was none yet."""
        rows = self._rows(sa.select(batch_run).order_by(batch_run.c.run_id).limit(1))
        return _run_of(rows[0]) if rows else None

    def last_success(self) -> Run | None:
        """Return the newest run that succeeded, or None."""
        query = sa.select(batch_run).where(batch_run.c.status == "succeeded")
        rows = self._rows(query.order_by(batch_run.c.run_id.desc()).limit(1))
        return _run_of(rows[0]) if rows else None

    def runs_by_status(self) -> dict[str, int]:
        """Return how many runs are in each status that a run is in."""
        number = sa.func.count().label("number")
        query = sa.select(batch_run.c.status, number).group_by(batch_run.c.status)
        return {row["status"]: row["number"] for row in self._rows(query)}

    def waiting_for_review(self) -> int:
        """Return how many photos a person should look at, and nobody has yet."""
        view = sa.table(
            "current_prediction",
            sa.column("needs_review", sa.Boolean),
            sa.column("reviewed_category"),
        )
        query = sa.select(sa.func.count().label("number")).select_from(view)
        query = query.where(view.c.needs_review == sa.true(), view.c.reviewed_category.is_(None))
        number: int = self._rows(query)[0]["number"]
        return number

    # Outcomes

    def answered(self, photos: Sequence[Photo], model: str, preprocessing: str) -> set[Photo]:
        """Return those photos that this model, behind these steps, has answered already."""
        photo_by_key = {answer_key(photo, model, preprocessing): photo for photo in photos}
        column = image_prediction.c.answer_key
        return {
            photo_by_key[row["answer_key"]]
            for keys in _slices(list(photo_by_key))
            for row in self._rows(sa.select(column).where(column.in_(keys)))
        }

    def answers(
        self, photos: Sequence[Photo], model: str, preprocessing: str
    ) -> dict[Photo, StoredPrediction]:
        """Return the newest answer of this model to each of those photos that have one."""
        photo_by_key = {answer_key(photo, model, preprocessing): photo for photo in photos}
        table = image_prediction.c
        found: dict[Photo, StoredPrediction] = {}
        for keys in _slices(list(photo_by_key)):
            query = predictions_query().where(table.answer_key.in_(keys))
            for row in self._rows(query.order_by(table.image_id)):
                found[photo_by_key[row["answer_key"]]] = stored_of(row)
        return found

    def failures(self, run_id: int, photos: Sequence[Photo]) -> dict[Photo, Failure]:
        """Return the failures of a run among those photos."""
        photo_by_key = {photo_key(photo): photo for photo in photos}
        table = image_failure.c
        found: dict[Photo, Failure] = {}
        for keys in _slices(list(photo_by_key)):
            query = sa.select(image_failure).where(
                table.run_id == run_id, table.photo_key.in_(keys)
            )
            for row in self._rows(query):
                found[photo_by_key[row["photo_key"]]] = failure_of(row)
        return found

    def failures_of(self, run_id: int, limit: int = PAGE) -> list[Failure]:
        """Return the first failures of a run, by number."""
        query = (
            sa.select(image_failure)
            .where(image_failure.c.run_id == run_id)
            .order_by(image_failure.c.failure_id)
            .limit(limit)
        )
        return [failure_of(row) for row in self._rows(query)]

    def predictions(
        self,
        *,
        run_id: int | None = None,
        category: str | None = None,
        needs_review: bool | None = None,
        after: int = 0,
        limit: int = PAGE,
    ) -> list[StoredPrediction]:
        """Return predictions by number, the first `limit` after number `after`.

        Args:
            run_id: Only those that this run made.
            category: Only those of this predicted category.
            needs_review: Only those that a person should (True) or need not (False) look at.
            after: Number of the last one on the page before.
            limit: How many at most.
        """
        table = image_prediction.c
        query = predictions_query().where(table.image_id > after)
        if run_id is not None:
            query = query.where(table.run_id == run_id)
        if category is not None:
            query = query.where(table.predicted_category == category)
        if needs_review is not None:
            query = query.where(table.needs_review == needs_review)
        query = query.order_by(table.image_id).limit(limit)
        return [stored_of(row) for row in self._rows(query)]

    def prediction(self, image_id: int) -> StoredPrediction:
        """Return one prediction.

        Raises:
            LookupError: There is none with this number.
        """
        rows = self._rows(predictions_query().where(image_prediction.c.image_id == image_id))
        if not rows:
            raise LookupError(f"There is no prediction {image_id}.")
        return stored_of(rows[0])

    # Connections

    def read(self, work: Callable[[sa.Connection], _Returned]) -> _Returned:
        """Return what the work of a module beside this one reads, in one transaction."""
        return self._read(work)

    def write(self, work: Callable[[sa.Connection], _Returned]) -> _Returned:
        """Do the work of a module beside this one whole or not at all, twice if need be."""
        return self._write(work)

    def _rows(self, query: sa.Select[Any]) -> Sequence[sa.RowMapping]:
        return self._read(lambda connection: connection.execute(query).mappings().all())

    def _read(self, work: Callable[[sa.Connection], _Returned], patient: bool = True) -> _Returned:
        return self._transact(work, patient, writes=False)

    def _write(self, work: Callable[[sa.Connection], _Returned], patient: bool = True) -> _Returned:
        return self._transact(work, patient, writes=True)

    def _transact(
        self, work: Callable[[sa.Connection], _Returned], patient: bool, writes: bool
    ) -> _Returned:
        """Do some work whole or not at all; do it anew, if patient, after errors that pass.

        Nobody can tell whether the work of a try whose line broke is in the tables, so it must be
        the same done twice.
        """

        def once() -> _Returned:
            engine = self._engine().execution_options(writes=writes)
            with self._translated(), engine.begin() as connection:
                return work(connection)

        return again(once, self._passes, patient)

    def _passes(self, error: StoreError) -> bool:
        """Tell whether an error passes; if so, let go of connections that may be as broken."""
        passes = is_transient(error.__cause__, self.url)
        if passes:
            self.dispose()
        return passes

    def _engine(self) -> sa.Engine:
        """Return the engine, made when first needed: without the ODBC driver it cannot be."""
        with self._making:
            if self._made is None:
                self._made = self._sqlite_engine() if self.file else make_engine(self.url)
            return self._made

    def _sqlite_engine(self) -> sa.Engine:
        engine = sa.create_engine(self.url)
        sa.event.listen(engine, "do_connect", self._make_folder)
        sa.event.listen(engine, "connect", _prepare_sqlite)
        sa.event.listen(engine, "begin", _begin_sqlite)
        return engine

    def _make_folder(self, *_connecting: object) -> None:
        if self.file:
            self.file.parent.mkdir(parents=True, exist_ok=True)

    @contextmanager
    def _translated(self) -> Iterator[None]:
        """Turn what drivers raise into a StoreError without the query and its values."""
        try:
            yield
        except SQLAlchemyError as error:
            if not self.file:
                raise StoreError(in_words(error, self.url)) from error
            cause = getattr(error, "orig", None) or error
            raise StoreError(f"The database cannot do this: {cause}") from error
        except OSError as error:
            reason = error.strerror
            raise StoreError(f"The folder of the database cannot be made: {reason}") from error


def _prepare_sqlite(connection: Any, _record: object) -> None:
    """Let readers and one writer work side by side, and check keys; transactions are ours."""
    connection.isolation_level = None  # else the driver begins transactions of its own
    cursor = connection.cursor()
    cursor.execute(f"PRAGMA busy_timeout = {_LOCK_SECONDS * 1000}")
    _write_ahead(cursor)
    cursor.execute("PRAGMA foreign_keys = ON")
    cursor.close()


def _write_ahead(cursor: Any) -> None:
    """Turn on the write-ahead log; where others do so at this moment, SQLite itself never waits."""
    deadline = time.monotonic() + _LOCK_SECONDS
    while True:
        try:
            cursor.execute("PRAGMA journal_mode = WAL")
            return
        except sqlite3.OperationalError as error:
            is_busy = error.sqlite_errorcode & 0xFF == sqlite3.SQLITE_BUSY  # without its kind
            if not is_busy or time.monotonic() > deadline:
                raise
            time.sleep(0.01)


def _begin_sqlite(connection: sa.Connection) -> None:
    """Take the write lock first where writing is meant: SQLite cannot wait for it later on."""
    writes = connection.get_execution_options().get("writes")
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def _schema_version(connection: sa.Connection) -> str | None:
    if not sa.inspect(connection).has_table("alembic_version"):
        return None
    version: str | None = connection.scalar(sa.text("SELECT version_num FROM alembic_version"))
    return version


def _upgrade(connection: sa.Connection) -> None:
    from alembic import command  # 0.1 s: only a database that is behind pays it
    from alembic.config import Config

    if _schema_version(connection) == SCHEMA_VERSION:
        return
    let_statements_take_long(connection)
    config = Config()
    config.set_main_option("script_location", "clothing:migrations")
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


def _is_duplicate(error: StoreError) -> bool:
    return isinstance(error.__cause__, IntegrityError)


def _refused_a_statement(error: StoreError) -> bool:
    """Tell whether the database was reached, and then did not do what was asked."""
    cause = error.__cause__
    return isinstance(cause, DBAPIError) and cause.statement is not None


def _is_moment(found: datetime | None, meant: datetime) -> bool:
    """Tell whether a time that was read is one that was written."""
    return found is not None and abs(found - meant) < _SAME_MOMENT


def _update_running(connection: sa.Connection, run_id: int, values: Mapping[str, Any]) -> None:
    """Change a run that goes on; the row count tells whether it still did."""
    going_on = (batch_run.c.run_id == run_id) & (batch_run.c.status == "running")
    changed = connection.execute(sa.update(batch_run).where(going_on).values(values)).rowcount
    if changed != 1:
        raise StoreError(f"Run {run_id} goes on no longer; it was closed by someone else.")


def _close_running(connection: sa.Connection, run_id: int, final: Mapping[str, Any]) -> None:
    """Close a run that goes on; one that was closed in just this way stays as it is."""
    table = batch_run.c
    query = sa.select(table.status, table.finished_at).where(table.run_id == run_id)
    row = connection.execute(query).one_or_none()
    if row and row.status == final["status"] and _is_moment(row.finished_at, final["finished_at"]):
        return
    _update_running(connection, run_id, final)


def _insert_predictions(
    connection: sa.Connection, run: Run, predictions: Sequence[Prediction]
) -> None:
    """Insert predictions and their probabilities; one that is there already stays as it is."""
    forced_run = _forced_run(run)
    rows = [_row_of(prediction, run) for prediction in predictions]
    pairs = {row["answer_key"]: (row, one) for row, one in zip(rows, predictions, strict=True)}
    for key in _image_ids(connection, list(pairs), forced_run):
        del pairs[key]
    if not pairs:
        return
    connection.execute(_adding(image_prediction), [row for row, _ in pairs.values()])
    image_ids = _image_ids(connection, list(pairs), forced_run)
    probabilities = [
        {"image_id": image_ids[key], **dict(zip(COLUMNS, one.probabilities, strict=True))}
        for key, (_, one) in pairs.items()
    ]
    connection.execute(_adding(image_probabilities), probabilities)


def _adding(table: sa.Table) -> sa.Insert:
    """Return the statement that adds rows; it returns none, as SQL Server's fast way cannot."""
    return sa.insert(table).inline()


def _image_ids(connection: sa.Connection, keys: Sequence[str], forced_run: int) -> dict[str, int]:
    """Return the numbers of those answers that are in the table."""
    table = image_prediction.c
    query = sa.select(table.answer_key, table.image_id).where(table.forced_run == forced_run)
    return {
        row.answer_key: row.image_id
        for some in _slices(keys)
        for row in connection.execute(query.where(table.answer_key.in_(some)))
    }


def _row_of(prediction: Prediction, run: Run) -> dict[str, Any]:
    model, preprocessing = str(run.model_version), str(run.preprocessing_version)
    return {
        **_photo_columns(prediction.photo, run),
        "answer_key": answer_key(prediction.photo, model, preprocessing),
        "forced_run": _forced_run(run),
        "predicted_category": prediction.predicted_category,
        "confidence": prediction.confidence,
        "margin": prediction.margin,
        "needs_review": prediction.needs_review,
        "review_reason": prediction.review_reason,
        "model_version": model,
        "preprocessing_version": preprocessing,
    }


def _forced_run(run: Run) -> int:
    """Return what tells an answer that was asked for anew from the first one."""
    return run.run_id if run.force else 0


def _insert_failures(connection: sa.Connection, run: Run, failures: Sequence[Failure]) -> None:
    """Insert failures; one that is there already stays as it is."""
    rows = {
        photo_key(failure.photo): {
            **_photo_columns(failure.photo, run),
            "stage": failure.stage,
            "reason": failure.reason[:500],
        }
        for failure in failures
    }
    table = image_failure.c
    query = sa.select(table.photo_key).where(table.run_id == run.run_id)
    for keys in list(_slices(list(rows))):
        for key in connection.scalars(query.where(table.photo_key.in_(keys))):
            del rows[key]
    if rows:
        connection.execute(_adding(image_failure), list(rows.values()))


def _photo_columns(photo: Photo, run: Run) -> dict[str, Any]:
    return {
        "run_id": run.run_id,
        "container": photo.container,
        "image_filename": photo.name,
        "etag": photo.etag,
        "photo_key": photo_key(photo),
        "timestamp": _now(),
    }


def _columns_of(counts: Counts) -> dict[str, int]:
    return {
        "listed": counts.listed,
        "classified": counts.classified,
        "failed": counts.failed,
        "skipped": counts.skipped,
    }


def predictions_query() -> sa.Select[Any]:
    """Return the question for predictions with their probabilities, as `stored_of` reads them."""
    probabilities = [image_probabilities.c[column] for column in COLUMNS]
    return sa.select(image_prediction, *probabilities).join(
        image_probabilities, image_probabilities.c.image_id == image_prediction.c.image_id
    )


def stored_of(row: sa.RowMapping) -> StoredPrediction:
    """Return the prediction that a row of `predictions_query` holds."""
    prediction = Prediction(
        photo=_photo_of(row),
        predicted_category=row["predicted_category"],
        confidence=row["confidence"],
        margin=row["margin"],
        probabilities=tuple(row[column] for column in COLUMNS),
        needs_review=row["needs_review"],
        review_reason=row["review_reason"],
    )
    return StoredPrediction(
        image_id=row["image_id"],
        run_id=row["run_id"],
        timestamp=_utc(row["timestamp"]),
        model_version=row["model_version"],
        preprocessing_version=row["preprocessing_version"],
        prediction=prediction,
    )


def failure_of(row: sa.RowMapping) -> Failure:
    """Return the failure that a row of its table holds."""
    return Failure(photo=_photo_of(row), stage=row["stage"], reason=row["reason"])


def _photo_of(row: sa.RowMapping) -> Photo:
    """Return the photo of a row; its size is not stored and reads 0."""
    return Photo(row["container"], row["image_filename"], row["etag"], size=0)


def _run_of(row: sa.RowMapping) -> Run:
    return Run(
        run_id=row["run_id"],
        status=row["status"],
        trigger=row["trigger"],
        prefix=row["prefix"],
        force=row["force"],
        started_at=_utc(row["started_at"]),
        heartbeat_at=_utc(row["heartbeat_at"]),
        finished_at=_utc(row["finished_at"]) if row["finished_at"] else None,
        model_version=row["model_version"],
        preprocessing_version=row["preprocessing_version"],
        expected=row["expected"],
        counts=Counts(row["listed"], row["classified"], row["failed"], row["skipped"]),
        error=row["error"],
    )


def _slices(keys: Sequence[str]) -> Iterator[Sequence[str]]:
    for start in range(0, len(keys), _KEYS):
        yield keys[start : start + _KEYS]


def _now() -> datetime:
    return datetime.now(UTC).replace(tzinfo=None)


def _utc(moment: datetime) -> datetime:
    return moment.replace(tzinfo=UTC)
