"""The morning sheet, the button that starts a run, and the pictures.

Owns what the page shows; the templates own how.
"""

from contextlib import suppress

from flask import Blueprint, Flask, Response, redirect, render_template, url_for
from werkzeug.wrappers import Response as AnyResponse

from clothing.errors import ActiveRunError
from clothing.web.nights import last_night
from clothing.web.site import ready_store, site
from clothing.web.thumbnails import PICTURE

blueprint = Blueprint("pages", __name__)


def init_app(app: Flask) -> None:
    """Add the pages."""
    app.register_blueprint(blueprint)


@blueprint.get("/")
def morning_sheet() -> str:
    """Show how the newest run went, its three piles, and what is unusual about it."""
    ready_store()
    found = last_night()
    if found is None:
        waiting = next(site().parts.images.list_photos(), None) is not None
        return render_template("first_run.html", waiting=waiting)
    return render_template("morning_sheet.html", night=found, run=found.run)


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
    return _kept(site().thumbnails.small(photo), "image/jpeg")


@blueprint.get("/photos/<int:image_id>/picture")
def picture(image_id: int) -> Response:
    """Return a photo as a JPEG that fills a page, as long as it is the one that was classified."""
    photo = site().parts.store.prediction(image_id).prediction.photo
    return _kept(site().thumbnails.jpeg(photo, PICTURE), "image/jpeg")


@blueprint.get("/photos/<int:image_id>/seen")
def seen(image_id: int) -> Response:
    """Return what the model of now is shown of a photo, pixel for pixel, as a PNG."""
    photo = site().parts.store.prediction(image_id).prediction.photo
    card = site().model.load().card
    # Not to be kept: the next model may be shown something else.
    return Response(site().thumbnails.seen(photo, card), mimetype="image/png")


def _kept(content: bytes, kind: str) -> Response:
    """Return a picture that a browser may keep: a photo that changes gets a new number."""
    answer = Response(content, mimetype=kind)
    answer.headers["Cache-Control"] = "private, max-age=86400"
    return answer
