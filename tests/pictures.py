"""Small real pictures, drawn in memory: plain ones, a garment, and all the awkward ones.

Everything is exact arithmetic, so that a picture is the same on every machine; only what a lossy
format makes of it may differ a little.
"""

import io
import struct
import zipfile
import zlib
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageOps

Color = str | tuple[int, ...]

ORIENTATION = 0x0112
"""The EXIF tag that says how the camera was held, 1 to 8."""

_UNDONE_BY = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_90,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_270,
}


def encoded(image: Image.Image, form: str, **save: Any) -> bytes:
    """Return a picture as a file of a format such as "JPEG"."""
    file = io.BytesIO()
    image.save(file, form, **save)
    return file.getvalue()


def jpeg(color: Color = "red", size: tuple[int, int] = (60, 80), **save: Any) -> bytes:
    """Return a JPEG of one colour."""
    return encoded(Image.new("RGB", size, color), "JPEG", **save)


def many_photos(folder: Path, number: int = 300) -> None:
    """Lay down photos that keep a run busy long enough for something to happen to it."""
    photo = jpeg(size=(600, 800))
    for place in range(number):
        (folder / f"{place:04}.jpg").write_bytes(photo)


def png(color: Color = "red", size: tuple[int, int] = (60, 80), **save: Any) -> bytes:
    """Return a PNG of one colour."""
    return encoded(Image.new("RGB", size, color), "PNG", **save)


def a_garment(dark_on_light: bool, size: int = 280) -> Image.Image:
    """Return a square picture of a T-shirt with folds, at full contrast to what it lies on."""
    grey = Image.new("L", (28, 28))
    grey.paste(200, (8, 2, 20, 26))  # body
    grey.paste(230, (2, 3, 26, 9))  # sleeves
    grey.paste(0, (12, 2, 16, 4))  # neck
    for column in (10, 13, 17):
        grey.paste(255, (column, 9, column + 1, 26))  # folds
    shown = grey.resize((size, size), Image.Resampling.NEAREST)
    return (ImageOps.invert(shown) if dark_on_light else shown).convert("RGB")


def quarters() -> Image.Image:
    """Return a picture that tells which way is up: red, green over blue, yellow; 96 x 64."""
    image = Image.new("RGB", (96, 64), "red")
    image.paste("lime", (48, 0, 96, 32))
    image.paste("blue", (0, 32, 48, 64))
    image.paste("yellow", (48, 32, 96, 64))
    return image


def held(orientation: int, form: str = "JPEG") -> bytes:
    """Return `quarters` as a camera stores it that was held in one of EXIF's eight ways."""
    image = quarters()
    if orientation in _UNDONE_BY:
        image = image.transpose(_UNDONE_BY[orientation])
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    return encoded(image, form, exif=exif, quality=95)


def broken_exif_jpeg(color: Color = "red") -> bytes:
    """Return a JPEG whose EXIF points to nowhere."""
    return jpeg(color, exif=b"Exif\0\0II*\0\xff\xff\xff\x7f garbage")


def cmyk_jpeg(cyan: int, magenta: int, yellow: int, black: int) -> bytes:
    """Return a JPEG as print shops make them; parts 0 to 255."""
    return encoded(Image.new("CMYK", (60, 80), (cyan, magenta, yellow, black)), "JPEG")


def grey16_png(value: int) -> bytes:
    """Return a PNG of one grey, 0 to 65,535."""
    return encoded(Image.fromarray(np.full((80, 60), value, np.uint16)), "PNG")


def float_tiff(left: float, right: float) -> bytes:
    """Return a TIFF of floating point numbers: one value on the left half, one on the right."""
    values = np.full((80, 60), left, np.float32)
    values[:, 30:] = right
    return encoded(Image.fromarray(values), "TIFF")


def deep_tiff(left: int, right: int) -> bytes:
    """Return a TIFF of 32-bit numbers: one value on the left half, one on the right."""
    values = np.full((80, 60), left, np.int32)
    values[:, 30:] = right
    return encoded(Image.fromarray(values), "TIFF")


def rgba_png(color: Color) -> bytes:
    """Return a PNG of red, green, blue and opacity."""
    return encoded(Image.new("RGBA", (60, 80), color), "PNG")


def la_png(grey: int, opacity: int) -> bytes:
    """Return a PNG of grey and opacity."""
    return encoded(Image.new("LA", (60, 80), (grey, opacity)), "PNG")


def palette_png(color: Color, transparent: bool = False) -> bytes:
    """Return a PNG with a palette, whose only colour may be the transparent one."""
    image = Image.new("RGB", (60, 80), color).convert("P", palette=Image.Palette.ADAPTIVE)
    used = image.getpixel((0, 0))
    return encoded(image, "PNG", **({"transparency": used} if transparent else {}))


def keyed_png(color: tuple[int, int, int]) -> bytes:
    """Return an RGB PNG that declares its only colour transparent."""
    return png(color, transparency=color)


def animated(form: str, *colors: Color) -> bytes:
    """Return an animation with a frame of each colour."""
    first, *others = [Image.new("RGB", (60, 80), color) for color in colors]
    return encoded(first, form, save_all=True, append_images=others, duration=100)


def _png_chunk(kind: bytes, content: bytes) -> bytes:
    checksum = struct.pack(">I", zlib.crc32(kind + content))
    return struct.pack(">I", len(content)) + kind + content + checksum


def huge_png(side: int = 30_000) -> bytes:
    """Return a PNG of a few bytes that says it has side x side black and white pixels."""
    header = struct.pack(">IIBBBBB", side, side, 1, 0, 0, 0, 0)
    rows = zlib.compress(bytes(9))
    return (
        b"\x89PNG\r\n\x1a\n"
        + _png_chunk(b"IHDR", header)
        + _png_chunk(b"IDAT", rows)
        + _png_chunk(b"IEND", b"")
    )


def truncated(content: bytes, share: float = 0.6) -> bytes:
    """Return the first part of a file, as an interrupted upload leaves it."""
    return content[: int(len(content) * share)]


def noise(width: int, height: int, mode: str = "RGB", seed: int = 0) -> Image.Image:
    """Return a picture of random pixels, in any mode that a photo may have."""
    pixels = np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8)
    image = Image.fromarray(pixels)
    if mode == "I;16":
        return Image.fromarray(pixels[:, :, 0].astype(np.uint16) * 257)
    return image.convert(mode)


def heic() -> bytes:
    """Return how an iPhone's own format begins."""
    return b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(200)


def zip_archive() -> bytes:
    """Return a zip archive with a photo in it."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("photo.jpg", jpeg())
    return file.getvalue()


SVG = b'<?xml version="1.0"?>\n<svg xmlns="http://www.w3.org/2000/svg"><rect width="9"/></svg>\n'
HTML = b"\n<!DOCTYPE html>\n<html><body>404: no such photo</body></html>\n"
PDF = b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n"
TEXT = "Größe M, zurück am 3. März\n".encode()

UNREADABLE: dict[str, bytes] = {
    "empty": b"",
    "text": TEXT,
    "html": HTML,
    "svg": SVG,
    "pdf": PDF,
    "zip": zip_archive(),
    "heic": heic(),
    "truncated jpeg": truncated(encoded(noise(60, 80), "JPEG")),
    "truncated png": truncated(encoded(noise(60, 80), "PNG")),
    "first bytes of a jpeg": jpeg()[:4],
    "random bytes": bytes(range(256)) * 4,
    "30,000 x 30,000 pixels": huge_png(),
}
"""What lies among the photos and is none, by what it is."""
