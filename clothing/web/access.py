"""Who may ask: with keys set whoever has one of the right scope, without any this computer alone.

Owns the check before every request and the headers after it. In Azure a person whom App Service has
signed in at Entra needs no key; App Service takes care that nobody else can send its headers.

Without a key only loopback is answered, and only under its own names, so that no page of another
site can reach the app by a name that leads here. With a key any name is answered: the key is what
counts, cookies belong to one name, and no address of an answer comes from the Host header but the
examples of /api, which its reader sees alone.
"""

import logging
from dataclasses import dataclass
from urllib.parse import urlsplit

from flask import Flask, Response, current_app, g, redirect, request, url_for
from werkzeug.exceptions import Forbidden, MethodNotAllowed, TooManyRequests, Unauthorized
from werkzeug.middleware.proxy_fix import ProxyFix
from werkzeug.wrappers import Response as AnyResponse

from clothing.addresses import is_loopback
from clothing.journal import about_request
from clothing.keys import MASTER, SCOPES, UNGUESSABLE, Key, digest_of_key, key_behind
from clothing.web import sessions
from clothing.web.attempts import Attempts, address_of
from clothing.web.permissions import HOMES, WHO, home_of, is_open, may_call
from clothing.web.problems import wants_page

log = logging.getLogger(__name__)

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})

MAX_BODY = 2**20
"""Bytes that a request may bring which brings no photo."""

_UPLOADS = frozenset({"api.classify", "try.classify"})

