"""What the machine can do: each step of the walk alone, at its best.

Decoding and the network run on all cores, over photos that lie in memory. Reading opens and reads
files without looking at them. Inserting writes the very rows that a run writes through Python's
bare SQLite driver, many in a transaction.

The bound that they imply: a photo has to be read, decoded, predicted and inserted, so it costs at
least the sum of their CPU seconds, and n cores give n CPU seconds each second. So no program with
these parts does more than n / sum photos a second. `limit_of` computes it; that our run waits for
nothing else is what its ratio to this bound says.
"""

import http.client
import sqlite3
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from itertools import cycle, islice
from pathlib import Path
from threading import local
from typing import Any, TypeVar
from urllib.parse import quote, urlsplit

import numpy as np

from benchmarks import folders, pipeline
from benchmarks.measuring import Done, Measured, Place, Works
from clothing.photos import Photo

_Item = TypeVar("_Item")

PART = 16
"""Photos that a thread takes at once; as many as the network takes."""

TABLES = ("image_prediction", "image_probabilities")
GETS = 4
"""Connections that fetch at once; more made Azurite no faster."""


@contextmanager
def steps(place: Place) -> Iterator[Works]:
    """Reading, decoding, the network and inserting, each alone."""
    classifier, card = pipeline.load(), pipeline.card()
    small = folders.contents_of(place.small, folders.ORIGINALS)
    large = folders.contents_of(place.large, folders.LARGE_ORIGINALS)
    arrays, _ = pipeline.arrays_of(small[:PART], card)
    number, few = place.sizes["small"], place.sizes["large"]

    with (
        tempfile.TemporaryDirectory(dir=place.scratch) as scratch,
        ThreadPoolExecutor(pipeline.CORES) as pool,
        _ready_to_insert(Path(scratch), number) as insert_all,
    ):

        def each(work: Callable[[Sequence[_Item]], object], items: Sequence[_Item]) -> Done:
            parts = [items[at : at + PART] for at in range(0, len(items), PART)]
            list(pool.map(work, parts))
            return Done(len(items))

        def decode(contents: Sequence[bytes]) -> object:
            return pipeline.arrays_of(contents, card)

        def predict(rows: Sequence[int]) -> object:
            return classifier.predict(arrays[: len(rows)])

        many, fewer = repeated(small, number), repeated(large, few)
        paths = sorted(_photos(place.small))
        timed: dict[str, Callable[[], Done]] = {
            "read_alone": lambda: each(_read, paths),
            "decode_alone": lambda: each(decode, many),
            "decode_alone_12mp": lambda: each(decode, fewer),
            "network_alone": lambda: each(predict, range(number)),
            "insert_alone": lambda: Done(insert_all()),
        }
        yield Works(timed, warm_up=lambda: (decode(small[:PART]), predict(range(PART))))


def repeated(items: Sequence[_Item], number: int) -> list[_Item]:
    """Return so many items, from the first again after the last."""
    return list(islice(cycle(items), number))


def _read(paths: Sequence[Path]) -> None:
    for path in paths:
        path.read_bytes()


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
