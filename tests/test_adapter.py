"""The adapter: photos keep every answer, number for number, while Fashion-MNIST's are learned."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner
from numpy.typing import NDArray
from PIL import Image

from clothing.card import Card
from clothing.classifier import Classifier
from clothing.config import PROJECT
from clothing.errors import ModelError
from clothing.labels import CATEGORIES
from clothing.model import sha256_of
from clothing.preprocess import decode, preprocess
from clothing.training import fit, network, recipe
from clothing.training.__main__ import SHIPPED, main
from clothing.training.adapter import MIX, adapter_alone, has_adapter, set_gate, with_adapter
from clothing.training.augment import Arrays, lay_garments_out
from clothing.training.pictures import Pictures
from clothing.training.recipe import CARD, answers
from tests.test_training import a_folder_of_photos, write_fashion_mnist

pytestmark = [
    pytest.mark.keras,
    # Keras turns TensorFlow's variables into arrays in a way that NumPy 2 calls outdated.
    pytest.mark.filterwarnings(
        "ignore:__array__ implementation doesn't accept a copy keyword:DeprecationWarning"
    ),
]

SHAPE = (CARD.height, CARD.width)
BEFORE_THE_GATE = {"stem", "depthwise_0", "project_0"} | {
    f"{part}_{block}" for part in ("expand", "depthwise", "project") for block in (1, 2)
}
OF_ADAPTER = 2 * 3 * 11 + 4 * 2
"""Scales and shifts of 3 convolutions in 11 blocks, and four layers with weights and a bias."""


def garments_of_28_pixels(n: int) -> NDArray[np.uint8]:
    """Return n light blocks on black, each with a neck of its category's width; (n, 28, 28)."""
    rng = np.random.default_rng(1)
    arrays = np.zeros((n, 28, 28), np.uint8)
    for place, array in enumerate(arrays):
        array[4:24, 7:21] = rng.integers(90, 256, (20, 14))
        array[4:12, 9 : 10 + place % len(CATEGORIES)] = 0
    return arrays


@pytest.fixture(scope="module")
def published() -> Arrays:
    """Return garments as the service would get them; uint8 array of shape (200, 112, 80, 1)."""
    pictures = map(Image.fromarray, garments_of_28_pixels(200))
    arrays = [preprocess(picture.convert("RGB"), CARD) for picture in pictures]
    return (np.array(arrays)[..., :1] * 255).round().astype(np.uint8)


@pytest.fixture(scope="module")
def photos() -> Arrays:
    """Return our drawn samples; uint8 array of shape (n, 112, 80, 3)."""
    paths = sorted((PROJECT / "images" / "ClothingImages").glob("*.jpg"))
    arrays = [preprocess(decode(path.read_bytes()), CARD) for path in paths]
    return (np.array(arrays) * 255).round().astype(np.uint8)


def shown(arrays: Arrays) -> NDArray[np.float32]:
    """Return uint8 arrays with one channel or three as the network takes them."""
    return np.broadcast_to(arrays, (*arrays.shape[:3], 3)).astype(np.float32) / np.float32(255)


def openings(model: Any, arrays: Arrays) -> NDArray[np.float32]:
    """Return how far the gate opens for each, 0 to 1."""
    import keras

    gate = keras.Model(model.input, model.get_layer("gate").output)
    opened: NDArray[np.float32] = gate.predict(shown(arrays), verbose=0)[:, 0, 0, 0]
    return opened


def standing_still(model: Any) -> set[str]:
    """Return the names of the layers with weights that learn nothing."""
    return {layer.name for layer in model.layers if layer.weights and not layer.trainable}


@pytest.fixture(scope="module")
def gated(photos: Arrays, published: Arrays) -> Any:
    """Return a network with an adapter whose gate is set; do not change it."""
    model = with_adapter(network.build_network(CARD, seed=1), seed=1)
    set_gate(model, photos, photos, published, seed=1)
    return model


@pytest.fixture
def adapted(gated: Any) -> Any:
    """Return one of your own with the same weights."""
    model = with_adapter(network.build_network(CARD, seed=1), seed=1)
    model.set_weights(gated.get_weights())
    return model


