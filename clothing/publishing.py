"""How one model takes the place of another: compared, published, rolled back.

Owns what lies in the `model` container: the model that is served, under its name, and the one
before it, under that name with `.previous`. Each is three files: `.keras`, the compiled `.tflite`
and the card, `.json`. It reads no setting, and one change at a time is up to the caller.

No container changes three files at once, so the card decides: it names the SHA-256 of the other
two, and none of them is believed that it does not name. The order of every change follows from it:

1. The model that is served now is kept as the previous one, as a whole.
2. The new compiled model. Running services do not look at it; who starts just now takes the old
   one from its cache or compiles the old `.keras`. Only where there is neither a cache nor
   TensorFlow is that a ModelError.
3. The new `.keras`. Who loads now gets a ModelError, for the card still names the old one.
4. The new card. Who loads now gets the new model; who got an error, at the next try.

Between 3 and 4 lies one small file. If the publishing process dies just there, the error stays
until somebody publishes or rolls back: both begin with the model that the card names, wherever
it lies, so nothing is lost. If a file cannot be written, what was served before is put back.
"""

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from clothing.card import Card
from clothing.errors import ModelError, StorageError
from clothing.evaluation import Judged, evaluate
from clothing.labels import OUTSIDE
from clothing.model import (
    cached,
    card_name,
    compiled_name,
    load_classifier,
    model_version,
    sha256_of,
)
from clothing.photos import Outcome, Prediction
from clothing.storage import Container, FolderContainer

FIGURES = (
    "accuracy",
    "sorted_share",
    "sorted_accuracy",
    "outside_review_share",
    "expected_calibration_error",
)
"""Figures of `evaluate` that two models are compared by, besides the accuracy of each category."""

SIGNIFICANT = 0.05
"""A difference that chance makes as seldom as this is believed."""

BETTER, WORSE, NO_DIFFERENCE = "better", "worse", "no difference that these photos can show"


@dataclass(frozen=True, slots=True)
class Release:
    """A model as it lies in a container.

    Attributes:
        keras: The `.keras` file.
        compiled: The compiled model, if there is one that the card vouches for.
        card: The card; one that came without is the TensorFlow tutorial's.
    """

    keras: bytes = field(repr=False)
    compiled: bytes | None = field(repr=False)
    card: Card

    @property
    def sha256(self) -> str:
        """What the `.keras` file hashes to."""
        return sha256_of(self.keras)

    @property
    def version(self) -> str:
        """What identifies the model in the tables."""
        return model_version(self.card, self.sha256)


