"""From bytes to the array that the network takes: pure functions, the same in training and serving.

Owns Pillow. Reads no file, no setting and no clock. The steps have a version
(`card.preprocessing`): whoever changes what comes out of them gives them a new one, so that
answers from before are not taken for answers of now.
"""

import io
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError

from clothing.card import GARMENT_ON_BLACK, WHOLE_IN_COLOUR, Card
from clothing.errors import ModelError, PhotoError

FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF", "AVIF")
"""What a camera, a phone or a shop's software writes; Pillow's other decoders stay shut."""

MAX_PIXELS = 50_000_000
"""The largest picture that is opened: a 48-megapixel phone's. In RGB it takes 200 MB."""

# Pillow warns of a picture that is much too large; here that is a reason to refuse it. Of broken
# EXIF it warns once for each entry: one photo filled the log with 5,000 lines.
warnings.simplefilter("error", Image.DecompressionBombWarning)
warnings.filterwarnings("ignore", category=UserWarning, module=r"PIL\.")

_BACKGROUND_RING = 0.06  # share of each side that is taken for background
_FAINT = 0.5  # contrast below which a picture is stretched
_BLANK = 0.02  # contrast below which there is nothing to stretch
_LOOKED_AT = 96  # pixels of the longer side at which sharpness is judged; more are mostly grain
_DARK = 0.2  # brightness that one pixel in a hundred has to reach
_BLURRED = 0.35  # of the contrast: what the sharpest edges have to reach
_GARMENT = 0.3  # share of the contrast from which a pixel counts as garment
_CROP_BELOW = 0.85  # a garment that fills more of the picture than this is left where it is
_BAND = 2**20  # pixels that are converted at once: what lies between needs 8 to 32 bytes for each


def decode(content: bytes, at_least: int = 0) -> Image.Image:
    """Return the picture upright, in RGB, transparent parts white; of an animation, the first.

    Args:
        content: The bytes of a file.
        at_least: Pixels that the shorter side must keep; a JPEG that is much larger is decoded
            at a half, a quarter or an eighth, which is several times faster. 0 decodes in full.

    Raises:
        PhotoError: The bytes are no picture that can be read; the message says what they are.
    """
    if not content:
        raise PhotoError("the file is empty")
    try:
        with Image.open(io.BytesIO(content), formats=FORMATS) as opened:
            _refuse_too_large(opened.size)
            if at_least:
                _draft(opened, at_least)
            opened.load()
            _turn_upright(opened)
            return _rgb(opened)
    except UnidentifiedImageError as error:
        raise PhotoError(_what_it_is(content)) from error
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise PhotoError(
            f"the picture is too large; at most {MAX_PIXELS / 1e6:.0f} megapixels are read"
        ) from error
    except PhotoError:
        raise
    except MemoryError as error:
        raise PhotoError("the picture needs too much memory to be read") from error
    except Exception as error:  # decoders raise OSError, ValueError, SyntaxError, struct.error …
        raise PhotoError(f"the picture is damaged: {_plain(error)}") from error


def preprocess(
    image: Image.Image, card: Card, out: NDArray[np.float32] | None = None
) -> NDArray[np.float32]:
    """Turn an image into what the card's model takes.

    Args:
        image: RGB, upright, as `decode` returns it.
        card: Says the size, and which steps.
        out: Where the array goes, such as its place in a batch; None makes a new one.

    Returns:
        Array of shape (height, width, channels), 0 to 1.

    Raises:
        ModelError: The card names steps that this version does not know.
    """
    steps, _, _ = _steps(card)
    pixels = steps(image, card.height, card.width)
    array: NDArray[np.float32] = np.divide(pixels, np.float32(255), out=out)
    return array


def working_side(card: Card) -> int:
    """Return the shorter side, in pixels, that `preprocess` needs of an image to lose nothing."""
    _, _, side = _steps(card)
    return side(card.height, card.width)


def whole_in_colour(image: Image.Image, height: int, width: int) -> NDArray[np.uint8]:
    """Show the whole picture in colour, as large as fits; the rest is the colour of its edge.

    Args:
        image: RGB, any size.
        height: Of the array.
        width: Of the array.

    Returns:
        Array of shape (height, width, 3), 0 to 255.
    """
    scale = min(width / image.width, height / image.height)
    inner = max(1, round(image.height * scale)), max(1, round(image.width * scale))  # h, w
    fitted = image.resize(inner[::-1], Image.Resampling.BILINEAR, reducing_gap=2.0)
    pixels = np.asarray(fitted)  # (h, w, 3)
    if inner != (height, width):
        whole = np.empty((height, width, 3), np.uint8)
        whole[:] = np.median(_edge(pixels), axis=0)
        top, left = (height - inner[0]) // 2, (width - inner[1]) // 2
        whole[top : top + inner[0], left : left + inner[1]] = pixels
        pixels = whole
    return pixels


