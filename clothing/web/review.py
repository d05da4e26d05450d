"""The review queue in the browser, one photo a second, and the reviews that programs send.

Owns the reading of answers and the words about them; which photo comes next is `review_queue`'s.
"""

from dataclasses import dataclass
from datetime import datetime
from time import time
from typing import Any

from flask import (
    Blueprint,
    Flask,
    flash,
    json,
    jsonify,
    redirect,
    render_template,
    request,
    url_for,
)
from werkzeug.exceptions import BadRequest
from werkzeug.wrappers import Response

from clothing.labels import AGAIN, CATEGORIES, OUTSIDE
from clothing.photos import Run
from clothing.review_queue import Task, Turn
from clothing.shapes import ranked, review_of
from clothing.web import access, sessions
from clothing.web.asked import LONGEST_SECONDS, VERDICTS, an_answer
from clothing.web.site import ready_store, site
from clothing.web.wording import answer as in_words

KEYS = dict(zip(CATEGORIES, "1234567890", strict=True))
"""The key that answers each category, always the same: hands learn them."""

SUGGESTIONS = 3

_FIELDS = {"image_id", "failure_id", "category", "verdict", "reviewer", "seconds"}
_GONE = "Somebody else has that photo by now, so your answer was not saved."
_KEPT = "There is nothing to take back, or somebody has corrected your last answer since."

blueprint = Blueprint("review", __name__)


def init_app(app: Flask) -> None:
    """Add /review and POST /api/reviews."""
    app.register_blueprint(blueprint)


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A category that the model thinks possible, its key and its probability."""

    category: str
    key: str
    probability: float


@blueprint.get("/review")
def queue() -> str:
    """Show the photo to answer now."""
    ready_store()
    if not sessions.reviewer():
        return render_template("review_name.html")
    return render_template("review.html", **_shown(site().reviews.look(sessions.holder())))


@blueprint.post("/review")
def answer() -> Response | str:
    """Take the answer to a photo and give the next: the page's inside for its script, or all."""
    if not sessions.reviewer():
        return redirect(url_for(".queue", unsaved=1), 303)
    said, turn = _act(request.form.get("answer", ""), request.form.get("task", ""))
    if "part" in request.form:
        return render_template("_review.html", said=said, **_shown(turn.tasks))
    flash(said)
    return redirect(url_for(".queue"), 303)


@blueprint.post("/api/reviews")
def save() -> tuple[Response, int]:
    """Store what a person says of a photo as a new row."""
    asked = _asked()
    saved = site().reviews.review(
        _answer_of(asked),
        _reviewer_of(asked),
        image_id=_number_of(asked, "image_id"),
        failure_id=_number_of(asked, "failure_id"),
        seconds=_seconds_of(asked),
    )
    return jsonify(review_of(saved)), 201


def _act(wanted: str, task: str) -> tuple[str, Turn]:
    """Do what a button says; return that in words, and what the person looks at now."""
    reviews, holder, reviewer = site().reviews, sessions.holder(), sessions.reviewer()
    if wanted == "undo":
        turn = reviews.undo(holder, reviewer)
        return "Taken back." if turn.accepted else _KEPT, turn
    if wanted == "skip":
        turn = reviews.skip(holder, task)
        return "Skipped: it comes again at the end." if turn.accepted else _GONE, turn
    turn = reviews.answer(holder, reviewer, task, an_answer(wanted), _seconds_shown())
    return f"Saved: {in_words(wanted)}." if turn.accepted else _GONE, turn


def _seconds_shown() -> float | None:
    """Return how long the person had the photo before them, or None if that is not known."""
    try:
        seconds = time() - float(request.form.get("shown_at", ""))
    except ValueError:
        return None
    return round(seconds, 3) if 0 <= seconds <= LONGEST_SECONDS else None


