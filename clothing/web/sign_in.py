"""The way in and out for people: the key and a name, or a name alone where no key is set.

Owns these forms and where they lead; whom a session belongs to is for `sessions` to say.
"""

from contextlib import suppress
from urllib.parse import urlsplit

from flask import Blueprint, Flask, current_app, redirect, render_template, request, url_for
from werkzeug.exceptions import HTTPException
from werkzeug.wrappers import Response

from clothing.errors import StoreError
from clothing.keys import Key
from clothing.web import access, sessions
from clothing.web.permissions import home_of, may_call
from clothing.web.site import site

AZURE_SIGN_OUT = "/.auth/logout"
"""Where App Service signs people out whom it has signed in."""

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
    if request.method != "POST":  # HEAD too: it offers no key, so it has tried none
        return render_template("sign_in.html", name="")
    key = access.key_of(request.form.get("key", ""))
    if key is None:
        return render_template("sign_in.html", wrong=WRONG, name=name), 403
    home = home_of(key.scopes)
    if home is None:
        return render_template("sign_in.html", wrong=FOR_PROGRAMS, name=name), 403
    if name and not sessions.is_reviewer(name):  # without one, the queue asks for it
        return render_template("sign_in.html", wrong_name=sessions.NO_NAME, name=""), 400
    wish = sessions.wish()
    sessions.sign_in(key, name)
    wished = bool(wish) and _opens(wish, key)
    return redirect(request.script_root + wish if wished else url_for(home), 303)


def _opens(path: str, key: Key) -> bool:
    """Return True if an address is a page of ours that the key opens, False if not.

    What cannot be printed is none: browsers drop a tab from an address, and "/<tab>/elsewhere"
    would lead elsewhere.
    """
    if not path.isprintable():
        return False
    try:
        asked = urlsplit(path)
        endpoint, _ = current_app.url_map.bind("").match(asked.path, method="GET")
    except (HTTPException, ValueError):
        return False
    return not asked.netloc and may_call(endpoint, key.scopes)


@blueprint.post("/name")
def introduce() -> Response:
    """Take the person's name, which their reviews bear, and go on to the reviews."""
    sessions.introduce_by_form()
    return redirect(url_for("review.queue"), 303)


@blueprint.post("/sign-out")
def sign_out() -> Response | str:
    """Forget this browser, and let others have the photos that it had claimed."""
    holder = sessions.holder()
    sessions.sign_out()
    with suppress(StoreError):  # a claim runs out by itself
        site().reviews.release(holder)
    if not sessions.is_signed_in_by_azure():
        return redirect(url_for("pages.morning_sheet"), 303)
    # Azure's way out leads to Microsoft's, and to another site our forms lead nobody (CSP).
    return render_template("signed_out.html", away=AZURE_SIGN_OUT)
