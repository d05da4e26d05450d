"""Every code block of the documents runs here, or says what it needs that is not here.

A block is run as it stands, one document's blocks one after the other, in a copy of the project
with sample photos, a run, some reviews and a predecessor's database. `make` only says what it would
do; what is served listens at another port than 5000. A block that needs Azure, say, has a comment
`<!-- needs Azure -->` on the line before it; it is not run, but what it names must exist.
"""

import os
import re
import shlex
import shutil
import sqlite3
import subprocess
import sys
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import click
import pytest

from clothing.cli import main
from clothing.config import PROJECT, SETTINGS
from clothing.store import Store
from tests.nights import a_review
from tests.serving import free_port, serving
from tests.test_publishing import another_model

pytestmark = pytest.mark.slow

DOCUMENTS = [
    *sorted(PROJECT.glob("*.md")),
    *sorted((PROJECT / "docs").glob("*.md")),
    PROJECT / "deploy" / "schedule" / "README.md",
]

NEEDS = {"Azure", "GitHub", "Windows", "a network"}
"""What is not here."""

SHOWN = {"", "text"}
"""Languages of blocks that only show something."""

SERVED = "127.0.0.1:5000"

ASKS = rf"{re.escape(SERVED)}|SERVICE_URL|nightly\.sh"
"""What a block says that needs the service."""

COPIED = (
    "app.py",
    "clothing",
    "deploy",
    "docs",
    "images",
    "Makefile",
    "model",
    "pyproject.toml",
) + ("requirements-dev.txt", "requirements.txt", "scripts", "SQL_Scripts", "tests")
"""What of the project the blocks need."""


@dataclass(frozen=True, slots=True)
class Block:
    """A code block: where it begins, its language, what it says, what it needs."""

    line: int
    language: str
    text: str
    needs: str

    @property
    def runs(self) -> bool:
        """True if it is run here, else False."""
        return self.language not in SHOWN and not self.needs


def blocks_of(text: str) -> list[Block]:
    """Return the code blocks of a document.

    >>> [(one.line, one.language, one.needs) for one in blocks_of("a\\n```sh\\nls\\n```\\n")]
    [(2, 'sh', '')]
    """
    pattern = r"^( *)(?:<!-- needs ([\w ]+) -->\n\1)?```(\w*)\n(.*?)^\1```$"
    return [
        Block(
            line=text[: found.start()].count("\n") + 1,
            language=found[3],
            text=textwrap.dedent(found[4]),
            needs=found[2] or ("Windows" if found[3] == "powershell" else ""),
        )
        for found in re.finditer(pattern, text, re.MULTILINE | re.DOTALL)
    ]


BLOCKS = {path: blocks_of(path.read_text(encoding="utf-8")) for path in DOCUMENTS}
WITH_CODE = [path for path in DOCUMENTS if any(block.runs for block in BLOCKS[path])]


def name_of(path: Path) -> str:
    return path.relative_to(PROJECT).as_posix()


# The copy of the project


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the project with something in it; each document gets a copy of this."""
    folder = tmp_path_factory.mktemp("project") / "prepared"
    _copy_project(folder)
    _write_programs(folder)
    _lay_out(folder)
    called(folder, ".venv/bin/python -m clothing run")
    store = Store(f"sqlite:///{folder}/var/clothing.db")
    for stored in store.predictions(limit=9):
        a_review(store, stored.image_id, stored.prediction.predicted_category)
    store.dispose()
    other = "var/other/clothing_model.keras"
    called(folder, f".venv/bin/python -m clothing model publish {other} --untested")
    return folder


def _copy_project(folder: Path) -> None:
    folder.mkdir()
    for name in COPIED:
        source = PROJECT / name
        if source.is_dir():
            shutil.copytree(source, folder / name, symlinks=True)
        else:
            shutil.copy(source, folder / name)


def _write_programs(folder: Path) -> None:
    """Put programs into their places: this Python, `make` that only talks, `sqlite3` if lacking."""
    programs = {
        ".venv/bin/python": f'exec {shlex.quote(sys.executable)} "$@"',
        "bin/make": f'exec {shutil.which("make")} --dry-run "$@" >/dev/null',
    }
    if not shutil.which("sqlite3"):
        programs["bin/sqlite3"] = (
            f'exec {shlex.quote(sys.executable)} "{folder}/bin/sqlite.py" "$@"'
        )
    for name, command in programs.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"#!/bin/sh\n{command}\n", encoding="utf-8")
        path.chmod(0o755)
    (folder / "bin" / "sqlite.py").write_text(_SQLITE, encoding="utf-8")


_SQLITE = """\
import sqlite3, sys
file, words = sys.argv[1:]
connection = sqlite3.connect(file)
if words.startswith(".backup "):
    connection.backup(sqlite3.connect(words.split()[1]))
else:
    for row in connection.execute(words):
        print(*row, sep="|")
