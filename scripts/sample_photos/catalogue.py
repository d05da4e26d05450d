"""The list of the photos: which garment, on which ground, in which light."""

from dataclasses import dataclass, field
from math import pi, radians

from .bags import backpack, handbag, shoulder_bag, tote
from .bench import Light
from .bottoms import bobble_hat, scarf, shorts, skirt, socks, trousers
from .camera import Shot, Stance
from .cloth import (
    Cloth,
    cable,
    canvas,
    checks,
    coating,
    cotton,
    denim,
    dots,
    fair_isle,
    florals,
    flowing,
    heather,
    hide,
    knitwear,
    leopard,
    mesh,
    quilt,
    shirting,
    stripes,
    suede,
    sunset,
    twill,
)
from .dresses import dress
from .grounds import Ground, boards, carpet, paper, plaster, sheet, stone
from .shoes import (
    boot,
    flip_flops,
    heeled_boot,
    heeled_sandal,
    sneaker,
    strapped_sandals,
)
from .tops import (
    Garment,
    coat,
    on_hanger,
    puffer,
    pullover,
    shirt,
    sun_badge,
    t_shirt,
    tank_top,
)

NO_CATEGORY = "(none)"

_WINDOW = Light()
_FROM_RIGHT = Light(azimuth=-0.25 * pi, elevation=0.75)
_LOW = Light(azimuth=1.1 * pi, elevation=0.62, ambient=0.42, shadow=0.6)
_LAMP = Light(azimuth=1.55 * pi, elevation=0.95, ambient=0.45, shadow=0.62)
_STUDIO = Light(azimuth=1.35 * pi, elevation=0.85, ambient=0.5, shadow=0.36)

_OAK = boards("c39a6b", "8a5f38", 0.05)
_OAK_UPRIGHT = boards("b98d5c", "80562f", pi / 2 - 0.07)
_WALNUT = boards("6a4630", "34200f", pi / 2 + 0.06)
_WALNUT_ACROSS = boards("5b3d2b", "2c1b10", -0.08)
_GREY_WOOD = boards("a49c90", "6f675c", 0.35)
_BEIGE_CARPET = carpet("c2b49c")
_GREY_CARPET = carpet("7d7f84")
_DARK_CARPET = carpet("3d4148")
_WHITE_SHEET = sheet("efeeea")
_BLUE_SHEET = sheet("8fa6bd")
_SAGE_SHEET = sheet("a9b59c")
_ROSE_SHEET = sheet("d9b8b0")
_NIGHT_SHEET = sheet("2f3a4d")
_WARM_WALL = plaster("e6dccb")
_BLUE_WALL = plaster("9fb4bd")
_TILES = stone("b9b5ae", 0.12)
_SLATE = stone("565a5e", -0.1)

_STUDIO_SHOT = Shot(exposure=1.06, vignette=0.05, falloff=0.03, tilt=0.005, grain=1.4)
_DIM = Shot(exposure=0.62, warmth=0.07, vignette=0.35, grain=4.0, softness=0.7, falloff=0.28)
_WARM = Shot(warmth=0.06)
_COOL = Shot(warmth=-0.05)
_BRIGHT = Shot(exposure=1.12, warmth=0.02)
_DAYLIGHT = Shot()
_SUNNY = Shot(exposure=0.98, warmth=0.05, sun=0.65, falloff=0.08)


@dataclass(frozen=True)
class Photo:
    """One photo.

    Attributes:
        name: File name without its ending, category first.
        category: One of the ten Fashion-MNIST categories, or ``NO_CATEGORY``.
        garment: What is seen.
        ground: What it lies on or hangs before.
        lamp: The light.
        shot: The camera.
        degrees: How far the garment is turned, clockwise.
        size: Its size in the picture; one fills most of the height.
        wide: Whether the picture is wider than high.
        stance: Whether the garment lies on the ground, hangs before it, or stands on it.
        down: How much lower than in its middle it lies, in garment units.
        sideways: Whether the file is stored lying on its side, with an EXIF tag.
    """

    name: str
    category: str
    garment: Garment
    ground: Ground
    lamp: Light = field(default=_WINDOW)
    shot: Shot = field(default=_DAYLIGHT)
    degrees: float = 0.0
    size: float = 1.0
    wide: bool = False
    stance: Stance = Stance.LYING
    down: float = 0.0
    sideways: bool = False

    @property
    def angle(self) -> float:
        """The rotation in radians."""
        return radians(self.degrees)


