"""API keys: their names, what each may do, and which of them somebody offers.

Owns their form in `API_KEYS` and the comparison. A key itself is never kept, only its SHA-256.
That is enough without salt and without a slow hash, which protect words that people choose: a key
of `fresh_key` has 256 random bits, so whoever has the hash and tries a million million keys a
second needs 10^57 years. And a fast hash costs a caller nothing, so nobody can keep the service
busy by offering keys. What people choose as `API_KEY` is compared in the same way, and its hash is
kept in memory only.
"""

import re
import secrets
from collections.abc import Iterable
from dataclasses import dataclass, field
from hashlib import sha256
from hmac import compare_digest

SCOPES = ("read", "run", "review")
"""What a key may allow: to see everything, to start and follow runs, to say what photos show."""

MASTER = "API_KEY"
"""The name of the key that may do everything."""

UNGUESSABLE = 43
"""Characters of a text that nobody finds by trying: 256 bits at 6 bits a character."""

MAX_KEY_NAME = 24
"""With what is put before it, it fits the 32 characters that a run has for who started it."""

_PREFIX = "clothing_"
_NAME = re.compile(rf"[a-z0-9][a-z0-9-]{{0,{MAX_KEY_NAME - 1}}}")
_DIGEST = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Key:
    """A key that opens something: its name, its scopes, and the SHA-256 of the key itself."""

    name: str
    scopes: frozenset[str]
    digest: str = field(repr=False)


def keys_of(text: str) -> tuple[Key, ...]:
    """Return the keys of entries `NAME:SCOPE,SCOPE:SHA256` between spaces, lines or semicolons.

    Two entries may have one name, so that a new key works before the old one stops.

    >>> [key.name for key in keys_of("night:run:" + 64 * "a" + "; desk:read,review:" + 64 * "b")]
    ['night', 'desk']

    Raises:
        ValueError: An entry is of another form, or two are of the same key.
    """
    keys = tuple(_key_of(entry) for entry in re.split(r"[\s;]+", text) if entry)
    if len({key.digest for key in keys}) != len(keys):
        raise ValueError
    return keys


def entry_of(name: str, scopes: Iterable[str], key: str) -> str:
    """Return what `API_KEYS` takes for a key.

    Raises:
        ValueError: The name or a scope is none, or there is no scope.
    """
    asked = set(scopes)
    ordered = ",".join([scope for scope in SCOPES if scope in asked] + sorted(asked - {*SCOPES}))
    entry = f"{name}:{ordered}:{digest_of_key(key)}"
    keys_of(entry)
    return entry


def fresh_key() -> str:
    """Return a new key of 256 random bits; its beginning tells what it is to who finds it."""
    return _PREFIX + secrets.token_urlsafe(32)


def master_key(text: str) -> Key:
    """Return the key that may do everything, as the setting `API_KEY` has it."""
    return Key(MASTER, frozenset(SCOPES), digest_of_key(text))


def digest_of_key(text: str) -> str:
    """Return the SHA-256 of a key as hexadecimal digits."""
    return sha256(text.encode(errors="surrogateescape")).hexdigest()


def key_behind(digest: str, keys: Iterable[Key]) -> Key | None:
    """Return the key of a digest, or None; it takes as long whichever it is."""
    found = None
    for key in keys:
        if compare_digest(key.digest.encode(), digest.encode()) and found is None:
            found = key
    return found


def _key_of(entry: str) -> Key:
    name, scopes, digest = entry.split(":")
    named = scopes.split(",")
    if not _NAME.fullmatch(name) or not _DIGEST.fullmatch(digest.lower()):
        raise ValueError
    if set(named) - {*SCOPES} or len(set(named)) != len(named):
        raise ValueError
    return Key(name, frozenset(named), digest.lower())
