"""What a page says of one run: its piles, its mix beside the usual one, and what failed.

Owns which run's piles are shown; what counts as usual is for `quality` to say.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from clothing.labels import CATEGORIES
from clothing.nightly import Nightly, nightly
from clothing.photos import Run
from clothing.quality import (
    LOOKED_AT,
    evening_of,
    mix_of,
    pools_of,
    together,
    usual_mix,
    usual_pools,
)
from clothing.questions import PILES, Pile, Row, Tally, Wanted, checked, failures, photos, reasons
from clothing.web.site import site

SAMPLES = 8
"""Photos of a pile that are shown at a glance."""


@dataclass(frozen=True, slots=True)
class PileShown:
    """A pile of a run at a glance: how many photos, the first of them, how many are checked."""

    pile: Pile
    run: Run
    number: int
    rows: list[Row]
    checked: int = 0


@dataclass(frozen=True, slots=True)
class MixRow:
    """A category of a run: how many photos, which share, and which share usually."""

    category: str
    number: int
    share: float
    usual: float | None
    bar: float
    mark: float


@dataclass(frozen=True, slots=True)
class Night:
    """One run as its page tells it.

    Attributes:
        run: The run.
        nightly: Whether the nightly run happens.
        shown: The run whose piles are shown: an earlier one where this one found nothing new.
        tally: What is counted of the run shown.
        piles: Its piles.
        mix: Its categories.
        nights: How many nights of the four weeks before the usual mix comes from.
        reasons: Why photos of the run could not be read, and how many each.
        waiting: How many doubtful answers wait for a person, of whichever run.
    """

    run: Run
    nightly: Nightly
    shown: Run
    tally: Tally
    piles: list[PileShown]
    mix: list[MixRow]
    nights: int
    reasons: list[tuple[str, int]]
    waiting: int

    @property
    def has_piles(self) -> bool:
        """True if the run shown opened a photo, so that its piles say something."""
        return bool(self.shown.counts.classified or self.shown.counts.failed)

    @property
    def forgotten(self) -> int:
        """Photos of the run shown whose answers were forgotten since; its own counts stay."""
        is_over = self.shown.status != "running"
        return self.shown.counts.classified - self.tally.classified if is_over else 0


def last_night() -> Night | None:
    """Return the newest run with the piles that people work from, or None before the first."""
    runs = site().parts.store.runs(limit=LOOKED_AT)
    if not runs:
        return None
    newest, *earlier = runs
    shown = newest
    if not newest.counts.classified:
        shown = next((run for run in earlier if run.counts.classified), newest)
    return _night(newest, shown, runs)


def night_of(run: Run) -> Night:
    """Return one run as its own page shows it."""
    return _night(run, run, site().parts.store.runs(before=run.run_id, limit=LOOKED_AT))


def _night(run: Run, shown: Run, runs: list[Run]) -> Night:
    store = site().parts.store
    mine, usual = _counted(shown, runs)
    read = run if run.status == "succeeded" else shown  # others have not looked at all of it
    return Night(
        run=run,
        nightly=nightly(store, datetime.now(UTC)),
        shown=shown,
        tally=mine,
        piles=[_pile(pile, read if pile == "unreadable" else shown, mine) for pile in PILES],
        mix=_mix(mine, usual_mix(usual)),
        nights=len(usual),
        reasons=reasons(store, run.run_id),
        waiting=site().reviews.left().doubtful,
    )


def _counted(shown: Run, runs: list[Run]) -> tuple[Tally, list[Tally]]:
    """Return what is counted of a run, and of each night before that tells what is usual."""
    zone = site().parts.config.tz
    evening = evening_of(shown.started_at, zone)
    pools = usual_pools(evening, bool(shown.prefix), pools_of(runs, zone))
    tallies = site().tallies.of([shown, *(run for pool in pools for run in pool.runs)])
    nights = [together(tallies[run.run_id] for run in pool.runs) for pool in pools]
    return tallies[shown.run_id], [night for night in nights if night.classified]


def _pile(pile: Pile, run: Run, tally: Tally) -> PileShown:
    store, wanted = site().parts.store, Wanted(run_id=run.run_id, pile=pile)
    if pile == "unreadable":
        return PileShown(pile, run, run.counts.failed, failures(store, wanted, limit=SAMPLES))
    rows = photos(store, wanted, limit=SAMPLES)
    if pile == "check":
        return PileShown(pile, run, tally.to_check, rows, checked(store, run.run_id))
    return PileShown(pile, run, tally.classified - tally.to_check, rows)


def _mix(tally: Tally, usual: Mapping[str, float]) -> list[MixRow]:
    """Return a row for each category; bars reach as far as the largest share does."""
    if not tally.classified:
        return []
    mine = mix_of(tally)
    most = max(*mine.values(), *usual.values())
    return [
        MixRow(
            category=category,
            number=tally.by_category.get(category, 0),
            share=mine[category],
            usual=usual.get(category),
            bar=100 * mine[category] / most,
            mark=100 * usual.get(category, 0) / most,
        )
        for category in CATEGORIES
    ]
