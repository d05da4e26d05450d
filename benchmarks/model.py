"""How many photos a second the model alone does, side by side with the tutorial's CNN.

    python -m benchmarks.model

Both go through LiteRT on all cores, in batches of the size that runs use, in turns, so that what
the machine does besides falls on both. Prints medians with their spread.
"""

import os
import tempfile
import time
from pathlib import Path

import click
import numpy as np

from clothing.batch import Tuning
from clothing.card import Card
from clothing.classifier import Classifier
from clothing.compile import compile_in_child
from clothing.config import PROJECT

SHIPPED = PROJECT / "model" / "clothing_model.tflite"


@click.command()
@click.option("--rounds", default=9, show_default=True, type=click.IntRange(3))
@click.option("--photos", default=1024, show_default=True, type=click.IntRange(1))
def main(rounds: int, photos: int) -> None:
    """Measure the shipped model and the tutorial's CNN in turns."""
    threads = os.cpu_count() or 1
    card = Card.from_json(SHIPPED.with_suffix(".json").read_bytes())
    with tempfile.TemporaryDirectory() as folder:
        classifiers = {
            card.name: Classifier(SHIPPED, card, "", threads),
            "the tutorial's CNN": Classifier(tutorial(Path(folder)), Card(), "", threads),
        }
    speeds: dict[str, list[float]] = {name: [] for name in classifiers}
    for _ in range(rounds):
        for name, classifier in classifiers.items():
            speeds[name].append(photos_per_second(classifier, photos))
    print(f"{'':20} {'photos a second':>16} {'lowest':>8} {'highest':>8}   on {threads} cores")
    for name, measured in speeds.items():
        print(f"{name:20} {np.median(measured):16,.0f} {min(measured):8,.0f} {max(measured):8,.0f}")


def photos_per_second(classifier: Classifier, photos: int) -> float:
    """Return the speed over batches of the size that runs use, the first one not counted."""
    size = Tuning().batch_size
    shape = size, classifier.card.height, classifier.card.width, classifier.card.channels
    batch = np.random.default_rng(0).random(shape, np.float32)
    classifier.predict(batch)
    started = time.perf_counter()
    for _ in range(-(-photos // size)):
        classifier.predict(batch)
    return -(-photos // size) * size / (time.perf_counter() - started)


def tutorial(folder: Path) -> Path:
    """Return the compiled CNN of TensorFlow's tutorial ("Convolutional Neural Network")."""
    import keras

    layers = keras.layers
    model = keras.Sequential(
        [
            keras.Input((28, 28, 1)),
            layers.Conv2D(32, 3, activation="relu"),
            layers.MaxPooling2D(),
            layers.Conv2D(64, 3, activation="relu"),
            layers.MaxPooling2D(),
            layers.Conv2D(64, 3, activation="relu"),
            layers.Flatten(),
            layers.Dense(64, activation="relu"),
            layers.Dense(10),
        ]
    )
    source, compiled = folder / "tutorial.keras", folder / "tutorial.tflite"
    model.save(source)
    compile_in_child(source, compiled, Card())
    return compiled


if __name__ == "__main__":
    main()
