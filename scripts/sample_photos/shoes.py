"""Shoes in profile, toes to the left, and sandals seen from above.

Profiles fill a picture that is wider than high: x runs from -1 to 1 and the ground is near 0.5.
"""

from dataclasses import replace

import numpy as np

from .bench import Bench, Fold
from .cloth import Cloth, Colour, cotton, hide, metal, rib, sole, suede, timber
from .curves import (
    Path,
    Point,
    along,
    box,
    ellipse,
    flipped,
    heading,
    join,
    limb,
    line,
    moved,
    part,
    spline,
    turned,
)
from .tops import Garment, zip_fastener

_INSIDE = 0.35


def sneaker(
    upper: Cloth,
    accent: Colour,
    *,
    laces: Colour = "f4f2ec",
    rubber: Colour = "f1efe8",
    runner: bool = False,
) -> Garment:
    """A laced sports shoe; a ``runner`` has a thick sculpted sole instead of a flat one."""

    def build(bench: Bench) -> None:
        lining = cotton(accent)
        tongue = spline(
            (0.36, -0.34),
            (0.31, -0.50),
            (0.2, -0.535),
            (0.10, -0.42),
            (0.0, -0.28),
            (-0.2, 0.0),
            (0.3, -0.1),
            closed=True,
        )
        bench.lay(tongue, replace(upper, crumple=0.3), puff=0.03)
        far_rim = spline(
            (0.86, -0.36),
            (0.66, -0.36),
            (0.45, -0.36),
            (0.26, -0.44),
            (0.4, -0.1),
            (0.8, -0.1),
            closed=True,
        )
        bench.lay(far_rim, lining, shade=_INSIDE)
        bench.lay(_SNEAKER, replace(upper, crumple=0.45), puff=0.085, folds=_TOE_FOLDS)
        _sneaker_trim(bench, upper, accent, runner)
        _laces(bench, laces)
        (_running_sole if runner else _cup_sole)(bench, rubber, accent)

    return build


_COLLAR = spline((0.885, -0.42), (0.76, -0.26), (0.56, -0.20), (0.38, -0.28), (0.26, -0.42))
_LACING = spline((0.26, -0.42), (0.05, -0.24), (-0.28, -0.02))
_SNEAKER = join(
    spline((0.90, 0.32), (0.945, 0.1), (0.90, -0.15), (0.92, -0.36), (0.885, -0.42)),
    _COLLAR,
    _LACING,
    spline((-0.28, -0.02), (-0.55, 0.02), (-0.80, 0.06), (-0.94, 0.17), (-0.965, 0.34)),
)
_TOE_FOLDS = (
    Fold((-0.40, 0.0), (-0.30, 0.26), 0.014, 0.02, 0.03),
    Fold((-0.48, 0.02), (-0.38, 0.28), -0.012, 0.02, 0.03),
    Fold((0.62, -0.16), (0.80, 0.10), 0.012, 0.03, 0.04),
)


def _sneaker_trim(bench: Bench, upper: Cloth, accent: Colour, runner: bool) -> None:
    """Toe cap, lace stay, heel patch and what is sewn on at the side."""
    patch = replace(hide(accent), thickness=0.01)
    stay = limb(moved(_LACING, right=0.05, down=0.07), 0.075, 0.07, 0.055)
    bench.lay(stay, replace(upper, weave=hide("ffffff").weave, crumple=0.2), puff=0.012)
    heel = join(
        spline((0.895, 0.3), (0.94, 0.1), (0.895, -0.15), (0.915, -0.34)),
        spline((0.87, -0.39), (0.74, -0.22), (0.70, 0.05), (0.62, 0.3)),
    )
    bench.lay(heel, patch, puff=0.02)
    bench.thread(spline((0.70, -0.12), (0.665, 0.1), (0.60, 0.27)), upper.colour)
    if runner:
        for x in np.linspace(-0.12, 0.56, 7).tolist():
            top = 0.08 - 0.2 * (x + 0.12)
            bench.lay(limb(line((x + 0.06, top), (x - 0.02, 0.27)), 0.014, 0.03), patch)
    else:
        side = spline(
            (-0.28, 0.30), (-0.12, 0.12), (0.16, 0.02), (0.44, 0.02), (0.56, 0.12), (0.58, 0.3)
        )
        bench.lay(side, replace(upper, crumple=0.2), puff=0.006)
        bench.thread(moved(0.96 * side, down=0.02), accent)
        for x, y in along(spline((0.02, 0.2), (0.2, 0.13), (0.42, 0.13)), 6):
            bench.press(bench.stencil(ellipse((x, y), 0.014, 0.014)), 3.0)
    cap = spline((-0.60, 0.06), (-0.55, 0.16), (-0.58, 0.30))
    bench.seam(cap, 2.2, 0.01)
    bench.thread(moved(cap, right=-0.025), upper.colour)
    bench.lay(limb(moved(_COLLAR, down=0.02), 0.03), cotton(accent), puff=0.02)


