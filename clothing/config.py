"""The settings: one table, from which the defaults, the checks and the README come.

Owns names, defaults and what is accepted. It never reads the environment by itself: whoever
starts the program hands it over.
"""

import math
import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from clothing.addresses import (
    connection_string,
    database_url,
    is_loopback,
    smtp_url,
    storage_url,
    webhook,
)
from clothing.errors import ConfigError
from clothing.keys import Key, keys_of, master_key

PROJECT = Path(__file__).resolve().parent.parent
"""Relative addresses start here, wherever the program is called from."""


@dataclass(frozen=True, slots=True)
class ErrorThreshold:
    """How many failures a run may have: a number of photos, or a share of those it opened."""

    number: int | None = None
    share: float | None = None

    def allows(self, failed: int, opened: int) -> bool:
        """Return True if so many failures are acceptable, False if somebody must know.

        >>> ErrorThreshold(share=0.1).allows(failed=2, opened=10)
        False
        """
        if self.number is not None:
            return failed <= self.number
        return failed <= round((self.share or 0) * opened, 6)  # 0.29 × 100 is 28.999… in floats

    def __str__(self) -> str:
        return f"{(self.share or 0) * 100:g}%" if self.number is None else str(self.number)


def cores(quota: Path = Path("/sys/fs/cgroup/cpu.max")) -> int:
    """Return how many cores this process may use: those it is bound to, within its container's.

    Args:
        quota: Where Linux says so (cgroup v2): microseconds of processor time, and of time.
    """
    bound = os.cpu_count() or 1
    if hasattr(os, "sched_getaffinity"):
        bound = len(os.sched_getaffinity(0))
    try:
        spent, of = quota.read_text(encoding="ascii").split()
        return max(1, min(bound, math.ceil(int(spent) / int(of))))
    except (OSError, ValueError):  # no container, or "max"
        return bound


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


def _api_keys(received: str) -> str | None:
    keys_of(received)
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


def _share(received: str) -> float:
    share = float(received.removesuffix("%")) / 100
    if not received.endswith("%") or not 0 <= share <= 1:  # is "1" all, or one in a hundred?
        raise ValueError
    return share


def _zone(received: str) -> ZoneInfo:
    name = received.removeprefix(":")  # POSIX allows a leading colon, and a file after it
    if not name.startswith("/"):
        return ZoneInfo(name)
    with Path(name).open("rb") as file:
        return ZoneInfo.from_file(file, key=name)


def _one_of(*words: str) -> Callable[[str], str]:
    def parse(received: str) -> str:
        if received.lower() not in words:
            raise ValueError
        return received.lower()

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
        "`file:FOLDER`, whose subfolders are the containers, or "
        "`https://ACCOUNT.blob.core.windows.net`, asked as the app's identity or `az login`",
        partial(storage_url, root=PROJECT),
    ),
    Setting(
        "AZURE_STORAGE_CONNECTION_STRING",
        "",
        "Instead of `STORAGE_URL`: an Azure storage account with its key, or Azurite.",
        "a connection string as the Azure portal shows it, or empty",
        connection_string,
        secret=True,
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
        "What the `.keras` must hash to; any other is refused. It pins neither card nor `.tflite`.",
        "64 hexadecimal digits, or empty for any model",
        _sha256,
    ),
    Setting(
        "DATABASE_URL",
        "sqlite:///var/clothing.db",
        "The database of runs and predictions.",
        "`sqlite:///FILE`, `mssql+pyodbc://SERVER.database.windows.net/DATABASE` (login by the "
        "app's identity or `az login`), or `mssql+pyodbc://USER:PASSWORD@HOST:PORT/DATABASE` with "
        "special characters percent-encoded and, after a `?`, options of the ODBC driver (for "
        "Azure none that trust any server)",
        partial(database_url, root=PROJECT),
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
        "API_KEYS",
        "",
        "Further keys, each with a name and what it may do: `read`, `run`, `review`. "
        "`python -m clothing key new` makes one and prints its entry.",
        "entries `NAME:SCOPE,SCOPE:SHA256` with the SHA-256 of the key, never the key, each key "
        "once, between them spaces or semicolons; or empty",
        _api_keys,
        secret=True,
    ),
    Setting(
        "KEY_ATTEMPTS",
        "10",
        "Wrong keys that an address may try in a minute before it has to wait.",
        "1 to 1000000",
        _number(1, 1_000_000),
    ),
    Setting(
        "SECRET_KEY",
        "",
        "Signs browser sessions; if empty, they end when the program does.",
        "any text, the longer the better, or empty",
        _secret,
        secret=True,
    ),
    Setting(
        "NOTIFY_WEBHOOK",
        "",
        "Where a message goes after every run, and when none happened: a Slack or Teams channel.",
        "the `https` address of an incoming webhook or of a Teams workflow, or empty",
        webhook,
        secret=True,
    ),
    Setting(
        "SMTP_URL",
        "",
        "The mail server that sends the same message, from whom and to whom.",
        "`smtp://USER:PASSWORD@HOST:587/?from=ADDRESS&to=ADDRESS,ADDRESS` with special characters "
        "percent-encoded (`smtps://` where TLS begins at once, as on port 465), or empty",
        smtp_url,
        secret=True,
    ),
    Setting(
        "BATCH_SIZE",
        "64",
        "Photos that walk together, and are saved at once.",
        "1 to 4096",
        _number(1, 4096),
    ),
    Setting(
        "DOWNLOAD_THREADS",
        "",
        "Batches on their way at once, each downloading or computing; if empty, 8 from Azure, and "
        "as many as DECODE_THREADS from folders, which keep nobody waiting.",
        "1 to 256, or empty",
        lambda received: _number(1, 256)(received) if received else None,
    ),
    Setting(
        "DECODE_THREADS",
        "",
        "How many of them compute at once; if empty, as many as there are cores.",
        "1 to 256, or empty",
        lambda received: _number(1, 256)(received or str(min(cores(), 256))),
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
        "Failures above which `run` exits with 3; a photo that failed before is not counted again.",
        "a number of photos, or a share such as `5%`",
        _threshold,
    ),
    Setting(
        "BLIND_SHARE",
        "2%",
        "Of the photos that the model is sure of, the share that people review without seeing its "
        "answer: it tells how often that is right.",
        "a share such as `5%`, from `0%` to `100%`",
        _share,
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
    Setting(
        "LOG_LEVEL",
        "info",
        "How much is written: `debug` adds every request that reads.",
        "`debug`, `info` or `warning`",
        _one_of("debug", "info", "warning"),
    ),
    Setting("HOST", "127.0.0.1", "Address to serve on.", "an address", _name),
    Setting("PORT", "5000", "Port to serve on.", "1 to 65535", _number(1, 65535)),
)


