"""What pages ask of the tables, on a real SQLite, and as T-SQL on the stand-in."""

from datetime import UTC, datetime, timedelta

import pytest

from clothing.forgetting import forget
from clothing.labelled import LABELS
from clothing.labels import AGAIN, UNDONE
from clothing.photos import Counts
from clothing.questions import (
    Row,
    Tallies,
    Tally,
    Verdict,
    Wanted,
    all_failures,
    all_photos,
    checked,
    failures,
    history,
    now,
    photo,
    photos,
    reasons,
    reviewed_photos,
    reviews,
    tallies,
    verdicts,
)
from clothing.standing import Moment
from clothing.store import Store
from tests.nights import MODEL, a_failure, a_night, a_prediction, a_review


def names(rows: list[Row]) -> list[str]:
    return [row.photo.name for row in rows]


def test_photos_come_newest_first_and_go_on_from_a_number(either_store: Store) -> None:
    a_night(either_store, *(a_prediction(f"{n}.jpg") for n in range(5)))

    first = photos(either_store, Wanted(), limit=2)
    rest = photos(either_store, Wanted(), before=first[-1].number, limit=9)

    assert names(first) == ["4.jpg", "3.jpg"]
    assert names(rest) == ["2.jpg", "1.jpg", "0.jpg"]


def test_of_each_photo_the_newest_answer_counts_unless_a_run_is_wanted(either_store: Store) -> None:
    first = a_night(either_store, a_prediction("a.jpg", "Bag"), a_prediction("b.jpg"))
    a_night(either_store, a_prediction("a.jpg", "Coat"), model="m-2")

    assert [(row.photo.name, row.category) for row in photos(either_store, Wanted())] == [
        ("a.jpg", "Coat"),
        ("b.jpg", "Bag"),
    ]
    assert [row.category for row in photos(either_store, Wanted(run_id=first.run_id))] == [
        "Bag",
        "Bag",
    ]


def test_a_review_decides_the_category_until_it_is_undone(either_store: Store) -> None:
    a_night(either_store, a_prediction("a.jpg", "Bag"), a_prediction("b.jpg", "Bag"))
    a_review(either_store, 1, "Coat")

    (row,) = photos(either_store, Wanted(category="Coat"))
    assert (row.photo.name, row.review and row.review.reviewer) == ("a.jpg", "Ada")
    assert names(photos(either_store, Wanted(category="Bag"))) == ["b.jpg"]

    a_review(either_store, 1, UNDONE)
    assert photos(either_store, Wanted(category="Coat")) == []
    assert names(photos(either_store, Wanted(category="Bag"))) == ["b.jpg", "a.jpg"]


def test_a_review_of_other_content_says_nothing(either_store: Store) -> None:
    a_night(either_store, a_prediction("a.jpg", "Bag"))
    a_review(either_store, 1, "Coat")
    a_night(either_store, a_prediction("a.jpg", "Bag", etag="2"))

    assert [row.category for row in photos(either_store, Wanted())] == ["Bag"]


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        (Wanted(pile="check"), ["b.jpg"]),
        (Wanted(pile="sorted"), ["Night/50%_off[1].jpg", "a.jpg"]),
        (Wanted(pile="unreadable"), []),
        (Wanted(category="Dress"), []),
        (Wanted(least=0.8), ["a.jpg"]),
        (Wanted(most=0.5), ["b.jpg"]),
        (Wanted(name="NIGHT"), ["Night/50%_off[1].jpg"]),
        (Wanted(name="50%_off[1]"), ["Night/50%_off[1].jpg"]),
        (Wanted(name="%"), ["Night/50%_off[1].jpg"]),
        (Wanted(name="[a-z]"), []),
        (Wanted(name="_.jpg"), []),
        (Wanted(run_id=99), []),
    ],
    ids=str,
)
def test_photos_are_chosen(either_store: Store, wanted: Wanted, expected: list[str]) -> None:
    a_night(
        either_store,
        a_prediction("a.jpg", "Bag", 0.9),
        a_prediction("b.jpg", "Coat", 0.4, "looks like Coat or Shirt"),
        a_prediction("Night/50%_off[1].jpg", "Bag", 0.7),
    )

    assert names(photos(either_store, wanted)) == expected


