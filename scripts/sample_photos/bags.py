"""Bags: a tote, a handbag, a backpack and a shoulder bag."""

from dataclasses import replace

import numpy as np

from .bench import Bench, Fold
from .cloth import Cloth, Colour, cotton, metal
from .curves import (
    Path,
    along,
    box,
    ellipse,
    flipped,
    join,
    limb,
    line,
    mirrored,
    moved,
    spline,
)
from .tops import SIDES, Garment, zip_fastener

_INSIDE = 0.45


def tote(cloth: Cloth, handles: Cloth) -> Garment:
    """A canvas shopping bag with two long handles."""

    def sew(bench: Bench) -> None:
        back = spline(
            (-0.27, -0.2), (-0.25, -0.6), (-0.06, -0.85), (0.15, -0.76), (0.24, -0.5), (0.25, -0.2)
        )
        bench.lay(limb(back, 0.038), handles, grain=np.pi / 2, shade=0.75, puff=0.006)
        bench.lay(
            mirrored(spline((0, -0.33), (0.3, -0.34), (0.5, -0.31), (0.4, -0.2), (0, -0.2))),
            cloth,
            shade=_INSIDE,
        )
        body = join(
            spline((0, -0.25), (0.3, -0.27), (0.51, -0.31)),
            spline((0.51, -0.31), (0.53, 0.1), (0.535, 0.72)),
            spline((0.50, 0.79), (0.3, 0.80), (0, 0.81)),
        )
        folds = [
            Fold((x, -0.2), (x + w, 0.7), 0.014, 0.03, 0.04)
            for x, w in ((-0.4, 0.1), (-0.2, -0.12), (0.08, 0.05), (0.24, 0.12), (0.43, -0.1))
        ]
        bench.lay(mirrored(body), cloth, puff=0.035, folds=folds)
        for down in (0.055, 0.07):
            bench.thread(
                moved(spline((-0.5, -0.305), (0, -0.25), (0.5, -0.305)), down=down), cloth.colour
            )
        front = spline(
            (-0.25, -0.12),
            (-0.27, -0.45),
            (-0.16, -0.74),
            (0.02, -0.8),
            (0.19, -0.66),
            (0.25, -0.4),
            (0.25, -0.12),
        )
        bench.lay(limb(front, 0.04), handles, puff=0.01)
        for x in (-0.25, 0.25):
            tab = box(x - 0.035, -0.2, x + 0.035, -0.13, 0.002)
            bench.thread(join(tab, tab[:1]), "f3ead8", 0.012)

    return sew


def handbag(leather: Cloth, brass: Colour = "d2ae62") -> Garment:
    """A stiff leather bag with a flap, a clasp and a round handle."""

    def sew(bench: Bench) -> None:
        handle = spline(
            (-0.34, -0.2),
            (-0.33, -0.48),
            (-0.18, -0.72),
            (0, -0.78),
            (0.18, -0.72),
            (0.33, -0.48),
            (0.34, -0.2),
        )
        bench.lay(limb(handle, 0.034, 0.042, 0.042, 0.034), leather, puff=0.035)
        bench.thread(handle, "e3c79a", 0.018)
        body = join(
            spline((0, -0.3), (0.4, -0.3), (0.60, -0.27)),
            spline((0.62, -0.24), (0.70, 0.1), (0.755, 0.55)),
            spline((0.755, 0.55), (0.72, 0.62), (0.4, 0.64), (0, 0.645)),
        )
        bench.lay(mirrored(body), leather, puff=0.08)
        rim = join(
            spline((0.57, -0.2), (0.65, 0.12), (0.70, 0.52)),
            spline((0.67, 0.575), (0.4, 0.59), (0, 0.595)),
        )
        bench.thread(mirrored(rim), "e3c79a", 0.018)
        _flap(bench, leather, brass)
        for side in SIDES:
            bench.lay(
                ellipse((side * 0.34, -0.24), 0.06, 0.06),
                metal(brass),
                puff=0.008,
                hole=ellipse((side * 0.34, -0.24), 0.04, 0.04),
            )
            bench.lay(
                limb(line((side * 0.34, -0.3), (side * 0.34, -0.16)), 0.03), leather, puff=0.008
            )

    return sew


def _flap(bench: Bench, leather: Cloth, brass: Colour) -> None:
    edge = join(
        spline((0, -0.325), (0.4, -0.325), (0.615, -0.295)),
        spline((0.63, -0.26), (0.655, -0.05), (0.62, 0.08)),
        spline((0.62, 0.08), (0.5, 0.17), (0.25, 0.235), (0, 0.25)),
    )
    bench.lay(mirrored(edge), replace(leather, thickness=0.02), puff=0.03)
    seam = spline((0.60, 0.05), (0.49, 0.135), (0.25, 0.198), (0, 0.212))
    bench.thread(join(flipped(seam), seam[::-1]), "e3c79a", 0.018)
    bench.lay(box(-0.075, 0.15, 0.075, 0.31, 0.03), metal(brass), puff=0.012)
    bench.lay(box(-0.04, 0.195, 0.04, 0.24, 0.02), metal(brass), puff=0.02)
    bench.seam(join(box(-0.04, 0.195, 0.04, 0.24, 0.02)), 1.5, 0.006)


