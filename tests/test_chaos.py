"""Chaos in small: a few rounds of each kind, and a witness that would see what goes wrong.

`make chaos ROUNDS=200` does the same at length.
"""

import random
import sqlite3
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from click.testing import CliRunner

from chaos import database_faults, kills, posts, storage_faults
from chaos.__main__ import main
from chaos.findings import Finding, Round, counted
from chaos.powercut import copied, unplugged
from chaos.scene import Scene, scene_in
from chaos.witness import photos_in, seen_at_the_end, seen_in
from clothing.classifier import Classifier
from clothing.storage import FolderContainer
from clothing.store import Store
from tests.azurite import Azurite
from tests.nights import a_failure, a_night, a_prediction

pytestmark = pytest.mark.slow

PHOTOS = 60

breaks_things = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such signals")


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    """A few photos, the shipped model and no database yet."""
    with scene_in(tmp_path, PHOTOS, seed=1) as scene:
        yield scene


def findings_of(played: Iterator[Round]) -> list[tuple[str, list[Finding], list[str]]]:
    """Return what each round found, with what it was."""
    return [(one.kind, one.found, one.notes) for one in played if one.found]


# The witness


def told_of(store: Store, sql: str, listed: dict[str, str] | None = None) -> list[str]:
    """Return the flaws that the witness sees in a night after some SQL spoilt it."""
    a_night(store, a_prediction("a.jpg"), a_prediction("b.jpg"), a_failure("c.jpg"))
    assert store.file
    with closing(sqlite3.connect(store.file)) as connection, connection:
        connection.executescript(sql)
    photos = {"a.jpg": "1", "b.jpg": "1", "c.jpg": "1"} if listed is None else listed
    return sorted({found.flaw for found in seen_at_the_end(store.file, photos)})


def test_the_witness_has_nothing_against_a_good_night(store: Store) -> None:
    assert told_of(store, "") == []


@pytest.mark.parametrize(
    ("sql", "flaws"),
    [
        (
            "DROP INDEX one_active_run; UPDATE batch_run SET status = 'running'",
            ["stuck"],
        ),
        ("UPDATE batch_run SET finished_at = NULL", ["wrong"]),
        ("UPDATE batch_run SET listed = 4", ["wrong"]),
        ("UPDATE batch_run SET classified = 1, failed = 2", ["wrong"]),
        ("UPDATE batch_run SET status = 'nearly done'", ["wrong"]),
        ("DELETE FROM image_probabilities WHERE image_id = 1", ["half"]),
        ("DELETE FROM image_prediction WHERE image_id = 1", ["half", "lost", "wrong"]),
        ("UPDATE image_probabilities SET coat = coat + 0.1", ["half"]),
        ("DELETE FROM image_failure", ["lost", "wrong"]),
        ("UPDATE image_prediction SET etag = '2' WHERE image_id = 1", ["lost"]),
        (
            "UPDATE image_prediction SET image_filename = 'a.jpg' WHERE image_id = 2",
            ["doubled", "lost"],
        ),
        (
            "UPDATE image_failure SET image_filename = 'a.jpg'",
            ["doubled", "lost"],
        ),
    ],
)
def test_the_witness_sees(store: Store, sql: str, flaws: list[str]) -> None:
    assert told_of(store, sql) == flaws


def test_the_witness_sees_an_outcome_of_a_photo_that_never_was(store: Store) -> None:
    assert told_of(store, "", {"a.jpg": "1", "b.jpg": "1"}) == ["wrong"]


def test_the_witness_says_of_a_damaged_file_that_it_is_damaged(tmp_path: Path) -> None:
    file = tmp_path / "clothing.db"
    file.write_bytes(b"SQLite format 3\0" + bytes(4080))

    (found,) = seen_in(file)

    assert found.flaw == "wrong"
    assert "cannot be read" in found.text


