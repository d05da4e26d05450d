"""Augmentation: every picture a little different each time, whole batches at once.

Owns what photos of other people may look like: another angle, another light, another floor. Pure
functions of arrays and a random generator; the same generator gives the same pictures. Many cores
feed one GPU, so whatever can be is done on 8 bits and picture by picture: one fits the cache.
"""

from collections.abc import Iterator
from functools import cache
from math import cos, pi, sin
from typing import Any

import numpy as np
from numpy.typing import NDArray

Arrays = NDArray[np.uint8]
Numbers = NDArray[np.float32]

_TURN = 0.17  # radians, standard deviation: 10 degrees
_SHIFT = 0.08  # of each side, each way
_ZOOM = 0.22  # natural logarithm: 80 % to 125 % of the size
_STRETCH = 0.12  # natural logarithm
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
CALM = 0.35  # of all moves, holes and blends, for Fashion-MNIST as published: its test has none
_WHITE = 0.2  # share of the floors that are a shop's white
_GARMENT = (0.04, 0.16)  # Fashion-MNIST's background is 0, what is above one of these is garment

_BANK = 1 << 20  # normal numbers that all grain is cut out of; to draw new ones takes longest
_UNIT = 32  # grey levels of the bank for one standard deviation: four of them fit


def augment_photos(photos: Arrays, shape: tuple[int, int], rng: np.random.Generator) -> Arrays:
    """Return photos moved, relit, blurred, with grain and with holes.

    Args:
        photos: uint8 array of shape (n, h, w, 3), a little larger than the network takes them.
        shape: Height and width of what comes out.
        rng: Decides everything.

    Returns:
        uint8 array of shape (n, height, width, 3).
    """
    return _erase(_disturb(_relight(_move(photos, shape, rng, 1.0), rng), rng), rng)


def augment_garments(garments: Arrays, shape: tuple[int, int], rng: np.random.Generator) -> Arrays:
    """Return Fashion-MNIST's garments nearly as published: moved a little, some with holes.

    Args:
        garments: uint8 array of shape (n, h, w, 1), light on black.
        shape: Height and width of what comes out.
        rng: Decides everything.

    Returns:
        uint8 array of shape (n, height, width, 3).
    """
    import cv2

    moved = _erase(_move(garments, shape, rng, CALM, go_on=False), rng, CALM)
    coloured = np.empty((*moved.shape[:3], 3), np.uint8)
    for garment, picture in zip(moved, coloured, strict=True):
        cv2.cvtColor(garment, cv2.COLOR_GRAY2RGB, dst=picture)
    return coloured


def lay_garments_out(garments: Arrays, shape: tuple[int, int], rng: np.random.Generator) -> Arrays:
    """Return Fashion-MNIST's garments as somebody might photograph them: coloured, on a floor.

    Arguments and result are as in `augment_garments`.
    """
    moved = _move(garments, shape, rng, _LOOSE, go_on=False)[..., 0]
    laid = np.empty((*moved.shape, 3), np.uint8)
    dyes, floors = _dyes(rng, len(moved)), _floors(len(moved), shape, rng)
    for garment, dye, floor, picture in zip(moved, dyes, floors, laid, strict=True):
        faintest = 255 * rng.uniform(*_GARMENT)
        mask = np.clip(garment / np.float32(faintest) - np.float32(0.5), 0, 1)  # soft at the seam
        floor *= 1 - 0.5 * rng.random() * _blurred(mask, (2, 2))  # shadow: two down, two right
        cloth = _cloth(garment, dye, rng) + _texture(rng, shape, 0.3)
        _to_grey_levels(floor + (cloth - floor) * mask, picture)
    return _erase(_disturb(_relight(laid, rng), rng), rng)


def lay_floors(n: int, shape: tuple[int, int], rng: np.random.Generator) -> Arrays:
    """Return pictures of nothing: a floor of any colour and pattern, or plain white.

    Returns:
        uint8 array of shape (n, height, width, 3).
    """
    laid = np.empty((n, *shape, 3), np.uint8)
    for floor, picture in zip(_floors(n, shape, rng), laid, strict=True):
        _to_grey_levels(floor, picture)
    return laid


