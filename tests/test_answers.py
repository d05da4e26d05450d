"""What a run says of every photo in its container."""

from clothing.answers import answers_of
from clothing.batch import run_batch
from clothing.classifier import Classifier
from clothing.photos import Failure, Run
from clothing.storage import FolderContainer
from clothing.store import Store, StoredPrediction
from clothing.walk import Tuning
from tests.pictures import jpeg


def a_run(store: Store, images: FolderContainer, classifier: Classifier) -> Run:
    return run_batch(store, store.open_run("test"), images, lambda: classifier, Tuning(2, 2, 2))


def names_of(outcomes: list[StoredPrediction | Failure]) -> list[str]:
    return [
        one.photo.name if isinstance(one, Failure) else one.prediction.photo.name
        for one in outcomes
    ]


def test_a_run_that_skipped_everything_still_answers_for_all(
    store: Store, images: FolderContainer, classifier: Classifier
) -> None:
    first = a_run(store, images, classifier)
    second = a_run(store, images, classifier)

    answers = answers_of(second, store, images)

    assert names_of(answers.outcomes) == ["a.jpg", "b.jpg", "night/c.jpg"]
    stored = [one for one in answers.outcomes if isinstance(one, StoredPrediction)]
    assert {one.run_id for one in stored} == {first.run_id}
    assert answers.next_after is None


def test_an_older_run_knows_nothing_of_what_came_after_it(
    store: Store, images: FolderContainer, classifier: Classifier
) -> None:
    first = a_run(store, images, classifier)
    (images.folder / "late.jpg").write_bytes(jpeg(size=(30, 50)))
    again = store.open_run("test", force=True)
    run_batch(store, again, images, lambda: classifier, Tuning(2, 2, 2))

    answers = answers_of(first, store, images)

    assert names_of(answers.outcomes) == ["a.jpg", "b.jpg", "night/c.jpg"]
    assert {one.run_id for one in answers.outcomes if isinstance(one, StoredPrediction)} == {1}


def test_failures_stand_among_the_answers(
    store: Store, images: FolderContainer, classifier: Classifier
) -> None:
    (images.folder / "aa.jpg").write_bytes(b"")
    run = a_run(store, images, classifier)

    answers = answers_of(run, store, images)

    assert names_of(answers.outcomes) == ["a.jpg", "aa.jpg", "b.jpg", "night/c.jpg"]
    assert isinstance(answers.outcomes[1], Failure)


def test_answers_come_in_parts(
    store: Store, images: FolderContainer, classifier: Classifier
) -> None:
    run = a_run(store, images, classifier)

    first = answers_of(run, store, images, limit=2)
    rest = answers_of(run, store, images, after=first.next_after or "", limit=2)

    assert names_of(first.outcomes) == ["a.jpg", "b.jpg"]
    assert names_of(rest.outcomes) == ["night/c.jpg"]
    assert rest.next_after is None


def test_a_part_that_ends_with_the_last_photo_has_no_next(
    store: Store, images: FolderContainer, classifier: Classifier
) -> None:
    run = a_run(store, images, classifier)

    assert answers_of(run, store, images, limit=3).next_after is None


def test_a_photo_that_came_after_the_run_has_no_answer_yet(
    store: Store, images: FolderContainer, classifier: Classifier
) -> None:
    run = a_run(store, images, classifier)
    (images.folder / "late.jpg").write_bytes(jpeg())

    answers = answers_of(run, store, images)

    assert "late.jpg" not in names_of(answers.outcomes)


def test_a_run_that_never_had_a_model_has_no_answers(store: Store, images: FolderContainer) -> None:
    run = store.open_run("test")

    assert answers_of(run, store, images).outcomes == []
