"""Containers in Azure: what they add to the contract of tests/test_storage.py.

Azurite stands for Azure. What it cannot say (a firewall, a missing role) a server of our own says
with Azure's codes, and a login that is not there is a credential that finds none.
"""

import json
import logging
import os
import pickle
import sqlite3
import subprocess
import sys
import threading
import time
import traceback
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from azure.core.credentials import AccessToken
from azure.core.exceptions import AzureError, HttpResponseError, ServiceRequestError
from azure.identity import CredentialUnavailableError

from clothing.azure_login import azure_login
from clothing.azure_storage import AzureAccount, AzureContainer
from clothing.config import PROJECT
from clothing.doctor import examine
from clothing.errors import ConfigError, PhotoError, StorageError
from clothing.parts import Parts
from clothing.photos import Photo
from clothing.storage import MAX_NAME, FolderContainer
from tests.azurite import Azurite, connection_string
from tests.serving import free_port
from tests.test_storage import NO_NAMES, names_in, the_photo

pytestmark = pytest.mark.slow

WRONG_KEY = "d3Jvbmcga2V5"

GIVE_UP_SECONDS = 25
"""In which a storage that refuses connections is given up, with some slack: `RETRIES` says 17."""


@pytest.fixture
def container(azurite: Azurite) -> AzureContainer:
    """An empty container that is asked by pages of three."""
    return azurite.container(page=3)


