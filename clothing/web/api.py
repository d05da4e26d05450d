"""The API for programs: start a run, look at runs and predictions, classify one photo.

Owns the reading of requests and the shape of answers; what happens is in the modules below.
"""

import re
from typing import Any
from urllib.parse import urlencode

from flask import Blueprint, Flask, json, jsonify, request, url_for
from werkzeug.exceptions import BadRequest
from werkzeug.wrappers import Response

from clothing.answers import answers_of
from clothing.errors import ActiveRunError
from clothing.labels import CATEGORIES
from clothing.nightly import too_many_failures
from clothing.photos import Failure, Run
from clothing.shapes import classification_of, run_of, stored_prediction_of
from clothing.storage import MAX_NAME
from clothing.store import PAGE, Store, StoredPrediction
from clothing.web import access
from clothing.web.asked import number, one_of
from clothing.web.one_photo import answer
from clothing.web.problems import problem
from clothing.web.site import site
from clothing.words import is_whole

_SECONDS = re.compile(r"[0-9]{1,9}")

blueprint = Blueprint("api", __name__)


def init_app(app: Flask) -> None:
    """Add POST /prediction and everything below /api."""
    app.register_blueprint(blueprint)


@blueprint.post("/prediction")
def prediction() -> Response | tuple[Response, int, dict[str, str]]:
    """Start a run over the images container, and wait for its end as long as asked."""
    prefix, force = _asked()
    seconds = _patience()
    try:
        run = site().runs.start(access.trigger(), prefix, force)
    except ActiveRunError as error:
        return _going_on(site().parts.store.run(error.run_id), started=False)
    run = site().runs.wait(run.run_id, seconds)
    if run.status == "running":
        return _going_on(run, started=True)
    if run.status != "succeeded":
        return problem(500, "Run failed", run.error or run.status, run=run_of(run))
    return jsonify(_answers(run))


@blueprint.get("/api/runs")
def runs() -> Response:
    """Return runs, newest first; `before` asks for those before a number."""
    found = _store_of_now().runs(number("before"))
    more = url_for(".runs", before=found[-1].run_id) if len(found) == PAGE else None
    return jsonify(runs=[run_of(run) for run in found], next=more)


@blueprint.get("/api/runs/<int:run_id>")
def run(run_id: int) -> Response:
    """Return one run as it is now."""
    return jsonify(_ending_of(_store_of_now().run(run_id)))


@blueprint.get("/api/runs/<int:run_id>/results")
def results(run_id: int) -> Response:
    """Return what a run says of every photo, from the name `after` on."""
    return jsonify(_answers(_store_of_now().run(run_id), request.args.get("after", "")))


@blueprint.get("/api/predictions")
def predictions() -> Response:
    """Return predictions by number; `run`, `category` and `review` choose, `after` goes on."""
    found = site().parts.store.predictions(
        run_id=number("run"),
        category=one_of("category", CATEGORIES),
        needs_review={"true": True, "false": False, None: None}[
            one_of("review", ("true", "false"))
        ],
        after=number("after") or 0,
    )
    more = None
    if len(found) == PAGE:
        asked = {**request.args.to_dict(), "after": str(found[-1].image_id)}
        more = f"{url_for('.predictions')}?{urlencode(asked)}"
    return jsonify(predictions=[stored_prediction_of(one) for one in found], next=more)


@blueprint.post("/api/classify")
def classify() -> Response:
    """Classify the one photo that the form field `photo` holds; store nothing."""
    found = answer()
    shape = classification_of(found.prediction)
    return jsonify(**shape, model_version=found.model_version)


def _store_of_now() -> Store:
    """Return the store once no run in it is called running that shows no life."""
    store = site().parts.store
    store.interrupt_stale_runs()
    return store


def _asked() -> tuple[str, bool]:
    """Return prefix and force from the body, which may be absent, empty or a JSON object."""
    body = request.get_data()
    try:
        asked = json.loads(body) if body.strip() else {}
    except (ValueError, RecursionError) as error:
        raise BadRequest(f"The body must be JSON or absent: {error}.") from error
    if not isinstance(asked, dict) or not set(asked) <= {"prefix", "force"}:
        raise BadRequest('The body may hold {"prefix": "…", "force": true} and nothing else.')
    prefix, force = asked.get("prefix", ""), asked.get("force", False)
    if not isinstance(prefix, str) or len(prefix) > MAX_NAME or not is_whole(prefix):
        raise BadRequest(f"prefix is a text of at most {MAX_NAME} whole characters.")
    if not isinstance(force, bool):
        raise BadRequest(f"force is true or false. Received: {force!r}.")
    return prefix, force


def _patience() -> float:
    """Return the seconds to wait for a run: as the header Prefer asks, or as set.

    "respond-async, wait=10" is to wait 10 seconds first (RFC 7240, section 4.3).
    """
    most = site().parts.config.run_wait_seconds
    asked: dict[str, str] = {}
    for preference in request.headers.get("Prefer", "").replace(";", ",").split(","):
        name, _, value = (part.strip() for part in preference.partition("="))
        asked.setdefault(name.lower(), value)
    if _SECONDS.fullmatch(asked.get("wait", "")):
        return min(int(asked["wait"]), most)
    return 0 if "respond-async" in asked else most


def _going_on(run: Run, *, started: bool) -> tuple[Response, int, dict[str, str]]:
    """Say where a run is that goes on, and whether this request has started it."""
    place = {"Location": url_for(".run", run_id=run.run_id)}
    return jsonify(run=run_of(run), started=started), 202, place


def _ending_of(run: Run) -> dict[str, Any]:
    """Return a run with what the one who started it should be told of its failures."""
    parts, complaint = site().parts, ""
    if run.status == "succeeded":
        complaint = too_many_failures(run, parts.store, parts.config.error_threshold)
    return {**run_of(run), "complaint": complaint}


def _answers(run: Run, after: str = "") -> dict[str, Any]:
    answers = answers_of(run, site().parts.store, site().parts.images, after)
    entries = [_entry(outcome, run) for outcome in answers.outcomes]
    shape: dict[str, Any] = {"run": _ending_of(run), "batch_results": entries}
    if answers.next_after is not None:
        shape["next"] = url_for(".results", run_id=run.run_id, after=answers.next_after)
    return shape


def _entry(outcome: StoredPrediction | Failure, run: Run) -> dict[str, Any]:
    if isinstance(outcome, Failure):
        return {"image_name": outcome.photo.name, **classification_of(outcome)}
    return {
        "image_name": outcome.prediction.photo.name,
        **classification_of(outcome.prediction),
        "already_classified": outcome.run_id != run.run_id,
    }
