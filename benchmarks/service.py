"""The service as users start it: how soon it is there, and how fast its pages are during a run.

Asks `python -m clothing` over loopback, so everything counts: Python's own start, the imports,
opening the database, the model.
"""

import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import cycle
from json import load
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import folders, pipeline
from benchmarks.measuring import Done, Place, Works, peak_memory_mb
from clothing.config import PROJECT
from tests.serving import environ_with, free_port, serving

PAGES = ("/", "/photos", "/runs", "/quality", "/review")
IDLE_ASKED = 10
"""How often each page is asked while nothing else goes on."""

WAIT_SECONDS = 120


@contextmanager
def starts(place: Place) -> Iterator[Works]:
    """From the birth of the process: to the web app's first answer, to a run's first photo."""
    with _storage(place, "start", 1) as environ:

        def web() -> Done:
            begun = time.perf_counter()
            with serving(environ) as server:
                facts = {"start_seconds": time.perf_counter() - begun}
                return Done(1, facts | {"memory_mb": _memory_mb(server)})

        def run() -> Done:
            """One photo and the end of the process, so a little more than its first photo."""
            begun = time.perf_counter()
            memory_mb = _run_to_its_end(environ)
            return Done(1, {"start_seconds": time.perf_counter() - begun, "memory_mb": memory_mb})

        yield Works({"web_start": web, "run_start": run}, warm_up=lambda: _run_to_its_end(environ))


@contextmanager
def pages(place: Place) -> Iterator[Works]:
    """The pages in turns, one request after the other, first at rest and then during a run."""
    with _storage(place, "pages", place.sizes["small"]) as environ, serving(environ) as server:
        site = _Site(environ["PORT"])

        def during_a_run() -> Done:
            address = site.start_run()
            took = [site.milliseconds(page) for page in _while(lambda: site.goes_on(address))]
            facts = {"memory_mb": _memory_mb(server), "pages": len(took)}
            return Done(site.answer(address)["classified"], facts | _percentiles(took))

        def at_rest() -> Done:
            took = [site.milliseconds(page) for page in PAGES * IDLE_ASKED]
            return Done(len(took), {"memory_mb": _memory_mb(server)} | _percentiles(took))

        yield Works(
            {"pages_at_rest": at_rest, "pages_during_run": during_a_run},
            warm_up=lambda: [site.milliseconds(page) for page in PAGES],
        )


@contextmanager
def _storage(place: Place, name: str, number: int) -> Iterator[dict[str, str]]:
    """Give the settings of a service with so many photos, the shipped model and a new database."""
    with tempfile.TemporaryDirectory(dir=place.scratch) as scratch:
        root = Path(scratch)
        contents = folders.contents_of(place.small, folders.ORIGINALS)
        folders.fill(root / "images", contents, number)
        (root / "model").mkdir()
        for path in pipeline.MODEL.parent.glob("clothing_model.*"):
            (root / "model" / path.name).write_bytes(path.read_bytes())
        yield environ_with(
            STORAGE_URL=root.as_uri(),
            DATABASE_URL=f"sqlite:///{(root / name).as_posix()}.db",
            HOST="127.0.0.1",
            PORT=str(free_port()),
        )


def _run_to_its_end(environ: dict[str, str]) -> float:
    """Take one forced run to its end in a process of its own; return its peak of memory in MB."""
    run = subprocess.Popen(
        [sys.executable, "-m", "clothing", "run", "--force"],
        cwd=PROJECT,
        env=environ,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    peak = 0.0
    while run.poll() is None:
        peak = max(peak, _memory_mb(run))
        time.sleep(0.01)
    if run.returncode:
        raise RuntimeError(f"The run ended with exit code {run.returncode}.")
    return peak


def _memory_mb(running: "subprocess.Popen[bytes]") -> float:
    return peak_memory_mb(running.pid)


class _Site:
    """A client of the web app."""

    def __init__(self, port: str) -> None:
        self._url = f"http://127.0.0.1:{port}"

    def milliseconds(self, page: str) -> float:
        """Return what a whole page took, as a browser asks for it."""
        begun = time.perf_counter()
        request = urllib.request.Request(self._url + page, headers={"Accept": "text/html"})
        with urllib.request.urlopen(request, timeout=WAIT_SECONDS) as answer:
            answer.read()
        return 1000 * (time.perf_counter() - begun)

    def start_run(self) -> str:
        """Start a run; return the path that tells of it."""
        request = urllib.request.Request(
            f"{self._url}/prediction", method="POST", headers={"Prefer": "respond-async"}
        )
        with urllib.request.urlopen(request, timeout=WAIT_SECONDS) as answer:
            return f"/api/runs/{load(answer)['run']['run_id']}"

    def goes_on(self, address: str) -> bool:
        return bool(self.answer(address)["status"] == "running")

    def answer(self, address: str) -> Any:
        with urllib.request.urlopen(self._url + address, timeout=WAIT_SECONDS) as answer:
            return load(answer)


def _while(goes_on: Callable[[], bool]) -> Iterator[str]:
    """Yield pages in turns as long as something goes on."""
    for page in cycle(PAGES):
        if not goes_on():
            return
        yield page


def _percentiles(milliseconds: list[float]) -> dict[str, float]:
    middle, late = np.percentile(milliseconds or [0.0], (50, 95)).tolist()
    return {"p50_ms": middle, "p95_ms": late}
