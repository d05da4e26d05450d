"""The commands `key …`: make a key for a program or a person.

A shell. The key is shown once and kept nowhere; `API_KEYS` takes its SHA-256.
"""

import click

from clothing.keys import MAX_KEY_NAME, SCOPES, entry_of, fresh_key


@click.group()
def key() -> None:
    """Make keys for those who may ask."""


@key.command("new")
@click.argument("name", metavar="NAME")
@click.option(
    "--scope",
    "scopes",
    type=click.Choice(SCOPES),
    multiple=True,
    required=True,
    help="What the key may do; several times for several.",
)
def new_key(name: str, scopes: tuple[str, ...]) -> None:
    """Print a new key, this once, and its entry for API_KEYS.

    To replace a key without a gap: add the new entry beside the old one, give the new key to its
    users, then remove the old entry. Both may have the same name.
    """
    made = fresh_key()
    try:
        entry = entry_of(name, scopes, made)
    except ValueError as error:
        raise click.BadParameter(
            f"takes 1 to {MAX_KEY_NAME} of a-z, 0-9 and hyphens, a hyphen not first. "
            f"Received: {name!r}.",
            param_hint="NAME",
        ) from error
    click.echo(f"The key, shown this once:  {made}")
    click.echo(f"Add to API_KEYS:           {entry}")
