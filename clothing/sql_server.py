"""SQL Server and Azure SQL: how to reach them, which of their errors pass, what the others mean.

Owns pyodbc, its driver and the Entra token. `database` asks here for an engine and for words; what
is asked of the tables is none of this module's business. pyodbc is imported when an engine is
made, not before: without unixODBC it cannot be, and SQLite needs neither.
"""

import logging
import math
import re
import socket
import struct
import threading
from collections.abc import Callable
from time import monotonic, sleep
from typing import Any, TypeVar, cast

import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError

from clothing.azure_login import azure_login
from clothing.errors import StoreError

log = logging.getLogger(__name__)

LOGIN_SECONDS = 30
"""How long a login may take: the least that Microsoft advises for Azure."""

KNOCK_SECONDS = 10
"""How long the server's port may take to open."""

STATEMENT_SECONDS = 60
"""How long one statement may take; a lock that is held longer counts as an error that passes."""

WAITS = (5, 10, 20, 40, 60)
"""Seconds before each further try: 135 in all. A paused database takes about 60 to wake."""

PATIENCE_SECONDS = 150
"""No try begins later than this after the first, however long the tries themselves take."""

IDLE_SECONDS = 300.0
"""After so long unused the lines are closed: a serverless database pauses only once it has none."""

TRANSIENT = frozenset(
    # Microsoft's list for Azure SQL: failover, moving, waking up, too busy
    (615, 926, 4060, 4221, 40197, 40501, 40613, 49918, 49919, 49920)
    # and what its own clients try again: a broken line, a deadlock, a lock, a quota of sessions
    + (20, 64, 121, 233, 1204, 1205, 1222, 10053, 10054, 10060, 10928, 10929, 10936, 40143)
    + (8645, 8651, 10922)  # no memory for a query just now: Entity Framework tries these again
    + (104, 110, 258)  # Linux's numbers for 10054 and 10060, and the driver's for a time-out
)
"""Errors by number that pass by themselves."""

FINAL = frozenset((18452, 18456, 40532, 40615, 40914, 47073))
"""Errors of login and firewall: trying again only locks an account."""

_NO_LINE = "08001"  # nor with what is no SQL Server, or shows a wrong certificate
_NOT_OURS = ("certificate", "TDS stream")
_BROKEN_LINE = frozenset(("08S01", "08003", "08007", "40001", "40003", "HYT01"))
_LONGEST_TEXT = 300
_PACKAGE = (
    "Install Microsoft's ODBC Driver 18 for SQL Server (package msodbcsql18): "
    "https://learn.microsoft.com/sql/connect/odbc/download-odbc-driver-for-sql-server"
)
_AZURE = ".database.windows.net"
_TOKEN_SCOPE = "https://database.windows.net/.default"
_ACCESS_TOKEN = 1256  # SQL_COPT_SS_ACCESS_TOKEN

_Returned = TypeVar("_Returned")


# Reaching it


def make_engine(url: sa.URL) -> sa.Engine:
    """Return an engine for a `mssql+pyodbc` address; it connects when first used.

    Raises:
        StoreError: pyodbc or the ODBC driver is missing.
    """
    driver = driver_of(url)
    options = {"Encrypt": "yes", **_options_but_driver(url), "driver": driver}
    engine = sa.create_engine(
        url.set(query=options),
        module=load_pyodbc(),
        connect_args={"timeout": LOGIN_SECONDS},
        fast_executemany="tds" not in driver.lower(),  # FreeTDS cannot
        hide_parameters=True,
        pool_pre_ping=True,
        pool_recycle=1800,  # Azure closes idle connections after 30 minutes
        max_overflow=-1,  # no thread waits for another's line; there are no more than threads
    )
    door = _Door(str(url.host), url.port or 1433, is_there=_is_azure(url))

    def prepare_login(
        dialect: sa.Dialect, record: object, arguments: list[Any], keywords: dict[str, Any]
    ) -> None:
        """Before each new connection: is anyone there, and if there is no user, who are we."""
        door.knock()
        if url.username is None:  # SQLAlchemy would log in as the Windows user
            arguments[0] = arguments[0].replace(";Trusted_Connection=Yes", "")
            keywords["attrs_before"] = {_ACCESS_TOKEN: access_token()}

    sa.event.listen(engine, "do_connect", prepare_login)
    sa.event.listen(engine, "connect", door.opened)
    sa.event.listen(engine, "connect", _limit_statements)
    use = _Use(engine)
    sa.event.listen(engine, "checkout", use.noted)
    sa.event.listen(engine, "checkin", use.noted)
    return engine


