"""Migration from the predecessor: tables as it built them, filled as it filled them."""

import re
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from click.testing import CliRunner, Result
from flask.testing import FlaskClient

from chaos.witness import seen_in
from clothing.cli import main as clothing
from clothing.config import PROJECT
from clothing.labels import CATEGORIES, COLUMNS
from clothing.photos import Photo
from clothing.questions import Wanted, history, photos
from clothing.review_queue import ReviewQueue
from clothing.store import Store
from clothing.web import create_app
from scripts.migrate_predecessor import main as migrate
from scripts.predecessor import WallClock
from tests.nights import a_night, a_prediction, a_review
from tests.pictures import jpeg
from tests.sql_server_double import SERVER_URL, opened, stand_in

BERLIN = ZoneInfo("Europe/Berlin")
EVENING = datetime(2025, 3, 3, 23, 0, 0, 123000)
NIGHT = timedelta(days=1)

TABLES = f"""
CREATE TABLE image_prediction (
    image_id INTEGER PRIMARY KEY AUTOINCREMENT,
    image_filename VARCHAR(500),
    predicted_category VARCHAR(50),
    timestamp DATETIME
);
CREATE TABLE image_probabilities (
    probabilities_id INTEGER PRIMARY KEY AUTOINCREMENT,
    image_id INTEGER,
    {", ".join(f"{column} FLOAT" for column in COLUMNS)}
);
"""


class Predecessor:
    """Its database: every night it adds a row for every photo, as its loop did."""

    def __init__(self, path: Path, tables: str = TABLES, prefix: str = "") -> None:
        self.path = path
        self.prefix = prefix
        with self.connection() as connection:
            connection.executescript(tables)

    @contextmanager
    def connection(self) -> Iterator[sqlite3.Connection]:
        connection = sqlite3.connect(self.path)
        with connection:
            yield connection
        connection.close()

    def answer(
        self,
        name: str | None,
        category: str | None = "Bag",
        moment: datetime | None = EVENING,
        numbers: Sequence[float | None] | None = None,
    ) -> int:
        """Add a prediction with its probabilities; return its number."""
        image_id = self.predict(name, category, moment)
        self.add_probabilities(image_id, numbers or probabilities_of(category or "Bag"))
        return image_id

    def predict(self, name: str | None, category: str | None, moment: datetime | None) -> int:
        shown = moment and moment.isoformat(" ", "milliseconds")
        with self.connection() as connection:
            cursor = connection.execute(
                f"INSERT INTO {self.prefix}image_prediction"
                " (image_filename, predicted_category, timestamp) VALUES (?, ?, ?)",
                (name, category, shown),
            )
        return cursor.lastrowid or 0

    def add_probabilities(self, image_id: int, numbers: Sequence[float | None]) -> None:
        marks = ", ".join("?" * 11)
        with self.connection() as connection:
            connection.execute(
                f"INSERT INTO {self.prefix}image_probabilities (image_id, {', '.join(COLUMNS)})"
                f" VALUES ({marks})",
                (image_id, *numbers),
            )

    def night(self, names: Sequence[str], moment: datetime, category: str = "Bag") -> None:
        """Answer every photo, some milliseconds apart."""
        for place, name in enumerate(names):
            self.answer(name, category, moment + place * timedelta(milliseconds=80))


def probabilities_of(category: str, confidence: float = 0.9103) -> list[float]:
    """Return ten numbers as it rounded them: to 4 places, so they sum to nearly 1."""
    rest = round((1 - confidence) / 9, 4)
    return [confidence if one == category else rest for one in CATEGORIES]


@pytest.fixture
def old(tmp_path: Path) -> Predecessor:
    """An empty database of the predecessor's."""
    (tmp_path / "old").mkdir()
    return Predecessor(tmp_path / "old" / "predecessor.db")


