"""The predecessor's two tables: what they hold, and which of it is worth keeping.

Owns their names, their local times and their rounded numbers. It only reads. Every night the
predecessor answered every photo of its container again and kept all of it, so most rows say what
an earlier one said.
"""

import math
import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta, tzinfo
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import SQLAlchemyError

from clothing.errors import StoreError
from clothing.labels import CATEGORIES, COLUMNS
from clothing.sql_server import (
    again,
    in_words,
    is_transient,
    let_statements_take_long,
    make_engine,
)
from clothing.storage import MAX_NAME

NO_PROBABILITIES = "no probabilities"
NO_PREDICTION = "no prediction"
"""What an orphan lacks."""

_TO_ONE = 0.001  # ten numbers that are rounded to 4 places sum to 1 within 0.0005
_ROUNDING = 0.00015  # two roundings of one number differ by 0.0001 at most, written as floats
_NOON = timedelta(hours=12)
_AT_ONCE = 1000  # rows


@dataclass(frozen=True, slots=True)
class OldAnswer:
    """What the predecessor said of a photo, and in which of its nights it said so first."""

    name: str
    category: str
    probabilities: tuple[float, ...]  # in the order of `labels.CATEGORIES`, sum to 1
    timestamp: datetime  # UTC, as the tables have it: without a zone
    night: int


@dataclass(slots=True)
class Night:
    """Photos answered from one noon to the next; times are UTC without a zone."""

    first: datetime
    last: datetime
    listed: int = 0


@dataclass(slots=True)
class Found:
    """What the tables hold, row by row.

    Attributes:
        predictions: Rows of the first table.
        probabilities: Rows of the second.
        answers: Of each photo the newest answer, where it was given first.
        nights: In order.
        repeated: Rows that say again what the one before them said of the photo.
        replaced: Rows that said something else than a later one.
        left_out: Predictions that cannot be used: their number and why.
        strays: Probabilities that no prediction has: their number and why.
        softmaxed: Rows of logits, made probabilities.
        never_shown: Rows with a time that no clock of the zone ever showed.
    """

    predictions: int = 0
    probabilities: int = 0
    answers: dict[str, OldAnswer] = field(default_factory=dict)
    nights: list[Night] = field(default_factory=list)
    repeated: int = 0
    replaced: int = 0
    left_out: list[tuple[int, str]] = field(default_factory=list)
    strays: list[tuple[int, str]] = field(default_factory=list)
    softmaxed: int = 0
    never_shown: int = 0

    @property
    def adds_up(self) -> bool:
        """True if every row of both tables is somewhere, False if one is missing or doubled."""
        used = len(self.answers) + self.repeated + self.replaced
        lone = sum(reason == NO_PROBABILITIES for _, reason in self.left_out)
        joined = used + len(self.left_out) - lone
        return self.predictions == used + len(self.left_out) and self.probabilities == joined + len(
            self.strays
        )

    def reasons(self) -> Counter[str]:
        """Return how many predictions were left out for which reason."""
        return Counter(reason for _, reason in self.left_out)


class WallClock:
    """Turns what the wall clock of a zone showed into UTC.

    In the hour that a zone has twice, the second time begins where the rows would run backwards.
    """

    def __init__(self, zone: tzinfo) -> None:
        self._zone = zone
        self._last = datetime.min.replace(tzinfo=UTC)
        self.never_shown = 0

    def utc(self, local: datetime) -> datetime:
        """Return a time in UTC; rows must come in the order in which they were written."""
        first = local.replace(tzinfo=self._zone, fold=0).astimezone(UTC)
        second = local.replace(tzinfo=self._zone, fold=1).astimezone(UTC)
        if first.astimezone(self._zone).replace(tzinfo=None) != local:
            self.never_shown += 1
        self._last = second if first < self._last <= second else first
        return self._last


def read(url: sa.URL, zone: tzinfo, prefix: str, tell: Callable[[int, int], None]) -> Found:
    """Return what the predecessor's tables hold.

    Args:
        url: Its database; nothing is written there.
        zone: Of its local times.
        prefix: What stands before the names of its tables, if somebody renamed them.
        tell: Told how many predictions were read, of how many.

    Raises:
        StoreError: It cannot be reached or has no such tables, or it changed meanwhile.
    """
    engine = _engine(url)

    def once() -> Found:
        try:
            with engine.connect() as connection:
                let_statements_take_long(connection)
                return _read(connection, zone, prefix, tell)
        except SQLAlchemyError as error:
            is_file = url.get_backend_name() == "sqlite"
            cause = getattr(error, "orig", None) or error
            said = f"The database cannot be read: {cause}" if is_file else in_words(error, url)
            raise StoreError(said) from error

    try:
        return again(once, lambda error: is_transient(error.__cause__, url))
    finally:
        engine.dispose()


