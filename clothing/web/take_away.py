"""What people take away: CSV, XLSX, a list to print, and reviewed photos as training takes them.

All are chosen by the same query as the list they come from; the files are those of
`clothing.export`.
"""

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import chain

from flask import Blueprint, Flask, send_file, stream_template
from werkzeug.wrappers import Response

from clothing.export import CSV, XLSX, csv_lines, in_parts, training_lines, write_workbook
from clothing.labels import ANSWERS
from clothing.questions import Row, Wanted, all_failures, all_photos, now
from clothing.standing import Moment
from clothing.store import Store
from clothing.web import asked
from clothing.web.site import site

blueprint = Blueprint("take_away", __name__)


def init_app(app: Flask) -> None:
    """Add the links."""
    app.register_blueprint(blueprint)


@dataclass(frozen=True, slots=True)
class Group:
    """The photos of one category, on the pick list."""

    category: str
    rows: Iterator[Row]


@blueprint.get("/export.csv")
def as_csv() -> Response:
    """Send the chosen photos as CSV while they are read."""
    store, wanted = _chosen()
    return _sent(in_parts(csv_lines(store, wanted)), f"{_name(wanted)}.csv")


@blueprint.get("/export.xlsx")
def as_xlsx() -> Response:
    """Send the chosen photos as a workbook, written to disk first: a zip's index comes last."""
    store, wanted = _chosen()
    book = tempfile.TemporaryFile()  # noqa: SIM115  # the answer closes it once it is sent
    try:
        write_workbook(book, store, wanted)
    except BaseException:
        book.close()
        raise
    book.seek(0)
    return send_file(book, mimetype=XLSX, as_attachment=True, download_name=f"{_name(wanted)}.xlsx")


@blueprint.get("/photos/pick-list")
def pick_list() -> Iterator[str]:
    """Show the chosen photos by category, to be printed; sent as it is read."""
    store, wanted = _chosen()
    categories = [wanted.category] if wanted.category else ANSWERS
    moment = now(store)
    lists = ((name, _all(store, replace(wanted, category=name), moment)) for name in categories)
    filled = (
        Group(name, chain([first], rows)) for name, rows in lists if (first := next(rows, None))
    )
    return stream_template("pick_list.html", groups=filled, run_id=wanted.run_id)


@blueprint.get("/reviewed.csv")
def reviewed() -> Response:
    """Send what people said of photos, in the form that `make train` takes."""
    return _sent(in_parts(training_lines(_ready())), "reviewed.csv")


def _chosen() -> tuple[Store, Wanted]:
    """Return the store and what is wanted of it.

    Raises:
        LookupError: It is of a run that there is not.
    """
    store, wanted = _ready(), asked.wanted()
    if wanted.run_id is not None:
        store.run(wanted.run_id)
    return store, wanted


def _all(store: Store, wanted: Wanted, moment: Moment) -> Iterator[Row]:
    return chain(all_photos(store, wanted, moment), all_failures(store, wanted, moment))


def _ready() -> Store:
    store = site().parts.store
    store.ready()
    return store


def _sent(parts: Iterator[str], name: str) -> Response:
    answer = Response(_begun(parts), mimetype=CSV)
    answer.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return answer


def _begun(parts: Iterator[str]) -> Iterator[str]:
    """Return the parts with the first one made: what fails at once is told, not cut off."""
    first = next(parts, "")

    def all_of_them() -> Iterator[str]:
        yield first
        yield from parts

    return all_of_them()


def _name(wanted: Wanted) -> str:
    """Return what the file is called: by run, or by the day on which it is taken."""
    if wanted.run_id is not None:
        return f"returns-run-{wanted.run_id}"
    return f"returns-{datetime.now(site().parts.config.tz):%Y-%m-%d}"
