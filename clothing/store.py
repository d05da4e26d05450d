"""The store: runs, predictions, failures. The only module that speaks SQL.

Owns SQLAlchemy and Alembic. Every write is one transaction, and doing one again changes nothing.
Times are UTC: they lie in the tables without a zone and leave this module with one.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError, SQLAlchemyError

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
from clothing.tables import (
    SCHEMA_VERSION,
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
        url: For instance `sqlite:////absolute/path/clothing.db`.
    """

    def __init__(self, url: str) -> None:
        self.url = sa.make_url(url)
        self._engine = sa.create_engine(self.url)
        self._file = Path(self.url.database or "") if self.url.drivername == "sqlite" else None
        if self._file:
            sa.event.listen(self._engine, "do_connect", self._make_folder)
            sa.event.listen(self._engine, "connect", _prepare_sqlite)
            sa.event.listen(self._engine, "begin", _begin_sqlite)

    def dispose(self) -> None:
        """Close all connections; the next question opens new ones."""
        self._engine.dispose()

    # Schema

    def schema_version(self) -> str | None:
        """Return the newest migration that this database has seen, or None if it is empty."""
        if self._file and not self._file.exists():
            return None  # asking SQLite would make the file
        with self._reading() as connection:
            return _schema_version(connection)

    def upgrade(self) -> None:
        """Bring the schema to this code's version; of several at once, one does it."""
        from alembic import command  # 0.1 s: only a database that is behind pays it
        from alembic.config import Config

        with self._writing() as connection:
            if _schema_version(connection) == SCHEMA_VERSION:
                return
            config = Config()
            config.set_main_option("script_location", "clothing:migrations")
            config.attributes["connection"] = connection
            command.upgrade(config, "head")

    def ready(self) -> None:
        """Make sure that the schema fits: SQLite is upgraded, any other database must have been.

        Raises:
            StoreError: It cannot be reached, or its schema is another version's.
        """
        found = self.schema_version()
        if found == SCHEMA_VERSION:
            return
        if found is not None and found > SCHEMA_VERSION:
            raise StoreError(
                f"The database has schema {found}, which is newer than this program's "
                f"{SCHEMA_VERSION}. Update the program."
            )
        if not self._file:
            raise StoreError(
                f"The database must have schema {SCHEMA_VERSION}. Received: {found or 'none'}. "
                "Run: python -m clothing db upgrade"
            )
        self.upgrade()

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
        self.interrupt_stale_runs()
        try:
            with self._writing() as connection:
                key = connection.execute(sa.insert(batch_run), row).inserted_primary_key
        except StoreError as error:
            if isinstance(error.__cause__, IntegrityError) and (active := self.active_run()):
                raise ActiveRunError(
                    f"Run {active.run_id} is going on since {active.started_at:%H:%M:%S} UTC.",
                    run_id=active.run_id,
                ) from error
            raise
        return self.run(key[0] if key else 0)

    def describe_run(self, run_id: int, model_version: str, preprocessing_version: str) -> None:
        """Note what a run that goes on classifies with."""
        versions = {
            "model_version": model_version,
            "preprocessing_version": preprocessing_version,
        }
        with self._writing() as connection:
            _update_running(connection, run_id, versions)

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
        with self._writing() as connection:
            _update_running(connection, run_id, alive)

    def save(self, run: Run, outcomes: Sequence[Outcome], counts: Counts) -> None:
        """Write the outcomes of a batch, and how far the run is, in one transaction.

        Args:
            run: The run that they are part of; it must go on.
            outcomes: Each photo once.
            counts: Of the run so far, these outcomes included.
        """
        predictions = [outcome for outcome in outcomes if isinstance(outcome, Prediction)]
        failures = [outcome for outcome in outcomes if isinstance(outcome, Failure)]
        with self._writing() as connection:
            _insert_predictions(connection, run, predictions)
            _insert_failures(connection, run, failures)
            progress = {"heartbeat_at": _now(), **_columns_of(counts)}
            _update_running(connection, run.run_id, progress)

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
        with self._writing() as connection:
            _update_running(connection, run_id, final)

    def interrupt_stale_runs(self) -> None:
        """Bring runs that show no life to the final state "interrupted"."""
        now = _now()
        died = {
            "status": "interrupted",
            "finished_at": now,
            "error": f"no sign of life for {STALE.total_seconds():.0f} s",
        }
        stale = (batch_run.c.status == "running") & (batch_run.c.heartbeat_at < now - STALE)
        with self._reading() as connection:  # pages ask often, and writing takes the lock
            if connection.scalar(sa.select(batch_run.c.run_id).where(stale)) is None:
                return
        with self._writing() as connection:
            connection.execute(sa.update(batch_run).where(stale).values(died))

    def run(self, run_id: int) -> Run:
        """Return one run.

        Raises:
            LookupError: There is none with this number.
        """
        query = sa.select(batch_run).where(batch_run.c.run_id == run_id)
        with self._reading() as connection:
            row = connection.execute(query).mappings().one_or_none()
        if row is None:
            raise LookupError(f"There is no run {run_id}.")
        return _run_of(row)

    def active_run(self) -> Run | None:
        """Return the run that goes on, or None."""
        query = sa.select(batch_run).where(batch_run.c.status == "running")
        with self._reading() as connection:
            row = connection.execute(query).mappings().one_or_none()
        return _run_of(row) if row else None

    def runs(self, before: int | None = None, limit: int = PAGE) -> list[Run]:
        """Return runs, newest first; with `before`, only those with smaller numbers."""
        query = sa.select(batch_run).order_by(batch_run.c.run_id.desc()).limit(limit)
        if before is not None:
            query = query.where(batch_run.c.run_id < before)
        with self._reading() as connection:
            return [_run_of(row) for row in connection.execute(query).mappings()]

    # Outcomes

    def answered(self, photos: Sequence[Photo], model: str, preprocessing: str) -> set[Photo]:
        """Return those photos that this model, behind these steps, has answered already."""
        photo_by_key = {answer_key(photo, model, preprocessing): photo for photo in photos}
        column = image_prediction.c.answer_key
        with self._reading() as connection:
            return {
                photo_by_key[key]
                for keys in _slices(list(photo_by_key))
                for key in connection.scalars(sa.select(column).where(column.in_(keys)))
            }

    def answers(
        self, photos: Sequence[Photo], model: str, preprocessing: str
    ) -> dict[Photo, StoredPrediction]:
        """Return the newest answer of this model to each of those photos that have one."""
        photo_by_key = {answer_key(photo, model, preprocessing): photo for photo in photos}
        table = image_prediction.c
        found: dict[Photo, StoredPrediction] = {}
        with self._reading() as connection:
            for keys in _slices(list(photo_by_key)):
                query = _predictions_query().where(table.answer_key.in_(keys))
                for row in connection.execute(query.order_by(table.image_id)).mappings():
                    found[photo_by_key[row["answer_key"]]] = _stored_prediction_of(row)
        return found

    def failures(self, run_id: int, photos: Sequence[Photo]) -> dict[Photo, Failure]:
        """Return the failures of a run among those photos."""
        photo_by_key = {photo_key(photo): photo for photo in photos}
        table = image_failure.c
        found: dict[Photo, Failure] = {}
        with self._reading() as connection:
            for keys in _slices(list(photo_by_key)):
                query = sa.select(image_failure).where(
                    table.run_id == run_id, table.photo_key.in_(keys)
                )
                for row in connection.execute(query).mappings():
                    found[photo_by_key[row["photo_key"]]] = _failure_of(row)
        return found

    def failures_of(self, run_id: int, limit: int = PAGE) -> list[Failure]:
        """Return the first failures of a run, by number."""
        query = (
            sa.select(image_failure)
            .where(image_failure.c.run_id == run_id)
            .order_by(image_failure.c.failure_id)
            .limit(limit)
        )
        with self._reading() as connection:
            return [_failure_of(row) for row in connection.execute(query).mappings()]

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
        query = _predictions_query().where(table.image_id > after)
        if run_id is not None:
            query = query.where(table.run_id == run_id)
        if category is not None:
            query = query.where(table.predicted_category == category)
        if needs_review is not None:
            query = query.where(table.needs_review == needs_review)
        query = query.order_by(table.image_id).limit(limit)
        with self._reading() as connection:
            return [_stored_prediction_of(row) for row in connection.execute(query).mappings()]

    def prediction(self, image_id: int) -> StoredPrediction:
        """Return one prediction.

        Raises:
            LookupError: There is none with this number.
        """
        query = _predictions_query().where(image_prediction.c.image_id == image_id)
        with self._reading() as connection:
            row = connection.execute(query).mappings().one_or_none()
        if row is None:
            raise LookupError(f"There is no prediction {image_id}.")
        return _stored_prediction_of(row)

    # Connections

    def _make_folder(self, *_connecting: object) -> None:
        if self._file:
            self._file.parent.mkdir(parents=True, exist_ok=True)

    @contextmanager
    def _reading(self) -> Iterator[sa.Connection]:
        with _translated(), self._engine.begin() as connection:
            yield connection

    @contextmanager
    def _writing(self) -> Iterator[sa.Connection]:
        """Yield a connection whose transaction ends with the block, whole or not at all."""
        writer = self._engine.execution_options(writes=True)
        with _translated(), writer.begin() as connection:
            yield connection


