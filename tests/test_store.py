"""The store: what it keeps, and that doing a thing twice changes nothing."""

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from clothing import database
from clothing.errors import ActiveRunError, StoreError
from clothing.photos import Counts, Failure, Photo, Prediction, Run, RunStatus
from clothing.store import OUTAGE, STALE, Store
from clothing.tables import SCHEMA_VERSION, batch_run, metadata
from tests.sql_server_double import opened


@pytest.fixture
def store(either_store: Store) -> Store:
    """Each test here meets both kinds of database."""
    return either_store


@pytest.fixture
def sqlite_store(tmp_path: Path) -> Iterator[Store]:
    """An empty database in a file, in folders that were not there."""
    store = Store(f"sqlite:///{tmp_path}/var/db/clothing.db")
    store.ready()
    yield store
    store.dispose()


def a_photo(name: str = "a.jpg", etag: str = "1") -> Photo:
    return Photo("images", name, etag, 0)


def a_prediction(photo: Photo, category: str = "Bag", needs_review: bool = False) -> Prediction:
    reason = "looks like Bag or Coat" if needs_review else ""
    probabilities = (0.05,) * 8 + (0.5, 0.1)
    return Prediction(photo, category, 0.5, 0.4, probabilities, needs_review, reason)


def an_open_run(store: Store, *, force: bool = False, model: str = "m-1") -> Run:
    run = store.open_run("test", force=force)
    store.describe_run(run.run_id, model, "p-1")
    return store.run(run.run_id)


def closed(store: Store, run: Run) -> None:
    store.close_run(run.run_id, "succeeded", None, None)


def count_of(tmp_path: Path, table: str) -> int:
    with opened(tmp_path) as connection:
        (count,) = connection.execute(f"SELECT COUNT(*) FROM {table}").fetchone()
    return int(count)


def test_the_migrations_arrive_at_the_tables(tmp_path: Path) -> None:
    store = Store(f"sqlite:///{tmp_path}/new.db")
    store.ready()
    store.dispose()
    engine = sa.create_engine(store.url)

    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        differences = compare_metadata(context, metadata)
    engine.dispose()

    assert differences == []


def test_the_newest_migration_is_the_version_that_the_code_expects(store: Store) -> None:
    heads = ScriptDirectory("clothing/migrations").get_heads()

    assert heads == [SCHEMA_VERSION] == [store.schema_version()]


def test_upgrading_twice_changes_nothing(store: Store) -> None:
    store.upgrade()

    assert store.schema_version() == SCHEMA_VERSION


def test_many_that_upgrade_an_empty_database_at_once_make_one_schema(tmp_path: Path) -> None:
    stores = [Store(f"sqlite:///{tmp_path}/new.db") for _ in range(4)]
    failures: list[Exception] = []

    def upgrade(store: Store) -> None:
        try:
            store.ready()
        except Exception as error:
            failures.append(error)

    threads = [threading.Thread(target=upgrade, args=(store,)) for store in stores]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert not failures
    assert {store.schema_version() for store in stores} == {SCHEMA_VERSION}
    for store in stores:
        store.dispose()


def test_a_newer_schema_is_refused(store: Store, tmp_path: Path) -> None:
    with opened(tmp_path) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")

    with pytest.raises(StoreError, match="newer than this program"):
        store.ready()


@contextmanager
def locked(path: Path) -> Iterator[sqlite3.Connection]:
    """Keep a new file from everybody else, as one does who turns on its write-ahead log."""
    with closing(sqlite3.connect(path, isolation_level=None, check_same_thread=False)) as other:
        other.execute("CREATE TABLE somebody_elses (id INTEGER)")
        other.execute("BEGIN IMMEDIATE")  # SQLite does not wait for this one by itself
        yield other


def test_a_new_file_that_somebody_has_locked_is_waited_for(tmp_path: Path) -> None:
    store = Store(f"sqlite:///{tmp_path}/new.db")
    with locked(tmp_path / "new.db") as other:
        later = threading.Timer(0.3, other.execute, ["COMMIT"])
        later.start()

        store.ready()

        later.join()
    assert store.schema_version() == SCHEMA_VERSION
    store.dispose()


