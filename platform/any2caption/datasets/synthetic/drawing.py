"""Subjects drawn large and flat: five distinct silhouettes, and people of thick limbs.

The same geometry is drawn in colour (pictures, clips) and in grey (depth: near is bright).
Coordinates are fractions of the picture. Depth and colour clips show the scene from a steady
viewpoint; the camera's movement is stated by the camera path alone.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from random import Random
from typing import Any

import numpy as np
from PIL import Image, ImageDraw

from any2caption.datasets.synthetic import body
from any2caption.datasets.synthetic.canvas import SIZE, Colour, apply_style, background, near
from any2caption.datasets.synthetic.world import Scene

COLOURS: dict[str, Colour] = {
    "red": (212, 32, 40),
    "orange": (246, 132, 16),
    "yellow": (250, 226, 30),
    "green": (24, 140, 58),
    "blue": (34, 78, 214),
    "purple": (140, 52, 178),
    "white": (248, 248, 248),
    "black": (26, 26, 30),
}
_SKIN = ((240, 200, 165), (205, 150, 110), (140, 95, 65))
_HAIR, _TROUSERS = (70, 48, 36), (74, 80, 98)
DEPTH_SIZE = 80
_PLACES: dict[int, tuple[float, tuple[tuple[float, float], ...]]] = {
    1: (0.25, ((0.5, 0.55),)),
    2: (0.175, ((0.3, 0.58), (0.7, 0.58))),
    3: (0.155, ((0.5, 0.33), (0.27, 0.7), (0.73, 0.7))),
}
_SLIDE = {1: 0.2, 2: 0.1, 3: 0.1}


@dataclass(frozen=True, slots=True)
class Actor:
    """One subject over T frames: `centres` T×2, `radii` T (a person's height), `points` T×18×2."""

    centres: np.ndarray[Any, np.dtype[np.float64]]
    radii: np.ndarray[Any, np.dtype[np.float64]]
    points: np.ndarray[Any, np.dtype[np.float64]] | None = None


def stage(scene: Scene, frames: int) -> list[Actor]:
    """Place the scene's subjects and let them act for a number of frames; they never overlap."""
    rng = scene.random("stage")
    return _people(scene, frames, rng) if scene.shape is None else _objects(scene, frames, rng)


def _objects(scene: Scene, frames: int, rng: Random) -> list[Actor]:
    time = np.linspace(0.0, 1.0, frames)
    radius, places = _PLACES[scene.count]
    radius *= rng.uniform(0.92, 1.06)
    shift, scale = np.zeros((frames, 2)), np.ones(frames)
    cycles, phase = rng.uniform(1.4, 2.2), rng.uniform(0.0, 1.0)
    if scene.action == "bounce":
        shift[:, 1] = 0.08 - 0.24 * np.abs(np.sin(np.pi * (cycles * time + phase)))
    elif scene.action == "slide":
        shift[:, 0] = _SLIDE[scene.count] * rng.uniform(0.9, 1.1) * (2 * time - 1)
    elif scene.action == "approach":
        scale = 0.68 + 0.45 * time
    drift_x, drift_y = rng.uniform(-0.03, 0.03), rng.uniform(-0.03, 0.03)
    return [Actor(np.array([x + drift_x, y + drift_y]) + shift, radius * scale) for x, y in places]


def _people(scene: Scene, frames: int, rng: Random) -> list[Actor]:
    places = (0.5,) if scene.count == 1 else (0.29, 0.71)
    height = rng.uniform(0.74, 0.82) if scene.count == 1 else rng.uniform(0.62, 0.7)
    if scene.action == "jump":
        height *= 0.86  # room above the head
    ground = rng.uniform(0.89, 0.92)
    actors = []
    for place in places:
        style = body.random_style(scene.action, rng)
        points = body.move(scene.action, style, frames) * height
        points[:, :, 0] += place + rng.uniform(-0.03, 0.03)
        points[:, :, 1] = ground - points[:, :, 1]
        actors.append(Actor(points[:, 8], np.full(frames, height), points))
    return actors


def first_frame(scene: Scene) -> Image.Image:
    """Return the clip's first frame, SIZE×SIZE RGB."""
    return _frames(scene, stage(scene, 8), 1)[0]


def clip(scene: Scene, frames: int) -> list[Image.Image]:
    """Return the whole clip in colour, as seen from a steady viewpoint."""
    return _frames(scene, stage(scene, frames), frames)


def _frames(scene: Scene, actors: Sequence[Actor], frames: int) -> list[Image.Image]:
    rng = scene.random("paint")
    ground = background(scene.background, rng)
    colour, skins = near(COLOURS[scene.colour], rng), [rng.choice(_SKIN) for _ in actors]
    pictures = []
    for frame in range(frames):
        picture = ground.copy()
        for actor, skin in zip(actors, skins, strict=True):
            _paint(picture, scene, actor, frame, colour, skin)
        pictures.append(apply_style(scene.style, picture, rng))
    return pictures


def identity(scene: Scene) -> Image.Image:
    """Return one subject, standing alone on plain ground: its kind, colour and shape."""
    rng = scene.random("identity")
    grey = rng.choice((205, 215, 190))
    picture = Image.new("RGB", (SIZE, SIZE), near((grey, grey, grey), rng, 4))
    if scene.shape is None:
        style = body.Style(False, 1, 1.0, 0.0, 1.0, 0)
        points = body.move("stand", style, 1) * 0.86
        points[:, :, 0] += 0.5
        points[:, :, 1] = 0.94 - points[:, :, 1]
        actor = Actor(points[:, 8], np.full(1, 0.86), points)
    else:
        actor = Actor(np.array([[0.5, 0.5]]), np.array([rng.uniform(0.3, 0.36)]))
    colour = near(COLOURS[scene.colour], rng)
    _paint(picture, scene, actor, 0, colour, rng.choice(_SKIN))
    return picture


def depth_clip(scene: Scene, frames: int) -> list[Image.Image]:
    """Return grey depth maps, DEPTH_SIZE square, near = bright; far ground and sky are dark."""
    rng = scene.random("depth")
    horizon, far, close = rng.randint(36, 46), rng.randint(12, 30), rng.randint(90, 130)
    column = np.full(DEPTH_SIZE, far, np.uint8)
    column[horizon:] = np.linspace(far + 15, close, DEPTH_SIZE - horizon).astype(np.uint8)
    ground = Image.fromarray(np.repeat(column[:, None], DEPTH_SIZE, axis=1))
    actors = stage(scene, frames)
    levels = [rng.randint(195, 225) for _ in actors]
    pictures = []
    for frame in range(frames):
        picture = ground.copy()
        draw = ImageDraw.Draw(picture)
        for actor, level in zip(actors, levels, strict=True):
            nearer = 50 * frame // frames - 25 if scene.action == "approach" else 0
            grey = min(250, level + nearer)
            if actor.points is not None:
                paint = _BodyPaint(grey, grey, grey, grey, None)
                height = float(actor.radii[frame]) * DEPTH_SIZE
                _person(draw, actor.points[frame] * DEPTH_SIZE, height, paint)
            else:
                x, y = actor.centres[frame] * DEPTH_SIZE
                _shape(
                    draw,
                    scene.shape or "",
                    (float(x), float(y), float(actor.radii[frame]) * DEPTH_SIZE),
                    _ShapePaint(grey, grey - 10, grey - 22, None, 0),
                )
        pictures.append(picture)
    return pictures


@dataclass(frozen=True, slots=True)
class _ShapePaint:
    face: Any
    light: Any
    dark: Any
    outline: Any
    width: int


@dataclass(frozen=True, slots=True)
class _BodyPaint:
    shirt: Any
    trousers: Any
    skin: Any
    hair: Any
    outline: Any


def _mixed(colour: Colour, other: int, share: float) -> Colour:
    red, green, blue = (int(c + (other - c) * share) for c in colour)
    return red, green, blue


def _paint(  # noqa: PLR0913, PLR0917 - what to draw, where and how
    picture: Image.Image, scene: Scene, actor: Actor, frame: int, colour: Colour, skin: Colour
) -> None:
    draw = ImageDraw.Draw(picture)
    dark = max(colour) < 64  # noqa: PLR2004 - black subjects get a light rim
    rim = (225, 225, 225) if dark else (24, 22, 26)
    if actor.points is not None:
        edge = (96, 96, 104) if dark else rim
        paint = _BodyPaint(colour, _TROUSERS, skin, _HAIR, edge)
        _person(draw, actor.points[frame] * SIZE, float(actor.radii[frame]) * SIZE, paint)
        return
    x, y = actor.centres[frame] * SIZE
    place = (float(x), float(y), float(actor.radii[frame]) * SIZE)
    light, shade = _mixed(colour, 255, 0.22 if dark else 0.3), _mixed(colour, 0, 0.18)
    width = max(2, round(0.12 * place[2])) if scene.style == "cartoon" else 2
    _shape(draw, scene.shape or "", place, _ShapePaint(colour, light, shade, rim, width))


def _shape(
    draw: ImageDraw.ImageDraw,
    shape: str,
    place: tuple[float, float, float],
    paint: _ShapePaint,
) -> None:
    """Draw a shape at (x, y, radius) in pixels; every silhouette fits its circle."""
    x, y, r = place
    outline, width = paint.outline, paint.width
    if shape == "ball":
        draw.ellipse((x - r, y - r, x + r, y + r), fill=paint.face, outline=outline, width=width)
        if outline:
            draw.ellipse((x - r / 2, y - r / 2, x - r / 8, y - r / 8), fill=paint.light)
    elif shape == "box":
        a, h, b = 0.98 * r, 0.74 * r, 0.2 * r
        front = (x - a, y - h + b, x + a - b, y + h)
        top = [(x - a, y - h + b), (x - a + b, y - h), (x + a, y - h), (x + a - b, y - h + b)]
        side = [(x + a - b, y - h + b), (x + a, y - h), (x + a, y + h - b), (x + a - b, y + h)]
        draw.rectangle(front, fill=paint.face, outline=outline, width=width)
        draw.polygon(top, fill=paint.light, outline=outline, width=max(1, width))
        draw.polygon(side, fill=paint.dark, outline=outline, width=max(1, width))
    elif shape == "cone":
        corners = [(x, y - r), (x + 0.92 * r, y + 0.8 * r), (x - 0.92 * r, y + 0.8 * r)]
        draw.polygon(corners, fill=paint.face, outline=outline, width=max(1, width))
    elif shape == "ring":
        hole = max(2, int(0.42 * r))
        draw.ellipse((x - r, y - r, x + r, y + r), outline=paint.face, width=hole)
        if outline:
            inner = r - hole
            draw.ellipse((x - r, y - r, x + r, y + r), outline=outline, width=width)
            draw.ellipse((x - inner, y - inner, x + inner, y + inner), outline=outline, width=2)
    else:
        corners = []
        for k in range(10):
            radius = r * (1.08 if k % 2 == 0 else 0.44)
            angle = math.pi * (k / 5 - 0.5)
            corners.append((x + radius * math.cos(angle), y + radius * math.sin(angle)))
        draw.polygon(corners, fill=paint.face, outline=outline, width=max(1, width))


def _person(
    draw: ImageDraw.ImageDraw,
    points: np.ndarray[Any, np.dtype[np.float64]],
    height: float,
    paint: _BodyPaint,
) -> None:
    """Draw one person from 18 points in pixels; the shirt covers the trunk and both arms."""
    spot = [(float(x), float(y)) for x, y in points]
    limb, arm, head = 0.085 * height, 0.075 * height, 0.08 * height
    for hip, knee, ankle in ((8, 9, 10), (11, 12, 13)):
        _limb(draw, (spot[hip], spot[knee], spot[ankle]), limb, paint.trousers)
    trunk = [spot[2], spot[5], spot[11], spot[8]]
    if paint.outline:
        draw.line(
            [*trunk, trunk[0]], fill=paint.outline, width=round(1.6 * limb) + 2, joint="curve"
        )
    draw.polygon(trunk, fill=paint.shirt)
    draw.line([*trunk, trunk[0]], fill=paint.shirt, width=round(1.6 * limb), joint="curve")
    for shoulder, elbow, hand in ((2, 3, 4), (5, 6, 7)):
        if paint.outline:
            _limb(draw, (spot[shoulder], spot[elbow], spot[hand]), arm + 2, paint.outline)
        _limb(draw, (spot[shoulder], spot[elbow], spot[hand]), arm, paint.shirt)
        _disc(draw, spot[hand], 0.6 * arm, paint.skin)
    x = (spot[0][0] + spot[14][0] + spot[15][0] + spot[16][0] + spot[17][0]) / 5
    y = (spot[0][1] + spot[16][1] + spot[17][1]) / 3
    _disc(draw, (x, y - 0.2 * head), 1.08 * head, paint.hair)
    _disc(draw, (x, y + 0.12 * head), 0.92 * head, paint.skin)


def _limb(
    draw: ImageDraw.ImageDraw, spots: Sequence[tuple[float, float]], width: float, fill: Any
) -> None:
    draw.line(list(spots), fill=fill, width=max(2, round(width)), joint="curve")
    for spot in spots:
        _disc(draw, spot, width / 2, fill)


def _disc(draw: ImageDraw.ImageDraw, spot: tuple[float, float], radius: float, fill: Any) -> None:
    x, y = spot
    draw.ellipse((x - radius, y - radius, x + radius, y + radius), fill=fill)