def blend(
    pictures: Arrays, rng: np.random.Generator, strength: float = 1.0
) -> tuple[Arrays, NDArray[np.intp], NDArray[np.float32]]:
    """Put some pictures together with others, so that nothing is learned by heart.

    Half of them show through each other (MixUp, Zhang et al. 2018), half get a rectangle of the
    other one (CutMix, Yun et al. 2019).

    Args:
        pictures: uint8 array of shape (n, h, w, 3).
        rng: Decides everything.
        strength: How many are blended, as a share of what photos are.

    Returns:
        The pictures; the place of each one's partner, (n,); and the share that is still its own,
        0 to 1, (n,).
    """
    import cv2

    n, height, width, _ = pictures.shape
    partner = rng.permutation(n)
    is_blended = rng.random(n) < _BLENDED * strength
    share = np.where(is_blended, rng.beta(0.8, 0.8, n), 1).astype(np.float32)
    in_pieces = rng.random(n) < 0.5
    blended = pictures.copy()
    for place in np.flatnonzero((share < 1) & ~in_pieces):
        own, other = float(share[place]), pictures[partner[place]]
        cv2.addWeighted(pictures[place], own, other, 1 - own, 0, dst=blended[place])
    for place in np.flatnonzero((share < 1) & in_pieces):
        side = np.sqrt(1 - share[place])
        rows, columns = int(side * height), int(side * width)
        top, left = rng.integers(0, (height - rows + 1, width - columns + 1))
        hole = (slice(top, top + rows), slice(left, left + columns))
        blended[place][hole] = pictures[partner[place]][hole]
        share[place] = 1 - rows * columns / (height * width)
    return blended, partner, share


def relit(pictures: Arrays, light: Numbers, contrast: Numbers, colourful: Numbers) -> Arrays:
    """Return pictures in another light: (n, h, w, 3), uint8 as they came.

    Nothing is cut off before the end, so that all of it is one map of a picture's colours.

    Args:
        pictures: uint8 array of shape (n, h, w, 3).
        light: What red, green and blue are multiplied by, float32 array of shape (n, 3).
        contrast: Before that, what their distance from the picture's mean is multiplied by, (n,).
        colourful: After it, what their distance from the pixel's grey is multiplied by, (n,).
    """
    import cv2

    middle = np.array([sum(cv2.mean(picture)[:3]) / 3 for picture in pictures], np.float32)
    to_grey = np.full((3, 3), 1 / 3, np.float32)
    mix = to_grey + colourful[:, None, None] * (np.eye(3, dtype=np.float32) - to_grey)  # (n, 3, 3)
    factors = mix * (contrast[:, None] * light)[:, None, :]
    summands = mix @ ((middle * (1 - contrast))[:, None] * light)[..., None]
    lit = np.empty_like(pictures)
    maps = np.concatenate([factors, summands], axis=2)  # (n, 3, 4)
    for picture, colours, out in zip(pictures, maps, lit, strict=True):
        cv2.transform(picture, colours, dst=out)
    return lit


def shrunk(arrays: NDArray[np.uint8], shape: tuple[int, int]) -> NDArray[np.uint8]:
    """Return pictures in another size, each pixel the mean of those that it takes the place of.

    Args:
        arrays: uint8 array of shape (n, H, W, 3).
        shape: Height and width of what comes out.

    Returns:
        uint8 array of shape (n, h, w, 3).
    """
    import cv2

    if arrays.shape[1:3] == shape:
        return arrays
    smaller = np.empty((len(arrays), *shape, arrays.shape[3]), np.uint8)
    for source, target in zip(arrays, smaller, strict=True):
        cv2.resize(source, shape[::-1], target, interpolation=cv2.INTER_AREA)
    return smaller


def keep_to_one_core() -> None:
    """Have no picture shared out among cores from now on: a process for each core does more."""
    import cv2

    cv2.setNumThreads(1)


