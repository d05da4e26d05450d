"""Training: from the pictures of Fashion-MNIST to `clothing_model.keras` and its card.

    python -m clothing.training --epochs 14

Read it from top to bottom: load, prepare, augment, build, train, calibrate, choose thresholds,
write. `model.ipynb` calls the same functions and shows what they do. The service never imports
this module, and TensorFlow is imported only inside the functions that need it.
"""

import hashlib
import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import click
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from clothing.card import Card
from clothing.compile import compile_in_child
from clothing.evaluation import calibration_error
from clothing.labels import CATEGORIES
from clothing.preprocess import preprocess

EPOCHS = 14
"""Passes over the training pictures; half an hour on two cores that were busy besides."""

BATCH_SIZE = 128

VALIDATION_PICTURES = 5_000
"""Of the 60,000. They choose the temperature and the thresholds; no weight learns from them."""

PRECISION = 0.97
"""The share that has to be right of what is sorted without a look."""

LEAST_THRESHOLD = 0.7
"""No threshold is lower, however easy the category: photos are harder than Fashion-MNIST."""

CARD = Card(
    name="fashion-mnist-cnn",
    training_data=(
        "55,000 of the 60,000 training pictures of Fashion-MNIST (Zalando Research, MIT licence): "
        "grey, 28 x 28, one garment each, cut out of a shop's photos; flipped, moved, scaled, "
        "turned, relit, laid on other backgrounds, with shadows and noise. No photo of a return."
    ),
)
"""What the network is, before it is trained; the rest of the card's facts follow from training."""

_PEAK_RATE = 3e-3  # learning rate after the warm-up of one epoch
_WEIGHT_DECAY = 0.01
_DROPOUT = 0.3

_TURN = 0.15  # radians, standard deviation: 9 degrees
_SHIFT = 2.5  # pixels, each way
_SCALE = 0.2  # natural logarithm: 82 % to 122 % of the size
_STRETCH = 0.12  # natural logarithm: on a bed garments lie wider than they hang on a model
_GAMMA = 0.5  # natural logarithm: 0.6 to 1.6
_DIM = 0.3  # of the brightness
_OTHER_BACKGROUND = 0.3  # share of the pictures
_SHADE = 0.25  # the strongest shadow on the background
_GRAIN = 0.05  # standard deviation of each pixel
_CONTRAST = 0.5  # below it `preprocess` stretches a picture, and so does `augment`

_TEMPERATURES = np.geomspace(0.2, 8, 371)  # in steps of 1 %
_THRESHOLDS = np.arange(200) / 200  # 0, 0.005 … 0.995

Say = Callable[[str], object]


class Published(NamedTuple):
    """Images as Zalando published them, and what each of them shows.

    Attributes:
        images: uint8 array of shape (n, 28, 28), 0 (background) to 255.
        labels: int64 array of shape (n,), places in `CATEGORIES`.
    """

    images: NDArray[np.uint8]
    labels: NDArray[np.int64]


class Pictures(NamedTuple):
    """Arrays as the network takes them, and what each of them shows.

    Attributes:
        arrays: float32 array of shape (n, height, width, channels), 0 to 1.
        labels: int64 array of shape (n,), places in `CATEGORIES`.
    """

    arrays: NDArray[np.float32]
    labels: NDArray[np.int64]


def load_fashion_mnist() -> tuple[Published, Published]:
    """Return the 60,000 training pictures and the 10,000 test pictures; downloads them once."""
    from keras.datasets import fashion_mnist

    (images, labels), (test_images, test_labels) = fashion_mnist.load_data()
    return (
        Published(images, labels.astype(np.int64)),
        Published(test_images, test_labels.astype(np.int64)),
    )


def prepare(published: Published, card: Card) -> Pictures:
    """Take every image through the steps that a photo takes in the service."""
    shape = (len(published.images), card.height, card.width, card.channels)
    arrays = np.empty(shape, np.float32)
    for place, image in enumerate(published.images):
        arrays[place] = preprocess(Image.fromarray(image).convert("RGB"), card)
    return Pictures(arrays, published.labels)


