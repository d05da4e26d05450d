"""The database: how it is reached, and how work in it is done whole or not at all.

Owns the connections, the transactions, the schema's version, and when a thing is tried again. It
knows no table but Alembic's. Times lie in tables in UTC, without a zone; everywhere else they have
one.
"""

import sqlite3
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from clothing.errors import StoreError
from clothing.sql_server import (
    again,
    in_words,
    is_transient,
    let_statements_take_long,
    make_engine,
)
from clothing.tables import SCHEMA_VERSION, UTC_TIME

SAME_MOMENT = timedelta(milliseconds=10)
"""Two times that are no farther apart are one: a driver may round what it sends."""

_LOCK_SECONDS = 30  # how long SQLite waits for another writer

_Returned = TypeVar("_Returned")
_Key = TypeVar("_Key")


class Database:
    """The database behind a SQLAlchemy address; opens a connection when first asked something.

    Args:
        url: For instance `sqlite:////absolute/path/clothing.db`, or `mssql+pyodbc://…`.

    Attributes:
        url: The address.
        file: The database's file, or None if it is a server's.
    """

    def __init__(self, url: str) -> None:
        self.url = sa.make_url(url)
        self.file = Path(self.url.database or "") if self.url.drivername == "sqlite" else None
        self._made: sa.Engine | None = None
        self._making = threading.Lock()

    def dispose(self) -> None:
        """Close all connections; the next question opens new ones."""
        if self._made:
            self._made.dispose()

    # Schema

    def schema_version(self) -> str | None:
        """Return the newest migration that this database has seen, or None if it is empty."""
        return self._schema_version(patient=True)

    def _schema_version(self, patient: bool) -> str | None:
        with self._translated():
            if self.file and not self.file.exists():
                return None  # asking SQLite would make the file
        return self.read(_schema_version, patient)

    def upgrade(self) -> None:
        """Bring the schema to this code's version; of several at once, one does it."""
        try:
            self._transact(_upgrade, patient=True, writes=True, rebuilds=True)
        except StoreError as error:
            was_faster = _refused_a_statement(error) and self.schema_version() == SCHEMA_VERSION
            if not was_faster:  # another one
                raise

    def ready(self, patient: bool = True) -> None:
        """Make sure that the schema fits: SQLite is upgraded, any other database must have been.

        Args:
            patient: False not to wait for a database that is waking up.

        Raises:
            StoreError: It cannot be reached, or its schema is another version's.
        """
        found = self._schema_version(patient)
        if found == SCHEMA_VERSION:
            return
        _refuse_newer(found)
        if not self.file:
            raise StoreError(
                f"The database must have schema {SCHEMA_VERSION}. Received: {found or 'none'}. "
                "Run: python -m clothing db upgrade"
            )
        self.upgrade()

    def clock(self) -> datetime:
        """Return the time that the database's server has."""
        if self.file:
            return datetime.now(UTC)  # there is no other clock
        query = sa.select(sa.func.sysutcdatetime(type_=UTC_TIME))
        return in_utc(self.read(lambda connection: connection.execute(query).scalar_one()))

    def empty_log(self) -> bool:
        """Bring SQLite's write-ahead log into its file, and leave nothing in it.

        Returns:
            False if somebody still reads what is in it; True otherwise, and for a server.
        """
        if not self.file:
            return True
        with self._translated(), closing(self._engine().raw_connection()) as connection:
            # In no transaction: `raw_connection` begins none.
            busy, _, _ = connection.cursor().execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        return not busy

    # Work

    def read(self, work: Callable[[sa.Connection], _Returned], patient: bool = True) -> _Returned:
        """Return what some work reads, in one transaction."""
        return self._transact(work, patient, writes=False)

    def write(self, work: Callable[[sa.Connection], _Returned], patient: bool = True) -> _Returned:
        """Do some work whole or not at all; twice, if nobody heard how the first time ended.

        Args:
            work: What changes nothing if it is done again.
            patient: False not to wait for a database that is waking up.
        """
        return self._transact(work, patient, writes=True)

    def _transact(
        self,
        work: Callable[[sa.Connection], _Returned],
        patient: bool,
        writes: bool,
        rebuilds: bool = False,
    ) -> _Returned:
        """Do some work whole or not at all; do it anew, if patient, after errors that pass.

        Nobody can tell whether the work of a try whose line broke is in the tables, so it must be
        the same done twice.
        """

        def once() -> _Returned:
            engine = self._engine().execution_options(writes=writes, rebuilds=rebuilds)
            with self._translated(), engine.begin() as connection:
                return work(connection)

        return again(once, self._passes, patient)

    def _passes(self, error: StoreError) -> bool:
        """Tell whether an error passes; if so, let go of connections that may be as broken."""
        passes = is_transient(error.__cause__, self.url)
        if passes:
            self.dispose()
        return passes

    def _engine(self) -> sa.Engine:
        """Return the engine, made when first needed: without the ODBC driver it cannot be."""
        with self._making:
            if self._made is None:
                self._made = self._sqlite_engine() if self.file else make_engine(self.url)
            return self._made

    def _sqlite_engine(self) -> sa.Engine:
        engine = sa.create_engine(self.url, max_overflow=-1)  # no thread waits for another's line
        sa.event.listen(engine, "do_connect", self._make_folder)
        sa.event.listen(engine, "connect", _prepare_sqlite)
        sa.event.listen(engine, "begin", _begin_sqlite)
        return engine

    def _make_folder(self, *_connecting: object) -> None:
        if self.file:
            self.file.parent.mkdir(parents=True, exist_ok=True)

    @contextmanager
    def _translated(self) -> Iterator[None]:
        """Turn what drivers raise into a StoreError without the query and its values."""
        try:
            yield
        except SQLAlchemyError as error:
            if not self.file:
                raise StoreError(in_words(error, self.url)) from error
            cause = getattr(error, "orig", None) or error
            raise StoreError(f"The database cannot do this: {cause}") from error
        except OSError as error:
            raise StoreError(
                f"The file of DATABASE_URL, or its folder, cannot be used: {error.strerror}."
            ) from error


