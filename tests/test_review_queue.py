"""The review queue: who gets which photo, and what their answers leave in the tables."""

import random
import threading
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from sqlalchemy.exc import IntegrityError

from clothing import review_queue, review_stacks
from clothing.database import SAME_MOMENT
from clothing.errors import StoreError
from clothing.labels import AGAIN, OUTSIDE, UNDONE
from clothing.photos import Counts, Failure, Photo, Prediction
from clothing.review_queue import Left, ReviewQueue, Task
from clothing.store import Store
from tests.sql_server_double import BROKEN, SqlServer, opened
from tests.test_store import a_photo, an_open_run, closed

LONG_AGO = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture
def store(either_store: Store) -> Store:
    """Each test here meets both kinds of database."""
    return either_store


@pytest.fixture
def queue(store: Store) -> ReviewQueue:
    """A queue without a blind sample."""
    return ReviewQueue(store, 0)


def doubtful(name: str, margin: float = 0.1, etag: str = "1") -> Prediction:
    probabilities = (0.05,) * 8 + (0.5, 0.1)
    return Prediction(
        a_photo(name, etag), "Bag", 0.5, margin, probabilities, True, "looks like Bag or Coat"
    )


def certain(name: str) -> Prediction:
    return Prediction(a_photo(name), "Bag", 0.5, 0.4, (0.05,) * 8 + (0.5, 0.1), False, "")


def unreadable(name: str) -> Failure:
    return Failure(a_photo(name), "decode", "the file is empty")


def saved(store: Store, *outcomes: Prediction | Failure, model: str = "m-1") -> None:
    """Store what a run of its own says of some photos."""
    run = an_open_run(store, model=model)
    failed = sum(isinstance(outcome, Failure) for outcome in outcomes)
    counts = Counts(len(outcomes), len(outcomes) - failed, failed)
    store.save(run, outcomes, counts)
    closed(store, run)


def names(tasks: list[Task]) -> list[str]:
    return [task.photo.name for task in tasks]


def reviews(tmp_path: Path) -> list[tuple[object, ...]]:
    with opened(tmp_path) as connection:
        query = "SELECT reviewed_category, reviewer, seconds, blind FROM image_review"
        return connection.execute(query).fetchall()


def all_of(queue: ReviewQueue, holder: str = "one") -> list[str]:
    """Answer whatever comes; return the names in order."""
    tasks, seen = queue.look(holder), []
    while tasks:
        seen.append(tasks[0].photo.name)
        tasks = queue.answer(holder, "Kim", tasks[0].photo_key, "Bag", 1.0).tasks
    return seen


def test_an_empty_database_has_nothing_to_review(queue: ReviewQueue) -> None:
    assert queue.look("one") == []
    assert queue.left() == Left(0, 0, 0)
    assert queue.done("Kim", LONG_AGO) == 0


def test_unreadable_photos_come_first_then_the_most_doubtful(
    store: Store, queue: ReviewQueue
) -> None:
    saved(
        store,
        doubtful("b.jpg", 0.2),
        certain("c.jpg"),
        doubtful("a.jpg", 0.3),
        doubtful("d.jpg", 0.1),
        unreadable("z.jpg"),
    )

    assert queue.left() == Left(unreadable=1, doubtful=3, blind=0)
    assert all_of(queue) == ["z.jpg", "d.jpg", "b.jpg", "a.jpg"]
    assert queue.left().total == 0


def test_a_task_says_what_the_model_says_and_why_to_look(store: Store, queue: ReviewQueue) -> None:
    saved(store, doubtful("a.jpg"), unreadable("b.jpg"))

    broken, doubt = queue.look("one")

    assert (broken.image_id, broken.failure_id, broken.reason) == (None, 1, "the file is empty")
    assert (doubt.image_id, doubt.prediction) == (1, doubtful("a.jpg"))
    assert doubt.reason == "looks like Bag or Coat"


