"""Writes labels.csv for the public photos that the shipped model has seen.

    python -m scripts.public_photos images.csv labels.csv

They are A. Grigorev's "Clothing dataset" (CC0): about 5,000 photos of single garments by many
senders, published at https://github.com/alexeygrigorev/clothing-dataset and
https://www.kaggle.com/datasets/agrigorev/clothing-dataset-full. Its images.csv has the columns
image (without .jpg), sender_id, label and kids; photos that nobody was sure of are left out.

On a shoe they say only that it is one. `kinds_of_shoe.csv` says which of the three kinds, where
that is plain to see: we looked at the shoes of everyone but the people that the test is on. Clogs,
ballerinas, loafers and the like are in none of the three alone and stay what they were.
"""

import csv
from pathlib import Path

import click

from clothing.labels import FOOTWEAR, OUTSIDE

CATEGORY_OF = {
    "T-Shirt": "T-shirt/top",
    "Polo": "T-shirt/top",
    "Top": "T-shirt/top",
    "Undershirt": "T-shirt/top",
    "Pants": "Trouser",
    "Hoodie": "Pullover",
    "Longsleeve": "Pullover",
    "Dress": "Dress",
    "Blazer": "Coat",
    "Outwear": "Coat",
    "Blouse": "Shirt",
    "Shirt": "Shirt",
    "Shoes": FOOTWEAR,
    "Body": OUTSIDE,
    "Hat": OUTSIDE,
    "Shorts": OUTSIDE,
    "Skirt": OUTSIDE,
}
"""Which of Fashion-MNIST's categories each of the photos' labels is."""

KINDS_OF_SHOE = Path(__file__).with_name("kinds_of_shoe.csv")


def kinds_of_shoe() -> dict[str, str]:
    """Return the category of each shoe whose kind we wrote down, by the photo's file."""
    with KINDS_OF_SHOE.open(encoding="utf-8", newline="") as looked_at:
        return {row["file"]: row["category"] for row in csv.DictReader(looked_at)}


@click.command()
@click.argument("images", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.argument("labels", type=click.Path(dir_okay=False, path_type=Path))
def main(images: Path, labels: Path) -> None:
    """Write LABELS, which training and `evaluate` take, from the published IMAGES."""
    kinds = kinds_of_shoe()
    with (
        images.open(encoding="utf-8", newline="") as published,
        labels.open("w", encoding="utf-8", newline="") as written,
    ):
        rows = csv.DictWriter(written, ["file", "category", "sender"])
        rows.writeheader()
        for row in csv.DictReader(published):
            if row["label"] in CATEGORY_OF:
                name = f"{row['image']}.jpg"
                category = kinds.get(name, CATEGORY_OF[row["label"]])
                rows.writerow({"file": name, "category": category, "sender": row["sender_id"]})


if __name__ == "__main__":
    main()
