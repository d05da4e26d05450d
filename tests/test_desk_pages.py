"""Photos, runs, quality, one photo to try: the pages as they come from the server."""

import io
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from PIL import Image

from clothing.forgetting import forget
from clothing.labels import AGAIN, CATEGORIES, OUTSIDE
from clothing.photos import Counts, Prediction, RunStatus
from clothing.questions import reviews
from clothing.store import Store
from clothing.web.charts import Point, line_of
from tests.nights import MODEL, a_failure, a_night, a_prediction, a_review, started_at
from tests.pictures import jpeg

PAGE = {"Accept": "text/html,*/*;q=0.8"}

PAGES = ("/", "/photos", "/photos/pick-list", "/runs", "/quality", "/try", "/api")


def look(client: FlaskClient, path: str) -> str:
    answer = client.get(path, headers=PAGE)
    assert answer.status_code == 200, answer.text
    return " ".join(answer.text.split())


# Whatever the database holds, each page says something sensible


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("/", "No run yet"),
        ("/photos", "There are no photos yet"),
        ("/photos?category=Dress", "No photo is like that"),
        ("/photos?pile=unreadable", "No photo is like that"),
        ("/photos/pick-list", "Pick list"),
        ("/runs", "No run yet."),
        ("/quality", "Not enough reviews yet"),
        ("/quality", "Not enough nights yet"),
        ("/try", "The answer comes here."),
    ],
)
def test_an_empty_database(client: FlaskClient, path: str, words: str) -> None:
    assert words in look(client, path)


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("/", "2 × the file is empty"),
        ("/", "Nothing sorted."),
        ("/", "This run has no answers to count."),
        ("/photos", "There are no photos yet"),
        ("/photos?pile=unreadable", "broken.jpg"),
        ("/runs", "Run 1"),
        ("/runs/1", "2 × the file is empty"),
        ("/quality", "Not enough reviews yet"),
        ("/photos/pick-list", "No photo of this choice has a category"),
    ],
)
def test_only_failures(client: FlaskClient, store: Store, path: str, words: str) -> None:
    a_night(store, a_failure("broken.jpg"), a_failure("torn.jpg"))

    assert words in look(client, path)


@pytest.mark.parametrize("path", PAGES)
def test_a_run_under_way(client: FlaskClient, store: Store, path: str) -> None:
    a_night(store, a_prediction("a.jpg"), days_ago=1)
    run = store.open_run("http")
    store.describe_run(run.run_id, MODEL, "p")
    store.save(store.run(run.run_id), [a_prediction("b.jpg")], Counts(1, 1))

    page = look(client, path)

    if path in ("/", "/runs"):
        assert "running" in page


def test_a_run_that_goes_on_has_a_page_too(client: FlaskClient, store: Store) -> None:
    run = store.open_run("http")
    store.beat(run.run_id, Counts(40, 30), 120)

    page = look(client, "/runs/1")

    assert 'max="120"' in page
    assert "it goes on" in page


@pytest.mark.parametrize("path", [*PAGES, "/photos/1", "/runs/1"])
def test_no_model(client: FlaskClient, store: Store, storage: Path, path: str) -> None:
    a_night(store, a_prediction("a.jpg", etag=etag_of(storage, "a.jpg")))
    for file in (storage / "model").iterdir():
        file.unlink()

    page = look(client, path)

    if path == "/try":
        assert "There is no model yet" in page
    if path == "/photos/1":
        assert "It cannot be shown:" in page
        assert "/seen" not in page


def etag_of(storage: Path, name: str) -> str:
    from clothing.storage import FolderContainer

    return str(FolderContainer("images", storage / "images").etag(name))


def test_a_category_that_nobody_has(client: FlaskClient, store: Store) -> None:
    a_night(store, a_prediction("a.jpg", "Bag"))

    assert "No photo is like that" in look(client, "/photos?category=Dress")
    assert re.search(r"Dress</a></th>.*?<td>0</td><td>0 %</td>", look(client, "/"))
    assert "<h2>Dress</h2>" not in look(client, "/photos/pick-list")


# Photos