def split(pictures: Pictures, validation: int, seed: int) -> tuple[Pictures, Pictures]:
    """Draw the validation pictures; return those for training, and them."""
    order = np.random.default_rng(seed).permutation(len(pictures.labels))
    kept, held_out = order[validation:], order[:validation]
    return (
        Pictures(pictures.arrays[kept], pictures.labels[kept]),
        Pictures(pictures.arrays[held_out], pictures.labels[held_out]),
    )


def augment(arrays: NDArray[np.float32], rng: np.random.Generator) -> NDArray[np.float32]:
    """Change every picture a little, as the photos of many people differ.

    Each picture draws its own strength: some stay nearly as published, some change in everything.

    Args:
        arrays: float32 array of shape (n, h, w, 1), 0 (background) to 1.
        rng: Decides everything; the same generator gives the same pictures.

    Returns:
        float32 array of the same shape, 0 to 1.
    """
    strength = rng.random(len(arrays), np.float32)  # (n,)
    moved = _move(arrays, strength, rng)
    laid = _lay_on_other_backgrounds(moved, rng)
    lit = _relight(laid, strength, rng)
    return _add_shadow_and_grain(lit, strength, rng)


def _move(
    arrays: NDArray[np.float32], strength: NDArray[np.float32], rng: np.random.Generator
) -> NDArray[np.float32]:
    """Flip, shift, scale, stretch and turn: one affine map for each picture, sampled once."""
    n, height, width, _ = arrays.shape
    angle = strength * rng.normal(0, _TURN, n)
    scale = np.exp(strength * rng.uniform(-_SCALE, _SCALE, n))
    stretch = np.exp(strength * rng.uniform(-_STRETCH, _STRETCH, n))
    flip = rng.choice((-1, 1), n)
    shift = strength * rng.uniform(-_SHIFT, _SHIFT, (2, n))

    rows = _each(1 / (scale * stretch)) * (np.arange(height) - (height - 1) / 2)[None, :, None]
    columns = _each(flip * stretch / scale) * (np.arange(width) - (width - 1) / 2)[None, None, :]
    cosine, sine = _each(np.cos(angle)), _each(np.sin(angle))
    y = cosine * rows - sine * columns + _each(shift[0]) + (height - 1) / 2  # (n, h, w)
    x = sine * rows + cosine * columns + _each(shift[1]) + (width - 1) / 2  # (n, h, w)
    return _sample(arrays, y.astype(np.float32), x.astype(np.float32))


def _sample(
    arrays: NDArray[np.float32], y: NDArray[np.float32], x: NDArray[np.float32]
) -> NDArray[np.float32]:
    """Return bilinear samples at rows `y`, columns `x`; (n, h, w) → (n, h, w, 1); black outside."""
    n, height, width, _ = arrays.shape
    padded = np.pad(arrays[..., 0], ((0, 0), (1, 1), (1, 1)))  # (n, h + 2, w + 2)
    y, x = np.clip(y + 1, 0, height + 0.999), np.clip(x + 1, 0, width + 0.999)
    top, left = y.astype(np.int32), x.astype(np.int32)
    down, right = y - np.floor(y), x - np.floor(x)  # shares of the next row and column
    stride = width + 2
    first = np.arange(n, dtype=np.int32)[:, None, None] * (stride * (height + 2))
    corner = first + top * stride + left
    flat = padded.ravel()
    upper = flat[corner] * (1 - right) + flat[corner + 1] * right
    lower = flat[corner + stride] * (1 - right) + flat[corner + stride + 1] * right
    sampled: NDArray[np.float32] = upper * (1 - down) + lower * down
    return sampled[..., None]


