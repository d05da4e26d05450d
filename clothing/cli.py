"""The commands: `python -m clothing …`.

A shell: reads the environment, builds the objects, calls one function, shows what it returned.
Exit codes: 0 done, 1 failed, 2 bad usage or settings, 3 done but too many failures.
"""

import json
import logging
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from clothing.batch import run_batch
from clothing.commands.console import err, progress_bar, show_outcome, show_run
from clothing.commands.export import export_answers
from clothing.commands.forget import forget_photos
from clothing.commands.keys import key
from clothing.commands.model import evaluate_photos, model
from clothing.commands.notify import notify
from clothing.commands.opening import FAILED, a_prefix, opened_parts
from clothing.doctor import Check, examine
from clothing.environment import environment
from clothing.errors import ClothingError, ConfigError, PhotoError
from clothing.journal import about_run, is_for_programs, write_journal
from clothing.nightly import too_many_failures
from clothing.notices import announce, announce_broken
from clothing.parts import Parts
from clothing.photos import Failure, Photo, Run
from clothing.shapes import classification_of, run_of
from clothing.stopping import stoppable
from clothing.walk import Engine, Tuning, classify
from clothing.workers import in_workers

log = logging.getLogger(__name__)

BAD_USAGE, TOO_MANY_FAILURES = 2, 3


class _Commands(click.Group):
    """Turns this package's errors into a message and an exit code, for all commands alike."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except ClothingError as error:
            _complain(f"Error: {error}")
            ctx.exit(BAD_USAGE if isinstance(error, ConfigError) else FAILED)


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
def main() -> None:
    """Sort photos of returned clothing into the ten Fashion-MNIST categories.

    Settings come from the environment or from a file .env; README.md lists them. Start with:

    \b
        python -m clothing doctor        is everything there?
        python -m clothing run           classify what is new
        python -m clothing serve         look at it in a browser
    """


@main.command()
@click.option("--prefix", default="", callback=a_prefix, help="Only photos whose names start so.")
@click.option("--force", is_flag=True, help="Classify photos anew that have an answer already.")
@click.option(
    "--engine",
    type=click.Choice(["local", "ray"]),
    default="local",
    help="Where it runs: on this computer, or on a Ray cluster.",
)
@click.option(
    "--address",
    metavar="HOST:PORT",
    help="The cluster's head, or auto; without it, Ray starts on this computer.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the run as one JSON object.")
@click.option("--adopt", type=int, hidden=True, help="Take over a run that the web app opened.")
def run(
    prefix: str,
    force: bool,
    engine: str,
    address: str | None,
    as_json: bool,
    adopt: int | None,
) -> None:
    """Classify every photo of the images container that has no answer yet, and store it.

    Exit code 0: done; 1: failed; 3: done, but more failures than ERROR_THRESHOLD allows.
    """
    if address and engine != "ray":
        raise click.BadOptionUsage("address", "--address is that of a cluster: add --engine ray.")
    parts = opened_parts()
    write_journal(parts.config)
    with stoppable():
        with _engine(parts, engine, address) as where:
            ended = _run(parts, where, prefix, force, adopt)
        announce(ended, parts.store, parts.config)
        with suppress(OSError):  # a full disk, where the output goes to a file
            if as_json:
                click.echo(json.dumps(run_of(ended)))
            elif not is_for_programs():  # they have it in the log
                show_run(ended)
    if ended.status != "succeeded":
        sys.exit(FAILED)
    if complaint := too_many_failures(ended, parts.store, parts.config.error_threshold):
        _complain(complaint)
        sys.exit(TOO_MANY_FAILURES)


@main.command("classify")
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="FILE…")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object a line.")
def classify_files(files: tuple[Path, ...], as_json: bool) -> None:
    """Say what is on local photos; store nothing.

    Exit code 1 if one of them could not be used.
    """
    parts = opened_parts()
    photos = [Photo("files", str(file), "", 0) for file in files]
    failed = False
    for outcomes in classify(photos, _read_file, parts.load_classifier(), parts.tuning):
        for outcome in outcomes:
            failed |= isinstance(outcome, Failure)
            if as_json:
                click.echo(json.dumps({"file": outcome.photo.name, **classification_of(outcome)}))
            else:
                show_outcome(outcome)
    sys.exit(FAILED if failed else 0)


main.add_command(evaluate_photos)
main.add_command(export_answers)
main.add_command(forget_photos)
main.add_command(key)
main.add_command(model)
main.add_command(notify)


@main.command()
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object a line.")
def doctor(as_json: bool) -> None:
    """Check settings, storage, model, database and disk; exit code 1 if anything is wrong."""
    healthy = True
    for check in _checks():
        healthy &= check.ok
        if as_json:
            click.echo(json.dumps(asdict(check)))
            continue
        mark = click.style("ok  ", fg="green") if check.ok else click.style("FAIL", fg="red")
        click.echo(f"{mark}  {check.name}: {check.found}")
        if check.remedy:
            click.echo(f"      {check.remedy}")
    sys.exit(0 if healthy else FAILED)


@main.group()
def db() -> None:
    """Look after the database."""


@db.command()
def upgrade() -> None:
    """Bring the schema to this version's (the embedded SQLite does it by itself)."""
    store = opened_parts().store
    before = store.schema_version()
    store.upgrade()
    click.echo(f"The schema is {store.schema_version()} (before: {before or 'none'}).")


@main.command()
def serve() -> None:
    """Serve the web app on HOST and PORT, by default http://127.0.0.1:5000."""
    from clothing.web import create_app  # Flask: only who serves pays for it
    from clothing.web.server import serve_app

    serve_app(create_app(environment()))


def _checks() -> Iterable[Check]:
    try:
        return examine(environment())
    except ConfigError as error:  # a file .env that cannot be read
        return [Check("settings", False, str(error))]


def _complain(text: str) -> None:
    """Say what went wrong, in the log if programs read that."""
    if is_for_programs():
        log.error("%s", text)
    else:
        err.print(text, style="red", markup=False, soft_wrap=True)


@contextmanager
def _engine(parts: Parts, name: str, address: str | None) -> Iterator[tuple[Engine, Tuning]]:
    """Give where photos become outcomes, and how much happens at once there."""
    if name == "local":
        yield in_workers, parts.tuning
        return
    from clothing.ray_engine import RayEngine  # only who names it needs Ray

    with RayEngine(address, parts.config.decode_threads) as cluster:
        yield cluster.classify, parts.tuning_a_core


def _run(
    parts: Parts, where: tuple[Engine, Tuning], prefix: str, force: bool, adopt: int | None
) -> Run:
    """Take a run to its end, and tell of one that an exception ended."""
    opened: Run | None = None
    try:
        parts.store.ready()
        opened = parts.store.run(adopt) if adopt else parts.store.open_run("command", prefix, force)
        about_run(opened.run_id)
        log.info("run %s: started by %s", opened.run_id, opened.trigger)
        with progress_bar() as tell:
            engine, tuning = where
            ended = run_batch(
                parts.store, opened, parts.images, parts.load_classifier, tuning, tell, engine
            )
        log.info("run %s %s: %s", ended.run_id, ended.status, ended.error or ended.counts)
        return ended
    except BaseException as error:
        announce_broken(opened, error, parts.store, parts.config)
        raise


def _read_file(photo: Photo) -> bytes:
    try:
        return Path(photo.name).read_bytes()
    except OSError as error:
        raise PhotoError(f"the file cannot be read: {error.strerror}") from error
