"""What is told of a night: the run in words, to a channel by webhook and by e-mail.

Owns the words and both ways out. Telling never stops anything: what could not be told is a
warning in the log. Both addresses are secrets, so no error of a library is shown as it is: some
have the address in their text.
"""

import html
import json
import logging
import smtplib
import socket
import ssl
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from email.message import EmailMessage
from email.utils import format_datetime, make_msgid
from http import HTTPStatus
from typing import Any
from urllib.parse import urlsplit

from clothing.addresses import MailServer, is_loopback, mail_server
from clothing.config import Config
from clothing.errors import ActiveRunError, ClothingError
from clothing.nightly import OVERDUE, too_many_failures
from clothing.photos import Run
from clothing.questions import tallies
from clothing.store import Store
from clothing.words import duration_of, internal_error, local_time

log = logging.getLogger(__name__)

TIMEOUT_SECONDS = 10.0
"""How long a server may be silent."""

PAUSE_SECONDS = 1.0
"""From a try that failed to the second and last."""

_HOW = {
    "succeeded": "succeeded",
    "failed": "failed",
    "interrupted": "was interrupted",
    "running": "goes on",
}
_WORKFLOWS = (".logic.azure.com", ".powerplatform.com")
_TOO_MANY_REQUESTS = 429


@dataclass(frozen=True, slots=True)
class Notice:
    """A message: its subject in one line, and its body."""

    subject: str
    body: str


class _UnsentError(Exception):
    """A server did not take a notice; the text says why and holds no secret."""

    def __init__(self, reason: str, *, passing: bool) -> None:
        super().__init__(reason)
        self.passing = passing


def text_of(run: Run, to_check: int | None, config: Config, complaint: str = "") -> Notice:
    """Return a run in words, as the morning sheet has it.

    Args:
        run: The run.
        to_check: How many of its photos a person should look at, or None if that is not known.
        config: Knows the time zone.
        complaint: That too many photos failed, in words, or "".
    """
    piles = _piles(run, to_check)
    lines = [f"Photos: {run.counts.listed:,}. {piles}."]
    lines += [f"Started {local_time(run.started_at, config.tz)}, took {duration_of(run)}."]
    if run.model_version:
        lines.append(f"Model: {run.model_version}.")
    if run.error:
        lines.append(f"What went wrong: {run.error}")
    if complaint:
        lines.append(complaint)
    return Notice(f"Returns: run {run.run_id} {_HOW[run.status]}. {piles}.", "\n".join(lines))


def overdue_text(last_success: Run | None, config: Config) -> Notice:
    """Return in words that no run has succeeded for too long."""
    hours = OVERDUE.total_seconds() / 3600
    last = "None has succeeded yet."
    if last_success:
        started = local_time(last_success.started_at, config.tz)
        last = f"The last that did was run {last_success.run_id}, {started}."
    return Notice(
        "Returns: the nightly run did not happen.",
        f"No run has succeeded for {hours:g} hours. {last}\n"
        "Look at the scheduler and at the log, or start a run on the page.",
    )


def missing_text(reason: str) -> Notice:
    """Return in words that a run could not even begin, or that nobody can tell."""
    return Notice("Returns: the run could not be started.", f"What went wrong: {reason}")


def announce(run: Run, store: Store, config: Config) -> bool:
    """Tell of a run; return True if every way out that is set took it, False otherwise."""
    if not (config.notify_webhook or config.smtp_url):
        return True  # who wants no notice pays no query
    notice = text_of(run, _to_check(run, store), config, _complaint(run, store, config))
    return send(notice, config)


def announce_broken(opened: Run | None, error: BaseException, store: Store, config: Config) -> None:
    """Tell of a run that an exception ended.

    Args:
        opened: The run, or None if there is none yet.
        error: What ended it.
        store: Where the run was closed, unless that failed too.
        config: Where to tell it.
    """
    reason = str(error) if isinstance(error, ClothingError) else internal_error(error)
    if opened is None:
        # Another run tells of itself; and who stops a command before it begins knows.
        if isinstance(error, Exception) and not isinstance(error, ActiveRunError):
            send(missing_text(reason), config)
        return
    announce(_closed(opened, reason, store), store, config)


