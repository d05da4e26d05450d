"""The teacher: larger networks that tell a smaller one how sure they are, of the very same view.

Owns what they are asked and in which size. They learn nothing themselves: they were trained before,
by the same command with a larger `--size`.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from clothing.classifier import softmax
from clothing.training.augment import shrunk
from clothing.training.network import from_bytes, has_gpu, reopen_network, up_to_logits

SHARPNESS = 1 / 0.79
"""Of two that know half of the people: what the temperature of their mean is on other photos."""


class Teacher:
    """Trained networks that are asked about each picture that another one learns from.

    A label says "Shirt"; the teacher says how much of a pullover the shirt looks like (Hinton et
    al. 2015, "Distilling the Knowledge in a Neural Network"). It looks at the picture after
    augmentation, which teaches more than its answer to the photo as taken (Beyer et al. 2022,
    "Knowledge distillation: A good teacher is patient and consistent"). Several networks are right
    more often than the best of them, and know better how sure to be.

    Args:
        paths: Their `.keras`, at least one; the cards lie beside them.
        sharpness: Power to which the mean of their probabilities is taken: several that disagree
            seem less sure than they are right.

    Attributes:
        card: Of the one that takes the largest pictures.

    Raises:
        ModelError: One cannot be opened, or it is of another kind than `build_network` builds.
    """

    def __init__(self, paths: Sequence[Path], sharpness: float = 1.0) -> None:
        self._sharpness = sharpness
        opened = [reopen_network(path) for path in paths]
        self.card = max((card for _, card in opened), key=lambda card: card.height * card.width)
        self._networks = [
            (from_bytes(up_to_logits(model), half=has_gpu()), (card.height, card.width))
            for model, card in opened
        ]

    def __call__(self, arrays: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Return the mean of their probabilities of the ten categories and of none.

        Args:
            arrays: As large as the card says; uint8 array of shape (n, h, w, 3).

        Returns:
            float32 array of shape (n, 11).
        """
        each = [
            softmax(part.predict_on_batch(shrunk(arrays, size))) for part, size in self._networks
        ]
        mean: NDArray[np.float32] = np.mean(each, axis=0) ** self._sharpness
        mean /= mean.sum(axis=1, keepdims=True)
        return mean
