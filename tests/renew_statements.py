"""Writes tests/golden/sql_server.sql anew: every statement that is sent to SQL Server.

    python -m tests.renew_statements

What the store, the review queue, the questions and the forgetting can do is done, one after the
other, on SQLAlchemy's real dialect for SQL Server with a stand-in behind it that notes what
arrives. A test fails when the file is stale, when a public operation of the store or a question is
missing below, and when any other test sends what is not in it. Read the difference before you
commit it: SQLite takes much that SQL Server does not.
"""

import random
import re
import tempfile
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from unittest.mock import patch

from sqlalchemy.exc import DBAPIError, IntegrityError

from clothing import forgetting, questions
from clothing.labelled import LABELS
from clothing.photos import Counts, Failure, Photo, Prediction
from clothing.questions import Wanted
from clothing.review_queue import ReviewQueue, Turn
from clothing.store import STALE, Store
from tests.sql_server_double import BROKEN as BROKEN_LINE
from tests.sql_server_double import SERVER_URL, stand_in

GOLDEN = Path(__file__).parent / "golden" / "sql_server.sql"

PHOTO = Photo("images", "a.jpg", "1", 0)
BROKEN = Photo("images", "b.jpg", "1", 0)
PREDICTION = Prediction(PHOTO, "Bag", 0.5, 0.4, (0.05,) * 8 + (0.5, 0.1), False, "")
DOUBTFUL = replace(PREDICTION, photo=Photo("images", "c.jpg", "1", 0), needs_review=True)

LONG_AGO, FAR_AHEAD = datetime(2000, 1, 1, tzinfo=UTC), datetime(9999, 1, 1, tzinfo=UTC)


def golden_statements() -> str:
    """Return what each operation sends that none before it did."""
    with tempfile.TemporaryDirectory() as folder, stand_in(Path(folder) / "clothing.db") as server:
        store = Store(SERVER_URL)
        known: set[str] = set()
        parts = []
        for name, operation in operations(store).items():
            operation()
            sent = [in_one_form(text) for text in server.statements]
            new = [text for text in dict.fromkeys(sent) if text not in known]
            known |= set(new)
            parts += [f"-- {name}" + "".join(f"\n\n{text};" for text in new)]
        store.dispose()
    return "\n\n\n".join(parts) + "\n"


def operations(store: Store) -> dict[str, Callable[[], object]]:
    """Return every public operation of a store, to be done in this order on an empty database."""

    def save() -> None:
        failure = Failure(BROKEN, "decode", "the file is empty")
        store.save(store.run(1), [PREDICTION, DOUBTFUL, failure], Counts(3, 2, 1))

    def forget() -> None:
        run = store.open_run("test", prefix="a")
        store.close_run(run.run_id, "failed", None, "stopped")
        forgetting.forget(store, "images", "a")

    return {
        "schema_version": store.schema_version,
        "upgrade": store.upgrade,
        "ready": store.ready,
        "clock": store.clock,
        "empty_log": store.empty_log,
        "open_run": lambda: store.open_run("test"),
        "interrupt_stale_runs": store.interrupt_stale_runs,
        "describe_run": lambda: store.describe_run(1, "m-1", "p-1"),
        "beat": lambda: store.beat(1, Counts(), None),
        "save": save,
        "run": lambda: store.run(1),
        "active_run": store.active_run,
        "close_run": lambda: store.close_run(1, "succeeded", Counts(2, 1, 1), None),
        "runs": lambda: (store.runs(), store.runs(before=9)),
        "first_run": store.first_run,
        "last_success": store.last_success,
        "runs_by_status": store.runs_by_status,
        "answered": lambda: store.answered([PHOTO], "m-1", "p-1"),
        "answers": lambda: store.answers([PHOTO], "m-1", "p-1", 9),
        "failures": lambda: store.failures(1, [BROKEN]),
        "new_failures": lambda: store.new_failures(1),
        "predictions": lambda: [
            store.predictions(),
            store.predictions(run_id=1),
            store.predictions(category="Bag"),
            store.predictions(needs_review=True),
            store.predictions(needs_review=False),
            store.predictions(run_id=1, category="Bag", needs_review=True, after=3, limit=7),
        ],
        "prediction": lambda: store.prediction(1),
        "read": lambda: store.read(lambda connection: None),
        "write": lambda: store.write(lambda connection: None),
        "open_run, over a dead one": lambda: take_over(store),
        "close_run, without counts": lambda: store.close_run(3, "failed", None, "no model"),
        **review_operations(ReviewQueue(store, 1, random.Random(1))),
        **question_operations(store),
        "forgetting: known": lambda: forgetting.known(store, "images", "a"),
        "forgetting: forget": forget,
        "dispose": store.dispose,
    }


