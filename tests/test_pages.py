"""The pages as they come from the server; `test_browser` looks at them in Chromium."""

import errno
import io
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from PIL import Image

from clothing.photos import Counts, Photo
from clothing.store import Store
from clothing.web.thumbnails import THUMBNAIL
from tests.nights import started_at
from tests.pictures import jpeg

PAGE = {"Accept": "text/html,*/*;q=0.8"}


def test_before_the_first_run_the_page_offers_one(client: FlaskClient) -> None:
    page = client.get("/", headers=PAGE).text

    assert "No run yet" in page
    assert "Start a run" in page


def test_without_photos_the_page_says_where_to_put_them(client: FlaskClient, storage: Path) -> None:
    for photo in (storage / "images").rglob("*.jpg"):
        photo.unlink()

    page = client.get("/", headers=PAGE).text

    assert "There are no photos" in page
    assert "Start a run" not in page


def test_the_sheet_shows_the_photos_on_three_piles(client: FlaskClient) -> None:
    run = client.post("/prediction").get_json()

    page = client.get("/", headers=PAGE).text

    assert page.count('<li class="card') == 3
    for entry in run["batch_results"]:
        assert entry["image_name"] in page
        assert entry["predicted_category"] in page
    for pile in ("To check", "Sorted", "Unreadable"):
        assert f"<h2>{pile} <span" in page


def test_the_sheet_counts_what_is_sorted_and_what_is_to_check(client: FlaskClient) -> None:
    entries = client.post("/prediction").get_json()["batch_results"]

    page = client.get("/", headers=PAGE).text

    to_check = sum(entry["needs_review"] for entry in entries)
    assert f"<dt>to check</dt><dd>{to_check}</dd>" in page
    assert f"<dt>sorted</dt><dd>{3 - to_check}</dd>" in page


def test_a_run_that_finds_nothing_new_shows_the_piles_of_the_one_before(
    client: FlaskClient,
) -> None:
    client.post("/prediction")
    client.post("/prediction")

    page = client.get("/", headers=PAGE).text

    assert "Run 2" in page
    assert "This run found nothing new" in page
    assert page.count('<li class="card') == 3
    assert "/photos?run=1&amp;pile=" in page


def test_a_run_that_failed_before_it_opened_a_photo_hides_no_pile(
    client: FlaskClient, storage: Path
) -> None:
    (storage / "images" / "broken.jpg").write_bytes(b"")
    client.post("/prediction")
    (storage / "model" / "clothing_model.keras").rename(storage / "elsewhere.keras")
    assert client.post("/prediction").status_code == 500

    page = client.get("/", headers=PAGE).text

    assert "This run sorted nothing. The piles" in page
    assert "Every photo could be read" not in page
    assert "/photos?run=1&amp;pile=unreadable" in page


def test_the_mix_stands_beside_the_usual_one(
    client: FlaskClient, storage: Path, store: Store
) -> None:
    client.post("/prediction")
    alone = client.get("/", headers=PAGE).text
    started_at(store, store.run(1), datetime.now(UTC) - timedelta(days=1))
    (storage / "images" / "d.jpg").write_bytes(jpeg(color="green"))
    client.post("/prediction")

    page = client.get("/", headers=PAGE).text

    assert "no night in the four weeks before" in alone
    assert 'class="usual"' not in alone
    assert "the 1 night of the four weeks before." in page
    assert page.count('class="now"') == 10
    assert page.count('class="usual"') == 10


def test_a_photo_that_cannot_be_used_is_shown_with_its_reason(
    client: FlaskClient, storage: Path
) -> None:
    (storage / "images" / "broken.jpg").write_bytes(b"")
    client.post("/prediction")

    page = client.get("/", headers=PAGE).text

    assert "Unreadable" in page
    assert "the file is empty" in page


def test_a_name_is_never_taken_for_html(client: FlaskClient, storage: Path) -> None:
    (storage / "images" / "<script>alert('x')<!--.jpg").write_bytes(jpeg())
    client.post("/prediction")

    page = client.get("/", headers=PAGE).text

    assert "<script>alert" not in page
    assert "&lt;script&gt;" in page


def test_a_failed_run_shows_its_reason_and_offers_another(
    client: FlaskClient, storage: Path
) -> None:
    (storage / "model" / "clothing_model.keras").unlink()
    client.post("/prediction")

    page = client.get("/", headers=PAGE).text

    assert "failed" in page
    assert "has no clothing_model.keras" in page
    assert "Start a run" in page


