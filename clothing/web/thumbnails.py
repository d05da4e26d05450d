"""Small pictures of photos, made once and kept on disk, and the picture of what the model saw.

Owns Pillow among the pages. A kept picture is found by the photo's name and etag, so a photo that
changed is another one. Lost ones are made anew.
"""

import io
import tempfile
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from pathlib import Path

import numpy as np
from PIL import Image

from clothing.card import Card
from clothing.config import PROJECT
from clothing.errors import PhotoError
from clothing.photos import Photo, digest_of
from clothing.preprocess import preprocess, working_side
from clothing.storage import Container

THUMBNAIL, PICTURE = 320, 1280
"""Pixels of the longer side: twice what a page shows, for sharp screens."""

KEPT_DAYS = 35
"""A thumbnail that is older is thrown away: people look at what came lately."""

_DAY = 86_400

Decode = Callable[[bytes, int], Image.Image]


def thumbnail_folder(environ: Mapping[str, str]) -> Path:
    """Return where small pictures are kept: on Azure a local disk, for the project's is a share."""
    if "WEBSITE_HOSTNAME" in environ:
        return Path(tempfile.gettempdir()) / "clothing-thumbnails"
    return PROJECT / "var" / "thumbnails"


class Thumbnails:
    """The small pictures of a container's photos.

    Args:
        container: Where the photos are.
        decode: Makes an image of a photo's bytes, as `preprocess.decode` does.
        folder: Where small pictures are kept; made when first needed.
    """

    def __init__(self, container: Container, decode: Decode, folder: Path) -> None:
        self._container = container
        self._decode = decode
        self._folder = folder
        self._tidied = 0.0
        self._lock = threading.Lock()

    def small(self, photo: Photo) -> bytes:
        """Return a photo as a small JPEG, made now if it was not before.

        Raises:
            LookupError: The photo is gone, changed, or cannot be read.
        """
        path = _path_of(self._folder, photo)
        with suppress(OSError):
            return path.read_bytes()
        made = self.jpeg(photo, THUMBNAIL)
        self._keep(path, made)
        return made

    def jpeg(self, photo: Photo, side: int) -> bytes:
        """Return a photo as a JPEG whose longer side is no longer than so many pixels.

        Raises:
            LookupError: The photo is gone, changed, or cannot be read.
        """
        image = self._image(photo, side // 2)
        image.thumbnail((side, side), Image.Resampling.BILINEAR, reducing_gap=2)
        return _encoded(image, "JPEG", quality=80)

    def seen(self, photo: Photo, card: Card) -> bytes:
        """Return what the card's model takes of a photo, as a PNG of as many pixels.

        Raises:
            LookupError: The photo is gone, changed, or cannot be read.
        """
        array = preprocess(self._image(photo, working_side(card)), card)  # (h, w, c), 0 to 1
        pixels = np.round(array * 255).astype(np.uint8)
        return _encoded(Image.fromarray(pixels.squeeze()), "PNG")

    def _image(self, photo: Photo, side: int) -> Image.Image:
        try:
            return self._decode(self._container.download(photo), side)
        except PhotoError as error:
            raise LookupError(f"The photo cannot be shown: {error}.") from error

    def _keep(self, path: Path, content: bytes) -> None:
        """Write a picture whole or not at all; a disk that is full costs nobody the picture."""
        with suppress(OSError):
            path.parent.mkdir(parents=True, exist_ok=True)
            with tempfile.NamedTemporaryFile(dir=path.parent, delete=False) as file:
                written = Path(file.name)
                try:
                    file.write(content)
                    file.close()
                    written.replace(path)
                finally:
                    written.unlink(missing_ok=True)
            self._tidy(time.time())

    def _tidy(self, now: float) -> None:
        """Throw away what is old, once a day."""
        with self._lock:
            if now - self._tidied < _DAY:
                return
            self._tidied = now
        for path in self._folder.glob("*/*"):
            with suppress(OSError):
                if now - path.stat().st_mtime > KEPT_DAYS * _DAY:
                    path.unlink()


def forget_pictures(folder: Path, photos: Iterable[Photo]) -> int:
    """Throw away the small pictures of photos; return how many there were."""
    kept = [path for photo in photos if (path := _path_of(folder, photo)).is_file()]
    for path in kept:
        path.unlink(missing_ok=True)
    return len(kept)


def _path_of(folder: Path, photo: Photo) -> Path:
    key = digest_of(photo.container, photo.name, photo.etag)
    return folder / key[:2] / f"{key}-{THUMBNAIL}.jpg"


def _encoded(image: Image.Image, form: str, **save: int) -> bytes:
    file = io.BytesIO()
    image.save(file, form, **save)
    return file.getvalue()
