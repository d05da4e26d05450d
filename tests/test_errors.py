"""The errors: the tree that the module draws is the tree that the classes form."""

import inspect
import re

import clothing.errors
from clothing.errors import ClothingError


def test_the_drawn_tree_is_the_tree_of_the_classes() -> None:
    classes = inspect.getmembers(clothing.errors, inspect.isclass)

    parents = {name: kind.__base__.__name__ for name, kind in classes if kind.__base__}

    assert _drawn(inspect.getdoc(clothing.errors) or "") == parents


def test_every_error_can_be_caught_as_one_of_this_package() -> None:
    classes = inspect.getmembers(clothing.errors, inspect.isclass)

    assert all(issubclass(kind, ClothingError) for _, kind in classes)


def _drawn(text: str) -> dict[str, str]:
    """Return the parent of every error in the drawing, by the depth of its line."""
    parents: dict[str, str] = {}
    above = ["Exception"]
    for branch, name in re.findall(r"^([ │├└─]*)(\w+Error)\b", text, re.MULTILINE):
        depth = len(branch) // 3
        above = [*above[: depth + 1], name]
        parents[name] = above[depth]
    return parents
