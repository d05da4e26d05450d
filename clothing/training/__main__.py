"""The command `python -m clothing.training`; `make train` calls it."""

import sys
import tempfile
import time
from dataclasses import astuple, replace
from pathlib import Path
from typing import Any

import click

from clothing.card import Card
from clothing.config import PROJECT
from clothing.errors import ClothingError, ConfigError
from clothing.model import sha256_of
from clothing.photos import digest_of
from clothing.training.fit import PHOTOS_ALONE, Mix, Plan
from clothing.training.network import average, build_network, multiply_adds, reopen_network
from clothing.training.recipe import (
    CALIBRATES_FROM,
    CARD,
    Gathered,
    calibrates,
    finish_card,
    fit,
    gather,
    provenance,
    write_model,
    write_test_labels,
)
from clothing.training.teacher import Teacher

SHIPPED = PROJECT / "model" / "clothing_model.keras"
IMAGENET = "imagenet"

EPOCHS, PEAK_RATE = 30, 4e-4
"""From ImageNet's weights: more than an hour on two cores."""

HELD_OUT_BY = 1
"""Seed of who is held out, the same for every training: else one would test by whom another has
learned from."""

FEW = (
    f"Fewer than {CALIBRATES_FROM} photos were held out to set temperature and thresholds by, so "
    "they are those that the network began with. Compare before you publish."
)

FURTHER_EPOCHS, FURTHER_RATE = 6, 2e-4
"""From a network that knows garments already: ten minutes."""


@click.command()
@click.option(
    "--photos",
    "folder",
    required=True,
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Folder of the labelled photos.",
)
@click.option(
    "--labels",
    required=True,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="CSV with the columns file, category and, if it is known, sender.",
)
@click.option(
    "--start",
    default=str(SHIPPED),
    show_default="the shipped model",
    help=f'A .keras to go on from, or "{IMAGENET}" for a new network.',
)
@click.option(
    "--mean",
    "other",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="A .keras that was trained on from --start, or it from this one: training begins with the "
    "mean of their weights.",
)
@click.option(
    "--output",
    default=Path("var/new_model.keras"),
    show_default=True,
    type=click.Path(dir_okay=False, path_type=Path),
    help="Takes the new model; its card and its compiled form lie beside it.",
)
@click.option(
    "--size",
    type=(click.IntRange(32, 512), click.IntRange(32, 512)),
    metavar="HEIGHT WIDTH",
    help=f"Of the pictures that the network shall take; if not given, {CARD.height} "
    f"{CARD.width} for a new one, and what it takes already for another.",
)
@click.option(
    "--teacher",
    "teaching",
    multiple=True,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="A .keras of a larger --size, trained before: it says of each photo what it sees, too. "
    "Given several times, all do.",
)
@click.option(
    "--whole",
    is_flag=True,
    help=f"With --start {IMAGENET}: all of EfficientNet-Lite0, too large for every night, but it "
    "can be a --teacher.",
)
@click.option(
    "--epochs",
    type=click.IntRange(0),
    help=f"{FURTHER_EPOCHS} if not given, or {EPOCHS} if new; 0 to calibrate and measure only.",
)
@click.option(
    "--rate", type=click.FloatRange(0, 1, min_open=True), help="Peak of the learning rate."
)
@click.option(
    "--seed",
    default=1,
    show_default=True,
    type=click.IntRange(0),
    help="Decides weights and batches; who is held out is the same for every seed.",
)
@click.option(
    "--fashion-mnist/--no-fashion-mnist",
    default=True,
    show_default=True,
    help="Learn from its pictures too, so that no category is forgotten.",
)
@click.option(
    "--mix",
    type=(click.IntRange(1), click.IntRange(1), click.IntRange(1), click.IntRange(1)),
    metavar="PHOTOS PUBLISHED LAID-OUT FLOORS",
    help="Pictures of each kind in a batch: photos; Fashion-MNIST's as published; the same in "
    f"colour on a floor; bare floors. {' '.join(map(str, astuple(Mix())))} if not given.",
)
@click.option(
    "--checkpoints",
    default=Path("var/training"),
    show_default=True,
    type=click.Path(file_okay=False, path_type=Path),
    help="Keeps the last epoch; the same command goes on from it.",
)
def main(
    folder: Path,
    labels: Path,
    start: str,
    other: Path | None,
    output: Path,
    size: tuple[int, int] | None,
    teaching: tuple[Path, ...],
    whole: bool,
    epochs: int | None,
    rate: float | None,
    seed: int,
    fashion_mnist: bool,
    mix: tuple[int, int, int, int] | None,
    checkpoints: Path,
) -> None:
    """Train the network on photos that you labelled; write it and its card.

    It goes on from the shipped model, which takes minutes. Photos of some people are held out:
    a tenth decides how sure the network may sound, another tenth measures it, once, at the end;
    NEW.test.csv lists these. Nothing is replaced: compare the new model on them with
    `python -m clothing model compare`, and put it into service with `model publish`.
    """
    try:
        started = time.perf_counter()
        _check_output(output)
        is_new = start == IMAGENET
        plan = Plan(
            epochs=(EPOCHS if is_new else FURTHER_EPOCHS) if epochs is None else epochs,
            peak_rate=rate or (PEAK_RATE if is_new else FURTHER_RATE),
            seed=seed,
            mix=(Mix(*mix) if mix else Mix()) if fashion_mnist else PHOTOS_ALONE,
        )
        model, card = _beginning(start, size, seed, whole=whole)
        if other:
            average(model, other)
        teacher = Teacher(teaching) if teaching else None
        click.echo("Reading the pictures: half a minute.")
        gathered = gather(
            folder, labels, card, garments=fashion_mnist, seed=HELD_OUT_BY, teacher=teacher
        )
        click.echo(
            f"Training {model.count_params():,} weights ({multiply_adds(model) / 1e6:.0f} million "
            f"multiply-adds a photo) on {len(gathered.photos.training.names):,} photos. Held out: "
            f"{len(gathered.photos.validation.names)} and {len(gathered.photos.test.names)}."
        )
        # The length is no part of it: until the rate falls, a long training is a short one.
        key = digest_of(
            *(
                "" if path is None else sha256_of(path.read_bytes())
                for path in (_path_of(start), other, *teaching)
            ),
            *(f"{name} {_state_of(folder / name)}" for name in _names_in(gathered)),
            labels.read_text(encoding="utf-8-sig"),
            f"{card.height} {card.width} {plan.peak_rate} {seed} {astuple(plan.mix)} {whole}",
        )
        folder_of_this = checkpoints / key[:12]
        fit(
            model,
            gathered,
            card,
            plan,
            teacher=teacher,
            checkpoints=folder_of_this,
            say=click.echo,
        )
        finished = finish_card(model, card, gathered)
        learned = provenance(card, gathered, is_new=is_new)
        card = write_model(model, replace(finished, training_data=learned), output)
        write_test_labels(labels, gathered, output.with_suffix(".test.csv"))
        if not calibrates(gathered):
            click.echo(FEW)
        click.echo(_summary(card, output, time.perf_counter() - started))
    except ClothingError as error:
        click.echo(f"Error: {error}", err=True)
        sys.exit(2 if isinstance(error, ConfigError) else 1)


