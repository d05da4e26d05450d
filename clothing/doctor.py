"""The doctor: is everything there that a run needs, and if not, what to do.

Owns the list of checks. Each finds something out by doing it for real; what that
leaves is a compiled model in the cache. No photo, row or setting changes.
"""

import os
import shutil
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path

from clothing.config import PROJECT
from clothing.errors import ClothingError, ConfigError, StorageError, StoreError
from clothing.model import card_name
from clothing.parts import Parts
from clothing.sql_server import driver_of
from clothing.storage import Container
from clothing.tables import SCHEMA_VERSION

LEAST_FREE_MB = 500
"""Disk space below which a night's rows and a new model may not fit."""

MOST_CLOCK_SECONDS = 10
"""Runs on a server are taken for dead after minutes; a clock must be much better than that."""

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
    yield from _storage(parts)
    yield from _database(parts)
    yield _disk(parts.store.file or PROJECT)
    parts.store.dispose()


def _python() -> Check:
    version = ".".join(str(number) for number in sys.version_info[:3])
    ok = (3, 11) <= sys.version_info[:2] <= (3, 13)
    return Check("python", ok, version, "" if ok else "Use Python 3.11, 3.12 or 3.13.")


def _settings(parts: Parts) -> Check:
    key, keys = parts.config.api_key, parts.config.keys
    try:
        parts.config.check_address()
    except ConfigError as error:
        return Check("settings", False, str(error), "Set API_KEY, or HOST=127.0.0.1.")
    if not keys:
        return Check("settings", True, "all usable; no API_KEY, so only this computer is answered")
    ok = key is None or len(key) >= SHORT_KEY
    names = ", ".join(dict.fromkeys(one.name for one in keys))
    found = f"all usable; keys: {names}" if ok else "API_KEY is short enough to be guessed"
    return Check("settings", ok, found, "" if ok else f"Use {SHORT_KEY} characters or more.")


def _storage(parts: Parts) -> Iterator[Check]:
    """Yield what there is of storage; if it does not answer, what is in it is not asked for."""
    remedy = "Check STORAGE_URL or AZURE_STORAGE_CONNECTION_STRING."
    reached = _tried("storage", lambda: _place(parts), remedy)
    yield reached
    if reached.ok:
        yield _container(parts.images, "IMAGES_CONTAINER")
        yield _container(parts.models, "MODEL_CONTAINER")
        remedy = "No model: README, The model. Another one than it should be: docs/runbook.md."
        yield _tried("model", lambda: _model(parts), remedy)
        return
    for name in (f"container {parts.images.name}", f"container {parts.models.name}", "model"):
        yield Check(name, False, "not looked at, as the storage cannot be used")


def _place(parts: Parts) -> str:
    """Return where the containers are, and in Azure which there are."""
    if parts.account is None:
        folder = PROJECT / parts.config.storage_url
        try:
            next(folder.iterdir(), None)
        except OSError as error:
            told = f"The folder {folder} cannot be used: {error.strerror}."
            raise StorageError(told, permanent=True) from error
        return f"folder {folder}"
    names = parts.account.containers()
    if names is None:
        return f"{parts.account.host}, whose containers may not be listed, which is fine"
    return f"{parts.account.host}, with the containers {', '.join(names) or '(none)'}"


def _container(container: Container, setting: str) -> Check:
    def look() -> str:
        names = [photo.name for photo in islice(container.list_photos(), 1000)]
        number = "1,000 or more" if len(names) == 1000 else str(len(names))
        return f"{number} files" if names else "empty"

    return _tried(f"container {container.name}", look, f"Check {setting}.")


def _model(parts: Parts) -> str:
    classifier = parts.load_classifier()
    card = classifier.card
    size = f"{card.height} × {card.width} × {card.channels}"
    name = card_name(parts.config.model_blob)
    source = f"card {name}" if parts.models.etag(name) else "no card, so the tutorial's defaults"
    return f"{classifier.version}, takes {size}, {card.preprocessing}; {source}"


def _database(parts: Parts) -> Iterator[Check]:
    """Yield what there is of the database; what stands on a failure is not looked at."""
    if file := parts.store.file:
        yield _tried("database", lambda: _database_file(parts, file), "Check DATABASE_URL.")
        return
    looks: list[tuple[str, Callable[[], str], str]] = [
        ("odbc driver", lambda: driver_of(parts.store.url), "Install it."),
        ("database", lambda: _login(parts), "Check DATABASE_URL, and who may log in."),
        ("schema", lambda: _schema(parts), "Make program and database fit each other."),
        ("clock", lambda: _clock(parts), "Set this computer's clock by a time server (NTP)."),
    ]
    well = True
    for name, look, remedy in looks:
        check = _tried(name, look, remedy) if well else Check(name, False, "not looked at")
        well = check.ok
        yield check


def _database_file(parts: Parts, file: Path) -> str:
    found = parts.store.schema_version()
    _refuse_read_only(file)
    address = parts.store.url.render_as_string(hide_password=True)
    if found is None:
        return f"{address}, still empty; the first run makes the tables"
    if found > SCHEMA_VERSION:
        parts.store.ready()  # says what to do
    if found != SCHEMA_VERSION:
        return f"{address}, schema {found}; the next start brings it to {SCHEMA_VERSION}"
    return f"{address}, schema {found}"


def _refuse_read_only(file: Path) -> None:
    """Make sure that the file of a database can be made, or be written if it is there."""
    there = _nearest(file)
    as_acting = os.access in os.supports_effective_ids
    if not os.access(there, os.W_OK, effective_ids=as_acting):
        raise StoreError(f"{there} may not be written by this user.")


def _nearest(path: Path) -> Path:
    """Return what there is of a path: itself, or the folder where it would be made."""
    return next(there for there in (path, *path.parents) if there.exists())


def _login(parts: Parts) -> str:
    parts.store.clock()
    return parts.store.url.set(query={}).render_as_string(hide_password=True)


def _schema(parts: Parts) -> str:
    parts.store.ready()
    return SCHEMA_VERSION


def _clock(parts: Parts) -> str:
    ahead = (datetime.now(UTC) - parts.store.clock()).total_seconds()
    if abs(ahead) > MOST_CLOCK_SECONDS:
        raise StoreError(
            f"This computer's clock and the database's differ by {abs(ahead):.0f} s, so a run that "
            "goes on may be taken for dead."
        )
    return f"{abs(ahead):.1f} s from the database's"


def _disk(path: Path) -> Check:
    free = shutil.disk_usage(_nearest(path)).free // 2**20
    ok = free >= LEAST_FREE_MB
    remedy = "" if ok else f"Free some: {LEAST_FREE_MB} MB is the least."
    return Check("disk", ok, f"{free:,} MB free", remedy)


def _tried(name: str, look: Callable[[], str], remedy: str) -> Check:
    try:
        return Check(name, True, look())
    except ClothingError as error:
        return Check(name, False, str(error), remedy)
