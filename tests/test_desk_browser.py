"""The refund desk in real Chromium: a run, the lists, the spreadsheet, a photo to try."""

from pathlib import Path

import openpyxl
import pytest
from playwright.sync_api import Browser, Page, Route, expect

from clothing.labels import CATEGORIES
from clothing.storage import FolderContainer
from clothing.store import Store
from clothing.web.wording import percent
from tests.browsing import violations
from tests.nights import a_failure, a_night, a_prediction, a_review
from tests.pictures import jpeg

pytestmark = pytest.mark.browser

PAGES = (
    *("/", "/photos/61", "/photos?run=4", "/photos/pick-list", "/photos?pile=unreadable"),
    *("/runs", "/runs/4", "/quality", "/try", "/api"),
)


COLORS = ("navy", "red", "green", "grey", "white")


@pytest.fixture
def week(page: Page, store: Store, images: FolderContainer, storage: Path) -> None:
    """A run over real photos, one of them broken, after three nights with reviews."""
    for night in range(3):
        for n in range(20):
            small = jpeg(COLORS[n % 5], size=(30, 40))
            (storage / "images" / f"{night}-{n}.jpg").write_bytes(small)
        answers = [
            a_prediction(photo.name, CATEGORIES[n % 10], etag=photo.etag)
            for n, photo in enumerate(images.list_photos(f"{night}-"))
        ]
        a_night(store, *answers, a_failure(), days_ago=3 - night)
    for image_id in range(1, 41):
        a_review(store, image_id, "Coat", blind=image_id > 20)
    (storage / "images" / "broken.jpg").write_bytes(b"")
    page.goto("/")
    page.get_by_role("button", name="Start a run").click()
    expect(page.locator("#run[data-status=succeeded] h1")).to_contain_text("Run 4", timeout=60_000)


def test_a_run_ends_as_three_piles_and_a_spreadsheet(page: Page, storage: Path) -> None:
    for n in range(150):
        (storage / "images" / f"{n:03}.jpg").write_bytes(jpeg(size=(600, 800)))
    (storage / "images" / "broken.jpg").write_bytes(b"")
    page.goto("/")
    page.get_by_role("button", name="Start a run").click()
    expect(page.locator("#run")).to_have_attribute("data-status", "succeeded", timeout=120_000)

    unreadable = page.locator(".pile.unreadable")
    expect(unreadable.locator(".big")).to_have_text("1")
    unreadable.get_by_role("link", name="All 1").click()
    expect(page.locator(".card")).to_have_count(1)
    page.goto("/runs/1")
    with page.expect_download() as download:
        page.locator(".take-away").get_by_role("link", name="XLSX").click()
    with download.value.path().open("rb") as file:
        book = openpyxl.load_workbook(file)
    rows = {name: book[name].max_row - 1 for name in book.sheetnames}
    assert rows["Sorted"] + rows["To check"] == 153
    assert (rows["Unreadable"], rows["Run"]) == (1, 1)
    assert download.value.suggested_filename == "returns-run-1.xlsx"


def test_photos_are_filtered_and_taken_away(page: Page, storage: Path) -> None:
    for n in range(4):
        (storage / "images" / f"coat {n}.jpg").write_bytes(jpeg(color="green", size=(60, 80 + n)))
    page.goto("/")
    page.get_by_role("button", name="Start a run").click()
    expect(page.locator("#run")).to_have_attribute("data-status", "succeeded", timeout=60_000)
    page.get_by_role("link", name="Photos").click()
    page.get_by_label("File name holds").fill("COAT")
    page.get_by_role("button", name="Show").click()

    expect(page.locator(".card")).to_have_count(4)
    with page.expect_download() as download:
        page.get_by_role("link", name="CSV").click()
    assert download.value.path().read_text("utf-8-sig").count("coat ") == 4
    page.locator(".card a").first.click()
    page.get_by_text("What the model sees").wait_for()
    page.wait_for_load_state()
    for picture in page.locator("img").all():
        assert picture.evaluate("image => image.decode().then(() => image.naturalWidth)") > 0


