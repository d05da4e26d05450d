"""`startup.sh` as Azure Web App calls it: a real gunicorn, ended politely and not so politely."""

import os
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psutil
import pytest

from clothing.config import PROJECT
from tests.pictures import many_photos
from tests.serving import KEY, Service, environ_of_azure, service

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform == "win32", reason="gunicorn is not for Windows"),
]


@pytest.fixture
def azure(environ: dict[str, str], tmp_path: Path) -> dict[str, str]:
    """Settings of a Web App over the folder of three photos; its temporary folder is the test's."""
    (tmp_path / "tmp").mkdir()
    return environ_of_azure(environ, TMPDIR=str(tmp_path / "tmp"), BATCH_SIZE="8")


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """Where the service writes what it has to say."""
    return tmp_path / "log"


@pytest.fixture
def number(storage: Path) -> int:
    """Many photos beside the three, so that a run over them takes a while: how many there are."""
    many_photos(storage / "images", 1000)
    return 1003


def answers_in(tmp_path: Path) -> list[str]:
    """Return the names of all photos that have an answer, one for each row."""
    connection = sqlite3.connect(tmp_path / "clothing.db")
    try:
        rows = connection.execute("SELECT image_filename FROM image_prediction")
        return [name for (name,) in rows]
    finally:
        connection.close()


def start(environ: dict[str, str]) -> "subprocess.CompletedProcess[str]":
    """Run `startup.sh` where it is not expected to stay."""
    return subprocess.run(
        [PROJECT / "startup.sh"], env=environ, capture_output=True, text=True, timeout=60
    )


def test_it_comes_up_and_is_ready(azure: dict[str, str], log: Path, tmp_path: Path) -> None:
    with service(azure, log) as served:
        assert served.ask("/health/ready")[1]["status"] == "ready"
        assert served.ask("/api/runs")[0] == 200
        assert served.ask("/api/runs", **{"X-API-Key": "wrong"})[0] == 401
        assert served.ask("/prediction", "POST")[1]["run"]["status"] == "succeeded"
        assert served.worker().memory_info().rss < 500 * 2**20

    assert list((tmp_path / "tmp").glob("clothing-models-*/*.tflite"))


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"API_KEY": ""}, "API_KEY must be set where the app is reachable, and this is Azure."),
        (
            {
                "API_KEY": "@Microsoft.KeyVault(SecretUri=https://kv.vault.azure.net/secrets/api-key)"
            },
            "API_KEY is a Key Vault reference that was not resolved.",
        ),
        (
            {"SECRET_KEY": "@Microsoft.KeyVault(SecretUri=https://kv.vault.azure.net/secrets/x)"},
            "SECRET_KEY is a Key Vault reference that was not resolved.",
        ),
        ({"PORT": "http"}, "PORT takes 1 to 65535. Received: 'http'."),
        ({"BATCH_SIZE": "0"}, "BATCH_SIZE takes 1 to 4096. Received: '0'."),
    ],
)
def test_settings_that_cannot_be_used_end_it_with_one_line(
    azure: dict[str, str], change: dict[str, str], complaint: str
) -> None:
    ended = start({**azure, **change})

    assert ended.returncode == 2
    assert ended.stderr.startswith(f"Error: {complaint}")
    assert len(ended.stderr.splitlines()) == 1
    assert ended.stdout == ""


@pytest.mark.parametrize("host", ["0.0.0.0", "::"])
def test_elsewhere_too_a_reachable_address_needs_a_key(azure: dict[str, str], host: str) -> None:
    del azure["WEBSITE_HOSTNAME"]

    ended = start({**azure, "API_KEY": "", "HOST": host})

    assert ended.returncode == 2
    assert ended.stderr == (
        f"Error: HOST={host} is reachable from other computers, so API_KEY must be set. For this "
        "computer alone, HOST is 127.0.0.1; some shells set it to their own name.\n"
    )


@pytest.mark.parametrize(("sent", "code"), [(signal.SIGTERM, 0), (signal.SIGKILL, -signal.SIGKILL)])
def test_a_run_goes_on_when_gunicorn_is_restarted_or_killed(
    azure: dict[str, str], log: Path, number: int, tmp_path: Path, sent: int, code: int
) -> None:
    with service(azure, log) as before:
        run_id = before.start_run()
        before.wait_for_predictions()
        assert before.stop(sent) == code

    with service(azure, log) as after:
        run = after.ended(run_id)

    assert (run["status"], run["classified"]) == ("succeeded", number)
    assert len(answers_in(tmp_path)) == len(set(answers_in(tmp_path))) == number


