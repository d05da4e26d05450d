"""The commands about the model: what they show, what they refuse, what they change."""

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from clothing import parts
from clothing.cli import main
from clothing.commands.model import model
from clothing.config import PROJECT
from clothing.labelled import read_labels
from clothing.labels import CATEGORIES, OUTSIDE
from clothing.publishing import BETTER, NO_DIFFERENCE, WORSE, publish
from clothing.storage import FolderContainer
from tests.test_publishing import BLOB, another_model, everything_in

SAMPLES = PROJECT / "tests" / "data" / "sample_photos.csv"

ASKS_ALWAYS, ASKS_NEVER = dict.fromkeys(CATEGORIES, 1.0), dict.fromkeys(CATEGORIES, 0.0)


@pytest.fixture(scope="module")
def compiled_models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A cache of this module's own: the project's would keep the models of every test."""
    return tmp_path_factory.mktemp("compiled")


@pytest.fixture(autouse=True)
def own_cache(compiled_models: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("clothing.parts.MODEL_CACHE", compiled_models)


@pytest.fixture
def folder(storage: Path) -> Path:
    """The folder of the `model` container."""
    return storage / "model"


@pytest.fixture
def cautious(tmp_path: Path) -> Path:
    """A model that asks a person about every photo."""
    return another_model(tmp_path / "cautious", "cautious", thresholds=ASKS_ALWAYS)


@pytest.fixture
def careless(tmp_path: Path) -> Path:
    """A model that asks about none."""
    return another_model(tmp_path / "careless", "careless", thresholds=ASKS_NEVER)


@pytest.fixture
def unknown_garments(tmp_path: Path) -> list[str]:
    """Options that compare on 47 photos which people say are of no category."""
    names = [line.partition(",")[0] for line in SAMPLES.read_text().splitlines()[1:]]
    rows = "".join(f"{name},{OUTSIDE}\n" for name in names)
    (tmp_path / "labels.csv").write_text(f"file,category\n{rows}")
    return ["--photos", str(PROJECT / "images"), "--labels", str(tmp_path / "labels.csv")]


def call(runner: CliRunner, *words: object, typed: str | None = None) -> Result:
    return runner.invoke(main, ["model", *map(str, words)], input=typed)


def shown(runner: CliRunner) -> dict[str, Any]:
    facts: dict[str, Any] = json.loads(call(runner, "show", "--json").stdout)
    return facts


@pytest.mark.parametrize("command", sorted(model.commands))
def test_every_command_explains_itself(runner: CliRunner, command: str) -> None:
    answer = call(runner, command, "--help")

    assert answer.exit_code == 0
    assert len(answer.output.splitlines()) > 6


def test_show_is_the_card_as_a_table(runner: CliRunner, folder: Path) -> None:
    card = json.loads((folder / "clothing_model.json").read_text())

    answer = call(runner, "show")

    assert answer.exit_code == 0
    rows = {line[:40].strip(): line[41:] for line in answer.stdout.splitlines() if line[:1] != " "}
    assert rows["name"] == card["name"]
    assert rows["sha256"] == card["sha256"]
    assert rows["version"].startswith(card["name"])
    assert rows["input size"] == f"{card['height']} × {card['width']} × {card['channels']}"
    assert rows["threshold of Ankle boot"] == str(card["thresholds"]["Ankle boot"])
    assert rows["photos_test_accuracy"] == str(card["metrics"]["photos_test_accuracy"])
    assert rows["previous model"] == "none; there is nothing to roll back to"


def test_show_as_json_is_one_object_with_the_version_that_is_stored(
    runner: CliRunner, folder: Path
) -> None:
    run = json.loads(runner.invoke(main, ["run", "--json"]).stdout)

    facts = shown(runner)

    assert facts["version"] == run["model_version"]
    assert facts["previous"] is None
    assert set(json.loads((folder / "clothing_model.json").read_text())) < set(facts)


def test_show_without_a_model_says_how_to_get_one(runner: CliRunner, folder: Path) -> None:
    (folder / BLOB).unlink()

    answer = call(runner, "show")

    assert answer.exit_code == 1
    assert "has no clothing_model.keras. Put one there" in answer.stderr


def test_show_tells_of_a_change_that_broke_off_and_rollback_puts_it_right(
    runner: CliRunner, folder: Path, careless: Path
) -> None:
    before = shown(runner)["version"]
    call(runner, "publish", careless, "--untested", "--yes")
    for kind in ("json", "tflite"):  # as if the process had died before its last write
        name = f"clothing_model.{kind}"
        shutil.copy(folder / f"clothing_model.previous.{kind}", folder / name)

    table = call(runner, "show").stdout
    answer = call(runner, "rollback")

    assert "A change broke off half-way" in table
    assert f"A change had broken off; {before} is served as before." in answer.stdout
    assert shown(runner)["version"] == before
    assert not shown(runner)["broke_off"]


def test_a_worse_model_is_found_out_and_exits_with_1(
    runner: CliRunner, cautious: Path, careless: Path, unknown_garments: list[str]
) -> None:
    call(runner, "publish", cautious, "--untested", "--yes")

    table = call(runner, "compare", careless, *unknown_garments)
    found = json.loads(call(runner, "compare", careless, *unknown_garments, "--json").stdout)

    assert table.exit_code == 1
    assert "outside_review_share" in table.stdout
    assert "The new model: worse." in table.stdout
    assert found["verdict"] == WORSE
    assert found["photos"] == 47
    assert found["outside"]["only_current_right"] > found["outside"]["only_new_right"] == 0
    assert found["outside"]["p_value"] < 0.001


def test_a_model_compared_with_itself_shows_no_difference(runner: CliRunner) -> None:
    source = PROJECT / "model" / BLOB
    options = ["--photos", PROJECT / "images", "--labels", SAMPLES, "--json"]

    answer = call(runner, "compare", source, *options)

    found = json.loads(answer.stdout)
    assert answer.exit_code == 0
    assert (found["verdict"], found["disagree"]) == (NO_DIFFERENCE, 0)
    assert found["current"] == found["new"]
    assert found["difference"]["accuracy"] == 0


def test_photos_that_are_not_there_are_nothing_to_compare_on(
    runner: CliRunner, storage: Path, careless: Path
) -> None:
    options = ["--photos", storage, "--labels", SAMPLES]

    answer = call(runner, "publish", careless, *options, "--yes")

    assert answer.exit_code == 2
    assert "None of the 47 photos" in answer.stderr


def test_photos_that_are_not_there_are_nothing_to_measure_on(
    runner: CliRunner, storage: Path
) -> None:
    answer = runner.invoke(main, ["evaluate", "--photos", str(storage), "--labels", str(SAMPLES)])

    assert answer.exit_code == 2
    *reasons, verdict = answer.stderr.splitlines()
    assert len(reasons) == 47
    assert all("is no longer in the container" in reason for reason in reasons)
    assert verdict.startswith("Error: None of the 47 photos")


def test_a_worse_model_is_not_published(
    runner: CliRunner,
    folder: Path,
    cautious: Path,
    careless: Path,
    unknown_garments: list[str],
) -> None:
    call(runner, "publish", cautious, "--untested", "--yes")
    before = everything_in(folder)

    answer = call(runner, "publish", careless, *unknown_garments, "--yes")

    assert answer.exit_code == 1
    assert "is worse on these photos, so it is not published" in answer.stderr
    assert "--untested" in answer.stderr
    assert everything_in(folder) == before


def test_a_better_model_is_published_and_rolled_back(
    runner: CliRunner, cautious: Path, careless: Path, unknown_garments: list[str]
) -> None:
    call(runner, "publish", careless, "--untested", "--yes")
    before = shown(runner)["version"]

    answer = call(runner, "publish", cautious, *unknown_garments, "--yes")

    facts = shown(runner)
    assert answer.exit_code == 0
    assert f"The new model: {BETTER}." in answer.stderr
    assert answer.stdout.splitlines()[0] == f"{facts['version']} is served now."
    assert (facts["name"], facts["previous"]) == ("cautious", before)

    answer = call(runner, "rollback")
    assert answer.stdout == f"{before} is served again.\n"
    assert shown(runner)["previous"] == facts["version"]


def test_what_is_published_answers_the_next_run(runner: CliRunner, careless: Path) -> None:
    runner.invoke(main, ["run"])
    call(runner, "publish", careless, "--untested", "--yes")

    run = json.loads(runner.invoke(main, ["run", "--json"]).stdout)

    assert run["model_version"] == shown(runner)["version"]
    assert (run["classified"], run["skipped"]) == (3, 0)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ([], "A model is compared with the served one before it replaces it"),
        (["--photos", "."], "--photos and --labels go together"),
        (["--untested", "--photos", ".", "--labels", str(SAMPLES)], "--untested is for"),
    ],
)
def test_a_model_that_nobody_compared_is_not_published(
    runner: CliRunner, folder: Path, careless: Path, options: list[str], words: str
) -> None:
    before = everything_in(folder)

    answer = call(runner, "publish", careless, *options, "--yes")

    assert answer.exit_code == 2
    assert words in answer.stderr
    assert everything_in(folder) == before


@pytest.mark.parametrize("typed", ["n\n", ""], ids=["no", "nobody there"])
def test_without_a_yes_nothing_is_replaced(
    runner: CliRunner, folder: Path, careless: Path, typed: str
) -> None:
    before = everything_in(folder)

    answer = call(runner, "publish", careless, "--untested", typed=typed)

    assert answer.exit_code == 1
    assert "Replace clothing-lite-" in answer.stderr
    assert everything_in(folder) == before


def test_what_was_published_while_somebody_thought_is_not_replaced(
    runner: CliRunner, folder: Path, cautious: Path, careless: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def somebody_else(*words: object, **more: object) -> bool:
        publish(FolderContainer("model", folder), BLOB, cautious, parts.MODEL_CACHE)
        return True

    monkeypatch.setattr("click.confirm", somebody_else)

    answer = call(runner, "publish", careless, "--untested")

    assert answer.exit_code == 1
    assert "somebody else published or rolled back meanwhile" in answer.stderr
    assert shown(runner)["name"] == "cautious"


def test_a_file_that_was_written_anew_while_somebody_thought_is_not_published(
    runner: CliRunner, folder: Path, cautious: Path, careless: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def train_anew(*words: object, **more: object) -> None:
        shutil.copytree(careless.parent, cautious.parent, dirs_exist_ok=True)

    before = everything_in(folder)
    monkeypatch.setattr("click.confirm", train_anew)

    answer = call(runner, "publish", cautious, "--untested")

    assert answer.exit_code == 1
    assert "The new model was written anew meanwhile" in answer.stderr
    assert everything_in(folder) == before


@pytest.mark.slow
def test_labelled_photos_are_found_from_any_folder_and_failures_are_named(
    runner: CliRunner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "photos").mkdir()
    rows = ["file,category"]
    for number in range(9):
        shutil.copy(
            PROJECT / "images" / read_labels(SAMPLES)[0].file, tmp_path / "photos" / f"{number}.jpg"
        )
        rows.append(f"{number}.jpg,Coat")
    (tmp_path / "labels.csv").write_text("\n".join([*rows, "typo.jpg,Coat"]))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("BATCH_SIZE", "1")  # so many batches are worth a process
    monkeypatch.setenv("DECODE_THREADS", "2")

    answer = runner.invoke(
        main, ["evaluate", "--photos", "photos", "--labels", "labels.csv", "--json"]
    )

    assert answer.exit_code == 0, answer.stderr
    assert json.loads(answer.stdout)["failed"] == 1
    assert "typo.jpg: " in answer.stderr


def test_with_a_yes_it_is_replaced(runner: CliRunner, careless: Path) -> None:
    answer = call(runner, "publish", careless, "--untested", typed="y\n")

    assert answer.exit_code == 0
    assert shown(runner)["name"] == "careless"


def test_the_first_model_is_published_without_questions(
    runner: CliRunner, folder: Path, careless: Path
) -> None:
    for path in folder.iterdir():
        path.unlink()

    answer = call(runner, "publish", careless)

    assert answer.exit_code == 0
    assert shown(runner)["name"] == "careless"


def test_publishing_what_is_served_says_so(runner: CliRunner, folder: Path) -> None:
    answer = call(runner, "publish", folder / BLOB, "--untested", "--yes")

    assert "is served already; nothing was changed" in answer.stdout


def test_without_a_model_before_a_rollback_is_refused(runner: CliRunner) -> None:
    answer = call(runner, "rollback")

    assert answer.exit_code == 1
    assert "There is no model to go back to" in answer.stderr


def test_what_is_pinned_is_not_replaced_by_another(
    runner: CliRunner, careless: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MODEL_SHA256", shown(runner)["sha256"])
    before = everything_in(folder)

    answer = call(runner, "publish", careless, "--untested", "--yes")

    assert answer.exit_code == 1
    assert "MODEL_SHA256 pins" in answer.stderr
    assert everything_in(folder) == before


@pytest.mark.keras
def test_a_network_that_learnt_nothing_is_refused_and_then_replaced(
    runner: CliRunner, folder: Path, tmp_path: Path
) -> None:
    """The whole way with Keras' own files: bare, compiled here, compared, forced, put right."""
    command = [sys.executable, "-m", "tests.make_models", str(tmp_path)]
    subprocess.run(command, cwd=PROJECT, check=True, capture_output=True, timeout=300)
    untrained, trained = tmp_path / "softmax.keras", PROJECT / "model" / BLOB
    options = ["--photos", PROJECT / "images", "--labels", SAMPLES, "--yes"]

    refused = call(runner, "publish", untrained, *options)
    forced = call(runner, "publish", untrained, "--untested", "--yes")
    facts = shown(runner)
    replaced = call(runner, "publish", trained, *options)

    assert (refused.exit_code, forced.exit_code, replaced.exit_code) == (1, 0, 0)
    assert "The new model: worse." in refused.stderr
    assert "The new model: better." in replaced.stderr
    assert (facts["name"], facts["compiled_sha256"] is not None) == ("softmax", True)
    assert shown(runner)["previous"] == facts["version"]
    assert FolderContainer("model", folder).etag("clothing_model.previous.tflite")
