"""`results.json` as people read it: a Markdown table, a plot, a few sentences for the README.

Owns words and colours. It measures nothing and changes no figure: what it says is in the JSON.
"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.lines import LINES, SPEEDS
from clothing.config import PROJECT

RESULTS = PROJECT / "benchmarks" / "results.json"
TABLE = PROJECT / "benchmarks" / "results.md"
PLOT = PROJECT / "Images_ReadMe" / "speed.svg"

Figures = Mapping[str, Any]

OURS, LIMIT, OTHERS = "#0072B2", "#999999", "#D55E00"
"""Of Okabe and Ito's colours, which people who see fewer tell apart; each bar has its words too."""

SHORT = ("folder", "folder_12mp", "azurite", "rerun")
"""What the README tells of, beside the peers and the old loop."""

HEADS = {
    "photos a second": "photos_per_second",
    "lowest to highest": "spread",
    "with its start": "photos_per_second_with_start",
    "CPU ms a photo": "cpu_seconds_per_photo",
    "memory, MB": "peak_memory_mb",
    "of the limit": "ratio_to_limit",
    "… of the cores left": "ratio_to_limit_of_cores_left",
    "CPU: limit / this": "cpu_ratio_to_limit",
    "× predecessor": "ratio_to_predecessor",
}
"""Columns of the table: what each is called, and its key."""


def read(path: Path = RESULTS) -> dict[str, Any]:
    """Return what was measured last."""
    told: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return told


def write(results: Figures, folder: Path, plot: Path) -> None:
    """Write `results.json` and `results.md` into a folder, and the plot."""
    text = json.dumps(results, indent=2, ensure_ascii=False) + "\n"
    (folder / RESULTS.name).write_text(text, encoding="utf-8")
    (folder / TABLE.name).write_text(document(results), encoding="utf-8")
    draw(results, plot)


def document(results: Figures) -> str:
    """Return the whole of `results.md`."""
    scenarios = results["scenarios"]
    rows = [_row(LINES[name].title, scenarios[name]) for name in SPEEDS if name in scenarios]
    parts = [
        "# What `make bench` measured\n",
        f"{where(results)} Explained in [README.md](README.md).\n",
        _table(("", *HEADS), rows),
        _table(("the service", "ms, median", "ms, 95th percentile", "memory, MB"), _pages(results)),
        _table(
            ("from the start of the process", "seconds", "memory, MB"),
            [
                (one["title"], f"{one['start_seconds']:.2f}", str(one["peak_memory_mb"]))
                for name, one in scenarios.items()
                if name.endswith("_start")
            ],
        ),
        _table(
            ("a first run over so many tiny photos", "seconds", "photos a second", "memory, MB"),
            [_scale_row(one) for one in results["scale"]],
        ),
        _missing(results),
    ]
    return "\n".join(part for part in parts if part)


def where(results: Figures) -> str:
    """Return the machine and the conditions in a sentence or two."""
    machine, settings = results["machine"], results["settings"]
    others = [one.get("others_cores", 0) for one in results["scenarios"].values()]
    busy = max(others, default=0)
    text = (
        f"{machine['cpu']}, {machine['cores']} cores, {machine['memory_gb']:.0f} GB, "
        f"{machine['os'].split()[0]}, Python {machine['python']}; {settings['size']:,} photos "
        f"({settings['photos']}), medians of {settings['rounds']} rounds."
    )
    if busy > 0.1 * machine["cores"]:
        text += f" Other programs had up to {busy:.1f} of the cores meanwhile."
    return text


def for_readme(results: Figures) -> str:
    """Return the README's block: the table in short, and where its figures come from."""
    scenarios = results["scenarios"]
    names = [name for name in (*SHORT, "ray_data", "tf_data", "predecessor") if name in scenarios]
    heads = ("", "photos a second", "CPU ms a photo", "of the limit", "× predecessor")
    keys = ("photos_per_second", "cpu_seconds_per_photo", "ratio_to_limit", "ratio_to_predecessor")
    rows = [(LINES[n].title, *(_cell(key, scenarios[n].get(key)) for key in keys)) for n in names]
    return f"{_table(heads, rows)}\n{where(results)}\n"


