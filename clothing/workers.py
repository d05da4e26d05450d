"""The same walk in processes of this computer: one core is used here, each other one in a process.

Owns these processes. Threads of one process take turns at Python, and a photo needs Python between
all the steps that its libraries do without: two threads of a run had 1.7 cores of two, and paid for
the turns. Processes wait for nobody. They take a third of a second to start, so a short run does
without, and a long one walks on in its own threads until they are ready.

A process holds nothing that is not kept here: it gets batches and gives outcomes. One that dies
costs no photo its answer: the batches that it had go, one after the other, to a new process that
has nothing else, each first whole, and if that dies too, photo by photo. The photo that kills a
process alone is a failure like others.
"""

import itertools
import logging
import os
import pickle
import signal
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any, BinaryIO

from clothing.classifier import Classifier
from clothing.errors import EngineError
from clothing.photos import Failure, Outcome, Photo
from clothing.sandbox import Decoder
from clothing.storage import Container
from clothing.walk import Batches, Tuning, Walk, ahead, batches_of
from clothing.words import internal_error

log = logging.getLogger(__name__)

AFTER = 4
"""Batches that a run has begun before processes are worth their start."""

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
        yield from ahead(crew, batches_of(photos, tuning.batch_size), tuning)


class _DiedError(Exception):
    """A process is gone, and what it had with it."""


