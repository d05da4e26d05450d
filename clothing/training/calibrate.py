"""How sure the network may sound: temperature, thresholds, and the figures of the card.

Owns these definitions. Pure functions of probabilities and of what may rightly be said.
"""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from clothing.card import Card
from clothing.classifier import tempered
from clothing.evaluation import calibration_error
from clothing.labels import CATEGORIES

PRECISION = 0.975
"""The share that has to be right of what is sorted without a look, on validation photos.

What is promised is 0.97 on other people's. Thresholds always look better where they were chosen:
set on nine tenths of the validation people and tried on the tenth, those for 0.97 were right on
0.969, those for 0.975 on 0.971, those for 0.98 on 0.974, and sorted 0.66, 0.63 and 0.59
(model.ipynb computes it).
"""

LEAST_THRESHOLD = 0.5
"""No threshold is lower, however easy the category."""

_TEMPERATURES = np.geomspace(0.2, 8, 371)  # in steps of 1 %
_LIMITS = np.arange(500, 1000) / 1000  # chances to be right, from which on answers are sorted
_DRAWS = 50  # of people; the thresholds are the mean of what each draw gives
_DEVIATION = 1 / 3  # of the prior; of a half, 1 and 2, too, no other was likelier on other people
_STEPS = 100  # of the regression; 30 are enough for photos
_SURE = 1 - 1e-6  # a confidence of 1 has no odds

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
    people: NDArray[np.str_],
    precision: float = PRECISION,
    least: float = LEAST_THRESHOLD,
) -> dict[str, float]:
    """Return for each category the confidence from which it is sorted without a look.

    How likely an answer is right, its confidence and its category tell. All that is likelier right
    than one limit is sorted, and the limit is the lowest from which that is right as often as
    promised: of all rules with as many errors, this one sorts the most (Chow 1970, "On optimum
    recognition error and reject tradeoff"). Easy categories so make room for hard ones. What is in
    none of the categories is never right.

    A few errors that are sure move such a limit far, and who sent them sends more of their kind. So
    people are drawn, with replacement, and of the thresholds that each draw gives the mean counts
    (Breiman 1996, "Bagging predictors").

    Args:
        probabilities: Calibrated; float32 array of shape (n, 10).
        allowed: bool array of shape (n, 11).
        people: Who took each picture; array of n strings.
        precision: The share that has to be right of all that is sorted.
        least: No threshold is lower.

    Returns:
        A confidence by category, to four places, 1 where none is enough. A category that was never
        answered is taken to be as hard as others are.
    """
    confidence, right = confidence_of(probabilities, allowed)
    predicted = probabilities.argmax(axis=1)
    evidence = np.column_stack([_log_odds(confidence), np.eye(len(CATEGORIES))[predicted]])
    needed = np.mean(
        [_needed(evidence[drawn], right[drawn], precision) for drawn in _draws(people)], axis=0
    )
    return {
        category: max(least, round(float(_chance(log_odds)), 4))
        for category, log_odds in zip(CATEGORIES, needed, strict=True)
    }


def _draws(people: NDArray[np.str_]) -> Iterator[NDArray[np.intp]]:
    """Yield the rows of as many people as there are, drawn with replacement."""
    each, who = np.unique(people, return_inverse=True)
    rng = np.random.default_rng(0)
    for _ in range(_DRAWS):
        times = np.bincount(rng.integers(0, len(each), len(each)), minlength=len(each))
        yield np.repeat(np.arange(len(people)), times[who])


def _needed(
    evidence: NDArray[np.float64], right: NDArray[np.bool_], precision: float
) -> NDArray[np.float64]:
    """Return the log-odds of the confidence that each category needs; shape (10,)."""
    slope, *offsets = _regress(evidence, right)
    reached = _chance(evidence @ [slope, *offsets]) >= _LIMITS[:, None]  # (limits, answers)
    shares = (reached @ right.astype(float)) / np.maximum(reached.sum(axis=1), 1)
    limit = min(_LIMITS[shares >= precision], default=_SURE)
    needed: NDArray[np.float64] = (_log_odds(limit) - offsets) / max(slope, 1e-6)
    return needed


def _regress(evidence: NDArray[np.float64], right: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Return what the log-odds of being right are made of: a slope, and an offset by category.

    A logistic regression that begins with taking confidences at their word, a slope of 1 and no
    offset, and lets answers speak against it: each coefficient has a normal prior.
    No step goes too far (Jaakkola and Jordan 2000, "Bayesian parameter estimation via variational
    methods", section 3), as Newton's do where all that is sure is wrong.

    Args:
        evidence: The log-odds of the confidence, and a one in the category's column; (n, 11).
        right: Whether the answer was; (n,).
    """
    prior = np.eye(evidence.shape[1])[0]
    certainty = 1 / _DEVIATION**2
    coefficients: NDArray[Any] = prior
    for _ in range(_STEPS):
        log_odds = np.abs(evidence @ coefficients) + 1e-9
        curvature = np.tanh(log_odds / 2) / (2 * log_odds)
        coefficients = np.linalg.solve(
            (evidence.T * curvature) @ evidence + certainty * np.eye(len(prior)),
            evidence.T @ (right - 0.5) + certainty * prior,
        )
    return coefficients


def _log_odds(chance: Any) -> Any:
    chance = np.clip(chance, 1 - _SURE, _SURE)
    return np.log(chance / (1 - chance))


def _chance(log_odds: Any) -> Any:
    return 1 / (1 + np.exp(-np.clip(log_odds, -30, 30)))


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
