"""The same walk on a Ray cluster: a worker for each core, whichever computer the core is in.

Owns Ray. Listing, looking up, counting and saving stay with whoever runs this; batches go out to
the workers and outcomes come back. A batch is in memory only while it is on its way, a few for each
worker, so memory grows with the cluster and not with the photos.

A worker that dies costs what it had begun: its batches go to others. From then on each of these
batches walks alone, and if that costs another worker it is cut into pieces, until the photo that
kills is alone too. Then it is a failure like others.

Model and container travel to the workers whole. So all have the very model that the run names, none
asks for it, and of the settings they know the storage's alone.
"""

import logging
import math
import os
import signal
import socket
import threading
import time
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from itertools import chain
from queue import Empty, SimpleQueue
from typing import Any

from clothing.classifier import Classifier
from clothing.errors import ClothingError, ConfigError, EngineError
from clothing.photos import Failure, Outcome, Photo
from clothing.sandbox import Decoder
from clothing.stopping import heed
from clothing.storage import Container
from clothing.walk import Batches, Tuning, Walk, batches_of

log = logging.getLogger(__name__)

PATIENCE_SECONDS = 600
"""How long a cluster may be without a single worker: computers in a cloud take minutes to start."""

LOOK_SECONDS = 5
"""How often is looked whether the cluster has grown."""

TOGETHER = 1024
"""Photos that are saved at once where outcomes come faster than they are saved."""

AHEAD = 1
"""Batches that lie ready at a worker beside those that it walks, so that it never waits."""

DEATHS = 3
"""Workers that one photo may cost: twice of these it was alone with them."""

DIED = "its worker died while it was read alone, and so did the next one"
"""Why such a photo cannot be used."""

FALSE_STARTS = 2
"""Workers for each core that may die before their first batch, if none is there that lives."""

_PIECES = 8  # of a batch that killed its worker
_STORE_BYTES = 200 * 2**20  # for the model and batches: Ray would take a third of the memory
_KNOCK_SECONDS = 10
_STARTS = 3  # Ray gives itself 30 s to start, which are few on a busy computer

_SETTINGS = {
    "RAY_USAGE_STATS_ENABLED": "0",  # it would report to its makers
    "RAY_DEDUP_LOGS_SKIP_REGEX": ".",  # it would print to standard output, which is ours
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",  # its new behaviour; the old one warns
}

_SETTINGS_HERE = {
    "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0",  # or 127.0.0.1 is exchanged for the outer address
    "RAY_agent_register_timeout_ms": "180000",
}


class RayEngine:
    """A cluster, as an engine of `run_batch`. Use it as a context: the end lets go of the cluster.

    Args:
        address: Of the cluster: `HOST:PORT` of its head, or `auto` on a computer that belongs to
            it. None starts Ray on this computer, for this computer alone.
        cores: How many workers then.
        patience: Seconds that the cluster may be without a worker.

    Attributes:
        address: As given.

    Raises:
        ConfigError: Ray is not installed, or the address is none that can be used.
    """

    def __init__(
        self, address: str | None = None, cores: int = 1, patience: float = PATIENCE_SECONDS
    ) -> None:
        if address and "://" in address:
            raise ConfigError(
                f"--address takes HOST:PORT of a Ray cluster's head, or auto. Received: {address}."
            )
        self._ray = _imported(_SETTINGS if address else _SETTINGS | _SETTINGS_HERE)
        self.address, self._cores, self._patience = address, cores, patience
        self._is_ours = False

    def __enter__(self) -> "RayEngine":
        """Return itself; nothing is started yet, so that what goes wrong is the run's."""
        return self

    def __exit__(self, *_: object) -> None:
        """Leave the cluster; one that was started here ends."""
        if self._is_ours:
            self._ray.shutdown()

    def classify(
        self,
        photos: Iterable[Photo],
        container: Container,
        classifier: Classifier,
        tuning: Tuning,
    ) -> Batches:
        """Yield the outcomes of photos as they come, every photo's once.

        Args:
            photos: Taken as they are needed, a few batches ahead for each worker.
            container: Where they lie; all computers of the cluster must reach it.
            classifier: The model.
            tuning: For each worker; `decode_threads` is 1 there, whatever it says.

        Yields:
            Outcomes of a batch, or of several if they came at once.

        Raises:
            EngineError: The cluster cannot be reached, or has no workers.
            ClothingError: What stops the walk in a worker stops it here.
        """
        batches = batches_of(photos, tuning)
        first = next(batches, None)
        if first is None:
            return  # and no cluster is needed
        self._connect()
        load = self._ray.put(container), self._ray.put(classifier)
        with _Crew(self._ray, load, tuning.download_threads, self._patience) as crew:
            yield from crew.walk(chain([first], batches))

    def _connect(self) -> None:
        if self._ray.is_initialized():
            return
        try:
            with _signals_kept():
                self._join() if self.address else self._start()
        except Exception as error:  # Ray has no error of its own for this
            raise EngineError(_no_cluster(self.address, error)) from error
        self._is_ours = True

    def _join(self) -> None:
        host, _, port = str(self.address).rpartition(":")
        if port.isdecimal():  # Ray itself asks for minutes where nobody listens
            socket.create_connection((host.strip("[]"), int(port)), _KNOCK_SECONDS).close()
        self._ray.init(address=self.address, log_to_driver=False, logging_level=logging.ERROR)

    def _start(self) -> None:
        for tries_left in reversed(range(_STARTS)):
            try:
                self._ray.init(
                    address="local",  # without it, one that others have started here is joined
                    num_cpus=self._cores,
                    include_dashboard=False,
                    log_to_driver=False,
                    logging_level=logging.ERROR,
                    object_store_memory=_STORE_BYTES,
                    _node_ip_address="127.0.0.1",
                )
                return
            except Exception:  # it raises no error of its own
                self._ray.shutdown()
                if not tries_left:
                    raise


