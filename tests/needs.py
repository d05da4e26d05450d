"""What a test needs of the machine: without it a test is skipped on a desk, and fails in CI."""

import importlib
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NoReturn

import pytest


def program(*names: str, package: str) -> str:
    """Return where the first of some programs is that is installed."""
    found = next(filter(None, map(shutil.which, names)), None)
    return found or go_without(f"{names[0]} is not installed: install the package {package}")


def go_without(missing: str) -> NoReturn:
    """Skip the test, saying what is missing; in CI nothing may be, so there it fails."""
    if os.environ.get("CI"):
        pytest.fail(missing)
    pytest.skip(missing)


@contextmanager
def as_a_user() -> Iterator[None]:
    """Have no more rights than people have: root may enter any folder."""
    if os.name == "nt":
        pytest.skip("no modes")
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)
        importlib.invalidate_caches()  # what was looked for meanwhile may not have been found
