"""The simulation behind docs/scale.md: it obeys what queues obey, and the document is current."""

from dataclasses import replace

import pytest

from benchmarks import simulation
from benchmarks.simulation import NIGHT, NIGHTS, Night, as_it_is, grown, kinds, simulate
from scripts.generated_docs import SCALE_GUIDE, scale_guide

SMALL = next(iter(kinds()))


def test_the_generated_parts_of_the_scale_guide_are_current() -> None:
    guide = SCALE_GUIDE.read_text(encoding="utf-8")

    assert scale_guide(guide) == guide, "run: make docs"


def test_a_night_is_never_shorter_than_its_slowest_station_alone() -> None:
    for photos in NIGHTS:
        night = as_it_is(photos, SMALL)
        alone = photos / min(night.rates().values()) / 3600

        passed = simulate(night)

        assert alone * 0.95 < passed.hours < alone * 1.3


def test_the_slowest_station_is_the_busiest_and_no_station_works_more_than_all_the_time() -> None:
    night = as_it_is(NIGHTS[1], SMALL)
    rates = night.rates()

    passed = simulate(night)

    assert passed.slowest == min(rates, key=rates.__getitem__)
    assert max(passed.busy.values()) <= 1


def test_the_same_seed_gives_the_same_night() -> None:
    night = as_it_is(NIGHTS[0], SMALL)

    assert simulate(night) == simulate(night)
    assert simulate(night) != simulate(night, seed=2)


def test_twice_the_photos_take_twice_the_cores_and_twice_the_time_elsewhere() -> None:
    once = as_it_is(NIGHTS[1], SMALL)
    twice = as_it_is(2 * NIGHTS[1], SMALL)

    assert twice.cores == pytest.approx(2 * once.cores, abs=1)
    rates = {name: rate for name, rate in once.rates().items() if name != "cores"}
    assert {name: twice.rates()[name] for name in rates} == rates


@pytest.mark.parametrize("photos", NIGHTS)
@pytest.mark.parametrize("kind", kinds())
def test_every_night_can_be_made_short_enough(photos: int, kind: str) -> None:
    night, steps = grown(as_it_is(photos, kind))

    assert simulate(night).hours <= NIGHT
    assert len(steps) == len(set(steps)), "a change that changes nothing"


def test_what_relieves_nothing_is_not_hidden() -> None:
    hopeless = replace(as_it_is(NIGHTS[0], SMALL), log=0.001, log_bytes=60)
    best = replace(hopeless, log=simulation.inputs()["log_hyperscale"].figure, log_bytes=1e9)

    with pytest.raises(ValueError, match="Nothing more is known against log"):
        grown(best)


def test_the_drivers_memory_grows_with_the_cores_and_not_with_the_photos() -> None:
    small, large = Night(10**6, 6e4, 300), Night(10**6, 6e4, 30)
    many = Night(10**8, 6e4, 30_000)

    assert large.driver_gb > small.driver_gb
    assert many.driver_gb == pytest.approx(small.driver_gb, rel=0.01)
