"""The benchmarks: real runs at a tiny size, real rows, figures that add up. No time is asserted."""

import io
import json
import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from numpy.typing import NDArray
from PIL import Image

from benchmarks import folders, pipeline, predecessor, profile, report
from benchmarks.__main__ import main
from benchmarks.limits import limit_of
from benchmarks.lines import LINES
from benchmarks.measuring import Beginning, Done, Measured, Place, Works, in_child, measure
from benchmarks.rounds import Found, Plan, machine, measure_all
from benchmarks.scenarios import IN_TURNS, SCENARIOS
from benchmarks.summary import summed_up
from clothing.config import PROJECT
from clothing.labels import COLUMNS
from scripts.generated_docs import SPEED_GUIDE, speed_guide

pytestmark = pytest.mark.slow

SMALL, LARGE, MANY = 24, 2, 40

MACHINE_KEYS = {"cpu", "cores", "memory_gb", "os", "python", "load_before"}
SCENARIO_KEYS = {
    *("title", "photos", "photos_per_second", "spread", "cpu_seconds_per_photo"),
    *("peak_memory_mb", "ratio_to_limit", "ratio_to_predecessor", "others_cores"),
}

OURS = Plan(
    size=SMALL,
    rounds=1,
    scale=(10, MANY),
    only=frozenset({"folder", "steps", "rerun", "scaled"}),
)
"""What can be measured in seconds, in four processes."""


@pytest.fixture(scope="module")
def measured() -> Found:
    return measure_all(OURS)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Place:
    """Folders as a benchmark lays them out."""
    root = tmp_path_factory.mktemp("place")
    contents = folders.originals(None)[:4]
    return Place(
        root,
        small=folders.fill(root / "small", contents, SMALL),
        large=folders.fill(root / "large", folders.enlarged(contents[:1]), LARGE),
        sizes={"small": SMALL, "large": LARGE},
        predecessor=5,
    )


def test_every_photo_of_a_scenario_is_counted(measured: Found) -> None:
    (one_round,) = measured.rounds

    assert measured.failed == {} and measured.missing == {}
    assert one_round["folder"].photos == SMALL
    assert one_round["read_alone"].photos == one_round["insert_alone"].photos == SMALL
    assert one_round["decode_alone_12mp"].photos == OURS.few
    assert [one.photos for one in measured.scale] == [10, MANY]


def test_the_beginning_ends_when_all_processes_are_at_work_however_large_the_batches(
    place: Place,
) -> None:
    many = 2 * Beginning.PHOTOS

    def counted(photos: int, batch: int) -> Measured:
        @contextmanager
        def scenario(place: Place) -> Iterator[Works]:
            def work() -> Done:
                beginning = Beginning()
                for done in range(batch, photos + 1, batch):
                    beginning.count(done)
                return Done(photos, beginning=beginning)

            yield Works({"work": work})

        return measure(scenario, place)["work"]

    small, large, short = counted(many, 64), counted(many, 8), counted(Beginning.PHOTOS, 64)

    assert small.photos == large.photos == many - Beginning.PHOTOS
    assert small.start_photos == large.start_photos == Beginning.PHOTOS
    assert (short.photos, short.start_photos) == (Beginning.PHOTOS, 0)
    assert Plan().few > Beginning.PHOTOS


def test_a_rerun_skips_every_photo_and_opens_none(measured: Found) -> None:
    rerun = measured.rounds[0]["rerun"]

    assert rerun.photos == MANY
    assert rerun.facts == {"opened": 0}


def test_openings_are_really_counted(place: Place) -> None:
    many = replace(place, many=place.small, sizes={"many": SMALL})

    first = measure(SCENARIOS["rerun"], many)["rerun"]  # no answers yet: it has to open them all

    assert first.facts["opened"] == SMALL
    assert first.photos == 0


