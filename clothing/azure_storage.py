"""Containers in Azure Blob Storage.

Owns all that is said to Azure about storage, and what its answers mean in words. Import it only
where Azure is configured: its libraries take a second. It never asks anybody to log in, and no
message of it holds a key: addresses are shown without their signatures.
"""

import logging
import socket
import ssl
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import requests
from azure.core import MatchConditions
from azure.core.credentials import AccessToken, TokenCredential
from azure.core.exceptions import (
    AzureError,
    ClientAuthenticationError,
    HttpResponseError,
    ResourceNotFoundError,
    ServiceRequestError,
)
from azure.core.pipeline.transport import RequestsTransport
from azure.storage.blob import BlobProperties, BlobServiceClient
from requests.adapters import HTTPAdapter

from clothing.azure_download import ShortWay, by_key, by_signature, by_token
from clothing.azure_login import azure_login
from clothing.errors import ConfigError, PhotoError, StorageError
from clothing.photos import Photo
from clothing.storage import MAX_NAME, check_size

API_VERSION = "2025-07-05"
"""The oldest that has all we need: Azurite knows it, which knows the newest ones months later."""

RETRIES = 3
"""Tries after the first, about 3, 5 and 9 s apart: a storage that refuses connections is given up
after some 17 s, one that is silent after 40 s, one that falls silent in its answer after 100 s. A
download that breaks off is begun twice more: that number is Azure's library's own.
"""


@dataclass(frozen=True, slots=True)
class Patience:
    """How long is waited, in seconds.

    Attributes:
        connect_seconds: In one try, for the connection.
        read_seconds: In one try, for each piece of the answer.
        first_wait: Before the second try, and the least before each later one.
        growth: To the power of the tries so far, what a later one waits beside that.
        jitter: How much more or less it may be, so that not all come back at once.
    """

    connect_seconds: float = 5
    read_seconds: float = 20
    first_wait: float = 1
    growth: float = 2
    jitter: float = 1


PATIENCE = Patience()

PAGE = 5000
"""Blobs in one answer to a listing, the most that Azure gives."""

FIRST_PAGE = 100
"""Blobs in the first answer: whoever only asks whether there is one does not wait for thousands."""

SPARE_CONNECTIONS = 8
"""Kept beside those of the downloads, for listings and the pages."""

_REMEDIES: dict[str, str] = {
    "AccountIsDisabled": "the account is disabled. Enable it in the Azure portal",
    "AuthenticationFailed": (
        "the key or signature is wrong. Copy AZURE_STORAGE_CONNECTION_STRING anew (was the key "
        "rotated, has the signature expired?), and check this computer's clock"
    ),
    "AuthorizationFailure": (
        "the account's firewall keeps this computer out, or the signature allows too little. Allow "
        "this address or network under Networking in the Azure portal"
    ),
    "AuthorizationPermissionMismatch": (
        "whoever asks is known, but may not do this. Give this identity the role Storage Blob Data "
        "Reader, or Contributor where it has to write (a new role takes some minutes), or make a "
        "signature that allows reading and listing"
    ),
    "ContainerNotFound": "there is no such container. Create it, or correct the setting's name",
    "InvalidAuthenticationInfo": (
        "the login was not accepted. Is it one of the directory (tenant) that the account is in?"
    ),
    "InvalidHeaderValue": (
        f"version {API_VERSION} of the interface is not known there. Use Azurite 3.35 or newer"
    ),
    "KeyBasedAuthenticationNotPermitted": (
        "the account takes no keys. Set STORAGE_URL to its address instead of "
        "AZURE_STORAGE_CONNECTION_STRING, and give this identity the role Storage Blob Data Reader"
    ),
}
"""What is wrong and what to do, by Azure's code for it. None of these passes by itself."""

_PASSING = {"ContainerBeingDeleted", "OperationTimedOut", "ServerBusy"}
"""Codes, beside the statuses of `_PASSING_STATUSES`, with which trying again helps."""

