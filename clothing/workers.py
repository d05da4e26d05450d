"""The same walk in processes of this computer: one core is used here, each other one in a process.

Owns how many there are, and what each gets. Threads of one process take turns at Python, and a
photo needs Python between all the steps that its libraries do without: two threads of a run had 1.7
cores of two, and paid for the turns. Processes wait for nobody. They take a third of a second to
start, so a short run does without, and a long one walks on in its own threads until they are ready.

One that dies costs no photo its answer: the batches that it had go, one after the other, to a new
process that has nothing else, each first whole, and if that dies too, photo by photo. The photo
that kills a process alone is a failure like others.
"""

import logging
import threading
import time
from collections import deque
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from queue import Empty

from clothing.classifier import Classifier
from clothing.errors import EngineError
from clothing.photos import Failure, Outcome, Photo
from clothing.sandbox import Decoder
from clothing.storage import Container
from clothing.walk import Batches, Tuning, Walk, ahead, batches_of
from clothing.worker import DiedError, Worker

log = logging.getLogger(__name__)

AFTER = 4
"""So many full batches' photos have begun before processes are worth their start.

Photos count and not their size: what threads wait for is Python, as long for a small photo as for a
large one. 160 photos of 12 megapixels took a tenth longer with processes; of 600, those that came
once all were at work went 6 % faster than with threads.
"""

PATIENCE_SECONDS = 60.0
"""How long a batch that cost a process its life waits for another one."""

_PAUSE_SECONDS = 0.2  # before another process is tried in the place of one that did not begin


def in_workers(
    photos: Iterable[Photo], container: Container, classifier: Classifier, tuning: Tuning
) -> Batches:
    """Classify photos of a container in processes of this computer; an `Engine` of `run_batch`.

    Args:
        photos: Taken as they are needed.
        container: Where they lie; each process opens it for itself.
        classifier: The model; each process loads it for itself.
        tuning: `decode_threads` processes, this one included, share the `download_threads` batches
            on their way.

    Yields:
        Outcomes of up to `batch_size` photos, in the order of the photos. Whoever takes no more of
        them must close this: left to be collected as garbage, it might end its threads in one of
        them, which would wait for itself.

    Raises:
        EngineError: A process died, and no other could be had for the photos that may have
            killed it; or what stopped the walk in a process is an error that cannot travel.
        ClothingError: What stops the walk in a process stops it here.
    """
    with Decoder(tuning.decode_threads) as decoder:
        cores = threading.BoundedSemaphore(tuning.decode_threads)
        here = Walk(container.download, decoder, classifier, cores)
        crew = _Crew(here, (container, classifier), tuning)
        yield from ahead(crew, batches_of(photos, tuning), tuning)


_Line = tuple[Worker, int]
"""A process, and which of its lines."""


