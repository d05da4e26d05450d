"""What the commands show on a terminal: a progress bar, a run, a photo, figures, a model.

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
from clothing.photos import Counts, Failure, Outcome, Run
from clothing.publishing import BETTER, WORSE, Comparison, Contest, figures_of
from clothing.shapes import ranked

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
    for category, probability in ranked(outcome):
        bar = "█" * round(probability * 30)
        click.echo(f"  {category:<12} {probability:6.1%} {bar}")
    if outcome.needs_review:
        click.secho(f"  a person should look: {outcome.review_reason}", fg="yellow")


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


def show_model(facts: Mapping[str, Any]) -> None:
    """Print a model's card as a table.

    Args:
        facts: Fields of the card, with `blob`, `version`, `previous` and `broke_off`.
    """
    inputs = f"{facts['height']} × {facts['width']} × {facts['channels']}"
    _row("name", facts["name"])
    _row("file", facts["blob"])
    _row("version", facts["version"])
    _row("sha256", facts["sha256"])
    _row("input size", inputs)
    _row("preprocessing", facts["preprocessing"])
    _row("output", facts["output"] or "recognised from the model")
    _row("temperature", facts["temperature"])
    for name, threshold in facts["thresholds"].items():
        _row(f"threshold of {name}", threshold)
    _row("training data", facts["training_data"] or "not said")
    for name, figure in facts["metrics"].items():
        _row(name, figure)
    _row("compiled model", "beside it" if facts["compiled_sha256"] else "none beside it")
    _row("previous model", facts["previous"] or "none; there is nothing to roll back to")
    if facts["broke_off"]:
        click.secho(
            "A change broke off half-way: the card is this model's, the .keras is another's. Put "
            "it right: python -m clothing model rollback",
            fg="red",
        )


def _row(name: str, fact: object) -> None:
    indent = " " * 41
    click.echo(click.wrap_text(f"{name:<40} {fact}", 110, subsequent_indent=indent))


def show_comparison(comparison: Comparison) -> None:
    heads = f"{'current':>10}{'new':>10}{'difference':>14}"
    click.echo(f"{f'{comparison.photos:,} photos':<44}{heads}")
    before, after = figures_of(comparison.current), figures_of(comparison.new)
    for name, difference in comparison.difference.items():
        shown = "" if difference is None else f"{difference:+.4f}"
        click.echo(f"{name:<44}{_figure(before[name])}{_figure(after[name])}{shown:>14}")
    click.echo()
    show_contests(comparison)


def show_contests(comparison: Comparison, *, err: bool = False) -> None:
    """Print who is right where the models disagree, and the verdict.

    Args:
        comparison: Of two models on the same photos.
        err: Where standard output is not for people.
    """
    click.echo(f"The two answer differently on {comparison.disagree:,} photos.", err=err)
    click.echo(f"Only one is right: {_contest(comparison.inside)}", err=err)
    click.echo(f"Of no category, and only one asks: {_contest(comparison.outside)}", err=err)
    color = {BETTER: "green", WORSE: "red"}.get(comparison.verdict)
    click.secho(f"The new model: {comparison.verdict}.", fg=color, bold=True, err=err)


def _contest(contest: Contest) -> str:
    return (
        f"the current model on {contest.only_current_right:,}, the new one on "
        f"{contest.only_new_right:,} (exact McNemar test: p = {contest.p_value:.3g})."
    )


def _figure(figure: float | None) -> str:
    return f"{'–' if figure is None else format(figure, '.4f'):>10}"
