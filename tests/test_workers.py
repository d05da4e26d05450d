"""The walk in processes: real ones that are killed, crash on a photo, and never outlive the run."""

import os
import pickle
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any
from unittest.mock import patch

import psutil
import pytest

from clothing import workers
from clothing.batch import run_batch
from clothing.classifier import Classifier
from clothing.config import PROJECT
from clothing.errors import EngineError, StorageError
from clothing.photos import Counts, Failure, Outcome, Photo, Prediction
from clothing.storage import Container, FolderContainer
from clothing.store import Store
from clothing.walk import Batches, Tuning, here
from clothing.workers import AFTER, in_workers
from tests import alive
from tests.alive import soon
from tests.pictures import jpeg

pytestmark = pytest.mark.slow

TUNING = Tuning(batch_size=4, download_threads=3, decode_threads=3)
MANY = 8 * TUNING.batch_size * AFTER

posix = pytest.mark.skipif(os.name != "posix", reason="Windows has no such signals")


@pytest.fixture
def many(tmp_path: Path) -> FolderContainer:
    """More photos than a run walks alone, a broken one among them."""
    folder = tmp_path / "many"
    folder.mkdir()
    colours = [jpeg(colour) for colour in ("red", "lime", "navy", "white")]
    for number in range(MANY):
        (folder / f"{number:04}.jpg").write_bytes(colours[number % 4])
    (folder / f"{MANY // 2:04}.jpg").write_bytes(colours[0][:200])
    return FolderContainer("images", folder)


class Deadly(FolderContainer):
    """A container with a photo that kills the worker which reads it, as a hole in a decoder might.

    The process of the test is spared.
    """

    killer = f"{MANY - 9:04}.jpg"

    def __init__(self, name: str, folder: Path) -> None:
        super().__init__(name, folder)
        self.spared = os.getpid()

    def download(self, photo: Photo) -> bytes:
        """Return the content of any other photo."""
        if photo.name == self.killer and os.getpid() != self.spared:
            os.kill(os.getpid(), signal.SIGKILL)
        return super().download(photo)


class Crowded(Deadly):
    """The same, but early, and the others take their time: many are with it when it kills."""

    killer = f"{MANY // 2 + 6:04}.jpg"  # of the first batches that workers get

    def __init__(self, name: str, folder: Path) -> None:
        super().__init__(name, folder)
        self.sign.unlink(missing_ok=True)

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Arrive in a worker, and leave a sign of that."""
        self.__dict__ |= state
        self.sign.touch()

    @property
    def sign(self) -> Path:
        """Where the sign lies."""
        return self.folder.parent / "arrived"

    def download(self, photo: Photo) -> bytes:
        """Return the content of any other photo slowly, where the test is once workers arrive."""
        if os.getpid() != self.spared:
            time.sleep(0.01 * (photo.name != self.killer))
        elif photo.name >= "0008.jpg":  # all threads here hold a batch, none the killer's
            assert soon(self.sign.exists)
            time.sleep(0.05)
        return super().download(photo)


class Unspeakable(Deadly):
    """A container that fails in workers with an error that does not arrive or not even leave."""

    def __init__(self, name: str, folder: Path, error: type[Exception]) -> None:
        super().__init__(name, folder)
        self.error = error

    def download(self, photo: Photo) -> bytes:
        """Return the content of a photo where the test is."""
        if os.getpid() != self.spared:
            raise self.error(photo.name)
        return super().download(photo)


class UnsentError(Exception):
    """It does not go away."""

    def __reduce__(self) -> str:
        raise TypeError("I stay")


class UnreadError(Exception):
    """It goes away and does not arrive, as one whose arguments are not its message's."""

    def __init__(self, name: str) -> None:
        super().__init__(name, "and more")


class Unsent(FolderContainer):
    """A container that does not travel."""

    def __reduce__(self) -> str:
        raise TypeError("I stay")


class Locked(Deadly):
    """A container that gives nothing to workers."""

    def download(self, photo: Photo) -> bytes:
        """Return the content of a photo where the test is."""
        if os.getpid() != self.spared:
            raise StorageError("the storage is closed", permanent=False)
        return super().download(photo)


def walked(
    container: FolderContainer, classifier: Classifier, tuning: Tuning = TUNING
) -> list[Outcome]:
    """Return the outcomes of all photos, once the workers had time to come to life."""
    return [one for batch in slowly(container, classifier, tuning) for one in batch]


