"""Database faults: locked, full, read-only or gone while a run writes; or a server that has moods.

Owns both worlds. With SQLite real runs meet a real lock, a real full disk, a real read-only mount
and a real missing file. With a server, run_batch meets the stand-in of tests/sql_server_double.py,
which answers with SQL Server's own error numbers before a statement, before a commit, or after one
that really happened; the waits between two tries are noted there, not slept.
"""

import random
import shutil
import signal
import sqlite3
import subprocess
import time
from collections.abc import Iterator
from contextlib import closing, suppress
from functools import cache

from chaos.findings import Round
from chaos.kills import Night, await_a_moment, play
from chaos.scene import Scene
from chaos.witness import opened, seen_at_the_end, seen_in
from clothing.batch import run_batch
from clothing.classifier import Classifier
from clothing.errors import StoreError
from clothing.photos import Run
from clothing.sql_server import TRANSIENT, WAITS
from clothing.storage import FolderContainer
from clothing.store import Store
from clothing.walk import Tuning
from tests.sql_server_double import (
    SERVER_URL,
    Error,
    Fault,
    Moment,
    OperationalError,
    SqlServer,
    raised,
    stand_in,
)

PART = "database"

SMALL = Tuning(batch_size=8, download_threads=2, decode_threads=2)

LONGER_THAN_SQLITE_WAITS = 33
"""Seconds: `database._LOCK_SECONDS` are 30."""

_WORDS = (
    "disk",
    "full",
    "I/O",
    "readonly",
    "read-only",
    "unable to open",
    "locked",
    "no such table",
)
"""One of which a run must say that its database failed."""

_FINAL = (18456, 547, 8152, 229)
"""A few numbers with which trying again does not help."""


