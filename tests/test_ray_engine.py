"""The engines: what one makes of photos the other makes too, whatever dies on the way.

The cluster has two computers of one core each, both of them processes here that listen on
127.0.0.1.
"""

import json
import os
import pickle
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil
import pytest
from click.testing import CliRunner

from clothing.batch import run_batch
from clothing.classifier import Classifier
from clothing.cli import main
from clothing.config import PROJECT
from clothing.errors import ConfigError, StorageError
from clothing.photos import Counts, Failure, Run
from clothing.questions import Wanted, all_failures
from clothing.ray_engine import DIED, RayEngine
from clothing.storage import FolderContainer
from clothing.store import Store
from clothing.walk import Engine, Tuning, here
from tests.alive import soon
from tests.dangerous import Deadly, Down, Elsewhere, Lethal, Slow
from tests.pictures import jpeg
from tests.serving import free_port

pytestmark = pytest.mark.ray

SMALL = Tuning(batch_size=4, download_threads=1, decode_threads=1)
COLORS = ("navy", "white", "red", "green", "black", "beige")


class Computers:
    """A cluster in this computer, and the engine that uses it."""

    def __init__(self) -> None:
        from ray.cluster_utils import Cluster

        self._cluster = Cluster()
        self._head, self._other = self._add(), self._add()
        self.engine = RayEngine(self._cluster.address, patience=60)
        # Now, before any other engine: a process that has had a Ray of its own finds no way into
        # another one.
        self.engine._connect()

    def _add(self) -> Any:
        return self._cluster.add_node(
            num_cpus=1,
            node_ip_address="127.0.0.1",
            include_dashboard=False,
            object_store_memory=80 * 2**20,
        )

    def lose_one(self) -> None:
        """Take a computer away, as a cut cable does."""
        self._cluster.remove_node(self._other, allow_graceful=False)
        self._other = None

    def complete(self) -> None:
        """Put a new computer into the place of one that was taken away."""
        if self._other is None:
            self._other = self._add()

    def close(self) -> None:
        self.engine.__exit__()
        self._cluster.shutdown()


@pytest.fixture(scope="module", autouse=True)
def on_this_computer() -> None:
    """Ray is imported first by an engine that starts it here: then all of it stays here."""
    RayEngine()


@pytest.fixture(scope="module")
def computers() -> Iterator[Computers]:
    """The cluster; whoever takes something away from it completes it."""
    computers = Computers()
    yield computers
    computers.close()


@pytest.fixture(params=["local", "ray"])
def engine(request: pytest.FixtureRequest) -> Engine:
    """Each engine in turn."""
    if request.param == "local":
        return here
    computers: Computers = request.getfixturevalue("computers")
    return computers.engine.classify


@pytest.fixture
def night(images: FolderContainer) -> FolderContainer:
    """A hundred and five photos, two of which cannot be read."""
    fill(images.folder, 100)
    (images.folder / "damaged.jpg").write_bytes(jpeg()[:300])
    (images.folder / "empty.jpg").write_bytes(b"")
    return images


def fill(folder: Path, number: int) -> None:
    for index in range(number):
        size = (60 + index, 80)
        (folder / f"photo-{index:03}.jpg").write_bytes(jpeg(COLORS[index % 6], size))


def a_run(
    store: Store,
    container: FolderContainer,
    classifier: Classifier,
    engine: Engine,
    progress: Callable[[Counts, int | None], None] = lambda counts, expected: None,
    **how: Any,
) -> Run:
    opened = store.open_run("test", **how)
    return run_batch(store, opened, container, lambda: classifier, SMALL, progress, engine)