def _lay_on_other_backgrounds(
    arrays: NDArray[np.float32], rng: np.random.Generator
) -> NDArray[np.float32]:
    """Show some garments as `preprocess` would have, had they lain on grey or on black.

    Fashion-MNIST was photographed on white and then inverted: a value v is a tone of 1 - v.
    `preprocess` takes the distance from the background's tone b, so on another background the
    garment reads |1 - v - b|; with b = 0 it is inverted. The background reads 0 always.
    """
    _, height, width, _ = arrays.shape
    laid = arrays.copy()
    chosen = np.flatnonzero(rng.random(len(arrays)) < _OTHER_BACKGROUND)
    grey = rng.random(len(chosen), np.float32) * rng.integers(0, 2, len(chosen))  # half are black
    garments = arrays[chosen]  # (chosen, h, w, 1)
    shown = np.abs(1 - garments - _each(grey.astype(np.float32))[..., None]) * (garments > 0.05)
    peak = np.percentile(shown.reshape(len(chosen), height * width), 99, axis=1)  # (chosen,)
    divisor = np.where(peak < _CONTRAST, np.maximum(peak, 0.1), 1)
    laid[chosen] = np.minimum(shown / _each(divisor)[..., None], 1)
    return laid


def _relight(
    arrays: NDArray[np.float32], strength: NDArray[np.float32], rng: np.random.Generator
) -> NDArray[np.float32]:
    """Bend the tones (gamma) and lower the brightness; black stays black."""
    n = len(arrays)
    gamma = np.exp(strength * rng.uniform(-_GAMMA, _GAMMA, n)).astype(np.float32)
    bright = (1 - strength * rng.uniform(0, _DIM, n)).astype(np.float32)
    lit: NDArray[np.float32] = arrays ** _each(gamma)[..., None] * _each(bright)[..., None]
    return lit


def _add_shadow_and_grain(
    arrays: NDArray[np.float32], strength: NDArray[np.float32], rng: np.random.Generator
) -> NDArray[np.float32]:
    """Put shadows behind the garment, in blocks of a quarter of each side, and grain on all."""
    n, height, width, _ = arrays.shape
    blocks = np.maximum(rng.random((n, 4, 4), np.float32) - 0.5, 0) * 2  # (n, 4, 4), half are 0
    rows, columns = np.arange(height) * 4 // height, np.arange(width) * 4 // width
    shade = blocks[:, rows][:, :, columns] * _each(_SHADE * strength**2)  # (n, h, w)
    grain = rng.standard_normal((n, height, width), np.float32) * _each(_GRAIN * strength**2)
    noisy: NDArray[np.float32] = np.maximum(arrays, shade[..., None]) + grain[..., None]
    return np.clip(noisy, 0, 1)


def _each(values: NDArray[Any]) -> NDArray[Any]:
    """Give one value for each picture the axes of rows and columns: (n,) → (n, 1, 1)."""
    return values[:, None, None]


def build_model(card: Card, seed: int) -> Any:
    """Build the network, its weights drawn by the seed; it answers logits.

    Two convolutions at half the size, two at a quarter, one dense layer:

        28 x 28 x 1 → 14 x 14 x 48 → 7 x 7 x 96 → 3 x 3 x 96 → 10

    Batch normalisation (Ioffe and Szegedy 2015) lets so small a network learn in few epochs; it
    costs nothing in the service, where it is folded into the convolutions.
    """
    import keras

    keras.utils.set_random_seed(seed)
    layers = keras.layers
    return keras.Sequential(
        [
            keras.Input((card.height, card.width, card.channels)),
            *_convolution(48, 5, strides=2),
            *_convolution(48, 3),
            layers.MaxPooling2D(),
            *_convolution(96, 3),
            *_convolution(96, 3),
            layers.MaxPooling2D(),
            layers.Flatten(),
            layers.Dropout(_DROPOUT),
            layers.Dense(len(card.labels)),
        ],
        name="clothing_model",
    )


def _convolution(filters: int, size: int, strides: int = 1) -> list[Any]:
    from keras import layers

    return [
        layers.Conv2D(filters, size, strides, padding="same", use_bias=False),
        layers.BatchNormalization(),
        layers.ReLU(),
    ]