def fault_of(image: Image.Image) -> str:
    """Return in words why nobody could tell what is on a picture, or "" if one can look at it.

    Bounds were set where none of 3,900 real photos reaches them: those are all brighter than twice
    `_DARK`, and three times as sharp as `_BLURRED`.

    Args:
        image: RGB, any size.
    """
    scale = min(1, _LOOKED_AT / max(image.size))
    size = max(1, round(image.width * scale)), max(1, round(image.height * scale))
    grey = np.asarray(image.convert("L").resize(size, Image.Resampling.BILINEAR))  # (h, w)
    if _reached(grey) < 255 * _DARK:
        return "too dark to see"
    contrast = float(grey.std())
    if contrast < 255 * _BLANK:
        return "nothing on it to see"
    return "blurred" if _reached(_edges(grey)) < _BLURRED * contrast else ""


def _edges(grey: NDArray[np.uint8]) -> NDArray[np.int16]:
    """Return how far each pixel is from its four neighbours: the Laplacian; (h, w) → (h, w)."""
    padded = np.empty((grey.shape[0] + 2, grey.shape[1] + 2), np.int16)
    padded[1:-1, 1:-1] = grey
    padded[0], padded[-1] = padded[1], padded[-2]
    padded[:, 0], padded[:, -1] = padded[:, 1], padded[:, -2]
    beside = padded[:-2, 1:-1] + padded[2:, 1:-1] + padded[1:-1, :-2] + padded[1:-1, 2:]
    edges: NDArray[np.int16] = np.abs(4 * padded[1:-1, 1:-1] - beside)
    return edges


def _reached(values: NDArray[Any]) -> int:
    """Return what one value in a hundred reaches, of whole numbers from 0 on."""
    fewer = np.cumsum(np.bincount(values.ravel()))
    return int(np.searchsorted(fewer, 0.99 * values.size))


def garment_on_black(image: Image.Image, height: int, width: int) -> NDArray[np.uint8]:
    """Show the garment light on black and as large as fits, whatever lay behind it.

    Whether the garment is lighter or darker than what it lies on is decided for each picture:
    every pixel becomes its distance from the colour of the picture's edge. A picture that is
    light on black already, as Fashion-MNIST's are, comes out as it went in.

    Args:
        image: RGB, any size.
        height: Of the array.
        width: Of the array.

    Returns:
        Array of shape (height, width, 1), 0 (background) to 255 (most unlike it).
    """
    side = 4 * max(height, width)
    if max(image.size) > side:
        image = _contained(image, side, side)
    light = _distance_from_background(np.asarray(image, np.float32) / np.float32(255))  # (H, W)
    top, bottom, left, right = _garment_box(light)
    grey = Image.fromarray((light[top:bottom, left:right] * 255).round().astype(np.uint8))
    fitted = ImageOps.pad(_contained(grey, width, height), (width, height), color=0)
    return np.asarray(fitted)[:, :, None]


def _contained(image: Image.Image, width: int, height: int) -> Image.Image:
    """Return the picture as large as fits; however slim it is, a pixel of it stays."""
    scale = min(width / image.width, height / image.height)
    size = max(1, round(image.width * scale)), max(1, round(image.height * scale))
    return image.resize(size, Image.Resampling.BOX)


