"""Takes the README's pictures of the real app: `python -m scripts.screenshots`.

Serves the sample photos from a database of its own. The pictures show real runs of the shipped
model; only the dates of all but the last are moved back, a day each, and a program that knows what
was drawn says what a reviewer would.
"""

import csv
import os
import shutil
import tempfile
from datetime import timedelta
from pathlib import Path

import sqlalchemy as sa
from flask import Flask
from playwright.sync_api import Browser, Page, ViewportSize

from clothing.config import PROJECT
from clothing.store import Store
from clothing.tables import batch_run
from clothing.web import create_app
from scripts.chromium import launched, served

PICTURES = PROJECT / "Images_ReadMe"
DRAWN = PROJECT / "tests" / "data" / "sample_photos.csv"

NIGHTS = ("", "ClothingImages/t", "ClothingImages/s", "ClothingImages/c", "ClothingImages/p", "")
"""How the names of the photos begin that came each night."""

ON_ARRIVAL = {"morning_sheet": "/", "photos": "/photos", "photo": "/photos/5"}
AFTER_REVIEWS = {"runs": "/runs", "quality": "/quality", "api": "/api"}
ON_PHONES = ("morning_sheet", "photos")

DESKTOP, PHONE = ViewportSize(width=1360, height=1000), ViewportSize(width=390, height=844)


def main() -> None:
    """Write the pictures of the morning sheet and of each page beside it."""
    with tempfile.TemporaryDirectory() as folder:
        database = f"sqlite:///{Path(folder).as_posix()}/clothing.db"
        app = create_app({**os.environ, "DATABASE_URL": database, "TZ": "Europe/Berlin"})
        _work_some_nights(app)
        with served(app) as address, launched(shutil.which("chromium") or "chromium") as browser:
            _photograph(address, browser, ON_ARRIVAL)
            _photograph_review(address, browser)
            _review(app)
            _photograph(address, browser, AFTER_REVIEWS)
            _try(browser.new_page(viewport=DESKTOP, base_url=address))
        app.extensions["site"].close()


def _work_some_nights(app: Flask) -> None:
    client, store = app.test_client(), app.extensions["site"].parts.store
    for prefix in NIGHTS:
        client.post("/prediction", json={"prefix": prefix, "force": True})
    runs = store.runs()
    for run in runs:
        _move_back(store, run.run_id, timedelta(days=len(runs) - run.run_id))


def _review(app: Flask) -> None:
    """Say of each photo what was drawn on it."""
    client, store = app.test_client(), app.extensions["site"].parts.store
    with DRAWN.open(encoding="utf-8", newline="") as file:
        drawn = {row["file"]: row["category"] for row in csv.DictReader(file)}
    for stored in store.predictions(limit=150):
        said = drawn.get(stored.prediction.photo.name, "(none)")
        told = {"verdict": "none of these"} if said == "(none)" else {"category": said}
        client.post(
            "/api/reviews", json={"image_id": stored.image_id, "reviewer": "Sample", **told}
        )


def _move_back(store: Store, run_id: int, days: timedelta) -> None:
    run = store.run(run_id)
    times = {
        "started_at": (run.started_at - days).replace(tzinfo=None),
        "finished_at": ((run.finished_at or run.started_at) - days).replace(tzinfo=None),
    }
    change = sa.update(batch_run).where(batch_run.c.run_id == run_id).values(times)
    store.write(lambda connection: connection.execute(change))


def _photograph(address: str, browser: Browser, pages: dict[str, str]) -> None:
    desktop = browser.new_page(viewport=DESKTOP, base_url=address)
    phone = browser.new_page(viewport=PHONE, color_scheme="dark", base_url=address)
    for name, path in pages.items():
        for page, kind in ((desktop, ""), (phone, "_phone_dark")):
            if page is desktop or name in ON_PHONES:
                page.goto(path, wait_until="networkidle")
                page.screenshot(path=PICTURES / f"{name}{kind}.png")


def _photograph_review(address: str, browser: Browser) -> None:
    desktop = browser.new_page(viewport=DESKTOP, base_url=address)
    phone = browser.new_page(viewport=PHONE, color_scheme="dark", base_url=address)
    for page, name in ((desktop, "review"), (phone, "review_phone_dark")):
        page.goto("/review")
        page.get_by_label("name").fill("Ada")
        page.keyboard.press("Enter")
        page.locator(".review img").first.wait_for()
        page.wait_for_load_state("networkidle")
        page.screenshot(path=PICTURES / f"{name}.png")


def _try(page: Page) -> None:
    page.goto("/try")
    page.locator("#photo").set_input_files(
        PROJECT / "images" / "ClothingImages" / "dress_red_on_hanger.jpg"
    )
    page.locator("#answer canvas").wait_for()
    page.screenshot(path=PICTURES / "try.png")


if __name__ == "__main__":
    main()