def test_an_adapter_that_has_learned_nothing_changes_no_answer(
    adapted: Any, photos: Arrays, published: Arrays
) -> None:
    plain = network.build_network(CARD, seed=1)

    for arrays in (photos, published):
        np.testing.assert_array_equal(
            answers(adapted, shown(arrays)), answers(plain, shown(arrays))
        )
    assert has_adapter(adapted) and not has_adapter(plain)


def test_with_its_adapter_the_network_still_fits_the_night(adapted: Any) -> None:
    assert adapted.count_params() <= 2_000_000
    assert network.multiply_adds(adapted) <= 60_000_000


def test_the_gate_is_open_for_what_is_published_and_shut_for_photos(
    adapted: Any, photos: Arrays, published: Arrays
) -> None:
    laid_out = lay_garments_out(published, SHAPE, np.random.default_rng(2))

    assert (openings(adapted, published) == 1).all()
    assert (openings(adapted, photos) == 0).all()
    assert (openings(adapted, laid_out) == 0).mean() > 0.9


def test_only_the_adapter_learns_and_photos_keep_every_answer(
    adapted: Any, photos: Arrays, published: Arrays, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fit, "STEPS_PER_EPOCH", 3)
    of_photos, of_garments = answers(adapted, shown(photos)), answers(adapted, shown(published))
    before = {layer.name: layer.get_weights() for layer in adapted.layers}
    allowed = np.eye(11, dtype=bool)[np.arange(200) % len(CATEGORIES)]
    names = np.arange(200).astype(str)
    theirs = Pictures(published, allowed, names, names)
    others = Pictures(photos, allowed[: len(photos)], names[: len(photos)], names[: len(photos)])
    plan = fit.Plan(epochs=2, peak_rate=1e-2, mix=MIX)

    with adapter_alone(adapted):
        fit.train(adapted, others, others, theirs, CARD, plan, measure=dict)

    changed = {
        layer.name
        for layer in adapted.layers
        if not all(map(np.array_equal, before[layer.name], layer.get_weights()))
    }
    convolutions = [
        f"{part}_{n}" for part in ("expand", "depthwise", "project") for n in range(3, 14)
    ]
    assert changed == {
        *(f"adapter_{part}_{name}" for part in ("scale", "shift") for name in convolutions),
        *(f"adapter_{part}_{block}" for part in ("narrow", "widen") for block in (12, 13)),
    }
    np.testing.assert_array_equal(answers(adapted, shown(photos)), of_photos)
    assert np.abs(answers(adapted, shown(published)) - of_garments).max() > 1e-3


def test_afterwards_all_learns_again_but_for_what_the_gate_goes_by(adapted: Any) -> None:
    plain = network.build_network(CARD, seed=1)

    with adapter_alone(adapted):
        assert len(adapted.trainable_variables) == OF_ADAPTER
    assert standing_still(adapted) == {"deal", "gate", *BEFORE_THE_GATE}
    early = 2 * len(BEFORE_THE_GATE)
    assert len(adapted.trainable_variables) == len(plain.trainable_variables) - early + OF_ADAPTER


def test_the_gate_stays_as_it_was_set_where_a_training_goes_on(
    adapted: Any, tmp_path: Path
) -> None:
    adapted.save(tmp_path / "kept.keras")
    (tmp_path / "kept.json").write_text(CARD.to_json())

    reopened, _ = network.reopen_network(tmp_path / "kept.keras")
    smaller, card = network.reopen_network(tmp_path / "kept.keras", (96, 64))

    for model in (reopened, smaller):
        assert standing_still(model) == {"deal", "gate", *BEFORE_THE_GATE}
    assert (card.height, card.width) == (96, 64) == smaller.input_shape[1:3]


def test_only_a_network_of_inverted_residuals_takes_an_adapter() -> None:
    with pytest.raises(ModelError, match="Only a network of inverted residuals"):
        with_adapter(network.build_wide_network(CARD, seed=1), seed=1)


