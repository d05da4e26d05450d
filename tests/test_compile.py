"""From `.keras` to LiteRT in a child process, with real TensorFlow."""

import json
import subprocess
import sys
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
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of small models, good and bad."""
    folder = tmp_path_factory.mktemp("models")
    command = [sys.executable, "-m", "tests.make_models", str(folder)]
    subprocess.run(command, cwd=PROJECT, check=True, capture_output=True, timeout=300)
    return folder


@pytest.fixture(scope="module")
def refusals(models: Path) -> dict[str, str | None]:
    """Why the bad ones are refused."""
    reasons: dict[str, str | None] = json.loads((models / "refusals.json").read_text())
    return reasons


@pytest.mark.parametrize("name", ["logits", "softmax"])
def test_logits_and_softmax_both_come_out_as_probabilities(models: Path, name: str) -> None:
    compiled = models / f"{name}.tflite"

    compile_in_child(models / f"{name}.keras", compiled, Card())

    rows = Classifier(compiled, Card(), "v").predict(np.zeros((3, 28, 28, 1), np.float32))
    assert np.allclose(rows.sum(axis=1), 1, atol=1e-4)
    assert not list(models.glob("*.partial"))


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("nine", "one output for each category"),
        ("colour", "(None, 32, 32, 3)"),
        ("nan", "not finite"),
        ("code", "cannot be opened as a .keras file"),
        ("garbage", "cannot be opened as a .keras file"),
    ],
)
def test_a_model_that_cannot_be_served_is_refused(
    models: Path, refusals: dict[str, str | None], name: str, reason: str
) -> None:
    assert reason in (refusals[name] or "compiled")
    assert not (models / f"{name}.tflite").exists()


def test_the_child_hands_its_reason_over(models: Path) -> None:
    with pytest.raises(ModelError, match="one output for each category"):
        compile_in_child(models / "nine.keras", models / "nine.tflite", Card())
