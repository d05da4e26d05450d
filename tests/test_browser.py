"""The morning sheet in real Chromium, as a clerk sees it."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask
from playwright.sync_api import Browser, ConsoleMessage, Page, Request

from scripts.chromium import launched, served
from tests.pictures import jpeg

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """The distribution's Chromium; where there is none the tests are skipped, in CI they fail."""
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    if chromium is None:
        if os.environ.get("CI"):
            pytest.fail("Chromium is not installed; install the package chromium.")
        pytest.skip("Chromium is not installed")
    with launched(chromium) as browser:
        yield browser


@pytest.fixture
def address(app: Flask) -> Iterator[str]:
    """Where the app is served."""
    with served(app) as address:
        yield address


@pytest.fixture
def page(browser: Browser, address: str) -> Iterator[Page]:
    """A fresh page that fails the test on console errors and on requests to elsewhere."""
    complaints: list[str] = []

    def note(message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            complaints.append(message.text)

    def watch(request: Request) -> None:
        if not request.url.startswith(address):
            complaints.append(f"request to {request.url}")

    page = browser.new_page(base_url=address)
    page.on("console", note)
    page.on("request", watch)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    yield page
    page.close()
    assert complaints == []


def test_a_clerk_starts_a_run_and_sees_it_end(page: Page) -> None:
    page.goto("/")
    page.get_by_role("button", name="Start a run").click()

    page.get_by_text("succeeded").wait_for(timeout=60_000)

    assert page.locator(".tile").count() == 3
    assert page.locator(".tile").first.locator("meter").count() == 10
    pictures = page.locator(".tile img")
    assert all(
        picture.evaluate("image => image.decode().then(() => image.naturalWidth)") > 0
        for picture in pictures.all()
    )


def test_progress_is_seen_while_a_run_goes_on(page: Page, storage: Path) -> None:
    for n in range(400):
        (storage / "images" / f"{n:04}.jpg").write_bytes(jpeg(size=(600, 800)))
    page.goto("/")
    page.get_by_role("button", name="Start a run").click()

    page.get_by_text("photos a second").wait_for(timeout=60_000)

    page.get_by_text("succeeded").wait_for(timeout=120_000)
    assert page.locator('[data-show="listed"]').inner_text() == "403"


def test_the_keyboard_alone_is_enough(page: Page) -> None:
    page.goto("/")
    page.keyboard.press("Tab")
    assert page.locator(":focus").inner_text() == "Skip to the content"
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
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

    assert page.evaluate("document.documentElement.scrollWidth") <= 390