def slowly(container: FolderContainer, classifier: Classifier, tuning: Tuning = TUNING) -> Batches:
    """Yield outcomes of photos that are listed slowly, so that workers walk the later ones."""
    yield from patient(container.list_photos(), container, classifier, tuning)


def patient(
    photos: Iterable[Photo], container: Container, classifier: Classifier, tuning: Tuning
) -> Batches:
    """Classify photos as `in_workers` does, but wait amid them until all workers live."""
    crews: list[workers._Crew] = []
    crew_of = workers._Crew

    def known(*given: Any) -> workers._Crew:
        crews.append(crew_of(*given))
        return crews[-1]

    def all_live() -> bool:
        started = len(children()) == tuning.decode_threads - 1
        return started and all(worker.is_ready(line) for worker, line in list(crews[0]._starting))

    def listed() -> Iterator[Photo]:
        for number, photo in enumerate(photos):
            if number == 4 * tuning.batch_size * AFTER:
                assert soon(all_live)
            yield photo

    with patch.object(workers, "_Crew", known):
        yield from in_workers(listed(), container, classifier, tuning)


def children() -> list[psutil.Process]:
    """Return the workers of this process."""
    return alive.children("clothing.worker")


def test_the_outcomes_are_those_of_the_walk_in_one_process(
    many: FolderContainer, classifier: Classifier
) -> None:
    alone = [one for batch in here(many.list_photos(), many, classifier, TUNING) for one in batch]

    assert walked(many, classifier) == alone
    assert len(alone) == MANY
    assert sum(isinstance(one, Failure) for one in alone) == 1
    assert soon(lambda: not children())


def test_a_short_run_starts_no_process(classifier: Classifier, images: FolderContainer) -> None:
    outcomes = [*in_workers(images.list_photos(), images, classifier, TUNING)]

    assert outcomes
    assert not children()


def test_one_core_starts_no_process(many: FolderContainer, classifier: Classifier) -> None:
    batches = in_workers(many.list_photos(), many, classifier, Tuning(4, 2, 1))

    assert sum(map(len, batches)) == MANY
    assert not children()


@posix
def test_workers_that_are_killed_cost_no_photo_its_answer(
    many: FolderContainer, classifier: Classifier
) -> None:
    killed = 0
    outcomes: list[Outcome] = []
    for batch in slowly(many, classifier):
        outcomes += batch
        if len(outcomes) > MANY // 2 and killed < 3 and (alive := children()):
            alive[0].kill()
            killed += 1

    assert killed == 3
    assert len(outcomes) == MANY
    assert sum(isinstance(one, Prediction) for one in outcomes) >= MANY - 1 - killed


@posix
def test_a_photo_that_kills_costs_itself(many: FolderContainer, classifier: Classifier) -> None:
    for _ in range(12):  # in one of three it is not a worker that reads it
        outcomes = walked(Deadly("images", many.folder), classifier)
        failures = {one.photo.name: one.reason for one in outcomes if isinstance(one, Failure)}
        assert failures.pop(f"{MANY // 2:04}.jpg")
        assert len(outcomes) == MANY
        if failures:
            break

    assert failures == {Deadly.killer: "the process that read it died"}


@posix
def test_a_photo_that_kills_costs_none_of_those_that_are_in_the_same_worker(
    many: FolderContainer, classifier: Classifier
) -> None:
    for _ in range(12):  # now and then it is not a worker that reads it
        outcomes = walked(Crowded("images", many.folder), classifier, Tuning(4, 12, 2))
        failed = {one.photo.name for one in outcomes if isinstance(one, Failure)}
        if Crowded.killer in failed:
            break

    assert len(outcomes) == MANY
    assert failed == {Crowded.killer, f"{MANY // 2:04}.jpg"}
    assert soon(lambda: not children())


@pytest.mark.parametrize("error", [UnsentError, UnreadError])
def test_an_error_that_does_not_travel_stops_the_run_in_words(
    many: FolderContainer, classifier: Classifier, error: type[Exception]
) -> None:
    unspeakable = Unspeakable("images", many.folder, error)

    with pytest.raises(EngineError, match=f"internal error: {error.__name__}; the log"):
        walked(unspeakable, classifier)


