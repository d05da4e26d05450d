"""How fast pages answer over 100,000 predictions in SQLite, side by side with an empty database.

    python -m benchmarks pages

Asks the app itself, without a network, so a figure is what the service adds. Both databases are
asked in turns, so that what the machine does besides falls on both. Prints medians and the worst;
beside the time on the clock the processor's, which does not count what other programs take.
"""

import tempfile
import time
from collections import defaultdict
from pathlib import Path

import click
import numpy as np
from flask import Flask
from flask.testing import FlaskClient

from benchmarks.filled import fill
from clothing.web import create_app

MOST_MS = 100
"""What a page may take at the median."""

PAGES = (
    *("/", "/photos", "/photos?pile=check", "/photos?pile=unreadable", "/photos?category=Bag"),
    *("/photos?category=%28none%29", "/photos?name=000123", "/photos?least=40&most=50"),
    *("/photos?since=2000-01-01", "/photos?before=500", "/runs", "/quality", "/try", "/api"),
)
FILLED_ONLY = ("/photos/50000", "/runs/14", "/photos?run=14&pile=sorted")
"""Pages of one photo or one run: an empty database has none."""


@click.command()
@click.option("--rounds", default=15, show_default=True, type=click.IntRange(3))
@click.option("--photos", default=100_000, show_default=True, type=click.IntRange(1000))
def main(rounds: int, photos: int) -> None:
    """Ask each page of an empty and of a filled database, and print what they took."""
    with tempfile.TemporaryDirectory() as folder:
        apps = {name: _app(Path(folder), name) for name in ("empty", "filled")}
        sites = {name: app.extensions["site"] for name, app in apps.items()}
        fill(sites["filled"].parts.store, photos)
        clients = {name: app.test_client() for name, app in apps.items()}
        took: dict[tuple[str, str], list[tuple[float, float]]] = defaultdict(list)
        for _ in range(rounds):
            for page in (*PAGES, *FILLED_ONLY):
                for name, client in clients.items():
                    if name == "filled" or page in PAGES:
                        took[page, name].append(_milliseconds(client, page))
        _print(took, photos)
        for site in sites.values():
            site.close()


def _app(folder: Path, name: str) -> Flask:
    return create_app({"DATABASE_URL": f"sqlite:///{(folder / name).as_posix()}.db"})


def _milliseconds(client: FlaskClient, page: str) -> tuple[float, float]:
    """Return what an answer took, on the clock and of the processor."""
    clock, processor = time.perf_counter(), time.process_time()
    answer = client.get(page, headers={"Accept": "text/html"})
    assert answer.data and answer.status_code == 200, f"{page}: {answer.status}"
    return (time.perf_counter() - clock) * 1000, (time.process_time() - processor) * 1000


def _print(took: dict[tuple[str, str], list[tuple[float, float]]], photos: int) -> None:
    heads = ("first, ms", "median, ms", "processor", "worst, ms", "empty, ms", "processor")
    print(f"{f'{photos:,} predictions':30}" + "".join(f"{head:>12}" for head in heads))
    for page in (*PAGES, *FILLED_ONLY):
        filled = np.array(took[page, "filled"])  # (rounds, clock and processor)
        clock, processor = np.median(filled, axis=0)
        figures = [filled[0, 0], clock, processor, filled[:, 0].max()]
        figures += np.median(took[page, "empty"], axis=0).tolist() if page in PAGES else []
        mark = "" if clock < MOST_MS else f"  above {MOST_MS}"
        print(f"{page:30}" + "".join(f"{figure:12.1f}" for figure in figures) + mark)
