"""Tries the API by its own description: `python -m scripts.try_api --cases 5000`.

Serves the app as users do, in a process of its own over a few photos, and lets schemathesis make up
requests from /openapi.json, right ones and wrong ones, until there were enough. Fails if an answer
is a server error, or anything else that the description does not say.
"""

import json
import re
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import click

from benchmarks.load import photos_in
from clothing.keys import fresh_key
from tests.serving import environ_with, free_port, serving

KEY = fresh_key()
PHOTOS = 4

SETTINGS_OF_IT = f"""
[auth.openapi.key]
api_key = "{KEY}"

[[operations]]
include-name = "POST /api/classify"
# No schema says what is a photo and what is not.
checks.positive_data_acceptance.expected-statuses = ["2xx", "401", "403", "422"]
"""


@dataclass(slots=True)
class Findings:
    """What came out.

    Attributes:
        cases: Requests that were made up and sent.
        failures: What schemathesis said of a round in which something was not as described.
        server_errors: Lines of the service's log with a status of 500 and more, or a mistake.
    """

    cases: int = 0
    failures: list[str] = field(default_factory=list)
    server_errors: list[str] = field(default_factory=list)


@contextmanager
def tried(folder: Path) -> Iterator[str]:
    """Give the address of a service over a few of the sample photos; its log is `folder`/log."""
    environ = environ_with(
        STORAGE_URL=photos_in(folder / "storage", PHOTOS).as_uri(),
        DATABASE_URL=f"sqlite:///{folder}/clothing.db",
        API_KEY=KEY,
        KEY_ATTEMPTS="1000000",  # schemathesis tries wrong ones on every call
        PORT=str(free_port()),
        RUN_WAIT_SECONDS="1",
    )
    with serving(environ, log=folder / "log", until="/health/ready"):
        yield f"http://127.0.0.1:{environ['PORT']}"


def findings_of(cases: int, seed: int) -> Findings:
    """Send at least so many requests; return what they found."""
    found = Findings()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with tried(folder) as address:
            _asked(address, "/prediction", "POST")  # so that there is something to ask for
            (folder / "openapi.json").write_bytes(_asked(address, "/openapi.json"))
            while found.cases < cases and not found.failures:
                report, said = _try(address, folder, max(cases - found.cases, 100) // 20, seed)
                found.cases += report["test_cases"]["generated"]
                if report["exit_code"]:
                    found.failures.append(said)
                seed += 1
        log = (folder / "log").read_text(encoding="utf-8", errors="replace")
    found.server_errors = re.findall(r".* 5\d\d in \d+ ms.*|.*CRITICAL.*|Traceback.*", log)
    return found


def _asked(address: str, path: str, method: str = "GET") -> bytes:
    """Return what the service answers to whoever has the key."""
    asked = urllib.request.Request(address + path, method=method, headers={"X-API-Key": KEY})
    with urllib.request.urlopen(asked, timeout=60) as answer:
        content: bytes = answer.read()
        return content


def _try(address: str, folder: Path, examples: int, seed: int) -> tuple[dict[str, Any], str]:
    """Let schemathesis run once; return its report, and what it said."""
    settings, report = folder / "schemathesis.toml", folder / "report.json"
    settings.write_text(SETTINGS_OF_IT, encoding="utf-8")
    command = [str(Path(sys.executable).with_name("st")), "--config-file", str(settings), "run"]
    command += ["openapi.json", "--url", address, "--checks", "all"]
    command += ["--max-examples", str(examples), "--seed", str(seed), "--continue-on-failure"]
    command += ["--suppress-health-check", "too_slow"]  # a busy computer is no finding
    command += ["--no-shrink", "--report", "json", "--report-json-path", str(report)]
    report.unlink(missing_ok=True)  # that of the round before is not this one's
    ended = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    if not report.is_file():
        raise click.ClickException(ended.stdout + ended.stderr)
    told: dict[str, Any] = json.loads(report.read_text(encoding="utf-8"))
    return told, ended.stdout


@click.command()
@click.option("--cases", default=5000, help="How many requests to make up, at least.")
@click.option("--seed", default=1, help="The same seed makes up the same requests.")
def main(cases: int, seed: int) -> None:
    """Try the API by its own description."""
    started = time.monotonic()
    found = findings_of(cases, seed)
    for line in (*found.failures, *found.server_errors):
        click.echo(line)
    click.echo(
        f"{found.cases:,} requests in {time.monotonic() - started:.0f} s: "
        f"{len(found.failures)} rounds not as described, {len(found.server_errors)} server errors."
    )
    sys.exit(1 if found.failures or found.server_errors else 0)


if __name__ == "__main__":
    main()
