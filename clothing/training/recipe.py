"""The recipe: from labelled photos to `clothing_model.keras` and its card.

    python -m clothing.training --photos DIR --labels CSV

Read it from top to bottom: gather the pictures, split them by who took them, train, calibrate on
photos that were held out, measure on others, write. `model.ipynb` calls the same functions and
shows what they do. The service never imports this; TensorFlow is imported only inside functions.
"""

import csv
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from zipfile import ZIP_DEFLATED, ZipFile

import numpy as np
from numpy.typing import NDArray

from clothing.card import WHOLE_IN_COLOUR, Card
from clothing.classifier import tempered
from clothing.compile import compile_in_child
from clothing.errors import ConfigError, ModelError
from clothing.labelled import Labelled
from clothing.labels import CATEGORIES
from clothing.model import sha256_of
from clothing.training.adapter import adapter_alone, set_gate
from clothing.training.calibrate import (
    calibrate_temperature,
    choose_thresholds,
    confidence_of,
    measure,
    rounded,
)
from clothing.training.fit import Plan, Say, train
from clothing.training.pictures import (
    Pictures,
    Split,
    as_served,
    halves_of,
    laid_on_white,
    load_fashion_mnist,
    load_photos,
    of_people,
    on_white,
    refuse_unknown_categories,
    split_by_sender,
    taking_turns,
)
from clothing.training.teacher import Teacher

CARD = Card(
    name="clothing-lite",
    height=112,
    width=80,
    channels=3,
    preprocessing=WHOLE_IN_COLOUR,
    output="probabilities",
)
"""What the network is before it is trained; the rest of the card's facts follow from training."""

FASHION_MNIST = "Fashion-MNIST (Zalando Research, MIT licence)"

_THEN = "; then "

OPENCV = "cv2"
"""The service does without it."""

HELD_OUT = 0.12
"""Share of the photos for validation, and again for the test."""

VALIDATION_GARMENTS = 5_000
"""Of Fashion-MNIST's 60,000; no weight learns from them."""

CALIBRATES_FROM = 100
"""Validation photos from which they say how sure the network may sound. Drawn from a network that
is calibrated already, 100 found its temperature to a tenth four times in five, 8 anything from 0.2
to 1.8."""

_WATCHED = 1_000  # of those, measured after each epoch
_AT_ONCE = 256


Looked = dict[str, tuple[Pictures, Path | None]]
"""Pictures to measure on, by name, and the folder that they are in, if any."""


@dataclass(frozen=True, slots=True)
class Gathered:
    """Everything that training needs, decoded.

    Attributes:
        photos: Split by who took them.
        on_white: The garments of those to learn from, cut out and laid on white.
        garments: Fashion-MNIST, or None.
        folder: Where the photos are.
    """

    photos: Split
    on_white: Pictures
    garments: Split | None
    folder: Path


def gather(
    folder: Path,
    labels: Path,
    card: Card,
    *,
    garments: bool,
    seed: int,
    teacher: Teacher | None = None,
    half: int | None = None,
    turns: Sequence[int] = (),
) -> Gathered:
    """Load and split the pictures; the photos as large as the teacher sees them, if there is one.

    Args:
        folder: Where the photos are.
        labels: CSV of what they show.
        card: Says the size.
        garments: Whether Fashion-MNIST's pictures are wanted too.
        seed: Draws who is held out.
        teacher: Who sees the photos in the largest size.
        half: 1 or 2 to learn from half of the people alone.
        turns: 1, 2 or both to learn from halves of the people held out for validation, too.

    Raises:
        ConfigError: They cannot be learned from; the message says why.
        ModelError: OpenCV is not installed.
    """
    _refuse_without_opencv()
    seen = teacher.card if teacher else card
    photos = split_by_sender(load_photos(folder, labels, seen), HELD_OUT, seed)
    for name, side in zip(photos._fields, photos, strict=True):
        if not len(side.inside.names):
            raise ConfigError(
                "Photos of at least three people are needed: to learn from, to choose by, and to "
                f"measure with. Received none in one of the ten categories for {name}, of "
                f"{sum(len(s.names) for s in photos)} photos by "
                f"{sum(len(set(s.senders.tolist())) for s in photos)} people in all. If nobody "
                "knows who took them, leave the column sender out."
            )
    if half:
        people = halves_of(photos.training.senders)[half - 1]
        photos = photos._replace(training=of_people(photos.training, people))
    if turns:
        photos = taking_turns(photos, turns)
    published = load_fashion_mnist(card, VALIDATION_GARMENTS) if garments else None
    refuse_unknown_categories([photos.training, *([published.training] if published else [])])
    return Gathered(photos, laid_on_white(photos.training), published, folder)