class _Worker:
    """A process that walks batches, several at once, each on a line of its own.

    Frames on its standard input and output are pickled: (line, batch) to it, (line, answer) from
    it. It ends with whoever started it: its input ends then.

    Args:
        lines: Batches that it walks at once.
        tools: Container and classifier; they travel there once.

    Raises:
        OSError: There is no memory, or no place, for another process.
    """

    def __init__(self, lines: int, tools: tuple[Container, Classifier]) -> None:
        self.lines = range(lines)
        self._answers: list[SimpleQueue[Any]] = [SimpleQueue() for _ in self.lines]
        self._writing = threading.Lock()
        self._program = subprocess.Popen(
            [sys.executable, "-m", "clothing.workers"],
            cwd=Path(__file__).parent.parent,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        self._listener = threading.Thread(target=self._listen, args=(tools,), daemon=True)
        self._listener.start()

    def is_ready(self, line: int) -> bool:
        """Return True once a line can be used, False before."""
        return not self._answers[line].empty()

    def ask(self, line: int, batch: list[Photo]) -> list[Outcome]:
        """Return the outcomes of a batch; one thread for each line.

        Raises:
            _DiedError: The process is gone.
            Exception: Whatever stopped the walk there.
        """
        self._send((line, batch))
        answer = self._answers[line].get()
        if isinstance(answer, Exception):
            raise answer
        outcomes: list[Outcome] = answer
        return outcomes

    def greet(self, line: int, seconds: float | None = None) -> None:
        """Take the sign of life that makes a line ready, or wait for it no longer than so long.

        Raises:
            _DiedError: The process is gone.
            Empty: It gave none in time.
        """
        if isinstance(sign := self._answers[line].get(timeout=seconds), Exception):
            raise sign

    def end(self) -> None:
        """End it, whatever it does."""
        self._program.kill()
        self._listener.join()

    def _listen(self, tools: tuple[Container, Classifier]) -> None:
        """Hand over the tools, then pass answers on; however that ends, nobody waits for more."""
        try:
            with self._program:
                self._talk(tools)
                self._program.kill()
                self._hang_up()
        finally:
            for answers in self._answers:
                answers.put(_DiedError())

    def _talk(self, tools: tuple[Container, Classifier]) -> None:
        """Talk with the process until it is gone, or until one of us says what cannot be said."""
        try:
            self._send((len(self.lines), tools))
            self._pass_on()
        except (_DiedError, EOFError, OSError, pickle.UnpicklingError):
            log.debug("a process of the run is gone")
        except Exception:  # to travel, an object may do whatever it likes
            log.exception("a process of the run is given up")

    def _pass_on(self) -> None:
        """Give every answer to whoever waits for it, until there are no more."""
        assert self._program.stdout
        while True:
            line, answer = pickle.load(self._program.stdout)
            self._answers[line].put(answer)

    def _hang_up(self) -> None:
        """Close its input; what lies there unread is lost with it."""
        assert self._program.stdin
        with self._writing, suppress(OSError):
            self._program.stdin.close()

    def _send(self, frame: object) -> None:
        assert self._program.stdin
        content = pickle.dumps(frame, pickle.HIGHEST_PROTOCOL)  # or half a frame might go out
        try:
            with self._writing:
                self._program.stdin.write(content)
                self._program.stdin.flush()
        except (OSError, ValueError) as error:  # closed on the other side, or on ours
            raise _DiedError from error


_Line = tuple[_Worker, int]
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
    _living: set[_Worker] = field(default_factory=set)
    _suspects: int = 0
    _cell: _Worker | None = None

    def __call__(self, batch: list[Photo]) -> list[Outcome]:
        """Return the outcomes of a batch in its order."""
        line = self._line()
        if line is None:
            return self.here(batch)
        try:
            return self._asked(line, batch)
        except _DiedError:
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
        with suppress(_DiedError):
            return self._walked_alone(batch)
        outcomes: list[Outcome] = []
        for photo in batch:
            try:
                outcomes += self._walked_alone([photo])
            except _DiedError:
                outcomes.append(Failure(photo, "decode", "the process that read it died"))
        return outcomes

    def _walked_alone(self, batch: list[Photo]) -> list[Outcome]:
        """Return the outcomes of a batch from a process that has no other.

        Raises:
            _DiedError: It killed the process.
            EngineError: There is no such process, or nobody waits for outcomes any more.
        """
        if self._cell is None:
            self._cell = self._awaited()
        try:
            return self._cell.ask(0, batch)
        except _DiedError:
            self._leave_cell()
            raise

    def _leave_cell(self) -> None:
        if self._cell:
            self._dismiss(self._cell)
        self._cell = None

    def _line(self) -> _Line | None:
        """Return a line that is free, or None as long as there is none."""
        with self._lock:
            self._begun += 1
            is_long = self._begun == AFTER and not self._is_over
            if is_long and self.tuning.decode_threads > 1:
                for _ in range(self.tuning.decode_threads - 1):
                    self._start()
                if self._living:
                    self.here = replace(self.here, cores=threading.BoundedSemaphore(1))
            return self._free()

    def _awaited(self) -> _Worker:
        """Return a new process with one line as soon as it lives; one that does not is replaced."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while (left := deadline - time.monotonic()) > 0 and not self._is_over:
            with suppress(OSError, _DiedError, Empty):
                return self._greeted(left)
            time.sleep(_PAUSE_SECONDS)
        raise EngineError(
            f"No process of the run answered for {PATIENCE_SECONDS:.0f} s after one had died. Is "
            "the memory used up? DECODE_THREADS=1 needs less of it."
        )

    def _greeted(self, seconds: float) -> _Worker:
        with self._lock:
            worker = self._hired(1)
        try:
            worker.greet(0, seconds)
        except (_DiedError, Empty):
            self._dismiss(worker)
            raise
        return worker

    def _free(self) -> _Line | None:
        """Return a free line; those that have come to life since are free now."""
        for worker, number in [one for one in self._starting if one[0].is_ready(one[1])]:
            self._starting.remove((worker, number))
            with suppress(_DiedError):  # it died before it began; the run goes on without it
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

    def _hired(self, lines: int) -> _Worker:
        worker = _Worker(lines, self.tools)
        self._living.add(worker)
        return worker

    def _dismiss(self, worker: _Worker) -> None:
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


# In the process


def main() -> None:
    """Walk what comes on standard input until it ends; the process's side."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches all; the run decides
    source, target = sys.stdin.buffer, os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what a library prints is no answer
    lines, (container, classifier) = pickle.load(source)
    batches: list[SimpleQueue[list[Photo] | None]] = [SimpleQueue() for _ in range(lines)]
    writing = threading.Lock()
    with Decoder() as decoder:
        walk = Walk(container.download, decoder, classifier, threading.BoundedSemaphore(1))
        threads = [
            threading.Thread(
                target=_serve,
                args=(line, batches[line], walk, target, writing),
                daemon=True,  # whatever ends this one ends them: nobody else would
            )
            for line in range(lines)
        ]
        for thread in threads:
            thread.start()
        with suppress(EOFError, pickle.UnpicklingError):  # it may end amid a frame
            while True:
                line, batch = pickle.load(source)
                batches[line].put(batch)
        walk.stop()
        for waiting in batches:
            waiting.put(None)
        for thread in threads:
            thread.join()


def _serve(
    line: int,
    batches: "SimpleQueue[list[Photo] | None]",
    walk: Walk,
    target: BinaryIO,
    writing: threading.Lock,
) -> None:
    """Answer the batches of a line, after a sign of life."""
    for batch in itertools.chain([[]], iter(batches.get, None)):
        try:
            answer: object = walk(batch)
        except Exception as error:
            answer = error
        frame = _framed(line, answer)
        with suppress(OSError), writing:  # nobody listens any more
            target.write(frame)
            target.flush()


def _framed(line: int, answer: object) -> bytes:
    """Return an answer as it travels; in the place of an error that cannot, one that can."""
    try:
        frame = pickle.dumps((line, answer), pickle.HIGHEST_PROTOCOL)
        if isinstance(answer, Exception):
            pickle.loads(frame)  # many an error goes away well and does not arrive
    except Exception as error:
        cause = answer if isinstance(answer, Exception) else error
        log.error("the walk in a process of the run", exc_info=cause)
        frame = pickle.dumps((line, EngineError(internal_error(cause))), pickle.HIGHEST_PROTOCOL)
    return frame


if __name__ == "__main__":
    main()
