"""Texts that several places share: what is said of a run, and which text no database takes.

Pure.
"""

from datetime import datetime, tzinfo

from clothing.photos import Run


def duration_of(run: Run) -> str:
    """Return how long a run took or has taken so far, for instance 2 min 5 s."""
    minutes, seconds = divmod(max(0, round(run.seconds)), 60)  # a clock may be set back
    hours, minutes = divmod(minutes, 60)
    parts = ((hours, "h"), (minutes, "min"), (seconds, "s"))
    return " ".join(f"{number} {unit}" for number, unit in parts if number) or "under 1 s"


def local_time(moment: datetime, zone: tzinfo) -> str:
    """Return a time as people of a zone read it."""
    return moment.astimezone(zone).strftime("%a %d %b %Y, %H:%M:%S %Z")


def internal_error(error: BaseException) -> str:
    """Return what is told of an error that nobody foresaw."""
    return f"internal error: {type(error).__name__}; the log says more"


def is_whole(text: str) -> bool:
    """Return True if a text has no half of a character and no NUL, else False.

    No database takes the one, and SQLite ends a text at the other.
    """
    return not any(sign == "\0" or "\ud800" <= sign <= "\udfff" for sign in text)
