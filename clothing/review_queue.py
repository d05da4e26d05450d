"""The review queue: which photo a person looks at next, and what they make of it.

Owns the SQL of claims and reviews; `review_stacks` has what waits. First come photos that could not
be read, then by chance a doubtful one, the most doubtful first, or one of the blind sample: photos
that the model was sure of, shown without its answer. A photo is claimed before it is shown, so no
two people have the same one; a claim that nobody renews runs out. A review is a new row, taking
one back is another; what the model said stays as it is.
"""

import random
import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from time import monotonic
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from clothing.database import SAME_MOMENT, in_utc, is_moment, now_in_tables
from clothing.errors import StoreError
from clothing.labels import UNDONE
from clothing.photos import Photo, Prediction, Review
from clothing.review_stacks import (
    BLIND,
    DOUBTFUL,
    NEWEST_RUNS,
    STACKS,
    UNREADABLE,
    Found,
    Freshness,
    Shortlist,
)
from clothing.standing import is_reviewed, same_content
from clothing.store import Store, failure_of, predictions_query, stored_of
from clothing.tables import (
    image_failure,
    image_prediction,
    image_review,
    review_claim,
)

LEASE = timedelta(minutes=10)
"""A claim that was not renewed for so long is anybody's."""

AHEAD = 2
"""Photos that one person has claimed: the one before them, and the next to load meanwhile."""

_NO_RUN = 2**62  # greater than any run's number
_TRIES = 20  # of a claim that others were faster to make


@dataclass(frozen=True, slots=True)
class Task:
    """A photo that one person has before them.

    Attributes:
        photo_key: What identifies the photo whatever its content.
        image_id: Number of the prediction, or None if there is none.
        failure_id: Number of the failure, or None if there is none.
        photo: The photo.
        prediction: What the model says; None if nothing, or if nobody may see it.
        reason: Why a person looks at it; empty in the blind sample.
        blind: Whether the model's answer is kept from the person.
    """

    photo_key: str
    image_id: int | None
    failure_id: int | None
    photo: Photo
    prediction: Prediction | None
    reason: str
    blind: bool


@dataclass(frozen=True, slots=True)
class Turn:
    """What came of something that a person did: whether it counts, and what they look at now."""

    accepted: bool
    tasks: list[Task]


@dataclass(frozen=True, slots=True)
class Left:
    """Photos that nobody has reviewed yet, by why they are in the queue."""

    unreadable: int
    doubtful: int
    blind: int

    @property
    def total(self) -> int:
        """All of them."""
        return self.unreadable + self.doubtful + self.blind

    def one_less(self) -> "Left":
        """Return the same after an answer, which the foremost stack has most likely lost."""
        if self.unreadable:
            return replace(self, unreadable=self.unreadable - 1)
        if self.doubtful or not self.blind:
            return replace(self, doubtful=max(0, self.doubtful - 1))
        return replace(self, blind=self.blind - 1)


@dataclass(frozen=True, slots=True)
class _Words:
    """What a person says of a photo: the answer, their name, and how they came to it."""

    answer: str
    reviewer: str
    seconds: float | None
    blind: bool = False


