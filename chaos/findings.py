"""What a round of chaos leaves: how often it struck, and what it found.

Pure: no input, no output, no clock.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

Flaw = Literal["lost", "doubled", "half", "stuck", "wrong"]
"""A photo without an outcome; one with two; a row without its other half; what never ends, or
a dead run that nobody takes over; anything else that must not be.
"""

FLAWS: tuple[Flaw, ...] = ("lost", "doubled", "half", "stuck", "wrong")


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that must not be, in words."""

    flaw: Flaw
    text: str


@dataclass(slots=True)
class Round:
    """One round: some faults, then a run that ends the night, then the witness.

    Attributes:
        part: Which part of the chaos it belongs to.
        kind: What was done.
        number: Its number in the part; with the seed it tells what was drawn.
        struck: Faults that met the service at work, and not before or after.
        found: What must not be.
        notes: What happened, in a few words; for whoever reads a finding.
    """

    part: str
    kind: str
    number: int
    struck: int = 0
    found: list[Finding] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def blame(self, flaw: Flaw, text: str) -> None:
        """Note something that must not be."""
        self.found.append(Finding(flaw, text))


@dataclass(frozen=True, slots=True)
class Line:
    """The rounds of one kind, counted."""

    part: str
    kind: str
    rounds: int
    struck: int
    flaws: dict[Flaw, int]


def counted(rounds: Sequence[Round]) -> list[Line]:
    """Return a line for each kind, in the order in which they were met.

    >>> counted([Round("kills", "a", 0, 1), Round("kills", "a", 1, 2)])[0].struck
    3
    """
    kinds = dict.fromkeys((one.part, one.kind) for one in rounds)
    return [
        _line(part, kind, [one for one in rounds if (one.part, one.kind) == (part, kind)])
        for part, kind in kinds
    ]


def _line(part: str, kind: str, rounds: Sequence[Round]) -> Line:
    found = [finding.flaw for one in rounds for finding in one.found]
    struck = sum(one.struck for one in rounds)
    return Line(part, kind, len(rounds), struck, {flaw: found.count(flaw) for flaw in FLAWS})
