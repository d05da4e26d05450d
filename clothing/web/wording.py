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
    """Return a share as people read it; never 100 % for what is not certain.

    >>> percent(0.996), percent(1.0), percent(0.004)
    ('99 %', '100 %', '0 %')
    """
    return f"{int(share * 100 + 1e-9) if share > 0.99 else round(share * 100)} %"


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
