"""How well the sorting goes: what people said of it, and how the photos change.

Owns what the page shows, and of how many nights; the figures are defined in `clothing.quality`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from flask import Blueprint, Flask, render_template

from clothing.labels import CATEGORIES
from clothing.quality import (
    ENOUGH,
    ENOUGH_ANSWERS,
    LOOKED_AT,
    Agreement,
    Mix,
    Pool,
    Share,
    agreement_by_night,
    agreement_of,
    mix_of,
    pools_of,
    shift_of,
    together,
    usual_mix,
    usual_pools,
)
from clothing.questions import Tally, verdicts
from clothing.web.charts import Line, Point, line_of
from clothing.web.site import site

blueprint = Blueprint("quality", __name__)

NIGHTS_SHOWN = 60


@dataclass(frozen=True, slots=True)
class _Night:
    """A night that has enough answers to be drawn, and the usual mix then, if there is one."""

    label: str
    tally: Tally
    usual: Mix


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
    over = [run for run in every if run.status != "running" and tallies[run.run_id].classified]
    pools = pools_of(every, site().parts.config.tz)
    nights = _nights(pools, tallies)
    model = next((run.model_version for run in over if run.model_version), None)
    found = verdicts(store, model) if model else []
    agreement = agreement_of(found, verdicts(store, model, blind=True) if model else [])
    return render_template(
        "quality.html",
        model=model,
        agreement=agreement,
        enough=ENOUGH,
        enough_answers=ENOUGH_ANSWERS,
        said=_said(agreement),
        agreed=_agreed(agreement_by_night(found, pools)),
        drift=_drift(nights),
        newest=nights[0].label if nights else "",
        month=_month(nights[0]) if nights else [],
    )


def _said(agreement: Agreement) -> list[str]:
    """Return the columns of the confusion matrix: the ten, and what else people said."""
    other = {said for row in agreement.confusion.values() for said in row} - set(CATEGORIES)
    return [*CATEGORIES, *sorted(other)]


def _agreed(by_night: Sequence[tuple[Pool, Share]]) -> Line | None:
    """Return how often people agreed with each night, or None if there are not two of them."""
    points = [
        Point(_label(pool), share.share or 0, *share.interval)
        for pool, share in reversed(by_night[:NIGHTS_SHOWN])
    ]
    title = "Agreement by night, of all reviewed photos"
    return line_of(title, points) if len(points) > 1 else None


def _nights(pools: Sequence[Pool], tallies: Mapping[int, Tally]) -> list[_Night]:
    """Return the nights that are drawn, newest first."""
    counted = {pool: together(tallies[run.run_id] for run in pool.runs) for pool in pools}
    drawn = [pool for pool in pools if counted[pool].classified >= ENOUGH_ANSWERS]
    nights = []
    for pool in drawn[:NIGHTS_SHOWN]:
        before = usual_pools(pool.evening, pool.partly, pools)
        usual = usual_mix(counted[one] for one in before)
        nights.append(_Night(_label(pool), counted[pool], usual))
    return nights


def _label(pool: Pool) -> str:
    """Return the day of a night's evening, and of which kind its runs were if not as usual."""
    kinds = [word for word, is_so in (("anew", pool.force), ("some", pool.partly)) if is_so]
    return ", ".join([pool.evening.strftime("%d %b"), *kinds])


def _drift(nights: Sequence[_Night]) -> list[Line]:
    """Return share sorted, confidence and shift of the mix by night, the oldest first."""
    if len(nights) < 2:
        return []
    sorted_, confidence, shift = [], [], []
    for night in reversed(nights):
        tally = night.tally
        sorted_.append(Point(night.label, 1 - tally.to_check / tally.classified))
        confidence.append(Point(night.label, tally.confidence / tally.classified))
        if night.usual:
            shift.append(Point(night.label, shift_of(mix_of(tally), night.usual)))
    return [
        line_of("Share sorted without a look", sorted_),
        line_of("Mean confidence", confidence),
        *([line_of("Share of photos in other categories than usual", shift)] if shift else []),
    ]


def _month(night: _Night) -> list[tuple[str, float, float, float]]:
    """Return category, share in a night, in the month before it, and the difference."""
    now, usual = mix_of(night.tally), night.usual
    return [
        (category, now[category], usual[category], now[category] - usual[category])
        for category in usual
    ]
