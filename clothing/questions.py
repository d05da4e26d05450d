"""What pages and spreadsheets ask of the tables: lists by part, and what is counted of runs.

Beside `store` a module that speaks SQL, the same to SQLite and SQL Server; it never writes. A list
goes on from the number of the last row seen, so its last part comes as fast as its first.
"""

import threading
import time
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Literal

import sqlalchemy as sa

from clothing.database import as_pattern, in_utc, slices
from clothing.labels import UNDONE
from clothing.photos import Failure, Photo, Run, photo_key
from clothing.standing import (
    Moment,
    is_current,
    is_newest_review,
    is_reviewed,
    is_unreadable,
    same_content,
)
from clothing.store import Store, StoredPrediction, failure_of, predictions_query, stored_of
from clothing.tables import batch_run, image_failure, image_prediction, image_review

Pile = Literal["check", "sorted", "unreadable"]
"""Where a photo lies in the morning, as the model left it; a review moves none."""

PILES: tuple[Pile, ...] = ("check", "sorted", "unreadable")

PART = 1000
"""Rows that are read at once where all are wanted."""

LOOK_AGAIN = 10.0
"""Seconds after which a run that was counted is asked whether answers were forgotten since."""

_FAILED = sa.select(image_failure).select_from(image_failure)


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which photos of a list; None and "" choose nothing.

    Attributes:
        run_id: Those that this run opened; else of each photo the newest answer.
        category: What they are: as a person says, else as the model says.
        pile: Where they lie.
        name: A part of the file's name, in any case.
        least: The least confidence, 0 to 1.
        most: The greatest confidence, 0 to 1.
        since: When the run started, at the earliest.
        until: When the run started; from then on none.
    """

    run_id: int | None = None
    category: str | None = None
    pile: Pile | None = None
    name: str = ""
    least: float | None = None
    most: float | None = None
    since: datetime | None = None
    until: datetime | None = None

    @property
    def has_failures(self) -> bool:
        """True if photos that could not be read may be among them, else False."""
        answered = self.least is not None or self.most is not None
        return not answered and self.pile in (None, "unreadable")


@dataclass(frozen=True, slots=True)
class Review:
    """A person's answer to one photo."""

    review_id: int
    category: str
    reviewer: str
    timestamp: datetime
    blind: bool


@dataclass(frozen=True, slots=True)
class Row:
    """One photo of a list: its number there, what came of it, and what a person said."""

    number: int
    outcome: StoredPrediction | Failure
    run_id: int
    timestamp: datetime
    review: Review | None

    @property
    def pile(self) -> Pile:
        """The pile on which the photo lies."""
        if isinstance(self.outcome, Failure):
            return "unreadable"
        return "check" if self.outcome.prediction.needs_review else "sorted"

    @property
    def photo(self) -> Photo:
        """The photo itself."""
        found = self.outcome
        return found.photo if isinstance(found, Failure) else found.prediction.photo

    @property
    def category(self) -> str | None:
        """What the photo shows: as a person says, else as the model says, else None."""
        if self.review:
            return self.review.category
        found = self.outcome
        return None if isinstance(found, Failure) else found.prediction.predicted_category


@dataclass(frozen=True, slots=True)
class Tally:
    """What is counted of a run: answers by category, to check, and the sum of confidences."""

    by_category: dict[str, int]
    to_check: int
    confidence: float

    @property
    def classified(self) -> int:
        """Photos that have an answer."""
        return sum(self.by_category.values())


@dataclass(frozen=True, slots=True)
class Verdict:
    """So many answers of a run to which a person said this."""

    run_id: int
    predicted: str
    reviewed: str
    number: int


# Lists


def photos(
    store: Store,
    wanted: Wanted,
    before: int | None = None,
    limit: int = 60,
    moment: Moment | None = None,
) -> list[Row]:
    """Return a part of the answers, newest first.

    Args:
        store: The database.
        wanted: Which.
        before: Number of the last row of the part before.
        limit: How many at most.
        moment: As of when, the same for all parts of a list; None stands for now.
    """
    query = _photos_query(store, wanted, moment)
    return [] if query is None else _answers(store, query, before, limit)