_PASSING_STATUSES = {408, 429, *range(500, 600)}

_REASONS: dict[str, str] = {
    "BlobArchived": "the photo is in the archive tier; rehydrate it, and the next run reads it",
    "BlobBeingRehydrated": "the photo is still on its way out of the archive tier",
    "BlobNotFound": "the photo is no longer in the container",
    "BlobUsesCustomerSpecifiedEncryption": "the photo is encrypted with a key that Azure lacks",
    "ConditionNotMet": "the photo changed while it was read; the next run reads it anew",
}
"""Why one photo cannot be read although the others can."""


class AzureAccount:
    """A storage account: its address, who asks, and the connections that its containers share.

    Args:
        service: As one of the class methods makes it.
        patience: How long is waited.
        login: Who asks, if it is not the service's own key or signature.
    """

    def __init__(
        self,
        service: BlobServiceClient,
        patience: Patience = PATIENCE,
        login: "_Login | None" = None,
    ) -> None:
        self._service = service
        self._patience, self._login = patience, login
        self._again: Callable[[], AzureAccount] | None = None
        # What Azure's libraries log comes to us as errors too, and is said once, in our words.
        logging.getLogger("azure").setLevel(logging.ERROR)
        logging.getLogger("urllib3").setLevel(logging.ERROR)  # it would write signatures down

    @classmethod
    def at(
        cls,
        address: str,
        *,
        connections: int,
        retries: int = RETRIES,
        credential: TokenCredential | None = None,
    ) -> "AzureAccount":
        """Return the account at an https address, asked as whoever this program runs as.

        Args:
            address: Such as `https://ACCOUNT.blob.core.windows.net`.
            connections: How many are kept open, one for each thread that downloads.
            retries: Tries after the first.
            credential: Who asks, if not the identity that Azure gives the app or `az login` left.
        """
        login = _Login(credential or azure_login())
        service = BlobServiceClient(address, login, **_options(connections, retries))
        account = cls(service, login=login)
        account._again = partial(cls.at, address, connections=connections, retries=retries)
        return account

    @classmethod
    def from_connection_string(
        cls,
        connection_string: str,
        *,
        connections: int,
        retries: int = RETRIES,
        patience: Patience = PATIENCE,
    ) -> "AzureAccount":
        """Return the account that a connection string names, by its key or signature.

        Raises:
            ConfigError: Azure's library makes nothing of the text.
        """
        options = _options(connections, retries, patience)
        try:
            service = BlobServiceClient.from_connection_string(connection_string, **options)
        except ValueError:
            raise ConfigError(
                "AZURE_STORAGE_CONNECTION_STRING takes a connection string as the Azure portal "
                "shows it. Received: (a secret, not shown)."
            ) from None
        account = cls(service, patience)
        account._again = partial(
            cls.from_connection_string,
            connection_string,
            connections=connections,
            retries=retries,
            patience=patience,
        )
        return account

    def __reduce__(self) -> tuple[Callable[[], "AzureAccount"], tuple[()]]:
        """Travel as an address and how to ask there: connections are made anew where it arrives."""
        if self._again is None:
            raise TypeError("an account that was made of a client cannot travel")
        return self._again, ()

    @property
    def host(self) -> str:
        """The account's address as people read it, without scheme and signature."""
        return str(self._service.primary_hostname)

    def containers(self) -> list[str] | None:
        """Return the names of the containers, or None if only some of them may be seen.

        Raises:
            StorageError: The account cannot be reached, or does not let us in at all.
        """
        try:
            return sorted(item.name for item in self._service.list_containers())
        except AzureError as error:
            if _code_of(error) == "AuthorizationPermissionMismatch":
                return None  # a role may be given for one container alone
            raise _in_words(error, f"The storage account {self.host}", self.host) from None

    def container(self, name: str, page: int = PAGE) -> "AzureContainer":
        """Return one of its containers; nothing is asked yet."""
        return AzureContainer(name, self, self._service, page)

    def short_way(self, name: str) -> ShortWay:
        """Return the short way to the blobs of a container."""
        address, _, signature = str(self._service.get_container_client(name).url).partition("?")
        key = getattr(self._service.credential, "account_key", None)
        if self._login:
            prove = by_token(self._login.get_token)
        elif key:
            prove = by_key(str(self._service.account_name), name, key)
        else:
            prove = by_signature(signature)
        return ShortWay(address, prove, API_VERSION, self._patience.read_seconds)


