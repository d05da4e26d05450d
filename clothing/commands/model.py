"""The commands about the model: `evaluate`, and the group `model` that replaces it safely.

A shell, as `cli`, which registers them: nothing here opens the database.
"""

import json
import sys
from collections.abc import Iterable, Mapping
from contextlib import closing
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from clothing.classifier import Classifier
from clothing.commands.console import (
    progress_bar,
    show_comparison,
    show_contests,
    show_figures,
    show_model,
)
from clothing.commands.opening import FAILED, opened_parts
from clothing.errors import ConfigError, ModelError
from clothing.evaluation import evaluate
from clothing.labelled import read_labels
from clothing.model import load_classifier, sha256_of
from clothing.parts import Parts, model_cache
from clothing.photos import Counts, Failure, Outcome, Photo
from clothing.publishing import WORSE, Comparison, broke_off, current, folder_of, previous
from clothing.publishing import compare as compare_outcomes
from clothing.publishing import publish as publish_model
from clothing.publishing import rollback as roll_back
from clothing.storage import FolderContainer
from clothing.walk import Tuning
from clothing.workers import in_workers

_FOLDER = click.Path(exists=True, file_okay=False, path_type=Path)
_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.command("evaluate")
@click.option("--photos", "folder", required=True, type=_FOLDER, help="Folder of the photos.")
@click.option("--labels", required=True, type=_FILE, help="CSV with the columns file and category.")
@click.option("--json", "as_json", is_flag=True, help="Print the figures as one JSON object.")
def evaluate_photos(folder: Path, labels: Path, as_json: bool) -> None:
    """Measure how right the model is on photos that you labelled; store nothing.

    A category is one of the ten, "Footwear" (right as any of the three kinds of shoe) or "(none)"
    (none of the ten: right if a person is asked to look).
    """
    parts = opened_parts()
    category_by_name = _read_labels(labels)
    outcomes = _outcomes(parts.load_classifier(), folder, category_by_name, parts.tuning)
    _show_failures(outcomes)
    figures = evaluate(outcomes, category_by_name)
    if as_json:
        click.echo(json.dumps(figures, ensure_ascii=False))
    else:
        show_figures(figures)


@click.group()
def model() -> None:
    """Look at the served model, compare another with it, replace it, go back.

    A new model is compared with the current one on the same photos before it may replace it:

    \b
        python -m clothing model show
        python -m clothing model compare NEW.keras --photos DIR --labels CSV
        python -m clothing model publish NEW.keras --photos DIR --labels CSV
        python -m clothing model rollback
    """


@model.command()
@click.option("--json", "as_json", is_flag=True, help="Print the card as one JSON object.")
def show(as_json: bool) -> None:
    """Show the card of the served model, and whether one before it is kept.

    Reads the files only: whether the model works is for `python -m clothing doctor` to say.
    """
    parts = opened_parts()
    blob = parts.config.model_blob
    served, kept = current(parts.models, blob), previous(parts.models, blob)
    if served is None:
        raise ModelError(
            f"The container {parts.models.name} has no {blob}. Put one there: python -m clothing "
            "model publish NEW.keras"
        )
    facts = {
        "blob": blob,
        "version": served.version,
        **asdict(served.card),
        "sha256": served.sha256,
        "previous": kept.version if kept else None,
        "broke_off": broke_off(parts.models, blob),
    }
    if as_json:
        click.echo(json.dumps(facts, ensure_ascii=False))
    else:
        show_model(facts)


@model.command()
@click.argument("new", type=_FILE, metavar="NEW.keras")
@click.option("--photos", "folder", required=True, type=_FOLDER, help="Folder of the photos.")
@click.option("--labels", required=True, type=_FILE, help="CSV with the columns file and category.")
@click.option("--json", "as_json", is_flag=True, help="Print the comparison as one JSON object.")
def compare(new: Path, folder: Path, labels: Path, as_json: bool) -> None:
    """Compare a model with the one that is served, on photos that you labelled; change nothing.

    The card of NEW.keras lies beside it as NEW.json, if it has one. Labels are as in `evaluate`.

    The verdict comes from the photos on which exactly one of the two is right: "better" or
    "worse" if chance alone would make such a difference less than once in twenty times. On
    photos of no category, right is to ask a person. Fewer than six such photos never show a
    difference, so label hundreds.

    Exit code 1 if the new model is worse, else 0.
    """
    parts = opened_parts()
    comparison = _compared(parts, new, folder, labels)
    if as_json:
        click.echo(json.dumps(asdict(comparison), ensure_ascii=False))
    else:
        show_comparison(comparison)
    sys.exit(FAILED if comparison.verdict == WORSE else 0)


