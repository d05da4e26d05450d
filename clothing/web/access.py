"""Who may ask: with `API_KEY` set whoever knows it, without it this computer alone.

Owns the check before every request, the headers after it, and the browser's session: who the
person is, and what proves that a form is ours. In Azure a person whom App Service has signed in at
Entra needs no key; App Service takes care that nobody else can send its headers.
"""

import hashlib
import hmac
import secrets
from urllib.parse import urlsplit

from flask import Flask, Response, redirect, request, session, url_for
from flask.sessions import SecureCookieSessionInterface
from markupsafe import Markup
from werkzeug.exceptions import Forbidden, Unauthorized
from werkzeug.middleware.proxy_fix import ProxyFix
from werkzeug.wrappers import Response as AnyResponse

from clothing.config import is_loopback
from clothing.web.problems import wants_page
from clothing.web.site import site

OPEN = frozenset({"health.live", "health.ready", "sign_in.sign_in", "static"})
"""Endpoints that answer whoever asks: probes, and what it takes to sign in."""

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})

MAX_REVIEWER = 64
"""Characters that a reviewer's name may have."""

_ENTRA = "aad"

_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
        "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cache-Control": "no-store",
}


def init_app(app: Flask) -> None:
    """Ask every request who it is, and let templates prove that their forms are ours."""
    app.session_interface = _Sessions()
    app.jinja_env.globals.update(csrf_field=csrf_field, person=reviewer, has_session=has_session)
    if "WEBSITE_HOSTNAME" in app.extensions["site"].parts.environ:
        # Azure's front end stands before the app; anywhere else callers could forge its headers.
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=1, x_proto=1, x_host=1)  # type: ignore[method-assign]
    app.before_request(_admit)
    app.after_request(_harden)


def knows_key(offered: str) -> bool:
    """Return True if the text is the API key, False if not; takes as long either way."""
    key = site().parts.config.api_key or ""
    return bool(key) and hmac.compare_digest(offered.encode(), key.encode())


def sign_in(name: str) -> None:
    """Let this browser in until its session ends or the key changes."""
    session.clear()
    session.permanent = True
    session["key"] = _fingerprint()
    introduce(name)


def introduce(name: str) -> None:
    """Note who the person at this browser is."""
    session["reviewer"] = " ".join(name.split())[:MAX_REVIEWER]


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
    """Return what tells this browser from others, for the photos that it has claimed."""
    if "holder" not in session:
        session["holder"] = secrets.token_hex(16)
    return str(session["holder"])


def csrf_field() -> Markup:
    """Return the hidden field that proves that a form is ours."""
    if "csrf" not in session:
        session["csrf"] = secrets.token_urlsafe(16)
    return Markup('<input type="hidden" name="csrf" value="{}">').format(session["csrf"])


class _Sessions(SecureCookieSessionInterface):
    """Sessions whose cookie never leaves https once it came by it."""

    def get_cookie_secure(self, app: Flask) -> bool:
        """Return True if browsers may send the cookie by https only."""
        return request.is_secure or super().get_cookie_secure(app)


def _admit() -> AnyResponse | None:
    """Turn away whoever may not ask; return where to go instead, or None to go on."""
    if request.method not in SAFE_METHODS and _is_cross_site():
        raise Forbidden("Another site's page sent this. Use a page of this app, or a program.")
    if request.endpoint in OPEN:
        return None
    if not site().parts.config.api_key:
        if not is_loopback(request.remote_addr or "") or not is_loopback(_host()):
            raise Forbidden(
                "Without API_KEY only http://127.0.0.1 on this computer is answered. Set API_KEY."
            )
        return None
    if knows_key(_offered_key()):
        return None
    if _is_known_browser():
        if request.method not in SAFE_METHODS and not _is_our_form():
            raise Forbidden("This form is not of this session. Load its page anew and try again.")
        return None
    if wants_page():
        return redirect(url_for("sign_in.sign_in"))
    raise Unauthorized("Send the header Authorization: Bearer KEY, or X-API-Key: KEY.")


def _is_known_browser() -> bool:
    """Return True if the browser's session or App Service vouches for the person, else False."""
    signed_in = hmac.compare_digest(str(session.get("key", "")), _fingerprint())
    return signed_in or is_signed_in_by_azure()


def _is_our_form() -> bool:
    """Return True if the browser itself or the form's hidden field says so, False if neither.

    Every browser of today says where a form comes from; `_is_cross_site` has looked at it.
    """
    if "Origin" in request.headers or "Sec-Fetch-Site" in request.headers:
        return True
    token = str(session.get("csrf", ""))
    return bool(token) and hmac.compare_digest(
        request.form.get("csrf", "").encode(), token.encode()
    )


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


def _offered_key() -> str:
    scheme, _, key = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        return key.strip()
    return request.headers.get("X-API-Key", "")


def _fingerprint() -> str:
    return hashlib.sha256((site().parts.config.api_key or "").encode()).hexdigest()


def _is_cross_site() -> bool:
    """Return True if a browser says that another site sent the request, else False."""
    origin = request.headers.get("Origin")
    if fetched := request.headers.get("Sec-Fetch-Site"):
        return fetched not in ("same-origin", "none")
    return origin is not None and urlsplit(origin).netloc != request.host


def _host() -> str:
    return urlsplit(f"//{request.host}").hostname or ""


def _harden(response: Response) -> Response:
    for name, value in _HEADERS.items():
        response.headers.setdefault(name, value)
    return response
