"""Builds small `.keras` files, good and bad, and says why the bad ones are refused.

Run as `python -m tests.make_models FOLDER`: TensorFlow is imported once, in a process that ends.
"""

import json
import sys
from pathlib import Path
from typing import Any

from clothing.card import Card
from clothing.compile import compile_model
from clothing.errors import ModelError


def main(folder: Path) -> None:
    """Write the models and `refusals.json`: by name, the reason or None if it compiled."""
    import keras

    keras.utils.set_random_seed(1)
    for name, network in _networks(keras).items():
        network.save(folder / f"{name}.keras")
    (folder / "garbage.keras").write_bytes(b"PK\x03\x04 and then nothing that fits")
    refusals = {
        name: _refusal(folder, name) for name in ("nine", "colour", "nan", "code", "garbage")
    }
    (folder / "refusals.json").write_text(json.dumps(refusals))


def _networks(keras: Any) -> dict[str, Any]:
    layers = keras.layers

    def network(*last: Any, shape: tuple[int, ...] = (28, 28, 1)) -> Any:
        return keras.Sequential([layers.Input(shape), layers.Flatten(), *last])

    nan = network(layers.Dense(10))
    nan.layers[-1].bias.assign([float("nan")] * 10)
    return {
        "logits": network(layers.Dense(10)),
        "softmax": network(layers.Dense(10, activation="softmax")),
        "nine": network(layers.Dense(9)),
        "colour": network(layers.Dense(10), shape=(32, 32, 3)),
        "nan": nan,
        "code": network(layers.Dense(10), layers.Lambda(lambda logits: logits * 2)),
    }


def _refusal(folder: Path, name: str) -> str | None:
    try:
        compile_model(folder / f"{name}.keras", folder / f"{name}.tflite", Card())
    except ModelError as error:
        return str(error)
    return None


if __name__ == "__main__":
    main(Path(sys.argv[1]))