_NAVY, _CREAM = "1f2a44", "ece4d2"
_TARTAN = (("1d2b4f", 0.16, 0.4, 0.0), ("17331f", 0.16, 0.2, 0.08), ("e8d9a0", 0.16, 0.05, 0.04))
_GINGHAM = (("3f6ba3", 0.052, 0.5, 0.0),)
_LUMBERJACK = (("15151a", 0.11, 0.5, 0.0), ("e8dcc8", 0.11, 0.05, 0.03))
_GLEN_CHECK = (("4a4540", 0.09, 0.3, 0.0), ("8a3f2e", 0.18, 0.03, 0.02))
_PETALS = ("e86a7a", "f4b2a6", "f7efe4", "d9435e")

_T_SHIRTS = (
    Photo(
        "t-shirt_red_on_floor",
        "T-shirt/top",
        t_shirt(cotton("b3262b")),
        _OAK,
        shot=_SUNNY,
        degrees=-6,
    ),
    Photo(
        "t-shirt_white_on_dark-wood",
        "T-shirt/top",
        t_shirt(cotton("ecebe6"), sun_badge(("e8893a", "2d6f86", "1f4c63", "8fc0c4"))),
        _WALNUT,
        _FROM_RIGHT,
        _COOL,
        degrees=8,
    ),
    Photo(
        "t-shirt_striped_on_sheet",
        "T-shirt/top",
        t_shirt(cotton("e9e6dd", stripes(_NAVY, 0.085, 0.42)), band=cotton(_NAVY)),
        _BLUE_SHEET,
        _LOW,
        _WARM,
        degrees=-14,
    ),
    Photo(
        "t-shirt_black_on_white",
        "T-shirt/top",
        t_shirt(cotton("2d2e32")),
        paper,
        _STUDIO,
        _STUDIO_SHOT,
    ),
    Photo(
        "t-shirt_mint-tank_on_carpet",
        "T-shirt/top",
        tank_top(cotton("9fd0bd")),
        _DARK_CARPET,
        _FROM_RIGHT,
        degrees=5,
    ),
)

_TROUSERS = (
    Photo(
        "trouser_blue-jeans_on_wood",
        "Trouser",
        trousers(denim("2b4468"), "c58b3c"),
        _OAK,
        shot=_SUNNY,
        degrees=4,
        size=0.93,
    ),
    Photo(
        "trouser_beige-chinos_on_carpet",
        "Trouser",
        trousers(Cloth("c8b18a", twill, crisp=0.5), "a88f66", ankle=0.105),
        _DARK_CARPET,
        _LOW,
        _WARM,
        degrees=-5,
        size=0.93,
    ),
    Photo(
        "trouser_black_on_white",
        "Trouser",
        trousers(
            Cloth("34343b", twill, crisp=0.3, crumple=0.7),
            "25252a",
            ankle=0.1,
            spread=0.075,
            pressed=True,
        ),
        paper,
        _STUDIO,
        _STUDIO_SHOT,
        size=0.93,
    ),
    Photo(
        "trouser_olive_on_sheet",
        "Trouser",
        trousers(Cloth("5f6440", canvas, crisp=0.5), "4c5032", ankle=0.13),
        _WHITE_SHEET,
        _FROM_RIGHT,
        degrees=11,
        size=0.93,
    ),
)