def _shown(tasks: list[Task]) -> dict[str, Any]:
    """Return what the templates show: the first photo, the picture of the next, how far it is."""
    tz = site().parts.config.tz
    midnight = datetime.now(tz).replace(hour=0, minute=0, second=0, microsecond=0)
    task = tasks[0] if tasks else None
    return {
        "task": task,
        "suggestions": _suggestions(task),
        "next_picture": next((_picture(one) for one in tasks[1:] if one.image_id), ""),
        "picture": _picture(task) if task and task.image_id else "",
        "keys": KEYS,
        "outside": OUTSIDE,
        "again": AGAIN,
        "done": site().reviews.done(sessions.reviewer(), midnight),
        "left": site().reviews.left().total,
        "shown_at": f"{time():.3f}",
        "run": None if task else _newest_run(),
    }


def _suggestions(task: Task | None) -> list[Suggestion]:
    """Return the most probable categories, none where they are not to be seen."""
    if task is None or task.prediction is None:
        return []
    likeliest = ranked(task.prediction)[:SUGGESTIONS]
    return [Suggestion(name, KEYS[name], share) for name, share in likeliest]


def _picture(task: Task) -> str:
    return url_for("pages.picture", image_id=task.image_id)


def _newest_run() -> Run | None:
    return next(iter(site().parts.store.runs(limit=1)), None)


def _asked() -> dict[str, Any]:
    try:
        asked = json.loads(request.get_data())
    except (ValueError, RecursionError) as error:
        raise BadRequest(f"The body must be JSON: {error}.") from error
    if not isinstance(asked, dict) or not set(asked) <= _FIELDS:
        raise BadRequest(f"The body is a JSON object of {', '.join(sorted(_FIELDS))}.")
    return asked


def _answer_of(asked: dict[str, Any]) -> str:
    category, verdict = asked.get("category"), asked.get("verdict")
    if ("category" in asked) == ("verdict" in asked):
        raise BadRequest("Send a category or a verdict, one of the two.")
    if "category" in asked and category not in CATEGORIES:
        raise BadRequest(f"category is one of {', '.join(CATEGORIES)}. Received: {category!r}.")
    if "verdict" in asked and verdict not in tuple(VERDICTS):
        raise BadRequest(f"verdict is one of {', '.join(VERDICTS)}. Received: {verdict!r}.")
    return str(category or VERDICTS[str(verdict)])


def _reviewer_of(asked: dict[str, Any]) -> str:
    """Return who says so: whom the body names, else the person signed in at the browser.

    Whom App Service has signed in can say so in no other name.
    """
    person = sessions.reviewer()
    name = asked.get("reviewer", person)
    has_account = sessions.is_signed_in_by_azure() and access.caller().key is None
    if has_account and name != person:
        raise BadRequest(
            f"You are signed in as {person}, and your reviews bear that name. Received: {name!r}. "
            "Leave reviewer out."
        )
    if not isinstance(name, str) or not sessions.is_reviewer(name):
        most = sessions.MAX_REVIEWER
        raise BadRequest(f"reviewer is a name of 1 to {most} characters. Received: {name!r}.")
    return name.strip()


def _number_of(asked: dict[str, Any], name: str) -> int | None:
    """Return the number of what was looked at, or None if it is the other kind."""
    if ("image_id" in asked) == ("failure_id" in asked):
        raise BadRequest("Send the image_id of a prediction or a failure_id, one of the two.")
    number = asked.get(name, 1)
    if type(number) is float and number.is_integer():  # JSON knows one kind of number
        number = int(number)
    if type(number) is not int or not 0 < number < 2**63:
        raise BadRequest(f"{name} is a whole number from 1 on. Received: {number!r}.")
    return number if name in asked else None


def _seconds_of(asked: dict[str, Any]) -> float | None:
    seconds = asked.get("seconds")
    if seconds is None:
        return None
    if type(seconds) not in (int, float) or not 0 <= seconds <= LONGEST_SECONDS:
        most = f"{LONGEST_SECONDS:.0f}"
        raise BadRequest(f"seconds is a number from 0 to {most}. Received: {seconds!r}.")
    return float(seconds)
