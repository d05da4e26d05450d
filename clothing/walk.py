"""The walk: a batch of photos on its way from bytes to outcomes, several batches at once.

Owns the order of the steps and how they overlap. A batch walks in one thread, photo by photo and
then through the model; while one waits for the storage, others use the cores. Nothing piles up
between two steps, so memory is the same for ten photos and for ten million. It knows no run, no
table and no setting.
"""

import math
import os
import threading
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import islice
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from clothing.classifier import Classifier
from clothing.errors import PhotoError, StorageError
from clothing.photos import Failure, Outcome, Photo, Stage, predictions_of
from clothing.preprocess import fault_of, preprocess, working_side
from clothing.sandbox import Decoder
from clothing.stopping import returned_by
from clothing.storage import Container

REFUSALS = 8
"""Photos in a row that a storage may not give, before it is out of order and the run stops: one
that alone cannot be read must not cost the others their night."""


BATCH_BYTES = 16 * 2**20
"""Content of a batch: large photos take long, and the cores shall share them to the very end."""

_LEAST = 8  # photos of a batch near the end; the network takes fewer at once no faster


@dataclass(frozen=True, slots=True)
class Tuning:
    """How much happens at once.

    Attributes:
        batch_size: Photos that walk together, and are saved in one transaction; if they are large,
            fewer do.
        download_threads: Batches on their way at once, each with one photo in memory.
        decode_threads: How many of those compute at once; more than there are cores is slower.
    """

    batch_size: int = 64
    download_threads: int = os.cpu_count() or 1
    decode_threads: int = os.cpu_count() or 1


Batches = Generator[list[Outcome], None, None]
"""Outcomes by batch; whoever waits for no more of them closes it."""

Engine = Callable[[Iterable[Photo], Container, Classifier, Tuning], Batches]
"""Where photos become outcomes: each photo given has one, in whichever order they come."""


def classify(
    photos: Iterable[Photo],
    download: Callable[[Photo], bytes],
    classifier: Classifier,
    tuning: Tuning,
) -> Iterator[list[Outcome]]:
    """Yield the outcomes of photos, a batch at a time and in their order.

    Args:
        photos: Taken as they are needed, a little ahead of the model.
        download: Gives the content of one, as `Container.download` does.
        classifier: The model.
        tuning: How much happens at once.

    Yields:
        Outcomes of up to `batch_size` photos, failures among them; every photo has one.
    """
    with Decoder(tuning.decode_threads) as decoder:
        cores = threading.BoundedSemaphore(tuning.decode_threads)
        walk = Walk(download, decoder, classifier, cores)
        yield from ahead(walk, batches_of(photos, tuning), tuning)


def here(
    photos: Iterable[Photo], container: Container, classifier: Classifier, tuning: Tuning
) -> Batches:
    """Classify photos of a container in threads of this process."""
    yield from classify(photos, container.download, classifier, tuning)


@dataclass(frozen=True, slots=True)
class Walk:
    """The way of one batch from container to outcomes; several walk it at once.

    All engines walk it, so an answer is the same wherever it was found.

    Attributes:
        download: Gives the content of a photo.
        decoder: Makes an image of it, and outlives those that cannot be decoded.
        classifier: The model.
        cores: One for each batch that may compute now; to wait for the storage takes none.
        over: Set when nobody waits for the outcomes any more.
        refused: Photos in a row that the storage did not give, whether or not that may pass: the
            key of an account is changed for all of them.
    """

    download: Callable[[Photo], bytes]
    decoder: Decoder
    classifier: Classifier
    cores: threading.BoundedSemaphore
    over: threading.Event = field(default_factory=threading.Event)
    refused: list[Photo] = field(default_factory=list)

    def __call__(self, batch: Sequence[Photo]) -> list[Outcome]:
        """Return the outcomes of a batch in its order; each photo has one."""
        card = self.classifier.card
        shape = (len(batch), card.height, card.width, card.channels)
        arrays = np.empty(shape, np.float32)  # the usable photos' come first
        usable: list[Photo] = []
        faults: list[str] = []
        outcomes: dict[Photo, Outcome] = {}
        for photo in batch:
            if self.over.is_set():
                return []
            fault = self._load(photo, arrays[len(usable)])
            if isinstance(fault, Failure):
                outcomes[photo] = fault
            else:
                usable.append(photo)
                faults.append(fault)
        if usable:
            with self.cores:
                probabilities = self.classifier.predict(arrays[: len(usable)])  # (n, categories)
            for prediction in predictions_of(usable, probabilities, card, faults):
                outcomes[prediction.photo] = prediction
        return [outcomes[photo] for photo in batch]

    def stop(self) -> None:
        """Open no further photo: nobody waits for outcomes any more."""
        self.over.set()

    def _load(self, photo: Photo, array: NDArray[np.float32]) -> str | Failure:
        """Fill the array of one photo; return why nobody could tell what is on it, or ""."""
        stage: Stage = "download"
        try:
            content = self.download(photo)
            self.refused.clear()
            with self.cores:
                stage = "decode"
                image = self.decoder.decode(content, working_side(self.classifier.card))
                stage = "preprocess"
                preprocess(image, self.classifier.card, array)
                return fault_of(image)
        except PhotoError as error:
            return Failure(photo, stage, str(error))
        except StorageError as error:
            self.refused.append(photo)
            if len(self.refused) > REFUSALS:
                raise
            return Failure(photo, stage, str(error))


def batches_of(photos: Iterable[Photo], tuning: Tuning) -> Iterator[list[Photo]]:
    """Yield photos in batches, smaller ones towards the end; one of large photos is small, too.

    Of batches that walk side by side the last one would else have one core, and the others would
    wait for it ("guided self-scheduling", Polychronopoulos and Kuck 1987).

    Args:
        photos: Taken as far ahead as batches are on their way.
        tuning: How large a batch is, and how many walk at once.
    """
    source, at_once = iter(photos), tuning.download_threads
    waiting = deque(islice(source, tuning.batch_size * at_once))
    while waiting:
        most = min(tuning.batch_size, max(_LEAST, math.ceil(len(waiting) / at_once)))
        batch: list[Photo] = []
        weight = 0
        while waiting and len(batch) < most and weight < BATCH_BYTES:
            batch.append(waiting.popleft())
            weight += batch[-1].size
        yield batch
        waiting.extend(islice(source, len(batch)))


class Step(Protocol):
    """What is done with a batch, in several threads at once."""

    def __call__(self, batch: list[Photo], /) -> list[Outcome]:
        """Return the outcomes of a batch in its order."""

    def stop(self) -> None:
        """End what goes on: nobody waits for outcomes any more."""


def ahead(step: Step, batches: Iterable[list[Photo]], tuning: Tuning) -> Iterator[list[Outcome]]:
    """Yield the outcomes of batches in order, worked on by threads a window ahead."""
    window = 2 * tuning.download_threads
    waiting: deque[Future[list[Outcome]]] = deque()
    with threads(tuning.download_threads, "walk") as pool:
        try:
            for batch in batches:
                waiting.append(pool.submit(step, batch))
                if len(waiting) >= window:
                    yield returned_by(waiting.popleft())
            while waiting:
                yield returned_by(waiting.popleft())
        finally:
            step.stop()


@contextmanager
def threads(number: int, name: str) -> Iterator[ThreadPoolExecutor]:
    """Give a pool whose waiting work is dropped when the block ends early."""
    pool = ThreadPoolExecutor(number, thread_name_prefix=name)
    try:
        yield pool
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