def load_pyodbc() -> Any:
    """Return pyodbc with its own pooling off: SQLAlchemy pools.

    Raises:
        StoreError: It cannot be imported, as where unixODBC is missing.
    """
    try:
        import pyodbc
    except ImportError as error:
        raise StoreError(
            f"pyodbc cannot be loaded: {error}. Install unixODBC (Debian, Ubuntu: apt-get install "
            f"unixodbc) and the driver. {_PACKAGE}"
        ) from error
    pyodbc.pooling = False
    return pyodbc


def driver_of(url: sa.URL) -> str:
    """Return the ODBC driver to use: the address's own, else the newest that is installed.

    Raises:
        StoreError: The address names none, and none that fits is installed.
    """
    named = [str(text) for key, text in url.query.items() if key.lower() == "driver"]
    if named:
        return named[0]
    found = load_pyodbc().drivers()
    by_version: dict[int, str] = {
        int(match[1]): name
        for name in found
        if (match := re.fullmatch(r"ODBC Driver (\d+) for SQL Server", name))
    }
    newest = max(by_version, default=0)
    if newest < 17:  # older ones know neither TLS 1.2 everywhere nor Entra tokens
        raise StoreError(
            "ODBC Driver 18 or 17 for SQL Server must be installed. "
            f"Found: {', '.join(found) or 'no ODBC driver at all'}. {_PACKAGE}"
        )
    return by_version[newest]


def _options_but_driver(url: sa.URL) -> dict[str, str]:
    """Return the address's options; "Encrypt" is spelt as here, whatever its case was."""
    options = {key: str(text) for key, text in url.query.items() if key.lower() != "driver"}
    return {"Encrypt" if key.lower() == "encrypt" else key: options[key] for key in options}


def knock(host: str, port: int) -> None:
    """Make sure that a server listens: the driver says "time-out" to whatever is wrong there.

    Raises:
        StoreError: Its name is unknown, its port is closed, or nothing answers.
    """
    try:
        socket.create_connection((host, port), timeout=KNOCK_SECONDS).close()
    except socket.gaierror as error:
        raise StoreError(
            f"The database server {host} is not known here: {error.strerror}. "
            "Check the name in DATABASE_URL, and this computer's network."
        ) from error
    except TimeoutError as error:
        raise StoreError(
            f"The database server {host} did not answer at port {port} within {KNOCK_SECONDS} s. "
            "Check DATABASE_URL, and whether a firewall or VPN stands between."
        ) from error
    except OSError as error:
        raise StoreError(
            f"The database server {host} does not listen at port {port}: {error.strerror}. "
            "Check host and port in DATABASE_URL, and whether SQL Server is up."
        ) from error


class _AwayError(OSError):
    """A server that was there does not answer; it may only be restarting."""


class _Door:
    """The port of a server, and whether it has opened before.

    A server that restarts is away for a minute or two. One that was never there is none to wait
    for: its address is wrong. Nor is one that has been away for long: whoever asks is told at once.

    Args:
        host: The server's name or address.
        port: Where it listens.
        is_there: True for a server that is known to be there, as Azure's gateway is behind every
            name of its own: each night's run is a new process, which has never reached it.
    """

    def __init__(self, host: str, port: int, *, is_there: bool) -> None:
        self._host, self._port = host, port
        self._closed_since = math.inf if is_there else -math.inf

    def opened(self, *_connection: object) -> None:
        """Note that somebody came in."""
        self._closed_since = math.inf

    def knock(self) -> None:
        """Make sure that the server listens.

        Raises:
            StoreError: It does not; its cause is an `_AwayError` if that may pass.
        """
        try:
            knock(self._host, self._port)
        except StoreError as error:
            self._closed_since = min(self._closed_since, monotonic())
            is_long = monotonic() - self._closed_since > PATIENCE_SECONDS
            if is_long or _is_unknown(error.__cause__):
                raise
            raise StoreError(str(error)) from _AwayError()


def _is_unknown(error: BaseException | None) -> bool:
    """Return True if a name stands for nothing, False if that could not be found out just now."""
    return isinstance(error, socket.gaierror) and error.errno != socket.EAI_AGAIN


