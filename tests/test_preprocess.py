"""From bytes to the array: every kind of picture comes out right, everything else with a reason."""

import math
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image, ImageFilter
from PIL.PngImagePlugin import PngInfo

from clothing.card import GARMENT_ON_BLACK, WHOLE_IN_COLOUR, Card
from clothing.errors import ModelError, PhotoError
from clothing.preprocess import (
    FORMATS,
    MAX_PIXELS,
    decode,
    fault_of,
    preprocess,
    working_side,
)
from tests import pictures
from tests.pictures import a_garment, encoded, held, jpeg, noise, png, quarters, truncated
from tests.renew_golden import GOLDEN, golden_arrays

RED, GREEN, WHITE, BLACK = (255, 0, 0), (0, 255, 0), (255, 255, 255), (0, 0, 0)

MODES = ["1", "L", "P", "RGB", "RGBA", "LA", "CMYK", "YCbCr", "LAB", "HSV", "I", "F", "I;16"]

SOUND: list[bytes] = [
    encoded(noise(40, 30), form) for form in ("JPEG", "PNG", "GIF", "WEBP", "TIFF", "BMP", "AVIF")
] + [
    encoded(noise(40, 30), "JPEG", progressive=True),
    encoded(noise(40, 30), "TIFF", compression="tiff_lzw"),
    encoded(noise(40, 30), "TIFF", compression="jpeg"),
    encoded(noise(40, 30), "WEBP", lossless=True),
    pictures.palette_png("red", transparent=True),
    pictures.animated("GIF", "red", "lime"),
    held(6),
]
"""Files that open, for mutations."""


def assert_color(image: Image.Image, at: tuple[int, int], color: tuple[int, ...]) -> None:
    """Assert that a pixel has a colour, within what a lossy format may change."""
    assert image.mode == "RGB"
    assert image.getpixel(at) == pytest.approx(color, abs=4)


def reason_for(content: bytes) -> str:
    with pytest.raises(PhotoError) as refusal:
        decode(content)
    return str(refusal.value)


# decode: what comes out right


@pytest.mark.parametrize("form", FORMATS)
def test_every_format_is_read(form: str) -> None:
    image = decode(encoded(Image.new("RGB", (60, 80), "red"), form))

    assert image.size == (60, 80)
    assert_color(image, (30, 40), RED)


@pytest.mark.parametrize("form", ["PPM", "TGA", "PCX", "ICO", "JPEG2000", "SGI"])
def test_formats_that_no_camera_writes_stay_shut(form: str) -> None:
    reason = reason_for(encoded(Image.new("RGB", (60, 80), "red"), form))

    assert reason.startswith("not a photo in any format that is read")


