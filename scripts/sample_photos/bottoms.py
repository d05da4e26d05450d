"""Trousers, and the garments of none of the ten categories: shorts, skirts, hats and the like."""

from dataclasses import replace

import numpy as np

from .bench import Bench, Fold
from .cloth import Cloth, Colour, cotton, metal, rib, sole
from .curves import (
    Path,
    box,
    ellipse,
    flipped,
    join,
    limb,
    line,
    mirrored,
    moved,
    part,
    spline,
)
from .tops import INSIDE, SIDES, Garment


def trousers(
    cloth: Cloth,
    thread: Colour,
    *,
    ankle: float = 0.115,
    spread: float = 0.05,
    pressed: bool = False,
) -> Garment:
    """Long trousers.

    Args:
        cloth: What they are made of.
        thread: Colour of the visible stitching.
        ankle: Half the width of a leg at its end.
        spread: How far apart the legs lie.
        pressed: Whether a crease is ironed into each leg.
    """

    def sew(bench: Bench) -> None:
        for side in SIDES:
            _leg(bench, cloth, thread, side, (ankle, spread, 0.90), pressed)
        _seat(bench, cloth, thread)

    return sew


def _leg(
    bench: Bench,
    cloth: Cloth,
    thread: Colour,
    side: float,
    shape: tuple[float, float, float],
    pressed: bool,
) -> None:
    ankle, spread, length = shape
    middle, outer = ankle + spread, 2 * ankle + spread
    outline = join(
        line((0.0, -0.88), (0.14, -0.895), (0.262, -0.92)),
        spline(
            (0.262, -0.92), (0.30, -0.76), (0.33, -0.6), (0.335, -0.3), (0.31, 0.2), (outer, length)
        ),
        spline((outer, length), (middle, length + 0.012), (spread, length)),
        spline((spread, length), (0.055, 0.3), (0.012, -0.27), (0.0, -0.3)),
    )
    folds = _leg_folds(bench, side, length)
    if pressed:
        folds.append(Fold((side * 0.19, -0.6), (side * middle, length + 0.3), 0.012, 0.012))
    own = outline if side > 0 else flipped(outline)
    opening = box(
        side * middle - ankle * 0.94, length - 0.05, side * middle + ankle * 0.94, length + 0.014
    )
    bench.lay(opening, cloth, shade=INSIDE)
    bench.lay(own, cloth, grain=-side * 0.06, puff=0.022, folds=folds)
    inseam = spline((0.03, -0.2), (0.065, 0.3), (spread + 0.014, length))
    bench.seam(inseam if side > 0 else flipped(inseam), 1.2, 0.005)
    hem = spline((outer, length - 0.03), (middle, length - 0.018), (spread, length - 0.03))
    bench.thread(hem if side > 0 else flipped(hem), thread)


def _leg_folds(bench: Bench, side: float, length: float) -> list[Fold]:
    rng, folds = bench.rng, []
    for _ in range(7):  # whiskers that fan out from the crotch
        start = (side * rng.uniform(0.0, 0.04), rng.uniform(-0.42, -0.26))
        end = (side * rng.uniform(0.2, 0.33), start[1] + rng.normal(0.0, 0.14))
        height = 0.013 * rng.uniform(0.5, 1.1)
        folds.append(Fold(start, end, height, rng.uniform(0.012, 0.024), rng.normal(0, 0.02)))
    for _ in range(9):  # behind the knee and above the hem
        y = rng.choice([0.25, length - 0.15]) + rng.normal(0, 0.12)
        start = (side * rng.uniform(0.03, 0.12), y)
        end = (side * rng.uniform(0.22, 0.32), y + rng.normal(0, 0.09))
        height = 0.011 * rng.choice([-1, 1]) * rng.uniform(0.5, 1.2)
        folds.append(Fold(start, end, height, rng.uniform(0.014, 0.026), rng.normal(0, 0.02)))
    return folds