def migrated(old: Predecessor, tmp_path: Path, *more: str) -> Result:
    """Call the command; its last word is the target unless one is given."""
    target = [] if "--to" in more else ["--to", f"sqlite:///{tmp_path}/clothing.db"]
    zone = [] if "--time-zone" in more else ["--time-zone", "Europe/Berlin"]
    command = ["--from", f"sqlite:///{old.path}", *target, *zone, *more]
    return CliRunner().invoke(migrate, command)


def told(ended: Result) -> dict[str, int]:
    """Return the numbers of the summary by their words."""
    lines = re.findall(r"^ *(.*?) {2,}([\d,]+)$", ended.stdout, re.MULTILINE)
    return {words: int(number.replace(",", "")) for words, number in lines}


def our(tmp_path: Path, query: str) -> list[tuple[object, ...]]:
    with opened(tmp_path) as connection:
        return connection.execute(query).fetchall()


def everything(tmp_path: Path) -> list[list[tuple[object, ...]]]:
    tables = ("batch_run", "image_prediction", "image_probabilities", "image_failure")
    return [our(tmp_path, f"SELECT * FROM {table} ORDER BY 1") for table in tables]


def test_each_photo_is_kept_once_and_each_night_is_a_run(old: Predecessor, tmp_path: Path) -> None:
    old.night(["a.jpg", "b.jpg"], EVENING)
    old.night(["a.jpg", "b.jpg", "c.jpg"], EVENING + NIGHT)
    old.night(["a.jpg", "b.jpg", "c.jpg"], EVENING + 2 * NIGHT)

    ended = migrated(old, tmp_path)

    assert ended.exit_code == 0, ended.output
    assert told(ended) == {
        "predictions of the predecessor": 8,
        "kept, the newest answer of each photo": 3,
        "the same answer again": 5,
        "replaced by another answer later": 0,
        "rows of probabilities": 8,
        "without a prediction, or doubled": 0,
        "nights, each as a run": 3,
        "answers": 3,
        "nights that were there already": 0,
        "answers that were there already": 0,
    }
    query = "SELECT trigger, status, listed, classified, failed, skipped FROM batch_run"
    assert our(tmp_path, query) == [
        ("migration", "succeeded", 2, 2, 0, 0),
        ("migration", "succeeded", 3, 1, 0, 2),
        ("migration", "succeeded", 3, 0, 0, 3),
    ]
    assert seen_in(tmp_path / "clothing.db") == []


def test_a_second_call_adds_nothing(old: Predecessor, tmp_path: Path) -> None:
    old.night(["a.jpg", "b.jpg"], EVENING)
    old.night(["a.jpg", "b.jpg"], EVENING + NIGHT, "Coat")
    migrated(old, tmp_path)
    before = everything(tmp_path)

    ended = migrated(old, tmp_path)

    assert ended.exit_code == 0
    assert everything(tmp_path) == before
    numbers = told(ended)
    assert (numbers["answers"], numbers["answers that were there already"]) == (0, 2)
    assert (numbers["nights, each as a run"], numbers["nights that were there already"]) == (0, 2)


def test_nights_that_came_later_are_added(old: Predecessor, tmp_path: Path) -> None:
    old.night(["a.jpg", "b.jpg"], EVENING)
    migrated(old, tmp_path)
    old.night(["a.jpg"], EVENING + NIGHT, "Coat")
    old.night(["b.jpg", "c.jpg"], EVENING + NIGHT + timedelta(seconds=1))

    ended = migrated(old, tmp_path)

    assert ended.exit_code == 0, ended.output
    query = "SELECT image_filename, predicted_category FROM current_prediction ORDER BY 1"
    assert our(tmp_path, query) == [("a.jpg", "Coat"), ("b.jpg", "Bag"), ("c.jpg", "Bag")]
    assert our(tmp_path, "SELECT listed, classified, skipped FROM batch_run WHERE run_id = 2") == [
        (3, 2, 1)
    ]
    assert seen_in(tmp_path / "clothing.db") == []


