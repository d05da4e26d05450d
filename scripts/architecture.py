"""Draws what the service is made of: `python -m scripts.architecture`.

Owns the words and the places; a test fails when the picture is stale, or names a module or a page
that is not there.
"""

from collections.abc import Iterator

from clothing.config import PROJECT
from scripts.drawing import ROW, Box, path, picture, rectangle, words
from scripts.files import write

PICTURE = PROJECT / "Images_ReadMe" / "architecture.svg"

SIZE = (1040, 560)

BOXES: dict[str, tuple[Box, tuple[str, ...]]] = {
    "scheduler": (
        Box(24, 40, 190, 92),
        ("Scheduler, 23:00", "WebJob, cron, systemd,", "Windows, GitHub"),
    ),
    "people": (
        Box(24, 236, 190, 112),
        ("Refund desk", "browser: morning sheet,", "photos, review queue,", "quality, lists"),
    ),
    "programs": (
        Box(24, 432, 190, 92),
        ("Programs", "/api/, /export.csv,", "/metrics, /openapi.json"),
    ),
    "web": (
        Box(290, 40, 200, 484),
        (
            "Web process",
            "Flask, under gunicorn",
            "or waitress",
            "",
            "POST /prediction starts",
            "a run and waits for it",
            "",
            "pages and API read",
            "what is stored",
        ),
    ),
    "run": (
        Box(566, 40, 210, 300),
        (
            "Run process",
            "one at a time:",
            "list",
            "download",
            "decode",
            "preprocess",
            "predict, in batches",
            "save, with failures",
            "",
            "a heartbeat; who finds it",
            "dead finishes its work",
        ),
    ),
    "compile": (
        Box(566, 412, 210, 112),
        (
            "Compile process",
            "only for a new .keras:",
            "Keras to LiteRT, and are",
            "the answers the same?",
        ),
    ),
    "images": (Box(846, 40, 170, 72), ("Container images", "photos of returns")),
    "model": (
        Box(846, 136, 170, 92),
        ("Container model", ".keras, its card,", "the compiled .tflite"),
    ),
    "database": (
        Box(846, 252, 170, 112),
        ("Database", "runs, predictions,", "failures, reviews;", "Azure SQL or SQLite"),
    ),
    "channel": (
        Box(846, 432, 170, 92),
        ("Channel, mailbox", "how the night went,", "or that it did not"),
    ),
}
"""Each box with its head and what it says."""

_PLACES = "Azure Blob Storage, or folders"


def architecture() -> str:
    """Return the picture."""
    parts = [part for box, lines in BOXES.values() for part in _filled(box, lines)]
    parts.append(rectangle(Box(834, 14, 194, 226), "area"))
    parts.append(words(_PLACES, 931, 31, "soft small", "middle"))
    parts += _lines()
    title = "What the clothing returns are made of, and what calls what"
    return picture(*SIZE, title, parts)


def _filled(box: Box, lines: tuple[str, ...]) -> Iterator[str]:
    yield rectangle(box)
    head, *rest = lines
    yield words(head, box.left + 14, box.top + 25, "head")
    for place, line in enumerate(rest, start=1):
        if line:
            yield words(line, box.left + 14, box.top + 25 + place * ROW, "soft")


def _lines() -> Iterator[str]:
    yield from _across("scheduler", "web", 86, "POST")
    yield from _across("people", "web", 292, "")
    yield from _across("programs", "web", 478, "key")
    yield from _across("web", "run", 120, "starts")
    yield from _across("run", "images", 76, "")
    yield from _across("run", "model", 182, "")
    yield from _across("run", "database", 308, "")
    web, database = BOXES["web"][0], BOXES["database"][0]
    yield path(f"M{web.right:g} 376 H{database.middle - 40:g} V{database.bottom + 2:g}")
    yield words("reads, and saves reviews", 500, 370, "soft small")
    run, channel = BOXES["run"][0], BOXES["channel"][0]
    yield path(f"M{run.right - 20:g} {run.bottom:g} V392 H{channel.middle:g} V{channel.top - 2:g}")
    compiler = BOXES["compile"][0]
    yield path(f"M{run.left + 130:g} {run.bottom:g} V{compiler.top - 2:g}")


def _across(start: str, end: str, y: float, said: str) -> Iterator[str]:
    """Yield a line from one box to the next one on its right."""
    left, right = BOXES[start][0].right, BOXES[end][0].left
    yield path(f"M{left:g} {y:g} H{right - 2:g}")
    if said:
        yield words(said, (left + right) / 2, y - 7, "soft small", "middle")


if __name__ == "__main__":
    write(PICTURE, architecture())
