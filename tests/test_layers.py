"""The layers: imports only point down, each library has its modules, names say something.

`FLOORS` is the table of the design. A module that is in no floor fails here, so that whoever adds
one decides where it stands.
"""

import ast
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from clothing.config import PROJECT

FLOORS: tuple[frozenset[str], ...] = tuple(
    frozenset(floor.split())
    for floor in (
        "clothing clothing.addresses clothing.azure_login clothing.commands clothing.errors"
        " clothing.keys clothing.labels clothing.stopping clothing.training",
        "clothing.card clothing.config clothing.labelled",
        "clothing.environment clothing.photos clothing.preprocess clothing.sql_server"
        " clothing.tables clothing.migrations.views",
        "clothing.storage clothing.azure_download clothing.sandbox clothing.classifier"
        " clothing.evaluation clothing.database clothing.standing"
        " clothing.migrations clothing.migrations.env clothing.migrations.versions.*"
        " clothing.training.augment clothing.training.outlines clothing.training.pretrained"
        " clothing.words",
        "clothing.store clothing.review_stacks",
        "clothing.azure_storage clothing.compile clothing.walk clothing.answers clothing.nightly"
        " clothing.shapes clothing.journal clothing.training.calibrate clothing.training.network"
        " clothing.training.pictures clothing.review_queue clothing.questions"
        " clothing.forgetting"
        " clothing.web.thumbnails clothing.web.charts clothing.web.attempts clothing.web.precedence"
        " clothing.web.permissions",
        "clothing.model clothing.batch clothing.worker clothing.training.teacher clothing.export"
        " clothing.quality clothing.notices clothing.ray_engine",
        "clothing.parts clothing.publishing clothing.workers clothing.training.batches",
        "clothing.commands.opening",
        "clothing.doctor clothing.training.fit clothing.training.adapter"
        " clothing.commands.console"
        " clothing.commands.export clothing.commands.forget clothing.commands.keys"
        " clothing.commands.notify",
        "clothing.training.recipe clothing.web.site clothing.web.problems clothing.web.request_log",
        "clothing.training.__main__ clothing.web.sessions",
        "clothing.web.access clothing.web.asked clothing.web.wording clothing.web.one_photo"
        " clothing.web.nights",
        "clothing.web.health clothing.web.metrics clothing.web.api"
        " clothing.web.pages clothing.web.server clothing.web.sign_in clothing.web.review"
        " clothing.web.photo_pages clothing.web.run_pages clothing.web.quality_page"
        " clothing.web.try_page clothing.web.take_away clothing.web.developers",
        "clothing.web clothing.commands.model",
        "clothing.cli",
        "clothing.__main__",
    )
)
"""From the ground up; modules of one floor do not know each other."""

STORE = {"clothing.database", "clothing.store", "clothing.tables", "clothing.sql_server"} | {
    "clothing.migrations.*",
    "clothing.review_stacks",
    "clothing.standing",
    "clothing.review_queue",
    "clothing.questions",
    "clothing.forgetting",
}
"""The modules that speak SQL."""

LIBRARIES: dict[str, set[str]] = {
    "flask": {"clothing.web", "clothing.web.*"},
    "markupsafe": {"clothing.web.sessions"},
    "werkzeug": {"clothing.web.*"},
    "waitress": {"clothing.web.server"},
    "click": {"clothing.cli", "clothing.commands.*", "clothing.training.__main__"},
    "rich": {"clothing.commands.console"},
    "dotenv": {"clothing.environment"},
    "prometheus_client": {"clothing.web.metrics"},
    "pythonjsonlogger": {"clothing.journal"},
    "keras": {"clothing.compile", "clothing.training.*"},
    "tensorflow": {"clothing.compile", "clothing.training.*"},
    "cv2": {"clothing.training.augment", "clothing.training.outlines"},
    "ai_edge_litert": {"clothing.classifier"},
    "azure": {"clothing.azure_login", "clothing.azure_storage", "clothing.azure_download"}
    | {"clothing.sql_server"},
    "certifi": {"clothing.azure_download"},
    "requests": {"clothing.azure_storage"},  # the transport of Azure's library
    "xlsxwriter": {"clothing.export"},
    # thumbnails: Image.thumbnail; training: the published arrays as images for `preprocess`
    # sandbox: pixels from another process become an image again
    "PIL": {"clothing.preprocess", "clothing.web.thumbnails", "clothing.training.pictures"}
    | {"clothing.sandbox"},
    "sqlalchemy": STORE,
    "alembic": STORE,
    "pyodbc": {"clothing.sql_server"},
    "ray": {"clothing.ray_engine"},
}
"""Which modules may import a library; NumPy is everywhere."""

