"""Who may call what: every route says so, and every route keeps to it."""

from collections.abc import Iterator

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.routing import Rule

from clothing.config import Config
from clothing.keys import SCOPES, entry_of, fresh_key
from clothing.store import Store
from clothing.web import create_app
from clothing.web.permissions import EVERYONE, KNOWN, WHO, is_open, may_call
from tests.nights import a_night, a_prediction

KEYS = {scope: fresh_key() for scope in SCOPES}
ENTRIES = " ".join(entry_of(f"only-{scope}", [scope], key) for scope, key in KEYS.items())
TURNED_AWAY = {401, 403}


@pytest.fixture
def guarded(environ: dict[str, str], store: Store) -> Iterator[Flask]:
    """The app with a key for each scope; a run goes on, so that no test starts another."""
    a_night(store, a_prediction())
    store.open_run("test")
    app = create_app({**environ, "API_KEYS": ENTRIES})
    yield app
    app.extensions["site"].close()


def rules_of(app: Flask) -> list[tuple[Rule, str]]:
    """Return every route with each of its methods."""
    return [
        (rule, method)
        for rule in app.url_map.iter_rules()
        for method in sorted((rule.methods or set()) - {"OPTIONS", "HEAD"})
    ]


def path_of(rule: Rule) -> str:
    """Return an address of a route, of what may exist."""
    arguments = {name: "style.css" if name == "filename" else 1 for name in rule.arguments}
    built = rule.build(arguments)
    assert built
    return built[1]


def test_every_route_says_who_may_call_it(app: Flask) -> None:
    assert {rule.endpoint for rule in app.url_map.iter_rules()} == set(WHO)


def test_every_answer_is_one_that_keys_can_have() -> None:
    for scopes in WHO.values():
        assert scopes == EVERYONE or (scopes and scopes <= KNOWN)


def test_only_probes_and_the_way_in_are_open() -> None:
    opened = {endpoint for endpoint in WHO if is_open(endpoint)}

    assert opened == {"health.live", "health.ready", "sign_in.sign_in", "static"}


def test_a_route_without_an_answer_answers_nobody(app: Flask, client: FlaskClient) -> None:
    app.add_url_rule("/new", "new", lambda: "nobody thought of it")

    assert not may_call("new", SCOPES)
    assert client.get("/new").status_code == 403


@pytest.mark.parametrize("scope", [None, *SCOPES])
def test_every_route_answers_whom_it_says_and_no_other(guarded: Flask, scope: str | None) -> None:
    headers = {"X-API-Key": KEYS[scope]} if scope else {}
    scopes = {scope} if scope else set()
    client = guarded.test_client()
    wrong = []
    for rule, method in rules_of(guarded):
        with client.open(path_of(rule), method=method, headers=headers) as answer:
            status = answer.status_code
        expected = may_call(rule.endpoint, scopes)
        # The sign-in page answers 403 to a form without a key; that is its own word.
        is_let_in = status not in TURNED_AWAY or rule.endpoint == "sign_in.sign_in"
        if is_let_in != expected or (not expected and status != (403 if scope else 401)):
            wrong.append(f"{method} {rule.rule}: {status}")

    assert wrong == []


@pytest.mark.parametrize("scope", SCOPES)
def test_a_browser_may_what_its_key_may(guarded: Flask, scope: str) -> None:
    client = guarded.test_client()
    signed_in = client.post("/sign-in", data={"key": KEYS[scope], "name": "Kim"})

    home = {"read": "/", "review": "/review"}.get(scope)
    assert signed_in.headers.get("Location") == home
    assert (client.get("/api/runs").status_code == 200) == (scope == "read")
    assert (client.get("/review").status_code == 200) == (scope == "review")
    if home:
        page = client.get(home).text
        assert f'<a class="brand" href="{home}">' in page
        assert ('href="/photos"' in page) == (scope == "read")
        assert ('href="/review"' in page) == (scope == "review")
        assert "Start a run" not in page


def test_who_may_not_is_told_what_it_takes(guarded: Flask) -> None:
    answer = guarded.test_client().get("/api/runs", headers={"X-API-Key": KEYS["run"]})

    assert answer.status_code == 403
    assert answer.get_json()["detail"] == "Your key may run; this needs read."


def test_where_there_is_nothing_only_who_is_known_learns_it(guarded: Flask) -> None:
    client = guarded.test_client()

    assert client.get("/nowhere").status_code == 401
    assert client.get("/nowhere", headers={"X-API-Key": KEYS["review"]}).status_code == 404
    assert client.delete("/api/runs").status_code == 401
    assert client.delete("/api/runs", headers={"X-API-Key": KEYS["run"]}).status_code == 405


def test_a_run_is_told_to_be_started_by_its_key(environ: dict[str, str]) -> None:
    app = create_app({**environ, "API_KEY": "master-of-all-keys", "API_KEYS": ENTRIES})
    client = app.test_client()

    named = client.post("/prediction", headers={"X-API-Key": KEYS["run"]}).get_json()["run"]
    other = client.post("/prediction", headers={"X-API-Key": "master-of-all-keys"}).get_json()
    page = client.get("/runs/1", headers={"X-API-Key": KEYS["read"]}).text
    app.extensions["site"].close()

    assert (named["status"], named["trigger"]) == ("succeeded", "http:only-run")
    assert other["run"]["trigger"] == "http"
    assert "by the key only-run" in page


def test_a_key_may_have_a_number_for_its_name(environ: dict[str, str]) -> None:
    app = create_app({**environ, "API_KEYS": entry_of("2024", ["run"], "a-key")})

    started = app.test_client().post("/prediction", headers={"X-API-Key": "a-key"}).get_json()
    app.extensions["site"].close()

    assert started["run"]["trigger"] == "http:2024"


def session_of(app: Flask, key: str) -> str:
    """Return the cookie of a browser that signed in with a key."""
    browser = app.test_client()
    browser.post("/sign-in", data={"key": key})
    cookie = browser.get_cookie("session")
    assert cookie
    return cookie.value


def test_a_key_is_replaced_without_a_gap(environ: dict[str, str]) -> None:
    """Old entry, both, the new one: at each step somebody's key works, and sessions go with it."""
    old, new = fresh_key(), fresh_key()
    entries = [entry_of("desk", ["read"], key) for key in (old, new)]
    answered = []
    session = ""
    for value in (entries[0], " ".join(entries), entries[1]):
        app = create_app({**environ, "API_KEYS": value, "SECRET_KEY": "stays the same"})
        client = app.test_client()
        session = session or session_of(app, old)
        by_key = [client.get("/api", headers={"X-API-Key": key}).status_code for key in (old, new)]
        browser = app.test_client()
        browser.set_cookie("session", session)
        answered.append((*by_key, browser.get("/api/runs").status_code))
        app.extensions["site"].close()

    assert answered == [(200, 401, 200), (200, 200, 200), (401, 200, 401)]


def test_a_key_is_never_kept_but_as_its_hash() -> None:
    shown = repr(Config.from_env({"API_KEYS": ENTRIES}).keys)

    assert not [key for key in KEYS.values() if key in shown + ENTRIES]
