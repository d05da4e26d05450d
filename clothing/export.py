"""Spreadsheets of what was found: CSV, XLSX, and the reviewed photos as training takes them.

Owns XlsxWriter, the columns and their order. The commands and the pages call the same functions;
rows are read and written some at a time, so a table may be as long as it likes.
"""

import csv
import io
import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import IO, Any

from clothing.errors import ConfigError
from clothing.labelled import LABELS
from clothing.labels import COLUMNS
from clothing.photos import Failure, Run
from clothing.questions import (
    PILES,
    Pile,
    Row,
    Wanted,
    all_failures,
    all_photos,
    now,
    reviewed_photos,
)
from clothing.shapes import run_of, time_of
from clothing.store import Store, StoredPrediction

HEADS: tuple[str, ...] = (
    "image_id",
    "run_id",
    "file",
    "pile",
    "category",
    "predicted_category",
    "confidence",
    "margin",
    "reason",
    "reviewed_category",
    "reviewer",
    "reviewed_at",
    "timestamp",
    "model_version",
    "preprocessing_version",
    "etag",
    *COLUMNS,
)
"""The columns, for people and programs that rely on them: new ones come at the end only."""

NAMES: dict[Pile, str] = {"check": "To check", "sorted": "Sorted", "unreadable": "Unreadable"}
"""The piles as people call them."""

CSV, XLSX = "text/csv", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"

_BOM = "\ufeff"  # without it Excel takes UTF-8 for the code page of the country
# In many countries ; ends a cell of a CSV; a comma is then no reason for quotes, and a line break
# between commas ends the row. A quote that follows the ; opens the cell and is no part of it.
_FORMULA = re.compile(r'(^|[\t\r\n]|;"*)(?=[=+\-@\t\r])')
_SHEET_ROWS = 1_048_575  # Excel has one more, which is the heads
_TIMES = ("started_at", "heartbeat_at", "finished_at")
_WIDTHS = {"file": 40, "category": 14, "predicted_category": 14, "reason": 30, "error": 30}
_WIDTHS |= dict.fromkeys(("timestamp", "reviewed_at", *_TIMES), 24)

Cell = str | int | float | datetime | None


def write_file(path: Path, store: Store, wanted: Wanted) -> int:
    """Write a spreadsheet of the kind that the name ends with; return its rows without heads.

    Raises:
        ConfigError: The name ends otherwise, or the file cannot be written.
    """
    kind = path.suffix.lower()
    if kind not in (".csv", ".xlsx"):
        raise ConfigError(f"--output takes a name that ends in .csv or .xlsx. Received: {path}.")
    try:
        if kind == ".xlsx":
            with path.open("wb") as book:
                return write_workbook(book, store, wanted)
        number = -1  # the heads are no row
        with path.open("w", encoding="utf-8", newline="") as file:
            for line in csv_lines(store, wanted):
                file.write(line)
                number += 1
        return number
    except OSError as error:
        raise ConfigError(f"--output {path} cannot be written: {error.strerror}.") from error


# CSV


def csv_lines(store: Store, wanted: Wanted) -> Iterator[str]:
    """Yield the lines of a CSV, the heads first: answers, or failures if that pile is wanted.

    It is UTF-8 with a byte order mark, as Excel wants it, and no cell is taken for a formula.
    """
    rows = all_failures if wanted.pile == "unreadable" else all_photos
    cells = ([_as_text(cell) for cell in _cells_of(row)] for row in rows(store, wanted))
    yield from _lines(HEADS, cells, _BOM)


def training_lines(store: Store) -> Iterator[str]:
    """Yield the reviewed photos as `make train PHOTOS=… LABELS=…` takes them.

    Names are as they are, whatever they begin with: training looks for the files. It is meant for
    a program, so open it in no spreadsheet.
    """
    yield from _lines(("file", "category"), reviewed_photos(store, LABELS), "")


def without_formula(text: str) -> str:
    """Return a text that no spreadsheet takes for a formula.

    >>> without_formula("=1+1"), without_formula("a=1.jpg"), without_formula("a;=1+1")
    ("'=1+1", 'a=1.jpg', "a;'=1+1")
    """
    return _FORMULA.sub(r"\1'", text)


def _lines(heads: Sequence[str], rows: Iterable[Sequence[object]], first: str) -> Iterator[str]:
    """Yield lines of CSV, each with its end."""
    line = io.StringIO(newline="")
    writer = csv.writer(line)
    line.write(first)
    writer.writerow(heads)
    yield line.getvalue()
    for cells in rows:
        line.seek(0)
        line.truncate()
        writer.writerow(cells)
        yield line.getvalue()


def _as_text(cell: Cell) -> str:
    if isinstance(cell, datetime):
        return time_of(cell)
    if isinstance(cell, float):
        return f"{cell:.6g}"
    return "" if cell is None else without_formula(str(cell))


