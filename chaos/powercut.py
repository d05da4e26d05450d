"""A power cut: what a disk holds when the lights go out, as the next night's database.

Owns what is known of SQLite's files. A process that is killed leaves all that it wrote, for the
system still has it; a power cut leaves only what had reached the disk. SQLite brings its log to the
disk before it writes pages of the database, so of the log only what comes after those pages may be
missing: it is cut at a random byte there, or the end is scribbled over. The index beside the log
(`-shm`) lives in memory and is gone.
"""

import random
import shutil
import sys
from pathlib import Path

_LOG_HEAD, _FRAME_HEAD, _PAGE_SIZE_AT = 32, 24, 8
_INDEX_COPIED, _INDEX_COPYING = 96, 128
"""Where the index says how many frames are in the database, and on their way there."""


def copied(database: Path, into: Path) -> None:
    """Copy the files of a database whose writers stand still."""
    for suffix in ("", "-wal", "-shm", "-journal"):
        source = database.with_name(database.name + suffix)
        if source.exists():
            shutil.copyfile(source, into / source.name)


def unplugged(database: Path, rng: random.Random) -> str:
    """Let the end of a copied database's log be lost; return what was done, in words."""
    log, index = (database.with_name(database.name + suffix) for suffix in ("-wal", "-shm"))
    safe = _on_disk(log, index)
    index.unlink(missing_ok=True)
    size = log.stat().st_size if log.exists() else 0
    if size <= safe:
        return "nothing was unwritten"
    cut = rng.randrange(safe, size)
    if rng.random() < 0.5:
        with log.open("r+b") as file:
            file.truncate(cut)
        return f"the log was cut at {cut:,} of {size:,} bytes"
    with log.open("r+b") as file:
        file.seek(cut)
        file.write(rng.randbytes(min(512, size - cut)))
    return f"a sector of the log was garbled at {cut:,} of {size:,} bytes"


def _on_disk(log: Path, index: Path) -> int:
    """Return up to which byte the log must be on the disk."""
    if not log.exists() or not index.exists():
        return 0
    head, counts = log.read_bytes()[:_LOG_HEAD], index.read_bytes()[:136]
    if len(head) < _LOG_HEAD or len(counts) < 136:
        return 0
    page = int.from_bytes(head[_PAGE_SIZE_AT : _PAGE_SIZE_AT + 4], "big")
    frames = max(
        int.from_bytes(counts[place : place + 4], sys.byteorder)
        for place in (_INDEX_COPIED, _INDEX_COPYING)
    )
    return _LOG_HEAD + frames * (_FRAME_HEAD + page) if frames else 0
