"""Forgetting: takes out of the tables all that they hold of some photos.

Owns that SQL, on the connections of `store`. Photos are chosen by how their names begin, compared
here, so that no collation has a say. The photos themselves are the shop's and stay as they are;
the counts of runs stay too, as they name nobody.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from clothing.database import as_pattern, slices
from clothing.errors import StoreError
from clothing.photos import Photo
from clothing.sql_server import let_statements_take_long
from clothing.store import Store
from clothing.tables import (
    batch_run,
    image_failure,
    image_prediction,
    image_probabilities,
    image_review,
    review_claim,
)

FORGOTTEN = "(forgotten)"
"""What stands in a run instead of the beginning of names that it was asked for."""

_TABLES = (review_claim, image_review, image_probabilities, image_prediction, image_failure)
"""Those that are about photos, in an order that no foreign key forbids."""


@dataclass(frozen=True, slots=True)
class Known:
    """What the tables hold of photos whose names begin alike.

    Attributes:
        photos: The photos, each with every content that it had; their size is not known.
        rows: How many rows of each table are about them.
        runs: How many runs were asked for just such names.
    """

    photos: frozenset[Photo]
    rows: Mapping[str, int]
    runs: int

    @property
    def names(self) -> list[str]:
        """The names, in order."""
        return sorted({photo.name for photo in self.photos})

    @property
    def is_nothing(self) -> bool:
        """True if there is nothing to forget, else False."""
        return not self.photos and not self.runs


def known(store: Store, container: str, prefix: str) -> Known:
    """Return what the tables hold of the photos of a container whose names begin so."""

    def look(connection: sa.Connection) -> Known:
        let_statements_take_long(connection)
        photos = _photos(connection, container, prefix)
        rows = _each(connection, list(photos), _count)
        return Known(_together(photos), rows, len(_runs(connection, prefix)))

    return store.read(look)


def forget(store: Store, container: str, prefix: str) -> Known:
    """Take it out, all or nothing; return what it was.

    A file's write-ahead log still has what it was, until `Store.empty_log`.

    Raises:
        StoreError: A run goes on, which could bring some of it back.
    """
    before: Known | None = None

    def take_out(connection: sa.Connection) -> Known:
        nonlocal before
        _check_no_run(connection)
        let_statements_take_long(connection)
        if store.file:  # else the bytes stay in the file until the room is needed
            connection.exec_driver_sql("PRAGMA secure_delete = ON")
        photos, runs = _photos(connection, container, prefix), _runs(connection, prefix)
        rows = _each(connection, list(photos), _delete)
        _blot_out(connection, runs)
        found = Known(_together(photos), rows, len(runs))
        if before is None or not found.is_nothing:
            before = found  # else a try before took it out, and only its answer was lost
        return before

    store.interrupt_stale_runs()
    return store.write(take_out)


def _check_no_run(connection: sa.Connection) -> None:
    running = sa.select(batch_run.c.run_id).where(batch_run.c.status == "running")
    run_id = connection.scalar(running)
    if run_id is not None:
        raise StoreError(f"Run {run_id} is going on. Forget when it is over.")


def _photos(connection: sa.Connection, container: str, prefix: str) -> dict[str, frozenset[Photo]]:
    """Return the photos by key; each key has a photo for every content."""
    found: dict[str, frozenset[Photo]] = {}
    for table in (image_prediction, image_failure):
        query = (
            sa.select(table.c.photo_key, table.c.image_filename, table.c.etag)
            .where(table.c.container == container, _begins(table.c.image_filename, prefix))
            .distinct()
        )
        for row in connection.execute(query):
            if row.image_filename.startswith(prefix):
                photo = Photo(container, row.image_filename, row.etag, size=0)
                found[row.photo_key] = found.get(row.photo_key, frozenset()) | {photo}
    return found


def _runs(connection: sa.Connection, prefix: str) -> list[int]:
    """Return the runs that were asked for such names: a prefix may be a return's number."""
    table = batch_run.c
    query = sa.select(table.run_id, table.prefix).where(_begins(table.prefix, prefix))
    return [row.run_id for row in connection.execute(query) if row.prefix.startswith(prefix)]


def _begins(column: sa.ColumnElement[str], prefix: str) -> sa.ColumnElement[bool]:
    """Tell texts that may begin so: SQLite takes "A" for "a"."""
    return column.like(f"{as_pattern(prefix)}%", escape="/")


_Act = Callable[[sa.Connection, sa.Table, sa.ColumnElement[bool]], int]


def _each(connection: sa.Connection, keys: Sequence[str], act: _Act) -> dict[str, int]:
    """Do something to the rows about some photos; return how many rows of each table it were."""
    rows = {table.name: 0 for table in _TABLES}
    for some in slices(keys):
        for table in _TABLES:
            about = _about(table, some)
            rows[table.name] += act(connection, table, about)
    return rows


def _about(table: sa.Table, keys: Sequence[str]) -> sa.ColumnElement[bool]:
    if table is not image_probabilities:
        return table.c.photo_key.in_(keys)
    answers = sa.select(image_prediction.c.image_id).where(image_prediction.c.photo_key.in_(keys))
    return table.c.image_id.in_(answers)


def _count(connection: sa.Connection, table: sa.Table, about: sa.ColumnElement[bool]) -> int:
    query = sa.select(sa.func.count()).select_from(table).where(about)
    return connection.execute(query).scalar_one()


def _delete(connection: sa.Connection, table: sa.Table, about: sa.ColumnElement[bool]) -> int:
    return connection.execute(sa.delete(table).where(about)).rowcount


def _blot_out(connection: sa.Connection, runs: Sequence[int]) -> None:
    for some in slices(runs):
        named = batch_run.c.run_id.in_(some)
        connection.execute(sa.update(batch_run).where(named).values(prefix=FORGOTTEN))


def _together(photos: Mapping[str, frozenset[Photo]]) -> frozenset[Photo]:
    return frozenset(photo for some in photos.values() for photo in some)
