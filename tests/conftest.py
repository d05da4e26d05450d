"""What tests share: a folder with containers, a store, the shipped model, the app."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner
from flask import Flask
from flask.testing import FlaskClient

from clothing.classifier import Classifier
from clothing.config import PROJECT, SETTINGS
from clothing.model import load_classifier
from clothing.parts import MODEL_CACHE
from clothing.storage import FolderContainer
from clothing.store import Store
from clothing.web import create_app
from tests.pictures import jpeg


@pytest.fixture(autouse=True)
def clean_environ(monkeypatch: pytest.MonkeyPatch) -> None:
    """No test depends on the developer's settings: an empty variable means the default."""
    for setting in SETTINGS:
        monkeypatch.setenv(setting.name, "")
    for name in ("WEBSITE_HOSTNAME", "AZURE_STORAGE_CONNECTION_STRING"):
        monkeypatch.delenv(name, raising=False)


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


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """An empty SQLite database with the current schema."""
    store = Store(f"sqlite:///{tmp_path}/clothing.db")
    store.ready()
    yield store
    store.dispose()


@pytest.fixture(scope="session")
def classifier() -> Classifier:
    """The shipped model."""
    return load_classifier(
        FolderContainer("model", PROJECT / "model"), "clothing_model.keras", MODEL_CACHE
    )


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
