"""The decoder that survives what it decodes: real children that crash, hang and swell."""

import io
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import numpy as np
import psutil
import pytest
from PIL import Image

from clothing.config import PROJECT
from clothing.errors import PhotoError
from clothing.preprocess import decode
from clothing.sandbox import PLAIN_PIXELS, Decoder, is_plain
from scripts.hostile_photos import endless_scans, small
from tests import alive
from tests.alive import soon
from tests.pictures import UNREADABLE, animated, encoded, float_tiff, held, jpeg, png

pytestmark = pytest.mark.slow

POSIX = pytest.mark.skipif(os.name != "posix", reason="Windows has neither signals nor limits")

ELSEWHERE = {
    "webp": lambda: small("WEBP"),
    "webp held on its side": lambda: held(6, "WEBP"),
    "transparent webp": lambda: small("WEBP", "RGBA", lossless=True),
    "avif": lambda: small("AVIF"),
    "gif": lambda: animated("GIF", "red", "blue"),
    "bmp": lambda: small("BMP"),
    "tiff": lambda: float_tiff(0, 1),
    "16-bit png": lambda: small("PNG", "I;16"),
}
"""Pictures that are decoded in a child."""


@pytest.fixture
def decoder() -> Iterator[Decoder]:
    """A decoder with one child at most, and with patience: other tests take the cores, too."""
    with Decoder(seconds=60) as decoder:
        yield decoder


@pytest.fixture(scope="module")
def endless() -> bytes:
    """A photo that takes its decoder much longer than it may."""
    return endless_scans()


def children() -> list[psutil.Process]:
    """Return the decoders that this process has started."""
    return alive.children("clothing.sandbox")


def refusal(decoder: Decoder, content: bytes) -> str:
    """Return why a picture cannot be used."""
    with pytest.raises(PhotoError) as refused:
        decoder.decode(content)
    return str(refused.value)


@pytest.mark.parametrize("name", ELSEWHERE)
def test_a_picture_comes_out_of_a_child_as_it_would_here(decoder: Decoder, name: str) -> None:
    content = ELSEWHERE[name]()

    image = decoder.decode(content, 16)

    assert not is_plain(content)
    assert image.size == decode(content, 16).size
    assert image.tobytes() == decode(content, 16).tobytes()


@pytest.mark.parametrize("name", UNREADABLE)
def test_what_is_no_picture_is_told_in_the_same_words(decoder: Decoder, name: str) -> None:
    with pytest.raises(PhotoError) as here:
        decode(UNREADABLE[name])

    assert refusal(decoder, UNREADABLE[name]) == str(here.value)


def test_plain_pictures_start_no_child(decoder: Decoder) -> None:
    for content in (jpeg(), png(), jpeg(progressive=True), held(6), b""):
        if content:
            decoder.decode(content)
        else:
            refusal(decoder, content)

    assert not children()


def test_one_child_serves_many_photos_and_ends_with_the_decoder() -> None:
    with Decoder() as decoder:
        decoder.decode(small("WEBP"))
        (first,) = children()
        decoder.decode(small("GIF"))
        refusal(decoder, b"no photo")
        assert children() == [first]

    assert not children()


@POSIX
def test_a_crash_costs_the_photo_and_nothing_else(decoder: Decoder, endless: bytes) -> None:
    def crash() -> None:
        assert soon(lambda: bool(children()) and children()[0].cpu_times().user > 0.5)
        children()[0].send_signal(signal.SIGSEGV)

    killer = threading.Thread(target=crash)
    killer.start()
    reason = refusal(decoder, endless)
    killer.join()

    assert reason == "the picture's decoder crashed"
    assert decoder.decode(small("WEBP")).size == (48, 64)


def test_a_child_that_died_between_two_photos_is_replaced(decoder: Decoder) -> None:
    decoder.decode(small("WEBP"))
    (first,) = children()
    first.kill()

    image = decoder.decode(small("WEBP"))

    assert image.size == (48, 64)
    assert first not in children()


def test_decoding_that_takes_too_long_is_ended(endless: bytes) -> None:
    with Decoder(seconds=0.5) as decoder:
        assert refusal(decoder, endless) == "decoding took longer than 0.5 s"
        assert not children()

    with Decoder() as decoder:
        assert decoder.decode(small("WEBP")).size == (48, 64)


@POSIX
def test_a_picture_that_grows_too_large_is_refused(decoder: Decoder) -> None:
    picture = Image.new("RGB", (7000, 7000), "navy")

    reason = refusal(decoder, encoded(picture, "WEBP", quality=1, method=0))

    assert reason == "the picture needs too much memory to be read"
    assert decoder.decode(small("WEBP")).size == (48, 64)


@pytest.mark.skipif(sys.platform != "linux", reason="the peak is read from /proc")
def test_the_child_stays_below_512_megabytes(decoder: Decoder) -> None:
    for picture in (Image.new("LA", (7000, 7000), (9, 9)), Image.new("F", (5000, 5000), 0.5)):
        form = "PNG" if picture.mode == "LA" else "TIFF"
        image = decoder.decode(encoded(picture, form), 100)

        assert image.width * image.height <= PLAIN_PIXELS

    (child,) = children()
    status = Path(f"/proc/{child.pid}/status").read_text()
    peak = int(status.partition("VmHWM:")[2].split()[0])  # KB
    assert 100_000 < peak < 512_000


def test_a_large_picture_is_handed_over_reduced_but_not_too_far(decoder: Decoder) -> None:
    content = encoded(Image.new("L", (5200, 5200), 99), "GIF")

    assert decoder.decode(content, 500).size == (2600, 2600)
    assert decoder.decode(content, 3000).size == (5200, 5200)
    assert decoder.decode(content, 500).getpixel((2599, 2599)) == (99, 99, 99)


