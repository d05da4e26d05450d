"""A served app and a browser that looks at it, for the screenshots and the browser tests."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from flask import Flask
from playwright.sync_api import Browser, sync_playwright
from waitress.server import create_server

from clothing.web.server import THREADS


@contextmanager
def served(app: Flask) -> Iterator[str]:
    """Give the address of an app for as long as the block goes on.

    The server is the one that people have: Werkzeug's own leaves a picture or a script open whose
    page was closed before all of it had come.
    """
    server = create_server(app, host="127.0.0.1", port=0, threads=THREADS)
    thread = threading.Thread(target=server.run)
    thread.start()

    def close() -> None:
        for connection in list(server.active_channels.values()):
            connection.handle_close()
        server.close()

    try:
        yield f"http://127.0.0.1:{server.effective_port}"
    finally:
        with suppress(OSError):  # an answer that ended just now may have had it done already
            server.trigger.pull_trigger(close)  # in the server's thread, which ends then
        thread.join()
        server.task_dispatcher.shutdown()


@contextmanager
def launched(chromium: str) -> Iterator[Browser]:
    """Give the Chromium at a path; it asks nobody on the network for anything of its own."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=chromium, args=["--no-sandbox", "--disable-background-networking"]
        )
        yield browser
        browser.close()
