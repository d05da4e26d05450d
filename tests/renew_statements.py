"""Writes tests/golden/sql_server.sql anew: every statement that the store sends to SQL Server.

    python -m tests.renew_statements

The store's public operations are carried out, one after the other, on SQLAlchemy's real dialect
for SQL Server with a stand-in behind it that notes what arrives. A test fails when the file is
stale, when a public operation is missing below, and when any other test sends what is not in it.
Read the difference before you commit it: SQLite takes much that SQL Server does not.
"""

import re
import tempfile
from collections.abc import Callable
from pathlib import Path
from unittest.mock import patch

from clothing.photos import Counts, Failure, Photo, Prediction
from clothing.store import STALE, Store
from tests.sql_server_double import SERVER_URL, stand_in

GOLDEN = Path(__file__).parent / "golden" / "sql_server.sql"

PHOTO = Photo("images", "a.jpg", "1", 0)
BROKEN = Photo("images", "b.jpg", "1", 0)
PREDICTION = Prediction(PHOTO, "Bag", 0.5, 0.4, (0.05,) * 8 + (0.5, 0.1), False, "")


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
        store.save(store.run(1), [PREDICTION, failure], Counts(2, 1, 1))

    return {
        "schema_version": store.schema_version,
        "upgrade": store.upgrade,
        "ready": store.ready,
        "clock": store.clock,
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
        "waiting_for_review": store.waiting_for_review,
        "answered": lambda: store.answered([PHOTO], "m-1", "p-1"),
        "answers": lambda: store.answers([PHOTO], "m-1", "p-1"),
        "failures": lambda: store.failures(1, [BROKEN]),
        "failures_of": lambda: store.failures_of(1),
        "predictions": lambda: [
            store.predictions(),
            store.predictions(run_id=1),
            store.predictions(category="Bag"),
            store.predictions(needs_review=True),
            store.predictions(needs_review=False),
            store.predictions(run_id=1, category="Bag", needs_review=True, after=3, limit=7),
        ],
        "prediction": lambda: store.prediction(1),
        "open_run, over a dead one": lambda: take_over(store),
        "close_run, without counts": lambda: store.close_run(3, "failed", None, "no model"),
        "dispose": store.dispose,
    }


def take_over(store: Store) -> None:
    """Open a run while another one shows no life."""
    store.open_run("test")
    with patch("clothing.store.STALE", -STALE):
        store.open_run("test")


def in_one_form(statement: str) -> str:
    """Return a statement without what differs from call to call: how many keys, how many rows."""
    text = re.sub(r"IN \(\?(, \?)*\)", "IN (?, …)", statement)
    text = re.sub(r"TOP \d+", "TOP n", text)
    return "\n".join(line.rstrip().expandtabs(4) for line in text.strip().splitlines())


if __name__ == "__main__":
    GOLDEN.write_text(golden_statements(), encoding="utf-8")
    print(GOLDEN)
