"""One scenario in a process of its own: how long it took, what it cost, how large it grew.

Owns the clock. A process of its own gives each scenario a peak of memory that is its own, and a
start that is measured from nothing.

A scenario is a function that sets up what it needs and yields `Works`: the set-up counts as its
start, the warm-up counts nowhere, and each of the works is timed by itself.
"""

import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, suppress
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import psutil

from benchmarks import pipeline
from clothing.config import PROJECT

SAMPLE_SECONDS = 0.2
"""How often the memory of a scenario's own children is looked at."""


class NotMeasuredError(Exception):
    """A scenario cannot be measured here; the text says why, and what to install."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a scenario finds what it works on.

    Attributes:
        scratch: Folder for what it writes; it is removed at the end.
        small: Folder of photos as customers' are.
        large: Folder of 12-megapixel photos.
        many: Folder of tiny photos, for the scale.
        sizes: How many photos lie in each, by the name of the folder.
        predecessor: How many of the small photos the predecessor's loop gets; it is slow.
        azure: Connection string of a storage account with the small photos, or "".
        signed: Address of its container, signed for reading, or "".
    """

    scratch: Path
    small: Path = Path()
    large: Path = Path()
    many: Path = Path()
    sizes: dict[str, int] = field(default_factory=dict)
    predecessor: int = 0
    azure: str = field(default="", repr=False)
    signed: str = field(default="", repr=False)

    def to_json(self) -> str:
        """Return it as text for a child; on a pipe only, for it holds a key."""
        return json.dumps(asdict(self), default=str)

    @classmethod
    def from_json(cls, text: str) -> "Place":
        """Return what `to_json` wrote."""
        told: dict[str, Any] = json.loads(text)
        told |= {name: Path(told[name]) for name in ("scratch", "small", "large", "many")}
        return cls(**told)


@dataclass(frozen=True, slots=True)
class Reading:
    """What the clocks show at one moment, in seconds.

    Attributes:
        clock: Of the wall.
        cpu: Of the processor, for this process and its children.
        busy: Of all processors, for all programs.
    """

    clock: float
    cpu: float
    busy: float

    @classmethod
    def now(cls) -> "Reading":
        """Read them."""
        return cls(time.perf_counter(), cpu_seconds(), _busy_seconds())


class Beginning:
    """The part of a work in which its processes start: it counts as start, and so does its time.

    Whoever measures one program from its first photo and another one once all of its processes are
    there, compares starts.
    """

    PHOTOS = pipeline.ALL_AT_WORK
    """With as many behind it, Ray has all of its processes at work, too."""

    def __init__(self) -> None:
        self.photos = 0
        self.end: Reading | None = None

    def count(self, photos: int) -> None:
        """Take note of how many photos are done in all."""
        if self.end is None and photos >= self.PHOTOS:
            self.photos, self.end = photos, Reading.now()


@dataclass(frozen=True, slots=True)
class Done:
    """What a work did: so many photos, figures of its own by name, and how it began, if slowly."""

    photos: int
    facts: dict[str, float] = field(default_factory=dict)
    beginning: Beginning = field(default_factory=Beginning)


@dataclass(frozen=True, slots=True)
class Works:
    """What is to be timed, by name, after a warm-up that is not."""

    timed: dict[str, Callable[[], Done]]
    warm_up: Callable[[], object] = lambda: None


Scenario = Callable[[Place], AbstractContextManager[Works]]


@dataclass(frozen=True, slots=True)
class Measured:
    """One work, once.

    Attributes:
        photos: How many it did, once it had begun.
        seconds: On the clock.
        cpu_seconds: Of the processor, its children included.
        start_seconds: From the birth of its process to the end of the set-up, and its beginning.
        peak_memory_mb: The most that its process ever had, or it and its children together.
        others: Cores that other programs had meanwhile.
        facts: Figures of its own.
        start_photos: Photos that were done in the beginning.
    """

    photos: int
    seconds: float
    cpu_seconds: float
    start_seconds: float
    peak_memory_mb: float
    others: float
    facts: dict[str, float]
    start_photos: int = 0

    @property
    def photos_per_second(self) -> float:
        """The speed once it has started."""
        return self.photos / self.seconds

    @property
    def with_start(self) -> float:
        """The speed if a night had only these photos and started from nothing."""
        return (self.photos + self.start_photos) / (self.seconds + self.start_seconds)


