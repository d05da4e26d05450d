"""How sure the network may sound: temperature, thresholds, and the figures of the card.

Owns these definitions. Pure functions of probabilities and of what may rightly be said.
"""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from clothing.card import Card
from clothing.classifier import tempered
from clothing.evaluation import calibration_error
from clothing.labels import CATEGORIES

PRECISION = 0.98
"""The share that has to be right of what is sorted without a look, on validation photos.

What is promised is 0.97 on other people's. Thresholds always look better where they were chosen:
set on four fifths of the validation people and tried on the fifth, those for 0.975 were right on
0.964, those for 0.98 on 0.968, those for 0.9825 on 0.971, and sorted 0.57, 0.53 and 0.51 (means of
four networks and twelve draws).
"""

LEAST_THRESHOLD = 0.5
"""No threshold is lower, however easy the category."""

_TEMPERATURES = np.geomspace(0.2, 8, 371)  # in steps of 1 %
_THRESHOLDS = np.arange(200) / 200  # 0, 0.005 … 0.995
_TARGETS = np.arange(500, 1001) / 1000  # shares of a category that have to be right
_ENOUGH = 10  # answers of a category; fewer say nothing of it
_LENT = 200  # answers of all categories that are counted with those of each

Probabilities = NDArray[np.float32]
Allowed = NDArray[np.bool_]


def calibrate_temperature(probabilities: Probabilities, allowed: Allowed) -> float:
    """Return the temperature at which what is right is likeliest, to one percent.

    Guo et al. 2017, "On Calibration of Modern Neural Networks", section 4.2: one divisor for all
    logits, found on validation pictures. It changes no answer, only how sure the answers sound.

    Args:
        probabilities: As the network gives them; float32 array of shape (n, 10).
        allowed: bool array of shape (n, 11); each row has a category.
    """
    losses = [
        -np.log(np.sum(tempered(probabilities, t) * allowed[:, :-1], axis=1) + 1e-12).mean()
        for t in _TEMPERATURES
    ]
    return round(float(_TEMPERATURES[np.argmin(losses)]), 4)


def choose_thresholds(
    probabilities: Probabilities,
    allowed: Allowed,
    precision: float = PRECISION,
    least: float = LEAST_THRESHOLD,
) -> dict[str, float]:
    """Return for each category the confidence from which it is sorted without a look.

    Every category gets the lowest threshold from which it is right often enough; how often, is
    the same for all, and the least from which all that is sorted is right as often as promised.
    Easy categories so make room for hard ones. What is in none of the categories is never right.

    A few answers say little: one that is wrong by chance would raise a threshold, one that is right
    by chance lower it, and on other people's photos the promise would not hold. So each share is
    reckoned as if as many answers more had been given as `_LENT` says, right as often as those of
    all categories at that confidence (the m-estimate of Cestnik 1990, "Estimating probabilities: a
    crucial task in machine learning"). Of 100, 200 and 1,000 lent answers, tried as `PRECISION`
    says, 0.965, 0.968 and 0.971 of what they sorted was right, and they sorted 0.54, 0.53 and 0.50.

    Args:
        probabilities: Calibrated; float32 array of shape (n, 10).
        allowed: bool array of shape (n, 11).
        precision: The share that has to be right of all that is sorted.
        least: No threshold is lower.

    Returns:
        A confidence by category, 1 where none is enough; only of those categories that were
        answered often enough to tell.
    """
    confidence, right = confidence_of(probabilities, allowed)
    predicted = probabilities.argmax(axis=1)
    candidates = _THRESHOLDS[least <= _THRESHOLDS]
    of_all = _share_right(confidence, right, candidates)
    shares = {
        category: _share_right(confidence[chosen], right[chosen], candidates, _LENT, of_all)
        for place, category in enumerate(CATEGORIES)
        if (chosen := predicted == place).sum() >= _ENOUGH
    }
    for target in _TARGETS[precision >= _TARGETS]:
        thresholds = {
            category: float(min(candidates[share >= target], default=1.0))
            for category, share in shares.items()
        }
        needed = np.array([thresholds.get(category, 1) for category in CATEGORIES])
        is_sorted = confidence >= needed[predicted]
        if right[is_sorted].sum() >= precision * is_sorted.sum():
            break
    return thresholds


def _share_right(
    confidence: NDArray[np.float32],
    right: NDArray[np.bool_],
    candidates: NDArray[np.float64],
    lent: int = 0,
    of_all: NDArray[np.float64] | float = 0.0,
) -> NDArray[np.float64]:
    """Return for each candidate the share that is right from it on, 0 where nothing is.

    As many answers as are `lent` count with them, right as often as `of_all` says.
    """
    reached = confidence >= candidates[:, None]  # (candidates, answers)
    answers = np.maximum(reached.sum(axis=1) + lent, 1)
    share: NDArray[np.float64] = (reached @ right.astype(float) + lent * of_all) / answers
    return share


def measure(probabilities: Probabilities, allowed: Allowed, card: Card) -> dict[str, float]:
    """Return accuracy, share sorted without a look, share right of those, and calibration error.

    The definitions are `evaluate`'s, of the network alone: a photo that the service sends to a
    person for what it is, as too dark to see, counts here by the network's confidence. A share of
    nothing is left out.

    Args:
        probabilities: As the network gives them; float32 array of shape (n, 10).
        allowed: bool array of shape (n, 11).
        card: Temperature and thresholds.
    """
    probabilities = tempered(probabilities, card.temperature)
    confidence, right = confidence_of(probabilities, allowed)
    needed = np.array([card.thresholds[category] for category in card.labels])
    is_sorted = confidence >= needed[probabilities.argmax(axis=1)]
    inside = ~allowed[:, -1]
    answers = zip(confidence[inside].tolist(), right[inside].tolist(), strict=True)
    figures = {
        "accuracy": right[inside].mean(),
        "sorted_share": is_sorted[inside].mean(),
        "expected_calibration_error": calibration_error(list(answers)) or 0,
    }
    if is_sorted[inside].any():
        figures["sorted_accuracy"] = right[inside & is_sorted].mean()
    if not inside.all():
        figures["outside_review_share"] = 1 - is_sorted[~inside].mean()
    return {name: float(value) for name, value in figures.items()}


def confidence_of(
    probabilities: Probabilities, allowed: Allowed
) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Return the confidence of each answer, and whether it is right; both (n,)."""
    predicted = probabilities.argmax(axis=1)
    return probabilities.max(axis=1), allowed[np.arange(len(predicted)), predicted]


def rounded(figures: Mapping[str, float], prefix: str) -> dict[str, float]:
    """Return figures as a card quotes them: with a prefix, to four places."""
    return {f"{prefix}_{name}": round(value, 4) for name, value in figures.items()}
