"""The scene: a shop's folders on this computer, and the real programs that work there.

Owns the photos, the settings, and how a run, a web app and the clock are started and stopped. All
processes that it starts are its own, bound to this computer's loopback address.
"""

import json
import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import Any, Self

import psutil
from PIL import Image

from chaos.witness import opened, photos_in
from clothing.config import PROJECT
from tests.pictures import UNREADABLE, encoded
from tests.serving import SERVE, answers, environ_with, free_port

PATIENCE = 180
"""Seconds after which a program that should have ended counts as stuck."""

_FORMS = 40
"""Different pictures; the others are further names of the same files."""

_GLANCE = 0.01
"""Seconds between two looks at how far a run is."""


class StuckError(Exception):
    """A program did not end, or a web app did not answer, in PATIENCE seconds."""


@dataclass(frozen=True)
class Scene:
    """A folder with an `images` container, a model and one database.

    Attributes:
        storage: Where the containers lie.
        folder: Where the database lies, and nothing else.
    """

    storage: Path
    folder: Path

    @property
    def database(self) -> Path:
        """The database's file; it need not be there."""
        return self.folder / "clothing.db"

    @property
    def files(self) -> list[Path]:
        """The files that make up the database just now."""
        return sorted(self.folder.glob("clothing.db*"))

    @cached_property
    def listed(self) -> dict[str, str]:
        """The photos of the container: etags by name."""
        return photos_in(self.storage / "images")

    def environ(self, **more: str) -> dict[str, str]:
        """Return the variables of a program at work here; none of the developer's settings."""
        ours = {
            "STORAGE_URL": self.storage.absolute().as_uri(),
            "DATABASE_URL": f"sqlite:///{self.database.absolute()}",
        }
        return environ_with(**{**ours, **more})

    def run(self, *before: str, **more: str) -> "Program":
        """Start a run; `before` is a command that starts it in its turn."""
        command = [*before, sys.executable, "-m", "clothing", "run", "--json"]
        return Program(command, self.environ(**more))

    def serve(self) -> "Web":
        """Start a web app, and return once it answers."""
        return Web(self)

    def count(self, question: str = "SELECT COUNT(*) FROM image_prediction") -> int:
        """Return a number from the database; 0 as long as it cannot say."""
        with suppress(sqlite3.Error), closing(opened(self.database)) as connection:
            return int(connection.execute(question).fetchone()[0] or 0)
        return 0

    def going_on(self) -> int:
        """Return how many runs are in no final state."""
        return self.count("SELECT COUNT(*) FROM batch_run WHERE status = 'running'")

    def let_a_minute_pass(self, seconds: float = 60) -> bool:
        """Put the last sign of life of runs that go on where it will be in 70 seconds.

        Instead of waiting that long: whoever looks then sees just this row.

        Args:
            seconds: How long a lock on the database is waited for.

        Returns:
            True if there was such a row.
        """
        before = (datetime.now(UTC) - timedelta(seconds=70)).strftime("%Y-%m-%d %H:%M:%S.%f")
        change = "UPDATE batch_run SET heartbeat_at = ? WHERE status = 'running'"
        with (
            suppress(sqlite3.OperationalError),
            closing(opened(self.database, seconds)) as line,
            line,
        ):
            return line.execute(change, (before,)).rowcount > 0
        return False

    def remove(self) -> None:
        """Take the database away."""
        for file in self.files:
            file.unlink(missing_ok=True)


class Program:
    """A process of this package at work, with what it says."""

    def __init__(self, command: Sequence[str], environ: dict[str, str]) -> None:
        self._process = subprocess.Popen(
            list(command),
            cwd=PROJECT,
            env=environ,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            errors="replace",
        )
        self.pid = self._process.pid
        self.told = ""
        self.run: dict[str, Any] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.strike(signal.SIGKILL)
        self.ended()

    @property
    def ended_already(self) -> bool:
        """True once the process has ended."""
        return self._process.poll() is not None

    def strike(self, number: int) -> bool:
        """Send a signal; return False if there was nobody left to take it."""
        if self.ended_already:
            return False
        self._process.send_signal(number)
        return True

    def ended(self, seconds: float = PATIENCE) -> int:
        """Wait for the end; return the exit code.

        Raises:
            StuckError: It does not end; it is killed.
        """
        try:
            out, err = self._process.communicate(timeout=seconds)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.communicate()
            raise StuckError(f"a run did not end within {seconds:.0f} s") from None
        except ValueError:  # its words were read before
            return self._process.wait()
        self.told += err
        with suppress(ValueError):
            self.run = json.loads(out)
        return self._process.returncode

    def descendants(self) -> list[psutil.Process]:
        """Return the processes below this one."""
        return descendants(self.pid)


