"""The pictures that training learns from: Fashion-MNIST, and photos that people labelled.

Owns where they come from, what a label allows, and who is held out. All of them are decoded once,
by the service's own `decode` and `preprocess`.
"""

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from clothing.card import Card
from clothing.errors import ConfigError, PhotoError
from clothing.labelled import read_labels
from clothing.labels import CATEGORIES, OUTSIDE, agrees
from clothing.preprocess import decode, preprocess, working_side
from clothing.training.outlines import cut_out, outlines_of

MARGIN = 1.25
"""Photos are kept so much larger than the network takes them, for the augmentation to zoom in."""

LARGEST_SENDER = 0.08
"""Who took a larger share of the photos is not held out: it would be one person's taste."""

TEST_FROM, VALIDATION_FROM = 0.74, 0.845
"""Everybody has a place from 0 to 1. Who lies above the second is held out for validation, who lies
between the two for the test. Of the shipped model's photos, about an eighth lies on each side."""


class Pictures(NamedTuple):
    """Pictures, and what may rightly be said of each.

    Attributes:
        arrays: uint8 array of shape (n, h, w, channels).
        allowed: bool array of shape (n, 11): the ten categories, and "none of them".
        senders: Who took each; array of n strings.
        names: What each is called; array of n strings.
    """

    arrays: NDArray[np.uint8]
    allowed: NDArray[np.bool_]
    senders: NDArray[np.str_]
    names: NDArray[np.str_]

    def some(self, chosen: NDArray[Any] | slice) -> "Pictures":
        """Return some of the pictures, by mask, places or slice."""
        return Pictures(
            self.arrays[chosen], self.allowed[chosen], self.senders[chosen], self.names[chosen]
        )

    @property
    def inside(self) -> "Pictures":
        """Those that are in one of the ten categories."""
        return self.some(~self.allowed[:, -1])


class Split(NamedTuple):
    """Pictures to learn from, to choose by, and to look at once, at the end."""

    training: Pictures
    validation: Pictures
    test: Pictures


def allowed_by(category: str) -> NDArray[np.bool_]:
    """Return which of the eleven answers are right for what a person wrote; shape (11,).

    >>> allowed_by("Footwear").astype(int).tolist()
    [0, 0, 0, 0, 0, 1, 0, 1, 0, 1, 0]
    """
    return np.array([*(agrees(c, category) for c in CATEGORIES), category == OUTSIDE])


def load_fashion_mnist(card: Card, validation: int) -> Split:
    """Return Fashion-MNIST as the network takes it; Keras downloads it once (30 MB).

    Its test pictures are the test; of the 60,000 others, the first ones are for validation.

    Raises:
        ConfigError: They are not here, and cannot be downloaded.
    """
    from keras.datasets import fashion_mnist

    try:
        (images, labels), (test_images, test_labels) = fashion_mnist.load_data()
    except Exception as error:  # Keras raises nothing more particular
        raise ConfigError(
            f"Fashion-MNIST's pictures cannot be had: {error}. Connect to the internet once, or "
            "train without them: --no-fashion-mnist."
        ) from error
    pictures = _garments("train", images, labels, card)
    return Split(
        training=pictures.some(slice(validation, None)),
        validation=pictures.some(slice(validation)),
        test=_garments("test", test_images, test_labels, card),
    )


def _garments(name: str, images: NDArray[np.uint8], labels: NDArray[Any], card: Card) -> Pictures:
    """Take Zalando's grey pictures through the steps; one channel is kept, the others equal it."""
    arrays = np.empty((len(images), card.height, card.width, 1), np.uint8)
    for place, image in enumerate(images):
        arrays[place] = _bytes(preprocess(Image.fromarray(image).convert("RGB"), card))[..., :1]
    names = np.array([f"{name} {place}" for place in range(len(images))])
    return Pictures(arrays, np.eye(len(CATEGORIES) + 1, dtype=bool)[labels], names, names)