def as_pattern(text: str) -> str:
    """Return what LIKE … ESCAPE '/' takes for a text itself; to T-SQL a bracket is a pattern too.

    >>> as_pattern("50%_[a]")
    '50/%/_/[a]'
    """
    return "".join(f"/{sign}" if sign in "/%_[" else sign for sign in text)


def slices(keys: Sequence[_Key], length: int = 500) -> Iterator[Sequence[_Key]]:
    """Yield keys in parts that fit one IN (…): SQL Server takes 2,100 parameters a statement.

    >>> list(slices("abcde", 2))
    ['ab', 'cd', 'e']
    """
    for start in range(0, len(keys), length):
        yield keys[start : start + length]


def now_in_tables() -> datetime:
    """Return this moment as it is written into tables: in UTC, without a zone."""
    return datetime.now(UTC).replace(tzinfo=None)


def in_utc(moment: datetime) -> datetime:
    """Return a time from a table with its zone."""
    return moment.replace(tzinfo=UTC)


def is_moment(found: datetime | None, meant: datetime) -> bool:
    """Tell whether a time that was read is one that was written."""
    return found is not None and abs(found - meant) < SAME_MOMENT


def _prepare_sqlite(connection: Any, _record: object) -> None:
    """Let readers and one writer work side by side, and check keys; transactions are ours.

    SQLite's own `lower` knows A to Z alone, and SQL Server's all of Unicode.
    """
    connection.isolation_level = None  # else the driver begins transactions of its own
    try:
        connection.create_function("lower", 1, _lower, deterministic=True)
        cursor = connection.cursor()
        cursor.execute(f"PRAGMA busy_timeout = {_LOCK_SECONDS * 1000}")
        _write_ahead(cursor)
        cursor.execute("PRAGMA foreign_keys = ON")
        cursor.close()
    except sqlite3.Error:
        connection.close()  # it is not in the pool yet: nobody else would
        raise


def _lower(text: str | None) -> str | None:
    return text and text.lower()


def _write_ahead(cursor: Any) -> None:
    """Turn on the write-ahead log; where others do so at this moment, SQLite itself never waits."""
    deadline = time.monotonic() + _LOCK_SECONDS
    while True:
        try:
            cursor.execute("PRAGMA journal_mode = WAL")
            return
        except sqlite3.OperationalError as error:
            is_busy = error.sqlite_errorcode & 0xFF == sqlite3.SQLITE_BUSY  # without its kind
            if not is_busy or time.monotonic() > deadline:
                raise
            time.sleep(0.01)


def _begin_sqlite(connection: sa.Connection) -> None:
    """Take the write lock first where writing is meant: SQLite cannot wait for it later on.

    A table that is rebuilt is dropped, and SQLite takes that for the end of all that refers to it
    unless it is told before; such a line serves nobody else.
    """
    options = connection.get_execution_options()
    if options.get("rebuilds"):
        connection.exec_driver_sql("PRAGMA foreign_keys = OFF")
        connection.detach()
    connection.exec_driver_sql("BEGIN IMMEDIATE" if options.get("writes") else "BEGIN")


def _schema_version(connection: sa.Connection) -> str | None:
    if not sa.inspect(connection).has_table("alembic_version"):
        return None
    version: str | None = connection.scalar(sa.text("SELECT version_num FROM alembic_version"))
    return version


def _upgrade(connection: sa.Connection) -> None:
    from alembic import command  # 0.1 s: only a database that is behind pays it
    from alembic.config import Config

    found = _schema_version(connection)
    if found == SCHEMA_VERSION:
        return
    _refuse_newer(found)
    let_statements_take_long(connection)
    config = Config()
    config.set_main_option("script_location", "clothing:migrations")
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


def _refuse_newer(found: str | None) -> None:
    if found is not None and found > SCHEMA_VERSION:
        raise StoreError(
            f"The database has schema {found}, which is newer than this program's "
            f"{SCHEMA_VERSION}. Update the program."
        )


def _refused_a_statement(error: StoreError) -> bool:
    """Tell whether the database was reached, and then did not do what was asked."""
    cause = error.__cause__
    return isinstance(cause, DBAPIError) and cause.statement is not None
