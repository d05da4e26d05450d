"""One photo's whole way, through real processes: a folder, a server, curl's request, the page."""

import json
import socket
import sqlite3
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from clothing.config import PROJECT
from tests.pictures import jpeg
from tests.serving import SERVE, free_port, serving

MOST_MEMORY = 300 * 2**20
"""What each process of the service may take, in bytes."""


@pytest.fixture
def served(environ: dict[str, str]) -> Iterator[tuple[str, psutil.Process]]:
    """The address of the app as `make run` serves it, and its process."""
    port = str(free_port())
    with serving({**environ, "PORT": port}) as server:
        yield f"http://127.0.0.1:{port}", psutil.Process(server.pid)


def test_a_photo_in_a_folder_ends_as_a_category_on_a_page(
    served: tuple[str, psutil.Process], storage: Path, tmp_path: Path
) -> None:
    address, server = served
    (storage / "images" / "garment on a floor.jpg").write_bytes(jpeg(size=(900, 1200)))

    answer = _post(f"{address}/prediction")

    assert answer["run"]["classified"] == 4
    entries = {entry["image_name"]: entry for entry in answer["batch_results"]}
    category = entries["garment on a floor.jpg"]["predicted_category"]
    with sqlite3.connect(tmp_path / "clothing.db") as connection:
        rows = connection.execute(
            "SELECT predicted_category FROM image_prediction JOIN image_probabilities "
            "USING (image_id) WHERE image_filename = 'garment on a floor.jpg'"
        ).fetchall()
    connection.close()
    assert rows == [(category,)]
    with urllib.request.urlopen(address, timeout=30) as page:
        assert "garment on a floor.jpg" in page.read().decode()
    with urllib.request.urlopen(f"{address}/health/ready", timeout=60) as ready:
        assert ready.status == 200
    assert server.memory_info().rss < MOST_MEMORY


@pytest.mark.parametrize(
    "program",
    [
        "from clothing.cli import main; main(['run'], standalone_mode=False)",
        "from clothing.web import create_app; c = create_app().test_client(); "
        "assert c.get('/health/ready').status_code == 200; assert c.get('/').status_code == 200",
    ],
    ids=["run", "web"],
)
def test_neither_process_imports_tensorflow_nor_grows(
    environ: dict[str, str], program: str
) -> None:
    measure = (
        "heavy = [m for m in sys.modules if m.split('.')[0] in ('tensorflow', 'keras')]; "
        "import psutil; print(heavy, psutil.Process().memory_info().rss)"
    )
    wrapped = f"import sys\ntry:\n    {program}\nexcept SystemExit as end:\n    assert not end.code"

    child = subprocess.run(
        [sys.executable, "-c", f"{wrapped}\n{measure}"],
        cwd=PROJECT,
        env=environ,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )

    assert child.returncode == 0, child.stderr
    heavy, _, memory = child.stdout.strip().splitlines()[-1].rpartition(" ")
    assert heavy == "[]"
    assert int(memory) < MOST_MEMORY


def test_importing_the_package_imports_nothing_heavy() -> None:
    program = "import clothing.cli, clothing.ray_engine, sys; "
    program += "print([m for m in ('flask', 'keras', 'tensorflow', "
    program += "'ai_edge_litert', 'alembic', 'azure', 'matplotlib', 'ray') if m in sys.modules])"

    child = subprocess.run(
        [sys.executable, "-c", program],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )

    assert child.stdout.strip() == "[]"


def test_a_port_in_use_is_said_in_words(environ: dict[str, str]) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        child = unserved({**environ, "PORT": str(port)})

    assert child.returncode == 2
    assert f"PORT={port} on 127.0.0.1 cannot be served" in " ".join(child.stderr.split())


@pytest.mark.parametrize("host", ["no-such-host.invalid", "192.0.2.1"])
def test_a_host_that_is_not_this_computers_is_named(environ: dict[str, str], host: str) -> None:
    child = unserved({**environ, "HOST": host, "API_KEY": "x" * 40})

    assert child.returncode == 2
    assert f"Received: '{host}'." in " ".join(child.stderr.split())
    assert "Traceback" not in child.stderr


def unserved(environ: dict[str, str]) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        SERVE,
        cwd=PROJECT,
        env=environ,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def _post(address: str) -> Any:
    """Do what `curl -X POST ADDRESS -H "Content-Type: application/json"` does."""
    request = urllib.request.Request(
        address, method="POST", headers={"Content-Type": "application/json"}
    )
    with urllib.request.urlopen(request, timeout=120) as answer:
        assert answer.status == 200
        return json.load(answer)
