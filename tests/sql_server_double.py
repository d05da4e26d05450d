"""A stand-in for pyodbc and the SQL Server behind it: T-SQL of ours, carried out by SQLite.

It knows as much T-SQL as the store speaks, refuses what SQLite would take and SQL Server would not,
raises errors in pyodbc's form, and fails at chosen moments: before a statement, before a commit,
or after one that has really happened. It proves nothing about a real server's opinion of a
statement; it makes sure that every statement is seen (tests/golden) and that retries lose nothing.
"""

import re
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Literal

import pytest

SERVER_URL = "mssql+pyodbc://clothing:hunter2@127.0.0.1:1433/clothingrefund"

Moment = Literal["connect", "execute", "commit", "committed"]

NOT_T_SQL = re.compile(
    r"\bLIMIT\b|\bRETURNING\b|\bON CONFLICT\b|\bIF NOT EXISTS\b|\|\||\bTRUE\b|\bFALSE\b|\bPRAGMA\b"
    r"|\bAUTOINCREMENT\b|\bBOOLEAN\b|\bOFFSET\b(?!.*\bFETCH\b)",
    re.DOTALL,
)
MOST_PARAMETERS = 2100

_ABOUT_THE_SERVER: dict[str, list[tuple[Any, ...]]] = {
    "SERVERPROPERTY('ProductVersion')": [("16.0.4135.4",)],
    "schema_name()": [("dbo",)],
    "fn_listextendedproperty": [],
    "'test max support'": [("test max support",)],
    "sys.system_views": [("dm_exec_sessions",)],
    "sys.dm_exec_sessions": [("READ COMMITTED",)],
}

sqlite3.register_converter("DATETIME2", lambda text: datetime.fromisoformat(text.decode()))
sqlite3.register_converter("BIT", lambda number: bool(int(number)))


class Error(Exception):
    """As pyodbc's: SQLSTATE, then a text with the server's number in parentheses."""


class DatabaseError(Error):
    """As pyodbc's."""


class OperationalError(DatabaseError):
    """As pyodbc's."""


class IntegrityError(DatabaseError):
    """As pyodbc's."""


class ProgrammingError(DatabaseError):
    """As pyodbc's."""


def raised(state: str, text: str, number: int, kind: type[Error] = Error) -> Error:
    """Return an error as Microsoft's driver words it."""
    maker = "[Microsoft][ODBC Driver 18 for SQL Server][SQL Server]"
    return kind(state, f"[{state}] {maker}{text} ({number}) (SQLExecDirectW)")


ASLEEP = raised("HY000", "Database 'shop' on server 's' is not currently available.", 40613)
DEADLOCK = raised("40001", "Transaction was deadlocked on lock resources.", 1205)
BROKEN = raised("08S01", "TCP Provider: Error code 0x2746", 10054, OperationalError)
NO_LOGIN = raised("28000", "Login failed for user 'clothing'.", 18456)


@dataclass
class Fault:
    """One failure to come: at which moment, with which error, at which statement.

    So many such moments go well `after` it was planned.
    """

    moment: Moment
    error: Exception
    at: str = ""
    after: int = 0


@dataclass
class SqlServer:
    """What `import pyodbc` gives; one instance is one server with one database.

    Attributes:
        path: The SQLite file in which the database lies.
        faults: Failures to come; each happens once.
        statements: What was asked of the server, each once, in order; and the seconds it had.
        lines: Every connection that there was; one is made whenever somebody logs in.
        connected_with: The connection string and the options of the last login.
        clock_is_late_by: In seconds.
        pauses: How long somebody waited between two tries, in seconds.
    """

    path: Path
    faults: list[Fault] = field(default_factory=list)
    statements: dict[str, int] = field(default_factory=dict)
    lines: list["Connection"] = field(default_factory=list)
    connected_with: tuple[str, dict[str, Any]] = ("", {})
    clock_is_late_by: float = 0
    pauses: list[float] = field(default_factory=list)
    pooling: bool = True
    installed: list[str] = field(default_factory=lambda: ["ODBC Driver 18 for SQL Server"])

    # Of a DBAPI module SQLAlchemy wants these.
    version = "5.5.0"
    paramstyle = "qmark"
    SQL_VARCHAR, SQL_WVARCHAR = 12, -9
    BINARY, DATETIME, NUMBER, STRING = bytearray, datetime, float, str
    Error, DatabaseError, OperationalError = Error, DatabaseError, OperationalError
    IntegrityError, ProgrammingError = IntegrityError, ProgrammingError

    @property
    def Cursor(self) -> "type[Cursor]":  # noqa: N802
        """The class of cursors."""
        return Cursor

    def drivers(self) -> list[str]:
        """Return the ODBC drivers that are installed."""
        return self.installed

    def connect(self, text: str, **options: Any) -> "Connection":
        """Log in."""
        self.connected_with = (text, options)
        self.meet("connect")
        self.lines.append(Connection(self))
        return self.lines[-1]

    def fail(self, moment: Moment, error: Exception, at: str = "", times: int = 1) -> None:
        """Have the next of some moments fail."""
        self.faults += [Fault(moment, error, at) for _ in range(times)]

    def meet(self, moment: Moment, statement: str = "") -> None:
        """Fail if a failure is due."""
        for fault in self.faults:
            if fault.moment == moment and fault.at in statement:
                fault.after -= 1
                if fault.after < 0:
                    self.faults.remove(fault)
                    raise fault.error