def test_a_mean_with_a_network_without_an_adapter_leaves_this_ones(
    adapted: Any, photos: Arrays, tmp_path: Path
) -> None:
    plain = network.build_network(CARD, seed=2)
    plain.save(tmp_path / "plain.keras")
    (tmp_path / "plain.json").write_text(CARD.to_json())
    names = {layer.name for layer in plain.layers if layer.weights}
    before = {layer.name: layer.get_weights() for layer in adapted.layers}

    network.average(adapted, [tmp_path / "plain.keras"])

    for name, ours in before.items():
        got = adapted.get_layer(name).get_weights()
        theirs = plain.get_layer(name).get_weights() if name in names else ours
        for mean, one, other in zip(got, ours, theirs, strict=True):
            np.testing.assert_allclose(mean, (one + other) / 2, atol=1e-6)


def test_no_mean_with_what_has_layers_that_the_network_lacks(adapted: Any, tmp_path: Path) -> None:
    adapted.save(tmp_path / "adapted.keras")
    (tmp_path / "adapted.json").write_text(CARD.to_json())

    with pytest.raises(ModelError, match="form. Received one whose layer gate is not like ours"):
        network.average(network.build_network(CARD, seed=1), [tmp_path / "adapted.keras"])


def test_the_command_adds_an_adapter_and_writes_a_model_that_serves(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, photos: Arrays
) -> None:
    monkeypatch.setattr(fit, "STEPS_PER_EPOCH", 2)
    monkeypatch.setattr(recipe, "VALIDATION_GARMENTS", 40)
    monkeypatch.setattr("keras.src.utils.file_utils.config.keras_home", lambda: str(tmp_path))
    write_fashion_mnist(tmp_path, garments_of_28_pixels(120), np.arange(120) % len(CATEGORIES))
    labels = a_folder_of_photos(tmp_path, [*CATEGORIES, "(none)"] * 3, senders=12)
    output = tmp_path / "new.keras"
    command = ["--photos", str(tmp_path), "--labels", str(labels), "--output", str(output)]
    command += ["--checkpoints", str(tmp_path / "kept"), "--start", "imagenet", "--adapter"]

    took_turns = ["--in-turn", str(SHIPPED), str(SHIPPED)]  # of whom validation photos are asked

    answer = CliRunner().invoke(main, [*command, "--epochs", "1", *took_turns])

    assert answer.exit_code == 0, answer.output
    model, card = network.reopen_network(output)
    assert has_adapter(model)
    plain = answers(network.build_network(CARD, seed=1), shown(photos))
    np.testing.assert_array_equal(answers(model, shown(photos)), plain)
    served = Classifier(output.with_suffix(".tflite"), replace(card, temperature=1.0), "new")
    np.testing.assert_allclose(served.predict(shown(photos)), plain, atol=1e-4)
    assert Card.from_json(output.with_suffix(".json").read_bytes()) == card


def test_a_model_of_many_small_layers_is_written_no_larger_than_it_need_be(
    adapted: Any, tmp_path: Path
) -> None:
    output = tmp_path / "new.keras"

    card = recipe.write_model(adapted, CARD, output)

    assert output.stat().st_size < 8_000_000
    assert card.sha256 == sha256_of(output.read_bytes())
    reopened, _ = network.reopen_network(output)
    for got, expected in zip(reopened.get_weights(), adapted.get_weights(), strict=True):
        np.testing.assert_array_equal(got, expected)


@pytest.mark.parametrize(
    "option", [["--mix", *"44400"], ["--no-fashion-mnist"]], ids=lambda option: option[0]
)
def test_an_adapter_learns_from_nothing_but_fashion_mnist(
    tmp_path: Path, option: list[str]
) -> None:
    labels = a_folder_of_photos(tmp_path, ["Coat"])
    command = ["--photos", str(tmp_path), "--labels", str(labels), "--adapter"]

    answer = CliRunner().invoke(main, [*command, *option])

    assert answer.exit_code == 2
    assert f"Received {option[0]} with --adapter" in answer.output
