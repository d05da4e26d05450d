"""What stands: which answer, failure and review of a photo hold now, or held at a moment.

Owns these conditions for all queries. Of one photo, which is a name in a container, only the newest
outcome stands: an answer is replaced by a newer one, and lost once a later run cannot read what
lies under the name by then. So no photo lies on two piles. A review holds for a content.
"""

from dataclasses import dataclass

import sqlalchemy as sa

from clothing.labels import UNDONE
from clothing.tables import image_failure, image_prediction, image_review


@dataclass(frozen=True, slots=True)
class Moment:
    """Numbers of the newest rows when somebody asked.

    What a run or a clerk adds while a long list is read has greater ones. Without a moment a photo
    that is answered anew just then would be in no part: its old row is current no more, and its new
    one lies before the parts that are still to come.

    Attributes:
        image_id: Of the newest answer, 0 if there is none.
        failure_id: Of the newest failure, likewise.
        review_id: Of the newest review, likewise.
    """

    image_id: int
    failure_id: int
    review_id: int


def is_current(moment: Moment | None = None) -> sa.ColumnElement[bool]:
    """Tell an answer that neither a newer one has replaced nor a later run has lost."""
    table, newer = image_prediction.c, image_prediction.alias("newer").c
    replaced = sa.select(newer.image_id).where(
        newer.photo_key == table.photo_key, newer.image_id > table.image_id
    )
    failed = image_failure.c
    lost = sa.select(failed.failure_id).where(
        failed.photo_key == table.photo_key, failed.run_id > table.run_id
    )
    if moment:
        replaced = replaced.where(newer.image_id <= moment.image_id)
        lost = lost.where(failed.failure_id <= moment.failure_id)
    return sa.and_(
        ~replaced.correlate(image_prediction).exists(), ~lost.correlate(image_prediction).exists()
    )


def is_unreadable(moment: Moment | None = None) -> sa.ColumnElement[bool]:
    """Tell a failure after which the photo was neither read nor failed again.

    The numbers of runs say what came after, not clocks, which are set right now and then.
    """
    table, newer, answer = image_failure.c, image_failure.alias("newer").c, image_prediction.c
    again = sa.select(newer.failure_id).where(
        newer.photo_key == table.photo_key, newer.failure_id > table.failure_id
    )
    read = sa.select(answer.image_id).where(
        answer.photo_key == table.photo_key, answer.run_id >= table.run_id
    )
    if moment:
        again = again.where(newer.failure_id <= moment.failure_id)
        read = read.where(answer.image_id <= moment.image_id)
    return sa.and_(
        ~again.correlate(image_failure).exists(), ~read.correlate(image_failure).exists()
    )


def same_content(review: sa.FromClause, table: sa.FromClause) -> sa.ColumnElement[bool]:
    """Tell that a review is of the content that another row is of."""
    return sa.and_(review.c.photo_key == table.c.photo_key, review.c.etag == table.c.etag)


def is_newest_review(blind: bool = False) -> sa.ColumnElement[bool]:
    """Tell a review that no newer one of the same content has replaced; or one among the blind."""
    newer, table = image_review.alias("newer"), image_review.c
    replaced = sa.select(newer.c.review_id).where(
        same_content(newer, image_review), newer.c.review_id > table.review_id
    )
    if not blind:
        return ~replaced.correlate(image_review).exists()
    replaced = replaced.where((newer.c.blind == sa.true()) | (newer.c.reviewed_category == UNDONE))
    return (table.blind == sa.true()) & ~replaced.correlate(image_review).exists()


def is_reviewed(table: sa.Table, blind: bool = False) -> sa.ColumnElement[bool]:
    """Tell an answer or a failure whose content has a review, or a blind one, that still holds."""
    said = sa.select(image_review.c.review_id).where(
        same_content(image_review, table),
        image_review.c.reviewed_category != UNDONE,
        is_newest_review(blind),
    )
    return said.correlate(table).exists()
