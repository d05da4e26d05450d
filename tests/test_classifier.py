"""The shipped model behind LiteRT."""

import threading
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from clothing.card import Card
from clothing.classifier import Classifier
from clothing.config import PROJECT
from clothing.errors import ModelError

COMPILED = PROJECT / "model" / "clothing_model.tflite"


def some_arrays(classifier: Classifier, n: int) -> "np.typing.NDArray[np.float32]":
    card = classifier.card
    shape = (n, card.height, card.width, card.channels)
    return np.random.default_rng(1).random(shape, dtype=np.float32)


@pytest.mark.parametrize("n", [1, 2, 64, 65])
def test_each_array_gets_a_row_of_probabilities(classifier: Classifier, n: int) -> None:
    rows = classifier.predict(some_arrays(classifier, n))

    assert rows.shape == (n, 10)
    assert rows.dtype == np.float32
    assert (rows >= 0).all()
    assert np.allclose(rows.sum(axis=1), 1, atol=1e-4)


def test_an_array_has_the_same_answer_alone_and_in_company(classifier: Classifier) -> None:
    arrays = some_arrays(classifier, 9)

    together = classifier.predict(arrays)

    alone = np.concatenate([classifier.predict(array[None]) for array in arrays])
    assert np.allclose(together, alone, atol=1e-5)


def test_threads_may_share_a_model(classifier: Classifier) -> None:
    arrays = some_arrays(classifier, 8)
    expected = classifier.predict(arrays)
    wrong: list[int] = []

    def ask(n: int) -> None:
        for _ in range(20):
            if not np.allclose(classifier.predict(arrays[:n]), expected[:n], atol=1e-5):
                wrong.append(n)

    threads = [threading.Thread(target=ask, args=(n,)) for n in (1, 3, 8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert not wrong


def test_the_temperature_divides_the_logits(classifier: Classifier) -> None:
    plain = Classifier(COMPILED, replace(classifier.card, temperature=1.0), "v")
    warm = Classifier(COMPILED, replace(classifier.card, temperature=2.0), "v")
    arrays = some_arrays(classifier, 5)

    logits = np.log(plain.predict(arrays).astype(np.float64)) / 2
    expected = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)

    assert np.allclose(warm.predict(arrays), expected, atol=1e-5)


def test_a_model_that_does_not_fit_its_card_is_refused() -> None:
    with pytest.raises(ModelError, match="must take"):
        Classifier(COMPILED, Card(height=33, width=33), "v")


def test_a_file_that_is_no_model_is_refused(tmp_path: Path) -> None:
    (tmp_path / "x.tflite").write_bytes(b"no model" * 100)

    with pytest.raises(ModelError, match="cannot be loaded"):
        Classifier(tmp_path / "x.tflite", Card(), "v")