def test_photos_are_chosen_by_the_form(client: FlaskClient, store: Store) -> None:
    a_night(
        store,
        a_prediction("a.jpg", "Bag", 0.95),
        a_prediction("b.jpg", "Coat", 0.4, "looks like Coat or Shirt"),
    )

    page = look(client, "/photos?category=&pile=check&name=B.&run=1&least=30&most=50&since=&until=")

    assert page.count('<li class="card') == 1
    assert "looks like Coat or Shirt" in page
    assert 'value="B."' in page
    assert 'href="/export.xlsx?run=1&amp;pile=check&amp;name=B.&amp;least=30&amp;most=50"' in page


def test_many_photos_come_in_parts_that_keep_what_was_chosen(
    client: FlaskClient, store: Store
) -> None:
    a_night(store, *(a_prediction(f"{n:03}.jpg", "Coat") for n in range(61)))

    first = look(client, "/photos?category=Coat")
    link = more_of(first)
    rest = look(client, link)

    assert first.count('<li class="card') == 60
    assert "category=Coat" in link
    assert rest.count('<li class="card') == 1
    assert "000.jpg" in rest
    assert 'id="more"' not in rest
    assert 'href="/photos?category=Coat">First photos' in rest


def test_a_list_misses_no_photo_that_a_run_sorts_anew_while_it_is_read(
    client: FlaskClient, store: Store
) -> None:
    a_night(store, *(a_prediction(f"{n:03}.jpg", "Coat") for n in range(121)))
    parts = [look(client, "/photos?category=Coat")]

    for model in ("m-2", "m-3"):
        a_night(store, *(a_prediction(f"{n:03}.jpg", "Bag") for n in range(121)), model=model)
        parts.append(look(client, more_of(parts[-1])))

    seen = [name for part in parts for name in names_of(part)]
    assert seen == [f"{n:03}.jpg" for n in reversed(range(121))]


def test_a_list_misses_no_unreadable_photo_that_is_read_meanwhile(
    client: FlaskClient, store: Store
) -> None:
    a_night(store, *(a_failure(f"{n:03}.jpg") for n in range(61)))
    first = look(client, "/photos?pile=unreadable")

    a_night(store, a_prediction("000.jpg"))

    assert names_of(look(client, more_of(first))) == ["000.jpg"]


def more_of(page: str) -> str:
    """Return where the next part of a list is."""
    (link,) = re.findall(r'id="more" rel="next" href="([^"]+)"', page)
    return str(link).replace("&amp;", "&")


def names_of(page: str) -> list[str]:
    """Return the photos of a part in order."""
    return [re.findall(r"\d{3}\.jpg", card)[0] for card in page.split('<li class="card')[1:]]


def test_the_unreadable_are_a_list_of_their_own(client: FlaskClient, store: Store) -> None:
    a_night(store, a_failure("broken.jpg"), a_prediction("a.jpg"))

    page = look(client, "/photos?pile=unreadable")

    assert page.count('<li class="card unreadable') == 1
    assert "the file is empty" in page


@pytest.mark.parametrize(
    ("query", "complaint"),
    [
        ("category=Hat", "category is one of"),
        ("pile=x", "pile is one of"),
        ("run=x", "run is a whole number"),
        ("least=a", "least is a percentage"),
        ("most=101", "most is a percentage"),
        ("least=nan", "least is a percentage"),
        ("since=yesterday", "since is a day"),
        ("until=0001-01-01", "until is a day"),
        (f"name={'x' * 1025}", "at most 1024"),
        (f"before={'9' * 20}", "before is a whole number"),
        ("as_of=yesterday", "as_of is three whole numbers"),
        ("as_of=1-2", "as_of is three whole numbers"),
        ("as_of=1-2-²", "as_of is three whole numbers"),
        (f"as_of=1-2-{'9' * 19}", "as_of is three whole numbers"),
    ],
)
def test_a_query_that_cannot_be_read_is_refused(
    client: FlaskClient, query: str, complaint: str
) -> None:
    answer = client.get(f"/photos?{query}", headers=PAGE)

    assert answer.status_code == 400
    assert complaint in answer.text


