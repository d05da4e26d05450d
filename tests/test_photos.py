"""The values that walk: keys that never collide, counts that add up, rows that find their photo."""

import math
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from clothing.card import Card
from clothing.errors import ModelError
from clothing.labels import CATEGORIES
from clothing.photos import (
    Counts,
    Photo,
    Prediction,
    Run,
    answer_key,
    digest_of,
    photo_key,
    predictions_of,
)

START = datetime(2026, 3, 1, 23, 0, tzinfo=UTC)

texts = st.text(max_size=20)
photos = st.builds(Photo, texts, texts, texts, st.integers(0, 10**9))


def a_run(counts: Counts, beat_after: float = 0, finished_after: float | None = None) -> Run:
    """Return a run that began at 23:00 and beat, or ended, so many seconds later."""
    return Run(
        run_id=1,
        status="running",
        trigger="test",
        prefix="",
        force=False,
        started_at=START,
        heartbeat_at=START + timedelta(seconds=beat_after),
        finished_at=None if finished_after is None else START + timedelta(seconds=finished_after),
        model_version=None,
        preprocessing_version=None,
        expected=None,
        counts=counts,
        error=None,
    )


def some_photos(number: int) -> list[Photo]:
    return [Photo("images", f"{place}.jpg", f"etag-{place}", 9) for place in range(number)]


def rows(*shares: dict[str, float]) -> NDArray[np.float32]:
    """Return the model's rows that give some categories these shares, and the others nothing."""
    return np.array([[row.get(name, 0) for name in CATEGORIES] for row in shares], np.float32)


def the_prediction(shares: dict[str, float], card: Card | None = None) -> Prediction:
    return predictions_of(some_photos(1), rows(shares), card or Card())[0]


@settings(max_examples=50, deadline=None)
@given(st.lists(texts, max_size=4), st.lists(texts, max_size=4))
def test_different_parts_have_different_digests(parts: list[str], others: list[str]) -> None:
    assert (digest_of(*parts) == digest_of(*others)) == (parts == others)


@settings(max_examples=50, deadline=None)
@given(st.lists(texts, min_size=2, max_size=2), st.integers(0, 20))
def test_parts_do_not_run_together(parts: list[str], moved: int) -> None:
    joined = "".join(parts)
    elsewhere = [joined[:moved], joined[moved:]]
    assume(elsewhere != parts)

    assert digest_of(*parts) != digest_of(*elsewhere)
    assert digest_of(*parts) != digest_of(joined)


@settings(max_examples=50, deadline=None)
@given(photos, photos, texts, texts)
def test_no_two_contents_have_the_same_answer_key(
    photo: Photo, other: Photo, model: str, steps: str
) -> None:
    assume((photo.container, photo.name, photo.etag) != (other.container, other.name, other.etag))

    assert answer_key(photo, model, steps) != answer_key(other, model, steps)


@pytest.mark.parametrize(
    "changed",
    [
        Photo("other", "a.jpg", "1", 9),
        Photo("images", "b", "1", 9),
        Photo("images", "a.jpg", "2", 9),
    ],
)
def test_an_answer_is_for_one_content_of_one_name_in_one_container(changed: Photo) -> None:
    photo = Photo("images", "a.jpg", "1", 9)

    assert answer_key(photo, "model", "steps") != answer_key(changed, "model", "steps")


def test_an_answer_is_of_one_model_and_one_preprocessing() -> None:
    photo = Photo("images", "a.jpg", "1", 9)

    keys = {answer_key(photo, *versions) for versions in (("a", "b"), ("b", "a"), ("a", "a"))}

    assert len(keys) == 3


def test_a_photo_keeps_its_key_when_its_content_changes() -> None:
    photo = Photo("images", "a.jpg", "1", 9)

    assert photo_key(photo) == photo_key(replace(photo, etag="2", size=10))
    assert photo_key(photo) != photo_key(replace(photo, name="b.jpg"))
    assert photo_key(photo) != photo_key(replace(photo, container="other"))