class ReviewQueue:
    """The photos that wait for a person.

    Args:
        store: Where they lie.
        blind_share: Of the photos that the model was sure of, 0 to 1.
        chance: Where the mixing of the blind sample comes from.
    """

    def __init__(
        self, store: Store, blind_share: float, chance: random.Random | None = None
    ) -> None:
        self._store = store
        self._blind_share = blind_share
        self._chance = chance or random.Random()
        self._lock = threading.Lock()
        self._left = Left(0, 0, 0)
        self._freshness = Freshness()
        self._since_run = _NO_RUN  # until they are counted
        self._shortlists = {stack.name: Shortlist(stack) for stack in STACKS}

    def look(self, holder: str) -> list[Task]:
        """Return what somebody has before them: the photo to answer now, then the next."""
        return self._turn(holder, lambda connection, now: True).tasks

    def answer(
        self, holder: str, reviewer: str, photo_key: str, answer: str, seconds: float | None
    ) -> Turn:
        """Save the answer to a photo that somebody had before them, and give them the next.

        It does not count if the claim had run out and somebody else has the photo now.

        Args:
            holder: Whose claim it is.
            reviewer: The person's name.
            photo_key: The photo.
            answer: One of `ANSWERS`.
            seconds: How long the person looked, or None.
        """

        def save(connection: sa.Connection, now: datetime) -> bool:
            claim = _claim_of(connection, photo_key, holder)
            if claim is None:
                return False
            words = _Words(answer, reviewer, seconds, claim["blind"])
            _insert_review(connection, _target_of(connection, claim), words, now)
            _close(connection, photo_key, now, skipped=False)
            return True

        turn = self._turn(holder, save)
        with self._lock:
            if turn.accepted:
                self._left = self._left.one_less()  # right until the next counting
        return turn

    def skip(self, holder: str, photo_key: str) -> Turn:
        """Put a photo that somebody had before them to the end of the queue, for anybody."""

        def close(connection: sa.Connection, now: datetime) -> bool:
            claim = _claim_of(connection, photo_key, holder)
            if claim is None:
                return False
            if claim["closed_at"] is None:
                _close(connection, photo_key, now, skipped=True)
            return True

        return self._turn(holder, close)

    def undo(self, holder: str, reviewer: str) -> Turn:
        """Take back the last answer or skip of somebody, and show them that photo again.

        An answer that somebody has corrected since stays as it is.
        """

        def take_back(connection: sa.Connection, now: datetime) -> bool:
            claim = _last_closed(connection, holder)
            if claim is None:
                return False
            if not claim["skipped"]:
                target = _target_of(connection, claim)
                if not _saved_at(connection, target, claim["closed_at"]):
                    return False
                words = _Words(UNDONE, reviewer, None, claim["blind"])
                _insert_review(connection, target, words, now)
            _reopen(connection, claim, now)
            return True

        turn = self._turn(holder, take_back)
        self._count_anew()
        return turn

    def release(self, holder: str) -> None:
        """Let others have what somebody had before them."""
        mine = (review_claim.c.holder == holder) & review_claim.c.closed_at.is_(None)
        change = sa.update(review_claim).where(mine).values(expires_at=now_in_tables())
        self._store.write(lambda connection: connection.execute(change))

    def review(
        self,
        answer: str,
        reviewer: str,
        *,
        image_id: int | None = None,
        failure_id: int | None = None,
        seconds: float | None = None,
    ) -> Review:
        """Save what somebody says of a photo, whoever has it before them.

        Args:
            answer: One of `ANSWERS`, or `UNDONE`.
            reviewer: The person's name.
            image_id: The prediction that was looked at, or None.
            failure_id: The failure that was looked at, or None.
            seconds: How long the person looked, or None.

        Raises:
            LookupError: There is no such prediction or failure.
        """
        words = _Words(answer, reviewer, seconds)
        now, tries = now_in_tables(), 0

        def save(connection: sa.Connection) -> Review:
            nonlocal tries
            tries += 1
            target = _target(connection, image_id, failure_id)
            number = _saved_at(connection, target, now) if tries > 1 else None
            number = number or _insert_review(connection, target, words, now)
            return _review_of(target, words, now, number)

        saved = self._store.write(save)
        self._count_anew()
        return saved

    def done(self, reviewer: str, since: datetime) -> int:
        """Return how many photos somebody has answered since a moment, each once.

        What anybody has taken back since waits again, so it is not among them.
        """
        table, later = image_review.c, image_review.alias("later")
        taken_back = sa.exists().where(
            same_content(later, image_review),
            later.c.review_id > table.review_id,
            later.c.reviewed_category == UNDONE,
        )
        answered = sa.select(table.photo_key, table.etag).distinct()
        answered = answered.where(
            table.reviewer == reviewer,
            table.timestamp >= since.astimezone(UTC).replace(tzinfo=None),
            table.reviewed_category != UNDONE,
            ~taken_back,
        )
        query = sa.select(sa.func.count()).select_from(answered.subquery("answered"))
        return self._store.read(lambda connection: connection.scalar(query)) or 0

    def left(self) -> Left:
        """Return how many photos wait; where counting takes long, as of seconds or minutes ago."""
        with self._lock:
            if self._freshness.is_over:
                begun = monotonic()
                self._left = self._store.read(self._count)
                self._freshness.begin(begun)
            return self._left

    def _count_anew(self) -> None:
        with self._lock:
            self._freshness.end()

    def _count(self, connection: sa.Connection) -> Left:
        runs = connection.scalars(NEWEST_RUNS).all()
        self._since_run = min(runs, default=_NO_RUN)
        counts = (connection.scalar(stack.count, self._chosen(now_in_tables())) for stack in STACKS)
        return Left(*(count or 0 for count in counts))

    def _chosen(self, now: datetime) -> dict[str, Any]:
        """Return the values that the queries of the stacks are asked with."""
        bound = "g" if self._blind_share >= 1 else f"{int(self._blind_share * 16**8):08x}"
        return {"now": now, "bound": bound, "since_run": self._since_run}

    def _turn(self, holder: str, act: Callable[[sa.Connection, datetime], bool]) -> Turn:
        """Do something and claim what comes next, in one transaction.

        A server lets two transactions choose the same photo and one of them claim it: the other
        begins anew.
        """
        now, left, tries = now_in_tables(), self.left(), 0

        def work(connection: sa.Connection) -> Turn:
            nonlocal tries
            tries += 1
            came_through = tries > 1 and _has_acted(connection, holder, now)
            accepted = came_through or act(connection, now)
            return Turn(accepted, self._hold(connection, holder, now, left))

        for _ in range(_TRIES):
            try:
                return self._store.write(work)
            except StoreError as error:
                if not isinstance(error.__cause__, IntegrityError):
                    raise
        raise StoreError("Too many people ask for photos to review at once. Try again.")

    def _hold(
        self, connection: sa.Connection, holder: str, now: datetime, left: Left
    ) -> list[Task]:
        """Return what somebody has claimed: at least `AHEAD`, if there are so many."""
        held = len(connection.execute(_HELD, {"holder": holder}).all())
        for place in range(held, AHEAD):
            found = self._next(connection, now, left)
            if found is None:
                break
            _claim(connection, found, holder, now, place)
        _renew(connection, holder, now)
        return _tasks(connection, holder)

    def _next(self, connection: sa.Connection, now: datetime, left: Left) -> Found | None:
        """Return the photo that nobody has and that comes next, or None."""
        mixed_in = self._chance.random() * (left.blind + left.doubtful) < left.blind
        stacks = (UNREADABLE, BLIND, DOUBTFUL) if mixed_in else (UNREADABLE, DOUBTFUL, BLIND)
        chosen = self._chosen(now)
        for stack in stacks:
            if found := self._shortlists[stack.name].next(connection, chosen):
                return found
        for stack in stacks:
            if row := connection.execute(stack.skipped, chosen).first():
                return Found(stack, row.photo_key, row.number)
        return None


