"""Garments for the upper body: T-shirts, pullovers, shirts and coats."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from .bench import Bench, Fold
from .cloth import Cloth, Colour, cotton, metal, rib, sole, timber
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
    mirrored,
    moved,
    part,
    right_half,
    spline,
)

Garment = Callable[[Bench], None]

SIDES = (1.0, -1.0)
INSIDE = 0.5  # how much of the light reaches the inside of a garment


@dataclass(frozen=True)
class Cut:
    """Measures of the upper part of a garment; widths are halves, in garment units.

    Attributes:
        neck: Width of the neck at the shoulders.
        drop: Depth of the front neckline below the shoulders.
        top: Height of the shoulder at the neck.
        shoulder: Where the sleeve begins, as (x, y).
        chest: Width and height of the armpit, as (x, y).
        waist: Width and height of the waist.
        hem: Width and height of the hem at the side.
        sag: How much lower the hem hangs in the middle.
        pointed: Whether the neckline is a V.
    """

    neck: float = 0.19
    drop: float = 0.15
    top: float = -0.68
    shoulder: Point = (0.43, -0.60)
    chest: Point = (0.40, -0.25)
    waist: Point = (0.385, 0.15)
    hem: Point = (0.40, 0.66)
    sag: float = 0.02
    pointed: bool = False

    @property
    def neckline(self) -> Path:
        """The front neckline, from the middle to the right shoulder."""
        low = self.top + self.drop
        if self.pointed:
            return spline((0, low), (0.55 * self.neck, low - 0.46 * self.drop), self._collar)
        return right_half(
            (0, low),
            (0.62 * self.neck, low - 0.17 * self.drop),
            (0.95 * self.neck, self.top + 0.4 * self.drop),
            self._collar,
        )

    @property
    def _collar(self) -> Point:
        return (self.neck, self.top)

    @property
    def armhole(self) -> Path:
        """The seam between body and sleeve."""
        inner = min(self.shoulder[0], self.chest[0]) - 0.035
        middle = 0.55 * self.shoulder[1] + 0.45 * self.chest[1]
        return spline(self.shoulder, (inner + 0.005, middle), self.chest)

    @property
    def side(self) -> Path:
        """The side seam."""
        return spline(self.chest, self.waist, self.hem)

    @property
    def half_hem(self) -> Path:
        """The hem, from the side to the middle."""
        x, y = self.hem
        return spline((x, y), (0.55 * x, y + 0.8 * self.sag), (0, y + self.sag))

    @property
    def body(self) -> Path:
        """The outline of the front."""
        return mirrored(join(self.neckline, self.armhole, self.side, self.half_hem))

    @property
    def lining(self) -> Path:
        """The back, as far as it may be seen through the neck."""
        deep = self.top + self.drop + 0.09
        wide = 0.8 * min(self.shoulder[0], self.chest[0])
        below = line((wide, self.shoulder[1] + 0.03), (wide, max(deep, self.shoulder[1] + 0.05)))
        return mirrored(join(self.nape, below, line((0, deep))))

    @property
    def nape(self) -> Path:
        """The neckline of the back, from the middle to the right shoulder."""
        return right_half((0, self.top + 0.03), (0.6 * self.neck, self.top + 0.02), self._collar)


@dataclass(frozen=True)
class Arm:
    """A sleeve: its middle line on the right side and its half widths from root to end."""

    middle: Path
    widths: Sequence[float]
    cuff: float = 0.0

    def on(self, side: float) -> Path:
        """The middle line on the right (1) or the left (-1) side."""
        return self.middle if side > 0 else flipped(self.middle)

    def outline(self, cut: Cut, side: float) -> Path:
        """The edge, which grows out of the shoulder and ends in the armpit."""
        inner, outer = np.split(limb(self.middle, *self.widths), 2)
        outer = outer[::-1]
        (x, y), (pit_x, pit_y) = cut.shoulder, cut.chest
        # The first point well outside the shoulder seam, where the sleeve is on its own.
        first = int(np.argmax(outer[:, 0] > x + 0.07))
        steps = np.linspace(first, len(outer) - 1, 4).astype(int).tolist()
        above = spline(
            (x - 0.04, y + 0.01), (x, y + 0.003), *[tuple(outer[step]) for step in steps]
        )
        below = spline(*[tuple(inner[step]) for step in steps[:0:-1]], (pit_x, pit_y))
        whole = join(above, below, line((pit_x - 0.05, pit_y), (x - 0.06, y + 0.08)))
        return whole if side > 0 else flipped(whole)


SHORT_ARM = Arm(spline((0.28, -0.43), (0.45, -0.335), (0.60, -0.20)), (0.2, 0.165, 0.13))
LONG_ARM = Arm(
    spline((0.30, -0.46), (0.45, -0.30), (0.56, 0.06), (0.60, 0.50)),
    (0.15, 0.13, 0.105, 0.085),
    0.12,
)


def _fans(bench: Bench, cut: Cut, strength: float = 1.0) -> list[Fold]:
    """Folds that run from the armpits across the body, and some that hang from the chest."""
    rng, folds = bench.rng, []
    for side in SIDES:
        for _ in range(5):
            start = (
                side * (cut.chest[0] - rng.uniform(0, 0.04)),
                cut.chest[1] + rng.normal(0, 0.06),
            )
            reach = rng.uniform(0.2, 0.5)
            slope = rng.uniform(-0.35, 1.3)
            end = (start[0] - side * reach, start[1] + slope * reach)
            folds.append(fold_by_chance(rng, start, end, 0.017 * strength))
        for _ in range(3):
            x, y = side * rng.uniform(0.05, 0.3), rng.uniform(0.0, cut.hem[1] * 0.5)
            end = (x + rng.normal(0, 0.1), min(cut.hem[1], y + rng.uniform(0.25, 0.6)))
            folds.append(fold_by_chance(rng, (x, y), end, 0.013 * strength))
    return folds


def fold_by_chance(rng: np.random.Generator, start: Point, end: Point, height: float) -> Fold:
    sign = 1 if rng.random() < 0.7 else -1
    width = rng.uniform(0.016, 0.042)
    return Fold(start, end, sign * height * rng.uniform(0.5, 1.2), width, rng.normal(0, 0.03))


def _elbow(bench: Bench, middle: Path, strength: float = 1.0) -> list[Fold]:
    """Short folds across a sleeve, thickest where the arm bends."""
    rng, folds = bench.rng, []
    for _ in range(7):
        x, y = along(middle, 40)[int(np.clip(rng.normal(19, 8), 3, 36))]
        turn = heading(middle) + rng.normal(0, 0.5)
        reach = rng.uniform(0.06, 0.13)
        across = (reach * np.cos(turn), reach * np.sin(turn))
        start, end = (x - across[0], y - across[1]), (x + across[0], y + across[1])
        folds.append(fold_by_chance(rng, start, end, 0.014 * strength))
    return folds


def lay_sleeves(bench: Bench, cut: Cut, arm: Arm, cloth: Cloth, strength: float = 1.0) -> None:
    for side in SIDES:
        middle = arm.on(side)
        folds = _elbow(bench, middle, strength) if arm.cuff else ()
        # The dark opening at the wrist is laid first, and a little longer than the sleeve.
        opening = limb(part(middle, 0.9, 1.006), arm.widths[-1] * 0.93)
        bench.lay(opening, cloth, grain=heading(middle), shade=INSIDE)
        bench.lay(arm.outline(cut, side), cloth, spine=middle, puff=0.02, folds=folds)


def _hem_at_wrist(bench: Bench, arm: Arm, colour: Colour) -> None:
    for side in SIDES:
        middle = arm.on(side)
        for share in (0.905, 0.925):
            across = limb(part(middle, share, share + 0.02), arm.widths[-1] * 0.97)
            bench.thread(across[[0, -1]], colour, dash=0.012)


def _rib_at_wrist(bench: Bench, arm: Arm, cloth: Cloth) -> None:
    for side in SIDES:
        middle = arm.on(side)
        end = part(middle, 1 - arm.cuff, 1.0)
        narrow = arm.widths[-1] * 0.84
        bench.lay(limb(end, narrow * 1.06, narrow), cloth, grain=heading(end), puff=0.012)


def lay_back(bench: Bench, cut: Cut, cloth: Cloth, tag: bool = True) -> None:
    bench.lay(cut.lining, cloth, shade=INSIDE)
    _back_band(bench, cut, cloth)
    if tag:
        bench.lay(box(-0.035, cut.top + 0.05, 0.035, cut.top + 0.1, 0.004), cotton("e8e4da"))


def _back_band(bench: Bench, cut: Cut, cloth: Cloth, width: float = 0.034) -> None:
    """The neckband of the back, seen from inside."""
    upper = join(flipped(cut.nape)[::-1], cut.nape)
    band = join(upper, moved(upper[::-1], down=width))
    bench.lay(band, cloth.woven(rib(60, 0.7)), shade=0.7)


def _neckband(bench: Bench, cut: Cut, cloth: Cloth, width: float = 0.034) -> None:
    """The neckband of the front; it narrows towards the shoulder seam, where it ends."""
    inner = join(flipped(cut.neckline)[::-1], cut.neckline)
    slope = (cut.shoulder[1] - cut.top) / (cut.shoulder[0] - cut.neck)
    apart = np.linalg.norm(inner - (0.0, cut.top), axis=1, keepdims=True)
    outer = inner + (inner - (0.0, cut.top)) * width / apart
    outer[[0, -1], 1] = cut.top + slope * width
    band = join(inner, outer[::-1])
    bench.lay(band, cloth.woven(rib(60, 0.7)), grain=np.pi / 2, puff=0.006)
    bench.seam(outer)


def _side_hem(bench: Bench, cut: Cut, colour: Colour, rise: float = 0.035) -> None:
    hem = join(flipped(cut.half_hem), cut.half_hem[::-1])
    for extra in (0.0, 0.013):
        bench.thread(moved(hem, down=-rise - extra), colour, dash=0.013)


def t_shirt(cloth: Cloth, badge: Garment | None = None, band: Cloth | None = None) -> Garment:
    """A T-shirt with a round neck; ``band`` colours the neckband, ``badge`` is printed on it."""

    def sew(bench: Bench) -> None:
        cut = Cut()
        lay_back(bench, cut, cloth)
        lay_sleeves(bench, cut, SHORT_ARM, cloth)
        _hem_at_wrist(bench, SHORT_ARM, cloth.colour)
        bench.lay(cut.body, cloth, puff=0.012, folds=_fans(bench, cut))
        _neckband(bench, cut, band or cloth)
        _side_hem(bench, cut, cloth.colour)
        if badge:
            badge(bench)

    return sew


def tank_top(cloth: Cloth) -> Garment:
    """A sleeveless top with straps and a deep round neck."""

    def sew(bench: Bench) -> None:
        cut = Cut(
            neck=0.17,
            drop=0.3,
            top=-0.72,
            shoulder=(0.27, -0.70),
            chest=(0.37, -0.26),
            waist=(0.33, 0.12),
            hem=(0.38, 0.62),
        )
        lay_back(bench, replace(cut, neck=0.18, top=-0.71), cloth, tag=False)
        bench.lay(cut.body, cloth, puff=0.012, folds=_fans(bench, cut))
        for side in (cut.neckline, flipped(cut.neckline), cut.armhole, flipped(cut.armhole)):
            bench.lay(limb(side, 0.013), cloth.woven(rib(60, 0.5)), puff=0.003)
        _side_hem(bench, cut, cloth.colour)

    return sew


def pullover(
    cloth: Cloth, *, roll_neck: bool = False, pointed: bool = False, trim: Cloth | None = None
) -> Garment:
    """A knitted pullover with ribbed neck, cuffs and waistband."""

    def sew(bench: Bench) -> None:
        edge = (trim or cloth.dyed(cloth.colour)).woven(rib(30, 1.6))
        cut = Cut(
            neck=0.17,
            drop=0.26 if pointed else 0.12,
            shoulder=(0.41, -0.59),
            chest=(0.40, -0.2),
            waist=(0.40, 0.2),
            hem=(0.37, 0.58),
            pointed=pointed,
        )
        lay_back(bench, cut, cloth, tag=not roll_neck)
        lay_sleeves(bench, cut, LONG_ARM, cloth, 1.2)
        _rib_at_wrist(bench, LONG_ARM, edge)
        bench.lay(cut.body, cloth, puff=0.02, folds=_fans(bench, cut, 1.1))
        _waistband(bench, cut, edge)
        bench.seam(cut.armhole, 2.0, 0.01)
        bench.seam(flipped(cut.armhole), 2.0, 0.01)
        if roll_neck:
            _roll(bench, cut, edge)
        else:
            _neckband(bench, cut, edge, 0.04)

    return sew


def _waistband(bench: Bench, cut: Cut, edge: Cloth) -> None:
    x, y = cut.hem
    lower = spline((0.92 * x, y + 0.11), (0.5 * x, y + 0.13), (0, y + 0.13))
    upper = join(line((0, y + 0.01)), line((1.005 * x, y - 0.012)))
    bench.lay(mirrored(join(upper, lower)), edge, puff=0.012)


def _roll(bench: Bench, cut: Cut, edge: Cloth) -> None:
    x, y = cut.neck, cut.top
    upper = spline((0, y - 0.10), (0.7 * x, y - 0.105), (0.93 * x, y - 0.09))
    lower = spline((1.04 * x, y + 0.06), (0.7 * x, y + 0.12), (0, y + 0.14))
    bench.lay(mirrored(join(upper, lower)), edge, puff=0.03)
    opening = spline((-0.8 * x, y - 0.09), (0, y - 0.075), (0.8 * x, y - 0.09), (0, y - 0.105))
    bench.lay(opening, edge, shade=0.35)


def shirt(cloth: Cloth, *, buttons: Colour = "f0ece0", pockets: int = 1) -> Garment:
    """A shirt with a pointed collar, a button placket and cuffs."""

    def sew(bench: Bench) -> None:
        cut = Cut(
            neck=0.15,
            drop=0.13,
            chest=(0.39, -0.24),
            waist=(0.37, 0.15),
            hem=(0.385, 0.60),
            sag=0.13,
        )
        lay_back(bench, cut, cloth)
        lay_sleeves(bench, cut, LONG_ARM, cloth)
        _buttoned_cuffs(bench, LONG_ARM, cloth, buttons)
        bench.lay(cut.body, cloth, puff=0.012, folds=_fans(bench, cut, 1.1))
        _side_hem(bench, cut, cloth.colour, 0.02)
        for seam in (cut.armhole, flipped(cut.armhole)):
            bench.seam(seam)
        for pocket in range(pockets):
            _chest_pocket(bench, cloth, 1.0 if pocket == 0 else -1.0)
        _placket(bench, cut, cloth, buttons)
        _shirt_collar(bench, cut, cloth, buttons)

    return sew


def _buttoned_cuffs(bench: Bench, arm: Arm, cloth: Cloth, buttons: Colour) -> None:
    crisp = replace(cloth, crumple=cloth.crumple * 0.2, thickness=0.009)
    for side in SIDES:
        end = part(arm.on(side), 1 - arm.cuff, 1.0)
        bench.lay(limb(end, arm.widths[-1] * 0.93), crisp, grain=heading(end), puff=0.008)
        for inset in (0.16, 0.86):
            row = limb(part(end, inset, inset + 0.02), arm.widths[-1] * 0.88)
            bench.thread(row[[0, -1]], cloth.colour)
        x, y = along(end, 3)[1]
        bench.button((x - side * 0.045, y), 0.014, sole(buttons))


def _placket(bench: Bench, cut: Cut, cloth: Cloth, buttons: Colour) -> None:
    top, bottom = cut.top + cut.drop, cut.hem[1] + cut.sag - 0.012
    crisp = replace(cloth, crumple=cloth.crumple * 0.25)
    bench.lay(box(-0.038, top, 0.038, bottom, 0.004), crisp)
    for x in (-0.028, 0.028):
        bench.thread(line((x, top), (x, bottom)), cloth.colour)
    for y in np.linspace(top + 0.09, bottom - 0.16, 6).tolist():
        bench.button((0.0, y), 0.0175, sole(buttons))


def _chest_pocket(bench: Bench, cloth: Cloth, side: float) -> None:
    right = line((0.09, -0.26), (0.27, -0.265), (0.27, -0.09), (0.18, -0.045), (0.09, -0.085))
    pocket = right if side > 0 else flipped(right)
    bench.lay(pocket, replace(cloth, crumple=cloth.crumple * 0.5), puff=0.004)
    bench.thread(0.93 * (pocket - pocket.mean(0)) + pocket.mean(0), cloth.colour, 0.012)
    bench.seam(moved(pocket[:2], down=0.03), 0.8, 0.004)


def _shirt_collar(bench: Bench, cut: Cut, cloth: Cloth, buttons: Colour) -> None:
    crisp = replace(cloth, crumple=cloth.crumple * 0.15, thickness=0.012)
    x, y, low = cut.neck, cut.top, cut.top + cut.drop
    stand = spline(
        (-x, y - 0.02), (0, y - 0.06), (x, y - 0.02), (x * 0.9, y + 0.06), (0, y + 0.055)
    )
    bench.lay(stand, crisp, shade=0.8)
    bench.lay(mirrored(spline((0, low - 0.02), (0.1, y + 0.07), (x, y))), crisp, shade=0.6)
    for side in (-1.0, 1.0):
        leaf = join(
            spline((0.012, low + 0.012), (0.10, y + 0.045), (x - 0.015, y - 0.05)),
            spline((x + 0.035, y + 0.005), (x + 0.055, y + 0.06)),
            line((0.155, low + 0.125)),
            spline((0.155, low + 0.125), (0.08, low + 0.06), (0.012, low + 0.012)),
        )
        leaf = leaf if side > 0 else flipped(leaf)
        bench.lay(leaf, crisp, grain=side * 0.5, puff=0.01)
        inner = 0.9 * (leaf - leaf.mean(0)) + leaf.mean(0)
        bench.thread(inner[30:], cloth.colour, 0.012)
    bench.button((0.0, low + 0.02), 0.0165, sole(buttons))


def coat(
    cloth: Cloth,
    *,
    buttons: Colour = "3a2a1c",
    double: bool = False,
    belt: bool = False,
    lining: Colour = "6b2f2a",
) -> Garment:
    """A long coat with lapels, worn open at the neck."""

    def sew(bench: Bench) -> None:
        cut = _COAT_CUT
        arm = Arm(_COAT_ARM, (0.15, 0.13, 0.115, 0.10), 0.12)
        bench.lay(cut.lining, Cloth(lining, gloss=0.1, polish=6), shade=0.7)
        lay_sleeves(bench, cut, arm, cloth, 1.0)
        _coat_cuffs(bench, arm, buttons)
        bench.lay(cut.body, cloth, puff=0.025, folds=_fans(bench, cut, 1.0))
        for side in (cut.armhole, flipped(cut.armhole)):
            bench.seam(side, 2.4, 0.01)
        edge = -0.13 if double else -0.045
        front = _coat_front(cut, edge)
        bench.lay(front, cloth, puff=0.02, folds=_fans(bench, cut, 0.7))
        _flap_pockets(bench, cloth)
        _coat_buttons(bench, buttons, double)
        _lapels(bench, cut, cloth)
        if belt:
            _belt(bench, cloth, buttons)

    return sew


_COAT_CUT = Cut(
    neck=0.16,
    drop=0.36,
    top=-0.80,
    shoulder=(0.41, -0.72),
    chest=(0.385, -0.34),
    waist=(0.36, 0.05),
    hem=(0.45, 0.88),
    sag=0.025,
    pointed=True,
)
_COAT_ARM = spline((0.30, -0.58), (0.44, -0.42), (0.545, -0.04), (0.59, 0.36))


def _coat_front(cut: Cut, edge: float) -> Path:
    """The front that overlaps the other, from its free edge to its own side."""
    low, hem = cut.top + cut.drop, cut.hem
    free = line((edge, hem[1] + cut.sag + 0.004), (edge, low))
    bottom = spline((hem[0], hem[1]), (0.5 * hem[0], hem[1] + 0.8 * cut.sag), free[0])
    return join(free, cut.neckline[6:], cut.armhole, cut.side, bottom)


def _coat_cuffs(bench: Bench, arm: Arm, buttons: Colour) -> None:
    for side in SIDES:
        end = part(arm.on(side), 0.84, 0.86)
        bench.seam(limb(end, arm.widths[-1] * 1.0)[[0, -1]], 2.0, 0.01)
        for share in (0.89, 0.93):
            x, y = along(part(arm.on(side), share, share + 0.02), 2)[0]
            bench.button((x - side * 0.05, y), 0.016, sole(buttons))


def _flap_pockets(bench: Bench, cloth: Cloth) -> None:
    for side in SIDES:
        flap = line((0.14, 0.2), (0.33, 0.155), (0.34, 0.225), (0.15, 0.275))
        bench.lay(flap if side > 0 else flipped(flap), cloth, grain=-side * 0.2, puff=0.008)


def _coat_buttons(bench: Bench, buttons: Colour, double: bool) -> None:
    columns = (-0.09, 0.11) if double else (0.0,)
    for y in (-0.36, -0.14, 0.08, 0.32) if not double else (-0.32, -0.08, 0.16):
        for x in columns:
            bench.button((x, y), 0.027, sole(buttons))


def _lapels(bench: Bench, cut: Cut, cloth: Cloth) -> None:
    low, x, y = cut.top + cut.drop, cut.neck, cut.top
    firm = replace(cloth, crumple=cloth.crumple * 0.3)
    collar = spline((0, y - 0.05), (0.7 * x, y - 0.045), (x + 0.02, y + 0.0))
    collar = join(collar, spline((x, y + 0.06), (0.5 * x, y + 0.035), (0, y + 0.03)))
    bench.lay(mirrored(collar), firm, shade=0.85)
    for side in (-1.0, 1.0):
        lapel = join(
            spline((0.0, low + 0.01), (0.07, low - 0.13), (x - 0.02, y + 0.06)),
            line((x + 0.075, y + 0.115), (x + 0.125, y + 0.20)),
            spline((x + 0.125, y + 0.20), (0.17, low - 0.06), (0.0, low + 0.01)),
        )
        leaf = join(
            spline((x - 0.045, y + 0.11), (x - 0.035, y + 0.0), (x - 0.03, y - 0.04)),
            spline((x + 0.03, y - 0.01), (x + 0.085, y + 0.05), (x + 0.115, y + 0.125)),
            line((x + 0.085, y + 0.15)),
        )
        for piece in (lapel, leaf):
            bench.lay(piece if side > 0 else flipped(piece), firm, grain=-side * 0.4, puff=0.014)


def _belt(bench: Bench, cloth: Cloth, buckle: Colour) -> None:
    firm = replace(cloth, crumple=cloth.crumple * 0.5)
    band = spline((-0.372, 0.0), (0, 0.022), (0.372, 0.0))
    bench.lay(limb(band, 0.034), firm, grain=np.pi / 2, puff=0.012)
    bench.lay(limb(spline((0.03, 0.03), (0.07, 0.2), (0.05, 0.36)), 0.03), firm, puff=0.01)
    bench.lay(
        box(-0.05, -0.04, 0.06, 0.075, 0.02), sole(buckle), hole=box(-0.025, -0.015, 0.035, 0.05)
    )


def puffer(cloth: Cloth, lining: Colour = "2b2b2e") -> Garment:
    """A quilted winter coat with a zip and a hood."""

    def sew(bench: Bench) -> None:
        cut = replace(_COAT_CUT, drop=0.1, pointed=False, hem=(0.44, 0.72), neck=0.17, top=-0.72)
        arm = Arm(
            spline((0.28, -0.5), (0.45, -0.34), (0.56, 0.0), (0.60, 0.42)),
            (0.17, 0.16, 0.13, 0.1),
            0.1,
        )
        cut = replace(cut, shoulder=(0.43, -0.62), chest=(0.41, -0.24), waist=(0.42, 0.12))
        hood = spline((0, -0.97), (0.17, -0.94), (0.235, -0.82), (0.2, -0.66), (0, -0.6))
        bench.lay(mirrored(hood), cloth, puff=0.05)
        opening = spline((0, -0.9), (0.11, -0.87), (0.16, -0.76), (0.13, -0.66), (0, -0.58))
        bench.lay(mirrored(opening), Cloth(lining), shade=0.6)
        bench.lay(cut.lining, Cloth(lining), shade=0.6)
        lay_sleeves(bench, cut, arm, cloth)
        bench.lay(cut.body, cloth, puff=0.04)
        for side in SIDES:
            seam = cut.armhole if side > 0 else flipped(cut.armhole)
            bench.seam(seam, 4.0, 0.014)
            end = part(arm.on(side), 0.92, 1.0)
            bench.lay(limb(end, 0.097, 0.09), cotton(lining).woven(rib(34)), grain=heading(end))
            pocket = line((side * 0.27, 0.16), (side * 0.33, 0.40))
            bench.seam(pocket, 4.0, 0.02)
            bench.thread(moved(pocket, right=-side * 0.012), lining)
        zip_fastener(bench, line((0, cut.top + cut.drop), (0, cut.hem[1] + 0.015)), lining)

    return sew


def zip_fastener(bench: Bench, path: Path, tape: Colour) -> None:
    """A zip with its tape, teeth and a pull at the upper end."""
    bench.lay(limb(path, 0.017), cotton(tape), grain=heading(path))
    bench.thread(path, "b9b4a8", dash=0.009)
    x, y = path[0].tolist()
    bench.lay(box(x - 0.012, y, x + 0.012, y + 0.05, 0.008), metal(), puff=0.004)


def on_hanger(garment: Garment, neck: float, reach: float = 0.36) -> Garment:
    """The garment on a wooden hanger whose hook rises from the height ``neck``."""

    def hang(bench: Bench) -> None:
        hook = spline(
            (0, neck + 0.03), (0, neck - 0.06), (0.01, neck - 0.1), (0.05, neck - 0.135),
            (0.035, neck - 0.19), (-0.02, neck - 0.195), (-0.045, neck - 0.16),
        )  # fmt: skip
        bench.lay(limb(hook, 0.0075), metal(), puff=0.003)
        bar = mirrored(spline((0, neck + 0.01), (0.15, neck + 0.055), (reach, neck + 0.16)))
        low = line((-reach, neck + 0.19), (0, neck + 0.07), (reach, neck + 0.19))
        bench.lay(join(bar[:29], bar[29:], low), timber(), puff=0.012)
        garment(bench)

    return hang


def sun_badge(colours: Sequence[Colour]) -> Garment:
    """A printed sun behind waves, on the chest."""

    def printed(bench: Bench) -> None:
        ink = [replace(cotton(colour), thickness=0.0, crumple=0.35) for colour in colours]
        bench.lay(ellipse((0, -0.12), 0.15, 0.15), ink[0])
        for row, paint in enumerate(ink[1:]):
            y = -0.10 + 0.05 * row
            crest = [(x, y + 0.014 * (-1) ** i) for i, x in enumerate(np.linspace(-0.19, 0.19, 9))]
            bench.lay(limb(spline(*crest), 0.004, 0.02, 0.02, 0.004), paint)

    return printed
