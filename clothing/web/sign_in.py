"""The way in and out for people: the key and a name, or a name alone where no key is set."""

from flask import Blueprint, Flask, redirect, render_template, request, url_for
from werkzeug.exceptions import BadRequest
from werkzeug.wrappers import Response

from clothing.web import access
from clothing.web.site import site

AZURE_SIGN_OUT = "/.auth/logout"
"""Where App Service signs people out whom it has signed in."""

blueprint = Blueprint("sign_in", __name__)


def init_app(app: Flask) -> None:
    """Add the pages of signing in and out."""
    app.register_blueprint(blueprint)


@blueprint.route("/sign-in", methods=["GET", "POST"])
def sign_in() -> Response | tuple[str, int] | str:
    """Take the API key once and the person's name, and let the browser in."""
    name = request.form.get("name", "").strip()
    if request.method == "GET":
        return render_template("sign_in.html", wrong=False, name="")
    if not access.knows_key(request.form.get("key", "")):
        return render_template("sign_in.html", wrong=True, name=name), 403
    access.sign_in(name)
    return redirect(url_for("pages.morning_sheet"), 303)


@blueprint.post("/name")
def introduce() -> Response:
    """Take the person's name, which their reviews bear, and go on to the reviews."""
    name = request.form.get("name", "").strip()
    if not name.isprintable() or not 0 < len(name) <= access.MAX_REVIEWER:
        raise BadRequest(
            f"A name has 1 to {access.MAX_REVIEWER} characters. Go back and try again."
        )
    access.introduce(name)
    return redirect(url_for("review.queue"), 303)


@blueprint.post("/sign-out")
def sign_out() -> Response:
    """Forget this browser, and let others have the photos that it had claimed."""
    site().reviews.release(access.holder())
    away = AZURE_SIGN_OUT if access.is_signed_in_by_azure() else url_for("pages.morning_sheet")
    access.sign_out()
    return redirect(away, 303)