def test_a_day_is_the_shops_day(environ: dict[str, str], store: Store) -> None:
    from clothing.web import create_app

    app = create_app({**environ, "TZ": "Pacific/Kiritimati"})  # 14 hours ahead
    run = a_night(store, a_prediction("a.jpg"))
    zone = app.extensions["site"].parts.config.tz
    day = run.started_at.astimezone(zone).date().isoformat()

    page = app.test_client().get(f"/photos?since={day}&until={day}", headers=PAGE).text

    assert page.count('<li class="card') == 1
    app.extensions["site"].close()


def test_one_photo_shows_all_that_is_known(client: FlaskClient, store: Store) -> None:
    client.post("/prediction")
    a_review(store, 1, "Dress", reviewer="Grace", blind=True)

    page = look(client, "/photos/1")

    assert "a.jpg" in page
    assert page.count("<meter") == 10
    assert "Grace says so" in page
    assert "shown without the suggestion" in page
    assert "The model says" in page
    assert 'src="/photos/1/picture"' in page
    assert 'src="/photos/1/seen"' in page
    assert 'href="/runs/1"' in page


def test_what_people_said_of_the_photo_before_under_its_name_is_not_said_of_this_one(
    client: FlaskClient, store: Store
) -> None:
    a_night(store, a_prediction("a.jpg", "Bag"))
    a_review(store, 1, "Dress", reviewer="Grace")
    a_night(store, a_prediction("a.jpg", "Coat", etag="2"))

    before, after = look(client, "/photos/1"), look(client, "/photos/2")

    assert "Grace – Dress" in before
    assert "Grace" not in after and "Nobody has looked at it yet." in after


def test_who_takes_back_what_somebody_else_said_is_told_whose_it_is(
    client: FlaskClient, store: Store
) -> None:
    a_night(store, a_prediction("a.jpg", "Bag"))
    a_review(store, 1, "Dress", reviewer="Grace")
    client.post("/name", data={"name": "Kim"})

    before = look(client, "/photos/1")
    after = taken_back(client, before)

    assert ">Take back what Grace said</button>" in before
    assert "Taken back what Grace said: Dress." in after
    assert reviews(store, store.prediction(1).prediction.photo)[0].reviewer == "Kim"


def test_what_somebody_said_since_the_page_was_shown_is_not_taken_back(
    client: FlaskClient, store: Store
) -> None:
    a_night(store, a_prediction("a.jpg", "Bag"))
    a_review(store, 1, "Dress", reviewer="Kim")
    client.post("/name", data={"name": "Kim"})
    shown = look(client, "/photos/1")

    a_review(store, 1, "Coat", reviewer="Grace")
    after = taken_back(client, shown)

    assert ">Take back</button>" in shown
    assert "Nothing was taken back" in after and "Grace says so" in after


def taken_back(client: FlaskClient, page: str) -> str:
    """Press the button of a photo's page as it was shown, and return the page after it."""
    fields = dict(re.findall(r'name="(csrf|undo)" value="([^"]*)"', page))
    return client.post("/photos/1", data=fields, headers=PAGE, follow_redirects=True).text


def test_a_photo_that_is_gone_keeps_its_answer(client: FlaskClient, storage: Path) -> None:
    client.post("/prediction")
    (storage / "images" / "a.jpg").unlink()

    page = look(client, "/photos/1")

    assert "gone or was replaced" in page
    assert "/picture" not in page


