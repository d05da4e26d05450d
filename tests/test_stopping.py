"""Being asked to end: never amid something, soon all the same, and the run is closed."""

import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import Future
from pathlib import Path

import pytest

from clothing.config import PROJECT
from clothing.stopping import heed, returned_by, stoppable
from clothing.store import Store
from tests.pictures import many_photos

SIGNALS = signal.SIGTERM, signal.SIGINT, signal.SIGALRM


@pytest.fixture(autouse=True)
def handlers() -> Iterator[None]:
    """All handlers must be as before, and no alarm may be left."""
    before = [signal.getsignal(number) for number in SIGNALS]
    yield
    assert [signal.getsignal(number) for number in SIGNALS] == before
    assert signal.getitimer(signal.ITIMER_REAL) == (0, 0)


@pytest.mark.parametrize("time", [20, 25, 30])
def test_a_run_that_is_signalled_just_after_it_took_a_lock_ends(
    environ: dict[str, str], storage: Path, time: int
) -> None:
    many_photos(storage / "images", 600)
    command = [sys.executable, "-m", "tests.signalled_amid_a_lock", str(time)]

    ended = subprocess.run(
        command, cwd=PROJECT, env=environ | {"BATCH_SIZE": "8"}, stderr=subprocess.PIPE, timeout=60
    )

    store = Store(environ["DATABASE_URL"])
    (run,) = store.runs()
    assert (ended.returncode, run.status) == (128 + signal.SIGTERM, "interrupted")
    store.dispose()


def test_who_is_in_a_call_that_takes_long_is_ended_there() -> None:
    program = (
        "import time\n"
        "from clothing.stopping import stoppable\n"
        "with stoppable():\n"
        "    print('in it', flush=True)\n"
        "    time.sleep(600)\n"
    )
    command = [sys.executable, "-c", program]
    with subprocess.Popen(command, cwd=PROJECT, stdout=subprocess.PIPE) as child:
        assert child.stdout
        child.stdout.readline()
        child.send_signal(signal.SIGTERM)
        assert child.wait(timeout=60) == 128 + signal.SIGTERM


def test_a_signal_is_heeded_where_that_is_asked_for() -> None:
    steps = []

    with pytest.raises(SystemExit) as ended, stoppable():
        signal.raise_signal(signal.SIGTERM)
        steps.append("what had been begun")
        heed()
        steps.append("what had not")

    assert ended.value.code == 128 + signal.SIGTERM
    assert steps == ["what had been begun"]


def test_a_signal_at_the_very_end_counts_too() -> None:
    with pytest.raises(SystemExit), stoppable():
        signal.raise_signal(signal.SIGTERM)


def test_ctrl_c_is_heeded_as_well_and_at_once_the_second_time() -> None:
    steps = []

    with pytest.raises(KeyboardInterrupt), stoppable():
        signal.raise_signal(signal.SIGINT)
        heed()
    with pytest.raises(KeyboardInterrupt), stoppable():
        signal.raise_signal(signal.SIGINT)
        steps.append("begun")
        signal.raise_signal(signal.SIGINT)
        steps.append("not begun")

    assert steps == ["begun"]


def test_what_was_to_be_ignored_is_ignored() -> None:
    kept = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with stoppable():
            signal.raise_signal(signal.SIGINT)
            heed()
    finally:
        signal.signal(signal.SIGINT, kept)


def test_who_waits_for_others_while_tidying_up_is_asked_once_more(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("clothing.stopping.GRACE_SECONDS", 0.2)
    steps = []

    with pytest.raises(SystemExit), stoppable():
        try:
            try:
                signal.raise_signal(signal.SIGTERM)
                heed()
            finally:
                threading.Event().wait(600)  # a thread that never comes back
        finally:
            time.sleep(0.5)  # what comes after is left in peace
            steps.append("the run is closed")

    assert steps == ["the run is closed"]


def test_nothing_was_asked_for() -> None:
    with stoppable():
        heed()
    heed()


def test_waiting_for_another_thread_heeds() -> None:
    never: Future[None] = Future()

    with pytest.raises(SystemExit), stoppable():
        signal.raise_signal(signal.SIGTERM)
        returned_by(never)


def test_the_result_of_another_thread_is_what_it_returned_or_raised() -> None:
    done: Future[int] = Future()
    done.set_result(3)
    broken: Future[int] = Future()
    broken.set_exception(TimeoutError("its own"))

    assert returned_by(done) == 3
    with pytest.raises(TimeoutError, match="its own"):
        returned_by(broken)