@pytest.fixture
def long_list(store: Store, images: FolderContainer, storage: Path) -> None:
    """150 photos that a run has sorted."""
    for n in range(150):
        (storage / "images" / f"{n:03}.jpg").write_bytes(jpeg(size=(20, 20 + n)))
    etags = {photo.name: photo.etag for photo in images.list_photos()}
    a_night(store, *(a_prediction(f"{n:03}.jpg", etag=etags[f"{n:03}.jpg"]) for n in range(150)))


def scroll_to_the_end(page: Page) -> None:
    """Scroll until nothing more comes; with few pictures loaded, several parts come at once."""
    for _ in range(600):
        page.evaluate(
            "scrollTo(0, document.body.scrollHeight)"
        )  # a wheel's turn goes on for a while
        page.wait_for_timeout(100)
        if page.locator(".card").count() == 150:
            break


@pytest.mark.usefixtures("long_list")
def test_the_grid_goes_on_as_one_scrolls(page: Page) -> None:
    page.set_viewport_size({"width": 800, "height": 600})
    page.goto("/photos")
    at_first = page.locator(".card").count()

    scroll_to_the_end(page)

    assert at_first == 60
    expect(page.locator(".card")).to_have_count(150)
    expect(page.locator("#more")).to_have_count(0)


@pytest.mark.usefixtures("long_list")
def test_who_comes_back_from_a_photo_finds_the_place_in_the_list(page: Page) -> None:
    page.goto("/photos")
    scroll_to_the_end(page)
    photo = page.locator(".card", has_text="010.jpg").get_by_role("link")
    photo.scroll_into_view_if_needed()
    before = page.evaluate("scrollY")

    photo.click()
    page.get_by_role("heading", name="010.jpg").wait_for()
    page.go_back()

    expect(page.locator(".card")).to_have_count(150)
    expect(photo).to_be_in_viewport()
    assert before > 2_000


def test_a_wrong_answer_is_corrected_on_the_photos_page(page: Page, store: Store) -> None:
    a_night(store, a_prediction("a.jpg", "Bag"))
    page.goto("/photos/1")
    assert not violations(page)

    page.get_by_label("It shows").select_option("Coat")
    page.get_by_label("Your name").fill("Kim")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("status")).to_have_text("Saved: Coat.")
    expect(page.get_by_text("Kim says so")).to_be_visible()
    expect(page.get_by_label("It shows")).to_have_value("Coat")
    assert not violations(page)

    page.get_by_role("button", name="Take back").click()
    expect(page.get_by_role("status")).to_have_text("Taken back.")
    expect(page.get_by_label("It shows")).to_have_value("Bag")


def test_a_photo_is_tried_and_not_stored(page: Page, store: Store, tmp_path: Path) -> None:
    (tmp_path / "mine.jpg").write_bytes(jpeg(size=(300, 400)))
    page.goto("/try")

    page.get_by_label("Choose a photo").set_input_files(tmp_path / "mine.jpg")

    expect(page.locator("#answer meter")).to_have_count(10)
    expect(page.locator("#answer canvas")).to_be_visible()
    assert page.locator("#answer h2").inner_text().startswith(CATEGORIES)
    store.ready()
    assert store.predictions() == []


def test_a_photo_that_the_camera_took_is_tried_and_no_other_has_to_be_chosen(page: Page) -> None:
    page.goto("/try")
    assert page.locator("#camera").get_attribute("capture") == "environment"

    page.get_by_label("Take a photo").set_input_files(
        {"name": "taken.jpg", "mimeType": "image/jpeg", "buffer": jpeg()}
    )

    expect(page.locator("#answer meter")).to_have_count(10)
    expect(page.locator("#answer canvas")).to_be_visible()  # it comes last
    page.locator("#answer").evaluate("answer => answer.replaceChildren()")
    page.get_by_role("button", name="Classify").click()
    expect(page.locator("#answer meter")).to_have_count(10)


