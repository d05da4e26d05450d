"""The documents: what is made from the code is current, and every link leads somewhere."""

import ast
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from clothing.card import Card
from clothing.config import PROJECT
from scripts import api_guide, model_card

DOCUMENTS = sorted([*PROJECT.glob("*.md"), *(PROJECT / "docs").glob("*.md")])
CARD = Card.from_json(model_card.CARD.read_text(encoding="utf-8"))


def test_the_model_card_is_current() -> None:
    text = model_card.DOCUMENT.read_text(encoding="utf-8")

    assert text == model_card.model_card(CARD), "run: make docs"


def test_the_model_card_says_what_the_card_says() -> None:
    text = model_card.model_card(
        replace(
            CARD,
            metrics={"photos_test_accuracy": 0.8714, "photos_test_sorted_accuracy": 0.9666},
            thresholds=dict(CARD.thresholds, Bag=0.95),
        )
    )

    assert "and by whom nothing was chosen | 0.87 | – | 0.97 |" in text
    assert "Bag alone" in text or "Bag, " in text
    assert str(CARD.sha256) in text
    assert "Fashion-MNIST's test pictures |" not in text


def test_the_guide_to_the_api_is_current() -> None:
    text = api_guide.DOCUMENT.read_text(encoding="utf-8")

    assert text == api_guide.api_guide(api_guide.description()), "run: make docs"


def test_the_guide_to_the_api_has_every_call_and_links_that_lead_somewhere() -> None:
    description = api_guide.description()
    text = api_guide.api_guide(description)

    for path, methods in description["paths"].items():
        assert all(f"| `{method.upper()}` `{path}` |" in text for method in methods)
    heads = {head.lower() for head in re.findall(r"^### (\w+)$", text, re.MULTILINE)}
    assert set(re.findall(r"\]\(#(\w+)\)", text)) <= heads


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_every_link_leads_somewhere(document: Path) -> None:
    text = document.read_text(encoding="utf-8")

    for target, part in re.findall(r"\]\(([^)#:]*)(#[^)]+)?\)", text):
        file = (document.parent / target) if target else document
        assert file.exists(), target
        if part and file.suffix == ".md":
            assert part[1:] in _anchors(file), f"{target}{part}"


def _anchors(document: Path) -> set[str]:
    """Return the names that headings have as the aim of a link."""
    heads = re.findall(r"^#+ (.+)$", document.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", head.lower()).replace(" ", "-") for head in heads}


def test_every_document_is_in_the_readme_and_links_to_another() -> None:
    readme = (PROJECT / "README.md").read_text(encoding="utf-8")

    for document in DOCUMENTS:
        name = document.relative_to(PROJECT).as_posix()
        if name != "README.md":
            assert f"({name})" in readme, name
        if document.parent.name == "docs" and name != "docs/licences.md":  # a list
            links = re.findall(r"\]\(([^)#:]+)", document.read_text(encoding="utf-8"))
            assert links, f"{name} links to nothing"


def test_the_hooks_are_the_project_s_own_programs() -> None:
    hooks = YAML(typ="safe").load((PROJECT / ".pre-commit-config.yaml").read_text("utf-8"))

    (local,) = hooks["repos"]
    assert local["repo"] == "local"
    assert {hook["language"] for hook in local["hooks"]} == {"system"}
    for hook in local["hooks"]:
        program = hook["entry"].split()[0].removeprefix(".venv/bin/")
        assert re.search(rf"^{program}==", _requirements(), re.MULTILINE), program


def _requirements() -> str:
    return (PROJECT / "requirements-dev.txt").read_text(encoding="utf-8")


def test_the_way_to_each_addition_names_files_that_exist() -> None:
    text = (PROJECT / "CONTRIBUTING.md").read_text(encoding="utf-8")

    named = re.findall(r"`((?:clothing|tests|scripts|infra|chaos|SQL_Scripts)/[\w/]+\.\w+)`", text)

    missing = {name for name in named if not (PROJECT / name).exists()}
    assert len(named) > 15
    assert missing <= {"clothing/migrations/versions/NNNN_words.py"}


OF_SQLITE = {
    "database is locked",
    "database or disk is full",
    "database disk image is malformed",
}


def test_what_the_runbook_quotes_is_what_the_service_says() -> None:
    runbook = (PROJECT / "docs" / "runbook.md").read_text(encoding="utf-8")
    tables = re.findall(r"^\| (?:it says|most say) \|.*\n((?:\|.*\n)+)", runbook, re.MULTILINE)
    quoted = [
        words
        for rows in tables
        for row in rows.splitlines()[1:]
        for words in re.findall(r"`([^`]+)`", row.split("|")[1])
    ]

    said = list(_texts())

    assert len(quoted) > 20
    unsaid = {words for words in quoted if not any(words in text for text in said)}
    assert unsaid == OF_SQLITE


def _texts() -> Iterator[str]:
    """Yield the texts of the service; what stands in for a value is left open, numbers are not."""
    for path in (PROJECT / "clothing").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                yield node.value
