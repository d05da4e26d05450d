"""Mutants: which mistakes are made, and that they come in the place of the module's own code."""

import ast
import importlib
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

from scripts.mutants import grafting
from scripts.mutations import Mutant, mutants_of

SOURCE = """
LEAST = 3
Kind = dict[str, int]

class Box:
    def __init__(self, size: int = 7) -> None:
        self.size = size

    @property
    def is_large(self) -> bool:
        return self.size >= LEAST

def words(box: Box, loud: bool = False) -> str:
    '''Say it.'''
    if box.is_large and not loud:
        return f"large {box.size}"
    print("small", end="")
    return ""
"""


@pytest.fixture
def boxes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    """A module of that source."""
    (tmp_path / "boxes.py").write_text(SOURCE)
    monkeypatch.syspath_prepend(tmp_path)
    yield importlib.import_module("boxes")
    del sys.modules["boxes"]


def the_mutant(before: str, after: str) -> Mutant:
    (found,) = (one for one in mutants_of(SOURCE) if (one.before, one.after) == (before, after))
    return found


def test_one_place_at_a_time_is_mistaken() -> None:
    made = [(one.line, one.before, one.after) for one in mutants_of(SOURCE)]

    assert made == [
        (2, "3", "4"),
        (6, "7", "8"),
        (7, "self.size = size", "pass"),
        (11, "return self.size >= LEAST", "return None"),
        (11, "self.size >= LEAST", "(self.size > LEAST)"),
        (11, "self.size >= LEAST", "(self.size < LEAST)"),
        (13, "False", "True"),
        (15, "box.is_large and not loud", "(box.is_large or not loud)"),
        (15, "box.is_large and not loud", "(not (box.is_large and (not loud)))"),
        (15, "not loud", "(loud)"),
        (16, 'return f"large {box.size}"', "return None"),
        (16, 'f"large {box.size}"', "''"),
        (17, 'print("small", end="")', "pass"),
        (17, 'print("small", end="")', "(print('small'))"),
        (17, '"small"', "''"),
        (17, '""', "'XX'"),
        (18, 'return ""', "return None"),
        (18, '""', "'XX'"),
    ]
    assert all(ast.parse(one.source) for one in mutants_of(SOURCE))


def test_a_value_is_noticed_where_it_is_read() -> None:
    mutant = the_mutant("3", "4")

    assert mutant.names == ("LEAST",)
    assert mutant.lines == {11}


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("3", "4"),
        ("self.size = size", "pass"),
        ("self.size >= LEAST", "(self.size > LEAST)"),
        ("False", "True"),
        ('f"large {box.size}"', "''"),
    ],
)
def test_whoever_imported_a_function_before_has_the_mutants(
    boxes: ModuleType, before: str, after: str
) -> None:
    words, box = boxes.words, boxes.Box
    box.size = 0
    assert words(box(3)) == "large 3"

    put = grafting(boxes, the_mutant(before, after))
    assert put
    put()

    assert words(box(3)) == ""