_PULLOVERS = (
    Photo(
        "pullover_grey_on_wood",
        "Pullover",
        pullover(knitwear("8b8d92", heather(0.22))),
        _WALNUT_ACROSS,
        _WINDOW,
        _WARM,
        degrees=-4,
    ),
    Photo(
        "pullover_mustard-cable_on_sheet",
        "Pullover",
        pullover(Cloth("c8922d", cable(), crumple=0.8, crisp=0.05, thickness=0.016)),
        _WHITE_SHEET,
        _LOW,
        degrees=7,
    ),
    Photo(
        "pullover_norwegian_on_carpet",
        "Pullover",
        pullover(knitwear("8e2430", fair_isle(("f0e8d8", "f0e8d8"), -0.46, 0.0), 30)),
        _BEIGE_CARPET,
        _FROM_RIGHT,
        _COOL,
        degrees=-9,
        size=0.93,
    ),
    Photo(
        "pullover_cream-rollneck_in_dim-light",
        "Pullover",
        pullover(knitwear("e2d8c2", per_unit=20), roll_neck=True),
        _NIGHT_SHEET,
        _LAMP,
        _DIM,
        degrees=3,
    ),
)

_DRESSES = (
    Photo(
        "dress_red_on_hanger",
        "Dress",
        on_hanger(dress(flowing("a81f34"), belt="2a1216"), -0.80, 0.24),
        _WARM_WALL,
        _LOW,
        _SUNNY,
        size=0.9,
        stance=Stance.HANGING,
    ),
    Photo(
        "dress_floral_on_sheet",
        "Dress",
        dress(flowing("27395a", florals(_PETALS, "5d8a5f")), flare=0.56, sleeves=True),
        _WHITE_SHEET,
        _WINDOW,
        _WARM,
        degrees=6,
    ),
    Photo(
        "dress_yellow-dots_on_wood",
        "Dress",
        dress(flowing("e6b53c", dots("fbf4e2", 0.075, 0.016)), straps=True, flare=0.5),
        _WALNUT,
        _FROM_RIGHT,
        degrees=-8,
    ),
    Photo(
        "dress_black_on_white",
        "Dress",
        dress(flowing("1d1c20"), flare=0.46, sleeves=True),
        paper,
        _STUDIO,
        _STUDIO_SHOT,
    ),
    Photo(
        "dress_lilac_on_carpet",
        "Dress",
        dress(flowing("b9a3d4", sunset("6d57a0", 0.1, 0.85)), belt="5a4390", flare=0.52),
        _GREY_CARPET,
        _LAMP,
        degrees=12,
        size=0.9,
    ),
)

_COATS = (
    Photo(
        "coat_camel_on_hanger",
        "Coat",
        on_hanger(coat(coating("b58a56"), belt=True), -0.76),
        _BLUE_WALL,
        _LOW,
        size=0.86,
        stance=Stance.HANGING,
    ),
    Photo(
        "coat_charcoal_on_sheet",
        "Coat",
        coat(coating("3c3d42", heather(0.18)), double=True, buttons="18181a"),
        _WHITE_SHEET,
        degrees=-7,
    ),
    Photo(
        "coat_olive-puffer_on_white",
        "Coat",
        puffer(
            Cloth("59613f", quilt(), gloss=0.16, polish=9, crumple=0.3, crisp=0.1, thickness=0.02)
        ),
        paper,
        _STUDIO,
        _STUDIO_SHOT,
        size=0.9,
    ),
    Photo(
        "coat_cream-check_on_dark-wood",
        "Coat",
        coat(coating("d5cbb8", checks(*_GLEN_CHECK)), buttons="5b3d24", lining="7d8896"),
        _WALNUT_ACROSS,
        _FROM_RIGHT,
        _WARM,
        degrees=5,
    ),
)

