"""Who may call what: every route, and the scopes of which a caller needs one.

Owns the table. A route that is not in it answers nobody, and a test fails as long as there is one.
"""

from collections.abc import Collection

from clothing.keys import SCOPES

EVERYONE = frozenset({"everyone"})
"""Whoever asks, known or not: probes, and what it takes to sign in."""

KNOWN = frozenset(SCOPES)
"""Whoever has a key, whatever it may do."""

READ, RUN, REVIEW = (frozenset({scope}) for scope in SCOPES)

WHO: dict[str, frozenset[str]] = {
    "health.live": EVERYONE,
    "health.ready": EVERYONE,
    "sign_in.sign_in": EVERYONE,
    "static": EVERYONE,
    "developers.openapi": KNOWN,
    "developers.page": KNOWN,
    "sign_in.introduce": KNOWN,
    "sign_in.sign_out": KNOWN,
    # Who starts a run learns how it went, and what it found.
    "api.prediction": RUN,
    "api.run": READ | RUN,
    "api.results": READ | RUN,
    "pages.start_run": RUN,
    # Who reviews sees photos, and says what is on them; lists and figures are for who reads.
    "review.queue": REVIEW,
    "review.answer": REVIEW,
    "review.save": REVIEW,
    "photos.correct": REVIEW,
    "pages.picture": READ | REVIEW,
    "api.classify": READ,
    "api.predictions": READ,
    "api.runs": READ,
    "take_away.as_csv": READ,
    "take_away.as_xlsx": READ,
    "take_away.pick_list": READ,
    "take_away.reviewed": READ,
    "metrics.metrics": READ,
    "pages.morning_sheet": READ,
    "pages.seen": READ,
    "pages.thumbnail": READ,
    "photos.browse": READ,
    "photos.one": READ,
    "quality.quality": READ,
    "runs.listed": READ,
    "runs.one": READ,
    "try.classify": READ,
    "try.hold_up": READ,
}
"""By the name of the route."""


HOMES = ("pages.morning_sheet", "review.queue")
"""Where people start."""


def home_of(scopes: Collection[str]) -> str | None:
    """Return the page where somebody with these scopes starts, None if no page is for them."""
    return next((page for page in HOMES if may_call(page, scopes)), None)


def is_open(endpoint: str | None) -> bool:
    """Return True if a route answers whoever asks, False if not or if there is no such route."""
    return endpoint is not None and WHO.get(endpoint) == EVERYONE


def may_call(endpoint: str | None, scopes: Collection[str]) -> bool:
    """Return True if somebody with these scopes may call a route, False if not.

    Where there is no route, whoever is known may learn just that.
    """
    if endpoint is None:
        return bool(scopes)
    if is_open(endpoint):
        return True
    return bool(WHO.get(endpoint, frozenset()) & set(scopes))
