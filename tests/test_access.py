"""Who may ask, and who is turned away."""

import re
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from flask import Flask
from flask.testing import FlaskClient

from clothing.config import PROJECT
from clothing.errors import ConfigError
from clothing.keys import entry_of
from clothing.storage import MAX_PHOTO_BYTES
from clothing.store import Store
from clothing.web import create_app
from tests.nights import a_night, a_prediction

KEY = "a-key-for-tests-only"
ENTRY = entry_of("another", ["read"], "another-key-for-tests")


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


@pytest.mark.parametrize("encoding", ["utf-8", "latin-1"])
@pytest.mark.parametrize("header", ["Authorization", "X-API-Key"])
def test_a_key_may_have_any_letters(environ: dict[str, str], header: str, encoding: str) -> None:
    """WSGI hands over each byte of a header as one character."""
    key = "schlüssel-für-alle"
    app = create_app({**environ, "API_KEY": key})
    sent = key.encode(encoding).decode("latin-1")
    headers = {header: f"Bearer {sent}" if header == "Authorization" else sent}

    assert app.test_client().get("/api/runs", headers=headers).status_code == 200
    app.extensions["site"].close()


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


@pytest.mark.parametrize("path", ["/api/runs", "/", "/static/run.js"])
def test_an_answer_that_comes_late_brings_nobody_back(stranger: FlaskClient, path: str) -> None:
    stranger.post("/sign-in", data={"key": KEY, "name": "Kim"})
    stranger.get("/review")  # what a page needs of the session is in it

    with stranger.get(path) as answer:
        assert "Set-Cookie" not in answer.headers


def test_signing_out_needs_no_database(locked: Flask) -> None:
    browser = locked.test_client()
    browser.post("/sign-in", data={"key": KEY, "name": "Kim"})
    store: Store = locked.extensions["site"].parts.store
    assert store.file
    store.dispose()
    store.file.write_bytes(b"this is no database, and long enough not to be an empty one" * 40)

    answer = browser.post("/sign-out", headers={"Sec-Fetch-Site": "same-origin"})

    assert answer.status_code == 303
    assert browser.get("/api/runs").status_code == 401


@pytest.mark.parametrize("name", ["\u202eyks", "\u200b"])
def test_who_signs_in_has_a_name_that_can_be_seen_or_none(stranger: FlaskClient, name: str) -> None:
    answer = stranger.post("/sign-in", data={"key": KEY, "name": name})

    assert answer.status_code == 400
    wrong = answer.text.split('<input id="name"')[1]
    assert 'aria-describedby="wrong-name"' in wrong
    assert "characters that can be seen" in wrong
    assert answer.text.count("aria-invalid") == 1
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

    assert (page.status_code, away.status_code) == (200, 200)
    assert "kim@example.com" in page.text
    # No redirect: it ends at another site, and a browser lets no form of ours lead there.
    assert '<meta http-equiv="refresh" content="0; url=/.auth/logout">' in away.text


@pytest.mark.parametrize(
    ("body", "status"),
    [({}, 201), ({"reviewer": "kim@example.com"}, 201), ({"reviewer": "boss@example.com"}, 400)],
)
def test_whom_azure_has_signed_in_reviews_in_no_other_name(
    azure: Flask, body: dict[str, str], status: int
) -> None:
    a_night(azure.extensions["site"].parts.store, a_prediction("a.jpg"))
    review = {"image_id": 1, "category": "Coat", **body}
    headers = {**ENTRA, "Sec-Fetch-Site": "same-origin"}

    answer = azure.test_client().post("/api/reviews", json=review, headers=headers)
    by_key = azure.test_client().post(
        "/api/reviews", json={**review, "reviewer": "Ada"}, headers={**ENTRA, "X-API-Key": KEY}
    )

    assert answer.status_code == status
    said = answer.get_json()
    assert said.get("reviewer") == "kim@example.com" or "signed in as kim" in said["detail"]
    assert (by_key.status_code, by_key.get_json()["reviewer"]) == (201, "Ada")


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
        {"Origin": "http://["},
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


# The browser


def test_every_answer_forbids_frames_sniffing_and_what_is_inline(stranger: FlaskClient) -> None:
    pages = {"/sign-in": 200, "/": 401, "/static/style.css": 200, "/health/live": 200}
    for path, status in pages.items():
        with stranger.get(path) as answer:
            assert answer.status_code == status
            headers = answer.headers
        policy = dict(
            part.split(None, 1) for part in headers["Content-Security-Policy"].split("; ")
        )
        assert policy["default-src"] == policy["base-uri"] == policy["frame-ancestors"] == "'none'"
        assert set(policy.values()) == {"'none'", "'self'"}
        assert headers["X-Frame-Options"] == "DENY"
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Cross-Origin-Resource-Policy"] == "same-origin"
        assert headers["Referrer-Policy"] == "same-origin"
        assert "Strict-Transport-Security" not in headers

    secure = stranger.get("/sign-in", base_url="https://localhost")
    assert secure.headers["Strict-Transport-Security"].startswith("max-age=")


