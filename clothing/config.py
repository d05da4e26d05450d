"""The settings: one table, from which the defaults, the checks and the README come.

Owns names, defaults and what is accepted. It never reads the environment by itself: whoever
starts the program hands it over.
"""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from ipaddress import ip_address
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit
from urllib.request import url2pathname
from zoneinfo import ZoneInfo

from clothing.errors import ConfigError

PROJECT = Path(__file__).resolve().parent.parent
"""Relative addresses start here, wherever the program is called from."""


@dataclass(frozen=True, slots=True)
class ErrorThreshold:
    """How many failures a run may have: a number of photos, or a share of those listed."""

    number: int | None = None
    share: float | None = None

    def allows(self, failed: int, listed: int) -> bool:
        """Return True if so many failures are acceptable, False if somebody must know.

        >>> ErrorThreshold(share=0.1).allows(failed=2, listed=10)
        False
        """
        if self.number is not None:
            return failed <= self.number
        return failed <= (self.share or 0) * listed

    def __str__(self) -> str:
        return f"{(self.share or 0) * 100:g}%" if self.number is None else str(self.number)


def _folder_url(received: str) -> Path:
    parts = urlsplit(received)
    if parts.scheme != "file" or parts.netloc or not parts.path or parts.query or parts.fragment:
        raise ValueError
    return PROJECT / url2pathname(parts.path)


def _sqlite_url(received: str) -> str:
    prefix = "sqlite:///"
    path = unquote(received.removeprefix(prefix))
    if not received.startswith(prefix) or not path or "?" in path:
        raise ValueError
    return f"{prefix}{(PROJECT / path).as_posix()}"


def _name(received: str) -> str:
    if not received or set(received) & set("\\\0") or received.startswith("/"):
        raise ValueError
    return received


def _sha256(received: str) -> str | None:
    lowered = received.lower()
    if received and (len(lowered) != 64 or set(lowered) - set("0123456789abcdef")):
        raise ValueError
    return lowered or None


def _secret(received: str) -> str | None:
    return received or None


def _number(least: int, most: int) -> Callable[[str], int]:
    def parse(received: str) -> int:
        number = int(received)
        if not least <= number <= most:
            raise ValueError
        return number

    return parse


def _threshold(received: str) -> ErrorThreshold:
    if received.endswith("%"):
        share = float(received.removesuffix("%")) / 100
        if not 0 <= share <= 1:
            raise ValueError
        return ErrorThreshold(share=share)
    return ErrorThreshold(number=_number(0, 10**12)(received))


def _zone(received: str) -> ZoneInfo:
    name = received.removeprefix(":")  # POSIX allows a leading colon, and a file after it
    if not name.startswith("/"):
        return ZoneInfo(name)
    with Path(name).open("rb") as file:
        return ZoneInfo.from_file(file, key=name)


