"""Scalar fields over the picture: noise, blur and interpolation, all in float32."""

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray
from PIL import Image

Field = NDArray[np.float32]
Shape = tuple[int, int]

_FFT_MULTIPLE = 16  # lengths divisible by this transform fast, whatever the shape asked for
_COARSE_PIXELS = 3.0  # blobs wider than this many pixels are made small and then enlarged


def single(values: ArrayLike) -> Field:
    """The values in single precision: half the memory, and no pixel needs more."""
    return np.asarray(values, dtype=np.float32)


def resized(field: Field, shape: Shape) -> Field:
    """Stretches a field to another shape, smoothly."""
    picture = Image.fromarray(field).resize((shape[1], shape[0]), Image.Resampling.BICUBIC)
    return np.asarray(picture, dtype=np.float32)


def noise(
    rng: np.random.Generator,
    shape: Shape,
    across: float,
    along: float | None = None,
    angle: float = 0.0,
) -> Field:
    """Smooth noise of mean zero and variance one.

    White noise is filtered in the frequency domain, so that its blobs can be drawn out into
    streaks of any direction: wood grain, brushed wool and creases are all made from it.

    Args:
        rng: Source of the white noise.
        shape: Rows and columns.
        across: Size of a blob across ``angle``, in pixels (a Gaussian's sigma).
        along: Size along ``angle``; the same as ``across`` where it is left out.
        angle: Direction of the streaks in radians, 0 for the horizontal, clockwise.
    """
    along = across if along is None else along
    coarse = max(1.0, min(across, along) / _COARSE_PIXELS)
    small = (round(shape[0] / coarse) + 1, round(shape[1] / coarse) + 1)
    field = _filtered_white(rng, small, across / coarse, along / coarse, angle)
    return field if small == shape else resized(field, shape)


def _filtered_white(
    rng: np.random.Generator, shape: Shape, across: float, along: float, angle: float
) -> Field:
    rows, columns = (-(-length // _FFT_MULTIPLE) * _FFT_MULTIPLE for length in shape)
    down = np.fft.fftfreq(rows).astype(np.float32)[:, None]
    right = np.fft.rfftfreq(columns).astype(np.float32)[None, :]
    # Python floats leave arrays in single precision, where NumPy scalars would double it.
    cos, sin = math.cos(angle), math.sin(angle)
    with_it, against_it = cos * right + sin * down, cos * down - sin * right
    passed = np.exp(-2 * math.pi**2 * ((along * with_it) ** 2 + (across * against_it) ** 2))
    white = rng.standard_normal((rows, columns), dtype=np.float32)
    field = np.fft.irfft2(np.fft.rfft2(white) * passed, s=(rows, columns))[: shape[0], : shape[1]]
    centred = field - field.mean()
    return single(centred / (centred.std() + 1e-6))


def fractal(rng: np.random.Generator, shape: Shape, size: float, octaves: int = 4) -> Field:
    """Noise with detail at several sizes, each half as large and half as strong as the last."""
    total = np.zeros(shape, dtype=np.float32)
    for octave in range(octaves):
        total += noise(rng, shape, size / 2**octave) / 2**octave
    return total


def creases(
    rng: np.random.Generator, shape: Shape, size: float, angle: float = 0.0, stretch: float = 2.0
) -> Field:
    """Long meandering ridges as crumpled cloth shows them, between about -1 and 0."""
    field = noise(rng, shape, size, size * stretch, angle)
    # The root rounds the ridge: a bare absolute value would fold the cloth like paper.
    return single(-np.sqrt(field * field + 0.012))


def blur(field: Field, sigma: float) -> Field:
    """Gaussian blur; beyond its border a field goes on as it ends there."""
    coarse = max(1.0, sigma / 2.0)
    small = (max(2, round(field.shape[0] / coarse)), max(2, round(field.shape[1] / coarse)))
    reduced = field if coarse == 1.0 else _averaged(field, small)
    softened = _convolved(reduced, sigma / coarse)
    return softened if coarse == 1.0 else resized(softened, field.shape)


def _averaged(field: Field, shape: Shape) -> Field:
    picture = Image.fromarray(field).resize((shape[1], shape[0]), Image.Resampling.BOX)
    return np.asarray(picture, dtype=np.float32)


def _convolved(field: Field, sigma: float) -> Field:
    reach = max(1, int(np.ceil(3 * sigma)))
    steps = np.arange(-reach, reach + 1)
    weights = np.exp(-0.5 * (steps / max(sigma, 1e-3)) ** 2)
    weights = (weights / weights.sum()).astype(np.float32)
    for axis in (0, 1):
        length = field.shape[axis]
        pad = [(reach, reach) if axis == side else (0, 0) for side in (0, 1)]
        padded = np.pad(field, pad, mode="edge")
        field = np.zeros_like(field)
        for step, weight in enumerate(weights):
            ahead = slice(step, step + length)
            field += weight * (padded[ahead] if axis == 0 else padded[:, ahead])
    return field


def shifted(field: Field, right: float, down: float) -> Field:
    """Moves a field by whole pixels; what comes in at the border is zero."""
    moved = np.zeros_like(field)
    rows, columns = field.shape
    x, y = round(right), round(down)
    source = field[max(0, -y) : rows - max(0, y), max(0, -x) : columns - max(0, x)]
    moved[max(0, y) : rows - max(0, -y), max(0, x) : columns - max(0, -x)] = source
    return moved


def smoothstep(field: Field, low: float, high: float) -> Field:
    """Zero below ``low``, one above ``high``, and an S-shaped ramp between them."""
    ramp = np.clip((field - low) / (high - low), 0, 1)
    return single(ramp * ramp * (3 - 2 * ramp))


def mixed(under: Field, over: Field, share: Field) -> Field:
    """Blends two pictures of three channels by a share per pixel."""
    return single(under + (over - under) * share[..., None])
