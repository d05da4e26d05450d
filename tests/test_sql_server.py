"""SQL Server through a stand-in: how it is reached, what passes, what is said, what is sent."""

import inspect
import json
import logging
import socket
import struct
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from time import sleep
from types import ModuleType, SimpleNamespace
from typing import Any
from unittest.mock import patch

import pytest
import sqlalchemy as sa
import sqlglot
from azure.core.exceptions import ClientAuthenticationError
from click.testing import CliRunner
from sqlalchemy.exc import DBAPIError

from clothing import forgetting, questions
from clothing.cli import main
from clothing.config import PROJECT
from clothing.database import SAME_MOMENT
from clothing.doctor import examine
from clothing.errors import ActiveRunError, StoreError
from clothing.photos import Counts, Failure, Photo, Prediction, Run
from clothing.sql_server import (
    PATIENCE_SECONDS,
    WAITS,
    access_token,
    again,
    driver_of,
    in_words,
    is_transient,
    knock,
    make_engine,
)
from clothing.store import Store
from clothing.tables import SCHEMA_VERSION
from tests.alive import soon
from tests.renew_statements import GOLDEN, golden_statements, operations
from tests.sql_server_double import (
    ASLEEP,
    BROKEN,
    DEADLOCK,
    NO_LOGIN,
    SERVER_URL,
    Error,
    IntegrityError,
    Moment,
    SqlServer,
    raised,
)

AZURE = sa.make_url("mssql+pyodbc://shop.database.windows.net/returns")
HERE = sa.make_url(SERVER_URL)
MAKER = "[Microsoft][ODBC Driver 18 for SQL Server]"

DUPLICATE = raised("23000", "Violation of UNIQUE KEY constraint.", 2627, IntegrityError)
THERE_ALREADY = raised("42S01", "There is already an object named 'batch_run'.", 2714)

BATCH = [
    Prediction(Photo("images", f"{n}.jpg", "1", 0), "Bag", 0.5, 0.4, (0.1,) * 10, False, "")
    for n in range(3)
]
ANOTHER_MOMENT = 2 * SAME_MOMENT.total_seconds()
"""Seconds after which a run is not taken for one that was opened just now."""

FAILURE = Failure(Photo("images", "broken.jpg", "1", 0), "decode", "the file is empty")
COUNTS = Counts(listed=4, classified=3, failed=1)


def wrapped(error: Exception) -> DBAPIError:
    """Return what SQLAlchemy makes of an error of the driver."""
    return DBAPIError("SELECT 'secret'", {}, error)


def an_open_run(store: Store) -> Run:
    run = store.open_run("test")
    store.describe_run(run.run_id, "m-1", "p-1")
    return store.run(run.run_id)


# Reaching it


def test_a_login_by_password_is_encrypted_and_says_nothing_else(
    sql_server: SqlServer, server_store: Store
) -> None:
    text, options = sql_server.connected_with

    assert text.split(";") == [
        "DRIVER={ODBC Driver 18 for SQL Server}",
        "Server=127.0.0.1,1433",
        "Database=clothingrefund",
        "UID=clothing",
        "PWD=hunter2",
        "Encrypt=yes",
    ]
    assert options == {"timeout": 30}


def test_a_password_cannot_add_an_option(sql_server: SqlServer) -> None:
    store = Store("mssql+pyodbc://clothing:a%3BEncrypt%3Dno%7D@127.0.0.1/clothingrefund")

    store.schema_version()
    store.dispose()

    assert "PWD={a;Encrypt=no}}}" in sql_server.connected_with[0]


@pytest.mark.parametrize("spelt", ["Encrypt", "encrypt", "ENCRYPT"])
def test_options_of_the_address_are_passed_on(sql_server: SqlServer, spelt: str) -> None:
    store = Store(f"{SERVER_URL}?Driver=FreeTDS&{spelt}=strict&TrustServerCertificate=yes")

    store.schema_version()
    store.dispose()

    text = sql_server.connected_with[0]
    assert text.startswith("DRIVER={FreeTDS};")
    assert text.endswith(";Encrypt=strict;TrustServerCertificate=yes")
    assert "Encrypt=yes" not in text


