"""The review queue and the sign-in in real Chromium: by keyboard, by phone, by two at once."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask
from playwright.sync_api import Browser, Page, Route, expect

from clothing.photos import Photo, Prediction
from clothing.storage import FolderContainer
from clothing.store import Store
from clothing.web import create_app
from scripts.chromium import served
from tests.browsing import violations, watched
from tests.pictures import jpeg
from tests.test_access import KEY
from tests.test_review_queue import saved, unreadable

pytestmark = pytest.mark.browser

NUMBER = 24


@pytest.fixture
def store(app: Flask, storage: Path) -> Store:
    """A store in which real photos wait for a person, the first of them unreadable."""
    folder = storage / "images"
    for n in range(NUMBER):
        color = (10 * n, 120, 240 - 10 * n)
        (folder / f"doubtful{n:02}.jpg").write_bytes(jpeg(color=color, size=(600, 800)))
    listing = FolderContainer("images", folder).list_photos()
    photos = [photo for photo in listing if photo.name.startswith("doubtful")]
    store: Store = app.extensions["site"].parts.store
    doubts = [doubt_about(photo, margin=n / 100) for n, photo in enumerate(photos)]
    saved(store, unreadable("broken.jpg"), *doubts)
    return store


@pytest.fixture
def kim(page: Page, store: Store) -> Page:
    """The queue as Kim sees it, having said the name."""
    assert store
    introduced(page, "Kim")
    listening(page)
    return page


def doubt_about(photo: Photo, margin: float) -> Prediction:
    probabilities = (0.02,) * 8 + (0.5, 0.34)
    reason = "looks like Bag or Ankle boot"
    return Prediction(photo, "Bag", 0.5, margin, probabilities, True, reason)


def introduced(page: Page, name: str) -> None:
    page.goto("/review")
    page.get_by_label("Your name").fill(name)
    page.keyboard.press("Enter")
    page.locator(".review").wait_for()


def listening(page: Page) -> None:
    """Wait until the script takes keys: it begins when the page is there already."""
    page.locator("#keys:not([hidden])").wait_for(state="attached")


def answered(page: Page, key: str) -> None:
    """Press a key, and wait for what comes next."""
    listening(page)
    task = page.locator("input[name=task]")
    before = task.input_value()
    page.keyboard.press(key)
    expect(task).not_to_have_value(before)  # a function that waits here would break the page's CSP


def name_of(page: Page) -> str:
    return page.locator("figcaption").inner_text()


def reviews(store: Store) -> list[tuple[str, str, float]]:
    query = "SELECT reviewed_category, reviewer, seconds FROM image_review ORDER BY review_id"
    rows = store.read(lambda connection: connection.exec_driver_sql(query).all())
    return [tuple(row) for row in rows]


def test_twenty_photos_are_reviewed_by_keyboard_alone(kim: Page, store: Store) -> None:
    assert "could not be read" in kim.locator("h1").inner_text()
    kim.evaluate("window.loadedOnce = true")

    for key in "p1234567890n12345678":
        answered(kim, key)

    rows = reviews(store)
    assert len(rows) == 20
    assert [row[0] for row in rows[:3]] == ["(photograph again)", "T-shirt/top", "Trouser"]
    assert [row[0] for row in rows[10:12]] == ["Ankle boot", "(none)"]
    assert {row[1] for row in rows} == {"Kim"}
    assert all(0 < row[2] < 300 for row in rows)
    kim.get_by_text(f"20 done, {NUMBER - 19} to go").wait_for()
    assert kim.evaluate("window.loadedOnce"), "the page was loaded anew"


def test_the_next_photo_is_there_before_the_answer(kim: Page) -> None:
    answered(kim, "p")
    with kim.expect_request(lambda request: request.url.endswith("/picture")) as asked:
        answered(kim, "9")
    shown = kim.locator(".review img").get_attribute("src")

    assert not asked.value.url.endswith(str(shown))
    assert kim.locator(".review img").evaluate("image => image.decode().then(() => true)")


@pytest.mark.parametrize(("width", "height"), [(640, 450), (390, 664)])
def test_on_a_small_screen_the_next_photo_is_in_view_after_each_answer(
    kim: Page, width: int, height: int
) -> None:
    kim.set_viewport_size({"width": width, "height": height})
    expect(kim.locator("figcaption")).to_be_visible()  # of a photo without a picture it is all
    kim.get_by_role("button", name="Photograph again").click()
    kim.locator(".review img").wait_for()

    kim.get_by_role("button", name="None of these").click()

    expect(kim.get_by_role("status")).to_contain_text("None of these")
    expect(kim.locator(".review img")).to_be_in_viewport(ratio=0.9)


def test_single_keys_can_be_switched_off_on_a_narrow_screen(kim: Page, store: Store) -> None:
    kim.set_viewport_size({"width": 640, "height": 450})
    answered(kim, "p")
    kim.get_by_label("Answer by single keys").uncheck()
    task = kim.locator("input[name=task]").input_value()

    kim.keyboard.press("9")

    kim.get_by_role("button", name="Skip").click()
    expect(kim.locator("input[name=task]")).not_to_have_value(task)
    assert len(reviews(store)) == 1


def test_undo_brings_the_photo_back_and_takes_the_answer_back(kim: Page, store: Store) -> None:
    answered(kim, "p")
    first = name_of(kim)
    answered(kim, "5")
    answered(kim, "s")

    answered(kim, "u")
    answered(kim, "u")

    assert name_of(kim) == first
    expect(kim.get_by_role("status")).to_contain_text("Taken back.")
    assert [row[0] for row in reviews(store)] == ["(photograph again)", "Coat", "(undone)"]


def test_the_mouse_does_as_well_and_the_screen_reader_hears_it(kim: Page, store: Store) -> None:
    answered(kim, "p")

    kim.get_by_role("group", name="Suggestions").get_by_role("button").first.click()

    expect(kim.get_by_role("status")).to_contain_text("Saved: Bag.")
    expect(kim.get_by_role("status")).to_contain_text("looks like Bag or Ankle boot, Bag 50 %")
    expect(kim.locator("h1")).to_be_focused()
    assert reviews(store)[-1][0] == "Bag"


def test_a_double_click_answers_one_photo(kim: Page, store: Store) -> None:
    answered(kim, "p")
    box = kim.get_by_role("button", name="Dress").bounding_box()
    assert box
    second = name_of(kim)

    kim.mouse.move(box["x"] + 20, box["y"] + 10)
    for click in (1, 2):  # the second comes when the next photo is there already
        kim.mouse.down(click_count=click)
        kim.mouse.up(click_count=click)
        expect(kim.locator("figcaption")).not_to_have_text(second)
    kim.keyboard.press("5")
    expect(kim.locator("#said")).to_contain_text("Saved: Coat.")

    assert [row[0] for row in reviews(store)] == ["(photograph again)", "Dress", "Coat"]


def test_a_photo_that_is_gone_says_so_even_if_its_error_comes_before_the_script(
    browser: Browser, address: str, store: Store, storage: Path
) -> None:
    assert store
    page = browser.new_page(base_url=address)  # a missing picture is an error on the console
    introduced(page, "Kim")
    answered(page, "p")
    (storage / "images" / name_of(page)).unlink()
    held: list[Route] = []
    page.route("**/review.js", lambda route: held.append(route))

    with page.expect_response(lambda answer: answer.status == 404) as answer:
        page.reload(wait_until="commit")
    expect(page.locator(".review img")).to_have_js_property("complete", True)  # its error has come
    assert answer.value.url.endswith("/picture")
    held[0].continue_()

    expect(page.locator(".no-picture")).to_have_text(
        "The photo is gone or has changed. Photograph again takes it out of the queue."
    )
    page.close()


def test_a_photo_that_the_storage_does_not_give_is_not_said_to_be_gone(
    browser: Browser, address: str, store: Store
) -> None:
    assert store
    page = browser.new_page(base_url=address)
    page.route("**/picture", lambda route: route.fulfill(status=503))
    introduced(page, "Kim")

    answered(page, "p")

    expect(page.locator(".no-picture")).to_have_text(
        "The photo cannot be shown just now. Skip it, or load the page anew."
    )
    page.close()


def test_an_answer_that_takes_long_is_said_to_be_under_way(kim: Page) -> None:
    held: list[Route] = []
    kim.route("**/review", lambda route: held.append(route))

    kim.keyboard.press("1")

    expect(kim.get_by_role("status")).to_have_text("Saving …")
    held[0].continue_()
    expect(kim.get_by_role("status")).to_contain_text("Saved: T-shirt/top.")


def test_single_keys_can_be_switched_off_and_stay_off(kim: Page, store: Store) -> None:
    hints = kim.locator("#review kbd")
    expect(hints.first).to_be_visible()
    assert kim.locator("#review [aria-keyshortcuts]").count() == hints.count()

    kim.get_by_label("Answer by single keys").uncheck()

    expect(hints.first).to_be_hidden()
    assert kim.locator("#review [aria-keyshortcuts]").count() == 0
    kim.keyboard.press("9")
    kim.reload()
    listening(kim)
    kim.keyboard.press("9")

    assert not kim.get_by_label("Answer by single keys").is_checked()
    kim.get_by_role("group", name="All categories").get_by_role("button", name="Coat").click()
    expect(kim.get_by_role("status")).to_contain_text("Saved: Coat.")
    assert [row[0] for row in reviews(store)] == ["Coat"]


def test_keys_that_mean_something_else_answer_nothing(kim: Page, store: Store) -> None:
    sent: list[str] = []
    kim.on("request", lambda request: sent.append(request.method))

    for key in ("Control+1", "Alt+s", "x", "Escape"):
        kim.keyboard.press(key)

    answered(kim, "p")
    assert sent.count("POST") == 1
    assert [row[0] for row in reviews(store)] == ["(photograph again)"]


def test_two_browsers_at_once_never_see_the_same_photo(
    kim: Page, browser: Browser, address: str
) -> None:
    with watched(browser, address) as lee:
        introduced(lee, "Lee")
        seen = [name_of(kim), name_of(lee)]
        for key in "1234567890":
            for page in (kim, lee):
                answered(page, key)
                seen.append(name_of(page))

    assert len(seen) == len(set(seen)) == 22


def test_when_all_is_done_the_page_says_so_and_undo_still_works(kim: Page) -> None:
    for _ in range(NUMBER):
        answered(kim, "9")
    last = name_of(kim)
    answered(kim, "9")
    kim.get_by_role("heading", name="Nothing to review").wait_for()

    answered(kim, "u")

    assert name_of(kim) == last


def test_without_javascript_plain_forms_do_it_all(
    browser: Browser, address: str, store: Store
) -> None:
    page = browser.new_page(base_url=address, java_script_enabled=False)
    introduced(page, "Kim")

    page.get_by_role("button", name="Photograph again").click()
    page.get_by_role("group", name="Suggestions").get_by_role("button").first.click()

    expect(page.get_by_role("status")).to_have_text("Saved: Bag.")
    expect(page.get_by_label("Answer by single keys")).to_be_hidden()
    assert [row[0] for row in reviews(store)] == ["(photograph again)", "Bag"]
    page.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1360])
def test_nothing_bars_people_from_the_page(kim: Page, scheme: str, width: int) -> None:
    kim.set_viewport_size({"width": width, "height": 844})
    kim.emulate_media(color_scheme="dark" if scheme == "dark" else "light")

    found = violations(kim)
    answered(kim, "p")
    found += violations(kim)

    assert not found
    assert kim.evaluate("document.documentElement.scrollWidth") <= width


def test_a_phone_shows_photo_and_suggestions_at_once(kim: Page) -> None:
    kim.set_viewport_size({"width": 390, "height": 844})
    answered(kim, "p")

    for part in (".review img", ".suggestions"):
        box = kim.locator(part).bounding_box()
        assert box and box["y"] + box["height"] <= 844


@pytest.fixture
def locked(environ: dict[str, str]) -> Iterator[str]:
    """Where the app is served with a key."""
    app = create_app({**environ, "API_KEY": KEY})
    with served(app) as address:
        yield address
    app.extensions["site"].close()


def sign_in(page: Page, name: str = "Kim") -> None:
    page.get_by_label("API key").fill(KEY)
    page.get_by_label("Your name").fill(name)
    page.get_by_role("button", name="Sign in").click()


def test_a_person_signs_in_and_out(browser: Browser, locked: str) -> None:
    with watched(browser, locked) as page:
        page.goto("/review")
        assert not violations(page)
        sign_in(page)

        page.get_by_role("link", name="Review").click()
        page.get_by_text("Kim").wait_for()
        assert not violations(page)
        (cookie,) = page.context.cookies()
        assert (cookie["httpOnly"], cookie["sameSite"]) == (True, "Lax")

        page.get_by_role("button", name="Sign out").click()
        page.get_by_role("heading", name="Sign in").wait_for()


def test_signing_in_goes_on_where_one_was_and_says_what_was_lost(
    browser: Browser, locked: str
) -> None:
    with watched(browser, locked) as page:
        page.goto("/photos?pile=check&category=Coat")
        sign_in(page)
        page.get_by_role("heading", name="Photos").wait_for()
        assert page.url.endswith("/photos?pile=check&category=Coat")

        page.goto("/review", wait_until="networkidle")
        page.context.clear_cookies()
        page.evaluate("() => { send(place.querySelector('form'), { value: 'undo' }); }")
        page.get_by_text("what you sent last was not saved").wait_for()
        assert not violations(page)
        sign_in(page, name="")
        page.wait_for_url("**/review")


def test_who_is_signed_out_elsewhere_is_led_to_the_way_in(browser: Browser, locked: str) -> None:
    with watched(browser, locked) as page:
        page.goto("/sign-in")
        sign_in(page)
        page.get_by_role("link", name="Morning").wait_for()
        page.goto("/review", wait_until="networkidle")  # a late answer would bring the cookie back
        page.context.clear_cookies()

        page.evaluate("() => { send(place.querySelector('form'), { value: 'undo' }); }")

        page.get_by_role("heading", name="Sign in").wait_for()


@pytest.mark.parametrize(
    ("path", "act"),
    [("/", "attempt()"), ("/try", "classify(new File(['a'], 'a.jpg', { type: 'image/jpeg' }))")],
)
def test_scripts_that_are_signed_out_lead_to_the_way_in(
    browser: Browser, locked: str, path: str, act: str
) -> None:
    page = browser.new_page(base_url=locked)  # being refused is an error on the console
    page.goto("/sign-in")
    sign_in(page, name="")
    page.get_by_role("button", name="Start a run").click()
    expect(page.locator("#run[data-status=succeeded]")).to_be_visible(timeout=60_000)
    page.goto(path, wait_until="networkidle")
    page.context.clear_cookies()

    page.evaluate(f"() => {{ {act}; }}")  # whose end the page may not live to see

    page.get_by_role("heading", name="Sign in").wait_for()
    page.close()
