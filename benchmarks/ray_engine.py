"""The Ray engine beside the local one, and what becomes of it when a computer is lost.

    python -m benchmarks.ray_engine measure --size 20000     writes ray_engine.json
    python -m benchmarks.ray_engine loss --size 20000        takes away a node, compares every row

Each run is a process of its own; engines come in turns, and ratios are taken within a round. Speed
is the steady one: from a tenth of the photos to the last, so that no start is in it. Half a core is
a worker that is stopped half of the time.
"""

import json
import os
import pickle
import platform
import subprocess
import sys
import tempfile
import threading
import time
import tracemalloc
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from itertools import islice
from pathlib import Path
from statistics import median
from typing import Any

import click
import numpy as np
import psutil

from benchmarks import folders, pipeline
from benchmarks.measuring import (
    NotMeasuredError,
    Place,
    cpu_seconds,
    in_child,
    peak_memory_mb,
)
from clothing.batch import run_batch
from clothing.config import PROJECT
from clothing.photos import Counts, Failure, Outcome, Photo, Run, predictions_of
from clothing.questions import Wanted, all_failures
from clothing.ray_engine import RayEngine, Walker
from clothing.storage import Container
from clothing.store import Store
from clothing.walk import Tuning
from clothing.workers import in_workers

FIGURES = Path(__file__).with_name("ray_engine.json")
BATCHES = 40
"""Batches that each process saves, where saving alone is measured."""

WARM = 0.1
"""The share of the photos that is done before the clock starts."""


@dataclass(frozen=True, slots=True)
class Speed:
    """One run of an engine.

    Attributes:
        photos_per_second: Once it goes.
        start_seconds: From the call to the first outcomes.
        cpu_ms: Of all processes together, a photo.
        driver_cpu_ms: Of that, in the process that lists, looks up, counts and saves.
        saving_cpu_ms: Of that, for saving.
        driver_mb: The most memory that this process ever had.
        worker_mb: The most that a worker had at the end; 0 if there is none.
    """

    photos_per_second: float
    start_seconds: float
    cpu_ms: float
    driver_cpu_ms: float
    saving_cpu_ms: float
    driver_mb: float
    worker_mb: float


@click.group()
def main() -> None:
    """Measure the Ray engine."""


PARTS = ("rounds", "workers", "ray_data", "saving", "travelling")
"""What is measured, each by itself."""