def _imported(settings: dict[str, str]) -> Any:
    """Import Ray, which takes a second and reads its settings once: only who asks for it pays."""
    for name, value in settings.items():
        os.environ.setdefault(name, value)
    try:
        import ray
        import ray.exceptions
    except ImportError as error:
        raise ConfigError(
            "--engine ray needs Ray, which is not installed. Run: "
            "pip install --require-hashes -r requirements-ray.txt"
        ) from error
    return ray


@contextmanager
def _signals_kept() -> Iterator[None]:
    """Keep what a polite request to end does: Ray would put a way of its own in its place."""
    kept = signal.getsignal(signal.SIGTERM)
    try:
        yield
    finally:
        if threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGTERM, kept)


def _no_cluster(address: str | None, error: Exception) -> str:
    reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
    if address is None:
        return f"Ray does not start on this computer: {reason}"
    return (
        f"The Ray cluster at {address} cannot be reached: {reason} Start the command on a computer "
        "of the cluster, with the same versions of Python and Ray."
    )


class Walker:
    """The walk inside a worker; Ray makes one there, with a thread for each batch on its way."""

    def load(self, container: Container, classifier: Classifier) -> None:
        """Take what all batches need.

        Raises:
            StorageError: The container cannot be reached from this computer.
        """
        next(container.count_photos(), 0)
        cores = threading.BoundedSemaphore(1)
        self._walk = Walk(container.download, Decoder(), classifier, cores)

    def walk(self, batch: list[Photo]) -> list[Outcome]:
        """Return the outcomes of a batch in its order."""
        return self._walk(batch)


@dataclass(eq=False, slots=True)
class _Batch:
    """Photos that walk together; after a death, alone."""

    photos: list[Photo]
    deaths: int = 0


@dataclass(eq=False, slots=True)
class _Worker:
    """What is known here of a worker: its actor, and the batches that it has."""

    actor: Any
    is_ready: bool = False
    batches: set[_Batch] = field(default_factory=set)

    @property
    def is_alone(self) -> bool:
        """True if it walks a batch that may kill it, and may have no other."""
        return any(batch.deaths for batch in self.batches)


_Event = tuple[_Worker, _Batch | None, "Future[Any]"]
"""A worker is through with a batch, or with loading if there is none; or it died of it."""


