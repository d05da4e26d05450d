"""How well the sorting goes, from what people said and from how the photos change: pure figures.

Owns the definitions of the figures that the quality page shows.
"""

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta, tzinfo

from clothing.labels import AGAIN, CATEGORIES, agrees
from clothing.photos import Run
from clothing.questions import Tally, Verdict

ENOUGH = 30
"""Reviews below which a share says next to nothing."""

ENOUGH_ANSWERS = 30
"""Answers of a night below which it is drawn in no chart: chance alone would rule its mix."""

USUAL = timedelta(days=28)
"""How far back the usual mix looks."""

LOOKED_AT = 1000
"""Runs that are looked at, at the most: four weeks of one an hour, and some."""

Mix = dict[str, float]
"""The share of each category, 0 to 1."""

_NOON = timedelta(hours=12)
_Z = 1.959963984540054  # of the normal distribution: 95 % lie within


@dataclass(frozen=True, slots=True)
class Share:
    """So many of so many, and the interval in which the truth lies in 95 of 100 cases."""

    right: int
    of: int

    @property
    def share(self) -> float | None:
        """The share, or None of nothing."""
        return self.right / self.of if self.of else None

    @property
    def interval(self) -> tuple[float, float]:
        """Wilson's score interval: sensible for few reviews too, and never beyond 0 and 1.

        >>> [round(end, 3) for end in Share(9, 10).interval]
        [0.596, 0.982]
        >>> Share(0, 0).interval
        (0.0, 1.0)
        """
        if not self.of:
            return 0.0, 1.0
        share, z2 = self.right / self.of, _Z * _Z / self.of
        middle = (share + z2 / 2) / (1 + z2)
        half = _Z * math.sqrt(share * (1 - share) / self.of + z2 / self.of / 4) / (1 + z2)
        return max(0.0, middle - half), min(1.0, middle + half)


@dataclass(frozen=True, slots=True)
class Pool:
    """The runs of one night and one kind, taken together: so a run of one photo is no night.

    Attributes:
        evening: The day on which the night began; it goes from noon to noon.
        force: Whether they classified photos anew.
        partly: Whether they were over some photos only.
        runs: The runs, oldest first.
    """

    evening: date
    force: bool
    partly: bool
    runs: list[Run] = field(compare=False)


@dataclass(frozen=True, slots=True)
class Agreement:
    """What people said of answers.

    Attributes:
        everything: All reviews; most are of doubtful photos, so this is lower than the truth.
        blind: Those of sorted photos that were shown without the suggestion: the honest figure.
        by_category: All reviews by what the model said.
        confusion: How often people said what, by what the model said.
        again: Photos of which nobody could tell.
    """

    everything: Share
    blind: Share
    by_category: dict[str, Share]
    confusion: dict[str, dict[str, int]]
    again: int

    @property
    def enough(self) -> bool:
        """True if there are so many reviews that the figures mean something, else False."""
        return self.everything.of >= ENOUGH


def agreement_of(verdicts: Iterable[Verdict], blind: Iterable[Verdict]) -> Agreement:
    """Return what people said, put together.

    Args:
        verdicts: Of all reviews.
        blind: Of those that were given without the suggestion.
    """
    found = list(verdicts)
    known = [verdict for verdict in found if verdict.reviewed != AGAIN]
    return Agreement(
        everything=_share(known),
        blind=_share(verdict for verdict in blind if verdict.reviewed != AGAIN),
        by_category={
            category: _share(verdict for verdict in known if verdict.predicted == category)
            for category in CATEGORIES
        },
        confusion=_confusion(known),
        again=sum(verdict.number for verdict in found if verdict.reviewed == AGAIN),
    )


def agreement_by_night(
    verdicts: Iterable[Verdict], pools: Iterable[Pool]
) -> list[tuple[Pool, Share]]:
    """Return how often people agreed with each night of which they said something."""
    by_run: dict[int, list[Verdict]] = {}
    for verdict in verdicts:
        if verdict.reviewed != AGAIN:
            by_run.setdefault(verdict.run_id, []).append(verdict)
    shares = [
        (pool, _share(v for run in pool.runs for v in by_run.get(run.run_id, ()))) for pool in pools
    ]
    return [(pool, share) for pool, share in shares if share.of]


def evening_of(moment: datetime, zone: tzinfo) -> date:
    """Return the day on which the night began that a moment belongs to.

    >>> from datetime import UTC
    >>> str(evening_of(datetime(2026, 11, 21, 3, tzinfo=UTC), UTC))
    '2026-11-20'
    """
    local = moment.astimezone(zone).replace(tzinfo=None)
    return (local - _NOON).date()


