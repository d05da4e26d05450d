"""Training: the service's own arrays, nobody on two sides, the same weights by the same seed."""

import gzip
import hashlib
import io
import multiprocessing
import os
import pickle
import re
import signal
import subprocess
import sys
import time
import zipfile
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest
from click.testing import CliRunner
from numpy.typing import NDArray
from PIL import Image

from clothing.card import Card
from clothing.classifier import Classifier
from clothing.errors import ConfigError, ModelError
from clothing.labelled import read_labels
from clothing.labels import CATEGORIES
from clothing.preprocess import decode, preprocess, working_side
from clothing.training import fit, network
from clothing.training.__main__ import FEW, INTERRUPTED, SHIPPED, main
from clothing.training.augment import (
    augment_garments,
    augment_photos,
    blend,
    lay_floors,
    lay_garments_out,
    relit,
    shrunk,
)
from clothing.training.batches import HALVES, PHOTOS_ALONE, Mix, batches
from clothing.training.fit import Plan
from clothing.training.outlines import outlines_of
from clothing.training.pictures import (
    MARGIN,
    Pictures,
    Split,
    allowed_by,
    as_served,
    halves_of,
    load_fashion_mnist,
    load_photos,
    on_white,
    refuse_unknown_categories,
    split_by_sender,
    taking_turns,
)
from clothing.training.pretrained import imagenet_weights, read_tensors
from clothing.training.recipe import (
    CARD,
    Gathered,
    answers,
    answers_in_turn,
    gather,
    provenance,
)
from clothing.training.teacher import SHARPNESS, Teacher
from tests.pictures import jpeg

# Keras turns TensorFlow's variables into arrays in a way that NumPy 2 calls outdated.
pytestmark = pytest.mark.filterwarnings(
    "ignore:__array__ implementation doesn't accept a copy keyword:DeprecationWarning"
)

SHAPE = (CARD.height, CARD.width)


def some_pictures(n: int, senders: list[str] | None = None, channels: int = 3) -> Pictures:
    """Return n pictures whose bright row says their category, larger than the card's."""
    height, width = round(CARD.height * MARGIN), round(CARD.width * MARGIN)
    labels = np.arange(n) % len(CATEGORIES)
    arrays = np.zeros((n, height, width, channels), np.uint8)
    for place, label in enumerate(labels):
        arrays[place, 10 * label : 10 * label + 10] = 200
    names = np.array([f"{place}.png" for place in range(n)])
    allowed = np.eye(len(CATEGORIES) + 1, dtype=bool)[labels]
    return Pictures(arrays, allowed, np.array(senders or names.tolist()), names)


def a_folder_of_photos(folder: Path, categories: list[str], senders: int = 0) -> Path:
    """Write a photo for each category, and the CSV; return the CSV."""
    lines = ["file,category,sender"]
    rng = np.random.default_rng(1)
    for place, category in enumerate(categories):
        pixels = rng.integers(0, 256, (40, 30, 3), np.uint8)
        Image.fromarray(pixels).resize((300, 400)).save(folder / f"{place}.jpg")
        lines.append(f"{place}.jpg,{category},{place % senders if senders else ''}")
    labels = folder / "labels.csv"
    labels.write_text("\n".join(lines))
    return labels


def test_reading_the_package_does_not_import_tensorflow() -> None:
    look = (
        "import sys, clothing.training.__main__; print({'tensorflow', 'keras'} & set(sys.modules))"
    )

    answer = subprocess.run(
        [sys.executable, "-c", look],
        capture_output=True,
        text=True,
        cwd=Path(__file__).parent.parent,
    )

    assert answer.stdout.strip() == "set()", answer.stderr


# --- pictures -----------------------------------------------------------------------------------


def test_validation_arrays_are_those_of_the_service_bit_for_bit(tmp_path: Path) -> None:
    labels = a_folder_of_photos(tmp_path, ["Coat", "Bag"])
    pictures = load_photos(tmp_path, labels, CARD)

    arrays = as_served(pictures, tmp_path, CARD)

    for name, array in zip(pictures.names, arrays, strict=True):
        content = (tmp_path / name).read_bytes()
        served = preprocess(decode(content, working_side(CARD)), CARD)
        np.testing.assert_array_equal(array, served)


