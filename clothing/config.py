"""The settings: one table, from which the defaults, the checks and the README come.

Owns names, defaults and what is accepted. It never reads the environment by itself: whoever
starts the program hands it over.
"""

import base64
import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from ipaddress import ip_address
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, parse_qsl, unquote, urlsplit
from urllib.request import url2pathname
from zoneinfo import ZoneInfo

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
        return failed <= (self.share or 0) * opened

    def __str__(self) -> str:
        return f"{(self.share or 0) * 100:g}%" if self.number is None else str(self.number)


def _storage_url(received: str) -> Path | str:
    parts = urlsplit(received)
    if parts.scheme == "https":
        host = parts.netloc.lower()
        if not re.fullmatch(r"[a-z0-9-]+(\.z\d+)?\.blob\.[a-z0-9.-]+", host):
            raise ValueError  # a login is sent there, so it must be Azure's
        if parts.path.strip("/") or parts.query or parts.fragment:
            raise ValueError
        return f"https://{host}"
    if parts.scheme != "file" or parts.netloc or not parts.path or parts.query or parts.fragment:
        raise ValueError
    return PROJECT / url2pathname(parts.path)


def _connection_string(received: str) -> str | None:
    """Check what can be without Azure's library, so that a slip is found at start-up."""
    if not received:
        return None
    fields = dict(field.split("=", 1) for field in received.split(";") if field)
    names = {name.lower() for name in fields}
    has_key = bool(names & {"accountkey", "sharedaccesssignature"})
    has_place = bool(names & {"accountname", "blobendpoint"})
    if "usedevelopmentstorage" not in names and not (has_key and has_place):
        raise ValueError
    base64.b64decode(fields.get("AccountKey", ""), validate=True)
    return received


def _sqlite_url(received: str) -> str:
    prefix = "sqlite:///"
    path = unquote(received.removeprefix(prefix))
    if not received.startswith(prefix) or not path or "?" in path:
        raise ValueError
    return f"{prefix}{(PROJECT / path).as_posix()}"


_PLAIN_HOST = re.compile(r"[a-z0-9._:-]+")
_OURS = frozenset(  # the address itself says these, and nobody is ever asked to log in
    ("accesstoken", "authentication", "database", "dsn", "odbc_connect", "pwd", "server")
    + ("trusted_connection", "uid")
)


def _database_url(received: str) -> str:
    if not received.startswith("mssql"):
        return _sqlite_url(received)
    parts = urlsplit(received)
    database = parts.path.removeprefix("/")
    if parts.scheme != "mssql+pyodbc" or not parts.hostname or parts.fragment or "?" in parts.query:
        raise ValueError
    if not database or "/" in database or (parts.username is None) != (parts.password is None):
        raise ValueError
    if parts.port == 0 or not _PLAIN_HOST.fullmatch(parts.hostname) or parts.username == "":
        raise ValueError
    options = {key.lower(): value for key, value in parse_qsl(parts.query, strict_parsing=True)}
    if options.keys() & _OURS or (_is_azure_sql(parts.hostname) and _trusts_anyone(options)):
        raise ValueError
    return received


def _is_azure_sql(host: str) -> bool:
    return host.endswith(".database.windows.net")


def _trusts_anyone(options: Mapping[str, str]) -> bool:
    """Tell whether a password would be sent to whoever answers."""
    trusts = options.get("trustservercertificate", "no").lower() in {"yes", "true", "1"}
    return trusts or options.get("encrypt", "yes").lower() in {"no", "optional", "false", "0"}


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


@dataclass(frozen=True, slots=True)
class MailServer:
    """Where e-mail is handed over, from whom and to whom.

    Attributes:
        tls: True if the connection is encrypted from its first byte on.
        host: The server.
        port: Its port.
        user: Whom to log in as, or None.
        password: The user's, or None.
        sender: An address.
        recipients: At least one address.
    """

    tls: bool
    host: str
    port: int
    user: str | None
    password: str | None = field(repr=False)
    sender: str
    recipients: tuple[str, ...]


_MAIL_ADDRESS = re.compile(r"[^@\s,;:<>\"()]+@[a-zA-Z0-9.-]+")


def mail_server(url: str) -> MailServer:
    """Return what `smtp://USER:PASSWORD@HOST:PORT/?from=ADDRESS&to=ADDRESS` says.

    >>> mail_server("smtps://mail.example/?from=a@x.example&to=b@y.example").port
    465

    Raises:
        ValueError: It says nothing of the kind.
    """
    if not _is_plain(url):
        raise ValueError
    parts = urlsplit(url)
    if parts.scheme not in {"smtp", "smtps"} or not parts.hostname or parts.fragment:
        raise ValueError
    has_login = bool(parts.username and parts.password)
    if parts.path not in {"", "/"} or ("@" in parts.netloc) != has_login:
        raise ValueError
    # A plus is part of an address, such as night+shop@example.org.
    options = parse_qs(parts.query.replace("+", "%2B"), strict_parsing=True)
    senders = options.pop("from", [])
    recipients = [one for many in options.pop("to", []) for one in many.split(",")]
    if options or len(senders) != 1 or not recipients or parts.port == 0:
        raise ValueError
    if not all(map(_MAIL_ADDRESS.fullmatch, [*senders, *recipients])):
        raise ValueError
    tls = parts.scheme == "smtps"
    return MailServer(
        tls=tls,
        host=parts.hostname,
        port=parts.port or (465 if tls else 587),
        user=unquote(parts.username) if parts.username else None,
        password=unquote(parts.password) if parts.password else None,
        sender=senders[0],
        recipients=tuple(recipients),
    )


def _smtp_url(received: str) -> str | None:
    if received:
        mail_server(received)
    return received or None


def _webhook(received: str) -> str | None:
    if not received:
        return None
    parts = urlsplit(received)
    if not _is_plain(received) or not parts.hostname or "@" in parts.netloc or parts.port == 0:
        raise ValueError
    if parts.scheme != "https" and not (parts.scheme == "http" and is_loopback(parts.hostname)):
        raise ValueError  # the address is the secret, and would be readable on its way
    return received


def _is_plain(url: str) -> bool:
    return url.isascii() and url.isprintable() and " " not in url


def is_loopback(host: str) -> bool:
    """Return True if an address is this computer's own, False if others have a part in it."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


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
        "`file:FOLDER`, whose subfolders are the containers, or "
        "`https://ACCOUNT.blob.core.windows.net`, asked as the app's identity or `az login`",
        _storage_url,
    ),
    Setting(
        "AZURE_STORAGE_CONNECTION_STRING",
        "",
        "Instead of `STORAGE_URL`: an Azure storage account with its key, or Azurite.",
        "a connection string as the Azure portal shows it, or empty",
        _connection_string,
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
        "What the model must hash to; any other is refused.",
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
        _database_url,
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
        _webhook,
        secret=True,
    ),
    Setting(
        "SMTP_URL",
        "",
        "The mail server that sends the same message, from whom and to whom.",
        "`smtp://USER:PASSWORD@HOST:587/?from=ADDRESS&to=ADDRESS,ADDRESS` with special characters "
        "percent-encoded (`smtps://` where TLS begins at once, as on port 465), or empty",
        _smtp_url,
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
                f"HOST={self.host} is reachable from other computers, so API_KEY must be set."
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


def _without_password(received: str) -> str:
    """Return a value; of an address that may hold a password or a signature, only its kind."""
    kind, separator, rest = received.partition("://")
    return f"{kind}://…" if separator and set(rest) & set("@?") else received
