"""What is said of a run in several places: on pages, in notices, in its row.

Owns the words; pure.
"""

from datetime import datetime, tzinfo

from clothing.photos import Run


def duration_of(run: Run) -> str:
    """Return how long a run took or has taken so far, for instance 2 min 5 s."""
    minutes, seconds = divmod(round(run.seconds), 60)
    hours, minutes = divmod(minutes, 60)
    parts = ((hours, "h"), (minutes, "min"), (seconds, "s"))
    return " ".join(f"{number} {unit}" for number, unit in parts if number) or "under 1 s"


def local_time(moment: datetime, zone: tzinfo) -> str:
    """Return a time as people of a zone read it."""
    return moment.astimezone(zone).strftime("%a %d %b %Y, %H:%M:%S %Z")


def internal_error(error: BaseException) -> str:
    """Return what is told of an error that nobody foresaw."""
    return f"internal error: {type(error).__name__}; the log says more"
