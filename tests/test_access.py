"""Who may ask, and who is turned away."""

from collections.abc import Iterator

import pytest
from flask import Flask
from flask.testing import FlaskClient

from clothing.errors import ConfigError
from clothing.web import create_app

KEY = "a-key-for-tests-only"


@pytest.fixture
def locked(environ: dict[str, str]) -> Iterator[Flask]:
    """The app with an API key."""
    app = create_app({**environ, "API_KEY": KEY})
    yield app
    app.extensions["site"].close()


@pytest.fixture
def stranger(locked: Flask) -> FlaskClient:
    """Somebody who has not shown a key."""
    return locked.test_client()


@pytest.mark.parametrize("path", ["/api/runs", "/api/predictions", "/api/runs/1", "/prediction"])
def test_without_the_key_the_api_answers_401(stranger: FlaskClient, path: str) -> None:
    answer = stranger.get(path) if path != "/prediction" else stranger.post(path)

    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"] == "Bearer"
    assert answer.content_type == "application/problem+json"


@pytest.mark.parametrize(
    "headers",
    [{"Authorization": f"Bearer {KEY}"}, {"Authorization": f"bearer {KEY}"}, {"X-API-Key": KEY}],
)
def test_the_key_opens_the_api(stranger: FlaskClient, headers: dict[str, str]) -> None:
    assert stranger.get("/api/runs", headers=headers).status_code == 200


@pytest.mark.parametrize("key", ["", "wrong", KEY[:-1], KEY + "x", "schlüssel"])
def test_another_key_does_not(stranger: FlaskClient, key: str) -> None:
    headers = {"X-API-Key": key.encode().decode("latin-1")}

    assert stranger.get("/api/runs", headers=headers).status_code == 401


@pytest.mark.parametrize("path", ["/health/live", "/health/ready", "/static/style.css"])
def test_probes_and_style_need_no_key(stranger: FlaskClient, path: str) -> None:
    with stranger.get(path) as answer:
        assert answer.status_code == 200


def test_a_page_leads_to_the_sign_in(stranger: FlaskClient) -> None:
    answer = stranger.get("/", headers={"Accept": "text/html"})

    assert answer.status_code == 302
    assert answer.headers["Location"] == "/sign-in"


def test_signing_in_lets_the_browser_in(stranger: FlaskClient) -> None:
    answer = stranger.post("/sign-in", data={"key": KEY})

    assert answer.status_code == 303
    cookie = answer.headers["Set-Cookie"]
    assert "HttpOnly" in cookie and "SameSite=Lax" in cookie
    assert KEY not in cookie
    assert stranger.get("/").status_code == 200
    assert stranger.get("/api/runs").status_code == 200


def test_a_wrong_key_does_not_sign_in(stranger: FlaskClient) -> None:
    answer = stranger.post("/sign-in", data={"key": "wrong"})

    assert answer.status_code == 403
    assert "This is not the key" in answer.text
    assert stranger.get("/api/runs").status_code == 401


def test_a_new_key_ends_old_sessions(environ: dict[str, str]) -> None:
    old = create_app({**environ, "API_KEY": KEY, "SECRET_KEY": "signs"})
    new = create_app({**environ, "API_KEY": "another-key", "SECRET_KEY": "signs"})
    client = old.test_client()
    client.post("/sign-in", data={"key": KEY})
    session = client.get_cookie("session")
    assert session is not None

    visitor = new.test_client()
    visitor.set_cookie("session", session.value)

    assert visitor.get("/api/runs").status_code == 401
    for app in (old, new):
        app.extensions["site"].close()


@pytest.mark.parametrize("host", ["example.com", "192.168.1.5", "localhost.example.com"])
def test_without_a_key_only_this_computer_is_answered(client: FlaskClient, host: str) -> None:
    by_name = client.get("/api/runs", headers={"Host": host})
    by_address = client.get("/api/runs", environ_overrides={"REMOTE_ADDR": "192.168.1.9"})

    assert by_name.status_code == by_address.status_code == 403
    assert "Set API_KEY" in by_name.get_json()["detail"]


@pytest.mark.parametrize("host", ["localhost:5000", "127.0.0.1:5101", "[::1]:5000"])
def test_this_computer_is_answered_by_each_of_its_names(client: FlaskClient, host: str) -> None:
    assert client.get("/api/runs", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ],
)
@pytest.mark.parametrize("path", ["/prediction", "/runs", "/api/classify"])
def test_another_sites_page_can_start_nothing(
    client: FlaskClient, headers: dict[str, str], path: str
) -> None:
    assert client.post(path, headers=headers).status_code == 403
    assert client.get("/api/runs").get_json()["runs"] == []


def test_azure_without_a_key_does_not_start(environ: dict[str, str]) -> None:
    with pytest.raises(ConfigError, match="API_KEY must be set"):
        create_app({**environ, "WEBSITE_HOSTNAME": "example.azurewebsites.net"})


@pytest.mark.parametrize("path", ["/", "/api/runs", "/health/live", "/nowhere"])
def test_every_answer_is_hardened(client: FlaskClient, path: str) -> None:
    headers = client.get(path).headers

    assert headers["X-Content-Type-Options"] == "nosniff"
    assert "unsafe" not in headers["Content-Security-Policy"]
    assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]