def test_fashion_mnist_is_read_as_the_service_would_read_its_pictures(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    images = np.random.default_rng(1).integers(0, 256, (6, 28, 28), np.uint8)
    write_fashion_mnist(tmp_path, images, np.arange(6))
    monkeypatch.setattr("keras.src.utils.file_utils.config.keras_home", lambda: str(tmp_path))

    garments = load_fashion_mnist(CARD, validation=2)

    assert [len(side.names) for side in garments] == [4, 2, 6]
    shown = io.BytesIO()
    Image.fromarray(images[0]).save(shown, "PNG")
    served = preprocess(decode(shown.getvalue(), working_side(CARD)), CARD)
    np.testing.assert_array_equal(as_served(garments.test, None, CARD)[0], served)
    assert garments.test.allowed[5].tolist() == allowed_by("Sandal").tolist()


def write_fashion_mnist(home: Path, images: NDArray[np.uint8], labels: NDArray[Any]) -> None:
    """Write pictures as Zalando publishes them, for training and for test the same."""
    folder = home / "datasets" / "fashion-mnist"
    folder.mkdir(parents=True)
    for part in ("train", "t10k"):
        with gzip.open(folder / f"{part}-images-idx3-ubyte.gz", "wb") as file:
            file.write(bytes(16) + images.tobytes())
        with gzip.open(folder / f"{part}-labels-idx1-ubyte.gz", "wb") as file:
            file.write(bytes(8) + labels.astype(np.uint8).tobytes())


def test_photos_that_cannot_be_read_are_named_all_of_them(tmp_path: Path) -> None:
    labels = a_folder_of_photos(tmp_path, ["Coat", "Bag", "Shirt"])
    (tmp_path / "0.jpg").write_bytes(b"no picture")
    (tmp_path / "2.jpg").unlink()

    with pytest.raises(ConfigError, match="2 of 3 photos") as refusal:
        load_photos(tmp_path, labels, CARD)

    assert "0.jpg: a text file" in str(refusal.value)
    assert "2.jpg: No such file" in str(refusal.value)


def test_a_category_without_a_picture_is_refused_by_name() -> None:
    shoes_and_bags = some_pictures(20)._replace(
        allowed=np.array([allowed_by("Footwear"), allowed_by("Bag")] * 10)
    )

    with pytest.raises(ConfigError, match=r"none of: T-shirt/top, Trouser, Pullover") as refusal:
        refuse_unknown_categories([shoes_and_bags])

    assert "Sneaker" not in str(refusal.value)
    refuse_unknown_categories([shoes_and_bags, some_pictures(10)])


def test_nobody_is_on_two_sides_of_the_split_and_no_photo_is_lost() -> None:
    senders = [str(place % 100) for place in range(1000)]
    pictures = some_pictures(1000, senders)

    sides = split_by_sender(pictures, share=0.1, seed=1)

    people = [set(side.senders.tolist()) for side in sides]
    assert sum(len(side.names) for side in sides) == 1000
    assert not (people[0] & people[1] | people[0] & people[2] | people[1] & people[2])
    assert all(50 <= len(side.names) <= 250 for side in sides[1:])


def test_photos_that_come_later_move_nobody_to_another_side() -> None:
    before = split_by_sender(some_pictures(200), share=0.1, seed=1)
    after = split_by_sender(some_pictures(500), share=0.1, seed=1)

    for side, later in zip(before, after, strict=True):
        assert set(side.names.tolist()) < set(later.names.tolist())


def test_who_sent_very_many_photos_is_always_learned_from() -> None:
    senders = ["the shop's own"] * 60 + [str(place) for place in range(40)]

    for seed in range(10):
        split = split_by_sender(some_pictures(100, senders), share=0.1, seed=seed)
        assert "the shop's own" not in {*split.validation.senders, *split.test.senders}


@pytest.mark.parametrize("people", [3, 5, 12])
def test_of_a_handful_of_people_some_are_held_out_all_the_same(people: int) -> None:
    senders = [str(place % people) for place in range(120)] + ["0"] * 5

    sides = split_by_sender(some_pictures(125, senders), share=0.1, seed=1)

    assert all(len(side.names) for side in sides)
    assert "0" in sides.training.senders  # who took the most
    assert len(sides.training.names) >= 40


def test_three_people_are_on_three_sides_however_few_photos_two_of_them_took() -> None:
    senders = ["Anna"] * 90 + ["Ben"] * 5 + ["Cem"] * 5

    sides = split_by_sender(some_pictures(100, senders), share=0.12, seed=1)

    assert [len(set(side.senders)) for side in sides] == [1, 1, 1]
    assert set(sides.training.senders) == {"Anna"}


def test_the_seed_draws_the_people() -> None:
    pictures = some_pictures(100)

    first, again, other = (split_by_sender(pictures, 0.2, seed) for seed in (1, 1, 2))

    assert first.test.names.tolist() == again.test.names.tolist()
    assert first.test.names.tolist() != other.test.names.tolist()


# --- augmentation -------------------------------------------------------------------------------

KINDS = {
    "photos": lambda rng: augment_photos(some_pictures(16).arrays, SHAPE, rng),
    "garments": lambda rng: augment_garments(some_pictures(16, channels=1).arrays, SHAPE, rng),
    "laid out": lambda rng: lay_garments_out(some_pictures(16, channels=1).arrays, SHAPE, rng),
    "floors": lambda rng: lay_floors(16, SHAPE, rng),
}


@pytest.mark.parametrize("kind", KINDS)
def test_augmented_pictures_have_shape_and_range_and_differ(kind: str) -> None:
    arrays = KINDS[kind](np.random.default_rng(1))

    assert arrays.shape == (16, *SHAPE, 3)
    assert arrays.dtype == np.uint8
    assert arrays.max() - arrays.min() > 200
    assert len(np.unique(arrays.reshape(16, -1), axis=0)) > 8


@pytest.mark.parametrize("kind", KINDS)
def test_the_same_seed_augments_in_the_same_way_and_another_does_not(kind: str) -> None:
    first, again, other = (KINDS[kind](np.random.default_rng(seed)) for seed in (1, 1, 2))

    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)


def test_a_blended_picture_consists_of_its_own_and_its_partners_share() -> None:
    grey = np.arange(256, dtype=np.uint8)
    plain = np.broadcast_to(grey[:, None, None, None], (256, *SHAPE, 3))

    blended, partner, share = blend(plain, np.random.default_rng(1))

    assert blended.dtype == np.uint8
    expected = share * grey + (1 - share) * grey[partner]
    np.testing.assert_allclose(blended.mean(axis=(1, 2, 3)), expected, atol=0.51)
    assert 0.5 < (share < 1).mean() < 0.7
    pieces = [place for place in range(256) if len(np.unique(blended[place])) == 2]
    assert 40 < len(pieces) < 115  # the others show through each other


@pytest.mark.parametrize(
    ("channels", "step"),
    [
        (3, augment_photos),
        (1, augment_garments),
        (1, lay_garments_out),
        (3, lambda arrays, _, rng: blend(arrays, rng)),
    ],
)
def test_augmenting_leaves_what_it_was_given_alone(channels: int, step: Callable[..., Any]) -> None:
    arrays = some_pictures(16, channels=channels).arrays
    before = arrays.copy()

    step(arrays, SHAPE, np.random.default_rng(1))

    np.testing.assert_array_equal(arrays, before)


@pytest.mark.parametrize("channels", [1, 3])
def test_of_no_pictures_come_no_pictures(channels: int) -> None:
    none, rng = np.zeros((0, 40, 30, channels), np.uint8), np.random.default_rng(1)
    steps = (augment_garments, lay_garments_out) if channels == 1 else (augment_photos,)

    shapes = {step(none, SHAPE, rng).shape for step in steps}

    assert shapes == {(0, *SHAPE, 3)}


def test_pictures_are_relit_as_defined() -> None:
    """Contrast, then the light, then how colourful; one map of the colours does all of it."""
    rng = np.random.default_rng(1)
    middles, spread = rng.uniform(50, 200, (32, 1, 1, 3)), rng.normal(0, 25, (32, 20, 16, 3))
    pictures = np.clip(middles + spread, 0, 255).astype(np.uint8)
    light = rng.uniform(0.6, 1.6, (32, 3)).astype(np.float32)
    contrast, colourful = rng.uniform(0, 1.5, (2, 32)).astype(np.float32)
    colourful[:4] = 0

    lit = relit(pictures, light, contrast, colourful)

    mean = pictures.mean(axis=(1, 2, 3), keepdims=True)
    expected = (pictures - mean) * contrast[:, None, None, None] + mean
    expected *= light[:, None, None]
    grey = expected.mean(axis=3, keepdims=True)
    expected = grey + (expected - grey) * colourful[:, None, None, None]
    np.testing.assert_allclose(lit, np.clip(expected, 0, 255), atol=1.5)
    assert np.ptp(lit[:4], axis=3).max() <= 1


