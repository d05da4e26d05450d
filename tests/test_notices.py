"""Notices, against real servers on this computer: what arrives, and that nothing stops a run."""

import base64
import email
import email.policy
import json
import logging
import os
import signal
import socketserver
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from click.testing import CliRunner

from clothing import notices
from clothing.cli import main
from clothing.config import PROJECT, Config
from clothing.errors import StoreError
from clothing.notices import Notice, overdue_text, send, text_of
from clothing.photos import Counts, Run
from clothing.store import Store
from clothing.tables import batch_run
from tests.alive import soon
from tests.needs import program
from tests.pictures import many_photos
from tests.serving import free_port

NIGHT = datetime(2026, 11, 20, 22, 0, tzinfo=UTC)
NOTICE = Notice("Returns: run 7 succeeded.", "Photos: 1 < 2 & <!channel>\nPörsön")
ADDRESSES = "from=night@shop.example&to=desk@shop.example,boss@shop.example"


def a_run(**changes: Any) -> Run:
    """Return a run of 1,240 photos that took 3 min 5 s."""
    fields: dict[str, Any] = {
        "run_id": 7,
        "status": "succeeded",
        "trigger": "http",
        "prefix": "",
        "force": False,
        "started_at": NIGHT,
        "heartbeat_at": NIGHT,
        "finished_at": NIGHT + timedelta(seconds=185),
        "model_version": "m-1",
        "preprocessing_version": "p-1",
        "expected": 1240,
        "counts": Counts(1240, 1230, 4, 6),
        "error": None,
    }
    return Run(**fields | changes)


# Servers


class Channel(ThreadingHTTPServer):
    """Records what is posted; `answers` are the codes to give, the last one again and again."""

    daemon_threads = False  # closing the server waits for them

    def __init__(self) -> None:
        self.posted: list[dict[str, Any]] = []
        self.answers = [200]
        self.delay = 0.0
        self.awake = threading.Event()
        super().__init__(("127.0.0.1", 0), _Hook)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/hooks/hunter2"


class _Hook(BaseHTTPRequestHandler):
    server: Channel

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.posted.append({"path": self.path, **json.loads(body)})
        self.server.awake.wait(self.server.delay)
        codes = self.server.answers
        try:
            self.send_response(codes.pop(0) if len(codes) > 1 else codes[0])
            self.send_header("Location", "/elsewhere")
            self.end_headers()
        except OSError:
            pass  # the test did not wait

    def do_GET(self) -> None:
        self.server.posted.append({"path": self.path})  # nobody should
        self.send_error(404)

    def log_message(self, *args: Any) -> None:
        """Keep the tests' output clean."""


class Post(socketserver.ThreadingTCPServer):
    """A mail server that takes letters; `says` replaces its answer to a command.

    With `tls` it offers STARTTLS, and a login only behind it.
    """

    daemon_threads = False  # closing the server waits for them

    def __init__(self) -> None:
        self.letters: list[bytes] = []
        self.heard: list[str] = []
        self.says: dict[str, str] = {}
        self.tls: ssl.SSLContext | None = None
        super().__init__(("127.0.0.1", 0), _Talk)

    def url(self, login: str = "night:hunter2@", host: str = "127.0.0.1") -> str:
        return f"smtp://{login}{host}:{self.server_address[1]}/?{ADDRESSES}"


