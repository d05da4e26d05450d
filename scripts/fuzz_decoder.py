"""Fuzzes the decoder: `python -m scripts.fuzz_decoder --minutes 10`.

Takes the hostile photos and sound ones, changes them at random again and again, and decodes each
as a run does: what is plain in this process, everything else in a child. Whatever opens a new way
through the decoders (another reason, another size, another kind of image) is kept and changed
further, so that the search goes deeper where something happens.

A finding is a decoder that crashed, one that took longer than 5 s where nobody ends it, an error
that is no PhotoError, or memory beyond 512 MB. The file is kept, and the exit code is 1.
"""

import hashlib
import random
import re
import sys
import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import click
from rich.console import Console

from benchmarks.measuring import peak_memory_mb
from clothing.config import PROJECT
from clothing.errors import PhotoError
from clothing.sandbox import SECONDS, Decoder, is_plain
from scripts.hostile_photos import FAMILIES, WHOLE, mutated

AT_LEAST = 144
"""Pixels of the shorter side that the shipped network's preprocessing asks for."""

MEMORY_MB = 512
_LARGEST = 200_000  # bytes of a file that is changed further; larger ones make few cases
_KEPT = 4000  # files that opened a new way; the oldest give way
_TELL_SECONDS = 30
_NUMBER = re.compile(r"\d+")


@dataclass(slots=True)
class Found:
    """What the fuzz has seen.

    Attributes:
        cases: Files decoded.
        decoded: Those that were pictures after all.
        refused: Those that were refused in words.
        crashed: Those whose decoder died.
        ended: Those whose decoder was ended because it took longer than a photo may.
        late: Those that took longer where nobody ends them, in this process.
        other: Those that raised anything but a PhotoError.
        plain: Those that were decoded in this process.
        ways: Different ends: reasons without their numbers, and modes of decoded files.
        peak_mb: The most memory of this process.
    """

    cases: int = 0
    decoded: int = 0
    refused: int = 0
    crashed: int = 0
    ended: int = 0
    late: int = 0
    other: int = 0
    plain: int = 0
    ways: set[str] = field(default_factory=set)
    peak_mb: float = 0.0

    @property
    def findings(self) -> int:
        """What must not be."""
        return self.crashed + self.late + self.other + (self.peak_mb > MEMORY_MB)


def seeds_in(chance: random.Random) -> list[bytes]:
    """Return what the fuzz starts from: sound files, and the hostile ones that are small."""
    sound = [build() for build in WHOLE.values()]
    hostile = [content for build in FAMILIES.values() for _, content in build(chance)]
    samples = sorted((PROJECT / "images" / "ClothingImages").glob("*"))[:8]
    real = [sample.read_bytes() for sample in samples]
    return [content for content in (*sound, *real, *hostile) if 0 < len(content) < _LARGEST]


def fuzz(
    decoder: Decoder,
    seeds: list[bytes],
    chance: random.Random,
    keep: Path,
    *,
    cases: int | None = None,
    seconds: float | None = None,
    tell: Console | None = None,
) -> Found:
    """Decode changed files until there were enough; keep those that are findings.

    Args:
        decoder: As a run has it.
        seeds: What is changed.
        chance: Decides everything.
        keep: Folder for findings.
        cases: How many files, or None.
        seconds: How long, or None.
        tell: Where progress goes.
    """
    found, deeper = Found(), list(seeds)
    _forget_peak()
    started = told = time.monotonic()
    while (cases is None or found.cases < cases) and (
        seconds is None or time.monotonic() - started < seconds
    ):
        content = mutated(chance.choice(deeper), chance)
        if _is_new_way(_end_of(decoder, content, found, keep), found) and len(content) < _LARGEST:
            deeper.append(content)
            if len(deeper) > len(seeds) + _KEPT:
                del deeper[len(seeds)]
        if tell and time.monotonic() - told > _TELL_SECONDS:
            told = time.monotonic()
            tell.print(_summary(found, told - started))
    found.peak_mb = peak_memory_mb()
    return found


def _end_of(decoder: Decoder, content: bytes, found: Found, keep: Path) -> str:
    """Decode one file, count how that ended, and say it."""
    found.cases += 1
    found.plain += is_plain(content)
    started = time.monotonic()
    try:
        image = decoder.decode(content, AT_LEAST)
    except PhotoError as error:
        reason = str(error)
        if "crashed" in reason:
            found.crashed += 1
            _keep(content, "crash", keep)
        elif "took longer than" in reason:
            found.ended += 1
        else:
            found.refused += 1
            _watch_time(content, started, found, keep)
        return reason
    except Exception as error:
        found.other += 1
        _keep(content, type(error).__name__, keep)
        return repr(error)
    found.decoded += 1
    _watch_time(content, started, found, keep)
    return f"{image.width.bit_length()} x {image.height.bit_length()} {is_plain(content)}"


def _watch_time(content: bytes, started: float, found: Found, keep: Path) -> None:
    """Count a file that took long where nobody ends it."""
    if is_plain(content) and time.monotonic() - started > SECONDS:
        found.late += 1
        _keep(content, "late", keep)


def _forget_peak() -> None:
    """Let the peak of memory begin anew, where Linux can: to build the seeds took a lot of it."""
    with suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5")


def _is_new_way(end: str, found: Found) -> bool:
    way = _NUMBER.sub("N", end) if not end[:1].isdigit() else end
    if way in found.ways:
        return False
    found.ways.add(way)
    return True


def _keep(content: bytes, kind: str, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{kind}-{hashlib.sha256(content).hexdigest()[:12]}").write_bytes(content)


def _summary(found: Found, seconds: float) -> str:
    return (
        f"{found.cases:,} files in {seconds:,.0f} s: {found.decoded:,} decoded, "
        f"{found.refused:,} refused, {len(found.ways)} different ends, {found.plain:,} in this "
        f"process; {found.ended} ended after 5 s, {found.crashed} crashed, {found.late} late, "
        f"{found.other} other errors, {peak_memory_mb():.0f} MB"
    )


@click.command()
@click.option("--minutes", default=10.0, show_default=True, help="How long.")
@click.option("--seed", default=1, show_default=True, help="Decides what is changed, and how.")
@click.option(
    "--keep",
    default=PROJECT / "var" / "fuzz",
    type=click.Path(path_type=Path),
    help="Folder for files that are findings.",
)
def main(minutes: float, seed: int, keep: Path) -> None:
    """Change photos at random and decode them, for so many minutes."""
    console = Console(highlight=False)
    chance = random.Random(seed)
    seeds = seeds_in(chance)
    console.print(f"{len(seeds)} files to start from.")
    started = time.monotonic()
    with Decoder() as decoder:
        found = fuzz(decoder, seeds, chance, keep, seconds=60 * minutes, tell=console)
    console.print(_summary(found, time.monotonic() - started))
    if found.findings:
        console.print(f"Findings are in {keep}.", style="red")
    sys.exit(1 if found.findings else 0)


if __name__ == "__main__":
    main()
