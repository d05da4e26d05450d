"""What tests share: a folder with containers, a store of each kind, the shipped model, the app."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from click.testing import CliRunner
from flask import Flask
from flask.testing import FlaskClient
from playwright.sync_api import Browser, Page

from clothing.classifier import Classifier
from clothing.config import PROJECT, SETTINGS
from clothing.model import load_classifier
from clothing.parts import MODEL_CACHE
from clothing.storage import FolderContainer
from clothing.store import Store
from clothing.web import create_app
from scripts.chromium import launched, served
from tests.azurite import Azurite
from tests.browsing import watched
from tests.needs import program
from tests.pictures import jpeg
from tests.renew_statements import GOLDEN, in_one_form
from tests.sql_server_double import SERVER_URL, SqlServer, stand_in


@pytest.fixture(autouse=True)
def clean_environ(monkeypatch: pytest.MonkeyPatch) -> None:
    """No test depends on the developer's settings: an empty variable means the default."""
    for setting in SETTINGS:
        monkeypatch.setenv(setting.name, "")
    monkeypatch.delenv("WEBSITE_HOSTNAME", raising=False)


@pytest.fixture(autouse=True)
def quick_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    """No look at the queue counts as slow, and so is spared for a while, but where a test wants."""
    monkeypatch.setattr("clothing.review_stacks._AT_ONCE", 60.0)


@pytest.fixture(autouse=True)
def own_pictures(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No test leaves small pictures among the project's."""
    monkeypatch.setattr("clothing.web.thumbnails.PROJECT", tmp_path)


@pytest.fixture
def storage(tmp_path: Path) -> Path:
    """A folder with an `images` container of three photos and the shipped model."""
    images = tmp_path / "storage" / "images"
    (images / "night").mkdir(parents=True)
    for name, color in (("a.jpg", "navy"), ("b.jpg", "white"), ("night/c.jpg", "red")):
        (images / name).write_bytes(jpeg(color=color, size=(90, 120)))
    shutil.copytree(PROJECT / "model", tmp_path / "storage" / "model")
    return images.parent


@pytest.fixture
def environ(storage: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """Settings for that folder and a database of its own, in the environment too."""
    values = {
        "STORAGE_URL": storage.as_uri(),
        "DATABASE_URL": f"sqlite:///{tmp_path}/clothing.db",
        "DECODE_THREADS": "2",
    }
    for name, value in values.items():
        monkeypatch.setenv(name, value)
    return {**os.environ, **values}


@pytest.fixture
def images(storage: Path) -> FolderContainer:
    """The `images` container."""
    return FolderContainer("images", storage / "images")


@contextmanager
def empty_store(folder: Path) -> Iterator[Store]:
    """Give an empty SQLite database with the current schema, in a folder."""
    store = Store(f"sqlite:///{folder}/clothing.db")
    store.ready()
    yield store
    store.dispose()


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """An empty SQLite database with the current schema."""
    with empty_store(tmp_path) as store:
        yield store


@pytest.fixture(params=["SQLite", "SQL Server"])
def either_store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    """An empty database of either kind in its turn; SQL Server's is a stand-in."""
    if request.param == "SQL Server":
        yield request.getfixturevalue("server_store")
        return
    with empty_store(tmp_path) as store:
        yield store


@pytest.fixture(scope="session")
def azurite(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Azurite]:
    """Azure Blob Storage on this computer, for all tests of a session."""
    with Azurite(tmp_path_factory.mktemp("azurite")) as server:
        yield server


@pytest.fixture
def sql_server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[SqlServer]:
    """A stand-in for SQL Server; whatever it was asked in a test must have been reviewed."""
    with stand_in(tmp_path / "clothing.db", monkeypatch) as server:
        yield server
    known = GOLDEN.read_text(encoding="utf-8")
    strangers = [text for text in server.statements if in_one_form(text) not in known]
    assert not strangers, "review these, then run: python -m tests.renew_statements"


@pytest.fixture
def server_store(sql_server: SqlServer) -> Iterator[Store]:
    """An empty database on it with the current schema."""
    store = Store(SERVER_URL)
    store.upgrade()
    yield store
    store.dispose()


@pytest.fixture(scope="session")
def classifier() -> Classifier:
    """The shipped model."""
    return load_classifier(
        FolderContainer("model", PROJECT / "model"), "clothing_model.keras", MODEL_CACHE
    )


@pytest.fixture(scope="session")
def keras_files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of small `.keras` files, good and bad; do not change it."""
    folder = tmp_path_factory.mktemp("models")
    command = [sys.executable, "-m", "tests.make_models", str(folder)]
    subprocess.run(command, cwd=PROJECT, check=True, capture_output=True, timeout=300)
    return folder


@pytest.fixture
def app(environ: dict[str, str]) -> Iterator[Flask]:
    """The web app over that folder."""
    app = create_app(environ)
    yield app
    app.extensions["site"].close()


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    """A program that calls the app from this computer."""
    return app.test_client()


@pytest.fixture
def runner(environ: dict[str, str]) -> CliRunner:
    """Calls commands with the settings of `environ`."""
    assert environ
    return CliRunner()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """The distribution's Chromium; where there is none the tests are skipped, in CI they fail."""
    with launched(program("chromium", "google-chrome", package="chromium")) as browser:
        yield browser


@pytest.fixture
def address(app: Flask) -> Iterator[str]:
    """Where the app is served."""
    with served(app) as address:
        yield address


@pytest.fixture
def page(browser: Browser, address: str) -> Iterator[Page]:
    """A fresh page that is watched."""
    with watched(browser, address) as page:
        yield page
