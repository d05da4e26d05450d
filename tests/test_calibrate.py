"""Calibration: honest confidences, thresholds that hold what they promise."""

import numpy as np
import pytest
from numpy.typing import NDArray

from clothing.card import Card
from clothing.classifier import tempered
from clothing.labels import CATEGORIES
from clothing.training.calibrate import (
    calibrate_temperature,
    choose_thresholds,
    measure,
    rounded,
)
from clothing.training.pictures import allowed_by

N = len(CATEGORIES)


def softmax(logits: NDArray[np.float64]) -> NDArray[np.float32]:
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    shares = powers / powers.sum(axis=1, keepdims=True)
    probabilities: NDArray[np.float32] = shares.astype(np.float32)
    return probabilities


def allowed(labels: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Return what is right for labels 0 to 10; the last is none of the categories."""
    rows: NDArray[np.bool_] = np.eye(N + 1, dtype=bool)[labels]
    return rows


def thresholds_of(
    answers: NDArray[np.float32], labels: NDArray[np.int64], **asked: float
) -> dict[str, float]:
    """Return the thresholds that are set by pictures of which everyone took one."""
    people = np.arange(len(labels)).astype(str)
    return choose_thresholds(answers, allowed(labels), people, **asked)


def sure_answers(n: int, accuracy: float) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Return answers that are sure (0.9996) of the first category, and right as often as said."""
    logits = np.zeros((n, N))
    logits[:, 0] = 10
    return softmax(logits), allowed(np.where(np.arange(n) < accuracy * n, 0, 1 + np.arange(n) % 9))


@pytest.mark.parametrize("temperature", [0.5, 1.0, 2.5])
def test_calibration_finds_the_temperature_that_the_answers_were_drawn_with(
    temperature: float,
) -> None:
    rng = np.random.default_rng(1)
    answers = softmax(rng.normal(0, 3, (5_000, N)))
    chances = tempered(answers, temperature).cumsum(axis=1)
    labels = (rng.random((5_000, 1)) > chances).sum(axis=1).clip(0, 9)

    found = calibrate_temperature(answers, allowed(labels))

    assert found == pytest.approx(temperature, rel=0.05)


def test_calibration_lowers_confidence_that_is_not_deserved() -> None:
    answers, right = sure_answers(1000, accuracy=0.8)
    before = measure(answers, right, Card())["expected_calibration_error"]

    temperature = calibrate_temperature(answers, right)

    card = Card(temperature=temperature)
    assert before == pytest.approx(0.2, abs=0.01)
    assert measure(answers, right, card)["expected_calibration_error"] < 0.01


def test_a_shoe_of_unknown_kind_is_right_as_any_of_the_three() -> None:
    answers = np.full((100, N), 0.01, np.float32)
    answers[:, [5, 7, 9]] = 0.31
    shoes = np.tile(allowed_by("Footwear"), (100, 1))

    assert measure(answers, shoes, Card())["accuracy"] == 1
    assert calibrate_temperature(answers, shoes) < 0.5  # always right: it may be surer


def test_a_threshold_is_the_lowest_from_which_enough_is_right() -> None:
    """Of 1,000 answers with confidences from 0.5 to 1, all below 0.8 are wrong."""
    confidence = np.linspace(0.5, 1, 1000)
    answers = np.zeros((1000, N), np.float32)
    answers[:, 3], answers[:, 4] = confidence, 1 - confidence
    labels = np.where(confidence < 0.8, 4, 3)

    thresholds = thresholds_of(answers, labels, precision=0.97, least=0.5)

    reached = confidence >= thresholds["Dress"]
    assert (labels[reached] == 3).mean() >= 0.97
    assert thresholds["Dress"] == pytest.approx(0.8, abs=0.01)


def test_what_is_in_no_category_raises_the_threshold() -> None:
    confidence = np.linspace(0.5, 1, 1000)
    answers = np.zeros((1000, N), np.float32)
    answers[:, 3], answers[:, 4] = confidence, 1 - confidence
    skirts = np.where(confidence < 0.8, N, 3)

    thresholds = thresholds_of(answers, skirts, precision=0.97)

    assert thresholds["Dress"] == pytest.approx(0.8, abs=0.01)


def test_an_easy_category_makes_room_for_a_hard_one_as_long_as_the_promise_holds() -> None:
    """All 900 coats are right, of the dresses only the surer 60 of 100."""
    answers = np.zeros((1000, N), np.float32)
    answers[:900, 4], answers[:900, 0] = 0.9, 0.1
    confidence = np.linspace(0.51, 0.99, 100)
    answers[900:, 3], answers[900:, 0] = confidence, 1 - confidence
    labels = np.array([4] * 900 + [0] * 40 + [3] * 60)

    thresholds = thresholds_of(answers, labels)

    needed = np.array([thresholds[category] for category in CATEGORIES])
    is_sorted = answers.max(axis=1) >= needed[answers.argmax(axis=1)]
    right = answers.argmax(axis=1) == labels
    assert thresholds["Coat"] < 0.6
    assert thresholds["Dress"] < 0.75
    assert right[is_sorted].mean() >= 0.97


def test_one_error_among_few_answers_says_little() -> None:
    """Of 900 coats 890 are right, and of 12 dresses 11: that is no reason to sort no dress."""
    answers = np.zeros((912, N), np.float32)
    answers[:900, 4] = answers[900:, 3] = 0.9
    answers[:, 0] = 0.1
    labels = np.array([4] * 890 + [0] * 10 + [3] * 11 + [0])

    thresholds = thresholds_of(answers, labels)

    assert max(thresholds["Coat"], thresholds["Dress"]) < 0.9


def doubtful_coats() -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Return 400 coats that are right as often as they sound, but for ten; and what they are."""
    rng = np.random.default_rng(3)
    answers = np.zeros((400, N), np.float32)
    confidence = np.linspace(0.5, 0.999, 400)
    answers[:, 4], answers[:, 0] = confidence, 1 - confidence
    labels = np.where(rng.random(400) < confidence, 4, 0)
    labels[340:400:6] = 0
    return answers, labels


def test_errors_of_one_person_say_less_than_the_same_errors_of_many() -> None:
    """They are drawn together or not at all, so many a draw has none of them."""
    answers, labels = doubtful_coats()
    each_their_own = np.arange(400).astype(str)
    one_persons = each_their_own.copy()
    one_persons[340:400:6] = "one"

    by_one = choose_thresholds(answers, allowed(labels), one_persons)
    by_many = choose_thresholds(answers, allowed(labels), each_their_own)

    assert by_one["Coat"] < by_many["Coat"]


def test_a_category_that_was_never_answered_is_taken_as_others_are() -> None:
    """Of bags nothing is known, and of two boots one was wrong."""
    answers, labels = doubtful_coats()
    boots = np.zeros((2, N), np.float32)
    boots[:, 9], boots[:, 0] = 0.7, 0.3

    thresholds = thresholds_of(
        np.concatenate([answers, boots]), np.concatenate([labels, [N, 9]]), precision=0.9
    )

    assert thresholds["Bag"] == thresholds["Trouser"] == pytest.approx(thresholds["Coat"], abs=0.02)
    assert thresholds["Bag"] < thresholds["Ankle boot"] < 1


def test_an_easy_category_still_gets_the_least_threshold() -> None:
    labels = np.arange(100) % N

    thresholds = thresholds_of(np.eye(N, dtype=np.float32)[labels], labels, least=0.6)

    assert thresholds == dict.fromkeys(CATEGORIES, 0.6)


def test_where_nothing_is_right_all_goes_to_people() -> None:
    answers = np.tile(np.eye(N, dtype=np.float32)[0] * 0.9 + 0.01, (50, 1))

    thresholds = thresholds_of(answers, np.ones(50, np.int64))

    assert thresholds == dict.fromkeys(CATEGORIES, 1.0)


def test_measuring_counts_what_is_sorted_and_what_of_it_is_right() -> None:
    answers, right = sure_answers(100, accuracy=0.75)
    answers[50:] = 0.1  # for a person to look at

    figures = measure(answers, right, Card())

    assert figures["accuracy"] == pytest.approx(0.75)
    assert figures["sorted_share"] == pytest.approx(0.5)
    assert figures["sorted_accuracy"] == pytest.approx(1.0)
    assert "outside_review_share" not in figures


def test_what_is_outside_counts_by_what_is_sent_to_people_and_in_no_other_figure() -> None:
    answers, right = sure_answers(100, accuracy=1)
    outside = np.tile(allowed_by("(none)"), (4, 1))
    doubtful = np.full((3, N), 0.1, np.float32)

    figures = measure(
        np.concatenate([answers, answers[:1], doubtful]), np.concatenate([right, outside]), Card()
    )

    assert figures["accuracy"] == figures["sorted_accuracy"] == 1
    assert figures["outside_review_share"] == pytest.approx(0.75)


def test_figures_are_quoted_to_four_places_under_their_prefix() -> None:
    assert rounded({"accuracy": 0.123456}, "photos_test") == {"photos_test_accuracy": 0.1235}