def _laces(bench: Bench, colour: Colour) -> None:
    cord = replace(cotton(colour).woven(rib(60, 0.5)), crumple=0.1)
    rows = along(_LACING, 7)
    for x, y in rows[:-1]:
        eyelet = (x + 0.10, y + 0.07)
        bench.lay(ellipse(eyelet, 0.02, 0.02), metal())
        bar = spline((x - 0.05, y - 0.035), (x + 0.02, y - 0.025), eyelet)
        bench.lay(limb(bar, 0.021), cord, grain=heading(bar), puff=0.016)
    x, y = rows[0]
    for loop in (
        spline(
            (x, y), (x + 0.13, y - 0.12), (x + 0.22, y - 0.02), (x + 0.1, y + 0.02), (x, y + 0.01)
        ),
        spline(
            (x, y), (x - 0.14, y - 0.10), (x - 0.2, y + 0.03), (x - 0.08, y + 0.04), (x, y + 0.01)
        ),
        spline((x, y), (x + 0.1, y + 0.12), (x + 0.09, y + 0.28)),
        spline((x, y), (x - 0.03, y + 0.16), (x + 0.01, y + 0.3)),
    ):
        bench.lay(limb(loop, 0.015), cord, grain=heading(loop), puff=0.012)
    bench.lay(ellipse((x, y), 0.032, 0.028), cord, puff=0.02)


def _cup_sole(bench: Bench, rubber: Colour, accent: Colour) -> None:
    outline = join(
        spline((-0.985, 0.24), (-0.86, 0.27), (-0.3, 0.30), (0.4, 0.28), (0.935, 0.25)),
        spline((0.955, 0.27), (0.96, 0.42), (0.93, 0.465)),
        spline(
            (0.93, 0.465), (0.2, 0.475), (-0.6, 0.475), (-0.9, 0.45), (-0.99, 0.37), (-0.985, 0.24)
        ),
    )
    bench.lay(outline, sole(rubber), puff=0.025)
    groove = spline((-0.97, 0.275), (-0.85, 0.305), (-0.3, 0.335), (0.4, 0.315), (0.945, 0.285))
    bench.thread(groove, accent, 0.02)
    bench.lay(limb(moved(groove, down=0.075), 0.008), sole(accent), puff=0.002)


def _running_sole(bench: Bench, rubber: Colour, accent: Colour) -> None:
    outline = join(
        spline((-0.99, 0.2), (-0.8, 0.26), (-0.3, 0.29), (0.3, 0.25), (0.7, 0.18), (0.97, 0.14)),
        spline((0.97, 0.14), (1.03, 0.26), (0.99, 0.42), (0.86, 0.485)),
        spline(
            (0.86, 0.485),
            (0.4, 0.475),
            (0.12, 0.455),
            (-0.4, 0.49),
            (-0.8, 0.45),
            (-1.0, 0.32),
            (-0.99, 0.2),
        ),
    )
    ripples = [Fold((x, 0.44), (x + 0.16, 0.24), 0.012, 0.02) for x in np.linspace(-0.7, 0.8, 9)]
    bench.lay(outline, sole(rubber), puff=0.04, folds=ripples)
    tread = spline(
        (-0.95, 0.39), (-0.8, 0.445), (-0.4, 0.475), (0.12, 0.44), (0.5, 0.465), (0.92, 0.46)
    )
    bench.lay(limb(tread, 0.028), sole(accent), puff=0.006)