def _one_of(*words: str) -> Callable[[str], str]:
    def parse(received: str) -> str:
        if received not in words:
            raise ValueError
        return received

    return parse


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting: its name in the environment, its default as text, what it is, what it takes."""

    name: str
    default: str
    help: str
    accepted: str
    parse: Callable[[str], Any]
    secret: bool = False


SETTINGS: tuple[Setting, ...] = (
    Setting(
        "STORAGE_URL",
        "file:.",
        "Where the containers are; `file:.` is this project's own folders.",
        "`file:FOLDER`, whose subfolders are the containers",
        _folder_url,
    ),
    Setting("IMAGES_CONTAINER", "images", "Container of the photos.", "a name", _name),
    Setting("MODEL_CONTAINER", "model", "Container of the model.", "a name", _name),
    Setting(
        "MODEL_BLOB",
        "clothing_model.keras",
        "The model in it; its card has the same name with `.json`.",
        "a name",
        _name,
    ),
    Setting(
        "MODEL_SHA256",
        "",
        "What the model must hash to; any other is refused.",
        "64 hexadecimal digits, or empty for any model",
        _sha256,
    ),
    Setting(
        "DATABASE_URL",
        "sqlite:///var/clothing.db",
        "The database of runs and predictions.",
        "`sqlite:///FILE`",
        _sqlite_url,
    ),
    Setting(
        "API_KEY",
        "",
        "With it set, callers must know it; without it only this computer is answered.",
        "any text, the longer the better, or empty",
        _secret,
        secret=True,
    ),
    Setting(
        "SECRET_KEY",
        "",
        "Signs browser sessions; if empty, they end when the program does.",
        "any text, the longer the better, or empty",
        _secret,
        secret=True,
    ),
    Setting("BATCH_SIZE", "64", "Photos for one call of the model.", "1 to 4096", _number(1, 4096)),
    Setting("DOWNLOAD_THREADS", "4", "Photos on their way at once.", "1 to 256", _number(1, 256)),
    Setting(
        "DECODE_THREADS",
        "",
        "Photos decoded at once; if empty, as many as there are cores.",
        "1 to 256, or empty",
        lambda received: _number(1, 256)(received or str(os.cpu_count() or 1)),
    ),
    Setting(
        "RUN_WAIT_SECONDS",
        "120",
        "How long `POST /prediction` waits for the end of the run.",
        "0 to 220 (Azure cuts a request at 230)",
        _number(0, 220),
    ),
    Setting(
        "ERROR_THRESHOLD",
        "10%",
        "Failures above which `run` exits with 3.",
        "a number of photos, or a share such as `5%`",
        _threshold,
    ),
    Setting(
        "TZ",
        "UTC",
        "Time zone of the pages; everything stored is UTC.",
        "a name such as `Europe/Berlin`",
        _zone,
    ),
    Setting(
        "LOG_FORMAT",
        "text",
        "How the log is written: for people, or one JSON object a line.",
        "`text` or `json`",
        _one_of("text", "json"),
    ),
    Setting("HOST", "127.0.0.1", "Address to serve on.", "an address", _name),
    Setting("PORT", "5000", "Port to serve on.", "1 to 65535", _number(1, 65535)),
)


@dataclass(frozen=True, slots=True)
class Config:
    """The settings, checked; an attribute for each, in the order of the table."""

    storage_url: Path
    images_container: str
    model_container: str
    model_blob: str
    model_sha256: str | None
    database_url: str
    api_key: str | None = field(repr=False)
    secret_key: str | None = field(repr=False)
    batch_size: int
    download_threads: int
    decode_threads: int
    run_wait_seconds: int
    error_threshold: ErrorThreshold
    tz: ZoneInfo
    log_format: str
    host: str
    port: int

    @classmethod
    def from_env(cls, environ: Mapping[str, str]) -> "Config":
        """Read the settings from variables; one that is not set or empty takes its default.

        Raises:
            ConfigError: A value cannot be used; the message names the setting, what was
                received (unless it is a secret) and what is accepted.
        """
        values = {
            setting.name.lower(): _parsed(setting, environ.get(setting.name, "").strip())
            for setting in SETTINGS
        }
        config = cls(**values)
        if environ.get("AZURE_STORAGE_CONNECTION_STRING"):
            raise ConfigError(
                "AZURE_STORAGE_CONNECTION_STRING is set, but this version reads folders only. "
                "Unset it, and set STORAGE_URL to a folder."
            )
        if not config.api_key and "WEBSITE_HOSTNAME" in environ:
            raise ConfigError("API_KEY must be set where the app is reachable: this is Azure.")
        return config

    @property
    def is_loopback(self) -> bool:
        """True if only this computer can reach the address, False if others can."""
        try:
            return ip_address(self.host).is_loopback
        except ValueError:
            return self.host == "localhost"


def _parsed(setting: Setting, received: str) -> Any:
    try:
        return setting.parse(received or setting.default)
    except (ValueError, LookupError, OSError) as error:
        shown = "(a secret, not shown)" if setting.secret else repr(_without_password(received))
        raise ConfigError(f"{setting.name} takes {setting.accepted}. Received: {shown}.") from error


def _without_password(received: str) -> str:
    """Return a value; of an address that may hold a password or a signature, only its kind."""
    kind, separator, rest = received.partition("://")
    return f"{kind}://…" if separator and set(rest) & set("@?") else received