class _NoLoginNowError(ServiceRequestError):
    """Whoever gives logins does not answer, or is out of order."""


class _Login:
    """A login whose absence is said at once: Azure's library would ask for it again and again."""

    def __init__(self, credential: TokenCredential) -> None:
        self._credential = credential

    def get_token(self, *scopes: str, **options: Any) -> AccessToken:
        """Return what the storage takes as proof of who asks.

        Raises:
            StorageError: Nobody is logged in.
            _NoLoginNowError: It cannot be found out now; Azure's library asks again.
        """
        try:
            return self._credential.get_token(*scopes, **options)
        except ClientAuthenticationError:
            raise StorageError(
                "There is no login to Azure that works. In Azure, switch on the app's managed "
                "identity; elsewhere run `az login`, or set AZURE_TENANT_ID, AZURE_CLIENT_ID and "
                "AZURE_CLIENT_SECRET in the environment. A connection string in "
                "AZURE_STORAGE_CONNECTION_STRING needs no login.",
                permanent=True,
            ) from None
        except AzureError as error:
            raise _NoLoginNowError(error.message, error=error) from None


class AzureContainer:
    """A container in a storage account. One object may serve several threads.

    Hidden names (`.gitkeep`) are no photos, as in a folder, nor are the empty blobs that stand for
    a folder.

    Args:
        name: The container's name in the account and in the tables.
        account: What it lies in.
        service: The account's connections.
        page: Blobs in one answer to a listing, at most 5,000.
    """

    def __init__(
        self, name: str, account: AzureAccount, service: BlobServiceClient, page: int = PAGE
    ) -> None:
        self.name = name
        self.account = account
        self._client = service.get_container_client(name)
        self._short_way = account.short_way(name)
        self._page = page

    def __reduce__(self) -> tuple[Callable[..., "AzureContainer"], tuple[object, ...]]:
        """Travel with the account, without its connections."""
        return AzureAccount.container, (self.account, self.name, self._page)

    def list_photos(self, prefix: str = "", after: str = "") -> Iterator[Photo]:
        """Yield the photos in the order of their names, page by page.

        Azure lists from the first name on; what comes before `after` is passed over here, 5,000
        names a request. (The interface can start later in its newest versions only.)
        """
        for blob in self._blobs(prefix):
            if blob.name > after and _is_photo(blob):
                yield Photo(self.name, blob.name, _bare(blob.etag), blob.size)

    def count_photos(self, prefix: str = "") -> Iterator[int]:
        """Yield how many photos were counted so far; Azure counts none without listing them.

        Names alone are listed, which takes a twentieth of the time. In an account with folders of
        its own these count as well: for a bar that is near enough.
        """
        number = 0
        try:
            for name in self._client.list_blob_names(name_starts_with=prefix or None):
                number += not _is_hidden(name)
                yield number
        except AzureError as error:
            raise self._in_words(error) from None

    def download(self, photo: Photo) -> bytes:
        """Return the content of a photo, if it is still the one that was listed."""
        check_size(photo)
        if not _is_name(photo.name):
            raise PhotoError("a name that leads out of the container")
        content = self._short_way.get(photo.name, photo.etag)
        if content is not None:
            return content
        etag = f'"{photo.etag}"'
        try:
            return self._content(
                photo.name, etag=etag, match_condition=MatchConditions.IfNotModified
            )
        except AzureError as error:
            raise self._refusal(error, photo.name) from None

    def etag(self, name: str) -> str | None:
        """Return the etag of a blob, or None if there is none."""
        if not _is_name(name):
            return None
        try:
            return _bare(self._client.get_blob_client(name).get_blob_properties().etag)
        except AzureError as error:
            if _is_missing_blob(error):
                return None
            raise self._in_words(error) from None

    def read(self, name: str) -> bytes:
        """Return the content of a blob."""
        try:
            if _is_name(name):
                return self._content(name)
        except AzureError as error:
            if not _is_missing_blob(error):
                raise self._in_words(error) from None
        raise StorageError(f"The container {self.name} has no file {name!r}.", permanent=True)

    def write(self, name: str, content: bytes) -> None:
        """Lay down a blob, over the one of that name."""
        if not _is_name(name):
            raise StorageError(f"A file cannot be called {name!r}.", permanent=True)
        try:
            self._client.upload_blob(name, content, overwrite=True)
        except AzureError as error:
            raise self._in_words(error) from None

    def delete(self, name: str) -> None:
        """Take a blob away, with its snapshots; that there is none is fine."""
        try:
            if _is_name(name):
                self._client.delete_blob(name, delete_snapshots="include")
        except AzureError as error:
            if not _is_missing_blob(error):
                raise self._in_words(error) from None

    def _blobs(self, prefix: str) -> Iterator[BlobProperties]:
        token, size = None, min(FIRST_PAGE, self._page)
        while size:
            pages = self._client.list_blobs(
                name_starts_with=prefix or None, include=["metadata"], results_per_page=size
            ).by_page(token)
            try:
                page = list(next(pages))
            except AzureError as error:
                raise self._in_words(error) from None
            yield from page
            token = pages.continuation_token  # type: ignore[attr-defined]
            size = self._page if token else 0

    def _content(self, name: str, **conditions: Any) -> bytes:
        content: bytes = self._client.download_blob(name, **conditions).readall()
        return content

    def _refusal(self, error: AzureError, name: str) -> PhotoError | StorageError:
        """Return why a photo could not be read: its own fault, or that of the container."""
        code = _code_of(error)
        # Asked with a condition, a server may say of what is gone that it does not meet it.
        gone = code == "ConditionNotMet" and self.etag(name) is None
        reason = _REASONS.get("BlobNotFound" if gone or _is_missing_blob(error) else code)
        return PhotoError(reason) if reason else self._in_words(error)

    def _in_words(self, error: AzureError) -> StorageError:
        host = self.account.host
        return _in_words(error, f"The container {self.name} at {host}", host)


