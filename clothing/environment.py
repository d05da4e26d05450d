"""The variables that settings are read from: the environment, and a file `.env` under it.

The only reader of both; whoever starts the program hands on what it returns.
"""

import os

from dotenv import dotenv_values

from clothing.config import PROJECT


def environment() -> dict[str, str]:
    """Return the variables: `.env` first, the environment over it."""
    written = dotenv_values(PROJECT / ".env")
    return {**{name: value for name, value in written.items() if value}, **os.environ}
