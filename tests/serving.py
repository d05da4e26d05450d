"""The service as users and Azure start it, in a process of its own, on loopback.

Owns the free port, the settings without the developer's, the wait for the first answer and the end;
what is asked meanwhile is its callers' affair: tests, benchmarks, chaos and the API's trial.
"""

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import psutil

from clothing.config import PROJECT, SETTINGS
from tests.alive import command_of

SERVE = (sys.executable, "-m", "clothing", "serve")
"""What `make run` starts."""

KEY = "a-key-for-tests-only"

_PORTS = iter(range(10_000 + os.getpid() * 1_009 % 20_000, 32_768))  # those beside it: far off


def environ_with(**settings: str) -> dict[str, str]:
    """Return the variables of a program with these settings, and none of the developer's."""
    return {**os.environ, **dict.fromkeys((setting.name for setting in SETTINGS), ""), **settings}


def environ_of_azure(environ: Mapping[str, str], **more: str) -> dict[str, str]:
    """Return settings as a Web App has them, with this Python as `python`."""
    return {
        **environ,
        "PATH": path_to_this_python(environ),
        "WEBSITE_HOSTNAME": "example",
        "HOST": "127.0.0.1",
        "PORT": str(free_port()),
        "API_KEY": KEY,
        **more,
    }


def path_to_this_python(environ: Mapping[str, str]) -> str:
    """Return a PATH on which `python` is the one that asks."""
    return f"{Path(sys.executable).parent}{os.pathsep}{environ['PATH']}"


def free_port() -> int:
    """Return a port of this computer that nobody listens on, and that nobody else gets by chance.

    It is below those that systems deal out (on Linux from 32768 on), and is given out once.
    """
    for port in _PORTS:
        with suppress(OSError), socket.create_server(("127.0.0.1", port)):
            return port
    raise AssertionError("all ports are in use")


@contextmanager
def serving(
    environ: Mapping[str, str],
    command: Sequence[str] = SERVE,
    *,
    folder: Path = PROJECT,
    log: Path | None = None,
    until: str = "/health/live",
) -> Iterator["subprocess.Popen[bytes]"]:
    """Give the app's process once it answers on its PORT; end it with the block.

    Args:
        environ: Its settings.
        command: What starts it.
        folder: Where it is started.
        log: The file that gets what it says, or None for nobody.
        until: What it must answer first.
    """
    with (log or Path(os.devnull)).open("ab") as output:
        process = subprocess.Popen(command, cwd=folder, env=environ, stdout=output, stderr=output)
    try:
        if not answers(f"http://127.0.0.1:{environ['PORT']}{until}", process):
            said = log.read_text(encoding="utf-8", errors="replace") if log else ""
            raise RuntimeError(f"The app ended, or did not answer within a minute. {said}")
        yield process
    finally:
        process.terminate()
        process.wait(timeout=60)


def answers(address: str, process: "subprocess.Popen[bytes]", seconds: float = 60) -> bool:
    """Return True as soon as an address does, False if the process ends or the time does first."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline and process.poll() is None:
        try:
            with urllib.request.urlopen(address, timeout=seconds):
                return True
        except urllib.error.HTTPError as error:
            error.close()
        except OSError:
            pass
        time.sleep(0.01)
    return False


class Service:
    """A running gunicorn as Azure starts it: `startup.sh`, its arbiter and its worker."""

    def __init__(self, environ: Mapping[str, str], log: Path, key: str = KEY) -> None:
        self.url = f"http://127.0.0.1:{environ['PORT']}"
        self.log = log
        self._key = key
        with log.open("ab") as output:
            self.arbiter = subprocess.Popen(
                [PROJECT / "startup.sh"],
                env=dict(environ),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
            )

    def ask(self, path: str, method: str = "GET", **headers: str) -> tuple[int, Any]:
        """Return the status and the JSON of an answer; 0 and None if nobody answers."""
        request = urllib.request.Request(self.url + path, method=method)
        request.add_header("X-API-Key", self._key)
        for name, value in headers.items():
            request.add_header(name, value)
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return answer.status, json.load(answer)
        except urllib.error.HTTPError as error:
            with error:
                return error.code, json.load(error)
        except OSError:
            return 0, None

    def wait_until_ready(self) -> None:
        """Return once the service is ready."""
        ready = answers(f"{self.url}/health/ready", self.arbiter)
        assert ready, f"it ended, or was not ready within a minute: {self.log.read_text()}"

    def start_run(self) -> int:
        """Start a run without waiting for it; return its number."""
        status, answer = self.ask("/prediction", "POST", Prefer="respond-async")
        assert status == 202, answer
        run_id: int = answer["run"]["run_id"]
        return run_id

    def wait_for_predictions(self) -> None:
        """Return once something is stored."""
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            if self.ask("/api/predictions")[1]["predictions"]:
                return
            time.sleep(0.02)
        raise AssertionError("nothing was stored within a minute")

    def ended(self, run_id: int) -> dict[str, Any]:
        """Return a run once it has ended."""
        deadline = time.monotonic() + 120
        while time.monotonic() < deadline:
            run: dict[str, Any] = self.ask(f"/api/runs/{run_id}")[1]
            if run["status"] != "running":
                return run
            time.sleep(0.1)
        raise AssertionError(f"run {run_id} still goes on after two minutes")

    def worker(self) -> psutil.Process:
        """Return the worker, which is no run."""
        (worker,) = [
            child
            for child in psutil.Process(self.arbiter.pid).children()
            if "--adopt" not in command_of(child)
        ]
        return worker

    def runs(self) -> list[psutil.Process]:
        """Return the processes of runs."""
        children = psutil.Process(self.arbiter.pid).children(recursive=True)
        found = [child for child in children if "--adopt" in command_of(child)]
        # A child of a run bears its command until it has one of its own.
        return [run for run in found if run.ppid() not in {one.pid for one in found}]

    def stop(self, number: int = signal.SIGTERM) -> int:
        """End the arbiter with a signal; return its exit code once the worker is gone too."""
        worker = self.worker()
        self.arbiter.send_signal(number)
        code = self.arbiter.wait(timeout=60)
        psutil.wait_procs([worker], timeout=60)
        return code


@contextmanager
def service(environ: Mapping[str, str], log: Path, key: str = KEY) -> Iterator[Service]:
    """Give a service that is ready; end it with the block, whatever else was done to it."""
    started = Service(environ, log, key)
    try:
        started.wait_until_ready()
        yield started
    finally:
        try:
            if started.arbiter.poll() is None:
                started.stop()
        finally:
            started.arbiter.kill()
            started.arbiter.wait()
