"""Threads that answer requests give way to runs; what they start does not."""

import os
import sys
import threading

import pytest
from flask import Flask

from clothing.web.precedence import STEPS

linux = pytest.mark.skipif(sys.platform != "linux", reason="elsewhere threads have no order")


def niceness_after_a_request(app: Flask) -> int:
    """Return how far a thread gives way that has answered requests."""
    seen: list[int] = []

    def answer() -> None:
        for _ in range(2):
            app.test_client().get("/health/live")
        seen.append(os.getpriority(os.PRIO_PROCESS, 0))

    thread = threading.Thread(target=answer)
    thread.start()
    thread.join()
    return seen[0]


@linux
def test_a_thread_gives_way_once(app: Flask) -> None:
    before = os.getpriority(os.PRIO_PROCESS, 0)

    assert niceness_after_a_request(app) == before + STEPS
    assert os.getpriority(os.PRIO_PROCESS, 0) == before


@linux
def test_the_main_thread_does_not(app: Flask) -> None:
    before = os.getpriority(os.PRIO_PROCESS, 0)

    app.test_client().get("/health/live")

    assert os.getpriority(os.PRIO_PROCESS, 0) == before


@linux
def test_a_run_that_a_request_starts_does_not_give_way(app: Flask) -> None:
    before = os.getpriority(os.PRIO_PROCESS, 0)
    runs = app.extensions["site"].runs
    found: list[int] = []

    def start() -> None:
        app.test_client().get("/health/live")
        child = runs._starter.submit(runs._start, [sys.executable, "-c", "input()"]).result()
        found.append(os.getpriority(os.PRIO_PROCESS, child.pid))
        child.kill()
        child.wait()

    thread = threading.Thread(target=start)
    thread.start()
    thread.join()

    assert found == [before]
