"""The command that tells of the night: `python -m clothing notify`.

A shell: the words and the ways out are those of `notices`. It starts no run.
"""

import sys
from datetime import UTC, datetime

import click

from clothing.commands.opening import FAILED, opened_parts
from clothing.config import Config
from clothing.errors import ConfigError, StoreError
from clothing.journal import write_journal
from clothing.nightly import Nightly, nightly
from clothing.notices import announce, missing_text, overdue_text, send
from clothing.store import Store


@click.command("notify")
@click.option("--overdue", is_flag=True, help="Only if no run has succeeded for 26 hours, or ever.")
def notify(overdue: bool) -> None:
    """Send the last run in words to NOTIFY_WEBHOOK and SMTP_URL, as every run does at its end.

    Exit code 0: sent, or with --overdue all is well; 1: not sent, or with --overdue a run is
    missing.
    """
    parts = opened_parts()
    write_journal(parts.config)
    if overdue:
        _tell_if_overdue(parts.store, parts.config)
        return
    if not (parts.config.notify_webhook or parts.config.smtp_url):
        raise ConfigError("Set NOTIFY_WEBHOOK or SMTP_URL to be told. Received: neither.")
    parts.store.ready()
    parts.store.interrupt_stale_runs()
    runs = parts.store.runs(limit=1)
    if not runs:
        click.echo("There was no run yet. Start one: python -m clothing run", err=True)
        sys.exit(FAILED)
    if not announce(runs[0], parts.store, parts.config):
        sys.exit(FAILED)
    click.echo(f"Sent how run {runs[0].run_id} went.")


def _tell_if_overdue(store: Store, config: Config) -> None:
    found = _found(store, config)
    if found.last_success and not found.overdue:
        return
    notice = overdue_text(found.last_success, config)
    click.echo(f"{notice.subject}\n{notice.body}", err=True)  # for a scheduler that mails it
    send(notice, config)
    sys.exit(FAILED)


def _found(store: Store, config: Config) -> Nightly:
    try:
        store.ready()
        return nightly(store, datetime.now(UTC))
    except StoreError as error:  # then nobody knows, and that is worth a word too
        send(missing_text(str(error)), config)
        raise