def _engine(url: sa.URL) -> sa.Engine:
    """Return an engine that cannot write to a file; on a server, give the user no such right."""
    if url.get_backend_name() != "sqlite":
        return make_engine(url)
    return sa.create_engine(
        url.set(database=f"file:{_quoted(url.database or '')}", query={"mode": "ro", "uri": "true"})
    )


def _quoted(path: str) -> str:
    """Return a path as the address of a file has it."""
    return re.sub(r"[%?#]", lambda sign: f"%{ord(sign[0]):02x}", path)


def _read(
    connection: sa.Connection, zone: tzinfo, prefix: str, tell: Callable[[int, int], None]
) -> Found:
    prediction, probabilities = _tables(prefix)
    _check_tables(connection, prediction, probabilities)
    found = Found(_count(connection, prediction), _count(connection, probabilities))
    reading = _Reading(found, WallClock(zone))
    for number, row in enumerate(_rows(connection, prediction, probabilities)):
        reading.take(row)
        if number % _AT_ONCE == 0:
            tell(number, found.predictions)
    tell(found.predictions, found.predictions)
    found.strays += _orphans(connection, prediction, probabilities)
    if not found.adds_up:
        raise StoreError(
            "The predecessor's tables changed while they were read. Stop its nightly run first."
        )
    return found


def _tables(prefix: str) -> tuple[sa.TableClause, sa.TableClause]:
    prediction = sa.table(
        f"{prefix}image_prediction",
        sa.column("image_id", sa.BigInteger),
        sa.column("image_filename", sa.Unicode),
        sa.column("predicted_category", sa.Unicode),
        sa.column("timestamp", sa.DateTime),
    )
    probabilities = sa.table(
        f"{prefix}image_probabilities",
        sa.column("probabilities_id", sa.BigInteger),
        sa.column("image_id", sa.BigInteger),
        *(sa.column(column) for column in COLUMNS),
    )
    return prediction, probabilities


def _check_tables(connection: sa.Connection, *tables: sa.TableClause) -> None:
    inspector = sa.inspect(connection)
    for table in tables:
        if not inspector.has_table(table.name):
            raise StoreError(f"There is no table {table.name} where the predecessor's should be.")
    if tables[0].name == "image_prediction" and inspector.has_table("batch_run"):
        raise StoreError(
            "These are this program's own tables, not the predecessor's. If both are in one "
            "database, rename the predecessor's and say so with --renamed."
        )


def _count(connection: sa.Connection, table: sa.TableClause) -> int:
    return connection.execute(sa.select(sa.func.count()).select_from(table)).scalar_one()


def _rows(
    connection: sa.Connection, prediction: sa.TableClause, probabilities: sa.TableClause
) -> Iterator[sa.Row[Any]]:
    """Yield predictions as they were written, each with its probabilities, if it has any."""
    query = (
        sa.select(prediction, *(probabilities.c[name] for name in ("probabilities_id", *COLUMNS)))
        .select_from(prediction)
        .outerjoin(probabilities, probabilities.c.image_id == prediction.c.image_id)
        .order_by(prediction.c.image_id, probabilities.c.probabilities_id)
    )
    yield from connection.execution_options(yield_per=_AT_ONCE).execute(query)


def _orphans(
    connection: sa.Connection, prediction: sa.TableClause, probabilities: sa.TableClause
) -> Iterator[tuple[int, str]]:
    """Yield the numbers of probabilities whose prediction is not there."""
    query = (
        sa.select(probabilities.c.probabilities_id)
        .select_from(probabilities)
        .outerjoin(prediction, prediction.c.image_id == probabilities.c.image_id)
        .where(prediction.c.image_id.is_(None))
        .order_by(probabilities.c.probabilities_id)
    )
    for number in connection.execute(query).scalars():
        yield number, NO_PREDICTION