def test_keys_are_those_that_lie_in_the_tables_since_the_first_night() -> None:
    photo = Photo("images", "night/ü.jpg", "0x8DC", 9)

    assert photo_key(photo).startswith("21d746629f2504b8")
    assert answer_key(photo, "m-1", "p-1").startswith("03ed3772996f9f91")


def test_the_key_of_the_longest_name_fits_an_index() -> None:
    assert len(photo_key(Photo("images", "😀" * 1024, "1", 9))) == 64


@pytest.mark.parametrize(
    ("counts", "add_up"),
    [
        (Counts(), True),
        (Counts(listed=6, classified=3, failed=2, skipped=1), True),
        (Counts(listed=6, classified=3, failed=2), False),
        (Counts(listed=6, classified=3, failed=2, skipped=2), False),
        (Counts(listed=1), False),
    ],
)
def test_counts_add_up_if_every_photo_has_one_outcome(counts: Counts, add_up: bool) -> None:
    assert counts.add_up is add_up


def test_counting_begins_at_nothing() -> None:
    assert Counts() == Counts(listed=0, classified=0, failed=0, skipped=0)


@pytest.mark.parametrize(
    ("beat_after", "finished_after", "speed"),
    [(10, None, 3), (10, 20, 1.5), (0.5, None, 60), (0, None, 0), (10, 0, 0)],
    ids=["still going", "finished", "half a second old", "just begun", "finished at once"],
)
def test_speed_counts_the_photos_that_were_opened(
    beat_after: float, finished_after: float | None, speed: float
) -> None:
    run = a_run(
        Counts(listed=1030, classified=25, failed=5, skipped=1000), beat_after, finished_after
    )

    assert run.photos_per_second == speed


def test_a_clock_that_was_set_back_gives_no_negative_speed() -> None:
    run = a_run(Counts(listed=1, classified=1), finished_after=-3600)

    assert run.photos_per_second == 0


def test_every_photo_gets_the_row_at_its_place() -> None:
    batch = some_photos(3)

    answers = predictions_of(batch, rows({"Bag": 1}, {"Coat": 1}, {"Shirt": 1}), Card())

    assert [answer.photo for answer in answers] == batch
    assert [answer.predicted_category for answer in answers] == ["Bag", "Coat", "Shirt"]


def test_a_batch_of_nothing_has_no_predictions() -> None:
    assert predictions_of([], np.empty((0, 10), np.float32), Card()) == []


@pytest.mark.parametrize("shape", [(1, 10), (3, 10), (2, 9), (2, 11), (20,), (2, 10, 1)])
def test_rows_that_do_not_fit_the_photos_are_refused_with_the_numbers(
    shape: tuple[int, ...],
) -> None:
    with pytest.raises(ModelError) as refusal:
        predictions_of(some_photos(2), np.full(shape, 0.1, np.float32), Card())

    assert "2 photos with rows of 10" in str(refusal.value)
    assert str(shape) in str(refusal.value)


@pytest.mark.parametrize(
    "row",
    [
        [math.nan] * 10,
        [math.nan] + [0.1] * 9,
        [0.0] * 10,
        [0.2] * 10,
        [0.09] * 10,
        [0.10015] * 10,
        [math.inf] + [0.0] * 9,
        [math.inf, -math.inf] + [0.0] * 8,
        [1.5, -0.5] + [0.0] * 8,
    ],
    ids=[
        "NaN",
        "one NaN",
        "zeros",
        "sum 2",
        "sum 0.9",
        "sum 1.0015",
        "infinite",
        "infinities",
        "negative",
    ],
)
def test_a_row_that_holds_no_probabilities_is_refused(row: list[float]) -> None:
    with pytest.raises(ModelError, match="probabilities must"):
        predictions_of(some_photos(1), np.array([row], np.float32), Card())


