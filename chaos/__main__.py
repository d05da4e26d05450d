"""`python -m chaos`: break the service on purpose, then count what was lost, doubled or stuck.

A shell: reads the options, builds the scenes, plays the rounds, prints the table.
"""

import logging
import signal
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from chaos import database_faults, kills, posts, storage_faults
from chaos.findings import FLAWS, Round, counted
from chaos.scene import scene_in
from clothing.classifier import Classifier
from clothing.config import PROJECT
from clothing.model import load_classifier
from clothing.parts import MODEL_CACHE
from clothing.storage import FolderContainer
from tests.azurite import MAIN, Azurite

SHARES = {"kills": 1.0, "posts": 0.1, "storage": 0.6, "database": 0.5}
"""Rounds of each part for one of ROUNDS."""

FEW = 60
"""Photos where a fault does not need many."""

console = Console(highlight=False)

Play = Callable[[ExitStack, Path, frozenset[int]], Iterator[Round]]


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--rounds", default=40, show_default=True, help="How many kill rounds.")
@click.option("--seed", default=1, show_default=True, help="What is drawn depends on it.")
@click.option("--photos", default=2000, show_default=True, help="In a night that is broken off.")
@click.option("--only", multiple=True, type=click.Choice(list(SHARES)), help="Only these parts.")
@click.option("--round", "again", multiple=True, type=int, help="Only rounds of these numbers.")
@click.option(
    "--model",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    default=PROJECT / "model",
    help="Another folder with a model; with a small one, more rounds fit into an hour.",
)
def main(
    rounds: int, seed: int, photos: int, only: tuple[str, ...], again: tuple[int, ...], model: Path
) -> None:
    """Break the service on purpose, many times, and count what was lost, doubled or stuck.

    \b
    kills     runs and web apps are killed, stopped, put to sleep, unplugged; the next finishes
    posts     50 ask for a run at once, over three web apps: one starts, all get its address
    storage   answers of the storage are dropped, delayed, cut, refused, or of another photo
    database  it is locked, full, read-only, gone; a server breaks lines and deadlocks

    For 200 kill rounds there are 20 of posts, 120 of storage faults (they need `make azurite`) and
    100 of database faults. After each round a witness with SQL of its own reads the tables. A run
    that was killed is not waited for a minute long: its last sign of life is put back by 70
    seconds, and the next run finds it as stale as after that minute.

    The seed draws what is done and after how many photos; which instruction a signal meets it
    cannot draw. A finding names the command that plays its round again. Exit code 1: there is one.
    """
    logging.disable(logging.CRITICAL)  # what is said in this process on purpose is no news
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # or what was started would stay
    played: list[Round] = []
    plays = _plays(seed, photos, model)
    for part in only or SHARES:
        if part == "storage" and not MAIN.exists():
            console.print("storage: left out, Azurite is not installed: make azurite", style="red")
            continue
        number = max(again) + 1 if again else max(1, round(rounds * SHARES[part]))
        played += _watched(part, plays[part](number), number, frozenset(again))
    _show(played, seed, photos)
    sys.exit(any(one.found for one in played))


def _plays(seed: int, photos: int, model: Path) -> Mapping[str, Callable[[int], Play]]:
    """Return how each part is played, by its name; it is given how many rounds there are."""

    def of_kills(number: int) -> Play:
        return lambda stack, folder, only: kills.rounds(
            stack.enter_context(scene_in(folder, photos, seed, model)), seed, number, only
        )

    def of_posts(number: int) -> Play:
        return lambda stack, folder, only: posts.rounds(
            stack.enter_context(scene_in(folder, 10 * FEW, seed, model)), seed, number
        )

    def of_storage(number: int) -> Play:
        return lambda stack, folder, only: storage_faults.rounds(
            stack.enter_context(Azurite(folder / "azurite")),
            stack.enter_context(scene_in(folder, 1, seed, model)),
            the_classifier(model),
            seed,
            number,
            only,
        )

    def of_database(number: int) -> Play:
        return lambda stack, folder, only: database_faults.rounds(
            stack.enter_context(scene_in(folder / "many", photos, seed, model)),
            stack.enter_context(scene_in(folder / "few", FEW, seed, model)),
            the_classifier(model),
            seed,
            number,
            only,
        )

    return {
        "kills": of_kills,
        "posts": of_posts,
        "storage": of_storage,
        "database": of_database,
    }


def the_classifier(folder: Path) -> Classifier:
    """Return the model that a folder holds."""
    container = FolderContainer("model", folder)
    return load_classifier(container, "clothing_model.keras", MODEL_CACHE)


def _watched(part: str, play: Play, number: int, only: frozenset[int]) -> list[Round]:
    """Play a part behind a bar that says what was done last, and what was found so far."""
    columns = (
        TextColumn("{task.description:<8}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("{task.fields[last]}"),
    )
    played: list[Round] = []
    with (
        tempfile.TemporaryDirectory() as folder,
        ExitStack() as stack,
        Progress(*columns, console=console) as progress,
    ):
        task = progress.add_task(part, total=len(only) or number, last="")
        for one in play(stack, Path(folder), only):
            played.append(one)
            found = sum(len(one.found) for one in played)
            progress.update(task, advance=1, last=f"{one.kind}; {found} findings so far")
            if not console.is_terminal:  # a log has lines, not a bar
                console.print(f"{part} {one.number}: {one.kind}; {found} findings so far")
                console.print(*one.notes, *one.found[:3], markup=False)
    return played


def _show(played: list[Round], seed: int, photos: int) -> None:
    """Print a line for each kind, the sum, and each finding with the way to see it again."""
    table = Table("part", "kind", "rounds", "struck", *FLAWS)
    for line in counted(played):
        flaws = [_number(line.flaws[flaw]) for flaw in FLAWS]
        table.add_row(line.part, line.kind, str(line.rounds), str(line.struck), *flaws)
    found = [finding.flaw for one in played for finding in one.found]
    sums = [_number(found.count(flaw)) for flaw in FLAWS]
    struck = sum(one.struck for one in played)
    table.add_section()
    table.add_row("all", "", str(len(played)), str(struck), *sums, style="bold")
    console.print(table)
    for one in played:
        if one.found:
            _show_findings(one, seed, photos)


def _number(number: int) -> str:
    return f"[red]{number}[/red]" if number else "0"


def _show_findings(one: Round, seed: int, photos: int) -> None:
    again = (
        f"python -m chaos --seed {seed} --photos {photos} --only {one.part} --round {one.number}"
    )
    console.print(f"{one.part} {one.number}, {one.kind}: {again}", style="red", soft_wrap=True)
    for line in [*one.notes, *(f"{found.flaw}: {found.text}" for found in one.found[:5])]:
        console.print(f"  {line}", markup=False, soft_wrap=True)
    if len(one.found) > 5:
        console.print(f"  … and {len(one.found) - 5} more")


if __name__ == "__main__":
    main()
