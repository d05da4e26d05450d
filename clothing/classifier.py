"""A loaded model: a batch of arrays in, a row of probabilities for each out.

Owns LiteRT. It never imports TensorFlow, opens no `.keras` and knows no container.
"""

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from clothing.card import Card
from clothing.errors import ModelError


class Classifier:
    """A compiled model and its card. One object may serve several threads.

    Args:
        compiled: The LiteRT file; it gives probabilities, not logits.
        card: The facts about it.
        version: What identifies this model and card in the tables.
        threads: Cores for one call.

    Raises:
        ModelError: The file is no LiteRT model, or does not fit its card.
    """

    def __init__(self, compiled: Path, card: Card, version: str, threads: int = 1) -> None:
        from ai_edge_litert.interpreter import Interpreter  # 0.3 s: only who classifies pays it

        try:
            with _quietly():
                self._interpreter = Interpreter(str(compiled), num_threads=threads)
                self._interpreter.allocate_tensors()
        except (RuntimeError, ValueError) as error:
            raise ModelError(f"The compiled model cannot be loaded: {error}.") from error
        self.card = card
        self.version = version
        self._lock = threading.Lock()
        self._input = self._interpreter.get_input_details()[0]
        self._output = self._interpreter.get_output_details()[0]
        self._rows = 0
        self._check_shapes()

    def predict(self, batch: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the probabilities of every category, calibrated by the card's temperature.

        Args:
            batch: Array of shape (n, height, width, channels), 0 to 1.

        Returns:
            Array of shape (n, categories); each row sums to 1.
        """
        with self._lock:
            if len(batch) != self._rows:
                self._interpreter.resize_tensor_input(self._input["index"], batch.shape)
                self._interpreter.allocate_tensors()
                self._rows = len(batch)
            self._interpreter.set_tensor(self._input["index"], batch)
            self._interpreter.invoke()
            raw = self._interpreter.get_tensor(self._output["index"])  # (n, categories)
        return tempered(raw, self.card.temperature)

    def _check_shapes(self) -> None:
        card = self.card
        taken = tuple(self._input["shape_signature"][1:])
        given = tuple(self._output["shape_signature"][1:])
        wanted = (card.height, card.width, card.channels)
        if taken != wanted or given != (len(card.labels),):
            raise ModelError(
                f"The model must take {wanted} and give {len(card.labels)} probabilities, as its "
                f"card says. Received a model that takes {taken} and gives {given}."
            )


@contextmanager
def _quietly() -> Iterator[None]:
    """Drop what C++ prints to standard error: LiteRT's greeting has no switch."""
    kept = os.dup(2)
    with Path(os.devnull).open("w") as nowhere:
        os.dup2(nowhere.fileno(), 2)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)


def tempered(probabilities: NDArray[np.float32], temperature: float) -> NDArray[np.float32]:
    """Divide the logits by the temperature: of a softmax, p^(1/T), summed to 1 again.

    Args:
        probabilities: Array of shape (n, categories); each row sums to 1.
        temperature: Above 1 for less sure answers; 1 changes nothing.
    """
    if temperature == 1:
        return probabilities
    powers = np.maximum(probabilities, np.finfo(np.float32).tiny) ** np.float32(1 / temperature)
    tempered: NDArray[np.float32] = powers / powers.sum(axis=1, keepdims=True)
    return tempered
