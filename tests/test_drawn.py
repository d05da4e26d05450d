"""The pictures that are drawn from the code: current, readable, complete."""

import re
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from clothing.config import PROJECT
from clothing.tables import metadata
from scripts import architecture, tables_diagram
from scripts.drawing import Box

DRAWN = {
    architecture.PICTURE: architecture.architecture,
    tables_diagram.PICTURE: tables_diagram.tables_diagram,
}


@pytest.mark.parametrize("picture", DRAWN, ids=lambda path: path.name)
def test_a_drawn_picture_is_current(picture: Path) -> None:
    assert picture.read_text(encoding="utf-8") == DRAWN[picture](), "run: make pictures"


@pytest.mark.parametrize("picture", DRAWN, ids=lambda path: path.name)
def test_a_drawn_picture_is_svg_for_light_and_dark(picture: Path) -> None:
    root = ET.fromstring(picture.read_text(encoding="utf-8"))

    assert root.tag.endswith("svg")
    assert root.find("{*}title") is not None
    assert "prefers-color-scheme: dark" in picture.read_text(encoding="utf-8")


def test_the_diagram_has_every_column_and_every_foreign_key() -> None:
    text = tables_diagram.tables_diagram()

    keys = sum(len(column.foreign_keys) for t in metadata.tables.values() for column in t.columns)
    assert text.count('<path class="line"') == keys
    for table in metadata.tables.values():
        assert f">{table.name}<" in text
        assert all(f" {column.name}<" in text for column in table.columns)


def test_no_box_of_the_architecture_covers_another() -> None:
    boxes = [box for box, _ in architecture.BOXES.values()]

    assert not [(a, b) for a in boxes for b in boxes if a is not b and _overlap(a, b)]
    width, height = architecture.SIZE
    assert all(box.right <= width and box.bottom <= height for box in boxes)


def _overlap(one: Box, other: Box) -> bool:
    across = one.left < other.right and other.left < one.right
    return across and one.top < other.bottom and other.top < one.bottom


def test_the_steps_of_the_picture_are_those_of_the_walk() -> None:
    _, lines = architecture.BOXES["run"]

    steps = [line.partition(",")[0] for line in lines[2:8]]

    code = "".join(
        (PROJECT / "clothing" / module).read_text(encoding="utf-8")
        for module in ("batch.py", "walk.py")
    )
    assert [step for step in steps if not re.search(rf"\b_?{step}\w*\(", code)] == []