def boot(
    leather: Cloth,
    *,
    rubber: Colour,
    stitching: Colour | None = None,
    gusset: Colour | None = None,
    laces: Colour | None = None,
) -> Garment:
    """A flat ankle boot: with an elastic ``gusset`` to slip on, or with ``laces``."""

    def build(bench: Bench) -> None:
        bench.lay(
            spline(
                (0.22, -0.76), (0.5, -0.83), (0.78, -0.79), (0.7, -0.6), (0.3, -0.6), closed=True
            ),
            leather,
            shade=_INSIDE,
        )
        if laces:
            bench.lay(
                spline(
                    (0.13, -0.86),
                    (0.34, -0.88),
                    (0.36, -0.5),
                    (0.0, 0.0),
                    (-0.12, 0.0),
                    (0.1, -0.4),
                    closed=True,
                ),
                leather,
                puff=0.02,
            )
        bench.lay(_BOOT, leather, puff=0.10, folds=_BOOT_FOLDS)
        bench.seam(spline((-0.32, 0.06), (-0.12, 0.16), (0.06, 0.34)), 2.4, 0.01)
        if gusset:
            _gusset(bench, gusset, leather)
        if laces:
            _boot_laces(bench, leather, laces)
        _boot_sole(bench, rubber, stitching)

    return build


_SHAFT = spline((0.16, -0.74), (0.16, -0.55), (0.11, -0.32), (0.0, -0.14), (-0.3, 0.02))
_BOOT = join(
    spline((0.80, 0.36), (0.83, 0.1), (0.775, -0.2), (0.79, -0.5), (0.815, -0.77)),
    spline((0.815, -0.77), (0.5, -0.70), (0.16, -0.74)),
    _SHAFT,
    spline((-0.3, 0.02), (-0.58, 0.07), (-0.8, 0.16), (-0.885, 0.28), (-0.88, 0.37)),
)
_BOOT_FOLDS = (
    Fold((0.02, -0.14), (0.42, 0.02), 0.016, 0.03, 0.04),
    Fold((0.06, -0.24), (0.5, -0.14), 0.014, 0.03, 0.04),
    Fold((-0.06, -0.08), (0.26, 0.14), -0.014, 0.03, 0.03),
    Fold((0.80, -0.24), (0.52, -0.14), 0.012, 0.03, -0.03),
    Fold((-0.40, 0.02), (-0.30, 0.3), 0.014, 0.024, 0.04),
    Fold((-0.48, 0.04), (-0.40, 0.3), -0.010, 0.02, 0.03),
    Fold((0.2, -0.5), (0.6, -0.42), 0.010, 0.04, 0.03),
)


def _gusset(bench: Bench, colour: Colour, leather: Cloth) -> None:
    panel = spline(
        (0.40, -0.69),
        (0.43, -0.4),
        (0.50, -0.12),
        (0.56, -0.1),
        (0.63, -0.14),
        (0.66, -0.42),
        (0.66, -0.70),
    )
    elastic = replace(cotton(colour), weave=rib(70, 1.4), crumple=0.2)
    bench.lay(panel, elastic)
    bench.seam(panel, 2.6, 0.014)
    bench.lay(
        limb(spline((0.70, -0.6), (0.76, -0.9), (0.83, -0.9), (0.82, -0.62)), 0.024),
        leather,
        puff=0.006,
    )
    bench.thread(limb(moved(panel, down=0.0), 0.022)[: len(panel)], colour)


