"""From the lit scene to the file: lens, sensor, white balance and JPEG."""

import io
import math
from dataclasses import dataclass
from enum import Enum

import numpy as np
from PIL import Image

from .bench import Bench, Light, Surface, lit
from .fields import Field, blur, mixed, noise, shifted, single, smoothstep

_EXIF_ORIENTATION = 0x0112
_TURN_CLOCKWISE_TO_VIEW = 6  # the EXIF code: the picture is stored lying on its left side
_PALENESS = 0.10  # light from all sides of a room makes colours a little greyer than dye is
_QUALITIES = (86, 84, 82, 79, 76, 72)


@dataclass(frozen=True)
class Shot:
    """How a photo is taken.

    Attributes:
        exposure: Brightness.
        warmth: White balance, above zero towards orange and below towards blue.
        vignette: Darkening towards the corners.
        softness: Blur in pixels of the finished photo.
        grain: Noise of the sensor, in steps of 255.
        tilt: Perspective, as a share of the picture's width.
        falloff: How much darker the side away from the light is.
        sun: Strength of a patch of sun that falls in through a window.
    """

    exposure: float = 1.0
    warmth: float = 0.0
    vignette: float = 0.22
    softness: float = 0.45
    grain: float = 2.2
    tilt: float = 0.02
    falloff: float = 0.18
    sun: float = 0.0


class Stance(Enum):
    """How a garment relates to its ground; the value is its distance from it in pixels."""

    LYING = 5.0
    HANGING = 20.0
    STANDING = 3.0


def scene(bench: Bench, ground: Surface, lamp: Light, stance: Stance) -> Field:
    """The garment on its ground, in linear light."""
    shadows = _shadow_below if stance is Stance.STANDING else _shadow_behind
    backdrop = lit(ground, lamp) * shadows(bench.cover, lamp, stance.value)[..., None]
    return mixed(backdrop, lit(bench.surface, lamp), bench.cover)


def _shadow_behind(cover: Field, lamp: Light, lift: float) -> Field:
    """The light left on a ground that is parallel to the picture."""
    x, y, z = lamp.direction
    reach = lift / z
    cast = blur(shifted(cover, -x * reach, -y * reach), 1.5 + 0.42 * lift)
    wide = blur(shifted(cover, -x * reach * 2, -y * reach * 2), 6 + 1.6 * lift)
    close = blur(cover, 3.0 + 0.1 * lift)
    left = (1 - lamp.shadow * cast) * (1 - 0.45 * lamp.shadow * wide) * (1 - 0.22 * close)
    return single(left)


def _shadow_below(cover: Field, lamp: Light, lift: float) -> Field:
    """The light left on a ground that is seen at a slant, under something that stands on it."""
    rows, columns = cover.shape
    lowest = rows - 1 - np.argmax(cover[::-1] > 0, axis=0)
    beneath = cover.max(axis=0) > 0
    depth = np.arange(rows, dtype=np.float32)[:, None] - np.where(beneath, lowest, 9 * rows)
    foot = np.max(np.where(beneath, lowest, 0))
    # Where the underside is off the ground, as under an arch, the shadow stays on the ground.
    touching = np.exp(-((depth / (2.5 * lift)) ** 2)) * (lowest > foot - 0.04 * rows)
    under = np.zeros_like(cover)
    under[max(0, foot - 6) : foot + round(4 * lift)] = beneath
    soft = blur(under, 4 * lift) + 0.7 * blur(shifted(under, 4 * lift, 2 * lift), 12 * lift)
    left = 1 - 1.3 * lamp.shadow * np.clip(soft, 0, 1)
    return single(left * (1 - 0.55 * blur(single(touching), 2.0)))


def exposed(picture: Field, lamp: Light, shot: Shot, rng: np.random.Generator) -> Image.Image:
    """Linear light to a picture of eight bits per channel."""
    rows, columns = picture.shape[:2]
    y, x = np.mgrid[-1 : 1 : rows * 1j, -1 : 1 : columns * 1j].astype(np.float32)
    toward = x * math.cos(lamp.azimuth) + y * math.sin(lamp.azimuth)
    room = 0.03 * noise(rng, (rows, columns), 170)
    brightness = shot.exposure * (1 + shot.falloff * toward + room)
    if shot.sun:
        brightness *= 1 - 0.5 * shot.sun + shot.sun * _window_panes(x, y, rng)
    brightness *= 1 - shot.vignette * (0.5 * (x * x + y * y)) ** 1.4
    balance = np.array([1 + shot.warmth, 1.0, 1 - shot.warmth], np.float32)
    seen = np.maximum(0, picture * brightness[..., None] * balance)
    grey = seen.mean(axis=2, keepdims=True)
    encoded = _toned(seen + _PALENESS * (grey - seen)) * 255
    return Image.fromarray(np.clip(encoded + 0.5, 0, 255).astype(np.uint8))


