"""The command that forgets: `python -m clothing forget`.

A shell: it shows what there is, asks, and lets `forgetting` do it. It never deletes a photo.
"""

from itertools import islice

import click

from clothing.commands.opening import a_prefix, opened_parts
from clothing.errors import StorageError
from clothing.forgetting import Known, forget, known
from clothing.parts import Parts

_SHOWN = 5  # names
_COUNTED = 1000  # photos that may still be in the container


@click.command("forget")
@click.option(
    "--prefix",
    required=True,
    metavar="PREFIX",
    callback=a_prefix,
    help="How the photos' names begin: in most shops a return's number and a slash.",
)
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option("--dry-run", is_flag=True, help="Show what is stored, and forget nothing.")
def forget_photos(prefix: str, yes: bool, dry_run: bool) -> None:
    """Remove all that is stored of photos by how their names begin; the photos stay.

    Small pictures go first, then predictions, probabilities, failures and reviews in one
    transaction. The photos themselves are the shop's: delete them first, or the next run takes them
    in again.
    """
    if not prefix:
        raise click.BadParameter("takes at least one character.", param_hint="--prefix")
    parts = opened_parts()
    parts.store.ready()
    container = parts.config.images_container
    found = known(parts.store, container, prefix)
    if found.is_nothing:
        click.echo(f"Nothing is stored of photos whose names begin with {prefix!r}.")
    else:
        _show(found, prefix)
        if dry_run:
            return
        if not yes:
            click.confirm("Forget all this? Nothing brings it back", abort=True)
        # First those, of which nobody would know any more if it stopped half-way; then once more,
        # for a page may have made some meanwhile.
        pictures = _forget_pictures(parts, found)
        forgotten = forget(parts.store, container, prefix)
        _tell(forgotten, pictures + _forget_pictures(parts, forgotten))
    if not parts.store.empty_log():
        click.secho(
            "Somebody reads the database at this moment, so its write-ahead log may still have "
            "the names. Call this again in a minute.",
            fg="yellow",
        )
    _warn(parts, prefix)


def _show(found: Known, prefix: str) -> None:
    names = found.names
    click.echo(f"Photos whose names begin with {prefix!r}: {len(names):,}")
    for name in names[:_SHOWN]:
        click.echo(f"  {name}")
    if len(names) > _SHOWN:
        click.echo(f"  and {len(names) - _SHOWN:,} more")
    _show_rows(found)


def _show_rows(found: Known) -> None:
    for table, number in found.rows.items():
        click.echo(f"  {table:<36}{number:>9,}")
    click.echo(f"  {'runs asked for such names':<36}{found.runs:>9,}")


def _forget_pictures(parts: Parts, forgotten: Known) -> int:
    from clothing.web.thumbnails import forget_pictures, thumbnail_folder  # only here Flask is paid

    folder = thumbnail_folder(parts.environ)
    try:
        return forget_pictures(folder, forgotten.photos)
    except OSError as error:
        raise StorageError(
            f"A small picture in {folder} cannot be thrown away: {error.strerror}. Call this again "
            "as somebody who may.",
            permanent=True,
        ) from error


def _tell(forgotten: Known, pictures: int) -> None:
    click.echo("Forgotten:")
    _show_rows(forgotten)
    click.echo(f"  {'small pictures on this computer':<36}{pictures:>9,}")


def _warn(parts: Parts, prefix: str) -> None:
    """Say how many such photos would come back with the next run."""
    name = parts.config.images_container
    try:
        left = len(list(islice(parts.images.list_photos(prefix), _COUNTED)))
    except StorageError as error:
        click.secho(f"Whether {name} still holds such photos cannot be seen: {error}", fg="yellow")
        return
    if left:
        number = f"{_COUNTED:,} or more" if left == _COUNTED else f"{left:,}"
        click.secho(
            f"The container {name} still holds {number} such photos, and the next run takes them "
            "in again. If they must go too, delete them there, and call this once more.",
            fg="yellow",
        )
