"""What a run can say of every photo that lies in its container: its own answers and earlier ones.

Owns the joining of the listing to the tables. It never classifies and never writes.
"""

from dataclasses import dataclass
from itertools import islice

from clothing.photos import Failure, Photo, Run
from clothing.storage import Container
from clothing.store import Store, StoredPrediction

LIMIT = 1000
"""Photos that are answered for at once."""


@dataclass(frozen=True, slots=True)
class Answers:
    """Part of what a run says.

    Attributes:
        outcomes: In the order of the listing; a photo that came after the run has none.
        next_after: Name after which the next part begins, or None if this was the last.
    """

    outcomes: list[StoredPrediction | Failure]
    next_after: str | None


def answers_of(
    run: Run, store: Store, container: Container, after: str = "", limit: int = LIMIT
) -> Answers:
    """Return what a run says of the first photos after a name.

    Raises:
        StorageError: The container cannot be listed.
    """
    listing = container.list_photos(run.prefix, after)
    photos = list(islice(listing, limit))
    more = next(listing, None) is not None
    outcomes = _outcomes(run, store, photos)
    return Answers(
        [outcomes[photo] for photo in photos if photo in outcomes],
        photos[-1].name if more else None,
    )


def _outcomes(
    run: Run, store: Store, photos: list[Photo]
) -> dict[Photo, StoredPrediction | Failure]:
    if run.model_version is None or run.preprocessing_version is None:
        return {}  # it ended before it had a model
    found: dict[Photo, StoredPrediction | Failure] = {}
    found |= store.answers(photos, run.model_version, run.preprocessing_version, run.run_id)
    found |= store.failures(run.run_id, photos)
    return found
