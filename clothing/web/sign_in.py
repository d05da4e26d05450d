"""The way in and out for people: the key and a name, or a name alone where no key is set.

Owns these forms and where they lead; whom a session belongs to is for `sessions` to say.
"""

from flask import Blueprint, Flask, redirect, render_template, request, url_for
from werkzeug.exceptions import BadRequest
from werkzeug.wrappers import Response

from clothing.web import access, sessions
from clothing.web.permissions import may_call
from clothing.web.site import site

AZURE_SIGN_OUT = "/.auth/logout"
"""Where App Service signs people out whom it has signed in."""

HOMES = ("pages.morning_sheet", "review.queue")
"""Where people start; the first that their key opens."""

WRONG = "This is not the key. Ask whoever runs the service."
FOR_PROGRAMS = (
    "This key is for programs: it opens no page. Ask whoever runs the service for another."
)

blueprint = Blueprint("sign_in", __name__)


def init_app(app: Flask) -> None:
    """Add the pages of signing in and out."""
    app.register_blueprint(blueprint)


@blueprint.route("/sign-in", methods=["GET", "POST"])
def sign_in() -> Response | tuple[str, int] | str:
    """Take an API key once and the person's name, and let the browser in."""
    name = request.form.get("name", "").strip()
    if request.method == "GET":
        return render_template("sign_in.html", wrong="", name="")
    key = access.key_of(request.form.get("key", ""))
    if key is None:
        return render_template("sign_in.html", wrong=WRONG, name=name), 403
    home = next((page for page in HOMES if may_call(page, key.scopes)), None)
    if home is None:
        return render_template("sign_in.html", wrong=FOR_PROGRAMS, name=name), 403
    sessions.sign_in(key, name)
    return redirect(url_for(home), 303)


@blueprint.post("/name")
def introduce() -> Response:
    """Take the person's name, which their reviews bear, and go on to the reviews."""
    name = request.form.get("name", "").strip()
    if not sessions.is_reviewer(name):
        raise BadRequest(
            f"A name has 1 to {sessions.MAX_REVIEWER} characters. Go back and try again."
        )
    sessions.introduce(name)
    return redirect(url_for("review.queue"), 303)


@blueprint.post("/sign-out")
def sign_out() -> Response:
    """Forget this browser, and let others have the photos that it had claimed."""
    site().reviews.release(sessions.holder())
    away = AZURE_SIGN_OUT if sessions.is_signed_in_by_azure() else url_for("pages.morning_sheet")
    sessions.sign_out()
    return redirect(away, 303)