def _window_panes(x: Field, y: Field, rng: np.random.Generator) -> Field:
    """Sun through a window of four panes, slanting over the floor."""
    lean, left, top = (
        float(chance) for chance in rng.uniform((0.3, -0.8, -0.7), (0.6, -0.4, -0.4))
    )
    across, down = (x + lean * y - left) / 0.85, (y - 0.25 * x - top) / 0.95
    inside = np.maximum(np.abs(across - 0.5), np.abs(down - 0.5))
    bars = np.minimum(np.abs(across - 0.5), np.abs(down - 0.5))
    panes = smoothstep(-inside, -0.53, -0.47) * smoothstep(bars, 0.012, 0.045)
    return single(blur(panes, 4.0))


def _toned(linear: Field) -> Field:
    """The response of a camera: highlights roll off softly instead of clipping."""
    knee = np.float32(0.72)
    over = np.maximum(0, linear - knee)
    rolled = np.minimum(linear, knee) + (1 - knee) * (1 - np.exp(-over / (1 - knee)))
    # A little flare keeps the blacks from being quite black.
    return single((0.004 + 0.996 * rolled) ** (1 / 2.2))


def framed(
    picture: Image.Image, size: tuple[int, int], shot: Shot, rng: np.random.Generator
) -> Image.Image:
    """Crops to the finished size, a little out of square, as from a camera held by hand."""
    width, height = picture.size
    slack_x, slack_y = 0.02 * width, 0.02 * height
    swing = rng.uniform(-1, 1, 8) * shot.tilt * width * 0.5
    inset = np.array([1, 1, 1, -1, -1, -1, -1, 1]) * np.tile([slack_x, slack_y], 4)
    corners = np.array([0, 0, 0, height, width, height, width, 0]) + inset + swing
    inside = np.clip(corners, 0, np.tile([width, height], 4))
    square = picture.transform(
        picture.size, Image.Transform.QUAD, inside.tolist(), Image.Resampling.BICUBIC
    )
    return square.resize(size, Image.Resampling.LANCZOS)


def sensed(picture: Image.Image, shot: Shot, rng: np.random.Generator) -> Image.Image:
    """Adds the blur of the lens and the noise of the sensor."""
    pixels = np.asarray(picture, dtype=np.float32)
    shape = (pixels.shape[0], pixels.shape[1])
    soft = np.dstack([blur(pixels[..., channel], shot.softness) for channel in range(3)])
    shared = noise(rng, shape, 0.5)[..., None]
    tinted = np.dstack([noise(rng, shape, 0.8) for _ in range(3)])
    # Shadows are noisier than highlights once they are encoded.
    strength = shot.grain * (1.25 - soft.mean(axis=2, keepdims=True) / 255)
    noisy = soft + strength * (0.7 * shared + 0.4 * tinted)
    return Image.fromarray(np.clip(noisy + 0.5, 0, 255).astype(np.uint8))


def jpeg(picture: Image.Image, most_bytes: int, sideways: bool = False) -> bytes:
    """The finished file, no larger than asked for.

    Args:
        picture: The photo, upright.
        most_bytes: The quality is lowered until the file is no larger.
        sideways: Store the photo lying on its side, with the EXIF tag that sets it upright.
    """
    tags = Image.Exif()
    if sideways:
        picture = picture.transpose(Image.Transpose.ROTATE_90)
        tags[_EXIF_ORIENTATION] = _TURN_CLOCKWISE_TO_VIEW
    for quality in _QUALITIES:
        buffer = io.BytesIO()
        picture.save(buffer, "JPEG", quality=quality, optimize=True, exif=tags)
        if buffer.tell() <= most_bytes:
            break
    return buffer.getvalue()
