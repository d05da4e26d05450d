"""What people read when Microsoft's real ODBC driver cannot reach the database, and how soon."""

import platform
import time
from pathlib import Path

import pytest

from clothing.errors import StoreError
from clothing.sql_server import is_transient, load_pyodbc
from clothing.store import Store
from tests.needs import go_without
from tests.serving import free_port
from tests.sql_servers import listening, say_nothing, self_signed, show_certificate, speak_http

LOGIN_SECONDS = 2
"""Instead of 30: what is tested is that the driver keeps to it."""


@pytest.fixture
def driver(monkeypatch: pytest.MonkeyPatch) -> str:
    """The driver that the wheel brings; without one, or unixODBC, skip the test (in CI, fail)."""
    monkeypatch.setattr("clothing.sql_server.LOGIN_SECONDS", LOGIN_SECONDS)
    try:
        load_pyodbc()
        return str(_driver_file())
    except (StoreError, LookupError) as error:
        go_without(f"the ODBC driver cannot be used: {error}")


def _driver_file() -> Path:
    import mssql_python_odbc

    system = {"Linux": "linux/debian_ubuntu", "Darwin": "macos", "Windows": "windows"}
    machine = platform.machine().lower().replace("amd64", "x86_64").replace("aarch64", "arm64")
    folder = Path(mssql_python_odbc.get_libs_dir()) / system[platform.system()] / machine
    found = sorted(folder.rglob("*msodbcsql*18*"))
    if not found:
        raise LookupError(f"there is none in {folder}")
    return found[0]


def refused(port: int, driver: str, options: str = "") -> tuple[StoreError, float]:
    """Ask a server for its clock, and return how it was refused and after how many seconds."""
    address = f"mssql+pyodbc://clothing:hunter2@127.0.0.1:{port}/clothingrefund"
    store = Store(f"{address}?driver={driver}{options}")
    begun = time.monotonic()
    with pytest.raises(StoreError) as refusal:
        store.clock()
    store.dispose()
    assert "hunter2" not in str(refusal.value)
    assert not is_transient(refusal.value.__cause__, store.url)
    return refusal.value, time.monotonic() - begun


def test_a_closed_port_is_said_at_once(driver: str) -> None:
    port = free_port()

    error, seconds = refused(port, driver)

    assert f"does not listen at port {port}: Connection refused" in str(error)
    assert "Check host and port in DATABASE_URL" in str(error)
    assert seconds < 2


def test_a_server_that_keeps_silent_is_given_up_after_the_time_for_a_login(driver: str) -> None:
    with listening(say_nothing) as port:
        error, seconds = refused(port, driver)

    assert f"at port {port}, but did not finish the login within {LOGIN_SECONDS} s" in str(error)
    assert LOGIN_SECONDS - 0.5 < seconds < LOGIN_SECONDS + 3


def test_a_server_that_is_no_sql_server_is_recognised(driver: str) -> None:
    with listening(speak_http) as port:
        error, seconds = refused(port, driver)

    assert f"at 127.0.0.1, port {port}, is no SQL Server" in str(error)
    assert seconds < LOGIN_SECONDS + 3


def test_a_certificate_of_nobody_is_refused(driver: str, tmp_path: Path) -> None:
    with listening(show_certificate(self_signed(tmp_path))) as port:
        error, seconds = refused(port, driver)

    assert "certificate of 127.0.0.1 is not trusted" in str(error)
    assert "TrustServerCertificate=yes" in str(error)
    assert seconds < LOGIN_SECONDS + 3


def test_a_test_server_is_trusted_if_that_is_asked_for(driver: str, tmp_path: Path) -> None:
    with listening(show_certificate(self_signed(tmp_path))) as port:
        error, _ = refused(port, driver, "&TrustServerCertificate=yes")

    assert "certificate" not in str(error)  # it hung up only after it was trusted


def test_a_driver_that_is_not_there_is_said(driver: str) -> None:
    with listening(say_nothing) as port:
        error, seconds = refused(port, driver + ".gone")

    assert "The ODBC driver cannot be loaded" in str(error)
    assert "Install Microsoft's ODBC Driver 18" in str(error)
    assert seconds < 2


def test_pooling_is_left_to_sqlalchemy(driver: str) -> None:
    assert load_pyodbc().pooling is False
