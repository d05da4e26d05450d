"""Did the nightly run happen, and did it do what it is for: what somebody must be told of it.

Owns how long ago the last success may be, and which failures are news. A scheduler that does not
call leaves no trace but this.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from clothing.config import ErrorThreshold
from clothing.photos import Run
from clothing.store import Store

OVERDUE = timedelta(hours=26)
"""A day, and two hours for a run that starts late or takes long."""


@dataclass(frozen=True, slots=True)
class Nightly:
    """The last run that succeeded, if any, and True if the next one should be long over."""

    last_success: Run | None
    overdue: bool


def nightly(store: Store, now: datetime) -> Nightly:
    """Return how the nightly run is doing; before the first run there is nothing to miss."""
    success = store.last_success()
    if success:
        return Nightly(success, now - (success.finished_at or success.heartbeat_at) > OVERDUE)
    first = store.first_run()
    return Nightly(None, first is not None and now - first.started_at > OVERDUE)


def too_many_failures(run: Run, store: Store, allowed: ErrorThreshold) -> str:
    """Return in words that more photos of a run failed than may, or "" if not.

    What was done on earlier nights hides nothing: only photos that are new to the run count, as
    failed and as opened.
    """
    failed = store.new_failures(run.run_id)
    if allowed.allows(failed, run.counts.classified + failed):
        return ""
    return f"More photos failed than ERROR_THRESHOLD={allowed} allows."
