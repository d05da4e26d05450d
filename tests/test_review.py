"""The review page as it comes from the server, and the reviews that programs send."""

import re
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from clothing.labels import AGAIN, CATEGORIES, OUTSIDE
from clothing.photos import Failure
from clothing.review_queue import ReviewQueue
from clothing.store import Store
from clothing.web import create_app
from tests.test_review_queue import certain, doubtful, saved, unreadable

PAGE = {"Accept": "text/html,*/*;q=0.8"}


@pytest.fixture
def store(app: Flask) -> Store:
    """The store of the app."""
    found: Store = app.extensions["site"].parts.store
    return found


@pytest.fixture
def kim(client: FlaskClient) -> FlaskClient:
    """A browser whose person has said their name."""
    client.post("/name", data={"name": " Kim  Lee "})
    return client


@pytest.fixture
def lee(app: Flask) -> FlaskClient:
    """The browser of somebody else, who has said their name as well."""
    lee = app.test_client()
    lee.post("/name", data={"name": "Lee"})
    return lee


def sent(client: FlaskClient, answer: str, **more: str) -> TestResponse:
    """Send the page's form as the browser would without JavaScript, and go where it leads."""
    fields = dict(re.findall(r'name="(\w+)" value="([^"]*)">', client.get("/review").text))
    fields |= {"answer": answer, **more}
    return client.post("/review", data=fields, headers=PAGE, follow_redirects=True)


def reviewed(app: Flask, column: str = "reviewed_category") -> list[Any]:
    store = app.extensions["site"].parts.store
    query = f"SELECT {column} FROM image_review ORDER BY review_id"
    return list(store.read(lambda connection: connection.exec_driver_sql(query).scalars().all()))


def test_who_is_not_known_any_more_hears_that_the_answer_was_not_saved(client: FlaskClient) -> None:
    answer = client.post("/review", data={"answer": "Coat"}, headers=PAGE, follow_redirects=True)

    assert "Who are you?" in answer.text
    assert "What you sent last was not saved" in answer.text
    assert "not saved" not in client.get("/review").text


def test_the_name_is_asked_once(client: FlaskClient) -> None:
    assert "Who are you?" in client.get("/review").text

    answer = client.post("/name", data={"name": "Kim"}, follow_redirects=True)

    assert "Kim" in answer.text and "No run yet" in answer.text
    assert "Who are you?" not in client.get("/review").text


def test_without_a_name_nothing_is_answered(client: FlaskClient, store: Store, app: Flask) -> None:
    saved(store, doubtful("a.jpg"))

    answer = client.post("/review", data={"answer": "Bag", "task": "x"})

    assert (answer.status_code, answer.headers["Location"]) == (303, "/review?unsaved=1")
    assert reviewed(app) == []


def test_a_run_that_goes_on_is_waited_for(kim: FlaskClient, store: Store) -> None:
    store.open_run("http")

    assert "Nothing to review yet" in kim.get("/review").text


def test_where_all_is_done_the_page_says_so(kim: FlaskClient, store: Store) -> None:
    saved(store, certain("a.jpg"))

    assert "Nothing to review" in kim.get("/review").text


def test_where_others_have_the_rest_the_page_says_so(
    kim: FlaskClient, lee: FlaskClient, store: Store
) -> None:
    saved(store, doubtful("a.jpg"))
    kim.get("/review")

    assert "Others have the last 1 before them" in lee.get("/review").text


def test_a_database_of_failures_alone_shows_their_reasons(kim: FlaskClient, store: Store) -> None:
    saved(store, Failure(doubtful("a.jpg").photo, "decode", "a <PDF>, not a photo"))

    page = kim.get("/review").text

    assert "This photo could not be read" in page
    assert "a &lt;PDF&gt;, not a photo" in page
    assert 'class="suggestions"' not in page


def test_the_page_has_three_suggestions_and_all_answers(kim: FlaskClient, store: Store) -> None:
    saved(store, doubtful("a.jpg"), doubtful("b.jpg", 0.2))

    page = kim.get("/review").text

    assert page.count("<meter") == 3
    assert 'value="Bag">' in page and "Bag 50 %" in page
    for answer in (*CATEGORIES, OUTSIDE, AGAIN, "skip", "undo"):
        assert f'value="{answer}"' in page
    assert "/photos/1/picture" in page and 'data-next="/photos/2/picture"' in page
    assert "0 done, 2 to go" in page


def test_the_blind_sample_keeps_the_suggestion_to_itself(environ: dict[str, str]) -> None:
    app = create_app({**environ, "BLIND_SHARE": "100%"})
    saved(app.extensions["site"].parts.store, certain("a.jpg"))
    client = app.test_client()
    client.post("/name", data={"name": "Kim"})

    page = client.get("/review").text

    assert "No suggestion for this one" in page
    assert "<meter" not in page and "50 %" not in page
    app.extensions["site"].close()


def test_without_javascript_plain_forms_do_it_all(
    kim: FlaskClient, store: Store, app: Flask
) -> None:
    saved(store, *(doubtful(f"{n}.jpg", n / 10) for n in range(4)))

    assert "Saved: Coat." in sent(kim, "Coat").text
    assert "Saved: None of these." in sent(kim, OUTSIDE).text
    assert "Skipped" in sent(kim, "skip").text
    page = sent(kim, AGAIN).text

    assert "Saved: Photograph again." in page and "3 done, 1 to go" in page
    assert reviewed(app) == ["Coat", OUTSIDE, AGAIN]
    assert set(reviewed(app, "reviewer")) == {"Kim Lee"}
    assert all(0 < seconds < 60 for seconds in reviewed(app, "seconds"))
    assert "Taken back." in sent(kim, "undo").text


