"""Forgetting: what is asked for goes, everywhere, and nothing else does."""

import sqlite3
from pathlib import Path

import pytest
import sqlalchemy as sa
from click.testing import CliRunner, Result
from flask import Flask
from flask.testing import FlaskClient

from clothing.cli import main
from clothing.errors import StoreError
from clothing.forgetting import FORGOTTEN, Known, forget, known
from clothing.review_queue import ReviewQueue
from clothing.store import Store
from clothing.web.thumbnails import forget_pictures, thumbnail_folder
from tests.nights import a_failure, a_night, a_prediction
from tests.pictures import jpeg
from tests.sql_server_double import BROKEN, SqlServer, opened
from tests.test_store import count_of

TABLES = ("image_prediction", "image_probabilities", "image_failure", "image_review")


@pytest.fixture
def store(either_store: Store) -> Store:
    """Each test here meets both kinds of database."""
    return either_store


def names_in(tmp_path: Path, table: str = "image_prediction") -> list[str]:
    with opened(tmp_path) as connection:
        rows = connection.execute(f"SELECT image_filename FROM {table} ORDER BY 1").fetchall()
    return [name for (name,) in rows]


def a_reviewed_night(store: Store, *names: str) -> None:
    """Classify photos, fail at one of each return, and review both."""
    a_night(store, *(a_prediction(name, reason="looks like Bag or Coat") for name in names))
    queue = ReviewQueue(store, blind_share=1)
    for number in range(len(names)):
        queue.review("Coat", "Kim", image_id=number + 1)


def test_all_that_is_known_of_a_return_goes(store: Store, tmp_path: Path) -> None:
    a_reviewed_night(store, "R-17/a.jpg", "R-17/b.jpg", "R-18/a.jpg")
    a_night(store, a_failure("R-17/c.jpg"), a_failure("R-18/c.jpg"))
    ReviewQueue(store, blind_share=1).look("holder")  # claims both failures

    gone = forget(store, "images", "R-17/")

    assert gone.rows == {
        "review_claim": 1,
        "image_review": 2,
        "image_probabilities": 2,
        "image_prediction": 2,
        "image_failure": 1,
    }
    assert gone.names == ["R-17/a.jpg", "R-17/b.jpg", "R-17/c.jpg"]
    assert names_in(tmp_path) == ["R-18/a.jpg"]
    assert names_in(tmp_path, "image_failure") == ["R-18/c.jpg"]
    assert [count_of(tmp_path, table) for table in TABLES] == [1, 1, 1, 1]
    assert count_of(tmp_path, "review_claim") == 1


def test_every_content_and_every_answer_goes(store: Store, tmp_path: Path) -> None:
    a_night(store, a_prediction("R-17/a.jpg", etag="1"))
    a_night(store, a_prediction("R-17/a.jpg", etag="2"))
    a_night(store, a_prediction("R-17/a.jpg", etag="2"), model="m-2")

    gone = forget(store, "images", "R-17/")

    assert gone.rows["image_prediction"] == 3
    assert {photo.etag for photo in gone.photos} == {"1", "2"}
    assert names_in(tmp_path) == []


@pytest.mark.parametrize(
    ("prefix", "stays"),
    [
        ("R-1", ["r-1/a.jpg"]),
        ("r-1/", ["R-1/a.jpg", "R-17/a.jpg"]),
        ("R-1/", ["R-17/a.jpg", "r-1/a.jpg"]),
        ("%", ["R-1/a.jpg", "R-17/a.jpg", "r-1/a.jpg"]),
        ("R_1", ["R-1/a.jpg", "R-17/a.jpg", "r-1/a.jpg"]),
        ("[R]", ["R-1/a.jpg", "R-17/a.jpg", "r-1/a.jpg"]),
        ("-1/", ["R-1/a.jpg", "R-17/a.jpg", "r-1/a.jpg"]),
    ],
)
def test_names_begin_so_to_the_letter(
    store: Store, tmp_path: Path, prefix: str, stays: list[str]
) -> None:
    a_night(store, *map(a_prediction, ("R-1/a.jpg", "R-17/a.jpg", "r-1/a.jpg")))

    forget(store, "images", prefix)

    assert names_in(tmp_path) == stays


