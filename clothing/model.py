"""Which model is served: found in its container, checked, compiled once, loaded.

Owns the cache of compiled models. It never imports TensorFlow (that is `compile`'s child).
"""

import hashlib
import json
import logging
import os
import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from clothing.card import Card
from clothing.classifier import Classifier
from clothing.compile import compile_in_child
from clothing.errors import ModelError
from clothing.photos import digest_of
from clothing.preprocess import working_side
from clothing.storage import Container

log = logging.getLogger(__name__)

_HDF5 = b"\x89HDF\r\n\x1a\n"
_ZIP = b"PK\x03\x04"


def load_classifier(
    container: Container, blob: str, cache: Path, *, sha256: str | None = None
) -> Classifier:
    """Return the model that lies in a container, ready to predict.

    The cache notes which model an etag stands for, so that one which did not change is neither read
    nor compiled again; its card is small, and read each time. A new one is taken compiled from
    beside the `.keras` if the card vouches for it, else it is compiled now in a child process
    (about 20 s, once).

    Args:
        container: The `model` container.
        blob: Name of the `.keras` in it; its card has the same name with `.json`.
        cache: Folder for compiled models, by the hash of their source and their own, and for the
            notes; made when needed, and whatever in it is damaged is made anew.
        sha256: What the `.keras` must hash to, if pinned.

    Raises:
        ModelError: There is no model, it is not the pinned one, or it cannot be used or kept.
        StorageError: The container cannot be read.
    """
    etag = _etag_of(container, blob)
    note = cache / f"{digest_of(container.name, blob)}.json"
    digest, content = _noted(note, etag), b""
    compiled = cached(cache, digest)
    if compiled is None:
        content = _read_model(container, blob)
        digest = sha256_of(content)
    if sha256 and digest != sha256:
        raise ModelError(
            f"The model {blob} must have the SHA-256 that MODEL_SHA256 pins, {sha256}. "
            f"Received a file with {digest}."
        )
    card = _read_card(container, blob, digest)
    working_side(card)  # of steps that this version does not know, somebody shall hear before 23:00
    if compiled is None:
        with _kept_in(cache):
            compiled = cached(cache, digest) or _fill_cache(container, blob, content, card, cache)
        _write_note(note, etag, digest)
    return Classifier(compiled, card, model_version(card, digest))


def card_name(blob: str) -> str:
    """Return the name of the card of a model: the same with `.json`."""
    return blob.removesuffix(".keras") + ".json"


def compiled_name(blob: str) -> str:
    """Return the name of the compiled form of a model: the same with `.tflite`."""
    return blob.removesuffix(".keras") + ".tflite"


def model_version(card: Card, sha256: str) -> str:
    """Return the name that identifies weights and card together in the tables."""
    facts = f"{sha256}\n{card.to_json()}".encode()
    return f"{card.name}-{hashlib.sha256(facts).hexdigest()[:12]}"


def _etag_of(container: Container, blob: str) -> str:
    if blob.endswith((".h5", ".hdf5")):
        raise ModelError(f"MODEL_BLOB must be a .keras file; .h5 is not opened. Received: {blob}.")
    etag = container.etag(blob)
    if etag is None:
        raise ModelError(
            f"The container {container.name} has no {blob}. Put the model there, or set "
            "MODEL_CONTAINER and MODEL_BLOB."
        )
    return etag


def _noted(note: Path, etag: str) -> str:
    """Return the hash of the model that an etag stands for; empty if that is not known."""
    try:
        facts = json.loads(note.read_text("utf-8"))
        digest = str(facts["sha256"]) if facts["etag"] == etag else ""
        return digest if re.fullmatch("[0-9a-f]{64}", digest) else ""
    except (OSError, ValueError, LookupError, TypeError):  # a note that is none is written anew
        return ""


def _write_note(note: Path, etag: str, digest: str) -> None:
    """Write which model an etag stands for; without the note it is only read once more."""
    partial = note.with_name(f"{note.name}.{os.getpid()}.partial")
    try:
        partial.write_text(json.dumps({"etag": etag, "sha256": digest}), "utf-8")
        partial.replace(note)
    except OSError as error:
        log.warning("the model is read anew each time, its note cannot be written: %s", error)
        with suppress(OSError):
            partial.unlink(missing_ok=True)


def cached(cache: Path, digest: str) -> Path | None:
    """Return the compiled model of a `.keras` with this hash, or None if there is none intact."""
    for path in cache.glob(f"{digest}-*.tflite") if digest else ():
        with suppress(OSError):  # one that cannot be read is as good as none
            if path.name == _cache_name(digest, path.read_bytes()):
                return path
    return None


@contextmanager
def _kept_in(cache: Path) -> Iterator[None]:
    """Say in words that the cache takes nothing."""
    try:
        yield
    except OSError as error:
        raise ModelError(
            f"The compiled model cannot be kept in the folder {cache}: {error.strerror}. Free some "
            "disk space, let this user write there, or move away what stands in its place."
        ) from error


def _cache_name(digest: str, compiled: bytes) -> str:
    """Return the name of a compiled model, by which damage shows: both hashes are in it."""
    return f"{digest}-{sha256_of(compiled)}.tflite"


def sha256_of(content: bytes) -> str:
    """Return the SHA-256 of a file's content, in hexadecimal."""
    return hashlib.sha256(content).hexdigest()


def _read_model(container: Container, blob: str) -> bytes:
    content = container.read(blob)
    if content.startswith(_HDF5):
        raise ModelError(f"{blob} is an HDF5 file, which is not opened. Save it as .keras anew.")
    if not content.startswith(_ZIP):
        raise ModelError(f"{blob} is not a .keras archive. Save the model with model.save().")
    return content


def _read_card(container: Container, blob: str, digest: str) -> Card:
    name = card_name(blob)
    if container.etag(name) is None:
        return Card(name=Path(blob).stem)
    card = Card.from_json(container.read(name))
    if card.sha256 is not None and card.sha256 != digest:
        raise ModelError(
            f"The card {name} belongs to another model: it names the SHA-256 {card.sha256}, "
            f"{blob} has {digest}. Put the card of this model beside it, or remove the card to "
            "serve it with the TensorFlow tutorial's defaults."
        )
    return card


def _fill_cache(container: Container, blob: str, content: bytes, card: Card, cache: Path) -> Path:
    """Put the compiled model into the cache: the published one, or a new one of our own."""
    cache.mkdir(parents=True, exist_ok=True)
    beside = compiled_name(blob)
    with tempfile.TemporaryDirectory(dir=cache) as folder:
        partial = Path(folder) / "model.tflite"
        if card.compiled_sha256 and container.etag(beside) is not None:
            published = container.read(beside)
            if sha256_of(published) == card.compiled_sha256:
                partial.write_bytes(published)
        if not partial.is_file():
            source = Path(folder) / "model.keras"
            source.write_bytes(content)
            compile_in_child(source, partial, card)
        compiled = cache / _cache_name(sha256_of(content), partial.read_bytes())
        partial.replace(compiled)
    return compiled