def train(
    model: Any,
    pictures: Pictures,
    validation: Pictures,
    *,
    epochs: int,
    seed: int,
    checkpoints: Path | None = None,
    say: Say = print,
) -> list[dict[str, float]]:
    """Train the model in place; go on from the last checkpoint if there is one.

    Args:
        model: As `build_model` returns it.
        pictures: What it learns from, changed anew by `augment` in each epoch.
        validation: What it is measured on after each epoch, unchanged.
        epochs: Passes over the pictures; the learning rate falls to zero over all of them.
        seed: Decides order and augmentation of every epoch, whether resumed or not.
        checkpoints: Folder for checkpoints of these epochs and this seed; None keeps none.
        say: Takes a line of progress after each epoch.

    Returns:
        Loss, accuracy, val_loss, val_accuracy and seconds of each epoch.
    """
    _compile(model, epochs, steps_per_epoch=-(-len(pictures.labels) // BATCH_SIZE))
    folder = checkpoints / f"seed-{seed}-epochs-{epochs}" if checkpoints else None
    history = _resume(model, folder) if folder else []
    for epoch in range(len(history), epochs):
        started = time.perf_counter()
        fresh = _epoch_of(pictures, np.random.default_rng([seed, epoch]))
        fitted = model.fit(
            *fresh, batch_size=BATCH_SIZE, shuffle=False, validation_data=validation, verbose=0
        )
        figures = {name: float(values[0]) for name, values in fitted.history.items()}
        history.append(figures | {"seconds": time.perf_counter() - started})
        if folder:
            _save_checkpoint(model, history, folder)
        say(_progress(history, epochs))
    return history


def _compile(model: Any, epochs: int, steps_per_epoch: int) -> None:
    """Set AdamW with a warm-up of one epoch, then a cosine to zero (Loshchilov, Hutter 2017)."""
    import keras

    warm_up = min(steps_per_epoch, epochs * steps_per_epoch // 2)
    rate = keras.optimizers.schedules.CosineDecay(
        initial_learning_rate=_PEAK_RATE / 10,
        decay_steps=max(1, epochs * steps_per_epoch - warm_up),
        warmup_target=_PEAK_RATE,
        warmup_steps=warm_up,
    )
    model.compile(
        optimizer=keras.optimizers.AdamW(rate, weight_decay=_WEIGHT_DECAY),
        loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=["accuracy"],
        jit_compile=False,  # on a CPU, XLA's convolutions are the slower ones
    )


def _epoch_of(pictures: Pictures, rng: np.random.Generator) -> Pictures:
    """Return all pictures in a new order, each changed anew; a thousand at a time for memory."""
    order = rng.permutation(len(pictures.labels))
    parts = np.split(order, range(1000, len(order), 1000))
    arrays = np.concatenate([augment(pictures.arrays[part], rng) for part in parts])
    return Pictures(arrays, pictures.labels[order])


def _progress(history: Sequence[Mapping[str, float]], epochs: int) -> str:
    last = history[-1]
    return (
        f"epoch {len(history):2} of {epochs}: loss {last['loss']:.3f}, "
        f"accuracy {last['accuracy']:.3f}; on validation pictures {last['val_loss']:.3f}, "
        f"{last['val_accuracy']:.3f}; {last['seconds']:.0f} s"
    )


def _save_checkpoint(model: Any, history: Sequence[Mapping[str, float]], folder: Path) -> None:
    """Write weights and optimizer, then the history that names them, then drop the older ones.

    Whoever stops the training between two of these steps leaves a history whose weights exist.
    """
    folder.mkdir(parents=True, exist_ok=True)
    newest = _weights_of(folder, len(history))
    model.save_weights(newest)
    written = folder / "history.json.new"
    written.write_text(json.dumps(history, indent=2))
    written.replace(folder / "history.json")
    for older in set(folder.glob("*.weights.h5")) - {newest}:
        older.unlink()


def _resume(model: Any, folder: Path) -> list[dict[str, float]]:
    """Load the last checkpoint into the model; return the epochs that it has behind it."""
    if not (folder / "history.json").exists():
        return []
    history: list[dict[str, float]] = json.loads((folder / "history.json").read_text())
    model.optimizer.build(model.trainable_variables)
    model.load_weights(_weights_of(folder, len(history)))
    _advance_dropout(model, steps=int(model.optimizer.iterations.numpy()))
    return history


def _advance_dropout(model: Any, steps: int) -> None:
    """Set the counters that Dropout draws from; Keras 3.15 leaves them out of its checkpoints."""
    for layer in model.layers:
        generator = getattr(layer, "seed_generator", None)
        if generator is not None:
            first, _ = generator.state.numpy()
            generator.state.assign(np.array([first, steps], generator.state.dtype))


def _weights_of(folder: Path, epochs: int) -> Path:
    return folder / f"epoch-{epochs:03}.weights.h5"


def logits_of(model: Any, arrays: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the model's answers; (n, height, width, channels) → float32 (n, 10)."""
    logits: NDArray[np.float32] = model.predict(arrays, batch_size=1000, verbose=0)
    return logits


def probabilities_of(logits: NDArray[np.float32], temperature: float = 1.0) -> NDArray[np.float64]:
    """Return the softmax of logits / temperature: float64 (n, 10), each row sums to 1."""
    scaled = logits.astype(np.float64) / temperature
    weights = np.exp(scaled - scaled.max(axis=1, keepdims=True))
    probabilities: NDArray[np.float64] = weights / weights.sum(axis=1, keepdims=True)
    return probabilities


def calibrate_temperature(logits: NDArray[np.float32], labels: NDArray[np.int64]) -> float:
    """Return the temperature at which the labels are likeliest, to one percent.

    Guo et al. 2017, "On Calibration of Modern Neural Networks", section 4.2: one divisor for all
    logits, found on validation pictures. It changes no answer, only how sure the answers sound.

    Args:
        logits: float32 array of shape (n, 10).
        labels: int64 array of shape (n,), places in `CATEGORIES`.
    """
    rows = np.arange(len(labels))
    losses = [
        -np.log(probabilities_of(logits, temperature)[rows, labels] + 1e-12).mean()
        for temperature in _TEMPERATURES
    ]
    return round(float(_TEMPERATURES[np.argmin(losses)]), 4)


def expected_calibration_error(
    probabilities: NDArray[np.float64], labels: NDArray[np.int64]
) -> float:
    """Return by how much confidence and accuracy differ, 0 to 1, as `evaluate` defines it."""
    confidence, right = _confidence(probabilities, labels)
    answers = list(zip(confidence.tolist(), (right == 1).tolist(), strict=True))
    return calibration_error(answers) or 0.0


def choose_thresholds(
    probabilities: NDArray[np.float64],
    labels: NDArray[np.int64],
    precision: float = PRECISION,
    least: float = LEAST_THRESHOLD,
) -> dict[str, float]:
    """Return for each category the lowest confidence from which it is right often enough.

    Args:
        probabilities: Calibrated; float64 array of shape (n, 10).
        labels: int64 array of shape (n,), places in `CATEGORIES`.
        precision: The share that has to be right of what reaches the threshold.
        least: No threshold is lower.

    Returns:
        A confidence by category; 1 where no confidence is enough.
    """
    confidence, right = _confidence(probabilities, labels)
    predicted = probabilities.argmax(axis=1)
    candidates = _THRESHOLDS[least <= _THRESHOLDS]
    thresholds = dict.fromkeys(CATEGORIES, 1.0)
    for place, category in enumerate(CATEGORIES):
        chosen = predicted == place
        reached = confidence[chosen] >= candidates[:, None]  # (candidates, predicted so)
        enough = reached @ right[chosen] >= precision * reached.sum(axis=1)
        fit = candidates[enough & reached.any(axis=1)]
        if fit.size:
            thresholds[category] = float(fit[0])
    return thresholds


def measure(logits: NDArray[np.float32], labels: NDArray[np.int64], card: Card) -> dict[str, float]:
    """Return accuracy, share sorted without a look, share right of those, and calibration error."""
    probabilities = probabilities_of(logits, card.temperature)
    confidence, right = _confidence(probabilities, labels)
    needed = np.array([card.thresholds[category] for category in card.labels])
    is_sorted = confidence >= needed[probabilities.argmax(axis=1)]
    return {
        "accuracy": float(right.mean()),
        "sorted_share": float(is_sorted.mean()),
        "sorted_accuracy": float(right[is_sorted].mean()) if is_sorted.any() else 0.0,
        "expected_calibration_error": expected_calibration_error(probabilities, labels),
    }


def _confidence(
    probabilities: NDArray[np.float64], labels: NDArray[np.int64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the confidence of each answer, and 1 where it is right, else 0; both (n,)."""
    right = (probabilities.argmax(axis=1) == labels).astype(np.float64)
    return probabilities.max(axis=1), right


def write_model(model: Any, card: Card, folder: Path) -> Card:
    """Write `clothing_model.keras`, its compiled form, and the card that names both hashes.

    Args:
        model: Trained; the optimizer is left out.
        card: Everything but the hashes.
        folder: Made if it is missing; a model that is there already is replaced.

    Returns:
        The card as written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    bare = type(model).from_config(model.get_config())  # not compiled: AdamW triples the file
    bare.set_weights(model.get_weights())
    weights = folder / "clothing_model.keras"
    bare.save(weights)
    compiled = weights.with_suffix(".tflite")
    compile_in_child(weights.resolve(), compiled.resolve(), card)
    card = replace(card, sha256=_sha256(weights), compiled_sha256=_sha256(compiled))
    (folder / "clothing_model.json").write_text(card.to_json(), encoding="utf-8")
    return card


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


@click.command()
@click.option("--epochs", default=EPOCHS, show_default=True, type=click.IntRange(1))
@click.option("--seed", default=1, show_default=True, help="Decides split, weights and changes.")
@click.option(
    "--folder",
    default="model",
    show_default=True,
    type=click.Path(file_okay=False, path_type=Path),
    help="Takes clothing_model.keras and its card.",
)
@click.option(
    "--checkpoints",
    type=click.Path(file_okay=False, path_type=Path),
    help="Keeps the last epoch here; the same command goes on from it. Without it, none is kept.",
)
def main(epochs: int, seed: int, folder: Path, checkpoints: Path | None) -> None:
    """Train the network on Fashion-MNIST; write it and its card."""
    started = time.perf_counter()
    published, published_test = load_fashion_mnist()
    click.echo("Preparing the pictures: about a minute.")
    pictures, validation = split(prepare(published, CARD), VALIDATION_PICTURES, seed)
    test = prepare(published_test, CARD)
    inverted = prepare(published_test._replace(images=255 - published_test.images), CARD)

    model = build_model(CARD, seed)
    click.echo(f"Training {model.count_params():,} weights on {len(pictures.labels):,} pictures.")
    train(
        model,
        pictures,
        validation,
        epochs=epochs,
        seed=seed,
        checkpoints=checkpoints,
        say=click.echo,
    )
    card = finish_card(model, CARD, validation, test=test, test_inverted=inverted)
    card = write_model(model, card, folder)
    click.echo(_summary(card, folder, time.perf_counter() - started))


def finish_card(model: Any, card: Card, validation: Pictures, **others: Pictures) -> Card:
    """Return the card with temperature, thresholds and metrics.

    Args:
        model: Trained.
        card: Of the model, up to now.
        validation: Chooses temperature and thresholds.
        others: Measured with them, under their names: the test pictures.
    """
    logits = logits_of(model, validation.arrays)
    temperature = calibrate_temperature(logits, validation.labels)
    probabilities = probabilities_of(logits, temperature)
    thresholds = choose_thresholds(probabilities, validation.labels)
    card = replace(card, temperature=temperature, thresholds=thresholds)
    metrics: dict[str, float] = {}
    for name, measured in {"validation": validation, **others}.items():
        figures = measure(logits_of(model, measured.arrays), measured.labels, card)
        metrics |= {f"{name}_{figure}": round(value, 4) for figure, value in figures.items()}
    return replace(card, metrics=metrics)


def _summary(card: Card, folder: Path, seconds: float) -> str:
    size = (folder / "clothing_model.keras").stat().st_size
    lines = [
        f"Wrote {folder / 'clothing_model.keras'} ({size / 1e6:.2f} MB) and its card "
        f"in {seconds / 60:.0f} minutes.",
        f"  {'temperature':40} {card.temperature:.2f}",
        *(f"  {name.replace('_', ' '):40} {value:.4f}" for name, value in card.metrics.items()),
        "Confidence from which a category is sorted without a look:",
        *(f"  {category:40} {value:.3f}" for category, value in card.thresholds.items()),
    ]
    return "\n".join(lines)


if __name__ == "__main__":
    main()