def pools_of(runs: Iterable[Run], zone: tzinfo) -> list[Pool]:
    """Return runs by their nights, newest first.

    Those that classified photos anew stay apart, and so do those over some photos: their mix is
    another one. A run that broke off belongs to the night of the next one that succeeded and did
    the rest of its work. Until then it is in no night, and so is a run that goes on: a third of a
    night is not like the whole.
    """
    pools: dict[tuple[date, bool, bool], Pool] = {}
    broken_off: list[Run] = []
    for run in sorted(runs, key=lambda run: run.run_id):
        if run.status in ("interrupted", "failed"):
            broken_off.append(run)
        elif run.status == "succeeded":
            key = (evening_of(run.started_at, zone), run.force, bool(run.prefix))
            pool = pools.setdefault(key, Pool(*key, []))
            pool.runs.extend([*(one for one in broken_off if _goes_on(run, one)), run])
            broken_off = [one for one in broken_off if not _goes_on(run, one)]
    return list(reversed(pools.values()))


def _goes_on(run: Run, broken_off: Run) -> bool:
    """Tell whether a run did what was left of one that broke off: all its photos are among ours."""
    return run.force == broken_off.force and broken_off.prefix.startswith(run.prefix)


def together(tallies: Iterable[Tally]) -> Tally:
    """Return several tallies as one.

    >>> together([Tally({"Bag": 1}, 1, 0.5), Tally({"Bag": 2, "Coat": 1}, 0, 2.5)])
    Tally(by_category={'Bag': 3, 'Coat': 1}, to_check=1, confidence=3.0)
    """
    found, by_category = list(tallies), Counter[str]()
    for tally in found:
        by_category.update(tally.by_category)
    to_check = sum(tally.to_check for tally in found)
    return Tally(dict(by_category), to_check, sum(tally.confidence for tally in found))


def mix_of(tally: Tally) -> Mix:
    """Return the share of each category, all ten, in order; without answers all are 0."""
    whole = tally.classified or 1
    return {category: tally.by_category.get(category, 0) / whole for category in CATEGORIES}


def usual_pools(evening: date, partly: bool, pools: Iterable[Pool]) -> list[Pool]:
    """Return the nights of the four weeks before one that tell what usually comes.

    Those that classified photos anew do not, and where one is over all photos, those over some.
    """
    return [
        pool
        for pool in pools
        if timedelta() < evening - pool.evening <= USUAL
        and not pool.force
        and pool.partly == partly
    ]


def usual_mix(nights: Iterable[Tally]) -> Mix:
    """Return the share of each category over some nights, or nothing without any answer.

    All their photos count, so that a night of one photo has no say; but no night weighs more than
    the mean one: one over everything, as after a new model, drowns none of the others.

    >>> few, many = Tally({"Coat": 1}, 0, 1.0), Tally({"Bag": 90, "Coat": 10}, 0, 90.0)
    >>> round(usual_mix([many, many, many, few])["Bag"], 2)
    0.9
    """
    found = [night for night in nights if night.classified]
    if not found:
        return {}
    mean = sum(night.classified for night in found) / len(found)
    weighed = [(min(night.classified, mean), mix_of(night)) for night in found]
    whole = sum(weight for weight, _ in weighed)
    return {
        category: sum(weight * mix[category] for weight, mix in weighed) / whole
        for category in CATEGORIES
    }


def shift_of(now: Mix, usual: Mix) -> float:
    """Return how far two mixes are apart: the share of photos that lie elsewhere than usual.

    >>> round(shift_of({"Bag": 0.6, "Coat": 0.4}, {"Bag": 0.5, "Coat": 0.5}), 3)
    0.1
    """
    return sum(abs(now[category] - usual[category]) for category in now) / 2


def _share(verdicts: Iterable[Verdict]) -> Share:
    known = list(verdicts)
    right = sum(v.number for v in known if agrees(v.predicted, v.reviewed))
    return Share(right, sum(v.number for v in known))


def _confusion(verdicts: Sequence[Verdict]) -> dict[str, dict[str, int]]:
    counts: dict[str, Counter[str]] = {}
    for verdict in verdicts:
        counts.setdefault(verdict.predicted, Counter())[verdict.reviewed] += verdict.number
    return {category: dict(counts[category]) for category in CATEGORIES if category in counts}
