"""Did the nightly run happen: which run succeeded last, and whether that is too long ago.

Owns how long is too long. A scheduler that does not call leaves no trace but this.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

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
