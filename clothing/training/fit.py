"""The training itself: batches of both worlds, step by step, resumable at every checkpoint.

Owns the mix, the schedule and the checkpoints.
"""

import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from clothing.card import Card
from clothing.errors import ConfigError
from clothing.labels import CATEGORIES
from clothing.training.augment import (
    augment_garments,
    augment_photos,
    blend,
    lay_floors,
    lay_garments_out,
)
from clothing.training.network import any_of_loss, trainable_part
from clothing.training.pictures import Pictures
from clothing.training.teacher import Teacher, shrunk

STEPS_PER_EPOCH = 200
"""An epoch is so many batches: two passes over the photos, a tenth of one over Fashion-MNIST."""

_WARM_UP = 100  # steps
_TAUGHT = 0.8  # share of the teacher in what a photo teaches; the rest is its label's
_FALL = 0.3  # share of the steps, at the end, over which the learning rate falls to zero

Say = Callable[[str], object]


@dataclass(frozen=True, slots=True)
class Mix:
    """How many pictures of each kind are in a batch.

    Attributes:
        photos: Photos that people labelled.
        published: Fashion-MNIST's garments, light on black.
        laid_out: The same, coloured and laid on floors.
        floors: Nothing at all, which is in none of the categories.
    """

    photos: int = 28
    published: int = 24
    laid_out: int = 10
    floors: int = 2


PHOTOS_ALONE = Mix(photos=62, published=0, laid_out=0)
"""Where Fashion-MNIST has no part."""


class Batch(NamedTuple):
    """What one step learns from.

    Attributes:
        arrays: float32 array of shape (n, h, w, 3), 0 to 1.
        targets: float32 array of shape (n, 3, 11), as `any_of_loss` takes them.
    """

    arrays: NDArray[np.float32]
    targets: NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Plan:
    """How long and how hard to train.

    Attributes:
        epochs: Of `STEPS_PER_EPOCH` batches each.
        peak_rate: Learning rate between the warm-up and the fall at the end.
        weight_decay: Of AdamW.
        seed: Decides every batch, whether resumed or not.
        mix: What a batch consists of.
    """

    epochs: int
    peak_rate: float
    weight_decay: float = 0.02
    seed: int = 1
    mix: Mix = Mix()


def train(
    model: Any,
    photos: Pictures,
    garments: Pictures | None,
    card: Card,
    plan: Plan,
    *,
    measure: Callable[[], Mapping[str, float]],
    teacher: Teacher | None = None,
    checkpoints: Path | None = None,
    say: Say = print,
) -> list[dict[str, float]]:
    """Train the model in place; go on from the last checkpoint if there is one.

    Args:
        model: As `build_network` returns it, or trained before.
        photos: What it learns from, `MARGIN` larger than the card says, or the teacher's card.
        garments: Fashion-MNIST's, or None to learn from the photos alone.
        card: Says the size.
        plan: How long and how hard.
        measure: Called after each epoch; what it returns goes into the history.
        teacher: Says of each photo what it sees, too; None leaves the labels alone.
        checkpoints: Folder for the last epoch's weights; None keeps none.
        say: Takes a line of progress after each epoch.

    Returns:
        Loss, figures and seconds of each epoch.

    Raises:
        ConfigError: The last checkpoint is further on than the plan.
    """
    part = trainable_part(model)
    _compile(part, plan)
    history = _resume(part, checkpoints) if checkpoints else []
    if len(history) > plan.epochs:
        raise ConfigError(
            f"This training is {len(history)} epochs on already, more than the {plan.epochs} that "
            f"are asked for. Ask for more, or remove {checkpoints} to begin anew."
        )
    if history:
        say(f"Going on after epoch {len(history)}.")
    lesson = _Lesson(photos, garments, card, plan, teacher)
    batches = _batches(lesson, len(history) * STEPS_PER_EPOCH)
    for _ in range(len(history), plan.epochs):
        started = time.perf_counter()
        loss = np.mean([part.train_on_batch(*next(batches)) for _ in range(STEPS_PER_EPOCH)])
        history.append({"loss": float(loss), **measure(), "seconds": time.perf_counter() - started})
        if checkpoints:
            _save_checkpoint(part, history, checkpoints)
        say(_progress(history, plan.epochs))
    return history


def _compile(part: Any, plan: Plan) -> None:
    """Set AdamW (Loshchilov and Hutter 2017) with the plan's learning rate."""
    import keras

    class Trapezoid(keras.optimizers.schedules.LearningRateSchedule):  # type: ignore[misc]
        """Up, level, down (Hägele et al. 2024): the level part does not know how long it lasts."""

        def __call__(self, step: Any) -> Any:
            done = keras.ops.cast(step, "float32")
            steps = plan.epochs * STEPS_PER_EPOCH
            left = (steps - done) / (steps * _FALL)
            return plan.peak_rate * keras.ops.clip(
                keras.ops.minimum((done + 1) / _WARM_UP, left), 0, 1
            )

        def get_config(self) -> dict[str, Any]:
            return {}

    part.compile(
        optimizer=keras.optimizers.AdamW(Trapezoid(), weight_decay=plan.weight_decay, clipnorm=1.0),
        loss=any_of_loss,
        jit_compile=False,  # on a CPU, XLA takes minutes to compile and is no faster
    )