def test_the_limit_is_the_sum_of_the_steps(measured: Found) -> None:
    alone = measured.rounds[0]
    steps = ("read_alone", "decode_alone", "network_alone", "insert_alone")

    bound = limit_of(alone)

    assert bound.cpu_seconds == pytest.approx(
        sum(alone[step].cpu_seconds / alone[step].photos for step in steps)
    )
    assert bound.photos_per_second == pytest.approx(pipeline.CORES / bound.cpu_seconds)


def test_what_is_written_has_the_agreed_keys_and_the_table_and_plot_come_from_it(
    measured: Found, tmp_path: Path
) -> None:
    report.write(summed_up(OURS, measured, machine()), tmp_path, tmp_path / "speed.svg")

    results = json.loads((tmp_path / "results.json").read_text(encoding="utf-8"))
    assert results["machine"].keys() == MACHINE_KEYS
    assert results["scenarios"]["folder"].keys() >= SCENARIO_KEYS
    assert results["scenarios"]["folder"]["cpu_ratio_to_limit"] > 0
    assert results["scenarios"]["folder"]["ratio_to_predecessor"] is None  # it was not measured
    assert (tmp_path / "results.md").read_text(encoding="utf-8") == report.document(results)
    assert LINES["folder"].title in (tmp_path / "speed.svg").read_text(encoding="utf-8")


def test_a_figure_that_changes_in_the_json_changes_in_the_table(measured: Found) -> None:
    results = summed_up(OURS, measured, machine())
    results["scenarios"]["folder"]["photos_per_second"] = 123_456.0

    assert "123,456" in report.document(results)
    assert "123,456" in report.for_readme(results)


def test_ratios_are_taken_within_a_round() -> None:
    one = Measured(100, 1.0, 2.0, 0.0, 100.0, 0.0, {})
    slow = replace(one, seconds=10.0)
    rounds = [{"folder": one, "predecessor": slow}, {"folder": slow, "predecessor": slow}]
    rounds.append({"folder": replace(one, seconds=2.0), "predecessor": slow})

    told = summed_up(OURS, Found(rounds=list(rounds)), machine())["scenarios"]["folder"]

    assert told["ratio_to_predecessor"] == 5.0  # the median of 10, 1 and 5
    assert told["spread"] == [10.0, 100.0]
    assert told["photos_per_second"] == 50.0


class Network:
    """Stands in for what Keras opens: it takes photos one by one, as the loop asks."""

    def __init__(self) -> None:
        self.asked: list[tuple[int, ...]] = []

    def predict(self, batch: NDArray[np.float32], verbose: int) -> NDArray[np.float32]:
        self.asked.append(batch.shape)
        return pipeline.constant().predict(batch)


def test_the_predecessors_loop_writes_two_rows_for_each_photo(place: Place, tmp_path: Path) -> None:
    database, network = tmp_path / "old.db", Network()
    predecessor.create(database)
    blobs = predecessor.FolderBlobs("small", place.small)

    written = predecessor.loop(blobs, 5, network, (64, 80), database)

    with closing(sqlite3.connect(database)) as connection:
        names = connection.execute("SELECT image_filename FROM image_prediction").fetchall()
        rows = connection.execute(
            f"SELECT image_id, {', '.join(COLUMNS)} FROM image_probabilities"
        ).fetchall()
    assert written == 5 == len(set(names)) == len(rows)
    assert network.asked == [(1, 80, 64, 3)] * 5
    assert all(sum(row[1:]) == pytest.approx(1, abs=1e-3) for row in rows)


def test_the_predecessor_inverts_and_squashes_every_photo() -> None:
    array = predecessor.prepared(folders.resized(folders.tiny(), (30, 40), 95), (64, 80))

    assert array.shape == (80, 64, 3)
    assert 0 <= array.min() < array.max() <= 1


