"""The parts of the service, as the settings say: containers, store, model.

Owns the way from a `Config` to the objects that the shells use. It never reads the environment.
"""

import os
from collections.abc import Mapping

from dotenv import dotenv_values

from clothing.batch import Tuning
from clothing.classifier import Classifier
from clothing.config import PROJECT, Config
from clothing.model import load_classifier
from clothing.storage import Container, FolderContainer
from clothing.store import Store

MODEL_CACHE = PROJECT / "var" / "models"
"""Compiled models by the hash of their source; lost ones are compiled anew."""


def environment() -> dict[str, str]:
    """Return the variables that settings are read from: `.env` first, the environment over it."""
    written = dotenv_values(PROJECT / ".env")
    return {**{name: value for name, value in written.items() if value}, **os.environ}


class Parts:
    """The objects that a configuration describes; none of them is asked anything yet.

    Args:
        environ: Variables as in the environment.

    Raises:
        ConfigError: A setting cannot be used.
    """

    def __init__(self, environ: Mapping[str, str]) -> None:
        self.environ = dict(environ)
        self.config = config = Config.from_env(environ)
        self.images: Container = _container(config, config.images_container)
        self.models: Container = _container(config, config.model_container)
        self.store = Store(config.database_url)
        self.tuning = Tuning(config.batch_size, config.download_threads, config.decode_threads)

    def load_classifier(self) -> Classifier:
        """Return the model that lies in the `model` container now, compiled if need be."""
        return load_classifier(
            self.models,
            self.config.model_blob,
            MODEL_CACHE,
            sha256=self.config.model_sha256,
            threads=os.cpu_count() or 1,
        )


def _container(config: Config, name: str) -> Container:
    return FolderContainer(name, config.storage_url / name)