def test_a_night_that_went_on_after_it_was_migrated_is_refused(
    old: Predecessor, tmp_path: Path
) -> None:
    old.night(["a.jpg", "b.jpg"], EVENING)
    migrated(old, tmp_path)
    before = everything(tmp_path)
    old.night(["late.jpg"], EVENING + timedelta(minutes=2))

    ended = migrated(old, tmp_path)

    assert ended.exit_code == 1
    assert "has gone on writing into its newest night" in ended.output
    assert everything(tmp_path) == before


def test_the_newest_answer_is_kept_with_the_time_at_which_it_was_first_given(
    old: Predecessor, tmp_path: Path
) -> None:
    for nights, category in enumerate(("Bag", "Coat", "Coat")):
        old.night(["a.jpg"], EVENING + nights * NIGHT, category)

    ended = migrated(old, tmp_path)

    assert told(ended)["replaced by another answer later"] == 1
    assert told(ended)["the same answer again"] == 1
    query = "SELECT predicted_category, timestamp FROM image_prediction"
    assert our(tmp_path, query) == [("Coat", "2025-03-04 22:00:00.123000")]


def test_what_differs_by_a_rounding_is_the_same_answer(old: Predecessor, tmp_path: Path) -> None:
    old.answer("a.jpg", numbers=probabilities_of("Bag", 0.91))
    old.answer("a.jpg", moment=EVENING + NIGHT, numbers=probabilities_of("Bag", 0.9101))
    old.answer("a.jpg", moment=EVENING + 2 * NIGHT, numbers=probabilities_of("Bag", 0.95))

    ended = migrated(old, tmp_path)

    assert told(ended)["the same answer again"] == 1
    assert told(ended)["replaced by another answer later"] == 1


def test_orphans_on_both_sides_are_listed_and_counted(old: Predecessor, tmp_path: Path) -> None:
    old.night(["a.jpg"], EVENING)
    lonely = old.predict("b.jpg", "Bag", EVENING)
    old.add_probabilities(99, probabilities_of("Bag"))
    old.add_probabilities(1, probabilities_of("Coat"))

    ended = migrated(old, tmp_path)

    assert ended.exit_code == 0, ended.output
    numbers = told(ended)
    assert numbers["left out: no probabilities"] == 1
    assert numbers["without a prediction, or doubled"] == 2
    assert f"  image_id {lonely}: no probabilities\n" in ended.stdout
    assert "  probabilities_id 2: no prediction\n" in ended.stdout
    assert "  probabilities_id 3: a second row of one prediction\n" in ended.stdout
    query = "SELECT image_filename, predicted_category FROM image_prediction"
    assert our(tmp_path, query) == [("a.jpg", "Bag")]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"name": None}, "no file name, or one that no photo can have"),
        ({"name": ""}, "no file name, or one that no photo can have"),
        ({"name": "x" * 1025}, "no file name, or one that no photo can have"),
        ({"moment": None}, "no time"),
        ({"category": None}, "a category that is none of the ten"),
        ({"category": "Footwear"}, "a category that is none of the ten"),
        ({"numbers": [None] * 10}, "a probability is missing"),
        ({"numbers": [float("inf")] * 10}, "a probability is missing"),
        ({"numbers": [0.5] * 10}, "numbers that are neither probabilities nor logits"),
        ({"numbers": [0.0] * 10}, "numbers that are neither probabilities nor logits"),
        (
            {"numbers": probabilities_of("Coat")},
            "a category that is not the most probable one",
        ),
    ],
)
def test_a_row_that_cannot_be_used_is_left_out_with_its_reason(
    old: Predecessor, tmp_path: Path, change: dict[str, object], reason: str
) -> None:
    old.answer("good.jpg")
    old.answer(**{"name": "bad.jpg", **change})  # type: ignore[arg-type]

    ended = migrated(old, tmp_path)

    assert ended.exit_code == 0, ended.output
    assert told(ended)[f"left out: {reason}"] == 1
    assert our(tmp_path, "SELECT image_filename FROM image_prediction") == [("good.jpg",)]


