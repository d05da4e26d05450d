"""The short way to a blob, over Azurite: whole and as it was listed, or not at all."""

from collections.abc import Iterator
from dataclasses import replace

import pytest
from azure.core.credentials import AccessToken
from azure.core.exceptions import ServiceRequestError

from chaos.proxy import Mishap, Proxy, Request
from clothing.azure_download import Proof, ShortWay, by_signature, by_token
from clothing.azure_storage import API_VERSION, AzureAccount, AzureContainer, Patience
from clothing.errors import PhotoError
from clothing.photos import Photo
from tests.azurite import Azurite, connection_string

NAME, CONTENT = "night/a photo, größe=1 & 100 %.jpg", bytes(range(256)) * 40
PATIENT = 30.0


@pytest.fixture(scope="module")
def container(azurite: Azurite) -> AzureContainer:
    """A container with one photo."""
    container = azurite.container("short-way")
    container.write(NAME, CONTENT)
    return container


@pytest.fixture
def photo(container: AzureContainer) -> Photo:
    """That photo, as it is listed."""
    (photo,) = container.list_photos()
    return photo


def way_to(container: AzureContainer) -> ShortWay:
    """Return the short way to it."""
    return container.account.short_way(container.name)


def address_of(container: AzureContainer) -> str:
    """Return its address, unsigned."""
    return str(container._client.url).partition("?")[0]


def test_a_blob_comes_whole(container: AzureContainer, photo: Photo) -> None:
    assert way_to(container).get(photo.name, photo.etag) == CONTENT
    assert container.download(photo) == CONTENT


def test_a_signature_that_was_made_elsewhere_does(container: AzureContainer, photo: Photo) -> None:
    made = way_to(container)._prove().query
    way = ShortWay(address_of(container), by_signature(made), API_VERSION, PATIENT)

    assert way.get(photo.name, photo.etag) == CONTENT


def test_what_changed_since_it_was_listed_is_not_given(
    container: AzureContainer, photo: Photo
) -> None:
    assert way_to(container).get(photo.name, "0x8D00000000000000") is None
    with pytest.raises(PhotoError, match="changed while it was read"):
        container.download(replace(photo, etag="0x8D00000000000000"))


def test_what_is_gone_is_not_given(container: AzureContainer, photo: Photo) -> None:
    assert way_to(container).get("nothing.jpg", photo.etag) is None


def test_without_a_proof_nothing_is_given(container: AzureContainer, photo: Photo) -> None:
    assert (
        ShortWay(address_of(container), by_signature(""), API_VERSION, PATIENT).get(NAME, "1")
        is None
    )


def test_while_the_login_does_not_answer_nothing_is_given(
    container: AzureContainer, photo: Photo
) -> None:
    def get_token(scope: str) -> AccessToken:
        raise ServiceRequestError("login.example does not answer")

    way = ShortWay(address_of(container), by_token(get_token), API_VERSION, PATIENT)

    assert way.get(photo.name, photo.etag) is None


def test_where_nobody_answers_nothing_is_given(photo: Photo) -> None:
    way = ShortWay("http://127.0.0.1:9/a/images", by_signature("s"), API_VERSION, PATIENT)

    assert way.get(photo.name, photo.etag) is None


def test_whoever_has_a_proxy_has_told_the_library(
    container: AzureContainer, photo: Photo, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("https_proxy", "http://127.0.0.1:9")

    assert way_to(container).get(photo.name, photo.etag) is None


@pytest.mark.parametrize("mishap", ["drop", "truncate", "reset", "429", "500", "503"])
def test_after_a_mishap_the_library_asks_again(
    azurite: Azurite, container: AzureContainer, photo: Photo, mishap: Mishap
) -> None:
    """The first answer is spoilt; the short way gives nothing, and the library gets the photo."""
    spoilt: list[str] = []

    def once(request: Request) -> Mishap | None:
        if spoilt:
            return None
        spoilt.append(request.path)
        return mishap

    with Proxy(azurite.port, once) as proxy:
        account = AzureAccount.from_connection_string(
            connection_string(proxy.port, azurite.key),
            connections=2,
            patience=Patience(5, 20, 0.05, 1, 0.05),
        )
        content = account.container(container.name).download(photo)

    assert content == CONTENT
    assert len(spoilt) == 1


class Login:
    """A login as Azure's are: it gives the token that it has until five minutes before its end."""

    def __init__(self, clock: list[float], seconds: float) -> None:
        self.asked: list[float] = []
        self._clock, self._seconds = clock, seconds
        self._until = 0.0

    def get_token(self, scope: str) -> AccessToken:
        (now,) = self._clock
        self.asked.append(now)
        if now >= self._until - 300:
            self._until = now + self._seconds
        return AccessToken(f"until {self._until:.0f}", int(self._until))


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The time in seconds, for a test to set."""
    clock = [0.0]
    monkeypatch.setattr("clothing.azure_download.time", lambda: clock[0])
    return clock


def shown(way: ShortWay, clock: list[float], seconds: range) -> Iterator[tuple[float, str]]:
    """Yield what is shown at each of these seconds."""
    for second in seconds:
        clock[0] = float(second)
        yield clock[0], way._valid_proof().header


def test_a_token_is_made_anew_before_its_end_and_asked_for_once_a_minute(
    clock: list[float],
) -> None:
    login = Login(clock, seconds=3600)
    way = ShortWay("https://a/images", by_token(login.get_token), API_VERSION, PATIENT)

    tokens = dict(shown(way, clock, range(4000)))

    assert login.asked == [0, 3000, 3060, 3120, 3180, 3240, 3300]
    assert (tokens[3299], tokens[3300]) == ("Bearer until 3600", "Bearer until 6900")


def test_no_proof_is_shown_after_its_end(clock: list[float]) -> None:
    made: list[float] = []

    def prove() -> Proof:
        made.append(clock[0])
        return Proof("", f"{clock[0] + 20:.0f}", clock[0] + 20)

    way = ShortWay("https://a/images", prove, API_VERSION, PATIENT)

    assert all(now < float(until) for now, until in shown(way, clock, range(100)))
    assert made == [0, 20, 40, 60, 80]


def test_a_token_is_shown_as_a_header() -> None:
    asked: list[str] = []

    def get_token(scope: str) -> AccessToken:
        asked.append(scope)
        return AccessToken("t", 9)

    assert by_token(get_token)() == Proof("", "Bearer t", 9)
    assert asked == ["https://storage.azure.com/.default"]
