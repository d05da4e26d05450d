"""Batches: photos, garments and bare floors, changed anew each time, and what is right of each.

Owns what a batch consists of. Processes of their own make the batches, as many as the computer has
cores to spare: a GPU learns faster than one can turn and relight pictures.
"""

import multiprocessing
import os
import shutil
import signal
from collections.abc import Callable, Collection, Generator, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from itertools import count, cycle
from multiprocessing.connection import Connection
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from clothing.card import Card
from clothing.errors import ModelError
from clothing.labels import CATEGORIES
from clothing.training.augment import (
    CALM,
    augment_garments,
    augment_photos,
    blend,
    keep_to_one_core,
    lay_floors,
    lay_garments_out,
    shrunk,
)
from clothing.training.pictures import Pictures, halves_of, of_people
from clothing.training.teacher import Teacher

HALVES = ("half 1", "half 2")
"""Kinds of photos: those of one half of the people, of which networks are asked that know only the
other half. What they say of a photo they did not read off its label."""

_TAUGHT = {"photos": 0.8, "published": 0.5, **dict.fromkeys(HALVES, 0.6)}
"""Share of the teacher in what a picture teaches; the rest is its label's."""


@dataclass(frozen=True, slots=True)
class Mix:
    """How many pictures of each kind are in a batch.

    Attributes:
        photos: Photos that people labelled.
        on_white: Their garments, cut out and laid on white as a catalogue shows them.
        published: Fashion-MNIST's garments, light on black.
        laid_out: The same, coloured and laid on floors.
        floors: Nothing at all, which is in none of the categories.
    """

    photos: int = 24
    on_white: int = 4
    published: int = 24
    laid_out: int = 10
    floors: int = 2


PHOTOS_ALONE = Mix(photos=54, on_white=8, published=0, laid_out=0)
"""Where Fashion-MNIST has no part."""


class View(NamedTuple):
    """What a teacher is asked about.

    Attributes:
        kind: As in `Mix`, or one of `HALVES`.
        rows: Of the batch.
        arrays: uint8 array of shape (n, h, w, 3), as large as the teacher wants it.
    """

    kind: str
    rows: slice
    arrays: NDArray[np.uint8]


class Batch(NamedTuple):
    """What one step learns from.

    Attributes:
        arrays: uint8 array of shape (n, h, w, 3).
        targets: float32 array of shape (n, 3, 11), as `any_of_loss` takes them.
        views: Of the same pictures, those that a teacher is asked about.
    """

    arrays: NDArray[np.uint8]
    targets: NDArray[np.float32]
    views: list[View]


@contextmanager
def batches(
    photos: Pictures,
    on_white: Pictures,
    garments: Pictures | None,
    card: Card,
    mix: Mix,
    seed: int,
    teachers: Mapping[str, Teacher],
    first: int = 0,
) -> Iterator[Iterator[Batch]]:
    """Give batch after batch, for ever; others are made while one is learned from.

    Args:
        photos: `MARGIN` larger than the card says, or the card of their teacher.
        on_white: Their garments, cut out; where there is none, photos take its place.
        garments: Fashion-MNIST's; None where they have no part.
        card: Says the size of the arrays.
        mix: What a batch consists of.
        seed: Decides every batch.
        teachers: Of "photos" or of both `HALVES` of them; of "published" pictures.
        first: Place in the order to begin at; a batch depends on its place alone.

    Raises:
        ModelError: On asking for the next batch: a process that makes them was ended.
    """
    with TemporaryDirectory(prefix="training-") as folder:
        parts = _parts_of(photos, on_white if len(on_white.names) else photos, mix, teachers)
        lesson = _Lesson(
            Path(folder),
            [
                _Part(kind, _keep(some, Path(folder, f"{place}")), number)
                for place, (kind, some, number) in enumerate(parts)
            ],
            _keep(garments, Path(folder, "garments")) if garments else None,
            (card.height, card.width),
            mix,
            seed,
            {kind: (teacher.card.height, teacher.card.width) for kind, teacher in teachers.items()},
        )
        with closing(_made(lesson, first)) as made, closing(_taught(made, teachers)) as taught:
            yield taught


