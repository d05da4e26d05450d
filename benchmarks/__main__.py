"""The command line of the benchmarks: `python -m benchmarks COMMAND`, see `--help`."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import click
from rich.console import Console
from rich.markdown import Markdown
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from benchmarks import decoders, folders, model, pages, profile, report, review
from benchmarks.measuring import NotMeasuredError
from benchmarks.rounds import Plan, machine, measure_all
from benchmarks.scenarios import SCENARIOS
from benchmarks.summary import summed_up

shown = Console(highlight=False)
told = Console(stderr=True, highlight=False)

photos_option = click.option(
    "--photos",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="A folder of JPEGs, used again and again up to SIZE. Without it: drawn ones.",
)


class _Commands(click.Group):
    """Commands in the order in which one needs them, not in that of the alphabet."""

    def list_commands(self, context: click.Context) -> list[str]:
        return list(self.commands)


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
def main() -> None:
    """Measure how fast the service is, beside what the machine can do and beside others.

    `all` is what `make bench` calls; the other commands look at one question each. Figures from
    different runs of a command do not compare: the machine is another. Within one run everything
    is measured in turns, several times.
    """


@main.command(name="all")
@click.option("--size", default=2000, show_default=True, type=click.IntRange(16))
@click.option("--rounds", default=3, show_default=True, type=click.IntRange(1))
@photos_option
@click.option(
    "--scale",
    default="1000,10000,100000",
    show_default=True,
    metavar="N,N,…",
    help="Numbers of tiny photos for the curve of time and memory; 1000000 takes 20 minutes.",
)
@click.option(
    "--only",
    multiple=True,
    type=click.Choice(list(SCENARIOS)),
    help="Only this scenario; may be repeated.",
)
@click.option("--output", default=report.RESULTS.parent, type=click.Path(path_type=Path))
@click.option("--plot", default=report.PLOT, type=click.Path(path_type=Path))
def measure(
    size: int,
    rounds: int,
    photos: Path | None,
    scale: str,
    only: tuple[str, ...],
    output: Path,
    plot: Path,
) -> None:
    """Measure all scenarios in turns; write results.json, results.md and the plot.

    Takes some ten minutes with SIZE 2000 on two busy cores. Photos are laid into a temporary
    folder, which is removed at the end. What is not installed is named, with how to install it.
    """
    plan = Plan(size, rounds, photos, _numbers(scale), only=frozenset(only))
    for folder in (output, plot.parent):  # now, not after ten minutes
        folder.mkdir(parents=True, exist_ok=True)
    on = machine()
    with _progress(plan.steps) as tell:
        found = measure_all(plan, tell)
    results = summed_up(plan, found, on)
    report.write(results, output, plot)
    shown.print(Markdown(report.for_readme(results)))
    shown.print(f"All of it: {output / report.TABLE.name}")
    for name, why in found.failed.items():
        told.print(f"{name} failed: {why}", style="red", markup=False)
    sys.exit(1 if found.failed else 0)


def _numbers(text: str) -> tuple[int, ...]:
    try:
        return tuple(sorted(int(part) for part in text.split(",") if part))
    except ValueError as error:
        raise click.BadParameter(
            f"--scale takes numbers with commas between, such as 1000,10000. Received: {text}"
        ) from error


@contextmanager
def _progress(steps: int) -> Iterator[Callable[[str], None]]:
    """Give what draws a bar of the scenarios, or prints their names where nobody watches."""
    columns = (
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("{task.fields[at]}"),
    )
    with Progress(*columns, console=told, disable=not told.is_terminal) as progress:
        task = progress.add_task("", total=steps, at="")
        begun = 0

        def tell(what: str) -> None:
            nonlocal begun
            progress.update(task, completed=max(0, begun - 1), at=what)
            begun += 1
            if not told.is_terminal:
                told.print(what)

        yield tell


@main.command(name="profile")
@click.option("--size", default=5000, show_default=True, type=click.IntRange(16))
@photos_option
@click.option("--output", default=profile.PROFILE, type=click.Path(path_type=Path))
def profile_command(size: int, photos: Path | None, output: Path) -> None:
    """Say which step of a run takes which share of the CPU; write profile.json. Needs py-spy."""
    try:
        found = profile.profiled(photos, size)
    except NotMeasuredError as error:
        raise click.ClickException(str(error)) from error
    profile.write(found, output)
    shown.print(Markdown(profile.table(found)))


@main.command(name="decoders")
@click.option("--number", default=400, show_default=True, type=click.IntRange(2))
@click.option("--rounds", default=3, show_default=True, type=click.IntRange(1))
@photos_option
def decoders_command(number: int, rounds: int, photos: Path | None) -> None:
    """Compare decoders, and threads with processes; a library that is missing is left out."""
    small = folders.originals(photos)
    for title, contents, many in (
        ("400 × 533", small, number),
        ("12 megapixels", folders.enlarged(small), max(2, number // 20)),
    ):
        found = decoders.compared(contents, many, rounds)
        rows = [
            f"| {name} | {one['cpu_ms']:.2f} | {one['thread']:,.0f} | {one['threads']:,.0f} "
            f"| {one['processes']:,.0f} |"
            for name, one in found.items()
        ]
        heads = f"| {title} | CPU ms a photo | photos/s, 1 thread | threads | processes |"
        shown.print(Markdown("\n".join([heads, "|---|---|---|---|---|", *rows])))


@main.command(name="model")
@click.option("--photos", default=1024, show_default=True, type=click.IntRange(1))
@click.option("--rounds", default=5, show_default=True, type=click.IntRange(1))
def model_command(photos: int, rounds: int) -> None:
    """Measure the network alone, by batch size, beside the CNN of TensorFlow's tutorial."""
    rows = [
        f"| {name} | {size} | {speed:,.0f} | {cpu:.3f} |"
        for (name, size), (speed, cpu) in model.compared(rounds, photos).items()
    ]
    heads = "| model | photos at once | photos a second | CPU ms a photo |"
    shown.print(Markdown("\n".join([heads, "|---|---|---|---|", *rows])))


main.add_command(pages.main, "pages")
main.add_command(review.main, "review")


@main.command(name="table")
def table_command() -> None:
    """Show what `results.json` says, and write the table and the plot from it anew."""
    results = report.read()
    report.write(results, report.RESULTS.parent, report.PLOT)
    shown.print(Markdown(report.document(results)))


if __name__ == "__main__":
    main(prog_name="python -m benchmarks")
