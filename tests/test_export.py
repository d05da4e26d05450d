"""Spreadsheets as people and programs read them: the csv module, openpyxl, `read_labels`."""

import csv
import io
import re
from functools import partialmethod
from pathlib import Path

import openpyxl
import pytest
from click.testing import CliRunner
from flask.testing import FlaskClient
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from clothing import export
from clothing.cli import main
from clothing.export import (
    HEADS,
    csv_lines,
    in_parts,
    training_lines,
    without_formula,
    write_workbook,
)
from clothing.labelled import Labelled, read_labels
from clothing.labels import AGAIN, COLUMNS
from clothing.questions import Wanted
from clothing.store import Store
from tests.nights import a_failure, a_night, a_prediction, a_review


def read_csv(text: str) -> list[dict[str, str]]:
    assert text.startswith("\ufeff")
    return list(csv.DictReader(io.StringIO(text.removeprefix("\ufeff"), newline="")))


def rows_of(store: Store, wanted: Wanted | None = None) -> list[dict[str, str]]:
    return read_csv("".join(csv_lines(store, wanted or Wanted())))


def workbook_of(store: Store, wanted: Wanted | None = None) -> openpyxl.Workbook:
    file = io.BytesIO()
    write_workbook(file, store, wanted or Wanted())
    file.seek(0)
    return openpyxl.load_workbook(file)


def test_a_csv_has_ids_probabilities_and_corrections(store: Store) -> None:
    run = a_night(store, a_prediction("a.jpg", "Bag", 0.91))
    a_review(store, 1, "Coat", reviewer="Ada")

    (row,) = rows_of(store)

    assert list(row) == list(HEADS)
    assert (row["image_id"], row["run_id"], row["file"]) == ("1", str(run.run_id), "a.jpg")
    assert (row["predicted_category"], row["reviewed_category"]) == ("Bag", "Coat")
    assert (row["category"], row["pile"], row["reviewer"]) == ("Coat", "sorted", "Ada")
    assert row["confidence"] == "0.91"
    assert row["timestamp"].endswith("Z")
    assert sum(float(row[column]) for column in COLUMNS) == pytest.approx(1, abs=1e-4)


@pytest.mark.parametrize("name", ["=1+1", "+1", "-1", "@SUM(A1)", "\tx", "=cmd|' /C calc'!A0.jpg"])
def test_no_cell_is_taken_for_a_formula(store: Store, name: str) -> None:
    a_night(store, a_prediction(name))
    a_review(store, 1, "Coat", reviewer="=HYPERLINK()")

    (row,) = rows_of(store)
    sheet = workbook_of(store)["Sorted"]

    assert (row["file"], row["reviewer"]) == (f"'{name}", "'=HYPERLINK()")
    cell = sheet.cell(2, HEADS.index("file") + 1)
    assert (cell.value, cell.data_type) == (name, "s")


def test_awkward_names_survive(store: Store) -> None:
    name = 'Größe, "M"\n🧥/a;b.jpg'
    a_night(store, a_prediction(name))

    assert rows_of(store)[0]["file"] == name
    assert workbook_of(store)["Sorted"].cell(2, HEADS.index("file") + 1).value == name


def test_the_unreadable_have_the_same_columns(store: Store) -> None:
    a_night(store, a_failure("broken.jpg"), a_prediction())

    (row,) = rows_of(store, Wanted(pile="unreadable"))

    assert (row["file"], row["pile"], row["reason"]) == (
        "broken.jpg",
        "unreadable",
        "the file is empty",
    )
    assert row["image_id"] == row["confidence"] == row["t_shirt"] == ""


def test_a_workbook_has_a_sheet_for_each_pile_and_the_run(store: Store) -> None:
    run = a_night(
        store,
        a_prediction("a.jpg"),
        a_prediction("b.jpg", "Coat", 0.4, "looks like Coat or Shirt"),
        a_prediction("c.jpg"),
        a_failure(),
    )

    book = workbook_of(store, Wanted(run_id=run.run_id))

    assert book.sheetnames == ["To check", "Sorted", "Unreadable", "Run"]
    assert [book[name].max_row for name in book.sheetnames] == [2, 3, 2, 2]
    for name in ("To check", "Sorted", "Unreadable"):
        assert [cell.value for cell in book[name][1]] == list(HEADS)
        assert book[name].freeze_panes == "A2"
        assert book[name].auto_filter.ref.startswith("A1:")
    assert isinstance(book["Sorted"].cell(2, HEADS.index("confidence") + 1).value, float)
    assert book["Sorted"].cell(2, HEADS.index("timestamp") + 1).is_date
    assert book["Run"].cell(2, 1).value == run.run_id
    started = [cell.value for cell in book["Run"][1]].index("started_at")
    assert book["Run"].cell(2, started + 1).is_date


