"""A run that is asked to end at the worst moment: its main thread has just taken a lock.

    python -m tests.signalled_amid_a_lock N

Python runs a signal's handler between any two steps of the main thread, so also between taking the
lock of a condition and knowing of it. Here the signal comes there for sure, the Nth time.
"""

import os
import signal
import sys
import threading

from clothing.cli import main

_take = threading.Condition.__enter__
_main, _left = threading.get_ident(), int(sys.argv[1])


def _take_and_be_signalled(condition: threading.Condition) -> bool:
    global _left
    taken = _take(condition)
    if threading.get_ident() == _main:
        _left -= 1
        if not _left:
            os.kill(os.getpid(), signal.SIGTERM)
    return taken


if __name__ == "__main__":
    threading.Condition.__enter__ = _take_and_be_signalled  # type: ignore[method-assign]
    main(["run"])
