"""The doctor: is everything there that a run needs, and if not, what to do.

Owns the list of checks. Each finds something out by doing it for real, and never changes anything.
"""

import shutil
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from clothing.config import PROJECT
from clothing.errors import ClothingError
from clothing.parts import Parts
from clothing.storage import Container
from clothing.tables import SCHEMA_VERSION

LEAST_FREE_MB = 500
"""Disk space below which a night's rows and a new model may not fit."""

SHORT_KEY = 16
"""An API key with fewer characters can be guessed."""


@dataclass(frozen=True, slots=True)
class Check:
    """What was looked at, whether it is well, what was found, and the remedy if it is not."""

    name: str
    ok: bool
    found: str
    remedy: str = ""


def examine(environ: Mapping[str, str]) -> Iterator[Check]:
    """Yield one check after the other; without usable settings there is only the first."""
    yield _python()
    try:
        parts = Parts(environ)
    except ClothingError as error:
        yield Check("settings", False, str(error), "Set it in the environment or in .env.")
        return
    yield _settings(parts)
    yield _container(parts.images, "STORAGE_URL and IMAGES_CONTAINER")
    yield _container(parts.models, "STORAGE_URL and MODEL_CONTAINER")
    yield _tried("model", lambda: _model(parts), "Put a model there; see README, The model.")
    yield _tried("database", lambda: _database(parts), "Check DATABASE_URL.")
    yield _disk(Path(parts.store.url.database or PROJECT))
    parts.store.dispose()


def _python() -> Check:
    version = ".".join(str(number) for number in sys.version_info[:3])
    ok = (3, 11) <= sys.version_info[:2] <= (3, 13)
    return Check("python", ok, version, "" if ok else "Use Python 3.11, 3.12 or 3.13.")


def _settings(parts: Parts) -> Check:
    key = parts.config.api_key
    if not key:
        return Check("settings", True, "all usable; no API_KEY, so only this computer is answered")
    ok = len(key) >= SHORT_KEY
    found = "all usable; API_KEY is set" if ok else "API_KEY is short enough to be guessed"
    return Check("settings", ok, found, "" if ok else f"Use {SHORT_KEY} characters or more.")


def _container(container: Container, settings: str) -> Check:
    def look() -> str:
        names = [photo.name for photo in islice(container.list_photos(), 1000)]
        number = "1,000 or more" if len(names) == 1000 else str(len(names))
        return f"{number} files" if names else "empty"

    return _tried(f"container {container.name}", look, f"Check {settings}.")


def _model(parts: Parts) -> str:
    classifier = parts.load_classifier()
    card = classifier.card
    size = f"{card.height} × {card.width} × {card.channels}"
    return f"{classifier.version}, takes {size}, {card.preprocessing}"


def _database(parts: Parts) -> str:
    found = parts.store.schema_version()
    address = parts.store.url.render_as_string(hide_password=True)
    if found is None:
        return f"{address}, still empty; the first run makes the tables"
    if found != SCHEMA_VERSION:
        return f"{address}, schema {found}; the next start brings it to {SCHEMA_VERSION}"
    return f"{address}, schema {found}"


def _disk(path: Path) -> Check:
    folder = next(parent for parent in (path, *path.parents) if parent.exists())
    free = shutil.disk_usage(folder).free // 2**20
    ok = free >= LEAST_FREE_MB
    remedy = "" if ok else f"Free some: {LEAST_FREE_MB} MB is the least."
    return Check("disk", ok, f"{free:,} MB free", remedy)


def _tried(name: str, look: Callable[[], str], remedy: str) -> Check:
    try:
        return Check(name, True, look())
    except ClothingError as error:
        return Check(name, False, str(error), remedy)
