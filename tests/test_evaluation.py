"""The figures of a model on labelled photos: each by a case small enough to count by hand."""

import math
from collections.abc import Sequence

import pytest

from clothing.evaluation import calibration_error, evaluate
from clothing.labels import CATEGORIES, FOOTWEAR, OUTSIDE
from clothing.photos import Failure, Outcome, Photo, Prediction


def answered(
    name: str, category: str, confidence: float = 0.9, needs_review: bool = False
) -> Prediction:
    """Return an outcome: this photo, this category."""
    shares = [(1 - confidence) / 9] * 10
    shares[CATEGORIES.index(category)] = confidence
    return Prediction(
        photo=Photo("images", name, "1", 9),
        predicted_category=category,
        confidence=confidence,
        margin=confidence - (1 - confidence) / 9,
        probabilities=tuple(shares),
        needs_review=needs_review,
        review_reason="looks like something else" if needs_review else "",
    )


def failed(name: str) -> Failure:
    """Return an outcome: this photo could not be used."""
    return Failure(Photo("images", name, "1", 9), "decode", "the file is empty")


def figures_of(*judged: tuple[str, Outcome]) -> dict[str, object]:
    """Return the figures for pairs of what a person wrote and what came out."""
    labels = {outcome.photo.name: label for label, outcome in judged}
    return evaluate([outcome for _, outcome in judged], labels)


def test_accuracy_is_the_share_that_is_right() -> None:
    figures = figures_of(
        ("Bag", answered("a", "Bag")),
        ("Bag", answered("b", "Bag")),
        ("Coat", answered("c", "Bag")),
        ("Coat", answered("d", "Coat")),
    )

    assert figures["photos"] == 4
    assert figures["accuracy"] == 0.75


@pytest.mark.parametrize("kind", ["Sandal", "Sneaker", "Ankle boot"])
def test_footwear_is_right_as_any_shoe(kind: str) -> None:
    figures = figures_of((FOOTWEAR, answered("a", kind)), (FOOTWEAR, answered("b", "Bag")))

    assert figures["accuracy"] == 0.5


def test_a_failure_is_neither_right_nor_sorted() -> None:
    figures = figures_of(("Bag", answered("a", "Bag")), ("Bag", failed("b")))

    assert (figures["photos"], figures["failed"]) == (2, 1)
    assert figures["accuracy"] == 0.5
    assert figures["sorted_share"] == 0.5
    assert figures["sorted_accuracy"] == 1


def test_what_is_reviewed_does_not_count_as_sorted() -> None:
    figures = figures_of(
        ("Bag", answered("a", "Bag")),
        ("Bag", answered("b", "Coat", needs_review=True)),
        ("Bag", answered("c", "Coat")),
        ("Bag", answered("d", "Bag", needs_review=True)),
    )

    assert figures["accuracy"] == 0.5
    assert figures["sorted_share"] == 0.5
    assert figures["sorted_accuracy"] == 0.5


def test_photos_outside_of_the_categories_count_for_review_only() -> None:
    figures = figures_of(
        ("Bag", answered("a", "Bag")),
        (OUTSIDE, answered("b", "Bag")),
        (OUTSIDE, answered("c", "Bag", needs_review=True)),
        (OUTSIDE, answered("d", "Coat", needs_review=True)),
        (OUTSIDE, failed("e")),
    )

    assert figures["photos"] == 5
    assert figures["accuracy"] == figures["sorted_share"] == figures["sorted_accuracy"] == 1
    assert figures["outside_review_share"] == 0.75


def test_a_category_has_photos_accuracy_and_precision() -> None:
    figures = figures_of(
        ("Bag", answered("a", "Bag")),
        ("Bag", answered("b", "Coat")),
        ("Bag", failed("c")),
        ("Coat", answered("d", "Coat")),
    )

    assert figures["per_category"] == {
        "Coat": {"photos": 1, "accuracy": 1.0, "precision": 0.5},
        "Bag": {"photos": 3, "accuracy": 1 / 3, "precision": 1.0},
    }


def test_a_category_is_less_precise_for_what_is_in_none() -> None:
    figures = figures_of(("Bag", answered("a", "Bag")), (OUTSIDE, answered("b", "Bag")))

    assert figures["per_category"] == {"Bag": {"photos": 1, "accuracy": 1.0, "precision": 0.5}}


def test_a_category_that_is_never_predicted_has_no_precision() -> None:
    figures = figures_of(("Bag", answered("a", "Coat")))

    assert figures["per_category"] == {"Bag": {"photos": 1, "accuracy": 0.0, "precision": None}}


def test_the_precision_of_footwear_is_of_everything_put_among_the_shoes() -> None:
    figures = figures_of(
        (FOOTWEAR, answered("a", "Sandal")),
        ("Sneaker", answered("b", "Sneaker")),
        ("Bag", answered("c", "Ankle boot")),
        ("Sneaker", answered("d", "Sandal")),
    )

    footwear = {"photos": 1, "accuracy": 1.0, "precision": 0.5}
    assert figures["per_category"] == {
        "Sneaker": {"photos": 2, "accuracy": 0.5, "precision": 1.0},
        "Bag": {"photos": 1, "accuracy": 0.0, "precision": None},
        FOOTWEAR: footwear,
    }


def test_the_confusion_counts_every_photo_once() -> None:
    figures = figures_of(
        ("Coat", answered("a", "Bag")),
        ("Coat", answered("b", "Bag")),
        ("Coat", failed("c")),
        (FOOTWEAR, answered("d", "Sandal")),
        (OUTSIDE, answered("e", "Coat")),
    )

    assert figures["confusion"] == {
        "Coat": {"Bag": 2, "(failed)": 1},
        FOOTWEAR: {"Sandal": 1},
        OUTSIDE: {"Coat": 1},
    }


def test_a_share_of_nothing_is_none() -> None:
    figures = evaluate([], {})

    assert figures["photos"] == 0
    assert figures["per_category"] == figures["confusion"] == {}
    shares = {"accuracy", "sorted_share", "sorted_accuracy", "outside_review_share"}
    assert all(figures[share] is None for share in shares)
    assert figures["expected_calibration_error"] is None


def test_the_calibration_error_is_of_the_photos_inside_that_were_answered() -> None:
    figures = figures_of(
        ("Bag", answered("a", "Bag", confidence=0.75)),
        ("Bag", failed("b")),
        (OUTSIDE, answered("c", "Bag", confidence=0.99)),
    )

    assert figures["expected_calibration_error"] == 0.25


@pytest.mark.parametrize(
    ("answers", "error"),
    [
        ([], None),
        ([(1.0, True)], 0),
        ([(1.0, False)], 1),
        ([(0.0, False)], 0),
        ([(0.75, True)] * 3 + [(0.75, False)], 0),
        ([(0.5, True), (0.5, True)], 0.5),
        ([(0.25, True), (0.75, False)], 0.75),
        ([(1.0, False), (0.95, True)], 0.475),
        ([(0.9, True)] * 9 + [(0.9, False)] + [(0.5, True)] * 10, 0.25),
    ],
    ids=["none", "sure", "wrong", "unsure", "honest", "modest", "two bins", "last bin", "weighted"],
)
def test_the_calibration_error_is_the_distance_of_confidence_and_accuracy(
    answers: Sequence[tuple[float, bool]], error: float | None
) -> None:
    measured = calibration_error(answers)

    if error is None or measured is None:
        assert measured is error
    else:
        assert math.isclose(measured, error, abs_tol=1e-12)
