"""The card: what is read is what was written, and what cannot be true is refused by name."""

import json
from dataclasses import fields
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clothing.card import Card
from clothing.errors import ModelError
from clothing.labels import CATEGORIES

shares = st.floats(0, 1)
hashes = st.none() | st.text("0123456789abcdef", min_size=64, max_size=64)
cards = st.builds(
    Card,
    name=st.text(),
    height=st.integers(1, 4096),
    width=st.integers(1, 4096),
    channels=st.sampled_from([1, 3]),
    preprocessing=st.text(),
    output=st.sampled_from(["logits", "probabilities", None]),
    temperature=st.floats(0, exclude_min=True, allow_infinity=False),
    thresholds=st.fixed_dictionaries(dict.fromkeys(CATEGORIES, shares)),
    sha256=hashes,
    compiled_sha256=hashes,
    training_data=st.text(),
    metrics=st.dictionaries(st.text(), shares, max_size=3),
)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=4,
)


@settings(max_examples=40, deadline=None)
@given(cards)
def test_a_card_that_was_written_reads_the_same(card: Card) -> None:
    assert Card.from_json(card.to_json()) == card


def test_a_card_is_written_for_people() -> None:
    text = Card(name="größer", training_data="Fashion-MNIST").to_json()

    assert text.startswith('{\n  "name": "größer",\n')
    assert text.endswith("}\n")
    assert list(json.loads(text)) == [item.name for item in fields(Card)]


def test_an_empty_card_is_the_tutorials_model() -> None:
    card = Card.from_json("{}")

    assert card == Card()
    assert (card.height, card.width, card.channels) == (28, 28, 1)
    assert card.temperature == 1


def test_a_card_may_be_bytes_as_they_come_from_a_container() -> None:
    assert Card.from_json('{"name": "größer"}'.encode()).name == "größer"


@pytest.mark.parametrize(
    "text",
    ["", "{", "no card", b"\xff\xfe", "[" * 100_000],
    ids=["empty", "cut off", "text", "not UTF-8", "nested deeply"],
)
def test_what_is_not_json_is_refused(text: str | bytes) -> None:
    with pytest.raises(ModelError, match="card is not JSON"):
        Card.from_json(text)


@pytest.mark.parametrize("text", ["[]", "null", "5", '"card"'])
def test_json_that_is_no_object_is_refused(text: str) -> None:
    with pytest.raises(ModelError, match="card has fields"):
        Card.from_json(text)


def test_an_unknown_field_is_refused_by_name() -> None:
    with pytest.raises(ModelError, match=r"temperature.*Received: \['temprature'\]"):
        Card.from_json('{"temprature": 2}')


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("labels", ["T-shirt/top"]),
        ("labels", [*reversed(CATEGORIES)]),
        ("labels", [*CATEGORIES, "Hat"]),
        ("labels", "T-shirt/top"),
        ("labels", 10),
        ("labels", None),
        ("height", 0),
        ("height", 28.5),
        ("width", -28),
        ("width", "28"),
        ("channels", 2),
        ("channels", 4),
        ("output", "softmax"),
        ("output", ["logits"]),
        ("temperature", 0),
        ("temperature", -1),
        ("temperature", float("nan")),
        ("temperature", float("inf")),
        ("temperature", "1"),
        ("thresholds", {}),
        ("thresholds", {"Bag": 0.7}),
        ("thresholds", dict.fromkeys(CATEGORIES, 1.1)),
        ("thresholds", dict.fromkeys(CATEGORIES, -0.1)),
        ("thresholds", dict.fromkeys(CATEGORIES, float("nan"))),
        ("thresholds", dict.fromkeys(CATEGORIES, "0.7")),
        ("thresholds", [*CATEGORIES]),
        ("thresholds", "high"),
        ("thresholds", 0.7),
        ("thresholds", None),
        ("metrics", None),
        ("name", None),
        ("sha256", 5),
    ],
)
def test_a_fact_that_cannot_be_true_is_refused(field: str, value: Any) -> None:
    with pytest.raises(ModelError, match="card"):
        Card.from_json(json.dumps({field: value}))


@pytest.mark.parametrize(
    ("field", "value", "shown"),
    [
        ("labels", ["Hat"], "Hat"),
        ("height", 0, "(0, 28, 1)"),
        ("channels", 2, "(28, 28, 2)"),
        ("output", "softmax", "'softmax'"),
        ("temperature", -1, "-1"),
        ("thresholds", {"Bag": 2}, "{'Bag': 2}"),
    ],
)
def test_a_refusal_names_the_field_and_what_was_received(
    field: str, value: Any, shown: str
) -> None:
    with pytest.raises(ModelError) as refusal:
        Card.from_json(json.dumps({field: value}))

    assert field in str(refusal.value)
    assert f"Received: {shown}" in str(refusal.value).replace("('Hat',)", "Hat")


def test_a_hash_is_known_in_capitals_too() -> None:
    assert Card.from_json(json.dumps({"sha256": "AB" * 32})).sha256 == "ab" * 32


@settings(max_examples=100, deadline=None)
@given(st.dictionaries(st.sampled_from([item.name for item in fields(Card)]), json_values))
def test_whatever_a_card_says_it_is_read_or_refused(facts: dict[str, Any]) -> None:
    try:
        card = Card.from_json(json.dumps(facts))
    except ModelError:
        return

    assert card.labels == CATEGORIES
