"""The categories: ten, in Fashion-MNIST's order, each with its column."""

import pytest

from clothing.labels import CATEGORIES, COLUMNS, FOOTWEAR, FOOTWEAR_CATEGORIES, OUTSIDE, agrees


def test_the_categories_are_fashion_mnists_in_its_order() -> None:
    published = (
        "T-shirt/top, Trouser, Pullover, Dress, Coat, Sandal, Shirt, Sneaker, Bag, Ankle boot"
    )

    assert ", ".join(CATEGORIES) == published


def test_every_category_has_the_column_of_its_name() -> None:
    names = [category.lower().replace("-", "_").replace(" ", "_") for category in CATEGORIES]

    assert [name.removesuffix("/top") for name in names] == list(COLUMNS)


def test_footwear_is_three_of_the_categories_and_none_itself() -> None:
    assert set(CATEGORIES) > FOOTWEAR_CATEGORIES
    assert len(FOOTWEAR_CATEGORIES) == 3
    assert FOOTWEAR not in CATEGORIES
    assert OUTSIDE not in CATEGORIES


@pytest.mark.parametrize("category", CATEGORIES)
def test_a_category_agrees_with_itself_only(category: str) -> None:
    assert [labelled for labelled in CATEGORIES if agrees(category, labelled)] == [category]


@pytest.mark.parametrize("category", CATEGORIES)
def test_only_shoes_agree_with_footwear(category: str) -> None:
    assert agrees(category, FOOTWEAR) == (category in {"Sandal", "Sneaker", "Ankle boot"})


@pytest.mark.parametrize("category", CATEGORIES)
def test_no_category_is_right_for_a_garment_outside_of_them(category: str) -> None:
    assert not agrees(category, OUTSIDE)