"""


def _lay_out(folder: Path) -> None:
    """Lay down what documents take for granted: labelled photos, a new model, an old database."""
    (folder / "var").mkdir()
    shutil.copytree(folder / "images", folder / "photos")
    rows = (folder / "tests" / "data" / "sample_photos.csv").read_text("utf-8").splitlines(True)
    for name in ("labels.csv", "var/new_model.test.csv"):
        (folder / name).write_text("".join(rows[:9]), encoding="utf-8")
    another_model(folder / "var" / "other", "other")
    new = another_model(folder / "var" / "new", "new")
    for file in new.parent.iterdir():
        file.rename(folder / "var" / f"new_model{file.suffix}")
    _fill_predecessor(folder / "predecessor.db")


def _fill_predecessor(path: Path) -> None:
    from tests.test_migrate import EVENING, Predecessor

    Predecessor(path).night(["ClothingImages/old.jpg"], EVENING)


def environ_of(folder: Path, port: int = 0) -> dict[str, str]:
    """Return a user's environment that has no setting of ours."""
    kept = {name: value for name, value in os.environ.items() if name in ("LANG", "TMPDIR")}
    return {
        **kept,
        "PATH": f"{folder}/bin{os.pathsep}{os.environ['PATH']}",
        "HOME": str(folder),
        "PORT": str(port or free_port()),
        "SERVICE_URL": f"http://127.0.0.1:{port}",
    }


def called(folder: Path, script: str, port: int = 0) -> str:
    """Run a script as a user's shell would; return what it printed, or fail with it."""
    ended = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script.replace(SERVED, f"127.0.0.1:{port}")],
        cwd=folder,
        env=environ_of(folder, port),
        input="y\n" * 20,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert ended.returncode == 0, f"{script}\n{ended.stdout[-3000:]}\n{ended.stderr[-3000:]}"
    return ended.stdout


@contextmanager
def served(folder: Path, wanted: bool) -> Iterator[int]:
    """Serve the copy if a document speaks of it; give the port."""
    if not wanted:
        yield 0
        return
    port = free_port()
    with serving(environ_of(folder, port), folder=folder):
        yield port


# The tests


@pytest.mark.parametrize("document", WITH_CODE, ids=name_of)
def test_every_block_of_a_document_does_what_it_says(
    document: Path, prepared: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "project"
    shutil.copytree(prepared, folder, symlinks=True)
    _write_programs(folder)
    if document.name == "migrate.md":  # "before the first run"
        for file in (folder / "var").glob("clothing.db*"):
            file.unlink()
    blocks = [block for block in BLOCKS[document] if block.runs]
    asks = any(re.search(ASKS, block.text) for block in blocks)

    with served(folder, asks) as port:
        for block in blocks:
            if block.language == "sql":
                _carry_out(folder / "var" / "clothing.db", block.text)
            else:
                called(folder, block.text, port)


def _carry_out(database: Path, script: str) -> None:
    connection = sqlite3.connect(database)
    connection.execute("PRAGMA foreign_keys = ON")
    connection.executescript(script)
    connection.close()


@pytest.mark.parametrize("document", DOCUMENTS, ids=name_of)
def test_every_block_is_of_a_known_kind(document: Path) -> None:
    text = document.read_text(encoding="utf-8")
    known = {"sh", "sql", "powershell"} | SHOWN

    fences = len(re.findall(r"^ *```", text, re.MULTILINE))

    assert fences == 2 * len(BLOCKS[document]), "a block has no end, or is indented unevenly"
    assert {block.language for block in BLOCKS[document]} <= known
    assert {block.needs for block in BLOCKS[document]} <= NEEDS | {""}
    assert text.count("<!-- needs ") == len(
        [block for block in BLOCKS[document] if block.needs and block.language != "powershell"]
    )


COMMANDS = [
    (f"{name_of(path)}:{block.line}", line)
    for path, blocks in BLOCKS.items()
    for block in blocks
    if block.language not in SHOWN
    for line in re.sub(r"\\\n\s*", "", block.text).splitlines()
]


@pytest.mark.parametrize(("place", "line"), COMMANDS)
def test_a_command_that_a_block_names_exists(place: str, line: str) -> None:
    """Of blocks that are not run too."""
    words = line.partition("#")[0].replace("\\", "/")
    if found := re.search(r"-m clothing ([^|>;&]*)", words):
        _parse(main, shlex.split(found[1]))
    for recipe in re.findall(r"^make ([a-z]+)", words):
        assert re.search(rf"^{recipe}:", MAKEFILE, re.MULTILINE), recipe
    for script in re.findall(r"\b(?:deploy|scripts)/[\w/]+\.(?:sh|py)", words):
        assert (PROJECT / script).is_file(), script
    for module in re.findall(r"-m (scripts\.\w+)", words):
        assert (PROJECT / f"{module.replace('.', '/')}.py").is_file(), module


MAKEFILE = (PROJECT / "Makefile").read_text(encoding="utf-8")


def _parse(command: click.Command, words: Sequence[str]) -> None:
    """Fail if a command line is none of ours, without calling it."""
    context = click.Context(command)
    if isinstance(command, click.Group):
        name, *rest = words
        found = command.get_command(context, name)
        assert found is not None, f"there is no command {name}"
        _parse(found, rest)
        return
    command.make_parser(context).parse_args(list(words))


def test_this_test_sees_blocks_and_runs_most() -> None:
    code = [b for blocks in BLOCKS.values() for b in blocks if b.language not in SHOWN]

    run = [block for block in code if block.runs]

    assert len(code) > 20
    assert len(run) > len(code) / 2


def test_a_block_that_fails_is_told(prepared: Path) -> None:
    with pytest.raises(AssertionError, match="no such command|No such command"):
        called(prepared, ".venv/bin/python -m clothing nonsense | cat")
    with pytest.raises(click.NoSuchOption):
        _parse(main, ["run", "--nonsense"])


def test_no_setting_of_the_developer_reaches_a_block(
    prepared: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for setting in SETTINGS:
        monkeypatch.setenv(setting.name, "nonsense")

    seen: Mapping[str, str] = environ_of(prepared)

    assert {s.name for s in SETTINGS} & seen.keys() == {"PORT"}
