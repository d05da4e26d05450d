"""The commands: what they print, and their exit codes."""

import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from clothing.cli import main
from clothing.config import PROJECT
from clothing.labels import CATEGORIES
from clothing.store import Store
from clothing.tables import SCHEMA_VERSION
from tests.alive import soon
from tests.needs import as_a_user
from tests.pictures import many_photos
from tests.sql_server_double import opened

RUN = [sys.executable, "-m", "clothing", "run"]


def test_help_names_every_command_and_a_way_to_begin(runner: CliRunner) -> None:
    answer = runner.invoke(main, ["--help"])

    assert answer.exit_code == 0
    for command in main.commands:
        assert command in answer.output
    assert "python -m clothing doctor" in answer.output


@pytest.mark.parametrize("command", sorted(main.commands))
def test_every_command_explains_itself(runner: CliRunner, command: str) -> None:
    answer = runner.invoke(main, [command, "--help"])

    assert answer.exit_code == 0
    assert len(answer.output.splitlines()) > 4


def test_run_classifies_what_is_new(runner: CliRunner) -> None:
    first = runner.invoke(main, ["run"])
    second = runner.invoke(main, ["run"])

    assert (first.exit_code, second.exit_code) == (0, 0)
    assert "3 photos = 3 classified + 0 failed + 0 skipped" in first.output
    assert "3 photos = 0 classified + 0 failed + 3 skipped" in second.output


def test_run_as_json_is_one_object(runner: CliRunner) -> None:
    answer = runner.invoke(main, ["run", "--json", "--prefix", "night/"])

    run = json.loads(answer.stdout)
    assert (run["status"], run["listed"], run["classified"]) == ("succeeded", 1, 1)
    assert run["trigger"] == "command"
    assert run["prefix"] == "night/"


def test_force_classifies_anew(runner: CliRunner) -> None:
    runner.invoke(main, ["run"])

    answer = runner.invoke(main, ["run", "--force", "--json"])

    assert json.loads(answer.stdout)["classified"] == 3


def test_a_run_without_model_exits_with_1(runner: CliRunner, storage: Path) -> None:
    (storage / "model" / "clothing_model.keras").unlink()

    answer = runner.invoke(main, ["run"])

    assert answer.exit_code == 1
    assert "has no clothing_model.keras" in answer.stderr


