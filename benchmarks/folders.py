"""Folders of photos to measure with: drawn by our own script, or a folder of the user's.

Owns what lies in them. The same few originals lie there again and again under other names, as hard
links: so they come from the computer's memory, and no scenario waits for a disk.
"""

import io
import os
from collections.abc import Sequence
from itertools import cycle
from pathlib import Path

import numpy as np
from PIL import Image

from clothing.config import PROJECT

DRAWN = PROJECT / "images" / "ClothingImages"
"""Photos that `python -m scripts.sample_photos` drew; they are in the repository."""

SMALL, LARGE = (400, 533), (3000, 4000)
"""Shorter and longer side of what customers' photos have been reduced to, and of a phone's."""

ORIGINALS, LARGE_ORIGINALS = 60, 8
A_FOLDER = 10_000
"""Photos in one subfolder. Each has originals of its own: file systems limit links to a file."""


def originals(photos: Path | None) -> list[bytes]:
    """Return different JPEGs: of a folder as they are, or drawn ones at the size of `SMALL`.

    Raises:
        ValueError: The folder has no JPEG.
    """
    found = sorted((photos or DRAWN).rglob("*.jp*g"))[:ORIGINALS]
    if not found:
        raise ValueError(f"PHOTOS must be a folder with JPEGs. Received: {photos}")
    if photos:
        return [path.read_bytes() for path in found]
    return [resized(path.read_bytes(), SMALL, 85) for path in found]


def enlarged(contents: Sequence[bytes]) -> list[bytes]:
    """Return photos as a 12-megapixel camera would have written them."""
    return [resized(content, LARGE, 88) for content in contents[:LARGE_ORIGINALS]]


def resized(content: bytes, sides: tuple[int, int], quality: int) -> bytes:
    """Return a JPEG with so long sides and a camera's grain, without which it decodes too fast.

    Args:
        content: A picture.
        sides: Shorter and longer side; it lies or stands as it did.
        quality: Of the JPEG, 1 to 95.
    """
    with Image.open(io.BytesIO(content)) as opened:
        size = sides if opened.height >= opened.width else sides[::-1]
        pixels = np.asarray(opened.convert("RGB").resize(size, Image.Resampling.BICUBIC))
    grain = np.random.default_rng(0).integers(-6, 7, (*pixels.shape[:2], 1), np.int16)  # (h, w, 1)
    grained = np.clip(pixels + grain, 0, 255).astype(np.uint8)
    file = io.BytesIO()
    Image.fromarray(grained).save(file, "JPEG", quality=quality)
    return file.getvalue()


def tiny() -> bytes:
    """Return the smallest photo that is a photo: what it costs is the walk, not the decoding."""
    file = io.BytesIO()
    pixels = np.random.default_rng(0).integers(0, 256, (16, 12, 3), np.uint8)
    Image.fromarray(pixels).save(file, "JPEG", quality=50)
    return file.getvalue()


def fill(folder: Path, contents: Sequence[bytes], number: int, each: int = A_FOLDER) -> Path:
    """Lay so many photos into a new folder, so many in each of its own; return it."""
    for first in range(0, number, each):
        below = folder / f"{first // each:04}"
        below.mkdir(parents=True)
        _fill(below, contents, range(first, min(first + each, number)))
    return folder


def _fill(folder: Path, contents: Sequence[bytes], numbers: range) -> None:
    written: list[Path] = []
    for number in numbers:
        path = folder / f"return-{number:07}.jpg"
        if len(written) < len(contents):
            path.write_bytes(contents[len(written)])
            written.append(path)
        else:
            _link(written[number % len(written)], path)


def _link(original: Path, path: Path) -> None:
    try:
        os.link(original, path)
    except OSError:  # a file system without hard links
        path.write_bytes(original.read_bytes())


def contents_of(folder: Path, number: int) -> list[bytes]:
    """Return the bytes of so many photos, from the first again after the last."""
    paths = sorted(folder.rglob("*.jpg"))[:ORIGINALS]
    contents = [path.read_bytes() for path in paths]
    return [content for content, _ in zip(cycle(contents), range(number), strict=False)]