@pytest.mark.keras
def test_the_predecessors_loop_runs_with_keras_and_the_shipped_model(place: Place) -> None:
    measured = in_child("predecessor", place)

    assert measured["predecessor"].photos == 5
    assert measured["predecessor_12mp"].photos == 1
    assert measured["predecessor"].peak_memory_mb > 300  # TensorFlow was really there


def test_drawn_photos_have_the_size_of_real_ones_and_large_ones_twelve_megapixels() -> None:
    small = folders.originals(None)
    (large,) = folders.enlarged(small[:1])

    assert sorted(opened(small[0]).size) == [400, 533]
    assert sorted(opened(large).size) == [3000, 4000]


def opened(content: bytes) -> Image.Image:
    return Image.open(io.BytesIO(content))


def test_a_folder_without_photos_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="PHOTOS must be a folder with JPEGs"):
        folders.originals(tmp_path)


def test_links_have_originals_in_every_subfolder(tmp_path: Path) -> None:
    folder = folders.fill(tmp_path / "many", [folders.tiny()], 12, each=10)

    assert len(list(pipeline.folder(folder).list_photos())) == 12
    assert (folder / "0000" / "return-0000000.jpg").stat().st_nlink == 10
    assert (folder / "0001" / "return-0000010.jpg").stat().st_nlink == 2


def test_a_place_comes_through_the_pipe_and_hides_its_key(place: Place) -> None:
    there = replace(place, azure="AccountKey=secret", signed="http://x?sig=secret")

    assert Place.from_json(there.to_json()) == there
    assert "secret" not in repr(there)


def test_samples_of_a_profile_belong_to_the_innermost_step() -> None:
    run = "MainThread;run_batch (batch.py:9)"
    pool = "Thread._bootstrap (t.py:1);_worker (thread.py:2);_Walk.__call__ (batch.py:3)"
    stacks = "\n".join(
        (
            f"{pool};decode (preprocess.py:1);ImageFile.load (i.py:2) 30",
            f"{pool};Classifier.predict (c.py:1);Interpreter.invoke (i.py:2) 50",
            f"{pool} 5",
            f"{run};Store.save (s.py:1);execute (e.py:2) 10",
            "Thread._bootstrap (t.py:1);_worker (thread.py:2) 400",  # waits
            "MainThread;<module> (x.py:1);import (y.py:2) 700",
        )
    )

    steps = profile.steps_of(stacks)

    assert steps == {"decode": 30, "network": 50, "save": 10, profile.REST: 5}


def test_the_walk_still_has_the_functions_that_a_profile_knows() -> None:
    sources = "".join(path.read_text("utf-8") for path in (PROJECT / "clothing").glob("*.py"))

    assert [name for name in pipeline.STEPS if f"def {name}(" not in sources] == []


def test_every_scenario_has_its_turn_and_every_command_explains_itself() -> None:
    assert {*IN_TURNS, "scaled"} == set(SCENARIOS)
    for name in main.commands:
        said = CliRunner().invoke(main, [name, "--help"])
        assert said.exit_code == 0 and len(said.output) > 100


def test_numbers_of_the_scale_that_are_none_are_refused() -> None:
    said = CliRunner().invoke(main, ["all", "--scale", "many"])

    assert said.exit_code == 2
    assert "Received: many" in said.output


def test_the_committed_table_is_the_committed_figures() -> None:
    assert report.TABLE.read_text(encoding="utf-8") == report.document(report.read()), (
        "run: python -m benchmarks table"
    )


def test_the_generated_part_of_the_guide_is_current() -> None:
    guide = SPEED_GUIDE.read_text(encoding="utf-8")

    assert speed_guide(guide) == guide, "run: make docs"


def test_everything_that_the_guide_links_to_exists() -> None:
    targets = re.findall(r"\]\(([^)#:]+)\)", SPEED_GUIDE.read_text(encoding="utf-8"))

    assert targets
    assert [target for target in targets if not (SPEED_GUIDE.parent / target).exists()] == []
