"""The log: one line an event, for people or for programs, and never a secret.

Owns the format, and what each line says of its run and of the request that it belongs to; the
modules write to it with `logging` as anywhere. Nothing of ours writes a secret to it; should a
library put one into the text of an error, it is blotted out here.
"""

import json
import logging
import sys
import threading
from collections.abc import Iterator, Mapping
from contextvars import ContextVar
from types import TracebackType
from typing import Any
from urllib.parse import parse_qsl, quote, unquote, urlsplit

from clothing.config import SETTINGS, Config

log = logging.getLogger(__name__)

BLOT = "(secret)"
"""What is written instead of a secret."""

_SHORTEST = 4
"""A secret with fewer characters is in every other word; it cannot be blotted out."""

_FACTS = ("run_id", "request_id", "caller")

_CONTROLS = {code: f"\\x{code:02x}" for code in (*range(32), *range(127, 160))}

_written_as: list[str] = []
_of_process: dict[str, object] = {}
_of_request: ContextVar[Mapping[str, object] | None] = ContextVar("of_request", default=None)


def write_journal(config: Config) -> None:
    """Send the log of this package to standard error, and there what libraries warn of."""
    output = logging.StreamHandler(sys.stderr)
    output.setFormatter(formatter(config))
    _written_as[:] = [config.log_format]
    logger = logging.getLogger("clothing")
    logger.handlers = [output]
    logger.setLevel(config.log_level.upper())
    logger.propagate = False
    rest = logging.StreamHandler(sys.stderr)
    rest.setFormatter(output.formatter)
    rest.setLevel(logging.WARNING)
    logging.lastResort = rest


def is_for_programs() -> bool:
    """Return True if the log is one JSON object a line, False if people read it."""
    return _written_as == ["json"]


def about_run(run_id: int) -> None:
    """Let every further line of this process bear the number of the run that it carries out."""
    _of_process["run_id"] = run_id


def about_request(request_id: str, caller: str) -> None:
    """Let the lines of this request bear its number and who asks."""
    _of_request.set({"request_id": request_id, "caller": caller})


def about_nothing() -> None:
    """Let the lines of this thread belong to no request any more."""
    _of_request.set(None)


def tell_of_crashes() -> None:
    """Write an exception that ends the program, or a thread of it, as a line of the log."""
    sys.excepthook = _tell
    threading.excepthook = lambda crash: _tell(
        crash.exc_type, crash.exc_value or crash.exc_type(), crash.exc_traceback
    )


def formatter(config: Config) -> logging.Formatter:
    """Return what turns events into lines, as `LOG_FORMAT` says."""
    if config.log_format == "text":
        return _Text(config)
    return _json_formatter(config)


def secrets_of(config: Config) -> set[str]:
    """Return the secrets of the settings, whole and the parts of them that open something."""
    whole = {getattr(config, item.name.lower()) or "" for item in SETTINGS if item.secret}
    addresses = {config.database_url, config.smtp_url or "", config.notify_webhook or ""}
    parts = {part for address in addresses for part in _parts_of(address)}
    fields = (config.azure_storage_connection_string or "").split(";")
    for name, _, value in (field.partition("=") for field in fields):
        if name.lower() in {"accountkey", "sharedaccesssignature"}:
            parts |= {value, *(unquote(one) for key, one in parse_qsl(value) if key == "sig")}
    return {secret for secret in whole | parts if len(secret) >= _SHORTEST}


def _parts_of(address: str) -> Iterator[str]:
    """Yield the password of an address, and the path and query of one that is secret by itself."""
    parts = urlsplit(address)
    yield parts.password or ""
    yield unquote(parts.password or "")
    if parts.scheme in {"http", "https"}:
        yield parts.path.strip("/")
        yield parts.query


class _Blotter:
    """Blots secrets out of a text, in whichever way they are written there."""

    def __init__(self, config: Config) -> None:
        forms = {form for secret in secrets_of(config) for form in _forms_of(secret)}
        self._forms = sorted(forms, key=len, reverse=True)  # a whole one before its parts

    def __call__(self, text: str) -> str:
        for form in self._forms:
            if form in text:
                text = text.replace(form, BLOT)
        return text


def _forms_of(secret: str) -> set[str]:
    return {secret, json.dumps(secret)[1:-1], repr(secret)[1:-1], quote(secret, safe="")}


class _Text(logging.Formatter):
    """Lines for people: time, level, what happened, and whom it belongs to."""

    def __init__(self, config: Config) -> None:
        super().__init__("%(asctime)s %(levelname)s %(message)s%(belongs)s", "%Y-%m-%d %H:%M:%S")
        self._blot = _Blotter(config)

    def format(self, record: logging.LogRecord) -> str:
        return self._blot(super().format(record))

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802  # logging's name
        facts = _facts_of(record)
        words = [f"{name.removesuffix('_id')} {fact}" for name, fact in facts.items()]
        record.belongs = f" ({', '.join(words)})" if words else ""
        line = super().formatMessage(record)
        # A caller's text must not look like a line of its own.
        return line if line.isprintable() else line.translate(_CONTROLS)


def _json_formatter(config: Config) -> logging.Formatter:
    from pythonjsonlogger.json import JsonFormatter

    blot = _Blotter(config)

    class _Json(JsonFormatter):
        """Lines for programs: one JSON object each."""

        def add_fields(
            self, log_data: dict[str, Any], record: logging.LogRecord, message_dict: dict[str, Any]
        ) -> None:
            super().add_fields(log_data, record, message_dict)
            log_data.update(_facts_of(record))

        def jsonify_log_record(self, log_data: dict[str, Any]) -> str:
            # Before it is written as JSON: a secret may be a part of how JSON writes a letter.
            told = {name: blot(v) if isinstance(v, str) else v for name, v in log_data.items()}
            return super().jsonify_log_record(told)

    return _Json(
        ["levelname", "name", "message"],
        rename_fields={"levelname": "level", "name": "logger"},
        timestamp="time",
    )


def _facts_of(record: logging.LogRecord) -> dict[str, object]:
    """Return what a line belongs to: by itself, by its request, by its process."""
    own = {name: getattr(record, name) for name in _FACTS if hasattr(record, name)}
    return {**_of_process, **(_of_request.get() or {}), **own}


def _tell(kind: type[BaseException], error: BaseException, traceback: TracebackType | None) -> None:
    if issubclass(kind, Exception):
        log.critical("This is a mistake of ours.", exc_info=(kind, error, traceback))
    else:
        sys.__excepthook__(kind, error, traceback)