def backpack(cloth: Cloth, trim: Colour, leather: Colour = "8a5a34") -> Garment:
    """A rounded backpack with a front pocket."""

    def sew(bench: Bench) -> None:
        for side in SIDES:
            strap = spline((0.2, -0.68), (0.5, -0.62), (0.60, -0.2), (0.54, 0.3), (0.42, 0.55))
            own = strap if side > 0 else flipped(strap)
            bench.lay(limb(own, 0.06, 0.065, 0.05, 0.035), cloth.dyed(trim), spine=own, puff=0.02)
        grip = spline((-0.12, -0.74), (-0.1, -0.9), (0, -0.94), (0.1, -0.9), (0.12, -0.74))
        bench.lay(limb(grip, 0.03), cloth.dyed(trim), puff=0.015)
        body = spline(
            (0, -0.80),
            (0.26, -0.77),
            (0.42, -0.56),
            (0.47, 0.0),
            (0.47, 0.5),
            (0.40, 0.72),
            (0, 0.76),
        )
        bench.lay(mirrored(body), cloth, puff=0.10)
        arc = spline(
            (-0.385, 0.02),
            (-0.36, -0.42),
            (-0.24, -0.62),
            (0, -0.67),
            (0.24, -0.62),
            (0.36, -0.42),
            (0.385, 0.02),
        )
        zip_fastener(bench, arc, trim)
        _front_pocket(bench, cloth, trim, leather)

    return sew


def _front_pocket(bench: Bench, cloth: Cloth, trim: Colour, leather: Colour) -> None:
    pocket = spline((0, 0.06), (0.3, 0.06), (0.375, 0.12), (0.385, 0.5), (0.34, 0.64), (0, 0.665))
    bench.lay(mirrored(pocket), cloth, puff=0.06)
    zip_fastener(bench, spline((-0.32, 0.15), (0, 0.135), (0.32, 0.15)), trim)
    base = mirrored(
        spline((0, 0.53), (0.3, 0.52), (0.468, 0.5), (0.44, 0.66), (0.38, 0.735), (0, 0.775))
    )
    bench.lay(base, Cloth(leather, gloss=0.12), puff=0.05)
    bench.thread(spline((-0.45, 0.525), (0, 0.555), (0.45, 0.525)), "e3c79a", 0.018)
    patch = spline((-0.07, -0.32), (0.0, -0.39), (0.07, -0.32), (0.0, -0.25), closed=True)
    bench.lay(patch, Cloth(leather, gloss=0.12), puff=0.01)
    for x, y in along(line((-0.02, -0.32), (0.02, -0.32)), 2):
        bench.lay(ellipse((x, y), 0.008, 0.02), cotton(trim), shade=0.6)


def shoulder_bag(leather: Cloth, chain: Colour = "d2ae62") -> Garment:
    """A small quilted bag on a chain."""

    def sew(bench: Bench) -> None:
        path = spline(
            (-0.5, 0.0),
            (-0.56, -0.4),
            (-0.32, -0.78),
            (0.1, -0.82),
            (0.46, -0.62),
            (0.57, -0.3),
            (0.5, 0.0),
        )
        _chain(bench, path, chain)
        body = spline(
            (0, -0.1), (0.4, -0.1), (0.6, -0.06), (0.64, 0.25), (0.62, 0.56), (0.5, 0.62), (0, 0.64)
        )
        bench.lay(mirrored(body), leather, puff=0.08)
        flap = spline(
            (0, -0.13),
            (0.42, -0.13),
            (0.625, -0.09),
            (0.635, 0.1),
            (0.58, 0.27),
            (0.3, 0.36),
            (0, 0.38),
        )
        bench.lay(mirrored(flap), replace(leather, thickness=0.02), puff=0.05)
        _diamonds(bench, mirrored(flap))
        bench.lay(ellipse((0, 0.32), 0.075, 0.055), metal(chain), puff=0.02)
        bench.seam(ellipse((0, 0.32), 0.05, 0.034), 1.5, 0.008)

    return sew


def _chain(bench: Bench, path: Path, colour: Colour) -> None:
    points = np.array(along(path, 44))
    for index, (start, end) in enumerate(zip(points[:-1], points[1:], strict=True)):
        reach = (end - start) * 0.75
        middle = (start + end) / 2
        link = limb(np.linspace(middle - reach, middle + reach, 6), 0.012, 0.024, 0.024, 0.012)
        inner = limb(
            np.linspace(middle - 0.6 * reach, middle + 0.6 * reach, 6), 0.003, 0.009, 0.003
        )
        bench.lay(link, metal(colour), puff=0.006, hole=inner if index % 2 else None)


def _diamonds(bench: Bench, flap: Path) -> None:
    """Quilting stitched crosswise over the flap, cut off at its edge."""
    inside = 0.95 * (flap - flap.mean(0)) + flap.mean(0)
    for slope in (1.0, -1.0):
        for x in np.linspace(-1.2, 1.2, 17).tolist():
            cross = line((x - 0.4 * slope, -0.2), (x + 0.4 * slope, 0.6))
            bench.press(bench.stroke(cross, 0.012), 3.0, inside)