def test_an_empty_database_makes_an_empty_workbook(store: Store) -> None:
    book = workbook_of(store)

    assert book.sheetnames == ["To check", "Sorted", "Unreadable", "Runs"]
    assert book["Sorted"].max_row == 1
    assert rows_of(store) == []


def test_a_chosen_pile_has_its_sheet_alone(store: Store) -> None:
    a_night(store, a_prediction(), a_failure())

    assert workbook_of(store, Wanted(pile="unreadable")).sheetnames == ["Unreadable", "Runs"]


def test_where_excel_has_no_more_rows_another_sheet_goes_on(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(export, "_SHEET_ROWS", 2)
    a_night(store, *(a_prediction(f"{n}.jpg") for n in range(5)))

    book = workbook_of(store, Wanted(pile="sorted"))

    assert book.sheetnames == ["Sorted", "Sorted 2", "Sorted 3", "Runs"]
    assert [book[name].max_row for name in book.sheetnames[:3]] == [3, 3, 2]


def test_the_sheet_of_runs_has_all_of_the_days_wanted(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Store, "runs", partialmethod(Store.runs, limit=2))
    first, *others = (a_night(store, days_ago=days) for days in (9, 6, 4, 2, 0))
    wanted = Wanted(since=others[0].started_at, until=others[-1].started_at)

    everything, some = (list(workbook_of(store, one)["Runs"].rows) for one in (Wanted(), wanted))

    numbers = [run.run_id for run in reversed([first, *others])]
    assert [row[0].value for row in everything[1:]] == numbers
    assert [row[0].value for row in some[1:]] == numbers[1:4]


def test_reviewed_photos_are_what_training_takes(store: Store, tmp_path: Path) -> None:
    a_night(store, *(a_prediction(name) for name in ("=a.jpg", "b.jpg", "c.jpg", "d.jpg")))
    for image_id, said in ((1, "Coat"), (2, "(none)"), (3, AGAIN)):
        a_review(store, image_id, said)
    path = tmp_path / "reviewed.csv"

    path.write_text("".join(training_lines(store)), encoding="utf-8", newline="")

    assert read_labels(path) == [
        Labelled("=a.jpg", "Coat", "=a.jpg"),
        Labelled("b.jpg", "(none)", "b.jpg"),
    ]


def test_lines_are_sent_some_at_a_time() -> None:
    assert list(in_parts(iter("abcde"), 2)) == ["ab", "cd", "e"]


# The command


def test_the_command_writes_either_kind(runner: CliRunner, store: Store, tmp_path: Path) -> None:
    a_night(store, a_prediction(), a_prediction("b.jpg", "Coat", 0.4, "doubtful"))

    for name in ("out.csv", "out.XLSX"):
        answer = runner.invoke(main, ["export", "--output", str(tmp_path / name)])
        assert (answer.exit_code, "2 photos written" in answer.output) == (0, True)

    assert len(read_csv((tmp_path / "out.csv").read_bytes().decode())) == 2
    assert openpyxl.load_workbook(tmp_path / "out.XLSX")["To check"].max_row == 2


@pytest.mark.parametrize(
    ("options", "files"),
    [
        (["--run", "1"], ["b.jpg", "a.jpg"]),
        (["--category", "Coat"], ["c.jpg", "b.jpg"]),
        (["--review", "only"], ["b.jpg"]),
        (["--run", "2", "--review", "only"], []),
    ],
)
def test_the_command_chooses(
    runner: CliRunner, store: Store, tmp_path: Path, options: list[str], files: list[str]
) -> None:
    a_night(store, a_prediction("a.jpg"), a_prediction("b.jpg", "Coat", 0.4, "doubtful"))
    a_night(store, a_prediction("c.jpg", "Coat"))
    output = tmp_path / "out.csv"

    answer = runner.invoke(main, ["export", *options, "--output", str(output)])

    assert answer.exit_code == 0
    with output.open(encoding="utf-8-sig", newline="") as file:
        assert [row["file"] for row in csv.DictReader(file)] == files


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        (["--output", "out.txt"], "ends in .csv or .xlsx"),
        (["--output", "nowhere/out.csv"], "cannot be written"),
        (["--run", "9", "--output", "out.csv"], "There is no run 9"),
        (["--category", "Hat", "--output", "out.csv"], "is not one of"),
    ],
)
def test_what_the_command_cannot_do_it_says(
    runner: CliRunner,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    options: list[str],
    complaint: str,
) -> None:
    monkeypatch.chdir(tmp_path)

    answer = runner.invoke(main, ["export", *options])

    assert answer.exit_code == 2
    assert complaint in " ".join(answer.output.split())


