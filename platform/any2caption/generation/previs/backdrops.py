"""Where the action takes place: a ground and sky that are shaded per pixel, and solid scenery."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from any2caption.generation.previs import meshes as shapes
from any2caption.generation.previs.meshes import Colour, Mesh

Array = NDArray[Any]

EYE_HEIGHT = 1.15  # metres of the first camera over the ground
_LIGHT = {"day": (1.0, 1.0, 1.0), "dusk": (1.06, 0.82, 0.68), "night": (0.34, 0.4, 0.58)}


@dataclass(frozen=True, slots=True)
class Place:
    """Colours of a place; `sky` = zenith and horizon, `ground` = two tones of its pattern."""

    sky: tuple[Colour, Colour]
    ground: tuple[Colour, Colour]
    pattern: str
    clouds: bool = True


_GRAZING, _ON_GROUND = 1e-3, 0.02  # a ray's slope, a camera's height: less sees no ground
_STAR_CHANCE = 0.992
_CLEARING = (2.0, 8.0)  # half width and depth of the forest's clearing, for the subject
_ROAD = 2.6  # half the width of the street
PLACES: dict[str, Place] = {
    "studio": Place(
        sky=((206, 210, 216), (232, 234, 236)),
        ground=((196, 198, 202), (182, 184, 190)),
        pattern="grid",
        clouds=False,
    ),
    "beach": Place(
        sky=((92, 164, 222), (206, 230, 240)),
        ground=((232, 212, 164), (222, 198, 146)),
        pattern="beach",
    ),
    "meadow": Place(
        sky=((108, 172, 228), (214, 234, 242)),
        ground=((112, 168, 76), (92, 148, 64)),
        pattern="grass",
    ),
    "forest": Place(
        sky=((150, 186, 190), (206, 220, 208)),
        ground=((92, 112, 60), (76, 94, 52)),
        pattern="grass",
    ),
    "street": Place(
        sky=((132, 170, 210), (216, 224, 230)),
        ground=((104, 106, 112), (94, 96, 102)),
        pattern="road",
    ),
    "room": Place(
        sky=((214, 196, 170), (214, 196, 170)),
        ground=((172, 124, 80), (154, 108, 68)),
        pattern="planks",
        clouds=False,
    ),
    "mountain": Place(
        sky=((112, 162, 220), (222, 234, 244)),
        ground=((240, 244, 250), (216, 226, 240)),
        pattern="snow",
    ),
    "desert": Place(
        sky=((104, 168, 222), (240, 226, 196)),
        ground=((222, 180, 116), (206, 162, 98)),
        pattern="snow",
        clouds=False,
    ),
}


def rays(size: int, focal: float, rotation: Array) -> Array:
    """Return size×size×3 viewing directions in the world; `focal` is a fraction of the width."""
    step = (np.arange(size) + 0.5) / size - 0.5
    x, y = np.meshgrid(step / focal, step / focal)
    directions = np.stack([x, y, np.ones_like(x)], axis=2).astype(np.float32)
    return directions @ rotation.T.astype(np.float32)


def backdrop(  # noqa: PLR0913, PLR0917 - a picture has this many givens
    place: Place,
    light: str,
    directions: Array,
    origin: Array,
    shadows: list[tuple[float, float, float]],
    time: float,
) -> Array:
    """Shade sky and ground: H×W×3 in 0…255. `shadows` are (x, z, radius) of what stands there."""
    unit = directions / np.linalg.norm(directions, axis=2, keepdims=True)
    up = -unit[..., 1]
    tint = np.array(_LIGHT[light], dtype=np.float32)
    horizon = np.array(place.sky[1], dtype=np.float32) * tint
    zenith = np.array(place.sky[0], dtype=np.float32) * tint
    blend = np.clip(up / 0.5, 0, 1)[..., None] ** 0.7
    picture = horizon + (zenith - horizon) * blend
    if place.clouds and light != "night":
        picture += _clouds(unit, time)[..., None] * (np.array([255, 252, 248]) * tint - picture)
    if light == "night":
        picture += _stars(unit)[..., None] * (0.0 if place.pattern == "planks" else 1.0)
    height = EYE_HEIGHT - origin[1]
    below = (unit[..., 1] > _GRAZING) & (height > _ON_GROUND)
    distance = np.where(below, height / np.where(below, unit[..., 1], 1.0), np.inf)
    distance = np.minimum(distance, 500.0)
    x = origin[0] + unit[..., 0] * distance
    z = origin[2] + unit[..., 2] * distance
    ground: Array = _ground(place, x, z, distance, time)
    shade = np.ones_like(x)
    for sx, sz, radius in shadows:
        near = ((x - sx) ** 2 + (z - sz) ** 2) / radius**2
        shade *= 1 - 0.5 * np.exp(-near * 1.4)
    ground = ground * shade[..., None] * tint
    haze = (1 - np.exp(-distance / 55.0))[..., None]
    ground += haze * (horizon - ground)
    shaded: Array = np.where(below[..., None], ground, picture)
    return shaded


def _waves(x: Array, z: Array) -> Array:
    """A cheap band-limited noise in -1…1."""
    return (
        np.sin(1.7 * x + 1.3 * np.sin(0.9 * z))
        + np.sin(2.3 * z + 1.1 * np.sin(1.4 * x + 0.6))
        + np.sin(4.1 * x - 3.3 * z)
    ) / 3


def _clouds(unit: Array, time: float) -> Array:
    up = np.maximum(-unit[..., 1], 0.06)
    x, z = unit[..., 0] / up * 1.2 + 0.04 * time, unit[..., 2] / up * 1.2
    soft = _waves(0.7 * x, 0.7 * z) + 0.4 * _waves(1.9 * x + 2, 1.7 * z)
    return np.clip(soft - 0.25, 0, 0.7) * np.clip((-unit[..., 1] - 0.05) * 6, 0, 1)


def _stars(unit: Array) -> Array:
    azimuth = np.floor(np.arctan2(unit[..., 0], unit[..., 2]) * 90)
    height = np.floor(np.arcsin(np.clip(-unit[..., 1], -1, 1)) * 90)
    chance = np.modf(np.abs(np.sin(azimuth * 12.9898 + height * 78.233) * 43758.5453))[0]
    return np.where((chance > _STAR_CHANCE) & (height > 1), 170 * chance, 0.0)


def _ground(place: Place, x: Array, z: Array, distance: Array, time: float) -> Array:
    light, dark = (np.array(c, dtype=np.float32) for c in place.ground)
    near = np.exp(-distance / 16.0)
    if place.pattern == "grid":
        line = np.minimum(np.abs(np.modf(np.abs(x))[0] - 0.5), np.abs(np.modf(np.abs(z))[0] - 0.5))
        mix = np.clip(1 - line / 0.04, 0, 1) * near
    elif place.pattern == "planks":
        seam = np.clip(1 - np.abs(np.modf(np.abs(x) / 0.4)[0] - 0.5) / 0.06, 0, 1)
        mix = (seam + 0.3 * (np.floor(np.abs(x) / 0.4 + 0.5) % 2)) * near
    else:
        mix = (0.5 + 0.5 * _waves(1.8 * x, 1.8 * z) * near) * 0.9
    colour: Array = light + (dark - light) * np.clip(mix, 0, 1)[..., None]
    if place.pattern == "grass":
        colour += (9 * near * np.sin(23 * x + 5 * np.sin(7 * z)) * np.sin(19 * z))[..., None]
    if place.pattern == "road":
        walk = (np.abs(x) > _ROAD).astype(float)
        colour += walk[..., None] * (np.array([176, 172, 164]) - colour)
        kerb = np.clip(1 - np.abs(np.abs(x) - _ROAD) / 0.1, 0, 1)
        dashes = np.modf(np.abs(z) / 2.4)[0] < 1 / 2
        centre = np.clip(1 - np.abs(x) / 0.09, 0, 1) * dashes
        mark = np.maximum(kerb * 0.7, centre) * np.clip(near * 3, 0, 1)
        colour += mark[..., None] * (np.array([238, 236, 224]) - colour)
    if place.pattern == "beach":
        shore = 8.5 + 0.35 * np.sin(0.6 * x + 0.8) + 0.25 * np.sin(1.4 * time)
        sea = np.clip((z - shore) / 0.5, 0, 1)
        ripple = np.sin(2.2 * z - 2.0 * time + 0.5 * np.sin(0.8 * x)) * np.exp(-distance / 40)
        water = np.array([46, 132, 176]) + 15 * ripple[..., None]
        foam = np.exp(-(((z - shore) / 0.45) ** 2)) * 0.9
        colour += sea[..., None] * (water - colour)
        colour += foam[..., None] * (np.array([246, 250, 250]) - colour)
    return colour


def scenery(name: str, seed: int) -> list[Mesh]:
    """Return the solid parts of a place; ground level is y = `EYE_HEIGHT`."""
    rng = np.random.default_rng(seed)
    builders = {
        "beach": _palms,
        "meadow": _trees,
        "forest": _forest,
        "street": _buildings,
        "room": _room,
        "mountain": _peaks,
        "desert": _dunes,
    }
    meshes = builders[name](rng) if name in builders else []
    return [mesh.placed(np.array([0, EYE_HEIGHT, 0])) for mesh in meshes]


def _at(x: float, z: float, y: float = 0.0) -> Array:
    return np.array([x, y, z])


def _tree(x: float, z: float, height: float, crown: Colour) -> list[Mesh]:
    trunk = shapes.lathe([(0.09, -height * 0.5), (0.14, 0.0)], (110, 80, 54), 8)
    lower = shapes.cone(height * 0.3, height * 0.55, crown, 10)
    upper = shapes.cone(height * 0.22, height * 0.45, crown, 10)
    return [
        trunk.placed(_at(x, z)),
        lower.placed(_at(x, z, -height * 0.3)),
        upper.placed(_at(x, z, -height * 0.62)),
    ]


def _round_tree(x: float, z: float, height: float, crown: Colour) -> list[Mesh]:
    trunk = shapes.lathe([(0.1, -height * 0.6), (0.15, 0.0)], (116, 84, 56), 8)
    ball = shapes.ball(height * 0.32, crown, rings=7, sides=10)
    return [trunk.placed(_at(x, z)), ball.placed(_at(x, z, -height * 0.75))]


def _trees(rng: np.random.Generator) -> list[Mesh]:
    meshes = []
    for x, z in ((-4.2, 8.0), (3.9, 9.5), (-7.5, 13.0), (7.8, 12.0), (0.8, 17.0), (-2.8, 6.8)):
        height = float(rng.uniform(1.9, 3.0))
        meshes += _round_tree(x + float(rng.uniform(-0.4, 0.4)), z, height, (70, 130, 62))
    for x, z, r in (
        (-16.0, 40.0, 13.0),
        (9.0, 46.0, 17.0),
        (30.0, 42.0, 12.0),
        (-40.0, 44.0, 15.0),
    ):
        hill = shapes.lathe([(0, -r * 0.28), (r * 0.5, -r * 0.21), (r, 0.0)], (124, 170, 96), 14)
        meshes.append(hill.placed(_at(x, z)))
    return meshes


def _forest(rng: np.random.Generator) -> list[Mesh]:
    meshes = []
    for z in (6.5, 9.0, 12.0, 16.0):
        for x in np.arange(-9.0, 9.1, 2.4):
            if z < _CLEARING[1] and abs(x) < _CLEARING[0]:
                continue
            shade = int(rng.integers(-14, 14))
            place = (float(x + rng.uniform(-0.8, 0.8)), float(z + rng.uniform(-0.8, 0.8)))
            crown = (52 + shade, 96 + shade, 58 + shade)
            meshes += _tree(*place, float(rng.uniform(2.8, 4.6)), crown)
    return meshes


def _palms(rng: np.random.Generator) -> list[Mesh]:
    meshes = []
    for x, z in ((-3.6, 6.6), (4.4, 7.4), (-6.2, 7.6)):
        top = np.array([x + float(rng.uniform(-0.4, 0.4)), -2.7, z])
        meshes.append(shapes.limb(_at(x, z), top, (0.13, 0.08), (150, 112, 74)))
        for angle in np.arange(7) * 2 * np.pi / 7:
            side = np.array([np.cos(angle), 0.0, np.sin(angle)])
            middle = top + 0.7 * side + np.array([0, -0.15, 0])
            meshes.append(shapes.limb(top, middle, (0.1, 0.13), (66, 138, 70), sides=5))
            tip = middle + 0.6 * side + np.array([0, 0.35, 0])
            meshes.append(shapes.limb(middle, tip, (0.13, 0.03), (58, 126, 64), sides=5))
    return meshes


def _buildings(rng: np.random.Generator) -> list[Mesh]:
    tones: list[Colour] = [(196, 150, 122), (170, 174, 182), (214, 196, 160), (150, 128, 124)]
    meshes = []
    for side in (-1.0, 1.0):
        z = -3.0
        for index in range(8):
            depth, height = float(rng.uniform(3.0, 4.4)), float(rng.uniform(3.6, 7.5))
            centre = z + depth / 2
            tone = tones[(index + (side > 0)) % len(tones)]
            block = shapes.box((3.0, height, depth - 0.12), tone)
            meshes.append(block.placed(_at(side * 5.6, centre, -height / 2)))
            face = side * 4.08
            for floor in np.arange(1.3, height - 0.5, 1.15):
                for along in np.arange(-depth / 2 + 0.6, depth / 2 - 0.5, 0.95):
                    low, high = -floor, -floor - 0.62
                    near, far = centre + along - 0.25, centre + along + 0.25
                    top = [(face, high, near), (face, high, far)]
                    bottom = [(face, low, far), (face, low, near)]
                    meshes.append(shapes.quad(top + bottom, (74, 92, 118)))
            z += depth
    end = shapes.box((16.0, 6.0, 1.0), (176, 182, 192)).placed(_at(0, 34.0, -3.0))
    return [*meshes, end]


def _room(_: np.random.Generator) -> list[Mesh]:
    meshes = []
    left, right, near, far, top = -5.0, 5.0, -5.0, 8.0, -3.4
    for index, z in enumerate(np.arange(near, far, 1.0)):
        tone = 4 * (index % 2)
        wall: Colour = (206 - tone, 176 - tone, 136 - tone)
        for x in (left, right):
            corners = [(x, top, z), (x, top, z + 1), (x, 0, z + 1), (x, 0, z)]
            meshes.append(shapes.quad(corners, wall, backdrop=True))
    for index, x in enumerate(np.arange(left, right, 0.5)):
        tone = 8 * (index % 2)
        plank: Colour = (190 - tone, 146 - tone, 100 - tone)
        for z in (near, far):
            corners = [(x, top, z), (x + 0.5, top, z), (x + 0.5, 0, z), (x, 0, z)]
            meshes.append(shapes.quad(corners, plank, backdrop=True))
        corners = [(x, top, near), (x + 0.5, top, near), (x + 0.5, top, far), (x, top, far)]
        meshes.append(shapes.quad(corners, (234, 226, 212), backdrop=True))
    for x0, x1, y0, y1, z, colour in (
        (-2.9, -1.1, -2.5, -1.1, far - 0.02, (122, 82, 52)),
        (-2.8, -2.05, -2.4, -1.2, far - 0.04, (176, 216, 238)),
        (-1.95, -1.2, -2.4, -1.2, far - 0.04, (176, 216, 238)),
        (1.3, 2.7, -2.3, -1.3, far - 0.02, (92, 62, 44)),
        (1.4, 2.6, -2.2, -1.4, far - 0.04, (206, 120, 84)),
    ):
        corners = [(x0, y0, z), (x1, y0, z), (x1, y1, z), (x0, y1, z)]
        meshes.append(shapes.quad(corners, colour, glow=True, backdrop=True))
    meshes.append(shapes.box((1.6, 0.8, 0.6), (142, 98, 62)).placed(_at(3.6, 7.2, -0.4)))
    floor = _at(-4.2, 7.0)
    shade = shapes.lathe([(0.12, -1.5), (0.26, -1.1)], (240, 224, 176), 12)
    rod = shapes.lathe([(0.03, -1.1), (0.03, 0.0)], (90, 80, 70), 6)
    return [*meshes, shade.placed(floor), rod.placed(floor)]


def _peaks(rng: np.random.Generator) -> list[Mesh]:
    meshes = []
    for x in (-34.0, -19.0, -7.0, 6.0, 17.0, 33.0):
        height, z = float(rng.uniform(8.0, 15.0)), float(rng.uniform(30.0, 38.0))
        base = height * 0.85
        rock = shapes.lathe([(base * 0.42, -height * 0.58), (base, 0.0)], (124, 132, 148), 9)
        snow = shapes.lathe([(0.0, -height), (base * 0.42, -height * 0.58)], (246, 249, 253), 9)
        meshes += [rock.placed(_at(x, z)), snow.placed(_at(x, z))]
    for x, z in ((-4.0, 8.0), (-5.6, 10.5), (4.6, 9.0), (6.4, 12.0)):
        meshes += _tree(x, z, float(rng.uniform(2.0, 3.0)), (78, 112, 102))
    return meshes


def _dunes(rng: np.random.Generator) -> list[Mesh]:
    meshes = []
    for x in (-26.0, -10.0, 7.0, 24.0):
        r = float(rng.uniform(9.0, 14.0))
        dune = shapes.lathe([(0, -r * 0.3), (r * 0.55, -r * 0.2), (r, 0.0)], (226, 184, 122), 16)
        meshes.append(dune.placed(_at(x, float(rng.uniform(26.0, 34.0)))))
    for x, z in ((-3.8, 7.5), (4.6, 9.0)):
        meshes.append(shapes.limb(_at(x, z), _at(x, z, -1.5), (0.17, 0.15), (92, 136, 84)))
        meshes.append(
            shapes.limb(_at(x, z, -0.7), _at(x + 0.45, z, -1.2), (0.1, 0.09), (92, 136, 84))
        )
    return meshes
