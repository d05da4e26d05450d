"""Builds a folder of hostile photos: `python -m scripts.hostile_photos FOLDER`.

Files that a return department may well get, by accident or from somebody who wishes it ill: cut off
at every joint, swollen, lying about what they are, named so that a page or a spreadsheet breaks.
The same seed builds the same files, but for what encoders leave to chance: an AVIF notes its
time, a TIFF is padded with what lay in memory. `tests/test_hostile.py` lets a run go over all of
them, and `scripts/fuzz_decoder.py` starts from them.
"""

import gzip
import io
import os
import random
import struct
import sys
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import click
import numpy as np
from PIL import Image

from tests.pictures import HTML, ORIENTATION, PDF, SVG, TEXT, encoded, noise

File = tuple[str, bytes]
"""A name within its family, and a content."""

_PNG = b"\x89PNG\r\n\x1a\n"
_LARGE = 7000  # pixels a side: 49 million in all, so just small enough to be opened
_SIZE = (48, 64)


def small(form: str, mode: str = "RGB", **save: object) -> bytes:
    """Return a small file of a format, with something on it."""
    return encoded(noise(*_SIZE, mode), form, **save)


WHOLE: dict[str, Callable[[], bytes]] = {
    "baseline.jpg": lambda: small("JPEG", exif=_exif(6), comment="c", icc_profile=bytes(99)),
    "progressive.jpg": lambda: small("JPEG", progressive=True),
    "restarts.jpg": lambda: small("JPEG", restart_marker_rows=1),
    "whole.png": lambda: _several_chunks(small("PNG", icc_profile=bytes(99), exif=_exif(3))),
    "palette.png": lambda: encoded(noise(*_SIZE).quantize(16), "PNG", transparency=3),
    "lossy.webp": lambda: small("WEBP", exif=_exif(3), icc_profile=bytes(99)),
    "lossless.webp": lambda: small("WEBP", "RGBA", lossless=True),
    "whole.gif": lambda: small("GIF", comment="c"),
    "whole.bmp": lambda: small("BMP"),
    "whole.tif": lambda: small("TIFF"),
    "lzw.tif": lambda: small("TIFF", compression="tiff_lzw"),
    "whole.avif": lambda: small("AVIF", exif=_exif(6)),
}
"""A sound file of each kind, from which the broken ones come."""


def truncated(_: random.Random) -> Iterator[File]:
    """Each sound file cut at its joints: markers, chunks, boxes, and within them."""
    for name, build in WHOLE.items():
        content = build()
        for place in _joints(content):
            yield f"at {place:05} {name}", content[:place]


def damaged(chance: random.Random) -> Iterator[File]:
    """Each sound file with some bytes changed, doubled or left out."""
    for name, build in WHOLE.items():
        content = build()
        for number in range(5):
            yield f"{number} {name}", mutated(content, chance)


def mutated(content: bytes, chance: random.Random) -> bytes:
    """Return a file with one to eight random changes; most are of the kind that decoders trip on.

    Args:
        content: At least a byte.
        chance: Decides what happens, and where.
    """
    changed = bytearray(content)
    for _ in range(chance.choice((1, 1, 2, 4, 8))):
        if not changed:
            break
        _change(changed, chance.randrange(len(changed)), chance)
    return bytes(changed)


def _change(changed: bytearray, at: int, chance: random.Random) -> None:
    match chance.randrange(7):
        case 0:
            changed[at] ^= 1 << chance.randrange(8)
        case 1:
            changed[at] = chance.choice((0, 1, 0x7F, 0x80, 0xFE, 0xFF))
        case 2:  # a length or a size
            number = chance.choice((0, 1, 0x7FFF, 0xFFFF, 0x7FFFFFFF, 0xFFFFFFFF))
            changed[at : at + 4] = struct.pack(chance.choice("<>") + "I", number)
        case 3:
            del changed[at : at + chance.randrange(1, 64)]
        case 4:
            part = changed[at : at + chance.randrange(1, 256)]
            changed[at:at] = part * chance.choice((1, 2, 64))
        case 5:
            changed[at : at + 8] = chance.randbytes(8)
        case _:
            start = chance.randrange(len(changed))
            changed[at : at + 32] = changed[start : start + 32]


