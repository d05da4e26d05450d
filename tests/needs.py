"""What a test needs of the machine: without it a test is skipped on a desk, and fails in CI."""

import os
import shutil
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
