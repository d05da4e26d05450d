"""Writes the parts of the documents that come from the code: `python -m scripts.generated_docs`.

A test fails when one of them is stale.
"""

import click

from benchmarks import profile, report, simulation
from clothing.cli import main as commands
from clothing.config import PROJECT, SETTINGS
from clothing.export import HEADS
from clothing.labelled import LABELS
from clothing.labels import AGAIN, ANSWERS, CATEGORIES, COLUMNS, FOOTWEAR, OUTSIDE, UNDONE
from scripts.files import write

README = PROJECT / "README.md"
ENV_EXAMPLE = PROJECT / ".env.example"
AZURE_GUIDE = PROJECT / "docs" / "azure.md"
SPEED_GUIDE = PROJECT / "benchmarks" / "README.md"
SCALE_GUIDE = PROJECT / "docs" / "scale.md"

EXPORTED = {
    "image_id": "number of the answer, as in `/photos/ID`; empty if the photo could not be read",
    "run_id": "number of the run that gave it",
    "file": "name of the photo in its container",
    "pile": "`check` a person should look, `sorted` nobody need, `unreadable` it could not be read",
    "category": "what it is: as a person said, else as the model said",
    "predicted_category": "what the model said: one of the ten, whatever people said since",
    "confidence": "probability of that category, 0 to 1",
    "margin": "by how much it is ahead of the next one",
    "reason": "why a person should look, or why it could not be read",
    "reviewed_category": "what a person said of it last; empty if nobody did, or took it back",
    "reviewer": "who said it",
    "reviewed_at": "when, UTC",
    "timestamp": "when the model said it, UTC",
    "model_version": "which model",
    "preprocessing_version": "which preprocessing",
    "etag": "which content of the photo; another one after it was changed",
}
"""What each column of a list holds, except the ten probabilities."""


def readme(text: str) -> str:
    """Return the README with its generated blocks as the code has them now."""
    text = _filled(text, "settings", settings_table())
    text = _filled(text, "commands", commands_table())
    text = _filled(text, "words", words_table())
    text = _filled(text, "columns", columns_table())
    return _filled(text, "speed", report.for_readme(report.read()))


def azure_guide(text: str) -> str:
    """Return docs/azure.md with its generated block as the code has it now."""
    return _filled(text, "settings", settings_table())


def speed_guide(text: str) -> str:
    """Return benchmarks/README.md with its generated block as the last profile has it."""
    return _filled(text, "profile", profile.table(profile.read()))


def scale_guide(text: str) -> str:
    """Return docs/scale.md with its generated blocks as the simulation has them now."""
    return simulation.document(text, _filled)


def settings_table() -> str:
    """Return the settings as a Markdown table."""
    rows = ["| setting | default | what it is | takes |", "|---|---|---|---|"]
    for setting in SETTINGS:
        default = f"`{setting.default}`" if setting.default else ""
        rows.append(f"| `{setting.name}` | {default} | {setting.help} | {setting.accepted} |")
    return "\n".join(rows) + "\n"


def commands_table() -> str:
    """Return the commands as a Markdown table."""
    rows = ["| command | does |", "|---|---|"]
    for words, command in _leaves(commands, "python -m clothing"):
        context = click.Context(command, info_name=words)
        usage = " ".join(command.collect_usage_pieces(context)[1:])
        line = f"{words} {_options(command)}{usage}".strip().replace("|", "\\|")
        rows.append(f"| `{line}` | {command.get_short_help_str(200)} |")
    return "\n".join(rows) + "\n"


def words_table() -> str:
    """Return the words beside the ten categories, and where each may stand, as a table."""
    said = {
        OUTSIDE: "a garment in none of the ten",
        AGAIN: "nobody could tell from the photo",
        UNDONE: "the last answer was taken back",
        FOOTWEAR: "a shoe, and nobody noted which of the three kinds",
    }
    places = {
        "`category`": ANSWERS,
        "`image_review.reviewed_category`": (*ANSWERS, UNDONE),
        "labels for `evaluate`, `make train`": LABELS,
    }
    rows = [f"| word | says | {' | '.join(places)} |", "|---" * (2 + len(places)) + "|"]
    for word in {word: 0 for words in places.values() for word in words if word not in CATEGORIES}:
        cells = " | ".join("yes" if word in words else "" for words in places.values())
        rows.append(f"| `{word}` | {said[word]} | {cells} |")
    return "\n".join(rows) + "\n"


def columns_table() -> str:
    """Return the columns of a list as a Markdown table, in their order.

    Raises:
        ValueError: A column has no words, or words have no column.
    """
    if {*EXPORTED, *COLUMNS} != {*HEADS}:
        raise ValueError("EXPORTED must say what each column of export.HEADS holds, and no other.")
    rows = ["| column | holds |", "|---|---|"]
    for head in HEADS:
        if head == COLUMNS[0]:
            names = ", ".join(f"`{name}`" for name in COLUMNS)
            rows.append(f"| {names} | the probability of each category; they sum to 1 |")
        elif head not in COLUMNS:
            rows.append(f"| `{head}` | {EXPORTED[head]} |")
    return "\n".join(rows) + "\n"


def env_example() -> str:
    """Return the `.env` that changes nothing, as a file to copy and edit."""
    lines = ["# Copy to .env and change what you need; the environment wins over this file.", ""]
    for setting in SETTINGS:
        lines += [f"# {setting.help} Takes {setting.accepted}.".replace("`", "")]
        lines += [f"# {setting.name}={setting.default}", ""]
    return "\n".join(lines)


def _filled(text: str, name: str, block: str) -> str:
    """Return a document with a block between its two marks."""
    begin, end = f"<!-- {name}: generated -->", f"<!-- {name}: end -->"
    if text.count(begin) != 1 or text.count(end) != 1:
        raise ValueError(f"The document must have one block {begin} … {end}.")
    before, after = text[: text.index(begin)], text[text.index(end) :]
    return f"{before}{begin}\n{block}{after}"


def _leaves(group: click.Group, words: str) -> list[tuple[str, click.Command]]:
    found: list[tuple[str, click.Command]] = []
    for name, command in group.commands.items():
        if isinstance(command, click.Group):
            found += _leaves(command, f"{words} {name}")
        else:
            found.append((f"{words} {name}", command))
    return found


def _options(command: click.Command) -> str:
    shown = ""
    for option in command.params:
        if isinstance(option, click.Option) and not option.hidden:
            value = "" if option.is_flag else f" {option.metavar or option.type.name.upper()}"
            text = f"{option.opts[0]}{value}"
            shown += f"{text} " if option.required else f"[{text}] "
    return shown


if __name__ == "__main__":
    write(README, readme(README.read_text(encoding="utf-8")))
    write(ENV_EXAMPLE, env_example())
    write(AZURE_GUIDE, azure_guide(AZURE_GUIDE.read_text(encoding="utf-8")))
    write(SCALE_GUIDE, scale_guide(SCALE_GUIDE.read_text(encoding="utf-8")))
    write(SPEED_GUIDE, speed_guide(SPEED_GUIDE.read_text(encoding="utf-8")))
