"""The API, called as programs call it; runs are real child processes."""

import io
import json
import subprocess
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from clothing.labels import CATEGORIES
from clothing.photos import Run
from clothing.store import Store
from clothing.web.permissions import READ, WHO
from tests.alive import children, soon
from tests.pictures import jpeg, many_photos
from tests.sql_server_double import opened


def site_store(app: Flask) -> Store:
    store: Store = app.extensions["site"].parts.store
    return store


def a_dead_run(app: Flask, tmp_path: Path) -> Run:
    """Return a run that is called running and shows no life."""
    run = site_store(app).open_run("test")
    with opened(tmp_path) as connection:
        connection.execute("UPDATE batch_run SET heartbeat_at = '2020-01-01 00:00:00.000000'")
    return run


def ended(client: FlaskClient, location: str) -> dict[str, Any]:
    """Return a run once it has ended."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        run: dict[str, Any] = client.get(location).get_json()
        if run["status"] != "running":
            return run
        time.sleep(0.1)
    raise AssertionError(f"{location} still goes on after a minute")


def test_post_prediction_answers_for_every_photo(client: FlaskClient) -> None:
    answer = client.post("/prediction", content_type="application/json")

    assert answer.status_code == 200
    run, entries = answer.get_json()["run"], answer.get_json()["batch_results"]
    assert (run["status"], run["trigger"]) == ("succeeded", "http")
    assert (run["listed"], run["classified"], run["failed"], run["skipped"]) == (3, 3, 0, 0)
    assert [entry["image_name"] for entry in entries] == ["a.jpg", "b.jpg", "night/c.jpg"]
    for entry in entries:
        assert set(entry) == {
            "image_name",
            "predicted_category",
            "confidence",
            "probabilities",
            "needs_review",
            "review_reason",
            "already_classified",
        }
        assert list(entry["probabilities"]) == list(CATEGORIES)
        assert sum(entry["probabilities"].values()) == pytest.approx(1, abs=1e-4)
        assert entry["already_classified"] is False


def test_a_second_post_classifies_nothing_and_still_answers_for_all(client: FlaskClient) -> None:
    first = client.post("/prediction").get_json()

    second = client.post("/prediction", json={}).get_json()

    assert (second["run"]["classified"], second["run"]["skipped"]) == (0, 3)
    assert [entry["already_classified"] for entry in second["batch_results"]] == [True] * 3
    probabilities = [entry["probabilities"] for entry in second["batch_results"]]
    assert probabilities == [entry["probabilities"] for entry in first["batch_results"]]


def test_force_classifies_all_anew(client: FlaskClient) -> None:
    client.post("/prediction")

    answer = client.post("/prediction", json={"force": True}).get_json()

    assert (answer["run"]["classified"], answer["run"]["skipped"]) == (3, 0)
    assert [entry["already_classified"] for entry in answer["batch_results"]] == [False] * 3


def test_a_prefix_chooses_photos(client: FlaskClient) -> None:
    answer = client.post("/prediction", json={"prefix": "night/"}).get_json()

    assert [entry["image_name"] for entry in answer["batch_results"]] == ["night/c.jpg"]


def test_a_photo_that_cannot_be_used_has_an_error(client: FlaskClient, storage: Path) -> None:
    (storage / "images" / "aa.jpg").write_bytes(b"")

    answer = client.post("/prediction").get_json()

    assert answer["batch_results"][1] == {"image_name": "aa.jpg", "error": "the file is empty"}
    assert (answer["run"]["listed"], answer["run"]["failed"]) == (4, 1)


@pytest.mark.parametrize(
    ("body", "complaint"),
    [
        ("{oops", "must be JSON"),
        ("[]", "nothing else"),
        ('{"prefx": "a"}', "nothing else"),
        ('{"prefix": 3}', "prefix is a text"),
        (json.dumps({"prefix": "x" * 1025}), "at most 1024"),
        ('{"force": "yes"}', "force is true or false. Received: 'yes'."),
        ("\xff", "must be JSON"),
        ("[" * 200_000, "must be JSON"),
        ('{"prefix": "\\ud800"}', "whole characters"),
    ],
)
def test_a_body_that_cannot_be_used_starts_nothing(
    client: FlaskClient, app: Flask, body: str, complaint: str
) -> None:
    answer = client.post("/prediction", data=body.encode("latin-1"))

    assert answer.status_code == 400
    assert answer.content_type == "application/problem+json"
    assert complaint in answer.get_json()["detail"]
    assert site_store(app).runs() == []


@pytest.mark.parametrize("preference", ["respond-async", "wait=0", "wait=0, respond-async"])
def test_who_will_not_wait_gets_the_address_of_the_run(
    client: FlaskClient, preference: str
) -> None:
    answer = client.post("/prediction", headers={"Prefer": preference})

    assert answer.status_code == 202
    assert answer.get_json()["run"]["status"] == "running"
    assert ended(client, answer.headers["Location"])["status"] == "succeeded"


@pytest.mark.parametrize(
    "preference", ["respond-async, wait=60", "wait=" + 5_000 * "9", "wait=soon", "wait=²"]
)
def test_who_waits_first_or_says_nothing_usable_gets_the_answers(
    client: FlaskClient, preference: str
) -> None:
    answer = client.post("/prediction", headers={"Prefer": preference})

    assert (answer.status_code, len(answer.get_json()["batch_results"])) == (200, 3)


@pytest.mark.parametrize("path", ["/api/runs/{}", "/api/runs/{}/results", "/runs/{}", "/photos/{}"])
def test_a_number_that_no_row_has_is_not_found(client: FlaskClient, path: str) -> None:
    assert client.get(path.format(99_999_999_999_999_999_999)).status_code == 404


def test_who_comes_while_a_run_goes_on_gets_its_address(client: FlaskClient, app: Flask) -> None:
    run = site_store(app).open_run("command")

    answer = client.post("/prediction")

    assert answer.status_code == 202
    assert answer.headers["Location"] == f"/api/runs/{run.run_id}"


def test_of_many_posts_at_once_one_starts_a_run(
    app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers: list[TestResponse] = []
    runs = app.extensions["site"].runs
    start = runs._start

    def post() -> None:
        answers.append(app.test_client().post("/prediction"))

    def start_late(command: list[str]) -> "subprocess.Popen[bytes]":
        assert soon(lambda: len(answers) == 19)  # the others ask while the run is open
        return start(command)  # type: ignore[no-any-return]

    monkeypatch.setattr(runs, "_start", start_late)
    threads = [threading.Thread(target=post) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(answer.status_code for answer in answers) == [200] + [202] * 19
    assert len({answer.get_json()["run"]["run_id"] for answer in answers}) == 1
    assert len(site_store(app).runs()) == 1


def test_a_run_that_failed_is_a_500_for_curl_to_notice(client: FlaskClient, storage: Path) -> None:
    (storage / "model" / "clothing_model.keras").unlink()

    answer = client.post("/prediction")

    assert answer.status_code == 500
    assert answer.content_type == "application/problem+json"
    assert "has no clothing_model.keras" in answer.get_json()["detail"]
    assert answer.get_json()["run"]["status"] == "failed"


def test_a_run_whose_process_is_killed_is_interrupted_and_resumed(
    client: FlaskClient, storage: Path
) -> None:
    many_photos(storage / "images", 800)
    started = client.post("/prediction", headers={"Prefer": "respond-async"})

    _kill_children_once_something_is_stored(client)

    run = ended(client, started.headers["Location"])
    assert run["status"] == "interrupted"
    assert "ended with -9" in run["error"]
    again = client.post("/prediction").get_json()["run"]
    assert (again["status"], again["listed"]) == ("succeeded", 803)
    assert again["skipped"] >= 1
    assert again["skipped"] + again["classified"] == 803


@pytest.mark.parametrize("path", ["/api/runs", "/api/runs/1/results"])
def test_a_run_that_shows_no_life_is_nowhere_called_running(
    client: FlaskClient, app: Flask, tmp_path: Path, path: str
) -> None:
    a_dead_run(app, tmp_path)

    answer = client.get(path).get_json()

    run = answer["run"] if "run" in answer else answer["runs"][0]
    assert run["status"] == "interrupted"


@pytest.mark.parametrize("path", ["/review", "/export.xlsx"])
def test_whatever_shows_runs_first_closes_those_that_show_no_life(
    client: FlaskClient, app: Flask, tmp_path: Path, path: str
) -> None:
    run = a_dead_run(app, tmp_path)

    with client.get(path) as answer:
        assert answer.data

    assert site_store(app).run(run.run_id).status == "interrupted"


def test_the_app_answers_while_a_run_goes_on(client: FlaskClient, storage: Path) -> None:
    many_photos(storage / "images", 900)
    started = client.post("/prediction", headers={"Prefer": "respond-async"})

    polled = 0
    while client.get(started.headers["Location"]).get_json()["status"] == "running":
        polled += 1
        assert client.get("/health/live").status_code == 200
        assert client.get("/").status_code == 200
        time.sleep(0.05)

    assert polled > 3


def test_results_come_in_parts_that_link_to_the_next(client: FlaskClient, storage: Path) -> None:
    for n in range(1001):
        (storage / "images" / f"{n:04}.jpg").write_bytes(b"")

    first = client.post("/prediction").get_json()
    rest = client.get(first["next"]).get_json()

    assert len(first["batch_results"]) == 1000
    assert [entry["image_name"] for entry in rest["batch_results"]] == [
        "1000.jpg",
        "a.jpg",
        "b.jpg",
        "night/c.jpg",
    ]
    assert "next" not in rest


def test_runs_are_listed_and_shown(client: FlaskClient) -> None:
    run = client.post("/prediction").get_json()["run"]

    assert client.get(f"/api/runs/{run['run_id']}").get_json() == run
    assert run.pop("complaint") == ""
    assert client.get("/api/runs").get_json() == {"runs": [run], "next": None}
    assert client.get(f"/api/runs?before={run['run_id']}").get_json()["runs"] == []


def test_runs_are_paged(client: FlaskClient, app: Flask) -> None:
    store = site_store(app)
    for _ in range(101):
        store.close_run(store.open_run("test").run_id, "succeeded", None, None)

    first = client.get("/api/runs").get_json()
    rest = client.get(first["next"]).get_json()

    assert len(first["runs"]) == 100
    assert [run["run_id"] for run in rest["runs"]] == [1]


def test_predictions_are_chosen_by_the_query(client: FlaskClient) -> None:
    run = client.post("/prediction").get_json()
    entry = run["batch_results"][0]

    everything = client.get("/api/predictions").get_json()
    chosen = client.get(
        "/api/predictions",
        query_string={
            "run": run["run"]["run_id"],
            "category": entry["predicted_category"],
            "review": str(entry["needs_review"]).lower(),
        },
    ).get_json()["predictions"]

    assert [one["image_name"] for one in everything["predictions"]] == [
        "a.jpg",
        "b.jpg",
        "night/c.jpg",
    ]
    assert everything["next"] is None
    assert "a.jpg" in [one["image_name"] for one in chosen]
    assert {one["predicted_category"] for one in chosen} == {entry["predicted_category"]}
    after = everything["predictions"][1]["image_id"]
    rest = client.get(f"/api/predictions?after={after}").get_json()["predictions"]
    assert [one["image_name"] for one in rest] == ["night/c.jpg"]


def test_pages_of_predictions_keep_what_was_chosen(client: FlaskClient, storage: Path) -> None:
    for n in range(100):
        (storage / "images" / f"{n:04}.jpg").write_bytes(jpeg())
    client.post("/prediction")

    first = client.get("/api/predictions?run=1").get_json()
    rest = client.get(first["next"]).get_json()

    assert len(first["predictions"]) == 100
    assert "run=1" in first["next"]
    assert len(rest["predictions"]) == 3


@pytest.mark.parametrize(
    "query", ["run=x", "after=-1", "category=Hat", "review=perhaps", f"run={'9' * 30}"]
)
def test_a_query_that_cannot_be_used_is_refused(client: FlaskClient, query: str) -> None:
    answer = client.get(f"/api/predictions?{query}")

    assert answer.status_code == 400
    assert "Received" in answer.get_json()["detail"]


def test_one_photo_is_classified_and_not_stored(client: FlaskClient, app: Flask) -> None:
    answer = client.post("/api/classify", data={"photo": (io.BytesIO(jpeg()), "x.jpg")})

    assert answer.status_code == 200
    assert answer.get_json()["predicted_category"] in CATEGORIES
    assert sum(answer.get_json()["probabilities"].values()) == pytest.approx(1)
    assert site_store(app).predictions() == []


def test_a_file_that_is_no_photo_is_a_422_in_words(client: FlaskClient) -> None:
    upload = {"photo": (io.BytesIO(b"%PDF-1.7"), "x.jpg")}

    answer = client.post("/api/classify", data=upload)

    assert answer.status_code == 422
    assert answer.get_json()["detail"] == "a PDF, not a photo"


def test_classify_without_a_photo_says_how(client: FlaskClient) -> None:
    answer = client.post("/api/classify")

    assert answer.status_code == 400
    assert "form field `photo`" in answer.get_json()["detail"]


def test_a_new_model_is_picked_up_without_a_restart(client: FlaskClient, storage: Path) -> None:
    first = client.post("/api/classify", data={"photo": (io.BytesIO(jpeg()), "x.jpg")})
    card = storage / "model" / "clothing_model.json"
    card.write_text(json.dumps({**json.loads(card.read_text()), "temperature": 3.0}))

    second = client.post("/api/classify", data={"photo": (io.BytesIO(jpeg()), "x.jpg")})

    assert second.get_json()["model_version"] != first.get_json()["model_version"]


def test_alive_and_ready(client: FlaskClient) -> None:
    assert client.get("/health/live").get_json() == {"status": "alive"}
    ready = client.get("/health/ready")
    assert ready.status_code == 200
    assert ready.get_json()["checks"] == {"model": "ok", "database": "ok", "storage": "ok"}


@pytest.mark.parametrize(
    ("part", "gone", "reason"),
    [
        ("model", "model/clothing_model.keras", "has no clothing_model.keras"),
        ("storage", "images", "does not exist"),
    ],
)
def test_not_ready_says_why(
    client: FlaskClient, storage: Path, part: str, gone: str, reason: str
) -> None:
    (storage / gone).rename(storage / "elsewhere")

    answer = client.get("/health/ready")

    assert answer.status_code == 503
    assert reason in answer.get_json()["checks"][part]
    assert str(storage) not in answer.text


def test_a_silent_storage_takes_one_thread_and_not_all(
    app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked, speaks = threading.Event(), threading.Event()

    def list_silently() -> None:
        asked.set()
        assert speaks.wait(60)

    monkeypatch.setattr("clothing.web.health.SECONDS", 0.1)
    monkeypatch.setattr("clothing.web.health._list", list_silently)
    first = ThreadPoolExecutor(1).submit(app.test_client().get, "/health/ready")
    assert asked.wait(60)

    second = app.test_client().get("/health/ready")
    speaks.set()

    assert second.status_code == 503
    assert "somebody asked before" in second.get_json()["checks"]["database and storage"]
    assert first.result().status_code == 200
    assert app.test_client().get("/health/ready").status_code == 200


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/api/runs/999", 404),
        ("GET", "/api/nowhere", 404),
        ("GET", "/prediction", 405),
        ("DELETE", "/api/runs", 405),
    ],
)
def test_problems_have_one_shape(client: FlaskClient, method: str, path: str, status: int) -> None:
    answer = client.open(path, method=method)

    assert answer.status_code == status
    assert answer.content_type == "application/problem+json"
    assert set(answer.get_json()) == {"type", "title", "status", "detail"}
    assert answer.get_json()["status"] == status


def test_a_mistake_of_ours_shows_no_detail(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(WHO, "mistake", READ)

    @app.get("/api/mistake")
    def mistake() -> str:
        raise KeyError("secret detail")

    answer = app.test_client().get("/api/mistake")

    assert answer.status_code == 500
    assert "secret" not in answer.text


def _kill_children_once_something_is_stored(client: FlaskClient) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        if client.get("/api/predictions").get_json()["predictions"]:
            for child in children("--adopt"):
                child.kill()
            return
        time.sleep(0.02)
    raise AssertionError("the run stored nothing within a minute")