@model.command()
@click.argument("new", type=_FILE, metavar="NEW.keras")
@click.option("--photos", "folder", type=_FOLDER, help="Folder of photos to compare on.")
@click.option("--labels", type=_FILE, help="CSV with the columns file and category.")
@click.option("--untested", is_flag=True, help="Publish without any comparison.")
@click.option("--yes", is_flag=True, help="Do not ask before the model is replaced.")
def publish(new: Path, folder: Path | None, labels: Path | None, untested: bool, yes: bool) -> None:
    """Put a model into the place of the served one, unless it is worse.

    Compares the two first, as `compare` does, and refuses a worse one. The model before is kept
    for `rollback`. NEW.keras is compiled here (about 20 s) if no compiled model lies beside it.
    Services take the new model for their next run or request; nothing has to be started anew.

    The first model of a container has none to be compared with, and is published at once.
    """
    parts = opened_parts()
    container, blob = parts.models, parts.config.model_blob
    before, digest = current(container, blob), sha256_of(new.read_bytes())
    if (folder is None) != (labels is None):
        raise click.UsageError("--photos and --labels go together.")
    if untested and folder:
        raise click.UsageError("--untested is for publishing without --photos and --labels.")
    if before and folder and labels:
        _refuse_a_worse_one(_compared(parts, new, folder, labels), new)
    elif before and not untested:
        raise click.UsageError(
            "A model is compared with the served one before it replaces it. Give photos that you "
            "labelled, --photos DIR --labels CSV, or publish it unseen with --untested."
        )
    if before and not yes:
        click.confirm(f"Replace {before.version} by {new}?", abort=True, err=True)
    pin, cache = parts.config.model_sha256, model_cache(parts.environ)
    compared = (before.version, digest) if before else None
    after = publish_model(container, blob, new, cache, sha256=pin, compared=compared)
    if before and before.version == after.version:
        click.echo(f"{after.version} is served already; nothing was changed.")
        return
    click.echo(f"{after.version} is served now.")
    if before:
        click.echo(f"Before: {before.version}. Back to it: python -m clothing model rollback")


@model.command()
def rollback() -> None:
    """Serve the model before the current one again; a second time undoes the first.

    The two change places: what was served until now is kept as the previous model. A change that
    broke off half-way, as in a power cut, is put right.
    """
    parts = opened_parts()
    blob = parts.config.model_blob
    before = current(parts.models, blob)
    after = roll_back(parts.models, blob, sha256=parts.config.model_sha256)
    if before and before.version == after.version:
        click.echo(f"A change had broken off; {after.version} is served as before.")
    else:
        click.echo(f"{after.version} is served again.")


def _compared(parts: Parts, new: Path, folder: Path, labels: Path) -> Comparison:
    """Compare a model with the served one; MODEL_SHA256 may pin either, for nothing is served."""
    category_by_name = _read_labels(labels)
    places = ((parts.models, parts.config.model_blob), (folder_of(new), new.name))
    cache = model_cache(parts.environ)
    before, after = (
        _outcomes(
            load_classifier(container, blob, cache),
            folder,
            category_by_name,
            parts.tuning,
        )
        for container, blob in places
    )
    _show_failures(after)
    return compare_outcomes(before, after, category_by_name)


def _refuse_a_worse_one(comparison: Comparison, new: Path) -> None:
    show_contests(comparison, err=True)
    if comparison.verdict == WORSE:
        raise ModelError(
            f"{new} is worse on these photos, so it is not published. `python -m clothing model "
            "compare` shows all figures. To publish it all the same, give --untested instead of "
            "--photos and --labels."
        )


def _outcomes(
    classifier: Classifier, folder: Path, labels: Mapping[str, Any], tuning: Tuning
) -> list[Outcome]:
    """Return what a model says of the labelled photos of a folder.

    Raises:
        ConfigError: There is none that can be used.
    """
    container = FolderContainer("photos", folder.resolve())  # processes start elsewhere
    photos = [_photo_in(container, name) for name in labels]
    outcomes: list[Outcome] = []
    batches = in_workers(photos, container, classifier, tuning)
    with progress_bar() as tell, closing(batches):
        for some in batches:
            outcomes.extend(some)
            tell(Counts(listed=len(outcomes), classified=len(outcomes)), len(photos))
    if all(isinstance(outcome, Failure) for outcome in outcomes):
        _show_failures(outcomes)
        raise ConfigError(
            f"None of the {len(photos)} photos with a label can be used from {folder}, each for "
            "the reason above. The column file has their names within that folder."
        )
    return outcomes


def _show_failures(outcomes: Iterable[Outcome]) -> None:
    for outcome in outcomes:
        if isinstance(outcome, Failure):
            click.echo(f"{outcome.photo.name}: {outcome.reason}", err=True)


def _photo_in(container: FolderContainer, name: str) -> Photo:
    """Return the photo of a name; one that is not there fails at download, with its reason."""
    return Photo(container.name, name, container.etag(name) or "", 0)


def _read_labels(path: Path) -> dict[str, str]:
    """Return the category of each file in a CSV."""
    return {row.file: row.category for row in read_labels(path)}
