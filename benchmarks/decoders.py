"""Which decoder, on which threads: photos from bytes to the size that the network takes.

Compares Pillow as the service uses it with Pillow in full, simplejpeg (libjpeg-turbo), OpenCV and
libvips, each at the decoder's own scale where it has one and then resized by what belongs to it; on
one thread, on a thread for each core, and on a process for each core. A library that is not
installed is left out. CPU milliseconds are measured on one thread: what other programs take does
not count in them.

Measured on two cores, CPU milliseconds a photo of 400 × 533 pixels and of 12 megapixels: Pillow
with `draft` 0.64 and 18, simplejpeg 0.55 and 17, OpenCV 0.55 and 18, libvips 2.5 and 22, Pillow in
full 1.6 and 73. Entropy decoding is most of it, and no decoder saves it. A tenth of a millisecond
of the two that a small photo costs is not worth a decoder beside Pillow. Decoders were nearly as
fast on threads as on processes, for they let go of Python's lock; all that a run does of a small
photo was a quarter slower on threads, and so `clothing.workers` has processes.
"""

import io
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Executor, ProcessPoolExecutor, ThreadPoolExecutor
from importlib.util import find_spec
from itertools import repeat
from multiprocessing import get_context
from statistics import median
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from benchmarks import pipeline
from benchmarks.limits import PART

Array = NDArray[np.uint8]
Decoder = Callable[[bytes], Any]


def _size(width: int, height: int) -> tuple[int, int]:
    """Return width and height of a picture as large as fits into the network's."""
    card = pipeline.card()
    scale = min(card.width / width, card.height / height)
    return max(1, round(width * scale)), max(1, round(height * scale))


def _enough(size: tuple[int, int]) -> tuple[int, int]:
    """Return width and height from which one is reduced to a size; as many as ours asks for."""
    shorter = pipeline.shorter_side()
    width, height = size
    return width * shorter // min(size), height * shorter // min(size)


def pillow_in_full(content: bytes) -> Array:
    """Every pixel is decoded, as the predecessor does."""
    with Image.open(io.BytesIO(content)) as image:
        size = _size(*image.size)
        return np.asarray(image.convert("RGB").resize(size, Image.Resampling.BILINEAR))


def pillow_draft(content: bytes) -> Array:
    """The decoder halves, quarters or eighths while it decodes."""
    with Image.open(io.BytesIO(content)) as image:
        size = _size(*image.size)
        image.draft("RGB", _enough(size))
        return np.asarray(image.resize(size, Image.Resampling.BILINEAR, reducing_gap=2.0))


def ours(content: bytes) -> Any:
    """What a run does: `decode`, `preprocess` and `fault_of`."""
    return pipeline.array_of(content, pipeline.card())


def simplejpeg(content: bytes) -> Array:
    """libjpeg-turbo without Pillow around it; Pillow resizes."""
    import simplejpeg as library

    height, width, _, _ = library.decode_jpeg_header(content)
    size = _size(width, height)
    enough = _enough(size)
    pixels = library.decode_jpeg(
        content, "RGB", min_width=enough[0], min_height=enough[1], min_factor=1
    )
    shown = Image.fromarray(pixels)
    return np.asarray(shown.resize(size, Image.Resampling.BILINEAR, reducing_gap=2.0))


def opencv(content: bytes) -> Array:
    """OpenCV decodes at a half, a quarter or an eighth, and resizes by area."""
    import cv2

    with Image.open(io.BytesIO(content)) as header:
        width, height = header.size
    size = _size(width, height)
    enough = _enough(size)
    scale = min(width // enough[0], height // enough[1])
    flags = {
        8: cv2.IMREAD_REDUCED_COLOR_8,
        4: cv2.IMREAD_REDUCED_COLOR_4,
        2: cv2.IMREAD_REDUCED_COLOR_2,
        0: cv2.IMREAD_COLOR,
    }
    flag = next(flags[step] for step in flags if scale >= step)
    pixels = cv2.imdecode(np.frombuffer(content, np.uint8), flag | cv2.IMREAD_IGNORE_ORIENTATION)
    fitted: Array = cv2.resize(
        cv2.cvtColor(pixels, cv2.COLOR_BGR2RGB), size, interpolation=cv2.INTER_AREA
    )
    return fitted


def libvips(content: bytes) -> Array:
    """libvips makes a thumbnail in one pass."""
    import pyvips

    card = pipeline.card()
    made = pyvips.Image.thumbnail_buffer(content, card.width, height=card.height, no_rotate=True)
    pixels: Array = made.numpy()
    return pixels


DECODERS: dict[str, tuple[Decoder, str]] = {
    "Pillow, in full": (pillow_in_full, "PIL"),
    "Pillow, draft": (pillow_draft, "PIL"),
    "ours: decode, preprocess, fault_of": (ours, "PIL"),
    "simplejpeg": (simplejpeg, "simplejpeg"),
    "OpenCV, reduced": (opencv, "cv2"),
    "libvips, thumbnail": (libvips, "pyvips"),
}
"""By name: what decodes, and the module that it needs."""


def installed() -> list[str]:
    """Return the names of those that can be measured here."""
    return [name for name, (_, module) in DECODERS.items() if find_spec(module)]


def compared(contents: Sequence[bytes], number: int, rounds: int) -> dict[str, dict[str, float]]:
    """Measure each decoder in turns; return medians.

    Returns:
        For each decoder `cpu_ms` a photo on one thread, and photos a second on a "thread", on
        "threads" and on "processes".
    """
    found: dict[str, dict[str, list[float]]] = {name: {} for name in installed()}
    context = get_context("spawn")
    with (
        ThreadPoolExecutor(pipeline.CORES) as threads,
        ProcessPoolExecutor(pipeline.CORES, context, _keep, (list(contents),)) as processes,
    ):
        _keep(list(contents))
        for pool in (threads, processes):
            for name in found:
                list(
                    pool.map(_decode, [name] * 2 * pipeline.CORES, [range(1)] * 2 * pipeline.CORES)
                )
        for _ in range(rounds):
            for name, figures in found.items():
                for figure, speed in _measured(name, number, threads, processes).items():
                    figures.setdefault(figure, []).append(speed)
    return {name: {one: median(all_) for one, all_ in f.items()} for name, f in found.items()}


_kept: list[bytes] = []
"""The photos, in each process."""


def _keep(contents: list[bytes]) -> None:
    _kept[:] = contents


def _decode(name: str, numbers: range) -> int:
    decoder, _ = DECODERS[name]
    for number in numbers:
        decoder(_kept[number % len(_kept)])
    return len(numbers)


def _measured(name: str, number: int, threads: Executor, processes: Executor) -> dict[str, float]:
    begun, cpu = time.perf_counter(), time.process_time()
    _decode(name, range(number))
    cpu = time.process_time() - cpu
    figures = {"cpu_ms": 1000 * cpu / number, "thread": number / (time.perf_counter() - begun)}
    part = max(1, min(PART, number // pipeline.CORES))
    parts = [range(at, min(at + part, number)) for at in range(0, number, part)]
    for pool, title in ((threads, "threads"), (processes, "processes")):
        begun = time.perf_counter()
        done = sum(pool.map(_decode, repeat(name), parts))
        figures[title] = done / (time.perf_counter() - begun)
    return figures