def send(notice: Notice, config: Config) -> bool:
    """Send a notice wherever the settings say; whatever goes wrong is a warning in the log.

    Returns:
        True if every way out that is set took it, False if one did not.
    """
    ways: list[tuple[str, Callable[[], None]]] = []
    if webhook := config.notify_webhook:
        ways.append(("NOTIFY_WEBHOOK", lambda: _post(notice, webhook)))
    if address := config.smtp_url:
        ways.append(("SMTP_URL", lambda: _mail(notice, mail_server(address))))
    went = [_sent(name, way) for name, way in ways]  # all of them, whatever becomes of the first
    return all(went)


def _sent(name: str, way: Callable[[], None]) -> bool:
    """Take a way out, twice if the first failure may pass."""
    failure = _failure_of(way)
    if failure and failure.passing:
        time.sleep(PAUSE_SECONDS)
        failure = _failure_of(way)
    if failure:
        log.warning("The notice to %s was not sent: %s.", name, failure)
    return failure is None


def _failure_of(way: Callable[[], None]) -> _UnsentError | None:
    """Take a way out once; return what went wrong, or None."""
    try:
        way()
    except Exception as error:  # a notice never stops a run
        return error if isinstance(error, _UnsentError) else _unsent(error)
    return None


def _unsent(error: Exception) -> _UnsentError:
    """Say in words of our own why a connection failed."""
    reason = error.reason if isinstance(error, urllib.error.URLError) else error
    if isinstance(reason, TimeoutError):
        return _UnsentError(f"no answer within {TIMEOUT_SECONDS:g} s", passing=True)
    if isinstance(reason, ssl.SSLCertVerificationError):
        return _UnsentError(
            f"its certificate is not trusted ({reason.verify_message})", passing=False
        )
    if isinstance(reason, smtplib.SMTPServerDisconnected):
        return _UnsentError(f"it broke off or was silent for {TIMEOUT_SECONDS:g} s", passing=True)
    if isinstance(reason, socket.gaierror):
        return _UnsentError("its name is not known", passing=True)
    if isinstance(reason, smtplib.SMTPException) or not isinstance(reason, OSError):
        return _UnsentError(
            f"it does not answer as it should ({type(reason).__name__})", passing=True
        )
    return _UnsentError(f"no connection ({reason.strerror or type(reason).__name__})", passing=True)


# Webhook


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    """A redirected POST would lose its body, and might leave TLS."""

    def redirect_request(self, *args: Any, **kwargs: Any) -> None:
        return None


def _post(notice: Notice, url: str) -> None:
    request = urllib.request.Request(
        url,
        data=json.dumps(_message(notice, url)).encode(),
        headers={"Content-Type": "application/json"},
        method="POST",
    )
    try:
        with urllib.request.build_opener(_NoRedirects).open(request, timeout=TIMEOUT_SECONDS):
            pass
    except urllib.error.HTTPError as error:
        with error:
            passing = error.code >= 500 or error.code == _TOO_MANY_REQUESTS
            raise _UnsentError(f"it answered {_status(error.code)}", passing=passing) from None


def _message(notice: Notice, url: str) -> dict[str, Any]:
    """Return what a channel takes: text, or the card that a Teams workflow wants."""
    if not (urlsplit(url).hostname or "").endswith(_WORKFLOWS):
        # Slack takes <!channel> for a call to all, so nothing of ours may look like one.
        return {"text": html.escape(f"{notice.subject}\n{notice.body}", quote=False)}
    lines = [notice.subject, *notice.body.splitlines()]
    blocks = [{"type": "TextBlock", "text": line, "wrap": True} for line in lines]
    card = {"type": "AdaptiveCard", "version": "1.4", "body": blocks}
    kind = "application/vnd.microsoft.card.adaptive"
    return {"type": "message", "attachments": [{"contentType": kind, "content": card}]}


