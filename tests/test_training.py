"""Training: the same pictures by the same seed, honest confidences, a card that fits."""

import hashlib
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from clothing.card import Card
from clothing.labels import CATEGORIES
from clothing.training import (
    CARD,
    Pictures,
    Published,
    augment,
    build_model,
    calibrate_temperature,
    choose_thresholds,
    expected_calibration_error,
    finish_card,
    measure,
    prepare,
    probabilities_of,
    split,
    train,
    write_model,
)

# Keras turns TensorFlow's variables into arrays in a way that NumPy 2 calls outdated.
pytestmark = pytest.mark.filterwarnings(
    "ignore:__array__ implementation doesn't accept a copy keyword:DeprecationWarning"
)


def squares(n: int) -> NDArray[np.float32]:
    """Return bright squares on black, a little off the centre: (n, 28, 28, 1), 0 to 1."""
    arrays = np.zeros((n, 28, 28, 1), np.float32)
    arrays[:, 6:20, 8:24] = 0.8
    return arrays


def stripes(n: int, seed: int = 0) -> Pictures:
    """Return n pictures whose bright row says their label."""
    labels = np.random.default_rng(seed).integers(0, 10, n)
    arrays = np.zeros((n, 28, 28, 1), np.float32)
    arrays[np.arange(n), 2 * labels + 4] = 1
    return Pictures(arrays, labels)