def _refuse_without_opencv() -> None:
    """Say what to install before anything is read."""
    if find_spec(OPENCV) is None:
        raise ModelError(
            "Training changes pictures with OpenCV, which is not installed. Install "
            "requirements-dev.txt."
        )


def fit(
    model: Any,
    gathered: Gathered,
    card: Card,
    plan: Plan,
    *,
    teachers: Mapping[str, Teacher] | None = None,
    checkpoints: Path | None = None,
    say: Say = print,
) -> list[dict[str, float]]:
    """Train the model in place, and watch it on the validation pictures after each epoch.

    Returns:
        The history, as `train` does.
    """
    watched: Looked = {"photos": (gathered.photos.validation.inside, gathered.folder)}
    if gathered.garments:
        some = gathered.garments.validation.some(slice(_WATCHED))
        watched["fashion_mnist"] = (some, None)
    served = {name: as_served(some, folder, card) for name, (some, folder) in watched.items()}

    def look() -> dict[str, float]:
        return {
            name: float(confidence_of(answers(model, arrays), watched[name][0].allowed)[1].mean())
            for name, arrays in served.items()
        }

    garments = gathered.garments.training if gathered.garments else None
    return train(
        model,
        gathered.photos.training,
        gathered.on_white,
        garments,
        card,
        plan,
        measure=look,
        teachers=teachers,
        checkpoints=checkpoints,
        say=say,
    )


@contextmanager
def adapting(model: Any, gathered: Gathered, seed: int) -> Iterator[None]:
    """Let Fashion-MNIST's adapter learn, and nothing else, for as long as this lasts.

    Args:
        model: With an adapter; its gate is set first.
        gathered: Fashion-MNIST, for which the gate is to be open, and photos, for which shut.
        seed: Draws those by which it is set.

    Raises:
        ModelError: Fashion-MNIST was not gathered.
    """
    if gathered.garments is None:
        raise ModelError("An adapter learns from Fashion-MNIST's pictures. Gather these, too.")
    photos, on_white = gathered.photos.training.arrays, gathered.on_white.arrays
    set_gate(model, photos, on_white, gathered.garments.training.arrays, seed)
    with adapter_alone(model):
        yield


