"""One process of a run: what it is told and what it answers, at both ends of its pipe.

Owns the frames. A process holds nothing that is not kept where it was started, and ends with
whoever started it: its input ends then. How many there are, and what becomes of the photos of one
that died, is for `workers` to say.
"""

import itertools
import logging
import os
import pickle
import signal
import subprocess
import sys
import threading
from contextlib import suppress
from pathlib import Path
from queue import SimpleQueue
from typing import Any, BinaryIO

from clothing.classifier import Classifier
from clothing.errors import EngineError
from clothing.photos import Outcome, Photo
from clothing.sandbox import Decoder
from clothing.storage import Container
from clothing.walk import Walk
from clothing.words import internal_error

log = logging.getLogger(__name__)


class DiedError(Exception):
    """A process is gone, and what it had with it."""


class Worker:
    """A process that walks batches, several at once, each on a line of its own.

    Frames on its standard input and output are pickled: (line, batch) to it, (line, answer) from
    it.

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
            [sys.executable, "-m", "clothing.worker"],
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
            DiedError: The process is gone.
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
            DiedError: The process is gone.
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
                answers.put(DiedError())

    def _talk(self, tools: tuple[Container, Classifier]) -> None:
        """Talk with the process until it is gone, or until one of us says what cannot be said."""
        try:
            self._send((len(self.lines), tools))
            self._pass_on()
        except (DiedError, EOFError, OSError, pickle.UnpicklingError):
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
            raise DiedError from error


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
