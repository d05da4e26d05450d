"""Takes the README's pictures of the real app: `python -m scripts.screenshots`.

Serves the sample photos from a database of its own, starts a run and photographs the page.
"""

import os
import shutil
import tempfile
from pathlib import Path

from playwright.sync_api import Browser

from clothing.config import PROJECT
from clothing.web import create_app
from scripts.chromium import launched, served

PICTURES = PROJECT / "Images_ReadMe"


def main() -> None:
    """Write `morning_sheet.png` and `morning_sheet_phone_dark.png`."""
    with tempfile.TemporaryDirectory() as folder:
        database = f"sqlite:///{Path(folder).as_posix()}/clothing.db"
        app = create_app({**os.environ, "DATABASE_URL": database, "TZ": "Europe/Berlin"})
        with served(app) as address, launched(shutil.which("chromium") or "chromium") as browser:
            _photograph(address, browser)
        app.extensions["site"].close()


def _photograph(address: str, browser: Browser) -> None:
    page = browser.new_page(viewport={"width": 1360, "height": 1000})
    page.goto(address)
    page.get_by_role("button", name="Start a run").click()
    page.get_by_text("succeeded").wait_for(timeout=120_000)
    page.wait_for_load_state("networkidle")
    page.screenshot(path=PICTURES / "morning_sheet.png")
    phone = browser.new_page(viewport={"width": 390, "height": 844}, color_scheme="dark")
    phone.goto(address, wait_until="networkidle")
    phone.screenshot(path=PICTURES / "morning_sheet_phone_dark.png")


if __name__ == "__main__":
    main()