def test_who_comes_to_a_browser_next_takes_back_nothing_of_the_person_before(
    kim: FlaskClient, store: Store, app: Flask
) -> None:
    saved(store, doubtful("a.jpg"))
    sent(kim, "Coat")
    kim.post("/name", data={"name": "Lee"})

    assert "There is nothing to take back" in sent(kim, "undo").text

    assert reviewed(app) == ["Coat"]


def test_the_script_gets_the_inside_of_the_page_alone(kim: FlaskClient, store: Store) -> None:
    saved(store, doubtful("a.jpg"), unreadable("b.jpg"))

    inside = sent(kim, "Bag", part="1").text

    assert "<html" not in inside
    assert 'data-said="Saved: Bag."' in inside
    assert "looks like Bag or Coat" in inside


def test_an_answer_that_is_none_is_refused(kim: FlaskClient, store: Store, app: Flask) -> None:
    saved(store, doubtful("a.jpg"))

    assert sent(kim, "Hat").status_code == 400
    assert reviewed(app) == []


@pytest.mark.parametrize("shown_at", ["", "soon", "1", "nan", "99999999999"])
def test_a_time_that_cannot_be_is_not_kept(
    kim: FlaskClient, store: Store, app: Flask, shown_at: str
) -> None:
    saved(store, doubtful("a.jpg"))

    sent(kim, "Bag", shown_at=shown_at)

    assert reviewed(app, "seconds") == [None]


def test_somebody_elses_photo_cannot_be_answered(
    kim: FlaskClient, lee: FlaskClient, store: Store, app: Flask
) -> None:
    saved(store, doubtful("a.jpg"))
    kim.get("/review")
    key = re.search(r'name="task" value="(\w+)"', kim.get("/review").text)
    assert key

    answer = lee.post("/review", data={"answer": "Bag", "task": key[1], "part": "1"})

    assert "your answer was not saved" in answer.text
    assert reviewed(app) == []


def test_a_program_reviews(client: FlaskClient, store: Store) -> None:
    saved(store, doubtful("a.jpg"), unreadable("b.jpg"))

    of_prediction = client.post(
        "/api/reviews", json={"image_id": 1, "category": "Coat", "reviewer": "Kim", "seconds": 2}
    )
    of_failure = client.post(
        "/api/reviews", json={"failure_id": 1, "verdict": "photograph again", "reviewer": "Kim"}
    )

    assert (of_prediction.status_code, of_failure.status_code) == (201, 201)
    shape = of_prediction.get_json()
    assert shape.pop("timestamp").endswith("Z")
    assert shape == {
        "review_id": 1,
        "image_id": 1,
        "image_name": "a.jpg",
        "etag": "1",
        "reviewed_category": "Coat",
        "reviewer": "Kim",
        "seconds": 2.0,
        "blind": False,
    }
    assert of_failure.get_json()["reviewed_category"] == AGAIN
    assert store.prediction(1).prediction.predicted_category == "Bag"
    assert ReviewQueue(store, 0).left().total == 0


@pytest.mark.parametrize(
    ("change", "status", "complaint"),
    [
        ({"category": ...}, 400, "a category or a verdict"),
        ({"category": None}, 400, "category is one of"),
        ({"verdict": "undo"}, 400, "a category or a verdict"),
        ({"category": "Hat"}, 400, "category is one of T-shirt/top"),
        ({"category": 3}, 400, "Received: 3"),
        ({"category": ..., "verdict": "skip"}, 400, "verdict is one of none of these"),
        ({"category": ..., "verdict": []}, 400, "verdict is one of"),
        ({"category": []}, 400, "category is one of"),
        ({"failure_id": 1}, 400, "one of the two"),
        ({"image_id": True}, 400, "image_id is a whole number"),
        ({"image_id": 2**63}, 400, "image_id is a whole number"),
        ({"image_id": 99}, 404, "no prediction 99"),
        ({"reviewer": ""}, 400, "reviewer is a name"),
        ({"reviewer": "a\nb"}, 400, "reviewer is a name"),
        ({"reviewer": 7}, 400, "reviewer is a name"),
        ({"seconds": -1}, 400, "seconds is a number"),
        ({"seconds": "2"}, 400, "seconds is a number"),
        ({"sure": True}, 400, "JSON object of category"),
    ],
)
def test_a_review_that_cannot_be_used_is_refused(
    client: FlaskClient,
    store: Store,
    app: Flask,
    change: dict[str, Any],
    status: int,
    complaint: str,
) -> None:
    """In the changes, `...` leaves a field out."""
    saved(store, doubtful("a.jpg"))
    review = {"image_id": 1, "category": "Coat", "reviewer": "Kim", **change}
    review = {name: value for name, value in review.items() if value is not ...}

    answer = client.post("/api/reviews", json=review)

    assert answer.status_code == status
    assert answer.content_type == "application/problem+json"
    assert complaint in answer.get_json()["detail"]
    assert reviewed(app) == []


@pytest.mark.parametrize("body", ["", "{oops", "[1]"])
def test_a_review_that_is_no_object_is_refused(client: FlaskClient, body: str) -> None:
    assert client.post("/api/reviews", data=body).status_code == 400


def test_the_person_at_the_browser_need_not_name_themselves(kim: FlaskClient, store: Store) -> None:
    saved(store, doubtful("a.jpg"))

    answer = kim.post("/api/reviews", json={"image_id": 1, "category": "Coat"})

    assert answer.get_json()["reviewer"] == "Kim Lee"
