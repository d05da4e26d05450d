"""What lives: the processes that a test's own process has started, and waiting for them."""

import time
from collections.abc import Callable

import psutil


def children(word: str) -> list[psutil.Process]:
    """Return the living children of this process whose command has a word, such as a module."""
    return [child for child in psutil.Process().children() if word in command_of(child)]


def command_of(process: psutil.Process) -> list[str]:
    """Return what a process was started with, or nothing if it has ended."""
    try:
        return list(process.cmdline())
    except psutil.Error:  # a zombie too
        return []


def soon(true: Callable[[], bool], seconds: float = 60) -> bool:
    """Return True as soon as something holds, False if it does not within the time."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if true():
            return True
        time.sleep(0.01)
    return False