NO_NAMES = frozenset(
    ("utils", "helpers", "common", "manager", "handler", "process", "data", "result", "misc")
)
"""Words that say nothing about what they name."""


def module_name(path: Path) -> str:
    """Return a module's name, such as "clothing.web" for clothing/web/__init__.py."""
    return ".".join(path.relative_to(PROJECT).with_suffix("").parts).removesuffix(".__init__")


MODULES: dict[str, ast.Module] = {
    module_name(path): ast.parse(path.read_text("utf-8"), str(path))
    for path in sorted((PROJECT / "clothing").rglob("*.py"))
}


def matches(module: str, patterns: set[str] | frozenset[str]) -> bool:
    """Return True if a module is one of some names; `a.*` is all that is below `a`."""
    above = {module[:place] + ".*" for place, sign in enumerate(module) if sign == "."}
    return bool(patterns & (above | {module}))


def floor_of(module: str) -> int | None:
    """Return the floor of a module, or None if the table does not have it."""
    return next((place for place, floor in enumerate(FLOORS) if matches(module, floor)), None)


def imports_of(module: str) -> Iterator[str]:
    """Yield what a module imports, wherever in it the import stands."""
    for node in ast.walk(MODULES[module]):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, f"{module}: imports are written in full"
            for alias in node.names:
                inner = f"{node.module}.{alias.name}"
                yield inner if inner in MODULES else str(node.module)


def words_of(name: str) -> set[str]:
    """Return the words of a snake_case or CamelCase name, in lower case.

    >>> sorted(words_of("_PhotoManager") | words_of("load_data"))
    ['data', 'load', 'manager', 'photo']
    """
    return set(re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower().split("_")) - {""}


def definitions_in(tree: ast.Module) -> Iterator[str]:
    """Yield the names of functions and classes."""
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield node.name


def variables_in(tree: ast.Module) -> Iterator[str]:
    """Yield the names of variables, parameters, attributes that are set, and imports renamed."""
    for node in ast.walk(tree):
        match node:
            case ast.Name(id=name, ctx=ast.Store()) | ast.Attribute(attr=name, ctx=ast.Store()):
                yield name
            case ast.arg(arg=name) | ast.ExceptHandler(name=str(name)):
                yield name
            case ast.alias(asname=str(name)):
                yield name


@pytest.mark.parametrize("module", MODULES)
def test_every_module_has_a_floor(module: str) -> None:
    assert floor_of(module) is not None


@pytest.mark.parametrize("pattern", sorted(name for floor in FLOORS for name in floor))
def test_no_floor_has_a_module_that_is_gone(pattern: str) -> None:
    assert any(matches(module, {pattern}) for module in MODULES)


@pytest.mark.parametrize("module", MODULES)
def test_imports_only_point_down(module: str) -> None:
    inner = {name for name in imports_of(module) if name in MODULES}

    floors = {name: floor_of(name) for name in inner}

    above = {name for name, floor in floors.items() if (floor or 0) >= (floor_of(module) or 0)}
    assert not above, f"{module} (floor {floor_of(module)}) imports {floors}"


@pytest.mark.parametrize("module", MODULES)
def test_a_library_is_imported_where_it_belongs_only(module: str) -> None:
    tops = {name.partition(".")[0] for name in imports_of(module)}

    libraries = tops - {"clothing", "numpy"} - sys.stdlib_module_names

    strangers = {name for name in libraries if not matches(module, LIBRARIES.get(name, set()))}
    assert not strangers


@pytest.mark.parametrize("library", LIBRARIES)
def test_no_library_is_in_the_table_for_nothing(library: str) -> None:
    imported = {name.partition(".")[0] for module in MODULES for name in imports_of(module)}

    assert library in imported


@pytest.mark.parametrize("module", MODULES)
def test_every_module_says_what_it_is(module: str) -> None:
    assert ast.get_docstring(MODULES[module])


@pytest.mark.parametrize("module", MODULES)
def test_no_name_says_nothing(module: str) -> None:
    tree = MODULES[module]
    whole = {module, *definitions_in(tree)}

    empty = {name for name in whole for part in name.split(".") if words_of(part) & NO_NAMES}
    empty |= {name for name in variables_in(tree) if name.strip("_").lower() in NO_NAMES}

    assert not empty