def test_a_sum_that_is_one_in_two_thousand_too_much_is_a_models_rounding() -> None:
    answer = predictions_of(some_photos(1), np.full((1, 10), 0.10005, np.float32), Card())[0]

    assert math.isclose(math.fsum(answer.probabilities), 1, abs_tol=1e-12)


@settings(max_examples=50, deadline=None)
@given(st.lists(st.floats(0, 1, width=32), min_size=10, max_size=10))
def test_probabilities_sum_to_one_whatever_the_model_rounds(weights: list[float]) -> None:
    assume(sum(weights) > 0.01)
    row = np.array([weights], np.float32) / np.float32(sum(weights))

    answer = predictions_of(some_photos(1), row, Card())[0]

    assert math.isclose(math.fsum(answer.probabilities), 1, abs_tol=1e-12)
    assert answer.confidence == max(answer.probabilities)
    assert 0 <= answer.margin <= answer.confidence <= 1
    assert np.allclose(answer.probabilities, row[0], atol=1e-6)


def test_confidence_and_margin_are_of_the_first_two() -> None:
    answer = the_prediction({"Dress": 0.25, "Coat": 0.625, "Bag": 0.125})

    assert answer.predicted_category == "Coat"
    assert answer.confidence == 0.625
    assert answer.margin == 0.375


def test_of_two_equal_categories_the_first_is_predicted() -> None:
    answer = the_prediction({"Trouser": 0.5, "Bag": 0.5})

    assert answer.predicted_category == "Trouser"
    assert answer.margin == 0


@pytest.mark.parametrize(
    ("confidence", "needs_review"), [(0.5, True), (0.75, False), (0.875, False)]
)
def test_below_its_threshold_a_person_looks(confidence: float, needs_review: bool) -> None:
    card = Card(thresholds=dict.fromkeys(CATEGORIES, 0.75))

    answer = the_prediction({"Shirt": confidence, "Coat": 1 - confidence}, card)

    assert answer.needs_review is needs_review


def test_the_threshold_is_that_of_the_predicted_category() -> None:
    card = Card(thresholds={**dict.fromkeys(CATEGORIES, 0.5), "Shirt": 0.9})

    shirt = the_prediction({"Shirt": 0.75, "Coat": 0.25}, card)
    coat = the_prediction({"Coat": 0.75, "Shirt": 0.25}, card)

    assert (shirt.needs_review, coat.needs_review) == (True, False)


def test_the_reason_names_what_it_may_be() -> None:
    doubtful = the_prediction({"Shirt": 0.5, "Coat": 0.375, "Bag": 0.125})
    sure = the_prediction({"Shirt": 1})

    assert doubtful.review_reason == "looks like Shirt or Coat"
    assert sure.review_reason == ""


@pytest.mark.parametrize(
    ("least", "reason"),
    [(0.06, "unlike the ten categories"), (0.04, "looks like Shirt or Coat")],
)
def test_what_might_be_anything_is_said_to_be_unlike_them_all(least: float, reason: str) -> None:
    shares = {**dict.fromkeys(CATEGORIES, least), "Coat": least + 0.001}
    shares["Shirt"] = 1 - sum(shares.values()) + least

    answer = the_prediction(shares)

    assert answer.predicted_category == "Shirt"
    assert answer.review_reason == reason


def test_a_fault_of_the_picture_is_the_reason_however_sure_the_model_is() -> None:
    sure = rows({"Bag": 1}, {"Bag": 1})

    blurred, sharp = predictions_of(some_photos(2), sure, Card(), ["blurred", ""])

    assert (blurred.needs_review, blurred.review_reason) == (True, "blurred")
    assert (sharp.needs_review, sharp.review_reason) == (False, "")


def test_a_fault_too_few_is_given_to_no_photo() -> None:
    with pytest.raises(ValueError, match="shorter"):
        predictions_of(some_photos(2), rows({"Bag": 1}, {"Coat": 1}), Card(), ["blurred"])
