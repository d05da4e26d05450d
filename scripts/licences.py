"""Writes docs/licences.md: under which licence each package comes that the service is made of.

Reads what is installed, so it needs `requirements-dev.txt`; `tests/test_supply_chain.py` fails if a
package is not in the list, or if its licence is none of those that fit ours.
"""

import re
from collections.abc import Iterator
from importlib.metadata import PackageMetadata, PackageNotFoundError, metadata
from pathlib import Path

from clothing.config import PROJECT

SERVED = PROJECT / "requirements-serve.txt"
"""What Azure gets."""

LICENCES = PROJECT / "docs" / "licences.md"

ELSEWHERE = {"colorama": "BSD-3-Clause"}
"""Packages that are installed on Windows only, looked up by hand."""

_PINNED = re.compile(r"^([a-z0-9._-]+)==", re.MULTILINE)
_WORDS = {
    "Apache Software License": "Apache-2.0",
    "MIT License": "MIT",
    "BSD License": "BSD",
    "Mozilla Public License 2.0 (MPL 2.0)": "MPL-2.0",
    "Zope Public License": "ZPL-2.1",
    "3-Clause BSD License": "BSD-3-Clause",
}
"""How licences were named before packages had to say an SPDX expression."""

_HEAD = """# Licences

The service itself is MIT. It is made of these packages, none of which is changed; the list is
written by `make docs` from what the packages say of themselves.

| package | licence |
|---|---|
"""


def licences() -> dict[str, str]:
    """Return the licence of each package that Azure gets, by its name.

    Raises:
        LookupError: A package is not installed, or says nothing of its licence.
    """
    return {name: _licence_of(name) for name in sorted(served())}


def served() -> frozenset[str]:
    """Return the names of the packages that Azure gets."""
    return frozenset(_PINNED.findall(SERVED.read_text(encoding="utf-8")))


def page() -> str:
    """Return what docs/licences.md should say."""
    return _HEAD + "".join(f"| {name} | {licence} |\n" for name, licence in licences().items())


def _licence_of(name: str) -> str:
    try:
        said = list(_said(metadata(name)))
    except PackageNotFoundError:
        said = [ELSEWHERE[name]] if name in ELSEWHERE else []
    if not said:
        raise LookupError(f"{name} is not installed here, or does not say its licence.")
    return said[0]


def _said(facts: PackageMetadata) -> Iterator[str]:
    """Yield what a package says of its licence, the plainest first."""
    yield from facts.get_all("License-Expression") or []
    for classifier in facts.get_all("Classifier") or []:
        kind, _, words = classifier.rpartition(" :: ")
        if kind.startswith("License") and words in _WORDS:
            yield _WORDS[words]
    for words in facts.get_all("License") or []:
        yield _WORDS.get(words.strip(), words.strip())


def main(path: Path = LICENCES) -> None:
    """Write the page."""
    path.write_text(page(), encoding="utf-8")


if __name__ == "__main__":
    main()
