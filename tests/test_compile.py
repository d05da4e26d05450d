"""From `.keras` to LiteRT in a child process, with real TensorFlow."""

import json
from pathlib import Path

import numpy as np
import pytest

from clothing.card import Card
from clothing.classifier import Classifier
from clothing.compile import compile_in_child
from clothing.config import PROJECT
from clothing.errors import ModelError

pytestmark = pytest.mark.keras


@pytest.fixture(scope="module")
def refusals(keras_files: Path) -> dict[str, str | None]:
    """Why the bad ones are refused."""
    reasons: dict[str, str | None] = json.loads((keras_files / "refusals.json").read_text())
    return reasons


@pytest.mark.parametrize(
    ("name", "output"),
    [("logits", None), ("logits", "logits"), ("softmax", None), ("softmax", "probabilities")],
)
def test_logits_and_softmax_both_come_out_as_probabilities(
    keras_files: Path, name: str, output: str | None
) -> None:
    compiled = keras_files / f"{name}.tflite"

    compile_in_child(keras_files / f"{name}.keras", compiled, Card(output=output))

    rows = Classifier(compiled, Card(), "v").predict(np.zeros((3, 28, 28, 1), np.float32))
    assert np.allclose(rows.sum(axis=1), 1, atol=1e-4)
    assert not list(keras_files.glob("*.partial"))


@pytest.mark.parametrize(
    ("name", "output", "given"),
    [("softmax", "logits", "probabilities"), ("logits", "probabilities", "logits")],
)
def test_a_model_that_gives_other_than_its_card_says_is_refused(
    keras_files: Path, tmp_path: Path, name: str, output: str, given: str
) -> None:
    with pytest.raises(ModelError, match=f"gives {output}, but it gives {given}. Set output"):
        compile_in_child(keras_files / f"{name}.keras", tmp_path / "a.tflite", Card(output=output))


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("nine", "one output for each category"),
        ("colour", "(None, 32, 32, 3)"),
        ("nan", "not finite"),
        ("code", "cannot be opened as a .keras file"),
        ("garbage", "cannot be opened as a .keras file"),
        ("import", "cannot be opened as a .keras file"),
        ("lambda", "cannot be opened as a .keras file"),
        ("half", "cannot be opened as a .keras file"),
        ("other weights", "cannot be opened as a .keras file"),
    ],
)
def test_a_model_that_cannot_be_served_is_refused(
    keras_files: Path, refusals: dict[str, str | None], name: str, reason: str
) -> None:
    assert reason in (refusals[name] or "compiled")
    assert not (keras_files / f"{name}.tflite").exists()


def test_nothing_that_a_model_names_was_called(
    keras_files: Path, refusals: dict[str, str | None]
) -> None:
    assert refusals["import"]
    assert not Path("owned").exists()
    assert not (PROJECT / "owned").exists()


def test_the_child_hands_its_reason_over(keras_files: Path) -> None:
    with pytest.raises(ModelError, match="one output for each category"):
        compile_in_child(keras_files / "nine.keras", keras_files / "nine.tflite", Card())
