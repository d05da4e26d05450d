"""The short way to a blob: one signed GET on a connection that stays open, and nothing else.

Owns these requests and their signatures. Azure's library takes 2 ms of the processor for a small
blob, which is as much as a photo's whole walk; this takes a tenth of that. It never tries again
and has no words for errors: whatever is not the whole blob as it was listed it gives back as None,
and then the library asks, which has both.
"""

import ssl
import threading
import urllib.request
import weakref
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from time import time
from urllib.parse import quote, urlsplit

import certifi
from azure.core.credentials import AccessToken
from azure.core.exceptions import AzureError
from azure.storage.blob import ContainerSasPermissions, generate_container_sas

SCOPE = "https://storage.azure.com/.default"
"""What a token is asked for."""

_VALID = timedelta(hours=2)  # how long a signature is good for
_EARLY = 600  # seconds before its end from which on a proof is made anew
_AGAIN = 60  # seconds to the next try where a login gave the same token: not a try for each blob


@dataclass(frozen=True, slots=True)
class Proof:
    """What shows a storage that we may read: a part of the address, or a header.

    Attributes:
        query: Of the address.
        header: `Authorization`, or "".
        until: Seconds since 1970; afterwards it is no proof.
    """

    query: str
    header: str
    until: float


def by_key(account: str, container: str, key: str) -> Callable[[], Proof]:
    """Return what signs with an account's key."""

    def sign() -> Proof:
        expiry = datetime.now(UTC) + _VALID
        allowed = ContainerSasPermissions(read=True)
        query = generate_container_sas(
            account, container, account_key=key, permission=allowed, expiry=expiry
        )
        return Proof(query, "", expiry.timestamp())

    return sign


def by_signature(query: str) -> Callable[[], Proof]:
    """Return what has been signed already; whoever signed it knows until when it is good."""
    return lambda: Proof(query, "", float("inf"))


def by_token(get_token: Callable[[str], AccessToken]) -> Callable[[], Proof]:
    """Return what asks for a token of the identity that this program runs as."""

    def login() -> Proof:
        token = get_token(SCOPE)
        return Proof("", f"Bearer {token.token}", token.expires_on)

    return login


class ShortWay:
    """The blobs of a container by single requests. Threads may share one.

    Args:
        address: Of the container, without a query.
        prove: Makes a proof; asked now and then.
        version: Of the interface, as Azure calls it.
        timeout: Seconds for each piece of the answer.
    """

    def __init__(
        self, address: str, prove: Callable[[], Proof], version: str, timeout: float
    ) -> None:
        place = urlsplit(address)
        self._host, self._path = place.netloc, place.path.rstrip("/")
        self._tls = _trusted() if place.scheme == "https" else None
        self._prove, self._version, self._timeout = prove, version, timeout
        self._proof, self._prove_at = Proof("", "", 0), 0.0
        self._proving = threading.Lock()
        self._idle: deque[HTTPConnection] = deque()
        weakref.finalize(self, _close, self._idle)
        # Whoever has a proxy or certificates of his own has told the library, not us.
        self._is_open = not urllib.request.getproxies()

    def get(self, name: str, etag: str) -> bytes | None:
        """Return a blob whole if it is still the one with this etag, else None."""
        if not self._is_open:
            return None
        try:
            proof = self._valid_proof()
        except AzureError:  # a login that does not answer: the library asks it again and again
            return None
        headers = {"x-ms-version": self._version, "If-Match": f'"{etag}"'}
        if proof.header:
            headers["Authorization"] = proof.header
        connection = self._borrowed()
        try:
            connection.request("GET", f"{self._path}/{quote(name)}?{proof.query}", headers=headers)
            answer = connection.getresponse()
            content = answer.read()  # all that was announced, or an error
        except (OSError, HTTPException):
            connection.close()
            return None
        self._idle.append(connection)
        is_it = answer.status == 200 and (answer.headers["ETag"] or "").strip('"') == etag
        return content if is_it and answer.headers["Content-Length"] is not None else None

    def _borrowed(self) -> HTTPConnection:
        """Return a connection that nobody else uses; there are as many as were ever needed."""
        try:
            return self._idle.pop()
        except IndexError:
            if self._tls:
                return HTTPSConnection(self._host, timeout=self._timeout, context=self._tls)
            return HTTPConnection(self._host, timeout=self._timeout)

    def _valid_proof(self) -> Proof:
        with self._proving:
            now = time()
            if now >= self._prove_at:
                self._proof = self._prove()
                until = self._proof.until
                self._prove_at = min(max(until - _EARLY, now + _AGAIN), until)
            return self._proof


def _close(connections: deque[HTTPConnection]) -> None:
    for connection in connections:
        connection.close()


def _trusted() -> ssl.SSLContext:
    """Return the check of certificates, by the same list that Azure's library goes by."""
    return ssl.create_default_context(cafile=certifi.where())