def test_moving_keeps_the_garment_in_the_picture() -> None:
    """A bright block in the middle third stays mostly in view, whatever is drawn."""
    height, width = SHAPE
    arrays = np.zeros((200, height, width, 1), np.uint8)
    middle_third = np.s_[:, height // 3 : 2 * height // 3, width // 3 : 2 * width // 3]
    arrays[middle_third] = 255

    moved = augment_garments(arrays, SHAPE, np.random.default_rng(1))

    middle = moved[middle_third].mean(axis=(1, 2, 3))
    assert np.median(middle) > 0.6 * 255
    assert moved[:, :8].mean() < 0.2 * 255


@pytest.mark.parametrize("lay", [augment_garments, lay_garments_out])
def test_a_garment_that_reaches_the_edge_does_not_go_on_beyond_it(
    lay: Callable[..., NDArray[np.uint8]],
) -> None:
    """Shoes and bags fill Fashion-MNIST's width; moved, they must end where they ended."""
    height, width = SHAPE
    arrays = np.zeros((400, height, width, 1), np.uint8)
    arrays[:, height // 3 : 2 * height // 3] = 200  # from edge to edge

    moved = lay(arrays, SHAPE, np.random.default_rng(1))

    row = moved[:, height // 2] / 255
    at_the_edges, inside = row[:, [0, -1]], row[:, [width // 2]]
    differs = np.abs(at_the_edges - inside).max(axis=2) > 0.15
    assert 0.2 < differs.mean() < 0.9


# --- garments cut out ---------------------------------------------------------------------------


def shirts_on_floors(side: int) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
    """Return four photos of a T-shaped garment on a grainy floor, and where it is in all."""
    rng = np.random.default_rng(1)
    height, width = side, round(side / 1.4)
    outline = np.zeros((height, width), np.bool_)
    outline[height // 5 : 4 * height // 5, 3 * width // 10 : 7 * width // 10] = True
    outline[height // 5 : 2 * height // 5, width // 8 : 7 * width // 8] = True
    colours = np.array([(190, 60, 60), (60, 110, 200), (40, 40, 40), (240, 235, 220)])
    cloth, floor = np.roll(colours, -1, axis=0)[:, None, None], colours[:, None, None]
    photos = np.where(outline[..., None], cloth, floor) + rng.normal(0, 12, (4, height, width, 3))
    return np.clip(photos, 0, 255).astype(np.uint8), outline


@pytest.mark.parametrize("side", [100, 140, 400])
def test_the_outline_of_a_garment_is_found_whatever_the_size(side: int) -> None:
    photos, truth = shirts_on_floors(side)

    found = outlines_of(photos)

    assert found.shape == (4, *truth.shape)
    overlap = (found & truth).sum(axis=(1, 2)) / (found | truth).sum(axis=(1, 2))
    assert overlap.min() > 0.93
    np.testing.assert_array_equal(found, outlines_of(photos))


@pytest.mark.parametrize(
    "garments",
    [
        pytest.param([], id="a bare floor"),
        pytest.param([(60, 65, 45, 52)], id="a speck"),
        pytest.param([(8, 72, 6, 50)], id="in a corner"),
        pytest.param([(40, 100, 32, 68), (10, 130, 6, 20), (10, 130, 80, 94)], id="three"),
        pytest.param([(6, 134, 5, 95)], id="all over"),
    ],
)
def test_where_no_garment_can_be_told_from_the_floor_there_is_no_outline(
    garments: list[tuple[int, int, int, int]],
) -> None:
    floor, dark = (np.random.default_rng(1).normal(m, 12, (140, 100, 3)) for m in (150, 40))
    for top, bottom, left, right in garments:
        floor[top:bottom, left:right] = dark[top:bottom, left:right]

    assert not outlines_of(floor.astype(np.uint8)[None]).any()


def test_without_opencv_the_remedy_is_said_before_anything_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("clothing.training.recipe.OPENCV", "a_package_that_is_not_there")

    with pytest.raises(ModelError, match=r"Install requirements-dev\.txt"):
        gather(tmp_path / "none", tmp_path / "none.csv", CARD, garments=False, seed=1)


def test_a_catalogue_shows_garments_on_white_at_the_size_of_the_card(tmp_path: Path) -> None:
    photos, _ = shirts_on_floors(400)
    photos[3] = photos[3, 0, 0]  # a bare floor
    for place, photo in enumerate(photos):
        Image.fromarray(photo).save(tmp_path / f"{place}.png")
    pictures = some_pictures(4)

    white = on_white(pictures, tmp_path, CARD)

    assert white.names.tolist() == ["0.png", "1.png", "2.png"]
    np.testing.assert_array_equal(white.allowed, pictures.allowed[:3])
    assert white.arrays.shape == (3, *SHAPE, 3)
    assert white.arrays[:, :15].min() == 255
    middle = white.arrays[:, SHAPE[0] // 2, SHAPE[1] // 2].astype(int)
    np.testing.assert_allclose(middle, photos[:3, 200, 140], atol=40)


# --- weights to start from ----------------------------------------------------------------------


def a_file_of_tensors(tensors: object, storages: dict[str, NDArray[Any]]) -> io.BytesIO:
    """Return a file as PyTorch wrote them before 1.6."""

    class Pickler(pickle.Pickler):
        def persistent_id(self, obj: Any) -> Any:
            return obj if isinstance(obj, tuple) and obj[:1] == ("storage",) else None

    file = io.BytesIO()
    headers: tuple[object, ...] = (0x1950A86A20F9469CFC6C, 1001, {})
    for header in headers:
        pickle.dump(header, file, 2)
    Pickler(file, 2).dump(tensors)
    pickle.dump(list(storages), file, 2)
    for storage in storages.values():
        file.write(len(storage).to_bytes(8, "little") + storage.tobytes())
    file.seek(0)
    return file


class Rebuilt:
    """Pickles as a call of PyTorch's function that makes a tensor of a storage."""

    def __init__(self, *arguments: Any) -> None:
        self.arguments = arguments

    def __reduce__(self) -> Any:
        return _rebuild_tensor_v2, self.arguments


def _rebuild_tensor_v2() -> None: ...


_rebuild_tensor_v2.__module__ = "torch._utils"


@pytest.fixture
def torch_names(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let pickle write PyTorch's names without PyTorch."""
    import types

    module = types.ModuleType("torch._utils")
    module._rebuild_tensor_v2 = _rebuild_tensor_v2  # type: ignore[attr-defined]
    parent = types.ModuleType("torch")
    parent._utils = module  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "torch", parent)
    monkeypatch.setitem(sys.modules, "torch._utils", module)


@pytest.mark.usefixtures("torch_names")
def test_tensors_are_windows_on_storages_with_strides_of_their_own() -> None:
    storage = np.arange(8, dtype=np.float32)
    kept = ("storage", "FloatStorage", "7", "cpu", 8)
    tensors = OrderedDict(
        plain=Rebuilt(kept, 2, (2, 3), (3, 1)), turned=Rebuilt(kept, 0, (2, 2), (1, 2))
    )

    read = read_tensors(a_file_of_tensors(tensors, {"7": storage}))

    np.testing.assert_array_equal(read["plain"], [[2, 3, 4], [5, 6, 7]])
    np.testing.assert_array_equal(read["turned"], [[0, 2], [1, 3]])


def test_a_file_that_calls_anything_else_is_refused() -> None:
    with pytest.raises(pickle.UnpicklingError, match="nothing else"):
        read_tensors(a_file_of_tensors({"trick": print}, {}))


def test_without_the_package_the_remedy_is_said() -> None:
    with pytest.raises(ModelError, match=r"Install requirements-dev\.txt"):
        imagenet_weights("a_package_that_is_not_there")


# --- the network --------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def new_network() -> Any:
    """Return the network before any training; do not change it."""
    return network.build_network(CARD, seed=1)


@pytest.mark.keras
def test_the_network_fits_the_card_and_the_night(new_network: Any) -> None:
    assert new_network.input_shape == (None, CARD.height, CARD.width, CARD.channels)
    assert new_network.output_shape == (None, len(CATEGORIES))
    assert new_network.count_params() <= 2_000_000
    assert network.multiply_adds(new_network) <= 60_000_000


@pytest.mark.keras
def test_a_folded_layer_does_what_convolution_and_normalisation_did(new_network: Any) -> None:
    import keras

    weights = imagenet_weights(network.NIGHTLY.package)
    norm = keras.layers.BatchNormalization(epsilon=1e-3)
    norm.build((None, 8, 8, 32))
    norm.set_weights(
        [weights[f"_bn0.{name}"] for name in ("weight", "bias", "running_mean", "running_var")]
    )
    arrays = np.random.default_rng(1).random((2, 16, 16, 3), np.float32)
    kernel = weights["_conv_stem.weight"].transpose(2, 3, 1, 0)
    two = norm(keras.ops.conv(arrays, kernel, strides=2, padding="same"))

    one = new_network.get_layer("stem")(arrays)

    np.testing.assert_allclose(np.asarray(one), np.asarray(two), atol=1e-4)


@pytest.mark.keras
@pytest.mark.parametrize("form", [network.LITE0, network.LITE2], ids=lambda form: form.name)
def test_a_teacher_of_photos_is_all_that_was_published(form: network.Form) -> None:
    weights = imagenet_weights(form.package)
    folded = {
        name for name in weights if re.fullmatch(r".*(_conv|_conv_stem|_conv_head)\..*", name)
    }
    scale = weights["_bn1.weight"] / np.sqrt(weights["_bn1.running_var"] + 1e-3)

    whole = network.build_network(CARD, 1, form)

    assert whole.output_shape == (None, len(CATEGORIES))
    convolutions = [layer for layer in whole.layers if hasattr(layer, "kernel")][:-2]
    assert len(convolutions) == len(folded)
    kernel, _ = whole.get_layer("head").get_weights()
    expected = weights["_conv_head.weight"][:, :, 0, 0].T * scale
    np.testing.assert_allclose(kernel[0, 0], expected, rtol=1e-5)


@pytest.mark.keras
def test_a_teacher_of_garments_is_as_large_as_its_authors_say(tmp_path: Path) -> None:
    """16-8 has 11.0 million weights (Zagoruyko and Komodakis 2016, table 4)."""
    card = replace(CARD, height=28, width=20)
    wide = network.build_wide_network(card, seed=1)
    wide.save(tmp_path / "wide.keras")
    (tmp_path / "wide.json").write_text(card.to_json())

    says = Teacher([tmp_path / "wide.keras"])(np.zeros((2, 28, 20, 3), np.uint8))

    assert round(wide.count_params() / 1e6, 1) == 11.0
    assert says.shape == (2, len(CATEGORIES) + 1)
    np.testing.assert_allclose(says.sum(axis=1), 1, rtol=1e-5)


@pytest.mark.keras
def test_several_teachers_see_the_same_view_each_in_its_size(tmp_path: Path) -> None:
    paths = []
    arrays = np.random.default_rng(1).integers(0, 256, (3, 48, 32, 3), np.uint8)
    expected = []
    for seed, size in ((1, (40, 32)), (2, (48, 32))):
        card = replace(CARD, height=size[0], width=size[1])
        one = network.build_network(card, seed)
        paths.append(tmp_path / f"{seed}.keras")
        one.save(paths[-1])
        paths[-1].with_suffix(".json").write_text(card.to_json())
        seen = shrunk(arrays, size) / np.float32(255)
        logits = np.asarray(network.up_to_logits(one)(seen), np.float64)
        expected.append(np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True))

    teacher = Teacher(paths)

    assert (teacher.card.height, teacher.card.width) == (48, 32)
    np.testing.assert_allclose(teacher(arrays), np.mean(expected, axis=0), atol=1e-5)
    assert np.abs(expected[0] - expected[1]).max() > 0.01


@pytest.mark.keras
def test_in_half_precision_a_network_says_nearly_the_same(new_network: Any) -> None:
    part = network.up_to_logits(new_network)
    arrays = np.random.default_rng(1).integers(0, 256, (4, *SHAPE, 3), np.uint8)

    whole, half = (network.from_bytes(part, half=half) for half in (False, True))

    weights = half.get_weights()
    assert {array.dtype for array in weights} == {np.dtype(np.float32)}
    for expected, got in zip(part.get_weights(), weights, strict=True):
        np.testing.assert_array_equal(got, expected)
    expected = np.asarray(whole(arrays), np.float32)
    got = np.asarray(half(arrays), np.float32)
    np.testing.assert_allclose(got, expected, atol=0.05 * np.abs(expected).max())
    assert not np.array_equal(got, expected)


@pytest.mark.keras
def test_the_mean_of_two_networks_lies_between_them(tmp_path: Path) -> None:
    one, other = (network.build_network(CARD, seed) for seed in (1, 2))
    other.get_layer("stem").bias.assign_add(np.ones(32, np.float32))
    other.save(tmp_path / "other.keras")
    (tmp_path / "other.json").write_text(CARD.to_json())
    pairs = zip(one.get_weights(), other.get_weights(), strict=True)
    means = [(first + second) / 2 for first, second in pairs]

    network.average(one, [tmp_path / "other.keras"])

    for got, mean in zip(one.get_weights(), means, strict=True):
        np.testing.assert_allclose(got, mean, rtol=1e-5, atol=1e-7)
    with pytest.raises(ModelError, match="of different form"):
        network.average(network.build_network(CARD, 1, network.LITE0), [tmp_path / "other.keras"])


@pytest.mark.keras
def test_what_is_none_of_the_categories_is_dealt_out_evenly(new_network: Any) -> None:
    import keras

    deal = keras.Sequential([keras.Input((11,)), new_network.get_layer("deal")])
    rows = np.array([[*[0.0] * 10, 1.0], [0.5, *[0.0] * 9, 0.5]], np.float32)

    none, half = np.asarray(deal(rows))

    np.testing.assert_allclose(none, [0.1] * 10, rtol=1e-5)
    np.testing.assert_allclose(half, [0.55, *[0.05] * 9], rtol=1e-5)


@pytest.mark.keras
def test_a_shoe_of_unknown_kind_counts_by_the_sum_of_three_probabilities() -> None:
    probabilities = np.array([[0.01] * 5 + [0.3, 0.02, 0.3, 0.02, 0.3, 0.01]], np.float32)
    targets = np.zeros((1, 3, 11), np.float32)
    targets[0, 0] = allowed_by("Footwear")

    (loss,) = np.asarray(network.any_of_loss(targets, np.log(probabilities)))

    smooth = -np.log(probabilities / probabilities.sum()).mean()
    share = np.log(0.9 / probabilities.sum())
    assert loss == pytest.approx(-0.95 * share + 0.05 * smooth, rel=1e-4)


@pytest.mark.keras
def test_both_parts_of_a_blended_picture_count_by_their_share() -> None:
    logits = np.log(np.array([[0.5, 0.3, *[0.2 / 9] * 9]], np.float32))
    targets = np.zeros((3, 3, 11), np.float32)
    targets[0, 0, 0] = targets[1, 0, 1] = 1
    targets[2, 0, 0], targets[2, 1, 1] = 0.25, 0.75

    first, second, both = (float(network.any_of_loss(one[None], logits)[0]) for one in targets)

    assert both == pytest.approx(0.25 * first + 0.75 * second, rel=1e-4)


@pytest.mark.keras
def test_what_a_teacher_says_counts_as_a_whole() -> None:
    logits = np.random.default_rng(1).normal(size=(1, 11)).astype(np.float32)
    says = np.random.default_rng(2).dirichlet(np.ones(11)).astype(np.float32)
    targets = np.zeros((1, 3, 11), np.float32)
    targets[0, 2] = says

    (loss,) = np.asarray(network.any_of_loss(targets, logits))

    log = logits[0] - np.log(np.exp(logits[0]).sum())
    assert loss == pytest.approx(-(says * log).sum(), rel=1e-4)


# --- fitting ------------------------------------------------------------------------------------


def one_layer(drawing: int = 1) -> Any:
    """Return the smallest network that draws in training, too, whatever it was made to draw."""
    import keras

    keras.utils.set_random_seed(1)
    layers = keras.layers
    arrays = keras.Input((*SHAPE, 3))
    logits = layers.Dense(11, name="logits")(
        layers.Dropout(0.3, seed=drawing)(layers.Flatten()(arrays))
    )
    return keras.Model(arrays, logits)


def stop(line: str) -> None:
    """Do what Ctrl-C does, when the first line of progress appears."""
    raise KeyboardInterrupt


@pytest.mark.keras
@pytest.mark.parametrize("flat", [0.0, 0.5])
def test_the_same_seed_trains_the_same_weights_even_from_a_checkpoint(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, flat: float
) -> None:
    monkeypatch.setattr(fit, "STEPS_PER_EPOCH", 3)
    plan = Plan(epochs=2, peak_rate=1e-3, mix=Mix(3, 1, 2, 2, 1), flat=flat)
    photos, garments = some_pictures(20), some_pictures(20, channels=1)
    given = photos, photos, garments, CARD, plan
    lines: list[str] = []
    through, stopped, resumed = map(one_layer, range(3))
    fit.train(through, *given, measure=dict, say=lines.append)

    with pytest.raises(KeyboardInterrupt):
        fit.train(stopped, *given, measure=dict, checkpoints=tmp_path, say=stop)
    history = fit.train(resumed, *given, measure=dict, checkpoints=tmp_path, say=lines.append)

    assert [line[:13] for line in lines[:2]] == ["epoch  1 of 2", "epoch  2 of 2"]
    assert lines[2] == "Going on after epoch 1."
    assert lines[3].startswith("epoch  2 of 2")
    assert len(history) == 2
    for expected, got in zip(through.get_weights(), resumed.get_weights(), strict=True):
        np.testing.assert_allclose(got, expected, rtol=1e-4, atol=1e-5)


@pytest.mark.keras
def test_a_flat_step_learns_from_where_weights_close_by_are_worst() -> None:
    import keras
    import tensorflow as tf

    rng = np.random.default_rng(1)
    arrays = rng.normal(size=(6, 4)).astype(np.float32)
    targets = np.zeros((6, 3, 11), np.float32)
    targets[np.arange(6), 0, rng.integers(0, 11, 6)] = 1
    part = keras.Sequential([keras.Input((4,)), keras.layers.Dense(11)])
    part.compile(keras.optimizers.SGD(0.1), loss=network.any_of_loss)
    began = part.get_weights()

    def slope(weights: list[Any]) -> list[Any]:
        part.set_weights(weights)
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean(network.any_of_loss(targets, part(arrays)))
        return [gradient.numpy() for gradient in tape.gradient(loss, part.trainable_variables)]

    scales, there = [abs(w) + 0.01 for w in began], slope(began)
    norm = np.sqrt(sum(((s * g) ** 2).sum() for s, g in zip(scales, there, strict=True)))
    away = [0.5 * s**2 * g / norm for s, g in zip(scales, there, strict=True)]
    worst = slope([w + a for w, a in zip(began, away, strict=True)])
    part.set_weights(began)

    fit._flat_step(part, 0.5)(arrays, targets)

    for before, gradient, after in zip(began, worst, part.get_weights(), strict=True):
        np.testing.assert_allclose(after, before - 0.1 * gradient, rtol=1e-4, atol=1e-6)


@pytest.mark.keras
def test_flat_steps_need_tensorflow(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("keras.backend.backend", lambda: "jax")
    photos, plan = some_pictures(20), Plan(epochs=1, peak_rate=1e-3, flat=0.5)

    with pytest.raises(ConfigError, match="Received KERAS_BACKEND=jax"):
        fit.train(one_layer(), photos, photos, None, CARD, plan, measure=dict)


@pytest.mark.keras
def test_each_teacher_is_asked_of_its_own_kind_in_its_own_size(tmp_path: Path) -> None:
    card, teachers = replace(CARD, height=40, width=32), {}
    for seed, (kind, height) in enumerate((("photos", 64), ("published", 48))):
        path, theirs = tmp_path / f"{kind}.keras", replace(CARD, height=height, width=32)
        network.build_network(theirs, seed).save(path)
        path.with_suffix(".json").write_text(theirs.to_json())
        teachers[kind] = Teacher([path])
    mix = Mix(photos=4, on_white=2, published=3, laid_out=2, floors=1)
    photos, garments = some_pictures(20), some_pictures(20, channels=1)
    given = photos, photos, garments, card, mix, 1

    with batches(*given, teachers) as coming:
        arrays, targets, views = next(coming)

    assert [(view.kind, view.rows) for view in views] == [
        ("photos", slice(0, 4)),
        ("published", slice(7, 10)),
    ]
    assert [view.arrays.shape for view in views] == [(4, 64, 32, 3), (3, 48, 32, 3)]
    np.testing.assert_allclose(targets.sum(axis=(1, 2)), 1, rtol=1e-5)
    for kind, rows, seen in views:
        np.testing.assert_array_equal(arrays[rows], shrunk(seen, (40, 32)))
        share = {"photos": 0.8, "published": 0.5}[kind]
        np.testing.assert_allclose(targets[rows, 2], share * teachers[kind](seen), atol=1e-5)
    assert not targets[[4, 5, 6, 10, 11], 2].any()


@pytest.mark.keras
def test_each_half_of_the_people_is_taught_by_who_does_not_know_it(tmp_path: Path) -> None:
    """Those of the first half are coats here, those of the second bags; they are never blended."""
    teachers = {}
    for seed, kind in enumerate(HALVES):
        path = tmp_path / f"{seed}.keras"
        network.build_network(CARD, seed).save(path)
        path.with_suffix(".json").write_text(CARD.to_json())
        teachers[kind] = Teacher([path], SHARPNESS)
    photos = some_pictures(20, ["1"] * 6 + ["2"] * 5 + ["3"] * 5 + ["4"] * 4)
    first = np.isin(photos.senders, ["1", "4"])
    of_kind = np.where(first, CATEGORIES.index("Coat"), CATEGORIES.index("Bag"))
    photos = photos._replace(allowed=np.eye(11, dtype=bool)[of_kind])
    mix = Mix(photos=5, on_white=4, published=0, laid_out=0, floors=0)

    with batches(photos, photos.some(first), None, CARD, mix, 1, teachers) as coming:
        _, targets, views = next(coming)

    kinds = [(view.kind, view.rows) for view in views]
    one, two = HALVES
    assert kinds == [
        (one, slice(0, 3)),
        (two, slice(3, 5)),
        (one, slice(5, 7)),
        (two, slice(7, 9)),  # of whose garments none was cut out: photos take their place
    ]
    for kind, rows, seen in views:
        np.testing.assert_allclose(targets[rows, 2], 0.6 * teachers[kind](seen), atol=1e-5)
        told = targets[rows, :2].sum(axis=1)
        np.testing.assert_allclose(told[:, CATEGORIES.index("Coat")], 0.4 * (kind == one))
        np.testing.assert_allclose(told[:, CATEGORIES.index("Bag")], 0.4 * (kind == two))


def test_the_halves_of_the_people_took_about_as_many_photos() -> None:
    rng = np.random.default_rng(1)
    senders = rng.choice([f"{n}" for n in range(30)], 1000, p=rng.dirichlet([0.3] * 30))

    first, second = halves_of(senders)

    assert not first & second and first | second == set(senders.tolist())
    assert np.isin(senders, sorted(first)).mean() == pytest.approx(0.5, abs=0.1)
    assert halves_of(senders[::-1]) == (first, second)


def held_out_by(senders: list[str]) -> Split:
    """Return photos of one person to learn from, of these for validation, and one for the test."""
    sides = [some_pictures(len(side), side) for side in (["Ann"], senders, ["Zoe"])]
    return Split(*sides)


def test_half_of_those_held_out_are_learned_from_and_the_others_validate() -> None:
    photos = held_out_by(["Kim", "Lou", "Kim"])

    first, second = (taking_turns(photos, [turn]) for turn in (1, 2))
    both = taking_turns(photos, [1, 2])

    assert first.training.senders.tolist() == ["Ann", "Kim", "Kim"]
    assert first.validation.senders.tolist() == ["Lou"]
    assert second.training.senders.tolist() == ["Ann", "Lou"]
    assert second.validation.names.tolist() == ["0.png", "2.png"]
    assert both.training.senders.tolist() == ["Ann", "Kim", "Kim", "Lou"]
    assert both.validation.senders.tolist() == ["Kim", "Lou", "Kim"]
    assert {side.test.senders.tolist()[0] for side in (first, second, both)} == {"Zoe"}


@pytest.mark.keras
def test_of_those_held_out_who_does_not_know_them_is_asked(
    new_network: Any, tmp_path: Path
) -> None:
    photos = held_out_by(["Kim", "Lou", "Kim"])
    gathered = Gathered(photos, photos.training, None, tmp_path)
    knows_kim, knows_lou = new_network, network.build_network(CARD, seed=2)
    arrays = np.random.default_rng(1).random((3, *SHAPE, 3), np.float32)

    said = answers_in_turn([knows_kim, knows_lou], gathered, photos.validation, arrays)
    alone = answers_in_turn([knows_kim], gathered, photos.validation, arrays)

    np.testing.assert_allclose(said[[0, 2]], answers(knows_lou, arrays)[[0, 2]], atol=1e-6)
    np.testing.assert_allclose(said[1], answers(knows_kim, arrays)[1], atol=1e-6)
    np.testing.assert_array_equal(alone, answers(knows_kim, arrays))
    assert np.abs(alone - said).max() > 1e-3


def test_one_person_makes_no_halves() -> None:
    with pytest.raises(ConfigError, match="Received photos of: Kim"):
        halves_of(np.array(["Kim"] * 3))


@pytest.mark.keras
def test_a_teacher_may_be_sharper_than_its_networks(tmp_path: Path) -> None:
    path = tmp_path / "a.keras"
    network.build_network(CARD, 1).save(path)
    path.with_suffix(".json").write_text(CARD.to_json())
    seen = some_pictures(4).arrays
    plain, sharp = Teacher([path])(seen), Teacher([path], 2.0)(seen)

    expected = plain**2 / (plain**2).sum(axis=1, keepdims=True)
    np.testing.assert_allclose(sharp, expected, rtol=1e-4)


def test_a_killed_training_leaves_neither_processes_nor_pictures(tmp_path: Path) -> None:
    code = (
        "import os, signal, psutil\n"
        "from clothing.training.batches import PHOTOS_ALONE, batches\n"
        "from tests.test_training import CARD, some_pictures\n"
        "photos = some_pictures(20)\n"
        "with batches(photos, photos, None, CARD, PHOTOS_ALONE, 1, {}) as coming:\n"
        "    next(coming)\n"
        "    print(*(child.pid for child in psutil.Process().children()), flush=True)\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
    )

    killed = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "TMPDIR": str(tmp_path)},
        capture_output=True,
        text=True,
    )

    makers = [int(pid) for pid in killed.stdout.split()]
    assert killed.returncode == -signal.SIGKILL and len(makers) >= 2, killed.stderr
    until = time.monotonic() + 30
    while any(map(psutil.pid_exists, makers)) or any(tmp_path.iterdir()):
        assert time.monotonic() < until, (makers, list(tmp_path.iterdir()))
        time.sleep(0.05)


def test_what_a_network_has_seen_twice_is_said_once(tmp_path: Path) -> None:
    learned = some_pictures(10, ["7"] * 10)
    gathered = Gathered(Split(learned, learned, learned), learned, None, tmp_path)

    new = provenance("Weights of somebody", gathered)

    assert new == "Weights of somebody; then 10 labelled photos by 1 senders"
    assert provenance(new, gathered) == new
    assert provenance("", gathered) == "10 labelled photos by 1 senders"


# --- the whole ----------------------------------------------------------------------------------


def a_shops_command(folder: Path, output: Path) -> tuple[list[str], Path]:
    """Return what a shop trains on its own photos alone with, and the CSV; write both."""
    labels = a_folder_of_photos(folder, [*CATEGORIES, "Footwear", "(none)"] * 5, senders=20)
    command = ["--photos", str(folder), "--labels", str(labels), "--output", str(output)]
    return [*command, "--checkpoints", str(folder / "kept"), "--no-fashion-mnist"], labels


@pytest.mark.keras
def test_a_shops_own_photos_become_a_model_and_a_card_that_fit_each_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fit, "STEPS_PER_EPOCH", 1)
    output = tmp_path / "out" / "new.keras"
    command, labels = a_shops_command(tmp_path, output)

    answer = CliRunner().invoke(main, [*command, "--epochs", "1"])

    assert answer.exit_code == 0, answer.output
    assert "epoch  1 of 1" in answer.output
    card = Card.from_json(output.with_suffix(".json").read_bytes())
    assert card.sha256 == hashlib.sha256(output.read_bytes()).hexdigest()
    assert "labelled photos by" in card.training_data
    assert {"photos_test_accuracy", "photos_validation_sorted_share"} <= set(card.metrics)
    tested = {row.file for row in read_labels(output.with_suffix(".test.csv"))}
    assert tested < {row.file for row in read_labels(labels)}
    classifier = Classifier(output.with_suffix(".tflite"), card, "new")
    assert classifier.predict(np.zeros((2, *SHAPE, 3), np.float32)).shape == (2, 10)


@pytest.mark.keras
def test_too_few_photos_leave_temperature_and_thresholds_and_other_photos_train_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fit, "STEPS_PER_EPOCH", 1)
    output = tmp_path / "new.keras"
    shops, labels = a_shops_command(tmp_path, output)
    command = [*shops, "--epochs"]

    first, again, fewer = (CliRunner().invoke(main, [*command, n]) for n in ("2", "2", "1"))
    measured = CliRunner().invoke(main, [*command, "0"])
    measured_card = Card.from_json(output.with_suffix(".json").read_bytes())
    photo = tmp_path / read_labels(labels)[0].file
    photo.write_bytes(jpeg(color="red", size=(90, 120)))
    other = CliRunner().invoke(main, [*command, "2"])

    shipped = Card.from_json(SHIPPED.with_suffix(".json").read_bytes())
    card = Card.from_json(output.with_suffix(".json").read_bytes())
    assert (card.temperature, card.thresholds) == (shipped.temperature, shipped.thresholds)
    assert first.output.count("epoch  ") == 2 and FEW in first.output
    assert again.output.count("epoch  ") == 0 and "Going on after epoch 2" in again.output
    assert fewer.exit_code == 2 and "2 epochs on already" in fewer.output
    assert other.output.count("epoch  ") == 2  # what was learned from is another photo
    assert measured.exit_code == 0, measured.output
    assert measured_card.training_data == shipped.training_data  # it has learned nothing new


@pytest.mark.keras
def test_who_stops_a_training_is_told_how_it_goes_on(tmp_path: Path) -> None:
    command, _ = a_shops_command(tmp_path, tmp_path / "new.keras")
    code = (
        "from clothing.training import fit\n"
        "from clothing.training.__main__ import main\n"
        "fit.STEPS_PER_EPOCH = 1\n"
        "main()\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code, *command, "--epochs", "500"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as training:
        assert training.stdout and training.stderr
        seen = next(line for line in training.stdout if line.startswith("epoch  1 "))
        training.send_signal(signal.SIGINT)
        complaint = training.stderr.read()

    assert "minutes to go" in seen
    assert training.returncode == INTERRUPTED
    assert complaint.endswith("goes on after the last whole epoch.\n")
    assert "Traceback" not in complaint


@pytest.mark.keras
def test_a_mean_that_is_trained_for_no_epoch_is_the_mean(tmp_path: Path) -> None:
    model, card = network.reopen_network(SHIPPED)
    shipped = model.get_weights()
    model.get_layer("logits").bias.assign_add(np.ones(11, np.float32))
    model.save(tmp_path / "other.keras")
    (tmp_path / "other.json").write_text(card.to_json())
    command, _ = a_shops_command(tmp_path, tmp_path / "new.keras")

    answer = CliRunner().invoke(
        main, [*command, "--epochs", "0", *2 * ["--mean", str(tmp_path / "other.keras")]]
    )

    assert answer.exit_code == 0, answer.output
    assert "epoch" not in answer.output
    mean = network.reopen_network(tmp_path / "new.keras")[0]
    bias = mean.get_layer("logits").bias.numpy()
    np.testing.assert_allclose(bias, model.get_layer("logits").bias.numpy() - 1 / 3, rtol=1e-5)
    for before, after in zip(shipped, mean.get_weights(), strict=True):
        assert after.shape == (11,) or np.allclose(before, after, atol=1e-6)


@pytest.mark.keras
def test_the_mean_of_two_that_took_turns_has_seen_all_and_is_calibrated_by_both(
    tmp_path: Path,
) -> None:
    command, labels = a_shops_command(tmp_path, tmp_path / "new.keras")
    took_turns = ["--in-turn", str(SHIPPED), str(SHIPPED)]

    answer = CliRunner().invoke(main, [*command, "--epochs", "0", *took_turns])

    assert answer.exit_code == 0, answer.output
    card = Card.from_json((tmp_path / "new.json").read_bytes())
    tested = read_labels(tmp_path / "new.test.csv")
    seen = len(read_labels(labels)) - len(tested)
    assert card.training_data.split("; then ")[-1].startswith(f"{seen} labelled photos")
    assert 0 <= card.metrics["photos_validation_accuracy"] <= 1


@pytest.mark.parametrize(
    ("code", "said", "complaint"),
    [
        (2, ["--in-turn", str(SHIPPED), str(SHIPPED)], "Received 6 epochs."),
        (2, ["--checkpoints", "a file/x"], "--checkpoints cannot be written"),
        (2, ["--start", "imagenett"], "one of imagenet, imagenet-lite0, imagenet-lite2, wide. Rec"),
        (2, ["--start", "old.h5"], "--start is a .keras that is there"),
        (2, ["--start", "none.keras"], "--start is a .keras that is there"),
        (1, ["--start", "no_model.keras"], "cannot be opened to go on from"),
        (2, ["--labels", "heading.csv"], "has no row below its heading"),
        (2, ["--labels", "semicolons.csv"], "with commas between them. Received: file;category."),
        (2, ["--no-fashion-mnist", "--mix", *"00110"], "Received a --mix of zeros."),
        (2, ["--half-teacher", "1", str(SHIPPED)], "Received halves [1]."),
        (2, ["--turn", "1", "--half", "2"], "know the people whom it is asked about"),
        (
            2,
            [
                *("--half-teacher", "1", str(SHIPPED), "--half-teacher", "2", str(SHIPPED)),
                *("--teacher", str(SHIPPED)),
            ],
            "Received halves [1, 2] and --teacher.",
        ),
    ],
    ids=str,
)
def test_what_a_training_cannot_begin_with_is_said_in_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int, said: list[str], complaint: str
) -> None:
    monkeypatch.chdir(tmp_path)
    labels = a_folder_of_photos(tmp_path, ["Coat"])
    Path("a file").write_text("")
    Path("old.h5").write_text("")
    Path("heading.csv").write_text("file,category,sender\n")
    Path("semicolons.csv").write_text("file;category\n0.jpg;Coat\n")
    with zipfile.ZipFile("no_model.keras", "w") as archive:
        archive.writestr("something", "else")
    Path("no_model.json").write_bytes(SHIPPED.with_suffix(".json").read_bytes())

    answer = CliRunner().invoke(main, ["--photos", ".", "--labels", labels.name, *said])

    assert answer.exit_code == code
    assert isinstance(answer.exception, SystemExit)
    assert complaint in answer.output


@pytest.mark.keras
def test_a_network_and_the_card_of_another_are_told_apart(tmp_path: Path) -> None:
    (tmp_path / "mine.keras").write_bytes(SHIPPED.read_bytes())
    card = Card.from_json(SHIPPED.with_suffix(".json").read_bytes())
    (tmp_path / "mine.json").write_text(replace(card, height=96).to_json())

    with pytest.raises(ModelError, match=r"takes arrays of \(112, 80, 3\), and its card says 96"):
        network.reopen_network(tmp_path / "mine.keras")


def test_a_photo_that_goes_during_the_training_is_named(tmp_path: Path) -> None:
    labels = a_folder_of_photos(tmp_path, ["Coat"] * 3)
    pictures = load_photos(tmp_path, labels, CARD)
    (tmp_path / "1.jpg").unlink()

    with pytest.raises(ConfigError, match=r"1 of 3 photos.*\n  1.jpg: No such file"):
        as_served(pictures, tmp_path, CARD)


@pytest.mark.parametrize(
    ("output", "complaint"),
    [("new.h5", "ends with .keras"), ("a file/new.keras", "cannot be written")],
)
def test_an_output_that_cannot_be_is_refused_before_the_training(
    tmp_path: Path, output: str, complaint: str
) -> None:
    labels = a_folder_of_photos(tmp_path, ["Coat"])
    (tmp_path / "a file").write_text("")
    command = ["--photos", str(tmp_path), "--labels", str(labels)]

    answer = CliRunner().invoke(main, [*command, "--output", str(tmp_path / output)])

    assert answer.exit_code == 2
    assert complaint in answer.output


@pytest.mark.parametrize("kind", [field.name for field in fields(Mix)])
@pytest.mark.parametrize("outlines", [True, False])
def test_a_batch_may_be_of_one_kind(kind: str, outlines: bool) -> None:
    """Photos take the place of garments cut out, where no outline was sure."""
    photos, garments = some_pictures(20), some_pictures(20, channels=1)
    cut = photos.some(slice(20 if outlines else 0))
    mix = Mix(**{field.name: 3 * (field.name == kind) for field in fields(Mix)})

    with batches(photos, cut, garments, CARD, mix, 1, {}) as coming:
        arrays, targets, _ = next(coming)

    assert arrays.shape == (3, *SHAPE, 3)
    np.testing.assert_allclose(targets.sum(axis=(1, 2)), 1, rtol=1e-5)


def test_fashion_mnist_as_published_is_blended_a_third_as_often_as_photos() -> None:
    photos, garments = some_pictures(20), some_pictures(20, channels=1)
    mix = Mix(photos=400, on_white=0, published=400, laid_out=0, floors=0)

    with batches(photos, photos, garments, CARD, mix, 1, {}) as coming:
        _, targets, _ = next(coming)

    is_blended = np.any(targets[:, 1] > 0, axis=1)
    assert is_blended[:400].mean() == pytest.approx(0.6, abs=0.1)
    assert is_blended[400:].mean() == pytest.approx(0.21, abs=0.07)


@pytest.mark.parametrize("milliseconds", [0, 1, 2, 4, 8, 16])
def test_a_training_whose_maker_of_batches_was_killed_says_so(milliseconds: int) -> None:
    """Whatever it was at: with the first, before the next batch; with others, in the middle."""
    photos, others = some_pictures(20), set(multiprocessing.active_children())

    with batches(photos, photos, None, CARD, PHOTOS_ALONE, 1, {}) as coming:
        next(coming)
        time.sleep(milliseconds / 1000)
        for maker in set(multiprocessing.active_children()) - others:
            maker.kill()

        with pytest.raises(ModelError, match="most often for want of memory"):
            list(coming)


def test_a_batch_of_nothing_is_refused(tmp_path: Path) -> None:
    labels = a_folder_of_photos(tmp_path, ["Coat"])

    answer = CliRunner().invoke(
        main, ["--photos", str(tmp_path), "--labels", str(labels), "--mix", *"00000"]
    )

    assert answer.exit_code == 2
    assert "Received a --mix of zeros." in answer.output


def test_a_csv_with_a_word_that_is_no_category_is_refused_by_line(tmp_path: Path) -> None:
    labels = a_folder_of_photos(tmp_path, ["Coat", "Hat"])

    answer = CliRunner().invoke(
        main, ["--photos", str(tmp_path), "--labels", str(labels), "--start", "imagenet"]
    )

    assert answer.exit_code == 2
    assert "line 3: a category is one of" in answer.output
