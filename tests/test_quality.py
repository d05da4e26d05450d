"""The figures of the quality page."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from clothing.labels import AGAIN, CATEGORIES
from clothing.photos import Counts, Run
from clothing.quality import (
    Share,
    agreement_by_run,
    agreement_of,
    mix_of,
    shift_of,
    usual_mix,
    usual_runs,
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


def test_agreement_by_run_is_in_the_order_of_runs() -> None:
    found = agreement_by_run(
        [
            Verdict(2, "Bag", "Bag", 1),
            Verdict(1, "Bag", "Coat", 1),
            Verdict(3, "Bag", AGAIN, 1),
        ]
    )

    assert list(found.items()) == [(1, Share(0, 1)), (2, Share(1, 1))]


def test_mixes_and_how_far_they_are_apart() -> None:
    now, before = Tally({"Bag": 3, "Coat": 1}, 0, 3.0), Tally({"Bag": 1, "Coat": 1}, 1, 1.0)

    assert list(mix_of(now)) == list(CATEGORIES)
    assert mix_of(now)["Bag"] == 0.75
    assert sum(mix_of(Tally({}, 0, 0.0)).values()) == 0
    assert shift_of(mix_of(now), mix_of(before)) == 0.25
    assert usual_mix([mix_of(now), mix_of(before)])["Bag"] == 0.625
    assert usual_mix([]) == {}


def test_what_usually_comes_is_told_by_nights_of_the_same_kind() -> None:
    def a_run(number: int, days_ago: float, **changes: Any) -> Run:
        moment = datetime(2026, 11, 20, 23, tzinfo=UTC) - timedelta(days=days_ago)
        when = (moment, moment, moment)
        run = Run(number, "succeeded", "http", "", False, *when, "m", "p", 1, Counts(1, 1), None)
        return replace(run, **changes)

    runs = [
        a_run(9, 0),
        a_run(8, 1),
        a_run(7, 2, force=True),
        a_run(6, 3, prefix="R-17/"),
        a_run(5, 4, counts=Counts(1, 0, 1)),
        a_run(4, 27.9),
        a_run(3, 28.1),
    ]

    assert [run.run_id for run in usual_runs(runs[0], runs)] == [8, 4]
    assert [run.run_id for run in usual_runs(runs[1], runs)] == [4, 3]
    one_return = a_run(10, 0, prefix="R-18/")
    assert [run.run_id for run in usual_runs(one_return, runs)] == [6]