def test_another_answer_of_other_steps_says_so(
    client: FlaskClient, store: Store, storage: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tests.nights.STEPS", "garment-on-black-1")
    a_night(store, a_prediction("a.jpg", etag=etag_of(storage, "a.jpg")), model="old")

    page = " ".join(look(client, "/photos/1").split())

    assert "By the steps of now, whole-in-colour-2; this answer was given behind garment" in page


def test_the_picture_fits_a_page_and_the_seen_one_is_the_models(
    client: FlaskClient, app: Flask, storage: Path
) -> None:
    (storage / "images" / "a.jpg").write_bytes(jpeg(size=(2400, 1600)))
    client.post("/prediction")

    picture, seen = client.get("/photos/1/picture"), client.get("/photos/1/seen")

    card = app.extensions["site"].model.load().card
    with Image.open(io.BytesIO(picture.data)) as image:
        assert (image.format, image.size) == ("JPEG", (1200, 800))
    with Image.open(io.BytesIO(seen.data)) as image:
        assert (image.format, image.size) == ("PNG", (card.width, card.height))
    assert "no-store" in seen.headers["Cache-Control"]


def test_a_thumbnail_is_made_once(client: FlaskClient, storage: Path) -> None:
    client.post("/prediction")
    first = client.get("/photos/1/thumbnail")
    (storage / "images" / "a.jpg").unlink()

    second = client.get("/photos/1/thumbnail")

    assert (second.status_code, second.data) == (200, first.data)


@pytest.mark.parametrize("path", ["/photos/99", "/photos/99/picture", "/photos/99/seen"])
def test_a_photo_that_never_was_is_not_found(client: FlaskClient, path: str) -> None:
    answer = client.get(path, headers=PAGE)

    assert answer.status_code == 404
    assert "There is no" in answer.text


def test_a_run_with_nothing_to_check_leads_to_what_others_left(
    client: FlaskClient, store: Store
) -> None:
    a_night(store, a_prediction("a.jpg", "Coat", 0.4, "doubtful"))
    a_night(store, a_prediction("b.jpg", "Bag"))

    before = look(client, "/")
    a_review(store, 1, "Coat")
    a_night(store, a_prediction("c.jpg", "Bag"))  # what waits is counted anew
    after = look(client, "/")

    assert 'Nothing of this run. <a href="/review">1 of other runs wait</a>' in before
    assert "Nothing to check." in after


def test_the_pick_list_is_by_what_people_say(client: FlaskClient, store: Store) -> None:
    a_night(
        store,
        a_prediction("one.jpg", "Bag"),
        a_prediction("two.jpg", "Bag"),
        a_prediction("three.jpg", "Coat", 0.4, "doubtful"),
    )
    a_review(store, 2, "Coat")

    page = look(client, "/photos/pick-list?run=1")

    bags, coats = page.index("<h2>Bag</h2>"), page.index("<h2>Coat</h2>")
    assert coats < page.index("two.jpg") < bags < page.index("one.jpg")
    assert "three.jpg <b>to check</b>" in page
    assert "run 1" in page


def test_the_pick_list_leaves_out_no_answer_of_a_person(client: FlaskClient, store: Store) -> None:
    a_night(store, a_prediction("hat.jpg", "Bag"), a_prediction("dark.jpg", "Bag"))
    a_review(store, 1, OUTSIDE)
    a_review(store, 2, AGAIN)

    page = look(client, "/photos/pick-list")

    assert page.index("<h2>None of these</h2>") < page.index("hat.jpg")
    assert page.index("<h2>Photograph again</h2>") < page.index("dark.jpg")
    assert "<h2>Bag</h2>" not in page


def test_a_card_says_whose_confidence_it_shows(client: FlaskClient, store: Store) -> None:
    a_night(store, a_prediction("a.jpg", "Pullover", 0.98), a_prediction("b.jpg", "Coat", 0.97))
    a_review(store, 1, "Bag")
    a_review(store, 2, "Coat")

    bag, coat = (look(client, f"/photos?category={category}") for category in ("Bag", "Coat"))

    assert "<b>Bag</b>" in bag and '<p class="confidence">model: Pullover, 98 %</p>' in bag
    assert '<p class="confidence">97 %</p>' in coat


def test_photos_that_have_no_page_are_told_apart(client: FlaskClient, store: Store) -> None:
    a_night(store, a_failure("R-20001/front.jpg"), a_failure("R-20002/front.jpg"))

    page = look(client, "/photos?pile=unreadable")

    assert ">R-20001/front.jpg</p>" in page and ">R-20002/front.jpg</p>" in page


def test_what_people_say_of_an_unreadable_photo_is_on_every_list(
    client: FlaskClient, store: Store
) -> None:
    a_night(store, a_failure("coat.jpg"), a_failure("dark.jpg"), a_failure("torn.jpg"))
    for number, said in ((1, {"category": "Coat"}), (2, {"verdict": "photograph again"})):
        body = {"failure_id": number, "reviewer": "Ada", **said}
        assert client.post("/api/reviews", json=body).status_code == 201

    cards = look(client, "/photos?pile=unreadable")
    coats = look(client, "/photos?pile=unreadable&category=Coat")
    again = look(client, "/photos?pile=unreadable&category=(photograph+again)")
    listed = look(client, "/photos/pick-list")

    assert cards.count("<b>Unreadable</b>") == 1
    assert cards.count("Ada says so") == 2
    assert "coat.jpg" in coats and "dark.jpg" not in coats
    assert "dark.jpg" in again and "torn.jpg" not in again
    assert listed.index("<h2>Coat</h2>") < listed.index("coat.jpg")
    assert listed.index("<h2>Photograph again</h2>") < listed.index("dark.jpg")
    assert "torn.jpg" not in listed


def test_what_a_person_said_is_not_to_be_checked_any_more(
    client: FlaskClient, store: Store
) -> None:
    a_night(store, a_prediction("a.jpg", "Bag", 0.4, "looks like Bag or Coat"))
    assert "looks like Bag or Coat" in look(client, "/photos")
    a_review(store, 1, AGAIN)

    card, photo = look(client, "/photos"), look(client, "/photos/1")

    assert "looks like Bag or Coat" not in card + photo
    assert "<b>Photograph again</b>" in card and "Ada says so" in card


def test_a_run_that_has_found_nothing_yet_leaves_the_piles_of_the_night_before(
    client: FlaskClient, store: Store
) -> None:
    a_night(store, a_prediction("a.jpg"), a_failure("torn.jpg"))
    store.open_run("http")

    page = look(client, "/")

    assert "This run has sorted nothing yet. The piles are those of" in page
    assert "a.jpg" in page and "torn.jpg" in page
    assert "Every photo could be read" not in page


@pytest.mark.parametrize(
    ("status", "words"),
    [("running", "What this run finds comes here."), ("failed", "broke off before it opened")],
)
def test_of_a_first_run_without_a_photo_nothing_is_claimed(
    client: FlaskClient, store: Store, status: str, words: str
) -> None:
    store.ready()
    run = store.open_run("http")
    if status == "failed":
        store.close_run(run.run_id, "failed", Counts(), "There is no model.")

    for path in ("/", f"/runs/{run.run_id}"):
        page = look(client, path)
        assert words in page
        assert "Every photo could be read" not in page and "Nothing sorted" not in page


def test_a_name_that_a_database_would_cut_is_refused(client: FlaskClient, store: Store) -> None:
    a_night(store, a_prediction("a.jpg", "Bag"))

    assert client.get("/photos?name=%00zzz").status_code == 400


def test_a_pick_list_of_nothing_says_so(client: FlaskClient, store: Store) -> None:
    a_night(store, a_failure())

    assert "No photo of this choice has a category." in look(client, "/photos/pick-list?run=1")


@pytest.mark.parametrize("path", ["/photos/pick-list", "/export.csv", "/export.xlsx"])
def test_nothing_is_taken_away_of_a_run_that_never_was(
    client: FlaskClient, store: Store, path: str
) -> None:
    a_night(store, a_prediction())

    assert client.get(f"{path}?run=999", headers=PAGE).status_code == 404


# Runs


def test_runs_are_listed_with_counts(client: FlaskClient, store: Store) -> None:
    a_night(store, a_prediction("a.jpg"), a_prediction("b.jpg", "Coat", 0.4, "doubtful"))

    page = look(client, "/runs")

    assert re.search(r"<td>2</td><td>1</td> <td>1</td><td>0</td>", page)


def test_runs_come_in_parts(client: FlaskClient, store: Store) -> None:
    for _ in range(51):
        store.close_run(store.open_run("test").run_id, "succeeded", None, None)

    first = look(client, "/runs")
    rest = look(client, "/runs?before=2")

    assert first.count('<th scope="row">') == 50
    assert 'href="/runs?before=2">Earlier runs' in first
    assert rest.count('<th scope="row">') == 1
    assert "There are no earlier runs." in look(client, "/runs?before=1")


def test_a_run_that_found_nothing_new_says_so(client: FlaskClient) -> None:
    client.post("/prediction")
    client.post("/prediction")

    assert "opened no photo; all had an answer already" in look(client, "/runs/2")


def test_a_run_that_never_was_is_not_found(client: FlaskClient) -> None:
    assert client.get("/runs/9", headers=PAGE).status_code == 404


# Quality


def test_quality_shows_agreement_confusion_and_drift(client: FlaskClient, store: Store) -> None:
    for night in range(3):
        a_night(
            store,
            *(a_prediction(f"{night}-{n}.jpg", CATEGORIES[n % 10]) for n in range(40)),
            days_ago=3 - night,
        )
    for image_id in range(21, 61):
        said = CATEGORIES[(image_id - 1) % 10] if image_id % 4 else "Coat"
        a_review(store, image_id, said, blind=image_id > 40)

    page = look(client, "/quality")

    assert "of 20)" in page and "of 40)" in page
    assert "What it takes for what" in page
    assert 'class="wrong"' in page and 'class="right"' in page
    assert page.count("<polyline") == 4
    assert "beside the four weeks before" in page


def some_photos(night: int, number: int = 40) -> list[Prediction]:
    """Return photos of a night with the usual mix: a tenth of each category."""
    return [a_prediction(f"{night}-{n}.jpg", CATEGORIES[n % 10]) for n in range(number)]


def chart(page: str, title: str) -> list[int]:
    """Return the points of a chart, in percent."""
    (table,) = re.findall(rf"<th scope=\"col\">{title}</th></tr></thead>(.*?)</table>", page)
    return [int(share) for share in re.findall(r"<td>(\d+) %", table)]


SHIFT = "Share of photos in other categories than usual"


def test_runs_of_one_photo_change_neither_what_is_usual_nor_a_chart(
    client: FlaskClient, store: Store
) -> None:
    for night in range(4):
        a_night(store, *some_photos(night, 100), days_ago=8 - 2 * night)
        if night < 3:
            a_night(store, a_prediction(f"one-{night}.jpg", "Sandal"), days_ago=7 - 2 * night)

    sheet, page = look(client, "/"), look(client, "/quality")

    assert re.findall(r"<td>10 %</td> <td>(\d+) %</td>", sheet) == ["10"] * 5 + ["12"] + ["10"] * 4
    assert "the 6 nights of the four weeks before" in sheet
    assert chart(page, SHIFT) == [2, 2, 2]
    assert len(chart(page, "Mean confidence")) == 4
    assert "nights of fewer than 30 answers" in page


def test_what_comes_by_day_belongs_to_the_night_before(client: FlaskClient, store: Store) -> None:
    evening = datetime(2026, 11, 20, 23, tzinfo=UTC)
    for night in range(3):
        begun = evening + timedelta(days=night)
        started_at(store, a_night(store, *some_photos(night)), begun)
        started_at(store, a_night(store, *some_photos(9 + night, 30)), begun + timedelta(hours=9))

    page = look(client, "/quality")

    assert len(chart(page, "Mean confidence")) == 3
    assert "The night of 22 Nov beside the four weeks before" in page


def test_a_night_that_was_resumed_is_one_night(client: FlaskClient, store: Store) -> None:
    for night in range(3):
        bags = [a_prediction(f"{night}-bag-{n}.jpg") for n in range(40)]
        if night == 1:  # what comes first is of one category only
            a_night(store, *bags, days_ago=4, status="interrupted")
            a_night(store, *some_photos(night), days_ago=3)
        else:
            a_night(store, *bags, *some_photos(night), days_ago=5 - 2 * night)

    sheet, page = look(client, "/"), look(client, "/quality")

    assert "the 2 nights of the four weeks before" in sheet
    assert len(chart(page, "Mean confidence")) == 3
    assert chart(page, SHIFT) == [0, 0]


def test_a_night_that_broke_off_at_its_very_end_counts(client: FlaskClient, store: Store) -> None:
    for night in range(2):
        a_night(store, *some_photos(night), days_ago=3 - night, status="interrupted")
        a_night(store, days_ago=3 - night)

    assert chart(look(client, "/quality"), SHIFT) == [0]


def test_agreement_is_of_the_model_before_while_a_new_one_runs(
    client: FlaskClient, store: Store
) -> None:
    a_night(store, a_prediction("a.jpg"), days_ago=1)
    a_night(store, a_prediction("b.jpg"), model="m-2", status="running")

    assert f"the answers of {MODEL}." in look(client, "/quality")


def test_a_night_that_was_forgotten_is_not_what_usually_comes(
    client: FlaskClient, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("clothing.questions.LOOK_AGAIN", 0)
    for night in range(4):
        a_night(store, *some_photos(night), days_ago=3 - night)
    look(client, "/")
    forget(store, "images", "1-")

    sheet, page = look(client, "/"), look(client, "/quality")

    assert "the 2 nights of the four weeks before" in sheet
    assert re.findall(r"<td>10 %</td> <td>(\d+) %</td>", sheet) == ["10"] * 10
    assert page.count("<td>10 %</td><td>10 %</td><td>+0.0</td>") == 10


def test_a_run_says_what_was_forgotten_of_it_since(
    client: FlaskClient, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("clothing.questions.LOOK_AGAIN", 0)
    a_night(store, *some_photos(1))
    before = look(client, "/runs/1")
    forget(store, "images", "1-2")

    page = look(client, "/runs/1")

    assert "forgotten since" not in before
    assert "<dt>sorted</dt><dd>29</dd>" in page
    assert "<dt>forgotten since</dt><dd>11</dd>" in page


@pytest.mark.parametrize("status", ["running", "interrupted", "failed"])
def test_half_a_night_is_compared_with_nothing(
    client: FlaskClient, store: Store, status: RunStatus
) -> None:
    for night in range(3):
        a_night(store, *some_photos(night), days_ago=3 - night)
    bags = [a_prediction(f"bag-{n}.jpg") for n in range(40)]
    a_night(store, *bags, status=status)

    page = look(client, "/quality")

    assert chart(page, SHIFT) == [0, 0]
    assert "10 %</td><td>+0.0" in page
    assert "broke off" in page


def test_a_few_reviews_are_not_enough(client: FlaskClient, store: Store) -> None:
    a_night(store, a_prediction("a.jpg"))
    a_review(store, 1, "Bag")

    page = look(client, "/quality")

    assert "Not enough reviews yet.</b> There are 1; from 30 on" in page


def test_a_chart_of_one_point_has_a_place_for_it() -> None:
    (dot,) = line_of("", [Point("a", 0.5)]).dots

    assert (dot.x, dot.y) == (40, 69)


# Try


def test_a_photo_is_tried_without_scripts_and_not_stored(client: FlaskClient, store: Store) -> None:
    store.ready()

    page = client.post("/try", data={"photo": (io.BytesIO(jpeg()), "x.jpg")}, headers=PAGE).text

    assert page.count("<meter") == 10
    assert store.predictions() == []


@pytest.mark.parametrize(
    ("upload", "complaint"),
    [
        ({}, "Send a photo"),
        ({"photo": (io.BytesIO(b""), "")}, "Send a photo"),
        ({"photo": (io.BytesIO(b"%PDF-1.7"), "x.pdf")}, "a PDF, not a photo"),
    ],
)
def test_what_is_no_photo_is_said_in_words(
    client: FlaskClient, upload: dict[str, object], complaint: str
) -> None:
    answer = client.post("/try", data=dict(upload), headers=PAGE)

    assert answer.status_code == 422
    assert complaint in answer.text


def test_without_a_model_a_try_says_why(client: FlaskClient, storage: Path) -> None:
    (storage / "model" / "clothing_model.keras").unlink()

    answer = client.post("/try", data={"photo": (io.BytesIO(jpeg()), "x.jpg")}, headers=PAGE)

    assert answer.status_code == 503
    assert "has no clothing_model.keras" in answer.text
