"""The command that takes answers away: `python -m clothing export`.

A shell: the file is written by `export`, and nothing in the tables changes.
"""

from pathlib import Path

import click

from clothing.commands.opening import opened_parts
from clothing.errors import ConfigError
from clothing.export import write_file
from clothing.labels import ANSWERS
from clothing.questions import Wanted
from clothing.store import Store


@click.command("export")
@click.option(
    "--run",
    "run_id",
    type=click.IntRange(1, 2**63 - 1),
    metavar="ID",
    help="Only photos that this run opened.",
)
@click.option(
    "--category",
    type=click.Choice(ANSWERS),
    metavar="C",
    help="Only this category: as a person says, else as the model says.",
)
@click.option(
    "--review", type=click.Choice(["only"]), help="`only`: those that a person should look at."
)
@click.option(
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    required=True,
    metavar="FILE",
    help="FILE.csv, or FILE.xlsx with a sheet for each pile, that of unreadable photos too.",
)
def export_answers(
    run_id: int | None, category: str | None, review: str | None, output: Path
) -> None:
    """Write predictions with probabilities and corrections to a CSV or an XLSX file."""
    store = opened_parts().store
    store.ready()
    wanted = Wanted(run_id=run_id, category=category, pile="check" if review else None)
    if run_id is not None:
        _check_run(store, run_id)
    click.echo(f"{write_file(output, store, wanted):,} photos written to {output}.")


def _check_run(store: Store, run_id: int) -> None:
    try:
        store.run(run_id)
    except LookupError as error:
        raise ConfigError(f"--run takes the number of a run. {error}") from error