@pytest.mark.parametrize(
    "template", sorted((PROJECT / "clothing/web/templates").glob("*.html")), ids=lambda p: p.name
)
def test_no_template_has_a_script_or_a_style_inside(template: Path) -> None:
    text = template.read_text(encoding="utf-8")

    assert not re.search(r"<script(?![^>]* src=)|<style|\sstyle=|\son[a-z]+=|javascript:", text)
    assert "|safe" not in text.replace(" ", "")


def test_every_answer_says_what_it_is(client: FlaskClient, store: Store) -> None:
    """Nothing that a caller chose comes back as a page: neither a file's name nor a query."""
    a_night(store, a_prediction(name="<script>alert(1)</script>.jpg"))

    for path in ("/photos?name=<script>alert(1)</script>", "/photos/1", "/runs?before=<script>"):
        assert "<script>alert" not in client.get(path, headers={"Accept": "text/html"}).text
    for path, kind in (("/api/predictions", "application/json"), ("/export.csv", "text/csv")):
        assert client.get(path).mimetype == kind
    assert "attachment" in client.get("/export.csv").headers["Content-Disposition"]


def test_signing_in_leaves_nothing_of_the_session_before(stranger: FlaskClient) -> None:
    """Whoever put a session into this browser does not share the one that follows."""
    before = re.search(r'name="csrf" value="([^"]+)"', stranger.get("/sign-in").text)
    planted = stranger.get_cookie("session")
    assert before and planted

    stranger.post("/sign-in", data={"key": KEY, "name": "Kim"})
    after = re.search(r'name="csrf" value="([^"]+)"', stranger.get("/review").text)

    assert after and after[1] != before[1]
    thief = stranger.application.test_client()
    thief.set_cookie("session", planted.value)
    assert thief.get("/api/runs").status_code == 401


def test_another_site_cannot_sign_a_browser_in(stranger: FlaskClient) -> None:
    answer = stranger.post(
        "/sign-in", data={"key": KEY}, headers={"Origin": "https://evil.example"}
    )

    assert answer.status_code == 403
    assert stranger.get("/api/runs").status_code == 401


@pytest.mark.parametrize("sent", ["%7Bx", "e30.e30.e30", "eyJrZXkiOiJ4In0.aaaa.bbbb"])
def test_a_session_that_we_did_not_sign_is_none(stranger: FlaskClient, sent: str) -> None:
    stranger.set_cookie("session", sent)

    assert stranger.get("/api/runs").status_code == 401


@pytest.mark.parametrize(
    "path",
    ["/sign-in?next=//evil.example", "/sign-in?next=https://evil.example", "/sign-in"],
)
@pytest.mark.parametrize("host", ["localhost", "evil.example"])
def test_signing_in_leads_nowhere_else(stranger: FlaskClient, path: str, host: str) -> None:
    sent = {"Host": host, "X-Forwarded-Host": "evil.example", "Referer": "https://evil.example/"}

    answer = stranger.post(path, data={"key": KEY, "next": "//evil.example"}, headers=sent)

    assert answer.headers["Location"] == "/"


@pytest.mark.parametrize(
    ("asked", "reached"),
    [
        ("/photos?pile=check&name=%26a", "/photos?pile=check&name=%26a"),
        ("/", "/"),
        ("//evil.example", "/"),
        ("/no-such-page", "/"),
        ("/%09/evil.example/photos", "/"),  # browsers drop the tab
        ("/%0d%0a/evil.example/photos", "/"),
        ("/%5C/evil.example/photos", "/"),
        (f"/photos?name={'a' * 2000}", "/"),
    ],
)
def test_signing_in_goes_on_to_the_page_that_was_asked_for(
    stranger: FlaskClient, asked: str, reached: str
) -> None:
    stranger.get(asked, headers={"Accept": "text/html"})

    answer = stranger.post("/sign-in", data={"key": KEY})

    assert answer.headers["Location"] == reached
    assert stranger.post("/sign-in", data={"key": KEY}).headers["Location"] == "/"  # not for ever


def test_a_form_that_was_lost_is_told_and_its_page_comes_next(stranger: FlaskClient) -> None:
    stranger.post("/review", data={"answer": "Coat"}, headers={"Accept": "text/html"})

    page, answer = stranger.get("/sign-in"), stranger.post("/sign-in", data={"key": KEY})

    assert "what you sent last was not saved" in page.text
    assert answer.headers["Location"] == "/review"
    assert "not saved" not in stranger.get("/sign-in").text


@pytest.mark.parametrize(
    "path", ["//evil.example", "//evil.example/api", "/\\evil.example", "/api/"]
)
def test_no_address_leads_to_another_site(stranger: FlaskClient, path: str) -> None:
    headers = {"Accept": "text/html", "Host": "shop.example", "X-API-Key": KEY}

    answer = stranger.get(path, headers=headers)

    place = answer.headers.get("Location", "/")
    assert urlsplit(place).netloc in ("", "shop.example")
    assert not re.match(r"[/\\]{2}", place)


