"""What lives: the processes that a test's own process has started, and waiting for them."""

import time
from collections.abc import Callable

import psutil


def children(module: str) -> list[psutil.Process]:
    """Return the living children of this process that run a module, such as `clothing.sandbox`."""
    return [
        child
        for child in psutil.Process().children()
        if child.status() != psutil.STATUS_ZOMBIE and module in child.cmdline()
    ]


def soon(true: Callable[[], bool], seconds: float = 60) -> bool:
    """Return True as soon as something holds, False if it does not within the time."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if true():
            return True
        time.sleep(0.01)
    return False
