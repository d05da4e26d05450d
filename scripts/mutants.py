"""Counts the small mistakes in five modules that the tests would notice: `make mutants`.

Every test runs once to see which lines it runs. Then each mutant (`scripts.mutations`) gets a fork
of this process, in which its functions take the place of the module's own, and those tests run
that reach them, the short ones first, until one fails. What no test minds is listed.
"""

import argparse
import importlib
import json
import os
import resource
import signal
import sys
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory
from time import monotonic
from types import FunctionType, ModuleType
from typing import Any, Literal

import pytest
from coverage import Coverage

from clothing.config import PROJECT
from scripts.mutations import Mutant, mutants_of

TESTS = {
    "batch": ("test_batch.py",),
    "photos": ("test_photos.py",),
    "preprocess": ("test_preprocess.py",),
    "database": ("test_store.py", "test_sql_server.py"),
    "store": ("test_store.py", "test_sql_server.py"),
}
"""Where the tests of each module are. What tests of others notice by chance does not count."""

TOO_LONG = (
    "test_whatever_nights_bring_the_counts_add_up",
    "test_sqlite_needs_neither_pyodbc_nor_azure",
    "test_the_commands_need_nothing_but_the_setting",
)
"""Tests that take seconds, or another process."""

IN_MEMORY = Path("/dev/shm")
"""Where the tests' databases lie, if there is such a place: they need not outlive a power cut."""

MEMORY = 6 * 2**30
"""What a mutant may take: one that counts for ever takes all there is."""

Verdict = Literal["killed", "stuck", "survived"]


@dataclass(frozen=True, slots=True)
class Seen:
    """What a first run showed: seconds by test, and by file and line the tests that ran it."""

    seconds: dict[str, float]
    tests: dict[str, dict[int, list[str]]]


class Hunt:
    """A plugin of pytest that runs the tests again and again in the place of once."""

    def __init__(self, modules: Sequence[str]) -> None:
        self.modules = modules
        self.verdicts: dict[str, dict[str, Verdict]] = {}
        self.failed = False

    def pytest_configure(self) -> None:
        from hypothesis import settings  # not before pytest, which rewrites its asserts

        settings.register_profile("mutants", database=None, derandomize=True)
        settings.load_profile("mutants")

    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        items = {item.nodeid: item for item in session.items}
        seen = self._seen(session.items)
        for item in {item.path: item for item in reversed(session.items)}.values():
            self._passes(item, None)  # what is imported late is imported before the forks
        for name in self.modules:
            self.verdicts[name] = dict(self._hunted(name, items, seen))
        return True

    def _hunted(
        self, name: str, items: Mapping[str, pytest.Item], seen: Seen
    ) -> Iterator[tuple[str, Verdict]]:
        module = importlib.import_module(f"clothing.{name}")
        path = Path(str(module.__file__))
        killers: dict[str, int] = defaultdict(int)
        for number, mutant in enumerate(mutants_of(path.read_text(encoding="utf-8"))):
            words = f"{number}: line {mutant.line}: {mutant.before} → {mutant.after}"
            put = grafting(module, mutant)
            if put is None:
                continue  # no program at all
            reached = seen.tests[str(path)]
            tests = {test for line in mutant.lines for test in reached.get(line, ())}
            tests |= {test for test, item in items.items() if _reads(item, mutant.names)}
            tests = {test for test in tests if items[test].path.name in TESTS[name]}
            order = sorted(tests, key=lambda test: seen.seconds[test] * 0.5 ** killers[test])
            verdict, by = self._verdict([items[test] for test in order], seen, put)
            if by is not None:
                killers[order[by]] += 1
            _say(f"{name} {words}: {verdict}" if verdict != "killed" else ".")
            yield words, verdict

    def _seen(self, items: Sequence[pytest.Item]) -> Seen:
        """Run every test once, in a fork, and return what it ran.

        Raises:
            SystemExit: A test fails without a mistake.
        """
        files = [str(PROJECT / "clothing" / f"{name}.py") for name in TESTS]

        def work() -> object:
            coverage = Coverage(data_file=None, include=files, config_file=False)
            coverage.start()
            seconds: dict[str, float] = {}
            for item, following in pairwise([*items, None]):
                assert item
                coverage.switch_context(item.nodeid)
                began = monotonic()
                if not self._passes(item, following):
                    return f"without a mistake fails: {item.nodeid}"
                seconds[item.nodeid] = monotonic() - began
            coverage.stop()
            data = coverage.get_data()
            return seconds, {file: data.contexts_by_lineno(file) for file in files}

        found = _in_fork(work)[1]
        if not isinstance(found, list):
            sys.exit(str(found))
        seconds, lines = found
        tests = {
            file: {int(line): [test for test in by if test] for line, by in some.items()}
            for file, some in lines.items()
        }
        return Seen(seconds, tests)

    def _verdict(
        self, items: Sequence[pytest.Item], seen: Seen, put: Callable[[], None]
    ) -> tuple[Verdict, int | None]:
        """Return what tests say of a mutant, and the number of the one that failed."""

        def work() -> object:
            put()
            for number, (item, following) in enumerate(pairwise([*items, None])):
                assert item
                signal.setitimer(signal.ITIMER_REAL, 10 + 20 * seen.seconds[item.nodeid])
                if not self._passes(item, following):
                    return number
            return None

        status, found = _in_fork(work)
        if os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGALRM:
            return "stuck", None
        if status or isinstance(found, int):
            return "killed", found if isinstance(found, int) else None
        return "survived", None

    def _passes(self, item: pytest.Item, following: pytest.Item | None) -> bool:
        self.failed = False
        item.ihook.pytest_runtest_protocol(item=item, nextitem=following)
        return not self.failed

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        self.failed |= report.failed