def rows_of(store: Store) -> dict[str, tuple[Any, ...]]:
    """Return all that is stored of each photo but its number and time."""
    rows: dict[str, tuple[Any, ...]] = {
        one.prediction.photo.name: (
            one.prediction.photo.etag,
            one.prediction.predicted_category,
            one.prediction.needs_review,
            one.prediction.review_reason,
            one.model_version,
            one.preprocessing_version,
            one.prediction.probabilities,
        )
        for one in store.predictions(limit=1000)
    }
    assert len(rows) == len(store.predictions(limit=1000)), "a photo has two answers"
    for row in all_failures(store, Wanted()):
        failure = row.outcome
        assert isinstance(failure, Failure)
        rows[failure.photo.name] = (failure.photo.etag, failure.stage, failure.reason)
    return rows


@pytest.fixture
def expected(
    tmp_path: Path, night: FolderContainer, classifier: Classifier
) -> dict[str, tuple[Any, ...]]:
    """What the local engine stores of the night."""
    store = Store(f"sqlite:///{tmp_path}/expected.db")
    store.ready()
    a_run(store, night, classifier, here)
    rows = rows_of(store)
    store.dispose()
    return {name: (*row[:-1], _nearly(row[-1])) for name, row in rows.items()}


def _nearly(value: Any) -> Any:
    """Let probabilities differ in their last digits, which a batch's other photos may change."""
    return pytest.approx(value, abs=1e-6) if isinstance(value, tuple) else value


def workers() -> list[psutil.Process]:
    """Return the workers' processes, wherever in the cluster they are."""
    below = psutil.Process().children(recursive=True)
    return [one for one in below if _title(one).startswith("ray::Walker")]


def _title(process: psutil.Process) -> str:
    """Return what a process calls itself; nothing if it has ended meanwhile."""
    try:
        return "".join(process.cmdline()[:1])
    except psutil.Error:
        return ""


# What both do


def test_every_photo_has_the_same_row_and_is_opened_once(
    store: Store,
    night: FolderContainer,
    classifier: Classifier,
    engine: Engine,
    expected: dict[str, tuple[Any, ...]],
) -> None:
    told: list[int] = []

    def tell(counts: Counts, expected: int | None) -> None:
        told.append(counts.done)

    run = a_run(store, night, classifier, engine, tell)
    rows = rows_of(store)
    (night.folder / "new.jpg").write_bytes(jpeg(color="green"))
    again = a_run(store, night, classifier, engine)

    assert (run.status, run.error) == ("succeeded", None)
    assert run.counts == Counts(listed=105, classified=103, failed=2)
    assert (run.expected, run.model_version) == (105, classifier.version)
    assert rows == expected
    assert expected["empty.jpg"][1:] == ("decode", "the file is empty")
    assert told == sorted(told) and told[-1] == 105
    assert again.counts == Counts(listed=106, classified=1, failed=2, skipped=103)


def test_a_storage_that_is_down_stops_the_run_with_its_reason(
    store: Store, night: FolderContainer, classifier: Classifier, engine: Engine
) -> None:
    run = a_run(store, Down("images", night.folder), classifier, engine)

    assert (run.status, run.error) == ("failed", "The storage does not answer.")


def test_a_container_that_is_missing_stops_the_run_with_its_reason(
    store: Store, tmp_path: Path, classifier: Classifier, engine: Engine
) -> None:
    run = a_run(store, FolderContainer("images", tmp_path / "nowhere"), classifier, engine)

    assert run.status == "failed"
    assert "does not exist" in (run.error or "")


def test_a_stopped_run_is_interrupted_and_the_next_one_ends_its_work(
    store: Store,
    night: FolderContainer,
    classifier: Classifier,
    engine: Engine,
    expected: dict[str, tuple[Any, ...]],
) -> None:
    def stop(counts: Counts, expected: int | None) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        a_run(store, Slow("images", night.folder), classifier, engine, stop)
    stopped = store.runs()[0]
    run = a_run(store, night, classifier, engine)

    assert stopped.status == "interrupted"
    assert run.counts.add_up
    assert 0 < run.counts.skipped < 103
    assert rows_of(store) == expected