def failures(
    store: Store,
    wanted: Wanted,
    before: int | None = None,
    limit: int = 60,
    moment: Moment | None = None,
) -> list[Row]:
    """Return a part of the photos that could not be read, newest first, as `photos` does."""
    query = _failures_query(store, wanted, moment)
    return [] if query is None else _failed(store, query, before, limit)


def now(store: Store) -> Moment:
    """Return the moment at which lists stay that are read in parts."""
    keys = (image_prediction.c.image_id, image_failure.c.failure_id, image_review.c.review_id)
    query = sa.select(*(sa.select(sa.func.max(key)).label(key.name) for key in keys))
    row = _rows(store, query)[0]
    return Moment(row["image_id"] or 0, row["failure_id"] or 0, row["review_id"] or 0)


def all_photos(store: Store, wanted: Wanted, moment: Moment | None = None) -> Iterator[Row]:
    """Yield all answers as they are at a moment, newest first, reading some at a time.

    Args:
        store: The database.
        wanted: Which.
        moment: One for several lists that belong together; None stands for now.
    """
    query, before = _photos_query(store, wanted, moment or now(store)), None
    while query is not None and (some := _answers(store, query, before, PART)):
        yield from some
        before = some[-1].number


def all_failures(store: Store, wanted: Wanted, moment: Moment | None = None) -> Iterator[Row]:
    """Yield all photos that could not be read, newest first, as `all_photos` does."""
    query, before = _failures_query(store, wanted, moment or now(store)), None
    while query is not None and (some := _failed(store, query, before, PART)):
        yield from some
        before = some[-1].number


def photo(store: Store, image_id: int) -> Row:
    """Return one answer with the review of its content.

    Raises:
        LookupError: There is none with this number.
    """
    query = _with_review(predictions_query(), image_prediction)
    rows = _rows(store, query.where(image_prediction.c.image_id == image_id))
    if not rows:
        raise LookupError(f"There is no photo {image_id}.")
    return _answer_of(rows[0])


def history(store: Store, photo: Photo, limit: int = 50) -> list[Row]:
    """Return what came of a photo under its name so far, newest first, failures among it."""
    key = photo_key(photo)
    answers = _with_review(predictions_query(), image_prediction)
    answers = answers.where(image_prediction.c.photo_key == key)
    answers = answers.order_by(image_prediction.c.image_id.desc()).limit(limit)
    failed = _with_review(_FAILED, image_failure)
    failed = failed.where(image_failure.c.photo_key == key)
    failed = failed.order_by(image_failure.c.failure_id.desc()).limit(limit)
    rows = [_answer_of(row) for row in _rows(store, answers)]
    rows += [_failed_of(row) for row in _rows(store, failed)]
    return sorted(rows, key=lambda row: row.timestamp, reverse=True)


def reviews(store: Store, photo: Photo, limit: int = 50) -> list[Review]:
    """Return what people said of a photo, newest first; what was undone is among it.

    What they said of other content under its name is not: who looks at this one has not seen that.
    """
    table = image_review.c
    query = sa.select(*_review_columns(image_review))
    query = query.where(table.photo_key == photo_key(photo), table.etag == photo.etag)
    query = query.order_by(table.review_id.desc()).limit(limit)
    return [found for row in _rows(store, query) if (found := _review_of(row))]


def reasons(store: Store, run_id: int, limit: int = 20) -> list[tuple[str, int]]:
    """Return why photos of a run could not be read, and how many each, the most frequent first."""
    number = sa.func.count().label("number")
    query = sa.select(image_failure.c.reason, number).where(image_failure.c.run_id == run_id)
    query = query.group_by(image_failure.c.reason)
    query = query.order_by(number.desc(), image_failure.c.reason).limit(limit)
    return [(row["reason"], row["number"]) for row in _rows(store, query)]


# Counts


