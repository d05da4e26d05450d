"""What a request asks for: the reading of its query, and the words for what cannot be read.

Owns the names of the query's fields. What is wanted goes to `questions`: it asks no table itself.
"""

import re
from datetime import UTC, date, datetime, time, timedelta
from urllib.parse import urlencode

from flask import Flask, request
from werkzeug.exceptions import BadRequest
from werkzeug.routing import IntegerConverter

from clothing.labels import AGAIN, ANSWERS, OUTSIDE, UNDONE
from clothing.questions import PILES, Wanted
from clothing.standing import Moment
from clothing.storage import MAX_NAME
from clothing.web.site import site
from clothing.words import is_whole

VERDICTS = {"none of these": OUTSIDE, "photograph again": AGAIN, "undo": UNDONE}
"""What a program may say of a photo instead of a category."""

LONGEST_SECONDS = 3600.0
"""Who took longer to answer was away: how long they looked is not known."""

FIELDS = ("run", "category", "pile", "name", "least", "most", "since", "until")
"""What a list of photos can be chosen by."""


_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_MOMENT = re.compile(r"([0-9]{1,18})-([0-9]{1,18})-([0-9]{1,18})")


class _RowNumber(IntegerConverter):
    """A number in an address: no database has a row with more digits, and none takes them."""

    regex = "[0-9]{1,18}"


def init_app(app: Flask) -> None:
    """Read the numbers in addresses as those of queries are read."""
    app.url_map.converters["int"] = _RowNumber


def number(name: str) -> int | None:
    """Return a number of the query, or None if it is not there."""
    received = request.args.get(name) or None
    if received is None:
        return None
    if not (received.isascii() and received.isdecimal()) or len(received) > 18:
        raise BadRequest(f"{name} is a whole number. Received: {received!r}.")
    return int(received)


def one_of(name: str, accepted: tuple[str, ...]) -> str | None:
    """Return a word of the query, or None if it is not there."""
    received = request.args.get(name) or None
    if received is not None and received not in accepted:
        raise BadRequest(f"{name} is one of {', '.join(accepted)}. Received: {received!r}.")
    return received


def moment() -> Moment | None:
    """Return as of when the query wants a list, or None if it does not say."""
    received = request.args.get("as_of") or None
    if received is None:
        return None
    found = _MOMENT.fullmatch(received)
    if not found:
        raise BadRequest(f"as_of is three whole numbers, as 61-2-40. Received: {received!r}.")
    return Moment(*map(int, found.groups()))


def in_query(moment: Moment) -> str:
    """Return a moment as a query gives it."""
    return f"{moment.image_id}-{moment.failure_id}-{moment.review_id}"


def wanted() -> Wanted:
    """Return which photos the query chooses."""
    name = request.args.get("name", "").strip()
    if len(name) > MAX_NAME or not is_whole(name):
        raise BadRequest(
            f"name is a text of at most {MAX_NAME} whole characters. Received: {len(name)}."
        )
    since, until = _day("since"), _day("until")
    return Wanted(
        run_id=number("run"),
        category=one_of("category", ANSWERS),
        pile=one_of("pile", PILES),  # type: ignore[arg-type]  # just checked
        name=name,
        least=_share("least"),
        most=_share("most"),
        since=_midnight(since) if since else None,
        until=_midnight(until + timedelta(days=1)) if until else None,
    )


def chosen() -> dict[str, str]:
    """Return the fields of the query that choose something."""
    return {name: request.args[name] for name in FIELDS if request.args.get(name, "").strip()}


def query_of(fields: dict[str, str], **more: object) -> str:
    """Return fields as the end of an address, or "" if there are none."""
    asked = {**fields, **{name: str(value) for name, value in more.items() if value is not None}}
    return f"?{urlencode(asked)}" if asked else ""


def an_answer(received: str) -> str:
    """Return what a form says that a photo shows.

    Raises:
        BadRequest: It is no answer.
    """
    if received not in ANSWERS:
        raise BadRequest(f"answer is one of {', '.join(ANSWERS)}. Received: {received!r}.")
    return received


def _share(name: str) -> float | None:
    """Return a share that the query gives in percent."""
    received = (request.args.get(name) or "").strip()
    if not received:
        return None
    try:
        percent = float(received) if "_" not in received else -1
    except ValueError:
        percent = -1
    if not 0 <= percent <= 100:
        raise BadRequest(f"{name} is a percentage, 0 to 100. Received: {received!r}.")
    return percent / 100


def _day(name: str) -> date | None:
    received = (request.args.get(name) or "").strip()
    if not received:
        return None
    try:
        found = date.fromisoformat(received if _DAY.fullmatch(received) else "")
    except ValueError as error:
        raise BadRequest(f"{name} is a day, as 2026-11-22. Received: {received!r}.") from error
    if not 1970 <= found.year <= 9000:  # a time zone must not lead out of the calendar
        raise BadRequest(f"{name} is a day from 1970 on. Received: {received!r}.")
    return found


def _midnight(day: date) -> datetime:
    """Return when a day begins in the shop's zone."""
    return datetime.combine(day, time(), site().parts.config.tz).astimezone(UTC)
