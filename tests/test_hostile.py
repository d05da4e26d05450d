"""Hostile photos: a real run over all of them, and a small fuzz of the decoder."""

import json
import os
import random
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import closing
from pathlib import Path

import psutil
import pytest

from benchmarks.measuring import peak_memory_mb
from clothing.config import PROJECT
from clothing.sandbox import Decoder
from scripts.fuzz_decoder import fuzz, seeds_in
from scripts.hostile_photos import FAMILIES, NAMES, write_corpus
from tests.serving import environ_with

pytestmark = pytest.mark.slow

MEMORY_MB = 512
"""What the run, and any decoder that it starts, may take."""


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A storage whose images container holds nothing but hostile photos."""
    storage = tmp_path_factory.mktemp("hostile")
    assert write_corpus(storage / "images") >= 300
    (storage / "model").symlink_to(PROJECT / "model")
    return storage


@pytest.fixture(scope="module")
def night(hostile: Path) -> Mapping[str, object]:
    """What one real run over all of them said, and the most memory of a process of it."""
    environ = environ_with(
        STORAGE_URL=f"file:{hostile}",
        DATABASE_URL=f"sqlite:///{hostile}/clothing.db",
        DECODE_THREADS="2",
    )
    run = subprocess.Popen(
        [sys.executable, "-m", "clothing", "run", "--json"],
        cwd=PROJECT,
        env=environ,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    peak = 0.0
    while run.poll() is None:
        peak = max(peak, *(peak_memory_mb(pid) for pid in _with_children(run.pid)), 0)
        time.sleep(0.05)
    said, complained = run.communicate(timeout=60)
    assert said, complained
    told: dict[str, object] = json.loads(said)
    return {**told, "exit": run.returncode, "peak": peak, "complained": complained}


def _with_children(pid: int) -> Iterator[int]:
    yield pid
    try:
        yield from (child.pid for child in psutil.Process(pid).children(recursive=True))
    except psutil.Error:
        return


def listed_in(storage: Path) -> set[str]:
    """Return what an outcome is owed for: files and links that are not hidden, in UTF-8."""
    names = set()
    for folder, below, files in os.walk(storage / "images"):
        links = [name for name in below if Path(folder, name).is_symlink()]
        for name in (*files, *links):
            path = str(Path(folder, name).relative_to(storage / "images"))
            if not name.startswith(".") and path.isprintable() and len(path) < 1024:
                names.add(path)
    return names


def test_there_is_an_outcome_for_each_and_the_counts_add_up(
    hostile: Path, night: Mapping[str, object]
) -> None:
    with closing(sqlite3.connect(hostile / "clothing.db")) as database:
        rows = [
            name
            for table in ("image_prediction", "image_failure")
            for (name,) in database.execute(f"SELECT image_filename FROM {table}")
        ]

    assert night["status"] == "succeeded"
    assert night["exit"] == 3  # more failures than a good night has
    assert night["listed"] == len(rows) == len(set(rows))
    assert listed_in(hostile) <= set(rows)
    assert len(rows) >= 690


def test_no_decoder_grew_too_large(night: Mapping[str, object]) -> None:
    assert isinstance(night["peak"], float)
    assert 50 < night["peak"] < MEMORY_MB


def test_what_cannot_be_read_says_why_in_words(hostile: Path, night: object) -> None:
    with closing(sqlite3.connect(hostile / "clothing.db")) as database:
        reasons = dict(database.execute("SELECT image_filename, reason FROM image_failure"))

    assert reasons["bombs/scans.jpg"] == "decoding took longer than 5 s"
    assert reasons["no photos/document.pdf"] == "a PDF, not a photo"
    assert reasons["names/link out.jpg"].startswith("a symbolic link")
    assert all(reason.strip() and str(hostile) not in reason for reason in reasons.values())
    assert not any("Traceback" in reason for reason in reasons.values())


def test_a_night_gives_each_photo_one_row(hostile: Path, night: Mapping[str, object]) -> None:
    with closing(sqlite3.connect(hostile / "clothing.db")) as database:
        (classified,) = database.execute("SELECT COUNT(*) FROM image_prediction").fetchone()

    assert night["classified"] == classified
    assert isinstance(night["failed"], int)
    assert night["listed"] == classified + night["failed"]


@pytest.mark.parametrize("family", ["damaged", "modes", "lies", "no photos"])
def test_the_same_seed_builds_the_same_files(family: str) -> None:
    first, second = (dict(FAMILIES[family](random.Random("1"))) for _ in range(2))

    assert first.keys() == second.keys()
    assert first
    by_us = [name for name in first if not name.endswith((".avif", ".tif", ".tiff"))]
    assert [name for name in by_us if first[name] != second[name]] == []


def test_names_that_break_spreadsheets_pages_and_paths_are_among_them() -> None:
    for sign in ("=", "<script>", "\n", "..\\", "{{", "%00", "DROP TABLE"):
        assert any(sign in name for name in NAMES)


def test_a_little_fuzz_finds_nothing(tmp_path: Path) -> None:
    seeds = seeds_in(random.Random(1))

    with Decoder() as decoder:
        found = fuzz(decoder, seeds, random.Random(1), tmp_path, cases=400)

    assert found.cases == 400
    assert found.crashed == found.late == found.other == 0, sorted(tmp_path.iterdir())
    assert found.decoded > 20
    assert found.refused > 100
