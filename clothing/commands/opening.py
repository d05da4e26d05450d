"""How every command begins, and the exit code with which one fails."""

import click

from clothing.environment import environment
from clothing.parts import Parts

FAILED = 1


def opened_parts() -> Parts:
    """Build the objects that the settings describe, and let go of them when the command ends."""
    parts = Parts(environment())
    click.get_current_context().call_on_close(parts.store.dispose)
    return parts
