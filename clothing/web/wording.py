"""Numbers, times and reasons as people read them: the words that templates share.

Owns the filters of the templates. It changes no figure and asks nothing.
"""

from datetime import datetime

from flask import Flask

from clothing import words
from clothing.export import NAMES
from clothing.labels import AGAIN, OUTSIDE, UNDONE
from clothing.photos import Failure, Run
from clothing.questions import Row
from clothing.tables import MIGRATION
from clothing.web.site import site

TRIGGERS = {
    "page": "from a page",
    "http": "by the scheduler",
    "command": "by a command",
    MIGRATION: "by the predecessor",
}

_LAST_BITS = 1e-12  # by which a computed share may miss all or nothing


def init_app(app: Flask) -> None:
    """Hand the words to the templates."""
    for word in (answer, percent, number, local_time, trigger, reason):
        app.add_template_filter(word)
    app.add_template_filter(words.duration_of, "duration")
    app.jinja_env.globals["pile_names"] = NAMES


ANSWERS_IN_WORDS = {
    OUTSIDE: "None of these",
    AGAIN: "Photograph again",
    UNDONE: "taken back",
}
"""What people can answer besides the ten categories, as the buttons say it."""


def answer(category: str) -> str:
    """Return an answer as people read it.

    >>> answer("Coat"), answer("(none)")
    ('Coat', 'None of these')
    """
    return ANSWERS_IN_WORDS.get(category, category)


def percent(share: float) -> str:
    """Return a share as people read it; never 100 % of what is not all, nor 0 % of what is some.

    >>> percent(0.984), percent(0.986), percent(1.0)
    ('98 %', '99 %', '100 %')
    >>> percent(0.9949), percent(0.995), percent(0.998), percent(0.9999)
    ('99 %', '> 99 %', '> 99 %', '> 99 %')
    >>> percent(0.0), percent(0.0001), percent(0.005), percent(0.0051)
    ('0 %', '< 1 %', '< 1 %', '1 %')
    >>> percent(1 - 2**-53)  # what was computed may miss all by the last bit
    '100 %'
    """
    whole = round(share * 100)
    if whole == 100 and share < 1 - _LAST_BITS:
        return "> 99 %"
    if whole == 0 and share > _LAST_BITS:
        return "< 1 %"
    return f"{whole} %"


def number(count: int) -> str:
    """Return a number with its thousands apart.

    >>> number(100000)
    '100,000'
    """
    return f"{count:,}"


def local_time(moment: datetime) -> str:
    """Return a time in the shop's zone."""
    return words.local_time(moment, site().parts.config.tz)


def trigger(run: Run) -> str:
    """Return who started a run."""
    way, _, key = run.trigger.partition(":")
    return f"by the key {key}" if key else TRIGGERS.get(way, f"by {way}")


def reason(row: Row) -> str:
    """Return why a person should look at a photo, or why it could not be read."""
    found = row.outcome
    return found.reason if isinstance(found, Failure) else found.prediction.review_reason
