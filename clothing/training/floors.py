"""Floors: what a garment may lie on, and how one photographed here comes to lie there.

Owns what floors look like. Pure functions of arrays and a random generator, whole batches at once;
the same generator gives the same pictures.
"""

import numpy as np
from numpy.typing import NDArray

Arrays = NDArray[np.float32]

_WHITE = 0.2  # share of the floors that are a shop's white
_ELSEWHERE = 0.5  # share of the photos whose garment is laid on another floor
_OFF_WHITE = 0.1  # the most that a catalogue's white lacks of each of red, green and blue
_SHADOW = 0.5  # the most light that a shadow takes
_PATCHES = (9, 7)  # of a floor, each of one colour, where the garment that lay there is taken away


def lay_floors(n: int, shape: tuple[int, int], rng: np.random.Generator) -> Arrays:
    """Return pictures of nothing: a floor of any colour and pattern, or plain white.

    Returns:
        float32 array of shape (n, height, width, 3), about 0 to 1.
    """
    pattern = texture(rng, n, shape) * rng.random((n, 1, 1, 1), np.float32) * 0.5
    white = rng.random((n, 1, 1, 1)) < _WHITE
    floor: Arrays = np.where(white, np.float32(1), colours(rng, n) + pattern)
    return floor


def lay_elsewhere(
    photos: NDArray[np.uint8], outlines: NDArray[np.bool_], rng: np.random.Generator
) -> NDArray[np.uint8]:
    """Lay the garments of some photos on another floor: another person's, white, or a drawn one.

    Few people took the photos, and each has few floors: a network learns those by heart.

    Args:
        photos: uint8 array of shape (n, h, w, 3).
        outlines: Where their garments are, bool array of shape (n, h, w); a photo without an
            outline stays as it is.
        rng: Decides everything.

    Returns:
        uint8 array of shape (n, h, w, 3).
    """
    known = np.flatnonzero(outlines.any(axis=(1, 2)))
    chosen = known[rng.random(len(known)) < _ELSEWHERE]
    others = rng.permutation(known)[: len(chosen)]
    n, shape = len(chosen), photos.shape[1:3]
    kind = rng.integers(0, 3, (n, 1, 1, 1))
    white = 1 - rng.random((n, 1, 1, 3), np.float32) ** 2 * np.float32(_OFF_WHITE)
    floors = np.select(
        [kind == 0, kind == 1],
        [_floors_of(photos[others], outlines[others]), white],
        lay_floors(n, shape, rng),
    )
    shaded = floors * shadows(blurred(outlines[chosen, ..., None].astype(np.float32)), rng)
    elsewhere = photos.copy()
    elsewhere[chosen] = lay_on(shaded, photos[chosen], outlines[chosen])
    return elsewhere


def lay_on(
    floors: Arrays | float, photos: NDArray[np.uint8], outlines: NDArray[np.bool_]
) -> NDArray[np.uint8]:
    """Lay the garments of photos on floors.

    Args:
        floors: About 0 to 1; float32 array of shape (n, h, w, 3), or one brightness for all.
        photos: uint8 array of shape (n, h, w, 3).
        outlines: Where their garments are, bool array of shape (n, h, w).

    Returns:
        uint8 array of shape (n, h, w, 3).
    """
    mask = blurred(outlines[..., None].astype(np.float32))
    garment = np.clip(2 * mask - 1, 0, 1)  # a little inside: at the seam is still the old floor
    laid = photos * garment + 255 * np.clip(floors, 0, 1) * (1 - garment)
    return laid.astype(np.uint8)


def shadows(mask: Arrays, rng: np.random.Generator) -> Arrays:
    """Return how much light garments leave to their floors: float32 (n, h, w, 1), 0 to 1."""
    strength = _SHADOW * rng.random((len(mask), 1, 1, 1), np.float32)
    left: Arrays = 1 - strength * blurred(np.roll(mask, 2, axis=(1, 2)))
    return left


def blurred(pictures: Arrays) -> Arrays:
    """Return the pictures with each pixel the mean of nine, twice."""
    for axis in (1, 2, 1, 2):
        pictures = (
            pictures + np.roll(pictures, 1, axis) + np.roll(pictures, -1, axis)
        ) / np.float32(3)
    return pictures


def texture(rng: np.random.Generator, n: int, shape: tuple[int, int]) -> Arrays:
    """Return patterns of about -0.5 to 0.5, coarse or fine, (n, height, width, 1)."""
    height, width = shape
    canvas = np.zeros((n, height, width, 1), np.float32)
    for place in range(n):
        rows, columns = rng.integers(2, (height // 3, width // 3))
        if rng.random() < 0.3:
            rows = 1  # stripes
        cells = rng.random((rows, columns), np.float32) - 0.5
        canvas[place, :, :, 0] = cells[
            np.arange(height)[:, None] * rows // height, np.arange(width) * columns // width
        ]
    return blurred(canvas)


def colours(rng: np.random.Generator, n: int) -> Arrays:
    """Return colours, many of them nearly grey, as cloth and floors are: (n, 1, 1, 3)."""
    bright = rng.random((n, 1, 1, 1), np.float32)
    hue = rng.random((n, 1, 1, 3), np.float32) - 0.5
    coloured: Arrays = np.clip(bright + hue * rng.random((n, 1, 1, 1), np.float32) ** 2, 0, 1)
    return coloured


def _floors_of(photos: NDArray[np.uint8], outlines: NDArray[np.bool_]) -> Arrays:
    """Return floors without the garments on them; what lay below those has the colour around.

    Returns:
        float32 array of shape (n, h, w, 3), 0 to 1.
    """
    import tensorflow as tf

    pictures = photos.astype(np.float32) / np.float32(255)
    seen = (~outlines[..., None]).astype(np.float32)
    average = seen.mean(axis=(1, 2), keepdims=True)
    everywhere = (pictures * seen).mean(axis=(1, 2), keepdims=True) / average
    patches = tf.image.resize(pictures * seen, _PATCHES, "area").numpy()
    shares = tf.image.resize(seen, _PATCHES, "area").numpy()
    known = (patches + everywhere * 0.01) / (shares + np.float32(0.01))
    around: Arrays = tf.image.resize(known, photos.shape[1:3], "bilinear").numpy()
    mask = blurred(1 - seen)
    floors: Arrays = pictures * (1 - mask) + around * mask
    return np.where(outlines[..., None], around, floors)