def bombs(_: random.Random) -> Iterator[File]:
    """Small files that grow when they are opened, in every format, and slow ones."""
    flat = Image.new("RGB", (_LARGE, _LARGE), "navy")
    grey = Image.new("L", (_LARGE, _LARGE), 99)
    yield "flat.png", encoded(grey, "PNG")
    yield "transparent.png", encoded(Image.new("LA", (_LARGE, _LARGE), (9, 9)), "PNG")
    yield "flat.tif", encoded(grey, "TIFF", compression="tiff_adobe_deflate")
    yield "flat.webp", encoded(flat, "WEBP", quality=1, method=0)
    yield "flat.gif", encoded(grey, "GIF")
    yield "flat.jpg", encoded(flat, "JPEG", quality=20)
    yield "flat.avif", encoded(Image.new("RGB", (4000, 4000), "navy"), "AVIF", speed=10, quality=1)
    yield "float.tif", encoded(Image.new("F", (5000, 5000), 0.5), "TIFF", compression="tiff_lzw")
    yield "scans.jpg", endless_scans()
    yield "text.png", _with_chunk(b"zTXt", b"k\0\0" + zlib.compress(bytes(2**26)))
    yield "many texts.png", _with_chunk(b"zTXt", b"k\0\0" + zlib.compress(bytes(900_000)), 100)
    yield "profile.png", _with_chunk(b"iCCP", b"k\0\0" + zlib.compress(bytes(2**26)))
    yield "chunks.png", _with_chunk(b"teXt", b"", 300_000)
    yield "exif in disguise.png", _with_chunk(b"zTXt", _exif_in_disguise())
    yield "comments.jpg", _with_segment(b"\xff\xfe\0\2", 300_000)
    yield "filler.jpg", _with_segment(b"\xff", 1_000_000)
    yield "exif.jpg", _with_segment(_segment(0xE1, b"Exif\0\0" + _exif_bomb(60_000)))
    yield "exif in parts.jpg", _with_segment(_segment(0xE1, b"Exif\0\0" + _exif_bomb(60_000)), 50)
    yield "mpf.jpg", _with_segment(_segment(0xE2, b"MPF\0" + _exif_bomb(60_000)))
    yield "exif.png", _with_chunk(b"eXIf", _exif_bomb(700_000))
    yield "directory.tif", _exif_bomb(700_000)
    for side in (7001, 30_000, 65_535):
        yield from _claims(side, side)


def endless_scans(number: int = 2000) -> bytes:
    """Return a JPEG of 49 megapixels that repeats a scan; each takes its decoder some 10 ms."""
    content = encoded(Image.new("L", (_LARGE, _LARGE)), "JPEG", progressive=True)
    starts = [at for at in range(len(content)) if content.startswith(b"\xff\xda", at)]
    end = content.rindex(b"\xff\xd9")
    return content[:end] + content[starts[-1] : end] * number + content[end:]


def animations(_: random.Random) -> Iterator[File]:
    """Films of thousands of frames."""
    frames = [Image.new("L", (8, 8), shade % 256) for shade in range(3000)]
    for form, number in (("GIF", 3000), ("WEBP", 500), ("PNG", 500), ("AVIF", 40), ("TIFF", 500)):
        film = encoded(frames[0], form, save_all=True, append_images=frames[1:number])
        yield f"{number} frames.{form.lower()}", film


def sizes(_: random.Random) -> Iterator[File]:
    """Pictures of one pixel, of one row, of one column, of none."""
    for form in ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF", "AVIF"):
        longest = 16_383 if form == "WEBP" else 65_500
        for size in ((1, 1), (2, 1), (longest, 1), (1, longest)):
            name = f"{size[0]} x {size[1]}.{form.lower()}"
            with suppress(OSError, ValueError):  # of AVIF not every size can be written
                yield name, encoded(Image.new("RGB", size, "red"), form)
    yield from _claims(65_535, 1)
    yield from _claims(0, 0)


