"""The runs: their history, and each with what it found.

Owns how many runs a page has; what is said of one is in `nights`. It never starts one.
"""

from flask import Blueprint, Flask, render_template, url_for

from clothing.web import asked
from clothing.web.nights import night_of
from clothing.web.site import ready_store, site

blueprint = Blueprint("runs", __name__)

RUNS_A_PAGE = 50


def init_app(app: Flask) -> None:
    """Add the pages of runs."""
    app.register_blueprint(blueprint)


@blueprint.get("/runs")
def listed() -> str:
    """Show runs, newest first; `before` goes on."""
    before = asked.number("before")
    runs = ready_store().runs(before, RUNS_A_PAGE)
    more = url_for(".listed", before=runs[-1].run_id) if len(runs) == RUNS_A_PAGE else None
    return render_template(
        "runs.html", runs=runs, tallies=site().tallies.of(runs), before=before, more=more
    )


@blueprint.get("/runs/<int:run_id>")
def one(run_id: int) -> str:
    """Show one run: how it went, its piles, its failures, and all of it to take away."""
    found = night_of(ready_store().run(run_id))
    return render_template("run.html", night=found, run=found.run)