class Tallies:
    """What is counted of runs: of each that is over once, and anew where answers were forgotten.

    How many answers a run has is told by an index, in a tenth of the time that counting takes.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._counted: dict[int, Tally] = {}
        self._looked: dict[int, float] = {}
        self._lock = threading.Lock()

    def of(self, runs: Sequence[Run]) -> dict[int, Tally]:
        """Return the tally of each run by its number."""
        now = time.monotonic()
        with self._lock:
            known = {run.run_id: tally for run in runs if (tally := self._counted.get(run.run_id))}
            old = [number for number in known if now - self._looked[number] >= LOOK_AGAIN]
        for number, answers in answers_left(self._store, old).items():
            if answers != known[number].classified:
                del known[number]
        found = tallies(self._store, [run.run_id for run in runs if run.run_id not in known])
        over = {run.run_id for run in runs if run.status != "running"}
        with self._lock:
            self._counted |= {number: found[number] for number in found if number in over}
            self._looked |= dict.fromkeys([*old, *found], now)
        return {run.run_id: (known | found)[run.run_id] for run in runs}


def answers_left(store: Store, run_ids: Sequence[int]) -> dict[int, int]:
    """Return how many answers of each run there are still."""
    table = image_prediction.c
    found = dict.fromkeys(run_ids, 0)
    for some in slices(run_ids):
        query = sa.select(table.run_id, sa.func.count().label("number"))
        query = query.where(table.run_id.in_(some)).group_by(table.run_id)
        found |= {row["run_id"]: row["number"] for row in _rows(store, query)}
    return found


def tallies(store: Store, run_ids: Sequence[int]) -> dict[int, Tally]:
    """Count the answers of runs; one that gave none has an empty tally."""
    table = image_prediction.c
    keys = (table.run_id, table.predicted_category, table.needs_review)
    found = {number: Tally({}, 0, 0.0) for number in run_ids}
    for some in slices(run_ids):
        query = sa.select(
            *keys, sa.func.count().label("number"), sa.func.sum(table.confidence).label("sum")
        )
        query = query.where(table.run_id.in_(some)).group_by(*keys)
        for row in _rows(store, query):
            found[row["run_id"]] = _added(found[row["run_id"]], row)
    return found


def checked(store: Store, run_id: int) -> int:
    """Return how many of a run's photos that a person should look at have been looked at."""
    table = image_prediction.c
    query = (
        sa.select(sa.func.count().label("number"))
        .select_from(image_prediction)
        .where(table.run_id == run_id, _is_doubtful(), is_reviewed(image_prediction))
    )
    number: int = _rows(store, query)[0]["number"]
    return number


def verdicts(store: Store, model_version: str, blind: bool = False) -> list[Verdict]:
    """Return what people said of a model's answers, counted; of each photo its newest review.

    Args:
        store: The database.
        model_version: Of the model.
        blind: Whether only reviews count that were given without the suggestion. What anybody says
            of such a photo later on, seeing it, changes nothing then.
    """
    table, reviewed = image_prediction.c, image_review.c
    keys = (table.run_id, table.predicted_category, reviewed.reviewed_category)
    query = (
        sa.select(*keys, sa.func.count().label("number"))
        .select_from(image_review)
        .join(image_prediction, table.image_id == reviewed.image_id)
        .where(table.model_version == model_version, is_newest_review(blind))
        .where(reviewed.reviewed_category != UNDONE)
        .group_by(*keys)
    )
    return [
        Verdict(
            run_id=row["run_id"],
            predicted=row["predicted_category"],
            reviewed=row["reviewed_category"],
            number=row["number"],
        )
        for row in _rows(store, query)
    ]


def reviewed_photos(store: Store, accepted: Collection[str]) -> Iterator[tuple[str, str]]:
    """Yield name and category of the photos that people reviewed, by number of the review.

    What they said of content that lies under the name no more is not among them, nor are photos
    that could not be read: there is nothing to learn from.

    Args:
        store: The database.
        accepted: The categories that are wanted.
    """
    table, after = image_review.c, 0
    while True:
        query = (
            sa.select(table.review_id, table.reviewed_category, image_prediction.c.image_filename)
            .select_from(image_review)
            .join(image_prediction, same_content(image_review, image_prediction))
            .where(table.review_id > after, is_newest_review(), is_current())
            .order_by(table.review_id)
            .limit(PART)
        )
        rows = _rows(store, query)
        for row in rows:
            if row["reviewed_category"] in accepted:
                yield row["image_filename"], row["reviewed_category"]
        if len(rows) < PART:
            return
        after = rows[-1]["review_id"]