def sure_answers(n: int, accuracy: float) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Return logits that are sure (confidence 0.9997) of the first category, right as often."""
    logits = np.zeros((n, 10), np.float32)
    logits[:, 0] = 10
    labels = np.where(np.arange(n) < accuracy * n, 0, 1 + np.arange(n) % 9)
    return logits, labels


def test_reading_the_module_does_not_import_tensorflow() -> None:
    look = "import sys, clothing.training; print({'tensorflow', 'keras'} & set(sys.modules))"

    answer = subprocess.run(
        [sys.executable, "-c", look],
        capture_output=True,
        text=True,
        cwd=Path(__file__).parent.parent,
    )

    assert answer.stdout.strip() == "set()", answer.stderr


def test_published_pictures_pass_the_serving_steps_unchanged() -> None:
    images = (squares(3)[..., 0] * 255).round().astype(np.uint8)

    pictures = prepare(Published(images, np.arange(3)), CARD)

    assert pictures.arrays.shape == (3, 28, 28, 1)
    assert pictures.arrays.dtype == np.float32
    assert pictures.labels.tolist() == [0, 1, 2]


def test_a_dark_garment_on_white_becomes_the_same_array_as_a_light_one_on_black() -> None:
    images = np.zeros((1, 28, 28), np.uint8)
    images[0, 1:27, 5:22] = np.arange(100, 270, 10)

    light, dark = (
        prepare(Published(shown, np.zeros(1, np.int64)), CARD) for shown in (images, 255 - images)
    )

    np.testing.assert_array_equal(light.arrays, dark.arrays)


def test_a_split_shares_out_every_picture_once() -> None:
    pictures = Pictures(squares(10), np.arange(10))

    kept, held_out = split(pictures, validation=3, seed=1)

    assert len(held_out.labels) == 3
    assert sorted([*kept.labels, *held_out.labels]) == list(range(10))


def test_augmented_pictures_keep_shape_type_and_range() -> None:
    arrays = augment(squares(64), np.random.default_rng(1))

    assert arrays.shape == (64, 28, 28, 1)
    assert arrays.dtype == np.float32
    assert arrays.min() >= 0
    assert arrays.max() <= 1


def test_augmented_pictures_differ_from_each_other_and_from_what_they_were() -> None:
    before = squares(64)

    after = augment(before, np.random.default_rng(1))

    assert len(np.unique(after, axis=0)) == 64
    assert np.array_equal(before, squares(64))


def test_the_same_seed_augments_in_the_same_way_and_another_does_not() -> None:
    first, again, other = (augment(squares(32), np.random.default_rng(s)) for s in (1, 1, 2))

    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)


@pytest.mark.parametrize("n", [0, 1])
def test_a_batch_may_be_as_small_as_it_likes(n: int) -> None:
    assert augment(squares(n), np.random.default_rng(1)).shape == (n, 28, 28, 1)


def test_some_garments_come_out_inverted_and_their_background_stays_black() -> None:
    arrays = augment(squares(500), np.random.default_rng(1))[..., 0]

    garment, background = arrays[:, 12:14, 14:16].mean(axis=(1, 2)), arrays[:, :, 0].mean(axis=1)

    assert 0.05 < (garment < 0.3).mean() < 0.4
    assert np.median(background) < 0.05


@pytest.mark.parametrize("temperature", [0.5, 1.0, 2.5])
def test_calibration_finds_the_temperature_that_the_answers_were_drawn_with(
    temperature: float,
) -> None:
    rng = np.random.default_rng(1)
    logits = rng.normal(0, 3, (5_000, 10)).astype(np.float32)
    chances = probabilities_of(logits, temperature).cumsum(axis=1)
    labels = (rng.random((5_000, 1)) > chances).sum(axis=1).clip(0, 9)

    found = calibrate_temperature(logits, labels)

    assert found == pytest.approx(temperature, rel=0.05)


def test_calibration_lowers_confidence_that_is_not_deserved() -> None:
    logits, labels = sure_answers(1000, accuracy=0.8)
    before = expected_calibration_error(probabilities_of(logits), labels)

    temperature = calibrate_temperature(logits, labels)

    after = expected_calibration_error(probabilities_of(logits, temperature), labels)
    assert before == pytest.approx(0.2, abs=0.01)
    assert after < 0.01


def test_probabilities_sum_to_one_however_large_the_logits() -> None:
    logits = np.array([[1000, 0, -1000] + [0] * 7], np.float32)

    probabilities = probabilities_of(logits)

    assert probabilities.sum() == pytest.approx(1)
    assert probabilities[0, 0] == pytest.approx(1)


def test_a_threshold_is_the_lowest_from_which_enough_is_right() -> None:
    """Of 1,000 answers with confidences from 0.5 to 1, all below 0.8 are wrong."""
    confidence = np.linspace(0.5, 1, 1000)
    probabilities = np.full((1000, 10), 0.0)
    probabilities[:, 3], probabilities[:, 4] = confidence, 1 - confidence
    labels = np.where(confidence < 0.8, 4, 3)

    thresholds = choose_thresholds(probabilities, labels, precision=0.97, least=0.5)

    reached = confidence >= thresholds["Dress"]
    assert (labels[reached] == 3).mean() >= 0.97
    assert thresholds["Dress"] == pytest.approx(0.795)


def test_an_easy_category_still_gets_the_least_threshold() -> None:
    probabilities = np.eye(10)[np.arange(100) % 10]

    thresholds = choose_thresholds(probabilities, np.arange(100) % 10, least=0.7)

    assert thresholds == dict.fromkeys(CATEGORIES, 0.7)


def test_a_category_that_is_never_right_or_never_predicted_goes_to_people() -> None:
    probabilities = np.eye(10)[np.zeros(50, np.int64)] * 0.9 + 0.01

    thresholds = choose_thresholds(probabilities, np.ones(50, np.int64))

    assert set(thresholds.values()) == {1.0}


def test_measuring_counts_what_is_sorted_and_what_of_it_is_right() -> None:
    logits, labels = sure_answers(100, accuracy=0.75)
    logits[50:, 0] = 2  # confidence 0.45: for a person to look at

    figures = measure(logits, labels, CARD)

    assert figures["accuracy"] == pytest.approx(0.75)
    assert figures["sorted_share"] == pytest.approx(0.5)
    assert figures["sorted_accuracy"] == pytest.approx(1.0)


@pytest.mark.keras
def test_the_network_takes_what_the_card_says_and_answers_every_category() -> None:
    model = build_model(CARD, seed=1)

    assert model.input_shape == (None, CARD.height, CARD.width, CARD.channels)
    assert model.output_shape == (None, len(CARD.labels))
    assert model.count_params() < 1_000_000


def one_layer(seed: int) -> Any:
    """Return the smallest network that draws in training, too."""
    import keras

    keras.utils.set_random_seed(seed)
    layers = keras.layers
    return keras.Sequential(
        [keras.Input((28, 28, 1)), layers.Flatten(), layers.Dropout(0.3), layers.Dense(10)]
    )


def stop(line: str) -> None:
    """Do what Ctrl-C does, when the first line of progress appears."""
    raise KeyboardInterrupt


@pytest.mark.keras
def test_the_same_seed_trains_the_same_weights_even_from_a_checkpoint(tmp_path: Path) -> None:
    pictures, validation = stripes(200), stripes(50, seed=1)
    lines: list[str] = []
    through, stopped, resumed = (one_layer(seed=1) for _ in range(3))
    train(through, pictures, validation, epochs=2, seed=1, say=lines.append)

    with pytest.raises(KeyboardInterrupt):
        train(stopped, pictures, validation, epochs=2, seed=1, checkpoints=tmp_path, say=stop)
    history = train(
        resumed, pictures, validation, epochs=2, seed=1, checkpoints=tmp_path, say=lines.append
    )

    assert [line[:13] for line in lines] == ["epoch  1 of 2", "epoch  2 of 2", "epoch  2 of 2"]
    assert len(history) == 2
    for expected, got in zip(through.get_weights(), resumed.get_weights(), strict=True):
        np.testing.assert_allclose(got, expected, rtol=1e-4, atol=1e-5)


@pytest.mark.keras
def test_a_short_training_writes_a_network_and_a_card_that_fit_each_other(tmp_path: Path) -> None:
    import keras

    pictures = stripes(200)  # two steps
    model = build_model(CARD, seed=1)
    train(model, pictures, pictures, epochs=1, seed=1, say=str)

    card = write_model(model, finish_card(model, CARD, pictures, test=pictures), tmp_path)

    weights = tmp_path / "clothing_model.keras"
    written = keras.models.load_model(weights, compile=False)
    assert Card.from_json((tmp_path / "clothing_model.json").read_bytes()) == card
    assert card.sha256 == hashlib.sha256(weights.read_bytes()).hexdigest()
    assert {"validation_accuracy", "test_sorted_share"} <= set(card.metrics)
    assert weights.stat().st_size < 1.3 * 4 * model.count_params()  # float32, and no optimizer
    for expected, got in zip(model.get_weights(), written.get_weights(), strict=True):
        np.testing.assert_array_equal(got, expected)
