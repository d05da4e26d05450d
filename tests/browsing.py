"""Looking at pages in Chromium, and at what is wrong with them besides what a test asks."""

from collections.abc import Iterator
from contextlib import contextmanager

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, ConsoleMessage, Page, Request, expect

expect.set_options(timeout=30_000)  # a run beside it may take both cores


@contextmanager
def watched(browser: Browser, address: str) -> Iterator[Page]:
    """Give a page of a session of its own that fails on console errors and requests elsewhere."""
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


def violations(page: Page) -> list[str]:
    """Return what axe-core finds that bars people from a page, each rule with the elements."""
    page.wait_for_load_state()  # a click waits for the next page to begin, not for all of it
    found = Axe().run(page).response["violations"]
    return [
        f"{rule['id']}: {[node['target'] for node in rule['nodes']]}: {rule['help']}"
        for rule in found
    ]
