"""A run that is asked to end at the worst moment: its main thread has just taken a lock.

    python -m tests.signalled_amid_a_lock N

Python runs a signal's handler between any two steps of the main thread, so also between taking the
lock of a condition and knowing of it. Here the signal comes there for sure, the Nth time.
"""

import os
import signal
import sys
import threading
from threading import Condition

from clothing.cli import main


def be_signalled(time: int) -> None:
    """Let SIGTERM come when this thread has taken the lock of a condition so many times."""
    take, thread = Condition.__enter__, threading.get_ident()
    times = iter(range(1, time + 1))

    def taken(condition: Condition) -> bool:
        is_taken = take(condition)
        if threading.get_ident() == thread and next(times, 0) == time:
            os.kill(os.getpid(), signal.SIGTERM)
        return is_taken

    Condition.__enter__ = taken  # type: ignore[method-assign]


if __name__ == "__main__":
    be_signalled(int(sys.argv[1]))
    main(["run"])
