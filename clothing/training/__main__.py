"""The command `python -m clothing.training`; `make train` calls it."""

import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import astuple, fields, replace
from pathlib import Path
from typing import Any

import click

from clothing.card import Card
from clothing.config import PROJECT
from clothing.errors import ClothingError, ConfigError
from clothing.labelled import read_labels
from clothing.model import sha256_of
from clothing.photos import digest_of
from clothing.training import adapter
from clothing.training.batches import HALVES, PHOTOS_ALONE, Mix
from clothing.training.fit import Plan
from clothing.training.network import (
    LITE0,
    LITE2,
    NIGHTLY,
    average,
    build_network,
    build_wide_network,
    multiply_adds,
    reopen_network,
)
from clothing.training.recipe import (
    CALIBRATES_FROM,
    CARD,
    adapting,
    calibrates,
    finish_card,
    fit,
    gather,
    provenance,
    write_model,
    write_test_labels,
)
from clothing.training.teacher import SHARPNESS, Teacher

SHIPPED = PROJECT / "model" / "clothing_model.keras"
FORMS = {"imagenet": NIGHTLY, "imagenet-lite0": LITE0, "imagenet-lite2": LITE2}
WIDE = "wide"
NEW = (*FORMS, WIDE)
"""What a training can begin with but for a network that is there already."""

EPOCHS, PEAK_RATE = 30, 4e-4
"""From ImageNet's weights: more than an hour on two cores."""

HELD_OUT_BY = 1
"""Seed of who is held out, the same for every training: else one would test by whom another has
learned from."""

CUT_OUT_A_MINUTE = 2_000
"""Garments, on two cores."""

INTERRUPTED = 130
"""Exit code, as shells give it to what Ctrl-C ended."""

FEW = (
    f"Fewer than {CALIBRATES_FROM} photos were held out to set temperature and thresholds by, so "
    "they are those that the network began with; a new one has thresholds of Fashion-MNIST's "
    "pictures, or sorts nothing. Compare before you publish."
)

FURTHER_EPOCHS, FURTHER_RATE = 6, 2e-4
"""From a network that knows garments already: ten minutes."""

