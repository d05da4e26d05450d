"""How well the sorting goes: what people said of it, and how the photos change.

Owns what the page shows, and of how many nights; the figures are defined in `clothing.quality`.
"""

from collections.abc import Mapping, Sequence

from flask import Blueprint, Flask, render_template

from clothing.labels import CATEGORIES
from clothing.photos import Run
from clothing.quality import (
    ENOUGH,
    LOOKED_AT,
    Agreement,
    Mix,
    Share,
    agreement_by_run,
    agreement_of,
    mix_of,
    shift_of,
    usual_mix,
    usual_runs,
)
from clothing.questions import Tally, verdicts
from clothing.web.charts import Line, Point, line_of
from clothing.web.site import site
from clothing.web.wording import day

blueprint = Blueprint("quality", __name__)

NIGHTS_SHOWN = 60


def init_app(app: Flask) -> None:
    """Add /quality."""
    app.register_blueprint(blueprint)


@blueprint.get("/quality")
def quality() -> str:
    """Show agreement, confusion and drift."""
    store = site().parts.store
    store.ready()
    every = store.runs(limit=LOOKED_AT)
    tallies = site().tallies.of(every)
    runs = [run for run in every if tallies[run.run_id].classified]
    mixes = {run.run_id: mix_of(tallies[run.run_id]) for run in runs}
    model = next((run.model_version for run in runs if run.model_version), None)
    found = verdicts(store, model) if model else []
    agreement = agreement_of(found, verdicts(store, model, blind=True) if model else [])
    return render_template(
        "quality.html",
        model=model,
        agreement=agreement,
        enough=ENOUGH,
        said=_said(agreement),
        agreed=_agreed(agreement_by_run(found), runs),
        drift=_drift(runs, tallies, mixes),
        month=_month(runs, mixes),
    )


def _said(agreement: Agreement) -> list[str]:
    """Return the columns of the confusion matrix: the ten, and what else people said."""
    other = {said for row in agreement.confusion.values() for said in row} - set(CATEGORIES)
    return [*CATEGORIES, *sorted(other)]


def _agreed(by_run: Mapping[int, Share], runs: Sequence[Run]) -> Line | None:
    """Return how often people agreed with each night, or None if there are not two of them."""
    started = {run.run_id: run.started_at for run in runs}
    points = [
        Point(day(started[run_id]), share.share or 0, *share.interval)
        for run_id, share in by_run.items()
        if run_id in started
    ]
    return (
        line_of("Agreement by night, of all reviewed photos", points[-NIGHTS_SHOWN:])
        if len(points) > 1
        else None
    )


def _drift(
    runs: Sequence[Run], tallies: Mapping[int, Tally], mixes: Mapping[int, Mix]
) -> list[Line]:
    """Return share sorted, confidence and shift of the mix by night, the oldest first."""
    if len(runs) < 2:
        return []
    sorted_, confidence, shift = [], [], []
    for run in reversed(runs[:NIGHTS_SHOWN]):
        tally, label = tallies[run.run_id], day(run.started_at)
        sorted_.append(Point(label, 1 - tally.to_check / tally.classified))
        confidence.append(Point(label, tally.confidence / tally.classified))
        if usual := _usual(run, runs, mixes):
            shift.append(Point(label, shift_of(mixes[run.run_id], usual)))
    return [
        line_of("Share sorted without a look", sorted_),
        line_of("Mean confidence", confidence),
        *([line_of("Share of photos in other categories than usual", shift)] if shift else []),
    ]


def _usual(run: Run, runs: Sequence[Run], mixes: Mapping[int, Mix]) -> Mix:
    return usual_mix([mixes[one.run_id] for one in usual_runs(run, runs)])


def _month(runs: Sequence[Run], mixes: Mapping[int, Mix]) -> list[tuple[str, float, float, float]]:
    """Return category, share in the newest run, in the month before, and the difference."""
    if not runs:
        return []
    now = mixes[runs[0].run_id]
    usual = _usual(runs[0], runs, mixes)
    if not usual:
        return []
    return [
        (category, now[category], usual[category], now[category] - usual[category])
        for category in CATEGORIES
    ]
