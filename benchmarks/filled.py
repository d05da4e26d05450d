"""A database as it looks after four weeks of nights: runs, answers, failures and reviews.

Drawn with a fixed seed, so that a figure means the same on every day.
"""

from datetime import UTC, datetime, timedelta

import numpy as np
import sqlalchemy as sa

from clothing.card import WHOLE_IN_COLOUR
from clothing.labels import CATEGORIES
from clothing.photos import Counts, Failure, Outcome, Photo, Prediction, photo_key
from clothing.store import Store
from clothing.tables import batch_run, image_review

NIGHTS = 28
BATCH = 500
DOUBTFUL = 0.6
"""Confidence below which a photo of this database is to check."""

_USUAL = (0.18, 0.14, 0.1, 0.12, 0.06, 0.05, 0.1, 0.13, 0.07, 0.05)


def fill(store: Store, photos: int, nights: int = NIGHTS) -> None:
    """Write so many answers, dealt out over nights, with a few failures and reviews."""
    store.ready()
    random = np.random.default_rng(20)
    share = photos // nights
    for night in range(nights):
        number = share if night else photos - share * (nights - 1)
        started = datetime.now(UTC) - timedelta(days=nights - 1 - night, hours=8)
        _fill_night(store, random, night, number, started.replace(tzinfo=None))


def _fill_night(
    store: Store, random: np.random.Generator, night: int, number: int, started: datetime
) -> None:
    run = store.open_run("http")
    store.describe_run(run.run_id, "bench-1", WHOLE_IN_COLOUR)
    run, done, failed = store.run(run.run_id), 0, 0
    for begin in range(0, number, BATCH):
        some = [_outcome(random, night, n) for n in range(begin, min(begin + BATCH, number))]
        failed += sum(isinstance(one, Failure) for one in some)
        done += len(some)
        store.save(run, some, Counts(done, done - failed, failed))
    store.close_run(run.run_id, "succeeded", Counts(done, done - failed, failed), None)
    times = {"started_at": started, "finished_at": started + timedelta(minutes=9)}
    change = sa.update(batch_run).where(batch_run.c.run_id == run.run_id).values(times)
    store.write(lambda connection: connection.execute(change))
    _review(store, random, run.run_id)


def _outcome(random: np.random.Generator, night: int, number: int) -> Outcome:
    photo = Photo("images", f"2026-{night:02}/return-{night:02}-{number:06}.jpg", f"e{number}", 9)
    if number % 200 == 199:
        return Failure(photo, "decode", "the file is empty")
    chosen = int(random.choice(len(CATEGORIES), p=_USUAL))
    row = random.dirichlet(np.ones(len(CATEGORIES))) * random.uniform(0.05, 0.7)
    row[chosen] += 1 - row.sum()
    first, second = np.sort(row)[::-1][:2].tolist()
    doubtful = first < DOUBTFUL
    return Prediction(
        photo,
        CATEGORIES[int(row.argmax())],
        first,
        first - second,
        tuple(row.tolist()),
        doubtful,
        "looks like Shirt or Coat" if doubtful else "",
    )


def _review(store: Store, random: np.random.Generator, run_id: int) -> None:
    """Let a person look at the first doubtful photos of a run, and blindly at some others."""
    rows = []
    for doubtful, limit in ((True, 100), (False, 20)):
        for stored in store.predictions(run_id=run_id, needs_review=doubtful, limit=limit):
            found = stored.prediction
            right = random.random() < (0.7 if doubtful else 0.95)
            said = found.predicted_category if right else str(random.choice(CATEGORIES))
            rows.append(
                {
                    "image_id": stored.image_id,
                    "photo_key": photo_key(found.photo),
                    "etag": found.photo.etag,
                    "reviewed_category": said,
                    "reviewer": "Ada",
                    "timestamp": datetime.now(UTC).replace(tzinfo=None),
                    "seconds": 1.5,
                    "blind": not doubtful,
                }
            )
    if rows:
        store.write(lambda connection: connection.execute(sa.insert(image_review), rows))
