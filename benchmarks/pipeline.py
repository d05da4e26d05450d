"""What the benchmarks call of the package: the only module here that knows its names.

Owns no measurement. A change of the pipeline costs a line here, and the scenarios stay.
"""

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from clothing import parts
from clothing.batch import run_batch
from clothing.card import Card
from clothing.classifier import Classifier
from clothing.config import PROJECT
from clothing.model import load_classifier
from clothing.parts import MODEL_CACHE
from clothing.photos import Counts, Outcome, Photo, Run, predictions_of
from clothing.preprocess import decode, fault_of, preprocess, working_side
from clothing.storage import Container, FolderContainer
from clothing.store import Store
from clothing.walk import Tuning
from clothing.workers import AFTER, in_workers

CORES = os.cpu_count() or 1
BATCH = Tuning().batch_size
"""Photos that a run saves in one transaction."""

ALL_AT_WORK = 2 * AFTER * BATCH
"""With so many photos behind it, a run has all of its processes at work, however large the photos:
it starts them for the sake of half as many."""

HERE = Tuning()
"""How much happens at once where photos lie in folders."""

FROM_AZURE = replace(HERE, download_threads=parts.FROM_AZURE)
"""The same where they come from Azure."""

MODEL = PROJECT / "model" / "clothing_model.keras"
COMPILED = MODEL.with_suffix(".tflite")

STEPS = {
    "decode": "decode",
    "preprocess": "preprocess",
    "fault_of": "look for faults",
    "predict": "network",
    "predictions_of": "make rows",
    "save": "save",
    "answered": "look up what is done",
    "list_photos": "list",
    "download": "read",
}
"""What a profile calls the functions of the walk."""


def load() -> Classifier:
    """Return the shipped model as the service has it."""
    return load_classifier(FolderContainer("model", MODEL.parent), MODEL.name, MODEL_CACHE)


@cache
def card() -> Card:
    """Return the facts about the shipped model."""
    return Card.from_json(MODEL.with_suffix(".json").read_bytes())


def shorter_side() -> int:
    """Return the pixels of a photo's shorter side that a run decodes at least."""
    return working_side(card())


def folder(path: Path) -> Container:
    """Return a folder of photos as a container."""
    return FolderContainer("images", path)


def azure(connection_string: str, name: str = "images") -> Container:
    """Return a container of a storage account, with a connection for each thread of a run."""
    from clothing.azure_storage import AzureAccount  # 1 s and 30 MB: only who asks Azure pays

    connections = FROM_AZURE.download_threads
    account = AzureAccount.from_connection_string(connection_string, connections=connections)
    return account.container(name)


@contextmanager
def store(database: Path) -> Iterator[Store]:
    """Give a store whose tables are there."""
    opened = Store(f"sqlite:///{database.as_posix()}")
    opened.ready()
    try:
        yield opened
    finally:
        opened.dispose()


def walk(
    kept: Store,
    container: Container,
    load: Callable[[], Classifier],
    expected: int,
    tuning: Tuning = HERE,
    tell: Callable[[int], None] = lambda classified: None,
) -> Counts:
    """Take one run to its end as the service does, and return its counts.

    After each batch `tell` gets how many photos are classified.

    Raises:
        RuntimeError: It did not end well, or not every photo has an answer.
    """
    opened = kept.open_run("benchmark")
    run = run_batch(
        kept,
        opened,
        container,
        load,
        tuning,
        progress=lambda counts, _: tell(counts.classified),
        engine=in_workers,
    )
    counts = run.counts
    if run.status != "succeeded" or counts.failed or counts.listed != expected:
        raise RuntimeError(
            f"A run over {expected} photos must answer them all. Received: {run.status}, "
            f"{counts}, {run.error or 'no error'}."
        )
    return counts


def array_of(
    content: bytes, card: Card, out: NDArray[np.float32] | None = None
) -> tuple[NDArray[np.float32], str]:
    """Return what the network takes of a photo, (height, width, channels), and its fault."""
    image = decode(content, working_side(card))
    return preprocess(image, card, out), fault_of(image)


def arrays_of(contents: Sequence[bytes], card: Card) -> tuple[NDArray[np.float32], list[str]]:
    """Return what the network takes of photos, (n, height, width, channels), and their faults."""
    batch = np.empty((len(contents), card.height, card.width, card.channels), np.float32)
    return batch, [array_of(one, card, batch[at])[1] for at, one in enumerate(contents)]


class Keeper:
    """Saves what another program than ours has predicted, in a run as ours does.

    Args:
        kept: Where to.
        classifier: Whose version and card the run names; it is not asked.
    """

    def __init__(self, kept: Store, version: str, card: Card) -> None:
        self._store, self._card = kept, card
        number = kept.open_run("benchmark").run_id
        kept.describe_run(number, version, card.preprocessing)
        self._run: Run = kept.run(number)
        self.saved = 0

    def save(
        self,
        photos: Sequence[Photo],
        probabilities: NDArray[np.float32],
        faults: Sequence[str] | None = None,
    ) -> None:
        """Save a batch; rows of (n, categories)."""
        outcomes: list[Outcome] = [*predictions_of(photos, probabilities, self._card, faults)]
        self.saved += len(outcomes)
        self._store.save(self._run, outcomes, Counts(self.saved, self.saved))

    def close(self) -> None:
        """Bring the run to its end."""
        counts = Counts(self.saved, self.saved)
        self._store.close_run(self._run.run_id, "succeeded", counts, None)


class _Constant:
    """A classifier that looks at nothing: the same answer for every photo."""

    version = "constant"

    def __init__(self) -> None:
        self.card = card()
        self._row = np.full(len(self.card.labels), 0.01, np.float32)
        self._row[0] = 1 - self._row[1:].sum()

    def predict(self, batch: NDArray[np.float32]) -> NDArray[np.float32]:
        return np.tile(self._row, (len(batch), 1))


def constant() -> Classifier:
    """Return a classifier that costs nothing: what is left is listing, look-up and saving."""
    return cast(Classifier, cast(Any, _Constant()))
