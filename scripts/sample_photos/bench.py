"""The workbench: pieces of cloth are laid over one another, sewn, and shaded by a light."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from PIL import Image, ImageDraw

from .cloth import Cloth, Colour, Swatch, light
from .curves import Path, Placement, Point, along, ellipse, heading
from .fields import Field, Shape, blur, creases, mixed, noise, resized, shifted, single, smoothstep

_OVERSAMPLING = 2  # outlines are drawn this much larger, then reduced, for smooth edges
_MARGIN = 12  # pixels of shadow around a piece
_FOLD_GRID = 2  # folds are smooth enough to be worked out on every second pixel
_KNOTS = 28  # points of a spine that the weave of a bent piece follows

Window = tuple[slice, slice]


class Fold(NamedTuple):
    """A ridge (or a valley, where ``height`` is negative) in the cloth, in garment units."""

    start: Point
    end: Point
    height: float
    width: float
    bend: float = 0.0


class Mark(NamedTuple):
    """Something drawn in a part of the picture: the rows and columns, and the ink from 0 to 1."""

    window: Window
    ink: Field


@dataclass
class Surface:
    """All that light needs to know: reflectance, relief in pixels, gloss and its sharpness."""

    albedo: Field
    relief: Field
    gloss: Field
    polish: Field

    @classmethod
    def plain(cls, shape: Shape, colour: Colour = "ffffff") -> "Surface":
        """A flat matt sheet."""
        albedo = np.broadcast_to(light(colour), (*shape, 3)).copy()
        relief, gloss = np.zeros(shape, np.float32), np.zeros(shape, np.float32)
        return cls(albedo, relief, gloss, np.full(shape, 10, np.float32))


@dataclass(frozen=True)
class Light:
    """A window or a lamp.

    Attributes:
        azimuth: Where it stands, in radians clockwise from the right edge of the picture.
        elevation: Its height above the floor in radians; low light brings out the folds.
        ambient: Share of the light that comes from everywhere.
        shadow: Darkness of the cast shadow.
    """

    azimuth: float = np.pi * 1.25
    elevation: float = 0.85
    ambient: float = 0.5
    shadow: float = 0.5

    @property
    def direction(self) -> tuple[float, float, float]:
        """Unit vector towards the light: right, down, and out of the picture."""
        flat = math.cos(self.elevation)
        x, y = flat * math.cos(self.azimuth), flat * math.sin(self.azimuth)
        return x, y, math.sin(self.elevation)


def lit(surface: Surface, lamp: Light) -> Field:
    """The surface as the lamp shows it, in linear light; flat matt cloth keeps its albedo."""
    down, right = np.gradient(surface.relief)
    x, y, z = lamp.direction
    length = np.sqrt(1 + right * right + down * down)
    facing = np.maximum(0, (z - right * x - down * y) / length)
    hollow = blur(surface.relief, 9) - surface.relief
    open_sky = np.exp(-0.05 * np.maximum(0, hollow)) * np.exp(0.012 * np.maximum(0, -hollow))
    shade = lamp.ambient * open_sky**1.6 + (1 - lamp.ambient) * (facing / z) * open_sky
    # The mirror direction halves the angle between the light and the camera, which is overhead.
    mirror = np.maximum(0, (z + 1 - right * x - down * y) / length) / math.sqrt(2 + 2 * z)
    highlight = surface.gloss * mirror**surface.polish
    return single(surface.albedo * shade[..., None] + highlight[..., None])


class Bench:
    """A picture-sized table on which one garment is put together, lowest piece first."""

    def __init__(
        self, shape: Shape, placement: Placement, rng: np.random.Generator, light_from: float
    ) -> None:
        self.shape = shape
        self.placement = placement
        self.rng = rng
        self.light_from = light_from
        self.surface = Surface.plain(shape)
        self.cover = np.zeros(shape, np.float32)
        rows, columns = np.mgrid[: shape[0], : shape[1]].astype(np.float32)
        x, y = columns - placement.centre[0], rows - placement.centre[1]
        cos, sin = math.cos(placement.angle), math.sin(placement.angle)
        self._u = (cos * x + sin * y) / placement.unit
        self._v = (cos * y - sin * x) / placement.unit

    def lay(
        self,
        outline: Path,
        cloth: Cloth,
        *,
        grain: float = 0.0,
        spine: Path | None = None,
        puff: float = 0.0,
        folds: Sequence[Fold] = (),
        shade: float = 1.0,
        hole: Path | None = None,
    ) -> None:
        """Lays a piece of cloth on top of what is there.

        Args:
            outline: Its edge.
            cloth: Its material.
            grain: Angle of the weave against the garment's upright.
            spine: A line that the weave follows instead, for sleeves, straps and scarves.
            puff: How far its middle stands above its edge, in garment units.
            folds: Folds pressed into it, besides the wrinkles that the cloth has anyway.
            shade: Less than one for what lies inside a garment, out of the light.
            hole: An opening cut out of it.
        """
        window, cut = self.stencil(outline)
        if hole is not None:
            cut = cut * (1 - self._ink([hole], None, window))
        wrinkled = self._wrinkles(cloth, window) + self._pressed(folds, window)
        swatch = self._swatch(window, grain, spine, wrinkled)
        # Wrinkles die away at the very edge, which would else end in steps of black and white.
        flat_edge = smoothstep(blur(cut, 2.5), 0.45, 1.0)
        relief = self._body(cut, cloth, puff) + wrinkled * flat_edge
        relief += cloth.weave(swatch) * smoothstep(cut, 0.5, 1)
        self._shadow(cut, window, cloth.thickness)
        self._cover(cut, window, cloth.colours(swatch) * shade, relief, cloth)

    def seam(self, path: Path, depth: float = 1.6, width: float = 0.007) -> None:
        """A groove where two pieces are sewn together."""
        self._engrave(self.stroke(path, width), depth, 0.22)

    def thread(self, path: Path, colour: Colour, dash: float = 0.017) -> None:
        """A row of visible stitches, sunk a little into the cloth."""
        window, furrow = self.stroke(path, 0.014)
        self._engrave(Mark(window, blur(furrow, 1.5)), 0.9, 0.05)
        ends = along(path, 2 * max(2, round(_length(path) / dash / 2)))
        dashes = [np.array(pair) for pair in zip(ends[::2], ends[1::2], strict=True)]
        stitches = self._ink(dashes, 0.0055, window)
        albedo = self.surface.albedo[window]
        self.surface.albedo[window] = mixed(albedo, light(colour), 0.85 * stitches)
        self.surface.relief[window] += 0.8 * stitches

    def button(self, centre: Point, radius: float, cloth: Cloth) -> None:
        """A button with a rim and four holes."""
        self.lay(ellipse(centre, radius, radius), cloth, puff=radius * 0.12)
        self.seam(ellipse(centre, radius * 0.68, radius * 0.68), 0.8, 0.003)
        reach = radius * 0.24
        for x, y in ((-1, -1), (-1, 1), (1, -1), (1, 1)):
            hole = ellipse((centre[0] + x * reach, centre[1] + y * reach), radius / 8, radius / 8)
            self._engrave(self.stencil(hole), 1.0, 0.75)

    def press(self, mark: Mark, depth: float, inside: Path | None = None) -> None:
        """Presses a mark into what is there, with soft edges; ``depth`` is in pixels."""
        window, ink = mark
        if inside is not None:
            ink = ink * self._ink([inside], None, window)
        self.surface.relief[window] -= depth * blur(ink, max(1.0, depth))

    def stencil(self, outline: Path) -> Mark:
        """The inside of an outline."""
        window = self._window(outline)
        return Mark(window, self._ink([outline], None, window))

    def stroke(self, path: Path, width: float) -> Mark:
        """A line of a width."""
        window = self._window(path)
        return Mark(window, self._ink([path], width, window))

    def _window(self, path: Path) -> Window:
        """The rows and columns that a piece and its shadow take up, at least two of each."""
        pixels = self.placement.pixels(path)
        (left, top), (right, bottom) = pixels.min(axis=0), pixels.max(axis=0)
        return _span(top, bottom, self.shape[0]), _span(left, right, self.shape[1])

    def _ink(self, paths: Sequence[Path], pen: float | None, window: Window) -> Field:
        """Draws lines with a pen, or fills outlines where there is none."""
        rows, columns = window
        size = (columns.stop - columns.start, rows.stop - rows.start)
        sheet = Image.new("L", (size[0] * _OVERSAMPLING, size[1] * _OVERSAMPLING))
        draw = ImageDraw.Draw(sheet)
        for path in paths:
            pixels = (self.placement.pixels(path) - (columns.start, rows.start)) * _OVERSAMPLING
            corners = list(zip(pixels[:, 0].tolist(), pixels[:, 1].tolist(), strict=True))
            if pen is None:
                draw.polygon(corners, fill=255)
            else:
                wide = max(1, round(pen * self.placement.unit * _OVERSAMPLING))
                draw.line(corners, fill=255, width=wide, joint="curve")
        ink = np.asarray(sheet.reduce(_OVERSAMPLING), dtype=np.float32)
        return single(ink / 255)

    def _swatch(self, window: Window, grain: float, spine: Path | None, wrinkled: Field) -> Swatch:
        # A pattern follows the folds: where the cloth climbs, less of it is seen from above.
        down, right = np.gradient(wrinkled)
        stretch = 1.6 / self.placement.unit
        u, v = self._u[window] + stretch * right, self._v[window] + stretch * down
        if spine is not None:
            grain = heading(spine)
            across, lengthwise = _followed(spine, u, v)
        else:
            cos, sin = math.cos(grain), math.sin(grain)
            across, lengthwise = cos * u + sin * v, cos * v - sin * u
        turn = self.placement.angle + grain
        return Swatch(across, lengthwise, self.placement.unit, turn, self.rng)

    def _wrinkles(self, cloth: Cloth, window: Window) -> Field:
        shape = self._u[window].shape
        if not cloth.crumple:
            return np.zeros(shape, np.float32)
        unit, turn = self.placement.unit, self.rng.uniform(0, np.pi)
        swell = 8.0 * noise(self.rng, shape, 0.08 * unit, 0.2 * unit, turn)
        ripple = 1.5 * noise(self.rng, shape, 0.03 * unit, 0.06 * unit, turn + 1)
        sharp = 9.0 * creases(self.rng, shape, 0.07 * unit, turn + 0.6, 2.0)
        # Creases come in patches; cloth that is crumpled all over looks like tin foil.
        patches = smoothstep(noise(self.rng, shape, 0.16 * unit), -0.2, 1.6)
        field = (1 - cloth.crisp) * (swell + ripple) + cloth.crisp * (swell + sharp * patches)
        return single(cloth.crumple * field)

    def _pressed(self, folds: Sequence[Fold], window: Window) -> Field:
        full = self._u[window].shape
        if not folds:
            return np.zeros(full, np.float32)
        u = self._u[window][::_FOLD_GRID, ::_FOLD_GRID]
        v = self._v[window][::_FOLD_GRID, ::_FOLD_GRID]
        total = np.zeros(u.shape, np.float32)
        for fold in folds:
            total += _ridge(fold, u, v)
        return resized(single(total * self.placement.unit), full)

    def _body(self, cut: Field, cloth: Cloth, puff: float) -> Field:
        thickness = cloth.thickness * self.placement.unit
        edge = smoothstep(blur(cut, 0.7 * thickness + 0.8), 0.45, 1.0) * thickness
        if not puff:
            return edge
        reach = max(3.0, 1.6 * puff * self.placement.unit)
        swell = smoothstep(blur(cut, reach), 0.3, 1.25) * puff * self.placement.unit * 1.3
        return edge + swell

    def _shadow(self, cut: Field, window: Window, thickness: float) -> None:
        away = 0.5 * thickness * self.placement.unit
        x, y = -away * np.cos(self.light_from), -away * np.sin(self.light_from)
        near = blur(shifted(cut, x, y), 2.0 + away * 0.6)
        darkness = 0.34 * near * (1 - cut)
        self.surface.albedo[window] *= (1 - darkness)[..., None]

    def _cover(
        self, cut: Field, window: Window, albedo: Field, relief: Field, cloth: Cloth
    ) -> None:
        surface, before = self.surface, self.cover[window]
        self.cover[window] = before + (1 - before) * cut
        # At the rim of the garment there is nothing below that colours could be mixed with.
        cut = single(cut / np.maximum(self.cover[window], 1e-3))
        surface.albedo[window] = mixed(surface.albedo[window], albedo, cut)
        # Cloth drapes over what is below it, so the relief underneath shows through softly.
        below = 0.55 * blur(surface.relief[window], 3.0)
        surface.relief[window] += (below + relief - surface.relief[window]) * cut
        surface.gloss[window] += (cloth.gloss - surface.gloss[window]) * cut
        surface.polish[window] += (cloth.polish - surface.polish[window]) * cut

    def _engrave(self, mark: Mark, depth: float, darkness: float) -> None:
        self.surface.relief[mark.window] -= depth * mark.ink
        self.surface.albedo[mark.window] *= (1 - darkness * mark.ink)[..., None]


def _length(path: Path) -> float:
    return float(np.linalg.norm(np.diff(path, axis=0), axis=1).sum())


def _span(low: float, high: float, length: int) -> slice:
    start = int(np.clip(low - _MARGIN, 0, length - 2))
    return slice(start, int(np.clip(high + _MARGIN, start + 2, length)))


def _followed(spine: Path, u: Field, v: Field) -> tuple[Field, Field]:
    """Positions across and along a bent line, from the point of it that is nearest."""
    knots = np.array(along(spine, _KNOTS), dtype=np.float32)
    ahead = np.gradient(knots, axis=0)
    step = float(np.linalg.norm(ahead, axis=1).mean())
    nearest = np.full(u.shape, np.inf, np.float32)
    across, lengthwise = np.zeros_like(u), np.zeros_like(v)
    for index, ((x, y), (right, down)) in enumerate(zip(knots, ahead / step, strict=True)):
        far = (u - x) ** 2 + (v - y) ** 2
        closer = far < nearest
        nearest[closer] = far[closer]
        from_x, from_y = u[closer] - x, v[closer] - y
        across[closer] = from_x * down - from_y * right
        lengthwise[closer] = index * step + from_x * right + from_y * down
    return across, lengthwise + knots[0, 1]


def _ridge(fold: Fold, u: Field, v: Field) -> Field:
    (left, top), (right, bottom) = fold.start, fold.end
    x, y = float(right - left), float(bottom - top)
    length = math.hypot(x, y)
    from_x, from_y = u - float(left), v - float(top)
    t = single((from_x * x + from_y * y) / length**2)
    aside = (from_y * x - from_x * y) / length - 4 * float(fold.bend) * t * (1 - t)
    # Steep on one side and easy on the other, as cloth falls.
    easy = np.where(aside > 0, np.float32(1), np.float32(0.55))
    spread = easy * float(fold.width) * (0.6 + 0.8 * np.clip(t, 0, 1))
    ends = smoothstep(t, -0.05, 0.2) * smoothstep(single(1 - t), -0.05, 0.5)
    return single(float(fold.height) * np.exp(-((aside / spread) ** 2)) * ends)
