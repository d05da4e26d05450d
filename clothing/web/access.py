"""Who may ask: with `API_KEY` set whoever knows it, without it this computer alone.

Owns the check before every request and the headers after it.
"""

import hashlib
import hmac
from ipaddress import ip_address
from urllib.parse import urlsplit

from flask import Flask, Response, redirect, request, session, url_for
from werkzeug.exceptions import Forbidden, Unauthorized
from werkzeug.wrappers import Response as AnyResponse

from clothing.web.problems import wants_page
from clothing.web.site import site

OPEN = frozenset({"health.live", "health.ready", "pages.sign_in", "static"})
"""Endpoints that answer whoever asks: probes, and what it takes to sign in."""

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})

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
    """Ask every request who it is."""
    app.before_request(_admit)
    app.after_request(_harden)


def knows_key(offered: str) -> bool:
    """Return True if the text is the API key, False if not; takes as long either way."""
    key = site().parts.config.api_key or ""
    return bool(key) and hmac.compare_digest(offered.encode(), key.encode())


def sign_in() -> None:
    """Let this browser in until its session ends or the key changes."""
    session.clear()
    session.permanent = True
    session["key"] = _fingerprint()


def _admit() -> AnyResponse | None:
    """Turn away whoever may not ask; return where to go instead, or None to go on."""
    if request.method not in SAFE_METHODS and _is_cross_site():
        raise Forbidden("Another site's page sent this. Use a page of this app, or a program.")
    if request.endpoint in OPEN:
        return None
    if not site().parts.config.api_key:
        if not _is_loopback(request.remote_addr or "") or not _is_loopback(_host()):
            raise Forbidden(
                "Without API_KEY only http://127.0.0.1 on this computer is answered. Set API_KEY."
            )
        return None
    if knows_key(_offered_key()) or hmac.compare_digest(session.get("key", ""), _fingerprint()):
        return None
    if wants_page():
        return redirect(url_for("pages.sign_in"))
    raise Unauthorized("Send the header Authorization: Bearer KEY, or X-API-Key: KEY.")


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


def _is_loopback(host: str) -> bool:
    """Return True if only this computer has the address, False if not or if it is no address."""
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def _harden(response: Response) -> Response:
    for name, value in _HEADERS.items():
        response.headers.setdefault(name, value)
    return response
