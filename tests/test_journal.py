"""The log: structured, with the run on every line of a run, and free of secrets."""

import json
import logging
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clothing import journal
from clothing.config import PROJECT, Config
from clothing.journal import BLOT, formatter, secrets_of
from clothing.keys import entry_of, fresh_key
from tests.serving import environ_of_azure, free_port, service

pytestmark = pytest.mark.slow

PLANTED = {
    "API_KEY": "planted-api-key",
    "SECRET_KEY": "planted-session-key",
    "password of SQL": "planted/p@ss;word",
    "account key": "cGxhbnRlZC1hY2NvdW50LWtleQ==",
    "signature": "planted%2Bsignature%3D",
    "webhook": "planted-hook/T0/B0",
    "password of mail": "planted mail+password",
    "key": fresh_key(),
}
DIGEST = entry_of("night", ["run", "read"], PLANTED["key"])


def planted(**more: str) -> dict[str, str]:
    """Return settings full of secrets whose servers do not listen."""
    nowhere = free_port()
    return {
        "LOG_LEVEL": "debug",
        "LOG_FORMAT": "json",
        "API_KEY": PLANTED["API_KEY"],
        "API_KEYS": DIGEST,
        "SECRET_KEY": PLANTED["SECRET_KEY"],
        "NOTIFY_WEBHOOK": f"http://127.0.0.1:{nowhere}/{PLANTED['webhook']}",
        "SMTP_URL": f"smtp://night:{quote(PLANTED['password of mail'])}@127.0.0.1:{nowhere}/"
        "?from=a@shop.example&to=b@shop.example",
        **more,
    }


def out_of_reach() -> dict[str, str]:
    """Return settings of a database and a storage account that do not listen."""
    nowhere = free_port()
    return {
        "STORAGE_URL": "",
        "AZURE_STORAGE_CONNECTION_STRING": f"BlobEndpoint=http://127.0.0.1:{nowhere}/shop;"
        f"SharedAccessSignature=sv=2025-01-05&sp=r&sig={PLANTED['signature']}",
        "DATABASE_URL": f"mssql+pyodbc://clothing:{quote(PLANTED['password of SQL'], safe='')}"
        f"@127.0.0.1:{nowhere}/returns",
    }


def assert_tells_no_secret(text: str) -> None:
    """Fail if one of the secrets is in a text, however it may be written there."""
    assert text
    for name, secret in PLANTED.items():
        for form in (secret, quote(secret), quote(secret, safe=""), json.dumps(secret)[1:-1]):
            assert form not in text, f"{name}: {text[max(text.index(form) - 300, 0) :][:600]}"
    assert DIGEST.rpartition(":")[2] not in text


def lines_of(text: str) -> list[dict[str, Any]]:
    """Return the lines of a structured log; anything else fails."""
    return [json.loads(line) for line in text.splitlines()]


def test_a_service_and_its_runs_write_one_object_a_line_without_a_secret(
    environ: dict[str, str], tmp_path: Path
) -> None:
    log = tmp_path / "log"
    with service(
        environ_of_azure(environ, **planted(TMPDIR=str(tmp_path))), log, PLANTED["key"]
    ) as it:
        run = it.ask("/prediction", "POST")[1]["run"]
        assert run["trigger"] == "http:night"
        it.ask("/api/runs?api_key=" + PLANTED["API_KEY"])
        it.ask("/nowhere", **{"Authorization": f"Bearer {PLANTED['API_KEY']}"})
        it.ask("/api/runs", **{"X-API-Key": "wrong"})
        it.ask("/prediction", "POST", **{"Content-Type": "application/json", "Prefer": "wait=x"})

    text = log.read_text(encoding="utf-8")
    assert_tells_no_secret(text)
    lines = lines_of(text)
    for line in lines:
        assert {"time", "level", "logger", "message"} <= set(line)
        assert [name for name in line if "time" in name] == ["time"]
    assert {line["level"] for line in lines} >= {"INFO", "WARNING"}
    assert {line.get("caller") for line in lines} >= {None, "night", "API_KEY", "nobody"}

    of_run = [line for line in lines if line.get("run_id") == run["run_id"]]
    texts = " | ".join(line["message"] for line in of_run)
    for said in (
        "started by http:night",
        "succeeded",
        "NOTIFY_WEBHOOK was not",
        "SMTP_URL was not",
    ):
        assert said in texts
    named = f"run {run['run_id']}"
    assert [line for line in lines if named in line["message"] and line not in of_run] == []
    asked = [line for line in lines if line["message"].startswith("POST /prediction")]
    assert all(line["request_id"] for line in asked)


