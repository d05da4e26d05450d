"""Azurite: Azure Blob Storage as a process on this computer, `make azurite` installs it."""

import base64
import os
import secrets
import shutil
import socket
import subprocess
import time
from contextlib import suppress
from pathlib import Path
from typing import Self

from clothing.azure_storage import AzureAccount, AzureContainer
from clothing.config import PROJECT
from tests.needs import go_without
from tests.serving import free_port

MAIN = (
    PROJECT / "var" / "azurite" / "node_modules" / "azurite" / "dist" / "src" / "blob" / "main.js"
)

START_SECONDS = 60


class Azurite:
    """A storage account that lies in a folder, with a key of its own; it may stop and come back.

    Args:
        folder: Where it keeps what is stored.
    """

    def __init__(self, folder: Path) -> None:
        self.port = free_port()
        self.key = base64.b64encode(secrets.token_bytes(32)).decode()
        self._folder = folder
        self._server: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def connection_string(self) -> str:
        """What opens the account."""
        return connection_string(self.port, self.key)

    def start(self) -> None:
        """Start the server, and wait until it answers; without one, skip the test (in CI, fail)."""
        node = shutil.which("node")
        if node is None or not MAIN.exists():
            go_without("Azurite is not installed: `make azurite` does it (it needs Node and npm)")
        address = ["--blobHost", "127.0.0.1", "--blobPort", str(self.port)]
        self._server = subprocess.Popen(
            [node, MAIN, *address, "--location", self._folder, "--silent", "--disableTelemetry"],
            env={**os.environ, "AZURITE_ACCOUNTS": f"shop:{self.key}"},
            stdout=subprocess.DEVNULL,
        )
        self._wait()

    def stop(self) -> None:
        """End the server; what it keeps stays in its folder."""
        if self._server:
            self._server.terminate()
            self._server.wait(timeout=30)
            self._server = None

    def account(self, retries: int = 0) -> AzureAccount:
        """Return the account as the service opens it; without retries a failure comes at once."""
        return AzureAccount.from_connection_string(
            self.connection_string, connections=4, retries=retries
        )

    def container(self, name: str = "images", page: int = 5000) -> AzureContainer:
        """Return a new, empty container; its name ends so, and is no other's."""
        account = self.account()
        unique = f"{secrets.token_hex(8)}-{name}"
        account._service.create_container(unique)
        return account.container(unique, page)

    def _wait(self) -> None:
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            assert self._server and self._server.poll() is None, "Azurite ended at once"
            with suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 5):
                return
            time.sleep(0.1)
        raise AssertionError(f"Azurite does not answer within {START_SECONDS} s")


def connection_string(port: int, key: str) -> str:
    """Return what opens an account on this computer."""
    return (
        f"DefaultEndpointsProtocol=http;AccountName=shop;AccountKey={key};"
        f"BlobEndpoint=http://127.0.0.1:{port}/shop;"
    )