class _Talk(socketserver.StreamRequestHandler):
    server: Post

    def handle(self) -> None:
        self._say("220 post.example")
        offers = "STARTTLS" if self.server.tls else "AUTH PLAIN"
        while line := self.rfile.readline().decode().rstrip("\r\n"):
            self.server.heard.append(line)
            word = line.partition(" ")[0].upper()
            usual = {
                "EHLO": f"250-post.example\r\n250 {offers}",
                "STARTTLS": "220 go on",
                "AUTH": "235 2.7.0 welcome",
                "DATA": "354 go on",
                "QUIT": "221 bye",
            }.get(word, "250 ok")
            answer = self.server.says.get(line.lower(), self.server.says.get(word, usual))
            self._say(answer)
            if word == "DATA" and answer.startswith("354"):
                self.server.letters.append(b"".join(iter(self.rfile.readline, b".\r\n")))
                self._say("250 taken")
            if word == "STARTTLS" and self.server.tls:
                offers = "AUTH PLAIN"
                try:
                    self.request = self.server.tls.wrap_socket(self.request, server_side=True)
                except OSError:
                    return  # the caller does not trust the certificate
                self.setup()
            if word == "QUIT":
                return

    def finish(self) -> None:
        super().finish()
        self.request.close()  # the server itself knows only what was there before TLS

    def _say(self, text: str) -> None:
        self.wfile.write(f"{text}\r\n".encode())


@contextmanager
def listening(server: socketserver.BaseServer) -> Iterator[None]:
    """Let a server answer while the block goes on."""
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.fixture
def channel() -> Iterator[Channel]:
    server = Channel()
    with listening(server):
        yield server


