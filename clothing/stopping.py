"""Being asked to end: noted when it comes, heeded where nothing is left half done.

Python lets a signal's handler raise at any place, so also amid the standard library, just after a
lock was taken. A run that ended so waited for that lock for ever, and its heartbeat kept the next
run away. So the handlers here only note, the run asks between its steps, and for other threads it
waits by `returned_by`.
"""

import signal
from collections.abc import Iterator
from concurrent.futures import Future, wait
from contextlib import contextmanager
from typing import Any, TypeVar

GRACE_SECONDS = 3.0
"""Who has not heeded it by then is in a call that takes long, and is ended there; so is what is
tidied up after that. Containers have ten seconds before they are killed."""

_LOOK_SECONDS = 0.1

_Returned = TypeVar("_Returned")

# Of this process, as signals are: what is still to be heeded, and what was.
_noted: list[BaseException] = []
_heeded: list[BaseException] = []


@contextmanager
def stoppable() -> Iterator[None]:
    """Let SIGTERM and Ctrl-C end the block where it heeds them; the main thread's only.

    Ctrl-C a second time ends it wherever it is.

    Raises:
        SystemExit: 128 + 15, as of a process that SIGTERM ended.
        KeyboardInterrupt: After Ctrl-C.
    """
    reactions: dict[int, Any] = {signal.SIGTERM: _note, signal.SIGINT: _note}
    if hasattr(signal, "setitimer"):  # Windows has none, and sends no SIGTERM
        reactions[signal.SIGALRM] = _insist
    kept = {
        number: signal.signal(number, reaction)
        for number, reaction in reactions.items()
        if signal.getsignal(number) is not signal.SIG_IGN  # a shell's background jobs: Ctrl-C
    }
    try:
        yield
        heed()
    finally:
        _forget()
        for number, reaction in kept.items():
            signal.signal(number, reaction)


def heed() -> None:
    """Raise what was asked for, if anything was; called where a run may end.

    What is tidied up after that may wait for others: who is still there after the grace is asked
    once more.
    """
    if _noted:
        asked = _noted[-1]
        _noted.clear()
        _heeded.append(asked)
        _alarm_in(GRACE_SECONDS)
        raise asked


def returned_by(future: "Future[_Returned]") -> _Returned:
    """Return what the work of another thread returns; before and while it takes, heed."""
    heed()
    while not wait([future], _LOOK_SECONDS).done:
        heed()
    return future.result()


def _note(number: int, frame: object) -> None:
    if number == signal.SIGINT:
        signal.signal(signal.SIGINT, signal.default_int_handler)
        _noted.append(KeyboardInterrupt())
    else:
        _noted.append(SystemExit(128 + number))
    _alarm_in(GRACE_SECONDS)


def _insist(number: int, frame: object) -> None:
    heed()
    if _heeded:
        raise _heeded.pop()


def _forget() -> None:
    _alarm_in(0)
    _noted.clear()
    _heeded.clear()


def _alarm_in(seconds: float) -> None:
    if hasattr(signal, "setitimer"):
        signal.setitimer(signal.ITIMER_REAL, seconds)