class _Reading:
    """Takes one row after the other and knows what of it is new."""

    def __init__(self, found: Found, clock: WallClock) -> None:
        self._found = found
        self._clock = clock
        self._image_id: int | None = None
        self._evening: date | None = None
        self._tonight: set[str] = set()

    def take(self, row: sa.Row[Any]) -> None:
        """Count a row somewhere."""
        if row.image_id == self._image_id:  # one prediction with two rows of probabilities
            self._found.strays.append((row.probabilities_id, "a second row of one prediction"))
            return
        self._image_id = row.image_id
        fault = fault_of(row)
        if fault:
            self._found.left_out.append((row.image_id, fault))
            return
        said = tuple(float(row._mapping[column]) for column in COLUMNS)
        self._found.softmaxed += min(said) < 0
        self._keep(row.image_filename, _category(row), exact(said), row.timestamp)

    def _keep(
        self, name: str, category: str, probabilities: tuple[float, ...], local: datetime
    ) -> None:
        moment = self._clock.utc(local).replace(tzinfo=None)
        self._found.never_shown = self._clock.never_shown
        self._note(name, local, moment)
        before = self._found.answers.get(name)
        if before and before.category == category and _are_same(before, probabilities):
            self._found.repeated += 1
            return
        self._found.replaced += before is not None
        night = len(self._found.nights) - 1
        self._found.answers[name] = OldAnswer(name, category, probabilities, moment, night)

    def _note(self, name: str, local: datetime, moment: datetime) -> None:
        """Count a photo in its night, which begins at noon."""
        evening = (local - _NOON).date()
        if evening != self._evening:
            self._evening, self._tonight = evening, set()
            self._found.nights.append(Night(moment, moment))
        self._tonight.add(name)
        night = self._found.nights[-1]
        night.last, night.listed = max(night.last, moment), len(self._tonight)


def fault_of(row: sa.Row[Any]) -> str:
    """Return why a row cannot be used, or "" if it can."""
    if row.probabilities_id is None:
        return NO_PROBABILITIES
    if not row.image_filename or len(row.image_filename) > MAX_NAME:
        return "no file name, or one that no photo can have"
    if row.timestamp is None:
        return "no time"
    if not _category(row):
        return "a category that is none of the ten"
    return fault_of_numbers([row._mapping[column] for column in COLUMNS], _category(row))


def fault_of_numbers(said: Sequence[object], category: str) -> str:
    """Return why ten numbers do not say what the category says, or "" if they do.

    >>> fault_of_numbers([0.91] + 9 * [0.01], "T-shirt/top")
    ''
    >>> fault_of_numbers([9.1] + 9 * [0.1], "T-shirt/top")
    'numbers that are neither probabilities nor logits'
    """
    try:
        numbers = [float(str(one)) for one in said]
    except ValueError:
        return "a probability is missing"
    if not all(map(math.isfinite, numbers)):
        return "a probability is missing"
    # Numbers below 0 are logits: ten of them without one cannot be told from damaged ones.
    if min(numbers) >= 0 and not math.isclose(math.fsum(numbers), 1, abs_tol=_TO_ONE):
        return "numbers that are neither probabilities nor logits"
    if numbers[CATEGORIES.index(category)] < max(numbers):
        return "a category that is not the most probable one"
    return ""


def exact(said: Sequence[float]) -> tuple[float, ...]:
    """Return rounded probabilities, or logits, as probabilities that sum to 1.

    >>> exact([0.5004] + 8 * [0.0] + [0.5])[0] == 0.5004 / 1.0004
    True
    >>> [round(one, 3) for one in exact([2.0] + 9 * [-1.0])][:2]
    [0.691, 0.034]
    """
    most = max(said)
    parts = [math.exp(one - most) for one in said] if min(said) < 0 else list(said)
    total = math.fsum(parts)
    return tuple(part / total for part in parts)


def _are_same(before: OldAnswer, probabilities: Sequence[float]) -> bool:
    pairs = zip(before.probabilities, probabilities, strict=True)
    return all(abs(one - other) <= _ROUNDING for one, other in pairs)


def _plain(text: str) -> str:
    return re.sub(r"[^a-z]", "", text.lower())


_BY_PLAIN_NAME = {
    _plain(name): category
    for names in (CATEGORIES, COLUMNS)
    for name, category in zip(names, CATEGORIES, strict=True)
}


def _category(row: sa.Row[Any]) -> str:
    """Return the category of a row as it is written here, or "" if it is none of the ten."""
    return _BY_PLAIN_NAME.get(_plain(row.predicted_category or ""), "")
