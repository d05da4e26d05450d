"""Labels that people wrote: read as they are meant, refused by line where they mean nothing."""

from pathlib import Path

import pytest
from click.testing import CliRunner

from clothing.errors import ConfigError
from clothing.labelled import Labelled, read_labels
from clothing.labels import FOOTWEAR_CATEGORIES
from scripts.public_photos import kinds_of_shoe, main


def written(folder: Path, text: str) -> Path:
    path = folder / "labels.csv"
    path.write_text(text, encoding="utf-8-sig")  # as Excel writes it
    return path


def test_the_sender_is_the_file_itself_where_nobody_wrote_who(tmp_path: Path) -> None:
    rows = read_labels(written(tmp_path, "category,file,sender\nCoat,a.jpg,7\nBag,b.jpg,\n"))

    assert rows == [Labelled("a.jpg", "Coat", "7"), Labelled("b.jpg", "Bag", "b.jpg")]


def test_the_last_word_on_a_photo_counts(tmp_path: Path) -> None:
    (row,) = read_labels(written(tmp_path, "file,category\na.jpg,Coat\na.jpg,Bag\n"))

    assert row.category == "Bag"


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        (
            "file,label\na.jpg,Coat\n",
            "columns file, category, with commas between them. Received: file, label",
        ),
        ("", "Received: nothing"),
        ("file,category\na.jpg,Coat\nb.jpg,coat\n", "line 3: a category is one of T-shirt/top"),
        ("category,file\nDress,a.jpg\nDress\n", "line 3: the column file is empty"),
    ],
)
def test_a_csv_that_says_nothing_usable_is_refused(
    tmp_path: Path, text: str, complaint: str
) -> None:
    with pytest.raises(ConfigError, match=complaint):
        read_labels(written(tmp_path, text))


def test_a_csv_in_the_code_page_of_a_country_is_refused_in_words(tmp_path: Path) -> None:
    labels = tmp_path / "labels.csv"
    labels.write_bytes("file,category\nMütze.jpg,(none)\n".encode("cp1252"))

    with pytest.raises(ConfigError, match="Save it as CSV UTF-8"):
        read_labels(labels)


def test_the_public_photos_get_the_categories_that_they_are(tmp_path: Path) -> None:
    images, labels = tmp_path / "images.csv", tmp_path / "labels.csv"
    images.write_text(
        "image,sender_id,label,kids\n1,7,Hoodie,False\n2,7,Not sure,False\n3,8,Hat,True"
    )

    answer = CliRunner().invoke(main, [str(images), str(labels)])

    assert answer.exit_code == 0, answer.output
    assert read_labels(labels) == [
        Labelled("1.jpg", "Pullover", "7"),
        Labelled("3.jpg", "(none)", "8"),
    ]


def test_a_shoe_that_somebody_looked_at_gets_its_kind(tmp_path: Path) -> None:
    kinds = kinds_of_shoe()
    (name, kind), *_ = kinds.items()
    images, labels = tmp_path / "images.csv", tmp_path / "labels.csv"
    images.write_text(
        f"image,sender_id,label,kids\n{Path(name).stem},7,Shoes,False\n3,8,Shoes,False"
    )

    CliRunner().invoke(main, [str(images), str(labels)])

    assert set(kinds.values()) == FOOTWEAR_CATEGORIES
    assert read_labels(labels) == [Labelled(name, kind, "7"), Labelled("3.jpg", "Footwear", "8")]
