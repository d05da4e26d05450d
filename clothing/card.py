"""The card: the facts about a model that travel beside its weights.

Owns `clothing_model.json`: reading, checking, writing. It never opens a model.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any

from clothing.errors import ModelError
from clothing.labels import CATEGORIES

GARMENT_ON_BLACK = "garment-on-black-1"
"""Preprocessing of one-channel models: a light garment on black, as Fashion-MNIST has it."""

WHOLE_IN_COLOUR = "whole-in-colour-2"
"""Preprocessing of three-channel models: the whole picture, whatever the garment lies on."""

OUTPUTS = ("logits", "probabilities")
"""What a model may give."""


@dataclass(frozen=True, slots=True)
class Card:
    """What serving has to know about a model; the defaults are the TensorFlow tutorial's.

    Attributes:
        name: What people call the model.
        labels: Categories in the order of the model's outputs.
        height: Input height in pixels.
        width: Input width in pixels.
        channels: 1 for grey, 3 for RGB.
        preprocessing: Name and version of the steps from image to array.
        output: "logits" or "probabilities"; None to have it recognised from the model.
        temperature: Divisor of the logits that calibrates the probabilities (Guo et al. 2017,
            "On Calibration of Modern Neural Networks"); 1 leaves them as they are.
        thresholds: For each category the confidence, 0 to 1, below which a person looks.
        sha256: Of the `.keras` file, in hexadecimal; None if unknown.
        compiled_sha256: Of the compiled model beside it; None if there is none.
        training_data: What the model has seen, in words.
        metrics: Figures by name, as measured when the card was written.
    """

    name: str = "clothing_model"
    labels: tuple[str, ...] = CATEGORIES
    height: int = 28
    width: int = 28
    channels: int = 1
    preprocessing: str = GARMENT_ON_BLACK
    output: str | None = None
    temperature: float = 1.0
    thresholds: Mapping[str, float] = field(default_factory=lambda: dict.fromkeys(CATEGORIES, 0.7))
    sha256: str | None = None
    compiled_sha256: str | None = None
    training_data: str = ""
    metrics: Mapping[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Refuse facts that cannot be true, with a ModelError that names the field."""
        if not isinstance(self.name, str):
            raise _wrong("name", self.name, "a text")
        if not isinstance(self.metrics, Mapping):
            raise _wrong("metrics", self.metrics, "figures by name")
        if self.labels != CATEGORIES:
            raise _wrong("labels", self.labels, f"the ten categories in order: {CATEGORIES}")
        whole = isinstance(self.height, int) and isinstance(self.width, int)
        if not whole or min(self.height, self.width) < 1 or self.channels not in (1, 3):
            shape = (self.height, self.width, self.channels)
            raise _wrong("height, width, channels", shape, "pixels, pixels, and 1 or 3")
        if self.output not in (*OUTPUTS, None):
            raise _wrong("output", self.output, f"one of {OUTPUTS}, or null")
        if not 0 < self.temperature < float("inf"):
            raise _wrong("temperature", self.temperature, "a number above 0")
        unset = [label for label in self.labels if label not in self.thresholds]
        if unset or not all(0 <= value <= 1 for value in self.thresholds.values()):
            accepted = "a confidence from 0 to 1 for every category"
            raise _wrong("thresholds", self.thresholds, accepted)

    @classmethod
    def from_json(cls, text: str | bytes) -> "Card":
        """Read a card; unknown fields are refused, missing ones take the tutorial's value.

        Raises:
            ModelError: The text is no card; the message names the field.
        """
        try:
            facts = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise ModelError(f"The model's card is not JSON: {error}.") from error
        known = {item.name for item in fields(cls)}
        if not isinstance(facts, dict) or not set(facts) <= known:
            odd = sorted(set(facts) - known) if isinstance(facts, dict) else type(facts).__name__
            raise ModelError(f"The model's card has fields {sorted(known)}. Received: {odd}.")
        try:
            if "labels" in facts:
                facts["labels"] = tuple(facts["labels"])
            for name in {"sha256", "compiled_sha256"} & set(facts):  # some tools write ABCDEF
                facts[name] = facts[name] and facts[name].lower()
            return cls(**facts)
        except (AttributeError, TypeError) as error:  # a value of another type than is compared
            raise ModelError(f"The model's card cannot be used: {error}.") from error

    def to_json(self) -> str:
        """Return the card as people read it: indented JSON, fields in the order of the class."""
        facts: dict[str, Any] = asdict(self)
        return json.dumps(facts, indent=2, ensure_ascii=False) + "\n"


def _wrong(name: str, received: object, accepted: str) -> ModelError:
    return ModelError(f"The model's card: {name} must be {accepted}. Received: {received!r}.")