def test_threads_share_as_many_children_as_there_are_workers() -> None:
    contents = [small("WEBP"), small("GIF"), b"text", small("PNG")] * 10
    most = 0

    def size_of(decoder: Decoder, content: bytes) -> tuple[int, int] | None:
        nonlocal most
        most = max(most, len(children()))
        try:
            return decoder.decode(content).size
        except PhotoError:
            return None

    with Decoder(workers=2) as decoder, ThreadPoolExecutor(6) as pool:
        decoded = list(pool.map(partial(size_of, decoder), contents))

    assert decoded == [(48, 64), (48, 64), None, (48, 64)] * 10
    assert 1 <= most <= 2


@pytest.mark.skipif(sys.platform != "linux", reason="the environment is read from /proc")
def test_the_child_is_told_no_secret(decoder: Decoder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("API_KEY", "planted-secret")
    monkeypatch.setenv("DATABASE_URL", "planted-secret")

    decoder.decode(small("WEBP"))

    (child,) = children()
    assert "planted-secret" not in str(child.environ())


@POSIX
@pytest.mark.parametrize("busy", [False, True])
def test_the_child_ends_with_whoever_started_it(endless: bytes, busy: bool) -> None:
    program = (
        "import sys, time; from clothing.sandbox import Decoder; decoder = Decoder(seconds=5)\n"
        "decoder.decode(sys.stdin.buffer.read()); time.sleep(60)"
    )
    command = [sys.executable, "-c", program]
    parent = subprocess.Popen(command, cwd=PROJECT, stdin=subprocess.PIPE)
    assert parent.stdin
    parent.stdin.write(endless if busy else small("WEBP"))
    parent.stdin.close()
    assert soon(lambda: bool(psutil.Process(parent.pid).children()))
    (child,) = psutil.Process(parent.pid).children()
    assert soon(lambda: child.cpu_times().user > (0.3 if busy else 0.02))

    parent.kill()
    parent.wait()

    assert soon(lambda: not child.is_running())


REFUSED = """
import resource, runpy, sys
def refuse(*_): raise ValueError("current limit exceeds maximum limit")
resource.setrlimit = refuse
sys.argv = ["clothing.sandbox", "60"]
runpy.run_module("clothing.sandbox", run_name="__main__")
"""


@pytest.mark.parametrize(
    "how", [["-m", "clothing.sandbox", "60"], pytest.param(["-c", REFUSED], marks=POSIX)]
)
def test_the_child_speaks_the_frames_that_its_module_describes(how: list[str]) -> None:
    """Also where the system refuses to limit it, as macOS does once more is mapped already."""
    content = small("WEBP")
    asked = len(content).to_bytes(8, "big") + (0).to_bytes(4, "big") + content
    asked += (4).to_bytes(8, "big") + (0).to_bytes(4, "big") + b"text"

    ended = subprocess.run(
        [sys.executable, *how],
        cwd=PROJECT,
        input=asked,
        capture_output=True,
        check=True,
        timeout=60,
    )

    said = io.BytesIO(ended.stdout)
    assert said.read(10) == b"R+" + (48).to_bytes(4, "big") + (64).to_bytes(4, "big")
    assert said.read(48 * 64 * 3) == decode(content).tobytes()
    reason = b"a text file, not a photo"
    assert said.read() == b"-" + len(reason).to_bytes(4, "big") + reason


PLAIN: dict[str, Callable[[], bytes]] = {
    "jpeg": jpeg,
    "progressive": lambda: jpeg(progressive=True),
    "grey": lambda: small("JPEG", "L"),
    "cmyk": lambda: small("JPEG", "CMYK"),
    "with exif": lambda: held(6),
    "of 48 megapixels": lambda: encoded(Image.new("L", (8000, 6000)), "JPEG"),
    "png": png,
    "transparent": lambda: small("PNG", "RGBA"),
    "cut off in its pixels": lambda: small("JPEG")[:-20],
}

NOT_PLAIN: dict[str, Callable[[], bytes]] = {
    **ELSEWHERE,
    "progressive of 25 megapixels": lambda: encoded(
        Image.new("L", (5000, 5000)), "JPEG", progressive=True
    ),
    "scans without end": lambda: endless_scans(40),
    "png of 25 megapixels": lambda: encoded(Image.new("1", (5000, 5000)), "PNG"),
    "cut off in its head": lambda: small("JPEG")[:100],
    "png without an end": lambda: small("PNG")[:-12],
    "no picture": lambda: b"text",
}


@pytest.mark.parametrize("name", PLAIN)
def test_what_cameras_and_browsers_write_is_plain(name: str) -> None:
    assert is_plain(PLAIN[name]())


@pytest.mark.parametrize("name", NOT_PLAIN)
def test_what_could_cost_much_is_not(name: str) -> None:
    assert not is_plain(NOT_PLAIN[name]())


def test_all_sample_photos_are_plain() -> None:
    samples = sorted((PROJECT / "images" / "ClothingImages").iterdir())

    assert len(samples) > 10
    assert all(is_plain(sample.read_bytes()) for sample in samples)


def test_pictures_in_bands_are_as_whole_ones() -> None:
    pixels = np.random.default_rng(1).integers(0, 256, (1100, 1000, 4), np.uint8)
    picture = Image.fromarray(pixels)
    white = Image.new("RGBA", picture.size, "white")

    decoded = decode(encoded(picture, "PNG", compress_level=1))

    assert decoded.tobytes() == Image.alpha_composite(white, picture).convert("RGB").tobytes()