def _boot_laces(bench: Bench, leather: Cloth, colour: Colour) -> None:
    bench.lay(
        limb(moved(_SHAFT, right=0.075, down=0.02), 0.065, 0.06, 0.06, 0.04), leather, puff=0.012
    )
    bench.thread(moved(_SHAFT, right=0.13, down=0.03), colour)
    cord = replace(cotton(colour).woven(rib(60, 0.5)), crumple=0.1)
    for x, y in along(part(_SHAFT, 0.03, 0.9), 8):
        hook = (x + 0.07, y + 0.03)
        bench.lay(ellipse(hook, 0.022, 0.022), metal("a58a55"), puff=0.006)
        bar = spline((x - 0.035, y - 0.03), (x + 0.01, y - 0.012), hook)
        bench.lay(limb(bar, 0.018), cord, grain=heading(bar), puff=0.014)
    x, y = _SHAFT[4].tolist()
    for loop in (
        spline((x, y), (x + 0.16, y - 0.08), (x + 0.24, y + 0.08), (x + 0.08, y + 0.06), (x, y)),
        spline((x, y), (x + 0.06, y + 0.14), (x + 0.02, y + 0.30)),
        spline((x, y), (x - 0.12, y - 0.06), (x - 0.16, y + 0.08), (x - 0.04, y + 0.06), (x, y)),
    ):
        bench.lay(limb(loop, 0.014), cord, grain=heading(loop), puff=0.012)


def _boot_sole(bench: Bench, rubber: Colour, stitching: Colour | None) -> None:
    tread = join(
        spline((-0.90, 0.33), (-0.5, 0.36), (0.2, 0.365), (0.83, 0.34)),
        line((0.84, 0.36), (0.85, 0.535), (0.36, 0.54), (0.34, 0.47)),
        spline(
            (0.34, 0.47), (0.0, 0.475), (-0.5, 0.505), (-0.8, 0.47), (-0.93, 0.40), (-0.90, 0.33)
        ),
    )
    bench.lay(tread, sole(rubber), puff=0.02)
    welt = spline((-0.91, 0.335), (-0.5, 0.362), (0.2, 0.367), (0.85, 0.342))
    bench.lay(limb(welt, 0.022), sole(rubber), puff=0.01)
    if stitching:
        bench.thread(moved(welt, down=-0.004), stitching, 0.03)
    bench.seam(line((0.35, 0.44), (0.85, 0.425)), 1.5, 0.006)


def heeled_boot(leather: Cloth, heel: Colour) -> Garment:
    """An elegant ankle boot with a zip and a high heel."""

    def build(bench: Bench) -> None:
        rim = spline(
            (0.30, -0.84), (0.52, -0.9), (0.74, -0.85), (0.7, -0.7), (0.34, -0.7), closed=True
        )
        bench.lay(rim, leather, shade=_INSIDE)
        block = join(
            spline((0.50, 0.18), (0.58, 0.4), (0.60, 0.63)),
            spline((0.72, 0.63), (0.78, 0.4), (0.84, 0.1)),
        )
        bench.lay(block, timber(heel), puff=0.04)
        upper = join(
            spline((0.82, 0.22), (0.84, 0.0), (0.75, -0.25), (0.74, -0.55), (0.765, -0.83)),
            spline((0.765, -0.83), (0.52, -0.77), (0.27, -0.81)),
            spline(
                (0.27, -0.81),
                (0.29, -0.5),
                (0.22, -0.22),
                (-0.02, 0.08),
                (-0.36, 0.26),
                (-0.66, 0.40),
                (-0.80, 0.54),
            ),
            spline(
                (-0.80, 0.60),
                (-0.55, 0.615),
                (-0.3, 0.58),
                (0.1, 0.36),
                (0.42, 0.22),
                (0.6, 0.2),
                (0.82, 0.22),
            ),
        )
        folds = (
            Fold((0.18, -0.26), (0.52, -0.12), 0.014, 0.03, 0.03),
            Fold((0.10, -0.14), (0.42, 0.06), -0.012, 0.03, 0.03),
            Fold((0.8, -0.2), (0.55, -0.12), 0.012, 0.03),
            Fold((-0.42, 0.26), (-0.2, 0.5), 0.008, 0.024, 0.03),
        )
        bench.lay(upper, leather, puff=0.09, folds=folds)
        zip_fastener(bench, spline((0.55, -0.74), (0.53, -0.3), (0.50, 0.12)), "1c1714")
        edge = spline(
            (-0.82, 0.60),
            (-0.55, 0.622),
            (-0.3, 0.59),
            (0.1, 0.372),
            (0.42, 0.232),
            (0.6, 0.21),
            (0.82, 0.23),
        )
        bench.lay(limb(edge, 0.016), sole("241a14"), puff=0.006)
        bench.lay(box(0.595, 0.61, 0.725, 0.645, 0.006), sole("1b1513"))

    return build