def test_probabilities_sum_to_one_and_margin_and_confidence_come_from_them(
    old: Predecessor, tmp_path: Path
) -> None:
    numbers = [0.0] * 10
    numbers[CATEGORIES.index("Shirt")], numbers[CATEGORIES.index("Coat")] = 0.6004, 0.4
    old.answer("a.jpg", "Shirt", numbers=numbers)

    migrated(old, tmp_path)

    (row,) = our(tmp_path, "SELECT confidence, margin FROM image_prediction")
    assert row == pytest.approx((0.6004 / 1.0004, 0.2004 / 1.0004))
    (kept,) = our(tmp_path, f"SELECT {', '.join(COLUMNS)} FROM image_probabilities")
    assert sum(float(str(one)) for one in kept) == pytest.approx(1, abs=1e-12)


def test_logits_become_probabilities_and_are_counted(old: Predecessor, tmp_path: Path) -> None:
    old.answer("a.jpg", "T-shirt/top", numbers=[2.0] + [-1.0] * 9)

    ended = migrated(old, tmp_path)

    assert told(ended)["rows of logits, made probabilities by softmax"] == 1
    ((confidence,),) = our(tmp_path, "SELECT confidence FROM image_prediction")
    assert confidence == pytest.approx(0.6905, abs=1e-4)  # e³ / (e³ + 9)
    assert seen_in(tmp_path / "clothing.db") == []


@pytest.mark.parametrize("spelt", ["t_shirt", "T-shirt/top", "T-Shirt/Top", " t-shirt/top "])
def test_a_category_is_known_however_it_is_spelt(
    old: Predecessor, tmp_path: Path, spelt: str
) -> None:
    old.answer("a.jpg", spelt, numbers=probabilities_of("T-shirt/top"))

    migrated(old, tmp_path)

    assert our(tmp_path, "SELECT predicted_category FROM image_prediction") == [("T-shirt/top",)]


ODD_NAMES = [
    "Größe M/zurück.jpg",
    "größe m/zurück.jpg",
    "🧥.jpg",
    "a'b;--.jpg",
    "100%_[1].jpg",
    " leading and trailing ",
    "x" * 1024,
]


def test_odd_names_stay_as_they_are_and_apart(old: Predecessor, tmp_path: Path) -> None:
    old.night(ODD_NAMES, EVENING)
    old.night(ODD_NAMES, EVENING + NIGHT)

    ended = migrated(old, tmp_path)

    assert ended.exit_code == 0, ended.output
    found = our(tmp_path, "SELECT image_filename FROM image_prediction ORDER BY image_id")
    assert [name for (name,) in found] == ODD_NAMES


def test_times_become_utc_in_summer_and_in_winter(old: Predecessor, tmp_path: Path) -> None:
    old.answer("winter.jpg", moment=datetime(2025, 1, 15, 23, 0))
    old.answer("summer.jpg", moment=datetime(2025, 7, 15, 23, 0))

    migrated(old, tmp_path)

    assert our(tmp_path, "SELECT timestamp FROM image_prediction") == [
        ("2025-01-15 22:00:00.000000",),
        ("2025-07-15 21:00:00.000000",),
    ]


def test_the_hour_that_comes_twice_keeps_its_order(old: Predecessor, tmp_path: Path) -> None:
    """On 26 October 2025 Berlin's clocks went from 3:00 back to 2:00."""
    for name, minute in (("1", 10), ("2", 50), ("3", 10), ("4", 50)):
        old.answer(name, moment=datetime(2025, 10, 26, 2, minute))
    old.answer("5", moment=datetime(2025, 10, 26, 3, 10))

    migrated(old, tmp_path)

    times = our(tmp_path, "SELECT timestamp FROM image_prediction ORDER BY image_id")
    assert [str(time)[11:16] for (time,) in times] == ["00:10", "00:50", "01:10", "01:50", "02:10"]


