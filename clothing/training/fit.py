"""The training itself: batches of both worlds, step by step, resumable at every checkpoint.

Owns the schedule and the checkpoints.
"""

import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from clothing.card import Card
from clothing.errors import ConfigError, ModelError
from clothing.training.batches import Mix, batches
from clothing.training.network import any_of_loss, from_bytes, has_gpu, up_to_logits
from clothing.training.pictures import Pictures
from clothing.training.teacher import Teacher

STEPS_PER_EPOCH = 200
"""An epoch is so many batches: two passes over the photos, a tenth of one over Fashion-MNIST."""

_WARM_UP = 100  # steps
_FALL = 0.3  # share of the steps, at the end, over which the learning rate falls to zero

Say = Callable[[str], object]


@dataclass(frozen=True, slots=True)
class Plan:
    """How long and how hard to train.

    Attributes:
        epochs: Of `STEPS_PER_EPOCH` batches each.
        peak_rate: Learning rate between the warm-up and the fall at the end.
        weight_decay: Of AdamW.
        seed: Decides every batch, whether resumed or not.
        mix: What a batch consists of.
        flat: How far from its weights the network has to be right too, 0 for not at all; 0.5 is
            usual. Each step then takes twice as long.
    """

    epochs: int
    peak_rate: float
    weight_decay: float = 0.02
    seed: int = 1
    mix: Mix = Mix()
    flat: float = 0.0


def train(
    model: Any,
    photos: Pictures,
    on_white: Pictures,
    garments: Pictures | None,
    card: Card,
    plan: Plan,
    *,
    measure: Callable[[], Mapping[str, float]],
    teachers: Mapping[str, Teacher] | None = None,
    checkpoints: Path | None = None,
    say: Say = print,
) -> list[dict[str, float]]:
    """Train the model in place; go on from the last checkpoint if there is one.

    Args:
        model: As `build_network` returns it, or trained before.
        photos: What it learns from, `MARGIN` larger than the card says, or the teacher's card.
        on_white: Their garments, cut out and laid on white.
        garments: Fashion-MNIST's, or None to learn from the photos alone.
        card: Says the size.
        plan: How long and how hard.
        measure: Called after each epoch; what it returns goes into the history.
        teachers: Of "photos", of "published" pictures, or of both: each says what it sees there,
            too. Where there is none, the labels alone count.
        checkpoints: Folder for the last epoch's weights; None keeps none.
        say: Takes a line of progress after each epoch.

    Returns:
        Loss, figures and seconds of each epoch.

    Raises:
        ConfigError: The last checkpoint is further on than the plan, or Keras's backend cannot
            follow it.
        ModelError: A checkpoint cannot be written.
    """
    teachers, on_gpu = teachers or {}, has_gpu()
    weights = up_to_logits(model)
    part = from_bytes(weights, half=on_gpu)
    _compile(part, plan, on_gpu=on_gpu)
    learn = _flat_step(part, plan.flat) if plan.flat else part.train_on_batch
    history = _resume(part, checkpoints) if checkpoints else []
    if len(history) > plan.epochs:
        raise ConfigError(
            f"This training is {len(history)} epochs on already, more than the {plan.epochs} that "
            f"are asked for. Ask for more, or remove {checkpoints} to begin anew."
        )
    if history:
        weights.set_weights(part.get_weights())
        say(f"Going on after epoch {len(history)}.")
    if len(history) == plan.epochs:
        return history  # batches would lay out all pictures first
    step = len(history) * STEPS_PER_EPOCH
    _seed_dropout(part, plan, step)
    given = photos, on_white, garments, card, plan.mix, plan.seed, teachers
    with batches(*given, step) as coming:
        while len(history) < plan.epochs:
            started, loss = time.perf_counter(), []
            for arrays, targets, _ in islice(coming, STEPS_PER_EPOCH):
                part.optimizer.learning_rate.assign(rate_at(step, plan))
                loss.append(learn(arrays, targets))
                step += 1
            weights.set_weights(part.get_weights())
            seconds = time.perf_counter() - started
            history.append({"loss": float(np.mean(loss)), **measure(), "seconds": seconds})
            if checkpoints:
                _save_checkpoint(part, history, checkpoints)
            say(_progress(history, plan.epochs))
    return history


