"""Which model is served: found, checked against its card and pin, taken from the cache."""

import hashlib
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from clothing.config import PROJECT
from clothing.errors import ModelError
from clothing.model import load_classifier
from clothing.parts import MODEL_CACHE
from clothing.storage import FolderContainer
from tests.test_storage import files_of_at_most

BLOB = "clothing_model.keras"


@pytest.fixture
def models(storage: Path) -> FolderContainer:
    """The `model` container with the shipped model."""
    return FolderContainer("model", storage / "model")


def change_card(models: FolderContainer, **changes: Any) -> None:
    path = models.folder / "clothing_model.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


def test_the_shipped_model_needs_no_compiling(models: FolderContainer, tmp_path: Path) -> None:
    classifier = load_classifier(models, BLOB, tmp_path / "cache")

    assert classifier.version.startswith(classifier.card.name + "-")
    published = (models.folder / "clothing_model.tflite").read_bytes()
    (cached,) = (tmp_path / "cache").glob("*.tflite")
    assert cached.read_bytes() == published


def test_a_cached_model_is_taken_again(models: FolderContainer, tmp_path: Path) -> None:
    first = load_classifier(models, BLOB, tmp_path)
    (models.folder / "clothing_model.tflite").unlink()

    second = load_classifier(models, BLOB, tmp_path)

    assert second.version == first.version


class Counted(FolderContainer):
    """A folder that remembers what was read from it."""

    def __init__(self, container: FolderContainer) -> None:
        super().__init__(container.name, container.folder)
        self.reads: list[str] = []

    def read(self, name: str) -> bytes:
        self.reads.append(name)
        return super().read(name)


def test_a_model_that_did_not_change_is_not_read_again(
    models: FolderContainer, tmp_path: Path
) -> None:
    first = load_classifier(models, BLOB, tmp_path)
    counted = Counted(models)

    again = load_classifier(counted, BLOB, tmp_path)

    assert counted.reads == ["clothing_model.json"]
    assert again.version == first.version


def test_a_model_that_changed_is_read_whatever_the_cache_holds(
    models: FolderContainer, tmp_path: Path
) -> None:
    load_classifier(models, BLOB, tmp_path)
    (models.folder / BLOB).write_bytes(b"import os")

    with pytest.raises(ModelError, match="not a .keras archive"):
        load_classifier(models, BLOB, tmp_path)


def test_the_same_model_with_another_etag_is_not_compiled_again(
    models: FolderContainer, tmp_path: Path
) -> None:
    load_classifier(models, BLOB, tmp_path)
    (models.folder / BLOB).touch()
    counted = Counted(models)

    load_classifier(counted, BLOB, tmp_path)
    load_classifier(counted, BLOB, tmp_path)

    assert counted.reads == [BLOB, "clothing_model.json", "clothing_model.json"]


@pytest.mark.parametrize("damage", [b"", b"\0", b"{}", b'{"etag": 1, "sha256": ["../a"]}', b"[]"])
def test_a_damaged_note_is_made_anew(
    models: FolderContainer, tmp_path: Path, damage: bytes
) -> None:
    first = load_classifier(models, BLOB, tmp_path)
    (note,) = tmp_path.glob("*.json")
    whole = note.read_bytes()
    note.write_bytes(damage)

    again = load_classifier(models, BLOB, tmp_path)

    assert again.version == first.version
    assert note.read_bytes() == whole


