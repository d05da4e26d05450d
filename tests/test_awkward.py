"""Photos as they really come: each is classified as its plain self is, or fails with a reason."""

import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from clothing.batch import run_batch
from clothing.classifier import Classifier
from clothing.config import PROJECT
from clothing.photos import Counts, Failure
from clothing.storage import FolderContainer
from clothing.store import Store
from clothing.walk import Tuning
from tests.pictures import encoded, huge_png, truncated

PLAIN = PROJECT / "images" / "ClothingImages" / "trouser_black_on_white.jpg"


def plain() -> Image.Image:
    with Image.open(PLAIN) as image:
        return image.convert("RGB")


def rotated(orientation: int) -> bytes:
    """The photo as a camera writes it that was held on its side."""
    exif = Image.Exif()
    exif[0x0112] = orientation
    turned = {6: Image.Transpose.ROTATE_90, 3: Image.Transpose.ROTATE_180}[orientation]
    return encoded(plain().transpose(turned), "JPEG", exif=exif, quality=95)


def deep_grey() -> bytes:
    values = np.asarray(plain().convert("L"), np.uint16) * 257
    return encoded(Image.fromarray(values), "PNG")


def palette_with_transparency() -> bytes:
    return encoded(plain().quantize(64), "PNG", transparency=255)


def cut_out() -> bytes:
    """The garment alone, what lay behind it transparent."""
    image = plain()
    opacity = image.convert("L").point([0 if grey > 200 else 255 for grey in range(256)])
    image.putalpha(opacity)
    return encoded(image, "PNG")


def animation() -> bytes:
    frames = [plain().quantize(64), Image.new("RGB", plain().size, "red").quantize(64)]
    film = io.BytesIO()
    frames[0].save(film, "GIF", save_all=True, append_images=frames[1:], duration=100)
    return film.getvalue()


READABLE: dict[str, Callable[[], bytes]] = {
    "plain.jpg": PLAIN.read_bytes,
    "PLAIN.JPEG": PLAIN.read_bytes,
    "no ending": PLAIN.read_bytes,
    "really a jpeg.png": PLAIN.read_bytes,
    "cmyk.jpg": lambda: encoded(plain().convert("CMYK"), "JPEG", quality=95),
    "grey.jpg": lambda: encoded(plain().convert("L"), "JPEG", quality=95),
    "16 bit.png": deep_grey,
    "palette.png": palette_with_transparency,
    "transparent.png": cut_out,
    "animated.gif": animation,
    "rotated by 90.jpg": lambda: rotated(6),
    "rotated by 180.jpg": lambda: rotated(3),
    "web.webp": lambda: encoded(plain(), "WEBP"),
    "progressive.jpg": lambda: encoded(plain(), "JPEG", progressive=True),
    "space and 'quotes' and \"more\"; DROP TABLE image_prediction; --.jpg": PLAIN.read_bytes,
    "emoji 👖🧥 and ümläut and 漢字.jpg": PLAIN.read_bytes,
    "{braces} %s %(x)s ${PATH} <b>.jpg": PLAIN.read_bytes,
    "/".join(["ninehundred" * 10] * 8) + "/photo.jpg": PLAIN.read_bytes,
}

UNREADABLE: dict[str, tuple[bytes, str]] = {
    "truncated.jpg": (truncated(PLAIN.read_bytes()), "the picture is damaged"),
    "empty.jpg": (b"", "the file is empty"),
    "text.jpg": (b"Dear team, the photo is attached.", "a text file, not a photo"),
    "huge.png": (huge_png(30_000), "at most 50 megapixels are read"),
    "table.csv": (b"file,category\n", "a text file, not a photo"),
}


@pytest.fixture
def awkward(tmp_path: Path) -> FolderContainer:
    """A container of nothing but awkward photos, and an empty folder named like one."""
    folder = tmp_path / "awkward"
    for name, build in READABLE.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(build())
    for name, (content, _) in UNREADABLE.items():
        (folder / name).write_bytes(content)
    (folder / "stub.jpg").mkdir()
    return FolderContainer("images", folder)


def test_each_is_classified_rightly_or_fails_with_its_reason(
    store: Store, awkward: FolderContainer, classifier: Classifier
) -> None:
    opened = store.open_run("test")

    run = run_batch(store, opened, awkward, lambda: classifier, Tuning(4, 3, 2))

    assert run.status == "succeeded"
    assert run.counts == Counts(
        listed=len(READABLE) + len(UNREADABLE), classified=len(READABLE), failed=len(UNREADABLE)
    )
    answers = {one.prediction.photo.name: one.prediction for one in store.predictions()}
    assert {name: one.predicted_category for name, one in answers.items()} == dict.fromkeys(
        READABLE, "Trouser"
    )
    listed = list(awkward.list_photos())
    failures = {photo.name: one for photo, one in store.failures(run.run_id, listed).items()}
    assert {name: reason_of(failures[name], UNREADABLE[name][1]) for name in failures} == {
        name: reason for name, (_, reason) in UNREADABLE.items()
    }


def reason_of(failure: Failure, expected: str) -> str:
    """Return the part of a reason that is looked for, or all of it if that is not there."""
    assert failure.stage == "decode"
    return expected if expected in failure.reason else failure.reason