@dataclass
class _Crew:
    """The walk of a batch, here or in a process; threads share one.

    Attributes:
        here: The walk in this process.
        tools: What processes need.
        tuning: How many processes, this one included, and how many batches at once.
    """

    here: Walk
    tools: tuple[Container, Classifier]
    tuning: Tuning
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _turns: threading.Lock = field(default_factory=threading.Lock)
    _begun: int = 0
    _is_over: bool = False
    _idle: deque[_Line] = field(default_factory=deque)
    _starting: list[_Line] = field(default_factory=list)
    _living: set[Worker] = field(default_factory=set)
    _suspects: int = 0
    _cell: Worker | None = None

    def __call__(self, batch: list[Photo]) -> list[Outcome]:
        """Return the outcomes of a batch in its order."""
        line = self._line(len(batch))
        if line is None:
            return self.here(batch)
        try:
            return self._asked(line, batch)
        except DiedError:
            self._bury(line)
        with self._turn():
            return self._suspected(batch)

    def stop(self) -> None:
        """End the processes: nobody waits for outcomes any more."""
        self.here.stop()
        with self._lock:
            self._is_over = True
            living = list(self._living)
        for worker in living:
            worker.end()

    def _asked(self, line: _Line, batch: list[Photo]) -> list[Outcome]:
        worker, number = line
        outcomes = worker.ask(number, batch)
        with self._lock:
            self._idle.append(line)
        return outcomes

    @contextmanager
    def _turn(self) -> Iterator[None]:
        """Have the process of suspects for oneself; whoever is the last to want it ends it."""
        with self._lock:
            self._suspects += 1
        with self._turns:
            try:
                yield
            finally:
                with self._lock:
                    self._suspects -= 1
                if not self._suspects:
                    self._leave_cell()

    def _suspected(self, batch: list[Photo]) -> list[Outcome]:
        """Return the outcomes of a batch that may have killed a process; it is never walked here.

        Most likely it only stood beside the one that did, so it is whole once more.
        """
        with suppress(DiedError):
            return self._walked_alone(batch)
        outcomes: list[Outcome] = []
        for photo in batch:
            try:
                outcomes += self._walked_alone([photo])
            except DiedError:
                outcomes.append(Failure(photo, "decode", "the process that read it died"))
        return outcomes

    def _walked_alone(self, batch: list[Photo]) -> list[Outcome]:
        """Return the outcomes of a batch from a process that has no other.

        Raises:
            DiedError: It killed the process.
            EngineError: There is no such process, or nobody waits for outcomes any more.
        """
        if self._cell is None:
            self._cell = self._awaited()
        try:
            return self._cell.ask(0, batch)
        except DiedError:
            self._leave_cell()
            raise

    def _leave_cell(self) -> None:
        if self._cell:
            self._dismiss(self._cell)
        self._cell = None

    def _line(self, photos: int) -> _Line | None:
        """Return a line that is free, or None as long as there is none, for so many photos."""
        with self._lock:
            before, enough = self._begun, AFTER * self.tuning.batch_size
            self._begun += photos
            is_long = before < enough <= self._begun and not self._is_over
            if is_long and self.tuning.decode_threads > 1:
                for _ in range(self.tuning.decode_threads - 1):
                    self._start()
                if self._living:
                    self.here = replace(self.here, cores=threading.BoundedSemaphore(1))
            return self._free()

    def _awaited(self) -> Worker:
        """Return a new process with one line as soon as it lives; one that does not is replaced."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while (left := deadline - time.monotonic()) > 0 and not self._is_over:
            with suppress(OSError, DiedError, Empty):
                return self._greeted(left)
            time.sleep(_PAUSE_SECONDS)
        raise EngineError(
            f"No process of the run answered for {PATIENCE_SECONDS:.0f} s after one had died. Is "
            "the memory used up? DECODE_THREADS=1 needs less of it."
        )

    def _greeted(self, seconds: float) -> Worker:
        with self._lock:
            worker = self._hired(1)
        try:
            worker.greet(0, seconds)
        except (DiedError, Empty):
            self._dismiss(worker)
            raise
        return worker

    def _free(self) -> _Line | None:
        """Return a free line; those that have come to life since are free now."""
        for worker, number in [one for one in self._starting if one[0].is_ready(one[1])]:
            self._starting.remove((worker, number))
            with suppress(DiedError):  # it died before it began; the run goes on without it
                worker.greet(number)
                self._idle.append((worker, number))
        return self._idle.pop() if self._idle else None

    def _start(self) -> None:
        """Start a process with its share of the lines, if there can be another one."""
        share = -(-self.tuning.download_threads // self.tuning.decode_threads)
        try:
            worker = self._hired(share)
        except OSError as error:
            log.warning("the run goes on with a process less: %s", error.strerror)
        else:
            self._starting += [(worker, number) for number in worker.lines]

    def _hired(self, lines: int) -> Worker:
        worker = Worker(lines, self.tools)
        self._living.add(worker)
        return worker

    def _dismiss(self, worker: Worker) -> None:
        with self._lock:
            self._living.discard(worker)
        worker.end()

    def _bury(self, line: _Line) -> None:
        """Put a new process into the place of a dead one; its other lines find out themselves."""
        dead, _ = line
        with self._lock:
            if dead in self._living and not self._is_over:
                self._living.remove(dead)
                self._idle = deque(one for one in self._idle if one[0] is not dead)
                self._start()
