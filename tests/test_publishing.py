"""Replacing a model: compared, published, rolled back, and broken off at every step of the way."""

import hashlib
import os
import shutil
import signal
import subprocess
import sys
import zipfile
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from itertools import product
from pathlib import Path
from typing import Any

import pytest

from clothing.card import Card
from clothing.config import PROJECT
from clothing.errors import ModelError, StorageError
from clothing.labels import OUTSIDE
from clothing.model import load_classifier
from clothing.photos import Outcome
from clothing.publishing import (
    BETTER,
    NO_DIFFERENCE,
    WORSE,
    Comparison,
    broke_off,
    compare,
    contest,
    current,
    previous,
    publish,
    rollback,
)
from clothing.storage import FolderContainer
from tests.test_evaluation import answered, failed

pytestmark = pytest.mark.slow

BLOB = "clothing_model.keras"

PUBLISHING_WRITES, ROLLBACK_CHANGES = 6, 12


class Interrupted(FolderContainer):
    """A folder that is changed so many times; from then on something else happens."""

    def __init__(self, folder: Path, changes: int, instead: Callable[[], None]) -> None:
        super().__init__("model", folder)
        self.changes = changes
        self.instead = instead

    def write(self, name: str, content: bytes) -> None:
        self._change()
        super().write(name, content)

    def delete(self, name: str) -> None:
        if self.etag(name) is not None:
            self._change()
        super().delete(name)

    def _change(self) -> None:
        self.changes -= 1
        if self.changes < 0:
            self.instead()


def refuse() -> None:
    raise StorageError("The disk is full.", permanent=False)


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def another_model(folder: Path, name: str, **facts: Any) -> Path:
    """Write a model that answers as the shipped one does, yet each of its files is another."""
    shutil.copytree(PROJECT / "model", folder)
    source = folder / BLOB
    with zipfile.ZipFile(source, "a") as archive:
        archive.comment = name.encode()
    card = Card.from_json((folder / "clothing_model.json").read_bytes())
    compiled = (folder / "clothing_model.tflite").read_bytes() + name.encode()  # read past
    (folder / "clothing_model.tflite").write_bytes(compiled)
    card = replace(
        card,
        name=name,
        sha256=hashlib.sha256(source.read_bytes()).hexdigest(),
        compiled_sha256=hashlib.sha256(compiled).hexdigest(),
        **facts,
    )
    (folder / "clothing_model.json").write_text(card.to_json(), encoding="utf-8")
    return source


