"""One run at a time: many ask for one at the same moment, over several web apps on one database.

Owns the crowd. Whoever asks while a run goes on must get that run's address, and nothing but it.
"""

import random
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import Any

from chaos.findings import Round
from chaos.scene import Scene, StuckError, Web, wait_until_nobody_goes_on
from chaos.witness import seen_at_the_end

PART = "posts"
AT_ONCE, SPREAD = "all at once", "over the end of a run"

CROWD = 50
"""Requests in one round."""

WEB_APPS = 3

Answer = tuple[int, str, Any]
"""Status, Location and body; see `scene.Web.post`."""


def rounds(scene: Scene, seed: int, number: int, crowd: int = CROWD) -> Iterator[Round]:
    """Play so many rounds; every fourth is not at one moment but around the end of a run.

    Args:
        scene: Where; its database is taken away first, and is then the same for all rounds.
        seed: What is drawn depends on it and the round's number alone.
        number: How many.
        crowd: Requests in each.
    """
    scene.remove()
    with ExitStack() as stack:
        webs = [stack.enter_context(scene.serve()) for _ in range(WEB_APPS)]
        for place in range(number):
            rng = random.Random(f"{seed}/{PART}/{place}")
            spread = place % 4 == 1
            one = Round(PART, SPREAD if spread else AT_ONCE, place)
            try:
                (_over_the_end if spread else _at_once)(scene, webs, rng, one, crowd)
            except StuckError as error:
                one.blame("stuck", str(error))
            one.found += seen_at_the_end(scene.database, scene.listed)
            yield one


def _at_once(scene: Scene, webs: list[Web], rng: random.Random, one: Round, crowd: int) -> None:
    """Have everybody ask in the same moment: one run starts, and all are told its address."""
    before = _newest(scene)
    start = threading.Barrier(crowd)
    wishes = [(rng.choice(webs), rng.choice(("respond-async", "wait=60"))) for _ in range(crowd)]

    def ask(wish: tuple[Web, str]) -> Answer:
        web, prefer = wish
        start.wait()
        return web.post(prefer, force=True)

    with ThreadPoolExecutor(crowd) as pool:
        answers = list(pool.map(ask, wishes))
    wait_until_nobody_goes_on(scene)
    started = _newest(scene) - before
    one.struck += len(answers)
    if started != 1:
        one.blame("doubled", f"{crowd} requests at once started {started} runs")
    for answer in answers:
        _judge(answer, before + 1, before + 1, one)


def _over_the_end(
    scene: Scene, webs: list[Web], rng: random.Random, one: Round, crowd: int
) -> None:
    """Have one after the other ask while runs end: each is told of a run of its time."""
    before = _newest(scene)
    web = rng.choice(webs)
    answers = [web.post()]
    with ThreadPoolExecutor(4) as pool:
        wishes = [pool.submit(rng.choice(webs).post) for _ in range(crowd - 1)]
        answers += [wish.result() for wish in wishes]
    wait_until_nobody_goes_on(scene)
    one.struck += len(answers)
    for answer in answers:
        _judge(answer, before + 1, _newest(scene), one)


def _judge(answer: Answer, first: int, last: int, one: Round) -> None:
    """Blame an answer that is not the address, or the outcome, of one of some runs."""
    status, place, body = answer
    if status == 202:
        run = int(place.rpartition("/")[2] or 0)
    elif status == 200:
        run = body["run"]["run_id"]
    else:
        one.blame("wrong", f"POST /prediction was answered with {status}: {str(body)[:300]}")
        return
    if not first <= run <= last:
        one.blame("wrong", f"somebody was told of run {run}, not {first} to {last}")


def _newest(scene: Scene) -> int:
    return scene.count("SELECT MAX(run_id) FROM batch_run")