@pytest.mark.parametrize("name", ["local", "ray"])
def test_the_command_ends_with_the_same_code(
    runner: CliRunner,
    night: FolderContainer,
    computers: Computers,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
) -> None:
    monkeypatch.setenv("ERROR_THRESHOLD", "1")

    answer = runner.invoke(main, ["run", "--json", "--engine", name])

    assert answer.exit_code == 3
    run = json.loads(answer.stdout)
    assert (run["status"], run["classified"], run["failed"]) == ("succeeded", 103, 2)


# What dies on the way


def kill_a_worker(computers: Computers) -> bool:
    """Return whether there was one."""
    living = workers()
    if living:
        living[0].kill()
    return bool(living)


def lose_a_computer(computers: Computers) -> bool:
    """Return whether both had a worker, so that one is left.

    Not for ever: a run that has no second worker yet asks for none while it waits here.
    """
    if not soon(lambda: len(workers()) == 2, seconds=10):
        return False
    computers.lose_one()
    return True


@pytest.mark.parametrize(("strike", "after"), [(kill_a_worker, 0), (lose_a_computer, 20)])
def test_a_killed_worker_or_a_lost_computer_costs_nothing(
    store: Store,
    night: FolderContainer,
    classifier: Classifier,
    computers: Computers,
    expected: dict[str, tuple[Any, ...]],
    strike: Callable[[Computers], bool],
    after: int,
) -> None:
    struck: list[int] = []

    def progress(counts: Counts, expected: int | None) -> None:
        if not struck and counts.done > after and strike(computers):
            struck.append(counts.done)

    slow = Slow("images", night.folder)
    try:
        run = a_run(store, slow, classifier, computers.engine.classify, progress)
    finally:
        computers.complete()

    assert struck
    assert run.error is None
    assert run.counts == Counts(listed=105, classified=103, failed=2)
    assert rows_of(store) == expected


def test_a_photo_that_kills_its_worker_costs_itself(
    store: Store,
    night: FolderContainer,
    classifier: Classifier,
    computers: Computers,
    expected: dict[str, tuple[Any, ...]],
) -> None:
    (night.folder / "photo-007-poison.jpg").write_bytes(jpeg())

    deadly = Deadly("images", night.folder)
    run = a_run(store, deadly, classifier, computers.engine.classify)

    assert run.error is None
    assert run.counts == Counts(listed=106, classified=103, failed=3)
    rows = rows_of(store)
    assert rows.pop("photo-007-poison.jpg")[1:] == ("decode", DIED)
    assert rows == expected


def test_workers_that_die_before_they_begin_stop_the_run(
    store: Store, night: FolderContainer, classifier: Classifier, computers: Computers
) -> None:
    lethal = Lethal("images", night.folder)

    run = a_run(store, lethal, classifier, computers.engine.classify)

    assert run.status == "failed"
    assert "Workers die before they begin" in (run.error or "")


def test_a_cluster_that_has_no_worker_for_too_long_is_given_up(
    store: Store, night: FolderContainer, classifier: Classifier, computers: Computers
) -> None:
    impatient = RayEngine(computers.engine.address, patience=0)

    run = a_run(store, night, classifier, impatient.classify)

    assert run.status == "failed"
    assert "had no worker for 0 s" in (run.error or "")


def test_workers_that_do_not_see_the_folder_stop_the_run(
    store: Store, night: FolderContainer, classifier: Classifier, computers: Computers
) -> None:
    elsewhere = Elsewhere("images", night.folder)

    run = a_run(store, elsewhere, classifier, computers.engine.classify)

    assert run.status == "failed"
    assert "cannot be listed" in (run.error or "")


# The cluster


def test_a_night_with_nothing_new_needs_no_cluster(
    store: Store, tmp_path: Path, classifier: Classifier
) -> None:
    (tmp_path / "empty").mkdir()
    unreachable = RayEngine("127.0.0.1:1")

    run = a_run(
        store, FolderContainer("images", tmp_path / "empty"), classifier, unreachable.classify
    )

    assert (run.status, run.counts) == ("succeeded", Counts())


