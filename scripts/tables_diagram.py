"""Draws the tables and what points from one to another: `python -m scripts.tables_diagram`.

Everything comes from `clothing.tables`; here is only where each table stands. A test fails when
the picture is stale.
"""

from collections.abc import Iterator

import sqlalchemy as sa

from clothing.config import PROJECT
from clothing.tables import SCHEMA_VERSION, UTC_TIME, metadata
from scripts.drawing import ROW, Box, path, picture, rectangle, words
from scripts.files import write

PICTURE = PROJECT / "Images_ReadMe" / "tables.svg"

COLUMNS = (
    ("batch_run", "image_failure"),
    ("image_prediction", "review_claim"),
    ("image_probabilities", "image_review"),
)
"""The tables from left to right, in each column from the top down."""

_WIDTH, _GAP, _EDGE, _HEAD = 290, 110, 24, 28


def tables_diagram() -> str:
    """Return the picture."""
    places = dict(_places())
    if places.keys() != metadata.tables.keys():
        raise ValueError(f"Each table needs a place. Received: {sorted(metadata.tables)}.")
    width = max(box.right for box in places.values()) + _EDGE
    height = max(box.bottom for box in places.values()) + 2 * _EDGE
    title = f"The tables, schema {SCHEMA_VERSION}, and the foreign keys between them"
    parts = [part for name in places for part in _table(metadata.tables[name], places[name])]
    parts += [line for name in places for line in _links(metadata.tables[name], places)]
    parts.append(words(_LEGEND, _EDGE, height - 14, "soft small"))
    return picture(int(width), int(height), title, parts)


_LEGEND = (
    "● primary key · ○ foreign key, with a line to what it points at · ◇ part of a unique key · "
    "? may be empty"
)


def _places() -> Iterator[tuple[str, Box]]:
    for place, names in enumerate(COLUMNS):
        top = float(_EDGE)
        for name in names:
            height = _HEAD + ROW * len(metadata.tables[name].columns) + 10
            box = Box(_EDGE + place * (_WIDTH + _GAP), top, _WIDTH, height)
            yield name, box
            top = box.bottom + _EDGE


def _table(table: sa.Table, box: Box) -> Iterator[str]:
    yield rectangle(box)
    yield rectangle(Box(box.left, box.top, box.width, _HEAD), "head-box")
    yield words(table.name, box.left + 12, box.top + 19, "head")
    for column in table.columns:
        y = _line_of(column, box) + 4
        yield words(f"{_mark_of(column)} {column.name}", box.left + 12, y)
        yield words(_type_of(column), box.right - 12, y, "soft", "end")


def _line_of(column: sa.Column[object], box: Box) -> float:
    """Return the middle of a column's line."""
    return box.top + _HEAD + ROW * (list(column.table.columns).index(column) + 0.5) + 4


def _mark_of(column: sa.Column[object]) -> str:
    if column.primary_key:
        return "●"
    if column.foreign_keys:
        return "○"
    return "◇" if _is_unique(column) else "\u2007"  # as wide as a digit


def _is_unique(column: sa.Column[object]) -> bool:
    """Tell a column that is unique, alone or with others."""
    constraints = column.table.constraints
    return any(isinstance(c, sa.UniqueConstraint) and column in set(c.columns) for c in constraints)


def _type_of(column: sa.Column[object]) -> str:
    """Return a column's type as people say it."""
    kind = column.type
    if type(kind) is type(UTC_TIME):
        said = "time, UTC"
    elif isinstance(kind, sa.String):
        said = f"text, {kind.length:,}"
    elif isinstance(kind, sa.Boolean):
        said = "yes or no"
    else:
        said = "number" if isinstance(kind, sa.Integer) else "fraction"
    return f"{said} ?" if column.nullable else said


def _links(table: sa.Table, places: dict[str, Box]) -> Iterator[str]:
    """Yield a line from each foreign key to the column that it points at."""
    for column in table.columns:
        for key in column.foreign_keys:
            here, there = places[table.name], places[key.column.table.name]
            yield _link(here, _line_of(column, here), there, _line_of(key.column, there))


def _link(here: Box, from_y: float, there: Box, to_y: float) -> str:
    """Return a curve between two boxes that leaves and arrives sideways."""
    bend = _GAP / 2
    if here.left > there.left:
        start, end, out, into = here.left, there.right, -bend, bend
    elif here.left < there.left:
        start, end, out, into = here.right, there.left, bend, -bend
    else:
        start, end, out, into = here.right, there.right, bend, bend
    return path(
        f"M{start:g} {from_y:g} C{start + out:g} {from_y:g} {end + into:g} {to_y:g} "
        f"{end:g} {to_y:g}"
    )


if __name__ == "__main__":
    write(PICTURE, tables_diagram())
