"""`deploy/schedule/nightly.sh`, which schedulers call, against the service as Azure starts it."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from clothing.config import PROJECT
from tests.alive import soon
from tests.pictures import many_photos
from tests.serving import KEY, Service, environ_of_azure, free_port, service

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform == "win32", reason="a shell script"),
]

NIGHTLY = PROJECT / "deploy" / "schedule" / "nightly.sh"


@pytest.fixture
def azure(environ: dict[str, str]) -> dict[str, str]:
    """Settings of a Web App over the folder of three photos."""
    return environ_of_azure(environ, BATCH_SIZE="8")


@pytest.fixture
def served(azure: dict[str, str], tmp_path: Path) -> Iterator[Service]:
    """A service that is ready."""
    with service(azure, tmp_path / "log") as served:
        yield served


@contextmanager
def begun(url: str, **settings: str) -> "Iterator[subprocess.Popen[str]]":
    """Start the script as a scheduler does: with settings in its environment and nothing else."""
    quick = {"POLL_SECONDS": "1", "RETRIES": "1", "API_KEY": KEY, "SERVICE_URL": url}
    script = subprocess.Popen(
        [NIGHTLY],
        env={"PATH": os.environ["PATH"], **quick, **settings},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    with script:
        try:
            yield script
        finally:
            script.kill()


def nightly(url: str, **settings: str) -> tuple[int, str, str]:
    """Run the script to its end; return exit code, output and complaints."""
    with begun(url, **settings) as script:
        output, complaint = script.communicate(timeout=300)
    assert KEY not in output + complaint
    return script.returncode, output, complaint


def test_a_run_that_went_well(served: Service) -> None:
    code, output, complaint = nightly(served.url + "/")

    assert (code, complaint) == (0, "")
    assert "Run 1 succeeded: 3 photos, 3 classified, 0 unreadable, 0 done before." in output


def test_a_webjob_knows_its_service(served: Service) -> None:
    """Of the settings it needs none; its address is https, which this service is not."""
    code, _, complaint = nightly("", WEBSITE_HOSTNAME=served.url.removeprefix("http://"))

    assert code == 1
    assert "could not be started" in complaint


def test_a_run_that_failed(served: Service, storage: Path) -> None:
    (storage / "model" / "clothing_model.keras").unlink()

    code, output, complaint = nightly(served.url)

    assert (code, output) == (1, "")
    assert "Run 1 failed: " in complaint
    assert "has no clothing_model.keras" in complaint


def test_a_run_that_fails_while_it_is_followed(served: Service, storage: Path) -> None:
    (storage / "model" / "clothing_model.keras").unlink()

    code, _, complaint = nightly(served.url, WAIT_SECONDS="0")

    assert code == 1
    assert "has no clothing_model.keras" in complaint


def test_another_run_is_waited_for_and_then_ours_begins(served: Service, storage: Path) -> None:
    many_photos(storage / "images", 900)
    run_id = served.start_run()
    served_predictions(served)
    (storage / "images" / "later").mkdir()
    many_photos(storage / "images" / "later", 5)

    code, output, _ = nightly(served.url)

    assert code == 0
    assert re.search(rf"Run {run_id} goes on: \d+ photos classified\.", output)
    assert f"Run {run_id} was somebody else's and is over (succeeded); now ours." in output
    assert f"Run {run_id + 1} succeeded: 908 photos" in output
    assert len(served.ask("/api/runs")[1]["runs"]) == 2


def test_after_another_run_nothing_may_be_new(served: Service, storage: Path) -> None:
    many_photos(storage / "images", 900)
    served.start_run()

    code, output, _ = nightly(served.url)

    assert code == 0
    assert "Run 2 succeeded: 903 photos, 0 classified, 0 unreadable, 903 done before." in output


def test_a_run_that_takes_longer_than_a_request_may(served: Service, storage: Path) -> None:
    many_photos(storage / "images", 900)

    code, output, _ = nightly(served.url, WAIT_SECONDS="0")

    assert code == 0
    assert re.search(r"Run 1 goes on: \d+ photos classified\.", output)
    assert "Run 1 succeeded: 903 photos, 903 classified" in output


def test_a_run_that_takes_too_long_is_left_alone(served: Service, storage: Path) -> None:
    many_photos(storage / "images", 900)

    code, _, complaint = nightly(served.url, WAIT_SECONDS="0", LIMIT_SECONDS="0")

    assert code == 1
    assert "still goes on after 0 s" in complaint
    assert served.ended(1)["status"] == "succeeded"


def test_an_interrupted_run_is_started_again(served: Service, storage: Path) -> None:
    many_photos(storage / "images", 900)
    with begun(served.url, WAIT_SECONDS="0") as script:
        served_predictions(served)
        (run,) = served.runs()
        os.kill(run.pid, signal.SIGKILL)

        output, _ = script.communicate(timeout=300)

    assert script.returncode == 0
    assert "Run 1 was interrupted; the next one finishes its work." in output
    assert "Run 2 succeeded: 903 photos" in output


def test_a_restart_of_the_service_is_outlasted(
    served: Service, azure: dict[str, str], storage: Path, tmp_path: Path
) -> None:
    many_photos(storage / "images", 900)
    with begun(served.url, WAIT_SECONDS="0", RETRIES="30") as script:
        served_predictions(served)
        served.stop()

        with service(azure, tmp_path / "log"):
            output, _ = script.communicate(timeout=300)

    assert script.returncode == 0
    assert "Run 1 succeeded: 903 photos, 903 classified" in output


def served_predictions(served: Service) -> None:
    """Return once the script's run has stored something."""
    assert soon(lambda: bool(served.runs()))
    served.wait_for_predictions()