class Oracle:
    """A server that answers every request with one status and one of Azure's codes."""

    def __init__(self, status: int, code: str) -> None:
        self.requests = 0
        oracle = self

        class Answer(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                oracle.requests += 1
                body = f"<Error><Code>{code}</Code><Message>no</Message></Error>" if code else "no"
                self.send_response(status)
                if code:
                    self.send_header("x-ms-error-code", code)
                self.send_header("Content-Type", "application/xml" if code else "text/html")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body.encode())

            def log_message(self, *_: object) -> None:
                """Be silent."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Answer)
        self._thread = threading.Thread(target=self._server.serve_forever)

    def __enter__(self) -> "Oracle":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def container(self, retries: int = 0) -> AzureContainer:
        """Return a container of an account that this server answers for."""
        return container_at(self._server.server_address[1], retries=retries)


def container_at(port: int, key: str = WRONG_KEY, retries: int = 0) -> AzureContainer:
    address = connection_string(port, key)
    account = AzureAccount.from_connection_string(address, connections=2, retries=retries)
    return account.container("images")


def fill(container: AzureContainer, *names: str) -> None:
    for name in names:
        container.write(name, name.encode())


# Travelling


def test_a_container_arrives_in_another_process_with_its_account(azurite: Azurite) -> None:
    made = azurite.container(page=3)
    fill(made, "a.jpg")

    arrived: AzureContainer = pickle.loads(pickle.dumps(made))

    (photo,) = arrived.list_photos()
    assert arrived.download(photo) == b"a.jpg"


def test_an_account_at_an_address_travels_without_a_secret() -> None:
    account = AzureAccount.at("https://shop.blob.core.windows.net", connections=2)

    arrived = pickle.loads(pickle.dumps(account))

    assert arrived.host == account.host


def test_an_account_that_cannot_be_made_again_does_not_travel() -> None:
    made = AzureAccount.at("https://shop.blob.core.windows.net", connections=2)

    with pytest.raises(TypeError, match="cannot travel"):
        pickle.dumps(AzureAccount(made._service))


# Listing


@pytest.mark.parametrize("number", [1, 2, 3, 4, 6, 7, 10])
def test_a_listing_goes_on_from_page_to_page(container: AzureContainer, number: int) -> None:
    names = [f"{place:02}.jpg" for place in range(number)]
    fill(container, *names)

    assert names_in(container) == names
    assert names_in(container, after=names[number // 2]) == names[number // 2 + 1 :]


def test_a_listing_asks_for_a_page_only_when_it_is_needed(container: AzureContainer) -> None:
    fill(container, "a.jpg", "b.jpg", "c.jpg", "d.jpg")
    listing = container.list_photos()

    first = [next(listing).name for _ in range(3)]
    container.delete("d.jpg")

    assert first == ["a.jpg", "b.jpg", "c.jpg"]
    assert list(listing) == []


@pytest.mark.parametrize("hidden", [".gitkeep", ".DS_Store", ".git/a.jpg", "night/.a.jpg.swp"])
def test_hidden_names_are_no_photos_as_in_a_folder(container: AzureContainer, hidden: str) -> None:
    fill(container, hidden, "a.jpg")

    assert names_in(container) == ["a.jpg"]


def test_what_only_stands_for_a_folder_is_no_photo(container: AzureContainer) -> None:
    container.write("night/", b"")
    for name in ("day", "day/late"):
        container._client.upload_blob(name, b"", metadata={"hdi_isfolder": "true"})
    fill(container, "day/a.jpg", "night/b.jpg")
    container.write("empty.jpg", b"")

    assert names_in(container) == ["day/a.jpg", "empty.jpg", "night/b.jpg"]


# Names

LONG_NAMES = {
    "letters": "n" * (MAX_NAME - 4) + ".jpg",
    "folders": "/".join(["n" * 30] * 33) + "n",
    "umlauts": "ü" * (MAX_NAME - 4) + ".jpg",
    "signs that an address takes otherwise": "%+#?& " * 170 + ".jpg",
}


@pytest.mark.parametrize("name", LONG_NAMES.values(), ids=LONG_NAMES)
def test_a_name_may_have_1024_characters(container: AzureContainer, name: str) -> None:
    assert MAX_NAME - 4 <= len(name) <= MAX_NAME
    container.write(name, b"content")

    assert container.download(the_photo(container, name)) == b"content"


@pytest.mark.parametrize("name", NO_NAMES.values(), ids=NO_NAMES)
def test_a_name_that_is_none_reaches_nothing(azurite: Azurite, name: str) -> None:
    container = azurite.container()
    fill(container, "a.jpg", "night/b.jpg", "secret.jpg")

    assert container.etag(name) is None
    with pytest.raises(StorageError):
        container.read(name)
    with pytest.raises(PhotoError):
        container.download(Photo("images", name, "etag", 6))


@pytest.mark.parametrize("above", ["../{}/a.jpg", "..\\{}\\a.jpg", "b/../../{}/a.jpg"])
def test_a_name_does_not_lead_to_another_container(azurite: Azurite, above: str) -> None:
    container, other = azurite.container(), azurite.container("secret")
    fill(other, "a.jpg")
    name = above.format(other.name)

    container.delete(name)
    with pytest.raises(StorageError, match="cannot be called"):
        container.write(name, b"planted")
    with pytest.raises(PhotoError, match="leads out"):
        container.download(Photo("images", name, str(other.etag("a.jpg")), 5))

    assert other.read("a.jpg") == b"a.jpg"
    assert names_in(container) == []


# Downloads


def test_downloads_run_side_by_side_over_connections_that_are_kept(
    azurite: Azurite, caplog: pytest.LogCaptureFixture
) -> None:
    container = azurite.container()
    fill(container, *(f"{place:02}.jpg" for place in range(40)))
    caplog.set_level(logging.DEBUG, "urllib3")

    with ThreadPoolExecutor(12) as pool:
        contents = list(pool.map(container.download, container.list_photos()))

    assert contents == [f"{place:02}.jpg".encode() for place in range(40)]
    assert "pool is full" not in caplog.text
    assert caplog.text.count("Starting new HTTP connection") <= 13


def test_a_photo_in_the_archive_is_refused_with_the_remedy() -> None:
    with Oracle(409, "BlobArchived") as oracle, pytest.raises(PhotoError, match="rehydrate it"):
        oracle.container().download(Photo("images", "a.jpg", "etag", 5))


def test_a_storage_that_comes_back_is_worth_waiting_for(tmp_path: Path) -> None:
    with Azurite(tmp_path) as azurite:
        container = azurite.account(retries=3).container(azurite.container().name)
        fill(container, "a.jpg", "b.jpg")
        photos = list(container.list_photos())
        assert container.download(photos[0]) == b"a.jpg"

        azurite.stop()
        start = threading.Timer(1, azurite.start)
        start.start()
        try:
            content = container.download(photos[1])
        finally:
            start.join()

    assert content == b"b.jpg"


@pytest.mark.parametrize(("status", "code"), [(503, "ServerBusy"), (429, "TooManyRequests")])
def test_a_storage_that_is_busy_is_asked_again_and_then_given_up(status: int, code: str) -> None:
    with Oracle(status, code) as oracle:
        words = f"busy or out of order.*{status} {code}"
        with pytest.raises(StorageError, match=words) as refusal:
            names_in(oracle.container(retries=1))
        assert oracle.requests == 2

    assert not refusal.value.permanent


# What is wrong, in words


@pytest.mark.parametrize(
    ("status", "code", "words"),
    [
        (403, "AuthenticationFailed", "key or signature is wrong.*clock"),
        (403, "AuthorizationFailure", "firewall.*Networking"),
        (403, "AuthorizationPermissionMismatch", "role Storage Blob Data Reader"),
        (403, "KeyBasedAuthenticationNotPermitted", "takes no keys. Set STORAGE_URL"),
        (403, "AccountIsDisabled", "disabled"),
        (400, "InvalidHeaderValue", "Azurite 3.35 or newer"),
        (400, "InvalidUri", "answered with 400 InvalidUri"),
        (404, "", "answered with 404 Not Found.*Check STORAGE_URL"),
    ],
)
def test_what_does_not_pass_is_said_once_with_its_remedy(
    status: int, code: str, words: str
) -> None:
    with Oracle(status, code) as oracle:
        with pytest.raises(StorageError, match=f"^The container images at .*{words}") as refusal:
            names_in(oracle.container(retries=3))
        assert oracle.requests == 1

    assert refusal.value.permanent


def test_a_wrong_key_is_said(azurite: Azurite) -> None:
    with pytest.raises(StorageError, match="key or signature is wrong") as refusal:
        names_in(container_at(azurite.port, WRONG_KEY))

    assert refusal.value.permanent


@pytest.mark.parametrize(
    "use",
    [
        lambda container: next(container.list_photos()),
        lambda container: container.download(Photo("images", "a.jpg", "etag", 5)),
        lambda container: container.etag("a.jpg"),
        lambda container: container.read("a.jpg"),
        lambda container: container.write("a.jpg", b""),
        lambda container: container.delete("a.jpg"),
    ],
    ids=["list", "download", "etag", "read", "write", "delete"],
)
def test_a_missing_container_is_said_whatever_is_done_with_it(
    azurite: Azurite, use: Callable[[AzureContainer], object]
) -> None:
    container = azurite.account().container("nowhere")

    with pytest.raises(StorageError, match="nowhere.*no such container. Create it") as refusal:
        use(container)
    assert refusal.value.permanent


def test_a_closed_port_is_given_up_in_time() -> None:
    container = AzureAccount.from_connection_string(
        connection_string(free_port(), WRONG_KEY), connections=1
    ).container("images")
    before = time.monotonic()

    with pytest.raises(StorageError, match="does not answer. Check the address") as refusal:
        names_in(container)

    assert 5 < time.monotonic() - before < GIVE_UP_SECONDS
    assert not refusal.value.permanent


def test_a_name_that_cannot_be_resolved_is_said() -> None:
    account = AzureAccount.at(
        "https://shop.blob.invalid", connections=1, retries=0, credential=Login()
    )

    with pytest.raises(StorageError, match=r"shop\.blob\.invalid cannot be resolved") as refusal:
        account.containers()
    assert not refusal.value.permanent


class Login:
    """A login that gives a token, or has an error instead."""

    def __init__(self, error: AzureError | None = None) -> None:
        self.error = error
        self.asked = 0

    def get_token(self, *scopes: str, **_: Any) -> AccessToken:
        self.asked += 1
        if self.error:
            raise self.error
        return AccessToken("hunter2", int(time.time()) + 3600)


def test_no_login_is_said_with_the_ways_to_one() -> None:
    nobody = Login(CredentialUnavailableError("nobody is logged in"))
    account = AzureAccount.at(
        "https://shop.blob.core.windows.net", connections=1, credential=nobody
    )
    before = time.monotonic()

    with pytest.raises(StorageError, match="no login.*managed identity.*az login") as refusal:
        names_in(account.container("images"))
    assert refusal.value.permanent
    assert time.monotonic() - before < 2


@pytest.mark.parametrize("error", [ServiceRequestError("no"), HttpResponseError("500")])
def test_a_login_that_does_not_answer_is_asked_again_and_then_said(error: AzureError) -> None:
    login = Login(error)
    account = AzureAccount.at(
        "https://shop.blob.core.windows.net", connections=1, retries=0, credential=login
    )

    with pytest.raises(StorageError, match="the login to Azure does not answer") as refusal:
        account.container("images").download(Photo("images", "a.jpg", "1", 5))
    assert not refusal.value.permanent
    assert login.asked == 2  # the short way to the photo, and the long one


def test_nobody_is_ever_asked_to_log_in() -> None:
    chain = {type(credential).__name__ for credential in azure_login().credentials}

    assert {"ManagedIdentityCredential", "AzureCliCredential", "EnvironmentCredential"} <= chain
    assert not [name for name in chain if "Interactive" in name or "Broker" in name]


def test_containers_that_may_not_be_listed_are_no_error() -> None:
    with Oracle(403, "AuthorizationPermissionMismatch") as oracle:
        assert oracle.container().account.containers() is None


def test_a_signature_is_never_shown(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING)
    place = f"BlobEndpoint=http://127.0.0.1:{free_port()}/shop"
    account = AzureAccount.from_connection_string(
        f"{place};SharedAccessSignature=sv=2025&sig=hunter2", connections=1, retries=0
    )
    container = account.container("images")

    with pytest.raises(StorageError) as refusal:
        container.read("a.jpg")

    shown = "".join(traceback.format_exception(refusal.value))
    assert "hunter2" not in f"{shown} {account!r} {container!r} {account.host} {caplog.text}"


def test_a_connection_string_that_the_library_refuses_is_not_shown() -> None:
    received = "UseDevelopmentStorage=" + "hunter" + "2"  # a traceback quotes this line

    with pytest.raises(ConfigError, match="not shown") as refusal:
        AzureAccount.from_connection_string(received, connections=1)

    assert "hunter2" not in "".join(traceback.format_exception(refusal.value))


# The whole service


@pytest.fixture
def uploaded(azurite: Azurite, environ: dict[str, str], storage: Path) -> dict[str, str]:
    """The settings of the tests, with photos and model in Azurite instead of folders."""
    values = {**environ, "STORAGE_URL": ""}
    values["AZURE_STORAGE_CONNECTION_STRING"] = azurite.connection_string
    for setting, name in (("IMAGES_CONTAINER", "images"), ("MODEL_CONTAINER", "model")):
        container = azurite.container(name)
        values[setting] = container.name
        copy(FolderContainer(name, storage / name), container)
    return values


def copy(folder: FolderContainer, container: AzureContainer) -> None:
    for photo in folder.list_photos():
        container.write(photo.name, folder.read(photo.name))


def run(environ: dict[str, str], database: Path) -> Any:
    """Do what `python -m clothing run` does, into a database."""
    child = subprocess.run(
        [sys.executable, "-m", "clothing", "run", "--json"],
        cwd=PROJECT,
        env={**environ, "DATABASE_URL": f"sqlite:///{database}"},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert child.returncode in (0, 3), child.stderr
    return json.loads(child.stdout)


def answers_in(database: Path) -> list[tuple[Any, ...]]:
    with closing(sqlite3.connect(database)) as connection:
        return connection.execute(
            "SELECT image_filename, predicted_category, confidence, model_version, needs_review, "
            "t_shirt, trouser, pullover, dress, coat, sandal, shirt, sneaker, bag, ankle_boot "
            "FROM image_prediction JOIN image_probabilities USING (image_id) "
            "ORDER BY image_filename"
        ).fetchall()


def test_blobs_have_the_same_outcomes_as_files(
    uploaded: dict[str, str], environ: dict[str, str], storage: Path, tmp_path: Path
) -> None:
    samples = FolderContainer("images", PROJECT / "images")
    photos = AzureAccount.from_connection_string(
        uploaded["AZURE_STORAGE_CONNECTION_STRING"], connections=1
    ).container(uploaded["IMAGES_CONTAINER"])
    for container in (photos, FolderContainer("images", storage / "images")):
        container.write("broken.jpg", b"\xff\xd8\xff")
        for photo in samples.list_photos():
            container.write(photo.name, samples.read(photo.name))

    in_azure = run(uploaded, tmp_path / "azure.db")
    in_folders = run(environ, tmp_path / "folders.db")

    counts = ("status", "listed", "classified", "failed", "skipped")
    assert [in_azure[name] for name in counts] == [in_folders[name] for name in counts]
    assert in_azure["listed"] > 40 and in_azure["failed"] == 1
    assert answers_in(tmp_path / "azure.db") == answers_in(tmp_path / "folders.db")


def test_the_next_run_takes_what_is_new_photos_and_model(
    uploaded: dict[str, str], tmp_path: Path
) -> None:
    parts = Parts(uploaded)
    parts.store.dispose()
    first = run(uploaded, tmp_path / "azure.db")
    again = run(uploaded, tmp_path / "azure.db")

    parts.images.write("new.jpg", parts.images.read("a.jpg"))
    with_new_photo = run(uploaded, tmp_path / "azure.db")

    card = json.loads(parts.models.read("clothing_model.json"))
    card["temperature"] = 1.5
    parts.models.write("clothing_model.json", json.dumps(card).encode())
    with_new_model = run(uploaded, tmp_path / "azure.db")

    assert (first["classified"], first["skipped"]) == (3, 0)
    assert (again["classified"], again["skipped"]) == (0, 3)
    assert (with_new_photo["classified"], with_new_photo["skipped"]) == (1, 3)
    assert (with_new_model["classified"], with_new_model["skipped"]) == (4, 0)
    assert with_new_model["model_version"] != first["model_version"]


def test_who_has_folders_does_not_pay_for_azure(environ: dict[str, str]) -> None:
    program = (
        "import os, sys; from clothing.parts import Parts; Parts(os.environ).store.dispose(); "
        "print([name for name in sys.modules if name.partition('.')[0] in ('azure', 'requests')])"
    )

    child = subprocess.run(
        [sys.executable, "-c", program],
        cwd=PROJECT,
        env={**os.environ, **environ},
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )

    assert child.stdout.strip() == "[]"


# The doctor


def test_the_doctor_finds_account_containers_and_model(uploaded: dict[str, str]) -> None:
    checks = {check.name: check for check in examine(uploaded)}

    assert all(check.ok for check in checks.values())
    assert uploaded["IMAGES_CONTAINER"] in checks["storage"].found
    assert uploaded["MODEL_CONTAINER"] in checks["storage"].found
    assert checks[f"container {uploaded['IMAGES_CONTAINER']}"].found == "3 files"
    assert "card clothing_model.json" in checks["model"].found


def test_the_doctor_says_that_a_container_is_missing(uploaded: dict[str, str]) -> None:
    checks = {check.name: check for check in examine({**uploaded, "IMAGES_CONTAINER": "nowhere"})}

    assert checks["storage"].ok and checks["model"].ok
    missing = checks["container nowhere"]
    assert not missing.ok and "no such container" in missing.found
    assert missing.remedy == "Check IMAGES_CONTAINER."


def test_the_doctor_says_that_the_model_is_missing(uploaded: dict[str, str]) -> None:
    checks = {check.name: check for check in examine({**uploaded, "MODEL_BLOB": "other.keras"})}

    assert not checks["model"].ok and "has no other.keras" in checks["model"].found


def test_the_doctor_says_that_the_key_is_wrong_and_asks_no_further(
    uploaded: dict[str, str], azurite: Azurite
) -> None:
    wrong = {"AZURE_STORAGE_CONNECTION_STRING": connection_string(azurite.port, WRONG_KEY)}
    checks = {check.name: check for check in examine({**uploaded, **wrong})}

    assert "key or signature is wrong" in checks["storage"].found
    assert not checks["model"].ok and "not looked at" in checks["model"].found
    assert WRONG_KEY not in str(checks)


def test_the_doctor_says_in_time_that_nobody_answers(uploaded: dict[str, str]) -> None:
    down = {"AZURE_STORAGE_CONNECTION_STRING": connection_string(free_port(), WRONG_KEY)}
    before = time.monotonic()

    checks = {check.name: check for check in examine({**uploaded, **down})}

    assert "does not answer" in checks["storage"].found
    assert checks["storage"].remedy == "Check STORAGE_URL or AZURE_STORAGE_CONNECTION_STRING."
    assert time.monotonic() - before < GIVE_UP_SECONDS
