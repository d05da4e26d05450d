"""Whether the nightly run happened, as the page and /metrics tell it."""

from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient
from prometheus_client.parser import text_string_to_metric_families

from clothing.nightly import OVERDUE, nightly
from clothing.photos import RunStatus
from clothing.store import Store
from clothing.tables import batch_run
from clothing.web import create_app
from tests.nights import a_failure, a_night, a_prediction, a_review

PAGE = {"Accept": "text/html,*/*;q=0.8"}
MISSING = "The nightly run did not happen."


@pytest.fixture
def site_store(app: Flask) -> Store:
    """The app's own store."""
    found: Store = app.extensions["site"].parts.store
    return found


def add_run(store: Store, status: RunStatus, hours_ago: float) -> int:
    """Put a run into the tables that ended so many hours ago."""
    run_id = store.open_run("test").run_id
    store.close_run(run_id, status, None, None)
    moment = (datetime.now(UTC) - timedelta(hours=hours_ago)).replace(tzinfo=None)
    times = {"started_at": moment, "heartbeat_at": moment, "finished_at": moment}
    engine = sa.create_engine(store.url)
    with engine.begin() as connection:
        connection.execute(sa.update(batch_run).where(batch_run.c.run_id == run_id).values(times))
    engine.dispose()
    return run_id


def figures(client: FlaskClient) -> dict[str, float]:
    """Return what /metrics says, by name and labels, as Prometheus' own parser reads it."""
    answer = client.get("/metrics")
    assert answer.status_code == 200
    assert answer.content_type.startswith("text/plain; version=")
    return {
        ",".join([sample.name, *sample.labels.values()]): sample.value
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
    }


def test_a_day_and_two_hours_is_the_limit(store: Store) -> None:
    assert timedelta(hours=26) == OVERDUE
    now = datetime.now(UTC)
    assert not nightly(store, now).overdue

    run_id = add_run(store, "succeeded", hours_ago=0)

    assert not nightly(store, now + timedelta(hours=25.9)).overdue
    late = nightly(store, now + timedelta(hours=26.1))
    assert late.overdue
    assert late.last_success and late.last_success.run_id == run_id


def test_runs_that_did_not_succeed_do_not_count(store: Store) -> None:
    success = add_run(store, "succeeded", hours_ago=30)
    add_run(store, "failed", hours_ago=1)
    add_run(store, "interrupted", hours_ago=0.5)

    found = nightly(store, datetime.now(UTC))

    assert found.overdue
    assert found.last_success and found.last_success.run_id == success


@pytest.mark.parametrize(("hours_ago", "overdue"), [(1, False), (30, True)])
def test_without_any_success_the_first_try_counts(
    store: Store, hours_ago: float, overdue: bool
) -> None:
    add_run(store, "failed", hours_ago)
    add_run(store, "failed", 0)

    assert nightly(store, datetime.now(UTC)).overdue is overdue


def test_the_page_says_loudly_that_the_nightly_run_is_missing(
    client: FlaskClient, site_store: Store
) -> None:
    add_run(site_store, "succeeded", hours_ago=27)

    page = client.get("/", headers=PAGE).text

    assert 'role="alert"' in page
    assert MISSING in page
    assert "Start a run" in page


def test_the_page_says_so_too_if_no_run_ever_succeeded(
    client: FlaskClient, site_store: Store
) -> None:
    add_run(site_store, "failed", hours_ago=27)

    page = client.get("/", headers=PAGE).text

    assert MISSING in page
    assert "None has succeeded yet." in page


def test_after_a_good_night_the_page_is_quiet(client: FlaskClient, site_store: Store) -> None:
    add_run(site_store, "succeeded", hours_ago=10)

    page = client.get("/", headers=PAGE).text

    assert MISSING not in page
    assert "The last run that succeeded" not in page  # it is the one shown


def test_after_a_bad_night_the_page_says_when_the_last_good_one_was(
    client: FlaskClient, site_store: Store
) -> None:
    add_run(site_store, "succeeded", hours_ago=20)
    add_run(site_store, "failed", hours_ago=1)

    page = client.get("/", headers=PAGE).text

    assert MISSING not in page
    assert "The last run that succeeded ended" in page


def test_before_the_first_run_there_are_figures(client: FlaskClient) -> None:
    found = figures(client)

    assert found["clothing_last_success_timestamp_seconds"] == 0
    assert found["clothing_nightly_run_overdue"] == 0
    assert found["clothing_runs,succeeded"] == 0
    for reason in ("unreadable", "doubtful", "blind"):
        assert found[f"clothing_photos_waiting_for_review,{reason}"] == 0
    assert found["process_resident_memory_bytes"] > 0


def test_figures_of_the_last_run(client: FlaskClient) -> None:
    run = client.post("/prediction").get_json()["run"]
    review = client.get("/api/predictions?review=true").get_json()["predictions"]
    client.post("/prediction")

    found = figures(client)

    assert found["clothing_runs,succeeded"] == 2
    assert found["clothing_last_run_photos,classified"] == 0
    assert found["clothing_last_run_photos,skipped"] == 3
    assert found["clothing_last_run_photos,failed"] == 0
    assert found["clothing_last_run_photos_per_second"] == 0
    assert found["clothing_photos_waiting_for_review,doubtful"] == len(review)
    age = datetime.now(UTC).timestamp() - found["clothing_last_success_timestamp_seconds"]
    assert 0 <= age < 60
    (model,) = (name for name in found if name.startswith("clothing_model_info"))
    assert run["model_version"] in model


def test_figures_count_as_the_queue_does_what_waits_for_a_person(
    environ: dict[str, str], store: Store
) -> None:
    a_night(
        store,
        a_failure("broken.jpg"),
        *(a_prediction(f"{n}.jpg", reason="looks like Bag or Coat") for n in range(2)),
        *(a_prediction(f"sure {n}.jpg") for n in range(3)),
    )
    app = create_app({**environ, "BLIND_SHARE": "100%"})
    client = app.test_client()

    before = figures(client)
    a_review(store, 1, "Bag")
    after = figures(client)
    client.post("/name", data={"name": "Kim"})
    page = client.get("/review").text
    app.extensions["site"].close()

    waiting = "clothing_photos_waiting_for_review"
    reasons = ("unreadable", "doubtful", "blind")
    assert [before[f"{waiting},{reason}"] for reason in reasons] == [1, 2, 3]
    assert [after[f"{waiting},{reason}"] for reason in reasons] == [1, 1, 3]
    assert "5 to go" in page


def test_figures_say_that_the_nightly_run_is_missing(
    client: FlaskClient, site_store: Store
) -> None:
    add_run(site_store, "succeeded", hours_ago=27)
    add_run(site_store, "failed", hours_ago=3)

    found = figures(client)

    assert found["clothing_nightly_run_overdue"] == 1
    assert (found["clothing_runs,succeeded"], found["clothing_runs,failed"]) == (1, 1)


def test_figures_want_the_key(environ: dict[str, str]) -> None:
    app = create_app({**environ, "API_KEY": "a-key-for-tests-only"})
    client = app.test_client()

    assert client.get("/metrics").status_code == 401
    assert client.get("/metrics", headers={"X-API-Key": "a-key-for-tests-only"}).status_code == 200
    app.extensions["site"].close()


def test_two_apps_have_figures_of_their_own(environ: dict[str, str]) -> None:
    """The library's own registry is one for the process, and takes each name once."""
    for _ in range(2):
        app = create_app(environ)
        assert figures(app.test_client())["clothing_runs,running"] == 0
        app.extensions["site"].close()
