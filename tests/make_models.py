"""Builds small `.keras` files, good and bad, and says why the bad ones are refused.

Run as `python -m tests.make_models FOLDER`: TensorFlow is imported once, in a process that ends.
"""

import io
import json
import sys
import zipfile
from collections.abc import Mapping
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
    for name, archive in _spoilt((folder / "softmax.keras").read_bytes()).items():
        (folder / f"{name}.keras").write_bytes(archive)
    refusals = {name: _refusal(folder, name) for name in REFUSED}
    (folder / "refusals.json").write_text(json.dumps(refusals))


REFUSED = ("nine", "colour", "nan", "code", "garbage", "import", "lambda", "half", "other weights")
"""Those that TensorFlow has to look at before they are refused."""


def _spoilt(archive: bytes) -> dict[str, bytes]:
    """Return archives whose parts are not what they should be, by name."""
    parts = parts_of(archive)
    config = json.loads(parts["config.json"])
    run = {"module": "os", "class_name": "system", "config": "touch owned", "registered_name": None}
    code = {"class_name": "__lambda__", "config": {"code": "4wEAAAA=", "closure": None}}
    for layer in config["config"]["layers"]:
        if layer["class_name"] == "Dense":
            layer["config"]["activation"] = run
    imported = json.dumps(config).encode()
    for layer in config["config"]["layers"]:
        if layer["class_name"] == "Dense":
            layer["config"]["activation"] = code
    weights = parts["model.weights.h5"]
    return {
        "import": archive_of({**parts, "config.json": imported}),
        "lambda": archive_of({**parts, "config.json": json.dumps(config).encode()}),
        "half": archive_of({**parts, "model.weights.h5": weights[: len(weights) // 2]}),
        "other weights": archive_of(
            {**parts, "model.weights.h5": b"\x89HDF\r\n\x1a\n" + bytes(999)}
        ),
    }


def parts_of(archive: bytes) -> dict[str, bytes]:
    """Return the parts of a `.keras` file by name."""
    with zipfile.ZipFile(io.BytesIO(archive)) as opened:
        return {name: opened.read(name) for name in opened.namelist()}


def archive_of(parts: Mapping[str, bytes]) -> bytes:
    """Return a `.keras` file of some parts."""
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return written.getvalue()


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
