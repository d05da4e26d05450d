"""Augmentation: every picture a little different each time, whole batches at once.

Owns what photos of other people may look like: another angle, another light, another floor. Pure
functions of arrays and a random generator; the same generator gives the same pictures.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

Arrays = NDArray[np.float32]

_TURN = 0.17  # radians, standard deviation: 10 degrees
_SHIFT = 0.08  # of each side, each way
_ZOOM = 0.22  # natural logarithm: 80 % to 125 % of the size
_STRETCH = 0.12  # natural logarithm
_CALM = 0.35  # of all that, for Fashion-MNIST as published: its test pictures are not moved
_LOOSE = 1.6  # of all that, for its garments laid out: no other bags and no other kinds of shoes
_BRIGHT = 0.35  # natural logarithm
_CONTRAST = 0.35  # natural logarithm
_CAST = 0.12  # natural logarithm, for each of red, green and blue
_PARTS = 0.5  # share of the garments that have parts of several colours
_CRISP = 2.0  # the most that edges are sharpened: 28 pixels enlarged have none
_GREY = 0.1  # share of the pictures that lose all colour
_BLUR = 0.2  # share of the pictures that are blurred
_GRAIN = 0.04  # the largest standard deviation of a pixel
_ERASE = 0.35  # share of the pictures that lose a rectangle (Zhong et al. 2017)
_ERASED_SIDE = (0.15, 0.45)  # of each side
_BLENDED = 0.6  # share of the photos that are blended with another one
_WHITE = 0.2  # share of the floors that are a shop's white
_GARMENT = (0.04, 0.16)  # Fashion-MNIST's background is 0, what is above one of these is garment


def augment_photos(
    photos: NDArray[np.uint8], shape: tuple[int, int], rng: np.random.Generator
) -> Arrays:
    """Return photos moved, relit, blurred, with grain and with holes.

    Args:
        photos: uint8 array of shape (n, h, w, 3), a little larger than the network takes them.
        shape: Height and width of what comes out.
        rng: Decides everything.

    Returns:
        float32 array of shape (n, height, width, 3), 0 to 1.
    """
    moved = _move(photos, shape, rng, 1.0).astype(np.float32) / np.float32(255)
    return _erase(_disturb(_relight(moved, rng), rng), rng)


def augment_garments(
    garments: NDArray[np.uint8], shape: tuple[int, int], rng: np.random.Generator
) -> Arrays:
    """Return Fashion-MNIST's garments nearly as published: moved a little, some with holes.

    Args:
        garments: uint8 array of shape (n, h, w, 1), light on black.
        shape: Height and width of what comes out.
        rng: Decides everything.

    Returns:
        float32 array of shape (n, height, width, 3), 0 to 1.
    """
    moved = _move(garments, shape, rng, _CALM, "CONSTANT").astype(np.float32) / np.float32(255)
    return np.repeat(_erase(moved, rng), 3, axis=3)


def lay_garments_out(
    garments: NDArray[np.uint8], shape: tuple[int, int], rng: np.random.Generator
) -> Arrays:
    """Return Fashion-MNIST's garments as somebody might photograph them: coloured, on a floor.

    Arguments and result are as in `augment_garments`.
    """
    moved = _move(garments, shape, rng, _LOOSE, "CONSTANT").astype(np.float32) / np.float32(255)
    n = len(moved)
    faintest = rng.uniform(*_GARMENT, (n, 1, 1, 1)).astype(np.float32)
    mask = np.clip(moved / faintest - 0.5, 0, 1)  # soft at the seam
    edges = moved - _blurred(moved)
    crisp = np.clip(moved + _CRISP * rng.random((n, 1, 1, 1), np.float32) * edges, 0, 1)
    polarity = rng.random((n, 1, 1, 1)) < 0.5
    tone = np.where(polarity, crisp, 1 - crisp) ** _spread(rng, 0.5, n)
    in_parts = rng.random((n, 1, 1, 1)) < _PARTS
    cloth = np.where(in_parts, _parts(rng, tone), _colours(rng, n) * (0.25 + 0.75 * tone))
    pattern = _texture(rng, n, shape) * rng.random((n, 1, 1, 1), np.float32) * 0.3
    floor = lay_floors(n, shape, rng)
    shadow = 1 - 0.5 * rng.random((n, 1, 1, 1), np.float32) * _blurred(
        np.roll(mask, 2, axis=(1, 2))
    )
    picture = (cloth + pattern) * mask + floor * shadow * (1 - mask)
    return _erase(_disturb(_relight(np.clip(picture, 0, 1), rng), rng), rng)


def lay_floors(n: int, shape: tuple[int, int], rng: np.random.Generator) -> Arrays:
    """Return pictures of nothing: a floor of any colour and pattern, or plain white.

    Returns:
        float32 array of shape (n, height, width, 3), about 0 to 1.
    """
    pattern = _texture(rng, n, shape) * rng.random((n, 1, 1, 1), np.float32) * 0.5
    white = rng.random((n, 1, 1, 1)) < _WHITE
    floor: Arrays = np.where(white, np.float32(1), _colours(rng, n) + pattern)
    return floor


def blend(
    pictures: Arrays, rng: np.random.Generator
) -> tuple[Arrays, NDArray[np.intp], NDArray[np.float32]]:
    """Put some pictures together with others, so that nothing is learned by heart.

    Half of them show through each other (MixUp, Zhang et al. 2018), half get a rectangle of the
    other one (CutMix, Yun et al. 2019).

    Args:
        pictures: float32 array of shape (n, h, w, 3).
        rng: Decides everything.

    Returns:
        The pictures; the place of each one's partner, (n,); and the share that is still its own,
        0 to 1, (n,).
    """
    n, height, width, _ = pictures.shape
    partner = rng.permutation(n)
    share = np.where(rng.random(n) < _BLENDED, rng.beta(0.8, 0.8, n), 1).astype(np.float32)
    faint = share[:, None, None, None]
    blended: Arrays = faint * pictures + (1 - faint) * pictures[partner]
    for place in np.flatnonzero((share < 1) & (rng.random(n) < 0.5)):
        side = np.sqrt(1 - share[place])
        rows, columns = int(side * height), int(side * width)
        top, left = rng.integers(0, (height - rows + 1, width - columns + 1))
        blended[place] = pictures[place]
        hole = (slice(top, top + rows), slice(left, left + columns))
        blended[place][hole] = pictures[partner[place]][hole]
        share[place] = 1 - rows * columns / (height * width)
    return blended, partner, share


def _move(
    pictures: NDArray[np.uint8],
    shape: tuple[int, int],
    rng: np.random.Generator,
    strength: float,
    beyond: str = "NEAREST",
) -> NDArray[np.uint8]:
    """Flip, shift, zoom, stretch and turn: one affine map for each picture, sampled once.

    Beyond the edge lies what is nearest to it, so that a floor goes on, or "CONSTANT" black: a
    garment that reaches the edge would go on, too.
    """
    import tensorflow as tf

    n, height, width, _ = pictures.shape
    angle = rng.normal(0, _TURN * strength, n)
    zoom = np.exp(rng.uniform(-_ZOOM, _ZOOM, n) * strength)
    stretch = np.exp(rng.uniform(-_STRETCH, _STRETCH, n) * strength)
    flip = rng.choice((-1, 1), n)
    shift = rng.uniform(-_SHIFT, _SHIFT, (2, n)) * strength
    down, across = (
        height / shape[0],
        width / shape[1],
    )  # pixels of the source for one that comes out
    cosine, sine = np.cos(angle), np.sin(angle)
    xx, xy = flip * across * cosine * zoom * stretch, -down * sine * zoom * stretch
    yx, yy = flip * across * sine * zoom / stretch, down * cosine * zoom / stretch
    middle_y, middle_x = (shape[0] - 1) / 2, (shape[1] - 1) / 2
    x = (width - 1) / 2 + shift[1] * width - xx * middle_x - xy * middle_y
    y = (height - 1) / 2 + shift[0] * height - yx * middle_x - yy * middle_y
    nothing = np.zeros(n)
    maps = np.stack([xx, xy, x, yx, yy, y, nothing, nothing], axis=1).astype(np.float32)
    moved: NDArray[np.uint8] = tf.raw_ops.ImageProjectiveTransformV3(
        images=pictures,
        transforms=maps,
        output_shape=shape,
        fill_value=0.0,
        interpolation="BILINEAR",
        fill_mode=beyond,
    ).numpy()
    return moved


def _relight(pictures: Arrays, rng: np.random.Generator) -> Arrays:
    """Change brightness, contrast, the colour of the light, and how colourful all is."""
    n = len(pictures)
    light = _spread(rng, _BRIGHT, n) * np.exp(
        rng.uniform(-_CAST, _CAST, (n, 1, 1, 3)).astype(np.float32)
    )
    middle = pictures.mean(axis=(1, 2, 3), keepdims=True)
    lit = ((pictures - middle) * _spread(rng, _CONTRAST, n) + middle) * light
    colourful = rng.uniform(0.4, 1.4, (n, 1, 1, 1)) * (rng.random((n, 1, 1, 1)) >= _GREY)
    grey = lit.mean(axis=3, keepdims=True)
    relit: Arrays = np.clip(grey + (lit - grey) * colourful.astype(np.float32), 0, 1)
    return relit


def _disturb(pictures: Arrays, rng: np.random.Generator) -> Arrays:
    """Blur some pictures, and put grain on all."""
    chosen = np.flatnonzero(rng.random(len(pictures)) < _BLUR)
    pictures[chosen] = _blurred(pictures[chosen])
    strength = rng.random((len(pictures), 1, 1, 1), np.float32) ** 2 * _GRAIN
    grain = rng.standard_normal(pictures.shape, np.float32) * strength
    disturbed: Arrays = np.clip(pictures + grain, 0, 1)
    return disturbed


def _erase(pictures: Arrays, rng: np.random.Generator) -> Arrays:
    """Fill a rectangle of some pictures with one random colour, so that no part is all."""
    _, height, width, channels = pictures.shape
    for place in np.flatnonzero(rng.random(len(pictures)) < _ERASE):
        rows, columns = (rng.uniform(*_ERASED_SIDE, 2) * (height, width)).astype(int)
        top, left = rng.integers(0, (height - rows, width - columns))
        pictures[place, top : top + rows, left : left + columns] = rng.random(channels)
    return pictures


def _blurred(pictures: Arrays) -> Arrays:
    """Return the pictures with each pixel the mean of nine, twice."""
    for axis in (1, 2, 1, 2):
        pictures = (
            pictures + np.roll(pictures, 1, axis) + np.roll(pictures, -1, axis)
        ) / np.float32(3)
    return pictures


def _texture(rng: np.random.Generator, n: int, shape: tuple[int, int]) -> Arrays:
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
    return _blurred(canvas)


def _colours(rng: np.random.Generator, n: int) -> Arrays:
    """Return colours, many of them nearly grey, as cloth and floors are: (n, 1, 1, 3)."""
    bright = rng.random((n, 1, 1, 1), np.float32)
    hue = rng.random((n, 1, 1, 3), np.float32) - 0.5
    coloured: Arrays = np.clip(bright + hue * rng.random((n, 1, 1, 1), np.float32) ** 2, 0, 1)
    return coloured


def _parts(rng: np.random.Generator, tone: Arrays) -> Arrays:
    """Return colours of each picture by tone, and others beyond a line: sole, leather, laces.

    Args:
        rng: Decides everything.
        tone: float32 array of shape (n, h, w, 1), 0 to 1.

    Returns:
        float32 array of shape (n, h, w, 3), about 0 to 1.
    """
    n, height, width, _ = tone.shape
    angle, offset = rng.uniform(0, 2 * np.pi, (n, 1, 1, 1)), rng.normal(0, 0.25, (n, 1, 1, 1))
    down = np.linspace(-0.5, 0.5, height)[:, None, None]  # (h, 1, 1)
    across = np.linspace(-0.5, 0.5, width)[:, None]  # (w, 1)
    beyond = np.cos(angle) * across + np.sin(angle) * down > offset
    parts: Arrays = np.where(beyond, _by_tone(rng, tone), _by_tone(rng, tone))
    return parts


def _by_tone(rng: np.random.Generator, tone: Arrays) -> Arrays:
    """Return three colours of each picture, from its darkest to its lightest: (n, h, w, 3)."""
    n = len(tone)
    darkest, middle, lightest = (_colours(rng, n) for _ in range(3))
    turn = rng.uniform(0.3, 0.7, (n, 1, 1, 1)).astype(np.float32)
    low, high = np.minimum(tone / turn, 1), np.maximum((tone - turn) / (1 - turn), 0)
    coloured: Arrays = darkest + low * (middle - darkest) + high * (lightest - middle)
    return coloured


def _spread(rng: np.random.Generator, strength: float, n: int) -> Arrays:
    """Return factors around 1, as often below as above: (n, 1, 1, 1)."""
    drawn: NDArray[Any] = np.exp(rng.uniform(-strength, strength, (n, 1, 1, 1)))
    return drawn.astype(np.float32)
