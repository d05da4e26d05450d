"""Runs as they lie in the tables, written without a model: for the pages and the spreadsheets."""

from datetime import datetime, timedelta
from typing import Any
from unittest.mock import patch

import sqlalchemy as sa

from clothing.card import WHOLE_IN_COLOUR
from clothing.database import now_in_tables
from clothing.labels import CATEGORIES
from clothing.photos import Counts, Failure, Outcome, Photo, Prediction, Run, RunStatus, photo_key
from clothing.store import Store
from clothing.tables import batch_run, image_review

MODEL, STEPS = "m-1", WHOLE_IN_COLOUR


def a_prediction(
    name: str = "a.jpg",
    category: str = "Bag",
    confidence: float = 0.9,
    reason: str = "",
    etag: str = "1",
) -> Prediction:
    """Return a prediction; with a reason a person should look."""
    rest = (1 - confidence) / (len(CATEGORIES) - 1)
    row = tuple(confidence if one == category else rest for one in CATEGORIES)
    photo = Photo("images", name, etag, 0)
    return Prediction(photo, category, confidence, confidence - rest, row, bool(reason), reason)


def a_failure(name: str = "broken.jpg", reason: str = "the file is empty") -> Failure:
    """Return a photo that could not be read."""
    return Failure(Photo("images", name, "1", 0), "decode", reason)


def a_night(
    store: Store,
    *outcomes: Outcome,
    days_ago: float = 0,
    model: str = MODEL,
    force: bool = False,
    status: RunStatus = "succeeded",
) -> Run:
    """Write a run with these outcomes that succeeded, or ended or goes on as told; return it."""
    store.ready()
    back = timedelta(days=days_ago)
    with patch("clothing.store.now_in_tables", lambda: now_in_tables() - back):
        run = store.open_run("http", force=force)
        store.describe_run(run.run_id, model, STEPS)
        run = store.run(run.run_id)
        failed = sum(isinstance(outcome, Failure) for outcome in outcomes)
        counts = Counts(len(outcomes), len(outcomes) - failed, failed)
        store.save(run, outcomes, counts)
        if status != "running":
            store.close_run(run.run_id, status, counts, None)
    return store.run(run.run_id)


def a_review(
    store: Store, image_id: int, category: str, reviewer: str = "Ada", **columns: Any
) -> None:
    """Write what a person said of an answer."""
    photo = store.prediction(image_id).prediction.photo
    row = {
        "image_id": image_id,
        "photo_key": photo_key(photo),
        "etag": photo.etag,
        "reviewed_category": category,
        "reviewer": reviewer,
        "timestamp": now_in_tables(),
        "seconds": None,
        "blind": False,
        **columns,
    }
    store.write(lambda connection: connection.execute(sa.insert(image_review), row))


def started_at(store: Store, run: Run, moment: datetime) -> None:
    """Move a run to where it starts at a moment."""
    run = store.run(run.run_id)
    moved = {
        name: (time + (moment - run.started_at)).replace(tzinfo=None)
        for name in ("started_at", "heartbeat_at", "finished_at")
        if (time := getattr(run, name))
    }
    change = sa.update(batch_run).where(batch_run.c.run_id == run.run_id).values(moved)
    store.write(lambda connection: connection.execute(change))