@main.command()
@click.option("--size", default=20_000, show_default=True, type=click.IntRange(500))
@click.option("--rounds", default=2, show_default=True, type=click.IntRange(1))
@click.option("--photos", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--only", multiple=True, type=click.Choice(PARTS), help="May be repeated.")
def measure(size: int, rounds: int, photos: Path | None, only: tuple[str, ...]) -> None:
    """Measure both engines, one to two workers, Ray Data, and saving; write ray_engine.json."""
    figures: dict[str, Any] = {}
    if only:
        figures = json.loads(FIGURES.read_text(encoding="utf-8"))
    with tempfile.TemporaryDirectory() as folder:
        scratch, contents = Path(folder), folders.originals(photos)
        whole = folders.fill(scratch / "whole", contents, size)
        part = folders.fill(scratch / "part", contents, size // 4)
        bytes_a_photo = round(sum(map(len, contents)) / len(contents))
        figures |= {"machine": _machine(), "photos": size, "bytes_a_photo": bytes_a_photo}
        parts: dict[str, Callable[[], Any]] = {
            "rounds": lambda: [_in_turn(whole, number) for number in range(rounds)],
            "workers": lambda: {str(n): one_run("ray", n, part) for n in (0.5, 1.0, 2.0)},
            "ray_data": lambda: _ray_data(part, size // 4, scratch),
            "saving": lambda: _saving(scratch),
            "travelling": lambda: _travelling(whole),
        }
        for name in only or PARTS:
            figures[name] = parts[name]()
            text = json.dumps(figures, indent=2, default=asdict)
            FIGURES.write_text(text + "\n", encoding="utf-8")
    print(f"Ray engine / local engine: {ratio(figures):.2f}")


def ratio(figures: dict[str, Any]) -> float:
    """Return the Ray engine's speed over the local one's, the median of the rounds."""
    pairs = [(one["ray"], one["local"]) for one in figures["rounds"]]
    speeds = [(ray["photos_per_second"], local["photos_per_second"]) for ray, local in pairs]
    return float(median(ray / local for ray, local in speeds))


def _in_turn(folder: Path, number: int) -> dict[str, dict[str, float]]:
    names = ("ray", "local") if number % 2 else ("local", "ray")
    return {name: asdict(one_run(name, pipeline.CORES, folder)) for name in names}


def one_run(engine: str, cores: float, folder: Path) -> Speed:
    """Measure a run in a process of its own."""
    command = [sys.executable, "-m", "benchmarks.ray_engine", "one", engine, str(cores)]
    child = subprocess.run([*command, str(folder)], cwd=PROJECT, stdout=subprocess.PIPE, check=True)
    speed = Speed(**json.loads(child.stdout))
    print(f"{engine} on {cores:g}: {speed.photos_per_second:,.0f} photos/s", file=sys.stderr)
    return speed


@main.command(hidden=True)
@click.argument("engine", type=click.Choice(["local", "ray"]))
@click.argument("cores", type=float)
@click.argument("folder", type=click.Path(path_type=Path))
def one(engine: str, cores: float, folder: Path) -> None:
    """Measure one run in this process; print its figures."""
    whole = max(1, int(cores))
    tuning = Tuning(pipeline.BATCH, whole, whole) if engine == "local" else Tuning(64, 1, 1)
    with RayEngine(cores=whole) as cluster, _throttled(cores):
        speed = _timed(pipeline.folder(folder), tuning, cluster if engine == "ray" else None)
    print(json.dumps(asdict(speed)))


class _Store(Store):
    """A store that knows what CPU its saving took, in seconds."""

    saving = 0.0

    def save(self, run: Run, outcomes: Sequence[Outcome], counts: Counts) -> None:
        begun = time.thread_time()
        super().save(run, outcomes, counts)
        self.saving += time.thread_time() - begun


def _timed(container: Container, tuning: Tuning, cluster: RayEngine | None) -> Speed:
    total = sum(1 for _ in container.list_photos())
    moments: list[tuple[float, int, float, float, float]] = []
    worker_mb = 0.0

    def tell(counts: Counts, expected: int | None) -> None:
        nonlocal worker_mb
        is_edge = counts.classified >= total or not moments
        if is_edge or (len(moments) == 1 and counts.classified >= WARM * total):
            now = time.perf_counter()
            spent = cpu_seconds(), time.process_time(), kept.saving
            moments.append((now, counts.classified, *spent))
            worker_mb = max([peak_memory_mb(one.pid) for one in _walkers()], default=0.0)

    begun = time.perf_counter()
    engine = cluster.classify if cluster else in_workers
    with tempfile.TemporaryDirectory() as scratch:
        kept = _Store(f"sqlite:///{scratch}/run.db")
        kept.ready()
        run = run_batch(
            kept, kept.open_run("benchmark"), container, pipeline.load, tuning, tell, engine
        )
        kept.dispose()
    assert run.counts.classified == total, run
    warm, end = moments[-2], moments[-1]
    done = end[1] - warm[1]
    return Speed(
        photos_per_second=done / (end[0] - warm[0]),
        start_seconds=moments[0][0] - begun,
        cpu_ms=1000 * (end[2] - warm[2]) / done,
        driver_cpu_ms=1000 * (end[3] - warm[3]) / done,
        saving_cpu_ms=1000 * (end[4] - warm[4]) / done,
        driver_mb=peak_memory_mb(),
        worker_mb=worker_mb,
    )


def _walkers() -> list[psutil.Process]:
    """Return the workers' processes."""
    below = psutil.Process().children(recursive=True)
    name = f"ray::{Walker.__name__}"
    return [
        one for one in below if one.is_running() and "".join(one.cmdline()[:1]).startswith(name)
    ]


@contextmanager
def _throttled(cores: float) -> Iterator[None]:
    """Give workers less than a core, if it is to be less: they are stopped for the rest."""
    over = threading.Event()

    def throttle() -> None:
        while not over.wait(0.1 * cores):
            stopped = _walkers()
            with suppress(psutil.Error):  # at the end they are gone
                for one in stopped:
                    one.suspend()
                time.sleep(0.1 * (1 - cores))
                for one in stopped:
                    one.resume()

    thread = threading.Thread(target=throttle)
    if cores < 1:
        thread.start()
    try:
        yield
    finally:
        over.set()
        if cores < 1:
            thread.join()


# What others do, and what saving costs


def _ray_data(folder: Path, size: int, scratch: Path) -> float | None:
    """Return the speed of Ray Data with our functions; None where it does not run."""
    try:
        place = Place(scratch, small=folder, sizes={"small": size})
        return in_child("ray_data", place)["ray_data"].photos_per_second
    except (NotMeasuredError, RuntimeError) as error:
        print(f"Ray Data: {error}", file=sys.stderr)
        return None


def _saving(scratch: Path) -> dict[str, float]:
    """Return photos a second that processes save side by side into one SQLite, and one alone."""
    found = {_processes(number): _saved_by(number, 64, scratch) for number in (1, 2, 4)}
    return {**found, "1 process, 1,024 at once": _saved_by(1, 1024, scratch)}


def _processes(number: int) -> str:
    return "1 process" if number == 1 else f"{number} processes"


def _saved_by(number: int, size: int, scratch: Path) -> float:
    database = scratch / f"saving-{number}-{size}.db"
    with pipeline.store(database) as kept:
        run = kept.open_run("benchmark")
        kept.describe_run(run.run_id, "benchmark", "benchmark")
        command = [sys.executable, "-m", "benchmarks.ray_engine", "save", str(database)]
        savers = [
            subprocess.Popen(
                [*command, str(run.run_id), str(size), str(index)],
                cwd=PROJECT,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
            )
            for index in range(number)
        ]
        for saver in savers:
            assert saver.stdout and saver.stdout.readline() == b"ready\n"
        begun = time.perf_counter()
        for saver in savers:
            saver.communicate(b"go\n")
        return number * BATCHES * 64 / (time.perf_counter() - begun)


@main.command(hidden=True)
@click.argument("database", type=click.Path(path_type=Path))
@click.argument("run_id", type=int)
@click.argument("size", type=int)
@click.argument("index", type=int)
def save(database: Path, run_id: int, size: int, index: int) -> None:
    """Save batches when told to."""
    outcomes = _outcomes([f"{index}/{number:06}.jpg" for number in range(BATCHES * 64)])
    with pipeline.store(database) as kept:
        run = kept.run(run_id)
        print("ready", flush=True)
        sys.stdin.readline()
        for first in range(0, len(outcomes), size):
            kept.save(run, outcomes[first : first + size], Counts())


def _outcomes(names: Sequence[str]) -> list[Outcome]:
    photos = [Photo("images", name, "18f2a-5a3", 60_000) for name in names]
    alphas = np.ones(len(pipeline.card().labels))
    rows = np.random.default_rng(0).dirichlet(alphas, len(photos)).astype(np.float32)
    return [*predictions_of(photos, rows, pipeline.card())]


def _travelling(folder: Path) -> dict[str, float]:
    """Return bytes a photo: to a worker, back from it, and in SQLite's file."""
    photos = list(islice(pipeline.folder(folder).list_photos(), 64))
    outcomes = _outcomes([photo.name for photo in photos])
    with tempfile.TemporaryDirectory() as scratch:
        database = Path(scratch) / "rows.db"
        with pipeline.store(database) as kept:
            run = kept.open_run("benchmark")
            kept.describe_run(run.run_id, "benchmark", "benchmark")
            many = _outcomes([f"{number:08}/return.jpg" for number in range(10_000)])
            kept.save(kept.run(run.run_id), many, Counts())
        size = database.stat().st_size
    return {
        "to_a_worker": len(pickle.dumps(photos)) / len(photos),
        "back": len(pickle.dumps(outcomes)) / len(outcomes),
        "in_sqlite": size / 10_000,
        "in_memory": _in_memory(),
    }


def _in_memory() -> float:
    """Return the bytes that a photo under way takes here: itself, and once its outcome."""
    tracemalloc.start()
    outcomes = pickle.loads(pickle.dumps(_outcomes([f"{n:08}/return.jpg" for n in range(1000)])))
    taken, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return taken / len(outcomes)


def _machine() -> dict[str, Any]:
    return {
        "cores": os.cpu_count(),
        "memory_gb": round(psutil.virtual_memory().total / 2**30, 1),
        "os": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "load_before": round(psutil.getloadavg()[0], 2),
    }


# A node is lost


@main.command()
@click.option("--size", default=20_000, show_default=True, type=click.IntRange(500))
def loss(size: int) -> None:
    """Run over a cluster of a head and two nodes, kill one half-way, compare with a local run."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = folders.fill(Path(scratch) / "images", folders.originals(None), size)
        (folder / "damaged.jpg").write_bytes(b"\xff\xd8\xff")
        (folder / "empty.jpg").write_bytes(b"")
        rows = _stored(folder, Path(scratch) / "local.db", None)
        others = _stored(folder, Path(scratch) / "ray.db", size // 2)
    apart = [name for name in rows if not _alike(rows[name], others.get(name))]
    print(f"{len(rows):,} rows locally, {len(others):,} on the cluster, {len(apart)} differ")
    sys.exit(1 if apart or len(rows) != len(others) else 0)


def _stored(folder: Path, database: Path, lose_at: int | None) -> dict[str, tuple[Any, ...]]:
    with pipeline.store(database) as kept:
        if lose_at is None:
            run = _night(kept, folder, in_workers)
        else:
            run = _night_with_loss(kept, folder, lose_at)
        print(f"{run.status}: {run.counts}, {run.seconds:.0f} s")
        return _rows_of(kept, run)


def _night(kept: Store, folder: Path, engine: Any, tell: Any = lambda *_: None) -> Run:
    tuning = Tuning() if engine is in_workers else Tuning(64, 1, 1)
    container = pipeline.folder(folder)
    run = kept.open_run("benchmark")
    return run_batch(kept, run, container, pipeline.load, tuning, tell, engine)


def _night_with_loss(kept: Store, folder: Path, lose_at: int) -> Run:
    RayEngine()  # imports Ray with what it must not do
    from ray.cluster_utils import Cluster

    cluster = Cluster()
    nodes = [_node(cluster, cores) for cores in (0, 1, 1)]

    def tell(counts: Counts, expected: int | None) -> None:
        if counts.classified > lose_at and len(nodes) == 3:
            cluster.remove_node(nodes.pop(), allow_graceful=False)
            print(f"a node was killed at {counts.classified:,} photos")

    with RayEngine(cluster.address) as engine:
        run = _night(kept, folder, engine.classify, tell)
    cluster.shutdown()
    return run


def _node(cluster: Any, cores: int) -> Any:
    return cluster.add_node(
        num_cpus=cores,
        node_ip_address="127.0.0.1",
        include_dashboard=False,
        object_store_memory=80 * 2**20,
    )


def _rows_of(kept: Store, run: Run) -> dict[str, tuple[Any, ...]]:
    rows: dict[str, tuple[Any, ...]] = {}
    after = 0
    while page := kept.predictions(run_id=run.run_id, after=after, limit=1000):
        after = page[-1].image_id
        for stored in page:
            answer = stored.prediction
            row = (answer.photo.etag, answer.predicted_category, answer.review_reason)
            rows[answer.photo.name] = (*row, *answer.probabilities)
    for found in all_failures(kept, Wanted(run_id=run.run_id)):
        failure = found.outcome
        assert isinstance(failure, Failure)
        rows[failure.photo.name] = (failure.photo.etag, failure.stage, failure.reason)
    return rows


def _alike(row: tuple[Any, ...], other: tuple[Any, ...] | None) -> bool:
    """Return True if two rows say the same, but for the last digits of probabilities."""
    if other is None or row[:3] != other[:3] or len(row) != len(other):
        return False
    return all(abs(one - two) < 1e-6 for one, two in zip(row[3:], other[3:], strict=True))


if __name__ == "__main__":
    main()