def _options(connections: int, retries: int, patience: Patience = PATIENCE) -> dict[str, Any]:
    """Return the settings of a client: one pool for all threads, and retries that end in time."""
    session = requests.Session()
    number = connections + SPARE_CONNECTIONS
    session.mount("https://", HTTPAdapter(pool_maxsize=number))
    session.mount("http://", HTTPAdapter(pool_maxsize=number))
    transport = RequestsTransport(
        session=session,
        session_owner=False,  # or it would be replaced by one with a pool of ten
        connection_timeout=patience.connect_seconds,
        read_timeout=patience.read_seconds,
    )
    return {
        "api_version": API_VERSION,
        "transport": transport,
        "initial_backoff": patience.first_wait,
        "increment_base": patience.growth,
        "random_jitter_range": patience.jitter,
        "retry_total": retries,
        "retry_connect": retries,
        "retry_read": retries,
        "retry_status": retries,
        "raw_response_hook": _raise_too_many_requests,
    }


def _raise_too_many_requests(response: Any) -> None:
    """Make an error of status 429: Azure's library takes it for final, and tries errors again."""
    answer = response.http_response
    if answer.status_code == 429:
        error = HttpResponseError(response=answer)
        error.error_code = answer.headers.get("x-ms-error-code")  # type: ignore[attr-defined]
        answer.internal_response.close()  # nobody reads on
        raise error


