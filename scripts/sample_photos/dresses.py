"""Dresses: a fitted bodice, and a skirt that flares from the waist."""

import numpy as np

from .bench import Bench, Fold
from .cloth import Cloth, Colour, cotton
from .curves import Point, ellipse, flipped, join, limb, mirrored, spline
from .tops import INSIDE, SIDES, Arm, Cut, Garment, fold_by_chance, lay_back, lay_sleeves


def dress(
    cloth: Cloth,
    *,
    flare: float = 0.6,
    sleeves: bool = False,
    straps: bool = False,
    belt: Colour | None = None,
    length: float = 0.88,
) -> Garment:
    """A dress: a fitted bodice and a skirt that flares from the waist."""

    def sew(bench: Bench) -> None:
        cut = _dress_cut(straps)
        if straps:
            _thin_straps(bench, cloth)
        else:
            lay_back(bench, cut, cloth)
        if sleeves:
            arm = Arm(spline((0.16, -0.62), (0.32, -0.53), (0.42, -0.42)), (0.19, 0.125, 0.10))
            lay_sleeves(bench, cut, arm, cloth)
        _skirt(bench, cut.hem, flare, length, cloth)
        bench.lay(cut.body, cloth, puff=0.018, folds=_bodice_folds(bench))
        if belt:
            band = spline((-cut.hem[0], -0.13), (0, -0.115), (cut.hem[0], -0.13))
            bench.lay(limb(band, 0.026), cotton(belt), grain=np.pi / 2, puff=0.008)
            _bow(bench, belt)
        else:
            bench.seam(spline((-cut.hem[0], -0.13), (0, -0.115), (cut.hem[0], -0.13)), 2.0, 0.008)

    return sew


def _dress_cut(straps: bool) -> Cut:
    return Cut(
        neck=0.22 if straps else 0.15,
        drop=0.10 if straps else 0.17,
        top=-0.68 if straps else -0.84,
        shoulder=(0.225, -0.67) if straps else (0.27, -0.80),
        chest=(0.28, -0.5),
        waist=(0.225, -0.24),
        hem=(0.215, -0.13),
        sag=0.012,
    )


def _thin_straps(bench: Bench, cloth: Cloth) -> None:
    back = mirrored(spline((0, -0.60), (0.13, -0.61), (0.2, -0.58), (0.18, -0.45), (0, -0.45)))
    bench.lay(back, cloth, shade=INSIDE)
    for side in SIDES:
        strap = spline((0.2, -0.6), (0.205, -0.78), (0.165, -0.9), (0.125, -0.78), (0.13, -0.55))
        own = strap if side > 0 else flipped(strap)
        bench.lay(limb(own, 0.012), cloth, spine=own, puff=0.003)


def _bodice_folds(bench: Bench) -> list[Fold]:
    """Folds that gather at the waist, and the darts below the bust."""
    rng, folds = bench.rng, []
    for x in rng.uniform(-0.2, 0.2, 9).tolist():
        end = (x * 1.2, -0.13 - rng.uniform(0.1, 0.3))
        folds.append(fold_by_chance(rng, (x, -0.12), end, 0.008))
    return folds


_WAVES = 8  # how often the hem of a skirt swings out


def _skirt(bench: Bench, waist: Point, flare: float, length: float, cloth: Cloth) -> None:
    rng, x = bench.rng, waist[0]
    across = np.linspace(flare, -flare, 2 * _WAVES + 1)
    across[1:-1] += rng.normal(0, 0.012, across.size - 2)
    drop = 0.12 * (across / flare) ** 2  # a flared hem is the arc of a circle
    ripple = 0.009 * np.cos(np.arange(across.size) * np.pi) * rng.uniform(0.2, 1, across.size)
    hem = list(zip(across.tolist(), (length - drop + ripple).tolist(), strict=True))
    hip = spline((x, waist[1] - 0.02), (x + 0.28 * (flare - x), 0.15), (flare, hem[0][1]))
    outline = join(hip, spline(*hem), flipped(hip)[::-1])
    folds = []
    for a in np.linspace(-1, 1, 2 * _WAVES + 1) + rng.normal(0, 0.045, 2 * _WAVES + 1):
        start = (a * x * 0.9, waist[1] - 0.05 + rng.choice([0.0, 0.0, 0.25]))
        end = (a * flare * 0.96, length + 0.25)
        folds.append(Fold(start, end, rng.uniform(0.008, 0.032), rng.uniform(0.02, 0.045)))
    bench.lay(outline, cloth, puff=0.02, folds=folds)
    bench.thread(spline(*[(a, y - 0.022) for a, y in hem]), cloth.colour, 0.014)


def _bow(bench: Bench, colour: Colour) -> None:
    ribbon = cotton(colour)
    for side in SIDES:
        tail = spline((0, -0.12), (side * 0.05, 0.02), (side * 0.075, 0.16))
        bench.lay(limb(tail, 0.016, 0.024), ribbon, puff=0.004)
        loop = spline((0, -0.12), (side * 0.06, -0.17), (side * 0.12, -0.14), (side * 0.07, -0.1))
        bench.lay(loop, ribbon, puff=0.012)
    bench.lay(ellipse((0, -0.12), 0.022, 0.025), ribbon, puff=0.012)