@pytest.mark.parametrize("prefix", ["100%_[1]/", "Größe/", "🧥", "a'b", "a/b"])
def test_odd_names_are_found(store: Store, tmp_path: Path, prefix: str) -> None:
    a_night(store, a_prediction(f"{prefix}x.jpg"), a_prediction("other.jpg"))

    forget(store, "images", prefix)

    assert names_in(tmp_path) == ["other.jpg"]


def test_photos_of_another_container_stay(store: Store, tmp_path: Path) -> None:
    a_night(store, a_prediction("R-17/a.jpg"))

    assert known(store, "other", "R-17/").is_nothing
    forget(store, "other", "R-17/")

    assert names_in(tmp_path) == ["R-17/a.jpg"]


def test_more_photos_than_one_statement_takes(store: Store, tmp_path: Path) -> None:
    a_night(store, *(a_prediction(f"R-17/{number}.jpg") for number in range(1201)))

    gone = forget(store, "images", "R-17/")

    assert gone.rows["image_prediction"] == gone.rows["image_probabilities"] == 1201
    assert names_in(tmp_path) == []


def test_looking_changes_nothing_and_says_the_same(store: Store, tmp_path: Path) -> None:
    a_reviewed_night(store, "R-17/a.jpg", "R-18/a.jpg")

    seen = known(store, "images", "R-17/")

    assert names_in(tmp_path) == ["R-17/a.jpg", "R-18/a.jpg"]
    assert seen == forget(store, "images", "R-17/")
    assert known(store, "images", "R-17/") == Known(frozenset(), dict.fromkeys(seen.rows, 0), 0)


def test_a_run_that_was_asked_for_the_return_no_longer_names_it(store: Store) -> None:
    for prefix in ("R-17/", "R-18/", ""):
        run = store.open_run("http", prefix)
        store.close_run(run.run_id, "succeeded", None, None)

    assert forget(store, "images", "R-17/").runs == 1

    assert [run.prefix for run in store.runs()] == ["", "R-18/", FORGOTTEN]


def test_while_a_run_goes_on_nothing_is_forgotten(store: Store, tmp_path: Path) -> None:
    a_night(store, a_prediction("R-17/a.jpg"))
    store.open_run("http")

    with pytest.raises(StoreError, match="Run 2 is going on"):
        forget(store, "images", "R-17/")

    assert names_in(tmp_path) == ["R-17/a.jpg"]


def test_what_fails_half_way_takes_nothing_out(store: Store, tmp_path: Path) -> None:
    a_reviewed_night(store, "R-17/a.jpg")
    with opened(tmp_path) as connection:
        connection.execute(
            "CREATE TRIGGER stop BEFORE DELETE ON image_prediction"
            " BEGIN SELECT RAISE(ABORT, 'no'); END"
        )

    with pytest.raises(StoreError):
        forget(store, "images", "R-17/")

    assert [count_of(tmp_path, table) for table in TABLES] == [1, 1, 0, 1]


def test_the_file_holds_no_trace_of_the_name(tmp_path: Path) -> None:
    store = Store(f"sqlite:///{tmp_path}/clothing.db")
    a_night(store, a_prediction("Jane-Doe-17/a.jpg"), a_prediction("other.jpg"))
    store.dispose()
    before = (tmp_path / "clothing.db").read_bytes()

    forget(store, "images", "Jane-Doe-17/")
    store.dispose()

    files = [path.read_bytes() for path in tmp_path.glob("clothing.db*")]
    assert b"Jane-Doe-17" in before
    assert not any(b"Jane-Doe-17" in content for content in files)


def test_a_line_that_breaks_is_no_harm(
    sql_server: SqlServer, server_store: Store, tmp_path: Path
) -> None:
    a_reviewed_night(server_store, "R-17/a.jpg", "R-18/a.jpg")
    sql_server.fail("committed", BROKEN)

    gone = forget(server_store, "images", "R-17/")

    assert names_in(tmp_path) == ["R-18/a.jpg"]
    assert (gone.names, gone.rows["image_prediction"]) == (["R-17/a.jpg"], 1)