def test_a_killed_worker_is_replaced_and_the_run_goes_on(
    azure: dict[str, str], log: Path, number: int
) -> None:
    with service(azure, log) as served:
        run_id = served.start_run()
        served.wait_for_predictions()
        os.kill(served.worker().pid, signal.SIGKILL)
        served.wait_until_ready()

        run = served.ended(run_id)

    assert (run["status"], run["classified"]) == ("succeeded", number)


def test_a_killed_container_leaves_a_run_that_the_next_one_finishes(
    azure: dict[str, str], log: Path, number: int, tmp_path: Path
) -> None:
    """The platform ends everything in a container at once, runs as well."""
    with service(azure, log) as before:
        run_id = before.start_run()
        before.wait_for_predictions()
        kill_all(before)
    done = len(answers_in(tmp_path))

    with service(azure, log) as after:
        assert after.ask("/prediction", "POST")[0] == 202  # it may still live: nobody knows yet
        let_a_minute_pass(tmp_path)
        again = after.ask("/prediction", "POST")[1]["run"]
        first = after.ended(run_id)

    assert (first["status"], first["error"]) == ("interrupted", "no sign of life for 60 s")
    assert 0 < done < number
    assert (again["status"], again["skipped"], again["classified"]) == (
        "succeeded",
        done,
        number - done,
    )
    assert len(answers_in(tmp_path)) == len(set(answers_in(tmp_path))) == number


def test_who_sends_slowly_keeps_nobody_else_waiting(azure: dict[str, str], log: Path) -> None:
    half = (
        b"POST /sign-in HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\nSec-Fetch-Site: same-origin"
        b"\r\nContent-Type: application/x-www-form-urlencoded\r\n\r\nkey=abc"
    )
    with service(azure, log) as served, ExitStack() as slow:
        for _ in range(20):
            line = socket.create_connection(("127.0.0.1", int(azure["PORT"])))
            slow.enter_context(line)
            line.sendall(half)
        time.sleep(1)  # until each of them has a thread

        assert served.ask("/health/live")[0] == 200


def kill_all(served: Service) -> None:
    """End arbiter, worker and run without a chance to say anything."""
    processes = [psutil.Process(served.arbiter.pid), served.worker(), *served.runs()]
    for one in processes:
        os.kill(one.pid, signal.SIGKILL)
    served.arbiter.wait(timeout=60)
    psutil.wait_procs(processes, timeout=60)


def let_a_minute_pass(tmp_path: Path) -> None:
    """Put the last sign of life of all runs where it is after a minute."""
    before = (datetime.now(UTC) - timedelta(seconds=70)).strftime("%Y-%m-%d %H:%M:%S.%f")
    connection = sqlite3.connect(tmp_path / "clothing.db")
    try:
        with connection:
            connection.execute("UPDATE batch_run SET heartbeat_at = ?", (before,))
    finally:
        connection.close()


def test_the_front_end_is_believed_in_azure_only(azure: dict[str, str], log: Path) -> None:
    """Signing in through https must not be taken for another site's doing."""
    origin = {"Origin": "https://shop.example", "X-Forwarded-Host": "shop.example"}
    with service(azure, log) as served:
        assert served.ask("/prediction", "POST", **origin)[0] == 200

    del azure["WEBSITE_HOSTNAME"]
    with service(azure, log) as served:
        assert served.ask("/prediction", "POST", **origin)[0] == 403


def test_without_tensorflow_a_bare_keras_is_named_with_its_remedy(
    azure: dict[str, str], log: Path, storage: Path, tmp_path: Path
) -> None:
    for file in ("clothing_model.json", "clothing_model.tflite"):
        (storage / "model" / file).unlink()
    (tmp_path / "without").mkdir()
    (tmp_path / "without" / "keras.py").write_text("raise ImportError('as where Azure serves')\n")
    azure["PYTHONPATH"] = str(tmp_path / "without")

    served = Service(azure, log)
    try:
        while (answer := served.ask("/health/ready"))[0] == 0:
            assert served.arbiter.poll() is None, log.read_text()
        doctor = subprocess.run(
            [sys.executable, "-m", "clothing", "doctor"],
            cwd=PROJECT,
            env=azure,
            capture_output=True,
            text=True,
        )
    finally:
        served.stop()

    assert answer[0] == 503
    for said in (answer[1]["checks"]["model"], doctor.stdout):
        assert "This .keras model has no compiled one beside it" in said
        assert "TensorFlow is not installed here" in said
        assert "python -m clothing model publish" in said
    assert doctor.returncode == 1
    assert KEY not in doctor.stdout + doctor.stderr + log.read_text()
