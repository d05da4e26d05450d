"""Failed attempts: an address that guesses has to wait, in little memory."""

from collections.abc import Iterator

import pytest
from flask import Flask
from flask.testing import FlaskClient
from hypothesis import given, settings
from hypothesis import strategies as st

from clothing.config import SETTINGS
from clothing.keys import entry_of, fresh_key
from clothing.web import create_app
from clothing.web.attempts import MOST_ADDRESSES, WINDOW_SECONDS, Attempts

LIMIT = int(next(item.default for item in SETTINGS if item.name == "KEY_ATTEMPTS"))
MASTER = "short but right"
NIGHT = fresh_key()


class Clock:
    """A clock that a test sets."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def app(environ: dict[str, str]) -> Iterator[Flask]:
    """The app with a key that people chose and one that nobody can guess."""
    keys = {"API_KEY": MASTER, "API_KEYS": entry_of("night", ["run", "read"], NIGHT)}
    app = create_app({**environ, **keys})
    yield app
    app.extensions["site"].close()


def test_after_so_many_failures_an_address_waits_until_the_window_is_over() -> None:
    clock = Clock()
    attempts = Attempts(LIMIT, clock)

    for _ in range(LIMIT - 1):
        attempts.failed("203.0.113.5")
    assert attempts.wait("203.0.113.5") == 0
    attempts.failed("203.0.113.5:4711")

    assert attempts.wait("203.0.113.5") == WINDOW_SECONDS + 1
    assert attempts.wait("203.0.113.6") == 0
    clock.now = WINDOW_SECONDS
    assert attempts.wait("203.0.113.5") == 0


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("203.0.113.5:1", "203.0.113.5:2", True),
        ("2001:db8::1", "2001:db8::ffff:2", True),
        ("[2001:db8::1]:443", "2001:db8::2", True),
        ("2001:db8:0:1::1", "2001:db8:0:2::1", False),
        ("::ffff:203.0.113.5", "203.0.113.5", True),
        ("203.0.113.5", "203.0.113.6", False),
        ("", "no address", True),
    ],
)
def test_what_counts_as_one_address(one: str, other: str, same: bool) -> None:
    attempts = Attempts(LIMIT)
    for _ in range(LIMIT):
        attempts.failed(one)

    assert bool(attempts.wait(other)) is same


def test_memory_is_bounded() -> None:
    attempts = Attempts(LIMIT, Clock())

    for number in range(3 * MOST_ADDRESSES):
        attempts.failed(f"10.{number >> 16}.{number >> 8 & 255}.{number & 255}")

    assert len(attempts) == MOST_ADDRESSES


@settings(deadline=None)
@given(st.text())
def test_any_address_is_counted(received: str) -> None:
    attempts = Attempts(LIMIT, Clock())
    for _ in range(LIMIT):
        attempts.failed(received)

    assert attempts.wait(received) > 0


def test_who_guesses_is_told_to_wait_even_with_the_right_word(client: FlaskClient) -> None:
    wrong = [client.get("/api/runs", headers={"X-API-Key": f"{n}"}) for n in range(LIMIT)]

    right = client.get("/api/runs", headers={"X-API-Key": MASTER})

    assert {answer.status_code for answer in wrong} == {401}
    assert right.status_code == 429
    assert 0 < int(right.headers["Retry-After"]) <= WINDOW_SECONDS + 1
    assert "Try again in" in right.get_json()["detail"]


def test_the_sign_in_page_counts_too_and_says_so_as_a_page(client: FlaskClient) -> None:
    html = {"Accept": "text/html"}
    for n in range(LIMIT):
        assert client.post("/sign-in", data={"key": f"{n}"}, headers=html).status_code == 403

    answer = client.post("/sign-in", data={"key": MASTER}, headers=html)

    assert answer.status_code == 429
    assert answer.mimetype == "text/html" and "Retry-After" in answer.headers
    assert client.get_cookie("session") is None or client.get("/api/runs").status_code == 401


def test_the_nightly_run_goes_on_while_somebody_beside_it_guesses(client: FlaskClient) -> None:
    for n in range(LIMIT):
        client.get("/api/runs", headers={"X-API-Key": f"{n}"})

    assert client.get("/api/runs", headers={"X-API-Key": NIGHT}).status_code == 200
    assert client.get("/api/runs", headers={"X-API-Key": fresh_key()}).status_code == 429


def test_who_brings_no_key_at_all_guesses_nothing(client: FlaskClient) -> None:
    for _ in range(2 * LIMIT):
        assert client.get("/api/runs").status_code == 401

    assert client.get("/api/runs", headers={"X-API-Key": MASTER}).status_code == 200


def test_looking_at_the_sign_in_page_is_no_attempt(client: FlaskClient) -> None:
    for method in ("GET", "HEAD") * LIMIT:
        assert client.open("/sign-in", method=method).status_code == 200

    assert client.post("/sign-in", data={"key": MASTER}).status_code == 303


def test_who_is_signed_in_already_is_not_concerned(client: FlaskClient) -> None:
    client.post("/sign-in", data={"key": MASTER})
    for n in range(LIMIT):
        client.post("/sign-in", data={"key": f"{n}"})

    assert client.get("/api/runs").status_code == 200
    assert client.get("/health/live").status_code == 200


def test_behind_azures_front_end_the_callers_address_counts(environ: dict[str, str]) -> None:
    app = create_app({**environ, "API_KEY": MASTER, "WEBSITE_HOSTNAME": "example"})
    client = app.test_client()
    for n in range(LIMIT):
        sent = {"X-API-Key": f"{n}", "X-Forwarded-For": f"1.2.3.4, 203.0.113.5:{50000 + n}"}
        client.get("/api/runs", headers=sent)

    def status(address: str) -> int:
        headers = {"X-API-Key": MASTER, "X-Forwarded-For": address}
        return client.get("/api/runs", headers=headers).status_code

    assert status("203.0.113.5:60000") == 429
    assert status("203.0.113.6:60000") == 200
    app.extensions["site"].close()