def heeled_sandal(leather: Cloth, heel: Colour) -> Garment:
    """A sandal with a slim heel, a toe strap and a buckle at the ankle, in profile."""

    def build(bench: Bench) -> None:
        far = spline((0.74, -0.28), (0.56, -0.36), (0.36, -0.29))
        bench.lay(limb(far, 0.032), leather, shade=0.55)
        spike = join(
            spline((0.58, 0.14), (0.70, 0.4), (0.735, 0.66)),
            spline((0.785, 0.66), (0.79, 0.4), (0.84, 0.08)),
        )
        bench.lay(spike, timber(heel), puff=0.03)
        footbed = spline(
            (0.85, 0.02),
            (0.72, 0.10),
            (0.45, 0.17),
            (0.1, 0.37),
            (-0.25, 0.54),
            (-0.6, 0.58),
            (-0.92, 0.55),
        )
        bench.lay(limb(moved(footbed, down=0.035), 0.03), sole("2a1d16"), puff=0.008)
        bench.lay(limb(footbed, 0.026), hide("c89f76", 0.1), puff=0.01)
        counter = spline(
            (0.86, 0.06),
            (0.89, -0.15),
            (0.83, -0.33),
            (0.76, -0.33),
            (0.72, -0.1),
            (0.60, 0.12),
            closed=True,
        )
        bench.lay(counter, leather, puff=0.05)
        _toe_straps(bench, leather)
        ankle = spline((0.79, -0.27), (0.6, -0.17), (0.42, -0.19), (0.33, -0.28))
        bench.lay(limb(ankle, 0.034), leather, grain=heading(ankle), puff=0.012)
        bench.thread(moved(ankle, down=0.02), "d9b98c", 0.012)
        frame = box(0.46, -0.245, 0.56, -0.12, 0.02)
        bench.lay(frame, metal("d8b56a"), puff=0.004, hole=box(0.485, -0.22, 0.535, -0.145, 0.01))

    return build


def _toe_straps(bench: Bench, leather: Cloth) -> None:
    """Two bands over the toes; past their front edge one looks into the dark of the far side."""
    for near, far in (
        (
            (
                (-0.06, 0.47),
                (-0.14, 0.28),
                (-0.30, 0.17),
                (-0.46, 0.19),
                (-0.41, 0.34),
                (-0.34, 0.58),
                (-0.2, 0.57),
            ),
            (
                (-0.44, 0.2),
                (-0.53, 0.27),
                (-0.57, 0.44),
                (-0.54, 0.56),
                (-0.44, 0.55),
                (-0.40, 0.34),
            ),
        ),
        (
            (
                (-0.50, 0.6),
                (-0.56, 0.44),
                (-0.66, 0.37),
                (-0.78, 0.385),
                (-0.75, 0.47),
                (-0.72, 0.6),
            ),
            ((-0.77, 0.39), (-0.84, 0.44), (-0.865, 0.54), (-0.8, 0.56), (-0.74, 0.47)),
        ),
    ):
        bench.lay(spline(*far, closed=True), leather, shade=0.3)
        band = spline(*near, closed=True)
        bench.lay(band, leather, puff=0.035)
        bench.thread(0.86 * (band - band.mean(0)) + band.mean(0), "d9b98c", 0.014)


# Sandals seen from above. The right shoe is drawn, and the left one is its mirror image.

