"""How right the model is on photos that people labelled: pure functions from outcomes to figures.

Owns the definitions of the figures that `evaluate` prints and the card quotes.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from clothing.labelled import LABELS
from clothing.labels import CATEGORIES, FOOTWEAR, OUTSIDE, agrees
from clothing.photos import Outcome, Prediction

BINS = 15
"""Bins of the calibration error, as in Guo et al. 2017."""


@dataclass(frozen=True, slots=True)
class Judged:
    """An outcome beside what a person wrote on the photo."""

    label: str
    outcome: Outcome

    @property
    def right(self) -> bool:
        """True if the predicted category is right; a failure never is."""
        return isinstance(self.outcome, Prediction) and agrees(
            self.outcome.predicted_category, self.label
        )

    @property
    def sorted(self) -> bool:
        """True if nobody looks at the photo; people look at all failures."""
        return isinstance(self.outcome, Prediction) and not self.outcome.needs_review


def evaluate(outcomes: Iterable[Outcome], labels: Mapping[str, str]) -> dict[str, object]:
    """Return the figures of a model on labelled photos.

    A photo that could not be used counts: it is neither right nor sorted. A share of nothing is
    None.

    Args:
        outcomes: One for each photo, failures among them.
        labels: By name of the photo; each one of `LABELS`.
    """
    judged = [Judged(labels[outcome.photo.name], outcome) for outcome in outcomes]
    inside = [item for item in judged if item.label != OUTSIDE]
    outside = [item for item in judged if item.label == OUTSIDE]
    sorted_ = [item for item in inside if item.sorted]
    return {
        "photos": len(judged),
        "failed": sum(not isinstance(item.outcome, Prediction) for item in judged),
        "accuracy": _share(item.right for item in inside),
        "per_category": _per_category(judged),
        "confusion": _confusion(judged),
        "sorted_share": _share(item.sorted for item in inside),
        "sorted_accuracy": _share(item.right for item in sorted_),
        "outside_review_share": _share(not item.sorted for item in outside),
        "expected_calibration_error": calibration_error(
            [
                (item.outcome.confidence, item.right)
                for item in inside
                if isinstance(item.outcome, Prediction)
            ]
        ),
    }


def calibration_error(answers: Sequence[tuple[float, bool]]) -> float | None:
    """Return the expected calibration error of (confidence, right) pairs, 0 to 1.

    The mean distance between confidence and accuracy over bins of equal width, weighted by what
    falls into each: Guo et al. 2017, "On Calibration of Modern Neural Networks", equation 3.

    >>> calibration_error([(0.9, True), (0.9, False)])
    0.4
    """
    bins: dict[int, list[tuple[float, bool]]] = defaultdict(list)
    for confidence, right in answers:
        bins[min(int(confidence * BINS), BINS - 1)].append((confidence, right))
    if not answers:
        return None
    gaps = (abs(sum(c - right for c, right in some)) for some in bins.values())
    return sum(gaps) / len(answers)


def _per_category(judged: Sequence[Judged]) -> dict[str, dict[str, float | None]]:
    """Return photos, recall (of what is in it) and precision (of what is put there) of each."""
    figures: dict[str, dict[str, float | None]] = {}
    for label in (*CATEGORIES, FOOTWEAR):
        labelled = [item for item in judged if item.label == label]
        if labelled:
            figures[label] = {
                "photos": len(labelled),
                "accuracy": _share(item.right for item in labelled),
                "precision": _share(
                    item.right
                    for item in judged
                    if isinstance(item.outcome, Prediction)
                    and agrees(item.outcome.predicted_category, label)
                ),
            }
    return figures


def _confusion(judged: Sequence[Judged]) -> dict[str, dict[str, int]]:
    """Return how many photos of each label went into each category; only what occurs."""
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    for item in judged:
        outcome = item.outcome
        answer = outcome.predicted_category if isinstance(outcome, Prediction) else "(failed)"
        counts[item.label][answer] += 1
    return {label: dict(counts[label]) for label in LABELS if label in counts}


def _share(answers: Iterable[bool]) -> float | None:
    known = list(answers)
    return sum(known) / len(known) if known else None
