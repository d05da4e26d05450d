"""A loaded model: a batch of arrays in, a row of probabilities for each out.

Owns LiteRT. It never imports TensorFlow, opens no `.keras` and knows no container.
"""

import os
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from clothing.card import Card
from clothing.errors import ModelError

_ROWS = 16
"""Photos that the network takes at once: what lies between its layers then stays in the cache.

Chosen by `python -m benchmarks model`: both fewer and more were slower.
"""


class Classifier:
    """A compiled model and its card. Threads that share one predict side by side.

    Each call works on one core: two calls on a core each do more than one on both, whose threads
    would wait for each other after every layer.

    Args:
        compiled: The LiteRT file, or its content; it gives probabilities, not logits.
        card: The facts about it.
        version: What identifies this model and card in the tables.

    Raises:
        ModelError: The file is no LiteRT model, or does not fit its card.
    """

    def __init__(self, compiled: Path | bytes, card: Card, version: str) -> None:
        self.card = card
        self.version = version
        self._compiled = compiled
        with _quietly():
            first = _Network(compiled)
        first.check_shapes(card)
        self._idle = deque([first])

    def __reduce__(self) -> tuple[type["Classifier"], tuple[bytes, Card, str]]:
        """Travel with all that is needed: a computer that receives it needs no container."""
        content = self._compiled
        if isinstance(content, Path):
            content = content.read_bytes()
        return Classifier, (content, self.card, self.version)

    def predict(self, batch: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the probabilities of every category, calibrated by the card's temperature.

        Args:
            batch: Array of shape (n, height, width, channels), 0 to 1.

        Returns:
            Array of shape (n, categories); each row sums to 1.
        """
        with self._borrowed() as network:
            raw = [network(batch[row : row + _ROWS]) for row in range(0, len(batch), _ROWS)]
        return tempered(np.concatenate(raw), self.card.temperature)

    @contextmanager
    def _borrowed(self) -> Iterator["_Network"]:
        """Give a network that no other thread uses; there are as many as were ever needed."""
        try:
            network = self._idle.pop()  # the last one used: its memory is warm
        except IndexError:
            network = _Network(self._compiled)
        yield network
        self._idle.append(network)  # not after an error: nobody knows its state then


class _Network:
    """A LiteRT interpreter, for one thread at a time."""

    def __init__(self, compiled: Path | bytes) -> None:
        from ai_edge_litert.interpreter import Interpreter  # 0.3 s: only who classifies pays it

        path = None if isinstance(compiled, bytes) else str(compiled)
        content = compiled if isinstance(compiled, bytes) else None
        try:
            self._interpreter = Interpreter(path, model_content=content, num_threads=1)
            self._interpreter.allocate_tensors()
        except (RuntimeError, ValueError) as error:
            raise ModelError(f"The compiled model cannot be loaded: {error}.") from error
        self._input = self._interpreter.get_input_details()[0]
        self._output = self._interpreter.get_output_details()[0]
        self._rows = 0

    def __call__(self, arrays: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return what the network makes of arrays, not calibrated; (n, h, w, c) → (n, 10)."""
        if len(arrays) != self._rows:
            self._interpreter.resize_tensor_input(self._input["index"], arrays.shape)
            self._interpreter.allocate_tensors()
            self._rows = len(arrays)
        self._interpreter.set_tensor(self._input["index"], arrays)
        self._interpreter.invoke()
        rows: NDArray[np.float32] = self._interpreter.get_tensor(self._output["index"])
        return rows

    def check_shapes(self, card: Card) -> None:
        """Raise a ModelError if the network takes or gives other arrays than the card says."""
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
    """Drop what C++ prints to standard error: LiteRT's one greeting has no switch."""
    kept = os.dup(2)
    with Path(os.devnull).open("w") as nowhere:
        os.dup2(nowhere.fileno(), 2)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)


def softmax(logits: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return probabilities, each row of which sums to 1, of logits: (n, k) → (n, k)."""
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    shares = powers / powers.sum(axis=1, keepdims=True)
    probabilities: NDArray[np.float32] = shares.astype(np.float32, copy=False)
    return probabilities


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