def test_a_file_that_stays_locked_is_given_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "_LOCK_SECONDS", 0.2)
    store = Store(f"sqlite:///{tmp_path}/new.db")

    with (
        locked(tmp_path / "new.db"),
        pytest.raises(StoreError, match="^The database cannot do this: database is locked$"),
    ):
        store.ready()
    store.dispose()


def test_a_file_that_is_no_database_is_an_error_in_words(tmp_path: Path) -> None:
    (tmp_path / "broken.db").write_bytes(b"this is no database, whatever its name says" * 40)
    store = Store(f"sqlite:///{tmp_path}/broken.db")

    with pytest.raises(StoreError, match="not a database"):
        store.ready()
    store.dispose()


def test_a_folder_that_cannot_be_made_is_an_error_in_words(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    store = Store(f"sqlite:///{tmp_path}/file/clothing.db")

    with pytest.raises(StoreError, match="file of DATABASE_URL, or its folder, cannot be used"):
        store.ready()
    store.dispose()


def test_asking_for_the_version_makes_no_file(tmp_path: Path) -> None:
    store = Store(f"sqlite:///{tmp_path}/var/new.db")

    assert store.schema_version() is None
    assert not (tmp_path / "var").exists()
    store.dispose()


def test_readers_and_a_writer_work_side_by_side(sqlite_store: Store) -> None:
    def read_and_write(connection: sa.Connection) -> list[int]:
        runs = sa.select(batch_run.c.run_id)
        before = connection.execute(runs).all()
        sqlite_store.open_run("test")
        return [len(before), len(connection.execute(runs).all())]

    assert sqlite_store.read(read_and_write) == [0, 0]  # of one moment
    assert len(sqlite_store.runs()) == 1


def test_who_writes_keeps_others_from_writing_from_the_start(sqlite_store: Store) -> None:
    assert sqlite_store.file

    def is_free(_connection: sa.Connection) -> bool:
        with closing(sqlite3.connect(str(sqlite_store.file), timeout=0)) as other:
            try:
                other.execute("BEGIN IMMEDIATE")
            except sqlite3.OperationalError:
                return False
            return True

    assert sqlite_store.read(is_free)
    assert not sqlite_store.write(is_free)


def test_a_writer_waits_half_a_minute_for_another(sqlite_store: Store) -> None:
    milliseconds = sa.text("PRAGMA busy_timeout")

    assert sqlite_store.read(lambda connection: connection.scalar(milliseconds)) == 30_000


def test_a_run_that_has_answers_cannot_be_deleted(sqlite_store: Store) -> None:
    run = an_open_run(sqlite_store)
    sqlite_store.save(run, [a_prediction(a_photo())], Counts(1, 1))

    with pytest.raises(StoreError):
        sqlite_store.write(lambda connection: connection.execute(sa.delete(batch_run)))

    assert sqlite_store.run(run.run_id) == sqlite_store.active_run()


def test_what_a_database_cannot_do_is_said_in_words(sqlite_store: Store) -> None:
    nonsense = sa.text("SELECT absent FROM batch_run")

    with pytest.raises(StoreError, match=r"^The database cannot do this: no such column: absent"):
        sqlite_store.read(lambda connection: connection.execute(nonsense))


def test_the_clock_of_a_file_is_this_computers(sqlite_store: Store) -> None:
    assert abs(datetime.now(UTC) - sqlite_store.clock()) < timedelta(seconds=10)


def test_a_run_starts_with_nothing_counted(store: Store) -> None:
    run = store.open_run("http", prefix="night/", force=True)

    assert run.status == "running"
    assert (run.trigger, run.prefix, run.force) == ("http", "night/", True)
    assert run.counts == Counts()
    assert run.finished_at is None
    assert run.started_at.utcoffset() == timedelta(0)


def test_a_run_is_of_all_photos_without_an_answer_unless_something_else_is_asked(
    store: Store,
) -> None:
    run = store.open_run("http")

    assert (run.prefix, run.force, run.expected) == ("", False, None)


def test_a_second_run_is_told_which_one_goes_on(store: Store) -> None:
    run = store.open_run("http")

    with pytest.raises(ActiveRunError, match="is going on since") as refused:
        store.open_run("command")

    assert refused.value.run_id == run.run_id


def test_of_many_that_open_a_run_at_once_one_does(store: Store) -> None:
    opened: list[int] = []
    refused: list[int] = []

    def open_run() -> None:
        try:
            opened.append(store.open_run("http").run_id)
        except ActiveRunError as error:
            refused.append(error.run_id)

    threads = [threading.Thread(target=open_run) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(opened) == 1
    assert refused == opened * 19


def test_a_run_that_ends_while_the_next_asks_makes_way_for_it(store: Store) -> None:
    first = store.open_run("test")
    refused: list[object] = []

    def note(context: object) -> None:
        refused.append(context)

    def end_the_first(*_returned: object) -> None:
        if len(refused) == 1:
            refused.append("and now the first one ends")
            store.close_run(first.run_id, "succeeded", None, None)

    sa.event.listen(sa.Engine, "handle_error", note)
    sa.event.listen(sa.Pool, "checkin", end_the_first)
    try:
        second = store.open_run("test")
    finally:
        sa.event.remove(sa.Engine, "handle_error", note)
        sa.event.remove(sa.Pool, "checkin", end_the_first)

    assert (first.run_id, second.run_id) == (1, 2)
    assert store.run(1).status == "succeeded"


def test_a_database_that_takes_no_run_at_all_is_asked_twice_and_not_for_ever(
    sqlite_store: Store,
) -> None:
    """As where a DBA's own trigger refuses the row: SQLite says so as it does of a duplicate."""
    refusing = "CREATE TRIGGER no BEFORE INSERT ON batch_run BEGIN SELECT RAISE(ABORT, 'no'); END"
    sqlite_store.write(lambda connection: connection.exec_driver_sql(refusing))

    with pytest.raises(StoreError, match="The database cannot do this: no"):
        sqlite_store.open_run("test")

    assert sqlite_store.runs() == []


def test_a_closed_run_makes_way_for_the_next(store: Store) -> None:
    first = store.open_run("http")
    store.close_run(first.run_id, "failed", Counts(listed=3, failed=3), "no model")

    second = store.open_run("http")

    assert second.run_id > first.run_id
    ended = store.run(first.run_id)
    assert (ended.status, ended.error, ended.counts.failed) == ("failed", "no model", 3)
    assert ended.finished_at is not None


def test_a_run_is_closed_once_however_it_ended(store: Store, tmp_path: Path) -> None:
    run = store.open_run("http")
    store.close_run(run.run_id, "failed", Counts(listed=3, failed=3), "no model")
    _set_back(tmp_path, "finished_at", 1)

    with pytest.raises(StoreError, match="goes on no longer"):
        store.close_run(run.run_id, "failed", Counts(), "no storage")

    ended = store.run(run.run_id)
    assert (ended.error, ended.counts.failed, ended.expected) == ("no model", 3, 3)


def test_a_run_that_is_closed_without_counts_keeps_the_last_ones(store: Store) -> None:
    run = store.open_run("http")
    store.beat(run.run_id, Counts(listed=7, skipped=7), expected=9)

    store.close_run(run.run_id, "interrupted", None, None)

    ended = store.run(run.run_id)
    assert (ended.counts, ended.expected, ended.error) == (Counts(listed=7, skipped=7), 9, None)


def test_what_went_wrong_is_cut_where_its_column_ends(store: Store) -> None:
    run = an_open_run(store)
    store.save(run, [Failure(a_photo(), "decode", "y" * 600)], Counts(listed=1, failed=1))
    store.close_run(run.run_id, "failed", None, "x" * 3000)

    assert store.run(run.run_id).error == "x" * 2000
    failure = store.failures(run.run_id, [a_photo()])[a_photo()]
    assert failure.reason == "y" * 500


@pytest.mark.parametrize("sense", [1, -1], ids=["past", "future"])  # a clock that was set right
def test_a_run_without_a_sign_of_life_is_interrupted(
    store: Store, tmp_path: Path, sense: int
) -> None:
    dead = store.open_run("http")
    _set_heartbeat_back(tmp_path, sense * (silence_of(store) + 5))

    alive = store.open_run("http")

    seconds = 60 if store.file else 240  # a server may be away for longer than a minute
    assert store.run(dead.run_id).status == "interrupted"
    assert store.run(dead.run_id).error == f"no sign of life for {seconds} s"
    assert store.run(dead.run_id).finished_at
    assert alive.status == "running"


def test_a_run_with_a_late_heartbeat_is_left_alone(store: Store, tmp_path: Path) -> None:
    run = store.open_run("http")
    _set_heartbeat_back(tmp_path, silence_of(store) - 10)

    store.interrupt_stale_runs()

    assert store.run(run.run_id).status == "running"


def test_a_heartbeat_shows_how_far_the_run_is(store: Store, tmp_path: Path) -> None:
    run = store.open_run("http")
    _set_heartbeat_back(tmp_path, 30)
    before = store.run(run.run_id).heartbeat_at

    store.beat(run.run_id, Counts(listed=7, skipped=7), expected=9)

    after = store.run(run.run_id)
    assert after.heartbeat_at > before
    assert (after.counts.listed, after.counts.skipped, after.expected) == (7, 7, 9)


def test_a_heartbeat_that_comes_late_takes_nothing_back(store: Store) -> None:
    run = an_open_run(store)
    store.save(run, [Failure(a_photo(), "decode", "no photo")], Counts(listed=9, failed=1))

    store.beat(run.run_id, Counts(listed=8), expected=20)

    after = store.run(run.run_id)
    assert (after.counts, after.expected) == (Counts(listed=9, failed=1), 20)


@pytest.mark.parametrize("act", ["beat", "save", "close", "describe"])
def test_a_run_that_was_taken_for_dead_can_do_nothing_more(store: Store, act: str) -> None:
    run = an_open_run(store)
    store.close_run(run.run_id, "interrupted", None, "taken for dead")
    acts = {
        "beat": lambda: store.beat(run.run_id, Counts(), None),
        "save": lambda: store.save(run, [a_prediction(a_photo())], Counts(1, 1)),
        "close": lambda: store.close_run(run.run_id, "succeeded", Counts(), None),
        "describe": lambda: store.describe_run(run.run_id, "m", "p"),
    }

    with pytest.raises(StoreError, match="goes on no longer"):
        acts[act]()

    assert store.run(run.run_id).status == "interrupted"
    assert store.predictions() == []


def test_what_is_saved_is_read_back(store: Store) -> None:
    run = an_open_run(store)
    prediction = a_prediction(a_photo("sub folder/ü 🎽 'x'.jpg"), needs_review=True)

    store.save(run, [prediction], Counts(listed=1, classified=1))

    (stored,) = store.predictions()
    assert stored.prediction == prediction
    assert (stored.run_id, stored.model_version) == (run.run_id, "m-1")
    assert stored.preprocessing_version == "p-1"
    assert stored.timestamp.utcoffset() == timedelta(0)
    assert store.prediction(stored.image_id) == stored
    assert store.run(run.run_id).counts == Counts(listed=1, classified=1)


def test_each_prediction_has_its_own_probabilities(store: Store) -> None:
    run = an_open_run(store)
    predictions = [
        Prediction(a_photo(f"{n}.jpg"), "Bag", 0.5, 0.4, (n / 100,) * 10, False, "")
        for n in range(1200)
    ]

    store.save(run, predictions, Counts(1200, 1200))

    stored = store.predictions(limit=5000)
    assert [one.prediction for one in stored] == predictions


def test_saving_a_batch_twice_adds_no_row(store: Store, tmp_path: Path) -> None:
    run = an_open_run(store)
    batch = [a_prediction(a_photo(f"{n}.jpg")) for n in range(3)]

    store.save(run, batch, Counts(3, 3))
    store.save(run, batch, Counts(3, 3))

    assert count_of(tmp_path, "image_prediction") == 3
    assert count_of(tmp_path, "image_probabilities") == 3


def test_a_batch_that_is_there_in_part_is_completed(store: Store, tmp_path: Path) -> None:
    run = an_open_run(store)
    batch = [a_prediction(a_photo(f"{n}.jpg")) for n in range(4)]
    store.save(run, batch[:2], Counts(2, 2))

    store.save(run, batch, Counts(4, 4))

    assert [one.prediction for one in store.predictions()] == batch
    assert count_of(tmp_path, "image_probabilities") == 4


def test_two_ordinary_runs_give_a_photo_one_answer(store: Store) -> None:
    first = an_open_run(store)
    store.save(first, [a_prediction(a_photo(), "Bag")], Counts(1, 1))
    closed(store, first)

    store.save(an_open_run(store), [a_prediction(a_photo(), "Coat")], Counts(1, 1))

    assert [one.prediction.predicted_category for one in store.predictions()] == ["Bag"]


def test_an_answer_that_lacks_a_category_is_not_stored(store: Store) -> None:
    run = an_open_run(store)

    with pytest.raises(ValueError, match="shorter"):
        store.save(run, [replace(a_prediction(a_photo()), probabilities=(0.1,) * 9)], Counts(1, 1))

    assert store.predictions() == []


def test_a_failed_save_leaves_nothing_behind(store: Store, tmp_path: Path) -> None:
    run = an_open_run(store)
    with opened(tmp_path) as connection:
        connection.execute(
            "CREATE TRIGGER full BEFORE INSERT ON image_probabilities "
            "BEGIN SELECT RAISE(ABORT, 'disk full'); END"
        )

    with pytest.raises(StoreError, match="disk full"):
        store.save(run, [a_prediction(a_photo())], Counts(1, 1))

    assert count_of(tmp_path, "image_prediction") == 0
    assert store.run(run.run_id).counts == Counts()


def test_an_error_shows_no_query_and_no_values(store: Store, tmp_path: Path) -> None:
    run = an_open_run(store)
    with opened(tmp_path) as connection:
        connection.execute("DROP TABLE image_probabilities")

    with pytest.raises(StoreError) as refused:
        store.save(run, [a_prediction(a_photo("secret-name.jpg"))], Counts(1, 1))

    assert "INSERT" not in str(refused.value)
    assert "secret-name" not in str(refused.value)


def test_only_this_content_behind_this_model_counts_as_answered(store: Store) -> None:
    run = an_open_run(store)
    store.save(run, [a_prediction(a_photo("a.jpg", "1"))], Counts(1, 1))
    photos = [a_photo("a.jpg", "1"), a_photo("a.jpg", "2"), a_photo("b.jpg", "1")]

    answered = store.answered(photos, "m-1", "p-1")

    assert answered == {a_photo("a.jpg", "1")}
    assert store.answered(photos, "m-2", "p-1") == set()
    assert store.answered(photos, "m-1", "p-2") == set()


def test_a_forced_run_answers_anew_and_the_newest_answer_counts(
    store: Store, tmp_path: Path
) -> None:
    first = an_open_run(store)
    store.save(first, [a_prediction(a_photo(), "Bag")], Counts(1, 1))
    closed(store, first)
    forced = an_open_run(store, force=True)

    store.save(forced, [a_prediction(a_photo(), "Coat")], Counts(1, 1))

    newest = store.answers([a_photo()], "m-1", "p-1", forced.run_id)[a_photo()]
    before = store.answers([a_photo()], "m-1", "p-1", first.run_id)[a_photo()]
    assert (newest.prediction.predicted_category, newest.run_id) == ("Coat", forced.run_id)
    assert (before.prediction.predicted_category, before.run_id) == ("Bag", first.run_id)
    assert count_of(tmp_path, "image_prediction") == 2
    assert count_of(tmp_path, "current_prediction") == 1


def test_after_another_answer_the_first_one_is_given_again_once(
    store: Store, tmp_path: Path
) -> None:
    """As after a rollback of the model, or where a photo becomes again what it was before."""
    for model, etag in (("m-1", "1"), ("m-2", "1"), ("m-1", "1"), ("m-1", "2"), ("m-1", "1")):
        assert store.answered([a_photo(etag=etag)], model, "p-1") == set()
        run = an_open_run(store, model=model)
        for _ in range(2):  # the second time as after a commit whose end nobody heard
            store.save(run, [a_prediction(a_photo(etag=etag))], Counts(1, 1))
        closed(store, run)
        assert store.answered([a_photo(etag=etag)], model, "p-1") == {a_photo(etag=etag)}

    assert [one.run_id for one in store.predictions()] == [1, 2, 3, 4, 5]
    assert count_of(tmp_path, "image_probabilities") == 5


def test_a_photo_that_could_not_be_used_since_is_tried_again(store: Store) -> None:
    for outcome in (a_prediction(a_photo()), Failure(a_photo(), "decode", "it is cut short")):
        run = an_open_run(store)
        store.save(run, [outcome], Counts(1))
        closed(store, run)

    assert store.answered([a_photo()], "m-1", "p-1") == set()
    store.save(an_open_run(store), [a_prediction(a_photo())], Counts(1, 1))
    assert store.answered([a_photo()], "m-1", "p-1") == {a_photo()}


def test_more_photos_than_a_statement_takes_are_looked_up(store: Store) -> None:
    run = an_open_run(store)
    photos = [a_photo(f"{n}.jpg") for n in range(1101)]
    store.save(run, [a_prediction(photo) for photo in photos], Counts(1101, 1101))

    assert store.answered(photos, "m-1", "p-1") == set(photos)
    assert set(store.answers(photos, "m-1", "p-1", run.run_id)) == set(photos)


def test_failures_belong_to_their_run(store: Store) -> None:
    failure = Failure(a_photo("broken.jpg"), "decode", "the file is empty")
    first = an_open_run(store)
    store.save(first, [failure], Counts(listed=1, failed=1))
    closed(store, first)
    second = an_open_run(store)

    assert store.failures(first.run_id, [a_photo("broken.jpg")]) == {failure.photo: failure}
    assert store.failures(second.run_id, [a_photo("broken.jpg")]) == {}


def test_a_failure_is_news_once_for_each_content(store: Store) -> None:
    def failed(*photos: Photo) -> int:
        run = an_open_run(store)
        batch = [Failure(photo, "decode", "the file is empty") for photo in photos]
        store.save(run, batch, Counts(listed=len(batch), failed=len(batch)))
        closed(store, run)
        return store.new_failures(run.run_id)

    assert failed(a_photo("a.jpg"), a_photo("b.jpg")) == 2
    assert failed(a_photo("a.jpg"), a_photo("b.jpg"), a_photo("c.jpg")) == 1
    assert failed(a_photo("a.jpg", etag="changed"), a_photo("b.jpg")) == 1
    assert failed() == 0


def test_a_failure_of_a_run_that_did_not_end_is_news_still(store: Store) -> None:
    failure = Failure(a_photo("a.jpg"), "decode", "the file is empty")
    for status in ("interrupted", "failed", "succeeded", "succeeded"):
        run = an_open_run(store)
        store.save(run, [failure], Counts(listed=1, failed=1))
        store.close_run(run.run_id, status, None, None)

    assert [store.new_failures(run_id) for run_id in (1, 2, 3, 4)] == [1, 1, 1, 0]


def test_a_page_has_a_hundred_rows(store: Store) -> None:
    run = an_open_run(store)
    predictions = [a_prediction(a_photo(f"{n}.jpg")) for n in range(101)]
    store.save(run, predictions, Counts(101, 101))

    assert len(store.predictions()) == 100


def test_predictions_are_chosen_and_paged(store: Store) -> None:
    run = an_open_run(store)
    batch = [
        a_prediction(a_photo("1.jpg"), "Bag", needs_review=True),
        a_prediction(a_photo("2.jpg"), "Bag"),
        a_prediction(a_photo("3.jpg"), "Coat"),
    ]
    store.save(run, batch, Counts(3, 3))

    def names(**chosen: object) -> list[str]:
        found = store.predictions(**chosen)  # type: ignore[arg-type]
        return [one.prediction.photo.name for one in found]

    assert names(category="Bag") == ["1.jpg", "2.jpg"]
    assert names(needs_review=True) == ["1.jpg"]
    assert names(needs_review=False) == ["2.jpg", "3.jpg"]
    assert names(run_id=run.run_id + 1) == []
    assert names(limit=1) == ["1.jpg"]
    assert names(after=store.predictions(limit=2)[-1].image_id) == ["3.jpg"]


def test_runs_are_listed_newest_first(store: Store) -> None:
    numbers = []
    for _ in range(3):
        run = store.open_run("http")
        closed(store, run)
        numbers.append(run.run_id)

    assert [run.run_id for run in store.runs()] == numbers[::-1]
    assert [run.run_id for run in store.runs(before=numbers[2], limit=1)] == [numbers[1]]


def test_before_the_first_night_there_is_no_run(store: Store) -> None:
    assert (store.first_run(), store.last_success(), store.active_run()) == (None, None, None)
    assert (store.runs(), store.runs_by_status()) == ([], {})


def test_the_first_run_the_last_success_and_the_one_that_goes_on_are_found(store: Store) -> None:
    ends: list[RunStatus] = ["failed", "succeeded", "succeeded", "failed", "interrupted"]
    for status in ends:
        store.close_run(store.open_run("http").run_id, status, Counts(), None)
    active = store.open_run("http")

    assert store.first_run() == store.run(1)
    assert store.last_success() == store.run(3)
    assert store.active_run() == active
    assert store.runs_by_status() == {"failed": 2, "succeeded": 2, "interrupted": 1, "running": 1}


def test_a_run_over_some_photos_is_no_night_unless_all_are(store: Store) -> None:
    def ended(prefix: str) -> Run:
        run = store.open_run("http", prefix=prefix)
        store.close_run(run.run_id, "succeeded", Counts(), None)
        return store.run(run.run_id)

    tuesday = ended("tuesday/")
    assert store.last_success() == tuesday
    night = ended("")
    ended("R-17/")

    assert store.last_success() == night


def test_what_is_not_there_is_a_lookup_error(store: Store) -> None:
    with pytest.raises(LookupError, match="no run 5"):
        store.run(5)
    with pytest.raises(LookupError, match="no prediction 5"):
        store.prediction(5)


def test_the_view_shows_the_newest_answer_corrected_by_its_review(
    store: Store, tmp_path: Path
) -> None:
    run = an_open_run(store)
    store.save(run, [a_prediction(a_photo(), "Bag")], Counts(1, 1))
    closed(store, run)
    (stored,) = store.predictions()
    with opened(tmp_path) as connection:
        connection.execute(
            "INSERT INTO image_review (image_id, photo_key, etag, reviewed_category, reviewer, "
            "timestamp) SELECT image_id, photo_key, etag, 'Dress', 'Kim', '2026-11-22' "
            "FROM image_prediction"
        )
    newer = an_open_run(store, model="m-2")
    store.save(newer, [a_prediction(a_photo(), "Coat")], Counts(1, 1))

    with opened(tmp_path) as connection:
        rows = connection.execute(
            "SELECT category, predicted_category, reviewed_category, run_id FROM current_prediction"
        ).fetchall()

    assert stored.prediction.predicted_category == "Bag"
    assert rows == [("Dress", "Coat", "Dress", newer.run_id)]


def silence_of(store: Store) -> float:
    """Return after how many seconds without a heartbeat a run is taken for dead."""
    return (STALE if store.file else STALE + OUTAGE).total_seconds()


def _set_heartbeat_back(tmp_path: Path, seconds: float) -> None:
    _set_back(tmp_path, "heartbeat_at", seconds)


def _set_back(tmp_path: Path, column: str, seconds: float) -> None:
    """Let a time of the newest run be so much earlier."""
    with opened(tmp_path) as connection:
        connection.execute(
            f"UPDATE batch_run SET {column} = strftime('%Y-%m-%d %H:%M:%f000', {column}, ?) "
            "WHERE run_id = (SELECT MAX(run_id) FROM batch_run)",
            (f"{-seconds} seconds",),
        )
