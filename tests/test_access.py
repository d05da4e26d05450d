"""Who may ask, and who is turned away."""

import re
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


def test_the_cookie_is_secure_where_the_page_came_by_https(stranger: FlaskClient) -> None:
    answer = stranger.post("/sign-in", data={"key": KEY}, base_url="https://localhost")

    assert "Secure" in answer.headers["Set-Cookie"]


def test_signing_out_ends_the_session(stranger: FlaskClient) -> None:
    stranger.post("/sign-in", data={"key": KEY, "name": "Kim"})
    assert "Kim" in stranger.get("/review").text

    answer = stranger.post("/sign-out", headers={"Sec-Fetch-Site": "same-origin"})

    assert (answer.status_code, answer.headers["Location"]) == (303, "/")
    assert stranger.get("/api/runs").status_code == 401


def test_a_form_without_proof_that_it_is_ours_does_nothing(stranger: FlaskClient) -> None:
    stranger.post("/sign-in", data={"key": KEY, "name": "Kim"})
    form = re.search(r'name="csrf" value="([^"]+)"', stranger.get("/review").text)
    assert form

    assert stranger.post("/sign-out").status_code == 403
    assert stranger.post("/sign-out", data={"csrf": "guessed"}).status_code == 403
    assert stranger.post("/api/reviews", json={}).status_code == 403
    assert stranger.post("/sign-out", data={"csrf": form[1]}).status_code == 303


@pytest.mark.parametrize("path", ["/sign-in", "/review"])
def test_every_form_brings_the_proof(stranger: FlaskClient, path: str) -> None:
    if path != "/sign-in":
        stranger.post("/sign-in", data={"key": KEY, "name": "Kim"})

    page = stranger.get(path).text

    assert page.count("<form") == page.count('name="csrf"') > 0


@pytest.mark.parametrize("name", ["", "  ", "x" * 65, "two\nlines"])
def test_a_name_must_be_one(client: FlaskClient, name: str) -> None:
    assert client.post("/name", data={"name": name}).status_code == 400


ENTRA = {"X-MS-CLIENT-PRINCIPAL-NAME": "kim@example.com", "X-MS-CLIENT-PRINCIPAL-IDP": "aad"}


@pytest.fixture
def azure(environ: dict[str, str]) -> Iterator[Flask]:
    """The app on a Web App that signs people in at Entra."""
    on = {"WEBSITE_HOSTNAME": "example.azurewebsites.net", "WEBSITE_AUTH_ENABLED": "True"}
    app = create_app({**environ, "API_KEY": KEY, **on})
    yield app
    app.extensions["site"].close()


def test_whom_azure_has_signed_in_needs_no_key(azure: Flask) -> None:
    visitor = azure.test_client()

    page = visitor.get("/review", headers=ENTRA)
    away = visitor.post("/sign-out", headers={**ENTRA, "Sec-Fetch-Site": "same-origin"})

    assert (page.status_code, away.status_code) == (200, 303)
    assert "kim@example.com" in page.text
    assert away.headers["Location"] == "/.auth/logout"


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"X-MS-CLIENT-PRINCIPAL-NAME": "kim@example.com"},
        {**ENTRA, "X-MS-CLIENT-PRINCIPAL-IDP": "github"},
        {**ENTRA, "X-MS-CLIENT-PRINCIPAL-NAME": " "},
    ],
)
def test_whom_azure_has_not_signed_in_at_entra_needs_the_key(
    azure: Flask, headers: dict[str, str]
) -> None:
    assert azure.test_client().get("/api/runs", headers=headers).status_code == 401


@pytest.mark.parametrize(
    "environ_of_azure",
    [
        {},
        {"WEBSITE_AUTH_ENABLED": "True"},
        {"WEBSITE_HOSTNAME": "example.azurewebsites.net"},
        {"WEBSITE_HOSTNAME": "example.azurewebsites.net", "WEBSITE_AUTH_ENABLED": "False"},
    ],
)
def test_where_azure_signs_nobody_in_its_headers_say_nothing(
    environ: dict[str, str], environ_of_azure: dict[str, str]
) -> None:
    app = create_app({**environ, "API_KEY": KEY, **environ_of_azure})

    assert app.test_client().get("/api/runs", headers=ENTRA).status_code == 401
    app.extensions["site"].close()


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