def in_child(scenario: str, place: Place) -> dict[str, Measured]:
    """Measure a scenario in a new process.

    Args:
        scenario: Its name in `benchmarks.scenarios.SCENARIOS`.
        place: What it works on.

    Raises:
        NotMeasuredError: Something is not installed.
        RuntimeError: The scenario failed; the message has its last words.
    """
    with tempfile.TemporaryDirectory(dir=place.scratch) as folder:
        answer = Path(folder) / "answer.json"
        child = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.child", scenario, str(answer)],
            cwd=PROJECT,
            env={**os.environ, "CUDA_VISIBLE_DEVICES": "-1", "TF_CPP_MIN_LOG_LEVEL": "3"},
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
        )
        with _Memory(child.pid) as memory:
            _, words = child.communicate(place.to_json().encode())
        if not answer.exists():
            last = words.decode(errors="replace").strip()[-2000:]
            raise RuntimeError(f"The scenario {scenario} ended with {child.returncode}: {last}")
        told = json.loads(answer.read_text(encoding="utf-8"))
    if "not_measured" in told:
        raise NotMeasuredError(told["not_measured"])
    return {name: _with_peak(one, memory.peak_mb) for name, one in told.items()}


def _with_peak(told: dict[str, object], sampled_mb: float) -> Measured:
    one = Measured(**told)  # type: ignore[arg-type]
    peak = one.facts.pop("memory_mb", 0) or max(one.peak_memory_mb, sampled_mb)
    return Measured(**{**asdict(one), "peak_memory_mb": peak})


def measure(scenario: Scenario, place: Place) -> dict[str, Measured]:
    """Measure a scenario in this process; the child's side of `in_child`."""
    with scenario(place) as works:
        start = time.time() - psutil.Process().create_time()
        works.warm_up()
        timed = {name: _timed(work, start) for name, work in works.timed.items()}
        peak = peak_memory_mb()
    return {name: replace(one, peak_memory_mb=peak) for name, one in timed.items()}


def _timed(work: Callable[[], Done], start: float) -> Measured:
    """Do a work, and return what it took once it had begun."""
    before = Reading.now()
    done = work()
    end = Reading.now()
    # A work that ended with its beginning was never anything else: all of it counts.
    beginning = done.beginning if done.beginning.photos < done.photos else Beginning()
    begun = beginning.end or before
    seconds, cpu = end.clock - begun.clock, end.cpu - begun.cpu
    others = (end.busy - begun.busy - cpu) / seconds
    return Measured(
        photos=done.photos - beginning.photos,
        seconds=seconds,
        cpu_seconds=cpu,
        start_seconds=start + begun.clock - before.clock,
        peak_memory_mb=0,
        others=min(max(0.0, others), float(os.cpu_count() or 1)),
        facts=done.facts,
        start_photos=beginning.photos,
    )


def cpu_seconds() -> float:
    """Return what this process and all below it have had of the processor."""
    own = psutil.Process()
    below = sum(_cpu_of(child) for child in own.children(recursive=True))
    ended = own.cpu_times()
    reaped: float = ended.children_user + ended.children_system
    return time.process_time() + reaped + below


def _cpu_of(child: psutil.Process) -> float:
    with suppress(psutil.Error):
        times = child.cpu_times()
        total: float = times.user + times.system + times.children_user + times.children_system
        return total
    return 0


def _busy_seconds() -> float:
    times = psutil.cpu_times()
    busy: float = times.user + times.system + getattr(times, "nice", 0)
    return busy


def peak_memory_mb(pid: int | None = None) -> float:
    """Return the most memory that a process ever had.

    Linux tells it of each program; `getrusage` there counts what started it too.
    """
    with suppress(OSError):
        for line in Path(f"/proc/{pid or os.getpid()}/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) / 1024
    with suppress(psutil.Error):
        memory = psutil.Process(pid).memory_info()
        return float(getattr(memory, "peak_wset", memory.rss)) / 2**20
    return 0.0


class _Memory:
    """Looks at a process while it lives, and at what it started: their memory together.

    Memory that several of them share counts once. A process without children is left alone: it
    knows its own peak, and whoever looks takes time from it.
    """

    def __init__(self, pid: int) -> None:
        self.peak_mb = 0.0
        self._pid = pid
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._look)

    def __enter__(self) -> "_Memory":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _look(self) -> None:
        while not self._over.wait(SAMPLE_SECONDS):
            with suppress(psutil.Error):
                own = psutil.Process(self._pid)
                if below := own.children(recursive=True):
                    self.peak_mb = max(self.peak_mb, sum(map(_memory_mb, [own, *below])))


def _memory_mb(one: psutil.Process) -> float:
    with suppress(psutil.Error):
        memory = one.memory_full_info()
        return float(getattr(memory, "pss", memory.rss)) / 2**20
    return 0.0