@contextmanager
def _translated() -> Iterator[None]:
    """Turn what drivers raise into a StoreError without the query and its values."""
    try:
        yield
    except SQLAlchemyError as error:
        cause = getattr(error, "orig", None) or error
        raise StoreError(f"The database cannot do this: {cause}") from error
    except OSError as error:
        raise StoreError(f"The folder of the database cannot be made: {error.strerror}") from error


def _prepare_sqlite(connection: Any, _record: object) -> None:
    """Let readers and one writer work side by side, and check keys; transactions are ours."""
    connection.isolation_level = None  # else the driver begins transactions of its own
    cursor = connection.cursor()
    cursor.execute(f"PRAGMA busy_timeout = {_LOCK_SECONDS * 1000}")
    cursor.execute("PRAGMA journal_mode = WAL")
    cursor.execute("PRAGMA foreign_keys = ON")
    cursor.close()


def _begin_sqlite(connection: sa.Connection) -> None:
    """Take the write lock first where writing is meant: SQLite cannot wait for it later on."""
    writes = connection.get_execution_options().get("writes")
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def _schema_version(connection: sa.Connection) -> str | None:
    if not sa.inspect(connection).has_table("alembic_version"):
        return None
    version: str | None = connection.scalar(sa.text("SELECT version_num FROM alembic_version"))
    return version


