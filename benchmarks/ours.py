"""Our own run, end to end: a folder, 12-megapixel photos, Azure's storage, a rerun, the scale.

Every listing, download, decoding, prediction and row is real; only `scaled` and `rerun` have tiny
photos and a network that answers without looking.
"""

import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks import folders, pipeline
from benchmarks.measuring import Beginning, Done, Place, Works
from clothing.storage import Container
from clothing.walk import Tuning

WARM = 64
"""Photos that are done before the clock starts."""


@contextmanager
def folder(place: Place) -> Iterator[Works]:
    """A folder of photos as customers' are."""
    with _end_to_end("folder", pipeline.folder(place.small), place.sizes["small"], place) as works:
        yield works


@contextmanager
def large(place: Place) -> Iterator[Works]:
    """A folder of 12-megapixel photos."""
    container = pipeline.folder(place.large)
    with _end_to_end("folder_12mp", container, place.sizes["large"], place) as works:
        yield works


@contextmanager
def azurite(place: Place) -> Iterator[Works]:
    """The same photos as `folder`, from Azure's storage on this computer."""
    container = pipeline.azure(place.azure)
    number, tuning = place.sizes["small"], pipeline.FROM_AZURE
    with _end_to_end("azurite", container, number, place, tuning) as works:
        yield works


@contextmanager
def _end_to_end(
    name: str, container: Container, number: int, place: Place, tuning: Tuning = pipeline.HERE
) -> Iterator[Works]:
    classifier = pipeline.load()
    with tempfile.TemporaryDirectory(dir=place.scratch) as scratch:
        warm = folders.fill(Path(scratch) / "warm", folders.contents_of(place.small, 8), WARM)

        def walk(database: str, photos: Container, number: int) -> Done:
            beginning = Beginning()
            with pipeline.store(Path(scratch) / database) as kept:
                counts = pipeline.walk(
                    kept, photos, lambda: classifier, number, tuning, beginning.count
                )
            return Done(counts.classified, beginning=beginning)

        yield Works(
            {name: lambda: walk("run.db", container, number)},
            warm_up=lambda: walk("warm.db", pipeline.folder(warm), WARM),
        )


@contextmanager
def scaled(place: Place) -> Iterator[Works]:
    """Tiny photos and a constant network: listing, look-up, decoding of almost nothing, saving.

    Leaves the database for `rerun`.
    """
    container = pipeline.folder(place.many)

    def walk() -> Done:
        with pipeline.store(_answered(place)) as kept:
            number = place.sizes["many"]
            return Done(pipeline.walk(kept, container, pipeline.constant, number).classified)

    yield Works({"scaled": walk})


@contextmanager
def rerun(place: Place) -> Iterator[Works]:
    """A second night over the photos of `scaled`, unchanged; counts the photos that are opened."""
    opened = _count_openings(place.many)
    container, number = pipeline.folder(place.many), place.sizes["many"]

    def walk() -> Done:
        before = len(opened)
        with pipeline.store(_answered(place)) as kept:
            counts = pipeline.walk(kept, container, pipeline.constant, number)
        return Done(counts.skipped, {"opened": len(opened) - before})

    yield Works({"rerun": walk})


def _answered(place: Place) -> Path:
    return place.scratch / f"{place.many.name}.db"


def _count_openings(folder: Path) -> list[str]:
    """Return a list to which every opening of a photo in a folder is added from now on."""
    below, opened = str(folder), list[str]()

    def look(event: str, arguments: tuple[object, ...]) -> None:
        if event == "open" and str(arguments[0]).startswith(below):
            opened.append(str(arguments[0]))

    sys.addaudithook(look)
    return opened
