"""What others wrote: pinned, hashed, listed, under licences that fit; workflows without holes."""

import json
import re
from pathlib import Path

import pytest

from clothing.config import PROJECT
from scripts.licences import LICENCES, licences, page, served
from tests.test_deployment import WORKFLOWS, tool

LOCKS = sorted(PROJECT.glob("requirements*.txt"))

FITTING = re.compile(
    r"(MIT|MIT-0|MIT-CMU|BSD|BSD-[23]-Clause|0BSD|Apache-2\.0|MPL-2\.0|PSF-2\.0|ZPL-2\.1|Zlib|CC0-1\.0)"
)
"""Licences that ask for a notice, or that their own files stay open; none asks for ours."""


@pytest.mark.parametrize("lock", LOCKS, ids=lambda path: path.name)
def test_every_package_is_pinned_and_hashed(lock: Path) -> None:
    said = lock.read_text(encoding="utf-8")
    entries = re.split(r"^(?=[A-Za-z0-9])", said, flags=re.MULTILINE)[1:]

    assert len(entries) >= 40
    for entry in entries:
        assert re.match(r"[a-z0-9._-]+==\S+", entry), entry[:80]
        assert "--hash=sha256:" in entry, entry[:80]


@pytest.mark.parametrize("lock", LOCKS, ids=lambda path: path.name)
def test_a_lock_names_no_place_to_download_from(lock: Path) -> None:
    said = lock.read_text(encoding="utf-8")

    assert not re.search(r"^\s*(-i|--index-url|--extra-index-url|-f|--find-links)\b", said, re.M)
    assert "://" not in said


def test_the_larger_locks_pin_what_the_smaller_ones_do() -> None:
    pins = {lock.name: set(_pins(lock)) for lock in LOCKS}

    assert pins["requirements-serve.txt"] <= pins["requirements.txt"]
    assert pins["requirements.txt"] <= pins["requirements-dev.txt"]
    assert pins["requirements-dev.txt"] <= pins["requirements-bench.txt"]
    assert not re.search("tensorflow|keras|torch", " ".join(pins["requirements-serve.txt"]))


def _pins(lock: Path) -> list[str]:
    return re.findall(r"^([a-z0-9._-]+==\S+)", lock.read_text(encoding="utf-8"), re.MULTILINE)


def test_the_list_of_licences_is_current() -> None:
    assert LICENCES.read_text(encoding="utf-8") == page(), "run: make docs"


@pytest.mark.parametrize("name", sorted(served()))
def test_a_licence_fits(name: str) -> None:
    parts = re.split(r" (?:AND|OR) ", licences()[name])

    assert all(FITTING.fullmatch(part) for part in parts), parts


def test_a_licence_that_asks_for_ours_would_be_noticed() -> None:
    assert not FITTING.fullmatch("GPL-3.0-only")
    assert not FITTING.fullmatch("AGPL-3.0")


def test_the_bill_of_materials_lists_every_package_with_its_hashes(tmp_path: Path) -> None:
    bill = tmp_path / "sbom.json"

    made = tool("cyclonedx-py", "requirements", "requirements-serve.txt", "-o", bill)

    assert made.returncode == 0, made.stderr
    listed = json.loads(bill.read_text(encoding="utf-8"))
    assert listed["bomFormat"] == "CycloneDX"
    assert {component["name"] for component in listed["components"]} == served()
    assert all("sha256" in json.dumps(component) for component in listed["components"])


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda path: path.name)
def test_workflows_have_no_hole_that_is_known(workflow: Path) -> None:
    looked = tool("zizmor", "--offline", "--min-severity", "medium", "--format", "plain", workflow)

    assert looked.returncode == 0, looked.stdout


def test_a_workflow_with_a_hole_would_be_noticed(tmp_path: Path) -> None:
    workflow = tmp_path / ".github" / "workflows" / "ci.yml"
    workflow.parent.mkdir(parents=True)
    workflow.write_text(
        "on: pull_request_target\njobs:\n  a:\n    runs-on: ubuntu-24.04\n    steps:\n"
        "      - run: echo ${{ github.event.pull_request.title }}\n"
    )

    assert tool("zizmor", "--offline", "--min-severity", "medium", workflow).returncode != 0


def test_the_audit_of_known_holes_belongs_to_the_hosted_workflow() -> None:
    """Without its advisory service `pip-audit` skips every package, and says that all is well."""
    ci = (PROJECT / ".github" / "workflows" / "ci.yml").read_text(encoding="utf-8")

    assert re.search(r"pip-audit==\S+ .*--strict .*--requirement requirements-serve\.txt", ci)