@contextmanager
def opened(folder: Path) -> Iterator[sqlite3.Connection]:
    """Open the SQLite file in which a test's database lies, whichever kind of store it is of."""
    connection = sqlite3.connect(folder / "clothing.db")
    _add_rules_of_texts(connection)
    with connection:
        yield connection
    connection.close()


@contextmanager
def stand_in(path: Path, patches: pytest.MonkeyPatch | None = None) -> Iterator[SqlServer]:
    """Put a server in the place of pyodbc; nobody knocks at its port or waits between two tries.

    Args:
        path: The SQLite file behind it.
        patches: The test's own, where it has some: whoever undoes his before another's brings back
            what that one put there.
    """
    server = SqlServer(path)
    here = "clothing.sql_server"
    with nullcontext(patches) if patches else pytest.MonkeyPatch.context() as those:
        those.setattr(f"{here}.load_pyodbc", lambda: server)
        those.setattr(f"{here}.knock", lambda host, port: None)
        those.setattr(f"{here}.sleep", server.pauses.append)
        try:
            yield server
        finally:
            for line in server.lines:  # some stores are never disposed of; pyodbc does not mind
                line.close()


class Connection:
    """A line to the server, until it breaks."""

    autocommit = False
    timeout = 0

    def __init__(self, server: SqlServer) -> None:
        self.server = server
        self.sqlite = sqlite3.connect(
            server.path,
            timeout=30,
            isolation_level=None,
            detect_types=sqlite3.PARSE_DECLTYPES,
            check_same_thread=False,
        )
        self.sqlite.execute("PRAGMA foreign_keys = ON")
        _add_rules_of_texts(self.sqlite)
        self.broken = self.is_closed = False

    def cursor(self) -> "Cursor":
        """Return a new cursor."""
        self._check()
        return Cursor(self)

    def begin(self) -> None:
        """Begin a transaction if there is none, as every statement does."""
        self._check()
        if not self.sqlite.in_transaction:
            self.sqlite.execute("BEGIN IMMEDIATE")

    def commit(self) -> None:
        """End the transaction; the answer may get lost."""
        self._check()
        self._tell("commit")
        if self.sqlite.in_transaction:
            self.sqlite.execute("COMMIT")
            self._tell("committed")

    def rollback(self) -> None:
        """Undo the transaction."""
        self._check()
        if self.sqlite.in_transaction:
            self.sqlite.execute("ROLLBACK")

    def close(self) -> None:
        """Hang up; a transaction that goes on is undone."""
        self.is_closed = True
        self.sqlite.close()

    def add_output_converter(self, number: int, convert: object) -> None:
        """Take note of nothing: no type here needs it."""

    def _tell(self, moment: Moment) -> None:
        try:
            self.server.meet(moment)
        except Error:
            self.broken = True
            self.sqlite.close()  # the server undoes what was not committed
            raise

    def _check(self) -> None:
        if self.broken:
            raise OperationalError("08S01", "[08S01] Communication link failure (0)")


