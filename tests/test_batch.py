"""The run: overlap, bounds, counts, and what happens when something breaks on the way."""

import itertools
import sqlite3
import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from clothing import batch as batch_module
from clothing import store as store_module
from clothing.batch import run_batch
from clothing.classifier import Classifier
from clothing.errors import ModelError, StorageError, StoreError
from clothing.photos import Counts, Failure, Outcome, Photo, Prediction, Run
from clothing.storage import FolderContainer
from clothing.store import Store
from clothing.walk import BATCH_BYTES, REFUSALS, Batches, Tuning, batches_of, classify, here
from tests.alive import soon
from tests.pictures import jpeg

SOON = 8
"""Seconds in which a thread shows itself; `make mutants` takes a test for stuck after ten."""

SMALL = Tuning(batch_size=2, download_threads=3, decode_threads=2)


def outcomes_of(
    container: FolderContainer, classifier: Classifier, tuning: Tuning = SMALL
) -> list[Outcome]:
    photos = container.list_photos()
    batches = classify(photos, container.download, classifier, tuning)
    return [outcome for batch in batches for outcome in batch]


def a_run(
    store: Store, images: FolderContainer, classifier: Classifier, *, force: bool = False
) -> Run:
    run = store.open_run("test", force=force)
    return run_batch(store, run, images, lambda: classifier, SMALL)


def with_broken_photo(images: FolderContainer) -> FolderContainer:
    (images.folder / "aa-broken.jpg").write_bytes(jpeg()[:300])
    return images


def test_every_photo_has_an_outcome_in_the_order_of_the_listing(
    images: FolderContainer, classifier: Classifier
) -> None:
    outcomes = outcomes_of(with_broken_photo(images), classifier)

    names = [outcome.photo.name for outcome in outcomes]
    assert names == ["a.jpg", "aa-broken.jpg", "b.jpg", "night/c.jpg"]


def test_a_truncated_photo_becomes_a_failure_and_costs_its_neighbours_nothing(
    images: FolderContainer, classifier: Classifier
) -> None:
    alone = outcomes_of(images, classifier)

    together = outcomes_of(with_broken_photo(images), classifier)

    failures = [outcome for outcome in together if isinstance(outcome, Failure)]
    assert [(one.photo.name, one.stage) for one in failures] == [("aa-broken.jpg", "decode")]
    neighbours = [one for one in together if isinstance(one, Prediction)]
    for before, after in zip(alone, neighbours, strict=True):
        assert isinstance(before, Prediction)
        assert after.photo == before.photo
        assert np.allclose(after.probabilities, before.probabilities, atol=1e-6)


def test_large_photos_walk_in_smaller_batches() -> None:
    photos = [Photo("images", f"{n}.jpg", "1", size) for n, size in enumerate((9, 10, 10, 1, 1, 1))]

    batches = [*batches_of(weighing(photos), Tuning(3, 1, 1))]

    assert [len(batch) for batch in batches] == [2, 3, 1]


def test_batches_grow_smaller_near_the_end_so_that_no_core_waits_for_another() -> None:
    photos = [Photo("images", f"{n}.jpg", "1", 1000) for n in range(300)]

    batches = [*batches_of(photos, Tuning(64, 2, 2))]

    assert [photo for batch in batches for photo in batch] == photos
    assert [len(batch) for batch in batches] == [64, 64, 64, 54, 27, 14, 8, 5]


def test_a_few_photos_walk_side_by_side() -> None:
    photos = [Photo("images", f"{n}.jpg", "1", 1000) for n in range(20)]

    assert [len(batch) for batch in batches_of(photos, Tuning(64, 2, 2))] == [10, 8, 2]


