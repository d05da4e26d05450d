"""A proxy between the service and its storage, in which answers get lost on the way.

Owns what happens to a line: it is dropped, delayed, cut, reset or answered by somebody else. It
knows HTTP just well enough to tell one request from the next, and nothing of who asks for what.
"""

import asyncio
import socket
import struct
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal, Self
from urllib.parse import unquote, urlsplit

Mishap = Literal["drop", "delay", "truncate", "reset", "silence", "429", "500", "503", "504"]
"""What may happen to the answer to one request."""

CODES: dict[str, tuple[str, str]] = {
    "429": ("Too Many Requests", "TooManyRequests"),
    "500": ("Internal Server Error", "InternalError"),
    "503": ("Service Unavailable", "ServerBusy"),
    "504": ("Gateway Timeout", "OperationTimedOut"),
}
"""Statuses that a storage answers with when it is overloaded, with its own words for them."""

_MOST = 2**26
_AT_ONCE = struct.pack("ii", 1, 0)  # SO_LINGER: hang up with a reset, not politely


@dataclass(frozen=True, slots=True)
class Request:
    """One request of the service.

    Attributes:
        method: Such as GET.
        path: Without the query, unquoted.
        is_listing: True if the photos of a container are asked for.
    """

    method: str
    path: str
    is_listing: bool


Fate = Callable[[Request], Mishap | None]
"""Decides what becomes of a request; it may change the world first, and may take its time."""


@dataclass
class Proxy:
    """A server on this computer that passes everything on, but for what its fate says.

    Attributes:
        target: The port of the real storage.
        fate: Asked for each request, in a thread of its own.
        slow: Seconds that a delayed answer takes.
        silent: Seconds that a silent line stays open.
        port: Where the proxy listens.
    """

    target: int
    fate: Fate = lambda request: None
    slow: float = 0.3
    silent: float = 10.0
    port: int = 0
    _loop: asyncio.AbstractEventLoop = field(default_factory=asyncio.new_event_loop)

    def __enter__(self) -> Self:
        ready = threading.Event()
        self._thread = threading.Thread(target=self._live, args=(ready,), name="proxy")
        self._thread.start()
        ready.wait()
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._over.set)
        self._thread.join()

    def _live(self, ready: threading.Event) -> None:
        asyncio.set_event_loop(self._loop)
        try:
            self._loop.run_until_complete(self._serve(ready))
        finally:
            self._loop.run_until_complete(self._loop.shutdown_default_executor())
            self._loop.close()

    async def _serve(self, ready: threading.Event) -> None:
        self._over = asyncio.Event()
        self._talks: set[asyncio.Task[None]] = set()
        server = await asyncio.start_server(self._talk, "127.0.0.1", self.port)
        self.port = server.sockets[0].getsockname()[1]
        ready.set()
        await self._over.wait()
        server.close()
        for talk in list(self._talks):
            talk.cancel()
        await asyncio.gather(*self._talks, return_exceptions=True)

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Take one request, play its fate, hang up."""
        task = asyncio.current_task()
        assert task
        self._talks.add(task)
        try:
            asked = await _message(reader)
            mishap = await asyncio.to_thread(self.fate, _request_of(asked))
            await self._answer(asked, mishap, writer)
        except (OSError, EOFError, asyncio.CancelledError):
            pass  # one of the two hung up
        finally:
            self._talks.discard(task)
            writer.close()

    async def _answer(
        self, asked: bytes, mishap: Mishap | None, writer: asyncio.StreamWriter
    ) -> None:
        if mishap == "drop":
            return
        if mishap in CODES:
            writer.write(_refusal(str(mishap)))
            await writer.drain()
            return
        if mishap == "delay":
            await asyncio.sleep(self.slow)
        answer = await self._asked_for_real(asked)
        if mishap in ("truncate", "reset", "silence"):
            answer = answer[: _head_of(answer) + (len(answer) - _head_of(answer)) // 2]
        writer.write(answer)
        await writer.drain()
        if mishap == "silence":
            await asyncio.sleep(self.silent)
        if mishap == "reset":
            line: socket.socket = writer.get_extra_info("socket")
            line.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _AT_ONCE)

    async def _asked_for_real(self, asked: bytes) -> bytes:
        """Return what the storage answers, whole."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.target)
        try:
            writer.write(_last_of_its_line(asked))
            await writer.drain()
            return await reader.read(-1)
        finally:
            writer.close()


async def _message(reader: asyncio.StreamReader) -> bytes:
    """Read one request: its head, and as much body as that announces."""
    head = await reader.readuntil(b"\r\n\r\n")
    length = 0
    for line in head.split(b"\r\n"):
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            length = min(int(value), _MOST)
    return head + await reader.readexactly(length)


def _request_of(asked: bytes) -> Request:
    method, address, _ = asked.split(b"\r\n", 1)[0].decode("ascii").split(" ", 2)
    parts = urlsplit(address)
    return Request(method, unquote(parts.path), "comp=list" in parts.query)


def _last_of_its_line(asked: bytes) -> bytes:
    """Return a request after which the server hangs up, so that its answer has an end."""
    head, _, body = asked.partition(b"\r\n\r\n")
    lines = [line for line in head.split(b"\r\n") if not line.lower().startswith(b"connection:")]
    return b"\r\n".join([*lines, b"Connection: close"]) + b"\r\n\r\n" + body


def _head_of(answer: bytes) -> int:
    """Return where the body of an answer begins."""
    return answer.find(b"\r\n\r\n") + 4


def _refusal(status: str) -> bytes:
    reason, code = CODES[status]
    body = f"<?xml version='1.0'?><Error><Code>{code}</Code><Message>no</Message></Error>".encode()
    head = (
        f"HTTP/1.1 {status} {reason}\r\nx-ms-error-code: {code}\r\n"
        f"Content-Type: application/xml\r\nContent-Length: {len(body)}\r\n"
        "Connection: close\r\n\r\n"
    )
    return head.encode() + body
