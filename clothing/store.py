"""The store: runs, predictions, failures.

Owns every statement that a run needs; `database` has the connections. What pages and people ask is
in `questions`, `review_queue` and `forgetting`; no other module speaks SQL. Every write is one
transaction, and doing one again changes nothing: so one whose end was never heard of, because the
line broke or the server moved, is simply done again. Names and etags are compared by hash, so no
collation has a say.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from clothing.database import Database, in_utc, is_moment, now_in_tables, slices
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
from clothing.sql_server import LOGIN_SECONDS, PATIENCE_SECONDS
from clothing.standing import is_current
from clothing.tables import (
    batch_run,
    image_failure,
    image_prediction,
    image_probabilities,
)

STALE = timedelta(seconds=60)
"""A running run whose heartbeat is older than this is taken for dead."""

OUTAGE = timedelta(seconds=PATIENCE_SECONDS + LOGIN_SECONDS)
"""So much longer with a server: a run that waits until it is back cannot show that it lives."""

PAGE = 100
"""Rows that a page of a list has."""


@dataclass(frozen=True, slots=True)
class StoredPrediction:
    """A prediction as it lies in the tables, with when and by what it was made."""

    image_id: int
    run_id: int
    timestamp: datetime
    model_version: str
    preprocessing_version: str
    prediction: Prediction


class Store(Database):
    """A database with what a run keeps in it."""

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
        now = now_in_tables()
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
            return self._begin(row)
        except StoreError as error:
            if not _is_duplicate(error):
                raise
            return self._begin(row)  # what stood in its way has just ended

    def _begin(self, row: Mapping[str, Any]) -> Run:
        """Insert the row of a new run, or say which one goes on."""
        tries = 0

        def insert(connection: sa.Connection) -> int:
            nonlocal tries
            tries += 1
            key = connection.execute(sa.insert(batch_run), row).inserted_primary_key
            return int(key[0]) if key else 0

        try:
            return self.run(self.write(insert))
        except StoreError as error:
            active = self.active_run() if _is_duplicate(error) else None
            if active is None:
                raise
            if tries > 1 and is_moment(active.started_at, in_utc(row["started_at"])):
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
        self.write(lambda connection: _update_running(connection, run_id, versions))

    def beat(self, run_id: int, counts: Counts, expected: int | None) -> None:
        """Show that a run is alive, and how far it is.

        Args:
            run_id: The run.
            counts: Photos so far.
            expected: Photos in all, or None if they are not counted yet.

        Raises:
            StoreError: It goes on no longer: someone took it for dead, and this process must stop.
        """
        alive = {"heartbeat_at": now_in_tables(), "expected": expected, **_at_least(counts)}
        # One try only: the next heartbeat comes soon, and says more.
        self.write(lambda connection: _update_running(connection, run_id, alive), patient=False)

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
            progress = {"heartbeat_at": now_in_tables(), **_columns_of(counts)}
            _update_running(connection, run.run_id, progress)

        try:
            self.write(insert)
        except StoreError as error:
            if not _is_duplicate(error):
                raise
            self.write(insert)  # a try that was given up came through after all

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
        now = now_in_tables()
        final: dict[str, Any] = {"status": status, "heartbeat_at": now, "finished_at": now}
        final["error"] = error[:2000] if error else None
        if counts:
            final |= {"expected": counts.listed, **_columns_of(counts)}
        self.write(lambda connection: _close_running(connection, run_id, final))

    def interrupt_stale_runs(self) -> None:
        """Bring runs that show no life to the final state "interrupted"."""
        now, silence = now_in_tables(), STALE if self.file else STALE + OUTAGE
        died = {
            "status": "interrupted",
            "finished_at": now,
            "error": f"no sign of life for {silence.total_seconds():.0f} s",
        }
        beat = batch_run.c.heartbeat_at
        # One from the future was told by a clock that has been set right since.
        stale = (batch_run.c.status == "running") & ~beat.between(now - silence, now + silence)
        query = sa.select(batch_run.c.run_id).where(stale)
        change = sa.update(batch_run).where(stale).values(died)
        # Asking first: pages ask often, and writing takes the lock.
        if self.read(lambda connection: connection.scalar(query)) is not None:
            self.write(lambda connection: connection.execute(change))

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
        """Return the newest run over all photos that succeeded, or None.

        Where each run is asked for some photos only, it is the newest of these.
        """
        query = sa.select(batch_run).where(batch_run.c.status == "succeeded")
        whole_first = sa.case((batch_run.c.prefix == "", 0), else_=1)
        rows = self._rows(query.order_by(whole_first, batch_run.c.run_id.desc()).limit(1))
        return _run_of(rows[0]) if rows else None

    def runs_by_status(self) -> dict[str, int]:
        """Return how many runs are in each status that a run is in."""
        number = sa.func.count().label("number")
        query = sa.select(batch_run.c.status, number).group_by(batch_run.c.status)
        return {row["status"]: row["number"] for row in self._rows(query)}

    # Outcomes

    def answered(self, photos: Sequence[Photo], model: str, preprocessing: str) -> set[Photo]:
        """Return those photos whose answer of now this model gave, behind these steps.

        One that another model, or other content of the photo, got since is not it, nor is one since
        which the photo could not be used.
        """
        keys = [photo_key(photo) for photo in photos]
        standing = self.read(lambda connection: _standing(connection, keys))
        return {
            photo
            for photo, key in zip(photos, keys, strict=True)
            if standing.get(key) == answer_key(photo, model, preprocessing)
        }

    def answers(
        self, photos: Sequence[Photo], model: str, preprocessing: str, until: int
    ) -> dict[Photo, StoredPrediction]:
        """Return the newest answer of this model to each of those photos that have one.

        Args:
            photos: Each once.
            model: Version of the model.
            preprocessing: Version of the steps before it.
            until: Number of the last run whose answers count.
        """
        photo_by_key = {answer_key(photo, model, preprocessing): photo for photo in photos}
        table = image_prediction.c
        found: dict[Photo, StoredPrediction] = {}
        for keys in slices(list(photo_by_key)):
            query = predictions_query().where(table.answer_key.in_(keys), table.run_id <= until)
            for row in self._rows(query.order_by(table.image_id)):
                found[photo_by_key[row["answer_key"]]] = stored_of(row)
        return found

    def failures(self, run_id: int, photos: Sequence[Photo]) -> dict[Photo, Failure]:
        """Return the failures of a run among those photos."""
        photo_by_key = {photo_key(photo): photo for photo in photos}
        table = image_failure.c
        found: dict[Photo, Failure] = {}
        for keys in slices(list(photo_by_key)):
            query = sa.select(image_failure).where(
                table.run_id == run_id, table.photo_key.in_(keys)
            )
            for row in self._rows(query):
                found[photo_by_key[row["photo_key"]]] = failure_of(row)
        return found

    def new_failures(self, run_id: int) -> int:
        """Return how many photos of a run could not be used that had not failed before.

        One that lies there broken is opened, and fails, every night; it counts again once its
        content changes. Of a run that did not come to its end nobody was told.
        """
        earlier, table = image_failure.alias("earlier"), image_failure.c
        before = (
            sa.select(earlier.c.failure_id)
            .join(batch_run, batch_run.c.run_id == earlier.c.run_id)
            .where(
                earlier.c.photo_key == table.photo_key,
                earlier.c.etag == table.etag,
                earlier.c.run_id < table.run_id,
                batch_run.c.status == "succeeded",
            )
        )
        query = sa.select(sa.func.count().label("number")).select_from(image_failure)
        query = query.where(table.run_id == run_id)
        query = query.where(~before.correlate(image_failure).exists())
        number: int = self._rows(query)[0]["number"]
        return number

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

    def _rows(self, query: sa.Select[Any]) -> Sequence[sa.RowMapping]:
        return self.read(lambda connection: connection.execute(query).mappings().all())


def _is_duplicate(error: StoreError) -> bool:
    return isinstance(error.__cause__, IntegrityError)


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
    if row and row.status == final["status"] and is_moment(row.finished_at, final["finished_at"]):
        return
    _update_running(connection, run_id, final)


def _insert_predictions(
    connection: sa.Connection, run: Run, predictions: Sequence[Prediction]
) -> None:
    """Insert predictions and their probabilities; one that is there already stays as it is.

    The same answer is given again where another came between, or where the run asks anew.
    """
    rows = [_row_of(prediction, run) for prediction in predictions]
    pairs = {row["answer_key"]: (row, one) for row, one in zip(rows, predictions, strict=True)}
    given = _given(connection, list(pairs))
    there = {answer.answer_key for answer in given if answer.run_id == run.run_id}
    if given and not run.force:
        there |= set(_standing(connection, [row["photo_key"] for row in rows]).values())
    for key in there & set(pairs):
        del pairs[key]
    if not pairs:
        return
    first_given = {answer.answer_key for answer in given if not answer.forced_run}
    for key, (row, _) in pairs.items():
        row["forced_run"] = run.run_id if run.force or key in first_given else 0
    connection.execute(_adding(image_prediction), [row for row, _ in pairs.values()])
    image_ids = {
        answer.answer_key: answer.image_id
        for answer in _given(connection, list(pairs))
        if answer.run_id == run.run_id
    }
    probabilities = [
        {"image_id": image_ids[key], **dict(zip(COLUMNS, one.probabilities, strict=True))}
        for key, (_, one) in pairs.items()
    ]
    connection.execute(_adding(image_probabilities), probabilities)


def _adding(table: sa.Table) -> sa.Insert:
    """Return the statement that adds rows; it returns none, as SQL Server's fast way cannot."""
    return sa.insert(table).inline()