_SANDALS = (
    Photo(
        "sandal_turquoise-flip-flops_on_tiles",
        "Sandal",
        flip_flops("2a9d9a", "f2c14e", "f3ead6"),
        _TILES,
        _LOW,
        _BRIGHT,
        degrees=-8,
        wide=True,
        size=0.92,
    ),
    Photo(
        "sandal_brown-straps_on_carpet",
        "Sandal",
        strapped_sandals(hide("5a3825", 0.1), "c4a27a", "c9b47c"),
        _BEIGE_CARPET,
        _WINDOW,
        degrees=10,
        wide=True,
        size=0.92,
    ),
    Photo(
        "sandal_red-heels_on_white",
        "Sandal",
        heeled_sandal(hide("a3202d", 0.3), "7d1822"),
        paper,
        _STUDIO,
        _STUDIO_SHOT,
        wide=True,
        stance=Stance.STANDING,
        size=0.95,
    ),
    Photo(
        "sandal_white-heels_on_slate",
        "Sandal",
        heeled_sandal(hide("e9e3d6", 0.15), "b88d5e"),
        _SLATE,
        _FROM_RIGHT,
        _COOL,
        degrees=-11,
        wide=True,
        size=0.95,
    ),
)

_SHIRTS = (
    Photo(
        "shirt_white_on_dark-wood", "Shirt", shirt(shirting("eeedea")), _WALNUT, _WINDOW, degrees=-5
    ),
    Photo(
        "shirt_blue-gingham_on_hanger",
        "Shirt",
        on_hanger(shirt(shirting("e8edf2", checks(*_GINGHAM))), -0.66),
        _WARM_WALL,
        _FROM_RIGHT,
        size=0.84,
        stance=Stance.HANGING,
    ),
    Photo(
        "shirt_pink-striped_on_sheet",
        "Shirt",
        shirt(shirting("f0e6e4", stripes("c4687c", 0.03, 0.4, upright=True))),
        _SAGE_SHEET,
        _LOW,
        degrees=9,
        size=0.93,
    ),
    Photo(
        "shirt_lumberjack_on_carpet",
        "Shirt",
        shirt(Cloth("a62a25", twill, checks(*_LUMBERJACK)), buttons="2a1d18", pockets=2),
        _GREY_CARPET,
        _LAMP,
        _DIM,
        degrees=-16,
        size=0.88,
    ),
)

_SNEAKERS = (
    Photo(
        "sneaker_white_on_wood",
        "Sneaker",
        sneaker(hide("eceae4", 0.1), "3f7d5a"),
        _WALNUT_ACROSS,
        _WINDOW,
        wide=True,
        degrees=-4,
    ),
    Photo(
        "sneaker_red-canvas_on_white",
        "Sneaker",
        sneaker(Cloth("b22e2c", canvas), "f0ece2"),
        paper,
        _STUDIO,
        _STUDIO_SHOT,
        wide=True,
        stance=Stance.STANDING,
    ),
    Photo(
        "sneaker_grey-runner_on_carpet",
        "Sneaker",
        sneaker(Cloth("5d646e", mesh), "e2743a", laces="e8e4da", runner=True),
        _BEIGE_CARPET,
        _FROM_RIGHT,
        wide=True,
        degrees=6,
    ),
    Photo(
        "sneaker_navy-runner_exif-rotated",
        "Sneaker",
        sneaker(Cloth("243352", mesh), "c9d3da", runner=True),
        _OAK,
        _LOW,
        _WARM,
        wide=True,
        degrees=-9,
        sideways=True,
    ),
)

_BAGS = (
    Photo(
        "bag_canvas-tote_on_wood",
        "Bag",
        tote(Cloth("d9cdb4", canvas, crisp=0.3), Cloth("2f4a63", canvas, crumple=0.3)),
        _WALNUT,
        _WINDOW,
        degrees=4,
        size=0.92,
    ),
    Photo(
        "bag_cognac-leather_on_sheet",
        "Bag",
        handbag(hide("9a5426")),
        _WHITE_SHEET,
        _LOW,
        wide=True,
        degrees=-3,
    ),
    Photo(
        "bag_navy-backpack_on_carpet",
        "Bag",
        backpack(Cloth("2c3d5c", canvas, crumple=0.6), "1a2233"),
        _BEIGE_CARPET,
        _FROM_RIGHT,
        _WARM,
        degrees=7,
        size=0.86,
    ),
    Photo(
        "bag_black-quilted_on_white",
        "Bag",
        shoulder_bag(hide("222024", 0.3)),
        paper,
        _STUDIO,
        _STUDIO_SHOT,
        wide=True,
        stance=Stance.STANDING,
    ),
)

