"""What saturates first as nights grow: a simulation of the walk as queues in a row.

    python -m benchmarks.simulation        shows its tables

A night is cut into portions of photos. Each passes the stations in turn: listing, the driver, the
storage account, the cores, the database's connection, its log. A station does one portion at a
time, at its own rate, and rests while the next one is full, so the slowest sets the pace and what
lies before it stands still: as in the engine, whose windows are bounded. Service times scatter.

Rates come from `ray_engine.json`, which `python -m benchmarks.ray_engine measure` writes, and from
what Microsoft says of Azure; `INPUTS` names each. `make docs` brings the tables into docs/scale.md.
"""

import json
import math
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cache
from statistics import median
from typing import Any

from benchmarks import ray_engine

PORTIONS = 2000
"""Parts of a night that are followed through the stations."""

NIGHT = 8.0
"""Hours from 23:00 to 7:00."""

MARGIN = 0.75
"""Of the night, the part that cores are bought for."""

_SHAPE = 4  # of the gamma distribution of service times: a standard deviation of half the mean
_WINDOW = 8  # portions that may wait between two stations
_PAGE = 5000  # names in an answer to a listing


@dataclass(frozen=True, slots=True)
class Input:
    """A figure, what it is of, and who says so."""

    name: str
    figure: float
    unit: str
    source: str


MEASURED = "measured: benchmarks/ray_engine.json"
ASSUMED = "assumed; measure yours"


@cache
def measured() -> dict[str, Any]:
    """Return what the benchmark of the engine wrote."""
    figures: dict[str, Any] = json.loads(ray_engine.FIGURES.read_text(encoding="utf-8"))
    return figures


def _median(engine: str, name: str) -> float:
    return float(median(pair[engine][name] for pair in measured()["rounds"]))


@cache
def inputs() -> dict[str, Input]:
    """Return the figures that all nights are made of, by name."""
    travelling = measured()["travelling"]
    rows = (
        Input("core", 1000 / _worker_ms(), "photos/s a core", f"{MEASURED} (CPU of the workers)"),
        Input(
            "driver", 1000 / _median("ray", "driver_cpu_ms"), "photos/s", f"{MEASURED} (its CPU)"
        ),
        Input("driver that saves nothing", 1000 / _listing_ms(), "photos/s", _WITHOUT_SAVING),
        Input("driver_memory", _median("ray", "driver_mb"), "MB", MEASURED),
        Input("in_memory", travelling["in_memory"], "bytes a photo under way", MEASURED),
        Input("photo", measured()["bytes_a_photo"], "bytes a photo", "the photos measured with"),
        Input("page", 0.3, "s for a page of 5,000 names", ASSUMED),
        Input("requests", 20_000, "requests/s a storage account", f"{_STORAGE}; 40,000 in some"),
        Input("egress", 50, "Gbit/s out of a storage account", f"{_STORAGE}; 200 in some"),
        Input("insert", 20_000 / 2.1 / 2, "photos/s a connection", _INSERT),
        Input("log", 2 * travelling["in_sqlite"], "bytes of log a photo", _LOG_BYTES),
        Input("log_general", 36, "MB/s of log, General Purpose", _LOG_GENERAL),
        Input("log_hyperscale", 150 * 1.048576, "MB/s of log, Hyperscale", _LOG_HYPERSCALE),
        Input("inventory", 1_000_000, "names/s read of an inventory", ASSUMED),
        Input("columns", 60, "bytes a photo in columnar files", ASSUMED),
    )
    return {row.name: row for row in rows}


_STORAGE = "Microsoft, scalability targets for standard storage accounts: most regions"
_INSERT = "measured before over loopback: 20,000 rows in 2.1 s (fast_executemany), 2 rows a photo"
_LOG_BYTES = (
    f"{MEASURED} (bytes in SQLite), twice: names are UTF-16 there, and the log has overhead"
)
_LOG_GENERAL = "Microsoft, Azure SQL blog of 2020-10-15: 8 cores and more"
_LOG_HYPERSCALE = "Microsoft, Azure SQL blog of 2025-05-19: up to 150 MiB/s"


_WITHOUT_SAVING = f"{MEASURED} (its CPU less that of saving 1,024 at once)"


def _listing_ms() -> float:
    """Return the CPU that a photo takes in the driver but for saving, in milliseconds."""
    alone = float(measured()["saving"]["1 process, 1,024 at once"])
    return _median("ray", "driver_cpu_ms") - 1000 / alone


def _worker_ms() -> float:
    """Return the CPU that a photo takes in a worker, in milliseconds."""
    return _median("ray", "cpu_ms") - _median("ray", "driver_cpu_ms")