def test_no_photo_gets_the_number_of_a_forgotten_one(tmp_path: Path) -> None:
    store = Store(f"sqlite:///{tmp_path}/clothing.db")
    store.ready()
    a_reviewed_night(store, "R-17/a.jpg", "R-18/a.jpg")
    a_night(store, a_failure("R-18/b.jpg"))

    forget(store, "images", "R-18/")
    a_night(store, a_prediction("R-19/a.jpg"), a_failure("R-19/b.jpg"))
    ReviewQueue(store, blind_share=1).review("Bag", "Kim", image_id=3)

    with opened(tmp_path) as connection:
        numbers = [
            connection.execute(f"SELECT MAX({number}) FROM {table}").fetchone()
            for number, table in (
                ("image_id", "image_prediction"),
                ("failure_id", "image_failure"),
                ("review_id", "image_review"),
            )
        ]
    assert numbers == [(3,), (2,), (3,)]
    store.dispose()


# The command


def called(*words: str, answer: str | None = None) -> Result:
    return CliRunner().invoke(main, ["forget", *words], input=answer)


@pytest.fixture
def classified(environ: dict[str, str]) -> dict[str, str]:
    """A database with the sample folder's three photos classified."""
    assert CliRunner().invoke(main, ["run"]).exit_code == 0
    return environ


def test_the_command_shows_asks_and_forgets(classified: dict[str, str], tmp_path: Path) -> None:
    ended = called("--prefix", "night/", answer="y\n")

    assert ended.exit_code == 0, ended.output
    assert "Photos whose names begin with 'night/': 1\n  night/c.jpg\n" in ended.stdout
    assert "Forget all this? Nothing brings it back [y/N]" in ended.stdout
    assert ended.stdout.count("image_prediction                            1") == 2
    assert names_in(tmp_path) == ["a.jpg", "b.jpg"]


@pytest.mark.parametrize("answer", ["n\n", "\n", ""])
def test_without_a_yes_nothing_goes(
    classified: dict[str, str], tmp_path: Path, answer: str
) -> None:
    ended = called("--prefix", "night/", answer=answer)

    assert ended.exit_code == 1
    assert "Forgotten" not in ended.stdout
    assert "night/c.jpg" in names_in(tmp_path)


def test_a_dry_run_shows_and_forgets_nothing(classified: dict[str, str], tmp_path: Path) -> None:
    ended = called("--prefix", "night/", "--dry-run")

    assert ended.exit_code == 0, ended.output
    assert "night/c.jpg" in ended.stdout
    assert "Forget" not in ended.stdout
    assert "night/c.jpg" in names_in(tmp_path)


def test_no_byte_stays_though_the_app_has_the_database_open(
    classified: dict[str, str], app: Flask, tmp_path: Path
) -> None:
    store: Store = app.extensions["site"].parts.store
    assert len(store.predictions()) == 3  # its connection stays open, and so does the log

    ended = called("--prefix", "night/", "--yes")

    assert "write-ahead log" not in ended.stdout
    files = [path.read_bytes() for path in tmp_path.glob("clothing.db*")]
    assert len(files) == 3
    assert not any(b"night/c.jpg" in content for content in files)


def test_who_reads_meanwhile_keeps_the_log_and_the_command_says_so(
    classified: dict[str, str], tmp_path: Path
) -> None:
    def be_hasty(connection: sqlite3.Connection, *_record: object) -> None:
        connection.execute("PRAGMA busy_timeout = 100")

    with opened(tmp_path) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT * FROM image_prediction").fetchall()
        sa.event.listen(sa.Pool, "checkout", be_hasty)
        try:
            ended = called("--prefix", "night/", "--yes")
        finally:
            sa.event.remove(sa.Pool, "checkout", be_hasty)

    assert ended.exit_code == 0, ended.output
    assert "its write-ahead log may still have the names" in ended.stdout
    assert "write-ahead log" not in called("--prefix", "night/", "--yes").stdout


