"""What goes wrong, told to programs as problem+json (RFC 9457) and to people as a page.

Owns the way from an exception to an answer. No answer shows a path, a query or a stack.
"""

import logging
from typing import Any

from flask import Flask, Response, g, json, render_template, request
from werkzeug.exceptions import HTTPException, InternalServerError, RequestEntityTooLarge

from clothing.errors import ClothingError, PhotoError, StorageError

log = logging.getLogger(__name__)

SOON = 30
"""Seconds after which to ask again while the storage has a fault that may pass."""

_PROGRAMS = ("/api/", "/health/", "/metrics", "/prediction")


def init_app(app: Flask) -> None:
    """Catch everything that views raise."""
    app.register_error_handler(HTTPException, _http_problem)
    app.register_error_handler(ClothingError, _clothing_problem)
    app.register_error_handler(LookupError, _not_found)
    app.register_error_handler(Exception, _unexpected)


def problem(status: int, title: str, detail: str, **more: Any) -> Response:
    """Return an answer that says what was wrong, as a page for people or JSON for programs.

    Args:
        status: HTTP status.
        title: What kind of problem, in a few words.
        detail: What was wrong, what was received, what to do.
        **more: Further members of the JSON.
    """
    if wants_page():
        page = render_template("problem.html", title=title, detail=detail, status=status)
        return Response(page, status, mimetype="text/html")
    members = {"type": "about:blank", "title": title, "status": status, "detail": detail, **more}
    return Response(json.dumps(members), status, mimetype="application/problem+json")


def wants_page() -> bool:
    """Return True if a person in a browser asks, False if a program does."""
    if request.path.startswith(_PROGRAMS):
        return False
    accepted = request.accept_mimetypes
    return accepted["text/html"] > accepted["application/json"]


def _http_problem(error: HTTPException) -> Response:
    status = error.code or 500
    answer = problem(status, error.name, _said(error))
    headers = dict(error.get_headers())
    for name in ("Allow", "Retry-After"):
        if name in headers:
            answer.headers[name] = headers[name]
    if status == 401:
        answer.headers["WWW-Authenticate"] = "Bearer"
    return answer


def _said(error: HTTPException) -> str:
    if isinstance(error, RequestEntityTooLarge):
        most = (request.max_content_length or 0) / 2**20
        return f"That is too large: this call takes at most {most:.0f} MB."
    return error.description or ""


def _clothing_problem(error: ClothingError) -> Response:
    if isinstance(error, PhotoError):
        return problem(422, "Photo cannot be used", str(error))
    log.error("%s %s: %s", request.method, request.path, error)
    answer = problem(503, "Service not ready", str(error))
    if isinstance(error, StorageError) and not error.permanent:
        answer.headers["Retry-After"] = str(SOON)
    return answer


def _not_found(error: LookupError) -> Response:
    if type(error) is not LookupError:  # a KeyError or IndexError is a mistake of ours
        return _unexpected(error)
    return problem(404, "Not Found", str(error))


def _unexpected(error: Exception) -> Response:
    log.exception("%s %s", request.method, request.path, exc_info=error)
    detail = f"This is a mistake of ours; the log has it under {g.get('request_id', 'this time')}."
    return problem(500, InternalServerError().name, detail)