def load_photos(folder: Path, labels: Path, card: Card) -> Pictures:
    """Return labelled photos, `MARGIN` larger than the network takes them.

    Raises:
        ConfigError: The CSV cannot be used, or files of it cannot be read; it names them.
    """
    labelled = read_labels(labels)
    return Pictures(
        _read(folder, [item.file for item in labelled], _with_margin(card)),
        np.array([allowed_by(item.category) for item in labelled]),
        np.array([item.sender for item in labelled]),
        np.array([item.file for item in labelled]),
    )


def _read(folder: Path, names: Sequence[str], card: Card) -> NDArray[np.uint8]:
    """Return the arrays of photos, (n, h, w, channels); or an error that names all without one."""
    with ThreadPoolExecutor() as pool:
        read = list(pool.map(lambda name: _photo(folder / name, card), names))
    unreadable = [
        f"{name}: {array}"
        for name, array in zip(names, read, strict=True)
        if isinstance(array, str)
    ]
    if unreadable:
        raise ConfigError(
            f"{len(unreadable)} of {len(names)} photos in {folder} cannot be used. Remove them "
            "from the CSV, or put readable files there:\n  " + "\n  ".join(unreadable)
        )
    return np.array(read, np.uint8).reshape(-1, card.height, card.width, card.channels)


def _with_margin(card: Card) -> Card:
    return replace(card, height=round(card.height * MARGIN), width=round(card.width * MARGIN))


def _photo(path: Path, card: Card) -> NDArray[np.uint8] | str:
    """Return the array of a photo, or the reason why there is none."""
    try:
        return _bytes(preprocess(decode(path.read_bytes(), working_side(card)), card))
    except PhotoError as error:
        return str(error)
    except OSError as error:
        return str(error.strerror)
    except ValueError as error:  # no file can have such a name
        return str(error)


