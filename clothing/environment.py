"""The variables that settings are read from: the environment, and a file `.env` under it.

The only reader of both; whoever starts the program hands on what it returns.
"""

import os

from dotenv import dotenv_values

from clothing.config import PROJECT
from clothing.errors import ConfigError


def environment() -> dict[str, str]:
    """Return the variables: `.env` first, the environment over it.

    Raises:
        ConfigError: `.env` is there and is no text that can be read.
    """
    try:
        written = dotenv_values(PROJECT / ".env")
    except UnicodeDecodeError:  # it quotes the file, in which there may be secrets
        raise ConfigError(
            ".env takes UTF-8. Received: another encoding, such as the UTF-16 that `echo` of "
            "Windows PowerShell writes. Save the file as UTF-8 with an editor."
        ) from None
    except OSError as error:
        raise ConfigError(
            f".env cannot be read: {error.strerror}. Let this user read it, or remove it."
        ) from error
    return {**{name: value for name, value in written.items() if value}, **os.environ}
