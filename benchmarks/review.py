"""How soon `/review` shows the next photo: `python -m benchmarks review [--photos PHOTOS]`.

Asks the real app, once with an empty database and once with so many predictions (100,000), where
the more doubtful half of what is to check is reviewed already: the walk past it is the slow part.
Prints milliseconds side by side; a page in the browser adds what the network takes.
"""

import os
import re
import tempfile
from collections.abc import Callable
from pathlib import Path
from statistics import median, quantiles
from time import perf_counter

import click
import sqlalchemy as sa
from flask.testing import FlaskClient

from benchmarks.filled import fill
from clothing.tables import image_prediction, image_review
from clothing.web import create_app

TURNS = 200
WARM_UP = 5


@click.command()
@click.option("--photos", "number", default=100_000, show_default=True, type=click.IntRange(1000))
def main(number: int) -> None:
    """Print what a turn of the review takes with no prediction and with many."""
    columns = {"empty": measured(0), f"{number:,} predictions": measured(number)}
    print("| milliseconds, median (95th percentile) | " + " | ".join(columns) + " |")
    print("|---|" + "---|" * len(columns))
    for row in columns["empty"]:
        cells = (
            f"{middle:.1f} ({late:.1f})" for middle, late in (c[row] for c in columns.values())
        )
        print(f"| {row} | " + " | ".join(cells) + " |")


def measured(number: int) -> dict[str, tuple[float, float]]:
    """Return median and 95th percentile of each request, with so many predictions."""
    with tempfile.TemporaryDirectory() as folder:
        database = f"sqlite:///{Path(folder).as_posix()}/clothing.db"
        app = create_app({**os.environ, "DATABASE_URL": database})
        if number:
            store = app.extensions["site"].parts.store
            fill(store, number)
            store.write(review_half)
        client = app.test_client()
        client.post("/name", data={"name": "benchmark"})
        try:
            return {
                "`GET /review`": timed(lambda: client.get("/review")),
                "`POST /review`: save the answer, give the next": timed(answering(client)),
            }
        finally:
            app.extensions["site"].close()


def answering(client: FlaskClient) -> Callable[[], object]:
    """Return what answers the photo that is shown, as the page's script does."""
    page = client.get("/review").text

    def answer() -> None:
        nonlocal page
        fields = dict(re.findall(r'name="(\w+)" value="([^"]*)">', page))
        fields |= {"answer": "Bag" if fields["task"] else "skip", "part": "1"}
        page = client.post("/review", data=fields).text

    return answer


def timed(ask: Callable[[], object]) -> tuple[float, float]:
    """Return median and 95th percentile of the milliseconds that something takes."""
    took = []
    for _ in range(WARM_UP + TURNS):
        begun = perf_counter()
        ask()
        took.append(1000 * (perf_counter() - begun))
    return median(took[WARM_UP:]), quantiles(took[WARM_UP:], n=20)[-1]


def review_half(connection: sa.Connection) -> None:
    """Add reviews of the more doubtful half, which come before what is still to do."""
    table = image_prediction.c
    doubtful = sa.select(sa.func.count(table.image_id)).where(table.needs_review == sa.true())
    half = connection.execute(doubtful).scalar_one() // 2
    names = ["image_id", "photo_key", "etag", "reviewed_category", "reviewer", "timestamp"]
    words = sa.literal("Bag"), sa.literal("somebody")
    rows = (
        sa.select(table.image_id, table.photo_key, table.etag, *words, table.timestamp)
        .where(table.needs_review == sa.true())
        .order_by(table.margin)
        .limit(half)
    )
    connection.execute(sa.insert(image_review).from_select(names, rows))