def _seat(bench: Bench, cloth: Cloth, thread: Colour) -> None:
    """Waistband, fly, pockets and the button: all that is the same for shorts."""
    inside = mirrored(spline((0, -0.955), (0.15, -0.965), (0.26, -0.985), (0.26, -0.9), (0, -0.88)))
    bench.lay(inside, cloth, shade=INSIDE)
    bench.lay(box(-0.04, -0.945, 0.04, -0.915, 0.003), cotton("d9cdb8"))
    bench.seam(spline((0, -0.88), (0.004, -0.5), (0.0, -0.3)), 2.0, 0.006)
    fly = spline((0.07, -0.87), (0.07, -0.62), (0.05, -0.54), (0.005, -0.5))
    for extra in (0.0, 0.014):
        bench.thread(moved(fly, right=-extra), thread)
    for side in SIDES:
        pocket = spline((0.13, -0.87), (0.16, -0.76), (0.215, -0.70), (0.305, -0.69))
        own = pocket if side > 0 else flipped(pocket)
        bench.seam(own, 2.6, 0.01)
        for extra in (0.014, 0.027):
            bench.thread(moved(own, right=-side * extra * 0.5, down=extra), thread)
    firm = replace(cloth, crumple=cloth.crumple * 0.3)
    band = spline((-0.27, -0.925), (0, -0.885), (0.27, -0.925))
    bench.lay(limb(band, 0.036), firm, grain=np.pi / 2, puff=0.006)
    for offset in (-0.028, 0.028):
        bench.thread(moved(band, down=offset), thread)
    for x in (-0.2, -0.1, 0.12, 0.21):
        top = -0.925 - 0.55 * x * x
        loop = box(x - 0.011, top, x + 0.011, top + 0.085, 0.003)
        bench.lay(loop, firm, puff=0.004)
    bench.button((0.0, -0.885), 0.02, metal("b08d57"))


def shorts(cloth: Cloth, thread: Colour, string: Colour | None = None) -> Garment:
    """Shorts that end above the knee, with turned-up hems; they fill the picture."""

    def sew(bench: Bench) -> None:
        for side in SIDES:
            outline = join(
                line((0.0, -0.88), (0.14, -0.895), (0.262, -0.92)),
                spline((0.262, -0.92), (0.36, -0.55), (0.44, -0.05)),
                spline((0.44, -0.05), (0.25, 0.005), (0.04, 0.0)),
                spline((0.04, 0.0), (0.02, -0.2), (0.0, -0.3)),
            )
            folds = _leg_folds(bench, side, 0.1)
            own = outline if side > 0 else flipped(outline)
            bench.lay(moved(0.985 * own, down=0.004), cloth, shade=INSIDE)
            bench.lay(own, cloth, puff=0.022, folds=folds)
            cuff = spline((0.448, -0.095), (0.25, -0.04), (0.038, -0.045))
            turned_up = replace(cloth, crumple=cloth.crumple * 0.5)
            bench.lay(limb(cuff if side > 0 else flipped(cuff), 0.05), turned_up, puff=0.012)
        _seat(bench, cloth, thread)
        if string:
            _drawstring(bench, string)

    return sew


def _drawstring(bench: Bench, colour: Colour) -> None:
    cord = cotton(colour).woven(rib(50))
    for side in SIDES:
        hang = spline((side * 0.03, -0.88), (side * 0.06, -0.76), (side * 0.035, -0.62))
        bench.lay(limb(hang, 0.011), cord, puff=0.006)


def skirt(cloth: Cloth, flare: float = 0.62, pleats: int = 11) -> Garment:
    """A pleated skirt with a waistband."""

    def sew(bench: Bench) -> None:
        hip = spline((0.3, -0.56), (0.44, -0.2), (flare, 0.42))
        hem = spline((flare, 0.42), (0.5 * flare, 0.52), (0, 0.55))
        outline = mirrored(join(line((0, -0.56)), hip, hem))
        bench.lay(moved(outline, down=0.012), cloth, shade=INSIDE)
        bench.lay(outline, cloth, puff=0.016, folds=_pleats(pleats, flare))
        for x in np.linspace(-1, 1, pleats)[1:-1].tolist():
            sag = 0.12 * x * x
            bench.seam(line((x * 0.3, -0.5), (x * flare * 0.97, 0.54 - sag)), 2.2, 0.008)
        band = replace(cloth.woven(rib(20, 0.3)), pattern=cloth.pattern)
        bench.lay(
            mirrored(spline((0, -0.655), (0.2, -0.66), (0.3, -0.68), (0.26, -0.6), (0, -0.6))),
            cloth,
            shade=INSIDE,
        )
        bench.lay(limb(spline((-0.31, -0.61), (0, -0.585), (0.31, -0.61)), 0.05), band, puff=0.01)
        bench.button((0.24, -0.6), 0.02, sole("d8c9a8"))

    return sew


def _pleats(count: int, flare: float) -> list[Fold]:
    return [
        Fold((x * 0.3 + 0.02, -0.6), (x * flare + 0.03, 0.75), 0.014, 0.022)
        for x in np.linspace(-1, 1, count).tolist()
    ]


def bobble_hat(cloth: Cloth, bobble: Colour) -> Garment:
    """A knitted hat with a turned-up brim and a bobble."""

    def knit_up(bench: Bench) -> None:
        crown = join(spline((0, -0.5), (0.22, -0.46), (0.42, -0.24), (0.5, 0.2), (0.48, 0.42)))
        bench.lay(mirrored(crown), cloth, puff=0.07, folds=_crown_folds())
        brim = mirrored(
            spline((0, 0.21), (0.3, 0.2), (0.53, 0.16), (0.53, 0.46), (0.3, 0.5), (0, 0.51))
        )
        bench.lay(
            brim, replace(cloth.dyed(cloth.colour).woven(rib(24, 2.6)), thickness=0.022), puff=0.03
        )
        _bobble(bench, (0.0, -0.6), 0.17, bobble)

    return knit_up


