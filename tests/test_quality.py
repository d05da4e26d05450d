"""The figures of the quality page."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from clothing.labels import AGAIN, CATEGORIES
from clothing.photos import Counts, Run
from clothing.quality import (
    Pool,
    Share,
    agreement_by_night,
    agreement_of,
    mix_of,
    pools_of,
    shift_of,
    together,
    usual_mix,
    usual_pools,
)
from clothing.questions import Tally, Verdict


@pytest.mark.parametrize(
    ("right", "of", "low", "high"),
    [  # from Newcombe 1998, table I, method 3 (81/263, 15/148, 0/20, 1/29)
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ],
)
def test_intervals_are_wilsons(right: int, of: int, low: float, high: float) -> None:
    assert Share(right, of).interval == pytest.approx((low, high), abs=5e-5)


def test_a_share_of_nothing_is_none_and_may_be_anything() -> None:
    assert Share(0, 0).share is None
    assert Share(0, 0).interval == (0, 1)


def test_agreement_is_counted_apart_for_the_blind_sample() -> None:
    found = agreement_of(
        [
            Verdict(1, "Bag", "Bag", 9),
            Verdict(1, "Bag", "Coat", 1),
            Verdict(1, "Shirt", "Coat", 20),
            Verdict(1, "Sneaker", "Footwear", 2),
            Verdict(1, "Coat", AGAIN, 5),
            Verdict(1, "Dress", "(none)", 3),
        ],
        [Verdict(1, "Bag", "Bag", 8), Verdict(1, "Bag", "Coat", 2), Verdict(1, "Bag", AGAIN, 1)],
    )

    assert found.blind == Share(8, 10)
    assert found.everything == Share(11, 35)
    assert found.again == 5
    assert found.by_category["Shirt"] == Share(0, 20)
    assert found.by_category["Trouser"] == Share(0, 0)
    assert found.confusion["Bag"] == {"Bag": 9, "Coat": 1}
    assert "Coat" not in found.confusion
    assert found.enough


def test_a_few_reviews_are_not_enough() -> None:
    assert not agreement_of([], []).enough
    assert not agreement_of([Verdict(1, "Bag", "Bag", 29)], []).enough


def a_run(number: int, days_ago: float, **changes: Any) -> Run:
    """Return a run of 23:00 so many days ago."""
    moment = datetime(2026, 11, 20, 23, tzinfo=UTC) - timedelta(days=days_ago)
    when = (moment, moment, moment)
    run = Run(number, "succeeded", "http", "", False, *when, "m", "p", 1, Counts(1, 1), None)
    return replace(run, **changes)


def numbers(pools: Sequence[Pool]) -> list[list[int]]:
    return [[run.run_id for run in pool.runs] for pool in pools]


def test_agreement_is_that_of_a_nights_runs_together() -> None:
    pools = pools_of([a_run(4, 0), a_run(3, 1), a_run(2, 2), a_run(1, 2)], UTC)

    found = agreement_by_night(
        [
            Verdict(2, "Bag", "Bag", 1),
            Verdict(1, "Bag", "Coat", 1),
            Verdict(3, "Bag", AGAIN, 1),
            Verdict(4, "Bag", "Coat", 2),
        ],
        pools,
    )

    assert found == [(pools[0], Share(0, 2)), (pools[2], Share(1, 2))]


def test_mixes_and_how_far_they_are_apart() -> None:
    now, before = Tally({"Bag": 3, "Coat": 1}, 0, 3.0), Tally({"Bag": 1, "Coat": 1}, 1, 1.0)

    assert list(mix_of(now)) == list(CATEGORIES)
    assert mix_of(now)["Bag"] == 0.75
    assert sum(mix_of(Tally({}, 0, 0.0)).values()) == 0
    assert shift_of(mix_of(now), mix_of(before)) == 0.25
    assert mix_of(together([now, before]))["Bag"] == 4 / 6
    assert usual_mix([]) == {}


def test_a_night_of_one_photo_has_no_say_in_what_is_usual() -> None:
    whole, one = Tally({"Bag": 250, "Sandal": 220}, 0, 1.0), Tally({"Sandal": 1}, 0, 1.0)

    usual = usual_mix([whole, one, whole, one, whole, one, whole])

    assert usual["Sandal"] == pytest.approx(220 / 470, abs=0.002)


def test_a_night_over_everything_drowns_no_other() -> None:
    night, everything = Tally({"Bag": 100}, 0, 1.0), Tally({"Coat": 100_000}, 0, 1.0)

    assert usual_mix([everything, *[night] * 27])["Bag"] > 0.4


def test_a_night_without_an_answer_is_in_no_mix() -> None:
    night, nothing = Tally({"Bag": 4}, 0, 1.0), Tally({}, 0, 0.0)

    assert usual_mix([night, nothing])["Bag"] == 1
    assert usual_mix([nothing]) == {}


def test_a_night_goes_from_noon_to_noon_where_the_shop_is() -> None:
    begun = datetime(2026, 11, 20, 23, tzinfo=UTC)
    runs = [
        replace(a_run(number, 0), started_at=begun + timedelta(hours=hours))
        for number, hours in ((1, 0), (2, 6), (3, 12.9), (4, 13), (5, 24))
    ]

    assert numbers(pools_of(reversed(runs), UTC)) == [[4, 5], [1, 2, 3]]
    assert numbers(pools_of(runs, ZoneInfo("Europe/Berlin"))) == [[3, 4, 5], [1, 2]]


def test_runs_of_another_kind_stand_apart_from_a_night() -> None:
    runs = [a_run(1, 0), a_run(2, 0, force=True), a_run(3, 0, prefix="R-17/")]
    runs += [a_run(4, 0, prefix="R-18/"), a_run(5, 0)]

    assert numbers(pools_of(runs, UTC)) == [[3, 4], [2], [1, 5]]


def test_what_usually_comes_is_told_by_nights_of_the_same_kind() -> None:
    pools = pools_of(
        [
            a_run(9, 0),
            a_run(8, 1),
            a_run(7, 2, force=True),
            a_run(6, 3, prefix="R-17/"),
            a_run(4, 28),
            a_run(3, 29),
        ],
        UTC,
    )
    newest, before = pools[0].evening, pools[1].evening

    assert numbers(usual_pools(newest, False, pools)) == [[8], [4]]
    assert numbers(usual_pools(before, False, pools)) == [[4], [3]]
    assert numbers(usual_pools(newest, True, pools)) == [[6]]


def test_a_run_that_broke_off_belongs_to_the_one_that_finished_it() -> None:
    runs = [
        a_run(1, 5, status="interrupted"),
        a_run(2, 4, status="failed"),
        a_run(3, 4, force=True),
        a_run(4, 3),
        a_run(5, 2),
        a_run(6, 1, status="interrupted"),
        a_run(7, 0, status="running"),
    ]

    assert numbers(pools_of(runs, UTC)) == [[5], [1, 2, 4], [3]]


def test_a_run_that_broke_off_belongs_to_none_that_did_other_photos() -> None:
    runs = [
        a_run(1, 9, status="interrupted", prefix="R-17/"),
        a_run(2, 8, status="interrupted", prefix="R-18/"),
        a_run(3, 7, prefix="R-18/"),
        a_run(4, 6),
        a_run(5, 5, status="interrupted"),
        a_run(6, 4, prefix="R-19/"),
        a_run(7, 3, force=True),
    ]

    assert numbers(pools_of(runs, UTC)) == [[7], [6], [1, 4], [2, 3]]