# Parts of questions


def _rows(store: Store, query: sa.Select[Any]) -> Sequence[sa.RowMapping]:
    return store.read(lambda connection: connection.execute(query).mappings().all())


def _photos_query(store: Store, wanted: Wanted, moment: Moment | None) -> sa.Select[Any] | None:
    """Return what asks for answers in no order, or None if there can be none."""
    if wanted.pile == "unreadable" or (span := _days(store, wanted)) is None:
        return None
    query = _with_review(predictions_query(), image_prediction, moment)
    return query.where(*_between(store, span), *_conditions(wanted, moment))


def _failures_query(store: Store, wanted: Wanted, moment: Moment | None) -> sa.Select[Any] | None:
    """Return what asks for failures in no order, or None if there can be none."""
    table = image_failure.c
    if not wanted.has_failures or (span := _days(store, wanted)) is None:
        return None
    query = _with_review(_FAILED, image_failure, moment)
    if moment:
        query = query.where(table.failure_id <= moment.failure_id)
    if wanted.run_id is None:
        query = query.where(is_unreadable(moment))
    else:
        query = query.where(table.run_id == wanted.run_id)
    if span:
        query = query.where(table.run_id >= span[0], table.run_id <= span[1])
    if wanted.category is not None:  # as a person says: the model says nothing
        query = query.where(image_review.c.reviewed_category == wanted.category)
    if wanted.name:
        query = query.where(_holds(table.image_filename, wanted.name))
    return query


def _answers(store: Store, query: sa.Select[Any], before: int | None, limit: int) -> list[Row]:
    return [
        _answer_of(row) for row in _part(store, query, image_prediction.c.image_id, before, limit)
    ]


def _failed(store: Store, query: sa.Select[Any], before: int | None, limit: int) -> list[Row]:
    return [
        _failed_of(row) for row in _part(store, query, image_failure.c.failure_id, before, limit)
    ]


def _part(
    store: Store,
    query: sa.Select[Any],
    number: sa.ColumnElement[int],
    before: int | None,
    limit: int,
) -> Sequence[sa.RowMapping]:
    """Return the rows of a list that follow a number, the newest first."""
    if before is not None:
        query = query.where(number < before)
    return _rows(store, query.order_by(number.desc()).limit(limit))


def _conditions(wanted: Wanted, moment: Moment | None) -> Iterator[sa.ColumnElement[bool]]:
    table = image_prediction.c
    if moment:
        yield table.image_id <= moment.image_id
    if wanted.run_id is None:
        yield is_current(moment)
    else:
        yield table.run_id == wanted.run_id
    if wanted.category is not None:
        yield _may_be(wanted.category)
        said = sa.func.nullif(image_review.c.reviewed_category, UNDONE)
        yield sa.func.coalesce(said, table.predicted_category) == wanted.category
    if wanted.pile is not None:
        yield _is_doubtful() if wanted.pile == "check" else ~_is_doubtful()
    if wanted.name:
        yield _holds(table.image_filename, wanted.name)
    if wanted.least is not None:
        yield table.confidence >= wanted.least
    if wanted.most is not None:
        yield table.confidence <= wanted.most


def _is_doubtful() -> sa.ColumnElement[bool]:
    """Tell what a person should look at.

    As a CASE no index fits it: a database that took the one on doubt would bring them all together
    and sort them, where the newest few or those of one run are wanted.
    """
    return sa.case((image_prediction.c.needs_review == sa.true(), 1), else_=0) == 1


def _may_be(category: str) -> sa.ColumnElement[bool]:
    """Tell what can be of a category without a look at each photo's reviews."""
    said = sa.select(image_review.c.photo_key).where(image_review.c.reviewed_category == category)
    table = image_prediction.c
    return (table.predicted_category == category) | table.photo_key.in_(said)