def answers(model: Any, arrays: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the model's probabilities, not calibrated; (n, h, w, 3) → (n, 10)."""
    probabilities = np.empty((len(arrays), model.output_shape[1]), np.float32)
    for first in range(0, len(arrays), _AT_ONCE):
        some = slice(first, first + _AT_ONCE)
        # Batches are of one size, for which a GPU's compiler then works once.
        batch = np.zeros((_AT_ONCE, *arrays.shape[1:]), np.float32)
        batch[: len(arrays[some])] = arrays[some]
        probabilities[some] = model.predict_on_batch(batch)[: len(arrays[some])]
    return probabilities


def answers_in_turn(
    models: Sequence[Any], gathered: Gathered, pictures: Pictures, arrays: NDArray[np.float32]
) -> NDArray[np.float32]:
    """Return what is said of people held out for validation by who has not learned from them.

    Args:
        models: The one model; or two, which have learned from the first and the second half of
            these people, so that each is asked about the others.
        gathered: Says who is held out.
        pictures: Validation photos.
        arrays: The same as served, (n, h, w, 3).

    Returns:
        Probabilities, not calibrated; (n, 10).
    """
    probabilities = answers(models[0], arrays)
    if len(models) > 1:
        known, _ = halves_of(gathered.photos.validation.senders)
        theirs = np.isin(pictures.senders, sorted(known))
        probabilities[theirs] = answers(models[1], arrays[theirs])
    return probabilities


def finish_card(model: Any, card: Card, gathered: Gathered, in_turn: Sequence[Any] = ()) -> Card:
    """Return the card with temperature and thresholds, and with what the test then showed.

    Temperature and thresholds come from the validation photos. Too few photos say nothing of
    either: what the network that training began with was given, stays; a new one's thresholds then
    come from Fashion-MNIST's validation pictures.

    Args:
        model: Trained.
        card: Of what training began with.
        gathered: The pictures.
        in_turn: For a model that has learned from validation photos, the two that have learned from
            a half of these each, and say in its place how sure it may sound.
    """
    asked = in_turn or [model]
    if calibrates(gathered) or not card.training_data:
        card = _calibrated(model, card, gathered, asked)
    return replace(card, metrics=_metrics(model, card, gathered, asked))


def calibrates(gathered: Gathered) -> bool:
    """Return True if there are enough validation photos to set temperature and thresholds."""
    return len(gathered.photos.validation.inside.names) >= CALIBRATES_FROM


def _calibrated(model: Any, card: Card, gathered: Gathered, asked: Sequence[Any]) -> Card:
    temperature = 1.0
    if calibrates(gathered):
        shown = gathered.photos.validation
        served = as_served(shown, gathered.folder, card)
        probabilities = answers_in_turn(asked, gathered, shown, served)
        inside = ~shown.allowed[:, -1]
        temperature = calibrate_temperature(probabilities[inside], shown.allowed[inside])
    elif gathered.garments:
        shown = gathered.garments.validation
        probabilities = answers(model, as_served(shown, None, card))
    else:
        return replace(card, temperature=1.0, thresholds=dict.fromkeys(CATEGORIES, 1.0))
    probabilities = tempered(probabilities, temperature)
    thresholds = choose_thresholds(probabilities, shown.allowed, shown.senders)
    return replace(card, temperature=temperature, thresholds=thresholds)


def _metrics(
    model: Any, card: Card, gathered: Gathered, asked: Sequence[Any]
) -> Mapping[str, float]:
    looked_at: Looked = {
        "photos_validation": (gathered.photos.validation, gathered.folder),
        "photos_test": (gathered.photos.test, gathered.folder),
    }
    for name, (photos, _) in list(looked_at.items()):
        looked_at[f"{name}_on_white"] = (on_white(photos, gathered.folder, card), None)
    if gathered.garments:
        looked_at["fashion_mnist_test"] = (gathered.garments.test, None)
    metrics: dict[str, float] = {}
    for name, (pictures, folder) in looked_at.items():
        if (~pictures.allowed[:, -1]).any():
            served, is_validation = as_served(pictures, folder, card), "validation" in name
            models = asked if is_validation else [model]
            probabilities = answers_in_turn(models, gathered, pictures, served)
            metrics |= rounded(measure(probabilities, pictures.allowed, card), name)
    return metrics


def provenance(before: str, gathered: Gathered) -> str:
    """Return in words what the network has seen; what it has seen in two trainings, once.

    Args:
        before: The same of what training began with; empty if that had seen nothing.
        gathered: What it has learned from since.
    """
    photos = gathered.photos.training
    people = len(set(photos.senders.tolist()))
    learned = f"{len(photos.names):,} labelled photos by {people} senders"
    if gathered.garments:
        garments = len(gathered.garments.training.names)
        learned += f" and {garments:,} training pictures of {FASHION_MNIST}"
    return _THEN.join(dict.fromkeys([*filter(None, before.split(_THEN)), learned]))


def write_model(model: Any, card: Card, destination: Path) -> Card:
    """Write the `.keras`, its compiled form, and the card that names both hashes.

    Args:
        model: Trained.
        card: Everything but the hashes.
        destination: The `.keras`; the others lie beside it. What is there already is replaced.

    Returns:
        The card as written.
    """
    destination.parent.mkdir(parents=True, exist_ok=True)
    model.save(destination)
    _compress(destination)
    compiled = destination.with_suffix(".tflite")
    compile_in_child(destination.resolve(), compiled.resolve(), card)
    digests = [sha256_of(path.read_bytes()) for path in (destination, compiled)]
    card = replace(card, sha256=digests[0], compiled_sha256=digests[1])
    destination.with_suffix(".json").write_text(card.to_json(), encoding="utf-8")
    return card


def _compress(path: Path) -> None:
    """Write a `.keras` smaller: Keras compresses nothing, and each small layer has much nothing."""
    with ZipFile(path) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    with ZipFile(path, "w", ZIP_DEFLATED) as archive:
        for name, part in parts.items():
            archive.writestr(name, part)


def write_test_labels(labelled: Sequence[Labelled], gathered: Gathered, destination: Path) -> None:
    """Write what people said of the photos that nothing was learned from or chosen by.

    `evaluate` and `model compare` are honest on these only.
    """
    held_out = set(gathered.photos.test.names.tolist())
    with destination.open("w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["file", "category", "sender"])
        rows.writerows(
            [row.file, row.category, row.sender] for row in labelled if row.file in held_out
        )