def test_an_answer_is_a_row_with_who_and_how_long(
    store: Store, queue: ReviewQueue, tmp_path: Path
) -> None:
    saved(store, doubtful("a.jpg"), doubtful("b.jpg"), doubtful("c.jpg"))
    tasks = queue.look("one")
    for answer in ("Coat", OUTSIDE, AGAIN):
        tasks = queue.answer("one", "Kim", tasks[0].photo_key, answer, 1.5).tasks

    assert reviews(tmp_path) == [(answer, "Kim", 1.5, 0) for answer in ("Coat", OUTSIDE, AGAIN)]
    with opened(tmp_path) as connection:
        rows = connection.execute("SELECT category, predicted_category FROM current_prediction")
        assert rows.fetchall() == [("Coat", "Bag"), (OUTSIDE, "Bag"), (AGAIN, "Bag")]
    assert queue.done("Kim", LONG_AGO) == 3
    assert queue.done("Kim", datetime.now(UTC) + timedelta(hours=1)) == 0
    assert queue.done("Lee", LONG_AGO) == 0


def test_what_is_done_is_counted_by_photo(store: Store, queue: ReviewQueue) -> None:
    saved(store, doubtful("a.jpg"), doubtful("b.jpg"), doubtful("c.jpg"))
    for answer in ("Coat", "Dress", "Coat"):
        queue.review(answer, "Kim", image_id=1)
    queue.review("Bag", "Kim", image_id=2)
    queue.review("Bag", "Lee", image_id=3)

    assert queue.done("Kim", LONG_AGO) == 2

    queue.review("Bag", "Lee", image_id=1)  # a correction: both have looked at it
    queue.review(UNDONE, "Kim", image_id=3)
    queue.review(UNDONE, "Lee", image_id=2)

    assert (queue.done("Kim", LONG_AGO), queue.done("Lee", LONG_AGO)) == (1, 1)

    queue.review("Bag", "Lee", image_id=3)
    queue.review("Bag", "Kim", image_id=3)

    assert (queue.done("Kim", LONG_AGO), queue.done("Lee", LONG_AGO)) == (2, 2)


def test_two_people_never_have_the_same_photo(store: Store, queue: ReviewQueue) -> None:
    saved(store, *(doubtful(f"{n}.jpg", n / 100) for n in range(5)))

    assert names(queue.look("one")) == ["0.jpg", "1.jpg"]
    assert names(queue.look("two")) == ["2.jpg", "3.jpg"]
    assert names(queue.look("three")) == ["4.jpg"]
    assert queue.look("four") == []
    assert names(queue.look("one")) == ["0.jpg", "1.jpg"]


def test_many_people_at_once_share_the_photos_without_overlap(store: Store) -> None:
    saved(store, *(doubtful(f"{n}.jpg", n / 1000) for n in range(60)))
    seen: list[str] = []
    failures: list[Exception] = []

    def work(number: int) -> None:
        try:
            seen.extend(all_of(ReviewQueue(store, 0), f"holder {number}"))
        except Exception as error:
            failures.append(error)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert not failures
    assert sorted(seen) == sorted(f"{n}.jpg" for n in range(60))