def _reads(item: pytest.Item, names: Sequence[str]) -> bool:
    """Tell whether a test looks at a value itself."""
    return isinstance(item, pytest.Function) and bool(
        set(names) & set(item.function.__code__.co_names)
    )


def _in_fork(work: Callable[[], object]) -> tuple[int, Any]:
    """Do some work in a copy of this process; return how that ended, and what it returned."""
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        os.close(reading)
        os.setsid()
        with suppress(ValueError):  # macOS knows no such limit
            resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
        silence = os.open(os.devnull, os.O_WRONLY)
        os.dup2(silence, 1)
        os.dup2(silence, 2)
        try:
            with os.fdopen(writing, "w", encoding="utf-8") as pipe:
                json.dump(work(), pipe)
            os._exit(0)
        finally:
            os._exit(1)
    os.close(writing)
    with os.fdopen(reading, encoding="utf-8") as pipe:
        text = pipe.read()
    _, status = os.waitpid(child, 0)
    with suppress(ProcessLookupError):
        os.killpg(child, signal.SIGKILL)  # what a test started and left
    return status, json.loads(text) if text else None


def grafting(module: ModuleType, mutant: Mutant) -> Callable[[], None] | None:
    """Return what puts a mutant in the place of a module; None if it cannot even be imported.

    Others have imported the functions already, so these get the mutant's code.
    """
    other = ModuleType(module.__name__)
    other.__file__ = module.__file__
    try:
        exec(compile(mutant.source, str(module.__file__), "exec"), other.__dict__)
    except Exception:
        return None

    def put() -> None:
        _graft(vars(module), vars(other), module.__name__)
        for name in mutant.names:
            if not isinstance(getattr(other, name), type):
                setattr(module, name, getattr(other, name))

    return put


def _graft(ours: Mapping[str, Any], others: Mapping[str, Any], name: str) -> None:
    for key, our in list(ours.items()):
        other: Any = others.get(key)
        if isinstance(our, type) and our.__module__ == name and other:
            _graft(vars(our), vars(other), name)
        while isinstance(our, property) or hasattr(our, "__wrapped__"):
            our = our.fget if isinstance(our, property) else our.__wrapped__
            other = other.fget if isinstance(other, property) else other.__wrapped__
        if isinstance(our, FunctionType) and our is not other:
            our.__code__ = other.__code__
            our.__defaults__, our.__kwdefaults__ = other.__defaults__, other.__kwdefaults__


def _say(text: str) -> None:
    print(text, end="" if text == "." else "\n", flush=True, file=sys.stderr)


def _table(verdicts: Mapping[str, Mapping[str, Verdict]]) -> str:
    """Return the figures, for people and for Markdown."""
    lines = ["| module | mutants | killed | stuck | survived | killed or stuck |"]
    lines.append("|---|--:|--:|--:|--:|--:|")
    for name, some in verdicts.items():
        killed, stuck, survived = (
            sum(one == kind for one in some.values()) for kind in ("killed", "stuck", "survived")
        )
        share = 100 * (killed + stuck) / (len(some) or 1)
        lines.append(
            f"| `clothing/{name}.py` | {len(some)} | {killed} | {stuck} | {survived} "
            f"| {share:.1f} % |"
        )
    return "\n".join(lines)


def main() -> None:
    """Hunt the mutants of the modules that are named, or of all."""
    parser = argparse.ArgumentParser(prog="python -m scripts.mutants", description=__doc__)
    parser.add_argument("modules", nargs="*", metavar="module", help=", ".join(TESTS))
    modules = parser.parse_args().modules or [*TESTS]
    if strangers := set(modules) - set(TESTS):
        parser.error(f"no tests are known for: {', '.join(sorted(strangers))}")
    hunt = Hunt(modules)
    files = {file for name in modules for file in TESTS[name]}
    tests = [str(PROJECT / "tests" / file) for file in sorted(files)]
    arguments = ["-qq", "-s", "-p", "no:randomly", "-p", "no:cacheprovider"]
    arguments += ["-k", " and ".join(f"not {name}" for name in TOO_LONG)]
    with TemporaryDirectory(dir=IN_MEMORY if IN_MEMORY.is_dir() else None) as folder:
        pytest.main([*arguments, f"--basetemp={folder}/tests", *tests], plugins=[hunt])
    print(_table(hunt.verdicts))


if __name__ == "__main__":
    main()
