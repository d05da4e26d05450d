"""The documents: generated parts are current, and what they name exists."""

import re
from pathlib import Path

import pytest

from clothing.cli import main
from clothing.config import PROJECT, SETTINGS
from clothing.export import HEADS
from clothing.labelled import LABELS
from clothing.labels import ANSWERS, CATEGORIES, UNDONE
from clothing.web import create_app
from scripts.generated_docs import (
    AZURE_GUIDE,
    ENV_EXAMPLE,
    README,
    azure_guide,
    columns_table,
    env_example,
    readme,
    words_table,
)

TEXT = README.read_text(encoding="utf-8")
MAKEFILE = (PROJECT / "Makefile").read_text(encoding="utf-8")
DOCUMENTS = sorted([*PROJECT.glob("*.md"), *PROJECT.glob("docs/*.md")])


def test_the_generated_parts_of_the_readme_are_current() -> None:
    assert readme(TEXT) == TEXT, "run: make docs"


def test_every_column_of_a_list_is_explained(monkeypatch: pytest.MonkeyPatch) -> None:
    assert all(f"`{head}`" in columns_table() for head in HEADS)

    monkeypatch.setattr("scripts.generated_docs.HEADS", (*HEADS, "a_new_column"))
    with pytest.raises(ValueError, match="EXPORTED must say"):
        columns_table()


def test_every_word_that_may_stand_for_a_category_is_explained() -> None:
    words = {*ANSWERS, *LABELS, UNDONE} - set(CATEGORIES)

    assert words == set(re.findall(r"^\| `(\S.*?)` \|", words_table(), re.MULTILINE))


def test_the_generated_part_of_the_azure_guide_is_current() -> None:
    guide = AZURE_GUIDE.read_text(encoding="utf-8")

    assert azure_guide(guide) == guide, "run: make docs"


@pytest.mark.parametrize(
    "name",
    [
        "SECURITY.md",
        "docs/azure.md",
        "docs/runbook.md",
        "docs/scale.md",
        "deploy/schedule/README.md",
    ],
)
def test_everything_that_a_guide_links_to_exists(name: str) -> None:
    guide = PROJECT / name
    targets = re.findall(r"\]\(([^):\s]+)\)", guide.read_text(encoding="utf-8"))

    assert targets
    assert [target for target in targets if not _leads_somewhere(guide, target)] == []


def test_the_example_of_settings_is_current() -> None:
    assert ENV_EXAMPLE.read_text(encoding="utf-8") == env_example(), "run: make docs"


@pytest.mark.parametrize("setting", SETTINGS, ids=lambda setting: setting.name)
def test_every_setting_is_explained(setting: object) -> None:
    assert getattr(setting, "help", "").endswith(".")
    assert getattr(setting, "accepted", "")


@pytest.mark.parametrize("command", sorted(main.commands))
def test_every_command_is_in_the_readme(command: str) -> None:
    assert f"python -m clothing {command}" in TEXT


def test_every_endpoint_is_in_the_readme(environ: dict[str, str]) -> None:
    app = create_app(environ)
    app.extensions["site"].close()

    rules = {re.sub(r"<(int:)?\w+>", "ID", rule.rule) for rule in app.url_map.iter_rules()}
    missing = [
        rule for rule in rules - {"/static/<path:filename>"} if f"`{rule}`" not in _endpoints()
    ]

    assert missing == []


def test_every_make_recipe_that_a_document_names_exists() -> None:
    named = [
        (document.name, recipe)
        for document in DOCUMENTS
        for recipe in re.findall(r"`make ([a-z]+)", document.read_text(encoding="utf-8"))
    ]

    recipes = set(re.findall(r"^([a-z]+):", MAKEFILE, re.MULTILINE))

    assert {document for document, _ in named} >= {"README.md", "CONTRIBUTING.md", "api.md"}
    assert [one for one in named if one[1] not in recipes] == []


def test_every_picture_and_document_that_the_readme_shows_exists() -> None:
    targets = re.findall(r"\]\(([^)#:]+)\)", TEXT)

    assert targets
    assert [target for target in targets if not (PROJECT / target).exists()] == []


@pytest.mark.parametrize(
    "name",
    [
        "requirements.txt",
        "requirements-serve.txt",
        "requirements-dev.txt",
        "requirements-ray.txt",
    ],
)
def test_requirements_are_pinned_and_hashed_and_name_no_index(name: str) -> None:
    text = (PROJECT / name).read_text(encoding="utf-8")

    pins = re.findall(r"^[a-z0-9._-]+(\[[a-z,]+\])?==\S+", text, re.MULTILINE)
    assert len(pins) > 20
    assert text.count("--hash=sha256:") >= len(pins)
    assert "://" not in text
    assert "index" not in text


def test_what_is_served_needs_no_tensorflow() -> None:
    text = (PROJECT / "requirements-serve.txt").read_text(encoding="utf-8")

    assert "tensorflow" not in text
    assert "ai-edge-litert==" in text


def _leads_somewhere(guide: Path, target: str) -> bool:
    """Return True if what a link names exists: the file, and its part if it names one."""
    name, _, part = target.partition("#")
    path = guide.parent / name if name else guide
    return path.exists() and (not part or part in _anchors(path))


def _anchors(path: Path) -> set[str]:
    """Return the names by which a document's parts are linked to, as GitHub makes them."""
    heads = re.findall(r"^#+ (.+)$", path.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", head.lower()).replace(" ", "-") for head in heads}


def _endpoints() -> str:
    return TEXT[TEXT.index("## Endpoints") :]