def test_nothing_listens_to_other_computers(computers: Computers) -> None:
    own = psutil.Process()
    listening = set()

    for one in (own, *own.children(recursive=True)):
        # Ray ends some at any moment; one that is just ending shows nothing to its own user either.
        with suppress(psutil.NoSuchProcess, psutil.AccessDenied):
            listening |= {
                connection.laddr.ip.removeprefix("::ffff:")  # a socket for both kinds of address
                for connection in one.net_connections(kind="inet")
                if connection.status == psutil.CONN_LISTEN
            }

    assert listening == {"127.0.0.1"}


def test_what_travels_arrives_whole(classifier: Classifier) -> None:
    error = StorageError("The storage is busy.", permanent=False)

    arrived = pickle.loads(pickle.dumps((classifier, error)))

    assert (arrived[0].version, arrived[0].card) == (classifier.version, classifier.card)
    assert (str(arrived[1]), arrived[1].permanent) == ("The storage is busy.", False)


def test_an_address_of_another_kind_is_refused() -> None:
    with pytest.raises(ConfigError, match="takes HOST:PORT"):
        RayEngine("ray://127.0.0.1:10001")


def test_a_cluster_that_is_not_there_is_said_at_once(
    environ: dict[str, str], storage: Path
) -> None:
    fill(storage / "images", 1)
    address = f"127.0.0.1:{free_port()}"
    command = [sys.executable, "-m", "clothing", "run", "--engine", "ray", "--address", address]

    ended = subprocess.run(
        command, cwd=PROJECT, env=environ, capture_output=True, text=True, timeout=120
    )

    assert ended.returncode == 1
    assert f"The Ray cluster at {address} cannot be reached" in ended.stdout + ended.stderr
    assert "refused" in ended.stdout + ended.stderr


def test_an_address_without_its_engine_is_bad_usage(runner: CliRunner) -> None:
    answer = runner.invoke(main, ["run", "--address", "127.0.0.1:6379"])

    assert answer.exit_code == 2
    assert "add --engine ray" in answer.stderr


def test_a_run_on_this_computer_is_closed_when_it_is_terminated(
    environ: dict[str, str], storage: Path
) -> None:
    fill(storage / "images", 400)
    store = Store(environ["DATABASE_URL"])
    store.ready()
    command = [sys.executable, "-m", "clothing", "run", "--engine", "ray"]

    child = subprocess.Popen(command, cwd=PROJECT, env={**environ, "BATCH_SIZE": "4"})

    def has_begun() -> bool:
        assert child.poll() is None, "it ended before anything was classified"
        going_on = store.active_run()
        return going_on is not None and going_on.counts.classified > 0

    try:
        assert soon(has_begun, seconds=120), "it never began"
        child.send_signal(signal.SIGTERM)

        assert child.wait(timeout=60) == 128 + signal.SIGTERM
    finally:
        child.kill()
    assert store.runs()[0].status == "interrupted"
    store.dispose()


def test_without_ray_the_command_says_what_to_install(
    environ: dict[str, str], tmp_path: Path
) -> None:
    (tmp_path / "shim").mkdir()
    (tmp_path / "shim" / "ray.py").write_text("raise ImportError('it is not there')\n")
    there = [str(tmp_path / "shim"), *filter(None, [os.environ.get("PYTHONPATH")])]
    environ = {**environ, "PYTHONPATH": os.pathsep.join(there)}

    answers = [
        subprocess.run(
            [sys.executable, "-m", "clothing", "run", "--engine", name],
            cwd=PROJECT,
            env=environ,
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
        for name in ("ray", "local")
    ]

    assert [answer.returncode for answer in answers] == [2, 0]
    said = " ".join(answers[0].stderr.split())
    assert "pip install --require-hashes -r requirements-ray.txt" in said
    store = Store(environ["DATABASE_URL"])
    assert len(store.runs()) == 1
    store.dispose()