@dataclass(frozen=True, slots=True)
class Contest:
    """The photos on which only one of two models is right, and how likely that is by chance.

    Attributes:
        only_current_right: Photos on which the new model is wrong.
        only_new_right: Photos on which the current model is wrong.
        p_value: Of the exact McNemar test.
    """

    only_current_right: int
    only_new_right: int
    p_value: float

    @property
    def verdict(self) -> str:
        """What the contest says of the new model: better, worse, or no difference."""
        if self.p_value >= SIGNIFICANT:
            return NO_DIFFERENCE
        return BETTER if self.only_new_right > self.only_current_right else WORSE


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two models on the same labelled photos.

    Attributes:
        photos: How many.
        current: What `evaluate` says of the model that is served.
        new: What it says of the other.
        difference: New less current, for each of `FIGURES` and "accuracy of CATEGORY"; None
            where there is nothing to compare.
        disagree: Photos on which the two answer differently.
        inside: The contest on photos of a category: right is the category.
        outside: The contest on photos of none: right is to ask a person.
        verdict: `WORSE` if either contest says so, else `BETTER` if either does.
    """

    photos: int
    current: Mapping[str, Any]
    new: Mapping[str, Any]
    difference: Mapping[str, float | None]
    disagree: int
    inside: Contest
    outside: Contest
    verdict: str


def compare(
    current: Sequence[Outcome], new: Sequence[Outcome], labels: Mapping[str, str]
) -> Comparison:
    """Say whether one model is better than another, as far as these photos can show it.

    Args:
        current: Outcomes of the model that is served.
        new: Outcomes of the other, for the same photos in the same order.
        labels: What a person wrote, by name of the photo.
    """
    pairs = [
        (Judged(labels[one.photo.name], one), Judged(labels[other.photo.name], other))
        for one, other in zip(current, new, strict=True)
    ]
    inside = contest((a.right, b.right) for a, b in pairs if a.label != OUTSIDE)
    outside = contest((not a.sorted, not b.sorted) for a, b in pairs if a.label == OUTSIDE)
    verdicts = {inside.verdict, outside.verdict}
    before, after = evaluate(current, labels), evaluate(new, labels)
    return Comparison(
        photos=len(pairs),
        current=before,
        new=after,
        difference=_difference(figures_of(before), figures_of(after)),
        disagree=sum(_answer(a.outcome) != _answer(b.outcome) for a, b in pairs),
        inside=inside,
        outside=outside,
        verdict=next((word for word in (WORSE, BETTER) if word in verdicts), NO_DIFFERENCE),
    )


def contest(pairs: Iterable[tuple[bool, bool]]) -> Contest:
    """Count who alone is right, from pairs of (the current model is right, the new one is).

    The test is McNemar's (1947, "Note on the sampling error of the difference between correlated
    proportions"), two-sided and exact: if neither were better, each photo on which only one is
    right would be the toss of a coin.

    >>> contest([(True, False)] + 5 * [(False, True)] + 99 * [(True, True)])
    Contest(only_current_right=1, only_new_right=5, p_value=0.21875)
    """
    alone = [after for before, after in pairs if before != after]
    only_new = sum(alone)
    only_current = len(alone) - only_new
    tosses = as_uneven = 1  # how many rows of tosses have so many heads, and so many or fewer
    for heads in range(min(only_current, only_new)):
        tosses = tosses * (len(alone) - heads) // (heads + 1)
        as_uneven += tosses
    return Contest(only_current, only_new, min(1.0, 2 * as_uneven / 2 ** len(alone)))


def figures_of(figures: Mapping[str, Any]) -> dict[str, float | None]:
    """Return the figures that are compared, by name, out of all that `evaluate` returns."""
    accuracies = {
        f"accuracy of {label}": row["accuracy"] for label, row in figures["per_category"].items()
    }
    return {name: figures[name] for name in FIGURES} | accuracies


def publish(
    container: Container,
    blob: str,
    source: Path,
    cache: Path,
    *,
    sha256: str | None = None,
    compared: tuple[str, str] | None = None,
) -> Release:
    """Put a model into the place of the one that is served, which is kept as the previous one.

    A model that is served already is left as it is. While a container has no model, a new one
    appears with its `.keras`, written last.

    Args:
        container: The `model` container.
        blob: Name of the `.keras` that is served.
        source: The new `.keras`; its card lies beside it with `.json`, if it has one.
        cache: Folder for compiled models, as in `load_classifier`.
        sha256: What the `.keras` must hash to, if pinned.
        compared: Version of the served model and SHA-256 of the new `.keras` on which somebody
            decided this; None lets any replace any.

    Returns:
        The model that is served now, its card with the hashes of both files.

    Raises:
        ModelError: The new model cannot be served, what is served now cannot be kept, or one of
            the two is another than was compared.
        StorageError: The container cannot be written; the model that was served is put back.
    """
    new = prepare(source, cache)
    _check_pin(new, sha256)
    before = current(container, blob)
    if compared:
        _check_compared(before, new, *compared)
    if before is not None and _same(before, new):
        _put(container, blob, before)  # mends what broke off, else writes nothing
        return before
    _remove(container, _spare(blob))  # of a rollback that broke off: no longer wanted
    _change(container, blob, before, new)
    return new


def prepare(source: Path, cache: Path) -> Release:
    """Return a model as it is published: checked, compiled, the card with both hashes.

    Raises:
        ModelError: It cannot be served; the message says why.
    """
    folder = folder_of(source)
    card = load_classifier(folder, source.name, cache).card
    keras = folder.read(source.name)
    path = cached(cache, sha256_of(keras))
    if path is None:
        raise ModelError("The model changed while it was read. Publish it again.")
    compiled = path.read_bytes()
    card = replace(card, sha256=sha256_of(keras), compiled_sha256=sha256_of(compiled))
    return Release(keras, compiled, card)


def folder_of(source: Path) -> FolderContainer:
    """Return the folder of a new model as a container, so that it is loaded as any other is."""
    return FolderContainer(str(source.parent.resolve()), source.parent)


def rollback(container: Container, blob: str, *, sha256: str | None = None) -> Release:
    """Let the served model and the previous one change places; a second time undoes the first.

    The previous one waits under a third name until it is served, so whenever this ends, both are
    still there. After a change that broke off, this one finishes: a publication is taken back, a
    rollback is carried through.

    Returns:
        The model that is served now.

    Raises:
        ModelError: There is no model to go back to.
        StorageError: The container cannot be written; the model that was served is put back.
    """
    now = current(container, blob)
    before = _kept(container, _spare(blob)) or previous(container, blob)
    if now is None or before is None:
        raise ModelError(
            f"There is no model to go back to: the container {container.name} has no whole "
            f"{previous_name(blob)}. Each model that is published keeps the one before it there."
        )
    _check_pin(before, sha256)
    if before.version == now.version:  # the change broke off when this was all that was left
        _put(container, blob, now)
    else:
        _put(container, _spare(blob), before)
        _change(container, blob, now, before)
    _remove(container, _spare(blob))
    return before


def current(container: Container, blob: str) -> Release | None:
    """Return the model that the card under `blob` names, or None if the container has no model.

    Where a publication broke off, that is the one before, kept as the previous one.

    Raises:
        ModelError: The card cannot be read, or names a model that is not here.
    """
    if container.etag(blob) is None:
        return None
    card = _card_of(container, blob) or Card(name=Path(blob).stem)
    found = _named_by(card, container, (blob, previous_name(blob)))
    if found is None:
        raise ModelError(
            f"The card {card_name(blob)} belongs to another model than {blob}: it names the "
            f"SHA-256 {card.sha256}. Put the card of this model beside it, or remove the card."
        )
    return found


def previous(container: Container, blob: str) -> Release | None:
    """Return the model to go back to, or None if there is none that is whole."""
    return _kept(container, previous_name(blob))


def broke_off(container: Container, blob: str) -> bool:
    """Return True if a change ended half-way, so that card and `.keras` do not belong together."""
    found = current(container, blob)
    return found is not None and found.sha256 != sha256_of(container.read(blob))


def previous_name(blob: str) -> str:
    """Return the name under which the model before is kept.

    >>> previous_name("clothing_model.keras")
    'clothing_model.previous.keras'
    """
    return f"{blob.removesuffix('.keras')}.previous.keras"


def _spare(blob: str) -> str:
    """Return the name under which a model waits while a rollback is under way."""
    return f"{blob.removesuffix('.keras')}.spare.keras"


def _change(container: Container, blob: str, before: Release | None, new: Release) -> None:
    """Keep one model as the previous one and serve another; the order is the module's."""
    try:
        if before is not None:
            _put(container, previous_name(blob), before)
            # Mends what broke off; gives a model without a card one, so that none is mistaken.
            _put(container, blob, before)
        _put(container, blob, new)
    except BaseException:
        if before is not None:
            with suppress(StorageError):  # the reason for it all is told already
                _put(container, blob, before)
        raise


