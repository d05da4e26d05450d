"""The run: every photo of a container has an outcome, and every outcome a row.

Owns what a run is: it lists, looks up what is done, has an engine walk the rest, saves behind the
next batch, counts, shows that it lives, and comes to a final state. It never reads a setting.
"""

import logging
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from itertools import islice

from clothing.classifier import Classifier
from clothing.errors import ClothingError, StorageError, StoreError
from clothing.photos import Counts, Failure, Outcome, Photo, Run
from clothing.stopping import heed, returned_by
from clothing.storage import Container
from clothing.store import Store
from clothing.walk import Batches, Engine, Tuning, here, threads
from clothing.words import internal_error

log = logging.getLogger(__name__)

HEARTBEAT_SECONDS = 5
"""How often a run shows that it lives; `store.STALE` is twelve times as long."""

LISTING_PAGE = 500
"""Photos that are looked up at once for an answer they may have."""


@dataclass(slots=True)
class _Tally:
    """What a run has counted so far; threads read it, the run's own writes it, but for `saved`.

    Attributes:
        saved: Of those classified and failed, how many are in the tables; both at once.
    """

    listed: int = 0
    classified: int = 0
    failed: int = 0
    skipped: int = 0
    expected: int | None = None
    saved: tuple[int, int] = (0, 0)

    def add(self, outcomes: list[Outcome]) -> None:
        failed = sum(isinstance(outcome, Failure) for outcome in outcomes)
        self.failed += failed
        self.classified += len(outcomes) - failed

    @property
    def counts(self) -> Counts:
        return Counts(self.listed, self.classified, self.failed, self.skipped)

    @property
    def kept(self) -> Counts:
        """The counts as the tables bear them out: a save may be under way, or have failed."""
        return Counts(self.listed, *self.saved, self.skipped)


Progress = Callable[[Counts, int | None], None]
"""Told after every batch: the counts so far, and the photos expected in all if known."""


def run_batch(
    store: Store,
    run: Run,
    container: Container,
    load: Callable[[], Classifier],
    tuning: Tuning,
    progress: Progress = lambda counts, expected: None,
    engine: Engine = here,
) -> Run:
    """Take an open run to its end: classify what has no answer yet, save, count, close.

    Args:
        store: Where the run is open and the outcomes go.
        run: As `Store.open_run` returned it.
        container: The photos.
        load: Gives the model; called once, so that its errors are the run's.
        tuning: How much happens at once.
        progress: Told after every batch.
        engine: Where the photos become outcomes.

    Returns:
        The run in its final state: "succeeded", or "failed" with the reason in `error`.

    Raises:
        StoreError: The database cannot be written; the run is closed if that at least can be.
        BaseException: The process is being stopped; the run is closed as "interrupted" first.
    """
    tally = _Tally()
    try:
        with _beating(store, run, tally):
            classifier = load()
            store.describe_run(run.run_id, classifier.version, classifier.card.preprocessing)
            described = store.run(run.run_id)
            photos = _unanswered(container.list_photos(run.prefix), store, described, tally)
            batches = engine(photos, container, classifier, tuning)
            with _counting(container, run.prefix, tally):
                _save(store, described, batches, tally, progress)
    except StoreError as error:
        with suppress(StoreError):
            store.close_run(run.run_id, "failed", tally.kept, str(error))
        raise
    except ClothingError as error:
        store.close_run(run.run_id, "failed", tally.kept, str(error))
    except Exception as error:
        store.close_run(run.run_id, "failed", tally.kept, internal_error(error))
        raise
    except BaseException:  # Ctrl-C, or SIGTERM
        store.close_run(run.run_id, "interrupted", tally.kept, "the run was stopped")
        raise
    else:
        _close(store, run.run_id, tally.counts)
    return store.run(run.run_id)


def _save(store: Store, run: Run, batches: Batches, tally: _Tally, progress: Progress) -> None:
    """Count and save outcomes until there are no more; saving runs behind the next batch."""

    def save(outcomes: list[Outcome], counts: Counts) -> None:
        store.save(run, outcomes, counts)
        tally.saved = counts.classified, counts.failed

    saved: Future[None] | None = None
    with threads(1, "save") as saver, closing(batches):
        for outcomes in batches:
            if saved:
                returned_by(saved)
            tally.add(outcomes)
            saved = saver.submit(save, outcomes, tally.counts)
            progress(tally.counts, tally.expected)
        if saved:
            returned_by(saved)


def _unanswered(photos: Iterable[Photo], store: Store, run: Run, tally: _Tally) -> Iterator[Photo]:
    """Yield the photos that this run has to open, and count those that it has not."""
    listing = iter(photos)
    while page := list(islice(listing, LISTING_PAGE)):
        heed()
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


@contextmanager
def _beating(store: Store, run: Run, tally: _Tally) -> Iterator[None]:
    """While the block goes on, show that the run lives: its model alone may take minutes."""

    def beat(over: threading.Event) -> None:
        while not over.wait(HEARTBEAT_SECONDS):
            try:
                store.beat(run.run_id, tally.kept, tally.expected)
            except StoreError as error:  # a save meets it too, and that one stops the run
                log.warning("run %s: heartbeat: %s", run.run_id, error)

    with _beside(beat):
        yield


@contextmanager
def _counting(container: Container, prefix: str, tally: _Tally) -> Iterator[None]:
    """While the block goes on, count the photos to come."""

    def count(over: threading.Event) -> None:
        counted = 0
        with suppress(StorageError):  # the walk lists too, and that one stops the run
            for number in container.count_photos(prefix):
                if over.is_set():
                    return
                counted = number
            tally.expected = counted

    with _beside(count):
        yield


@contextmanager
def _beside(step: Callable[[threading.Event], None]) -> Iterator[None]:
    """Have a thread do something beside the block; it is told when that is over, and ends first."""
    over = threading.Event()
    thread = threading.Thread(target=step, args=(over,), name=step.__name__)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
