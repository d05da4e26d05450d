"""How well the sorting goes, from what people said and from how the photos change: pure figures.

Owns the definitions of the figures that the quality page shows.
"""

import math
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta

from clothing.labels import AGAIN, CATEGORIES, agrees
from clothing.photos import Run
from clothing.questions import Tally, Verdict

ENOUGH = 30
"""Reviews below which a share says next to nothing."""

USUAL = timedelta(days=28)
"""How far back the usual mix looks."""

LOOKED_AT = 1000
"""Runs that are looked at, at the most: four weeks of one an hour, and some."""

Mix = dict[str, float]
"""The share of each category, 0 to 1."""

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


def agreement_by_run(verdicts: Iterable[Verdict]) -> dict[int, Share]:
    """Return how often people agreed with each run, by its number and in that order."""
    known = [verdict for verdict in verdicts if verdict.reviewed != AGAIN]
    run_ids = sorted({verdict.run_id for verdict in known})
    return {number: _share(v for v in known if v.run_id == number) for number in run_ids}


def mix_of(tally: Tally) -> Mix:
    """Return the share of each category, all ten, in order; without answers all are 0."""
    whole = tally.classified or 1
    return {category: tally.by_category.get(category, 0) / whole for category in CATEGORIES}


def usual_runs(run: Run, runs: Iterable[Run]) -> list[Run]:
    """Return the runs of the four weeks before one that tell what usually comes.

    Those that classified photos anew do not, and where one is over all photos, those over some.
    """
    return [
        one
        for one in runs
        if one.run_id < run.run_id
        and run.started_at - one.started_at < USUAL
        and one.counts.classified
        and not one.force
        and bool(one.prefix) == bool(run.prefix)
    ]


def usual_mix(mixes: Collection[Mix]) -> Mix:
    """Return the mean share of each category, or nothing without any run.

    Each run weighs the same: one over everything, as after a new model, drowns none of the others.

    >>> usual_mix([mix_of(Tally({"Bag": 1}, 1, 0.5)), mix_of(Tally({"Coat": 2}, 0, 1.5))])["Bag"]
    0.5
    """
    if not mixes:
        return {}
    return {name: sum(mix[name] for mix in mixes) / len(mixes) for name in CATEGORIES}


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
