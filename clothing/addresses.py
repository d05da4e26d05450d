"""The addresses that settings hold: of photos, database, mail server and webhook.

Owns what each may look like, checked before anything is sent there. A text that is no such address
ends in a ValueError, whose words nobody sees: what the setting takes is for `config` to say.
"""

import base64
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import ip_address
from pathlib import Path
from urllib.parse import parse_qs, parse_qsl, unquote, urlsplit
from urllib.request import url2pathname


def storage_url(received: str, root: Path) -> Path | str:
    """Return a folder, relative ones from a root on, or the address of an Azure account."""
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
    return root / url2pathname(parts.path)


def connection_string(received: str) -> str | None:
    """Return it, or None without any.

    What can be checked without Azure's library is, so that a slip is found at start-up.
    """
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


def _sqlite_url(received: str, root: Path) -> str:
    prefix = "sqlite:///"
    path = unquote(received.removeprefix(prefix))
    if not received.startswith(prefix) or not path or "?" in path or path == ":memory:":
        raise ValueError  # what lies in memory, the processes of a run cannot share
    return f"{prefix}{(root / path).as_posix()}"


_PLAIN_HOST = re.compile(r"[a-z0-9._:-]+")
_OURS = frozenset(  # the address itself says these, and nobody is ever asked to log in
    ("accesstoken", "authentication", "database", "dsn", "odbc_connect", "pwd", "server")
    + ("trusted_connection", "uid")
)


def database_url(received: str, root: Path) -> str:
    """Return the address of a database; the file of SQLite from a root on."""
    if not received.startswith("mssql"):
        return _sqlite_url(received, root)
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


def smtp_url(received: str) -> str | None:
    """Return the address of a mail server, or None without any."""
    if received:
        mail_server(received)
    return received or None


def webhook(received: str) -> str | None:
    """Return the address of a channel that takes messages, or None without any."""
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