def everything_in(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.fixture
def models(storage: Path) -> FolderContainer:
    """The `model` container with the shipped model."""
    return FolderContainer("model", storage / "model")


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    """An empty folder for compiled models."""
    return tmp_path / "cache"


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """A new model with its card, and compiled."""
    return another_model(tmp_path / "new", "new", temperature=1.5)


@pytest.fixture
def served(models: FolderContainer, cache: Path) -> Callable[[], str]:
    """Gives the version that a service gets which loads now."""
    return lambda: load_classifier(models, BLOB, cache).version


# Publishing


def test_a_published_model_is_served_and_the_one_before_is_kept(
    models: FolderContainer, source: Path, cache: Path, served: Callable[[], str]
) -> None:
    before = served()

    release = publish(models, BLOB, source, cache)

    kept = previous(models, BLOB)
    assert served() == release.version != before
    assert kept is not None
    assert kept.version == before
    assert load_classifier(models, "clothing_model.previous.keras", cache).version == before
    kinds = ("json", "keras", "tflite", "previous.json", "previous.keras", "previous.tflite")
    assert set(everything_in(models.folder)) == {f"clothing_model.{kind}" for kind in kinds}


def test_a_published_model_needs_no_compiling_where_it_is_served(
    models: FolderContainer, source: Path, cache: Path, tmp_path: Path
) -> None:
    publish(models, BLOB, source, cache)

    load_classifier(models, BLOB, tmp_path / "empty")

    (cached,) = (tmp_path / "empty").glob("*.tflite")
    assert cached.read_bytes() == (models.folder / "clothing_model.tflite").read_bytes()


def test_the_first_model_of_a_container_has_none_before(
    tmp_path: Path, source: Path, cache: Path
) -> None:
    (tmp_path / "empty").mkdir()
    models = FolderContainer("model", tmp_path / "empty")

    release = publish(models, BLOB, source, cache)

    assert load_classifier(models, BLOB, cache).version == release.version
    assert previous(models, BLOB) is None
    with pytest.raises(ModelError, match="no model to go back to"):
        rollback(models, BLOB)


@pytest.mark.parametrize("changes", range(3))
def test_the_first_model_of_a_container_appears_as_a_whole(
    tmp_path: Path, source: Path, cache: Path, changes: int
) -> None:
    (tmp_path / "empty").mkdir()
    models = Interrupted(tmp_path / "empty", changes, refuse)

    with pytest.raises(StorageError):
        publish(models, BLOB, source, cache)

    with pytest.raises(ModelError, match=r"has no clothing_model.keras"):
        load_classifier(models, BLOB, cache)


def test_publishing_what_is_served_changes_nothing(
    models: FolderContainer, source: Path, cache: Path
) -> None:
    publish(models, BLOB, source, cache)
    before = {path.name: models.etag(path.name) for path in models.folder.iterdir()}

    publish(models, BLOB, source, cache)

    assert {path.name: models.etag(path.name) for path in models.folder.iterdir()} == before


def test_a_model_without_card_is_kept_with_one_that_names_it(
    models: FolderContainer, source: Path, cache: Path
) -> None:
    (models.folder / "clothing_model.json").unlink()
    bare = (models.folder / BLOB).read_bytes()

    publish(models, BLOB, source, cache)

    kept = previous(models, BLOB)
    assert kept is not None
    assert kept.keras == bare
    assert kept.card == Card(sha256=hashlib.sha256(bare).hexdigest())
    assert not (models.folder / "clothing_model.previous.tflite").exists()


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"import os", "not a .keras archive"),
        (b"\x89HDF\r\n\x1a\n", "HDF5 file"),
        (b"PK\x03\x04", "belongs to another model"),
    ],
)
def test_what_cannot_be_served_is_not_published(
    models: FolderContainer, source: Path, cache: Path, content: bytes, reason: str
) -> None:
    before = everything_in(models.folder)
    source.write_bytes(content)

    with pytest.raises(ModelError, match=reason):
        publish(models, BLOB, source, cache)

    assert everything_in(models.folder) == before


def test_what_the_services_would_refuse_is_neither_published_nor_rolled_back_to(
    models: FolderContainer, source: Path, cache: Path
) -> None:
    with pytest.raises(ModelError, match="MODEL_SHA256 pins 0000"):
        publish(models, BLOB, source, cache, sha256="0" * 64)
    release = publish(models, BLOB, source, cache)

    with pytest.raises(ModelError, match=f"MODEL_SHA256 pins {release.sha256}"):
        rollback(models, BLOB, sha256=release.sha256)


def test_a_card_of_another_model_is_no_model_to_keep(
    models: FolderContainer, source: Path, cache: Path
) -> None:
    shutil.copy(source, models.folder / BLOB)

    with pytest.raises(ModelError, match="belongs to another model"):
        publish(models, BLOB, source, cache)


# Rolling back


def test_a_rollback_serves_the_model_before_and_a_second_one_undoes_it(
    models: FolderContainer, source: Path, cache: Path, served: Callable[[], str]
) -> None:
    before = served()
    after = publish(models, BLOB, source, cache).version
    published = everything_in(models.folder)

    rollback(models, BLOB)

    kept = previous(models, BLOB)
    assert kept is not None
    assert (served(), kept.version) == (before, after)

    rollback(models, BLOB)
    assert everything_in(models.folder) == published


def test_without_a_model_before_there_is_no_way_back(models: FolderContainer) -> None:
    before = everything_in(models.folder)

    with pytest.raises(ModelError, match=r"has no whole clothing_model\.previous\.keras"):
        rollback(models, BLOB)

    assert everything_in(models.folder) == before


def test_a_damaged_model_before_is_not_gone_back_to(
    models: FolderContainer, source: Path, cache: Path
) -> None:
    publish(models, BLOB, source, cache)
    (models.folder / "clothing_model.previous.keras").write_bytes(b"damaged")

    with pytest.raises(ModelError, match="no model to go back to"):
        rollback(models, BLOB)


# Broken off


@pytest.mark.parametrize("changes", range(PUBLISHING_WRITES))
def test_a_write_that_fails_leaves_the_model_before_in_service(
    models: FolderContainer, source: Path, cache: Path, served: Callable[[], str], changes: int
) -> None:
    before = served()
    failing = Interrupted(models.folder, changes, refuse)

    def refuse_once() -> None:
        failing.changes = 99
        refuse()

    failing.instead = refuse_once
    with pytest.raises(StorageError, match="disk is full"):
        publish(failing, BLOB, source, cache)

    assert served() == before
    release = publish(models, BLOB, source, cache)
    assert served() == release.version


