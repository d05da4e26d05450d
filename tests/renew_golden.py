"""Writes tests/data/golden.npz anew: what the serving steps make of a few pictures, bit for bit.

    python -m tests.renew_golden

Only for a change of what comes out of preprocessing that is meant. Such a change needs a new
version of the steps too (their name in `card.py`): stored answers count as old by it.
"""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from clothing.card import WHOLE_IN_COLOUR, Card
from clothing.preprocess import decode, preprocess, working_side
from tests.pictures import a_garment, encoded

GOLDEN = Path(__file__).parent / "data" / "golden.npz"


def golden_arrays() -> dict[str, NDArray[np.float32]]:
    """Return what the serving steps, grey and in colour, make of each golden picture now."""
    cards = Card(), Card(height=40, width=32, channels=3, preprocessing=WHOLE_IN_COLOUR)
    return {
        f"{card.preprocessing}/{name}": preprocess(decode(content, working_side(card)), card)
        for card in cards
        for name, content in _golden_pictures().items()
    }


def _golden_pictures() -> dict[str, bytes]:
    """Return the pictures, in formats that lose nothing, so that no decoder has a say."""
    dark_on_white = a_garment(dark_on_light=True, size=84)
    return {
        "dark_on_white": encoded(dark_on_white, "PNG"),
        "small_in_a_lit_room": encoded(_in_a_lit_room(dark_on_white), "PNG"),
        "cut_out": encoded(_cut_out(dark_on_white), "PNG"),
    }


def _in_a_lit_room(garment: Image.Image) -> Image.Image:
    """Return the garment faint and off the centre, on a floor that is lit from one side."""
    rows, columns = np.mgrid[0:150, 0:240]
    floor = np.stack([180 + columns // 16, 170 + rows // 10, 160 + columns // 24], axis=2)
    image = Image.fromarray(floor.astype(np.uint8))
    image.paste(
        (120, 130, 150), (90, 40), Image.eval(garment.convert("L"), lambda grey: 255 - grey)
    )
    return image


def _cut_out(garment: Image.Image) -> Image.Image:
    """Return the garment with a transparent background, as shops cut them out."""
    image = garment.convert("RGBA")
    image.putalpha(Image.eval(garment.convert("L"), lambda grey: 255 if grey < 255 else 0))
    return image


if __name__ == "__main__":
    np.savez_compressed(GOLDEN, allow_pickle=False, **golden_arrays())
    print(f"{GOLDEN}: {', '.join(golden_arrays())}")