def _is_photo(blob: BlobProperties) -> bool:
    """Return False for hidden names and for what only stands for a folder, True otherwise."""
    if _is_hidden(blob.name):
        return False
    metadata = {key.lower(): value for key, value in (blob.metadata or {}).items()}
    is_folder = metadata.get("hdi_isfolder", "").lower() == "true" or blob.name.endswith("/")
    return bool(blob.size or not is_folder)


def _is_hidden(name: str) -> bool:
    return "/." in f"/{name}"


def _is_name(name: str) -> bool:
    """Return True if a blob may have this name, False if it would be no address or another's.

    >>> _is_name("night/a..jpg"), _is_name("../model/a.jpg"), _is_name("")
    (True, False, False)
    """
    if not 0 < len(name) <= MAX_NAME or "\0" in name:
        return False
    if name != name.encode(errors="replace").decode():
        return False
    # A server resolves these like any address, `\` read as `/`, and arrives in another container.
    return not {".", ".."} & set(name.replace("\\", "/").split("/"))


def _bare(etag: str) -> str:
    """Return an etag without the quotes that it has in a header and lacks in a listing."""
    return etag.strip('"')


def _code_of(error: AzureError) -> str:
    """Return Azure's code for an error, such as "BlobNotFound"; empty if it gave none."""
    if "Server failed to authenticate" in error.message:
        return "AuthenticationFailed"  # Azurite gives a wrong key the firewall's code
    code = getattr(error, "error_code", None) or ""
    return str(getattr(code, "value", code))


def _is_missing_blob(error: AzureError) -> bool:
    """Return True if there is no such blob, False if anything else is wrong, or the container."""
    return isinstance(error, ResourceNotFoundError) and _code_of(error) != "ContainerNotFound"


def _in_words(error: AzureError, subject: str, host: str) -> StorageError:
    """Say what is wrong and what to do.

    The library's own error is not passed on as the cause: it quotes the address, and with that
    the signature which opens the account.
    """
    code = _code_of(error)
    if code in _REMEDIES:
        words, permanent = f"{_REMEDIES[code]} ({code})", True
    elif isinstance(error, HttpResponseError) and error.status_code:
        words, permanent = _unexpected(code, error.status_code, error.reason)
    else:
        words, permanent = _unreachable(error, host)
    return StorageError(f"{subject} cannot be used: {words}.", permanent=permanent)


def _unexpected(code: str, status: int, reason: str | None) -> tuple[str, bool]:
    shown = f"{status} {code or reason or ''}".strip()
    if status in _PASSING_STATUSES or code in _PASSING:
        return f"it is busy or out of order just now ({shown}). Try again later", False
    return f"it answered with {shown}. Check STORAGE_URL or AZURE_STORAGE_CONNECTION_STRING", True


def _unreachable(error: AzureError, host: str) -> tuple[str, bool]:
    if isinstance(error, _NoLoginNowError):
        return (
            "the login to Azure does not answer. Check the network and any firewall between, and "
            "try again later",
            False,
        )
    causes = list(_causes(error))
    if any(isinstance(cause, socket.gaierror) for cause in causes):
        return f"the name {host} cannot be resolved. Check it, and this computer's network", False
    if any(isinstance(cause, ssl.SSLCertVerificationError) for cause in causes):
        return (
            "its certificate is not trusted. Behind a company's proxy, set REQUESTS_CA_BUNDLE to "
            "the company's certificates",
            True,
        )
    if isinstance(error, ServiceRequestError):
        return "it does not answer. Check the address, the network and any firewall between", False
    return "it broke off in the middle of an answer. Try again later", False


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = getattr(error, "inner_exception", None) or error.__cause__ or error.__context__