def _compile(part: Any, plan: Plan, *, on_gpu: bool) -> None:
    """Set AdamW (Loshchilov and Hutter 2017)."""
    import keras

    part.compile(
        optimizer=keras.optimizers.AdamW(0.0, weight_decay=plan.weight_decay, clipnorm=1.0),
        loss=any_of_loss,
        jit_compile=on_gpu,  # on a CPU, XLA takes minutes to compile and is no faster
    )


def _flat_step(part: Any, radius: float) -> Callable[[Any, Any], float]:
    """Return what learns from a batch as if the weights lay where they are worst, close by.

    Foret et al. 2021, "Sharpness-Aware Minimization": where the loss is low all around, other
    people's photos find it low too. How far is meant in relation to each weight (Kwon et al. 2021,
    "ASAM", with their 0.01 for weights near zero).

    Args:
        part: Compiled.
        radius: How far, in all weights together.

    Raises:
        ConfigError: Keras computes with something else than TensorFlow.
    """
    import keras

    if keras.backend.backend() != "tensorflow":
        raise ConfigError(
            "Flat steps need Keras on TensorFlow. Received KERAS_BACKEND="
            f"{keras.backend.backend()}. Unset it, or train without --flat."
        )
    import tensorflow as tf

    weights = part.trainable_variables

    def slope(arrays: Any, targets: Any) -> tuple[Any, list[Any]]:
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean(any_of_loss(targets, part(arrays, training=True)))
        return loss, tape.gradient(loss, weights)

    @tf.function  # type: ignore[untyped-decorator]
    def step(arrays: Any, targets: Any) -> Any:
        _, there = slope(arrays, targets)
        scales = [tf.abs(weight) + 0.01 for weight in weights]
        norm = tf.linalg.global_norm([s * g for s, g in zip(scales, there, strict=True)])
        away = [radius * s * s * g / (norm + 1e-12) for s, g in zip(scales, there, strict=True)]
        for weight, way in zip(weights, away, strict=True):
            weight.assign_add(way)
        loss, gradients = slope(arrays, targets)
        for weight, way in zip(weights, away, strict=True):
            weight.assign_sub(way)
        part.optimizer.apply_gradients(zip(gradients, weights, strict=True))
        return loss

    return lambda arrays, targets: float(step(tf.constant(arrays), tf.constant(targets)))


def rate_at(step: int, plan: Plan) -> float:
    """Return the learning rate of a step, of all that the plan has.

    Up, level, down (Hägele et al. 2024): the level part does not know how long it lasts.
    """
    steps = plan.epochs * STEPS_PER_EPOCH
    return plan.peak_rate * min((step + 1) / _WARM_UP, (steps - step) / (steps * _FALL), 1)


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
    newest = _weights_of(folder, len(history))
    written = folder / "history.json.new"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        part.save_weights(newest)
        written.write_text(json.dumps(history, indent=2))
        written.replace(folder / "history.json")
        for older in set(folder.glob("*.weights.h5")) - {newest}:
            older.unlink()
    except OSError as error:
        raise ModelError(f"The checkpoint in {folder} cannot be written: {error}.") from error


def _resume(part: Any, folder: Path) -> list[dict[str, float]]:
    """Load the last checkpoint into the model; return the epochs that it has behind it."""
    if not (folder / "history.json").exists():
        return []
    history: list[dict[str, float]] = json.loads((folder / "history.json").read_text())
    part.optimizer.build(part.trainable_variables)
    part.load_weights(_weights_of(folder, len(history)))
    return history


def _seed_dropout(part: Any, plan: Plan, step: int) -> None:
    """Let Dropout draw what belongs to seed and step: Keras 3.15 keeps neither in its files."""
    *_, inner = part.layers
    draws = step * (2 if plan.flat else 1)
    for place, layer in enumerate(inner.layers):
        generator = getattr(layer, "seed_generator", None)
        if generator is not None:
            generator.state.assign(np.array([plan.seed + place, draws], generator.state.dtype))


def _weights_of(folder: Path, epochs: int) -> Path:
    return folder / f"epoch-{epochs:03}.weights.h5"
