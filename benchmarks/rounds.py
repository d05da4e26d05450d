"""All scenarios, in turns, several times: so that what the machine does besides falls on all.

Owns the temporary folder with its photos, Azurite, and the order. It computes nothing.
"""

import os
import platform
import shutil
import tempfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psutil

from benchmarks import folders, pipeline
from benchmarks.limits import limit_of
from benchmarks.measuring import Measured, NotMeasuredError, Place, in_child
from benchmarks.scenarios import IN_TURNS, WITH_AZURITE
from tests.azurite import MAIN, Azurite

Tell = Callable[[str], None]
"""Told what comes next."""


@dataclass(frozen=True, slots=True)
class Plan:
    """How much is measured.

    Attributes:
        size: Photos as customers' are; of 12 megapixels there are two fifths.
        rounds: How often each scenario comes.
        photos: A folder of the user's, or None for drawn ones.
        scale: Photos of the curve of time and memory, ascending.
        predecessor: Photos for the predecessor's loop.
        only: Scenarios to measure; empty for all.
    """

    size: int = 2000
    rounds: int = 3
    photos: Path | None = None
    scale: tuple[int, ...] = (1_000, 10_000, 100_000)
    predecessor: int = 30
    only: frozenset[str] = frozenset()

    @property
    def few(self) -> int:
        """The number of 12-megapixel photos."""
        return max(2, self.size * 2 // 5)

    def has(self, scenario: str) -> bool:
        """Return True if it is to be measured."""
        return not self.only or scenario in self.only

    @property
    def steps(self) -> int:
        """How many scenarios will be measured in all."""
        turns = sum(map(self.has, IN_TURNS)) * self.rounds
        return turns + len(self.scale) * self.has("scaled")


@dataclass(slots=True)
class Found:
    """What was measured.

    Attributes:
        rounds: For each round, by name.
        scale: For each number of photos the walk, then the rerun over the same.
        missing: Why a scenario is not there, because something is not installed.
        failed: The last words of those that failed.
    """

    rounds: list[dict[str, Measured]] = field(default_factory=list)
    scale: list[Measured] = field(default_factory=list)
    missing: dict[str, str] = field(default_factory=dict)
    failed: dict[str, str] = field(default_factory=dict)


def measure_all(plan: Plan, tell: Tell = lambda what: None) -> Found:
    """Measure everything of a plan in a temporary folder, and remove that."""
    found = Found()
    with tempfile.TemporaryDirectory(prefix="benchmark-") as scratch, ExitStack() as open_ones:
        tell("the photos")
        place = _laid_out(plan, Path(scratch))
        if any(map(plan.has, WITH_AZURITE)):
            place = _with_azurite(place, open_ones, found, tell)
        if plan.has("scaled") or plan.has("rerun"):
            place = _measure_scale(plan, place, found, tell)
        for number in range(plan.rounds):
            found.rounds.append(_round(plan, place, found, number, tell))
    return found


def _laid_out(plan: Plan, scratch: Path) -> Place:
    contents = folders.originals(plan.photos)
    return Place(
        scratch,
        small=folders.fill(scratch / "small", contents, plan.size),
        large=folders.fill(scratch / "large", folders.enlarged(contents[: plan.few]), plan.few),
        sizes={"small": plan.size, "large": plan.few},
        predecessor=min(plan.predecessor, plan.size),
    )


def _with_azurite(place: Place, open_ones: ExitStack, found: Found, tell: Tell) -> Place:
    """Return the place with an Azurite that holds the small photos, or note why there is none."""
    if shutil.which("node") is None or not MAIN.exists():
        reason = "Azurite is not installed: `make azurite` does that (it needs Node and npm)"
        found.missing |= dict.fromkeys(sorted(WITH_AZURITE), reason)
        return place
    tell("photos into Azurite")
    azurite = open_ones.enter_context(Azurite(place.scratch / "azurite"))
    signed = _uploaded(azurite, place.small)
    return replace(place, azure=azurite.connection_string, signed=signed)


def _uploaded(azurite: Azurite, folder: Path) -> str:
    """Put the photos of a folder into a new container `images`; return its signed address."""
    from azure.storage.blob import BlobServiceClient, generate_container_sas

    from clothing.azure_storage import API_VERSION

    service = BlobServiceClient.from_connection_string(
        azurite.connection_string, api_version=API_VERSION
    )
    service.create_container("images")
    container = pipeline.azure(azurite.connection_string)

    def put(path: Path) -> None:
        container.write(path.relative_to(folder).as_posix(), path.read_bytes())

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(put, sorted(folder.rglob("*.jpg"))))
    signature = generate_container_sas(
        str(service.account_name),
        "images",
        account_key=azurite.key,
        permission="r",
        expiry=datetime.now(UTC) + timedelta(hours=3),
    )
    return f"http://127.0.0.1:{azurite.port}/{service.account_name}/images?{signature}"


def _measure_scale(plan: Plan, place: Place, found: Found, tell: Tell) -> Place:
    """Measure the curve; return the place with the largest folder and its database, for reruns.

    A folder is removed as soon as the next one has been measured; a million links take a while.
    """
    for number in plan.scale or (1000,):
        tell(f"{number:,} photos")
        below = place.scratch / f"many-{number}"
        folders.fill(below, [folders.tiny()], number)
        if place.many != Path():
            shutil.rmtree(place.many)
        place = replace(place, many=below, sizes={**place.sizes, "many": number})
        found.scale.append(in_child("scaled", place)["scaled"])
    return place


def _round(plan: Plan, place: Place, found: Found, number: int, tell: Tell) -> dict[str, Measured]:
    """Measure each scenario once; every round begins with another one."""
    turns = [name for name in IN_TURNS if plan.has(name) and name not in found.missing]
    begin = number * len(turns) // plan.rounds
    measured: dict[str, Measured] = {}
    for name in (*turns[begin:], *turns[:begin]):
        tell(f"round {number + 1} of {plan.rounds}: {name}")
        try:
            measured |= in_child(name, place)
        except NotMeasuredError as error:
            found.missing[name] = str(error)
        except RuntimeError as error:  # a peer's trouble is no reason to lose the other figures
            found.failed[name] = str(error)
    if "decode_alone" in measured:
        measured["limit"] = limit_of(measured)
        measured["limit_12mp"] = limit_of(measured, "decode_alone_12mp")
    return measured


def machine() -> dict[str, Any]:
    """Return what the figures come from."""
    return {
        "cpu": _cpu_name(),
        "cores": pipeline.CORES,
        "memory_gb": round(psutil.virtual_memory().total / 2**30, 1),
        "os": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "load_before": round(os.getloadavg()[0], 2) if hasattr(os, "getloadavg") else None,
    }


def _cpu_name() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()
