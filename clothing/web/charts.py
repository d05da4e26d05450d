"""Where the points of a chart lie: numbers for the SVG that the templates draw.

Owns the scale; pure. It knows neither a run nor a category.
"""

from collections.abc import Sequence
from dataclasses import dataclass

WIDTH, HEIGHT = 400, 150
"""Units of a chart; it is drawn as wide as there is room."""

_LEFT, _RIGHT, _TOP, _BOTTOM = 40, 8, 10, 22


@dataclass(frozen=True, slots=True)
class Point:
    """One value: what it is called, its share, 0 to 1, and between which shares it may lie."""

    label: str
    share: float
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True, slots=True)
class Dot:
    """A point with its place."""

    point: Point
    x: float
    y: float
    y_low: float
    y_high: float


@dataclass(frozen=True, slots=True)
class Line:
    """A line of shares over time, with its grid."""

    title: str
    dots: list[Dot]
    grid: list[tuple[float, str]]

    @property
    def path(self) -> str:
        """The points as a polyline takes them."""
        return " ".join(f"{dot.x:.1f},{dot.y:.1f}" for dot in self.dots)


def line_of(title: str, points: Sequence[Point]) -> Line:
    """Return where points lie; the scale is 0 to 100 %, so that no wiggle looks like a cliff.

    >>> [(dot.x, dot.y) for dot in line_of("", [Point("a", 1.0), Point("b", 0.0)]).dots]
    [(40.0, 10.0), (392.0, 128.0)]
    """
    step = (WIDTH - _LEFT - _RIGHT) / max(1, len(points) - 1)
    dots = [
        Dot(
            point=point,
            x=_LEFT + place * step,
            y=_height(point.share),
            y_low=_height(point.share if point.low is None else point.low),
            y_high=_height(point.share if point.high is None else point.high),
        )
        for place, point in enumerate(points)
    ]
    return Line(title, dots, [(_height(share), f"{share:.0%}") for share in (0, 0.5, 1)])


def _height(share: float) -> float:
    return HEIGHT - _BOTTOM - share * (HEIGHT - _BOTTOM - _TOP)
