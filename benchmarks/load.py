"""Many at once: `python -m benchmarks.load`, readers and classifiers against the real server.

Serves the app in a process of its own, has clients ask it for a minute, each the next question as
soon as the last is answered, and tells latencies, errors and the server's memory. Beside it runs
are timed, alone and under that load: what a run loses by it.
"""

import asyncio
import json
import multiprocessing
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any
from urllib.parse import urlsplit

import click
import psutil

from clothing.config import PROJECT
from clothing.keys import fresh_key
from tests.serving import SERVE, environ_with, free_port, path_to_this_python, serving

READS = ("/api/runs", "/api/predictions", "/", "/photos", "/photos/1/thumbnail", "/health/live")
"""What readers ask in turn."""

KEY = fresh_key()
MOST_SECONDS = 600


@dataclass(slots=True)
class Answers:
    """What a kind of clients got: seconds of each answer, and whatever was no answer."""

    seconds: list[float] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)

    def told(self, during: float) -> dict[str, Any]:
        ordered = sorted(self.seconds)

        def at(share: float) -> float:
            place = min(int(share * len(ordered)), len(ordered) - 1)
            return round(1000 * ordered[place], 1) if ordered else 0.0

        return {
            "answers": len(ordered),
            "per_second": round(len(ordered) / during, 1),
            "errors": len(self.errors),
            "p50_ms": at(0.5),
            "p95_ms": at(0.95),
            "p99_ms": at(0.99),
        }


@dataclass(frozen=True, slots=True)
class Load:
    """How many clients of each kind, for how long, and by which key they are known."""

    address: str
    key: str
    readers: int
    classifiers: int
    seconds: float


async def _client(load: Load, requests: list[bytes], answers: Answers, until: float) -> None:
    """Ask one question after the other over one connection until the time is over."""
    place = urlsplit(load.address)
    turn, connection = 0, None
    while time.monotonic() < until:
        started = time.monotonic()
        try:
            if connection is None:
                connection = await asyncio.open_connection(place.hostname, place.port)
            asked = requests[turn % len(requests)]
            status, goes_on = await asyncio.wait_for(_exchange(*connection, asked), 60)
            if status != 200:
                answers.errors.append(f"{status} of {asked.split(b' HTTP', 1)[0].decode()}")
            if not goes_on:
                connection[1].close()
                connection = None
            answers.seconds.append(time.monotonic() - started)
        except (OSError, EOFError, TimeoutError) as error:
            answers.errors.append(f"{type(error).__name__}: {error}")
            connection = None
        turn += 1
    if connection:
        connection[1].close()


async def _exchange(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, asked: bytes
) -> tuple[int, bool]:
    """Send a request and read its answer whole; return its status, and if the line stays open."""
    writer.write(asked)
    await writer.drain()
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
    lines = head.split("\r\n")
    headers = dict(line.split(": ", 1) for line in lines[1:] if ": " in line)
    if "chunked" in headers.get("transfer-encoding", ""):
        while size := int(await reader.readline(), 16):
            await reader.readexactly(size + 2)
        await reader.readline()
    else:
        await reader.readexactly(int(headers["content-length"]))
    return int(lines[0].split(" ")[1]), headers.get("connection", "") != "close"


def request(key: str, method: str, path: str, body: bytes = b"", kind: str = "") -> bytes:
    """Return a request as it goes over the line."""
    lines = [f"{method} {path} HTTP/1.1", "Host: localhost", f"X-API-Key: {key}"]
    if body:
        lines += [f"Content-Type: {kind}", f"Content-Length: {len(body)}"]
    return "\r\n".join([*lines, "", ""]).encode() + body


def upload(key: str, photo: bytes) -> bytes:
    """Return a request that asks what is on a photo."""
    head = b'--x\r\nContent-Disposition: form-data; name="photo"; filename="a.jpg"\r\n\r\n'
    body = head + photo + b"\r\n--x--\r\n"
    return request(key, "POST", "/api/classify", body, "multipart/form-data; boundary=x")


async def _asked(load: Load, photos: list[bytes]) -> tuple[Answers, Answers]:
    reads, classified = Answers(), Answers()
    until = time.monotonic() + load.seconds
    questions = [request(load.key, "GET", path) for path in READS]
    uploads = [upload(load.key, photo) for photo in photos]
    await asyncio.gather(
        *(
            _client(load, questions[n % len(questions) :] + questions, reads, until)
            for n in range(load.readers)
        ),
        *(_client(load, uploads, classified, until) for _ in range(load.classifiers)),
    )
    return reads, classified


def _ask_beside(load: Load, photos: list[bytes], told: Any) -> None:
    """Be the clients, in a process of their own."""
    told.put(asyncio.run(_asked(load, photos)))


