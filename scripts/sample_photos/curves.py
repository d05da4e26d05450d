"""Outlines: splines, limbs and mirrored halves, in garment units.

A garment lies around the origin, x to the right and y down; one unit is half the height of the
picture.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

Path = NDArray[np.float64]
Point = tuple[float, float]

_STEPS = 14  # straight pieces drawn between two points of a spline


def line(*points: Point) -> Path:
    """A path with corners."""
    return np.array(points, dtype=np.float64)


def spline(*points: Point, closed: bool = False) -> Path:
    """A Catmull-Rom spline: a smooth path through all the points."""
    knots = np.array(points, dtype=np.float64)
    if closed:
        knots = np.vstack([knots[-1:], knots, knots[:2]])
    else:
        knots = np.vstack([2 * knots[0] - knots[1], knots, 2 * knots[-1] - knots[-2]])
    t = np.linspace(0, 1, _STEPS, endpoint=False)[:, None]
    arcs = [_arc(knots[i : i + 4], t) for i in range(len(knots) - 3)]
    return np.vstack([*arcs, knots[-2:-1]])


def _arc(knots: Path, t: Path) -> Path:
    before, start, end, after = knots
    linear = end - before
    square = 2 * before - 5 * start + 4 * end - after
    cube = -before + 3 * start - 3 * end + after
    return np.asarray(start + 0.5 * (linear * t + square * t**2 + cube * t**3))


def join(*paths: Path) -> Path:
    """Paths one after the other; where they meet there may be a corner."""
    return np.vstack(paths)


def flipped(path: Path) -> Path:
    """The path on the other side of the garment's middle."""
    return np.asarray(path * (-1.0, 1.0))


def mirrored(half: Path) -> Path:
    """Closes a right half, given from top to bottom, with its left half."""
    return np.vstack([half, flipped(half)[::-1]])


def right_half(*points: Point) -> Path:
    """The right half of a symmetric spline that starts in the middle, where it runs level."""
    left = [(-x, y) for x, y in points[:0:-1]]
    return spline(*left, *points)[_STEPS * len(left) :]


def moved(path: Path, right: float = 0.0, down: float = 0.0) -> Path:
    """The path at another place."""
    return np.asarray(path + (right, down))


def turned(path: Path, angle: float, about: Point = (0.0, 0.0)) -> Path:
    """The path rotated clockwise by an angle in radians."""
    cos, sin = np.cos(angle), np.sin(angle)
    return np.asarray((path - about) @ np.array([[cos, sin], [-sin, cos]]) + about)


def limb(centre: Path, *widths: float) -> Path:
    """An outline around a centre line: sleeves, legs, straps, laces.

    Args:
        centre: The middle of the limb from its root to its end.
        widths: Half widths, spread evenly over the length.
    """
    half = np.interp(_progress(centre), np.linspace(0, 1, len(widths)), widths)[:, None]
    ahead = np.gradient(centre, axis=0)
    ahead /= np.linalg.norm(ahead, axis=1, keepdims=True) + 1e-9
    aside = ahead[:, ::-1] * np.array([-1.0, 1.0])
    return np.vstack([centre + aside * half, (centre - aside * half)[::-1]])


def _progress(path: Path) -> Path:
    walked = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(path, axis=0), axis=1))])
    return np.asarray(walked / walked[-1])


def part(path: Path, start: float, end: float) -> Path:
    """The stretch of a path between two shares of its length."""
    at = np.linspace(start, end, 40)
    walked = _progress(path)
    return np.column_stack([np.interp(at, walked, path[:, axis]) for axis in (0, 1)])


def along(path: Path, count: int) -> list[Point]:
    """Points spread evenly over a path, both ends among them."""
    walked = _progress(path)
    shares = np.linspace(0, 1, count)
    columns = [np.interp(shares, walked, path[:, axis]) for axis in (0, 1)]
    return list(zip(*(column.tolist() for column in columns), strict=True))


def heading(path: Path) -> float:
    """Angle from straight down to the direction in which a path runs, clockwise."""
    run = path[-1] - path[0]
    return float(-np.arctan2(run[0], run[1]))


def ellipse(centre: Point, wide: float, high: float) -> Path:
    """An ellipse with the half axes ``wide`` and ``high``."""
    turn = np.linspace(0, 2 * np.pi, 60, endpoint=False)
    return np.column_stack([centre[0] + wide * np.cos(turn), centre[1] + high * np.sin(turn)])


def box(left: float, top: float, right: float, bottom: float, corner: float = 0.02) -> Path:
    """A rectangle with rounded corners."""
    turn = np.linspace(0, np.pi / 2, 8)
    corners = [
        (right - corner, bottom - corner, 0.0),
        (left + corner, bottom - corner, 0.5),
        (left + corner, top + corner, 1.0),
        (right - corner, top + corner, 1.5),
    ]
    arcs = [
        np.column_stack(
            [x + corner * np.cos(turn + q * np.pi), y + corner * np.sin(turn + q * np.pi)]
        )
        for x, y, q in corners
    ]
    return np.vstack(arcs)


@dataclass(frozen=True)
class Placement:
    """How a garment came to lie in the picture.

    Attributes:
        centre: Pixel under the garment's origin.
        unit: Pixels per garment unit.
        angle: Rotation in radians, clockwise.
        sway: Amplitudes of a gentle bending of the whole garment: nobody lays cloth out exactly.
        phase: Where in its waves that bending starts.
    """

    centre: Point
    unit: float
    angle: float = 0.0
    sway: Point = (0.0, 0.0)
    phase: Sequence[float] = field(default=(0.0, 0.0, 0.0, 0.0))

    def pixels(self, path: Path) -> Path:
        """Garment units to pixels of the picture."""
        x, y = path[:, 0], path[:, 1]
        a, b, c, d = self.phase
        bent_x = x + self.sway[0] * (np.sin(2.3 * y + a) + 0.5 * np.sin(4.1 * x + 3.3 * y + b))
        bent_y = y + self.sway[1] * (np.sin(2.1 * x + c) + 0.5 * np.sin(4.7 * y - 2.9 * x + d))
        spun = turned(np.column_stack([bent_x, bent_y]), self.angle)
        return np.asarray(spun * self.unit + self.centre)