def _days(store: Store, wanted: Wanted) -> tuple[int, int] | tuple[()] | None:
    """Return the first and the last run that started on the days wanted.

    Empty if any day will do, None if no run fits.
    """
    if wanted.since is None and wanted.until is None:
        return ()
    table = batch_run.c
    query = sa.select(
        sa.func.min(table.run_id).label("first"), sa.func.max(table.run_id).label("last")
    )
    if wanted.since is not None:
        query = query.where(table.started_at >= wanted.since.replace(tzinfo=None))
    if wanted.until is not None:
        query = query.where(table.started_at < wanted.until.replace(tzinfo=None))
    row = _rows(store, query)[0]
    return None if row["first"] is None else (row["first"], row["last"])


def _between(store: Store, span: tuple[int, int] | tuple[()]) -> list[sa.ColumnElement[bool]]:
    """Return the conditions on an answer's number that hold for the runs of a span.

    There is one run at a time, so the answers of some runs in a row bear numbers in a row. Asked
    by number, a list comes in its order; asked by run, all of it would have to be sorted first.
    """
    if not span:
        return []
    table = image_prediction.c
    query = sa.select(
        sa.func.min(table.image_id).label("first"), sa.func.max(table.image_id).label("last")
    ).where(table.run_id >= span[0], table.run_id <= span[1])
    row = _rows(store, query)[0]
    if row["first"] is None:
        return [sa.false()]
    return [table.image_id >= row["first"], table.image_id <= row["last"]]


def _with_review(
    query: sa.Select[Any], table: sa.Table, moment: Moment | None = None
) -> sa.Select[Any]:
    """Add the newest review of the same content to each row."""
    newest = image_review.alias("newest")
    numbers = sa.select(sa.func.max(newest.c.review_id)).where(same_content(newest, table))
    if moment:
        numbers = numbers.where(newest.c.review_id <= moment.review_id)
    newest_id = numbers.correlate(table).scalar_subquery()
    joined = query.outerjoin(image_review, image_review.c.review_id == newest_id)
    return joined.add_columns(*_review_columns(image_review))


def _review_columns(table: sa.Table) -> list[sa.ColumnElement[Any]]:
    """Return the columns of a review by names that no other table has."""
    names = ("review_id", "reviewed_category", "reviewer", "timestamp", "blind")
    return [table.c[name].label(f"said_{name}") for name in names]


def _holds(column: sa.ColumnElement[str], part: str) -> sa.ColumnElement[bool]:
    """Tell a name that holds a text, in any case."""
    return sa.func.lower(column).like(sa.func.lower(f"%{as_pattern(part)}%"), escape="/")


def _answer_of(row: sa.RowMapping) -> Row:
    stored = stored_of(row)
    return Row(stored.image_id, stored, stored.run_id, stored.timestamp, _said(row))


def _failed_of(row: sa.RowMapping) -> Row:
    timestamp = in_utc(row["timestamp"])
    return Row(row["failure_id"], failure_of(row), row["run_id"], timestamp, _said(row))


def _said(row: sa.RowMapping) -> Review | None:
    """Return the review that still holds."""
    review = _review_of(row)
    return None if review is None or review.category == UNDONE else review


def _review_of(row: sa.RowMapping) -> Review | None:
    if row["said_review_id"] is None:
        return None
    return Review(
        review_id=row["said_review_id"],
        category=row["said_reviewed_category"],
        reviewer=row["said_reviewer"],
        timestamp=in_utc(row["said_timestamp"]),
        blind=bool(row["said_blind"]),
    )


def _added(tally: Tally, row: sa.RowMapping) -> Tally:
    category, number = row["predicted_category"], row["number"]
    counts = {**tally.by_category, category: tally.by_category.get(category, 0) + number}
    return replace(
        tally,
        by_category=counts,
        to_check=tally.to_check + (number if row["needs_review"] else 0),
        confidence=tally.confidence + row["sum"],
    )