@pytest.mark.parametrize("changes", range(PUBLISHING_WRITES))
def test_a_disk_that_stays_full_costs_no_model(
    models: FolderContainer, source: Path, cache: Path, served: Callable[[], str], changes: int
) -> None:
    before = served()
    with pytest.raises(StorageError, match="disk is full"):
        publish(Interrupted(models.folder, changes, refuse), BLOB, source, cache)

    _assert_nothing_is_lost(models, source, cache, before)


@pytest.mark.skipif(os.name == "nt", reason="no such signal")
@pytest.mark.parametrize("changes", range(PUBLISHING_WRITES + 1))
def test_a_publication_that_is_killed_costs_no_model(
    models: FolderContainer, source: Path, cache: Path, served: Callable[[], str], changes: int
) -> None:
    before = served()

    code = _killed("publish", models.folder, changes, source, cache)

    assert code == (0 if changes == PUBLISHING_WRITES else -signal.SIGKILL)
    # Only the card is missing: this is the one step at which nothing can be loaded.
    assert broke_off(models, BLOB) == (changes == PUBLISHING_WRITES - 1)
    _assert_nothing_is_lost(models, source, cache, before)


def _assert_nothing_is_lost(
    models: FolderContainer, source: Path, cache: Path, before: str
) -> None:
    """Check that the old model or the new one is served, and that the way is open to both."""
    if broke_off(models, BLOB):
        with pytest.raises(ModelError, match="belongs to another model"):
            load_classifier(models, BLOB, cache)
    else:
        after = load_classifier(models, source.name, cache).version
        assert load_classifier(models, BLOB, cache).version in (before, after)
    copy = FolderContainer("model", shutil.copytree(models.folder, models.folder.parent / "copy"))

    with suppress(ModelError):  # it may have broken off before anything was kept
        rollback(copy, BLOB)
    release = publish(models, BLOB, source, cache)

    kept = previous(models, BLOB)
    assert load_classifier(copy, BLOB, cache).version == before
    assert load_classifier(models, BLOB, cache).version == release.version
    assert kept is not None
    assert kept.version == before


@pytest.mark.skipif(os.name == "nt", reason="no such signal")
@pytest.mark.parametrize("changes", range(ROLLBACK_CHANGES + 1))
def test_a_rollback_that_is_killed_is_carried_through_by_the_next(
    models: FolderContainer, source: Path, cache: Path, served: Callable[[], str], changes: int
) -> None:
    before = served()
    after = publish(models, BLOB, source, cache).version

    code = _killed("rollback", models.folder, changes, source, cache)

    assert code == (0 if changes == ROLLBACK_CHANGES else -signal.SIGKILL)
    if not broke_off(models, BLOB):
        assert served() in (before, after)
    if changes < ROLLBACK_CHANGES - 2:  # the third name still counts
        rollback(models, BLOB)
    kept = previous(models, BLOB)
    assert served() == before
    assert kept is not None
    assert kept.version == after


def _killed(step: str, folder: Path, changes: int, source: Path, cache: Path) -> int:
    """Return how a process ends that publishes or rolls back, and dies after so many changes."""
    program = f"from tests.test_publishing import {step}_and_die as step; step()"
    command = [sys.executable, "-c", program, str(folder), str(changes), str(source), str(cache)]
    return subprocess.run(command, cwd=PROJECT, check=False, timeout=120).returncode


def publish_and_die() -> None:
    """Publish in a process of its own; see `_killed` for the arguments."""
    folder, changes, source, cache = sys.argv[1:]
    publish(Interrupted(Path(folder), int(changes), die), BLOB, Path(source), Path(cache))


def rollback_and_die() -> None:
    """Roll back in a process of its own; see `_killed` for the arguments."""
    folder, changes, *_ = sys.argv[1:]
    rollback(Interrupted(Path(folder), int(changes), die), BLOB)


def test_publishing_after_a_rollback_that_broke_off_forgets_it(
    models: FolderContainer, source: Path, cache: Path, tmp_path: Path
) -> None:
    publish(models, BLOB, source, cache)
    with pytest.raises(StorageError):
        rollback(Interrupted(models.folder, 5, refuse), BLOB)
    third = another_model(tmp_path / "third", "third")
    second = current(models, BLOB)

    publish(models, BLOB, third, cache)

    assert rollback(models, BLOB) == second
    assert not list(models.folder.glob("*.spare.*"))


