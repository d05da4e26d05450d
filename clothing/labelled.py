"""Photos that people labelled: a CSV beside a folder.

Owns the columns: `file`, `category`, and, if it is known who took each photo, `sender`. It opens no
photo.
"""

import csv
from dataclasses import dataclass
from pathlib import Path

from clothing.errors import ConfigError
from clothing.labels import CATEGORIES, FOOTWEAR, OUTSIDE

LABELS = (*CATEGORIES, FOOTWEAR, OUTSIDE)
"""What a person may write on a photo."""


@dataclass(frozen=True, slots=True)
class Labelled:
    """What a person wrote on a photo.

    Attributes:
        file: Its name in the folder.
        category: One of `LABELS`.
        sender: Who took it; the file's own name where the CSV does not say.
    """

    file: str
    category: str
    sender: str


def read_labels(path: Path) -> list[Labelled]:
    """Return the rows of a CSV, the last one of each file.

    Raises:
        ConfigError: A column is missing, or a category is none; the message names the line. Or it
            is no CSV in UTF-8.
    """
    try:
        return _rows_of(path)
    except (UnicodeDecodeError, csv.Error) as error:
        raise ConfigError(
            f"{path} cannot be read: {error}. Save it as CSV UTF-8, with commas between columns."
        ) from error


def _rows_of(path: Path) -> list[Labelled]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        rows = csv.DictReader(file)
        if not {"file", "category"} <= set(rows.fieldnames or ()):
            columns = ", ".join(rows.fieldnames or ()) or "nothing"
            raise ConfigError(
                f"{path} must have the columns file, category, with commas between them. "
                f"Received: {columns}."
            )
        labelled = {}
        for row in rows:
            if not row["file"]:
                raise ConfigError(f"{path}, line {rows.line_num}: the column file is empty.")
            if row["category"] not in LABELS:
                raise ConfigError(
                    f"{path}, line {rows.line_num}: a category is one of {', '.join(LABELS)}. "
                    f"Received: {row['category']!r}."
                )
            sender = row.get("sender") or row["file"]
            labelled[row["file"]] = Labelled(row["file"], row["category"], sender)
    if not labelled:
        raise ConfigError(f"{path} has no row below its heading. Label some photos first.")
    return list(labelled.values())