class Server:
    """A served app and its memory."""

    def __init__(self, child: "subprocess.Popen[bytes]", address: str) -> None:
        self.address = address
        self._process = psutil.Process(child.pid)

    def memory_mb(self) -> float:
        """Return what its processes hold now; runs are not among them."""
        family = [self._process, *self._process.children(recursive=True)]
        own = [one for one in family if "--adopt" not in one.cmdline()]
        return float(round(sum(one.memory_info().rss for one in own) / 2**20, 1))


def settings_for(folder: Path, photos: Path) -> dict[str, str]:
    """Return settings for an app over a folder of photos, with a database of its own."""
    return environ_with(
        STORAGE_URL=photos.as_uri(),
        DATABASE_URL=f"sqlite:///{folder}/clothing.db",
        API_KEY=KEY,
        LOG_LEVEL="warning",
        PORT=str(free_port()),
    )


@contextmanager
def served_by(server: str, environ: dict[str, str], log: Path) -> Iterator[Server]:
    """Give the app, served by waitress or gunicorn."""
    command: Sequence[str] = SERVE
    if server == "gunicorn":
        command = [str(PROJECT / "startup.sh")]
        environ = {**environ, "PATH": path_to_this_python(environ)}
    with serving(environ, command, log=log, until="/health/ready") as child:
        yield Server(child, f"http://127.0.0.1:{environ['PORT']}")


def photos_in(folder: Path, number: int) -> Path:
    """Make containers: the sample photos, as many times as it takes, and the model."""
    samples = [one.read_bytes() for one in sorted((PROJECT / "images/ClothingImages").iterdir())]
    (folder / "images").mkdir(parents=True)
    for place in range(number):
        (folder / "images" / f"{place:06}.jpg").write_bytes(samples[place % len(samples)])
    shutil.copytree(PROJECT / "model", folder / "model")
    return folder


def run_seconds(environ: dict[str, str]) -> tuple[float, float]:
    """Carry out a run over all photos; return its seconds and its photos a second."""
    started = time.monotonic()
    ended = subprocess.run(
        [sys.executable, "-m", "clothing", "run", "--force", "--json"],
        cwd=PROJECT,
        env=environ,
        capture_output=True,
        text=True,
        check=True,
    )
    return time.monotonic() - started, json.loads(ended.stdout)["photos_per_second"]


def measured(load: Load, server: Server, environ: dict[str, str], photos: list[bytes]) -> Any:
    """Load the server for the time, with runs beside it; return what was seen."""
    told: Any = multiprocessing.get_context("spawn").Queue()
    clients = multiprocessing.get_context("spawn").Process(
        target=_ask_beside, args=(load, photos, told)
    )
    clients.start()
    until, memory, speeds = time.monotonic() + load.seconds, [server.memory_mb()], []
    while time.monotonic() < until - 1:
        speeds.append(run_seconds(environ)[1])
        memory.append(server.memory_mb())
    reads, classified = told.get(timeout=load.seconds + 120)
    clients.join()
    return reads, classified, memory, speeds


@click.command()
@click.option("--readers", default=200, type=click.IntRange(0, 1000))
@click.option("--classifiers", default=20, type=click.IntRange(0, 200))
@click.option("--seconds", default=60.0, type=click.FloatRange(1, MOST_SECONDS))
@click.option("--photos", default=2000, type=click.IntRange(10, 100_000), help="Photos of a run.")
@click.option("--server", default="waitress", type=click.Choice(["waitress", "gunicorn"]))
def main(readers: int, classifiers: int, seconds: float, photos: int, server: str) -> None:
    """Load the served app, and print what was seen as JSON."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        containers = photos_in(folder / "containers", photos)
        environ = settings_for(folder, containers)
        with served_by(server, environ, folder / "log") as served:
            alone = [run_seconds(environ)[1] for _ in range(3)]
            samples = [one.read_bytes() for one in sorted((containers / "images").iterdir())[:20]]
            load = Load(served.address, KEY, readers, classifiers, seconds)
            before = served.memory_mb()
            reads, classified, memory, beside = measured(load, served, environ, samples)
            after = served.memory_mb()
        log = (folder / "log").read_text(encoding="utf-8", errors="replace")
    click.echo(
        json.dumps(
            {
                "server": server,
                "reads": {"clients": readers, **reads.told(seconds)},
                "classify": {"clients": classifiers, **classified.told(seconds)},
                "memory_mb": {"before": before, "most": max(memory), "after": after},
                "run_alone_photos_per_second": median(alone),
                "run_beside_photos_per_second": median(beside),
                "run_keeps": round(median(beside) / median(alone), 3),
            },
            indent=2,
        )
    )
    errors = reads.errors + classified.errors
    for line in sorted(set(errors))[:20] + log.splitlines()[:20]:
        click.echo(line, err=True)
    sys.exit(1 if errors else 0)


if __name__ == "__main__":
    main()
