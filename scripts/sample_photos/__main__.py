"""Draws sample photos of returned garments, with a label file.

Nothing is photographed and nothing is downloaded: outlines, cloth, folds, floors, light and
camera are all computed, from a fixed seed for each photo. The same versions of NumPy and Pillow
give the same pixels at each run.
"""

import argparse
import csv
import zlib
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np
from PIL import Image

from .bench import Bench
from .camera import Stance, exposed, framed, jpeg, scene, sensed
from .catalogue import PHOTOS, Photo
from .curves import Placement

ALBUM = "ClothingImages"
_LONG, _SHORT = 640, 480
_WORKING_SCALE = 1.5  # photos are drawn this much larger, and reduced by the camera
_BLEED = 1.05  # room around them, from which the camera crops
_MOST_BYTES = 88_000


def main() -> None:
    """Reads the command line and draws all photos."""
    parser = argparse.ArgumentParser(prog="python -m scripts.sample_photos", description=__doc__)
    parser.add_argument("--folder", type=Path, default=Path("images"), help="where albums lie")
    parser.add_argument(
        "--labels", type=Path, default=Path("tests/data/sample_photos.csv"), help="label file"
    )
    arguments = parser.parse_args()
    draw_album(arguments.folder, arguments.labels)


def draw_album(folder: Path, labels: Path) -> None:
    """Draws every photo of the catalogue, and writes down its category."""
    (folder / ALBUM).mkdir(parents=True, exist_ok=True)
    labels.parent.mkdir(parents=True, exist_ok=True)
    with (
        labels.open("w", newline="", encoding="utf-8") as sheet,
        ProcessPoolExecutor() as pool,
    ):
        writer = csv.writer(sheet, lineterminator="\n")
        writer.writerow(["file", "category"])
        for photo, jpeg_file in zip(PHOTOS, pool.map(_drawn_at, range(len(PHOTOS))), strict=True):
            file = f"{ALBUM}/{photo.name}.jpg"
            size = (folder / file).write_bytes(jpeg_file)
            writer.writerow([file, photo.category])
            print(f"{file:<62} {photo.category:<12} {size / 1000:5.1f} kB", flush=True)


def _drawn_at(index: int) -> bytes:
    """A photo by its place in the catalogue: a garment, being a closure, travels to no process."""
    return drawn(PHOTOS[index])


def drawn(photo: Photo) -> bytes:
    """One photo as a JPEG file."""
    rng = np.random.default_rng(zlib.crc32(photo.name.encode()))
    picture = _taken(photo, rng)
    return jpeg(sensed(picture, photo.shot, rng), _MOST_BYTES, photo.sideways)


def _taken(photo: Photo, rng: np.random.Generator) -> Image.Image:
    width, height = (_LONG, _SHORT) if photo.wide else (_SHORT, _LONG)
    scale = _WORKING_SCALE * _BLEED
    shape = (round(height * scale), round(width * scale))
    bench = Bench(shape, _placement(photo, shape, rng), rng, photo.lamp.azimuth)
    photo.garment(bench)
    picture = scene(bench, photo.ground(rng, shape), photo.lamp, photo.stance)
    return framed(exposed(picture, photo.lamp, photo.shot, rng), (width, height), photo.shot, rng)


def _placement(photo: Photo, shape: tuple[int, int], rng: np.random.Generator) -> Placement:
    unit = photo.size * min(shape[0] / 2, shape[1] / 2 * 1.35) / _BLEED
    x, y = rng.normal(0, 0.012, 2) * unit
    return Placement(
        centre=(shape[1] / 2 + x, shape[0] / 2 + y + photo.down * unit),
        unit=unit,
        angle=photo.angle,
        sway=(0.012, 0.010) if photo.stance is Stance.LYING else (0.0, 0.0),
        phase=rng.uniform(0, 2 * np.pi, 4).tolist(),
    )


if __name__ == "__main__":
    main()