def test_a_time_that_no_clock_showed_makes_the_zone_doubtful(
    old: Predecessor, tmp_path: Path
) -> None:
    old.answer("a.jpg", moment=datetime(2025, 3, 30, 2, 30))

    in_berlin = migrated(old, tmp_path, "--dry-run")
    in_utc = migrated(old, tmp_path, "--dry-run", "--time-zone", "UTC")

    assert told(in_berlin)["times that no clock of this zone showed"] == 1
    assert "Is --time-zone right?" in in_berlin.stdout
    assert "Is --time-zone right?" not in in_utc.stdout


def test_a_clock_never_makes_a_time_earlier_than_it_is() -> None:
    clock = WallClock(BERLIN)

    late = clock.utc(datetime(2025, 10, 26, 2, 30))
    later = clock.utc(datetime(2025, 10, 26, 2, 15))
    next_day = clock.utc(datetime(2025, 10, 27, 2, 15))

    assert late == datetime(2025, 10, 26, 0, 30, tzinfo=UTC)
    assert later == datetime(2025, 10, 26, 1, 15, tzinfo=UTC)
    assert next_day == datetime(2025, 10, 27, 1, 15, tzinfo=UTC)


def test_a_run_over_midnight_is_one_night(old: Predecessor, tmp_path: Path) -> None:
    for place, minutes in enumerate((0, 59, 61, 120)):
        old.answer(f"{place}.jpg", moment=EVENING + timedelta(minutes=minutes))

    migrated(old, tmp_path)

    assert our(tmp_path, "SELECT listed FROM batch_run") == [(4,)]


def test_a_photo_twice_in_a_night_is_listed_once(old: Predecessor, tmp_path: Path) -> None:
    old.night(["a.jpg", "a.jpg"], EVENING)

    migrated(old, tmp_path)

    assert our(tmp_path, "SELECT listed, classified, skipped FROM batch_run") == [(1, 1, 0)]


def test_a_dry_run_says_the_same_and_writes_nothing(old: Predecessor, tmp_path: Path) -> None:
    old.night(["a.jpg"], EVENING)

    dry = migrated(old, tmp_path, "--dry-run")

    assert not (tmp_path / "clothing.db").exists()
    assert "To be written:" in dry.stdout
    assert told(dry) == told(migrated(old, tmp_path))
    before = everything(tmp_path)
    old.night(["b.jpg"], EVENING + NIGHT)
    assert told(migrated(old, tmp_path, "--dry-run"))["answers"] == 1
    assert everything(tmp_path) == before


def test_the_predecessor_s_file_stays_as_it_is(old: Predecessor, tmp_path: Path) -> None:
    old.night(["a.jpg"], EVENING)
    before = old.path.read_bytes()

    migrated(old, tmp_path)

    assert old.path.read_bytes() == before
    assert [path.name for path in old.path.parent.iterdir()] == [old.path.name]


def test_after_runs_of_our_own_nothing_old_is_added(
    old: Predecessor, store: Store, tmp_path: Path
) -> None:
    old.night(["a.jpg"], EVENING)
    a_night(store, a_prediction("a.jpg", "Coat"))
    before = everything(tmp_path)

    ended = migrated(old, tmp_path)

    assert ended.exit_code == 1
    assert "Migrate before the first run." in ended.stderr
    assert everything(tmp_path) == before


def test_what_fails_half_way_leaves_nothing(old: Predecessor, tmp_path: Path, store: Store) -> None:
    old.night(["a.jpg"], EVENING)
    old.night(["b.jpg"], EVENING + NIGHT)
    with opened(tmp_path) as connection:
        connection.execute(
            "CREATE TRIGGER full BEFORE INSERT ON image_probabilities WHEN NEW.image_id = 2"
            " BEGIN SELECT RAISE(ABORT, 'disk full'); END"
        )

    ended = migrated(old, tmp_path)

    assert ended.exit_code == 1
    assert "disk full" in ended.stderr
    assert everything(tmp_path) == [[], [], [], []]