_FOOT = spline(
    (0.02, -0.72), (0.17, -0.65), (0.265, -0.42), (0.255, -0.12), (0.205, 0.2), (0.205, 0.5),
    (0.15, 0.68), (0.0, 0.735), (-0.145, 0.67), (-0.195, 0.48), (-0.17, 0.15), (-0.19, -0.15),
    (-0.215, -0.42), (-0.15, -0.65), closed=True,
)  # fmt: skip


def _pair(path: Path, side: float) -> Path:
    """One shoe of the pair at its place: both lie a little askew."""
    own = path if side > 0 else flipped(path)
    lean = 0.10 if side > 0 else -0.16
    return moved(turned(own, lean), side * 0.34, 0.03 * side)


def flip_flops(rubber: Colour, strap: Colour, edge: Colour) -> Garment:
    """A pair of toe-post sandals from above."""

    def lay_out(bench: Bench) -> None:
        for side in (1.0, -1.0):
            bench.lay(_pair(1.03 * _FOOT, side), sole(edge), puff=0.02)
            bench.lay(_pair(_FOOT, side), replace(sole(rubber), weave=rib(44, 0.5)), puff=0.006)
            _footprint(bench, side)
            post = (-0.03, -0.40)
            for bow in (
                spline(post, (0.08, -0.36), (0.2, -0.2), (0.24, 0.06)),
                spline(post, (-0.1, -0.30), (-0.165, -0.16), (-0.185, 0.08)),
            ):
                own = _pair(bow, side)
                bench.lay(
                    limb(own, 0.024, 0.045, 0.03), sole(strap), grain=heading(own), puff=0.035
                )
                bench.seam(part(own, 0.12, 0.9), 0.8, 0.004)
            knob = _pair(ellipse(post, 0.028, 0.032), side)
            bench.lay(knob, sole(strap), puff=0.03)

    return lay_out


def _footprint(bench: Bench, side: float) -> None:
    """Heel and ball have pressed the footbed down a little."""
    for centre, wide, high in (((0.01, 0.5), 0.1, 0.14), ((0.03, -0.3), 0.14, 0.17)):
        hollow = bench.stencil(_pair(ellipse(centre, wide, high), side))
        bench.press(hollow, 7.0)


def strapped_sandals(leather: Cloth, footbed: Colour, buckle: Colour) -> Garment:
    """A pair of flat sandals with two broad buckled straps, from above."""

    def lay_out(bench: Bench) -> None:
        for side in (1.0, -1.0):
            bench.lay(_pair(1.04 * _FOOT, side), sole("3a2c22"), puff=0.02)
            cork = replace(hide(footbed, 0.03), weave=suede)
            bench.lay(_pair(_FOOT, side), cork, puff=0.012)
            bench.thread(_pair(0.93 * _FOOT, side), "e7d6b8", 0.018)
            _footprint(bench, side)
            for y in (-0.36, -0.08):
                _buckled_strap(bench, leather, buckle, side, y)

    return lay_out


def _buckled_strap(bench: Bench, leather: Cloth, buckle: Colour, side: float, y: float) -> None:
    band = spline((-0.245, y + 0.05), (-0.1, y - 0.01), (0.05, y - 0.02), (0.29, y + 0.05))
    own = _pair(band, side)
    bench.lay(limb(own, 0.095, 0.085, 0.095), leather, grain=heading(own), puff=0.055)
    for offset in (-0.068, 0.068):
        bench.thread(_pair(moved(band, down=offset), side), "d9b98c", 0.014)
    middle: Point = (0.06, y - 0.015)
    x, y = middle
    tongue = _pair(line((x - 0.1, y), (x + 0.15, y + 0.012)), side)
    bench.lay(limb(tongue, 0.032), leather, grain=heading(tongue), puff=0.012)
    frame = _pair(box(x - 0.035, y - 0.055, x + 0.045, y + 0.055, 0.014), side)
    hole = _pair(box(x - 0.018, y - 0.038, x + 0.028, y + 0.038, 0.008), side)
    bench.lay(frame, metal(buckle), puff=0.006, hole=hole)
    bench.lay(limb(_pair(line((x - 0.03, y), (x + 0.05, y)), side), 0.007), metal(buckle))