def modes(_: random.Random) -> Iterator[File]:
    """Every kind of pixel that the formats have."""
    for mode in ("1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "YCbCr", "LAB", "I;16", "I", "F"):
        for form in ("JPEG", "PNG", "TIFF", "WEBP", "GIF", "BMP"):
            with suppress(OSError, ValueError):  # not every format has every mode
                yield f"{mode.replace(';', '')}.{form.lower()}", small(form, mode)
    for compression in ("raw", "tiff_ccitt", "group3", "group4", "packbits", "jpeg", "lzma"):
        mode = "1" if compression in ("tiff_ccitt", "group3", "group4") else "RGB"
        yield f"{compression}.tif", small("TIFF", mode, compression=compression)
    for name, value in (("nan", np.nan), ("infinite", np.inf), ("huge", 3e38), ("flat", 0.0)):
        values = np.full(_SIZE, value, np.float32)
        values[::2, ::3] = -1 if name != "flat" else 0
        yield f"{name}.tif", encoded(Image.fromarray(values), "TIFF")
    yield "deep colour.png", _png(2, 16, bytes(6 * 8) + b"\0", 8, 8)
    for transform in range(3):  # how Adobe's marker says that colours are to be taken
        content = bytearray(small("JPEG", "CMYK"))
        content[content.index(b"Adobe") + 11] = transform
        yield f"adobe {transform}.jpg", bytes(content)


def lies(_: random.Random) -> Iterator[File]:
    """Files that are something else than they are called, or two things at once."""
    inner = small("JPEG")
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as written:
        written.writestr(zipfile.ZipInfo("../../photo.jpg"), inner)  # of no time
    yield "png.jpg", small("PNG")
    yield "jpeg.png", inner
    yield "tiff.gif", small("TIFF")
    yield "jpeg and zip.jpg", inner + archive.getvalue()
    yield "jpeg and web page.jpg", inner + HTML
    yield "jpeg and pdf.jpg", _with_segment(_segment(0xFE, PDF))
    yield "jpeg with php.jpg", _with_segment(_segment(0xFE, b"<?php phpinfo(); ?>"))
    yield "gif and script.gif", b"GIF89a/*" + small("GIF")[8:] + b"*/=1;alert(1)//"
    yield "png and jpeg.png", small("PNG") + inner
    yield "jpeg in jpeg.jpg", _with_segment(_segment(0xE1, inner[:60_000]))
    yield "tiff in exif.jpg", _with_segment(_segment(0xE1, b"Exif\0\0" + small("TIFF")))
    yield "bmp and jpeg.bmp", small("BMP") + inner
    yield "webp and jpeg.webp", small("WEBP") + inner
    yield "spaces before.jpg", b"   " + inner


def broken_facts(_: random.Random) -> Iterator[File]:
    """Sound pictures whose EXIF, ICC profile or XMP is not."""
    for orientation in (0, 1, 2, 5, 8, 9, 255, 65_535):
        yield f"orientation {orientation}.jpg", small("JPEG", exif=_exif(orientation))
    for name, exif in (
        ("empty", b""),
        ("loop", b"II*\0\x08\0\0\0\0\0\x08\0\0\0"),
        ("nowhere", b"MM\0*\xff\xff\xff\xff"),
        ("far", b"II*\0\x08\0\0\0\1\0" + struct.pack("<HHII", ORIENTATION, 3, 2**31, 2**31)),
        ("text", b"II*\0\x08\0\0\0\1\0" + struct.pack("<HHI4s", ORIENTATION, 2, 4, b"six\0")),
        ("unknown type", b"II*\0\x08\0\0\0\1\0" + struct.pack("<HHII", ORIENTATION, 99, 1, 6)),
        ("bytes", bytes(range(256)) * 9),
    ):
        yield f"exif {name}.jpg", _with_segment(_segment(0xE1, b"Exif\0\0" + exif))
        yield f"exif {name}.png", _with_chunk(b"eXIf", exif)
    for name, profile in (
        ("zeros", bytes(999)),
        ("text", b"not a profile"),
        ("long", bytes(10**6)),
    ):
        for form in ("JPEG", "PNG", "WEBP", "TIFF", "AVIF"):
            yield f"icc {name}.{form.lower()}", small(form, icc_profile=profile)
    yield "profile that breaks off.png", _with_chunk(b"iCCP", b"k\0\0\x78\x9c broken")
    yield "parts that are missing.jpg", _with_segment(_segment(0xE2, b"ICC_PROFILE\0\7\xff" + TEXT))
    xmp = b"http://ns.adobe.com/xap/1.0/\0" + b'<x tiff:Orientation="6' * 2000
    yield "xmp.jpg", _with_segment(_segment(0xE1, xmp))


def no_photos(chance: random.Random) -> Iterator[File]:
    """What lies among photos and is none."""
    external = b'<!DOCTYPE svg [<!ENTITY x SYSTEM "file:///etc/passwd">]><svg>&x;</svg>'
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as written:
        written.writestr(zipfile.ZipInfo("zeros"), bytes(2**24), zipfile.ZIP_DEFLATED)
    beginnings = {
        "script.sh.jpg": b"#!/bin/sh\nrm -rf ~\n",
        "program.jpg": b"\x7fELF\2\1\1" + bytes(99),
        "program.exe.jpg": b"MZ\x90\0" + bytes(99),
        "postscript.jpg": b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n(x) run\n",
        "photoshop.jpg": b"8BPS\0\1" + bytes(99),
        "icon.jpg": b"\0\0\1\0\1\0" + bytes(99),
        "jpeg 2000.jpg": b"\0\0\0\x0cjP  \r\n\x87\n" + bytes(99),
        "jpeg xl.jpg": b"\xff\x0a" + bytes(99),
        "raw.cr2": b"II*\0\x10\0\0\0CR\2\0" + bytes(99),
        "metafile.jpg": b"\xd7\xcd\xc6\x9a" + bytes(99),
        "medical.jpg": bytes(128) + b"DICM",
    }
    for brand in ("heic", "heix", "mif1", "msf1", "avis", "avif", "qt  ", "mp42"):
        beginnings[f"{brand.strip()}.heic"] = b"\0\0\0\x18ftyp" + brand.encode() + bytes(200)
    yield "empty.jpg", b""
    yield "one byte.jpg", b"\xff"
    yield "spaces.jpg", b" \n" * 500
    yield "zeros.jpg", bytes(10_000)
    yield "chance.jpg", chance.randbytes(10_000)
    yield "text.jpg", TEXT
    yield "drawing.svg", SVG
    yield "drawing that reads files.svg", external
    yield "page.html", HTML
    yield "document.pdf", PDF
    yield "archive.zip", archive.getvalue()
    yield "archive.gz", gzip.compress(bytes(2**20), mtime=0)
    yield from beginnings.items()


FAMILIES: dict[str, Callable[[random.Random], Iterator[File]]] = {
    "truncated": truncated,
    "damaged": damaged,
    "bombs": bombs,
    "animations": animations,
    "sizes": sizes,
    "modes": modes,
    "lies": lies,
    "facts": broken_facts,
    "no photos": no_photos,
}
"""What there is, each in a folder of its own; names that break things come on top."""

NAMES = (
    "=cmd|' /C calc'!A0.jpg",
    "+1-2.jpg",
    "-2+3.jpg",
    "@SUM(A1:A9).jpg",
    "\t=1.jpg",
    "line\nbreak.jpg",
    "return\rline.jpg",
    "bell\a and escape \x1b[31m.jpg",
    "quote'; DROP TABLE image_prediction; --.jpg",
    '"quoted", and comma; semicolon.jpg',
    "<script>alert(1)</script>.jpg",
    "<img src=x onerror=alert(1)>.jpg",
    "&amp; &#60; {{ 7*7 }} {% raw %} ${7*7}.jpg",
    "%2e%2e%2fetc%2fpasswd.jpg",
    "%00.jpg",
    "%s %n %d.jpg",
    "..\\..\\windows\\system32.jpg",
    "C:\\photo.jpg",
    "...jpg",
    " .jpg",
    " space before and after .jpg ",
    "dot at the end.",
    "CON.jpg",
    "a?b=c&d#e.jpg",
    "a+b c.jpg",
    "café.jpg",
    "cafe\N{COMBINING ACUTE ACCENT}.jpg",
    "\N{RIGHT-TO-LEFT OVERRIDE}gpj.exe",
    "\N{ZERO WIDTH SPACE}\N{ZERO WIDTH JOINER}.jpg",
    "\N{BYTE ORDER MARK}.jpg",
    "\N{LINE SEPARATOR}\N{PARAGRAPH SEPARATOR}.jpg",
    "\x7f\x85\xa0.jpg",
    "\ufffe\uffff.jpg",
    "👩\N{ZERO WIDTH JOINER}👧👖.jpg",
    "שלום.jpg",
    "Z" + "\N{COMBINING ENCLOSING CIRCLE}" * 60 + ".jpg",
    "n" * 251 + ".jpg",
    "漢" * 83 + ".jpg",
    "null",
    "undefined",
    "1e999",
    "true",
)
"""Names of sound photos; some systems refuse some."""

_BYTES = (
    b"\xff\xfe.jpg",
    b"\xed\xa0\x80 half of a pair.jpg",
    b"latin \xe9.jpg",
    b"\xc0\xae\xc0\xae",
)
"""Names that are no UTF-8."""

_LINKS = {
    "link out.jpg": "/etc/passwd",
    "link up.jpg": "../../../../etc/passwd",
    "link to itself.jpg": "link to itself.jpg",
    "link to nothing.jpg": "nothing",
    "link to a folder": "..",
}


def write_corpus(folder: Path, seed: int = 1) -> int:
    """Write all hostile photos below a folder, which is made; return how many."""
    written = 0
    for family, build in FAMILIES.items():
        place = folder / family
        place.mkdir(parents=True)
        for name, content in build(random.Random(f"{seed} {family}")):
            (place / name).write_bytes(content)
            written += 1
    return written + _write_names(folder / "names")


def _write_names(folder: Path) -> int:
    """Write one sound photo under every name that the system takes; return how many it took."""
    content = small("JPEG")
    deep = folder.joinpath(*["ninehundred" * 20] * 5)
    deep.mkdir(parents=True)
    written = 0
    for name in (*NAMES, *map(os.fsdecode, _BYTES)):
        with suppress(OSError, ValueError):
            (folder / name).write_bytes(content)
            written += 1
    with suppress(OSError):
        (deep / "deep.jpg").write_bytes(content)
        written += 1
    for link, target in _LINKS.items():
        with suppress(OSError):
            (folder / link).symlink_to(target)
            written += 1
    return written


# Parts of files


def _joints(content: bytes) -> list[int]:
    """Return where a file may break off: at each of its parts, in its head, and in its body."""
    if content.startswith(b"\xff\xd8"):
        places = [at for at in range(len(content) - 1) if _is_marker(content[at : at + 2])]
        heads = [at + more for at in places for more in (0, 2, 3)]
    elif content.startswith(_PNG):
        heads = [at + more for at in _png_chunks(content) for more in (0, 4, 8, 9)]
    else:
        heads = [1, 2, 4, 8, 12, 16, 20, 26, 32, 40, 60, 90, 130, 200]
    body = [len(content) * part // 5 for part in range(1, 5)]
    return sorted({at for at in (*heads, *body, len(content) - 1) if 0 < at < len(content)})


def _is_marker(pair: bytes) -> bool:
    return pair[0] == 0xFF and pair[1] not in (0x00, 0xFF) and not 0xD0 <= pair[1] <= 0xD7


def _png_chunks(content: bytes) -> Iterator[int]:
    at = len(_PNG)
    while at < len(content):
        yield at
        at += 12 + struct.unpack_from(">I", content, at)[0]


def _chunk(kind: bytes, content: bytes) -> bytes:
    checksum = struct.pack(">I", zlib.crc32(kind + content))
    return struct.pack(">I", len(content)) + kind + content + checksum


def _png(colour: int, depth: int, rows: bytes, width: int, height: int) -> bytes:
    head = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
    pixels = _chunk(b"IDAT", zlib.compress(rows * max(1, min(height, 64))))
    return _PNG + _chunk(b"IHDR", head) + pixels + _chunk(b"IEND", b"")


def _with_chunk(kind: bytes, content: bytes, times: int = 1) -> bytes:
    """Return a PNG with a chunk, or many like it, behind its head."""
    picture = small("PNG")
    return picture[:33] + _chunk(kind, content) * times + picture[33:]


def _several_chunks(content: bytes) -> bytes:
    """Return a PNG whose pixels are in two chunks instead of one."""
    at = content.index(b"IDAT") - 4
    (length,) = struct.unpack_from(">I", content, at)
    pixels, rest = content[at + 8 : at + 8 + length], content[at + 12 + length :]
    half = length // 2
    return content[:at] + _chunk(b"IDAT", pixels[:half]) + _chunk(b"IDAT", pixels[half:]) + rest


def _segment(marker: int, content: bytes) -> bytes:
    return bytes([0xFF, marker]) + struct.pack(">H", len(content) + 2) + content


def _with_segment(segment: bytes, times: int = 1) -> bytes:
    """Return a JPEG with a segment, or many like it, at its beginning."""
    return b"\xff\xd8" + segment * times + small("JPEG")[2:]


def _exif(orientation: int) -> bytes:
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    return exif.tobytes()


def _exif_bomb(length: int) -> bytes:
    """Return EXIF of so many bytes, each of whose entries is nearly as long as all of it."""
    number = min(length // 13, 65_535)
    entries = (struct.pack("<HHII", tag, 7, length - length // 12, 8) for tag in range(number))
    listed = b"II*\0\x08\0\0\0" + struct.pack("<H", number) + b"".join(entries)
    return listed + bytes(length - len(listed))


def _exif_in_disguise() -> bytes:
    exif = _exif_bomb(400_000).hex()
    return b"Raw profile type exif\0\0" + zlib.compress(f"\nexif\n{len(exif)}\n{exif}".encode())


def _claims(width: int, height: int) -> Iterator[File]:
    """Heads that claim a size, with next to nothing behind them."""
    name = f"claims {width} x {height}"
    yield f"{name}.png", _png(0, 1, bytes(9), width, height)
    yield f"{name} interlaced.png", _png(6, 16, bytes(9), width, height)
    at = (frame := small("JPEG")).index(b"\xff\xc0") + 5
    yield f"{name}.jpg", frame[:at] + struct.pack(">HH", height, width) + frame[at + 4 :]
    yield f"{name}.gif", b"GIF89a" + struct.pack("<HH", width, height) + small("GIF")[10:]
    yield f"{name}.bmp", (b := small("BMP"))[:18] + struct.pack("<II", width, height) + b[26:]
    entries = {256: width, 257: height, 258: 8, 259: 1, 262: 1, 273: 8, 277: 1, 278: 1, 279: 64}
    directory = b"".join(struct.pack("<HHII", tag, 4, 1, one) for tag, one in entries.items())
    yield (
        f"{name}.tif",
        b"II*\0\x08\0\0\0" + struct.pack("<H", len(entries)) + directory + bytes(99),
    )
    sides = struct.pack("<I", max(width - 1, 0))[:3] + struct.pack("<I", max(height - 1, 0))[:3]
    extended = b"VP8X" + struct.pack("<I", 10) + bytes(4) + sides + small("WEBP")[12:]
    yield f"{name}.webp", b"RIFF" + struct.pack("<I", len(extended) + 4) + b"WEBP" + extended
    at = (avif := small("AVIF")).index(b"ispe") + 8
    yield f"{name}.avif", avif[:at] + struct.pack(">II", width, height) + avif[at + 8 :]


@click.command()
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("--seed", default=1, show_default=True, help="The same seed builds the same files.")
def main(folder: Path, seed: int) -> None:
    """Build hostile photos in FOLDER, a new one, in a subfolder for each family.

    \b
    truncated   cut off at every marker, chunk and box
    damaged     with bytes changed, doubled, left out
    bombs       that grow or take for ever when they are opened
    animations  of thousands of frames
    sizes       of one pixel, of one row, of none
    modes       CMYK, 16 bits, floating point with NaN …
    lies        wrong endings, two formats in one file
    facts       broken EXIF, ICC profiles and XMP
    no photos   drawings, pages, archives, programs
    names       that break pages, spreadsheets and paths; links that lead out

    \b
    Look what a run makes of them:
      python -m scripts.hostile_photos var/hostile/images
      cp -r model var/hostile/
      STORAGE_URL=file:var/hostile python -m clothing run
    """
    if folder.exists():
        raise click.ClickException(f"{folder} is there already; name a folder that is not.")
    click.echo(f"{write_corpus(folder, seed)} hostile photos are in {folder}.")


if __name__ == "__main__":
    sys.exit(main())
