"""The pages for people: the morning sheet, its pictures, and the way in.

Owns what a page shows; the templates own how.
"""

import io
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime

from flask import Blueprint, Flask, Response, redirect, render_template, request, url_for
from PIL import Image
from werkzeug.wrappers import Response as AnyResponse

from clothing.answers import answers_of
from clothing.errors import ActiveRunError, PhotoError
from clothing.photos import Failure, Photo, Run
from clothing.preprocess import decode
from clothing.shapes import probabilities_of
from clothing.store import StoredPrediction
from clothing.web import access
from clothing.web.site import site

blueprint = Blueprint("pages", __name__)

PHOTOS_A_PAGE = 60

THUMBNAIL = 320
"""Pixels of the longer side: twice what the page shows, for sharp screens."""


def init_app(app: Flask) -> None:
    """Add the pages, and the words that templates use."""
    app.register_blueprint(blueprint)
    app.add_template_filter(_percent, "percent")
    app.add_template_filter(_local_time, "local_time")
    app.add_template_filter(_duration, "duration")


@dataclass(frozen=True, slots=True)
class Tile:
    """One photo on the sheet: its name, and either the answer or why there is none."""

    name: str
    stored: StoredPrediction | None
    probabilities: dict[str, float]
    reason: str


@blueprint.get("/")
def morning_sheet() -> str:
    """Show the newest run: how it went, and every photo with its answer."""
    store = site().parts.store
    store.ready()
    store.interrupt_stale_runs()
    run = next(iter(store.runs(limit=1)), None)
    if run is None:
        waiting = next(site().parts.images.list_photos(), None) is not None
        return render_template("first_run.html", waiting=waiting)
    after = request.args.get("after", "")
    answers = answers_of(run, store, site().parts.images, after, PHOTOS_A_PAGE)
    return render_template(
        "morning_sheet.html",
        run=run,
        tiles=[_tile(outcome) for outcome in answers.outcomes],
        next_after=answers.next_after,
        after=after,
    )


@blueprint.post("/runs")
def start_run() -> AnyResponse:
    """Start a run, or go on watching the one that goes on."""
    with suppress(ActiveRunError):
        site().runs.start("page")
    return redirect(url_for(".morning_sheet"), 303)


@blueprint.get("/photos/<int:image_id>/thumbnail")
def thumbnail(image_id: int) -> Response:
    """Return a photo as a small JPEG, as long as it is the one that was classified."""
    photo = site().parts.store.prediction(image_id).prediction.photo
    answer = Response(_small_jpeg(photo), mimetype="image/jpeg")
    answer.headers["Cache-Control"] = "private, max-age=86400"  # a new photo has a new number
    return answer


@blueprint.route("/sign-in", methods=["GET", "POST"])
def sign_in() -> AnyResponse | tuple[str, int] | str:
    """Take the API key once, and let the browser in."""
    if request.method == "GET":
        return render_template("sign_in.html", wrong=False)
    if not access.knows_key(request.form.get("key", "")):
        return render_template("sign_in.html", wrong=True), 403
    access.sign_in()
    return redirect(url_for(".morning_sheet"), 303)


def _tile(outcome: StoredPrediction | Failure) -> Tile:
    if isinstance(outcome, Failure):
        return Tile(outcome.photo.name, None, {}, outcome.reason)
    prediction = outcome.prediction
    return Tile(prediction.photo.name, outcome, probabilities_of(prediction), "")


def _small_jpeg(photo: Photo) -> bytes:
    try:
        image = decode(site().parts.images.download(photo), THUMBNAIL // 2)
    except PhotoError as error:
        raise LookupError(str(error)) from error
    image.thumbnail((THUMBNAIL, THUMBNAIL), Image.Resampling.BILINEAR, reducing_gap=2)
    small = io.BytesIO()
    image.save(small, "JPEG", quality=80)
    return small.getvalue()


def _percent(share: float) -> str:
    """Return a share as people read it; never 100 % for what is not certain.

    >>> _percent(0.996), _percent(1.0), _percent(0.004)
    ('99 %', '100 %', '0 %')
    """
    return f"{int(share * 100 + 1e-9) if share > 0.99 else round(share * 100)} %"


def _local_time(moment: datetime) -> str:
    return moment.astimezone(site().parts.config.tz).strftime("%a %d %b %Y, %H:%M:%S %Z")


def _duration(run: Run) -> str:
    """Return how long a run took or has taken so far, for instance 2 min 5 s."""
    seconds = round(((run.finished_at or run.heartbeat_at) - run.started_at).total_seconds())
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    parts = ((hours, "h"), (minutes, "min"), (seconds, "s"))
    return " ".join(f"{number} {unit}" for number, unit in parts if number) or "under 1 s"