@dataclass(frozen=True, slots=True)
class Night:
    """A night, and what there is for it.

    Attributes:
        photos: How many come.
        photo_bytes: How large each is.
        photos_a_core: How many a core does in a second.
        listers: Listings side by side, each of a prefix; 0 if an inventory report is read.
        drivers: Runs side by side, each of a prefix of its own.
        accounts: Storage accounts that the photos lie in.
        workers_save: Whether each worker saves what it made, over a connection of its own.
        log: MB of log that the database takes in a second.
        log_bytes: Bytes of log a photo.
    """

    photos: int
    photo_bytes: float
    photos_a_core: float
    listers: int = 1
    drivers: int = 1
    accounts: int = 1
    workers_save: bool = False
    log: float = 36
    log_bytes: float = 0

    @property
    def cores(self) -> int:
        """How many cores do it in the part of the night that they are bought for."""
        return math.ceil(self.photos / (self.photos_a_core * NIGHT * 3600 * MARGIN))

    def rates(self) -> dict[str, float]:
        """Return photos a second by station, in the order of the walk."""
        given = {name: row.figure for name, row in inputs().items()}
        driver = "driver that saves nothing" if self.workers_save else "driver"
        by_request = self.accounts * given["requests"]
        by_egress = self.accounts * given["egress"] * 1e9 / 8 / self.photo_bytes
        return {
            "listing": self.listers * _PAGE / given["page"] or given["inventory"],
            "driver": self.drivers * given[driver],
            "storage requests": by_request,
            "storage egress": by_egress,
            "cores": self.cores * self.photos_a_core,
            "connection": given["insert"] * (self.cores if self.workers_save else self.drivers),
            "log": self.log * 1e6 / (self.log_bytes or given["log"]),
        }

    @property
    def driver_gb(self) -> float:
        """Memory of the driver: what it is, and the batches of all cores on their way."""
        under_way = self.cores / self.drivers * (8 + 1) * 64
        at_rest = inputs()["driver_memory"].figure / 1024
        return at_rest + under_way * inputs()["in_memory"].figure / 2**30


@dataclass(frozen=True, slots=True)
class Passed:
    """How a night went: hours in all, and the share of them that each station was at work."""

    hours: float
    busy: dict[str, float]

    @property
    def slowest(self) -> str:
        """The station that was at work for the longest."""
        return max(self.busy, key=self.busy.__getitem__)


def simulate(night: Night, seed: int = 1) -> Passed:
    """Follow a night's portions through the stations; return how it went.

    A portion leaves a station when it is done there and there is room before the next.
    """
    rates = night.rates()
    generator = random.Random(seed)
    portion = night.photos / PORTIONS
    left = {name: [0.0] * PORTIONS for name in rates}
    busy = dict.fromkeys(rates, 0.0)
    names = list(rates)
    for number in range(PORTIONS):
        arrived = 0.0
        for place, name in enumerate(names):
            mean = portion / rates[name]
            takes = generator.gammavariate(_SHAPE, mean / _SHAPE)
            free = left[name][number - 1] if number else 0.0
            done = max(arrived, free) + takes
            busy[name] += takes
            if place + 1 < len(names) and number >= _WINDOW:
                done = max(done, left[names[place + 1]][number - _WINDOW])
            left[name][number] = arrived = done
    seconds = arrived
    return Passed(seconds / 3600, {name: spent / seconds for name, spent in busy.items()})


# What docs/scale.md shows


NIGHTS = (10_000_000, 100_000_000, 1_000_000_000)


def kinds() -> dict[str, tuple[float, float]]:
    """Return bytes a photo and photos a second a core, for photos as shops' and as phones' are."""
    small = inputs()["photo"].figure, inputs()["core"].figure
    large = 3_000_000.0, inputs()["core"].figure / LARGE_COSTS
    return {"small (400 × 533)": small, "12 megapixels, 3 MB": large}


LARGE_COSTS = 9.3
"""How much more CPU a photo of 12 megapixels takes: 25.6 ms beside 2.76 ms, as `make bench` has
measured both in one run."""


def as_it_is(photos: int, kind: str) -> Night:
    """Return a night of the engine as it is, on General Purpose, one account, one listing."""
    return Night(photos, *kinds()[kind], log=inputs()["log_general"].figure)


def grown(night: Night) -> tuple[Night, list[str]]:
    """Change what saturates, one thing after the other, until the night is short enough."""
    steps: list[str] = []
    passed = simulate(night)
    while passed.hours > NIGHT:
        relief = _RELIEFS[passed.slowest](night)
        if relief is None:
            raise ValueError(f"Nothing more is known against {passed.slowest}: {night}")
        night, step = relief
        steps.append(step)
        passed = simulate(night)
    return night, steps


def _wanted(night: Night) -> float:
    """Return the photos a second that make a night as short as its cores do."""
    return night.photos / (NIGHT * 3600 * MARGIN)


_Relief = tuple[Night, str] | None


def _list_faster(night: Night) -> _Relief:
    if night.listers == 1:
        return replace(night, listers=16), "16 prefixes are listed side by side"
    if night.listers:
        return replace(night, listers=0), "an inventory report is read instead of listing"
    return None


def _drive_faster(night: Night) -> _Relief:
    if not night.workers_save:
        return replace(night, workers_save=True), "workers save what they made"
    number = math.ceil(_wanted(night) / inputs()["driver that saves nothing"].figure)
    return replace(night, drivers=number), f"{number} drivers, each with prefixes of its own"


