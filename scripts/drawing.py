"""Draws boxes, lines and words as SVG, readable on light and on dark pages.

Owns the colours and the escaping; what is drawn comes from `architecture` and `tables_diagram`.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from xml.sax.saxutils import escape

ROW = 20
"""Pixels from one line of text to the next."""

_STYLE = """\
text { font: 13px system-ui, -apple-system, "Segoe UI", Roboto, sans-serif; fill: #1c2430 }
text.head { font-weight: 600 }
text.soft { fill: #5b6675 }
text.small { font-size: 11.5px }
.page { fill: #ffffff }
.box { fill: #f5f7fa; stroke: #8a96a5 }
.head-box { fill: #dde6f2; stroke: #8a96a5 }
.area { fill: none; stroke: #8a96a5; stroke-dasharray: 5 4 }
.line { fill: none; stroke: #3b6ea8; stroke-width: 1.5 }
.tip { fill: #3b6ea8 }
@media (prefers-color-scheme: dark) {
  text { fill: #e6ebf2 }
  text.soft { fill: #a3afbe }
  .page { fill: #12171e }
  .box { fill: #1c2430; stroke: #5b6675 }
  .head-box { fill: #2a3a50; stroke: #5b6675 }
  .area { stroke: #5b6675 }
  .line { stroke: #7fb0e8 }
  .tip { fill: #7fb0e8 }
}"""


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle, in pixels from the upper left corner."""

    left: float
    top: float
    width: float
    height: float

    @property
    def right(self) -> float:
        """Its right edge."""
        return self.left + self.width

    @property
    def bottom(self) -> float:
        """Its lower edge."""
        return self.top + self.height

    @property
    def middle(self) -> float:
        """Half-way between its left and its right edge."""
        return self.left + self.width / 2


def picture(width: int, height: int, title: str, parts: Iterable[str]) -> str:
    """Return a whole SVG file; the title is what screen readers say."""
    return "\n".join(
        (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" '
            f'width="{width}" height="{height}" role="img" aria-labelledby="title">',
            f'<title id="title">{escape(title)}</title>',
            f"<style>\n{_STYLE}\n</style>",
            '<defs><marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" '
            'markerHeight="7" orient="auto-start-reverse"><path class="tip" d="M0 0 8 4 0 8z"/>'
            "</marker></defs>",
            f'<rect class="page" width="{width}" height="{height}" rx="8"/>',
            *parts,
            "</svg>\n",
        )
    )


def rectangle(box: Box, kind: str = "box") -> str:
    """Return a box with round corners."""
    return (
        f'<rect class="{kind}" x="{box.left:g}" y="{box.top:g}" width="{box.width:g}" '
        f'height="{box.height:g}" rx="6"/>'
    )


def words(text: str, x: float, y: float, kind: str = "", anchor: str = "start") -> str:
    """Return a line of text whose base line is at y."""
    return f'<text class="{kind}" x="{x:g}" y="{y:g}" text-anchor="{anchor}">{escape(text)}</text>'


def path(steps: str, tip: bool = True) -> str:
    """Return a line along the steps of an SVG path, with a tip at its end."""
    end = ' marker-end="url(#tip)"' if tip else ""
    return f'<path class="line" d="{steps}"{end}/>'
