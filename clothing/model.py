"""Which model is served: found in its container, checked, compiled once, loaded.

Owns the cache of compiled models. It never imports TensorFlow (that is `compile`'s child).
"""

import hashlib
import tempfile
from pathlib import Path

from clothing.card import Card
from clothing.classifier import Classifier
from clothing.compile import compile_in_child
from clothing.errors import ModelError
from clothing.storage import Container

_HDF5 = b"\x89HDF\r\n\x1a\n"
_ZIP = b"PK\x03\x04"


def load_classifier(
    container: Container, blob: str, cache: Path, *, sha256: str | None = None, threads: int = 1
) -> Classifier:
    """Return the model that lies in a container, ready to predict.

    The compiled model comes from beside the `.keras` if the card vouches for it, else from the
    cache, else it is compiled now in a child process (about 20 s, once).

    Args:
        container: The `model` container.
        blob: Name of the `.keras` in it; its card has the same name with `.json`.
        cache: Folder for compiled models, by the hash of their source; made when needed.
        sha256: What the `.keras` must hash to, if pinned.
        threads: Cores for one call of the model.

    Raises:
        ModelError: There is no model, it is not the pinned one, or it cannot be used.
        StorageError: The container cannot be read.
    """
    content = _read_model(container, blob)
    digest = hashlib.sha256(content).hexdigest()
    if sha256 and digest != sha256:
        raise ModelError(
            f"The model {blob} must have the SHA-256 that MODEL_SHA256 pins, {sha256}. "
            f"Received a file with {digest}."
        )
    if not content.startswith(_ZIP):
        raise ModelError(f"{blob} is not a .keras archive. Save the model with model.save().")
    card = _read_card(container, blob, digest)
    compiled = cache / f"{digest}.tflite"
    if not compiled.is_file():
        _fill_cache(container, blob, content, card, compiled)
    return Classifier(compiled, card, model_version(card, digest), threads)


def card_name(blob: str) -> str:
    """Return the name of the card of a model: the same with `.json`."""
    return blob.removesuffix(".keras") + ".json"


def model_version(card: Card, sha256: str) -> str:
    """Return the name that identifies weights and card together in the tables."""
    facts = f"{sha256}\n{card.to_json()}".encode()
    return f"{card.name}-{hashlib.sha256(facts).hexdigest()[:12]}"


def _read_model(container: Container, blob: str) -> bytes:
    if blob.endswith((".h5", ".hdf5")):
        raise ModelError(f"MODEL_BLOB must be a .keras file; .h5 is not opened. Received: {blob}.")
    if container.etag(blob) is None:
        raise ModelError(
            f"The container {container.name} has no {blob}. Put the model there, or set "
            "MODEL_CONTAINER and MODEL_BLOB."
        )
    content = container.read(blob)
    if content.startswith(_HDF5):
        raise ModelError(f"{blob} is an HDF5 file, which is not opened. Save it as .keras anew.")
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


def _fill_cache(
    container: Container, blob: str, content: bytes, card: Card, compiled: Path
) -> None:
    """Put the compiled model into the cache: the published one, or a new one of our own."""
    compiled.parent.mkdir(parents=True, exist_ok=True)
    beside = blob.removesuffix(".keras") + ".tflite"
    with tempfile.TemporaryDirectory(dir=compiled.parent) as folder:
        partial = Path(folder) / compiled.name
        if card.compiled_sha256 and container.etag(beside) is not None:
            published = container.read(beside)
            if hashlib.sha256(published).hexdigest() == card.compiled_sha256:
                partial.write_bytes(published)
        if not partial.is_file():
            source = Path(folder) / "model.keras"
            source.write_bytes(content)
            compile_in_child(source, partial, card)
        partial.replace(compiled)
