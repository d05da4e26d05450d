"""What the garment lies on or hangs before: floors, carpets, sheets, walls, white paper."""

from collections.abc import Callable

import numpy as np

from .bench import Surface
from .cloth import Colour, light
from .fields import Field, Shape, creases, fractal, mixed, noise, single, smoothstep

Ground = Callable[[np.random.Generator, Shape], Surface]

_BOARD = 150.0  # width of a floorboard in pixels


def _grid(shape: Shape, angle: float) -> tuple[Field, Field]:
    """Pixel positions in a frame turned by an angle, with its origin far outside the picture."""
    rows, columns = np.mgrid[: shape[0], : shape[1]].astype(np.float32)
    cos, sin = np.float32(np.cos(angle)), np.float32(np.sin(angle))
    return cos * columns + sin * rows + 4000, cos * rows - sin * columns + 4000


def _tinted(colour: Colour, brightness: Field) -> Field:
    return single(light(colour) * brightness[..., None])


def boards(colour: Colour, dark: Colour, angle: float = 0.0, gloss: float = 0.05) -> Ground:
    """A floor of planks; ``dark`` is the colour of the grain."""

    def laid(rng: np.random.Generator, shape: Shape) -> Surface:
        x, y = _grid(shape, angle)
        row = np.floor(y / _BOARD)
        joint = (x / 820 + _hash(row, 1.0)) % 1
        plank = row * 31 + np.floor(x / 820 + _hash(row, 1.0))
        grain = _grain(rng, shape, angle, y / _BOARD - row, plank)
        surface = Surface.plain(shape)
        tone = 0.78 + 0.36 * _hash(plank, 2.0) + 0.04 * noise(rng, shape, 40)
        surface.albedo = mixed(_tinted(colour, tone), _tinted(dark, tone), grain)
        across = np.minimum(y / _BOARD - row, 1 - (y / _BOARD - row)) * _BOARD
        gap = np.minimum(across, np.minimum(joint, 1 - joint) * 820)
        surface.albedo *= (0.38 + 0.62 * smoothstep(gap, 0.2, 1.8))[..., None]
        surface.relief = single(1.5 * smoothstep(gap, 0, 4) - 0.25 * grain)
        surface.gloss[:] = gloss
        return surface

    return laid


def _grain(
    rng: np.random.Generator, shape: Shape, angle: float, across: Field, plank: Field
) -> Field:
    """Share of dark wood: fine pores, and year rings cut lengthwise."""
    pores = noise(rng, shape, 0.8, 26, angle)
    bend = noise(rng, shape, 26, 260, angle)
    rings = np.sin(
        (across * (5 + 6 * _hash(plank, 3.0)) + 0.9 * bend + 9 * _hash(plank, 4.0)) * 6.28
    )
    share = 0.32 + 0.11 * rings + 0.10 * pores + 0.12 * noise(rng, shape, 3, 120, angle)
    share += 0.08 * noise(rng, shape, 14, 200, angle)
    return single(np.clip(share, 0, 1))


def _hash(number: Field, salt: float) -> Field:
    """A reproducible chance between 0 and 1 for each whole number."""
    return single((np.sin(number * 12.9898 + salt * 78.233) * 43758.5453) % 1)


def carpet(colour: Colour, pile: float = 2.0) -> Ground:
    """A carpet of short tufts, brushed by footsteps."""

    def woven(rng: np.random.Generator, shape: Shape) -> Surface:
        turns = rng.uniform(0, np.pi, 4)
        strands = [noise(rng, shape, 0.45 * pile, 1.9 * pile, turn) for turn in turns]
        tufts = 0.75 * np.maximum.reduce(strands) - 0.7 + 0.35 * noise(rng, shape, pile * 1.4)
        brushed = fractal(rng, shape, 110, 3)
        surface = Surface.plain(shape)
        tone = 0.95 + 0.12 * tufts + 0.07 * brushed + 0.05 * noise(rng, shape, 1.0)
        surface.albedo = _tinted(colour, np.clip(tone, 0.25, 1.6))
        surface.relief = single(0.6 * pile * tufts * (1 + 0.15 * brushed))
        return surface

    return woven


def sheet(colour: Colour, rumpled: float = 1.0) -> Ground:
    """A bed sheet with soft swells and sharp creases."""

    def spread(rng: np.random.Generator, shape: Shape) -> Surface:
        turn = rng.uniform(0, np.pi)
        swell = 16 * noise(rng, shape, 85, 170, turn) + 3 * noise(rng, shape, 26, 60, turn + 0.5)
        patches = smoothstep(noise(rng, shape, 90), -0.6, 1.2)
        sharp = creases(rng, shape, 46, turn + 0.4, 2.6) + 0.5 * creases(rng, shape, 24, turn + 1.3)
        surface = Surface.plain(shape, colour)
        threads = noise(rng, shape, 0.7, 4) + noise(rng, shape, 0.7, 4, np.pi / 2)
        surface.relief = (rumpled * (swell + 7 * sharp * patches) + 0.05 * threads).astype(
            np.float32
        )
        return surface

    return spread


def plaster(colour: Colour) -> Ground:
    """A painted wall, brighter near the window."""

    def painted(rng: np.random.Generator, shape: Shape) -> Surface:
        surface = Surface.plain(shape)
        x, y = _grid(shape, 0.6)
        slope = (x - x.mean()) / np.ptp(x)
        surface.albedo = _tinted(colour, 0.95 - 0.34 * slope + 0.012 * noise(rng, shape, 60))
        rough = 0.35 * noise(rng, shape, 2.2) + 0.5 * noise(rng, shape, 6) + noise(rng, shape, 22)
        surface.relief = single(0.55 * rough)
        return surface

    return painted


def stone(colour: Colour, angle: float = 0.0) -> Ground:
    """Large matt tiles with joints."""

    def tiled(rng: np.random.Generator, shape: Shape) -> Surface:
        x, y = _grid(shape, angle)
        size = 430.0
        gap = np.minimum.reduce([x % size, size - x % size, y % size, size - y % size])
        clouds = fractal(rng, shape, 70, 5)
        surface = Surface.plain(shape)
        tone = (
            0.95
            + 0.06 * clouds
            + 0.05 * (_hash(np.floor(x / size) * 7 + np.floor(y / size), 1) - 0.5)
        )
        inside = smoothstep(gap, 3.0, 5.5)
        surface.albedo = _tinted(colour, tone * (0.62 + 0.38 * inside))
        surface.relief = single(2.5 * inside + 0.15 * noise(rng, shape, 1.2))
        surface.gloss[:] = 0.05
        return surface

    return tiled


def paper(rng: np.random.Generator, shape: Shape) -> Surface:
    """The seamless white of product photos."""
    surface = Surface.plain(shape, "f7f7f5")
    surface.albedo *= (1 + 0.008 * noise(rng, shape, 120))[..., None]
    return surface
