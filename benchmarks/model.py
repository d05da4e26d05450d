"""How many photos a second the model alone does, side by side with the tutorial's CNN.

Both go through LiteRT, a thread for each core as in a run, in batches of several sizes, in turns,
so that what the machine does besides falls on both. `clothing.classifier` cuts batches into the
size that was best here.
"""

import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from statistics import median

import numpy as np

from benchmarks import pipeline
from clothing.card import Card
from clothing.classifier import Classifier
from clothing.compile import compile_in_child

SIZES = (8, 16, 32, 64, 128, 256)
TUTORIAL = "the tutorial's CNN"

Figures = dict[tuple[str, int], tuple[float, float]]
"""For each model and batch size: photos a second on all cores, CPU milliseconds a photo."""


def compared(rounds: int, photos: int, sizes: Sequence[int] = SIZES) -> Figures:
    """Measure the shipped model and the tutorial's CNN in turns; return medians."""
    with tempfile.TemporaryDirectory() as folder:
        shipped = pipeline.load()
        models = {
            shipped.card.name: shipped,
            TUTORIAL: Classifier(tutorial(Path(folder)), Card(), ""),
        }
        turns = [(name, size) for size in sizes for name in models]
        found: dict[tuple[str, int], list[tuple[float, float]]] = {turn: [] for turn in turns}
        for _ in range(rounds):
            for name, size in turns:
                found[name, size].append(measured(models[name], size, photos))
    return {
        turn: (median(speed for speed, _ in some), median(cpu for _, cpu in some))
        for turn, some in found.items()
    }


def measured(classifier: Classifier, size: int, photos: int) -> tuple[float, float]:
    """Return photos a second on all cores and CPU ms a photo, the first batch not counted."""
    shape = size, classifier.card.height, classifier.card.width, classifier.card.channels
    batch = np.random.default_rng(0).random(shape, np.float32)
    times = -(-photos // size)
    with ThreadPoolExecutor(pipeline.CORES) as pool:
        list(pool.map(classifier.predict, [batch] * pipeline.CORES))
        begun, cpu = time.perf_counter(), time.process_time()
        list(pool.map(classifier.predict, [batch] * times))
        seconds, cpu = time.perf_counter() - begun, time.process_time() - cpu
    return times * size / seconds, 1000 * cpu / (times * size)


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