def _status(code: int) -> str:
    known = code in HTTPStatus.__members__.values()
    return f"{code} {HTTPStatus(code).phrase}" if known else str(code)


# E-mail


def _mail(notice: Notice, server: MailServer) -> None:
    try:
        with _connected(server) as connection:
            _encrypt(connection, server)
            if server.user and server.password:
                connection.login(server.user, server.password)
            refused = connection.send_message(_letter(notice, server))
    except smtplib.SMTPAuthenticationError as error:
        reason = f"the mail server refused user and password ({error.smtp_code})"
        raise _UnsentError(reason, passing=False) from None
    except smtplib.SMTPRecipientsRefused as error:
        raise _UnsentError(_refused(len(error.recipients), server), passing=False) from None
    except smtplib.SMTPResponseException as error:
        passing = error.smtp_code < 500
        raise _UnsentError(f"the mail server answered {error.smtp_code}", passing=passing) from None
    if refused:
        raise _UnsentError(_refused(len(refused), server), passing=False)


def _connected(server: MailServer) -> smtplib.SMTP:
    if not server.tls:
        return smtplib.SMTP(server.host, server.port, timeout=TIMEOUT_SECONDS)
    return smtplib.SMTP_SSL(
        server.host, server.port, timeout=TIMEOUT_SECONDS, context=ssl.create_default_context()
    )


def _encrypt(connection: smtplib.SMTP, server: MailServer) -> None:
    """Go over to TLS where it is offered; without it no password leaves this computer."""
    connection.ehlo_or_helo_if_needed()
    if server.tls:
        return
    if connection.has_extn("starttls"):
        connection.starttls(context=ssl.create_default_context())
    elif server.password and not is_loopback(server.host):
        raise _UnsentError(
            "the mail server offers no TLS, and the password would be readable on its way; "
            "take smtps:// or another port",
            passing=False,
        )


def _letter(notice: Notice, server: MailServer) -> EmailMessage:
    letter = EmailMessage()
    letter["Subject"] = notice.subject
    letter["From"] = server.sender
    letter["To"] = ", ".join(server.recipients)
    letter["Date"] = format_datetime(datetime.now(UTC))
    letter["Message-ID"] = make_msgid(domain=server.sender.partition("@")[2])
    letter["Auto-Submitted"] = "auto-generated"  # so that nobody's "I am away" comes back
    letter.set_content(notice.body)
    return letter


def _refused(number: int, server: MailServer) -> str:
    return f"the mail server refused {number} of {len(server.recipients)} recipients"


# Words


def _piles(run: Run, to_check: int | None) -> str:
    counts = run.counts
    classified = [f"{counts.classified:,} classified"]
    if to_check is not None:
        classified = [f"{counts.classified - to_check:,} sorted", f"{to_check:,} to check"]
    piles = [*classified, f"{counts.failed:,} unreadable", f"{counts.skipped:,} done before"]
    return ", ".join(piles)


def _to_check(run: Run, store: Store) -> int | None:
    try:
        tally = tallies(store, [run.run_id]).get(run.run_id)
    except ClothingError:
        return None
    return tally.to_check if tally else 0


def _complaint(run: Run, store: Store, config: Config) -> str:
    try:
        return too_many_failures(run, store, config.error_threshold)
    except ClothingError:
        return ""


def _closed(opened: Run, reason: str, store: Store) -> Run:
    """Return a run as it was closed; if that is not known, as what ended it says."""
    try:
        run = store.run(opened.run_id)
    except (ClothingError, LookupError):
        run = opened
    return run if run.status != "running" else replace(run, status="failed", error=reason)