class _Crew:
    """The workers, and what each of them has. For one thread.

    Args:
        ray: The module.
        load: What each worker takes first, as Ray keeps it.
        threads: Batches that a worker walks at once.
        patience: Seconds that there may be no worker.
    """

    def __init__(self, ray: Any, load: tuple[Any, ...], threads: int, patience: float) -> None:
        self._ray, self._load = ray, load
        self._most = threads + AHEAD
        self._patience = patience
        self._walker = ray.remote(num_cpus=1)(Walker).options(max_concurrency=threads)
        self._workers: set[_Worker] = set()
        self._hungry: set[_Worker] = set()
        self._suspects: deque[_Batch] = deque()
        self._events: SimpleQueue[_Event] = SimpleQueue()
        self._under_way = 0
        self._false_starts, self._wanted = 0, 1
        self._looked = -math.inf
        self._seen_ready = time.monotonic()

    def __enter__(self) -> "_Crew":
        """Return itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """End all workers, whatever they do."""
        for worker in list(self._workers):
            self._end(worker)

    def walk(self, photos: Iterable[list[Photo]]) -> Iterator[list[Outcome]]:
        """Yield the outcomes of batches as they come, several together if they came so."""
        batches, is_through = map(_Batch, photos), False
        while not is_through or self._under_way or self._suspects:
            heed()
            self._hire()
            is_through = self._feed(batches) or is_through
            if outcomes := self._collected():
                yield outcomes

    # Workers come and go

    def _hire(self) -> None:
        """Have a worker for each core that the cluster has now; it may have grown."""
        now = time.monotonic()
        if now - self._looked < LOOK_SECONDS:
            return
        self._looked = now
        cores = int(self._ray.cluster_resources().get("CPU", 0))
        self._wanted = max(1, cores)
        for _ in range(self._wanted - len(self._workers)):
            self._start()
        if any(worker.is_ready for worker in self._workers):
            self._seen_ready = now
        elif now - self._seen_ready > self._patience:
            raise EngineError(
                f"The Ray cluster had no worker for {self._patience:.0f} s. It must have computers "
                f"with a free core; it has {cores} cores."
            )

    def _start(self) -> None:
        worker = _Worker(self._walker.remote())
        self._workers.add(worker)
        self._expect(worker, None, worker.actor.load.remote(*self._load))

    def _expect(self, worker: _Worker, batch: _Batch | None, answer: Any) -> None:
        """Have an event when the answer is there; Ray's own thread brings it."""
        answer.future().add_done_callback(lambda done: self._events.put((worker, batch, done)))

    def _end(self, worker: _Worker) -> None:
        self._workers.discard(worker)
        self._hungry.discard(worker)
        self._under_way -= len(worker.batches)
        with suppress(Exception):  # it may be gone, and the cluster too
            self._ray.kill(worker.actor)

    # Batches go out

    def _feed(self, batches: Iterator[_Batch]) -> bool:
        """Hand out batches until all have enough; return True if there are no new ones."""
        for worker in list(self._hungry):
            while len(worker.batches) < self._most and not worker.is_alone:
                if self._suspects and worker.batches:
                    break  # it is to be empty for one of them
                batch = self._suspects.popleft() if self._suspects else next(batches, None)
                if batch is None:
                    return True
                self._hand(worker, batch)
            else:
                self._hungry.discard(worker)
        return False

    def _hand(self, worker: _Worker, batch: _Batch) -> None:
        worker.batches.add(batch)
        self._under_way += 1
        self._expect(worker, batch, worker.actor.walk.remote(batch.photos))

    # Outcomes come back

    def _collected(self) -> list[Outcome]:
        """Wait for an event; return the outcomes of all that there are by then."""
        outcomes: list[Outcome] = []
        with suppress(Empty):
            outcomes += self._told(*self._events.get(timeout=LOOK_SECONDS))
            while len(outcomes) < TOGETHER:
                outcomes += self._told(*self._events.get_nowait())
        return outcomes

    def _told(
        self, worker: _Worker, batch: _Batch | None, done: "Future[list[Outcome]]"
    ) -> list[Outcome]:
        if worker not in self._workers:
            return []  # it was ended, and others have its batches
        if error := done.exception():
            self._raise_if_told(error, is_load=batch is None)
            return self._lost(worker, error)
        self._hungry.add(worker)
        if batch is None:
            worker.is_ready, self._false_starts = True, 0
            return []
        worker.batches.discard(batch)
        self._under_way -= 1
        return done.result()

    def _raise_if_told(self, error: BaseException, is_load: bool) -> None:
        """Raise what the walk itself raised in a worker; that a worker died is no such thing."""
        if not isinstance(error, self._ray.exceptions.RayTaskError):
            return
        cause: BaseException = error.cause
        if is_load and not isinstance(cause, ClothingError):
            raise EngineError(
                f"A worker cannot begin: {cause}. All computers of the cluster must have this "
                "program and what it needs, in the same versions."
            ) from error
        raise cause

    def _lost(self, worker: _Worker, error: BaseException) -> list[Outcome]:
        """Give the batches of a dead worker to others; return the failures that it proves."""
        self._end(worker)
        if worker.is_ready:
            self._looked = -math.inf  # another one, now
            log.warning("a worker died, and %s batches go to others", len(worker.batches))
            return [failure for batch in worker.batches for failure in self._suspected(batch)]
        self._false_starts += 1
        if self._false_starts >= FALSE_STARTS * self._wanted:
            reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
            raise EngineError(
                f"Workers die before they begin, {self._false_starts} in a row: {reason} Are there "
                "this program and enough memory on all computers of the cluster?"
            )
        return []

    def _suspected(self, batch: _Batch) -> list[Outcome]:
        """Let a batch walk alone; if it did, cut it into pieces; if it is one photo, give it up."""
        batch.deaths += 1
        if len(batch.photos) == 1 and batch.deaths >= DEATHS:
            return [Failure(batch.photos[0], "decode", DIED)]
        if len(batch.photos) == 1 or batch.deaths == 1:
            self._suspects.append(batch)
        else:
            pieces = batches_of(batch.photos, Tuning(math.ceil(len(batch.photos) / _PIECES), 1, 1))
            self._suspects.extend(_Batch(piece, deaths=1) for piece in pieces)
        return []