def _cells_of(row: Row) -> list[Cell]:
    """Return the cells of a photo, in the order of `HEADS`."""
    cells: dict[str, Cell] = {
        "run_id": row.run_id,
        "file": row.photo.name,
        "pile": row.pile,
        "category": row.category,
        "timestamp": row.timestamp,
        "etag": row.photo.etag,
    }
    if isinstance(row.outcome, Failure):
        cells["reason"] = row.outcome.reason
    else:
        cells |= _answer_of(row.number, row.outcome)
    if row.review:
        cells["reviewed_category"] = row.review.category
        cells["reviewer"] = row.review.reviewer
        cells["reviewed_at"] = row.review.timestamp
    return [cells.get(head) for head in HEADS]


def _answer_of(image_id: int, stored: StoredPrediction) -> dict[str, Cell]:
    """Return the cells that only a photo has that the model answered."""
    found = stored.prediction
    return {
        "image_id": image_id,
        "predicted_category": found.predicted_category,
        "confidence": found.confidence,
        "margin": found.margin,
        "reason": found.review_reason,
        "model_version": stored.model_version,
        "preprocessing_version": stored.preprocessing_version,
        **dict(zip(COLUMNS, found.probabilities, strict=True)),
    }


# XLSX


def write_workbook(file: IO[bytes], store: Store, wanted: Wanted) -> int:
    """Write a workbook with a sheet for each pile and one for the runs; return how many photos.

    Heads stay in sight, columns filter, text is text whatever it begins with. Times are UTC.
    """
    import xlsxwriter  # 0.1 s: only who exports pays it

    options = {"constant_memory": True, "remove_timezone": True}
    with xlsxwriter.Workbook(file, options) as book:
        piles = [pile for pile in PILES if wanted.pile in (None, pile)]
        sheets = {pile: _Sheet(book, NAMES[pile], HEADS) for pile in piles}
        moment = now(store)
        if set(piles) - {"unreadable"}:
            for row in all_photos(store, wanted, moment):
                sheets[row.pile].add(_cells_of(row))
        if "unreadable" in sheets:
            for row in all_failures(store, wanted, moment):
                sheets["unreadable"].add(_cells_of(row))
        written = sum(sheet.rows for sheet in sheets.values())
        _write_runs(book, store, wanted)
        for sheet in sheets.values():
            sheet.close()
    return written


class _Sheet:
    """A table in a workbook; where Excel has no more rows, it goes on in another sheet."""

    def __init__(self, book: Any, name: str, heads: Sequence[str]) -> None:
        self._book, self._name, self._heads = book, name, heads
        self._bold = book.add_format({"bold": True})
        self._time = book.add_format({"num_format": 'yyyy-mm-dd hh:mm:ss "UTC"'})
        self.rows = 0
        self._parts = 0
        self._begin()

    def add(self, cells: Sequence[Cell]) -> None:
        """Write a row below the last one."""
        if self._filled == _SHEET_ROWS:
            self.close()
            self._begin()
        self._filled += 1
        self.rows += 1
        for column, cell in enumerate(cells):
            self._write(column, cell)

    def close(self) -> None:
        """Let people filter by what stands in each column."""
        self._sheet.autofilter(0, 0, max(self._filled, 1), len(self._heads) - 1)

    def _begin(self) -> None:
        self._parts += 1
        name = self._name if self._parts == 1 else f"{self._name} {self._parts}"
        self._sheet = self._book.add_worksheet(name)
        self._sheet.freeze_panes(1, 0)
        self._filled = 0
        for column, head in enumerate(self._heads):
            self._sheet.set_column(column, column, _WIDTHS.get(head, 12))
            self._sheet.write_string(0, column, head, self._bold)

    def _write(self, column: int, cell: Cell) -> None:
        if isinstance(cell, datetime):
            self._sheet.write_datetime(self._filled, column, cell, self._time)
        elif isinstance(cell, int | float):
            self._sheet.write_number(self._filled, column, cell)
        elif cell is not None:
            self._sheet.write_string(self._filled, column, cell)


def _runs_of_days(store: Store, wanted: Wanted) -> Iterator[Run]:
    """Yield the runs that started on the days wanted, newest first."""
    before = None
    while some := store.runs(before):
        for run in some:
            is_late = wanted.until is not None and run.started_at >= wanted.until
            is_early = wanted.since is not None and run.started_at < wanted.since
            if not (is_late or is_early):
                yield run
        before = some[-1].run_id


def _write_runs(book: Any, store: Store, wanted: Wanted) -> None:
    """Write a sheet with the run that is wanted, or all of the days wanted, one a row."""
    one = wanted.run_id
    store.interrupt_stale_runs()
    runs = _runs_of_days(store, wanted) if one is None else [store.run(one)]
    shapes = [run_of(run) | {name: getattr(run, name) for name in _TIMES} for run in runs]
    heads = list(shapes[0]) if shapes else ["run_id"]
    sheet = _Sheet(book, "Runs" if one is None else "Run", heads)
    for shape in shapes:
        sheet.add([str(cell) if isinstance(cell, bool) else cell for cell in shape.values()])
    sheet.close()


def in_parts(lines: Iterator[str], size: int = 500) -> Iterator[str]:
    """Yield lines some at a time, as an answer over the network is best sent."""
    while part := "".join(islice(lines, size)):
        yield part