def _standing(connection: sa.Connection, keys: Sequence[str]) -> dict[str, str]:
    """Return the answer of now to each photo that has one, both by their keys."""
    table = image_prediction.c
    query = sa.select(table.photo_key, table.answer_key).where(is_current())
    return {
        row.photo_key: row.answer_key
        for some in slices(keys)
        for row in connection.execute(query.where(table.photo_key.in_(some)))
    }


def _given(connection: sa.Connection, keys: Sequence[str]) -> list[Any]:
    """Return the rows of those answers, whichever run gave them."""
    table = image_prediction.c
    query = sa.select(table.answer_key, table.image_id, table.run_id, table.forced_run)
    return [
        row
        for some in slices(keys)
        for row in connection.execute(query.where(table.answer_key.in_(some)))
    ]


def _row_of(prediction: Prediction, run: Run) -> dict[str, Any]:
    model, preprocessing = str(run.model_version), str(run.preprocessing_version)
    return {
        **_photo_columns(prediction.photo, run),
        "answer_key": answer_key(prediction.photo, model, preprocessing),
        "predicted_category": prediction.predicted_category,
        "confidence": prediction.confidence,
        "margin": prediction.margin,
        "needs_review": prediction.needs_review,
        "review_reason": prediction.review_reason,
        "model_version": model,
        "preprocessing_version": preprocessing,
    }


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
    for keys in list(slices(list(rows))):
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
        "timestamp": now_in_tables(),
    }


def _columns_of(counts: Counts) -> dict[str, int]:
    return {
        "listed": counts.listed,
        "classified": counts.classified,
        "failed": counts.failed,
        "skipped": counts.skipped,
    }


def _at_least(counts: Counts) -> dict[str, sa.ColumnElement[int]]:
    """Return the columns of counts that a save may have overtaken: none becomes less by them."""
    return {
        name: sa.case((batch_run.c[name] < number, number), else_=batch_run.c[name])
        for name, number in _columns_of(counts).items()
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
        timestamp=in_utc(row["timestamp"]),
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
        started_at=in_utc(row["started_at"]),
        heartbeat_at=in_utc(row["heartbeat_at"]),
        finished_at=in_utc(row["finished_at"]) if row["finished_at"] else None,
        model_version=row["model_version"],
        preprocessing_version=row["preprocessing_version"],
        expected=row["expected"],
        counts=Counts(row["listed"], row["classified"], row["failed"], row["skipped"]),
        error=row["error"],
    )