ADAPTER_EPOCHS, ADAPTER_RATE = 8, 4e-4
"""Of few weights that begin with nothing, while all else stands still: four minutes, with four
teachers seven."""


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
    help="A .keras to go on from; or, for a new network, "
    f'"{next(iter(FORMS))}". Too large for every night, but teachers of photos: '
    f"{', '.join(list(FORMS)[1:])}; of Fashion-MNIST: {WIDE}.",
)
@click.option(
    "--mean",
    "others",
    multiple=True,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="A .keras that was trained on from --start, or it from this one: training begins with the "
    "mean of their weights. Given several times, of all.",
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
    "--half",
    type=click.IntRange(1, 2),
    help="Learn from the photos of one half of the people alone: for a --half-teacher.",
)
@click.option(
    "--turn",
    type=click.IntRange(1, 2),
    help="Learn from one half of the people held out for validation as well; the other validates.",
)
@click.option(
    "--in-turn",
    nargs=2,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    metavar="FILE FILE",
    help="The .keras of --turn 1 and of --turn 2, for --epochs 0 and a --mean that has learned "
    "from both: each says of the people whom it does not know how sure the mean may sound.",
)
@click.option(
    "--half-teacher",
    "teaching_halves",
    multiple=True,
    type=(click.IntRange(1, 2), click.Path(exists=True, dir_okay=False, path_type=Path)),
    metavar="HALF FILE",
    help="A .keras that learned from the other half of the people (--half), and so does not know "
    "the labels of this one's photos: it says of these what it sees. Given for both halves, in the "
    "place of --teacher.",
)
@click.option(
    "--garments-teacher",
    "teaching_garments",
    multiple=True,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="The same for Fashion-MNIST's pictures.",
)
@click.option(
    "--adapter",
    "of_adapter",
    is_flag=True,
    help="Train layers for Fashion-MNIST's pictures alone, beside the others, which stand still: "
    "photos are answered as before. Where the network has none yet, they are added.",
)
@click.option(
    "--epochs",
    type=click.IntRange(0),
    help=f"{FURTHER_EPOCHS} if not given, {EPOCHS} if new, {ADAPTER_EPOCHS} of an adapter; 0 to "
    "calibrate and measure only.",
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
    type=(click.IntRange(0),) * len(fields(Mix)),
    metavar="PHOTOS ON-WHITE PUBLISHED LAID-OUT FLOORS",
    help="Pictures of each kind in a batch: photos; their garments cut out and laid on white; "
    "Fashion-MNIST's as published; the same in colour on a floor; bare floors. "
    f"{' '.join(map(str, astuple(Mix())))} if not given.",
)
@click.option(
    "--flat",
    default=0.0,
    type=click.FloatRange(0),
    metavar="RADIUS",
    help="Learn to be right with weights close by, too; 0.5 is usual, and takes twice as long.",
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
    others: tuple[Path, ...],
    output: Path,
    size: tuple[int, int] | None,
    teaching: tuple[Path, ...],
    half: int | None,
    turn: int | None,
    in_turn: tuple[Path, Path] | None,
    teaching_halves: tuple[tuple[int, Path], ...],
    teaching_garments: tuple[Path, ...],
    of_adapter: bool,
    epochs: int | None,
    rate: float | None,
    seed: int,
    fashion_mnist: bool,
    mix: tuple[int, ...] | None,
    flat: float,
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
        _check_folder("--checkpoints", checkpoints)
        usual_epochs, usual_rate = _usual(start, of_adapter=of_adapter)
        plan = Plan(
            epochs=usual_epochs if epochs is None else epochs,
            peak_rate=rate or usual_rate,
            seed=seed,
            mix=_mix_of(mix, fashion_mnist=fashion_mnist, of_adapter=of_adapter),
            flat=flat,
        )
        turns = _turns(turn, in_turn, 0 if of_adapter else plan.epochs)
        if turns and (half or teaching_halves):
            raise ConfigError(
                "Halves are of those who are always learned from; --turn and --in-turn add others, "
                "so a teacher could know the people whom it is asked about. Leave one out."
            )
        model, card, seen = _beginning(start, size, seed)
        average(model, others)
        if of_adapter and not adapter.has_adapter(model):
            model = adapter.with_adapter(model, seed)
        teachers = _teachers(teaching, teaching_halves, teaching_garments)
        of_photos = [teacher for kind, teacher in teachers.items() if kind != "published"]
        labelled = read_labels(labels)
        click.echo(
            f"Reading {len(labelled):,} photos and cutting their garments out: about "
            f"{1 + len(labelled) // CUT_OUT_A_MINUTE} minutes."
        )
        gathered = gather(
            folder,
            labels,
            card,
            garments=fashion_mnist,
            seed=HELD_OUT_BY,
            teacher=max(of_photos, key=lambda one: one.card.height * one.card.width, default=None),
            half=half,
            turns=turns,
        )
        click.echo(
            f"Training {model.count_params():,} weights ({multiply_adds(model) / 1e6:.0f} million "
            f"multiply-adds a photo) on {len(gathered.photos.training.names):,} photos. Held out: "
            f"{len(gathered.photos.validation.names)} and {len(gathered.photos.test.names)}."
        )
        learned_from = gathered.photos.training
        # The length is no part of it: until the rate falls, a long training is a short one.
        key = digest_of(
            *(
                "" if path is None else sha256_of(path.read_bytes())
                for path in (
                    *(_path_of(start), *others, *teaching, *teaching_garments),
                    *(path for _, path in teaching_halves),
                )
            ),
            *(sha256_of(part.tobytes()) for part in (learned_from.arrays, learned_from.allowed)),
            f"{start if start in NEW else ''} {card.height} {card.width} {plan.peak_rate} {seed} "
            f"{astuple(plan.mix)} {plan.flat} {of_adapter} {len(others)} {len(teaching)} "
            f"{len(teaching_garments)} {[of for of, _ in teaching_halves]}",
        )
        with adapting(model, gathered, seed) if of_adapter else nullcontext():
            fit(
                model,
                gathered,
                card,
                plan,
                teachers=teachers,
                checkpoints=checkpoints / key[:12] if plan.epochs else None,
                say=click.echo,
            )
        click.echo("Setting temperature and thresholds, and measuring on photos held out.")
        asked = [reopen_network(path)[0] for path in in_turn or ()]
        finished = finish_card(model, card, gathered, asked)
        if plan.epochs or others or in_turn:
            seen = provenance(seen, gathered)
        finished = replace(finished, training_data=seen)
        card = write_model(model, finished, output)
        write_test_labels(labelled, gathered, output.with_suffix(".test.csv"))
        if not calibrates(gathered):
            click.echo(FEW)
        click.echo(_summary(card, output, time.perf_counter() - started))
    except ClothingError as error:
        click.echo(f"Error: {error}", err=True)
        sys.exit(2 if isinstance(error, ConfigError) else 1)
    except KeyboardInterrupt:
        click.echo("Stopped. The same command goes on after the last whole epoch.", err=True)
        sys.exit(INTERRUPTED)


def _beginning(start: str, size: tuple[int, int] | None, seed: int) -> tuple[Any, Card, str]:
    """Return the network to begin with, its card, and in words what it has seen."""
    if start not in NEW:
        if Path(start).suffix != ".keras" or not Path(start).is_file():
            raise ConfigError(
                f"--start is a .keras that is there, or one of {', '.join(NEW)}. Received: {start}."
            )
        model, card = reopen_network(Path(start), size)
        return model, card, card.training_data
    card = replace(CARD, height=size[0], width=size[1]) if size else CARD
    if start == WIDE:
        return build_wide_network(card, seed), card, ""
    form = FORMS[start]
    seen = f"{form.name}'s weights (Google, Apache-2.0; trained on ImageNet)"
    return build_network(card, seed, form), card, seen


def _usual(start: str, *, of_adapter: bool) -> tuple[int, float]:
    """Return how many epochs a training has, and at which rate, if nothing else is asked for."""
    if of_adapter:
        return ADAPTER_EPOCHS, ADAPTER_RATE
    return (EPOCHS, PEAK_RATE) if start in NEW else (FURTHER_EPOCHS, FURTHER_RATE)


def _turns(turn: int | None, in_turn: tuple[Path, Path] | None, epochs_of_photos: int) -> list[int]:
    """Return the halves of those held out for validation that are learned from."""
    if not in_turn:
        return [turn] if turn else []
    if turn or epochs_of_photos:
        raise ConfigError(
            "--in-turn is for a mean that learns from photos no more: give --epochs 0 or "
            f"--adapter, and no --turn. Received {epochs_of_photos} epochs"
            f"{f' and --turn {turn}' if turn else ''}."
        )
    return [1, 2]


def _teachers(
    photos: Sequence[Path], halves: Sequence[tuple[int, Path]], garments: Sequence[Path]
) -> dict[str, Teacher]:
    """Return the teachers by what they are asked about."""
    if halves and (photos or {half for half, _ in halves} != {1, 2}):
        raise ConfigError(
            "--half-teacher is given for half 1 and for half 2, and stands in the place of "
            f"--teacher. Received halves {sorted({half for half, _ in halves})}"
            f"{' and --teacher' if photos else ''}."
        )
    by_kind = {"photos": photos, "published": garments}
    teachers = {kind: Teacher(paths) for kind, paths in by_kind.items() if paths}
    for place, kind in enumerate(HALVES, 1):
        if paths := [path for half, path in halves if half == place]:
            teachers[kind] = Teacher(paths, SHARPNESS)
    return teachers


def _check_output(output: Path) -> None:
    """Refuse what could not be written, before the hour that it takes to have something."""
    if output.suffix != ".keras":
        raise ConfigError(f"--output is a file that ends with .keras. Received: {output}.")
    _check_folder("--output", output.parent)


def _check_folder(option: str, folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise ConfigError(
            f"{option} cannot be written: {error.strerror}. Received: {folder}. Name a folder "
            "that takes files."
        ) from error


def _mix_of(numbers: tuple[int, ...] | None, *, fashion_mnist: bool, of_adapter: bool) -> Mix:
    """Return what a batch consists of; where Fashion-MNIST has no part, the rest of it."""
    if of_adapter:
        if numbers or not fashion_mnist:
            raise ConfigError(
                "An adapter learns from Fashion-MNIST's pictures and from nothing else. Received "
                f"{'--mix' if numbers else '--no-fashion-mnist'} with --adapter: leave one out."
            )
        return adapter.MIX
    mix = Mix(*numbers) if numbers else Mix() if fashion_mnist else PHOTOS_ALONE
    if not fashion_mnist:
        mix = replace(mix, published=0, laid_out=0)
    if not any(astuple(mix)):
        raise ConfigError("A batch has pictures. Received a --mix of zeros.")
    return mix


def _path_of(start: str) -> Path | None:
    return None if start in NEW else Path(start)


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