_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
        "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "same-origin",
    "Cache-Control": "no-store",
}


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks.

    Attributes:
        name: For the log: the key's name, "entra", "local", or "nobody" who is not known.
        scopes: What they may do.
        key: The key that the request itself bears, None where a session or nothing does.
    """

    name: str
    scopes: frozenset[str]
    key: Key | None = None


_LOCAL = Caller("local", frozenset(SCOPES))
_BY_ENTRA = Caller("entra", frozenset(SCOPES))
NOBODY = Caller("nobody", frozenset())


@dataclass(frozen=True, slots=True)
class _Door:
    """What an app lets in by."""

    keys: tuple[Key, ...]
    attempts: Attempts


def init_app(app: Flask) -> None:
    """Ask every request who it is, and let templates ask what that may."""
    app.jinja_env.globals.update(may=may, home=home)
    parts = app.extensions["site"].parts
    app.extensions["door"] = _Door(parts.config.keys, Attempts(parts.config.key_attempts))
    if "WEBSITE_HOSTNAME" in parts.environ:
        # Azure's front end stands before the app; anywhere else callers could forge its headers.
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=1, x_proto=1, x_host=1)  # type: ignore[method-assign]
    app.before_request(_admit)
    app.after_request(_harden)


def key_of(offered: str) -> Key | None:
    """Return the key that somebody offers, or None if it is none; takes as long either way.

    An address that failed too often waits. Who offers a text that nobody finds by trying is heard
    even then: the nightly run must not stand still because somebody behind its address guesses.

    Raises:
        TooManyRequests: This address has to wait.
    """
    door, address = _door(), request.remote_addr or ""
    seconds = door.attempts.wait(address)
    key = None
    if not seconds or len(offered) >= UNGUESSABLE:
        key = key_behind(digest_of_key(offered), door.keys)
    if key is None and seconds:
        raise TooManyRequests(
            f"Too many wrong keys came from your address. Try again in {seconds} s.",
            retry_after=seconds,
        )
    told = (1, door.attempts.limit)  # no flood of lines
    if key is None and door.attempts.failed(address) in told:
        log.warning("a wrong key came from %s", address_of(address))
    return key


def caller() -> Caller:
    """Return who sent the request that is being answered."""
    found: Caller = g.get("caller", NOBODY)
    return found


def may(endpoint: str) -> bool:
    """Return True if the caller may call a route, False if not."""
    return may_call(endpoint, caller().scopes)


def home() -> str:
    """Return the page where the caller starts; the way in leads on from the first one."""
    return home_of(caller().scopes) or HOMES[0]


def trigger() -> str:
    """Return what a run is told to be started by: a program, and by which key if it has a name."""
    key = caller().key
    return "http" if key is None or key.name == MASTER else f"http:{key.name}"


def _admit() -> AnyResponse | None:
    """Turn away whoever may not ask; return where to go instead, or None to go on."""
    if request.endpoint not in _UPLOADS:
        request.max_content_length = MAX_BODY
    if request.method not in SAFE_METHODS and _is_cross_site():
        raise Forbidden("Another site's page sent this. Use a page of this app, or a program.")
    if is_open(request.endpoint or _endpoint_of_another_method()):
        return None
    found = g.caller = _caller()
    about_request(g.request_id, found.name)
    if found is NOBODY:
        if wants_page():
            sessions.remember_wish()
            return redirect(url_for("sign_in.sign_in"))
        raise Unauthorized("Send the header Authorization: Bearer KEY, or X-API-Key: KEY.")
    if not may_call(request.endpoint, found.scopes):
        wanted = " or ".join(sorted(WHO.get(request.endpoint or "", ())))
        raise Forbidden(f"Your key may {', '.join(sorted(found.scopes))}; this needs {wanted}.")
    if request.method not in SAFE_METHODS and not _is_meant(found):
        raise Forbidden("This form is not of this session. Load its page anew and try again.")
    return None


def _endpoint_of_another_method() -> str | None:
    """Return the route that would answer this address if it were asked in its way, or None."""
    error = request.routing_exception
    if not isinstance(error, MethodNotAllowed) or not error.valid_methods:
        return None
    asked = current_app.url_map.bind("").match(request.path, method=next(iter(error.valid_methods)))
    return str(asked[0])


def _caller() -> Caller:
    """Return who asks.

    Raises:
        Forbidden: There is no key, and the request comes from elsewhere.
        TooManyRequests: A key is offered, and this address has to wait.
    """
    if not _door().keys:
        if not is_loopback(request.remote_addr or "") or not is_loopback(_host()):
            raise Forbidden(
                "Without API_KEY only http://127.0.0.1 on this computer is answered. Set API_KEY."
            )
        return _LOCAL
    if (offered := _offered_key()) and (key := key_of(offered)):
        return Caller(key.name, key.scopes, key)
    if key := sessions.key_among(_door().keys):
        return Caller(key.name, key.scopes)
    return _BY_ENTRA if sessions.is_signed_in_by_azure() else NOBODY


def _is_meant(found: Caller) -> bool:
    """Return True if the caller wants what the request does, False if a page of others may.

    A program says so by its key; a browser sends its cookies with every form, so itself or the
    form's hidden field must tell that the form is ours. Every browser of today says where a form
    comes from; `_is_cross_site` has looked at it.
    """
    if found is _LOCAL or found.key is not None:
        return True
    if "Origin" in request.headers or "Sec-Fetch-Site" in request.headers:
        return True
    return sessions.has_sent_this_form()


def _offered_key() -> str:
    scheme, _, key = request.headers.get("Authorization", "").partition(" ")
    offered = key.strip() if scheme.lower() == "bearer" else request.headers.get("X-API-Key", "")
    try:
        return offered.encode("latin-1").decode()  # programs send UTF-8; WSGI reads each byte
    except UnicodeError:  # or they sent Latin-1
        return offered


def _door() -> _Door:
    found: _Door = current_app.extensions["door"]
    return found


def _is_cross_site() -> bool:
    """Return True if a browser says that another site sent the request, else False."""
    origin = request.headers.get("Origin")
    if fetched := request.headers.get("Sec-Fetch-Site"):
        return fetched not in ("same-origin", "none")
    try:
        return origin is not None and urlsplit(origin).netloc != request.host
    except ValueError:  # it is no address at all
        return True


def _host() -> str:
    return urlsplit(f"//{request.host}").hostname or ""


def _harden(response: Response) -> Response:
    for name, value in _HEADERS.items():
        response.headers.setdefault(name, value)
    if request.is_secure:
        response.headers["Strict-Transport-Security"] = "max-age=31536000"
    return response
