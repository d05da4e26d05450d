"""The values that walk: a photo, what came of it, and the run that it was part of.

Pure: no input, no output, no clock.
"""

import hashlib
import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from clothing.card import Card
from clothing.errors import ModelError

Stage = Literal["download", "decode", "preprocess", "predict"]
"""The step of the walk at which a photo failed."""

UNLIKE = "unlike the ten categories"
"""The reason to look at what the network takes for none of them."""

_UNLIKE = 0.5  # of the probability, when it is dealt out evenly: see `training.network`

RunStatus = Literal["running", "succeeded", "failed", "interrupted"]


@dataclass(frozen=True, slots=True)
class Photo:
    """A reference to one picture in a container.

    Attributes:
        container: Name of the container.
        name: Name within it, with `/` between folders; at most 1,024 characters.
        etag: Changes whenever the content changes.
        size: In bytes.
    """

    container: str
    name: str
    etag: str
    size: int


@dataclass(frozen=True, slots=True)
class Prediction:
    """What the model says of one photo.

    Attributes:
        photo: The photo that was classified.
        predicted_category: The most probable category.
        confidence: Its probability, 0 to 1.
        margin: Confidence less the probability of the runner-up, 0 to 1.
        probabilities: All of them in the order of `labels.CATEGORIES`; they sum to 1.
        needs_review: True if a person should look at the photo.
        review_reason: Why, in words; empty if nobody needs to look.
    """

    photo: Photo
    predicted_category: str
    confidence: float
    margin: float
    probabilities: tuple[float, ...]
    needs_review: bool
    review_reason: str


@dataclass(frozen=True, slots=True)
class Failure:
    """A photo that could not be used: at which stage, and the reason in words."""

    photo: Photo
    stage: Stage
    reason: str


Outcome = Prediction | Failure


@dataclass(frozen=True, slots=True)
class Review:
    """What a person says of one photo.

    Attributes:
        review_id: Its number; 0 as long as it is not stored.
        image_id: Number of the prediction that the person looked at, or None if there is none.
        photo: The photo.
        reviewed_category: A category, or in parentheses why there is none.
        reviewer: The person's name.
        timestamp: When; UTC.
        seconds: From seeing the photo to the answer, or None if that is not known.
        blind: True if the person did not see what the model says.
    """

    review_id: int
    image_id: int | None
    photo: Photo
    reviewed_category: str
    reviewer: str
    timestamp: datetime
    seconds: float | None
    blind: bool


@dataclass(frozen=True, slots=True)
class Counts:
    """Photos of a run by what became of them; `skipped` had an answer already."""

    listed: int = 0
    classified: int = 0
    failed: int = 0
    skipped: int = 0

    @property
    def done(self) -> int:
        """Photos that have an outcome, of this run or of one before."""
        return self.classified + self.failed + self.skipped

    @property
    def add_up(self) -> bool:
        """True if every photo listed has an outcome, False if one is missing or doubled."""
        return self.listed == self.done


@dataclass(frozen=True, slots=True)
class Run:
    """One night's work. Times are UTC; `error` says in words why a run did not go well.

    `expected` is how many photos the run will list, or None while they are still being counted.
    """

    run_id: int
    status: RunStatus
    trigger: str
    prefix: str
    force: bool
    started_at: datetime
    heartbeat_at: datetime
    finished_at: datetime | None
    model_version: str | None
    preprocessing_version: str | None
    expected: int | None
    counts: Counts
    error: str | None

    @property
    def seconds(self) -> float:
        """How long the run took, from the start to the end or last heartbeat."""
        return ((self.finished_at or self.heartbeat_at) - self.started_at).total_seconds()

    @property
    def photos_per_second(self) -> float:
        """Photos opened (not skipped) a second."""
        opened = self.counts.classified + self.counts.failed
        return opened / self.seconds if self.seconds > 0 else 0.0


def digest_of(*parts: str) -> str:
    """Return the SHA-256 of some strings, in hexadecimal; which part ends where matters.

    >>> digest_of("a", "bc") == digest_of("ab", "c")
    False
    """
    digest = hashlib.sha256()
    for part in parts:
        encoded = part.encode()
        digest.update(len(encoded).to_bytes(4, "big") + encoded)
    return digest.hexdigest()


def photo_key(photo: Photo) -> str:
    """Return what identifies a photo whatever its content: a hash of container and name.

    A name may be longer than a database's index takes, a hash never is.
    """
    return digest_of(photo.container, photo.name)


def answer_key(photo: Photo, model_version: str, preprocessing_version: str) -> str:
    """Return what identifies an answer: this content, this model, these steps before it."""
    return digest_of(photo.container, photo.name, photo.etag, model_version, preprocessing_version)


def predictions_of(
    photos: Sequence[Photo],
    probabilities: NDArray[np.float32],
    card: Card,
    faults: Sequence[str] | None = None,
) -> list[Prediction]:
    """Join the rows of one model call to the photos that they answer.

    Args:
        photos: The n photos of the batch, in order.
        probabilities: Array of shape (n, categories), rows sum to 1.
        card: Labels, and the thresholds below which a person looks.
        faults: Why nobody could tell what is on a photo, "" where one can, as `fault_of` says;
            None if nobody looked.

    Raises:
        ModelError: Rows out are not photos in, or a row holds no probabilities.
    """
    if probabilities.shape != (len(photos), len(card.labels)):
        raise ModelError(
            f"The model must answer {len(photos)} photos with rows of {len(card.labels)} "
            f"probabilities. Received: an array of shape {probabilities.shape}."
        )
    faults = faults or [""] * len(photos)
    return [
        _prediction_of(photo, row, card, fault)
        for photo, row, fault in zip(photos, probabilities.tolist(), faults, strict=True)
    ]


def _prediction_of(photo: Photo, row: list[float], card: Card, fault: str) -> Prediction:
    total = math.fsum(row) if min(row) >= 0 else math.nan
    if not math.isclose(total, 1, abs_tol=1e-3):  # also true of NaN
        raise ModelError(f"The model's probabilities must sum to 1. Received: {row}.")
    exact = tuple(probability / total for probability in row)
    first, second = sorted(range(len(exact)), key=exact.__getitem__, reverse=True)[:2]
    category, runner_up = card.labels[first], card.labels[second]
    reason = fault
    if not fault and exact[first] < card.thresholds[category]:
        is_unlike = len(exact) * min(exact) > _UNLIKE
        reason = UNLIKE if is_unlike else f"looks like {category} or {runner_up}"
    return Prediction(
        photo=photo,
        predicted_category=category,
        confidence=exact[first],
        margin=exact[first] - exact[second],
        probabilities=exact,
        needs_review=bool(reason),
        review_reason=reason,
    )
