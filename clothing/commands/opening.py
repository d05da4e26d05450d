"""How every command begins, and the exit code with which one fails."""

import click

from clothing.environment import environment
from clothing.parts import Parts
from clothing.storage import MAX_NAME
from clothing.words import is_whole

FAILED = 1


def a_prefix(_context: click.Context, _option: click.Parameter, received: str) -> str:
    """Take the beginning of names, if names can begin so; click calls it for an option."""
    if len(received) > MAX_NAME or not is_whole(received):
        raise click.BadParameter(f"takes at most {MAX_NAME:,} characters, in UTF-8.")
    return received


def opened_parts() -> Parts:
    """Build the objects that the settings describe, and let go of them when the command ends."""
    parts = Parts(environment())
    click.get_current_context().call_on_close(parts.store.dispose)
    return parts