# Claims

_MINE = (review_claim.c.holder == sa.bindparam("holder")) & review_claim.c.closed_at.is_(None)

_IS_BLIND = review_claim.c.blind == sa.true()

_HELD_PREDICTIONS = (
    predictions_query()
    .add_columns(review_claim.c.blind, review_claim.c.claimed_at)
    .join(review_claim, review_claim.c.image_id == image_prediction.c.image_id)
    .where(
        _MINE,
        ~is_reviewed(image_prediction) | _IS_BLIND & ~is_reviewed(image_prediction, blind=True),
    )
)

_HELD_FAILURES = (
    sa.select(image_failure, review_claim.c.claimed_at)
    .join(review_claim, review_claim.c.failure_id == image_failure.c.failure_id)
    .where(_MINE, ~is_reviewed(image_failure))
)

_HELD = sa.union_all(
    _HELD_PREDICTIONS.with_only_columns(review_claim.c.photo_key),
    _HELD_FAILURES.with_only_columns(review_claim.c.photo_key),
)


def _claim(connection: sa.Connection, found: Found, holder: str, now: datetime, place: int) -> None:
    """Claim a photo that is free; an IntegrityError says that somebody else was faster."""
    claim = review_claim.c
    values = {
        "image_id": None,
        "failure_id": None,
        found.stack.number_column: found.number,
        "holder": holder,
        "claimed_at": now + timedelta(microseconds=place),  # the order in which they are shown
        "expires_at": now + LEASE,
        "closed_at": None,
        "skipped": False,
        "blind": found.stack.blind,
    }
    is_free = claim.closed_at.is_not(None) | (claim.expires_at <= now)
    mine = (claim.photo_key == found.photo_key) & is_free
    if connection.execute(sa.update(review_claim).where(mine).values(values)).rowcount != 1:
        row = {"photo_key": found.photo_key, **values}
        connection.execute(sa.insert(review_claim).inline(), row)


def _renew(connection: sa.Connection, holder: str, now: datetime) -> None:
    claim = review_claim.c
    mine = (claim.holder == holder) & claim.closed_at.is_(None)
    connection.execute(sa.update(review_claim).where(mine).values(expires_at=now + LEASE))


def _close(connection: sa.Connection, photo_key: str, now: datetime, skipped: bool) -> None:
    mine = review_claim.c.photo_key == photo_key
    closed = {"closed_at": now, "skipped": skipped}
    connection.execute(sa.update(review_claim).where(mine).values(closed))


def _reopen(connection: sa.Connection, claim: sa.RowMapping, now: datetime) -> None:
    """Give somebody a photo back, before those that they have claimed."""
    table = review_claim.c
    theirs = sa.select(table.claimed_at).where(
        table.holder == claim["holder"], table.closed_at.is_(None)
    )
    first = connection.scalar(theirs.order_by(table.claimed_at).limit(1)) or now
    values = {
        "claimed_at": first - timedelta(microseconds=1),
        "expires_at": now + LEASE,
        "closed_at": None,
        "skipped": False,
    }
    mine = table.photo_key == claim["photo_key"]
    connection.execute(sa.update(review_claim).where(mine).values(values))


