"""Decoding where it can do no harm: what is not plain is decoded in a child process.

Owns the child, its limits, and the verdict on what is plain. A decoder written in C that crashes,
hangs or takes memory without end costs one photo and never the run. A plain JPEG or PNG is decoded
where it is asked for, so a night of those starts no child.

The child is `python -m clothing.sandbox SECONDS`: it knows no setting and no secret, opens no file,
and ends with whoever started it, or after so many seconds with one photo. Frames on its standard
input and output, numbers big-endian:

    to the child    u64 length of the content, u32 `at_least`, the content
    from the child  b"+" u32 width, u32 height, the pixels as RGB, 3 bytes each, row by row
                    b"-" u32 length, why the picture cannot be used, in UTF-8
                    b"!" there was not enough memory; the child ends
"""

import math
import os
import signal
import struct
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, BinaryIO

from PIL import Image

from clothing.errors import PhotoError
from clothing.preprocess import MAX_PIXELS, decode

SECONDS = 5.0
"""How long decoding may take; 50 megapixels of the slowest format take 1 s on an idle core."""

MEMORY = 480 * 2**20
"""Bytes that the child may ask for; with Python's own files mapped it stays below 512 MB."""

PLAIN_PIXELS = 12_000_000
"""The largest plain picture, if all of it has to be in memory: as RGB 48 MB.

A child hands over no larger ones either, but reduces them as a JPEG's decoder does.
"""

PLAIN_SCANS = 32
"""Most have 10. A progressive JPEG may repeat them: 40 bytes cost 4 ms at 12 megapixels."""

PLAIN_SEGMENTS, PLAIN_CHUNKS = 128, 10_000
"""Pillow reads those of a JPEG before its pixels, and those of a PNG, in Python: 0.5 s at most."""

PLAIN_ENTRIES, PLAIN_EXIF = 256, 2**16
"""Of EXIF. Every entry may be as large as all of it: 5,000 in one JPEG took 300 MB."""

_START_SECONDS = 60  # a child takes 0.2 s on an idle core
_REASON = 1000  # bytes of a reason
_BAND = 2**20  # pixels that are sent at once
_ENVIRONMENT = ("PATH", "PYTHONPATH", "LD_LIBRARY_PATH", "SYSTEMROOT", "TEMP", "TMP", "TMPDIR")
_ASKED, _SIZE, _LENGTH = struct.Struct(">QI"), struct.Struct(">II"), struct.Struct(">I")
_PNG = b"\x89PNG\r\n\x1a\n"
_TEXTS = (b"tEXt", b"zTXt", b"iTXt")
_SOS = 0xDA
_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}  # all but tables and a reserved one


class _BrokenError(PhotoError):
    """The child is lost, and the photo may not be what broke it."""


class Decoder:
    """Decodes as `preprocess.decode` does, and survives what it decodes. Threads may share one.

    Args:
        workers: Children that there are at most; a photo waits while all are busy.
        seconds: How long a child may take for one photo.
    """

    def __init__(self, workers: int = 1, seconds: float = SECONDS) -> None:
        self._seconds = seconds
        self._places = threading.BoundedSemaphore(workers)
        self._idle: deque[_Child] = deque()
        self._closed = False

    def __enter__(self) -> "Decoder":
        """Return itself; the block's end ends the children."""
        return self

    def __exit__(self, *_: object) -> None:
        """End the children."""
        self.close()

    def close(self) -> None:
        """End the children that are idle, and each other when its photo is done."""
        self._closed = True
        with suppress(IndexError):
            while True:
                self._idle.pop().close()

    def decode(self, content: bytes, at_least: int = 0) -> Image.Image:
        """Return the picture as `preprocess.decode` does.

        Of a picture that is not plain and larger than `PLAIN_PIXELS`, whole pixels are averaged
        until it is not, or until its shorter side is `at_least`.

        Args:
            content: The bytes of a file.
            at_least: Pixels that the shorter side must keep; 0 keeps all.

        Raises:
            PhotoError: The bytes are no picture that can be read, or reading them went wrong.
        """
        if not content or is_plain(content):
            return decode(content, at_least)
        with self._places:
            try:
                used = self._idle.pop()
            except IndexError:  # all that there are, at most as many as places, are busy
                used = None
            if used:
                with suppress(_BrokenError):  # an earlier photo may have broken it: once more
                    return self._asked(used, content, at_least)
            return self._asked(_Child(self._seconds), content, at_least)

    def _asked(self, child: "_Child", content: bytes, at_least: int) -> Image.Image:
        try:
            return child.decode(content, at_least)
        finally:
            if child.lost or self._closed:
                child.close()
            else:
                self._idle.append(child)