def test_both_in_one_database_if_the_old_tables_are_renamed(tmp_path: Path) -> None:
    renamed = re.sub(r"TABLE image", "TABLE before_image", TABLES)
    old = Predecessor(tmp_path / "clothing.db", renamed, prefix="before_")
    old.night(["a.jpg"], EVENING)

    ended = migrated(old, tmp_path, "--renamed", "before_")
    unnamed = migrated(old, tmp_path)

    assert ended.exit_code == 0, ended.output
    assert our(tmp_path, "SELECT image_filename FROM image_prediction") == [("a.jpg",)]
    assert unnamed.exit_code == 1
    assert "this program's own tables" in unnamed.stderr


@pytest.mark.parametrize(
    ("more", "code", "words"),
    [
        (["--time-zone", "Mars"], 2, "--time-zone: TZ takes"),
        (["--to", "oracle://x"], 2, "--to: DATABASE_URL takes"),
        (["--renamed", "other_"], 1, "There is no table other_image_prediction"),
    ],
)
def test_what_cannot_be_is_said_in_words(
    old: Predecessor, tmp_path: Path, more: list[str], code: int, words: str
) -> None:
    ended = migrated(old, tmp_path, *more)

    assert ended.exit_code == code
    assert words in ended.stderr
    assert not (tmp_path / "clothing.db").exists()


def test_a_database_that_is_not_there_is_said_in_words(tmp_path: Path) -> None:
    command = ["--from", f"sqlite:///{tmp_path}/none.db", "--to", f"sqlite:///{tmp_path}/our.db"]

    ended = CliRunner().invoke(migrate, [*command, "--time-zone", "UTC"])

    assert ended.exit_code == 1
    assert "cannot be read: unable to open" in ended.stderr
    assert not (tmp_path / "none.db").exists()


def test_long_lists_are_cut_unless_all_is_asked_for(old: Predecessor, tmp_path: Path) -> None:
    for place in range(25):
        old.predict(f"{place}.jpg", "Bag", EVENING)

    cut = migrated(old, tmp_path, "--dry-run")
    whole = migrated(old, tmp_path, "--dry-run", "--all")

    assert "and 5 more; --all lists them" in cut.stdout
    assert cut.stdout.count("no probabilities\n") == 20
    assert whole.stdout.count("no probabilities\n") == 25


def test_sql_server_is_asked_in_t_sql_and_holds_the_same(old: Predecessor, tmp_path: Path) -> None:
    old.night(["a.jpg", "b.jpg"], EVENING)
    old.night(["a.jpg", "b.jpg"], EVENING + NIGHT, "Coat")
    (tmp_path / "server").mkdir()
    with stand_in(tmp_path / "server" / "clothing.db"):
        store = Store(SERVER_URL)
        store.upgrade()
        ended = migrated(old, tmp_path, "--to", SERVER_URL)
        again = migrated(old, tmp_path, "--to", SERVER_URL)
        found = [one.prediction.photo.name for one in store.predictions()]
        store.dispose()

    assert ended.exit_code == 0, ended.output
    assert found == ["a.jpg", "b.jpg"]
    assert told(again)["answers that were there already"] == 2


def test_sql_server_is_read_in_t_sql(tmp_path: Path) -> None:
    with stand_in(tmp_path / "old.db") as server:
        tables = TABLES.replace("DATETIME", "DATETIME2")  # which the stand-in knows
        Predecessor(tmp_path / "old.db", tables).night(["a.jpg", "b.jpg"], EVENING)
        command = ["--from", SERVER_URL, "--to", f"sqlite:///{tmp_path}/clothing.db"]
        ended = CliRunner().invoke(migrate, [*command, "--time-zone", "Europe/Berlin"])

    assert ended.exit_code == 0, ended.output
    assert told(ended)["answers"] == 2
    assert not [text for text in server.statements if text.startswith(("INSERT", "UPDATE"))]