def _beginning(
    start: str, size: tuple[int, int] | None, seed: int, *, whole: bool
) -> tuple[Any, Card]:
    """Return the network to begin with, and its card."""
    if start == IMAGENET:
        card = replace(CARD, height=size[0], width=size[1]) if size else CARD
        return build_network(card, seed, whole=whole), card
    if whole:
        raise ConfigError(
            f"--whole builds a new network. Received --start {start}, which is one already: leave "
            f"--whole out, or say --start {IMAGENET}."
        )
    return reopen_network(Path(start), size)


def _check_output(output: Path) -> None:
    """Refuse what could not be written, before the hour that it takes to have something."""
    if output.suffix != ".keras":
        raise ConfigError(f"--output is a file that ends with .keras. Received: {output}.")
    try:
        output.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=output.parent):
            pass
    except OSError as error:
        raise ConfigError(
            f"--output cannot be written: {error.strerror}. Received: {output}. Name a folder "
            "that takes files."
        ) from error


def _path_of(start: str) -> Path | None:
    return None if start == IMAGENET else Path(start)


def _names_in(gathered: Gathered) -> list[str]:
    return sorted(name for side in gathered.photos for name in side.names.tolist())


def _state_of(photo: Path) -> str:
    """Return what changes when a photo does, without reading it again."""
    state = photo.stat()
    return f"{state.st_size} {state.st_mtime_ns}"


def _summary(card: Card, output: Path, seconds: float) -> str:
    size = output.stat().st_size
    lines = [
        f"Wrote {output} ({size / 1e6:.2f} MB) and its card in {seconds / 60:.0f} minutes.",
        f"  {'temperature':45} {card.temperature:.2f}",
        *(f"  {name.replace('_', ' '):45} {value:.4f}" for name, value in card.metrics.items()),
        "Confidence from which a category is sorted without a look:",
        *(f"  {category:45} {value:.3f}" for category, value in card.thresholds.items()),
    ]
    return "\n".join(lines)


if __name__ == "__main__":
    main()
