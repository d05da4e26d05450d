"""The figures for Prometheus, and for any alarm that is built on them.

Owns their names. What they say of runs comes from the database, so every instance says the same.
"""

from collections.abc import Iterator
from dataclasses import asdict
from datetime import UTC, datetime

from flask import Blueprint, Flask, current_app
from prometheus_client import CollectorRegistry, Metric, PlatformCollector, ProcessCollector
from prometheus_client.core import GaugeMetricFamily, InfoMetricFamily
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from prometheus_client.registry import Collector
from werkzeug.wrappers import Response

from clothing.nightly import OVERDUE, nightly
from clothing.photos import Run
from clothing.review_queue import ReviewQueue
from clothing.store import Store
from clothing.web.site import Site

blueprint = Blueprint("metrics", __name__)

STATUSES = ("running", "succeeded", "failed", "interrupted")


def init_app(app: Flask) -> None:
    """Add /metrics, with a registry of this app's own."""
    site: Site = app.extensions["site"]
    registry = CollectorRegistry()
    registry.register(_Runs(site.parts.store, site.reviews))
    ProcessCollector(registry=registry)
    PlatformCollector(registry=registry)
    app.extensions["metrics"] = registry
    app.register_blueprint(blueprint)


@blueprint.get("/metrics")
def metrics() -> Response:
    """Return the figures as Prometheus reads them."""
    figures = generate_latest(current_app.extensions["metrics"])
    return Response(figures, content_type=CONTENT_TYPE_LATEST)


class _Runs(Collector):
    """What the database knows of runs, asked anew each time."""

    def __init__(self, store: Store, reviews: ReviewQueue) -> None:
        self._store = store
        self._reviews = reviews

    def collect(self) -> Iterator[Metric]:
        self._store.interrupt_stale_runs()
        yield from self._nightly()
        yield self._by_status()
        if newest := next(iter(self._store.runs(limit=1)), None):
            yield from _of_run(newest)
        yield self._waiting()

    def describe(self) -> Iterator[Metric]:
        """Name nothing in advance: the database may not be there yet."""
        yield from ()

    def _nightly(self) -> Iterator[Metric]:
        found = nightly(self._store, datetime.now(UTC))
        success = found.last_success
        yield GaugeMetricFamily(
            "clothing_last_success_timestamp_seconds",
            "When the last run that succeeded ended; 0 if none has.",
            success.finished_at.timestamp() if success and success.finished_at else 0,
        )
        yield GaugeMetricFamily(
            "clothing_nightly_run_overdue",
            f"1 if no run has succeeded for {OVERDUE.total_seconds() / 3600:g} hours.",
            found.overdue,
        )

    def _by_status(self) -> Metric:
        numbers = self._store.runs_by_status()
        family = GaugeMetricFamily("clothing_runs", "Runs by status.", labels=["status"])
        for status in STATUSES:
            family.add_metric([status], numbers.get(status, 0))
        return family

    def _waiting(self) -> Metric:
        family = GaugeMetricFamily(
            "clothing_photos_waiting_for_review",
            "Photos that nobody has reviewed yet by why they are in the queue: unreadable, "
            "doubtful, or in the blind sample.",
            labels=["reason"],
        )
        for reason, number in asdict(self._reviews.left()).items():
            family.add_metric([reason], number)
        return family


def _of_run(run: Run) -> Iterator[Metric]:
    """Yield what the newest run has done so far."""
    family = GaugeMetricFamily(
        "clothing_last_run_photos", "Photos of the newest run by outcome.", labels=["outcome"]
    )
    counts = run.counts
    for outcome in ("classified", "failed", "skipped"):
        family.add_metric([outcome], getattr(counts, outcome))
    yield family
    yield GaugeMetricFamily(
        "clothing_last_run_photos_per_second",
        "Photos that the newest run opened a second.",
        run.photos_per_second,
    )
    yield GaugeMetricFamily(
        "clothing_last_run_start_timestamp_seconds",
        "When the newest run started.",
        run.started_at.timestamp(),
    )
    if run.model_version:
        yield InfoMetricFamily(
            "clothing_model",
            "The model that the newest run classified with.",
            {
                "version": run.model_version,
                "preprocessing": run.preprocessing_version or "",
            },
        )