def test_a_run_that_goes_on_shows_how_far_it_is(client: FlaskClient, app: Flask) -> None:
    store = app.extensions["site"].parts.store
    run = store.open_run("http")
    store.beat(run.run_id, Counts(listed=40, classified=30), expected=120)

    page = client.get("/", headers=PAGE).text

    assert 'max="120"' in page and 'value="30"' in page
    assert "Start a run" not in page


def test_the_button_starts_a_run_and_leads_back(client: FlaskClient) -> None:
    answer = client.post("/runs", headers={**PAGE, "Sec-Fetch-Site": "same-origin"})

    assert (answer.status_code, answer.headers["Location"]) == (303, "/")
    assert client.get("/api/runs").get_json()["runs"][0]["trigger"] == "page"


def test_a_pile_shows_a_few_photos_and_links_to_all(client: FlaskClient, storage: Path) -> None:
    for n in range(60):
        (storage / "images" / f"{n:04}.jpg").write_bytes(b"")
    client.post("/prediction")

    page = client.get("/", headers=PAGE).text

    assert page.count('<li class="card unreadable') == 8
    assert "60 × the file is empty" in page
    assert 'href="/photos?run=1&amp;pile=unreadable">All 60</a>' in page


def test_a_thumbnail_is_a_small_jpeg(client: FlaskClient, storage: Path) -> None:
    (storage / "images" / "a.jpg").write_bytes(jpeg(size=(1200, 1600)))
    client.post("/prediction")

    answer = client.get("/photos/1/thumbnail")

    with Image.open(io.BytesIO(answer.data)) as image:
        assert (image.format, max(image.size)) == ("JPEG", THUMBNAIL)
    assert "max-age" in answer.headers["Cache-Control"]


def test_a_full_disk_costs_nobody_a_thumbnail_and_keeps_no_piece_of_one(
    client: FlaskClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(path: Path, target: Path) -> Path:
        raise OSError(errno.ENOSPC, "No space left on device")

    client.post("/prediction")
    monkeypatch.setattr(Path, "replace", full)

    assert client.get("/photos/1/thumbnail").status_code == 200
    assert [path for path in (tmp_path / "var").rglob("*") if path.is_file()] == []


@pytest.mark.parametrize("change", ["gone", "other"])
def test_a_photo_that_is_no_longer_what_was_classified_has_no_thumbnail(
    client: FlaskClient, storage: Path, change: str
) -> None:
    client.post("/prediction")
    if change == "gone":
        (storage / "images" / "a.jpg").unlink()
    else:
        (storage / "images" / "a.jpg").write_bytes(jpeg(color="black", size=(50, 60)))

    assert client.get("/photos/1/thumbnail").status_code == 404


def test_while_the_photos_are_away_a_picture_is_to_be_asked_for_again(
    client: FlaskClient, storage: Path
) -> None:
    client.post("/prediction")
    (storage / "images").rename(storage / "away")
    gone = client.get("/photos/1/picture")
    (storage / "images").mkdir()  # what is left of a share that is unmounted

    away = client.get("/photos/1/picture")

    assert (gone.status_code, gone.headers.get("Retry-After")) == (503, None)
    assert (away.status_code, away.headers.get("Retry-After")) == (503, "30")
    assert "another folder has taken its place" in away.text


def test_a_thumbnail_never_leaves_the_container(
    client: FlaskClient, app: Flask, storage: Path
) -> None:
    (storage / "secret.jpg").write_bytes(jpeg())
    client.post("/prediction")
    store = app.extensions["site"].parts.store
    outside = Photo("images", "../secret.jpg", "1", 0)
    answer = store.prediction(1).prediction
    run = store.open_run("test")
    store.describe_run(run.run_id, "m", "p")
    run = store.run(run.run_id)
    planted = type(answer)(outside, "Bag", 1.0, 1.0, answer.probabilities, False, "")
    store.save(run, [planted], Counts(1, 1))

    (stored,) = store.predictions(run_id=run.run_id)

    assert client.get(f"/photos/{stored.image_id}/thumbnail").status_code == 404


def test_people_get_problems_as_a_page(client: FlaskClient) -> None:
    answer = client.get("/nowhere", headers=PAGE)

    assert answer.status_code == 404
    assert answer.mimetype == "text/html"
    assert "Back to the morning sheet" in answer.text


def test_times_are_shown_in_the_zone_of_the_shop(
    environ: dict[str, str],
) -> None:
    from clothing.web import create_app

    app = create_app({**environ, "TZ": "Asia/Tokyo"})
    store = app.extensions["site"].parts.store
    run = store.open_run("http")
    store.close_run(run.run_id, "succeeded", None, None)

    page = app.test_client().get("/", headers=PAGE).text

    assert "JST" in page
    app.extensions["site"].close()
