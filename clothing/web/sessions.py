"""The browser's session: who the person at it is, and what proves that a form is ours.

Owns what the cookie says, and the name that App Service gives. What somebody may, is for `access`
to say.
"""

import hmac
import re
import secrets
from collections.abc import Sequence
from hashlib import sha256

from flask import Flask, current_app, request, session
from flask.sessions import SecureCookieSessionInterface
from markupsafe import Markup
from werkzeug.exceptions import BadRequest

from clothing.keys import Key
from clothing.web.site import site
from clothing.words import is_whole

MAX_REVIEWER = 64
"""Characters that a reviewer's name may have."""

MAX_WISH = 1_000
"""Characters of an address that a cookie may keep."""

_UNSEEN = (  # controls, and what turns the reading direction of what follows a name
    r"\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202f\u2060-\u206f\ufeff\ufff9-\ufffb"
)
_BLANK = r"\x20\xa0\u1680\u2000-\u200a\u205f\u3000"

REVIEWER = rf"^[^{_UNSEEN}]*[^{_UNSEEN}{_BLANK}][^{_UNSEEN}]*$"
"""What a reviewer's name looks like: something that can be seen, and nothing that cannot."""

NO_NAME = f"A name has 1 to {MAX_REVIEWER} characters that can be seen."

_ENTRA = "aad"


def init_app(app: Flask) -> None:
    """Sign the cookies, and let templates say who is there and prove that their forms are ours."""
    app.session_interface = _Sessions()
    app.jinja_env.globals.update(
        csrf_field=csrf_field, person=reviewer, has_session=has_session, has_unsaved=has_unsaved
    )


def sign_in(key: Key, name: str) -> None:
    """Let this browser in until its session ends or the key is no more."""
    session.clear()
    session.permanent = True
    session["key"] = _fingerprint(key)
    introduce(name)


def remember_wish() -> None:
    """Note what somebody asked for who has to sign in first."""
    session["unsaved"] = request.method != "GET"
    path = request.path if session["unsaved"] else request.full_path.rstrip("?")
    session["wish"] = path if len(path) <= MAX_WISH else ""


def wish() -> str:
    """Return the address that somebody asked for before the sign-in, or ""."""
    return str(session.get("wish", ""))


def has_unsaved() -> bool:
    """Return True if that was to have something saved, False if not."""
    return bool(session.get("unsaved"))


def introduce(name: str) -> None:
    """Note who the person at this browser is."""
    session["reviewer"] = " ".join(name.split())[:MAX_REVIEWER]


def introduce_by_form() -> None:
    """Note the name that a form brings.

    Raises:
        BadRequest: It is none.
    """
    name = request.form.get("name", "").strip()
    if not is_reviewer(name):
        raise BadRequest(f"{NO_NAME} Go back and try again.")
    introduce(name)


def is_reviewer(name: str) -> bool:
    """Return True if a text can be somebody's name, False if not."""
    return len(name) <= MAX_REVIEWER and bool(re.fullmatch(REVIEWER, name)) and is_whole(name)


def sign_out() -> None:
    """Forget this browser."""
    session.clear()


def reviewer() -> str:
    """Return the name of the person at this browser, or "" if they have not said it."""
    return _entra_name() or str(session.get("reviewer", ""))


def has_session() -> bool:
    """Return True if there is somebody to sign out, False if not."""
    return bool(reviewer() or "key" in session)


def is_signed_in_by_azure() -> bool:
    """Return True if App Service has signed the person in, False if not."""
    return bool(_entra_name())


def holder() -> str:
    """Return what tells a person at this browser from others, for the photos they have claimed.

    Whoever comes to the browser next gets another: they take back no answer of the person before.
    """
    if session.get("holder_of") != reviewer():
        session["holder_of"], session["holder"] = reviewer(), secrets.token_hex(16)
    return str(session["holder"])


def csrf_field() -> Markup:
    """Return the hidden field that proves that a form is ours."""
    if "csrf" not in session:
        session["csrf"] = secrets.token_urlsafe(16)
    return Markup('<input type="hidden" name="csrf" value="{}">').format(session["csrf"])


def has_sent_this_form() -> bool:
    """Return True if the form that came has the hidden field of this browser's, False if not."""
    token = str(session.get("csrf", ""))
    return bool(token) and hmac.compare_digest(
        request.form.get("csrf", "").encode(), token.encode()
    )


def key_among(keys: Sequence[Key]) -> Key | None:
    """Return the key that this browser was let in by, or None if there is none any more."""
    shown = str(session.get("key", "")).encode()
    fitting = [key for key in keys if hmac.compare_digest(_fingerprint(key).encode(), shown)]
    return fitting[0] if fitting else None


class _Sessions(SecureCookieSessionInterface):
    """Sessions whose cookie never leaves https once it came by it."""

    def get_cookie_secure(self, app: Flask) -> bool:
        """Return True if browsers may send the cookie by https only."""
        return request.is_secure or super().get_cookie_secure(app)


def _entra_name() -> str:
    """Return whom App Service has signed in at Entra, or "" if it has nobody.

    Only where its authentication is on does it remove these headers from what callers send.
    """
    environ = site().parts.environ
    is_on = environ.get("WEBSITE_AUTH_ENABLED", "").lower() == "true"
    if "WEBSITE_HOSTNAME" not in environ or not is_on:
        return ""
    if request.headers.get("X-MS-CLIENT-PRINCIPAL-IDP") != _ENTRA:  # others let anybody sign in
        return ""
    return request.headers.get("X-MS-CLIENT-PRINCIPAL-NAME", "").strip()[:MAX_REVIEWER]


def _fingerprint(key: Key) -> str:
    """Return what a session remembers of a key: of no use to whoever does not sign sessions."""
    signing = str(current_app.secret_key).encode()
    return hmac.new(signing, key.digest.encode(), sha256).hexdigest()