def _store_wider(night: Night) -> _Relief:
    rates = night.rates()
    least = min(rates["storage requests"], rates["storage egress"]) / night.accounts
    number = math.ceil(_wanted(night) / least)
    return replace(night, accounts=number), f"the photos lie in {number} storage accounts"


def _log_less(night: Night) -> _Relief:
    largest = inputs()["log_hyperscale"].figure
    if night.log < largest:
        return replace(night, log=largest), "Hyperscale, and tables partitioned by month"
    if night.log_bytes:
        return None
    smaller = inputs()["columns"].figure
    return replace(night, log_bytes=smaller), "columnar files, loaded in bulk"


_RELIEFS: dict[str, Callable[[Night], _Relief]] = {
    "listing": _list_faster,
    "driver": _drive_faster,
    "storage requests": _store_wider,
    "storage egress": _store_wider,
    "cores": lambda night: None,
    "connection": _drive_faster,
    "log": _log_less,
}


def document(text: str, filled: Callable[[str, str, str], str]) -> str:
    """Return docs/scale.md with its generated blocks as the figures have them now."""
    blocks = {"speed": speeds(), "inputs": inputs_table(), "nights": nights_table()}
    for name, block in {**blocks, "changes": changes_table()}.items():
        text = filled(text, name, block)
    return text


def speeds() -> str:
    """Return what was measured of the engine, as Markdown."""
    figures = measured()
    machine = figures["machine"]
    rows = [
        "| run | photos/s | CPU ms a photo | of it in the driver | start |",
        "|---|---|---|---|---|",
    ]
    for engine in ("local", "ray"):
        speed = {name: _median(engine, name) for name in figures["rounds"][0][engine]}
        rows.append(_speed_row(f"{engine} engine, {machine['cores']} cores", speed))
    for cores, speed in figures["workers"].items():
        rows.append(_speed_row(f"ray engine, workers of {float(cores):g} cores", speed))
    return "\n".join([*rows, "", *_remarks(figures)]) + "\n"


def _speed_row(name: str, speed: Mapping[str, float]) -> str:
    return (
        f"| {name} | {speed['photos_per_second']:,.0f} | {speed['cpu_ms']:.2f} "
        f"| {speed['driver_cpu_ms']:.2f} | {speed['start_seconds']:.1f} s |"
    )


def _remarks(figures: Mapping[str, Any]) -> list[str]:
    workers = {float(cores): one["photos_per_second"] for cores, one in figures["workers"].items()}
    shares = ", ".join(
        f"{cores:g} cores {speed / (cores * workers[1.0]):.0%}" for cores, speed in workers.items()
    )
    machine, saving = figures["machine"], figures["saving"]
    other = figures["ray_data"]
    beside = f"{other:,.0f} photos/s" if other else "did not run here"
    return [
        f"- {figures['photos']:,} photos, {machine['cores']} cores, {machine['memory_gb']} GB, "
        f"{machine['os']}, Python {machine['python']}.",
        f"- **Ray engine / local engine: {ray_engine.ratio(dict(figures)):.2f}**, the median of "
        f"{len(figures['rounds'])} rounds.",
        f"- Efficiency beside one worker of a whole core: {shares}. The driver needs a part of the "
        "same cores.",
        f"- Ray Data with the same functions: {beside}.",
        "- Saving alone into one SQLite: "
        + ", ".join(f"{name} {speed:,.0f}/s" for name, speed in saving.items())
        + ".",
    ]


def inputs_table() -> str:
    """Return the figures that nights are made of, as a Markdown table."""
    rows = ["| figure | | source |", "|---|---|---|"]
    for row in inputs().values():
        figure = f"{row.figure:,.0f}" if row.figure >= 100 else f"{row.figure:.3g}"
        rows.append(f"| {figure} | {row.unit} | {row.source} |")
    return "\n".join(rows) + "\n"


def nights_table() -> str:
    """Return nights of the engine as it is, as a Markdown table."""
    rows = ["| photos a night | each | cores | hours | saturated | driver's memory |"]
    rows.append("|---|---|---|---|---|---|")
    for photos in NIGHTS:
        for kind in kinds():
            night = as_it_is(photos, kind)
            passed = simulate(night)
            share = f"{passed.slowest} ({passed.busy[passed.slowest]:.0%})"
            rows.append(
                f"| {photos:,} | {kind} | {night.cores:,} | {passed.hours:,.1f} | {share} "
                f"| {night.driver_gb:.1f} GB |"
            )
    return "\n".join(rows) + "\n"


def changes_table() -> str:
    """Return what has to change until each night is short enough, as a Markdown table."""
    rows = [
        "| photos a night | each | what changes, in this order | hours then |",
        "|---|---|---|---|",
    ]
    for photos in NIGHTS:
        for kind in kinds():
            night, steps = grown(as_it_is(photos, kind))
            hours = simulate(night).hours
            rows.append(f"| {photos:,} | {kind} | {'; '.join(steps) or 'nothing'} | {hours:.1f} |")
    return "\n".join(rows) + "\n"


if __name__ == "__main__":
    for shown in (speeds, inputs_table, nights_table, changes_table):
        print(shown())
