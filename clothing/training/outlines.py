"""Outlines: which pixels of a photo are its garment, so that it can be shown on white.

Owns the guess, when to distrust it, and the cutting. A catalogue shows garments on white; where
there is none to measure on, people's garments cut out of their photos come nearest. Nobody drew an
outline, but a garment lies in the middle of its photo and the floor around it, which is enough for
GrabCut (Rother et al. 2004).
"""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
from numpy.typing import NDArray

_SIDE = 144
"""Pixels of the longer side that an outline is looked for in; more take longer and show no more."""

_FRAME = 0.02  # of each side, at the edge: surely floor
_MARGIN = 0.06  # of each side: more likely floor, and what it encloses more likely garment
_ROUNDS = 4
_SPECK = 0.02  # of the picture: a smaller hole in a garment is taken for garment

_SHARE = (0.12, 0.72)  # of the picture that a garment has, else the guess went wrong
_ALONE = 0.8  # share of all that was taken for garment that hangs together, at least
_OFF = 0.15  # of each side that a garment's middle is away from the picture's, at most


def outlines_of(photos: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Return where the garments of photos are; where that is not sure, nowhere.

    Args:
        photos: uint8 array of shape (n, h, w, 3).

    Returns:
        bool array of shape (n, h, w).
    """
    outlines = np.zeros(photos.shape[:3], np.bool_)
    with ThreadPoolExecutor() as pool:
        for outline, found in zip(outlines, pool.map(_outline_of, photos), strict=True):
            outline[:] = found
    return outlines


def cut_out(photos: NDArray[np.uint8], outlines: NDArray[np.bool_]) -> NDArray[np.uint8]:
    """Return what is inside of outlines, on white.

    Args:
        photos: uint8 array of shape (n, h, w, 3).
        outlines: As `outlines_of` returns them, bool array of shape (n, h, w).

    Returns:
        uint8 array of shape (n, h, w, 3).
    """
    return np.array(
        [_on_white(*pair) for pair in zip(photos, outlines, strict=True)], np.uint8
    ).reshape(photos.shape)


def _on_white(photo: NDArray[np.uint8], outline: NDArray[np.bool_]) -> NDArray[np.float32]:
    import cv2

    soft = cv2.GaussianBlur(outline.astype(np.float32), (5, 5), 0)
    garment = np.clip(2 * soft - 1, 0, 1)[..., None]  # a little inside: the seam is still floor
    laid: NDArray[np.float32] = photo * garment + 255 * (1 - garment)
    return laid


def _outline_of(photo: NDArray[np.uint8]) -> NDArray[np.bool_]:
    import cv2

    height, width = photo.shape[:2]
    factor = min(1.0, _SIDE / max(height, width))
    size = round(width * factor), round(height * factor)
    small = cv2.resize(photo, size, interpolation=cv2.INTER_AREA)
    guess = _largest_part(_grab(small))
    if not _is_likely(guess):
        guess[:] = False
    large = cv2.resize(guess.astype(np.uint8), (width, height), interpolation=cv2.INTER_NEAREST)
    outline: NDArray[np.bool_] = large.astype(np.bool_)
    return outline


def _grab(photo: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return 1 where GrabCut sees garment, without threads and pinholes."""
    import cv2

    height, width = photo.shape[:2]
    seen = np.full((height, width), cv2.GC_PR_BGD, np.uint8)
    _inner(seen, _MARGIN)[:] = cv2.GC_PR_FGD
    frame = np.ones_like(seen)
    _inner(frame, _FRAME)[:] = 0
    seen[frame == 1] = cv2.GC_BGD
    cv2.setRNGSeed(1)  # it begins with clusters drawn at random
    models = np.zeros((1, 65)), np.zeros((1, 65))
    cv2.grabCut(photo, seen, None, *models, _ROUNDS, cv2.GC_INIT_WITH_MASK)
    garment = np.isin(seen, (cv2.GC_FGD, cv2.GC_PR_FGD)).astype(np.uint8)
    for step, side in ((cv2.MORPH_OPEN, 3), (cv2.MORPH_CLOSE, 7)):
        garment = cv2.morphologyEx(garment, step, np.ones((side, side), np.uint8))
    return garment


def _inner(picture: NDArray[Any], margin: float) -> NDArray[Any]:
    """Return a view of a picture without a margin, of a pixel at least."""
    rows, columns = (max(1, int(margin * side)) for side in picture.shape)
    return picture[rows:-rows, columns:-columns]


def _largest_part(garment: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Return the largest part, its small holes filled; nothing if it is not most of the whole."""
    import cv2

    _, parts, about, _ = cv2.connectedComponentsWithStats(garment)
    areas = about[1:, cv2.CC_STAT_AREA]
    if not len(areas) or areas.max() < _ALONE * areas.sum():
        return np.zeros(garment.shape, np.bool_)
    largest: NDArray[np.bool_] = parts == 1 + areas.argmax()
    _, holes, about, _ = cv2.connectedComponentsWithStats((~largest).astype(np.uint8))
    small = np.flatnonzero(about[:, cv2.CC_STAT_AREA] < _SPECK * garment.size)
    return largest | np.isin(holes, small[small > 0])


def _is_likely(outline: NDArray[np.bool_]) -> bool:
    """Return True if the outline could be a garment's, by how large it is and where it lies."""
    if not _SHARE[0] < outline.mean() < _SHARE[1]:
        return False
    middle = np.argwhere(outline).mean(axis=0) / outline.shape
    return bool(np.all(np.abs(middle - 0.5) <= _OFF))