def test_a_setting_that_cannot_be_used_exits_with_2(
    runner: CliRunner, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BATCH_SIZE", "many")

    answer = runner.invoke(main, ["run"])

    assert answer.exit_code == 2
    assert "BATCH_SIZE takes 1 to 4096. Received: 'many'." in answer.stderr


def test_an_unknown_engine_exits_with_2(runner: CliRunner) -> None:
    assert runner.invoke(main, ["run", "--engine", "steam"]).exit_code == 2


@pytest.mark.parametrize(("threshold", "code"), [("1", 0), ("0", 3), ("25%", 0), ("20%", 3)])
def test_more_failures_than_allowed_exit_with_3(
    runner: CliRunner,
    storage: Path,
    monkeypatch: pytest.MonkeyPatch,
    threshold: str,
    code: int,
) -> None:
    (storage / "images" / "broken.jpg").write_bytes(b"")
    monkeypatch.setenv("ERROR_THRESHOLD", threshold)

    assert runner.invoke(main, ["run"]).exit_code == code


def test_a_night_that_failed_whole_is_not_hidden_by_those_before(
    runner: CliRunner, storage: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ERROR_THRESHOLD", "50%")
    assert runner.invoke(main, ["run"]).exit_code == 0
    for n in range(2):
        (storage / "images" / f"broken {n}.jpg").write_bytes(b"")

    tonight = runner.invoke(main, ["run"])
    next_night = runner.invoke(main, ["run"])

    assert (tonight.exit_code, next_night.exit_code) == (3, 0)  # 3 of 5 photos were done before


def test_a_run_while_another_goes_on_says_so(runner: CliRunner, environ: dict[str, str]) -> None:
    store = Store(environ["DATABASE_URL"])
    store.ready()
    store.open_run("http")
    store.dispose()

    answer = runner.invoke(main, ["run"])

    assert answer.exit_code == 1
    assert "Run 1 is going on since" in answer.stderr


def test_a_terminated_run_is_closed_and_resumed(environ: dict[str, str], storage: Path) -> None:
    store = Store(environ["DATABASE_URL"])
    child = _a_run_under_way(environ, storage, store)

    child.send_signal(signal.SIGTERM)
    code = child.wait(timeout=30)

    (run,) = store.runs()
    assert code == 128 + signal.SIGTERM
    assert run.status == "interrupted"
    subprocess.run(RUN, cwd=PROJECT, env=environ, check=True, capture_output=True)
    names = [one.prediction.photo.name for one in store.predictions(limit=1000)]
    assert len(names) == len(set(names)) == 603
    store.dispose()


def test_classify_prints_every_probability(runner: CliRunner, storage: Path) -> None:
    answer = runner.invoke(main, ["classify", str(storage / "images" / "a.jpg")])

    assert answer.exit_code == 0
    for category in CATEGORIES:
        assert category in answer.output


def test_classify_as_json_is_one_object_a_line(runner: CliRunner, storage: Path) -> None:
    files = [str(storage / "images" / name) for name in ("a.jpg", "b.jpg")]

    answer = runner.invoke(main, ["classify", "--json", *files])

    lines = [json.loads(line) for line in answer.stdout.splitlines()]
    assert [line["file"] for line in lines] == files
    for line in lines:
        assert set(line) == {
            "file",
            "predicted_category",
            "confidence",
            "probabilities",
            "needs_review",
            "review_reason",
        }
        assert list(line["probabilities"]) == list(CATEGORIES)
        assert sum(line["probabilities"].values()) == pytest.approx(1, abs=1e-6)
        assert line["confidence"] == max(line["probabilities"].values())


def test_classify_stores_nothing(runner: CliRunner, storage: Path, tmp_path: Path) -> None:
    runner.invoke(main, ["classify", str(storage / "images" / "a.jpg")])

    assert not (tmp_path / "clothing.db").exists()


def test_classify_goes_on_after_a_file_that_cannot_be_used(
    runner: CliRunner, storage: Path
) -> None:
    (storage / "text.jpg").write_text("not a photo")
    files = [str(storage / name) for name in ("text.jpg", "nowhere.jpg", "images/a.jpg")]

    answer = runner.invoke(main, ["classify", "--json", *files])

    text, nowhere, photo = (json.loads(line) for line in answer.stdout.splitlines())
    assert answer.exit_code == 1
    assert text == {"file": files[0], "error": "a text file, not a photo"}
    assert nowhere["error"] == "the file cannot be read: No such file or directory"
    assert photo["predicted_category"] in CATEGORIES


def test_evaluate_prints_the_figures_of_the_contract(runner: CliRunner, storage: Path) -> None:
    labels = storage / "labels.csv"
    labels.write_text(
        "file,category\na.jpg,Bag\nb.jpg,Footwear\nnight/c.jpg,(none)\ngone.jpg,Coat\n"
    )
    command = ["evaluate", "--photos", str(storage / "images"), "--labels", str(labels)]

    answer = runner.invoke(main, [*command, "--json"])

    figures = json.loads(answer.stdout)
    assert (figures["photos"], figures["failed"]) == (4, 1)
    assert set(figures) == {
        "photos",
        "failed",
        "accuracy",
        "per_category",
        "confusion",
        "sorted_share",
        "sorted_accuracy",
        "outside_review_share",
        "expected_calibration_error",
    }
    assert figures["confusion"]["Coat"] == {"(failed)": 1}
    assert "accuracy" in runner.invoke(main, command).output


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        (
            "name,category\na.jpg,Bag\n",
            "must have the columns file, category, with commas between them. Received: name",
        ),
        ("file,category\na.jpg,Hat\n", "line 2: a category is one of"),
        ("", "Received: nothing"),
    ],
)
def test_labels_that_cannot_be_used_are_refused(
    runner: CliRunner, storage: Path, text: str, complaint: str
) -> None:
    labels = storage / "labels.csv"
    labels.write_text(text)

    answer = runner.invoke(
        main, ["evaluate", "--photos", str(storage / "images"), "--labels", str(labels)]
    )

    assert answer.exit_code == 2
    assert complaint in answer.stderr


def test_a_terminal_with_few_letters_gets_those_it_has(environ: dict[str, str]) -> None:
    """As a pipe on Windows is: without bars, and with a question mark for what it cannot write."""
    sample = next((PROJECT / "images").glob("*/*.jpg"))
    ended = subprocess.run(
        [sys.executable, "-m", "clothing", "classify", str(sample)],
        cwd=PROJECT,
        env={**environ, "PYTHONIOENCODING": "cp1252"},
        check=True,
        capture_output=True,
        encoding="cp1252",
    )

    assert len(ended.stdout.splitlines()) >= 11
    assert "%" in ended.stdout


def test_the_doctor_finds_everything_well(runner: CliRunner) -> None:
    answer = runner.invoke(main, ["doctor"])

    assert answer.exit_code == 0
    assert "FAIL" not in answer.output


def test_the_doctor_names_what_is_wrong_and_the_remedy(runner: CliRunner, storage: Path) -> None:
    (storage / "model" / "clothing_model.keras").unlink()

    answer = runner.invoke(main, ["doctor", "--json"])

    checks = {check["name"]: check for check in map(json.loads, answer.stdout.splitlines())}
    assert answer.exit_code == 1
    assert not checks["model"]["ok"]
    assert "has no clothing_model.keras" in checks["model"]["found"]
    assert checks["model"]["remedy"]
    assert checks["container images"]["ok"]


@pytest.mark.parametrize(
    ("command", "complaint"),
    [
        ("doctor", "FAIL  database: The database has schema 9999, which is newer"),
        ("db upgrade", "newer than this program's"),
    ],
)
def test_tables_that_are_newer_than_the_program_are_said_to_be(
    runner: CliRunner, store: Store, tmp_path: Path, command: str, complaint: str
) -> None:
    with opened(tmp_path) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")

    answer = runner.invoke(main, command.split())

    assert answer.exit_code == 1
    assert complaint in answer.output