def _distance_from_background(rgb: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return how far each pixel is from the edge's median colour; (H, W, 3) → (H, W), 0 to 1."""
    red, green, blue = np.moveaxis(np.abs(rgb - np.median(_edge(rgb), axis=0)), 2, 0)  # (H, W)
    distance: NDArray[np.float32] = np.maximum(np.maximum(red, green), blue)
    peak = float(np.percentile(distance, 99))
    if _BLANK < peak < _FAINT:
        distance = np.minimum(distance / np.float32(peak), 1)
    return distance


def _edge(rgb: NDArray[Any]) -> NDArray[Any]:
    """Return the pixels along the four edges; (H, W, 3) → (n, 3)."""
    ring = max(1, round(_BACKGROUND_RING * min(rgb.shape[:2])))
    sides = rgb[:ring], rgb[-ring:], rgb[:, :ring], rgb[:, -ring:]
    return np.concatenate([side.reshape(-1, 3) for side in sides])


def _garment_box(light: NDArray[np.float32]) -> tuple[int, int, int, int]:
    """Return top, bottom, left, right of the garment, or of the whole picture if it fills it."""
    rows, columns = light.shape
    garment = light > _GARMENT * np.percentile(light, 99)
    filled_rows = np.flatnonzero(garment.mean(axis=1) > 0.02)
    filled_columns = np.flatnonzero(garment.mean(axis=0) > 0.02)
    if not filled_rows.size or not filled_columns.size:
        return 0, rows, 0, columns
    top, bottom = int(filled_rows[0]), int(filled_rows[-1]) + 1
    left, right = int(filled_columns[0]), int(filled_columns[-1]) + 1
    if max(bottom - top, right - left) > _CROP_BELOW * max(rows, columns):
        return 0, rows, 0, columns
    return top, bottom, left, right


Steps = Callable[[Image.Image, int, int], NDArray[np.uint8]]

_STEPS: dict[str, tuple[Steps, int, Callable[[int, int], int]]] = {
    GARMENT_ON_BLACK: (garment_on_black, 1, lambda height, width: 4 * max(height, width)),
    WHOLE_IN_COLOUR: (whole_in_colour, 3, lambda height, width: 5 * min(height, width) // 4),
}
"""By name: the steps, the channels of their array, and the shorter side that they need.

Four pixels for each of the array are enough to find the garment in, five for every four to resize
what is whole: of sixty photos of 400 × 530 decoded at a quarter, the shipped model gave each the
category that it has in full, and a confidence 0.007 from it (mean); at a half, 0.003.
"""


def _steps(card: Card) -> tuple[Steps, int, Callable[[int, int], int]]:
    """Return the entry of the steps that a card names."""
    known = _STEPS.get(card.preprocessing)
    if known is None or known[1] != card.channels:
        accepted = " and ".join(
            f"{name} for {channels} channel(s)" for name, (_, channels, _) in _STEPS.items()
        )
        raise ModelError(
            f"This version knows the preprocessing {accepted}. The model's card asks for: "
            f"{card.preprocessing} for {card.channels}. Publish a model that was trained for this "
            "version, or go back to the version before."
        )
    return known


def _refuse_too_large(size: tuple[int, int]) -> None:
    width, height = size
    if width * height > MAX_PIXELS:
        raise PhotoError(
            f"the picture has {width} × {height} pixels; "
            f"at most {MAX_PIXELS / 1e6:.0f} megapixels are read"
        )


def _draft(image: Image.Image, at_least: int) -> None:
    """Ask the JPEG decoder for the smallest of its own scales that is large enough."""
    width, height = image.size
    scale = max(1, min(width, height) // at_least)
    image.draft(None, (width // scale, height // scale))


def _turn_upright(image: Image.Image) -> None:
    """Turn the picture as the camera's EXIF says; EXIF that cannot be read is no reason to stop."""
    try:
        ImageOps.exif_transpose(image, in_place=True)
    except MemoryError:
        raise
    except Exception:
        return


def _rgb(image: Image.Image) -> Image.Image:
    """Return 8-bit RGB of any mode: deep greys scaled, transparency laid on white."""
    if image.mode.startswith(("I", "F")):
        image = _eight_bit(image)
    if image.mode in ("RGBA", "LA", "PA") or "transparency" in image.info:
        return _in_bands(image, "RGB", _on_white)
    return image if image.mode == "RGB" else image.convert("RGB")


def _on_white(image: Image.Image) -> Image.Image:
    picture = image.convert("RGBA")
    white = Image.new("RGBA", picture.size, "white")
    return Image.alpha_composite(white, picture).convert("RGB")


def _eight_bit(image: Image.Image) -> Image.Image:
    """Scale 16-bit, 32-bit and float grey to 8 bits; Pillow's own conversion would clip them."""
    low, high = 0.0, 65535.0
    if not image.mode.startswith("I;16"):
        spans = [(values.min(), values.max()) for values in map(_finite, _bands(image))]
        low, high = min(low for low, _ in spans), max(high for _, high in spans)

    def scaled(band: Image.Image) -> Image.Image:
        values = (_finite(band) - low) / max(high - low, 1e-12) * 255
        return Image.fromarray(values.round().astype(np.uint8))

    return _in_bands(image, "L", scaled)


def _finite(image: Image.Image) -> NDArray[np.float64]:
    """Return the numbers of deep grey, 0 for what is none; (h, w)."""
    return np.nan_to_num(np.asarray(image, dtype=np.float64), posinf=0, neginf=0)


def _in_bands(
    image: Image.Image, mode: str, change: Callable[[Image.Image], Image.Image]
) -> Image.Image:
    """Return a picture changed part by part: all at once, a large one would need a gigabyte."""
    changed, top = Image.new(mode, image.size), 0
    for band in _bands(image):
        changed.paste(change(band), (0, top))
        top += band.height
    return changed


def _bands(image: Image.Image) -> Iterator[Image.Image]:
    rows = max(1, _BAND // image.width)
    for top in range(0, image.height, rows):
        yield image.crop((0, top, image.width, min(top + rows, image.height)))


def _what_it_is(content: bytes) -> str:
    """Say what bytes that are no picture look like, so that people know what to do."""
    if content[4:8] == b"ftyp" and content[8:12] in (b"heic", b"heix", b"mif1", b"msf1"):
        return "a HEIC photo, which is not read; have the phone save JPEG (Most Compatible)"
    if content.startswith(b"%PDF"):
        return "a PDF, not a photo"
    if content.startswith(b"PK\x03\x04"):
        return "a zip archive, not a photo"
    start = content[:256].lstrip().lower()
    if start.startswith((b"<svg", b"<?xml", b"<!doctype", b"<html")):
        return "a web page or drawing, not a photo"
    if content[:2] == b"\xff\xd8" or content[:4] == b"\x89PNG":
        return "the picture is damaged: its beginning cannot be read"
    if not any(byte < 9 for byte in content[:1024]):
        return "a text file, not a photo"
    return f"not a photo in any format that is read ({', '.join(FORMATS)})"


def _plain(error: Exception) -> str:
    text = " ".join(str(error).split())[:200]
    return text or type(error).__name__