@pytest.mark.parametrize("log_format", ["text", "json"])
def test_commands_that_meet_nobody_tell_no_secret(
    environ: dict[str, str], tmp_path: Path, log_format: str
) -> None:
    settings = {**environ, **planted(LOG_FORMAT=log_format), **out_of_reach()}
    commands = [["doctor"], ["run"], ["run", "--json"], ["notify"], ["db", "upgrade"]]
    commands += [["export", "--output", str(tmp_path / "x.csv")], ["model", "show"]]
    children = [
        subprocess.Popen(
            [sys.executable, "-m", "clothing", *command],
            cwd=PROJECT,
            env=settings,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for command in commands
    ]

    told = [(*child.communicate(timeout=120), child.returncode) for child in children]

    assert all(code == 1 for _, _, code in told), told
    for command, (out, err, _) in zip(commands, told, strict=True):
        assert_tells_no_secret(out + err)
        if log_format == "json" and command[0] in ("run", "notify"):
            assert lines_of(err)


def test_a_crash_of_a_process_is_a_line_without_a_secret(environ: dict[str, str]) -> None:
    program = (
        "import threading\n"
        "from clothing.config import Config\n"
        "from clothing.environment import environment\n"
        "from clothing.journal import about_run, tell_of_crashes, write_journal\n"
        "tell_of_crashes(); config = Config.from_env(environment()); write_journal(config)\n"
        "about_run(7)\n"
        "def crash():\n"
        "    raise RuntimeError(f'{config.api_key} {config.notify_webhook}')\n"
        "thread = threading.Thread(target=crash); thread.start(); thread.join()\n"
        "crash()\n"
    )

    child = subprocess.run(
        [sys.executable, "-c", program],
        cwd=PROJECT,
        env={**environ, **planted()},
        capture_output=True,
        text=True,
        check=False,
    )

    assert child.returncode == 1
    assert_tells_no_secret(child.stderr)
    lines = lines_of(child.stderr)
    assert [(line["level"], line["run_id"]) for line in lines] == [("CRITICAL", 7)] * 2
    assert all(BLOT in line["exc_info"] for line in lines)


@pytest.fixture
def facts(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """What lines belong to: nothing yet, and nothing afterwards."""
    monkeypatch.setattr(journal, "_of_process", {})
    yield
    journal.about_nothing()


def record(message: str, *values: object) -> logging.LogRecord:
    return logging.LogRecord("clothing", logging.INFO, __file__, 1, message, values, None)


def test_text_for_people_says_who_asked(facts: None) -> None:
    journal.about_request("ab12", "night")

    line = formatter(Config.from_env({})).format(record("%s photos", 3))

    assert line.endswith("INFO 3 photos (request ab12, caller night)")


def test_nobody_writes_a_line_of_their_own(facts: None) -> None:
    line = formatter(Config.from_env({})).format(
        record("GET /%s", "x\n23:00:00 INFO all is well\x1b[")
    )

    assert "\n" not in line and "\x1b" not in line
    assert "x\\x0a23:00:00" in line


@settings(deadline=None)
@given(secret=st.text(min_size=4).map(str.strip).filter(lambda text: len(text) >= 4))
@pytest.mark.parametrize("log_format", ["text", "json"])
def test_a_secret_that_gets_into_a_line_is_blotted_out(log_format: str, secret: str) -> None:
    config = Config.from_env({"API_KEY": secret, "LOG_FORMAT": log_format})
    assert secrets_of(config) == {secret}
    written = formatter(config)

    for said in (secret, f"<{secret}>", repr(secret), quote(secret)):
        line = written.format(record("it is %s", said))
        told = json.loads(line)["message"] if log_format == "json" else line.partition("it is")[2]
        assert secret not in told.replace(BLOT, "") or secret in BLOT
