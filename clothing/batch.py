"""The run: every photo of a container walks from its bytes to a row in the tables.

Owns the order of the steps and their overlap. A batch walks in one thread, photo by photo and then
through the model; while one waits for the storage, others use the cores, and what is done is saved
behind them. Nothing piles up between two steps, so memory is the same for ten photos and for ten
million. It never reads a setting.
"""

import logging
import os
import threading
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from itertools import islice
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from clothing.classifier import Classifier
from clothing.errors import ClothingError, PhotoError, StorageError, StoreError
from clothing.photos import Counts, Failure, Outcome, Photo, Run, Stage, predictions_of
from clothing.preprocess import fault_of, preprocess, working_side
from clothing.sandbox import Decoder
from clothing.storage import Container
from clothing.store import Store
from clothing.words import internal_error

log = logging.getLogger(__name__)

_Item = TypeVar("_Item")
_Made = TypeVar("_Made")

HEARTBEAT_SECONDS = 5
"""How often a run shows that it lives; `store.STALE` is twelve times as long."""

LISTING_PAGE = 500
"""Photos that are looked up at once for an answer they may have."""

REFUSALS = 8
"""Photos in a row that a storage may not give, before it is out of order and the run stops: one
that alone cannot be read must not cost the others their night."""


@dataclass(frozen=True, slots=True)
class Tuning:
    """How much happens at once.

    Attributes:
        batch_size: Photos that walk together, and are saved in one transaction.
        download_threads: Batches on their way at once, each with one photo in memory.
        decode_threads: How many of those compute at once; more than there are cores is slower.
    """

    batch_size: int = 64
    download_threads: int = os.cpu_count() or 1
    decode_threads: int = os.cpu_count() or 1


@dataclass(slots=True)
class _Tally:
    """What a run has counted so far; threads read it, the run's own writes it."""

    listed: int = 0
    classified: int = 0
    failed: int = 0
    skipped: int = 0
    expected: int | None = None

    def add(self, outcomes: list[Outcome]) -> None:
        failed = sum(isinstance(outcome, Failure) for outcome in outcomes)
        self.failed += failed
        self.classified += len(outcomes) - failed

    @property
    def counts(self) -> Counts:
        return Counts(self.listed, self.classified, self.failed, self.skipped)


Progress = Callable[[Counts, int | None], None]
"""Told after every batch: the counts so far, and the photos expected in all if known."""

Batches = Generator[list[Outcome], None, None]

Engine = Callable[[Iterable[Photo], Container, Classifier, Tuning], Batches]
"""Where photos become outcomes: each photo given has one, in whichever order they come."""


def run_batch(
    store: Store,
    run: Run,
    container: Container,
    load: Callable[[], Classifier],
    tuning: Tuning,
    progress: Progress = lambda counts, expected: None,
    engine: Engine | None = None,
) -> Run:
    """Take an open run to its end: classify what has no answer yet, save, count, close.

    Args:
        store: Where the run is open and the outcomes go.
        run: As `Store.open_run` returned it.
        container: The photos.
        load: Gives the model; called once, so that its errors are the run's.
        tuning: How much happens at once.
        progress: Told after every batch.
        engine: Where the photos become outcomes; None for this computer.

    Returns:
        The run in its final state: "succeeded", or "failed" with the reason in `error`.

    Raises:
        StoreError: The database cannot be written; the run is closed if that at least can be.
        BaseException: The process is being stopped; the run is closed as "interrupted" first.
    """
    tally = _Tally()
    try:
        classifier = load()
        store.describe_run(run.run_id, classifier.version, classifier.card.preprocessing)
        described = store.run(run.run_id)
        photos = _unanswered(container.list_photos(run.prefix), store, described, tally)
        batches = (engine or here)(photos, container, classifier, tuning)
        _save(store, described, container, batches, tally, progress)
    except StoreError as error:
        with suppress(StoreError):
            store.close_run(run.run_id, "failed", tally.counts, str(error))
        raise
    except ClothingError as error:
        store.close_run(run.run_id, "failed", tally.counts, str(error))
    except Exception as error:
        store.close_run(run.run_id, "failed", tally.counts, internal_error(error))
        raise
    except BaseException:  # Ctrl-C, or SIGTERM
        store.close_run(run.run_id, "interrupted", tally.counts, "the run was stopped")
        raise
    else:
        _close(store, run.run_id, tally.counts)
    return store.run(run.run_id)