def _put(container: Container, blob: str, release: Release) -> None:
    """Write what differs of a model's three files, the one that makes them count as the last."""
    card = replace(release.card, sha256=release.sha256)
    texts = [(blob, release.keras), (card_name(blob), card.to_json().encode())]
    if container.etag(blob) is None:
        texts.reverse()
    if release.compiled is None:
        container.delete(compiled_name(blob))
    else:
        texts.insert(0, (compiled_name(blob), release.compiled))
    for name, content in texts:
        if container.etag(name) is None or container.read(name) != content:
            container.write(name, content)


def _remove(container: Container, blob: str) -> None:
    """Delete a model's files, first the one without which the others do not count."""
    for name in (card_name(blob), blob, compiled_name(blob)):
        container.delete(name)


def _kept(container: Container, blob: str) -> Release | None:
    """Return a model whose card names its `.keras`, or None: its writing may have broken off."""
    with suppress(ModelError):
        card = _card_of(container, blob)
        if card is not None and card.sha256 is not None:
            return _named_by(card, container, (blob,))
    return None


def _named_by(card: Card, container: Container, places: Sequence[str]) -> Release | None:
    """Return the model that a card names, its files sought in some places, or None."""
    if card.sha256 is None:
        keras: bytes | None = container.read(places[0])
    else:
        keras = _sought(container, places, card.sha256)
    if keras is None:
        return None
    compiled_names = [compiled_name(place) for place in places]
    return Release(keras, _sought(container, compiled_names, card.compiled_sha256), card)


def _sought(container: Container, names: Iterable[str], sha256: str | None) -> bytes | None:
    """Return what lies under the first of some names and hashes so, or None."""
    for name in names:
        if sha256 is not None and container.etag(name) is not None:
            content = container.read(name)
            if sha256_of(content) == sha256:
                return content
    return None


def _card_of(container: Container, blob: str) -> Card | None:
    name = card_name(blob)
    return None if container.etag(name) is None else Card.from_json(container.read(name))


def _check_compared(before: Release | None, new: Release, version: str, sha256: str) -> None:
    now = before.version if before else "none"
    if now != version:
        raise ModelError(
            f"The served model is {now}, not {version} any more: somebody else published or rolled "
            "back meanwhile. Compare with the one that is served now."
        )
    if new.sha256 != sha256:
        raise ModelError(
            f"The new model was written anew meanwhile: its SHA-256 was {sha256} and is "
            f"{new.sha256} now. Compare that one."
        )


def _check_pin(release: Release, sha256: str | None) -> None:
    """Refuse what the services would refuse."""
    if sha256 and release.sha256 != sha256:
        raise ModelError(
            f"MODEL_SHA256 pins {sha256}, so no service would load this model. Set it to "
            f"{release.sha256}, or leave it empty, here and where the services run."
        )


def _same(one: Release, other: Release) -> bool:
    """Return True if weights and facts are the same and both are compiled, however it was done."""
    facts = [replace(release.card, sha256=None, compiled_sha256=None) for release in (one, other)]
    compiled = one.compiled is not None and other.compiled is not None
    return compiled and one.keras == other.keras and facts[0] == facts[1]


def _difference(
    before: Mapping[str, float | None], after: Mapping[str, float | None]
) -> dict[str, float | None]:
    pairs = {name: (before[name], after[name]) for name in before}
    return {
        name: None if one is None or other is None else other - one
        for name, (one, other) in pairs.items()
    }


def _answer(outcome: Outcome) -> str | None:
    return outcome.predicted_category if isinstance(outcome, Prediction) else None
