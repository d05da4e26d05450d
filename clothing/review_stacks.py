"""What waits for a person: three stacks of photos, and which of each comes next.

Owns the queries of the stacks. A photo is in one as long as nobody has reviewed its content, in the
blind sample not blindly; who has it before them is a matter of the queue.
"""

from collections import deque
from dataclasses import dataclass
from time import monotonic
from typing import Any

import sqlalchemy as sa

from clothing.standing import is_current, is_reviewed, is_unreadable
from clothing.tables import (
    MIGRATION,
    UTC_TIME,
    batch_run,
    image_failure,
    image_prediction,
    review_claim,
)

SAMPLED_RUNS = 7
"""The blind sample is drawn from so many of the newest runs, about a week's; of our own only."""

_SHORT = 100  # photos of a stack that are looked up at once
_AT_ONCE = 0.03  # seconds: who asks waits for what takes no longer
_LOOKING_SHARE = 0.005  # of the time may be spent on looking up and counting what takes longer


@dataclass(frozen=True, slots=True)
class Stack:
    """Photos that nobody has reviewed, for one reason; queries of key and number, in order.

    Attributes:
        name: Of the stack.
        number_column: The column in which a claim has the number.
        blind: Whether nobody may see what the model says.
        count: How many there are, free or not.
        free: The first that nobody has before them and nobody has skipped.
        still_free: The one with a number, if it is among them.
        skipped: The one that was skipped the longest ago.
    """

    name: str
    number_column: str
    blind: bool
    count: sa.Select[Any]
    free: sa.Select[Any]
    still_free: sa.Select[Any]
    skipped: sa.Select[Any]


@dataclass(frozen=True, slots=True)
class Found:
    """The photo that somebody gets next."""

    stack: Stack
    photo_key: str
    number: int


class Shortlist:
    """The first photos of a stack, so that not everybody walks past all that were answered.

    They are looked up anew for everybody, unless that takes long. Each was free when looked up,
    and is asked again whether it still is.
    """

    def __init__(self, stack: Stack) -> None:
        self._stack = stack
        self._rows: deque[sa.Row[Any]] = deque()
        self._has_more = False
        self._freshness = Freshness()

    def next(self, connection: sa.Connection, chosen: dict[str, Any]) -> Found | None:
        """Return the next photo that is still free, or None."""
        if self._freshness.is_over:
            self._look_up(connection, chosen)
        while self._rows or self._has_more:
            try:
                row = self._rows.popleft()
            except IndexError:  # all were taken, perhaps by somebody else in this moment
                self._look_up(connection, chosen)
                continue
            still = {**chosen, "number": row.number}
            if connection.execute(self._stack.still_free, still).first():
                return Found(self._stack, row.photo_key, row.number)
        return None

    def _look_up(self, connection: sa.Connection, chosen: dict[str, Any]) -> None:
        begun = monotonic()
        self._rows = deque(connection.execute(self._stack.free, chosen))
        self._has_more = len(self._rows) == _SHORT
        self._freshness.begin(begun)


class Freshness:
    """How long to rely on what was looked up: not at all, unless looking it up takes long."""

    def __init__(self) -> None:
        self._until = 0.0
        self._took = 0.0

    @property
    def is_over(self) -> bool:
        """True if it must be looked up anew, False if it still holds."""
        return monotonic() >= self._until

    def begin(self, begun: float) -> None:
        """Note that it was looked up just now, from a moment on."""
        took = monotonic() - begun
        usual = min(took, self._took)  # once may be slow for other reasons
        self._until = begun + usual / _LOOKING_SHARE if usual > _AT_ONCE else 0.0
        self._took = took

    def end(self) -> None:
        """Have it looked up anew."""
        self._until = 0.0


# The queries are put together once, for SQLAlchemy takes longer for it than SQL does

_NOW = sa.bindparam("now", type_=UTC_TIME)


def _stack(name: str, query: sa.Select[Any], number: sa.Column[Any], blind: bool = False) -> Stack:
    """Return a stack.

    Args:
        name: Of the stack.
        query: Its photos in order: their key, and their number as `number`.
        number: The column of the number.
        blind: Whether nobody may see what the model says.
    """
    claim, photo_key = review_claim.c, number.table.c.photo_key
    is_open = claim.closed_at.is_(None) & (claim.expires_at > _NOW)
    is_skipped = (claim.skipped == sa.true()) & (claim[number.name] == number)
    is_claimed = sa.exists().where(claim.photo_key == photo_key, is_open | is_skipped)
    skipped = query.join(review_claim, (claim.photo_key == photo_key) & is_skipped)
    return Stack(
        name=name,
        number_column=number.name,
        blind=blind,
        count=query.with_only_columns(sa.func.count(number)).order_by(None),
        free=query.where(~is_claimed).limit(_SHORT),
        still_free=query.where(number == sa.bindparam("number"), ~is_claimed).order_by(None),
        skipped=skipped.order_by(None).order_by(claim.closed_at).limit(1),
    )


def _unreadable() -> Stack:
    """Return the newest failures of photos that had no answer since, the newest first."""
    table = image_failure.c
    query = sa.select(table.photo_key, table.failure_id.label("number"))
    query = query.where(is_unreadable(), ~is_reviewed(image_failure))
    return _stack("unreadable", query.order_by(table.failure_id.desc()), table.failure_id)


def _predictions(blind: bool = False) -> sa.Select[Any]:
    """Return the predictions that hold, where nobody has reviewed the content, or not blindly."""
    table = image_prediction.c
    query = sa.select(table.photo_key, table.image_id.label("number"))
    return query.where(is_current(), ~is_reviewed(image_prediction, blind))


def _doubtful() -> Stack:
    """Return the photos that the model was not sure of, the most doubtful first."""
    table = image_prediction.c
    query = _predictions().where(table.needs_review == sa.true())
    return _stack("doubtful", query.order_by(table.margin, table.image_id), table.image_id)


def _blind() -> Stack:
    """Return a sample of the others: those whose answer's hash is below a bound.

    A hash has no opinion of the photo, so the sample is fair; and everybody draws the same. What
    somebody has answered who saw the suggestion is asked all the same: without it the errors would
    be missing that people came upon.
    """
    table = image_prediction.c
    query = _predictions(blind=True).where(
        table.answer_key < sa.bindparam("bound"),
        table.needs_review != sa.true(),  # not "= false": there are too many for that index
        table.run_id >= sa.bindparam("since_run"),
    )
    return _stack("blind", query.order_by(table.answer_key), table.image_id, blind=True)


UNREADABLE, DOUBTFUL, BLIND = STACKS = _unreadable(), _doubtful(), _blind()

NEWEST_RUNS = (
    sa.select(batch_run.c.run_id)
    .where(batch_run.c.classified > 0, batch_run.c.trigger != MIGRATION)
    .order_by(batch_run.c.run_id.desc())
    .limit(SAMPLED_RUNS)
)
