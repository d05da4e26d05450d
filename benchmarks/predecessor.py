"""The loop that this service replaces, rebuilt from its description.

For every photo of the container: ask whether it exists, fetch it, decode it in full, squash it to
the network's size, invert it, ask Keras about this one, open a connection, insert a row and its
probabilities, commit, close. No batch, no scaled decoding, nothing at once. The photos and the
`.keras` file are ours; its database is SQLite here, which spares it the network to Azure SQL.
"""

import io
import sqlite3
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from benchmarks import pipeline
from benchmarks.measuring import Done, NotMeasuredError, Place, Works
from clothing.labels import CATEGORIES, COLUMNS

LARGE_SHARE = 3
"""It gets so many times fewer of the 12-megapixel photos than of the small ones."""


@contextmanager
def predecessor(place: Place) -> Iterator[Works]:
    """The loop over a folder, over 12-megapixel photos and, if there is one, over Azurite."""
    network = opened_by_keras()
    size = network.input_shape[2], network.input_shape[1]  # width, height
    large = max(1, place.predecessor // LARGE_SHARE)
    with tempfile.TemporaryDirectory(dir=place.scratch) as scratch:

        def over(blobs: "Blobs", number: int) -> Callable[[], Done]:
            database = Path(scratch) / f"{blobs.name}.db"
            create(database)
            return lambda: Done(loop(blobs, number, network, size, database))

        timed = {
            "predecessor": over(FolderBlobs("small", place.small), place.predecessor),
            "predecessor_12mp": over(FolderBlobs("large", place.large), large),
        }
        if place.azure:
            timed["predecessor_azurite"] = over(AzureBlobs(place.azure), place.predecessor)
        yield Works(timed, warm_up=lambda: network.predict(_blank(network), verbose=0))


def opened_by_keras() -> Any:
    """Return the model as Keras opens it; TensorFlow is imported here.

    Raises:
        NotMeasuredError: It is not installed.
    """
    try:
        import keras
        import tensorflow  # noqa: F401 - keras needs it
    except ImportError as error:
        raise NotMeasuredError(
            "TensorFlow is not installed: pip install -r requirements.txt"
        ) from error
    return keras.saving.load_model(pipeline.MODEL, compile=False)


def _blank(network: Any) -> NDArray[np.float32]:
    return np.zeros((1, *network.input_shape[1:]), np.float32)


class FolderBlobs:
    """A folder, asked as the predecessor asks its container."""

    def __init__(self, name: str, folder: Path) -> None:
        self.name, self._folder = name, folder

    def names(self) -> Iterator[str]:
        return (str(path) for path in sorted(self._folder.rglob("*.jpg")))

    def exists(self, name: str) -> bool:
        return Path(name).exists()

    def download(self, name: str) -> bytes:
        return Path(name).read_bytes()


class AzureBlobs:
    """A container of Azure's storage, asked as the predecessor does."""

    name = "azurite"

    def __init__(self, connection_string: str) -> None:
        from azure.storage.blob import BlobServiceClient

        from clothing.azure_storage import API_VERSION

        service = BlobServiceClient.from_connection_string(
            connection_string, api_version=API_VERSION
        )
        self._container = service.get_container_client("images")

    def names(self) -> Iterator[str]:
        return (blob.name for blob in self._container.list_blobs())

    def exists(self, name: str) -> bool:
        return bool(self._container.get_blob_client(name).exists())

    def download(self, name: str) -> bytes:
        return self._container.get_blob_client(name).download_blob().readall()


Blobs = FolderBlobs | AzureBlobs


def loop(blobs: Blobs, number: int, network: Any, size: tuple[int, int], database: Path) -> int:
    """Work through the first photos, one after the other; return how many have rows."""
    written = 0
    for name in islice(blobs.names(), number):
        if not blobs.exists(name):
            continue
        array = prepared(blobs.download(name), size)
        probabilities = network.predict(array[None], verbose=0)[0]
        insert(database, name, probabilities.tolist())
        written += 1
    return written


def prepared(content: bytes, size: tuple[int, int]) -> NDArray[np.float32]:
    """Return a photo decoded in full, squashed and inverted; (height, width, 3), 0 to 1."""
    with Image.open(io.BytesIO(content)) as image:
        squashed = image.convert("RGB").resize(size)
    array: NDArray[np.float32] = 1 - np.asarray(squashed, np.float32) / np.float32(255)
    return array


def create(database: Path) -> None:
    """Make its two tables: no key but a number, so that every night doubles every row."""
    columns = ", ".join(f"{column} REAL" for column in COLUMNS)
    with closing(sqlite3.connect(database)) as connection, connection:
        connection.execute(
            "CREATE TABLE image_prediction (image_id INTEGER PRIMARY KEY, image_filename TEXT, "
            "predicted_category TEXT, timestamp TEXT)"
        )
        connection.execute(
            "CREATE TABLE image_probabilities (probabilities_id INTEGER PRIMARY KEY, "
            f"image_id INTEGER REFERENCES image_prediction, {columns})"
        )


def insert(database: Path, name: str, probabilities: list[float]) -> None:
    """Write one photo's two rows through a connection of their own."""
    category = CATEGORIES[int(np.argmax(probabilities))]
    now = datetime.now().isoformat()
    marks = ", ".join("?" * (1 + len(COLUMNS)))
    with closing(sqlite3.connect(database)) as connection:
        row = connection.execute(
            "INSERT INTO image_prediction (image_filename, predicted_category, timestamp) "
            "VALUES (?, ?, ?)",
            (name, category, now),
        )
        connection.execute(
            f"INSERT INTO image_probabilities (image_id, {', '.join(COLUMNS)}) VALUES ({marks})",
            (row.lastrowid, *(round(probability, 4) for probability in probabilities)),
        )
        connection.commit()