def test_names_are_found_in_any_case_beyond_a_to_z(either_store: Store) -> None:
    a_night(either_store, a_prediction("Rückgabe Ŀøđž.jpg"), a_prediction("Ruckgabe.jpg"))

    assert names(photos(either_store, Wanted(name="RÜCKGABE ĿØĐŽ"))) == ["Rückgabe Ŀøđž.jpg"]


def test_days_choose_runs_by_their_start(either_store: Store) -> None:
    now = datetime.now(UTC)
    for ago in (9, 5, 1):
        a_night(
            either_store, a_prediction(f"{ago}.jpg"), a_failure(f"{ago} broken.jpg"), days_ago=ago
        )
    middle = Wanted(since=now - timedelta(days=7), until=now - timedelta(days=3))

    assert names(photos(either_store, middle)) == ["5.jpg"]
    assert names(failures(either_store, middle)) == ["5 broken.jpg"]
    assert names(photos(either_store, Wanted(until=now - timedelta(days=3)))) == ["5.jpg", "9.jpg"]
    assert photos(either_store, Wanted(since=now)) == []
    assert failures(either_store, Wanted(since=now)) == []


def test_days_without_answers_are_empty(either_store: Store) -> None:
    a_night(either_store, a_failure())

    assert photos(either_store, Wanted(since=datetime(2020, 1, 1, tzinfo=UTC))) == []


def test_a_photo_that_was_read_since_is_unreadable_no_more(either_store: Store) -> None:
    first = a_night(either_store, a_failure("a.jpg"), a_failure("b.jpg"), a_failure("c.jpg"))
    a_night(either_store, a_prediction("a.jpg"), a_failure("b.jpg", "a PDF, not a photo"))

    now = failures(either_store, Wanted(pile="unreadable"))
    then = failures(either_store, Wanted(run_id=first.run_id))

    assert [(row.photo.name, row.run_id) for row in now] == [("b.jpg", 2), ("c.jpg", 1)]
    assert names(then) == ["c.jpg", "b.jpg", "a.jpg"]
    assert names(failures(either_store, Wanted(name="C."))) == ["c.jpg"]
    assert failures(either_store, Wanted(category="Bag")) == []


def test_a_photo_that_could_be_read_no_more_lies_on_one_pile(either_store: Store) -> None:
    a_night(either_store, a_prediction("a.jpg"), a_prediction("b.jpg"))
    before = now(either_store)
    a_night(either_store, a_failure("a.jpg"))

    assert names(photos(either_store, Wanted())) == ["b.jpg"]
    assert names(failures(either_store, Wanted())) == ["a.jpg"]
    assert names(list(all_photos(either_store, Wanted(), before))) == ["b.jpg", "a.jpg"]
    assert names(photos(either_store, Wanted(run_id=1))) == ["b.jpg", "a.jpg"]

    a_night(either_store, a_prediction("a.jpg", etag="2"))
    assert names(photos(either_store, Wanted())) == ["a.jpg", "b.jpg"]
    assert failures(either_store, Wanted()) == []


