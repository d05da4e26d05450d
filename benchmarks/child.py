"""The child's side of `measuring.in_child`: one scenario in this process."""

import json
import sys
from dataclasses import asdict
from pathlib import Path

from benchmarks.measuring import NotMeasuredError, Place, measure
from benchmarks.scenarios import SCENARIOS


def main(scenario: str, answer: Path) -> None:
    """Measure the scenario at the place on standard input, and write what came of it."""
    place = Place.from_json(sys.stdin.read())
    try:
        told = {name: asdict(one) for name, one in measure(SCENARIOS[scenario], place).items()}
    except NotMeasuredError as error:
        told = {"not_measured": str(error)}  # type: ignore[dict-item]
    answer.write_text(json.dumps(told), encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
