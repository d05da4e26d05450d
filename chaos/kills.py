"""Crash and resume: runs and web apps are ended where it hurts, and the next run finishes the rest.

Owns the ways in which a night breaks off. A round starts on an empty database, breaks off once or
twice at moments that are drawn, then lets one run, or several at once, take over.
"""

import random
import signal
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from chaos.findings import Round
from chaos.powercut import copied, unplugged
from chaos.scene import Program, Scene, StuckError, kill, wait_for, wait_until_nobody_goes_on
from chaos.witness import seen_at_the_end, seen_in

PART = "kills"

_TAKEN_OVER = "the run was not taken over"
_TRIES = 5
_SUCCESSORS = 3
_EARLY = 0.15
"""Of the faults, the share that comes within the first moments of a process."""

Night = Callable[[Scene, random.Random, Round], None]


def rounds(
    scene: Scene, seed: int, number: int, only: frozenset[int] = frozenset()
) -> Iterator[Round]:
    """Play so many rounds, the kinds in turn; yield each when it is over.

    Args:
        scene: Where; its database is taken away before each round.
        seed: What is drawn depends on it and the round's number alone.
        number: How many.
        only: If not empty, the numbers of the rounds that are played.
    """
    kinds = list(NIGHTS)
    for place in range(number):
        if only and place not in only:
            continue
        kind = kinds[place % len(kinds)]
        yield play(scene, Round(PART, kind, place), seed, NIGHTS[kind])


def play(scene: Scene, one: Round, seed: int, night: Night) -> Round:
    """Play one round: break off, look, take over, look again."""
    rng = random.Random(f"{seed}/{one.part}/{one.number}")
    scene.remove()
    try:
        for _ in range(rng.choice((1, 1, 1, 2))):
            scene.let_a_minute_pass()  # since the fault before
            night(scene, rng, one)
            see(scene, one)
        take_over(scene, rng, one)
        one.found += seen_at_the_end(scene.database, scene.listed)
    except StuckError as error:
        one.blame("stuck", str(error))
    return one


def see(scene: Scene, one: Round) -> None:
    """Look at what a fault has left behind, if anything was written at all."""
    if scene.count("SELECT COUNT(*) FROM sqlite_master WHERE name = 'image_review'"):
        one.found += seen_in(scene.database)


# How a night breaks off


def the_run_is_killed(scene: Scene, rng: random.Random, one: Round) -> None:
    """SIGKILL of `python -m clothing run`."""
    with scene.run() as run:
        await_a_moment(scene, rng, run, one)
        one.struck += run.strike(signal.SIGKILL)


def the_run_is_told_to_stop(scene: Scene, rng: random.Random, one: Round) -> None:
    """SIGTERM of the run: it has to close its own row."""
    with scene.run() as run:
        await_a_moment(scene, rng, run, one)
        one.struck += run.strike(signal.SIGTERM)
        code = run.ended()
    if code != -signal.SIGTERM and scene.going_on():  # it had begun to listen to signals
        one.blame("stuck", f"a run that was told to stop ended with {code} and left its row open")


def the_web_app_is_killed(scene: Scene, rng: random.Random, one: Round) -> None:
    """SIGKILL of the web app: the run that it started goes on to its end."""
    with scene.serve() as web:
        if not _posted(web.post(), one):
            return
        await_a_moment(scene, rng, None, one)
        one.struck += scene.going_on()
        web.strike(signal.SIGKILL)
    wait_until_nobody_goes_on(scene)
    _expect(scene, one, "succeeded", "a run whose web app was killed")


def both_are_killed(scene: Scene, rng: random.Random, one: Round) -> None:
    """SIGKILL of the web app and of the run, as when a container is ended."""
    with scene.serve() as web:
        _posted(web.post(), one)
        await_a_moment(scene, rng, None, one)
        runs = web.runs()
        web.strike(signal.SIGKILL)
        one.struck += kill(runs)


def the_run_of_a_web_app_is_killed(scene: Scene, rng: random.Random, one: Round) -> None:
    """SIGKILL of the run only: the web app that started it sees to its row at once."""
    with scene.serve() as web:
        if not _posted(web.post(), one):
            return
        await_a_moment(scene, rng, None, one)
        one.struck += kill(web.runs())
        wait_until_nobody_goes_on(scene)


def the_children_are_killed(scene: Scene, rng: random.Random, one: Round) -> None:
    """SIGKILL of whatever the run has below it, if anything; it goes on, or says why it cannot."""
    with scene.run() as run:
        await_a_moment(scene, rng, run, one)
        one.struck += kill(run.descendants())
        code = run.ended()
    if scene.going_on():
        one.blame("stuck", f"a run without its children ended with {code} and left its row open")