@pytest.fixture
def post() -> Iterator[Post]:
    server = Post()
    with listening(server):
        yield server


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Wait for nothing long, and never ask a proxy for this computer."""
    monkeypatch.setattr(notices, "PAUSE_SECONDS", 0.0)
    monkeypatch.setenv("no_proxy", "127.0.0.1")


def config_of(**settings: str) -> Config:
    return Config.from_env(settings)


# Words


def test_a_run_in_words_is_the_morning_sheet() -> None:
    notice = text_of(a_run(), 30, config_of(TZ="Europe/Berlin"))

    assert notice.subject == (
        "Returns: run 7 succeeded. 1,200 sorted, 30 to check, 4 unreadable, 6 done before."
    )
    assert notice.body.splitlines() == [
        "Photos: 1,240. 1,200 sorted, 30 to check, 4 unreadable, 6 done before.",
        "Started Fri 20 Nov 2026, 23:00:00 CET, took 3 min 5 s.",
        "Model: m-1.",
    ]


def test_what_went_wrong_is_told() -> None:
    run = a_run(status="failed", error="The container is gone.", counts=Counts(10, 5, 5))

    notice = text_of(run, None, config_of(), "More photos failed than is allowed.")

    assert notice.subject.startswith("Returns: run 7 failed. 5 classified, 5 unreadable")
    assert "What went wrong: The container is gone." in notice.body
    assert "More photos failed than is allowed." in notice.body


@pytest.mark.parametrize(
    ("last", "words"),
    [(None, "None has succeeded yet."), (a_run(), "run 7, Fri 20 Nov 2026, 22:00:00 UTC")],
)
def test_a_night_without_a_run_is_told(last: Run | None, words: str) -> None:
    notice = overdue_text(last, config_of())

    assert notice.subject == "Returns: the nightly run did not happen."
    assert "for 26 hours" in notice.body
    assert words in notice.body


# Webhook


def test_a_channel_gets_text_in_which_nothing_calls_everybody(channel: Channel) -> None:
    assert send(NOTICE, config_of(NOTIFY_WEBHOOK=channel.url))

    text = "Returns: run 7 succeeded.\nPhotos: 1 &lt; 2 &amp; &lt;!channel&gt;\nPörsön"
    assert channel.posted == [{"path": "/hooks/hunter2", "text": text}]


def test_a_teams_workflow_gets_a_card() -> None:
    message = notices._message(NOTICE, "https://prod-1.westeurope.logic.azure.com:443/workflows/1")

    (card,) = message["attachments"]
    assert message["type"] == "message"
    assert card["contentType"] == "application/vnd.microsoft.card.adaptive"
    lines = [block["text"] for block in card["content"]["body"]]
    assert lines == [NOTICE.subject, *NOTICE.body.splitlines()]


@pytest.mark.parametrize(
    ("answers", "tries", "sent"),
    [
        ([500, 200], 2, True),
        ([429, 200], 2, True),
        ([500], 2, False),
        ([404], 1, False),
        ([302], 1, False),
    ],
)
def test_a_channel_that_fails_is_asked_twice_if_that_may_help(
    channel: Channel,
    caplog: pytest.LogCaptureFixture,
    answers: list[int],
    tries: int,
    sent: bool,
) -> None:
    channel.answers = list(answers)

    assert send(NOTICE, config_of(NOTIFY_WEBHOOK=channel.url)) is sent

    assert len(channel.posted) == tries
    assert (f"NOTIFY_WEBHOOK was not sent: it answered {answers[0]}" in caplog.text) is not sent
    assert "hunter2" not in caplog.text


def test_a_channel_that_is_slow_is_not_waited_for(
    channel: Channel, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(notices, "TIMEOUT_SECONDS", 0.5)
    channel.delay = 60
    started = time.monotonic()

    try:
        assert not send(NOTICE, config_of(NOTIFY_WEBHOOK=channel.url))
    finally:
        channel.awake.set()

    assert time.monotonic() - started < 30
    assert "no answer within 0.5 s" in caplog.text


def test_a_channel_that_is_down_is_a_warning(caplog: pytest.LogCaptureFixture) -> None:
    assert not send(NOTICE, config_of(NOTIFY_WEBHOOK=f"http://127.0.0.1:{free_port()}/hunter2"))

    (record,) = caplog.records
    assert record.levelno == logging.WARNING
    assert "no connection (Connection refused)" in record.message
    assert "hunter2" not in caplog.text


def test_whatever_a_library_raises_its_text_is_not_shown(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*args: Any) -> None:
        raise ValueError("https://hooks.example/hunter2")

    monkeypatch.setattr(notices, "_post", fail)

    assert not send(NOTICE, config_of(NOTIFY_WEBHOOK="https://hooks.example/hunter2"))

    assert "it does not answer as it should (ValueError)" in caplog.text
    assert "hunter2" not in caplog.text


# E-mail


def test_a_letter_goes_to_all_recipients(post: Post) -> None:
    assert send(NOTICE, config_of(SMTP_URL=post.url()))

    (written,) = post.letters
    letter = email.message_from_bytes(written, policy=email.policy.default)
    assert letter["Subject"] == NOTICE.subject
    assert letter["To"] == "desk@shop.example, boss@shop.example"
    assert letter["Auto-Submitted"] == "auto-generated"
    assert letter.get_content().replace("\r\n", "\n").strip() == NOTICE.body
    (login,) = (line for line in post.heard if line.startswith("AUTH"))
    assert base64.b64decode(login.split()[2]) == b"\0night\0hunter2"


def test_a_letter_without_login(post: Post) -> None:
    assert send(NOTICE, config_of(SMTP_URL=post.url(login="")))

    assert not [line for line in post.heard if line.startswith("AUTH")]


def test_no_password_leaves_this_computer_without_tls(
    post: Post, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(notices, "is_loopback", lambda host: False)

    assert not send(NOTICE, config_of(SMTP_URL=post.url()))

    assert "offers no TLS" in caplog.text
    assert [line for line in post.heard if not line.lower().startswith("ehlo")] == ["QUIT"]


@pytest.mark.parametrize(
    ("says", "complaint", "tries"),
    [
        ({"AUTH": "535 no hunter2"}, "refused user and password (535)", 1),
        ({"MAIL": "451 later, hunter2"}, "answered 451", 2),
        ({"DATA": "554 spam, hunter2"}, "answered 554", 1),
        ({"RCPT": "550 who is hunter2"}, "refused 2 of 2 recipients", 1),
        ({"rcpt to:<boss@shop.example>": "550 hunter2"}, "refused 1 of 2 recipients", 1),
    ],
)
def test_what_a_mail_server_refuses_is_a_warning_without_its_words(
    post: Post,
    caplog: pytest.LogCaptureFixture,
    says: dict[str, str],
    complaint: str,
    tries: int,
) -> None:
    post.says = says

    assert not send(NOTICE, config_of(SMTP_URL=post.url()))

    assert f"SMTP_URL was not sent: the mail server {complaint}" in caplog.text
    assert "hunter2" not in caplog.text
    assert sum(line.startswith("AUTH") for line in post.heard) == tries


@pytest.fixture
def certificate(post: Post, tmp_path: Path) -> Path:
    """A certificate for 127.0.0.1, which the mail server shows from now on."""
    openssl = program("openssl", package="openssl")
    key, file = tmp_path / "key.pem", tmp_path / "certificate.pem"
    command = [openssl, "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1"]
    command += ["-subj", "/CN=post", "-addext", "subjectAltName=IP:127.0.0.1"]
    command += ["-keyout", str(key), "-out", str(file)]
    subprocess.run(command, check=True, capture_output=True)
    post.tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    post.tls.load_cert_chain(file, key)
    return file


def test_tls_is_taken_where_it_is_offered(
    post: Post, certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    monkeypatch.setattr(notices, "is_loopback", lambda host: False)

    assert send(NOTICE, config_of(SMTP_URL=post.url()))

    words = [line.partition(" ")[0].upper() for line in post.heard]
    assert words[:4] == ["EHLO", "STARTTLS", "EHLO", "AUTH"]
    assert len(post.letters) == 1


def test_a_certificate_that_nobody_vouches_for_is_not_trusted(
    post: Post, certificate: Path, caplog: pytest.LogCaptureFixture
) -> None:
    assert certificate.exists()

    assert not send(NOTICE, config_of(SMTP_URL=post.url()))

    assert "its certificate is not trusted (self-signed certificate)" in caplog.text
    assert [line for line in post.heard if line.startswith("AUTH")] == []


def test_one_way_that_fails_does_not_stop_the_other(channel: Channel, post: Post) -> None:
    channel.answers = [500]

    assert not send(NOTICE, config_of(NOTIFY_WEBHOOK=channel.url, SMTP_URL=post.url()))

    assert len(post.letters) == 1


# Commands


def test_a_run_is_told_once_with_its_piles(
    runner: CliRunner, channel: Channel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NOTIFY_WEBHOOK", channel.url)

    answer = runner.invoke(main, ["run"])

    (posted,) = channel.posted
    assert answer.exit_code == 0
    assert posted["text"].startswith("Returns: run 1 succeeded. ")
    assert "to check, 0 unreadable, 0 done before." in posted["text"]


def test_a_run_that_fails_is_told(
    runner: CliRunner, storage: Path, channel: Channel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NOTIFY_WEBHOOK", channel.url)
    (storage / "model" / "clothing_model.keras").unlink()

    answer = runner.invoke(main, ["run"])

    (posted,) = channel.posted
    assert answer.exit_code == 1
    assert posted["text"].startswith("Returns: run 1 failed. ")
    assert "has no clothing_model.keras" in posted["text"]


def test_a_run_that_cannot_begin_is_told(
    runner: CliRunner, channel: Channel, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(store: Store) -> None:
        raise StoreError("The database cannot be reached.")

    monkeypatch.setenv("NOTIFY_WEBHOOK", channel.url)
    monkeypatch.setattr(Store, "ready", fail)

    answers = [runner.invoke(main, command) for command in (["run"], ["notify", "--overdue"])]

    assert [answer.exit_code for answer in answers] == [1, 1]
    assert len(channel.posted) == 2
    for posted in channel.posted:
        assert "could not be started" in posted["text"]
        assert "The database cannot be reached." in posted["text"]


def test_a_second_run_at_once_is_not_told(
    runner: CliRunner, store: Store, channel: Channel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NOTIFY_WEBHOOK", channel.url)
    store.open_run("http")

    assert runner.invoke(main, ["run"]).exit_code == 1

    assert channel.posted == []


@pytest.mark.parametrize("is_down", [False, True])
def test_a_notice_that_fails_never_fails_the_run(
    runner: CliRunner,
    channel: Channel,
    monkeypatch: pytest.MonkeyPatch,
    is_down: bool,
) -> None:
    channel.answers = [500]
    webhook = f"http://127.0.0.1:{free_port()}/hunter2" if is_down else channel.url
    monkeypatch.setenv("NOTIFY_WEBHOOK", webhook)
    monkeypatch.setenv("SMTP_URL", f"smtp://night:hunter2@127.0.0.1:{free_port()}/?{ADDRESSES}")

    answer = runner.invoke(main, ["run"])

    assert answer.exit_code == 0
    assert "WARNING The notice to NOTIFY_WEBHOOK was not sent" in answer.stderr
    assert "WARNING The notice to SMTP_URL was not sent" in answer.stderr
    assert "hunter2" not in answer.output


@pytest.mark.skipif(os.name == "nt", reason="no signals")
def test_a_run_that_is_stopped_is_told(
    environ: dict[str, str], storage: Path, store: Store, channel: Channel
) -> None:
    many_photos(storage / "images", 600)
    environ |= {"BATCH_SIZE": "8", "NOTIFY_WEBHOOK": channel.url, "no_proxy": "127.0.0.1"}
    command = [sys.executable, "-m", "clothing", "run"]
    child = subprocess.Popen(command, cwd=PROJECT, env=environ, stderr=subprocess.DEVNULL)
    assert soon(lambda: bool(store.predictions(limit=1)))

    child.send_signal(signal.SIGTERM)

    assert child.wait(timeout=30) == 128 + signal.SIGTERM
    (posted,) = channel.posted
    assert posted["text"].startswith("Returns: run 1 was interrupted. ")
    assert "What went wrong: the run was stopped" in posted["text"]


def test_notify_tells_of_the_last_run(
    runner: CliRunner, store: Store, channel: Channel, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "Received: neither" in runner.invoke(main, ["notify"]).stderr
    monkeypatch.setenv("NOTIFY_WEBHOOK", channel.url)
    assert "There was no run yet." in runner.invoke(main, ["notify"]).stderr
    run = store.open_run("test")
    store.close_run(run.run_id, "succeeded", Counts(), None)

    assert runner.invoke(main, ["notify"]).exit_code == 0
    assert channel.posted[-1]["text"].startswith("Returns: run 1 succeeded. ")

    channel.answers = [500]
    assert runner.invoke(main, ["notify"]).exit_code == 1


def test_notify_overdue_speaks_where_no_run_has_ever_succeeded(
    runner: CliRunner, store: Store, channel: Channel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NOTIFY_WEBHOOK", channel.url)

    answer = runner.invoke(main, ["notify", "--overdue"])

    assert answer.exit_code == 1
    assert "None has succeeded yet" in answer.stderr
    assert len(channel.posted) == 1


@pytest.mark.parametrize(("hours_ago", "told"), [(25.9, False), (26.1, True)])
def test_notify_overdue_speaks_only_after_a_day_and_two_hours(
    runner: CliRunner,
    store: Store,
    channel: Channel,
    monkeypatch: pytest.MonkeyPatch,
    hours_ago: float,
    told: bool,
) -> None:
    monkeypatch.setenv("NOTIFY_WEBHOOK", channel.url)
    run = store.open_run("test")
    store.close_run(run.run_id, "succeeded", None, None)
    moment = (datetime.now(UTC) - timedelta(hours=hours_ago)).replace(tzinfo=None)
    times = {"started_at": moment, "heartbeat_at": moment, "finished_at": moment}
    store.write(lambda connection: connection.execute(sa.update(batch_run).values(times)))

    answer = runner.invoke(main, ["notify", "--overdue"])

    assert answer.exit_code == int(told)
    assert ("the nightly run did not happen" in answer.stderr) is told
    assert bool(answer.output) is told
    assert len(channel.posted) == int(told)
