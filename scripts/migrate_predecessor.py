"""Copies the predecessor's answers into our tables: `python -m scripts.migrate_predecessor --help`.

Owns what becomes of them there: a run for each of its nights, an answer for each photo. Nobody is
asked to review them. docs/migrate.md says how to go about it.
"""

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import click
import sqlalchemy as sa

from clothing.config import Config
from clothing.errors import ClothingError, ConfigError, StoreError
from clothing.labels import COLUMNS
from clothing.photos import Photo, answer_key, photo_key
from clothing.store import Store
from clothing.tables import MIGRATION, batch_run, image_prediction, image_probabilities
from scripts.predecessor import Found, Night, OldAnswer, read

PREDECESSOR = "predecessor"
"""The version of its model and of its preprocessing, which it did not note."""

UNKNOWN_ETAG = ""
"""It did not note either which content it saw."""

SHOWN = 20
"""Rows of a kind that are listed if not all are asked for."""

_AT_ONCE = 1000  # rows


@dataclass(frozen=True, slots=True)
class Added:
    """What was written, or would be."""

    runs: int = 0
    answers: int = 0


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--from", "source", required=True, metavar="URL", help="The predecessor's database.")
@click.option("--to", "target", required=True, metavar="URL", help="Ours, as in DATABASE_URL.")
@click.option("--time-zone", "zone", required=True, metavar="ZONE", help="Of its local times.")
@click.option("--renamed", default="", metavar="PREFIX", help="Before its tables' names, if any.")
@click.option("--container", default="images", help="The container of its photos.", metavar="NAME")
@click.option("--dry-run", is_flag=True, help="Read everything, write nothing.")
@click.option("--all", "show_all", is_flag=True, help=f"List more than {SHOWN} unusable rows.")
def main(
    source: str,
    target: str,
    zone: str,
    renamed: str,
    container: str,
    dry_run: bool,
    show_all: bool,
) -> None:
    """Copy the predecessor's answers into our tables.

    A second call adds only nights that came after the first. Exit code 0: done; 1: failed, and
    nothing is written; 2: bad usage.
    """
    try:
        with _opened(_address("--to", target)) as store:
            found = _read(sa.make_url(_address("--from", source)), _zone(zone), renamed)
            tell_of(found, None if show_all else SHOWN)
            added = _dry(store, found) if dry_run else _write(store, found, container)
    except ClothingError as error:
        click.secho(f"Error: {error}", fg="red", err=True)
        sys.exit(2 if isinstance(error, ConfigError) else 1)
    _tell_of_writing(added, found, dry_run)


@contextmanager
def _opened(address: str) -> Iterator[Store]:
    """Give the tables at an address, and let go of them whatever happens."""
    store = Store(address)
    try:
        yield store
    finally:
        store.dispose()


def _address(option: str, received: str) -> str:
    try:
        return Config.from_env({"DATABASE_URL": received}).database_url
    except ConfigError as error:
        raise ConfigError(f"{option}: {error}") from error


def _zone(received: str) -> ZoneInfo:
    try:
        return Config.from_env({"TZ": received}).tz
    except ConfigError as error:
        raise ConfigError(f"--time-zone: {error}") from error


def _read(url: sa.URL, zone: ZoneInfo, renamed: str) -> Found:
    with click.progressbar(length=1, label="Reading", file=sys.stderr) as bar:

        def tell(done: int, of: int) -> None:
            bar.length = of or 1
            bar.update(done - bar.pos)

        return read(url, zone, renamed, tell)


# Writing


def _dry(store: Store, found: Found) -> Added:
    """Return what writing would add; a database that is not there yet is not made."""
    if store.schema_version() is None:
        return _added(_new_nights(found, None), found)
    return store.read(lambda connection: _added(_nights_to_add(connection, found), found))


def _write(store: Store, found: Found, container: str) -> Added:
    """Add what is new, all of it or nothing."""
    store.ready()

    def add(connection: sa.Connection) -> Added:
        nights = _nights_to_add(connection, found)
        by_night = _by_night(found)
        with click.progressbar(nights, label="Writing", file=sys.stderr) as shown:
            for number in shown:
                answers = by_night.get(number, [])
                _add_night(connection, found.nights[number], answers, container)
        return _added(nights, found)

    return store.write(add)


def _nights_to_add(connection: sa.Connection, found: Found) -> list[int]:
    """Return the places of the nights that are not in our tables.

    Raises:
        StoreError: There are runs of our own, for which old answers would pass as newer ones; or
            the newest night has more answers now than when it was migrated.
    """
    table = batch_run.c
    migrated = sa.select(table.started_at).where(table.trigger == MIGRATION)
    newest = connection.scalar(migrated.order_by(table.started_at.desc()).limit(1))
    nights = _new_nights(found, newest)
    if newest:
        _refuse_grown(connection, found, newest)
    own = sa.select(sa.func.count()).where(table.trigger != MIGRATION)
    if nights and connection.execute(own).scalar_one():
        raise StoreError(
            "The database to migrate to has runs of this program, and the newest answer of a photo "
            "counts: the predecessor's would take their place. Migrate before the first run."
        )
    return nights


def _new_nights(found: Found, newest: datetime | None) -> list[int]:
    return [
        place for place, night in enumerate(found.nights) if newest is None or night.first > newest
    ]