def test_a_share_reads_the_same_by_script_and_without(page: Page) -> None:
    shares = (0, 1e-15, 0.0001, 0.004, 0.006, 0.124, 0.99, 0.994, 0.996, 0.998, 1 - 1e-15, 1)
    page.goto("/try")

    assert page.evaluate("shares => shares.map(percent)", shares) == [percent(n) for n in shares]


def test_an_answer_about_the_photo_before_comes_too_late(page: Page) -> None:
    held: list[Route] = []
    late = {"predicted_category": "the first photo", "confidence": 0.9, "probabilities": {}}
    page.route("**/api/classify", lambda route: route.continue_() if held else held.append(route))
    page.goto("/try")
    page.evaluate(
        """() => { const whole = classify;
        window.ends = [];
        classify = (file) => { ends.push(whole(file)); }; }"""
    )

    for name in ("first.jpg", "second.jpg"):
        page.get_by_label("Choose a photo").set_input_files(
            {"name": name, "mimeType": "image/jpeg", "buffer": jpeg()}
        )
    expect(page.locator("#answer meter")).to_have_count(10)
    with page.expect_response("**/api/classify") as answered:
        held[0].fulfill(json=late)

    answered.value.finished()
    page.evaluate("Promise.all(ends)")  # the page is done with both answers
    expect(page.locator("#answer canvas")).to_have_count(1)
    expect(page.locator("#answer")).not_to_contain_text("the first photo")


def test_a_dropped_photo_is_tried(page: Page) -> None:
    page.goto("/try")

    drop(page, "x.jpg")

    expect(page.locator("#answer meter")).to_have_count(10)


@pytest.mark.parametrize("before", [[], ["first.jpg"]])
def test_a_dropped_photo_is_the_one_that_is_chosen(page: Page, before: list[str]) -> None:
    page.goto("/try")
    for name in before:
        page.get_by_label("Choose a photo").set_input_files(
            {"name": name, "mimeType": "image/jpeg", "buffer": jpeg()}
        )
        expect(page.locator("#answer canvas")).to_be_visible()  # it comes last

    drop(page, "x.jpg", "y.jpg")
    expect(page.locator("#answer canvas")).to_be_visible()
    page.locator("#answer").evaluate("answer => answer.replaceChildren()")
    page.get_by_role("button", name="Classify").click()

    expect(page.locator("#answer meter")).to_have_count(10)
    assert page.evaluate("chosen.name") == "x.jpg"
    names = page.locator("#photo").evaluate("input => [...input.files].map(({ name }) => name)")
    assert names == ["x.jpg"]


def drop(page: Page, *names: str) -> None:
    """Drop photos onto the page."""
    dropped = page.evaluate_handle(
        """([names, bytes]) => { const dropped = new DataTransfer();
        for (const name of names)
          dropped.items.add(new File([new Uint8Array(bytes)], name, {type: "image/jpeg"}));
        return dropped; }""",
        [names, list(jpeg())],
    )
    page.locator("#try").dispatch_event("drop", {"dataTransfer": dropped})


@pytest.mark.usefixtures("week")
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_page_fits_a_phone_and_bars_nobody(page: Page, scheme: str) -> None:
    page.set_viewport_size({"width": 390, "height": 844})
    page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")

    for path in PAGES:
        page.goto(path)
        assert page.evaluate("document.documentElement.scrollWidth") <= 390, path
        assert violations(page) == [], path
    dark = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert (dark == "rgb(21, 24, 26)") == (scheme == "dark")


@pytest.mark.usefixtures("week")
def test_without_scripts_the_lists_go_on_by_links(
    browser: Browser, address: str, store: Store
) -> None:
    a_night(store, *(a_failure(f"{n:03}.jpg") for n in range(70)))
    context = browser.new_context(base_url=address, java_script_enabled=False)
    page = context.new_page()

    page.goto("/photos?run=5&pile=unreadable")
    page.get_by_role("link", name="More photos").click()

    expect(page.locator(".card")).to_have_count(10)
    context.close()