def test_all_photos_are_read_in_parts(either_store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("clothing.questions.PART", 2)
    a_night(either_store, *(a_prediction(f"{n}.jpg") for n in range(5)))

    assert [row.number for row in all_photos(either_store, Wanted())] == [5, 4, 3, 2, 1]


def test_all_photos_stay_as_they_were_while_they_are_read(
    either_store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("clothing.questions.PART", 2)
    a_night(either_store, *(a_prediction(f"{n}.jpg", "Coat") for n in range(5)))
    a_review(either_store, 1, "Dress")
    reading = all_photos(either_store, Wanted())
    first = next(reading)

    a_night(either_store, *(a_prediction(f"{n}.jpg", "Bag") for n in range(6)), model="m-2")
    a_review(either_store, 1, "Coat")
    a_review(either_store, 2, "Coat")
    rows = [first, *reading]

    assert [row.photo.name for row in rows] == [f"{n}.jpg" for n in (4, 3, 2, 1, 0)]
    assert [row.category for row in rows] == ["Coat", "Coat", "Coat", "Coat", "Dress"]
    assert {row.category for row in all_photos(either_store, Wanted())} == {"Bag", "Coat"}


def test_all_failures_stay_as_they_were_while_they_are_read(
    either_store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("clothing.questions.PART", 2)
    a_night(either_store, *(a_failure(f"{n}.jpg") for n in range(5)))
    reading = all_failures(either_store, Wanted())
    first = next(reading)

    a_night(either_store, a_prediction("0.jpg"), *(a_failure(f"{n}.jpg") for n in range(1, 6)))

    assert [row.photo.name for row in (first, *reading)] == [f"{n}.jpg" for n in (4, 3, 2, 1, 0)]
    assert [row.photo.name for row in all_failures(either_store, Wanted())] == [
        f"{n}.jpg" for n in (5, 4, 3, 2, 1)
    ]


def test_lists_that_belong_together_share_a_moment(either_store: Store) -> None:
    a_night(either_store, a_failure("a.jpg"), a_prediction("b.jpg"))
    moment = now(either_store)

    a_night(either_store, a_prediction("a.jpg"), a_failure("b.jpg"), model="m-2")

    assert names(list(all_photos(either_store, Wanted(), moment))) == ["b.jpg"]
    assert names(list(all_failures(either_store, Wanted(), moment))) == ["a.jpg"]


def test_parts_that_are_asked_for_one_by_one_stay_as_they_were(either_store: Store) -> None:
    a_night(either_store, *(a_prediction(f"{n}.jpg") for n in range(3)), a_failure("x.jpg"))
    moment = now(either_store)
    a_night(
        either_store,
        *(a_prediction(f"{n}.jpg", "Coat") for n in range(4)),
        a_failure("y.jpg"),
        model="m-2",
    )
    a_night(either_store, a_prediction("x.jpg"))

    first = photos(either_store, Wanted(), limit=2, moment=moment)
    rest = photos(either_store, Wanted(), before=first[-1].number, moment=moment)

    assert names(first) == ["2.jpg", "1.jpg"]
    assert names(rest) == ["0.jpg"]
    assert names(failures(either_store, Wanted(), moment=moment)) == ["x.jpg"]


def test_there_is_a_moment_before_the_first_row(either_store: Store) -> None:
    assert now(either_store) == Moment(0, 0, 0)
    assert list(all_photos(either_store, Wanted())) == []


def test_one_photo_with_its_history_and_reviews(either_store: Store) -> None:
    a_night(either_store, a_failure("a.jpg"))
    a_night(either_store, a_prediction("a.jpg", "Bag"), a_prediction("b.jpg"))
    a_night(either_store, a_prediction("a.jpg", "Coat"), model="m-2")
    a_review(either_store, 1, "Dress")
    a_review(either_store, 1, "Coat", blind=True)

    row = photo(either_store, 1)

    assert row.review and (row.review.category, row.review.blind) == ("Coat", True)
    assert [(one.pile, one.run_id) for one in history(either_store, row.photo)] == [
        ("sorted", 3),
        ("sorted", 2),
        ("unreadable", 1),
    ]
    assert [review.category for review in reviews(either_store, row.photo)] == ["Coat", "Dress"]
    with pytest.raises(LookupError, match="no photo 99"):
        photo(either_store, 99)


def test_what_people_said_is_of_the_content_that_is_asked_for(either_store: Store) -> None:
    a_night(either_store, a_prediction("a.jpg", "Bag"))
    a_night(either_store, a_prediction("a.jpg", "Coat", etag="2"))
    a_review(either_store, 1, "Dress")
    a_review(either_store, 2, "Shirt")

    before, after = (photo(either_store, number).photo for number in (1, 2))

    assert [review.category for review in reviews(either_store, before)] == ["Dress"]
    assert [review.category for review in reviews(either_store, after)] == ["Shirt"]


def test_reasons_are_counted(either_store: Store) -> None:
    run = a_night(
        either_store, a_failure("a"), a_failure("b", "a PDF, not a photo"), a_failure("c")
    )

    assert reasons(either_store, run.run_id) == [
        ("the file is empty", 2),
        ("a PDF, not a photo", 1),
    ]


def test_runs_are_counted_by_category(either_store: Store) -> None:
    a_night(either_store, a_prediction("a", "Bag"), a_prediction("b", "Bag", 0.5, "doubtful"))
    a_night(either_store, a_failure())

    assert tallies(either_store, [1, 2]) == {1: Tally({"Bag": 2}, 1, 1.4), 2: Tally({}, 0, 0.0)}


def test_a_run_that_is_over_is_counted_once(store: Store) -> None:
    over = a_night(store, a_prediction())
    going_on = store.open_run("test")
    store.describe_run(going_on.run_id, MODEL, "p")
    counted = Tallies(store)
    counted.of([over, going_on])
    store.save(store.run(2), [a_prediction("b.jpg", "Coat")], Counts(1, 1))

    later = counted.of([over, going_on])

    assert later[2].by_category == {"Coat": 1}
    assert later[1] == Tally({"Bag": 1}, 0, 0.9)


def test_what_was_forgotten_since_is_counted_no_more(
    either_store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs = [
        a_night(either_store, *(a_prediction(f"{night}/{n}") for n in range(3))) for night in "abc"
    ]
    counted = Tallies(either_store)
    counted.of(runs)
    forget(either_store, "images", "a/")
    forget(either_store, "images", "b/1")

    assert [tally.classified for tally in counted.of(runs).values()] == [3, 3, 3]  # not yet
    monkeypatch.setattr("clothing.questions.LOOK_AGAIN", 0)
    assert [tally.classified for tally in counted.of(runs).values()] == [0, 2, 3]
    assert [tally.classified for tally in counted.of(runs).values()] == [0, 2, 3]


def test_what_has_been_checked_is_counted(either_store: Store) -> None:
    doubtful = [a_prediction(f"{n}.jpg", "Bag", 0.4, "doubtful") for n in range(3)]
    run = a_night(either_store, *doubtful, a_prediction("sure.jpg"))
    a_review(either_store, 1, "Bag")
    a_review(either_store, 2, "Bag")
    a_review(either_store, 2, UNDONE)
    a_review(either_store, 4, "Bag", blind=True)

    assert checked(either_store, run.run_id) == 1


def test_verdicts_are_the_newest_of_each_photo_on_one_model(either_store: Store) -> None:
    a_night(either_store, a_prediction("a.jpg"), a_prediction("b.jpg"), a_prediction("c.jpg"))
    a_night(either_store, a_prediction("a.jpg"), model="m-2")
    a_review(either_store, 1, "Coat")
    a_review(either_store, 1, "Bag")
    a_review(either_store, 2, "Bag")
    a_review(either_store, 3, UNDONE)
    a_review(either_store, 4, "Dress")

    assert verdicts(either_store, MODEL) == [Verdict(1, "Bag", "Bag", 1)]
    assert verdicts(either_store, "m-2") == [Verdict(2, "Bag", "Dress", 1)]


def test_a_blind_answer_counts_whatever_somebody_says_who_sees_it(either_store: Store) -> None:
    a_night(either_store, *(a_prediction(f"{n}.jpg") for n in range(4)))
    a_review(either_store, 1, "Coat", blind=True)
    a_review(either_store, 1, "Coat")  # who confirms it takes no error away
    a_review(either_store, 2, "Dress", blind=True)
    a_review(either_store, 2, "Bag", blind=True)
    a_review(either_store, 3, "Bag", blind=True)
    a_review(either_store, 3, UNDONE)
    a_review(either_store, 4, "Bag")

    said = sorted(verdicts(either_store, MODEL, blind=True), key=lambda one: one.reviewed)

    assert said == [Verdict(1, "Bag", "Bag", 1), Verdict(1, "Bag", "Coat", 1)]


def test_reviewed_photos_are_those_with_a_category(
    either_store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("clothing.questions.PART", 2)
    a_night(either_store, *(a_prediction(f"{n}.jpg") for n in range(4)))
    for image_id, said in ((1, "Coat"), (2, AGAIN), (3, "(none)"), (4, "Bag"), (4, UNDONE)):
        a_review(either_store, image_id, said)

    assert list(reviewed_photos(either_store, LABELS)) == [("0.jpg", "Coat"), ("2.jpg", "(none)")]


def test_nothing_is_learned_from_what_people_said_of_content_that_is_gone(
    either_store: Store,
) -> None:
    a_night(either_store, *(a_prediction(f"{n}.jpg") for n in range(3)))
    for image_id in (1, 2, 3):
        a_review(either_store, image_id, "Coat")
    a_night(either_store, a_prediction("0.jpg", etag="2"), a_failure("1.jpg"))

    assert list(reviewed_photos(either_store, LABELS)) == [("2.jpg", "Coat")]