def test_where_the_container_does_not_travel_the_run_goes_on_without_workers(
    many: FolderContainer, classifier: Classifier, caplog: pytest.LogCaptureFixture
) -> None:
    unsent = Unsent("images", many.folder)

    batches = in_workers(many.list_photos(), unsent, classifier, TUNING)

    assert sum(map(len, batches)) == MANY
    assert "I stay" in caplog.text


def test_a_worker_whose_orders_break_off_amid_a_frame_ends(
    many: FolderContainer, classifier: Classifier
) -> None:
    orders = pickle.dumps((2, (many, classifier))) + pickle.dumps((0, [*many.list_photos()]))[:-9]

    worker = subprocess.run(
        [sys.executable, "-m", "clothing.worker"],
        cwd=PROJECT,
        input=orders,
        capture_output=True,
        check=False,
        timeout=30,
    )

    assert worker.returncode == 0, worker.stderr.decode()


def test_what_stops_the_walk_in_a_worker_stops_the_run(
    many: FolderContainer, classifier: Classifier, store: Store
) -> None:
    locked = Locked("images", many.folder)

    run = run_batch(
        store, store.open_run("test"), locked, lambda: classifier, TUNING, engine=patient
    )

    assert (run.status, run.error) == ("failed", "the storage is closed")
    assert soon(lambda: not children())


def test_a_run_in_workers_stores_every_outcome(
    many: FolderContainer, classifier: Classifier, store: Store
) -> None:
    opened = store.open_run("test")
    run = run_batch(store, opened, many, lambda: classifier, TUNING, engine=patient)

    assert run.status == "succeeded"
    assert run.counts == Counts(MANY, MANY - 1, 1, 0)


@posix
@pytest.mark.parametrize("program", ["/bin/false", "/nowhere/python"])
def test_workers_that_do_not_start_or_die_at_once_are_done_without(
    many: FolderContainer, classifier: Classifier, monkeypatch: pytest.MonkeyPatch, program: str
) -> None:
    monkeypatch.setattr(sys, "executable", program)

    batches = in_workers(many.list_photos(), many, classifier, TUNING)

    assert sum(map(len, batches)) == MANY


@posix
@pytest.mark.parametrize("program", ["/bin/false", "/nowhere/python"])
def test_a_batch_that_cost_a_worker_does_not_wait_for_ever(
    many: FolderContainer, classifier: Classifier, monkeypatch: pytest.MonkeyPatch, program: str
) -> None:
    monkeypatch.setattr(workers, "PATIENCE_SECONDS", 0.5)
    batches = slowly(many, classifier)
    with pytest.raises(EngineError, match="No process of the run answered"):
        for number, _ in enumerate(batches):
            if number == 4 * AFTER:
                monkeypatch.setattr(sys, "executable", program)
                for child in children():
                    child.kill()


def test_nobody_waits_for_outcomes_any_more(many: FolderContainer, classifier: Classifier) -> None:
    batches = slowly(many, classifier)
    for number, _ in enumerate(batches):
        if number == 4 * AFTER:
            break
    assert children()

    batches.close()

    assert soon(lambda: not children())


RUN_THAT_IS_KILLED = """
import sys, time
from pathlib import Path
from clothing.card import Card
from clothing.classifier import Classifier
from clothing.storage import Container, FolderContainer
from clothing.walk import Tuning
from clothing.workers import in_workers
model = Path("model")
card = Card.from_json((model / "clothing_model.json").read_bytes())
classifier = Classifier(model / "clothing_model.tflite", card, "v")
container = FolderContainer("images", Path(sys.argv[1]))
def listed():
    while True:
        yield from container.list_photos()
for _ in in_workers(listed(), container, classifier, Tuning(4, 3, 3)):
    print("a batch", flush=True)
"""


@posix
def test_workers_never_outlive_a_run_that_is_killed(many: FolderContainer) -> None:
    command = [sys.executable, "-c", RUN_THAT_IS_KILLED, str(many.folder)]
    run = subprocess.Popen(command, cwd=PROJECT, stdout=subprocess.PIPE)
    assert run.stdout
    drain = threading.Thread(target=run.stdout.read)
    drain.start()
    try:
        assert soon(lambda: len(psutil.Process(run.pid).children()) == 2)
        found = psutil.Process(run.pid).children()
    finally:
        run.kill()
        run.wait()
    drain.join(30)
    run.stdout.close()

    _, alive = psutil.wait_procs(found, timeout=30)
    assert not alive
