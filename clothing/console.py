"""What the commands show on a terminal: a progress bar, a run, a photo, figures.

Owns rich and the layout of text for people; programs ask for `--json` instead.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import click
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeRemainingColumn,
)

from clothing.batch import Progress as TellProgress
from clothing.labels import CATEGORIES
from clothing.photos import Counts, Failure, Outcome, Prediction, Run

err = Console(stderr=True, highlight=False)


@contextmanager
def progress_bar() -> Iterator[TellProgress]:
    """Give what draws a bar, photos a second and the time left; silent where nobody watches."""
    columns = (
        TextColumn("Photos"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[rate]}"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=err, disable=not err.is_terminal) as progress:
        task = progress.add_task("photos", total=None, rate="")

        def tell(counts: Counts, expected: int | None) -> None:
            seconds = progress.tasks[0].elapsed or 0
            rate = f"{counts.done / seconds:,.0f}/s" if seconds else ""
            progress.update(task, completed=counts.done, total=expected, rate=rate)

        yield tell


def show_run(ended: Run) -> None:
    counts = ended.counts
    click.echo(
        f"Run {ended.run_id} {ended.status}: {counts.listed:,} photos = "
        f"{counts.classified:,} classified + {counts.failed:,} failed + "
        f"{counts.skipped:,} skipped (already done); {ended.photos_per_second:,.0f} a second."
    )
    if ended.error:
        err.print(f"Error: {ended.error}", style="red", markup=False, soft_wrap=True)


def show_outcome(outcome: Outcome) -> None:
    click.secho(outcome.photo.name, bold=True)
    if isinstance(outcome, Failure):
        click.secho(f"  cannot be used: {outcome.reason}", fg="red")
        return
    for category, probability in _ranked(outcome):
        bar = "█" * round(probability * 30)
        click.echo(f"  {category:<12} {probability:6.1%} {bar}")
    if outcome.needs_review:
        click.secho(f"  a person should look: {outcome.review_reason}", fg="yellow")


def _ranked(prediction: Prediction) -> list[tuple[str, float]]:
    pairs = zip(CATEGORIES, prediction.probabilities, strict=True)
    return sorted(pairs, key=lambda pair: -pair[1])


def show_figures(figures: Mapping[str, Any]) -> None:
    for name, figure in figures.items():
        if not isinstance(figure, dict):
            shown = f"{figure:.4f}" if isinstance(figure, float) else str(figure)
            click.echo(f"{name:<28} {shown}")
    _show_confusion(figures["confusion"], figures["per_category"])


def _show_confusion(
    confusion: Mapping[str, Mapping[str, int]], per_category: Mapping[str, Mapping[str, float]]
) -> None:
    columns = (*CATEGORIES, "(failed)")
    click.echo("\nRows: what people wrote. Columns: what the model says.")
    heads = "".join(f"{column[:5]:>6}" for column in columns)
    click.echo(f"{'':<12}{heads}  right")
    for label, row in confusion.items():
        cells = "".join(f"{row.get(column, 0) or '·':>6}" for column in columns)
        share = per_category.get(label, {}).get("accuracy")
        click.echo(f"{label:<12}{cells}" + ("" if share is None else f"  {share:5.2f}"))
