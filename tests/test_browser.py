"""The morning sheet in real Chromium, as a clerk sees it."""

from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.pictures import jpeg

pytestmark = pytest.mark.browser


def test_a_clerk_starts_a_run_and_sees_it_end(page: Page) -> None:
    page.goto("/")
    page.get_by_role("button", name="Start a run").click()

    page.get_by_text("succeeded").wait_for(timeout=60_000)

    expect(page.locator(".card")).to_have_count(3)
    pictures = page.locator(".card img")
    assert all(
        picture.evaluate("image => image.decode().then(() => image.naturalWidth)") > 0
        for picture in pictures.all()
    )


def test_progress_is_seen_while_a_run_goes_on(page: Page, storage: Path) -> None:
    for n in range(900):
        (storage / "images" / f"{n:04}.jpg").write_bytes(jpeg(size=(600, 800)))
    page.goto("/")
    page.get_by_role("button", name="Start a run").click()

    page.get_by_text("photos a second").wait_for(timeout=60_000)

    page.get_by_text("succeeded").wait_for(timeout=120_000)
    expect(page.locator('[data-show="listed"]')).to_have_text("903")


def test_the_keyboard_alone_is_enough(page: Page) -> None:
    page.goto("/")
    page.keyboard.press("Tab")
    assert page.locator(":focus").inner_text() == "Skip to the content"
    for _ in range(20):  # past the navigation
        page.keyboard.press("Tab")
        if page.locator(":focus").inner_text() == "Start a run":
            break
    assert page.locator(":focus").inner_text() == "Start a run"

    page.keyboard.press("Enter")

    page.get_by_text("succeeded").wait_for(timeout=60_000)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_phone_shows_everything_without_scrolling_sideways(page: Page, scheme: str) -> None:
    page.set_viewport_size({"width": 390, "height": 844})
    page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
    page.goto("/")
    page.get_by_role("button", name="Start a run").click()
    page.get_by_text("succeeded").wait_for(timeout=60_000)
    page.wait_for_load_state()

    assert page.evaluate("document.documentElement.scrollWidth") <= 390