def _update_running(connection: sa.Connection, run_id: int, values: Mapping[str, Any]) -> None:
    """Change a run that goes on; the row count tells whether it still did."""
    going_on = (batch_run.c.run_id == run_id) & (batch_run.c.status == "running")
    changed = connection.execute(sa.update(batch_run).where(going_on).values(values)).rowcount
    if changed != 1:
        raise StoreError(f"Run {run_id} goes on no longer; it was closed by someone else.")


def _insert_predictions(
    connection: sa.Connection, run: Run, predictions: Sequence[Prediction]
) -> None:
    """Insert predictions and their probabilities; one that is there already stays as it is."""
    rows = [_row_of(prediction, run) for prediction in predictions]
    pairs = {row["answer_key"]: (row, one) for row, one in zip(rows, predictions, strict=True)}
    for key in _present(connection, list(pairs), _forced_run(run)):
        del pairs[key]
    if not pairs:
        return
    query = sa.insert(image_prediction).returning(
        image_prediction.c.image_id, sort_by_parameter_order=True
    )
    image_ids = connection.scalars(query, [row for row, _ in pairs.values()]).all()
    probabilities = [
        {"image_id": image_id, **dict(zip(COLUMNS, prediction.probabilities, strict=True))}
        for image_id, (_, prediction) in zip(image_ids, pairs.values(), strict=True)
    ]
    connection.execute(sa.insert(image_probabilities), probabilities)


def _present(connection: sa.Connection, keys: Sequence[str], forced_run: int) -> list[str]:
    table = image_prediction.c
    return [
        key
        for some in _slices(keys)
        for key in connection.scalars(
            sa.select(table.answer_key).where(
                table.forced_run == forced_run, table.answer_key.in_(some)
            )
        )
    ]


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
    rows = [
        {
            **_photo_columns(failure.photo, run),
            "stage": failure.stage,
            "reason": failure.reason[:500],
        }
        for failure in failures
    ]
    if rows:
        connection.execute(sa.insert(image_failure), rows)


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


def _predictions_query() -> sa.Select[Any]:
    probabilities = [image_probabilities.c[column] for column in COLUMNS]
    return sa.select(image_prediction, *probabilities).join(
        image_probabilities, image_probabilities.c.image_id == image_prediction.c.image_id
    )


def _stored_prediction_of(row: sa.RowMapping) -> StoredPrediction:
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


def _failure_of(row: sa.RowMapping) -> Failure:
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
