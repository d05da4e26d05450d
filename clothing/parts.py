"""The parts of the service, as the settings say: containers, store, model.

Owns the way from a `Config` to the objects that the shells use. It never reads the environment.
"""

import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from clothing.classifier import Classifier
from clothing.config import PROJECT, Config
from clothing.model import load_classifier
from clothing.storage import Container, FolderContainer
from clothing.store import Store
from clothing.walk import Tuning

if TYPE_CHECKING:
    from clothing.azure_storage import AzureAccount

FROM_AZURE = 8
"""Batches on their way at once where a photo takes longer to arrive than to be looked at."""

MODEL_CACHE = PROJECT / "var" / "models"
"""Compiled models by the hash of their source; lost ones are compiled anew."""


def model_cache(environ: Mapping[str, str]) -> Path:
    """Return the folder of compiled models: on Azure a local one, for the project's is a share."""
    if "WEBSITE_HOSTNAME" in environ:
        mine = f"-{os.getuid()}" if hasattr(os, "getuid") else ""  # other users have one, too
        return Path(tempfile.gettempdir()) / f"clothing-models{mine}"
    return MODEL_CACHE


class Parts:
    """The objects that a configuration describes; none of them is asked anything yet.

    Args:
        environ: Variables as in the environment.

    Attributes:
        tuning: For a run on this computer.
        tuning_a_core: For each core of a cluster.

    Raises:
        ConfigError: A setting cannot be used.
    """

    def __init__(self, environ: Mapping[str, str]) -> None:
        self.environ = dict(environ)
        self.config = config = Config.from_env(environ)
        self.tuning = _tuning(config, config.decode_threads)
        self.tuning_a_core = _tuning(config, 1)
        self.account = _account(config, self.tuning.download_threads)
        self.images: Container = self._container(config.images_container)
        self.models: Container = self._container(config.model_container)
        self.store = Store(config.database_url)

    def load_classifier(self) -> Classifier:
        """Return the model that lies in the `model` container now, compiled if need be."""
        return load_classifier(
            self.models,
            self.config.model_blob,
            model_cache(self.environ),
            sha256=self.config.model_sha256,
        )

    def _container(self, name: str) -> Container:
        if self.account:
            return self.account.container(name)
        return FolderContainer(name, PROJECT / self.config.storage_url / name)


def _tuning(config: Config, cores: int) -> Tuning:
    waiting = FROM_AZURE if config.is_in_azure_storage else cores
    return Tuning(config.batch_size, config.download_threads or waiting, cores)


def _account(config: Config, connections: int) -> "AzureAccount | None":
    """Return the Azure storage account of the settings, or None where containers are folders."""
    if not config.is_in_azure_storage:
        return None
    from clothing.azure_storage import AzureAccount  # 1 s: who has folders does not pay it

    if config.azure_storage_connection_string:
        return AzureAccount.from_connection_string(
            config.azure_storage_connection_string, connections=connections
        )
    return AzureAccount.at(str(config.storage_url), connections=connections)