class _Lesson(NamedTuple):
    """What batches are made of."""

    photos: Pictures
    garments: Pictures | None
    card: Card
    plan: Plan
    teacher: Teacher | None


def _batches(lesson: _Lesson, first: int) -> Iterator[Batch]:
    """Yield batch after batch, for ever; the next is made while one is learned from."""
    with ThreadPoolExecutor(1) as pool:
        place = first
        coming = pool.submit(_batch, lesson, place)
        while True:
            place += 1
            ready, coming = coming, pool.submit(_batch, lesson, place)
            yield ready.result()


def _batch(lesson: _Lesson, place: int) -> Batch:
    """Return the batch that belongs to a place in the order, whatever came before it."""
    rng = np.random.default_rng([lesson.plan.seed, place])
    shape, mix, garments = (lesson.card.height, lesson.card.width), lesson.plan.mix, lesson.garments
    nothing = np.arange(len(CATEGORIES) + 1) == len(CATEGORIES)
    kinds = [
        _photos(lesson, rng),
        _plain(lay_floors(mix.floors, shape, rng), np.tile(nothing, (mix.floors, 1))),
    ]
    if garments is not None:
        for steps, n in ((augment_garments, mix.published), (lay_garments_out, mix.laid_out)):
            chosen = rng.choice(len(garments.arrays), n)
            kinds.append(
                _plain(steps(garments.arrays[chosen], shape, rng), garments.allowed[chosen])
            )
    arrays, targets = zip(*kinds, strict=True)
    return Batch(np.concatenate(arrays), np.concatenate(targets))


def _plain(arrays: NDArray[np.float32], allowed: NDArray[np.bool_]) -> Batch:
    """Return pictures that are blended with none and of which no teacher is asked."""
    targets = np.zeros((len(allowed), 3, allowed.shape[1]), np.float32)
    targets[:, 0] = allowed
    return Batch(arrays.astype(np.float32, copy=False), targets)


def _photos(lesson: _Lesson, rng: np.random.Generator) -> Batch:
    """Return photos as moved, relit and blended, with what their labels and the teacher say."""
    photos, teacher = lesson.photos, lesson.teacher
    seen = teacher.card if teacher else lesson.card
    chosen = rng.choice(len(photos.arrays), lesson.plan.mix.photos)
    moved = augment_photos(photos.arrays[chosen], (seen.height, seen.width), rng)
    arrays, partner, share = blend(moved, rng)
    targets = np.zeros((len(chosen), 3, photos.allowed.shape[1]), np.float32)
    targets[:, 0] = photos.allowed[chosen] * share[:, None]
    targets[:, 1] = photos.allowed[chosen[partner]] * (1 - share[:, None])
    if teacher:
        targets *= 1 - _TAUGHT
        targets[:, 2] = _TAUGHT * teacher(arrays)
        arrays = shrunk(arrays, (lesson.card.height, lesson.card.width))
    return Batch(arrays, targets)


def _progress(history: Sequence[Mapping[str, float]], epochs: int) -> str:
    last = history[-1]
    figures = ", ".join(
        f"{name.replace('_', ' ')} {value:.3f}"
        for name, value in last.items()
        if name not in ("loss", "seconds")
    )
    left = (epochs - len(history)) * last["seconds"] / 60
    return (
        f"epoch {len(history):2} of {epochs}: loss {last['loss']:.3f}; {figures}; "
        f"{last['seconds']:.0f} s, {left:.0f} minutes to go"
    )


def _save_checkpoint(part: Any, history: Sequence[Mapping[str, float]], folder: Path) -> None:
    """Write weights and optimizer, then the history that names them, then drop the older ones.

    Whoever stops the training between two of these steps leaves a history whose weights exist.
    """
    folder.mkdir(parents=True, exist_ok=True)
    newest = _weights_of(folder, len(history))
    part.save_weights(newest)
    written = folder / "history.json.new"
    written.write_text(json.dumps(history, indent=2))
    written.replace(folder / "history.json")
    for older in set(folder.glob("*.weights.h5")) - {newest}:
        older.unlink()


def _resume(part: Any, folder: Path) -> list[dict[str, float]]:
    """Load the last checkpoint into the model; return the epochs that it has behind it."""
    if not (folder / "history.json").exists():
        return []
    history: list[dict[str, float]] = json.loads((folder / "history.json").read_text())
    part.optimizer.build(part.trainable_variables)
    part.load_weights(_weights_of(folder, len(history)))
    _advance_dropout(part, steps=int(part.optimizer.iterations.numpy()))
    return history


def _advance_dropout(part: Any, steps: int) -> None:
    """Set the counters that Dropout draws from; Keras 3.15 leaves them out of its checkpoints."""
    for layer in part.layers:
        generator = getattr(layer, "seed_generator", None)
        if generator is not None:
            first, _ = generator.state.numpy()
            generator.state.assign(np.array([first, steps], generator.state.dtype))


def _weights_of(folder: Path, epochs: int) -> Path:
    return folder / f"epoch-{epochs:03}.weights.h5"
