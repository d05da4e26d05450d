"""What garments are made of: colours, weaves, printed patterns, and how they crumple."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from .fields import Field, Shape, fractal, mixed, noise, single, smoothstep

Colour = str  # six hexadecimal digits, as designers write them


@dataclass(frozen=True)
class Swatch:
    """The patch of cloth that a weave or a pattern is asked to fill.

    Attributes:
        u: Position across the grain in garment units, for each pixel.
        v: Position along the grain.
        unit: Pixels per garment unit.
        angle: Direction across the grain in the picture, in radians.
        rng: Source of all that is irregular.
    """

    u: Field
    v: Field
    unit: float
    angle: float
    rng: np.random.Generator

    @property
    def shape(self) -> Shape:
        """Rows and columns."""
        return self.u.shape[0], self.u.shape[1]

    def streaks(self, across: float, along: float) -> Field:
        """Noise drawn out along the grain; sizes in pixels."""
        return noise(self.rng, self.shape, across, along, self.angle + np.pi / 2)


Weave = Callable[[Swatch], Field]
Pattern = Callable[[Swatch, Field], Field]


def light(colour: Colour) -> Field:
    """The linear reflectance of a colour for red, green and blue."""
    encoded = np.array([int(colour[i : i + 2], 16) for i in (0, 2, 4)], dtype=np.float32) / 255
    return single(encoded**2.2)


def _waves(position: Field, per_unit: float) -> Field:
    return single(np.sin(position * np.float32(2 * np.pi * per_unit)))


# Weaves: the height of the threads in pixels, small enough to shade without folding.


def jersey(swatch: Swatch) -> Field:
    """Fine smooth knit of T-shirts."""
    return 0.10 * noise(swatch.rng, swatch.shape, 0.7) + 0.10 * swatch.streaks(0.8, 3)


def knit(per_unit: float = 26) -> Weave:
    """Visible stitches in columns of small Vs."""

    def stitches(swatch: Swatch) -> Field:
        column = np.abs((swatch.u * per_unit) % 1 - 0.5)
        row = (swatch.v - column / per_unit).astype(np.float32, copy=False)
        rows = _waves(row, per_unit * 1.15)
        plump = np.sin(2 * np.pi * column) ** 2
        uneven = 1 + 0.25 * noise(swatch.rng, swatch.shape, 4)
        return single((0.55 * rows + 1.5 * plump) * uneven * 26 / per_unit)

    return stitches


def cable(per_unit: float = 24, every: float = 0.2) -> Weave:
    """Knit with plaited cables running down it."""
    ground = knit(per_unit)

    def plaits(swatch: Swatch) -> Field:
        across = (swatch.u / every + 0.5) % 1 - 0.5
        swing = 0.13 * np.sin(swatch.v * 2 * np.pi * 5)
        strands = [np.exp(-(((across - side * swing) / 0.1) ** 2)) for side in (-1, 1)]
        edges = np.exp(-(((np.abs(across) - 0.34) / 0.035) ** 2))
        over = np.where(np.cos(swatch.v * 2 * np.pi * 5) > 0, strands[0], strands[1])
        relief = 5.0 * np.maximum(0.75 * np.maximum(*strands), over) + 2.0 * edges
        return single(relief + 0.8 * ground(swatch))

    return plaits


def rib(per_unit: float = 30, depth: float = 1.1) -> Weave:
    """Ribs along the grain: cuffs, waistbands, corduroy."""
    return lambda swatch: (
        depth * np.abs(_waves(swatch.u, per_unit / 2)) + 0.15 * noise(swatch.rng, swatch.shape, 0.8)
    )


def twill(swatch: Swatch) -> Field:
    """The diagonal of denim and chinos."""
    return single(
        0.12 * _waves(swatch.u + 0.8 * swatch.v, 105)
        + 0.09 * noise(swatch.rng, swatch.shape, 0.7)
        + 0.06 * swatch.streaks(0.7, 9)
    )


def canvas(swatch: Swatch) -> Field:
    """A plain weave of thick threads."""
    threads = swatch.streaks(0.8, 7) + noise(swatch.rng, swatch.shape, 0.8, 7, swatch.angle)
    return single(0.14 * threads)


def poplin(swatch: Swatch) -> Field:
    """The smooth cotton of shirts."""
    return 0.06 * noise(swatch.rng, swatch.shape, 0.7)


def wool(swatch: Swatch) -> Field:
    """Felted, faintly brushed coat cloth."""
    return 0.20 * noise(swatch.rng, swatch.shape, 0.9) + 0.12 * swatch.streaks(1.2, 4)


def leather(swatch: Swatch) -> Field:
    """Pebbled grain."""
    pebbles = -np.abs(noise(swatch.rng, swatch.shape, 1.6)) - 0.5 * np.abs(
        noise(swatch.rng, swatch.shape, 3.0)
    )
    return single(0.2 * pebbles)


def suede(swatch: Swatch) -> Field:
    """Short nap, lying now this way and now that."""
    return 0.3 * noise(swatch.rng, swatch.shape, 0.8) + 0.8 * noise(swatch.rng, swatch.shape, 9)


def mesh(swatch: Swatch) -> Field:
    """Airy knit of running shoes."""
    holes = _waves(swatch.u + swatch.v * 0.6, 34) * _waves(swatch.u - swatch.v * 0.6, 34)
    return single(0.8 * holes + 0.2 * noise(swatch.rng, swatch.shape, 0.8))


def rubber(swatch: Swatch) -> Field:
    """Almost smooth."""
    return 0.05 * noise(swatch.rng, swatch.shape, 1.0)


def quilt(every: float = 0.17) -> Weave:
    """Padded bolsters, stitched through from side to side."""

    def bolsters(swatch: Swatch) -> Field:
        wavy = swatch.v + 0.008 * noise(swatch.rng, swatch.shape, 30)
        swell = np.sqrt(np.abs(np.sin(np.pi * wavy / every)) + 0.004)
        # Little gathers start at the stitching and die away towards the middle.
        gathers = swatch.streaks(3.0, 12) * (1.15 - swell)
        return (17 * swell + 2.6 * gathers + 1.2 * noise(swatch.rng, swatch.shape, 9)).astype(
            np.float32
        )

    return bolsters


# Patterns: the colour of each pixel, from the colour of the cloth.


def stripes(colour: Colour, every: float, share: float = 0.5, upright: bool = False) -> Pattern:
    """Stripes across the grain, or along it where ``upright``."""

    def striped(swatch: Swatch, base: Field) -> Field:
        position = swatch.u if upright else swatch.v
        return mixed(base, light(colour), _bands(position, every, share, swatch.unit))

    return striped


def _bands(position: Field, every: float, share: float, unit: float) -> Field:
    """One inside the bands; the edge takes about a pixel, lest it look cut out."""
    inside = share / 2 - np.abs((position / every) % 1 - 0.5)
    return single(np.clip(inside * every * unit / 1.2 + 0.5, 0, 1))


def checks(*lines: tuple[Colour, float, float, float]) -> Pattern:
    """Crossing bands, each as (colour, every, share, offset); where two cross they deepen."""

    def checked(swatch: Swatch, base: Field) -> Field:
        for colour, every, share, offset in lines:
            for position in (swatch.u, swatch.v):
                band = _bands(position + offset, every, share, swatch.unit)
                base = mixed(base, light(colour), 0.55 * band)
        return base

    return checked


def dots(colour: Colour, every: float, radius: float) -> Pattern:
    """Polka dots in staggered rows."""

    def dotted(swatch: Swatch, base: Field) -> Field:
        row = np.floor(swatch.v / every)
        x = ((swatch.u / every + 0.5 * (row % 2)) % 1 - 0.5) * every
        y = (swatch.v / every - row - 0.5) * every
        inside = np.clip((radius - np.hypot(x, y)) * swatch.unit / 1.2 + 0.5, 0, 1)
        return mixed(base, light(colour), inside)

    return dotted


def florals(petals: Sequence[Colour], leaf: Colour, every: float = 0.11) -> Pattern:
    """Small scattered blossoms, each turned and coloured by chance."""

    def flowered(swatch: Swatch, base: Field) -> Field:
        row, column = np.floor(swatch.v / every), np.floor(swatch.u / every)
        chance = np.sin(row * 12.9898 + column * 78.233) * 43758.5453 % 1  # a hash of the cell
        turn = chance * 2 * np.pi
        x = (swatch.u / every - column - 0.5) + 0.2 * np.cos(turn * 3)
        y = (swatch.v / every - row - 0.5) + 0.2 * np.sin(turn * 5)
        far, bearing = np.hypot(x, y), np.arctan2(y, x)
        soft = every * swatch.unit / 1.5
        leaves = 0.30 * np.abs(np.cos(bearing + turn)) ** 6 + 0.02 - far
        base = mixed(base, light(leaf), np.clip(leaves * soft, 0, 1))
        bloom = 0.15 + 0.07 * np.cos(5 * bearing + turn) - far
        choice = np.floor(chance * 977 % len(petals)).astype(int)
        colours = np.array([light(petal) for petal in petals])[choice]
        base = mixed(base, colours, np.clip(bloom * soft, 0, 1))
        return mixed(base, light("f6d35b"), np.clip((0.05 - far) * soft, 0, 1))

    return flowered


def fair_isle(colours: Sequence[Colour], top: float, bottom: float) -> Pattern:
    """A band of knitted diamonds and zigzags between two heights."""

    def knitted(swatch: Swatch, base: Field) -> Field:
        step = 0.0192  # one stitch
        u, v = np.floor(swatch.u / step), np.floor((swatch.v - top) / step)
        zigzag = np.abs(u % 8 - 4)
        row = v % 12
        figures = (np.abs(row - 6) == zigzag) | ((np.abs(row - 6) + zigzag) < 2)
        edging = (row == 0) & (u % 2 == 0)
        inside = (swatch.v > top) & (swatch.v < bottom)
        base = mixed(base, light(colours[0]), single(inside & figures))
        return mixed(base, light(colours[1]), single(inside & edging))

    return knitted


def heather(strength: float = 0.25) -> Pattern:
    """Fibres of lighter and darker yarn spun together."""

    def flecked(swatch: Swatch, base: Field) -> Field:
        flecks = swatch.streaks(0.8, 3) + 0.6 * noise(swatch.rng, swatch.shape, 2, 5, swatch.angle)
        return single(base * np.exp(strength * flecks[..., None]))

    return flecked


def washed(strength: float = 0.5) -> Pattern:
    """Denim: white weft shows through, and wear has bleached the thighs."""

    def bleached(swatch: Swatch, base: Field) -> Field:
        weft = 0.05 * swatch.streaks(0.7, 9) + 0.05 * noise(swatch.rng, swatch.shape, 0.7)
        legs = np.exp(-(((np.abs(swatch.u) - 0.2) / 0.085) ** 2))
        worn = 0.42 * legs * np.exp(-(((swatch.v + 0.12) / 0.42) ** 2))
        patchy = 0.05 * fractal(swatch.rng, swatch.shape, 24, 3)
        return mixed(base, light("b9cbdd"), np.clip(strength * (worn + patchy + weft), 0, 1))

    return bleached


def sunset(colour: Colour, start: float, end: float) -> Pattern:
    """A colour that comes in gradually on the way down."""
    return lambda swatch, base: mixed(base, light(colour), smoothstep(swatch.v, start, end))


def leopard(swatch: Swatch, base: Field) -> Field:
    """Dark rosettes on tan."""
    blots = noise(swatch.rng, swatch.shape, 5)
    broken = smoothstep(noise(swatch.rng, swatch.shape, 4), -0.9, -0.3)
    centres = mixed(base, light("8a5526"), smoothstep(blots, 0.7, 0.9))
    rings = smoothstep(-np.abs(blots - 0.75), -0.42, -0.3) * broken
    return mixed(centres, light("21150d"), rings)


@dataclass(frozen=True)
class Cloth:
    """A material.

    Attributes:
        colour: Its ground colour.
        weave: The relief of its surface.
        pattern: What is printed or woven into it.
        gloss: Strength of the highlight.
        polish: Sharpness of the highlight.
        crumple: How strongly it wrinkles; leather little, linen much.
        crisp: Share of sharp creases among the wrinkles.
        thickness: Height of its edge in garment units.
    """

    colour: Colour
    weave: Weave = jersey
    pattern: Pattern | None = None
    gloss: float = 0.0
    polish: float = 12.0
    crumple: float = 1.0
    crisp: float = 0.4
    thickness: float = 0.006

    def dyed(self, colour: Colour) -> "Cloth":
        """The same material in one other colour, without the pattern."""
        return replace(self, colour=colour, pattern=None)

    def woven(self, weave: Weave) -> "Cloth":
        """The same yarn worked another way, as for a ribbed cuff."""
        return replace(self, weave=weave, crumple=self.crumple * 0.4)

    def colours(self, swatch: Swatch) -> Field:
        """Linear reflectance of each pixel of a patch."""
        base = np.broadcast_to(light(self.colour), (*swatch.shape, 3))
        mottled = base * (1 + 0.03 * noise(swatch.rng, swatch.shape, 14))[..., None]
        return self.pattern(swatch, mottled) if self.pattern else mottled


def cotton(colour: Colour, pattern: Pattern | None = None) -> Cloth:
    """T-shirt cotton."""
    return Cloth(colour, jersey, pattern)


def shirting(colour: Colour, pattern: Pattern | None = None) -> Cloth:
    """Thin crisp cotton."""
    return Cloth(colour, poplin, pattern, crumple=1.0, crisp=0.6, thickness=0.005)


def knitwear(colour: Colour, pattern: Pattern | None = None, per_unit: float = 26) -> Cloth:
    """Thick soft knit."""
    return Cloth(colour, knit(per_unit), pattern, crumple=0.9, crisp=0.05, thickness=0.014)


def denim(colour: Colour) -> Cloth:
    """Washed denim."""
    return Cloth(colour, twill, washed(), crumple=1.0, crisp=0.45, thickness=0.009)


def coating(colour: Colour, pattern: Pattern | None = None) -> Cloth:
    """Heavy wool."""
    return Cloth(colour, wool, pattern, crumple=0.65, crisp=0.1, thickness=0.014)


def flowing(colour: Colour, pattern: Pattern | None = None) -> Cloth:
    """Light cloth of dresses, with a faint sheen."""
    return Cloth(colour, poplin, pattern, gloss=0.04, polish=6, crumple=0.8, crisp=0.25)


def hide(colour: Colour, gloss: float = 0.22) -> Cloth:
    """Leather."""
    return Cloth(colour, leather, gloss=gloss, polish=34, crumple=0.22, crisp=0.1, thickness=0.012)


def sole(colour: Colour) -> Cloth:
    """Rubber or foam under a shoe."""
    return Cloth(colour, rubber, gloss=0.08, polish=24, crumple=0.05, crisp=0, thickness=0.014)


def metal(colour: Colour = "c9c4b8") -> Cloth:
    """Buckles, clasps, hooks and zips."""
    return Cloth(colour, rubber, gloss=0.7, polish=22, crumple=0.0, crisp=0, thickness=0.008)


def timber(colour: Colour = "b98a5a") -> Cloth:
    """The wood of hangers and heels."""
    return Cloth(colour, twill, heather(0.12), gloss=0.15, polish=26, crumple=0.02, thickness=0.014)
