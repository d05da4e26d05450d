"""What the machine can do: each step of the walk alone, at its best.

Reading, decoding and the network run on all cores, a process on each, over photos that lie in
memory; reading opens and reads files without looking at them. Threads of one process would wait for
Python's lock, and their steps cost more than a process's whole walk does. Inserting writes the very
rows that a run writes through Python's bare SQLite driver, many in a transaction.

The bound that they imply: a photo has to be read, decoded, predicted and inserted, so it costs at
least the sum of their CPU seconds, and n cores give n CPU seconds each second. So no program with
these parts does more than n / sum photos a second. `limit_of` computes it; that our run waits for
nothing else is what its ratio to this bound says.
"""

import http.client
import sqlite3
import tempfile
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import closing, contextmanager
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from threading import local
from typing import Any, NamedTuple
from urllib.parse import quote, urlsplit

import numpy as np
from numpy.typing import NDArray

from benchmarks import folders, pipeline
from benchmarks.measuring import Done, Measured, Place, Works
from clothing.classifier import Classifier
from clothing.photos import Photo

PART = 16
"""Photos that a process takes at once; as many as the network takes."""

_WARM = 16 * PART

TABLES = ("image_prediction", "image_probabilities")
GETS = 4
"""Connections that fetch at once; more made Azurite no faster."""


@contextmanager
def steps(place: Place) -> Iterator[Works]:
    """Reading, decoding, the network and inserting, each alone."""
    number, few = place.sizes["small"], place.sizes["large"]
    with (
        tempfile.TemporaryDirectory(dir=place.scratch) as scratch,
        ProcessPoolExecutor(
            pipeline.CORES, get_context("spawn"), initializer=_hold, initargs=(place,)
        ) as pool,
        _ready_to_insert(Path(scratch), number) as insert_all,
    ):

        def each(step: Callable[[range], None], photos: int) -> Done:
            parts = [range(at, min(at + PART, photos)) for at in range(0, photos, PART)]
            list(pool.map(step, parts))
            return Done(photos)

        yield Works(
            {
                "read_alone": lambda: each(_read, number),
                "decode_alone": lambda: each(_decode, number),
                "decode_alone_12mp": lambda: each(partial(_decode, large=True), few),
                "network_alone": lambda: each(_predict, number),
                "insert_alone": lambda: Done(insert_all()),
            },
            warm_up=lambda: [each(step, _WARM) for step in (_decode, _predict)],
        )


class _Held(NamedTuple):
    """What a process works on."""

    paths: list[Path]
    small: list[bytes]
    large: list[bytes]
    arrays: NDArray[np.float32]
    classifier: Classifier


_held: list[_Held] = []  # one, in a process of the pool


def _hold(place: Place) -> None:
    """Take what all steps need; the first thing that a process of the pool does."""
    small = folders.contents_of(place.small, folders.ORIGINALS)
    large = folders.contents_of(place.large, folders.LARGE_ORIGINALS)
    arrays, _ = pipeline.arrays_of(small[:PART], pipeline.card())
    _held.append(_Held(sorted(_photos(place.small)), small, large, arrays, pipeline.load()))


def _read(part: range) -> None:
    for number in part:
        _held[0].paths[number].read_bytes()


def _decode(part: range, large: bool = False) -> None:
    contents = _held[0].large if large else _held[0].small
    pipeline.arrays_of([contents[number % len(contents)] for number in part], pipeline.card())


def _predict(part: range) -> None:
    _held[0].classifier.predict(_held[0].arrays[: len(part)])


@contextmanager
def _ready_to_insert(scratch: Path, number: int) -> Iterator[Callable[[], int]]:
    """Give what writes the rows of a run into empty tables and returns for how many photos."""
    with closing(sqlite3.connect(_database(scratch / "filled.db", number))) as filled:
        rows = {table: filled.execute(f"SELECT * FROM {table}").fetchall() for table in TABLES}
    with closing(sqlite3.connect(_database(scratch / "empty.db", 0))) as empty:
        empty.execute("PRAGMA synchronous=NORMAL")
        yield lambda: insert(empty, rows)


def _database(path: Path, number: int) -> Path:
    """Return a database of ours with answers to so many photos."""
    card = pipeline.card()
    answers = np.full((pipeline.BATCH, len(card.labels)), 1 / len(card.labels), np.float32)
    with pipeline.store(path) as kept:
        keeper = pipeline.Keeper(kept, "constant", card)
        for first in range(0, number, pipeline.BATCH):
            numbers = range(first, min(first + pipeline.BATCH, number))
            photos = [Photo("images", f"0000/return-{n:07}.jpg", "e", 9) for n in numbers]
            keeper.save(photos, answers[: len(photos)])
        keeper.close()
    return path


def insert(database: sqlite3.Connection, rows: dict[str, list[Any]]) -> int:
    """Write the rows of each table, a batch in a transaction; return how many photos."""
    number = len(rows[TABLES[0]])
    for first in range(0, number, pipeline.BATCH):
        for table, all_rows in rows.items():
            some = all_rows[first : first + pipeline.BATCH]
            marks = ", ".join("?" * len(some[0]))
            database.executemany(f"INSERT INTO {table} VALUES ({marks})", some)
        database.commit()
    return number


@contextmanager
def gets(place: Place) -> Iterator[Works]:
    """Azurite alone: signed GETs over connections that stay open, the answers thrown away."""
    names = [path.relative_to(place.small).as_posix() for path in sorted(_photos(place.small))]
    kept = local()

    def get(name: str) -> int:
        if not hasattr(kept, "connection"):
            kept.connection = http.client.HTTPConnection(address.netloc, timeout=60)
        kept.connection.request("GET", f"{address.path}/{quote(name)}?{address.query}")
        answer = kept.connection.getresponse()
        answer.read()
        if answer.status != 200:
            raise RuntimeError(f"Azurite answered {answer.status} for {name}")
        return 1

    address = urlsplit(place.signed)
    with ThreadPoolExecutor(GETS) as pool:
        yield Works(
            {"bare_gets": lambda: Done(sum(pool.map(get, names)))},
            warm_up=lambda: list(pool.map(get, names[: 8 * GETS])),
        )


def _photos(folder: Path) -> Iterator[Path]:
    return folder.rglob("*.jpg")


def limit_of(alone: Mapping[str, Measured], decode: str = "decode_alone") -> Measured:
    """Return the bound that the steps of one round imply, as if it had been measured.

    Args:
        alone: The steps by name.
        decode: Which decoding: of the small photos or of the large.
    """
    parts = [alone[name] for name in ("read_alone", decode, "network_alone", "insert_alone")]
    cpu = sum(part.cpu_seconds / part.photos for part in parts)
    peak = max(part.peak_memory_mb for part in parts)
    others = sum(part.others for part in parts) / len(parts)
    return Measured(1, cpu / pipeline.CORES, cpu, 0.0, peak, others, {})