def test_no_list_of_processes_shows_the_key(served: Service, storage: Path) -> None:
    many_photos(storage / "images", 900)
    with begun(served.url) as script:
        assert soon(lambda: bool(served.runs()))

        family = [psutil.Process(script.pid), *psutil.Process(script.pid).children(recursive=True)]
        commands = [" ".join(one.cmdline()) for one in family]
        script.communicate(timeout=300)

    assert any("curl" in command for command in commands)
    assert not any(KEY in command for command in commands)


def test_nobody_there() -> None:
    code, _, complaint = nightly(f"http://127.0.0.1:{free_port()}")

    assert code == 1
    assert "The run could not be started: curl: (7)" in complaint


def test_a_wrong_key(served: Service) -> None:
    code, _, complaint = nightly(served.url, API_KEY="wrong")

    assert code == 1
    assert "API_KEY is not this service's key." in complaint
    assert served.ask("/api/runs")[1]["runs"] == []


def test_any_key_arrives_as_it_is(azure: dict[str, str], tmp_path: Path) -> None:
    odd = 'a "quoted" \\ key, $HOME and `more`'
    with service({**azure, "API_KEY": odd}, tmp_path / "log") as served:
        code, _, _ = nightly(served.url, API_KEY=odd)

    assert code == 0


def test_a_night_without_new_photos_is_told(served: Service) -> None:
    nightly(served.url)

    code, _, complaint = nightly(served.url)

    assert code == 4
    assert "classified nothing" in complaint
    assert nightly(served.url, NOTHING_NEW="ok")[0] == 0


def test_too_many_failures_are_told_once(served: Service, storage: Path) -> None:
    (storage / "images" / "broken.jpg").write_bytes(b"")

    code, output, complaint = nightly(served.url)
    later, _, _ = nightly(served.url, NOTHING_NEW="ok")

    assert (code, later) == (3, 0)
    assert "Run 1 succeeded: 4 photos, 3 classified, 1 unreadable" in output
    assert "Run 1: More photos failed than ERROR_THRESHOLD=10% allows." in complaint


@pytest.mark.parametrize(
    ("settings", "complaint"),
    [
        ({"SERVICE_URL": ""}, "SERVICE_URL takes an address"),
        ({"SERVICE_URL": "file:///etc/passwd"}, "SERVICE_URL takes an address"),
        ({"WAIT_SECONDS": "2 min"}, "take whole numbers. Received: 2 min."),
    ],
)
def test_a_setting_that_cannot_be_used(settings: dict[str, str], complaint: str) -> None:
    code, output, complained = nightly("http://127.0.0.1:1", **settings)

    assert (code, output) == (2, "")
    assert complaint in complained