def _parts_of(
    photos: Pictures, on_white: Pictures, mix: Mix, teachers: Collection[str]
) -> Iterator[tuple[str, Pictures, int]]:
    """Yield kind and pictures of the parts that photos have in a batch, and how many of each."""
    if not set(HALVES) <= set(teachers):
        yield "photos", photos, mix.photos
        yield "on_white", on_white, mix.on_white
        return
    halves = halves_of(photos.senders)
    for pictures, number in ((photos, mix.photos), (on_white, mix.on_white)):
        for place, (kind, people) in enumerate(zip(HALVES, halves, strict=True)):
            theirs = of_people(pictures, people)
            yield (
                kind,
                theirs if len(theirs.names) else of_people(photos, people),
                (number + 1 - place) // 2,
            )


def _taught(made: Iterator[Batch], teachers: Mapping[str, Teacher]) -> Generator[Batch]:
    """Yield batches with what the teachers say; they are asked about the next one meanwhile."""

    def ask() -> Batch:
        batch = next(made)
        for view in batch.views:
            share = _TAUGHT[view.kind]
            batch.targets[view.rows] *= 1 - share
            batch.targets[view.rows, 2] = share * teachers[view.kind](view.arrays)
        return batch

    with ThreadPoolExecutor(1) as pool:
        coming = pool.submit(ask)
        while True:
            ready, coming = coming, pool.submit(ask)
            yield ready.result()


class _Kept(NamedTuple):
    """Pictures in a folder, which many processes read and the computer holds once."""

    folder: Path

    @property
    def arrays(self) -> NDArray[np.uint8]:
        arrays: NDArray[np.uint8] = np.load(self.folder / "arrays.npy", mmap_mode="r")
        return arrays

    @property
    def allowed(self) -> NDArray[np.bool_]:
        allowed: NDArray[np.bool_] = np.load(self.folder / "allowed.npy", mmap_mode="r")
        return allowed


def _keep(pictures: Pictures, folder: Path) -> _Kept:
    folder.mkdir()
    np.save(folder / "arrays.npy", pictures.arrays)
    np.save(folder / "allowed.npy", pictures.allowed)
    return _Kept(folder)


class _Part(NamedTuple):
    """So many of some photos in each batch; they are blended with each other alone."""

    kind: str
    pictures: _Kept
    number: int


class _Lesson(NamedTuple):
    """What batches are made of: small enough to be told to each process that makes them.

    Attributes:
        folder: Where all pictures are.
        photos: What people labelled, and their garments on white.
        garments: Fashion-MNIST's, or None.
        shape: Height and width of what the network takes.
        mix: What a batch consists of.
        seed: Decides every batch.
        taught: Height and width of what the teacher of a kind takes.
    """

    folder: Path
    photos: Sequence[_Part]
    garments: _Kept | None
    shape: tuple[int, int]
    mix: Mix
    seed: int
    taught: Mapping[str, tuple[int, int]]


def _made(lesson: _Lesson, first: int) -> Generator[Batch]:
    """Yield batch after batch as the labels say; processes make the next ones meanwhile."""
    makers = max(1, (os.cpu_count() or 1) - 1)
    with ExitStack() as stack:
        turns = [
            stack.enter_context(_maker(lesson, count(first + place, makers)))
            for place in range(makers)
        ]
        for making in cycle(turns):
            try:
                batch: Batch = making.recv()
            except (EOFError, OSError) as error:
                raise ModelError(
                    f"One of {makers + 1} processes that train was ended, most often for want of "
                    "memory. Close other programs; the same command goes on after the last whole "
                    "epoch. If it happens again, take smaller batches (--mix)."
                ) from error
            yield batch