def test_nobody_is_asked_about_what_the_predecessor_said(
    old: Predecessor, tmp_path: Path, store: Store
) -> None:
    old.answer("sure.jpg")
    old.answer("doubtful.jpg", numbers=probabilities_of("Bag", 0.2))

    migrated(old, tmp_path)

    queue = ReviewQueue(store, blind_share=1)
    assert queue.left().total == 0
    assert queue.look("holder") == []
    a_night(store, a_prediction("sure.jpg", "Bag", 0.9))
    assert ReviewQueue(store, blind_share=1).left().blind == 1


def test_a_run_and_the_pages_go_on_from_there(
    old: Predecessor, environ: dict[str, str], storage: Path, tmp_path: Path
) -> None:
    (storage / "images" / "gone.jpg").unlink(missing_ok=True)
    old.night(["a.jpg", "gone.jpg"], EVENING)
    migrated(old, tmp_path)

    run = CliRunner().invoke(clothing, ["run", "--json"])

    assert run.exit_code == 0, run.output
    store = Store(environ["DATABASE_URL"])
    current = {row.photo.name: row.run_id for row in photos(store, Wanted())}
    assert current == {"a.jpg": 2, "b.jpg": 2, "night/c.jpg": 2, "gone.jpg": 1}
    assert len(history(store, Photo("images", "a.jpg", "", 0))) == 2
    store.dispose()
    app = create_app(environ)
    client: FlaskClient = app.test_client()
    for address in ("/", "/photos", "/photos/2", "/runs", "/runs/1", "/quality", "/review"):
        assert client.get(address).status_code == 200, address
    assert "by the predecessor" in client.get("/runs/1").text
    assert client.get("/photos/2/thumbnail").status_code == 404
    assert "gone.jpg" in client.get("/export.csv").text
    app.extensions["site"].close()
    assert seen_in(tmp_path / "clothing.db") == []


def test_the_page_before_the_first_run_shows_the_last_night(
    old: Predecessor, environ: dict[str, str], tmp_path: Path
) -> None:
    (Path(environ["STORAGE_URL"].removeprefix("file://")) / "images" / "a.jpg").write_bytes(jpeg())
    old.night(["a.jpg"], EVENING)
    migrated(old, tmp_path)
    app = create_app(environ)

    sheet = app.test_client().get("/")

    assert sheet.status_code == 200
    assert "a.jpg" in sheet.text
    app.extensions["site"].close()


def test_the_guide_names_every_option() -> None:
    guide = (PROJECT / "docs" / "migrate.md").read_text(encoding="utf-8")

    options = {option for parameter in migrate.params for option in parameter.opts}

    assert [option for option in options if option not in guide] == []


def test_the_guide_s_way_back_leaves_our_own_rows_only(
    old: Predecessor, tmp_path: Path, store: Store
) -> None:
    old.night(["a.jpg", "b.jpg"], EVENING)
    migrated(old, tmp_path)
    a_night(store, a_prediction("a.jpg", "Coat"))
    a_review(store, 1, "Shirt")
    guide = (PROJECT / "docs" / "migrate.md").read_text(encoding="utf-8")
    (script,) = re.findall(r"^```sql\n(DELETE.*?)^```", guide, re.MULTILINE | re.DOTALL)

    with opened(tmp_path) as connection:
        connection.execute("PRAGMA foreign_keys = ON")
        connection.executescript(script)

    assert our(tmp_path, "SELECT image_filename, predicted_category FROM image_prediction") == [
        ("a.jpg", "Coat")
    ]
    assert our(tmp_path, "SELECT [trigger] FROM batch_run") == [("http",)]
    assert our(tmp_path, "SELECT COUNT(*) FROM image_review") == [(0,)]
    assert seen_in(tmp_path / "clothing.db") == []
