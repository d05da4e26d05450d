"""The short way to a blob: one signed GET on a connection that stays open, and nothing else.

Owns these requests and their signatures. Azure's library takes 2 ms of the processor for a small
blob, which is as much as a photo's whole walk; this takes a quarter of that. It never tries again
and has no words for errors: whatever is not the whole blob as it was listed it gives back as None,
and then the library asks, which has both.
"""

import threading
import time
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from urllib.parse import quote, urlsplit

import certifi
import urllib3
from azure.core.credentials import AccessToken
from azure.storage.blob import ContainerSasPermissions, generate_container_sas

SCOPE = "https://storage.azure.com/.default"
"""What a token is asked for."""

_VALID = timedelta(hours=2)  # how long a signature is good for
_EARLY = 600  # seconds before its end at which a proof is made anew


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
        connections: How many are kept open.
        timeout: Seconds for the connection, and for each piece of the answer.
    """

    def __init__(
        self,
        address: str,
        prove: Callable[[], Proof],
        version: str,
        connections: int,
        timeout: tuple[float, float],
    ) -> None:
        place = urlsplit(address)
        self._path = place.path.rstrip("/")
        self._prove, self._version = prove, version
        self._proof = Proof("", "", 0)
        self._proving = threading.Lock()
        # Whoever has a proxy or certificates of his own has told the library, not us.
        self._is_open = not urllib.request.getproxies()
        checked = {"ca_certs": certifi.where()} if place.scheme == "https" else {}
        self._pool = urllib3.connection_from_url(
            address,
            maxsize=connections,
            retries=False,
            timeout=urllib3.Timeout(connect=timeout[0], read=timeout[1]),
            **checked,
        )

    def get(self, name: str, etag: str) -> bytes | None:
        """Return a blob whole if it is still the one with this etag, else None."""
        if not self._is_open:
            return None
        proof = self._valid_proof()
        headers = {"x-ms-version": self._version, "If-Match": f'"{etag}"'}
        if proof.header:
            headers["Authorization"] = proof.header
        address = f"{self._path}/{quote(name)}?{proof.query}"
        try:
            answer = self._pool.urlopen("GET", address, headers=headers, redirect=False)
        except (OSError, urllib3.exceptions.HTTPError):
            return None
        is_it = answer.status == 200 and answer.headers.get("ETag", "").strip('"') == etag
        content: bytes = answer.data
        return content if is_it and _is_whole(answer, content) else None

    def _valid_proof(self) -> Proof:
        with self._proving:
            if time.time() > self._proof.until - _EARLY:
                self._proof = self._prove()
            return self._proof


def _is_whole(answer: urllib3.BaseHTTPResponse, content: bytes) -> bool:
    return answer.headers.get("Content-Length") == str(len(content))