def review_operations(queue: ReviewQueue) -> dict[str, Callable[[], object]]:
    """Return every operation of the queue; one photo of each kind waits for somebody."""

    def answer(answer: str) -> Turn:
        return queue.answer("holder", "Kim", queue.look("holder")[0].photo_key, answer, 1.5)

    def skip() -> None:
        queue.skip("holder", queue.look("holder")[0].photo_key)

    def come_second() -> None:
        taken = IntegrityError("", None, Exception())
        with patch("clothing.review_queue._renew", side_effect=[taken, None]):
            queue.look("holder")

    def review_in_the_dark() -> None:
        lost = DBAPIError("", {}, BROKEN_LINE)
        with patch("clothing.review_queue._insert_review", side_effect=[lost, 1]):
            queue.review("Coat", "Kim", image_id=1)

    return {
        "review_queue: left": queue.left,
        "review_queue: look": lambda: queue.look("holder"),
        "review_queue: answer": lambda: answer("Coat"),
        "review_queue: skip": skip,
        "review_queue: undo": lambda: queue.undo("holder", "Kim"),
        "review_queue: release": lambda: queue.release("holder"),
        "review_queue: answer, nothing left": lambda: (answer("Bag"), answer("Bag")),
        "review_queue: review": lambda: [
            queue.review("Coat", "Kim", image_id=1),
            queue.review("Coat", "Kim", failure_id=1),
        ],
        "review_queue: come second": come_second,
        "review_queue: review, its first try lost": review_in_the_dark,
        "review_queue: done": lambda: queue.done("Kim", datetime.now(UTC)),
    }


def question_operations(store: Store) -> dict[str, Callable[[], object]]:
    """Return every question; lists by each filter alone, then by all at once."""

    def photos() -> None:
        for wanted in (
            Wanted(),
            Wanted(run_id=1),
            Wanted(category="Bag"),
            Wanted(pile="check"),
            Wanted(pile="sorted"),
            Wanted(name="50%_off[1]"),
            Wanted(least=0.2),
            Wanted(most=0.8),
            Wanted(since=LONG_AGO),
            Wanted(until=FAR_AHEAD),
            Wanted(since=store.run(2).started_at),  # from then on nothing was answered
        ):
            questions.photos(store, wanted)
        questions.photos(store, Wanted(), before=9)
        for run_id in (None, 1):
            wanted = Wanted(run_id, "Bag", "check", "a", 0.2, 0.8, LONG_AGO, FAR_AHEAD)
            questions.photos(store, wanted, before=9, limit=7)

    def failures() -> None:
        for wanted in (
            Wanted(),
            Wanted(run_id=1),
            Wanted(category="Bag"),
            Wanted(name="b"),
            Wanted(since=LONG_AGO),
        ):
            questions.failures(store, wanted)
        questions.failures(store, Wanted(), before=9)
        for run_id in (None, 1):
            wanted = Wanted(run_id, pile="unreadable", name="b", since=LONG_AGO, until=FAR_AHEAD)
            questions.failures(store, wanted, before=9, limit=7)

    return {
        "questions: photos": photos,
        "questions: failures": failures,
        "questions: now": lambda: questions.now(store),
        "questions: all_photos": lambda: list(questions.all_photos(store, Wanted())),
        "questions: all_failures": lambda: list(questions.all_failures(store, Wanted())),
        "questions: photo": lambda: questions.photo(store, 1),
        "questions: history": lambda: questions.history(store, PHOTO),
        "questions: reviews": lambda: questions.reviews(store, PHOTO),
        "questions: reasons": lambda: questions.reasons(store, 1),
        "questions: answers_left": lambda: questions.answers_left(store, [1, 2]),
        "questions: tallies": lambda: questions.tallies(store, [1, 2]),
        "questions: checked": lambda: questions.checked(store, 1),
        "questions: verdicts": lambda: questions.verdicts(store, "m-1"),
        "questions: verdicts, blind": lambda: questions.verdicts(store, "m-1", blind=True),
        "questions: reviewed_photos": lambda: list(questions.reviewed_photos(store, LABELS)),
    }


def take_over(store: Store) -> None:
    """Open a run while another one shows no life."""
    store.open_run("test")
    with patch("clothing.store.STALE", -10 * STALE):
        store.open_run("test")


def in_one_form(statement: str) -> str:
    """Return a statement without what differs from call to call: how many keys, how many rows."""
    text = re.sub(r"IN \(\?(, \?)*\)", "IN (?, …)", statement)
    text = re.sub(r"TOP \d+", "TOP n", text)
    return "\n".join(line.rstrip().expandtabs(4) for line in text.strip().splitlines())


if __name__ == "__main__":
    GOLDEN.write_text(golden_statements(), encoding="utf-8")
    print(GOLDEN)
