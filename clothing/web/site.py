"""What the views of one app share: the parts, the model in memory, the runs that it started.

Owns the only state of the web process. Nothing here is the truth about a run: that is the store.
"""

import logging
import os
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

from flask import current_app

from clothing.classifier import Classifier
from clothing.config import PROJECT
from clothing.errors import StoreError
from clothing.model import card_name
from clothing.parts import Parts
from clothing.photos import Run
from clothing.questions import Tallies
from clothing.review_queue import ReviewQueue
from clothing.sandbox import Decoder
from clothing.store import Store
from clothing.web.thumbnails import Thumbnails, thumbnail_folder

log = logging.getLogger(__name__)


class Site:
    """The objects behind one app."""

    def __init__(self, parts: Parts) -> None:
        self.parts = parts
        self.model = CurrentModel(parts)
        self.runs = RunStarter(parts)
        self.reviews = ReviewQueue(parts.store, parts.config.blind_share)
        self.tallies = Tallies(parts.store)
        self.decoder = Decoder(parts.tuning.decode_threads)
        folder = thumbnail_folder(parts.environ)
        self.thumbnails = Thumbnails(parts.images, self.decoder.decode, folder)

    def close(self) -> None:
        """Wait for the runs that this process watches, then let go of decoders and database."""
        self.runs.wait_for_all()
        self.decoder.close()
        self.parts.store.dispose()


def site() -> Site:
    """Return the site of the app that answers the current request."""
    found: Site = current_app.extensions["site"]
    return found


def ready_store() -> Store:
    """Return the store, its schema in place, and no run called running that shows no life."""
    store = site().parts.store
    store.ready()
    store.interrupt_stale_runs()
    return store


class CurrentModel:
    """The model that lies in its container now, loaded once for each version of it."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._lock = threading.Lock()
        self._etags: tuple[str | None, ...] = ()
        self._classifier: Classifier | None = None

    def load(self) -> Classifier:
        """Return the model, loaded anew if it or its card has changed.

        Raises:
            ModelError: There is none, or it cannot be used.
            StorageError: The container cannot be read.
        """
        blob = self._parts.config.model_blob
        with self._lock:
            etags = tuple(self._parts.models.etag(name) for name in (blob, card_name(blob)))
            if self._classifier is None or etags != self._etags:
                self._classifier = self._parts.load_classifier()
                self._etags = etags
            return self._classifier


class RunStarter:
    """Starts runs in child processes, and sees to it that each reaches a final state."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._watchers: dict[int, threading.Thread] = {}
        # Its one thread begins here: a child of one that answers requests gives way as that does.
        self._starter = ThreadPoolExecutor(1, thread_name_prefix="start")
        self._starter.submit(int).result()

    def start(self, trigger: str, prefix: str = "", force: bool = False) -> Run:
        """Open a run and start the process that carries it out.

        Raises:
            ActiveRunError: Another run is going on.
            StoreError: The database cannot be used.
        """
        store = self._parts.store
        store.ready()
        run = store.open_run(trigger, prefix, force)
        command = [sys.executable, "-m", "clothing", "run", "--adopt", str(run.run_id)]
        try:
            child = self._starter.submit(self._start, command).result()
        except OSError as error:
            store.close_run(run.run_id, "failed", None, f"no process could be started: {error}")
            raise StoreError("The run could not be started.") from error
        watcher = threading.Thread(target=self._watch, args=(run.run_id, child), daemon=True)
        self._watchers[run.run_id] = watcher
        watcher.start()
        log.info("run %s started by %s", run.run_id, trigger, extra={"run_id": run.run_id})
        return run

    def _start(self, command: list[str]) -> "subprocess.Popen[bytes]":
        return subprocess.Popen(
            command,
            cwd=PROJECT,
            env={**os.environ, **self._parts.environ},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            # Ctrl-C on the web app lets the night's work go on. Each system has its own way.
            start_new_session=True,
            creationflags=getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0),
        )

    def wait(self, run_id: int, seconds: float) -> Run:
        """Return a run once its process has ended, or as it is after so many seconds."""
        if watcher := self._watchers.get(run_id):
            watcher.join(seconds)
        return self._parts.store.run(run_id)

    def wait_for_all(self) -> None:
        """Return once every run that was started here has ended."""
        for watcher in list(self._watchers.values()):
            watcher.join()
        self._starter.shutdown()

    def _watch(self, run_id: int, child: "subprocess.Popen[bytes]") -> None:
        """Wait for the process; a run that it left open died with it."""
        code = child.wait()
        try:
            with suppress(StoreError):  # it is closed already, as it should be
                reason = f"its process ended with {code} before the run did"
                self._parts.store.close_run(run_id, "interrupted", None, reason)
                log.warning("run %s: %s", run_id, reason, extra={"run_id": run_id})
        finally:
            del self._watchers[run_id]