def rounds(
    scene: Scene,
    small: Scene,
    classifier: Classifier,
    seed: int,
    number: int,
    only: frozenset[int] = frozenset(),
) -> Iterator[Round]:
    """Play so many rounds: in turn one with real files and four with the server.

    Args:
        scene: Where runs meet real files.
        small: Where they meet the server, with fewer photos.
        classifier: The model, loaded once.
        seed: What is drawn depends on it and the round's number alone.
        number: How many.
        only: If not empty, the numbers of the rounds that are played.
    """
    files = [kind for kind in FILE_NIGHTS if _possible(kind)]
    for turn in range(number):
        if only and turn not in only:
            continue
        if turn % 5 == 0:
            kind = files[turn // 5 % len(files)]
            yield play(scene, Round(PART, kind, turn), seed, FILE_NIGHTS[kind])
        else:
            kind = SERVER_KINDS[(turn - turn // 5 - 1) % len(SERVER_KINDS)]
            yield _server_round(small, classifier, seed, Round(PART, kind, turn))


# SQLite: real files, real runs


def the_database_is_locked(scene: Scene, rng: random.Random, one: Round) -> None:
    """Somebody else writes for a while: the run waits, and nobody should notice."""
    with scene.run() as run:
        await_a_moment(scene, rng, run, one)
        one.struck += not run.ended_already
        _hold(scene, rng.uniform(0.2, 4))
        code = run.ended()
    if code not in (0, 3):
        one.blame("wrong", f"a short lock ended the run with {code}: {run.told[-300:]}")


def the_database_is_locked_for_long(scene: Scene, rng: random.Random, one: Round) -> None:
    """Somebody else writes for longer than SQLite waits: the run may give up, in words."""
    with scene.run() as run:
        await_a_moment(scene, rng, run, one)
        one.struck += not run.ended_already
        _hold(scene, LONGER_THAN_SQLITE_WAITS)
        _must_say_why(run.ended(), run.told, one)


def the_disk_is_full(scene: Scene, rng: random.Random, one: Round) -> None:
    """The run works on a small disk of its own, a tmpfs, until that has no byte left."""
    size = rng.randint(100, 600) * 1024 + _size(scene)
    kept = scene.folder.parent / "kept"
    script = (
        'mount -t tmpfs -o size="$0" tmpfs "$1" && cp -a "$2"/. "$1" && shift 2 || exit 99; "$@"; '
        'code=$?; cp -a "$DISK"/. "$KEPT"; exit $code'
    )
    disk = scene.folder.parent / "disk"
    for folder in (disk, kept):
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
    command = ["unshare", "-Urm", "sh", "-c", script, str(size), str(disk), str(scene.folder)]
    address = f"sqlite:///{disk / scene.database.name}"
    with scene.run(*command, DATABASE_URL=address, DISK=str(disk), KEPT=str(kept)) as run:
        code = run.ended()
    one.notes.append(f"{size:,} bytes: {code}")
    one.struck += code not in (0, 3)
    _must_say_why(code, run.told, one)
    scene.remove()
    for file in kept.iterdir():
        file.rename(scene.folder / file.name)


def the_files_may_grow_no_more(scene: Scene, rng: random.Random, one: Round) -> None:
    """A limit on the size of files, set while the run goes on: a quota that is used up."""
    import resource  # Windows has none

    with scene.run() as run:
        await_a_moment(scene, rng, run, one)
        most = max((file.stat().st_size for file in scene.files), default=0) + rng.randrange(9999)
        with suppress(ProcessLookupError):
            resource.prlimit(run.pid, resource.RLIMIT_FSIZE, (most, most))
            one.struck += 1
        _must_say_why(run.ended(), run.told, one)


def the_database_is_read_only(scene: Scene, rng: random.Random, one: Round) -> None:
    """A run on a half-done night meets a disk that was mounted read-only."""
    with scene.run() as run:
        await_a_moment(scene, rng, run, one)
        run.strike(signal.SIGKILL)
        run.ended()
    scene.let_a_minute_pass()
    script = 'mount --bind "$0" "$0" && mount -o remount,bind,ro "$0" && exec "$@"'
    with scene.run("unshare", "-Urm", "sh", "-c", script, str(scene.folder)) as run:
        code = run.ended()
    one.struck += 1
    if code == 0:
        one.blame("wrong", "a run on a read-only database says that it went well")
    _must_say_why(code, run.told, one)


def the_database_is_gone(scene: Scene, rng: random.Random, one: Round) -> None:
    """Somebody removes the files, or some of them, under the run."""
    with scene.run() as run:
        await_a_moment(scene, rng, run, one)
        one.struck += not run.ended_already
        for file in scene.files if rng.random() < 0.5 else [scene.database]:
            file.unlink(missing_ok=True)
        run.ended()
    scene.remove()  # what a log without its database holds is nobody's


FILE_NIGHTS: dict[str, Night] = {
    "SQLite: locked for a while": the_database_is_locked,
    "SQLite: disk full": the_disk_is_full,
    "SQLite: files may not grow": the_files_may_grow_no_more,
    "SQLite: mounted read-only": the_database_is_read_only,
    "SQLite: files removed": the_database_is_gone,
    "SQLite: locked for longer than it waits": the_database_is_locked_for_long,
}
"""The kinds with real files, in the order in which they take turns."""


@cache
def can_mount() -> bool:
    """Return True if a program here may have mounts of its own, False if the system refuses."""
    if not shutil.which("unshare"):
        return False
    tried = ["unshare", "-Urm", "sh", "-c", "mount -t tmpfs tmpfs /mnt"]
    return subprocess.run(tried, capture_output=True, check=False).returncode == 0


def _possible(kind: str) -> bool:
    if FILE_NIGHTS[kind] in (the_disk_is_full, the_database_is_read_only):
        return can_mount()
    return True


def _size(scene: Scene) -> int:
    return sum(file.stat().st_size for file in scene.files)


def _hold(scene: Scene, seconds: float) -> None:
    """Keep the write lock of the database, if it is there, for so long."""
    with suppress(sqlite3.OperationalError), closing(opened(scene.database)) as line:
        line.execute("BEGIN IMMEDIATE")
        time.sleep(seconds)
        line.rollback()


def _must_say_why(code: int, told: str, one: Round) -> None:
    """Blame a run that failed for its database without saying so."""
    if code in (0, 3):
        return
    if code != 1 or "Traceback" in told or not any(word in told for word in _WORDS):
        one.blame("wrong", f"it ended with {code} and said: {told.strip()[-400:]}")


# A server, which the double stands for

SERVER_KINDS = (
    "server: moods that pass",
    "server: line broken before a commit",
    "server: line broken after a commit",
    "server: restart",
    "server: refusals that stay",
)


def _server_round(scene: Scene, classifier: Classifier, seed: int, one: Round) -> Round:
    """Play one night on a server in some mood, and one on a quiet server."""
    rng = random.Random(f"{seed}/{PART}/{one.number}")
    scene.remove()
    with stand_in(scene.database) as server:
        _prepared(server)
        _spoil(server, rng, one.kind)
        planned = len(server.faults)
        first = _run(scene, classifier, one)
        one.struck += planned - len(server.faults)
        server.faults.clear()
        _judge(first, server, one)
        one.found += seen_in(scene.database)
        scene.let_a_minute_pass()
        second = _run(scene, classifier, one)
    if second is None or second.status != "succeeded":
        one.blame("stuck", f"the next night on a quiet server ended so: {second}")
    one.found += seen_at_the_end(scene.database, scene.listed)
    return one


def _prepared(server: SqlServer) -> None:
    """Give a server its tables."""
    store = Store(SERVER_URL)
    store.upgrade()
    store.dispose()
    server.pauses.clear()


def _spoil(server: SqlServer, rng: random.Random, kind: str) -> None:
    """Draw what the server will do, and when."""
    moments: dict[str, tuple[Moment, ...]] = {
        "server: moods that pass": ("execute", "commit", "committed"),
        "server: line broken before a commit": ("commit",),
        "server: line broken after a commit": ("committed",),
        "server: restart": ("execute", "commit", "committed"),
        "server: refusals that stay": ("execute", "commit"),
    }
    tries = len(WAITS)  # of one statement; all faults may meet the same
    for _ in range(rng.randint(1, 3)):
        times = rng.randint(1, 2) if "restart" in kind else 0
        tries -= 1 + times
        if tries < 0:
            break
        moment = rng.choice(moments[kind])
        number = rng.choice(_FINAL if "stay" in kind else sorted(TRANSIENT))
        error = _broken() if "line" in kind or "restart" in kind else _mood(number)
        after = rng.randrange(60 if moment == "execute" else 12)
        server.faults.append(Fault(moment, error, after=after))
        if times:
            server.fail("connect", _mood(40613), times=times)


def _mood(number: int) -> Error:
    state = "40001" if number == 1205 else "HY000"
    return raised(state, f"The server has a mood called {number}.", number)


def _broken() -> Error:
    return raised("08S01", "TCP Provider: Error code 0x2746", 10054, OperationalError)


def _run(scene: Scene, classifier: Classifier, one: Round) -> Run | None:
    """Take one run over the folder to its end; return None if the database ended it."""
    store = Store(SERVER_URL)
    try:
        store.ready()
        run = store.open_run("chaos")
        images = FolderContainer("images", scene.storage / "images")
        return run_batch(store, run, images, lambda: classifier, SMALL)
    except StoreError as error:
        one.notes.append(f"it ended with: {error}")
        return None
    finally:
        store.dispose()


def _judge(first: Run | None, server: SqlServer, one: Round) -> None:
    """Blame a night that faults which pass have cost, or waits that nobody announced."""
    if "stay" not in one.kind and (first is None or first.status != "succeeded"):
        one.blame("wrong", f"a fault that passes ended the night: {first} {one.notes}")
    if not set(server.pauses) <= set(WAITS):
        one.blame("wrong", f"it waited {server.pauses} s, which is not as documented")
