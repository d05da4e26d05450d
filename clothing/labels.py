"""The ten categories of Fashion-MNIST, in the order of the network's outputs.

Owns the words for the categories and nothing else. Source of names and order: Zalando Research,
Fashion-MNIST, https://github.com/zalandoresearch/fashion-mnist#labels
"""

CATEGORIES: tuple[str, ...] = (
    "T-shirt/top",
    "Trouser",
    "Pullover",
    "Dress",
    "Coat",
    "Sandal",
    "Shirt",
    "Sneaker",
    "Bag",
    "Ankle boot",
)

COLUMNS: tuple[str, ...] = (
    "t_shirt",
    "trouser",
    "pullover",
    "dress",
    "coat",
    "sandal",
    "shirt",
    "sneaker",
    "bag",
    "ankle_boot",
)
"""The column of each category in the table `image_probabilities`, in the same order."""

FOOTWEAR = "Footwear"
"""What people write on a shoe when nobody noted which of the three kinds it is."""

FOOTWEAR_CATEGORIES: frozenset[str] = frozenset({"Sandal", "Sneaker", "Ankle boot"})

OUTSIDE = "(none)"
"""What people write on a garment that is in none of the ten categories."""

AGAIN = "(photograph again)"
"""What a reviewer answers where nobody could tell from the photo."""

ANSWERS = (*CATEGORIES, OUTSIDE, AGAIN)
"""What a reviewer can answer, and so what a photo can be."""

UNDONE = "(undone)"
"""What takes a reviewer's last answer back: the photo counts as not reviewed."""


def agrees(predicted: str, labelled: str) -> bool:
    """Return True if a predicted category is right for what a person wrote, else False.

    >>> agrees("Sneaker", "Footwear"), agrees("Bag", "Footwear"), agrees("Bag", "Bag")
    (True, False, True)
    """
    if labelled == FOOTWEAR:
        return predicted in FOOTWEAR_CATEGORIES
    return predicted == labelled
