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

PRECISION = 0.97
"""The share that has to be right of what is sorted without a look."""

LEAST_THRESHOLD = 0.5
"""No threshold is lower, however easy the category."""

_TEMPERATURES = np.geomspace(0.2, 8, 371)  # in steps of 1 %
_THRESHOLDS = np.arange(200) / 200  # 0, 0.005 … 0.995

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
    """Return for each category the lowest confidence from which it is right often enough.

    What is in none of the categories is never right, so it raises the thresholds too.

    Args:
        probabilities: Calibrated; float32 array of shape (n, 10).
        allowed: bool array of shape (n, 11).
        precision: The share that has to be right of what reaches the threshold.
        least: No threshold is lower.

    Returns:
        A confidence by category that was answered at all; 1 where no confidence is enough.
    """
    confidence, right = confidence_of(probabilities, allowed)
    predicted = probabilities.argmax(axis=1)
    candidates = _THRESHOLDS[least <= _THRESHOLDS]
    thresholds = {}
    for place, category in enumerate(CATEGORIES):
        chosen = predicted == place
        if not chosen.any():
            continue
        reached = confidence[chosen] >= candidates[:, None]  # (candidates, predicted so)
        enough = reached @ right[chosen].astype(float) >= precision * reached.sum(axis=1)
        fit = candidates[enough & reached.any(axis=1)]
        thresholds[category] = float(fit[0]) if fit.size else 1.0
    return thresholds


def measure(probabilities: Probabilities, allowed: Allowed, card: Card) -> dict[str, float]:
    """Return accuracy, share sorted without a look, share right of those, and calibration error.

    The definitions are `evaluate`'s.

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
        "sorted_accuracy": right[inside & is_sorted].mean() if is_sorted[inside].any() else 0,
        "expected_calibration_error": calibration_error(list(answers)) or 0,
    }
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