@dataclass(frozen=True, slots=True)
class Config:
    """The settings, checked; an attribute for each, in the order of the table."""

    storage_url: Path | str
    azure_storage_connection_string: str | None = field(repr=False)
    images_container: str
    model_container: str
    model_blob: str
    model_sha256: str | None
    database_url: str = field(repr=False)  # it may hold a password
    api_key: str | None = field(repr=False)
    api_keys: str | None = field(repr=False)
    key_attempts: int
    secret_key: str | None = field(repr=False)
    notify_webhook: str | None = field(repr=False)
    smtp_url: str | None = field(repr=False)
    batch_size: int
    download_threads: int | None
    decode_threads: int
    run_wait_seconds: int
    error_threshold: ErrorThreshold
    blind_share: float
    tz: ZoneInfo
    log_format: str
    log_level: str
    host: str
    port: int

    @classmethod
    def from_env(cls, environ: Mapping[str, str]) -> "Config":
        """Read the settings from variables; one that is not set or empty takes its default.

        Raises:
            ConfigError: A value cannot be used; the message names the setting, what was
                received (unless it is a secret) and what is accepted.
        """
        for setting in SETTINGS:
            if environ.get(setting.name, "").startswith("@Microsoft.KeyVault("):
                raise ConfigError(  # Azure leaves the text of the reference in place of the secret
                    f"{setting.name} is a Key Vault reference that was not resolved. Give the Web "
                    "App's identity the role Key Vault Secrets User, and check the secret's name."
                )
        values = {
            setting.name.lower(): _parsed(setting, environ.get(setting.name, "").strip())
            for setting in SETTINGS
        }
        config = cls(**values)
        if config.azure_storage_connection_string and environ.get("STORAGE_URL", "").strip():
            raise ConfigError(
                "Set STORAGE_URL or AZURE_STORAGE_CONNECTION_STRING. Received: both, and each "
                "names another place for the photos."
            )
        if config.is_in_azure_storage:
            _check_azure_names(config)
        if len({key.digest for key in config.keys}) != len(config.keys):
            raise ConfigError(
                "API_KEYS has an entry for the key in API_KEY, which may do everything. Remove it "
                "from one of them."
            )
        if not config.keys and "WEBSITE_HOSTNAME" in environ:
            raise ConfigError(
                "API_KEY must be set where the app is reachable, and this is Azure. Add it to the "
                "Web App's environment variables, best as a Key Vault reference."
            )
        return config

    def check_address(self) -> None:
        """Refuse to serve other computers without a key.

        Raises:
            ConfigError: The address is reachable, and no key is set.
        """
        if not self.is_loopback and not self.keys:
            raise ConfigError(
                f"HOST={self.host} is reachable from other computers, so API_KEY must be set. For "
                "this computer alone, HOST is 127.0.0.1; some shells set it to their own name."
            )

    @property
    def address(self) -> str:
        """Where the app listens, as host:port."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    @property
    def keys(self) -> tuple[Key, ...]:
        """The keys that open something; without any, only this computer is answered."""
        master = (master_key(self.api_key),) if self.api_key else ()
        return master + keys_of(self.api_keys or "")

    @property
    def is_in_azure_storage(self) -> bool:
        """True if the containers are in Azure Blob Storage, False if they are folders."""
        return bool(self.azure_storage_connection_string) or isinstance(self.storage_url, str)

    @property
    def is_loopback(self) -> bool:
        """True if only this computer can reach the address, False if others can."""
        return is_loopback(self.host)


def _check_azure_names(config: Config) -> None:
    names = {
        "IMAGES_CONTAINER": config.images_container,
        "MODEL_CONTAINER": config.model_container,
    }
    for setting, name in names.items():
        if not 3 <= len(name) <= 63 or not re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", name):
            raise ConfigError(
                f"{setting} takes, in Azure, 3 to 63 of a-z, 0-9 and single hyphens between them. "
                f"Received: {name!r}."
            )


def _parsed(setting: Setting, received: str) -> Any:
    try:
        return setting.parse(received or setting.default)
    except (ValueError, LookupError, OSError) as error:
        shown = "(a secret, not shown)" if setting.secret else repr(_without_password(received))
        raise ConfigError(f"{setting.name} takes {setting.accepted}. Received: {shown}.") from error


_MAY_TELL = re.compile(r"@|://.*\?|(key|passw\w*|pwd|secret|sig\w*|token)\s*=", re.I | re.S)


def _without_password(received: str) -> str:
    """Return a value; of what may hold a password, key or signature, at most what kind it is.

    People paste a connection string where an address is wanted, whatever its form.
    """
    if not _MAY_TELL.search(received):
        return received
    kind = re.match(r"[a-z+]+://", received)
    return f"{kind[0] if kind else ''}…"