def test_without_a_user_every_connection_brings_a_fresh_token(
    sql_server: SqlServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    tokens = iter("ab")
    credential = SimpleNamespace(get_token=lambda scope: SimpleNamespace(token=next(tokens)))
    monkeypatch.setattr("clothing.sql_server.azure_login", lambda: credential)
    store = Store("mssql+pyodbc://shop.database.windows.net/returns")
    shown = []

    for _ in range(2):
        store.schema_version()
        shown.append(sql_server.connected_with)
        store.dispose()

    for (text, options), token in zip(shown, (b"a\0", b"b\0"), strict=True):
        assert options["attrs_before"] == {1256: struct.pack("<I", 2) + token}
        assert not {"UID", "PWD", "Trusted_Connection", "Authentication"} & words_of(text)


def words_of(text: str) -> set[str]:
    return {part.partition("=")[0] for part in text.split(";")}


def test_no_identity_is_said_with_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(scope: str) -> None:
        raise ClientAuthenticationError(message="DefaultAzureCredential failed.\nmany more lines")

    credential = SimpleNamespace(get_token=refuse)
    monkeypatch.setattr("clothing.sql_server.azure_login", lambda: credential)

    with pytest.raises(StoreError, match="There is no Entra token") as refusal:
        access_token()

    assert "az login" in str(refusal.value)
    assert "many more lines" not in str(refusal.value)


@pytest.mark.parametrize(
    ("installed", "chosen"),
    [
        (["ODBC Driver 18 for SQL Server"], "ODBC Driver 18 for SQL Server"),
        (
            ["ODBC Driver 17 for SQL Server", "FreeTDS", "ODBC Driver 18 for SQL Server"],
            "ODBC Driver 18 for SQL Server",
        ),
        (["SQLite3", "ODBC Driver 17 for SQL Server"], "ODBC Driver 17 for SQL Server"),
    ],
)
def test_the_newest_driver_that_is_installed_is_taken(
    sql_server: SqlServer, installed: list[str], chosen: str
) -> None:
    sql_server.installed = installed

    assert driver_of(HERE) == chosen


@pytest.mark.parametrize(
    ("installed", "found"),
    [
        ([], "Found: no ODBC driver at all."),
        (["FreeTDS", "SQLite3"], "Found: FreeTDS, SQLite3."),
        (["ODBC Driver 13 for SQL Server"], "Found: ODBC Driver 13 for SQL Server."),
    ],
)
def test_without_a_driver_the_message_says_what_to_install(
    sql_server: SqlServer, installed: list[str], found: str
) -> None:
    sql_server.installed = installed
    store = Store(SERVER_URL)

    with pytest.raises(StoreError, match="Driver 18 or 17 for SQL Server must be") as refusal:
        store.ready()

    assert found in str(refusal.value)
    assert "msodbcsql18" in str(refusal.value)
    assert sql_server.pauses == []


def test_without_unixodbc_the_message_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyodbc", None)  # its import fails

    with pytest.raises(StoreError, match="pyodbc cannot be loaded") as refusal:
        Store(SERVER_URL).ready()

    assert "apt-get install unixodbc" in str(refusal.value)


def test_sqlite_needs_neither_pyodbc_nor_azure() -> None:
    code = (
        "import sys; from clothing.parts import Parts; Parts({}).store.schema_version();"
        "print({'pyodbc', 'azure'} & set(sys.modules))"
    )

    shown = subprocess.run(
        [sys.executable, "-c", code], cwd=PROJECT, capture_output=True, text=True, check=True
    )

    assert shown.stdout.strip() == "set()"


def test_a_name_that_is_unknown_is_said() -> None:
    with pytest.raises(StoreError, match=r"server nowhere\.invalid is not known here"):
        knock("nowhere.invalid", 1433)


def test_a_server_that_does_not_answer_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    def wait_in_vain(address: object, timeout: float) -> None:
        raise TimeoutError

    monkeypatch.setattr("socket.create_connection", wait_in_vain)

    with pytest.raises(StoreError, match="did not answer at port 1433 within 10 s"):
        knock("192.0.2.1", 1433)


def test_a_line_is_kept_for_the_next_statement(sql_server: SqlServer, server_store: Store) -> None:
    server_store.runs()
    before = len(sql_server.lines)

    server_store.runs()

    assert len(sql_server.lines) == before


def test_lines_that_nobody_uses_are_closed_and_opened_again(
    sql_server: SqlServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("clothing.sql_server.IDLE_SECONDS", 0.3)
    store = Store(SERVER_URL)
    store.upgrade()
    assert soon(lambda: all(line.is_closed for line in sql_server.lines))

    for opened in range(len(sql_server.lines), len(sql_server.lines) + 3):
        store.runs()
        assert len(sql_server.lines) == opened + 1
        assert soon(lambda: all(line.is_closed for line in sql_server.lines))

    store.dispose()


def test_a_line_that_is_used_for_long_is_closed_once_it_is_not(
    sql_server: SqlServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("clothing.sql_server.IDLE_SECONDS", 0.1)
    engine = make_engine(HERE)

    with engine.connect():
        sleep(0.5)  # as an upgrade of millions of rows outlasts the time that lines may idle
        assert [line.is_closed for line in sql_server.lines] == [False]

    assert soon(lambda: all(line.is_closed for line in sql_server.lines))


# Its errors


@pytest.mark.parametrize(
    ("error", "passes"),
    [
        (ASLEEP, True),
        (DEADLOCK, True),
        (BROKEN, True),
        *((raised("HY000", "Busy.", number), True) for number in (926, 40197, 40501, 49918, 10928)),
        (raised("42000", 'Cannot open database "x"', 4060), True),
        (Error("08S01", f"[08S01] {MAKER}TCP Provider: Error code 0x68 (104)"), True),
        (Error("08S01", f"[08S01] {MAKER}Communication link failure (0)"), True),
        (Error("HYT00", f"[HYT00] {MAKER}Query timeout expired (0)"), True),
        (NO_LOGIN, False),
        (raised("42000", "Client with IP address '1.2.3.4' is not allowed", 40615), False),
        (raised("42000", "Cannot open server from this network", 40914), False),
        (raised("42S02", "Invalid object name", 208), False),
        (raised("23000", "Violation of UNIQUE KEY", 2627), False),
        (Error("08001", f"[08001] {MAKER}SSL Provider: certificate verify failed (-1)"), False),
        (Error("08001", f"[08001] {MAKER}Protocol error in TDS stream (0)"), False),
        (raised("08001", "Login failed for user 'x'", 18456), False),
        (ValueError("whatever"), False),
    ],
)
def test_errors_that_pass_are_told_from_those_that_stay(error: Exception, passes: bool) -> None:
    assert is_transient(wrapped(error), HERE) is passes
    assert is_transient(wrapped(error), AZURE) is passes


@pytest.mark.parametrize(
    "error",
    [
        Error("HYT00", f"[HYT00] {MAKER}Login timeout expired (0) (SQLDriverConnect)"),
        Error(
            "08001",
            f"[08001] {MAKER}TCP Provider: Timeout error [258]. (258) (SQLDriverConnect); "
            f"[08001] {MAKER}Login timeout expired (0); [08001] {MAKER}Unable to complete login "
            "process due to delay in login response (258)",
        ),
        Error("08001", f"[08001] {MAKER}TCP Provider: Error code 0x20 (32) (SQLDriverConnect)"),
        Error("08001", f"[08001] {MAKER}SSL Provider: [unexpected eof while reading] (-1)"),
    ],
)
def test_a_login_that_breaks_off_passes_where_the_database_may_sleep(error: Error) -> None:
    assert is_transient(wrapped(error), AZURE)
    assert not is_transient(wrapped(error), HERE)
    assert "SQLDriverConnect" not in in_words(wrapped(error), AZURE)


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (NO_LOGIN, ['user "clothing"', "(18456)", "Check user and password"]),
        (
            raised("42000", "Client with IP address '1.2.3.4' is not allowed to access", 40615),
            ["firewall", "1.2.3.4", "(40615)", "firewall-rule create"],
        ),
        (raised("42000", "No.", 40914), ["(40914)", "vnet-rule create"]),
        (raised("42000", "No.", 47073), ["(47073)", "public access"]),
        (
            Error("42000", f"[42000] {MAKER}Cannot open database (4060); [28000] Login (18456)"),
            ["clothingrefund", "(4060)", "Check its name"],
        ),
        (ASLEEP, ["waking up", "(40613)"]),
        (raised("42S02", "Invalid object name 'batch_run'.", 208), ["db upgrade"]),
        (raised("42000", "CREATE TABLE permission denied", 262), ["db upgrade", "(262)"]),
        (raised("42000", "The INSERT permission was denied", 229), ["grants.sql", "(229)"]),
        (raised("HY000", "Something rare.", 12345), ["cannot do this: Something rare"]),
    ],
)
def test_errors_are_said_in_words_with_what_to_do(error: Exception, words: list[str]) -> None:
    said = in_words(wrapped(error), HERE)

    assert [word for word in words if word not in said] == []
    assert "hunter2" not in said and "secret" not in said and "Microsoft][" not in said


def test_an_identity_is_named_where_there_is_no_user() -> None:
    assert "app's Entra identity" in in_words(wrapped(NO_LOGIN), AZURE)


@pytest.mark.parametrize(
    "text",
    [
        "Violation of UNIQUE KEY 'one_answer'. The duplicate key value is (hunter2, 0).",
        "String or binary data would be truncated in table 't'. Truncated value: 'hunter2'.",
    ],
)
def test_the_values_of_a_row_are_not_said(text: str) -> None:
    assert "hunter2" not in in_words(wrapped(raised("23000", text, 2628)), HERE)


# Trying again


def test_the_waits_are_long_enough_for_a_database_that_wakes() -> None:
    assert WAITS[0] == 5 and max(WAITS) == 60
    assert sum(WAITS) == 135 < PATIENCE_SECONDS


def test_a_paused_database_is_waited_for(
    sql_server: SqlServer, caplog: pytest.LogCaptureFixture
) -> None:
    sql_server.fail("connect", ASLEEP, times=4)
    store = Store(SERVER_URL)

    with caplog.at_level(logging.WARNING):
        store.upgrade()
    store.dispose()

    assert sql_server.pauses == [5, 10, 20, 40]
    assert "waking up" in caplog.text and "Trying again in 5 s" in caplog.text
    assert "hunter2" not in caplog.text


def test_a_database_that_does_not_wake_is_given_up(sql_server: SqlServer) -> None:
    sql_server.fail("connect", ASLEEP, times=99)

    with pytest.raises(StoreError, match="try again in a minute"):
        Store(SERVER_URL).upgrade()

    assert sql_server.pauses == list(WAITS)


def test_tries_that_take_long_are_fewer(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = [0.0]
    monkeypatch.setattr("clothing.sql_server.monotonic", lambda: clock[0])
    monkeypatch.setattr("clothing.sql_server.sleep", lambda seconds: add(seconds))

    def add(seconds: float) -> None:
        clock[0] += seconds

    def time_out() -> None:
        add(30)
        raise StoreError("no answer")

    with pytest.raises(StoreError):
        again(time_out, lambda error: True)

    assert clock[0] == 30 + 5 + 30 + 10 + 30 + 20 + 30


class Restarting:
    """A server's port, open until it restarts; at the second pause it opens again.

    Args:
        server: What is behind it.
    """

    def __init__(self, server: SqlServer) -> None:
        self.server = server
        self.pauses: list[float] = []
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]

    def restart(self) -> None:
        self.socket.close()
        for line in self.server.lines:
            line.broken = True

    def restart_amid(self, statement: str) -> None:
        self.socket.close()
        self.server.fail("execute", BROKEN, statement)

    def pause(self, seconds: float) -> None:
        self.pauses.append(seconds)
        if len(self.pauses) == 2:
            self.socket = socket.create_server(("127.0.0.1", self.port))


@pytest.fixture
def restarting(sql_server: SqlServer, monkeypatch: pytest.MonkeyPatch) -> Iterator[Restarting]:
    """Such a server, at whose port one really knocks."""
    server = Restarting(sql_server)
    monkeypatch.setattr("clothing.sql_server.knock", knock)
    monkeypatch.setattr("clothing.sql_server.sleep", server.pause)
    yield server
    server.socket.close()


def store_at(restarting: Restarting) -> Store:
    return Store(SERVER_URL.replace(":1433", f":{restarting.port}"))


@pytest.mark.parametrize(
    "restart",
    [Restarting.restart, lambda server: server.restart_amid("FROM batch_run")],
    ids=["between two statements", "amid one"],
)
def test_a_server_that_restarts_is_waited_for(
    restarting: Restarting, restart: Callable[[Restarting], None]
) -> None:
    store = store_at(restarting)
    store.upgrade()

    restart(restarting)
    runs = store.runs()
    store.dispose()

    assert runs == []
    assert restarting.pauses == [5, 10]


def test_a_server_that_was_never_reached_is_not_waited_for(restarting: Restarting) -> None:
    restarting.restart()

    with pytest.raises(StoreError, match="does not listen at port"):
        store_at(restarting).ready()

    assert restarting.pauses == []


@pytest.mark.parametrize(
    "away", [TimeoutError(), socket.gaierror(socket.EAI_AGAIN, "no answer"), ConnectionResetError()]
)
def test_azures_gateway_is_waited_for_though_it_was_never_reached(
    restarting: Restarting, monkeypatch: pytest.MonkeyPatch, away: OSError
) -> None:
    def connect(*asked: Any, **options: Any) -> socket.socket:
        if len(restarting.pauses) < 2:
            raise away
        return socket.socket()

    restarting.restart()
    monkeypatch.setattr("socket.create_connection", connect)
    store = Store(SERVER_URL.replace("127.0.0.1", "shop.Database.windows.net"))

    store.upgrade()
    store.dispose()

    assert restarting.pauses == [5, 10]


def test_a_name_that_nobody_has_at_azure_is_said_at_once(
    restarting: Restarting, monkeypatch: pytest.MonkeyPatch
) -> None:
    def connect(*asked: Any, **options: Any) -> socket.socket:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr("socket.create_connection", connect)

    with pytest.raises(StoreError, match="is not known here"):
        Store(SERVER_URL.replace("127.0.0.1", "shop.database.windows.net")).ready()

    assert restarting.pauses == []


def test_a_server_that_stays_away_is_given_up_and_then_not_waited_for(
    restarting: Restarting, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = [1000.0]

    def pause(seconds: float) -> None:
        restarting.pauses.append(seconds)
        clock[0] += seconds + 3

    monkeypatch.setattr("clothing.sql_server.monotonic", lambda: clock[0])
    monkeypatch.setattr("clothing.sql_server.sleep", pause)
    store = store_at(restarting)
    store.upgrade()
    restarting.restart()

    for _ in range(2):
        with pytest.raises(StoreError, match="does not listen at port"):
            store.runs()
        assert restarting.pauses == list(WAITS)
        clock[0] += 1


@pytest.mark.parametrize(
    ("number", "pauses"), [(socket.EAI_AGAIN, [5, 10]), (socket.EAI_NONAME, [])]
)
def test_a_name_that_cannot_be_looked_up_just_now_is_waited_for(
    restarting: Restarting, monkeypatch: pytest.MonkeyPatch, number: int, pauses: list[float]
) -> None:
    connect = socket.create_connection
    store = store_at(restarting)
    store.upgrade()
    restarting.restart()

    def look_up(*asked: Any, **options: Any) -> socket.socket:
        if len(restarting.pauses) < 2:
            raise socket.gaierror(number, "no such name")
        return connect(*asked, **options)

    monkeypatch.setattr("socket.create_connection", look_up)
    try:
        store.runs()
    except StoreError as error:
        assert not pauses and "is not known here" in str(error)
    store.dispose()

    assert restarting.pauses == pauses


def test_who_is_impatient_asks_once(sql_server: SqlServer) -> None:
    sql_server.fail("connect", ASLEEP)

    with pytest.raises(StoreError, match="waking up"):
        Store(SERVER_URL).ready(patient=False)

    assert sql_server.pauses == []


def test_the_version_of_the_tables_is_asked_with_patience(sql_server: SqlServer) -> None:
    sql_server.fail("connect", ASLEEP)

    assert Store(SERVER_URL).schema_version() is None
    assert sql_server.pauses == [5]


def test_tables_that_are_not_there_are_said_with_what_to_do(sql_server: SqlServer) -> None:
    sql_server.fail("connect", ASLEEP)

    with pytest.raises(StoreError, match="Received: none. Run: python -m clothing db upgrade"):
        Store(SERVER_URL).ready()
    assert sql_server.pauses == [5]


def test_the_clock_is_the_servers(sql_server: SqlServer, server_store: Store) -> None:
    sql_server.clock_is_late_by = 3600

    late = datetime.now(UTC) - server_store.clock()

    assert timedelta(seconds=3590) < late < timedelta(seconds=3610)


@pytest.mark.parametrize("error", [NO_LOGIN, raised("42000", "No.", 40615)])
def test_a_login_that_is_refused_is_not_tried_again(sql_server: SqlServer, error: Error) -> None:
    sql_server.fail("connect", error)

    with pytest.raises(StoreError, match="refuses"):
        Store(SERVER_URL).upgrade()

    assert sql_server.pauses == []
    assert not sql_server.lines
    assert not sql_server.faults


MOMENTS: list[tuple[Moment, str]] = [
    ("execute", "INSERT INTO image_prediction"),
    ("execute", "INSERT INTO image_probabilities"),
    ("execute", "INSERT INTO image_failure"),
    ("execute", "UPDATE batch_run"),
    ("commit", ""),
    ("committed", ""),
]


@pytest.mark.parametrize("error", [DEADLOCK, BROKEN, ASLEEP], ids=["deadlock", "broken", "asleep"])
@pytest.mark.parametrize(("moment", "at"), MOMENTS)
def test_a_batch_is_saved_once_wherever_its_save_fails(
    sql_server: SqlServer, server_store: Store, moment: Moment, at: str, error: Error
) -> None:
    run = an_open_run(server_store)
    sql_server.fail(moment, error, at)

    server_store.save(run, [*BATCH, FAILURE], COUNTS)

    assert [one.prediction for one in server_store.predictions()] == BATCH
    assert list(server_store.failures(run.run_id, [FAILURE.photo]).values()) == [FAILURE]
    assert server_store.run(run.run_id).counts == COUNTS
    assert sql_server.pauses == [5]
    assert not sql_server.faults


def test_a_batch_is_saved_once_whatever_else_fails_on_the_way(
    sql_server: SqlServer, server_store: Store
) -> None:
    run = an_open_run(server_store)
    sql_server.fail("commit", BROKEN)
    sql_server.fail("committed", BROKEN)
    sql_server.fail("connect", ASLEEP)

    server_store.save(run, [*BATCH, FAILURE], COUNTS)

    assert [one.prediction for one in server_store.predictions()] == BATCH
    assert sql_server.pauses == [5, 10, 20]


def test_a_save_that_was_given_up_and_came_through_is_no_error(
    sql_server: SqlServer, server_store: Store
) -> None:
    """As when its commit goes on at the server, and is seen there only after our own insert."""
    run = an_open_run(server_store)
    sql_server.fail("execute", DUPLICATE, "INSERT INTO image_prediction")

    server_store.save(run, [*BATCH, FAILURE], COUNTS)

    assert [one.prediction for one in server_store.predictions()] == BATCH
    assert list(server_store.failures(run.run_id, [FAILURE.photo]).values()) == [FAILURE]


def test_a_run_whose_opening_was_never_answered_is_not_opened_twice(
    sql_server: SqlServer, server_store: Store
) -> None:
    with patch.object(server_store, "interrupt_stale_runs"):  # the next commit is the opening's
        sql_server.fail("committed", BROKEN)
        run = server_store.open_run("http")

    assert [one.run_id for one in server_store.runs()] == [run.run_id]
    assert run.status == "running"
    assert sql_server.pauses == [5]


def test_a_run_of_another_stays_another_ones(sql_server: SqlServer, server_store: Store) -> None:
    first = server_store.open_run("http")
    sleep(ANOTHER_MOMENT)
    sql_server.fail("execute", DEADLOCK, "INSERT INTO batch_run")

    with pytest.raises(ActiveRunError) as refused:
        server_store.open_run("command")

    assert refused.value.run_id == first.run_id


def test_what_the_server_forbids_is_not_tried_again(
    sql_server: SqlServer, server_store: Store
) -> None:
    forbidden = raised("42000", "The INSERT permission was denied.", 229)
    sql_server.fail("execute", forbidden, "INSERT INTO batch_run")
    with pytest.raises(StoreError, match="no right"):
        server_store.open_run("http")

    run = an_open_run(server_store)
    sql_server.fail("execute", forbidden, "INSERT INTO image_prediction")
    with pytest.raises(StoreError, match="no right"):
        server_store.save(run, BATCH, COUNTS)

    assert server_store.predictions() == []


def test_an_opening_that_somebody_elses_run_met_on_its_second_try_is_refused(
    sql_server: SqlServer, server_store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first try was lost; before the second one, another program opened a run."""
    other = Store(SERVER_URL)

    def open_another(seconds: float) -> None:
        sleep(ANOTHER_MOMENT)
        other.open_run("command")

    sql_server.fail("execute", DEADLOCK, "INSERT INTO batch_run")
    monkeypatch.setattr("clothing.sql_server.sleep", open_another)

    with pytest.raises(ActiveRunError):
        server_store.open_run("http")

    assert [run.trigger for run in server_store.runs()] == ["command"]
    other.dispose()


@pytest.mark.parametrize("moment", ["commit", "committed"])
def test_a_run_is_closed_once(sql_server: SqlServer, server_store: Store, moment: Moment) -> None:
    run = an_open_run(server_store)
    sql_server.fail(moment, BROKEN)

    server_store.close_run(run.run_id, "succeeded", COUNTS, None)

    closed = server_store.run(run.run_id)
    assert (closed.status, closed.counts) == ("succeeded", COUNTS)


def test_a_heartbeat_is_not_tried_again(sql_server: SqlServer, server_store: Store) -> None:
    run = an_open_run(server_store)
    sql_server.fail("commit", BROKEN)

    with pytest.raises(StoreError, match="line to the database server"):
        server_store.beat(run.run_id, Counts(), None)
    server_store.beat(run.run_id, Counts(), None)

    assert sql_server.pauses == []


def test_a_question_is_asked_again(sql_server: SqlServer, server_store: Store) -> None:
    sql_server.fail("execute", BROKEN, "FROM batch_run")

    assert server_store.runs() == []
    assert sql_server.pauses == [5]


def test_of_two_upgrades_the_slower_one_finds_all_done(
    sql_server: SqlServer, server_store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    def meet_its_tables(connection: object) -> None:
        raise wrapped(THERE_ALREADY)

    monkeypatch.setattr("clothing.database._upgrade", meet_its_tables)

    server_store.upgrade()

    assert server_store.schema_version() == SCHEMA_VERSION


def test_an_upgrade_that_meets_tables_of_another_version_is_an_error(
    sql_server: SqlServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    def meet_its_tables(connection: object) -> None:
        raise wrapped(THERE_ALREADY)

    monkeypatch.setattr("clothing.database._upgrade", meet_its_tables)

    with pytest.raises(StoreError, match="already an object"):
        Store(SERVER_URL).upgrade()


def test_an_upgrade_that_is_refused_a_login_is_an_error_though_all_is_done(
    sql_server: SqlServer, server_store: Store
) -> None:
    server_store.dispose()
    sql_server.fail("connect", NO_LOGIN)

    with pytest.raises(StoreError, match="refuses"):
        server_store.upgrade()


def test_the_commands_need_nothing_but_the_setting(
    sql_server: SqlServer, runner: CliRunner, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", SERVER_URL)

    refused = runner.invoke(main, ["run"])
    upgraded = runner.invoke(main, ["db", "upgrade"])
    first = runner.invoke(main, ["run", "--json"])
    second = runner.invoke(main, ["run", "--json"])

    assert refused.exit_code == 1
    assert "Run: python -m clothing db upgrade" in " ".join(refused.output.split())
    assert upgraded.output == f"The schema is {SCHEMA_VERSION} (before: none).\n"
    assert (first.exit_code, json.loads(first.stdout)["classified"]) == (0, 3)
    assert (second.exit_code, json.loads(second.stdout)["skipped"]) == (0, 3)


def test_only_the_upgrade_may_take_longer_than_a_minute(
    sql_server: SqlServer, server_store: Store
) -> None:
    server_store.runs()

    seconds = {text.split()[0]: limit for text, limit in sql_server.statements.items()}
    assert seconds["CREATE"] == 0

    server_store.dispose()
    server_store.runs()
    assert {limit for text, limit in sql_server.statements.items() if "TOP" in text} == {60}


# What is sent


def test_the_reviewed_statements_are_current() -> None:
    stale = "review the difference of: python -m tests.renew_statements"

    assert GOLDEN.read_text(encoding="utf-8") == golden_statements(), stale


def test_every_operation_is_among_the_reviewed_ones() -> None:
    public = {
        name
        for name, member in inspect.getmembers(Store, inspect.isfunction)
        if not name.startswith("_")
    } - {"read", "write"}  # what goes through them is another module's

    assert public <= set(operations(Store(SERVER_URL)))


@pytest.mark.parametrize("module", [questions, forgetting])
def test_every_question_is_among_the_reviewed_ones(module: ModuleType) -> None:
    public = {
        f"{module.__name__.removeprefix('clothing.')}: {name}"
        for name, member in inspect.getmembers(module, inspect.isfunction)
        if not name.startswith("_") and member.__module__ == module.__name__
    }

    assert public and public <= set(operations(Store(SERVER_URL)))


def test_every_reviewed_statement_is_t_sql() -> None:
    statements = sqlglot.parse(
        GOLDEN.read_text(encoding="utf-8").replace("?, …", "?").replace("TOP n", "TOP 1"),
        read="tsql",
        error_level=sqlglot.ErrorLevel.RAISE,
    )

    assert len(statements) > 30
    assert "Command" not in {type(statement).__name__ for statement in statements}


# The doctor


def checks(environ: dict[str, str], address: str) -> dict[str, Any]:
    found = examine({**environ, "DATABASE_URL": address})
    return {check.name: check for check in found}


def test_the_doctor_says_what_there_is_of_a_server(
    server_store: Store, environ: dict[str, str]
) -> None:
    found = checks(environ, SERVER_URL + "?TrustServerCertificate=yes")

    assert found["odbc driver"].found == "ODBC Driver 18 for SQL Server"
    assert found["database"].found == "mssql+pyodbc://clothing:***@127.0.0.1:1433/clothingrefund"
    assert found["schema"].found == SCHEMA_VERSION
    assert "from the database's" in found["clock"].found
    assert all(check.ok for check in found.values())


@pytest.mark.parametrize(
    ("trouble", "name", "words"),
    [
        ("driver", "odbc driver", "msodbcsql18"),
        ("login", "database", "refuses the login"),
        ("schema", "schema", "python -m clothing db upgrade"),
        ("clock", "clock", "differ by 3600 s"),
    ],
)
def test_the_doctor_says_what_is_wrong_with_a_server(
    sql_server: SqlServer, environ: dict[str, str], trouble: str, name: str, words: str
) -> None:
    if trouble == "driver":
        sql_server.installed = []
    if trouble == "login":
        sql_server.fail("connect", NO_LOGIN)
    if trouble == "clock":
        store = Store(SERVER_URL)
        store.upgrade()
        store.dispose()
        sql_server.clock_is_late_by = 3600

    found = checks(environ, SERVER_URL)

    assert not found[name].ok
    assert words in found[name].found
    assert found[name].remedy
    behind = [check for check in found.values() if check.found == "not looked at"]
    assert len(behind) == 3 - ["odbc driver", "database", "schema", "clock"].index(name)
