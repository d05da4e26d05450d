"""Is the process alive, and can it do its work: for load balancers and people in a hurry.

Owns what counts as ready. It tries each part for real, and changes nothing.
"""

import threading
from collections.abc import Callable

import numpy as np
from flask import Blueprint, Flask, jsonify
from werkzeug.wrappers import Response

from clothing.config import PROJECT
from clothing.errors import ClothingError
from clothing.photos import Photo, predictions_of
from clothing.web.site import site

REVISION = PROJECT / "revision.txt"
"""A deployment looks here for whether it is the new one that answers."""

SECONDS = 5.0
"""How long a look waits for another one: a silent storage must not take thread after thread."""

blueprint = Blueprint("health", __name__, url_prefix="/health")

_one_at_a_time = threading.Lock()


def init_app(app: Flask) -> None:
    """Add /health/live and /health/ready."""
    app.register_blueprint(blueprint)


@blueprint.get("/live")
def live() -> Response:
    """Answer as long as the process can."""
    return jsonify(status="alive")


@blueprint.get("/ready")
def ready() -> tuple[Response, int]:
    """Answer 200 if the model answers and database and storage can be read, else 503 with why."""
    if not _one_at_a_time.acquire(timeout=SECONDS):
        why = f"somebody asked before, and waits for an answer for more than {SECONDS:g} s"
        return jsonify(status="not ready", checks={"database and storage": why}, **_revision()), 503
    checks = {"model": _predict, "database": _ask_database, "storage": _list}
    try:
        found = {name: _tried(check) for name, check in checks.items()}
    finally:
        _one_at_a_time.release()
    well = all(answer == "ok" for answer in found.values())
    answer = jsonify(status="ready" if well else "not ready", checks=found, **_revision())
    return answer, 200 if well else 503


def _predict() -> None:
    """Classify a grey picture for real."""
    classifier = site().model.load()
    card = classifier.card
    array = np.full((1, card.height, card.width, card.channels), 0.5, np.float32)
    predictions_of([Photo("", "grey", "", 0)], classifier.predict(array), card)


def _ask_database() -> None:
    site().parts.store.ready(patient=False)  # who asks waits a minute at most


def _list() -> None:
    next(site().parts.images.list_photos(), None)


def _revision() -> dict[str, str]:
    """Return the commit that this is, where its deployment left it; else nothing."""
    if REVISION.is_file():
        return {"revision": REVISION.read_text(encoding="utf-8").strip()}
    return {}


def _tried(check: Callable[[], None]) -> str:
    try:
        check()
    except ClothingError as error:
        return str(error)
    return "ok"
