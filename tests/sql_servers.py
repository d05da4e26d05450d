"""Servers that are not quite a SQL Server, for the real ODBC driver to meet, on this computer."""

import datetime
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

PRELOGIN, ANSWER, LAST = 0x12, 0x04, 0x01
# VERSION and ENCRYPTION with their offsets, the end, then version 16.0 and "encryption on"
ANSWER_TO_PRELOGIN = bytes.fromhex("00 000b 0006  01 0011 0001  ff  10 00 03e8 0000  01")


@contextmanager
def listening(talk: Callable[[socket.socket], None]) -> Iterator[int]:
    """Give the port of a server that talks so to everybody who comes."""
    server = socket.create_server(("127.0.0.1", 0))
    lines: list[socket.socket] = []

    def serve() -> None:
        with suppress(OSError):  # the server was closed
            while True:
                line, _ = server.accept()
                lines.append(line)
                with suppress(OSError, ssl.SSLError, EOFError):  # the caller hung up
                    talk(line)

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield server.getsockname()[1]
    finally:
        with suppress(OSError):
            server.shutdown(socket.SHUT_RDWR)
        server.close()
        for line in lines:
            line.close()
        thread.join()
        for line in lines:  # one may have come in at the last moment
            line.close()


def say_nothing(line: socket.socket) -> None:
    """Take the call and keep silent."""


def speak_http(line: socket.socket) -> None:
    """Answer as a web server would."""
    if line.recv(4096):
        line.sendall(b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n")
    line.close()


def show_certificate(context: ssl.SSLContext) -> Callable[[socket.socket], None]:
    """Return a talk in TDS up to the server's certificate."""

    def talk(line: socket.socket) -> None:
        if not _packet(line):
            return
        _send(line, ANSWER, ANSWER_TO_PRELOGIN)
        incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        tls = context.wrap_bio(incoming, outgoing, server_side=True)
        while True:
            try:
                tls.do_handshake()
            except ssl.SSLWantReadError:
                _send(line, PRELOGIN, outgoing.read())
                incoming.write(_packet(line))
            else:
                return

    return talk


def self_signed(folder: Path) -> ssl.SSLContext:
    """Return a context with a certificate that nobody else has signed."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    today = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(today - datetime.timedelta(days=1))
        .not_valid_after(today + datetime.timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    pem = folder / "server.pem"
    pem.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        + certificate.public_bytes(serialization.Encoding.PEM)
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem)
    return context


def _packet(line: socket.socket) -> bytes:
    """Return what one TDS packet carries."""
    head = _exactly(line, 8)
    return _exactly(line, int.from_bytes(head[2:4], "big") - 8)


def _exactly(line: socket.socket, size: int) -> bytes:
    got = b""
    while len(got) < size:
        more = line.recv(size - len(got))
        if not more:
            raise EOFError
        got += more
    return got


def _send(line: socket.socket, kind: int, carried: bytes) -> None:
    for start in range(0, len(carried), 4000):
        part = carried[start : start + 4000]
        status = LAST if start + 4000 >= len(carried) else 0
        length = (len(part) + 8).to_bytes(2, "big")
        line.sendall(bytes([kind, status]) + length + bytes([0, 0, 1, 0]) + part)