def weighing(photos: list[Photo]) -> Iterator[Photo]:
    """Yield photos that weigh as many sixteenths of a batch as they had bytes."""
    return (replace(photo, size=photo.size * BATCH_BYTES // 16) for photo in photos)


@pytest.mark.parametrize("batch_size", [1, 2, 3, 64])
def test_the_size_of_batches_changes_no_answer(
    images: FolderContainer, classifier: Classifier, batch_size: int
) -> None:
    expected = outcomes_of(images, classifier)

    outcomes = outcomes_of(images, classifier, Tuning(batch_size, 1, 1))

    for one, other in zip(outcomes, expected, strict=True):
        assert isinstance(one, Prediction) and isinstance(other, Prediction)
        assert np.allclose(one.probabilities, other.probabilities, atol=1e-6)


def test_a_batch_of_failures_alone_asks_the_model_nothing(
    images: FolderContainer, classifier: Classifier
) -> None:
    for photo in images.list_photos():
        (images.folder / photo.name).write_bytes(b"")

    outcomes = outcomes_of(images, classifier)

    assert [outcome.reason for outcome in outcomes if isinstance(outcome, Failure)] == [
        "the file is empty"
    ] * 3


def test_no_photo_gives_no_batch(classifier: Classifier) -> None:
    assert list(classify([], lambda photo: b"", classifier, SMALL)) == []


def test_what_waits_between_the_steps_is_bounded(classifier: Classifier) -> None:
    taken = 0
    content = jpeg()

    def endless() -> Iterator[Photo]:
        nonlocal taken
        while True:
            taken += 1
            yield Photo("images", f"{taken}.jpg", "1", len(content))

    batches = classify(endless(), lambda photo: content, classifier, SMALL)
    for _ in range(3):
        next(batches)
    batches.close()  # type: ignore[attr-defined]

    window = 3 * SMALL.download_threads * SMALL.batch_size  # two on their way, one listed ahead
    assert taken <= 3 * SMALL.batch_size + window


def test_no_photo_is_opened_once_nobody_waits_for_the_answers(classifier: Classifier) -> None:
    opened = 0
    content = jpeg()

    def download(photo: Photo) -> bytes:
        nonlocal opened
        opened += 1
        time.sleep(0.005)
        return content

    photos = [Photo("images", f"{n}.jpg", "1", len(content)) for n in range(2000)]
    batches = classify(photos, download, classifier, Tuning(100, 2, 2))
    next(batches)
    batches.close()  # type: ignore[attr-defined]

    assert opened < 400  # of two batches that were begun, hardly any photo


def test_no_more_photos_are_downloaded_at_once_than_allowed(classifier: Classifier) -> None:
    at_once, most = 0, 0
    lock = threading.Lock()
    content = jpeg()

    def download(photo: Photo) -> bytes:
        nonlocal at_once, most
        with lock:
            at_once += 1
            most = max(most, at_once)
        time.sleep(0.01)
        with lock:
            at_once -= 1
        return content

    photos = [Photo("images", f"{n}.jpg", "1", 0) for n in range(30)]
    outcomes = list(classify(photos, download, classifier, SMALL))

    assert sum(map(len, outcomes)) == 30
    assert 1 < most <= SMALL.download_threads


def test_a_permanent_storage_error_costs_one_photo(classifier: Classifier) -> None:
    def download(photo: Photo) -> bytes:
        if photo.name == "locked.jpg":
            raise StorageError("access to this blob is refused", permanent=True)
        return jpeg()

    photos = [Photo("images", name, "1", 0) for name in ("a.jpg", "locked.jpg", "z.jpg")]
    (first, locked), (last,) = classify(photos, download, classifier, SMALL)

    assert isinstance(first, Prediction) and isinstance(last, Prediction)
    assert locked == Failure(photos[1], "download", "access to this blob is refused")


@pytest.mark.parametrize("permanent", [False, True])
def test_a_storage_that_gives_no_photo_stops_the_walk(
    classifier: Classifier, permanent: bool
) -> None:
    def download(photo: Photo) -> bytes:
        raise StorageError("the storage is closed", permanent=permanent)

    photos = [Photo("images", f"{number}.jpg", "1", 0) for number in range(REFUSALS + 1)]
    with pytest.raises(StorageError, match="the storage is closed"):
        list(classify(photos, download, classifier, SMALL))


@pytest.mark.parametrize("permanent", [False, True])
def test_photos_that_are_not_given_are_counted_in_a_row(
    classifier: Classifier, permanent: bool
) -> None:
    def download(photo: Photo) -> bytes:
        if photo.name == "given.jpg":
            return jpeg()
        raise StorageError("access to this blob is refused", permanent=permanent)

    names = [f"{number}.jpg" for number in range(2 * REFUSALS)]
    names.insert(REFUSALS, "given.jpg")
    photos = [Photo("images", name, "1", 0) for name in names]
    (outcomes,) = classify(photos, download, classifier, Tuning(len(names), 1, 1))

    assert [isinstance(one, Prediction) for one in outcomes].index(True) == REFUSALS
    assert sum(isinstance(one, Failure) for one in outcomes) == 2 * REFUSALS


def test_a_photo_that_alone_is_not_given_costs_its_neighbours_nothing(
    images: FolderContainer, classifier: Classifier
) -> None:
    def download(photo: Photo) -> bytes:
        if photo.name == "b.jpg":
            raise StorageError("the storage is busy", permanent=False)
        return images.download(photo)

    batches = classify(images.list_photos(), download, classifier, SMALL)

    first, second, third = [outcome for batch in batches for outcome in batch]
    assert isinstance(first, Prediction) and isinstance(third, Prediction)
    assert second == Failure(second.photo, "download", "the storage is busy")


def test_a_run_stores_every_outcome_and_its_counts_add_up(
    store: Store, images: FolderContainer, classifier: Classifier
) -> None:
    run = a_run(store, with_broken_photo(images), classifier)

    assert run.status == "succeeded"
    assert run.counts == Counts(listed=4, classified=3, failed=1)
    assert run.expected == 4
    assert run.model_version == classifier.version
    assert run.error is None
    assert len(store.predictions()) == 3
    assert store.new_failures(run.run_id) == 1


def test_a_second_run_opens_only_what_is_new(
    store: Store, images: FolderContainer, classifier: Classifier
) -> None:
    a_run(store, images, classifier)
    (images.folder / "new.jpg").write_bytes(jpeg(color="green"))

    run = a_run(store, images, classifier)

    assert run.counts == Counts(listed=4, classified=1, skipped=3)
    assert len(store.predictions()) == 4


def test_a_photo_whose_content_changed_is_classified_anew(
    store: Store, images: FolderContainer, classifier: Classifier
) -> None:
    a_run(store, images, classifier)
    (images.folder / "a.jpg").write_bytes(jpeg(color="yellow", size=(33, 44)))

    run = a_run(store, images, classifier)

    assert run.counts == Counts(listed=3, classified=1, skipped=2)


def test_a_failure_is_tried_again_by_the_next_run(
    store: Store, images: FolderContainer, classifier: Classifier
) -> None:
    a_run(store, with_broken_photo(images), classifier)

    run = a_run(store, images, classifier)

    assert run.counts == Counts(listed=4, failed=1, skipped=3)


def test_a_forced_run_classifies_everything_anew(
    store: Store, images: FolderContainer, classifier: Classifier
) -> None:
    a_run(store, images, classifier)

    run = a_run(store, images, classifier, force=True)

    assert run.counts == Counts(listed=3, classified=3)
    assert len(store.predictions()) == 6


def test_an_ordinary_run_after_a_forced_one_skips(
    store: Store, images: FolderContainer, classifier: Classifier
) -> None:
    a_run(store, images, classifier, force=True)

    run = a_run(store, images, classifier)

    assert run.counts == Counts(listed=3, skipped=3)


def test_a_prefix_chooses_photos(
    store: Store, images: FolderContainer, classifier: Classifier
) -> None:
    opened = store.open_run("test", prefix="night/")

    run = run_batch(store, opened, images, lambda: classifier, SMALL)

    assert run.counts == Counts(listed=1, classified=1)


def test_an_empty_container_makes_a_run_of_nothing(
    store: Store, tmp_path: Path, classifier: Classifier
) -> None:
    (tmp_path / "empty").mkdir()

    run = a_run(store, FolderContainer("images", tmp_path / "empty"), classifier)

    assert (run.status, run.counts) == ("succeeded", Counts())


def test_a_run_without_a_model_fails_with_the_reason(store: Store, images: FolderContainer) -> None:
    def load() -> Classifier:
        raise ModelError("The container model has no clothing_model.keras.")

    run = run_batch(store, store.open_run("test"), images, load, SMALL)

    assert (run.status, run.error) == ("failed", "The container model has no clothing_model.keras.")


def test_a_run_over_a_missing_container_fails_with_the_reason(
    store: Store, tmp_path: Path, classifier: Classifier
) -> None:
    run = a_run(store, FolderContainer("images", tmp_path / "nowhere"), classifier)

    assert run.status == "failed"
    assert "does not exist" in (run.error or "")


def test_a_mistake_of_ours_closes_the_run_and_is_raised(
    store: Store, images: FolderContainer
) -> None:
    def load() -> Classifier:
        raise ZeroDivisionError("secret detail")

    opened = store.open_run("test")
    with pytest.raises(ZeroDivisionError):
        run_batch(store, opened, images, load, SMALL)

    run = store.run(opened.run_id)
    assert run.status == "failed"
    assert run.error == "internal error: ZeroDivisionError; the log says more"


def test_a_stopped_process_leaves_an_interrupted_run(
    store: Store, images: FolderContainer, classifier: Classifier
) -> None:
    def stop(counts: Counts, expected: int | None) -> None:
        raise KeyboardInterrupt

    opened = store.open_run("test")
    with pytest.raises(KeyboardInterrupt):
        run_batch(store, opened, images, lambda: classifier, SMALL, stop)

    ended = store.run(opened.run_id)
    assert (ended.status, ended.error) == ("interrupted", "the run was stopped")
    assert store.active_run() is None


def test_a_run_that_was_taken_over_stops(
    store: Store, images: FolderContainer, classifier: Classifier
) -> None:
    def take_over(counts: Counts, expected: int | None) -> None:
        store.close_run(opened.run_id, "interrupted", None, "taken for dead")

    for number in range(20):
        (images.folder / f"{number:02}.jpg").write_bytes(jpeg())
    opened = store.open_run("test")

    with pytest.raises(StoreError, match="goes on no longer"):
        run_batch(store, opened, images, lambda: classifier, SMALL, take_over)

    assert store.run(opened.run_id).error == "taken for dead"


def test_an_engine_is_closed_before_a_stopped_run_is_over(
    store: Store, images: FolderContainer, classifier: Classifier
) -> None:
    """Collected as garbage instead, it once ended its threads in one of them, and waited for it."""
    closed: list[bool] = []

    def engine(*asked: Any) -> Batches:
        try:
            yield from here(*asked)
        finally:
            closed.append(True)

    def stop(counts: Counts, expected: int | None) -> None:
        raise KeyboardInterrupt

    opened = store.open_run("test")
    with pytest.raises(KeyboardInterrupt) as raised:
        run_batch(store, opened, images, lambda: classifier, SMALL, stop, engine)

    assert raised.traceback  # which keeps the engine alive
    assert closed == [True]


def test_an_interrupted_run_is_finished_by_the_next(
    store: Store, images: FolderContainer, classifier: Classifier
) -> None:
    def stop(counts: Counts, expected: int | None) -> None:
        if counts.classified >= 4:
            raise KeyboardInterrupt

    for number in range(10):
        (images.folder / f"{number:02}.jpg").write_bytes(jpeg())
    with pytest.raises(KeyboardInterrupt):
        run_batch(store, store.open_run("test"), images, lambda: classifier, SMALL, stop)

    run = a_run(store, images, classifier)

    assert run.counts.listed == 13
    assert run.counts.skipped >= 2
    names = [one.prediction.photo.name for one in store.predictions()]
    assert len(names) == len(set(names)) == 13


def test_progress_is_told_after_every_batch(
    store: Store, images: FolderContainer, classifier: Classifier
) -> None:
    told: list[int] = []

    run_batch(
        store,
        store.open_run("test"),
        images,
        lambda: classifier,
        SMALL,
        lambda counts, expected: told.append(counts.classified),
    )

    assert told == [2, 3]


def test_a_photo_without_an_outcome_makes_the_run_a_failed_one(
    store: Store, images: FolderContainer, classifier: Classifier
) -> None:
    def engine(*asked: Any) -> Batches:
        for outcomes in here(*asked):
            yield outcomes[1:]

    ended = run_batch(
        store, store.open_run("test"), images, lambda: classifier, SMALL, engine=engine
    )

    assert ended.status == "failed"
    assert "the counts do not add up" in (ended.error or "")


def test_a_run_that_fails_counts_what_is_in_the_tables(
    store: Store, images: FolderContainer, classifier: Classifier, tmp_path: Path
) -> None:
    counted: list[int] = []

    def engine(photos: Iterable[Photo], *asked: Any) -> Batches:
        for photo in photos:
            yield [Failure(photo, "decode", "the file is empty")]

    with closing(sqlite3.connect(tmp_path / "clothing.db")) as database:
        database.execute(
            "CREATE TRIGGER full BEFORE INSERT ON image_failure "
            "WHEN (SELECT COUNT(*) FROM image_failure) = 1 "
            "BEGIN SELECT RAISE(ABORT, 'disk full'); END"
        )
    opened = store.open_run("test")
    with pytest.raises(StoreError, match="disk full"):
        run_batch(
            store,
            opened,
            images,
            lambda: classifier,
            SMALL,
            lambda counts, expected: counted.append(counts.failed),
            engine,
        )

    assert counted == [1, 2]
    assert store.run(opened.run_id).counts == Counts(listed=3, failed=1)


class Watched(Store):
    """A store that notes what a heartbeat has written before the first save begins."""

    seen: Counts | None = None

    def save(self, run: Run, outcomes: Sequence[Outcome], counts: Counts) -> None:
        if self.seen is None:
            begun = self.run(run.run_id).heartbeat_at
            assert soon(lambda: self.run(run.run_id).heartbeat_at > begun, SOON)
            assert soon(lambda: self.run(run.run_id).counts.listed == 3, SOON)
            self.seen = self.run(run.run_id).counts
        super().save(run, outcomes, counts)


def test_a_heartbeat_counts_what_is_in_the_tables(
    images: FolderContainer,
    classifier: Classifier,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("clothing.batch.HEARTBEAT_SECONDS", 0.01)
    watched = Watched(f"sqlite:///{tmp_path}/clothing.db")
    watched.ready()

    ended = a_run(watched, images, classifier)
    watched.dispose()

    assert watched.seen == Counts(listed=3)
    assert ended.counts == Counts(listed=3, classified=3)


@pytest.mark.parametrize(("batches", "begun"), [(1, 1), (30, 2)])  # one is saved behind the next
def test_a_run_whose_outcomes_cannot_be_saved_stops_soon_with_the_reason(
    store: Store,
    images: FolderContainer,
    classifier: Classifier,
    tmp_path: Path,
    batches: int,
    begun: int,
) -> None:
    taken: list[int] = []

    def engine(photos: Iterable[Photo], *asked: Any) -> Batches:
        photo = next(iter(photos))
        for number in range(batches):
            taken.append(number)
            yield [Failure(replace(photo, etag=f"{number}"), "decode", "the file is empty")]

    with closing(sqlite3.connect(tmp_path / "clothing.db")) as database:
        database.execute(
            "CREATE TRIGGER full BEFORE INSERT ON image_failure "
            "BEGIN SELECT RAISE(ABORT, 'disk full'); END"
        )
    opened = store.open_run("test")
    with pytest.raises(StoreError, match="disk full"):
        run_batch(store, opened, images, lambda: classifier, SMALL, engine=engine)

    ended = store.run(opened.run_id)
    assert ended.status == "failed"
    assert "disk full" in (ended.error or "")
    assert len(taken) == begun


def test_a_run_shows_its_life_while_it_loads_its_model(
    store: Store, images: FolderContainer, classifier: Classifier, monkeypatch: pytest.MonkeyPatch
) -> None:
    """To compile one takes longer than a run may be silent."""
    monkeypatch.setattr("clothing.batch.HEARTBEAT_SECONDS", 0.01)
    opened = store.open_run("test")

    def load() -> Classifier:
        assert soon(lambda: store.run(opened.run_id).heartbeat_at > opened.heartbeat_at, SOON)
        return classifier

    ended = run_batch(store, opened, images, load, SMALL)

    assert ended.status == "succeeded"


def test_a_run_shows_its_life_and_what_is_to_come_before_its_first_batch(
    store: Store, images: FolderContainer, classifier: Classifier, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("clothing.batch.HEARTBEAT_SECONDS", 0.01)
    opened = store.open_run("test")

    def engine(*asked: Any) -> Batches:
        assert soon(lambda: store.run(opened.run_id).expected == 3, SOON)
        alive = store.run(opened.run_id)
        assert alive.heartbeat_at > alive.started_at
        yield from here(*asked)

    ended = run_batch(store, opened, images, lambda: classifier, SMALL, engine=engine)

    assert ended.status == "succeeded"


def test_a_run_that_no_heartbeat_reaches_says_so_and_stops_at_its_next_save(
    store: Store,
    images: FolderContainer,
    classifier: Classifier,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr("clothing.batch.HEARTBEAT_SECONDS", 0.01)
    opened = store.open_run("test")
    said = f"run {opened.run_id}: heartbeat: Run {opened.run_id} goes on no longer"

    def engine(*asked: Any) -> Batches:
        store.close_run(opened.run_id, "interrupted", None, "taken for dead")
        assert soon(lambda: said in caplog.text, SOON)
        yield from here(*asked)

    with pytest.raises(StoreError, match="goes on no longer"):
        run_batch(store, opened, images, lambda: classifier, SMALL, engine=engine)


def test_where_nothing_is_counted_nothing_is_to_come(
    store: Store, images: FolderContainer, classifier: Classifier, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Uncounted(FolderContainer):
        def count_photos(self, prefix: str = "") -> Iterator[int]:
            return iter(())  # as Azure's, where there is nothing

    monkeypatch.setattr("clothing.batch.HEARTBEAT_SECONDS", 0.01)
    opened = store.open_run("test")

    def engine(*asked: Any) -> Batches:
        assert soon(lambda: store.run(opened.run_id).expected is not None, SOON)
        assert store.run(opened.run_id).expected == 0
        yield from here(*asked)

    uncounted = Uncounted("images", images.folder)
    ended = run_batch(store, opened, uncounted, lambda: classifier, SMALL, engine=engine)

    assert ended.status == "succeeded"


def test_a_run_is_not_over_before_its_threads_are(
    store: Store, images: FolderContainer, classifier: Classifier
) -> None:
    at_the_end = threading.Event()
    counted: list[bool] = []

    class Slow(FolderContainer):
        def count_photos(self, prefix: str = "") -> Iterator[int]:
            yield 1
            at_the_end.wait(20)
            threading.Event().wait(0.05)
            counted.append(True)

    def engine(*asked: Any) -> Batches:
        names = {thread.name for thread in threading.enumerate()}
        assert {"count", "beat"} <= names
        yield from here(*asked)
        at_the_end.set()

    slow = Slow("images", images.folder)
    run_batch(store, store.open_run("test"), slow, lambda: classifier, SMALL, engine=engine)

    assert counted == [True]


def test_counting_what_is_to_come_ends_with_the_run(
    store: Store, images: FolderContainer, classifier: Classifier
) -> None:
    class Endless(FolderContainer):
        def count_photos(self, prefix: str = "") -> Iterator[int]:
            return itertools.count(1)

    run = a_run(store, Endless("images", images.folder), classifier)

    assert (run.status, run.expected) == ("succeeded", 3)


def test_a_run_is_taken_for_dead_after_twelve_heartbeats() -> None:
    assert timedelta(seconds=12 * batch_module.HEARTBEAT_SECONDS) == store_module.STALE


@settings(
    max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    nights=st.lists(
        st.dictionaries(st.sampled_from("abcde"), st.sampled_from(("new", "broken", "gone"))),
        min_size=1,
        max_size=4,
    ),
    batch_size=st.integers(1, 4),
)
def test_whatever_nights_bring_the_counts_add_up(
    tmp_path_factory: pytest.TempPathFactory,
    classifier: Classifier,
    nights: list[dict[str, str]],
    batch_size: int,
) -> None:
    """Photos come, change, break and go; `answered` is what a run need not open again."""
    folder = tmp_path_factory.mktemp("nights")
    store = Store(f"sqlite:///{folder}/clothing.db")
    store.ready()
    images, lying = FolderContainer("images", folder / "images"), dict[str, str]()
    images.folder.mkdir()
    answered = 0
    for number, night in enumerate(nights):
        for name, what in night.items():
            path = images.folder / f"{name}.jpg"
            if what == "gone":
                path.unlink(missing_ok=True)
                lying.pop(name, None)
            else:
                content = jpeg("red", quality=30 + number)
                path.write_bytes(content if what == "new" else content[:200])
                lying[name] = what
        done_before = sum(what == "done" for what in lying.values())

        tuning = Tuning(batch_size, download_threads=2, decode_threads=2)
        ended = run_batch(store, store.open_run("test"), images, lambda: classifier, tuning)

        broken = sum(what == "broken" for what in lying.values())
        fresh = len(lying) - broken - done_before
        assert ended.status == "succeeded"
        assert ended.counts == Counts(len(lying), fresh, broken, done_before)
        answered += fresh
        lying = {name: "broken" if what == "broken" else "done" for name, what in lying.items()}
    with closing(sqlite3.connect(folder / "clothing.db")) as database:
        for table in ("image_prediction", "image_probabilities"):
            assert database.execute(f"SELECT COUNT(*) FROM {table}").fetchone() == (answered,)
    store.dispose()