def _refuse_grown(connection: sa.Connection, found: Found, newest: datetime) -> None:
    table = batch_run.c
    ended = connection.scalar(
        sa.select(table.finished_at).where(table.trigger == MIGRATION, table.started_at == newest)
    )
    grown = [night for night in found.nights if night.first <= newest < night.last]
    if ended and any(night.last > ended for night in grown):
        raise StoreError(
            "The predecessor has gone on writing into its newest night since that was migrated. "
            "Stop its nightly run, and migrate into an empty database."
        )


def _added(nights: Sequence[int], found: Found) -> Added:
    chosen = set(nights)
    return Added(len(nights), sum(one.night in chosen for one in found.answers.values()))


def _by_night(found: Found) -> dict[int, list[OldAnswer]]:
    by_night: dict[int, list[OldAnswer]] = {}
    for answer in found.answers.values():
        by_night.setdefault(answer.night, []).append(answer)
    return by_night


def _add_night(
    connection: sa.Connection, night: Night, answers: Sequence[OldAnswer], container: str
) -> None:
    """Add a run with its answers; photos whose answer is another night's count as skipped."""
    key = connection.execute(sa.insert(batch_run), _run_row(night, len(answers)))
    run_id = int(key.inserted_primary_key[0]) if key.inserted_primary_key else 0
    for some in _slices(answers):
        rows = [_prediction_row(answer, container, run_id) for answer in some]
        connection.execute(sa.insert(image_prediction).inline(), rows)
    image_ids = _image_ids(connection, run_id)
    for some in _slices(answers):
        numbers = [
            {
                "image_id": image_ids[_photo_key(answer, container)],
                **dict(zip(COLUMNS, answer.probabilities, strict=True)),
            }
            for answer in some
        ]
        connection.execute(sa.insert(image_probabilities).inline(), numbers)


def _run_row(night: Night, classified: int) -> dict[str, Any]:
    return {
        "status": "succeeded",
        "trigger": MIGRATION,
        "prefix": "",
        "force": True,  # it asked anew every night
        "started_at": night.first,
        "heartbeat_at": night.last,
        "finished_at": night.last,
        "model_version": PREDECESSOR,
        "preprocessing_version": PREDECESSOR,
        "expected": night.listed,
        "listed": night.listed,
        "classified": classified,
        "failed": 0,  # it did not note which photos it could not read
        "skipped": night.listed - classified,
    }


def _prediction_row(answer: OldAnswer, container: str, run_id: int) -> dict[str, Any]:
    photo = Photo(container, answer.name, UNKNOWN_ETAG, 0)
    second, first = sorted(answer.probabilities)[-2:]
    return {
        "run_id": run_id,
        "container": container,
        "image_filename": answer.name,
        "etag": UNKNOWN_ETAG,
        "photo_key": photo_key(photo),
        "timestamp": answer.timestamp,
        "answer_key": answer_key(photo, PREDECESSOR, PREDECESSOR),
        "forced_run": run_id,
        "predicted_category": answer.category,
        "confidence": first,
        "margin": first - second,
        "needs_review": False,
        "review_reason": "",
        "model_version": PREDECESSOR,
        "preprocessing_version": PREDECESSOR,
    }


def _photo_key(answer: OldAnswer, container: str) -> str:
    return photo_key(Photo(container, answer.name, UNKNOWN_ETAG, 0))


def _image_ids(connection: sa.Connection, run_id: int) -> dict[str, int]:
    table = image_prediction.c
    query = sa.select(table.photo_key, table.image_id).where(table.run_id == run_id)
    return {row.photo_key: row.image_id for row in connection.execute(query)}


def _slices(answers: Sequence[OldAnswer]) -> Iterator[Sequence[OldAnswer]]:
    for start in range(0, len(answers), _AT_ONCE):
        yield answers[start : start + _AT_ONCE]


# Telling


def tell_of(found: Found, most: int | None) -> None:
    """Print what was found, in numbers that add up, and the rows that cannot be used."""
    _line("predictions of the predecessor", found.predictions)
    _line("  kept, the newest answer of each photo", len(found.answers))
    _line("  the same answer again", found.repeated)
    _line("  replaced by another answer later", found.replaced)
    for reason, number in sorted(found.reasons().items()):
        _line(f"  left out: {reason}", number)
    _line("rows of probabilities", found.probabilities)
    _line("  without a prediction, or doubled", len(found.strays))
    if found.softmaxed:
        _line("rows of logits, made probabilities by softmax", found.softmaxed)
    if found.never_shown:
        _line("times that no clock of this zone showed", found.never_shown)
        click.echo("Is --time-zone right? On Azure the predecessor's clock showed UTC.")
    _list("image_id", found.left_out, most)
    _list("probabilities_id", found.strays, most)


def _line(words: str, number: int) -> None:
    click.echo(f"{words:<72}{number:>9,}")


def _list(column: str, rows: Sequence[tuple[int, str]], most: int | None) -> None:
    for number, reason in rows[:most]:
        click.echo(f"  {column} {number}: {reason}")
    if most is not None and len(rows) > most:
        click.echo(f"  and {len(rows) - most:,} more; --all lists them")


def _tell_of_writing(added: Added, found: Found, dry_run: bool) -> None:
    click.echo("To be written:" if dry_run else "Written:")
    _line("  nights, each as a run", added.runs)
    _line("  answers", added.answers)
    _line("  nights that were there already", len(found.nights) - added.runs)
    _line("  answers that were there already", len(found.answers) - added.answers)


if __name__ == "__main__":
    main(prog_name="python -m scripts.migrate_predecessor")