@pytest.mark.parametrize("at_least", [0, 20])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_however_the_camera_was_held_the_picture_is_upright(
    orientation: int, at_least: int
) -> None:
    image = decode(held(orientation), at_least)

    width, height = image.size
    assert width / height == 1.5
    assert_color(image, (width // 8, height // 8), RED)
    assert_color(image, (width * 7 // 8, height // 8), GREEN)
    assert_color(image, (width // 8, height * 7 // 8), (0, 0, 255))
    assert_color(image, (width * 7 // 8, height * 7 // 8), (255, 255, 0))


@pytest.mark.parametrize("form", ["PNG", "WEBP"])
def test_orientation_counts_in_other_formats_too(form: str) -> None:
    image = decode(held(6, form))

    assert image.size == quarters().size
    assert_color(image, (90, 5), GREEN)


@pytest.mark.parametrize("orientation", [0, 9, 65535])
def test_an_orientation_that_there_is_not_changes_nothing(orientation: int) -> None:
    image = decode(held(orientation))

    assert image.size == quarters().size
    assert_color(image, (5, 5), RED)


@pytest.mark.filterwarnings("ignore")  # as in the service, where a warning stops nothing
def test_broken_exif_is_no_reason_to_refuse_a_photo() -> None:
    image = decode(pictures.broken_exif_jpeg("red"))

    assert_color(image, (30, 40), RED)


@pytest.mark.parametrize(
    ("content", "color"),
    [
        (pictures.cmyk_jpeg(0, 255, 255, 0), RED),
        (pictures.cmyk_jpeg(0, 0, 0, 255), BLACK),
        (pictures.cmyk_jpeg(0, 0, 0, 0), WHITE),
        (pictures.grey16_png(0), BLACK),
        (pictures.grey16_png(0x8000), (128, 128, 128)),
        (pictures.grey16_png(65535), WHITE),
        (pictures.palette_png((255, 0, 0)), RED),
        (encoded(Image.new("1", (60, 80), 1), "PNG"), WHITE),
        (encoded(Image.new("L", (60, 80), 100), "JPEG"), (100, 100, 100)),
        (pictures.la_png(100, 255), (100, 100, 100)),
        (pictures.rgba_png((255, 0, 0, 255)), RED),
        (encoded(Image.new("LAB", (60, 80), (0, 128, 128)), "TIFF"), BLACK),
    ],
    ids=[
        "CMYK red",
        "CMYK black",
        "CMYK white",
        "16-bit black",
        "16-bit grey",
        "16-bit white",
        "palette",
        "1-bit",
        "grey",
        "opaque grey",
        "opaque red",
        "LAB",
    ],
)
def test_every_kind_of_pixel_has_its_colour(content: bytes, color: tuple[int, int, int]) -> None:
    assert_color(decode(content), (30, 40), color)


@pytest.mark.parametrize(
    "content",
    [
        pictures.float_tiff(0.0, 1.0),
        pictures.float_tiff(-5.0, 1e30),
        pictures.deep_tiff(0, 100_000),
        pictures.float_tiff(10.0, 11.0),
        pictures.deep_tiff(100_000, 200_000),
        encoded(Image.fromarray(np.repeat([[0, 65535]], 30, 1).astype(">u2")), "TIFF"),
    ],
    ids=["float", "float of any range", "32-bit", "light float", "light 32-bit", "16-bit"],
)
def test_deep_greys_keep_dark_dark_and_light_light(content: bytes) -> None:
    image = decode(content)

    assert_color(image, (5, 0), BLACK)
    assert_color(image, (55, 0), WHITE)


@pytest.mark.parametrize("number", [math.nan, math.inf, -math.inf])
def test_numbers_that_are_none_become_dark(number: float) -> None:
    values = np.repeat(np.array([[number, 0, 1]], np.float32), 20, axis=1)

    image = decode(encoded(Image.fromarray(values), "TIFF"))

    assert_color(image, (5, 0), BLACK)
    assert_color(image, (30, 0), BLACK)
    assert_color(image, (55, 0), WHITE)


@pytest.mark.parametrize(
    "content",
    [
        pictures.rgba_png((255, 0, 0, 0)),
        pictures.la_png(0, 0),
        pictures.palette_png("red", transparent=True),
        pictures.keyed_png((255, 0, 0)),
        encoded(Image.new("RGBA", (60, 80), (255, 0, 0, 0)), "WEBP", lossless=True),
        encoded(Image.new("RGBA", (60, 80), (255, 0, 0, 0)), "GIF"),
        encoded(Image.new("RGBA", (60, 80), (255, 0, 0, 0)), "TIFF"),
        encoded(Image.new("PA", (60, 80), (0, 0)), "TIFF"),
    ],
    ids=["RGBA", "LA", "palette", "keyed", "WebP", "GIF", "TIFF", "palette TIFF"],
)
def test_transparent_is_white(content: bytes) -> None:
    assert_color(decode(content), (30, 40), WHITE)


def test_half_transparent_is_half_white() -> None:
    assert_color(decode(pictures.rgba_png((255, 0, 0, 128))), (30, 40), (255, 127, 127))


def test_a_large_transparent_picture_is_whole() -> None:
    image = Image.new("RGBA", (1024, 1100), (255, 0, 0, 0))
    image.paste((0, 255, 0, 255), (0, 1090, 1024, 1100))

    shown = decode(encoded(image, "PNG", compress_level=1))

    assert_color(shown, (5, 5), WHITE)
    assert_color(shown, (5, 1085), WHITE)
    assert_color(shown, (5, 1095), GREEN)


@pytest.mark.parametrize("form", ["GIF", "PNG", "WEBP", "TIFF", "MPO"])
def test_of_an_animation_the_first_picture_is_taken(form: str) -> None:
    assert_color(decode(pictures.animated(form, "red", "lime", "blue")), (30, 40), RED)


def test_the_bytes_may_go_on_behind_the_picture() -> None:
    assert_color(decode(jpeg("red") + bytes(1000)), (30, 40), RED)


# decode: smaller than it is


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 700), st.integers(1, 700), st.integers(1, 300))
def test_a_jpeg_keeps_at_least_the_pixels_asked_for(width: int, height: int, at_least: int) -> None:
    image = decode(jpeg(size=(width, height)), at_least)

    assert min(image.size) >= min(at_least, width, height)
    assert image.size <= (width, height)


@pytest.mark.parametrize(
    ("at_least", "size"),
    [(0, (1600, 1200)), (112, (200, 150)), (400, (800, 600)), (2000, (1600, 1200))],
)
def test_a_large_jpeg_is_decoded_no_larger_than_needed(
    at_least: int, size: tuple[int, int]
) -> None:
    assert decode(jpeg(size=(1600, 1200)), at_least).size == size


@pytest.mark.parametrize("content", [pictures.cmyk_jpeg(0, 255, 255, 0), held(1)])
def test_a_picture_that_is_decoded_smaller_keeps_its_colours(content: bytes) -> None:
    assert_color(decode(content, 8), (1, 1), RED)


# decode: what is refused


@pytest.mark.parametrize(
    ("kind", "reason"),
    [
        ("empty", "the file is empty"),
        ("text", "a text file, not a photo"),
        ("html", "a web page or drawing, not a photo"),
        ("svg", "a web page or drawing, not a photo"),
        ("pdf", "a PDF, not a photo"),
        ("zip", "a zip archive, not a photo"),
        ("heic", "a HEIC photo, which is not read; have the phone save JPEG"),
        ("truncated jpeg", "the picture is damaged: image file is truncated"),
        ("truncated png", "the picture is damaged: "),
        ("first bytes of a jpeg", "the picture is damaged: its beginning cannot be read"),
        ("random bytes", "not a photo in any format that is read (JPEG, PNG"),
        ("30,000 x 30,000 pixels", "the picture is too large; at most 50 megapixels"),
    ],
)
def test_what_cannot_be_read_is_refused_with_a_reason(kind: str, reason: str) -> None:
    assert reason_for(pictures.UNREADABLE[kind]).startswith(reason)


@pytest.mark.parametrize("brand", [b"heic", b"heix", b"mif1", b"msf1"])
def test_a_phones_own_format_is_named_whatever_it_calls_itself(brand: bytes) -> None:
    assert "HEIC" in reason_for(pictures.heic().replace(b"ftypheic", b"ftyp" + brand))


def test_the_first_bytes_of_a_png_are_a_damaged_picture() -> None:
    assert "its beginning cannot be read" in reason_for(png()[:7])


def test_a_table_is_a_text_too() -> None:
    assert reason_for(b"name\tsize\nshirt\tM\n") == "a text file, not a photo"


def test_every_unreadable_kind_has_a_reason_in_words() -> None:
    reasons = [reason_for(content) for content in pictures.UNREADABLE.values()]

    assert all(2 < len(reason.split()) < 40 for reason in reasons)
    assert not any("<" in reason or "0x" in reason or "\n" in reason for reason in reasons)


@pytest.mark.parametrize("form", ["JPEG", "PNG", "GIF", "WEBP", "TIFF", "BMP", "AVIF"])
def test_a_truncated_picture_is_refused_with_a_reason(form: str) -> None:
    content = truncated(encoded(noise(60, 80), form))

    assert any(word in reason_for(content) for word in ("damaged", "not a photo in any format"))


def test_whatever_a_decoder_raises_the_photo_is_refused() -> None:
    """Pillow answers a text of 2 MB in a PNG with a ValueError."""
    text = PngInfo()
    text.add_text("comment", "x" * 2 * 2**20, zip=True)

    assert "damaged: Decompressed data too large" in reason_for(png(pnginfo=text))


def test_a_picture_that_memory_does_not_hold_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    def convert(image: Image.Image, mode: str) -> Image.Image:
        raise MemoryError

    monkeypatch.setattr(Image.Image, "convert", convert)

    assert "needs too much memory" in reason_for(encoded(Image.new("L", (60, 80)), "PNG"))


@pytest.mark.parametrize("side", [7_072, 9_500, 13_000, 13_500, 30_000, 2**31 - 1])
def test_too_many_pixels_are_refused_before_they_take_memory(side: int) -> None:
    assert side**2 > MAX_PIXELS

    assert "at most 50 megapixels are read" in reason_for(pictures.huge_png(side))


@pytest.mark.filterwarnings("ignore")  # whoever imports this module may reset the filters
def test_too_many_pixels_are_refused_whatever_is_done_with_warnings() -> None:
    assert "at most 50 megapixels are read" in reason_for(pictures.huge_png(10_000))


def test_a_picture_of_just_the_most_pixels_is_read() -> None:
    width, height = 5_000, 10_000
    assert width * height == MAX_PIXELS

    image = decode(encoded(Image.new("1", (width, height)), "PNG"))

    assert image.size == (width, height)


@pytest.mark.filterwarnings("ignore")  # as in the service, where a warning stops nothing
@settings(max_examples=150, deadline=None)
@given(
    st.sampled_from([b"", b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"GIF89a", b"RIFF", b"BM"])
    | st.sampled_from(
        [b"II*\0", b"MM\0*", b"II+\0", b"\0\0\0\x18ftypavif", b"<svg", b"PK\x03\x04"]
    ),
    st.binary(max_size=300),
)
def test_arbitrary_bytes_are_decoded_or_refused(start: bytes, rest: bytes) -> None:
    _assert_decoded_or_refused(start + rest)


@pytest.mark.filterwarnings("ignore")
@settings(max_examples=250, deadline=None)
@given(
    st.sampled_from(SOUND),
    st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.integers(0, 255)), max_size=6),
    st.floats(0.02, 1),
    st.booleans(),
)
def test_a_mutated_picture_is_decoded_or_refused(
    content: bytes, edits: list[tuple[float, int]], share: float, at_the_start: bool
) -> None:
    mutated = bytearray(content)
    for place, value in edits:
        mutated[int(place * (min(len(mutated), 120) if at_the_start else len(mutated)))] = value

    _assert_decoded_or_refused(truncated(bytes(mutated), share if share < 0.5 else 1))


def _assert_decoded_or_refused(content: bytes) -> None:
    try:
        image = decode(content, 16)
    except PhotoError as reason:
        assert str(reason)
    else:
        assert image.mode == "RGB"
        assert min(image.size) > 0


# preprocess


def test_a_picture_is_decoded_with_all_the_pixels_that_the_array_needs() -> None:
    assert working_side(Card(height=28, width=20)) == 112
    assert working_side(COLOUR) == 80


def test_an_array_is_put_where_it_belongs_in_a_batch() -> None:
    batch = np.zeros((2, 28, 28, 1), np.float32)

    preprocess(a_garment(dark_on_light=True), Card(), out=batch[1])

    assert not batch[0].any()
    np.testing.assert_array_equal(batch[1], preprocess(a_garment(dark_on_light=True), Card()))


@pytest.mark.parametrize(
    "card", [Card(preprocessing="garment-on-black-2"), Card(preprocessing=""), Card(channels=3)]
)
def test_steps_that_this_version_does_not_know_are_refused(card: Card) -> None:
    with pytest.raises(ModelError) as refusal:
        preprocess(noise(9, 9), card)

    known = f"{GARMENT_ON_BLACK} for 1 channel(s) and {WHOLE_IN_COLOUR} for 3 channel(s)"
    assert known in str(refusal.value)
    assert f"{card.preprocessing} for {card.channels}" in str(refusal.value)


@settings(max_examples=60, deadline=None)
@given(
    st.integers(1, 150),
    st.integers(1, 150),
    st.sampled_from(MODES),
    st.sampled_from([(28, 28), (1, 1), (20, 33)]),
)
def test_any_picture_becomes_an_array_of_the_cards_shape(
    width: int, height: int, mode: str, shape: tuple[int, int]
) -> None:
    form = {"HSV": "PNG", "YCbCr": "JPEG", "LAB": "TIFF", "F": "TIFF", "I": "TIFF", "CMYK": "TIFF"}
    picture = noise(width, height, mode)
    shown = picture.convert("RGB") if mode == "HSV" else picture
    content = encoded(shown, form.get(mode, "PNG"))
    card = Card(height=shape[0], width=shape[1])

    _assert_array(preprocess(decode(content, working_side(card)), card), card)


@pytest.mark.parametrize(
    "size", [(1, 1), (1, 2), (300, 1), (1, 300), (3000, 10), (10, 3000), (30_000, 1)]
)
def test_a_sliver_of_a_picture_becomes_an_array_too(size: tuple[int, int]) -> None:
    _assert_array(preprocess(decode(png(size=size)), Card()), Card())


def _assert_array(array: NDArray[np.float32], card: Card) -> None:
    assert array.shape == (card.height, card.width, card.channels)
    assert array.dtype == np.float32
    assert array.flags.c_contiguous
    assert np.isfinite(array).all()
    assert 0 <= array.min() <= array.max() <= 1


@pytest.mark.parametrize("color", ["black", "white", "navy", (127, 127, 127)])
@pytest.mark.parametrize("size", [(1, 1), (28, 28), (300, 200)])
def test_a_blank_picture_is_black(color: pictures.Color, size: tuple[int, int]) -> None:
    array = preprocess(Image.new("RGB", size, color), Card())

    assert not array.any()


def test_what_a_sensor_adds_to_a_blank_picture_is_not_stretched() -> None:
    pixels = np.random.default_rng(1).integers(198, 203, (280, 280, 3), np.uint8)

    array = preprocess(Image.fromarray(pixels), Card())

    assert array.max() < 0.03


@pytest.mark.parametrize("seed", range(5))
def test_a_picture_like_fashion_mnists_comes_out_as_it_went_in(seed: int) -> None:
    published = np.zeros((28, 28), np.uint8)
    published[1:27, 5:22] = np.random.default_rng(seed).integers(90, 256, (26, 17))
    published[10:12, 5:22] = 255

    array = preprocess(Image.fromarray(published).convert("RGB"), Card())

    assert np.abs(array[:, :, 0] - published / 255).max() <= 1 / 255


@pytest.mark.parametrize("size", [28, 84, 280, 1000])
def test_dark_on_white_and_light_on_black_give_the_same_array(size: int) -> None:
    dark, light = (
        preprocess(a_garment(dark_on_light, size), Card()) for dark_on_light in (True, False)
    )

    assert np.abs(dark - light).max() <= 1 / 255
    assert light.max() > 0.7


def test_dark_on_white_and_light_on_black_give_nearly_the_same_array_as_jpegs() -> None:
    dark, light = (
        preprocess(decode(encoded(a_garment(dark_on_light), "JPEG"), 112), Card())
        for dark_on_light in (True, False)
    )

    assert np.abs(dark - light).mean() < 0.01


def test_the_garment_is_light_and_its_background_black() -> None:
    array = preprocess(a_garment(dark_on_light=True), Card())[:, :, 0]

    assert array[14, 14] > 0.7
    assert array[0].max() == array[:, 0].max() == 0


def test_a_faint_garment_is_stretched() -> None:
    image = Image.new("RGB", (280, 280), (250, 250, 245))
    image.paste((225, 225, 220), (40, 20, 240, 260))

    array = preprocess(image, Card())

    assert array[14, 14, 0] == 1
    assert array[0, 0, 0] == 0


@pytest.mark.parametrize(("tone", "light"), [(208, 1), (203, 3 / 255), (55, 145 / 255)])
def test_only_what_is_faint_but_not_blank_is_stretched(tone: int, light: float) -> None:
    image = Image.new("RGB", (280, 280), (200, 200, 200))
    image.paste((tone, tone, tone), (40, 20, 240, 260))

    array = preprocess(image, Card())

    assert array[14, 14, 0] == pytest.approx(light, abs=1 / 255)


def test_a_garment_of_the_backgrounds_brightness_is_seen_by_its_colour() -> None:
    image = Image.new("RGB", (280, 280), (200, 0, 0))
    image.paste((0, 102, 0), (40, 20, 240, 260))  # the same grey

    array = preprocess(image, Card())

    assert array[14, 14, 0] > 0.7


def test_a_small_garment_is_shown_as_large_as_fits() -> None:
    image = Image.new("RGB", (400, 300), "white")
    image.paste("navy", (220, 150, 260, 230))

    array = preprocess(image, Card())[:, :, 0]

    rows, columns = np.flatnonzero(array.max(axis=1) > 0.2), np.flatnonzero(array.max(axis=0) > 0.2)
    assert (rows[0], rows[-1]) == (0, 27)
    assert abs((columns[0] + columns[-1]) - 27) <= 1  # in the middle
    assert 12 <= len(columns) <= 16  # as slim as it was


@pytest.mark.parametrize(
    "box",
    [(60, 95, 1060, 105), (10, 98, 950, 102), (200, 90, 1000, 97), (100, 98, 1000, 101)],
)
def test_a_thin_belt_does_not_vanish(box: tuple[int, int, int, int]) -> None:
    image = Image.new("RGB", (1120, 200), "white")
    image.paste("black", box)

    array = preprocess(image, Card())

    assert array.max() > 0.1


def test_a_thread_alone_is_shown_where_it_lies() -> None:
    image = Image.new("RGB", (112, 112), "white")
    image.paste("black", (10, 50, 100, 51))

    array = preprocess(image, Card())[:, :, 0]

    assert np.flatnonzero(array.max(axis=1) > 0.1).tolist() == [12]


@pytest.mark.parametrize("lies", [False, True])
def test_a_strap_belongs_to_its_bag(lies: bool) -> None:
    image = Image.new("RGB", (100, 100), "white")
    image.paste("black", (30, 50, 70, 80))
    image.paste("black", (49, 20, 52, 50))

    array = preprocess(image.rotate(90) if lies else image, Card())[:, :, 0]

    upright = np.rot90(array, -1) if lies else array
    assert upright[:12].max() > 0.2
    assert upright[:12].mean() < 0.2 < upright[16:27].mean()


@pytest.mark.parametrize("size", [(3000, 10), (600, 2)])
def test_a_garment_on_a_sliver_is_one_row(size: tuple[int, int]) -> None:
    image = Image.new("RGB", size, "white")
    image.paste("navy", (size[0] // 3, 0, size[0] * 2 // 3, size[1]))

    array = preprocess(image, Card())[:, :, 0]

    assert np.count_nonzero(array.max(axis=1) > 0.2) == 1


def test_a_tall_picture_gives_what_it_gives_lying() -> None:
    tall = Image.new("RGB", (300, 900), "white")
    tall.paste("navy", (60, 100, 180, 700))
    tall.paste("red", (100, 200, 250, 300))

    upright = preprocess(tall, Card())
    lying = preprocess(tall.transpose(Image.Transpose.TRANSPOSE), Card())

    assert np.abs(upright - lying.transpose(1, 0, 2)).max() <= 1 / 255


def test_the_frame_of_a_scan_is_no_background() -> None:
    image = Image.new("RGB", (200, 200), "black")
    image.paste("white", (1, 1, 199, 199))
    image.paste("navy", (50, 40, 150, 160))

    array = preprocess(image, Card())[:, :, 0]

    assert array[3, 3] < 0.1 < array[14, 14]


def test_of_a_tiny_picture_the_outermost_pixels_are_the_background() -> None:
    image = Image.new("RGB", (20, 20), "navy")
    for side in ((0, 0, 1, 20), (19, 0, 20, 20), (0, 19, 20, 20)):
        image.paste("white", side)

    array = preprocess(image, Card())[:, :, 0]

    assert array[14, 14] > 0.7


def test_the_picture_that_is_handed_over_stays_as_it_is() -> None:
    image = a_garment(dark_on_light=True)
    before = image.tobytes()

    preprocess(image, Card())

    assert image.tobytes() == before


def test_preprocessing_gives_what_it_always_gave() -> None:
    """If this fails on purpose: a new version in `card.py`, then `python -m tests.renew_golden`."""
    with np.load(GOLDEN) as golden:
        expected = dict(golden)

    arrays = golden_arrays()

    assert arrays.keys() == expected.keys()
    for name, array in arrays.items():
        np.testing.assert_array_equal(array, expected[name], err_msg=name, strict=True)


def test_the_golden_pictures_show_something() -> None:
    assert all(array.max() - array.min() > 0.2 for array in golden_arrays().values())


# --- the whole picture in colour ----------------------------------------------------------------

COLOUR = Card(height=80, width=64, channels=3, preprocessing=WHOLE_IN_COLOUR)


@pytest.mark.parametrize("size", [(1, 1), (3, 900), (900, 3), (64, 80), (28, 28), (400, 530)])
def test_any_picture_fits_whole_into_the_colour_array(size: tuple[int, int]) -> None:
    _assert_array(preprocess(noise(*size), COLOUR), COLOUR)


def test_a_picture_of_the_arrays_size_comes_out_as_it_went_in() -> None:
    image = noise(64, 80)

    array = preprocess(image, COLOUR)

    np.testing.assert_array_equal((array * 255).round(), np.asarray(image))


def test_a_wide_picture_lies_in_the_middle_of_the_colour_of_its_edge() -> None:
    image = Image.new("RGB", (128, 64), (10, 200, 30))
    image.paste((250, 0, 0), (32, 16, 96, 48))

    array = (preprocess(image, COLOUR) * 255).round()

    np.testing.assert_array_equal(array[0, 0], [10, 200, 30])
    np.testing.assert_array_equal(array[79, 63], [10, 200, 30])
    np.testing.assert_array_equal(array[40, 32], [250, 0, 0])


def test_the_background_is_a_narrow_ring() -> None:
    image = Image.new("RGB", (64, 40), "white")
    image.paste("navy", (2, 2, 62, 38))

    array = preprocess(image, COLOUR)

    assert array[0, 0].tolist() == [1, 1, 1]


@pytest.mark.parametrize(("size", "axis"), [((900, 3), 0), ((3, 900), 1)])
def test_of_a_sliver_one_row_is_shown(size: tuple[int, int], axis: int) -> None:
    array = preprocess(noise(*size), COLOUR)

    other = (array != array[0, 0]).any(axis=2).any(axis=1 - axis)
    assert other.sum() == 1
    assert other[other.size // 2 - 1 : other.size // 2 + 1].any()  # in the middle


@pytest.mark.parametrize("size", [(3000, 4000), (4000, 3000), (320, 427), (427, 320)])
def test_a_large_jpeg_decoded_small_gives_nearly_the_same_colours(size: tuple[int, int]) -> None:
    image = Image.effect_mandelbrot(size, (-2, -1.5, 1, 1.5), 30).convert("RGB")
    content = encoded(image, "JPEG")

    small, full = (preprocess(decode(content, side), COLOUR) for side in (working_side(COLOUR), 0))

    assert np.abs(small - full).mean() < 0.02


# --- pictures that nobody could tell anything from ----------------------------------------------


@pytest.mark.parametrize("dark_on_light", [True, False])
def test_a_picture_that_one_can_look_at_has_no_fault(dark_on_light: bool) -> None:
    assert fault_of(a_garment(dark_on_light)) == ""


@pytest.mark.parametrize(
    ("spoil", "fault"),
    [
        (lambda image: Image.eval(image, lambda tone: tone // 8), "too dark to see"),
        (lambda image: image.filter(ImageFilter.GaussianBlur(image.width // 16)), "blurred"),
        (lambda image: Image.new("RGB", image.size, "white"), "nothing on it to see"),
        (lambda image: Image.new("RGB", (1, 1), "white"), "nothing on it to see"),
    ],
)
def test_what_nobody_could_tell_has_a_reason_in_words(
    spoil: Callable[[Image.Image], Image.Image], fault: str
) -> None:
    assert fault_of(spoil(a_garment(True).resize((300, 300)))) == fault


def test_the_smallest_published_pictures_count_as_sharp() -> None:
    assert fault_of(a_garment(False).resize((28, 28))) == ""


def stripes(period: float, low: int, high: int) -> Image.Image:
    """Return a picture whose tone swings from row to row."""
    swing = np.cos((np.arange(96) + 0.5) * 2 * np.pi / period)
    rows = np.round((low + high) / 2 + (high - low) / 2 * swing).astype(np.uint8)
    return Image.fromarray(np.repeat(rows[:, None], 96, axis=1)).convert("RGB")


@pytest.mark.parametrize("lies", [False, True])
@pytest.mark.parametrize("size", [24, 96, 960])
def test_a_sharp_picture_is_sharp_at_any_size(size: int, lies: bool) -> None:
    image = stripes(12, 20, 220)
    shown = image.crop((0, 0, size, size)) if size < 96 else image.resize((size, size))

    assert fault_of(shown.rotate(90) if lies else shown) == ""


@pytest.mark.parametrize("lies", [False, True])
def test_light_that_fades_is_no_edge(lies: bool) -> None:
    rows = np.linspace(20, 220, 96).astype(np.uint8)
    picture = Image.fromarray(np.repeat(rows[:, None], 64, axis=1)).convert("RGB")

    assert fault_of(picture.rotate(90, expand=True) if lies else picture) == "blurred"


@pytest.mark.parametrize(("white", "is_dark"), [(46, True), (200, False)])
def test_a_few_bright_pixels_do_not_light_a_picture(white: int, is_dark: bool) -> None:
    pixels = np.zeros(96 * 96, np.uint8)
    pixels[:white] = 255

    fault = fault_of(Image.fromarray(pixels.reshape(96, 96)).convert("RGB"))

    assert (fault == "too dark to see") is is_dark


@pytest.mark.parametrize(("tone", "fault"), [(51, ""), (50, "too dark to see")])
def test_a_fifth_of_white_is_just_bright_enough(tone: int, fault: str) -> None:
    pixels = np.zeros((96, 96), np.uint8)
    pixels[::2] = tone

    assert fault_of(Image.fromarray(pixels).convert("RGB")) == fault


@pytest.mark.parametrize(("high", "fault"), [(76, ""), (58, ""), (44, "too dark to see")])
def test_a_picture_is_too_dark_where_nothing_reaches_a_fifth(high: int, fault: str) -> None:
    assert fault_of(stripes(6, 0, high)) == fault


@pytest.mark.parametrize(("swing", "fault"), [(12, ""), (9, ""), (6, "nothing on it to see")])
def test_a_picture_is_blank_where_its_tones_are_nearly_one(swing: int, fault: str) -> None:
    assert fault_of(stripes(6, 128 - swing, 128 + swing)) == fault


@pytest.mark.parametrize(("period", "fault"), [(8, ""), (12, ""), (16, "blurred")])
def test_a_picture_is_blurred_where_its_edges_are_soft(period: int, fault: str) -> None:
    assert fault_of(stripes(period, 20, 220)) == fault