def test_a_note_that_cannot_be_written_does_not_cost_the_model(
    models: FolderContainer, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    first = load_classifier(models, BLOB, tmp_path)
    (note,) = tmp_path.glob("*.json")
    note.unlink()
    note.mkdir()

    again = load_classifier(models, BLOB, tmp_path)

    assert again.version == first.version
    assert "its note cannot be written" in caplog.text
    assert not list(tmp_path.glob("*.partial"))


@pytest.mark.parametrize("below", ["", "models"], ids=["itself", "above it"])
def test_a_file_in_the_place_of_the_cache_is_said_with_what_to_do(
    models: FolderContainer, tmp_path: Path, below: str
) -> None:
    (tmp_path / "var").write_bytes(b"")

    with pytest.raises(ModelError, match="cannot be kept in the folder .*var.*move away what"):
        load_classifier(models, BLOB, tmp_path / "var" / below)


@pytest.mark.skipif(os.name == "nt", reason="no such limit")
def test_a_disk_that_takes_no_model_is_said_with_what_to_do(
    models: FolderContainer, tmp_path: Path
) -> None:
    with files_of_at_most(1000), pytest.raises(ModelError, match="Free some disk space"):
        load_classifier(models, BLOB, tmp_path / "cache")

    assert not list((tmp_path / "cache").iterdir())


def test_a_compiled_model_that_cannot_be_read_is_made_anew(
    models: FolderContainer, tmp_path: Path
) -> None:
    first = load_classifier(models, BLOB, tmp_path)
    (cached,) = tmp_path.glob("*.tflite")
    cached.rename(tmp_path / "elsewhere")
    cached.with_name(f"{cached.name[:64]}-0.tflite").mkdir()

    again = load_classifier(models, BLOB, tmp_path)

    assert again.version == first.version
    assert cached.is_file()


@pytest.mark.parametrize("damage", [b"", b"planted", None], ids=["empty", "other", "cut"])
def test_a_damaged_compiled_model_in_the_cache_is_made_anew(
    models: FolderContainer, tmp_path: Path, damage: bytes | None
) -> None:
    load_classifier(models, BLOB, tmp_path)
    (cached,) = tmp_path.glob("*.tflite")
    whole = cached.read_bytes()
    cached.write_bytes(whole[:-1] if damage is None else damage)

    load_classifier(models, BLOB, tmp_path)

    assert cached.read_bytes() == whole


def test_a_pin_holds_for_a_model_from_the_cache_too(
    models: FolderContainer, tmp_path: Path
) -> None:
    load_classifier(models, BLOB, tmp_path)

    with pytest.raises(ModelError, match="MODEL_SHA256 pins"):
        load_classifier(models, BLOB, tmp_path, sha256="0" * 64)


def test_a_pinned_hash_that_fits_is_accepted(models: FolderContainer) -> None:
    pin = hashlib.sha256((models.folder / BLOB).read_bytes()).hexdigest()

    load_classifier(models, BLOB, MODEL_CACHE, sha256=pin)


def test_a_model_that_is_not_the_pinned_one_is_refused(
    models: FolderContainer, tmp_path: Path
) -> None:
    with pytest.raises(ModelError, match="MODEL_SHA256 pins, " + "0" * 64):
        load_classifier(models, BLOB, tmp_path, sha256="0" * 64)

    assert not list(tmp_path.glob("*.tflite"))


def test_a_missing_model_is_said_with_the_remedy(models: FolderContainer) -> None:
    with pytest.raises(ModelError, match=r"has no other.keras.*MODEL_BLOB"):
        load_classifier(models, "other.keras", MODEL_CACHE)


def test_an_h5_file_is_refused_by_its_name(models: FolderContainer) -> None:
    (models.folder / "old.h5").write_bytes(b"\x89HDF\r\n\x1a\n")

    with pytest.raises(ModelError, match="h5 is not opened"):
        load_classifier(models, "old.h5", MODEL_CACHE)


def test_an_h5_file_under_another_name_is_refused(models: FolderContainer) -> None:
    (models.folder / BLOB).write_bytes(b"\x89HDF\r\n\x1a\n and more")

    with pytest.raises(ModelError, match="HDF5 file, which is not opened"):
        load_classifier(models, BLOB, MODEL_CACHE)


def test_a_file_that_is_no_archive_is_refused(models: FolderContainer) -> None:
    (models.folder / BLOB).write_bytes(b"import os")
    (models.folder / "clothing_model.json").unlink()

    with pytest.raises(ModelError, match="not a .keras archive"):
        load_classifier(models, BLOB, MODEL_CACHE)


def test_the_card_of_another_model_is_refused(models: FolderContainer) -> None:
    change_card(models, sha256="1" * 64)

    with pytest.raises(ModelError, match="belongs to another model"):
        load_classifier(models, BLOB, MODEL_CACHE)


def test_a_card_that_is_no_json_is_refused(models: FolderContainer) -> None:
    (models.folder / "clothing_model.json").write_text("{oops")

    with pytest.raises(ModelError, match="card is not JSON"):
        load_classifier(models, BLOB, MODEL_CACHE)


def test_steps_that_this_version_does_not_know_are_said_before_any_photo(
    models: FolderContainer,
) -> None:
    """The card of a version before: doctor, the readiness and `model publish` load it so."""
    change_card(models, preprocessing="whole-in-colour-1")

    with pytest.raises(ModelError, match=r"asks for: whole-in-colour-1.*Publish a model"):
        load_classifier(models, BLOB, MODEL_CACHE)


def test_another_card_makes_another_version(models: FolderContainer) -> None:
    before = load_classifier(models, BLOB, MODEL_CACHE).version
    change_card(models, temperature=1.5)

    assert load_classifier(models, BLOB, MODEL_CACHE).version != before


@pytest.mark.keras
def test_a_bare_model_without_card_is_compiled_and_served(
    models: FolderContainer, tmp_path: Path, keras_files: Path
) -> None:
    shutil.copy(keras_files / "logits.keras", models.folder / BLOB)
    (models.folder / "clothing_model.json").unlink()

    classifier = load_classifier(models, BLOB, tmp_path / "cache")

    assert (classifier.card.height, classifier.card.channels) == (28, 1)
    assert sorted(path.suffix for path in (tmp_path / "cache").iterdir()) == [".json", ".tflite"]


@pytest.mark.keras
def test_a_damaged_compiled_model_beside_it_is_not_trusted(
    models: FolderContainer, tmp_path: Path
) -> None:
    (models.folder / "clothing_model.tflite").write_bytes(b"planted")

    load_classifier(models, BLOB, tmp_path)

    (cached,) = tmp_path.glob("*.tflite")
    assert cached.read_bytes() != b"planted"


def test_without_tensorflow_a_bare_model_says_what_to_install(
    models: FolderContainer, tmp_path: Path
) -> None:
    (models.folder / "clothing_model.json").unlink()
    hidden = tmp_path / "hidden"
    (hidden / "tensorflow").mkdir(parents=True)
    (hidden / "tensorflow" / "__init__.py").write_text("raise ImportError('not here')")
    program = (
        "from pathlib import Path; from clothing.model import load_classifier; "
        "from clothing.storage import FolderContainer; "
        f"load_classifier(FolderContainer('model', Path({str(models.folder)!r})), {BLOB!r}, "
        f"Path({str(tmp_path / 'cache')!r}))"
    )

    child = subprocess.run(
        [sys.executable, "-c", program],
        cwd=PROJECT,
        env={"PYTHONPATH": str(hidden)},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )

    assert "TensorFlow is not installed here. Install requirements.txt" in child.stderr