class Cursor:
    """Carries out statements on a line."""

    fast_executemany = False

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.sqlite = connection.sqlite.cursor()
        self.known: list[tuple[Any, ...]] | None = None

    def execute(self, statement: str, parameters: Sequence[Any] = ()) -> "Cursor":
        """Carry out one statement."""
        self._note(statement, len(parameters))
        self.known = next(
            (rows for words, rows in _ABOUT_THE_SERVER.items() if words in statement), None
        )
        if "sysutcdatetime()" in statement:
            late = timedelta(seconds=self.connection.server.clock_is_late_by)
            self.known = [(datetime.now(UTC).replace(tzinfo=None) - late,)]
        if self.known is None:
            if view := re.search(r"CREATE OR ALTER VIEW (\w+)", statement):
                self._run(f"DROP VIEW {view[1]}", [])
            self._run(_in_sqlite(statement), [_bound(value) for value in parameters])
        return self

    def executemany(self, statement: str, rows: Iterable[Sequence[Any]]) -> None:
        """Carry out one statement for many rows."""
        assert self.fast_executemany, "many rows must go the fast way"
        assert "OUTPUT" not in statement, "the fast way returns nothing"
        self._note(statement, 0)
        for row in rows:
            self._run(_in_sqlite(statement), [_bound(value) for value in row])

    @property
    def description(self) -> Any:
        """The columns of the answer, or None."""
        return [("one",) + (None,) * 6] if self.known is not None else self.sqlite.description

    @property
    def rowcount(self) -> int:
        """How many rows were changed."""
        return self.sqlite.rowcount

    def fetchone(self) -> Any:
        """Return the next row or None."""
        return next(iter(self.fetchmany(1)), None)

    def fetchmany(self, size: int = 1) -> list[Any]:
        """Return the next rows."""
        if self.known is None:
            return self.sqlite.fetchmany(size)
        rows, self.known = self.known[:size], self.known[size:]
        return rows

    def fetchall(self) -> list[Any]:
        """Return the rows that are left."""
        return self.fetchmany(10**9) if self.known is not None else self.sqlite.fetchall()

    def nextset(self) -> bool:
        """Return False: no statement here has two answers."""
        return False

    def setinputsizes(self, sizes: object) -> None:
        """Take note of nothing."""

    def close(self) -> None:
        """Let go of the rows."""
        with suppress(sqlite3.ProgrammingError):  # the line broke
            self.sqlite.close()

    def _note(self, statement: str, parameters: int) -> None:
        self.connection.begin()
        self.connection.server.statements[statement] = self.connection.timeout
        stranger = NOT_T_SQL.search(statement)
        assert not stranger, f"SQL Server does not know {stranger[0]}: {statement}"
        assert parameters <= MOST_PARAMETERS, f"{parameters} parameters are too many"
        self.connection.server.meet("execute", statement)

    def _run(self, statement: str, parameters: list[Any]) -> None:
        try:
            self.sqlite.execute(statement, parameters)
        except sqlite3.IntegrityError as error:
            text = f"Violation of a constraint: {error}. The duplicate key value is (hunter2)."
            raise raised("23000", text, 2627, IntegrityError) from error
        except sqlite3.OperationalError as error:
            missing = "no such table" in str(error)
            raise raised(
                "42S02" if missing else "42000",
                str(error),
                208 if missing else 102,
                ProgrammingError,
            ) from error


def _add_rules_of_texts(connection: sqlite3.Connection) -> None:
    connection.create_collation(
        "Latin1_General_BIN2", lambda one, other: (one > other) - (one < other)
    )
    connection.create_function("lower", 1, lambda text: text and text.lower(), deterministic=True)


def _in_sqlite(statement: str) -> str:
    """Return a statement in SQLite's words."""
    if "sys.objects" in statement:
        return "SELECT name FROM sqlite_master WHERE ? = 'dbo' AND ? <> ? AND name = ?"
    text = statement.replace("BIGINT NOT NULL IDENTITY", "INTEGER NOT NULL")
    text = text.replace("CREATE OR ALTER VIEW", "CREATE VIEW")
    text = re.sub(r"(DROP INDEX \w+) ON \w+", r"\1", text)
    text = re.sub(r" INCLUDE \(.*\)", "", text)
    if output := re.search(r" OUTPUT inserted\.(\w+)", text):
        text = text.replace(output[0], "") + f" RETURNING {output[1]}"
    if top := re.search(r"\bTOP (\d+) ", text):
        text = f"{text.replace(top[0], '')} LIMIT {top[1]}"
    return text


def _bound(value: object) -> object:
    return value.isoformat(" ", "microseconds") if isinstance(value, datetime) else value