class _Child:
    """A process that decodes one photo at a time, for one thread at a time."""

    def __init__(self, seconds: float) -> None:
        self.lost = False
        self._late = False
        self._seconds = seconds
        try:
            self._program = _started(seconds)
        except OSError as error:
            raise PhotoError(f"its decoder cannot be started: {error.strerror}") from error
        assert self._program.stdin and self._program.stdout
        self._input, self._output = self._program.stdin, self._program.stdout
        with self._for_at_most(_START_SECONDS):
            ready = self._output.read(1)
        if not ready:
            self.close()
            raise PhotoError("its decoder cannot be started")

    def decode(self, content: bytes, at_least: int) -> Image.Image:
        """Return the picture, or raise a PhotoError, after which the child may be lost."""
        try:
            with self._for_at_most(self._seconds):
                self._input.write(_ASKED.pack(len(content), at_least))
                self._input.write(content)
                self._input.flush()
                return _received(self._output)
        except (OSError, EOFError) as error:
            self.lost = True
            if self._late:
                raise PhotoError(f"decoding took longer than {self._seconds:g} s") from error
            raise _BrokenError("the picture's decoder crashed") from error
        except _BrokenError:
            self.lost = True
            raise

    def close(self) -> None:
        """End the process, whatever it does."""
        self._program.kill()
        self._program.wait()
        self._output.close()
        with suppress(OSError):  # what it did not take any more
            self._input.close()

    @contextmanager
    def _for_at_most(self, seconds: float) -> Iterator[None]:
        """Kill the child if the block does not end in time: whoever reads from it reads no more."""
        timer = threading.Timer(seconds, self._kill)
        timer.start()
        try:
            yield
        finally:
            timer.cancel()
            timer.join()
            self.lost = self.lost or self._late

    def _kill(self) -> None:
        self._late = True
        self._program.kill()


def without_secrets() -> dict[str, str]:
    """Return of the environment what a child needs that opens what strangers made."""
    return {name: os.environ[name] for name in _ENVIRONMENT if name in os.environ}


def _started(seconds: float) -> "subprocess.Popen[bytes]":
    """Start a child, which gets none of the settings: some are secrets."""
    return subprocess.Popen(
        [sys.executable, "-m", "clothing.sandbox", str(math.ceil(seconds) + 1)],
        cwd=Path(__file__).parent.parent,
        env={**without_secrets(), "OPENBLAS_NUM_THREADS": "1"},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )


def _received(output: IO[bytes]) -> Image.Image:
    """Return the picture of an answer, believing nothing of it: a decoder may have been taken over.

    Raises:
        EOFError: The answer breaks off, or is none.
        PhotoError: The child says why there is no picture.
    """
    kind = _exactly(output, 1)
    if kind == b"!":
        raise _BrokenError("the picture needs too much memory to be read")
    if kind == b"-":
        (length,) = _LENGTH.unpack(_exactly(output, _LENGTH.size))
        raise PhotoError(_exactly(output, min(length, _REASON)).decode(errors="replace"))
    width, height = _SIZE.unpack(_exactly(output, _SIZE.size))
    if kind != b"+" or not 0 < width * height <= MAX_PIXELS:
        raise EOFError
    image = Image.new("RGB", (width, height))
    for top, bottom in _bands(width, height):
        pixels = _exactly(output, 3 * width * (bottom - top))
        image.paste(Image.frombytes("RGB", (width, bottom - top), pixels), (0, top))
    return image


def _exactly(stream: IO[bytes], length: int) -> bytes:
    content = stream.read(length)
    if len(content) < length:
        raise EOFError
    return content