class _Use:
    """When an engine's lines were last used; once that is long ago, they are closed.

    Args:
        engine: Whose lines these are.
    """

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine
        self._last = 0.0
        self._is_watched = False
        self._lock = threading.Lock()

    def noted(self, *_line: object) -> None:
        """Note that a line was taken or given back."""
        with self._lock:
            self._last = monotonic()
            if not self._is_watched:
                self._is_watched = True
                threading.Thread(target=self._watch, name="idle lines", daemon=True).start()

    def _watch(self) -> None:
        while (left := self._left()) > 0:
            threading.Event().wait(left)
        unused = self._engine.pool
        self._engine.dispose(close=False)  # first: whoever comes meanwhile gets a line of its own
        unused.dispose()

    def _left(self) -> float:
        pool = cast(sa.QueuePool, self._engine.pool)
        with self._lock:
            if pool.checkedout():  # disposed of now, it would stay open when it comes back
                self._last = monotonic()
            left = self._last + IDLE_SECONDS - monotonic()
            self._is_watched = left > 0
            return left


def access_token() -> bytes:
    """Return an Entra token in the form that the driver takes; never asks anybody anything.

    Raises:
        StoreError: No identity could be found.
    """
    from azure.core.exceptions import AzureError  # 0.3 s: only who logs in by token pays it

    try:
        token = azure_login().get_token(_TOKEN_SCOPE).token.encode("utf-16-le")
    except AzureError as error:
        reason = str(error).strip().partition("\n")[0]
        raise StoreError(
            f"There is no Entra token for the database: {reason} On your computer, run: az login. "
            "In Azure, switch on the app's managed identity. Or put a user and password into "
            "DATABASE_URL."
        ) from error
    return struct.pack(f"<I{len(token)}s", len(token), token)


def _limit_statements(connection: Any, record: object) -> None:
    connection.timeout = STATEMENT_SECONDS


def let_statements_take_long(connection: sa.Connection) -> None:
    """Lift the limit of a connection to SQL Server: an index on millions of rows takes longer."""
    if connection.dialect.name == "mssql":
        line: Any = connection.connection.dbapi_connection
        line.timeout = 0


# Its errors


def again(
    work: Callable[[], _Returned], passes: Callable[[StoreError], bool], patient: bool = True
) -> _Returned:
    """Return what some work returns; do it anew while it meets errors that pass.

    Args:
        work: To be done whole or not at all, and the same if done twice.
        passes: Tells errors that pass from those that stay.
        patient: False to try only once.
    """
    begun = monotonic()
    for seconds in WAITS if patient else ():
        try:
            return work()
        except StoreError as error:
            late = monotonic() - begun + seconds > PATIENCE_SECONDS
            if late or not passes(error):
                raise
            log.warning("%s Trying again in %d s.", error, seconds)
            sleep(seconds)
    return work()


def is_transient(error: BaseException | None, url: sa.URL) -> bool:
    """Return True if what the driver or a knock raised may pass by itself, False if it stays.

    A login that times out or breaks off passes on Azure only: there the database may have been
    asleep. A server that does not answer passes if the engine has reached it before, or if it is
    Azure's, as long as a restart may take.
    """
    if isinstance(error, _AwayError):
        return True
    state, text = _state_and_text(error)
    numbers = _numbers_in(text)
    if numbers & FINAL and 4060 not in numbers:  # 18456 follows 4060 as its consequence
        return False
    if state == "HYT00":
        return "Login timeout" not in text or _is_azure(url)
    if state == _NO_LINE:
        return _is_azure(url) and not any(sign in text for sign in _NOT_OURS)
    return bool(numbers & TRANSIENT) or state in _BROKEN_LINE


def _is_azure(url: sa.URL) -> bool:
    return str(url.host).lower().endswith(_AZURE)


def in_words(error: BaseException | None, url: sa.URL) -> str:
    """Return what the driver raised as a sentence for users: what is wrong and what to do."""
    state, text = _state_and_text(error)
    numbers = _numbers_in(text)
    for number, words in _WORDS.items():
        if number in numbers:
            return words.format(number=number, **_places(url, text))
    for sign, words in _SIGNS.items():
        if sign in text:
            return words.format(**_places(url, text))
    if state in _BROKEN_LINE:
        return f"The line to the database server {url.host} broke: {_told(text)}."
    return f"The database cannot do this: {_told(text) or state}"