def here(
    photos: Iterable[Photo], container: Container, classifier: Classifier, tuning: Tuning
) -> Batches:
    """Classify photos of a container in threads of this process."""
    yield from classify(photos, container.download, classifier, tuning)


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
    cores = threading.BoundedSemaphore(tuning.decode_threads)
    with (
        Decoder(tuning.decode_threads) as decoder,
        _threads(tuning.download_threads, "walk") as pool,
    ):
        walk = Walk(download, decoder, classifier, cores)
        try:
            batches = batches_of(photos, tuning.batch_size)
            yield from _ahead(pool, walk, batches, 2 * tuning.download_threads)
        finally:
            walk.over.set()


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
        refused: Photos in a row that the storage did not give, for a reason that may pass.
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
            if not error.permanent:
                self.refused.append(photo)
            if len(self.refused) > REFUSALS:
                raise
            return Failure(photo, stage, str(error))


def _save(
    store: Store,
    run: Run,
    container: Container,
    batches: Batches,
    tally: _Tally,
    progress: Progress,
) -> None:
    """Count and save outcomes until there are no more; saving runs behind the next batch."""
    saved: Future[None] | None = None
    alive = _alive(store, run, container, tally)
    with alive, _threads(1, "save") as saver, closing(batches):
        for outcomes in batches:
            if saved:
                saved.result()
            tally.add(outcomes)
            saved = saver.submit(store.save, run, outcomes, tally.counts)
            progress(tally.counts, tally.expected)
        if saved:
            saved.result()


def _unanswered(photos: Iterable[Photo], store: Store, run: Run, tally: _Tally) -> Iterator[Photo]:
    """Yield the photos that this run has to open, and count those that it has not."""
    listing = iter(photos)
    while page := list(islice(listing, LISTING_PAGE)):
        answered: set[Photo] = set()
        if not run.force:
            answered = store.answered(page, str(run.model_version), str(run.preprocessing_version))
        tally.listed += len(page)
        tally.skipped += len(answered)
        yield from (photo for photo in page if photo not in answered)


def _close(store: Store, run_id: int, counts: Counts) -> None:
    """Close a run that came to its end: well if the counts add up, else with the numbers."""
    if counts.add_up:
        store.close_run(run_id, "succeeded", counts, None)
    else:
        store.close_run(run_id, "failed", counts, f"the counts do not add up: {counts}")


def batches_of(photos: Iterable[Photo], size: int) -> Iterator[list[Photo]]:
    """Yield photos in lists of a size; the last may be shorter."""
    listing = iter(photos)
    while batch := list(islice(listing, size)):
        yield batch


def _ahead(
    pool: ThreadPoolExecutor, step: Callable[[_Item], _Made], items: Iterable[_Item], window: int
) -> Iterator[_Made]:
    """Yield `step` of each item in order, worked on by a pool up to `window` items ahead."""
    waiting: deque[Future[_Made]] = deque()
    for item in items:
        waiting.append(pool.submit(step, item))
        if len(waiting) >= window:
            yield waiting.popleft().result()
    while waiting:
        yield waiting.popleft().result()


@contextmanager
def _threads(number: int, name: str) -> Iterator[ThreadPoolExecutor]:
    """Give a pool whose waiting work is dropped when the block ends early."""
    pool = ThreadPoolExecutor(number, thread_name_prefix=name)
    try:
        yield pool
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


@contextmanager
def _alive(store: Store, run: Run, container: Container, tally: _Tally) -> Iterator[None]:
    """While the block goes on, count the photos to come and show that the run lives."""
    over = threading.Event()

    def count() -> None:
        counted = 0
        with suppress(StorageError):  # the walk lists too, and that one stops the run
            for number in container.count_photos(run.prefix):
                if over.is_set():
                    return
                counted = number
            tally.expected = counted

    def beat() -> None:
        while not over.wait(HEARTBEAT_SECONDS):
            try:
                store.beat(run.run_id, tally.counts, tally.expected)
            except StoreError as error:  # a save meets it too, and that one stops the run
                log.warning("run %s: heartbeat: %s", run.run_id, error)

    threads = [threading.Thread(target=step, name=step.__name__) for step in (count, beat)]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        over.set()
        for thread in threads:
            thread.join()