def _crown_folds() -> list[Fold]:
    return [
        Fold((0.16 * x, -0.52), (0.5 * x, 0.35), 0.012, 0.02, 0.05 * x)
        for x in np.linspace(-0.9, 0.9, 7).tolist()
    ]


def _bobble(bench: Bench, centre: tuple[float, float], radius: float, colour: Colour) -> None:
    """A ball of yarn ends: many short strands, those near the rim first."""
    rng = bench.rng
    bench.lay(ellipse(centre, radius * 0.92, radius * 0.92), cotton(colour), puff=0.06)
    yarn = replace(cotton(colour), thickness=0.01, crumple=0.0)
    for reach in np.sort(rng.uniform(0.15, 1.0, 90))[::-1].tolist():
        turn = rng.uniform(0, 2 * np.pi)
        out = np.array([np.cos(turn), np.sin(turn)])
        root = np.array(centre) + out * radius * max(0.0, reach - 0.35)
        tip = np.array(centre) + out * radius * (reach + 0.08)
        strand = limb(np.linspace(root, tip, 4), 0.014, 0.017, 0.008)
        bench.lay(strand, yarn, shade=float(rng.uniform(0.8, 1.1)))


def scarf(cloth: Cloth, ends: Colour) -> Garment:
    """A long scarf laid in a loop, with fringes at both ends."""

    def drape(bench: Bench) -> None:
        half = spline(
            (-0.05, -0.655),
            (0.1, -0.645),
            (0.26, -0.46),
            (0.26, -0.16),
            (-0.02, 0.24),
            (-0.27, 0.72),
        )
        for path in (flipped(half), moved(half, down=0.02)):
            _fringe(bench, path, ends)
            outline = limb(path, 0.15, 0.13, 0.14, 0.15)
            bench.lay(outline, cloth, spine=path, puff=0.03)

    return drape


def _fringe(bench: Bench, path: Path, colour: Colour) -> None:
    end = part(path, 0.985, 1.0)
    edge = limb(end, 0.143)
    left, right = edge[39], edge[40]
    ahead = (end[-1] - end[0]) / np.linalg.norm(end[-1] - end[0])
    yarn = replace(cotton(colour), crumple=0.0, thickness=0.008)
    for share in np.linspace(0.02, 0.98, 17):
        root = left + (right - left) * share
        tip = root + ahead * bench.rng.uniform(0.085, 0.11) + bench.rng.normal(0, 0.008, 2)
        bench.lay(limb(np.linspace(root - 0.02 * ahead, tip, 5), 0.007), yarn)


def socks(cloth: Cloth, accent: Colour) -> Garment:
    """A pair of socks, toes to the left."""

    def pair(bench: Bench) -> None:
        for right, down in ((0.20, -0.10), (-0.16, 0.06)):
            _sock(bench, cloth, accent, right, down)

    return pair


def _sock(bench: Bench, cloth: Cloth, accent: Colour, right: float, down: float) -> None:
    outline = join(
        spline((-0.02, -0.6), (0.26, -0.6)),
        spline((0.26, -0.6), (0.27, -0.1), (0.31, 0.15), (0.29, 0.34), (0.14, 0.42), (-0.12, 0.44),
               (-0.36, 0.47), (-0.5, 0.4), (-0.5, 0.25), (-0.38, 0.17), (-0.14, 0.08),
               (-0.03, -0.1), (-0.02, -0.6)),
    )  # fmt: skip
    folds = [Fold((-0.08, 0.0 + y), (0.24, 0.1 + y), 0.008, 0.02) for y in (-0.05, 0.03, 0.1)]
    bench.lay(moved(outline, right, down), cloth, puff=0.03, folds=folds)
    heel = spline((0.3, 0.12), (0.31, 0.3), (0.22, 0.4), (0.08, 0.43), (0.14, 0.28), (0.3, 0.12))
    toe = spline(
        (-0.34, 0.468), (-0.5, 0.4), (-0.5, 0.25), (-0.36, 0.165), (-0.3, 0.3), (-0.34, 0.468)
    )
    plain = replace(cloth.dyed(accent), thickness=0.002)
    for patch in (heel, toe):
        bench.lay(moved(patch, right, down), plain, puff=0.012)
    top = limb(line((0.12, -0.63), (0.12, -0.42)), 0.152, 0.142)
    bench.lay(moved(top, right, down), cloth.dyed(accent).woven(rib(32, 1.6)), puff=0.014)