def test_with_a_key_no_link_comes_from_the_host_header(stranger: FlaskClient) -> None:
    headers = {"Host": "evil.example", "X-API-Key": KEY, "Prefer": "respond-async"}

    for path in ("/", "/photos", "/runs", "/review", "/openapi.json", "/api/runs"):
        assert "evil.example" not in stranger.get(path, headers=headers).text
    assert stranger.post("/prediction", headers=headers).headers["Location"] == "/api/runs/1"


# Limits


@pytest.mark.parametrize("path", ["/prediction", "/api/reviews", "/review", "/name", "/sign-in"])
def test_a_body_without_a_photo_is_small(stranger: FlaskClient, path: str) -> None:
    form = path in ("/review", "/name", "/sign-in")
    stranger.post("/sign-in", data={"key": KEY, "name": "Kim"})
    headers = {"X-API-Key": KEY, "Content-Type": "application/x-www-form-urlencoded"}

    body = b"key=" + b"x" * 2**20 if form else b"{" + b" " * 2**20
    answer = stranger.post(path, data=body, headers=headers)

    assert answer.status_code == 413
    assert answer.get_json()["detail"] == "That is too large: this call takes at most 1 MB."


@pytest.mark.parametrize("path", ["/api/classify", "/try"])
def test_a_photo_that_is_too_large_is_refused_in_words(client: FlaskClient, path: str) -> None:
    kind = "multipart/form-data; boundary=x"

    answer = client.post(path, data=bytes(MAX_PHOTO_BYTES + 2**21), content_type=kind)

    assert answer.status_code == 413
    assert answer.get_json()["detail"] == "That is too large: this call takes at most 65 MB."


# Errors


ASKED = [
    *(("GET", path) for path in ("/photos/1", "/api/runs?before=x", "/nowhere?q=query", "/")),
    *(("GET", path) for path in ("/api/runs", "/metrics", "/health/ready", "/photos/1/seen")),
    *(("GET", path) for path in ("/export.csv", "/export.xlsx", "/try", "/review", "/quality")),
    *(("POST", path) for path in ("/prediction", "/api/reviews", "/api/classify", "/try")),
    ("PATCH", "/api/runs"),
]


def told(client: FlaskClient, method: str, path: str, body: bytes) -> list[tuple[int, str]]:
    """Return status and text of what a person and a program are answered."""
    found = []
    for accept in ("text/html", "application/json"):
        headers = {"X-API-Key": KEY, "Accept": accept}
        with client.open(path, method=method, headers=headers, data=body) as answer:
            found.append((answer.status_code, answer.get_data().decode(errors="replace")))
    return found


def test_no_error_shows_a_path_a_query_a_key_or_a_stack(
    environ: dict[str, str], tmp_path: Path
) -> None:
    app = create_app({**environ, "API_KEY": KEY, "API_KEYS": ENTRY})
    client = app.test_client()
    answers = []
    for harm in (lambda: None, *harms(tmp_path)):
        harm()
        for method, path in ASKED:
            answers += told(client, method, path, b"{")
    app.extensions["site"].close()

    assert {status for status, _ in answers} >= {400, 404, 405, 503}
    assert [text for status, text in answers if status >= 400 and tells(text, tmp_path)] == []


@pytest.mark.parametrize("harm", range(4))
def test_no_run_that_fails_shows_any_either(
    environ: dict[str, str], tmp_path: Path, harm: int
) -> None:
    app = create_app({**environ, "API_KEY": KEY})
    client = app.test_client()
    harms(tmp_path)[harm]()

    ((status, text), _) = told(client, "POST", "/prediction", b"")
    ((_, page), _) = told(client, "GET", "/runs/1", b"")
    app.extensions["site"].close()

    assert status == 500
    assert not tells(text, tmp_path)
    assert str(tmp_path) not in page and "Traceback" not in page


def tells(text: str, folder: Path) -> bool:
    """Return True if a text holds what only the log may, False if not."""
    inner = (str(folder), str(PROJECT), "/tmp/", KEY, ENTRY.rpartition(":")[2])
    return any(one in text for one in (*inner, "SELECT", "Traceback", ".py"))


def harms(folder: Path) -> list[Callable[[], object]]:
    """Return what can be done to the service's files: the model, the photos, the database."""
    storage = folder / "storage"
    return [
        lambda: (storage / "model" / "clothing_model.json").write_text("{"),
        lambda: (storage / "model" / "clothing_model.keras").write_bytes(b"PK\x03\x04 no model"),
        lambda: shutil.rmtree(storage / "model"),
        lambda: shutil.rmtree(storage / "images"),
        lambda: dropped(folder / "clothing.db", "image_prediction"),
        lambda: (folder / "clothing.db").write_bytes(b"no database at all" * 400),
    ]


def dropped(database: Path, table: str) -> None:
    """Take a table away from a database."""
    connection = sqlite3.connect(database)
    connection.execute(f"DROP TABLE {table}")
    connection.close()