# Comparing


def compared(*rows: tuple[str, Outcome, Outcome]) -> Comparison:
    """Compare on rows of what a person wrote, what the current model says, what the new one."""
    labels = {before.photo.name: label for label, before, _ in rows}
    return compare([row[1] for row in rows], [row[2] for row in rows], labels)


def bags(number: int, current: str, new: str, first: int = 0) -> list[tuple[str, Outcome, Outcome]]:
    """Return rows of photos of bags."""
    names = [f"{current}{new}{first + place}" for place in range(number)]
    return [("Bag", answered(name, current), answered(name, new)) for name in names]


def others(number: int, current: bool, new: bool) -> list[tuple[str, Outcome, Outcome]]:
    """Return rows of photos of no category: does the model ask a person?"""
    names = [f"{current}{new}{place}" for place in range(number)]
    return [
        (
            OUTSIDE,
            answered(name, "Bag", needs_review=current),
            answered(name, "Bag", needs_review=new),
        )
        for name in names
    ]


@pytest.mark.parametrize("only_new", range(6))
@pytest.mark.parametrize("only_current", range(6))
def test_the_p_value_is_the_share_of_coin_tosses_that_are_as_uneven(
    only_current: int, only_new: int
) -> None:
    rows = product((-1, 1), repeat=only_current + only_new)
    as_uneven = [abs(sum(row)) >= abs(only_current - only_new) for row in rows]

    found = contest([(True, False)] * only_current + [(False, True)] * only_new)

    assert (found.only_current_right, found.only_new_right) == (only_current, only_new)
    assert found.p_value == pytest.approx(sum(as_uneven) / len(as_uneven))


def test_the_p_value_of_many_photos_is_still_a_number() -> None:
    assert contest([(False, True)] * 5000).p_value == 0
    assert contest([(False, True), (True, False)] * 5000).p_value == 1


@pytest.mark.parametrize(
    ("rows", "verdict"),
    [
        ([], NO_DIFFERENCE),
        (bags(6, "Bag", "Coat"), WORSE),
        (bags(6, "Coat", "Bag"), BETTER),
        (bags(5, "Bag", "Coat"), NO_DIFFERENCE),
        (bags(6, "Coat", "Shirt"), NO_DIFFERENCE),
        (bags(9, "Bag", "Coat") + bags(9, "Coat", "Bag"), NO_DIFFERENCE),
        (others(6, True, False), WORSE),
        (others(6, False, True), BETTER),
        (bags(20, "Coat", "Bag") + others(6, True, False), WORSE),
    ],
    ids=[
        "no photos",
        "worse",
        "better",
        "too few",
        "both wrong",
        "evenly",
        "asks no more",
        "asks now",
        "right but asks no more",
    ],
)
def test_the_verdict_comes_from_photos_on_which_one_is_right(
    rows: Sequence[tuple[str, Outcome, Outcome]], verdict: str
) -> None:
    assert compared(*rows).verdict == verdict


def test_a_comparison_has_the_figures_of_both_and_their_difference() -> None:
    found = compared(
        *bags(3, "Bag", "Bag"), *bags(1, "Coat", "Bag"), ("Coat", failed("a"), failed("a"))
    )

    assert found.photos == 5
    assert found.disagree == 1
    assert (found.current["accuracy"], found.new["accuracy"]) == (0.6, 0.8)
    assert found.difference["accuracy"] == pytest.approx(0.2)
    assert found.difference["accuracy of Bag"] == 0.25
    assert found.difference["accuracy of Coat"] == 0
    assert found.difference["outside_review_share"] is None


# With real Keras


@pytest.mark.keras
def test_a_bare_keras_file_is_compiled_and_gets_its_card(
    models: FolderContainer, cache: Path, tmp_path: Path, keras_files: Path
) -> None:
    bare = tmp_path / "bare.keras"
    shutil.copy(keras_files / "logits.keras", bare)
    with zipfile.ZipFile(bare, "a") as archive:
        archive.comment = b"bare"

    release = publish(models, BLOB, bare, cache)

    fresh = load_classifier(models, BLOB, tmp_path / "empty")
    assert fresh.version == release.version
    assert release.compiled is not None
    assert release.card == Card(
        name="bare",
        sha256=hashlib.sha256(bare.read_bytes()).hexdigest(),
        compiled_sha256=hashlib.sha256(release.compiled).hexdigest(),
    )