def _move(
    pictures: Arrays,
    shape: tuple[int, int],
    rng: np.random.Generator,
    strength: float,
    *,
    go_on: bool = True,
) -> Arrays:
    """Flip, shift, zoom, stretch and turn: one affine map for each picture, sampled once.

    Beyond the edge lies what is nearest to it, so that a floor goes on, or else black: a garment
    that reaches the edge would go on, too.
    """
    import cv2

    n, height, width, channels = pictures.shape
    rows, columns = shape
    angle = rng.normal(0, _TURN * strength, n)
    zoom = np.exp(rng.uniform(-_ZOOM, _ZOOM, n) * strength)
    stretch = np.exp(rng.uniform(-_STRETCH, _STRETCH, n) * strength)
    flip = rng.choice((-1, 1), n)
    shift = rng.uniform(-_SHIFT, _SHIFT, (2, n)) * strength
    down, across = height / rows, width / columns  # pixels of the source for one that comes out
    cosine, sine = np.cos(angle), np.sin(angle)
    xx, xy = flip * across * cosine * zoom * stretch, -down * sine * zoom * stretch
    yx, yy = flip * across * sine * zoom / stretch, down * cosine * zoom / stretch
    middle_y, middle_x = (rows - 1) / 2, (columns - 1) / 2
    x = (width - 1) / 2 + shift[1] * width - xx * middle_x - xy * middle_y
    y = (height - 1) / 2 + shift[0] * height - yx * middle_x - yy * middle_y
    maps = np.stack([xx, xy, x, yx, yy, y], axis=1).reshape(n, 2, 3)
    moved = np.empty((n, rows, columns, channels), np.uint8)
    how = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    beyond = cv2.BORDER_REPLICATE if go_on else cv2.BORDER_CONSTANT
    for picture, to_source, out in zip(pictures, maps, moved, strict=True):
        cv2.warpAffine(picture, to_source, (columns, rows), dst=out, flags=how, borderMode=beyond)
    return moved


def _relight(pictures: Arrays, rng: np.random.Generator) -> Arrays:
    """Change brightness, contrast, the colour of the light, and how colourful all is."""
    n = len(pictures)
    light = _spread(rng, _BRIGHT, (n, 1)) * _spread(rng, _CAST, (n, 3))
    colourful = rng.uniform(0.4, 1.4, n) * (rng.random(n) >= _GREY)
    return relit(pictures, light, _spread(rng, _CONTRAST, (n,)), colourful.astype(np.float32))


def _disturb(pictures: Arrays, rng: np.random.Generator) -> Arrays:
    """Blur some pictures, and put grain on all."""
    import cv2

    for place in np.flatnonzero(rng.random(len(pictures)) < _BLUR):
        pictures[place] = _blurred(pictures[place])
    strengths = rng.random(len(pictures)) ** 2 * _GRAIN * 255 / _UNIT
    starts = rng.integers(0, _BANK - np.prod(pictures.shape[1:]), len(pictures))
    for picture, strength, start in zip(pictures, strengths, starts, strict=True):
        grain = _bank()[start : start + picture.size].reshape(picture.shape)
        cv2.addWeighted(picture, 1, grain, strength, -128 * strength, dst=picture)
    return pictures


@cache
def _bank() -> Arrays:
    """Return normal numbers, always the same: 128 is zero; (_BANK,)."""
    normal = np.random.default_rng(0).standard_normal(_BANK, np.float32)
    return np.clip(np.rint(128 + _UNIT * normal), 0, 255).astype(np.uint8)


def _erase(pictures: Arrays, rng: np.random.Generator, strength: float = 1.0) -> Arrays:
    """Fill a rectangle of some pictures with one random colour, so that no part is all."""
    _, height, width, channels = pictures.shape
    for place in np.flatnonzero(rng.random(len(pictures)) < _ERASE * strength):
        rows, columns = (rng.uniform(*_ERASED_SIDE, 2) * (height, width)).astype(int)
        top, left = rng.integers(0, (height - rows, width - columns))
        pictures[place, top : top + rows, left : left + columns] = rng.integers(0, 256, channels)
    return pictures


def _floors(n: int, shape: tuple[int, int], rng: np.random.Generator) -> Iterator[Numbers]:
    """Yield floors, about 0 to 1: (3, h, w), for NumPy is slow where the last axis is of three."""
    colours, white = _colours(rng, n), rng.random(n) < _WHITE
    for place in range(n):
        coloured = colours[place, :, :, None] + _texture(rng, shape, 0.5)
        yield np.ones_like(coloured) if white[place] else coloured


