"""Where a run's CPU goes: py-spy looks at a run a hundred times a second, and says which step.

Owns the profile and its words. Only samples on a processor count, and only between the first photo
and the last: a start is measured elsewhere.
"""

import json
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from benchmarks import folders, pipeline
from benchmarks.measuring import NotMeasuredError
from clothing.config import PROJECT

PROFILE = PROJECT / "benchmarks" / "profile.json"
RATE = 100
REST = "between the steps"


def profiled(photos: Path | None, size: int) -> dict[str, Any]:
    """Run over so many photos under py-spy; return the share of the CPU of each step.

    Raises:
        NotMeasuredError: py-spy is not installed, or may not look at a process here.
    """
    spy = shutil.which("py-spy", path=str(Path(sys.executable).parent)) or shutil.which("py-spy")
    if spy is None:
        raise NotMeasuredError("py-spy is not installed: pip install -r requirements-bench.txt")
    with tempfile.TemporaryDirectory(prefix="benchmark-") as scratch:
        root = Path(scratch)
        folders.fill(root / "photos", folders.originals(photos), size)
        stacks = _recorded(spy, root, size)
    steps = steps_of(stacks)
    whole = sum(steps.values())
    return {
        "photos": size,
        "samples": whole,
        "rate": RATE,
        "share": {step: round(count / whole, 4) for step, count in steps.most_common()},
    }


def _recorded(spy: str, root: Path, size: int) -> str:
    """Return the stacks of a run, one a line, each with how often it was seen."""
    stacks = root / "stacks.txt"
    ended = subprocess.run(
        [spy, "record", "--subprocesses", "--format", "raw", "--rate", str(RATE)]
        + ["--output", str(stacks), "--"]
        + [sys.executable, "-m", "benchmarks.profile", str(root), str(size)],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        check=False,
    )
    if ended.returncode or not stacks.exists():
        raise NotMeasuredError(f"py-spy cannot look at a process here: {ended.stderr[-400:]}")
    return stacks.read_text(encoding="utf-8")


def steps_of(stacks: str) -> Counter[str]:
    """Return how many samples of a run each step has.

    A sample belongs to the innermost function of `pipeline.STEPS` that is on its stack.

    >>> steps_of("run_batch (b.py:2);_Walk.__call__ (b.py:3);decode (p.py:3);load (x.py:4) 7")
    Counter({'decode': 7})
    """
    steps: Counter[str] = Counter()
    for line in stacks.splitlines():
        stack, _, count = line.rpartition(" ")
        functions = [frame.split(" ", 1)[0].rpartition(".")[2] for frame in stack.split(";")]
        if _is_of_a_run(functions):
            known = [name for name in reversed(functions) if name in pipeline.STEPS]
            steps[pipeline.STEPS[known[0]] if known else REST] += int(count)
    return steps


def _is_of_a_run(functions: list[str]) -> bool:
    """Return True for a run's threads, here and in its processes; False for imports and waiting."""
    waits = functions[-1] == "_worker"  # for its next work: py-spy takes that for activity
    return not waits and any(one in functions for one in ("run_batch", "_worker", "_serve"))


def table(profile: Mapping[str, Any]) -> str:
    """Return a profile as Markdown."""
    rows = ["| step | share of the CPU |", "|---|---|"]
    rows += [f"| {step} | {share:.1%} |" for step, share in profile["share"].items()]
    seen = f"{profile['samples']:,} samples of a run over {profile['photos']:,} photos."
    return "\n".join(rows) + f"\n\n{seen}\n"


def read(path: Path = PROFILE) -> dict[str, Any]:
    """Return the last profile."""
    told: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return told


def write(profile: Mapping[str, Any], path: Path = PROFILE) -> None:
    """Write a profile for the documents."""
    path.write_text(json.dumps(profile, indent=2) + "\n", encoding="utf-8")


def _walk(root: Path, size: int) -> None:
    """The run that is looked at; the child's side of `profiled`."""
    classifier = pipeline.load()
    with pipeline.store(root / "run.db") as kept:
        pipeline.walk(kept, pipeline.folder(root / "photos"), lambda: classifier, size)


if __name__ == "__main__":
    _walk(Path(sys.argv[1]), int(sys.argv[2]))
