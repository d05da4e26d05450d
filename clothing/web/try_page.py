"""A page to hold up a photo and see the answer at once; nothing is stored.

Owns the page; `one_photo` finds the answer.
"""

from flask import Blueprint, Flask, render_template
from werkzeug.exceptions import BadRequest

from clothing.errors import ClothingError, PhotoError
from clothing.shapes import ranked
from clothing.web.one_photo import Answer, answer
from clothing.web.site import site

blueprint = Blueprint("try", __name__)


def init_app(app: Flask) -> None:
    """Add /try."""
    app.register_blueprint(blueprint)


@blueprint.get("/try")
def hold_up() -> str:
    """Show where to drop or take a photo."""
    return _page()


@blueprint.post("/try")
def classify() -> str | tuple[str, int]:
    """Answer a browser that runs no scripts."""
    try:
        found = answer()
    except BadRequest as error:
        return _page(error=error.description or ""), 422
    except ClothingError as error:
        return _page(error=str(error)), 422 if isinstance(error, PhotoError) else 503
    return _page(found)


def _page(found: Answer | None = None, error: str = "") -> str:
    chances = ranked(found.prediction) if found else []
    return render_template(
        "try.html", found=found, chances=chances, error=error, no_model=_no_model()
    )


def _no_model() -> bool:
    """Return True if there is no model to ask, else False."""
    config = site().parts.config
    return site().parts.models.etag(config.model_blob) is None