# The links


def test_the_links_send_the_same(client: FlaskClient, store: Store) -> None:
    run = a_night(store, a_prediction(), a_prediction("b.jpg", "Coat", 0.4, "doubtful"))

    as_csv = client.get(f"/export.csv?run={run.run_id}&category=Coat")
    as_xlsx = client.get(f"/export.xlsx?run={run.run_id}", buffered=True)

    assert as_csv.mimetype == "text/csv"
    assert "returns-run-1.csv" in as_csv.headers["Content-Disposition"]
    assert [row["file"] for row in read_csv(as_csv.text)] == ["b.jpg"]
    assert "returns-run-1.xlsx" in as_xlsx.headers["Content-Disposition"]
    book = openpyxl.load_workbook(io.BytesIO(as_xlsx.data))
    assert [book[name].max_row for name in ("To check", "Sorted")] == [2, 2]


def test_reviewed_photos_can_be_taken_away(client: FlaskClient, store: Store) -> None:
    a_night(store, a_prediction("a.jpg"))
    a_review(store, 1, "Coat")

    assert client.get("/reviewed.csv").text == "file,category\r\na.jpg,Coat\r\n"


@pytest.mark.parametrize("path", ["/export.csv", "/export.xlsx"])
def test_a_query_that_cannot_be_used_is_refused(client: FlaskClient, path: str) -> None:
    answer = client.get(f"{path}?category=Hat")

    assert answer.status_code == 400
    assert "category is one of" in answer.get_json()["detail"]


# Properties: whatever photos are called, and whatever people are


names = st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=40)
starts = st.sampled_from(
    ["", "=", "+", "-", "@", "\t", "\r", "\n=", " =", '"=', "'=", ";=", ';"=', "=\0", "y;=1+"]
)


def is_formula(cell: str) -> bool:
    """Return True if a spreadsheet would calculate a cell of a CSV, as OWASP lists it.

    Where a comma is in numbers, spreadsheets end a cell at a semicolon, and a row at a line break
    unless a quote came before; a quote after the semicolon is no part of the cell.
    """
    return any(part[:1] in set("=+-@\t\r") for part in re.split(r';"*|(?<=[\r\n])', cell))


@settings(max_examples=200, deadline=None)
@given(starts, names)
def test_whatever_a_photo_is_called_no_cell_of_a_csv_is_a_formula(start: str, name: str) -> None:
    text = (start + name).replace("\0", "")

    cell = without_formula(text)

    assert not is_formula(cell)
    assert cell == text or is_formula(text) or "\t" in text
    assert cell.replace("'", "") == text.replace("'", "")


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.lists(names, min_size=1, max_size=5, unique=True), starts)
def test_whatever_photos_are_called_the_rows_come_back(
    tmp_path_factory: pytest.TempPathFactory, found: list[str], start: str
) -> None:
    photos = [(start + name).replace("\0", "") for name in found]
    assume(len(set(photos)) == len(photos))
    store = Store(f"sqlite:///{tmp_path_factory.mktemp('named')}/clothing.db")
    a_night(store, *(a_prediction(name) for name in photos))

    rows = rows_of(store)
    sheet = workbook_of(store)["Sorted"]
    store.dispose()

    assert sorted(row["file"] for row in rows) == sorted(map(without_formula, photos))
    assert not any(is_formula(cell) for row in rows for cell in row.values())
    column = HEADS.index("file") + 1
    assert sheet.max_row == len(photos) + 1
    assert all(sheet.cell(row + 2, column).data_type == "s" for row in range(len(photos)))
