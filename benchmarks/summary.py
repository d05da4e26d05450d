"""From what was measured to `results.json`: medians, spread and ratios.

Owns the form of that file. A ratio is taken within one round, where both sides met the same
machine, and the median of the rounds is kept.
"""

from collections.abc import Callable, Mapping, Sequence
from statistics import median
from typing import Any

from benchmarks import pipeline
from benchmarks.lines import LINES, SPEEDS, Line
from benchmarks.measuring import Measured
from benchmarks.rounds import Found, Plan

Round = Mapping[str, Measured]


def summed_up(plan: Plan, found: Found, machine: Mapping[str, Any]) -> dict[str, Any]:
    """Return what `results.json` holds.

    Keys of a scenario: `title`, `photos`, `photos_per_second`, `spread` (lowest and highest of the
    rounds), `cpu_seconds_per_photo`, `peak_memory_mb`, `start_seconds`,
    `photos_per_second_with_start`, `others_cores` (what other programs had of the processor) and
    the ratios, None where they mean nothing: `ratio_to_limit` (of the bound for all cores),
    `ratio_to_limit_of_cores_left` (of the bound for those that other programs left),
    `cpu_ratio_to_limit` (CPU of the limit over this one's), `cpu_ratio_to_folder` (CPU of the run
    from Azurite over that from a folder), `ratio_to_predecessor`. Beside them what a scenario
    counts itself: `opened`, `p95_ms`, ….
    """
    names = [name for name in LINES if any(name in one for one in found.rounds)]
    return {
        "machine": dict(machine),
        "settings": {
            "size": plan.size,
            "rounds": plan.rounds,
            "photos": "a folder" if plan.photos else "drawn",
            "predecessor": plan.predecessor,
        },
        "scenarios": {name: _scenario(name, found.rounds) for name in names},
        "scale": [_scaled(one) for one in found.scale],
        "not_measured": found.missing
        | {name: words.splitlines()[-1] for name, words in found.failed.items()},
    }


def _scenario(name: str, rounds: Sequence[Round]) -> dict[str, Any]:
    some = [one[name] for one in rounds if name in one]
    if name not in SPEEDS:
        return _figures(name, some)
    line = LINES[name]
    rates = [one.photos_per_second for one in some]
    return _figures(name, some) | {
        "photos_per_second": _rounded(median(rates)),
        "spread": [_rounded(min(rates)), _rounded(max(rates))],
        "photos_per_second_with_start": _rounded(median(one.with_start for one in some)),
        "ratio_to_limit": _ratio(rounds, name, line.limit, _speed),
        "ratio_to_limit_of_cores_left": _ratio(rounds, name, _bound(line), _speed_left, _speed),
        "cpu_ratio_to_limit": _ratio(rounds, _bound(line), name, _cpu),
        "cpu_ratio_to_folder": _ratio(rounds, name, _folder(name), _cpu),
        "ratio_to_predecessor": _ratio(rounds, name, line.predecessor, _speed),
    }


def _bound(line: Line) -> str:
    """Return the limit of a line if it is one of CPU seconds, else ""."""
    return line.limit if line.limit.startswith("limit") else ""


def _folder(name: str) -> str:
    return "folder" if name == "azurite" else ""


def _speed(one: Measured) -> float:
    return one.photos_per_second


def _speed_left(one: Measured) -> float:
    """Return the speed as it would be if the cores that others took had been there too."""
    return one.photos_per_second / max(1 - one.others / pipeline.CORES, 0.01)


def _cpu(one: Measured) -> float:
    return one.cpu_seconds / one.photos


def _ratio(
    rounds: Sequence[Round],
    above: str,
    below: str,
    figure: Callable[[Measured], float],
    figure_below: Callable[[Measured], float] | None = None,
) -> float | None:
    """Return the median over the rounds that have both, or None if none has."""
    divide = figure_below or figure
    both = [one for one in rounds if above in one and below in one]
    ratios = [figure(one[above]) / max(divide(one[below]), 1e-9) for one in both]
    return _rounded(median(ratios)) if ratios else None


def _rounded(figure: float) -> float:
    """Return a figure with four digits that mean something."""
    return float(f"{figure:.4g}")


def _figures(name: str, some: Sequence[Measured]) -> dict[str, Any]:
    facts = {fact: median(one.facts[fact] for one in some) for fact in some[0].facts}
    start = facts.pop("start_seconds", median(one.start_seconds for one in some))
    return {
        "title": LINES[name].title,
        "photos": some[0].photos + some[0].start_photos,
        "cpu_seconds_per_photo": _rounded(median(map(_cpu, some))),
        "peak_memory_mb": round(max(one.peak_memory_mb for one in some)),
        "start_seconds": _rounded(start),
        "others_cores": _rounded(median(one.others for one in some)),
        **{fact: _rounded(figure) for fact, figure in facts.items()},
    }


def _scaled(one: Measured) -> dict[str, Any]:
    return {
        "photos": one.photos,
        "seconds": _rounded(one.seconds),
        "photos_per_second": _rounded(one.photos_per_second),
        "cpu_seconds_per_photo": _rounded(_cpu(one)),
        "peak_memory_mb": round(one.peak_memory_mb),
    }
