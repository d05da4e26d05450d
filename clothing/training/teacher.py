"""The teacher: a larger network that tells a smaller one how sure it is, of the very same view.

Owns what it is asked and in which size. It learns nothing itself: it was trained before, by the
same command with a larger `--size`.
"""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from clothing.training.network import reopen_network, trainable_part


class Teacher:
    """A trained network that is asked about each picture that another one learns from.

    A label says "Shirt"; the teacher says how much of a pullover the shirt looks like (Hinton et
    al. 2015, "Distilling the Knowledge in a Neural Network"). It looks at the picture after
    augmentation, which teaches more than its answer to the photo as taken (Beyer et al. 2022,
    "Knowledge distillation: A good teacher is patient and consistent").

    Args:
        path: Its `.keras`; the card lies beside it.

    Raises:
        ModelError: It cannot be opened, or it is of another kind than `build_network` builds.
    """

    def __init__(self, path: Path) -> None:
        import tensorflow as tf

        model, self.card = reopen_network(path)
        self._logits = tf.function(trainable_part(model), reduce_retracing=True)

    def __call__(self, arrays: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return probabilities of the ten categories and of none; (n, h, w, 3) → (n, 11)."""
        import tensorflow as tf

        probabilities: NDArray[np.float32] = tf.nn.softmax(self._logits(arrays)).numpy()
        return probabilities


def shrunk(arrays: NDArray[np.float32], shape: tuple[int, int]) -> NDArray[np.float32]:
    """Return pictures in another size, with antialiasing; (n, H, W, 3) → (n, h, w, 3)."""
    import tensorflow as tf

    smaller: NDArray[np.float32] = tf.image.resize(arrays, shape, antialias=True).numpy()
    return smaller