def _has_acted(connection: sa.Connection, holder: str, now: datetime) -> bool:
    """Tell whether a transaction of this moment came through, though its answer was lost."""
    table, before = review_claim.c, now - SAME_MOMENT
    query = sa.select(table.expires_at, table.closed_at).where(
        table.holder == holder, (table.expires_at > before + LEASE) | (table.closed_at > before)
    )
    return any(
        is_moment(row.expires_at, now + LEASE) or is_moment(row.closed_at, now)
        for row in connection.execute(query)
    )


def _claim_of(connection: sa.Connection, photo_key: str, holder: str) -> sa.RowMapping | None:
    """Return somebody's claim of a photo, open or closed, or None if they have none."""
    query = sa.select(review_claim).where(
        review_claim.c.photo_key == photo_key, review_claim.c.holder == holder
    )
    return connection.execute(query).mappings().one_or_none()


def _last_closed(connection: sa.Connection, holder: str) -> sa.RowMapping | None:
    table = review_claim.c
    query = sa.select(review_claim).where(table.holder == holder, table.closed_at.is_not(None))
    query = query.order_by(table.closed_at.desc(), table.claimed_at.desc()).limit(1)
    return connection.execute(query).mappings().one_or_none()


def _tasks(connection: sa.Connection, holder: str) -> list[Task]:
    """Return what somebody has claimed and nobody has reviewed meanwhile, in order."""
    rows = [
        (row["claimed_at"], make(row))
        for query, make in ((_HELD_PREDICTIONS, _doubt_of), (_HELD_FAILURES, _unread_of))
        for row in connection.execute(query, {"holder": holder}).mappings()
    ]
    return [task for _, task in sorted(rows, key=lambda pair: pair[0])]


def _doubt_of(row: sa.RowMapping) -> Task:
    prediction, blind = stored_of(row).prediction, row["blind"]
    return Task(
        photo_key=row["photo_key"],
        image_id=row["image_id"],
        failure_id=None,
        photo=prediction.photo,
        prediction=None if blind else prediction,
        reason="" if blind else prediction.review_reason,
        blind=blind,
    )


def _unread_of(row: sa.RowMapping) -> Task:
    failure = failure_of(row)
    return Task(
        photo_key=row["photo_key"],
        image_id=None,
        failure_id=row["failure_id"],
        photo=failure.photo,
        prediction=None,
        reason=failure.reason,
        blind=False,
    )


# Reviews


def _target_of(connection: sa.Connection, claim: sa.RowMapping) -> sa.RowMapping:
    return _target(connection, claim["image_id"], claim["failure_id"])


def _target(
    connection: sa.Connection, image_id: int | None, failure_id: int | None
) -> sa.RowMapping:
    """Return what is reviewed: some columns of a prediction or of a failure.

    Raises:
        LookupError: There is none with this number.
    """
    is_failure = image_id is None
    table = image_failure if is_failure else image_prediction
    number = table.c.failure_id if is_failure else table.c.image_id
    query = sa.select(
        sa.null().label("image_id") if is_failure else number,
        table.c.photo_key,
        table.c.container,
        table.c.image_filename,
        table.c.etag,
    ).where(number == (failure_id if is_failure else image_id))
    row = connection.execute(query).mappings().one_or_none()
    if row is None:
        raise LookupError(
            f"There is no failure {failure_id}."
            if is_failure
            else f"There is no prediction {image_id}."
        )
    return row


def _saved_at(connection: sa.Connection, target: sa.RowMapping, now: datetime) -> int | None:
    """Return the number of the newest review if it was saved at a moment, else None."""
    table = image_review.c
    query = sa.select(table.review_id, table.timestamp).where(
        table.photo_key == target["photo_key"], table.etag == target["etag"]
    )
    row = connection.execute(query.order_by(table.review_id.desc()).limit(1)).one_or_none()
    return row.review_id if row and is_moment(row.timestamp, now) else None


def _insert_review(
    connection: sa.Connection, target: sa.RowMapping, words: _Words, now: datetime
) -> int:
    """Add a review; return its number."""
    row = {
        "image_id": target["image_id"],
        "photo_key": target["photo_key"],
        "etag": target["etag"],
        "reviewed_category": words.answer,
        "reviewer": words.reviewer,
        "timestamp": now,
        "seconds": words.seconds,
        "blind": words.blind,
    }
    key = connection.execute(sa.insert(image_review), row).inserted_primary_key
    return int(key[0]) if key else 0


def _review_of(target: sa.RowMapping, words: _Words, now: datetime, review_id: int) -> Review:
    return Review(
        review_id=review_id,
        image_id=target["image_id"],
        photo=Photo(target["container"], target["image_filename"], target["etag"], size=0),
        reviewed_category=words.answer,
        reviewer=words.reviewer,
        timestamp=in_utc(now),
        seconds=words.seconds,
        blind=words.blind,
    )