def _places(url: sa.URL, text: str) -> dict[str, Any]:
    address = re.search(r"IP address '([^']+)'", text)
    user = f'user "{url.username}"' if url.username else "app's Entra identity"
    return {
        "server": url.host,
        "port": url.port or 1433,
        "database": url.database,
        "user": user,
        "address": address[1] if address else "this computer's",
        "seconds": LOGIN_SECONDS,
        "package": _PACKAGE,
        "told": _told(text),
    }


_WORDS = {
    4060: "The database {database} at {server} cannot be opened by the {user} (4060). Check its "
    "name in DATABASE_URL; if it exists, create the user in it: SQL_Scripts/grants.sql.",
    18456: "The server {server} refuses the login of the {user} (18456). Check user and password "
    "in DATABASE_URL; an Entra identity needs a user in the database: SQL_Scripts/grants.sql.",
    40532: "The server {server} refuses the login of the {user} (40532). "
    "Check the server's name in DATABASE_URL.",
    40615: "The firewall of {server} refuses the address {address} (40615). Allow it: az sql "
    "server firewall-rule create, or the portal's page Networking of the server.",
    40914: "The server {server} refuses this network (40914). Allow it: az sql server vnet-rule "
    "create, or the portal's page Networking of the server.",
    47073: "The server {server} refuses public access (47073). Reach it from its own network, or "
    "allow public access on the portal's page Networking of the server.",
    40613: "The database {database} at {server} is not available now (40613). If it was paused, it "
    "is waking up: try again in a minute.",
    1205: "Somebody else changed the same rows at the same time (1205). Try again.",
    208: "A table is missing in the database {database} (208). Run: python -m clothing db upgrade",
    229: "The {user} has no right to do this in the database {database} (229). "
    "Give it: SQL_Scripts/grants.sql.",
    262: "The {user} has no right to make tables in the database {database} (262). Run "
    "python -m clothing db upgrade as an administrator, or SQL_Scripts/schema.sql.",
    40544: "The database {database} is full (40544). Raise its maximum size, or delete old rows.",
    1105: "The database {database} is full (1105). Give it more room, or delete old rows.",
}
"""Errors by number, in words; the first that fits is taken."""

_SIGNS = {
    "certificate": "The certificate of {server} is not trusted: {told}. Azure SQL's always is, so "
    "somebody may listen between. For a test server of your own, add TrustServerCertificate=yes "
    "to DATABASE_URL.",
    "Protocol error in TDS stream": "What answers at {server}, port {port}, is no SQL Server. "
    "Check host and port in DATABASE_URL.",
    "Login timeout expired": "The server {server} listens at port {port}, but did not finish the "
    "login within {seconds} s. Check host and port in DATABASE_URL; a paused database takes a "
    "minute to wake.",
    "Query timeout expired": "The database took too long: somebody holds a lock, or it is "
    "overloaded. Try again.",
    "Can't open lib": "The ODBC driver cannot be loaded: {told}. {package}",
    "Data source name not found": "The ODBC driver is not installed: {told}. {package}",
}
"""Errors that have no number, by what the driver says."""


def _state_and_text(error: BaseException | None) -> tuple[str, str]:
    """Return SQLSTATE and text of what pyodbc raised, or nothing."""
    raised = error.orig if isinstance(error, DBAPIError) else None
    arguments = [str(argument) for argument in getattr(raised, "args", ())]
    return (arguments[0], arguments[1]) if len(arguments) > 1 else ("", "".join(arguments))


def _numbers_in(text: str) -> set[int]:
    """Return the error numbers: pyodbc has them in its text only, in parentheses."""
    return {int(number) for number in re.findall(r"\((\d{1,6})\)", text)}


def _told(text: str) -> str:
    """Return what the driver says without its own name, the call and the rows' values."""
    first = text.partition("; [")[0]
    first = re.sub(r"^(\[[^]]*\]\s*)+", "", first)
    first = re.sub(r"\s*\(-?\d+\)( \(SQL\w+\))?$", "", first)
    first = re.sub(r"(The duplicate key value is|Truncated value:).*", "", first)
    return first[:_LONGEST_TEXT].strip().rstrip(".")