def test_the_photos_stay_and_the_command_says_so(
    classified: dict[str, str], storage: Path, tmp_path: Path
) -> None:
    photo = storage / "images" / "night" / "c.jpg"

    still_there = called("--prefix", "night/", "--yes")

    assert photo.exists()
    assert "still holds 1 such photos, and the next run takes them in again" in still_there.stdout
    assert CliRunner().invoke(main, ["run"]).exit_code == 0
    assert "night/c.jpg" in names_in(tmp_path)
    photo.unlink()
    gone = called("--prefix", "night/", "--yes")
    assert "still holds" not in gone.stdout
    assert CliRunner().invoke(main, ["run"]).exit_code == 0
    assert "night/c.jpg" not in names_in(tmp_path)


def test_nothing_to_forget_is_said(classified: dict[str, str]) -> None:
    ended = called("--prefix", "R-17/")

    assert ended.exit_code == 0
    assert "Nothing is stored of photos whose names begin with 'R-17/'." in ended.stdout


def test_no_prefix_is_bad_usage(classified: dict[str, str], tmp_path: Path) -> None:
    assert called("--prefix", "", "--yes").exit_code == 2
    assert called("--yes").exit_code == 2
    assert len(names_in(tmp_path)) == 3


def test_a_storage_that_does_not_answer_stops_nothing(
    classified: dict[str, str], storage: Path, tmp_path: Path
) -> None:
    (storage / "images").rename(storage / "elsewhere")

    ended = called("--prefix", "night/", "--yes")

    assert ended.exit_code == 0, ended.output
    assert "cannot be seen" in ended.stdout
    assert names_in(tmp_path) == ["a.jpg", "b.jpg"]


def test_small_pictures_go_too(classified: dict[str, str], client: FlaskClient) -> None:
    store: Store = client.application.extensions["site"].parts.store
    photos = {one.prediction.photo.name: one.prediction.photo for one in store.predictions()}
    folder = thumbnail_folder(classified)
    for number in (1, 2, 3):
        assert client.get(f"/photos/{number}/thumbnail").status_code == 200

    ended = called("--prefix", "night/", "--yes")

    assert "small pictures on this computer             1" in ended.stdout
    assert forget_pictures(folder, [photos["night/c.jpg"]]) == 0
    assert forget_pictures(folder, [photos["a.jpg"], photos["b.jpg"]]) == 2


def test_what_cannot_be_thrown_away_is_not_forgotten_either(
    classified: dict[str, str], client: FlaskClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert client.get("/photos/3/thumbnail").status_code == 200
    unlink = Path.unlink

    def may_not(path: Path, missing_ok: bool = False) -> None:
        if path.suffix == ".jpg":
            raise PermissionError(13, "Permission denied")
        unlink(path, missing_ok)

    with monkeypatch.context() as while_it_lasts:
        while_it_lasts.setattr(Path, "unlink", may_not)
        refused = called("--prefix", "night/", "--yes")
    again = called("--prefix", "night/", "--yes")

    assert refused.exit_code == 1
    assert "cannot be thrown away: Permission denied" in refused.output
    assert "small pictures on this computer             1" in again.stdout
    assert names_in(tmp_path) == ["a.jpg", "b.jpg"]


@pytest.mark.parametrize("command", ["run", "forget"])
@pytest.mark.parametrize("prefix", ["R-\udcff", "n" * 1025, "a\0b"], ids=["bytes", "long", "NUL"])
def test_what_no_name_begins_with_is_bad_usage(
    classified: dict[str, str], command: str, prefix: str
) -> None:
    ended = CliRunner().invoke(main, [command, "--prefix", prefix])

    assert ended.exit_code == 2
    assert "takes at most 1,024 characters, in UTF-8" in ended.output


def test_many_names_are_cut(environ: dict[str, str], storage: Path) -> None:
    (storage / "images" / "R-17").mkdir()
    for number in range(7):
        (storage / "images" / "R-17" / f"{number}.jpg").write_bytes(jpeg())
    assert CliRunner().invoke(main, ["run"]).exit_code == 0

    ended = called("--prefix", "R-17/", answer="n\n")

    assert "R-17/4.jpg\n  and 2 more\n" in ended.stdout
