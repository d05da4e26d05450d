"""The photos: a list that chooses and scrolls, and one photo with its history.

Owns what these pages show, and how much at once; what is asked of the tables is in `questions`.
"""

from flask import (
    Blueprint,
    Flask,
    flash,
    redirect,
    render_template,
    request,
    url_for,
)
from werkzeug.wrappers import Response

from clothing.errors import ClothingError
from clothing.labels import ANSWERS, UNDONE
from clothing.questions import (
    PILES,
    Row,
    Wanted,
    failures,
    history,
    now,
    photo,
    photos,
    reviews,
)
from clothing.shapes import ranked
from clothing.standing import Moment
from clothing.store import StoredPrediction
from clothing.web import asked, sessions
from clothing.web.site import site
from clothing.web.wording import answer as in_words

blueprint = Blueprint("photos", __name__)

PHOTOS_A_PAGE = 60


def init_app(app: Flask) -> None:
    """Add the pages of photos."""
    app.register_blueprint(blueprint)


@blueprint.get("/photos")
def browse() -> str:
    """Show a part of the photos that the query chooses; `before` and `as_of` go on."""
    store = site().parts.store
    store.ready()
    wanted, before = asked.wanted(), asked.number("before")
    moment = asked.moment() or now(store)
    rows = _part(wanted, before, moment)
    chosen = asked.chosen()
    more = None
    if len(rows) == PHOTOS_A_PAGE:
        rest = asked.query_of(chosen, before=rows[-1].number, as_of=asked.in_query(moment))
        more = url_for(".browse") + rest
    return render_template(
        "photos.html",
        rows=rows,
        chosen=chosen,
        query=asked.query_of(chosen),
        more=more,
        before=before,
        empty=not chosen and before is None and not rows,
        answers=ANSWERS,
        piles=PILES,
    )


@blueprint.get("/photos/<int:image_id>")
def one(image_id: int) -> str:
    """Show one photo: what the model saw and said, what people said, and what was before."""
    store = site().parts.store
    row = photo(store, image_id)
    assert isinstance(row.outcome, StoredPrediction)
    seen, reason = _what_is_seen()
    return render_template(
        "photo.html",
        row=row,
        stored=row.outcome,
        probabilities=ranked(row.outcome.prediction),
        here=_is_here(row),
        seen=seen,
        unseen_reason=reason,
        reviews=reviews(store, row.photo),
        history=history(store, row.photo),
        answers=ANSWERS,
    )


@blueprint.post("/photos/<int:image_id>")
def correct(image_id: int) -> Response:
    """Take what somebody says of one photo, whoever has answered it before."""
    shown = request.form.get("undo")
    said = "" if shown else asked.an_answer(request.form.get("answer", ""))
    if not sessions.reviewer():
        sessions.introduce_by_form()
    flash(_take_back(image_id, shown) if shown else _save(image_id, said))
    return redirect(url_for(".one", image_id=image_id), 303)


def _save(image_id: int, said: str) -> str:
    """Save what somebody says; return that in words."""
    site().reviews.review(said, sessions.reviewer(), image_id=image_id)
    return f"Saved: {in_words(said)}."


def _take_back(image_id: int, shown: str) -> str:
    """Take back the review with a number, if it still holds; say whose it was."""
    review = photo(site().parts.store, image_id).review
    if review is None or str(review.review_id) != shown:
        return "Nothing was taken back: what people say of this photo has changed since."
    site().reviews.review(UNDONE, sessions.reviewer(), image_id=image_id)
    if review.reviewer == sessions.reviewer():
        return "Taken back."
    return f"Taken back what {review.reviewer} said: {in_words(review.category)}."


def _part(wanted: Wanted, before: int | None, moment: Moment) -> list[Row]:
    listed = failures if wanted.pile == "unreadable" else photos
    return listed(site().parts.store, wanted, before, PHOTOS_A_PAGE, moment)


def _is_here(row: Row) -> bool:
    """Return True if the photo still lies where it was classified, else False."""
    return site().parts.images.etag(row.photo.name) == row.photo.etag


def _what_is_seen() -> tuple[str | None, str]:
    """Return the steps before the model of now, or None and why there is no model."""
    try:
        return site().model.load().card.preprocessing, ""
    except ClothingError as error:
        return None, str(error)