def _bytes(array: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Return an array as the bytes that it was made of, 0 to 255; nothing is lost."""
    whole: NDArray[np.uint8] = (array * 255).round().astype(np.uint8)
    return whole


def as_served(pictures: Pictures, folder: Path | None, card: Card) -> NDArray[np.float32]:
    """Return pictures just as the service would hand them to the network, (n, h, w, 3), 0 to 1.

    Args:
        pictures: Photos, or garments of Fashion-MNIST.
        folder: Where the photos are; None for Fashion-MNIST, whose arrays have their size already.
        card: Says the size.

    Raises:
        ConfigError: Files cannot be read; it names them.
    """
    arrays = pictures.arrays
    if folder is not None:
        arrays = _read(folder, pictures.names.tolist(), card)
    served: NDArray[np.float32] = np.divide(
        np.broadcast_to(arrays, (*arrays.shape[:3], card.channels)), 255, dtype=np.float32
    )
    return served


def on_white(pictures: Pictures, folder: Path, card: Card) -> Pictures:
    """Return the garments of photos cut out and laid on white, as a catalogue shows them.

    Those whose outline is not sure are left out.

    Args:
        pictures: Photos.
        folder: Where they are.
        card: Says the size.
    """
    # Read anew: where there is a teacher, the arrays have its size, and the figures would too.
    arrays = _bytes(as_served(pictures, folder, _with_margin(card)))
    white = laid_on_white(pictures._replace(arrays=arrays))
    small = [_bytes(preprocess(Image.fromarray(array), card)) for array in white.arrays]
    shape = -1, card.height, card.width, card.channels
    return white._replace(arrays=np.array(small, np.uint8).reshape(shape))


def laid_on_white(pictures: Pictures) -> Pictures:
    """Return the garments of photos cut out and laid on white, but those of unsure outline."""
    outlines = outlines_of(pictures.arrays)
    found = np.flatnonzero(outlines.any(axis=(1, 2)))
    cut = pictures.some(found)
    return cut._replace(arrays=cut_out(cut.arrays, outlines[found]))


def split_by_sender(pictures: Pictures, share: float, seed: int) -> Split:
    """Hold out the photos of some people for validation, and of others for the test.

    Nobody's photos are on two sides: floors, light and clothes of one person look alike, and a
    network that knows them looks better than it is. On which side somebody is does not depend on
    who else is there, so that a training with more photos tests by nobody whom an earlier one has
    learned from. Only where that leaves a side empty, as with a handful of people, it does, and
    where somebody's share comes to be larger or smaller than `LARGEST_SENDER`.

    Args:
        pictures: All of them.
        share: Of the pictures that validation and test each get, about, of a handful of people.
        seed: Draws everybody's place.
    """
    taken = Counter(pictures.senders.tolist())
    few = [sender for sender, n in taken.items() if n <= max(1, LARGEST_SENDER * taken.total())]
    place = {sender: _place_of(sender, seed) for sender in taken}
    validation = [sender for sender in few if place[sender] >= VALIDATION_FROM]
    test = [sender for sender in few if TEST_FROM <= place[sender] < VALIDATION_FROM]
    if not validation or not test:
        fewest_last = sorted(taken, key=lambda sender: (-taken[sender], place[sender]))[1:]
        validation = _drawn(fewest_last, taken, share, leaving=1)
        test = _drawn(fewest_last, taken, share)
    held = [np.isin(pictures.senders, side) for side in (validation, test)]
    return Split(pictures.some(~held[0] & ~held[1]), *map(pictures.some, held))


def halves_of(senders: NDArray[np.str_]) -> tuple[set[str], set[str]]:
    """Return two halves of the people who took some photos, each with about half of the photos.

    From who sent most to who sent least, each joins those who have fewer so far.

    Raises:
        ConfigError: They are one person's.
    """
    if len(set(senders.tolist())) < 2:
        raise ConfigError(
            "Two halves of the people need two to learn from at least, beside those held out. "
            f"Received photos of: {', '.join(sorted(set(senders.tolist())))}. Train without halves."
        )
    halves: tuple[set[str], set[str]] = (set(), set())
    photos = [0, 0]
    taken = Counter(senders.tolist())
    for sender, number in sorted(taken.items(), key=lambda item: (-item[1], item[0])):
        place = int(photos[1] < photos[0])
        halves[place].add(sender)
        photos[place] += number
    return halves


def of_people(pictures: Pictures, people: set[str]) -> Pictures:
    """Return those that some people took."""
    return pictures.some(np.isin(pictures.senders, sorted(people)))


def taking_turns(photos: Split, turns: Sequence[int]) -> Split:
    """Return photos split so that people held out for validation are learned from, too.

    Args:
        photos: Split by who took them.
        turns: 1 or 2: that half of these people is learned from, and the other validates. Both: all
            are learned from; then nobody validates the network but by others, of either turn.
    """
    held_out = photos.validation
    halves = [of_people(held_out, people) for people in halves_of(held_out.senders)]
    learned = [photos.training, *(halves[turn - 1] for turn in turns)]
    return photos._replace(
        training=Pictures(*map(np.concatenate, zip(*learned, strict=True))),
        validation=halves[2 - turns[0]] if len(turns) == 1 else held_out,
    )


def _place_of(sender: str, seed: int) -> float:
    """Return a number from 0 to 1 that is somebody's own."""
    digest = hashlib.sha256(f"{seed} {sender}".encode()).digest()
    return int.from_bytes(digest[:8]) / 2**64


def _drawn(
    senders: list[str], taken: Mapping[str, int], share: float, leaving: int = 0
) -> list[str]:
    """Take people from the end of a list until they have a share of the photos; leave some."""
    side: list[str] = []
    while len(senders) > leaving and sum(taken[sender] for sender in side) < share * sum(
        taken.values()
    ):
        side.append(senders.pop())
    return side


def refuse_unknown_categories(pictures: Sequence[Pictures]) -> None:
    """Refuse to train where a category has no picture: it could never be answered rightly.

    Raises:
        ConfigError: It names the categories.
    """
    shown = np.any([some.allowed.any(axis=0) for some in pictures], axis=0)[: len(CATEGORIES)]
    if not shown.all():
        missing = ", ".join(c for c, there in zip(CATEGORIES, shown, strict=True) if not there)
        raise ConfigError(
            f"Every category needs pictures to learn from. Received none of: {missing}. Label "
            "some, or train with Fashion-MNIST's pictures beside yours (the default)."
        )