def the_lights_go_out(scene: Scene, rng: random.Random, one: Round) -> None:
    """A power cut: the next run finds what the disk held, less the end of the log."""
    with tempfile.TemporaryDirectory() as name, scene.run() as run:
        kept = Path(name)
        await_a_moment(scene, rng, run, one)
        one.struck += run.strike(signal.SIGSTOP)
        copied(scene.database, kept)
        run.strike(signal.SIGKILL)
        run.ended()
        scene.remove()
        if (kept / scene.database.name).exists():
            one.notes.append(unplugged(kept / scene.database.name, rng))
        for file in kept.iterdir():
            file.rename(scene.folder / file.name)


def the_run_oversleeps(scene: Scene, rng: random.Random, one: Round) -> None:
    """The run stands still for a minute, is taken for dead, and wakes up beside its successor."""
    with scene.run() as run:
        await_a_moment(scene, rng, run, one)
        one.struck += run.strike(signal.SIGSTOP)
        while scene.going_on() and not scene.let_a_minute_pass(0.1):  # it sleeps on a lock
            run.strike(signal.SIGCONT)
            time.sleep(0.005)
            run.strike(signal.SIGSTOP)
        with scene.run() as successor:
            time.sleep(rng.uniform(0, 3))
            run.strike(signal.SIGCONT)
            run.ended()
            successor.ended()


NIGHTS: dict[str, Night] = {
    "run killed": the_run_is_killed,
    "web app killed, run goes on": the_web_app_is_killed,
    "power cut": the_lights_go_out,
    "both killed": both_are_killed,
    "run told to stop (SIGTERM)": the_run_is_told_to_stop,
    "run asleep for a minute": the_run_oversleeps,
    "run of a web app killed": the_run_of_a_web_app_is_killed,
    "children of the run killed": the_children_are_killed,
}
"""The kinds of this part, in the order in which they take turns."""


# What comes after


def take_over(scene: Scene, rng: random.Random, one: Round) -> None:
    """Let a minute pass, then have one or several runs at once finish the rest."""
    dead = scene.going_on()
    scene.let_a_minute_pass()
    for _ in range(_TRIES):
        _succeed(scene, rng.choice((1, 1, 1, _SUCCESSORS)), one)
        if scene.count("SELECT COUNT(*) FROM batch_run WHERE status = 'succeeded'"):
            break
        scene.let_a_minute_pass()
    else:
        one.blame("stuck", f"after {_TRIES} further runs none has succeeded")
    closed = "SELECT COUNT(*) FROM batch_run WHERE error LIKE 'no sign of life%'"
    if scene.count(closed) < dead:
        one.blame("stuck", _TAKEN_OVER)


def _succeed(scene: Scene, number: int, one: Round) -> None:
    """Start so many runs at once: one gets the claim, the others hear of it."""
    programs = [scene.run() for _ in range(number)]
    codes = [program.ended() for program in programs]
    won = [one for one in programs if one.run.get("status") == "succeeded"]
    for program, code in zip(programs, codes, strict=True):
        if code not in (0, 3) and "is going on since" not in program.told:
            one.notes.append(f"a successor ended with {code}: {program.told.strip()[-300:]}")
    late = [run for run in (winner.run for winner in won) if run["classified"]]
    if len(late) > 1:
        one.blame("doubled", f"{len(late)} successors classified photos: {late}")


def await_a_moment(scene: Scene, rng: random.Random, run: Program | None, one: Round) -> None:
    """Let the run come as far as is drawn: a number of photos, or a time after its start."""
    if rng.random() < _EARLY:
        seconds = rng.uniform(0, 1.5)
        one.notes.append(f"after {seconds:.2f} s")
        time.sleep(seconds)
        return
    done, all_of_them = scene.count(), len(scene.listed)
    photos = rng.randrange(min(done, all_of_them - 1), all_of_them)
    one.notes.append(f"at {photos} photos")
    wait_for(scene, photos, run)
    time.sleep(rng.uniform(0, 0.1))


def _posted(answer: tuple[int, str, object], one: Round) -> bool:
    """Tell whether a run goes on that the web app was asked for."""
    status, place, told = answer
    if status == 202 and place:
        return True
    if status != 200:  # 200: it is over already
        one.blame("wrong", f"POST /prediction was answered with {status}: {str(told)[:300]}")
    return False


def _expect(scene: Scene, one: Round, status: str, who: str) -> None:
    """Blame the newest run if it did not end so."""
    query = "SELECT COUNT(*) FROM batch_run WHERE run_id = (SELECT MAX(run_id) FROM batch_run)"
    if not scene.count(f"{query} AND status = '{status}'"):
        one.blame("wrong", f"{who} is not {status}")