def _row(title: str, figures: Figures) -> tuple[str, ...]:
    return (title, *(_cell(key, figures.get(key)) for key in HEADS.values()))


def _cell(key: str, figure: Any) -> str:
    """Return a figure as a table shows it; empty where it means nothing."""
    if figure is None:
        return ""
    if key == "spread":
        return " to ".join(_number(one) for one in figure)
    if key == "cpu_seconds_per_photo":
        return f"{1000 * figure:.2f}"
    return f"{figure:.2f}" if key.endswith("limit") or "cores" in key else _number(figure)


def _number(figure: float) -> str:
    return f"{figure:,.0f}" if figure >= 20 else f"{figure:.1f}"


def _pages(results: Figures) -> list[tuple[str, ...]]:
    return [
        (
            one["title"],
            *(f"{one[key]:.0f}" for key in ("p50_ms", "p95_ms", "peak_memory_mb")),
        )
        for one in results["scenarios"].values()
        if "p95_ms" in one
    ]


def _scale_row(one: Figures) -> tuple[str, ...]:
    return (
        f"{one['photos']:,}",
        f"{one['seconds']:.1f}",
        _number(one["photos_per_second"]),
        str(one["peak_memory_mb"]),
    )


def _table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    if not rows:
        return ""
    lines = [heads, ["---"] * len(heads), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def _missing(results: Figures) -> str:
    lines = [f"- {name}: {reason}\n" for name, reason in results["not_measured"].items()]
    return "Not measured:\n\n" + "".join(lines) if lines else ""


def draw(results: Figures, path: Path) -> None:
    """Draw the speeds beside each other on a scale of powers of ten."""
    import matplotlib

    matplotlib.use("svg")
    matplotlib.rcParams["svg.hashsalt"] = "speed"  # the same figures give the same file
    matplotlib.rcParams["svg.fonttype"] = "none"
    from matplotlib import pyplot

    groups = [_bars(results, names) for names in _PLOTTED.values()]
    heights = [max(1, len(bars)) for bars in groups]
    figure, axes = pyplot.subplots(
        len(groups), 1, figsize=(9, 1.6 + 0.36 * sum(heights)), height_ratios=heights, sharex=True
    )
    for title, bars, axis in zip(_PLOTTED, groups, axes, strict=True):
        _draw_group(axis, title, bars)
    axes[-1].set_xlabel("photos a second (scale of powers of ten; the line is the spread)")
    figure.tight_layout()
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, metadata={"Date": None})
    pyplot.close(figure)


_PLOTTED = {
    "400 × 533 pixels": ("limit", "folder", "ray_data", "tf_data", "predecessor"),
    "12 megapixels": ("limit_12mp", "folder_12mp", "predecessor_12mp"),
    "from Azurite": ("bare_gets", "azurite", "predecessor_azurite"),
}


def _bars(results: Figures, names: Sequence[str]) -> list[tuple[str, Figures]]:
    scenarios = results["scenarios"]
    return [(name, scenarios[name]) for name in reversed(names) if name in scenarios]


def _draw_group(axis: Any, title: str, bars: Sequence[tuple[str, Figures]]) -> None:
    for place, (name, figures) in enumerate(bars):
        speed, (low, high) = figures["photos_per_second"], figures["spread"]
        axis.barh(place, speed, color=_color(name), height=0.7)
        axis.plot([low, high], [place, place], color="black", linewidth=1.5)
        axis.annotate(
            _number(speed),
            (max(speed, high), place),
            xytext=(5, 0),
            textcoords="offset points",
            va="center",
        )
    axis.set_yticks(range(len(bars)), [_said(figures) for _, figures in bars])
    axis.set_xscale("log")
    axis.xaxis.set_major_formatter(lambda speed, _: f"{speed:,g}")
    axis.margins(x=0.15)
    axis.set_title(title, loc="left", fontsize=10)
    axis.spines[["top", "right"]].set_visible(False)


def _said(figures: Figures) -> str:
    """Return what a bar is, in plain text."""
    text: str = figures["title"].split(":")[0].replace("`", "")
    return text


def _color(name: str) -> str:
    if name.startswith("limit") or name == "bare_gets":
        return LIMIT
    return OURS if name in SHORT else OTHERS