def _bands(width: int, height: int) -> Iterator[tuple[int, int]]:
    """Yield top and bottom of parts of a picture that are no larger than need be."""
    rows = max(1, _BAND // width)
    for top in range(0, height, rows):
        yield top, min(top + rows, height)


# What is plain


def is_plain(content: bytes) -> bool:
    """Return True if a file is a JPEG or PNG that cannot cost much; False for all that is not sure.

    Both are read by decoders that browsers have fed with the world's files for decades. Plain is
    what they read, and Pillow before them, in less than a second and 300 MB: 8 bits a sample, and
    no more of anything than the `PLAIN_` bounds say. A JPEG that is read in one go, as cameras
    write them, may be larger, for its decoder makes a small picture of it at once.
    """
    try:
        if content.startswith(b"\xff\xd8"):
            return _is_plain_jpeg(content)
        return content.startswith(_PNG) and _is_plain_png(content)
    except (IndexError, struct.error):  # it breaks off where it should say what it is
        return False


def _is_plain_jpeg(content: bytes) -> bool:
    """Read the segments before the pixels, as in ITU-T T.81, annex B."""
    at, components, exifs, pixels, progressive = 2, 0, 0, 0, False
    for _ in range(PLAIN_SEGMENTS):
        filler, marker, length = struct.unpack_from(">BBH", content, at)
        segment = content[at + 4 : at + 2 + length]
        at += 2 + length
        if filler != 0xFF or not 0xC0 <= marker < 0xFF or 0xD0 <= marker <= 0xD9 or length < 2:
            return False
        if marker == _SOS:
            once = not progressive and segment[0] == components
            few = once or content.count(b"\xff\xda", at) < PLAIN_SCANS
            return few and 0 < pixels <= (MAX_PIXELS if once else PLAIN_PIXELS)
        if marker in _FRAMES:
            depth, height, width, components = struct.unpack_from(">BHHB", segment)
            if components != segment[5] or depth != 8 or marker > 0xC2:
                return False
            pixels, progressive = width * height, marker == 0xC2
        exif = marker == 0xE1 and segment.startswith(b"Exif\0\0")
        exifs += exif
        if exifs > 1 or (exif and not _is_plain_exif(segment[6:])):
            return False
        if marker == 0xE2 and segment.startswith(b"MPF\0") and not _is_plain_exif(segment[4:]):
            return False
    return False


def _is_plain_png(content: bytes) -> bool:
    """Read the chunks, as in the PNG specification, section 5."""
    length, kind, width, height, depth = struct.unpack_from(">I4sIIB", content, 8)
    if (length, kind) != (13, b"IHDR") or depth > 8 or not 0 < width * height <= PLAIN_PIXELS:
        return False
    at = 8
    for _ in range(PLAIN_CHUNKS):
        length, kind = struct.unpack_from(">I4s", content, at)
        start = at + 8
        at += 12 + length
        if kind == b"IEND":
            return True
        if kind == b"eXIf" and not _is_plain_exif(content[start : start + length]):
            return False
        if kind in _TEXTS and content.startswith(b"Raw profile type", start):  # EXIF in disguise
            return False
    return False


def _is_plain_exif(exif: bytes) -> bool:
    """Return True if the entries of EXIF, or of what is built like it, cannot fill the memory."""
    order = ">" if exif.startswith(b"MM") else "<"
    (start,) = struct.unpack_from(f"{order}I", exif, 4)
    (entries,) = struct.unpack_from(f"{order}H", exif, start)
    return len(exif) < PLAIN_EXIF and entries <= PLAIN_ENTRIES


# The child's side


def main() -> int:
    """Decode what comes on standard input until it ends; argument 1 is the time for one photo."""
    seconds, source, target = int(sys.argv[1]), sys.stdin.buffer, _own_output()
    stay_within(RLIMIT_DATA=MEMORY, RLIMIT_FSIZE=0, RLIMIT_CORE=0)
    target.write(b"R")
    target.flush()
    while len(head := source.read(_ASKED.size)) == _ASKED.size:
        length, at_least = _ASKED.unpack(head)
        with _alarmed(seconds):
            if not _answer(source.read(length), at_least, target):
                return 1
    return 0


def _answer(content: bytes, at_least: int, target: BinaryIO) -> bool:
    """Write one answer; return False if the memory did not suffice."""
    try:
        image = _carried(decode(content, at_least), at_least)
    except PhotoError as error:
        if isinstance(error.__cause__, MemoryError):
            return _short_of_memory(target)
        reason = str(error).encode(errors="replace")[:_REASON]
        target.write(b"-" + _LENGTH.pack(len(reason)) + reason)
    except MemoryError:
        return _short_of_memory(target)
    else:
        _send(image, target)
    target.flush()
    return True


def _short_of_memory(target: BinaryIO) -> bool:
    target.write(b"!")
    target.flush()
    return False


def _carried(image: Image.Image, at_least: int) -> Image.Image:
    """Return a picture that is not too large to hand over, as far as `at_least` lets it."""
    wanted = math.ceil(math.sqrt(image.width * image.height / PLAIN_PIXELS))
    allowed = min(image.size) // at_least if at_least else 1
    factor = min(wanted, allowed)
    return image.reduce(factor) if factor > 1 else image


def _send(image: Image.Image, target: BinaryIO) -> None:
    target.write(b"+" + _SIZE.pack(*image.size))
    for top, bottom in _bands(*image.size):
        target.write(image.crop((0, top, image.width, bottom)).tobytes())


def _own_output() -> BinaryIO:
    """Return standard output for us alone; what a library prints goes nowhere."""
    own = os.dup(1)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.close(nowhere)
    return os.fdopen(own, "wb")


def stay_within(**most: int) -> None:
    """Bound what this process may take, where the system can: Windows has no such limits.

    macOS refuses a limit below what the process has mapped already, which is all of its libraries.

    Args:
        most: By the names that POSIX has for them: RLIMIT_DATA and RLIMIT_FSIZE in bytes.
    """
    if sys.platform != "win32":
        import resource

        for name, bound in most.items():
            with suppress(ValueError, OSError):
                resource.setrlimit(getattr(resource, name), (bound, bound))


@contextmanager
def _alarmed(seconds: int) -> Iterator[None]:
    """End the process if the block hangs and nobody is left who would kill it."""
    if sys.platform != "win32":
        signal.alarm(seconds)
    yield
    if sys.platform != "win32":
        signal.alarm(0)


if __name__ == "__main__":
    sys.exit(main())