def test_a_claim_that_ran_out_is_anybodys_and_its_answer_does_not_count(
    store: Store, queue: ReviewQueue, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    saved(store, doubtful("a.jpg"))
    with monkeypatch.context() as meanwhile:
        meanwhile.setattr(review_queue, "LEASE", -review_queue.LEASE)
        (slow,) = queue.look("slow")

    assert names(queue.look("quick")) == ["a.jpg"]
    turn = queue.answer("slow", "Kim", slow.photo_key, "Bag", 1.0)

    assert not turn.accepted and turn.tasks == []
    assert not queue.skip("slow", slow.photo_key).accepted
    assert reviews(tmp_path) == []


def test_who_comes_back_late_still_has_what_nobody_took(
    store: Store, queue: ReviewQueue, monkeypatch: pytest.MonkeyPatch
) -> None:
    saved(store, doubtful("a.jpg"))
    with monkeypatch.context() as meanwhile:
        meanwhile.setattr(review_queue, "LEASE", -review_queue.LEASE)
        (task,) = queue.look("slow")

    assert queue.answer("slow", "Kim", task.photo_key, "Bag", 1.0).accepted


def test_who_signs_out_leaves_the_photos_to_others(store: Store, queue: ReviewQueue) -> None:
    saved(store, doubtful("a.jpg"))
    queue.look("one")

    queue.release("one")

    assert names(queue.look("two")) == ["a.jpg"]


def test_a_skipped_photo_comes_last_for_anybody(
    store: Store, queue: ReviewQueue, tmp_path: Path
) -> None:
    saved(store, *(doubtful(f"{n}.jpg", n / 10) for n in range(4)))
    first = queue.look("one")[0]

    turn = queue.skip("one", first.photo_key)

    assert turn.accepted
    assert names(turn.tasks) == ["1.jpg", "2.jpg"]
    assert all_of(queue, "two") == ["3.jpg", "0.jpg"]
    assert len(reviews(tmp_path)) == 2


def test_the_only_photo_can_be_skipped_again_and_again(store: Store, queue: ReviewQueue) -> None:
    saved(store, doubtful("a.jpg"))
    (task,) = queue.look("one")

    for _ in range(3):
        assert names(queue.skip("one", task.photo_key).tasks) == ["a.jpg"]


def test_undo_goes_back_step_by_step(store: Store, queue: ReviewQueue, tmp_path: Path) -> None:
    saved(store, *(doubtful(f"{n}.jpg", n / 10) for n in range(6)))
    tasks = queue.look("one")
    tasks = queue.answer("one", "Kim", tasks[0].photo_key, "Coat", 1.0).tasks
    tasks = queue.skip("one", tasks[0].photo_key).tasks
    tasks = queue.answer("one", "Kim", tasks[0].photo_key, "Bag", 1.0).tasks
    assert names(tasks)[0] == "3.jpg"

    for name in ("2.jpg", "1.jpg", "0.jpg"):
        turn = queue.undo("one", "Kim")
        assert turn.accepted
        assert names(turn.tasks)[0] == name
    assert not queue.undo("one", "Kim").accepted

    assert [row[0] for row in reviews(tmp_path)] == ["Coat", "Bag", UNDONE, UNDONE]
    assert queue.done("Kim", LONG_AGO) == 0
    assert queue.left().doubtful == 6
    with opened(tmp_path) as connection:
        query = "SELECT COUNT(*) FROM current_prediction WHERE reviewed_category IS NOT NULL"
        assert connection.execute(query).fetchone() == (0,)


def test_undo_leaves_what_somebody_has_corrected_since(
    store: Store, queue: ReviewQueue, tmp_path: Path
) -> None:
    saved(store, doubtful("a.jpg"), doubtful("b.jpg", 0.1))
    task, _ = queue.look("one")
    queue.answer("one", "Kim", task.photo_key, "Shirt", 1.0)
    time.sleep(2 * SAME_MOMENT.total_seconds())  # nobody corrects within the same one
    queue.review("Coat", "Lee", image_id=task.image_id)

    turn = queue.undo("one", "Kim")

    assert not turn.accepted
    assert names(turn.tasks) == ["b.jpg"]
    assert [row[0] for row in reviews(tmp_path)] == ["Shirt", "Coat"]


def test_what_was_taken_back_can_be_answered_otherwise(
    store: Store, queue: ReviewQueue, tmp_path: Path
) -> None:
    saved(store, doubtful("a.jpg"))
    (task,) = queue.look("one")
    queue.answer("one", "Kim", task.photo_key, "Coat", 1.0)

    (again,) = queue.undo("one", "Kim").tasks
    queue.answer("one", "Kim", again.photo_key, "Dress", 2.0)

    with opened(tmp_path) as connection:
        rows = connection.execute("SELECT category FROM current_prediction").fetchall()
    assert rows == [("Dress",)]
    assert queue.left().total == 0


def test_a_review_holds_for_the_content_whichever_model_answers_later(
    store: Store, queue: ReviewQueue
) -> None:
    saved(store, doubtful("a.jpg"))
    all_of(queue)

    saved(store, doubtful("a.jpg"), model="m-2")
    assert queue.look("one") == []

    saved(store, doubtful("a.jpg", etag="2"), model="m-2")
    assert names(queue.look("one")) == ["a.jpg"]


def test_only_the_newest_answer_to_a_photo_counts(store: Store, queue: ReviewQueue) -> None:
    saved(store, doubtful("a.jpg"), unreadable("b.jpg"))
    saved(store, certain("a.jpg"), unreadable("b.jpg"), model="m-2")

    assert queue.left() == Left(unreadable=1, doubtful=0, blind=0)
    assert [task.failure_id for task in queue.look("one")] == [2]

    saved(store, certain("b.jpg"), model="m-2")
    assert queue.left().total == 0


def test_a_photo_that_could_be_read_no_more_waits_once(
    store: Store, queue: ReviewQueue, tmp_path: Path
) -> None:
    saved(store, doubtful("a.jpg"), certain("b.jpg"))
    saved(store, unreadable("a.jpg"), unreadable("b.jpg"))

    assert queue.left() == Left(unreadable=2, doubtful=0, blind=0)
    assert {task.failure_id for task in queue.look("one")} == {1, 2}
    with opened(tmp_path) as connection:
        assert connection.execute("SELECT * FROM current_prediction").fetchall() == []


def test_the_blind_sample_shows_no_suggestion_and_is_marked(store: Store, tmp_path: Path) -> None:
    saved(store, doubtful("a.jpg"), certain("b.jpg"))
    queue = ReviewQueue(store, 1)
    assert queue.left() == Left(unreadable=0, doubtful=1, blind=1)

    tasks = {task.photo.name: task for task in queue.look("one")}
    for task in tasks.values():
        queue.answer("one", "Kim", task.photo_key, "Bag", 1.0)

    assert (tasks["b.jpg"].blind, tasks["b.jpg"].prediction) == (True, None)
    assert not tasks["a.jpg"].blind
    assert {row[3] for row in reviews(tmp_path)} == {0, 1}


def test_the_blind_sample_asks_of_what_was_answered_by_somebody_who_saw_the_suggestion(
    store: Store,
) -> None:
    saved(store, certain("a.jpg"), doubtful("b.jpg"))
    queue = ReviewQueue(store, 1)
    first = {task.photo.name for task in queue.look("one")}

    for image_id in (1, 2):
        queue.review("Coat", "Kim", image_id=image_id)

    assert first == {"a.jpg", "b.jpg"}
    assert queue.left() == Left(unreadable=0, doubtful=0, blind=1)
    assert names(queue.look("one")) == ["a.jpg"]  # whoever had it before them has it still
    queue.answer("one", "Lou", queue.look("one")[0].photo_key, "Bag", 1.0)
    assert queue.left().total == 0
    assert queue.look("one") == []


def test_the_blind_sample_has_the_share_that_was_asked_for(store: Store) -> None:
    saved(store, *(certain(f"{n}.jpg") for n in range(1000)))

    assert ReviewQueue(store, 0).left().blind == 0
    assert 10 <= ReviewQueue(store, 0.02).left().blind <= 32
    assert ReviewQueue(store, 1).left().blind == 1000


def test_the_blind_sample_is_mixed_in_evenly(store: Store) -> None:
    certains = [certain(f"{n}.jpg") for n in range(50)]
    saved(store, *certains, *(doubtful(f"d{n}.jpg") for n in range(50)))
    queue = ReviewQueue(store, 1, random.Random(7))

    first = all_of(queue)[:50]

    assert 15 <= sum(not name.startswith("d") for name in first) <= 35


def test_the_blind_sample_is_of_the_newest_runs(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(review_queue, "NEWEST_RUNS", review_stacks.NEWEST_RUNS.limit(2))
    for n in range(4):
        saved(store, certain(f"{n}.jpg"))
    saved(store)

    assert ReviewQueue(store, 1).left().blind == 2


def test_programs_can_review_what_somebody_has_before_them(
    store: Store, queue: ReviewQueue
) -> None:
    saved(store, doubtful("a.jpg"), doubtful("b.jpg"), unreadable("c.jpg"))
    assert names(queue.look("one")) == ["c.jpg", "a.jpg"]

    of_failure = queue.review(AGAIN, "robot", failure_id=1)
    of_prediction = queue.review("Coat", "robot", image_id=1, seconds=0.25)

    assert (of_failure.photo, of_failure.image_id) == (Photo("images", "c.jpg", "1", 0), None)
    assert (of_prediction.reviewed_category, of_prediction.seconds) == ("Coat", 0.25)
    assert names(queue.look("one")) == ["b.jpg"]
    queue.review(UNDONE, "robot", image_id=1)
    assert "a.jpg" in names(queue.look("one"))


def test_what_is_not_there_cannot_be_reviewed(queue: ReviewQueue) -> None:
    with pytest.raises(LookupError, match="no prediction 7"):
        queue.review("Coat", "robot", image_id=7)
    with pytest.raises(LookupError, match="no failure 7"):
        queue.review("Coat", "robot", failure_id=7)


def test_where_looking_takes_long_it_is_done_seldom_and_nothing_is_lost(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(review_stacks, "_AT_ONCE", -1.0)  # everything takes long
    monkeypatch.setattr(review_stacks, "_LOOKING_SHARE", 1e-9)
    saved(store, *(doubtful(f"{n:03}.jpg", n / 1000) for n in range(230)))

    queue = ReviewQueue(store, 0)
    seen = all_of(queue)

    assert seen == [f"{n:03}.jpg" for n in range(230)]
    assert queue.left().total == 0


@pytest.mark.parametrize("act", ["answer", "skip", "undo", "review"])
def test_an_act_whose_end_was_not_heard_of_is_done_once(
    sql_server: SqlServer, server_store: Store, tmp_path: Path, act: str
) -> None:
    saved(server_store, doubtful("a.jpg", 0.1), doubtful("b.jpg", 0.2), doubtful("c.jpg", 0.3))
    queue = ReviewQueue(server_store, 0)
    task = queue.look("one")[0]
    if act == "undo":
        queue.answer("one", "Kim", task.photo_key, "Coat", 1.0)
    before = len(reviews(tmp_path))
    sql_server.fail("committed", BROKEN)

    match act:
        case "answer":
            assert queue.answer("one", "Kim", task.photo_key, "Coat", 1.0).accepted
        case "skip":
            assert names(queue.skip("one", task.photo_key).tasks) == ["b.jpg", "c.jpg"]
        case "undo":
            assert names(queue.undo("one", "Kim").tasks)[0] == "a.jpg"
        case "review":
            queue.review("Coat", "robot", image_id=1)

    assert len(reviews(tmp_path)) - before == (0 if act == "skip" else 1)


def test_a_database_of_the_first_version_keeps_its_reviews(tmp_path: Path) -> None:
    store = Store(f"sqlite:///{tmp_path}/clothing.db")
    store.write(lambda connection: upgraded(connection, "0001"))
    with opened(tmp_path) as connection:
        connection.executescript(FIRST_VERSION)

    store.ready()

    with opened(tmp_path) as connection:
        rows = connection.execute("SELECT category, predicted_category FROM current_prediction")
        assert rows.fetchall() == [("Coat", "Bag")]
        assert connection.execute("PRAGMA foreign_key_check").fetchall() == []
    assert reviews(tmp_path) == [("Coat", "Kim", None, 0)]
    assert ReviewQueue(store, 1).left().total == 0
    with pytest.raises(StoreError, match="FOREIGN KEY"):  # which the upgrade had put aside
        store.write(lambda line: line.execute(sa.text("DELETE FROM image_prediction")))
    store.dispose()


def upgraded(connection: sa.Connection, version: str) -> None:
    """Bring an empty database to a version that is not the newest."""
    config = Config()
    config.set_main_option("script_location", "clothing:migrations")
    config.attributes["connection"] = connection
    command.upgrade(config, version)


FIRST_VERSION = """
INSERT INTO batch_run VALUES
    (1, 'failed', 'http', '', 0, '2026-11-22', '2026-11-22', NULL, 'm', 'p', 1, 1, 1, 0, 0, NULL);
INSERT INTO image_prediction VALUES
    (1, 'a.jpg', 'Bag', '2026-11-22', 1, 'images', 'e', 'k', 'a', 0, 0.5, 0.1, 1, 'why', 'm', 'p');
INSERT INTO image_review VALUES (1, 1, 'k', 'e', 'Coat', 'Kim', '2026-11-22');
"""


def test_who_is_always_slower_is_told(
    store: Store, queue: ReviewQueue, monkeypatch: pytest.MonkeyPatch
) -> None:
    saved(store, doubtful("a.jpg"))

    def take_first(*_asked: object) -> None:
        raise IntegrityError("", None, Exception("taken"))

    monkeypatch.setattr(review_queue, "_claim", take_first)

    with pytest.raises(StoreError, match="Too many people"):
        queue.look("one")