class Web:
    """A web app at work. It prints to nobody."""

    def __init__(self, scene: Scene) -> None:
        self.port = free_port()
        self._process = subprocess.Popen(
            SERVE,
            cwd=PROJECT,
            env=scene.environ(PORT=str(self.port), LOG_LEVEL="warning"),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        if not answers(f"http://127.0.0.1:{self.port}/health/live", self._process, PATIENCE):
            code = self._process.poll()
            raise StuckError(f"the web app did not answer (exit code: {code})")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.strike(signal.SIGKILL)

    def strike(self, number: int) -> None:
        """Send a signal, and wait until the web app is gone; its runs go on."""
        if self._process.poll() is None:
            self._process.send_signal(number)
        self._process.wait(timeout=PATIENCE)

    def runs(self) -> list[psutil.Process]:
        """Return the processes of runs that this web app started."""
        return [one for one in descendants(self._process.pid) if "--adopt" in command_of(one)]

    def post(self, prefer: str = "respond-async", force: bool = False) -> tuple[int, str, Any]:
        """Ask for a run; return status, Location and what was answered.

        The status is 0 if the connection broke.
        """
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.port}/prediction",
            method="POST",
            data=json.dumps({"force": force}).encode(),
            headers={"Prefer": prefer, "Content-Type": "application/json"},
        )
        try:
            with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
                return answer.status, answer.headers.get("Location", ""), json.load(answer)
        except urllib.error.HTTPError as error:
            with error:
                return error.code, "", error.read().decode(errors="replace")
        except OSError as error:
            return 0, "", str(error)


@contextmanager
def scene_in(
    folder: Path, photos: int, seed: int, model: Path = PROJECT / "model"
) -> Iterator[Scene]:
    """Give a scene with so many photos, of which some are broken.

    Args:
        folder: Where it is built.
        photos: How many.
        seed: What is on them depends on it alone.
        model: A folder with the model that is served.
    """
    storage = folder / "storage"
    fill(storage / "images", photos, random.Random(f"{seed}/photos"))
    shutil.copytree(model, storage / "model")
    (folder / "database").mkdir()
    yield Scene(storage, folder / "database")


def fill(folder: Path, photos: int, rng: random.Random) -> None:
    """Lay down photos: few pictures under many names, every twentieth of them unreadable."""
    (folder / "night").mkdir(parents=True)
    places = [
        folder / ("night" if number % 3 else ".") / f"{number:05}.jpg" for number in range(photos)
    ]
    for number, place in enumerate(places):
        if number < _FORMS:
            place.write_bytes(_picture(number, rng))
        else:
            os.link(places[number % _FORMS], place)


def _picture(number: int, rng: random.Random) -> bytes:
    """Return a small photo; some are of formats that are decoded apart, if any are."""
    color = (rng.randrange(256), rng.randrange(256), rng.randrange(256))
    if number % 20 == 19:
        return UNREADABLE[rng.choice(["empty", "text", "truncated jpeg", "random bytes"])]
    form = {9: "PNG", 13: "WEBP", 16: "TIFF"}.get(number % 20, "JPEG")
    return encoded(Image.new("RGB", (48, 64), color), form)


def wait_for(
    scene: Scene, photos: int, going_on: Program | None = None, seconds: float = PATIENCE
) -> None:
    """Return once so many photos have an answer, the program ended, or nobody goes on."""
    end = time.monotonic() + seconds
    while scene.count() < photos:
        if going_on.ended_already if going_on else not scene.going_on():
            return
        if time.monotonic() > end:
            raise StuckError(f"{photos} photos had no answer within {seconds:.0f} s")
        time.sleep(_GLANCE)


def wait_until_nobody_goes_on(scene: Scene, seconds: float = PATIENCE) -> None:
    """Return once all runs are in a final state."""
    end = time.monotonic() + seconds
    while scene.going_on():
        if time.monotonic() > end:
            raise StuckError(f"a run was not over within {seconds:.0f} s")
        time.sleep(_GLANCE)


def kill(processes: Sequence[psutil.Process]) -> int:
    """End processes with SIGKILL; return how many there still were."""
    killed = 0
    for one in processes:
        with suppress(psutil.NoSuchProcess):
            one.kill()
            killed += 1
    psutil.wait_procs(processes, timeout=PATIENCE)
    return killed


def descendants(pid: int) -> list[psutil.Process]:
    """Return the processes below one, or none if it is gone."""
    with suppress(psutil.NoSuchProcess):
        return list(psutil.Process(pid).children(recursive=True))
    return []


def command_of(one: psutil.Process) -> list[str]:
    """Return what a process was started with, or nothing if it is gone."""
    with suppress(psutil.Error):
        return list(one.cmdline())
    return []
