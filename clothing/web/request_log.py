"""A line of the log for every request: what was asked, by whom, and how it was answered.

Owns the number of a request, which its answer bears as well (`X-Request-ID`). No line holds a
query, a header or a body.
"""

import logging
import secrets
import time

from flask import Flask, Response, g, request

from clothing.journal import about_nothing, about_request

log = logging.getLogger(__name__)

_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
_QUIET = ("/health/", "/static/")
"""What is asked all day long by nobody in particular."""


def init_app(app: Flask) -> None:
    """Number every request, and write it down once it is answered."""
    has_keys = bool(app.extensions["site"].parts.config.keys)

    def write(answer: Response) -> Response:
        answer.headers["X-Request-ID"] = g.request_id
        milliseconds = 1000 * (time.perf_counter() - g.asked_at)
        log.log(
            _level(answer.status_code, has_keys),
            "%s %s %d in %.0f ms",
            request.method,
            request.path,
            answer.status_code,
            milliseconds,
        )
        return answer

    app.before_request(_number)
    app.after_request(write)
    app.teardown_request(lambda _error: about_nothing())


def _number() -> None:
    g.request_id, g.asked_at = secrets.token_hex(8), time.perf_counter()
    about_request(g.request_id, "nobody")


def _level(status: int, has_keys: bool) -> int:
    """Return how much a request matters: on a laptop nobody has to know who read what."""
    if status >= 400 or request.method not in _SAFE:
        return logging.INFO
    if not has_keys or request.path.startswith(_QUIET):
        return logging.DEBUG
    return logging.INFO