def test_the_doctor_says_what_serve_would_refuse(
    runner: CliRunner, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOST", "0.0.0.0")

    answer = runner.invoke(main, ["doctor"])

    assert answer.exit_code == 1
    assert "FAIL  settings: HOST=0.0.0.0 is reachable" in answer.output


@pytest.fixture
def everybodys() -> Iterator[Path]:
    """A folder that any user may enter; pytest's are the test's own."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


@pytest.mark.parametrize(
    ("setting", "complaint"),
    [
        ("DATABASE_URL", "file of DATABASE_URL, or its folder, cannot be used: Permission denied"),
        ("STORAGE_URL", "hidden cannot be used: Permission denied"),
    ],
)
def test_the_doctor_says_what_this_user_may_not_enter(
    runner: CliRunner,
    monkeypatch: pytest.MonkeyPatch,
    everybodys: Path,
    setting: str,
    complaint: str,
) -> None:
    hidden = everybodys / "hidden"
    hidden.mkdir()
    value = {"DATABASE_URL": f"sqlite:///{hidden}/in/x.db", "STORAGE_URL": f"file:{hidden}"}
    monkeypatch.setenv(setting, value[setting])
    hidden.chmod(0)

    with as_a_user():
        answer = runner.invoke(main, ["doctor"])

    assert answer.exit_code == 1
    assert complaint in answer.output


def test_the_doctor_says_that_a_database_cannot_be_made(
    runner: CliRunner, monkeypatch: pytest.MonkeyPatch, everybodys: Path
) -> None:
    kept = everybodys / "kept"
    kept.mkdir(mode=0o555)
    monkeypatch.setenv("DATABASE_URL", f"sqlite:///{kept}/x.db")

    with as_a_user():
        answer = runner.invoke(main, ["doctor"])

    assert answer.exit_code == 1
    assert "kept may not be written by this user" in answer.output


def test_the_doctor_says_that_a_database_cannot_be_written(
    runner: CliRunner, monkeypatch: pytest.MonkeyPatch, everybodys: Path
) -> None:
    file = everybodys / "clothing.db"
    monkeypatch.setenv("DATABASE_URL", f"sqlite:///{file}")
    assert runner.invoke(main, ["db", "upgrade"]).exit_code == 0
    file.chmod(0o444)
    everybodys.chmod(0o777)  # for the log that SQLite writes beside it

    with as_a_user():
        answer = runner.invoke(main, ["doctor"])

    assert answer.exit_code == 1
    assert "clothing.db may not be written by this user" in answer.output


def test_the_doctor_goes_on_without_usable_settings(
    runner: CliRunner, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PORT", "-1")

    answer = runner.invoke(main, ["doctor"])

    assert answer.exit_code == 1
    assert "PORT takes 1 to 65535" in answer.output


def test_the_doctor_says_that_the_file_of_settings_cannot_be_read(
    runner: CliRunner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("clothing.environment.PROJECT", tmp_path)
    (tmp_path / ".env").write_text("PORT=5000\n", "utf-16")

    answer = runner.invoke(main, ["doctor", "--json"])

    assert answer.exit_code == 1
    (check,) = map(json.loads, answer.stdout.splitlines())
    assert (check["name"], check["ok"]) == ("settings", False)
    assert ".env takes UTF-8" in check["found"]


def test_db_upgrade_says_from_where_to_where(runner: CliRunner) -> None:
    first = runner.invoke(main, ["db", "upgrade"])
    second = runner.invoke(main, ["db", "upgrade"])

    assert f"The schema is {SCHEMA_VERSION} (before: none)." in first.output
    assert f"The schema is {SCHEMA_VERSION} (before: {SCHEMA_VERSION})." in second.output


def test_serving_others_without_a_key_is_refused(
    runner: CliRunner, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOST", "0.0.0.0")

    answer = runner.invoke(main, ["serve"])

    assert answer.exit_code == 2
    assert "API_KEY must be set" in answer.stderr


@pytest.mark.skipif(os.name == "nt", reason="no signals")
def test_a_killed_run_leaves_whole_batches_and_counts_that_fit_them(
    environ: dict[str, str], storage: Path
) -> None:
    store = Store(environ["DATABASE_URL"])
    child = _a_run_under_way(environ, storage, store)

    child.kill()
    child.wait()

    (run,) = store.runs()
    assert run.status == "running"
    assert len(store.predictions(limit=1000)) == run.counts.classified
    store.dispose()


def _a_run_under_way(
    environ: dict[str, str], storage: Path, store: Store
) -> "subprocess.Popen[bytes]":
    """Return the process of a run over 603 photos once it has stored something."""
    many_photos(storage / "images", 600)
    environ["BATCH_SIZE"] = "8"
    child = subprocess.Popen(RUN, cwd=PROJECT, env=environ, stderr=subprocess.DEVNULL)
    assert soon(lambda: bool(store.schema_version() and store.predictions(limit=1)))
    return child
