"""Writes docs/model-card.md from the shipped model's card: `python -m scripts.model_card`.

Owns the words around the figures. They must be true of any model of ours; what differs from one to
the next comes from the card. A test fails when the document is stale.
"""

from collections.abc import Iterator, Mapping

from clothing.card import Card
from clothing.config import PROJECT
from clothing.labels import CATEGORIES
from scripts.files import write

CARD = PROJECT / "model" / "clothing_model.json"
DOCUMENT = PROJECT / "docs" / "model-card.md"

FIGURES = {
    "accuracy": "right",
    "sorted_share": "sorted without a look",
    "sorted_accuracy": "of these right",
    "outside_review_share": "of no category, sent to a person",
    "expected_calibration_error": "confidence off by, on average",
}
"""The figures by the end of their names in the card, and their heads in the table."""

SETS = {
    "photos_test": "photos by people of whom nothing was learned, and by whom nothing was chosen",
    "photos_validation": "photos by other people, which set thresholds and temperature, by networks"
    " that do not know them",
    "photos_test_on_white": "the former's garments, cut out and laid on white as in a catalogue",
    "photos_validation_on_white": "the latter's",
    "fashion_mnist_test": "Fashion-MNIST's test pictures",
}
"""What was measured on, by the beginning of the names."""


def model_card(card: Card) -> str:
    """Return the document."""
    return _TEXT.format(
        name=card.name,
        input=f"{card.height} × {card.width} pixels, {'colour' if card.channels == 3 else 'grey'}",
        preprocessing=card.preprocessing,
        temperature=card.temperature,
        sha256=card.sha256 or "not noted",
        training_data=card.training_data or "not noted",
        categories=", ".join(CATEGORIES),
        figures="\n".join(_figures(card.metrics)),
        thresholds="\n".join(_thresholds(card.thresholds)),
        surest=_surest(card.thresholds),
    )


def _figures(metrics: Mapping[str, float]) -> Iterator[str]:
    yield "| measured on | " + " | ".join(FIGURES.values()) + " |"
    yield "|---" * (len(FIGURES) + 1) + "|"
    for beginning in _sets_of(metrics):
        cells = [metrics.get(f"{beginning}_{end}") for end in FIGURES]
        shown = " | ".join("–" if cell is None else f"{cell:.2f}" for cell in cells)
        yield f"| {SETS.get(beginning, beginning.replace('_', ' '))} | {shown} |"


def _sets_of(metrics: Mapping[str, float]) -> list[str]:
    """Return what was measured on: first the sets that have words, in their order."""
    found = {
        name.removesuffix(f"_{end}")
        for name in metrics
        for end in FIGURES
        if name.endswith(f"_{end}") and not _is_longer_figure(name, end)
    }
    return [name for name in SETS if name in found] + sorted(found - SETS.keys())


def _is_longer_figure(name: str, end: str) -> bool:
    """Tell a name that ends with a longer figure too: `sorted_accuracy` is no `accuracy`."""
    return any(name.endswith(f"_{other}") for other in FIGURES if len(other) > len(end))


def _thresholds(thresholds: Mapping[str, float]) -> Iterator[str]:
    yield "| " + " | ".join(CATEGORIES) + " |"
    yield "|---" * len(CATEGORIES) + "|"
    yield "| " + " | ".join(f"{thresholds[category]:g}" for category in CATEGORIES) + " |"


def _surest(thresholds: Mapping[str, float]) -> str:
    most, least = (choose(thresholds, key=thresholds.__getitem__) for choose in (max, min))
    return (
        f"It has to be surest of {most} ({thresholds[most]:.0%}), least sure of {least} "
        f"({thresholds[least]:.0%})."
    )


_TEXT = """\
# Model card

Written from [model/clothing_model.json](../model/clothing_model.json) by `make docs`. How it was
trained, with its mistakes: [model.ipynb](../model.ipynb).

|  |  |
|---|---|
| name | {name} |
| takes | {input}; preprocessing `{preprocessing}` |
| says | a probability for each of {categories}; they sum to 1 |
| calibration | temperature {temperature} |
| trained on | {training_data} |
| SHA-256 of the `.keras` | `{sha256}` |

## What it is for

Sorting photos of returned clothing overnight, one garment a photo, so that people look only at
those that it is not sure of. A wrong category costs a garment laid on the wrong pile, which the
desk notices in the morning. A person has the last word, and it never changes what the model said.

## What it is not for

- **Not the condition** of a garment, its size, its brand, or whether it is genuine.
- **Not whether a refund is due.** It knows nothing of the order.
- **Not people.** Photos may show them by accident; it was not made to see them, and must not be
  used to.
- **Not other photos**: several garments at once, video. They get an answer too, and nobody measured
  how good it is. Catalogue pictures it knows from a stand-in, garments cut out and laid on white;
  nobody measured it on real ones either.

## Figures

Of photos in a category the share that is right; the share that it sorts without a look, and how
many of these are right; of photos in no category the share that it sends to a person.

{figures}

People's photos differ more than a test set shows: expect between the lines of photos.
Fashion-MNIST's pictures are small, clean and grey; a good figure there says little about a photo on
a bed. Your own figure, on photos that you labelled:

```sh
.venv/bin/python -m clothing evaluate --photos images --labels tests/data/sample_photos.csv
```

## When it asks

Below these confidences a person looks. They were set on photos so that what is sorted without a
look keeps the promise of the table:

{thresholds}

{surest}
It asks as well when a photo is too dark, blurred or empty to tell, and when it is unlike the ten
categories. A share of the sorted (`BLIND_SHARE`) is reviewed without its answer being shown:
`/quality` has what that says of this installation, which counts more than any figure here.

## Limits

- What it was trained on is above, and nothing else. Other places, lights, cameras and fashions will
  be harder.
- Ten categories of 2017. Shorts, skirts, hats, underwear and everything else belong to none; most
  are noticed and sent to a person, not all.
- Confidence is calibrated on average, not for each kind of photo.
- Somebody who wants it to be wrong can make it wrong, with a print or a pattern.

## Replacing it

`model compare` shows both on the same photos, `publish` refuses a worse one, `rollback` goes back:
see the [README](../README.md). What becomes of photos while training: [privacy.md](privacy.md).
"""


if __name__ == "__main__":
    write(DOCUMENT, model_card(Card.from_json(CARD.read_text(encoding="utf-8"))))