def _cloth(garment: Arrays, dyes: Numbers, rng: np.random.Generator) -> Numbers:
    """Return a garment sharpened and dyed, with other dyes beyond a line: sole, leather, laces.

    (h, w) and its (3, 512) of `_dyes` → (3, h, w), 0 to 1.
    """
    import cv2

    height, width = garment.shape
    crispness, angle, offset = _CRISP * rng.random(), rng.uniform(0, 2 * pi), rng.normal(0, 0.25)
    crisp = cv2.addWeighted(garment, 1 + crispness, _blurred(garment), -crispness, 0)
    down = np.linspace(-0.5, 0.5, height, dtype=np.float32)[:, None]
    across = np.linspace(-0.5, 0.5, width, dtype=np.float32)
    beyond = cos(angle) * across + sin(angle) * down > offset
    cloth: Numbers = np.take(dyes, crisp + np.uint16(256) * beyond, axis=1)
    return cloth


def _dyes(rng: np.random.Generator, n: int) -> Numbers:
    """Return each garment's colours by grey level, then those beyond its line: (n, 3, 512)."""
    grey = np.linspace(0, 1, 256, dtype=np.float32)
    polarity = rng.random((n, 1, 1)) < 0.5
    tone = np.where(polarity, grey, 1 - grey) ** _spread(rng, 0.5, (n, 1, 1))
    plain = _colours(rng, n) * (0.25 + 0.75 * tone)
    in_parts = rng.random((n, 1, 1)) < _PARTS
    sides = [np.where(in_parts, _by_tone(rng, tone), plain) for _ in range(2)]
    return np.concatenate(sides, axis=2)


def _by_tone(rng: np.random.Generator, tone: Numbers) -> Numbers:
    """Return three colours of each, from darkest to lightest; (n, 1, tones) → (n, 3, tones)."""
    n = len(tone)
    darkest, middle, lightest = (_colours(rng, n) for _ in range(3))
    turn = rng.uniform(0.3, 0.7, (n, 1, 1)).astype(np.float32)
    low, high = np.minimum(tone / turn, 1), np.maximum((tone - turn) / (1 - turn), 0)
    coloured: Numbers = darkest + low * (middle - darkest) + high * (lightest - middle)
    return coloured


def _colours(rng: np.random.Generator, n: int) -> Numbers:
    """Return colours, many of them nearly grey, as cloth and floors are: (n, 3, 1), 0 to 1."""
    bright, hue = rng.random((n, 1, 1), np.float32), rng.random((n, 3, 1), np.float32) - 0.5
    coloured: Numbers = np.clip(bright + hue * rng.random((n, 1, 1), np.float32) ** 2, 0, 1)
    return coloured


def _texture(rng: np.random.Generator, shape: tuple[int, int], strongest: float) -> Numbers:
    """Return a pattern, coarse or fine, half of `strongest` below and above 0 at most: (h, w)."""
    import cv2

    height, width = shape
    stripes = rng.random() < 0.3
    rows = 1 if stripes else rng.integers(2, height // 3)
    cells = rng.random((rows, rng.integers(2, width // 3)), np.float32) - 0.5
    cells *= rng.random() * strongest
    texture: Numbers = _blurred(cv2.resize(cells, shape[::-1], interpolation=cv2.INTER_NEAREST))
    return texture


def _blurred(picture: NDArray[Any], anchor: tuple[int, int] = (-1, -1)) -> Any:
    """Return a picture with each pixel the mean of nine, twice; the anchor is its place there."""
    import cv2

    return cv2.blur(cv2.blur(picture, (3, 3), anchor=anchor), (3, 3), anchor=anchor)


def _to_grey_levels(planes: Numbers, picture: Arrays) -> None:
    """Write what is about 0 to 1, (3, h, w), into a picture of 0 to 255, (h, w, 3)."""
    import cv2

    levels = np.clip(planes, 0, 1) * np.float32(255) + np.float32(0.5)
    cv2.merge(list(levels.astype(np.uint8)), dst=picture)


def _spread(rng: np.random.Generator, strength: float, shape: tuple[int, ...]) -> Numbers:
    """Return factors around 1, as often below as above."""
    return np.exp(rng.uniform(-strength, strength, shape)).astype(np.float32)