def test_the_witness_and_the_container_agree_on_what_is_listed(scene: Scene) -> None:
    listed = FolderContainer("images", scene.storage / "images").list_photos()

    assert {photo.name: photo.etag for photo in listed} == scene.listed
    assert len(scene.listed) == PHOTOS
    assert photos_in(scene.folder) == {}


def test_rounds_are_counted_by_kind() -> None:
    bad = Round("kills", "run killed", 2, struck=1)
    bad.blame("lost", "a.jpg has no outcome")

    first, second = counted([Round("kills", "run killed", 0, 1), Round("posts", "all", 1, 50), bad])

    assert (first.rounds, first.struck, first.flaws["lost"]) == (2, 2, 1)
    assert (second.rounds, second.struck, sum(second.flaws.values())) == (1, 50, 0)


# Breaking things


@breaks_things
@pytest.mark.parametrize(
    "kind",
    [
        "run killed",
        "web app killed, run goes on",
        "power cut",
        "run told to stop (SIGTERM)",
    ],
)
def test_a_night_that_breaks_off_is_finished(scene: Scene, kind: str) -> None:
    one = kills.play(scene, Round(kills.PART, kind, 0), 1, kills.NIGHTS[kind])

    assert one.found == [], one.notes


@pytest.mark.parametrize("seed", range(6))
def test_a_database_whose_log_lost_its_end_is_whole(
    store: Store, tmp_path: Path, seed: int
) -> None:
    """The night is saved in many transactions; some at the end are gone, none in half."""
    for number in range(6):
        a_night(store, a_prediction(f"{number}.jpg"), a_failure())
    (tmp_path / "kept").mkdir()
    assert store.file
    copied(store.file, tmp_path / "kept")

    told = unplugged(tmp_path / "kept" / store.file.name, random.Random(seed))

    assert "log" in told
    kept = tmp_path / "kept" / store.file.name
    with closing(sqlite3.connect(kept)) as connection:
        tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_master")}
    assert not tables or seen_in(kept) == []


@breaks_things
def test_many_who_ask_at_once_are_told_of_one_run(scene: Scene) -> None:
    assert findings_of(posts.rounds(scene, seed=1, number=2, crowd=24)) == []


STORAGE_ROUNDS = frozenset(
    place
    for place, kind in enumerate(storage_faults.KINDS)
    if kind.mishap in ("429", "truncate", "change", "vanish") and kind.where != "listing"
)


def test_storage_faults_cost_no_more_than_they_must(
    azurite: Azurite, scene: Scene, classifier: Classifier
) -> None:
    number = len(storage_faults.KINDS)

    played = list(storage_faults.rounds(azurite, scene, classifier, 1, number, only=STORAGE_ROUNDS))

    assert findings_of(iter(played)) == []
    assert len(played) == len(STORAGE_ROUNDS)
    assert all(one.struck for one in played)


def test_moods_of_a_server_double_nothing(scene: Scene, classifier: Classifier) -> None:
    on_the_server = frozenset(turn for turn in range(9) if turn % 5)

    played = list(database_faults.rounds(scene, scene, classifier, 1, 9, only=on_the_server))

    assert findings_of(iter(played)) == []
    assert sum(one.struck for one in played) > 5


@breaks_things
@pytest.mark.parametrize("kind", ["SQLite: disk full", "SQLite: files may not grow"])
def test_a_database_without_room_is_finished_once_it_has_some(scene: Scene, kind: str) -> None:
    if kind == "SQLite: disk full" and not database_faults.can_mount():
        pytest.skip("this system lets nobody mount a disk of his own")

    one = kills.play(scene, Round("database", kind, 0), 1, database_faults.FILE_NIGHTS[kind])

    assert one.found == [], one.notes


def test_the_command_teaches() -> None:
    told = " ".join(CliRunner().invoke(main, ["--help"]).output.split())

    for words in ("kills", "posts", "storage", "database", "a witness", "put back by 70 seconds"):
        assert words in told