_ANKLE_BOOTS = (
    Photo(
        "ankle-boot_brown_on_wood",
        "Ankle boot",
        boot(hide("6b3f22"), rubber="2a1d15", gusset="2b2320"),
        _GREY_WOOD,
        _WINDOW,
        _SUNNY,
        wide=True,
        degrees=-3,
        size=0.9,
        down=0.14,
    ),
    Photo(
        "ankle-boot_black-laced_on_white",
        "Ankle boot",
        boot(hide("242326", 0.35), rubber="2e2b28", stitching="e2b93f", laces="17171a"),
        paper,
        _STUDIO,
        _STUDIO_SHOT,
        wide=True,
        stance=Stance.STANDING,
        size=0.93,
        down=0.14,
    ),
    Photo(
        "ankle-boot_beige-suede_on_carpet",
        "Ankle boot",
        heeled_boot(Cloth("b99a78", suede, crumple=0.25, thickness=0.012), "5a3d28"),
        _DARK_CARPET,
        _LAMP,
        wide=True,
        degrees=5,
        size=0.9,
        down=0.1,
    ),
    Photo(
        "ankle-boot_leopard_on_sheet",
        "Ankle boot",
        heeled_boot(Cloth("bd8a4f", suede, leopard, crumple=0.25, thickness=0.012), "1d1512"),
        _ROSE_SHEET,
        _FROM_RIGHT,
        wide=True,
        degrees=-6,
        size=0.9,
        down=0.1,
    ),
)

_STRANGERS = (
    Photo(
        "shorts_khaki_on_wood",
        NO_CATEGORY,
        shorts(Cloth("a8966b", twill, crisp=0.5), "8d7c55", "eee8da"),
        _OAK_UPRIGHT,
        _WINDOW,
        degrees=-7,
        size=1.15,
        down=0.46,
    ),
    Photo(
        "skirt_tartan_on_sheet",
        NO_CATEGORY,
        skirt(Cloth("8f2328", twill, checks(*_TARTAN), crumple=0.5)),
        _WHITE_SHEET,
        _LOW,
        degrees=6,
        size=1.0,
    ),
    Photo(
        "hat_bobble_on_dark-wood",
        NO_CATEGORY,
        bobble_hat(knitwear("d8cdb8", stripes("3c6e71", 0.2, 0.4), 20), "c8553d"),
        _WALNUT,
        _FROM_RIGHT,
        degrees=-12,
        size=0.95,
    ),
    Photo(
        "scarf_striped_on_carpet",
        NO_CATEGORY,
        scarf(knitwear("7a2f3c", stripes("e4cfa6", 0.16, 0.3), 28), "e4cfa6"),
        _GREY_CARPET,
        _WINDOW,
        _WARM,
    ),
    Photo(
        "socks_green_on_sheet",
        NO_CATEGORY,
        socks(knitwear("4f7355", stripes(_CREAM, 0.1, 0.3), 34), "d98a3d"),
        _BLUE_SHEET,
        _LAMP,
        degrees=8,
        size=0.95,
    ),
)

PHOTOS: tuple[Photo, ...] = (
    *_T_SHIRTS,
    *_TROUSERS,
    *_PULLOVERS,
    *_DRESSES,
    *_COATS,
    *_SANDALS,
    *_SHIRTS,
    *_SNEAKERS,
    *_BAGS,
    *_ANKLE_BOOTS,
    *_STRANGERS,
)
