"""The log: one line an event, for people or for programs.

Owns the format; the modules write to it with `logging` as anywhere.
"""

import logging
import sys


def write_journal(log_format: str) -> None:
    """Send the log of this package to standard error, "text" for people or "json" for programs."""
    output = logging.StreamHandler(sys.stderr)
    output.setFormatter(_formatter(log_format))
    logger = logging.getLogger("clothing")
    logger.handlers = [output]
    logger.setLevel(logging.INFO)
    logger.propagate = False


def _formatter(log_format: str) -> logging.Formatter:
    if log_format == "text":
        return logging.Formatter("%(asctime)s %(levelname)s %(message)s", "%H:%M:%S")
    from pythonjsonlogger.json import JsonFormatter

    return JsonFormatter(
        "{asctime}{levelname}{name}{message}", style="{", timestamp=True, defaults=None
    )