@contextmanager
def _maker(lesson: _Lesson, places: Iterable[int]) -> Iterator[Connection]:
    """Give the end of a pipe out of which batches come.

    The other end is the maker's alone, and closes with it. So its death is noticed whatever it was
    at; a pool's own pipe, which many share, stays open, and one that dies in the middle of a batch
    is waited for in vain.
    """
    spawn = multiprocessing.get_context("spawn")
    taking, giving = spawn.Pipe(duplex=False)
    maker = spawn.Process(target=_make, args=(lesson, places, giving), daemon=True)
    with taking:
        with giving:
            maker.start()
        try:
            yield taking
        finally:
            maker.terminate()
            maker.join()


def _make(lesson: _Lesson, places: Iterable[int], giving: Connection) -> None:
    """Give batch after batch, each when the one before was taken, as long as somebody trains."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the one who trains
    keep_to_one_core()  # the others are other makers'
    for place in places:
        batch = _batch(lesson, place)
        try:
            giving.send(batch)
        except OSError:  # nobody takes it: who was killed could not tidy up
            shutil.rmtree(lesson.folder, ignore_errors=True)
            return


def _batch(lesson: _Lesson, place: int) -> Batch:
    """Return the batch that belongs to a place in the order, whatever came before it."""
    rng = np.random.default_rng([lesson.seed, place])
    mix, garments = lesson.mix, lesson.garments
    nothing = np.arange(len(CATEGORIES) + 1) == len(CATEGORIES)
    kinds = [
        *(
            _blended(part.kind, augment_photos, part.pictures, part.number, lesson, rng)
            for part in lesson.photos
        ),
        _plain(lay_floors(mix.floors, lesson.shape, rng), np.tile(nothing, (mix.floors, 1))),
    ]
    if garments:
        chosen = rng.choice(len(garments.allowed), mix.laid_out)
        laid_out = lay_garments_out(garments.arrays[chosen], lesson.shape, rng)
        kinds += [
            _blended("published", augment_garments, garments, mix.published, lesson, rng, CALM),
            _plain(laid_out, garments.allowed[chosen]),
        ]
    return _together(kinds)


def _together(kinds: Sequence[Batch]) -> Batch:
    views, first = [], 0
    for kind in kinds:
        last = first + len(kind.arrays)
        views += [view._replace(rows=slice(first, last)) for view in kind.views]
        first = last
    arrays, targets, _ = zip(*kinds, strict=True)
    return Batch(np.concatenate(arrays), np.concatenate(targets), views)


def _plain(arrays: NDArray[np.uint8], allowed: NDArray[np.bool_]) -> Batch:
    """Return pictures that are blended with none and of which no teacher is asked."""
    targets = np.zeros((len(allowed), 3, allowed.shape[1]), np.float32)
    targets[:, 0] = allowed
    return Batch(arrays, targets, [])


def _blended(
    kind: str,
    augment: Callable[..., NDArray[np.uint8]],
    pictures: _Kept,
    n: int,
    lesson: _Lesson,
    rng: np.random.Generator,
    strength: float = 1.0,
) -> Batch:
    """Return pictures as changed and blended, with what their labels say, and the teacher's view.

    They are made in the larger of both sizes, so that network and teacher see the same.
    """
    taught = lesson.taught.get(kind)
    chosen = rng.choice(len(pictures.allowed), n)
    changed = augment(pictures.arrays[chosen], max(lesson.shape, taught or (0, 0)), rng)
    arrays, partner, share = blend(changed, rng, strength)
    allowed = pictures.allowed[chosen]
    targets = np.zeros((n, 3, allowed.shape[1]), np.float32)
    targets[:, 0] = allowed * share[:, None]
    targets[:, 1] = allowed[partner] * (1 - share[:, None])
    views = [View(kind, slice(n), shrunk(arrays, taught))] if taught and n else []
    return Batch(shrunk(arrays, lesson.shape), targets, views)
