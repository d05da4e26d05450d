"""The web app: the API for programs and the pages for people.

A shell like `cli`: it builds the objects from the settings and calls them. A run never happens in
this process but in a child of it, so a run that dies does not take the pages with it.
"""

import logging
import secrets
from collections.abc import Mapping
from datetime import timedelta

from flask import Flask

from clothing.environment import environment
from clothing.errors import StoreError
from clothing.journal import write_journal
from clothing.parts import Parts
from clothing.storage import MAX_PHOTO_BYTES
from clothing.web import (
    access,
    api,
    asked,
    developers,
    health,
    metrics,
    pages,
    photo_pages,
    precedence,
    problems,
    quality_page,
    request_log,
    review,
    run_pages,
    sessions,
    sign_in,
    take_away,
    try_page,
    wording,
)
from clothing.web.site import Site

log = logging.getLogger(__name__)

PAGES = (pages, review, photo_pages, run_pages, quality_page, try_page, take_away, developers)
"""Each adds its routes; none knows of another but by the name of a route."""


def create_app(environ: Mapping[str, str] | None = None) -> Flask:
    """Return the app that the settings describe.

    Args:
        environ: Variables as in the environment; by default that and `.env`.

    Raises:
        ConfigError: A setting cannot be used; the message names it.
    """
    parts = Parts(environment() if environ is None else environ)
    write_journal(parts.config)
    app = Flask(__name__)
    app.config.update(
        SECRET_KEY=parts.config.secret_key or secrets.token_hex(),
        MAX_CONTENT_LENGTH=MAX_PHOTO_BYTES + 2**20,
        PERMANENT_SESSION_LIFETIME=timedelta(hours=12),
        # An answer to a request of before must not bring back who has signed out since.
        SESSION_REFRESH_EACH_REQUEST=False,
        SESSION_COOKIE_SAMESITE="Lax",
        SESSION_COOKIE_SECURE="WEBSITE_HOSTNAME" in parts.environ,
    )
    app.json.sort_keys = False  # type: ignore[attr-defined]  # the contract's order reads better
    app.extensions["site"] = Site(parts)
    for module in (
        problems,
        precedence,
        request_log,
        sessions,
        access,
        sign_in,
        health,
        metrics,
        asked,
        api,
        wording,
        *PAGES,
    ):
        module.init_app(app)
    try:
        parts.store.ready(patient=False)
    except StoreError as error:  # the database may come later; /health/ready says so until then
        log.warning("%s", error)
    return app
