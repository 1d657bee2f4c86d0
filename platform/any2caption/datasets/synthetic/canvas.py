"""Backgrounds and styles: what lies behind a subject and what lies over the whole picture.

Background shades are light and keep away from the eight subject colours; styles are told by
texture and borders and tint only mildly, so that a colour is never ambiguous.
"""

from collections.abc import Callable
from random import Random

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

Colour = tuple[int, int, int]
SIZE = 112


def background(key: str, rng: Random) -> Image.Image:
    """Return a SIZE×SIZE RGB picture of a place; `rng` varies horizon, shades and props."""
    image = Image.new("RGB", (SIZE, SIZE))
    horizon = int(SIZE * rng.uniform(0.48, 0.58))
    _PLACES[key](ImageDraw.Draw(image), horizon, rng)
    return image


def near(colour: Colour, rng: Random, spread: int = 7) -> Colour:
    """Return a shade close to a colour."""
    red, green, blue = (min(255, max(0, c + rng.randint(-spread, spread))) for c in colour)
    return red, green, blue


def _bands(draw: ImageDraw.ImageDraw, horizon: int, above: Colour, below: Colour) -> None:
    draw.rectangle((0, 0, SIZE, horizon), fill=above)
    draw.rectangle((0, horizon, SIZE, SIZE), fill=below)


def _beach(draw: ImageDraw.ImageDraw, horizon: int, rng: Random) -> None:
    _bands(draw, horizon, near((165, 220, 245), rng), near((238, 216, 170), rng))
    draw.rectangle((0, horizon - 14, SIZE, horizon), fill=near((85, 175, 200), rng))
    for _ in range(3):
        x, y = rng.randint(0, SIZE), horizon - rng.randint(2, 12)
        draw.line((x, y, x + 18, y), fill=(225, 245, 250), width=1)
    x = rng.randint(10, SIZE - 20)
    draw.ellipse((x, 8, x + 14, 22), fill=(255, 250, 225))


def _meadow(draw: ImageDraw.ImageDraw, horizon: int, rng: Random) -> None:
    _bands(draw, horizon, near((190, 225, 250), rng), near((172, 214, 132), rng))
    x = rng.randint(-20, 60)
    draw.ellipse((x, horizon - 16, x + 90, horizon + 30), fill=near((150, 200, 120), rng))
    for _ in range(14):
        x, y = rng.randint(0, SIZE), rng.randint(horizon + 4, SIZE)
        draw.line((x, y, x + 1, y - 5), fill=(120, 175, 95), width=1)


def _street(draw: ImageDraw.ImageDraw, horizon: int, rng: Random) -> None:
    _bands(draw, horizon, near((212, 216, 222), rng), near((128, 130, 136), rng))
    x = -rng.randint(0, 12)
    while x < SIZE:
        width, top = rng.randint(20, 32), rng.randint(6, 30)
        draw.rectangle((x, top, x + width, horizon), fill=near((170, 168, 172), rng, 14))
        for wy in range(top + 5, horizon - 4, 10):
            for wx in range(x + 4, x + width - 4, 9):
                draw.rectangle((wx, wy, wx + 4, wy + 4), fill=(225, 228, 220))
        x += width + 2
    for x in range(4, SIZE, 24):
        draw.rectangle((x, SIZE - 14, x + 12, SIZE - 11), fill=(225, 225, 220))


def _room(draw: ImageDraw.ImageDraw, horizon: int, rng: Random) -> None:
    floor = min(SIZE - 24, horizon + 18)
    wall = near((214, 184, 146), rng)
    _bands(draw, floor, wall, near((166, 128, 92), rng))
    darker = (wall[0] - 24, wall[1] - 24, wall[2] - 24)
    for x in range(rng.randint(0, 8), SIZE, 12):
        draw.line((x, 0, x, floor), fill=darker, width=1)
    x = rng.choice((6, SIZE - 34))
    draw.rectangle((x, 10, x + 28, 40), fill=(226, 240, 250), outline=(120, 90, 64), width=2)
    draw.line((x + 14, 10, x + 14, 40), fill=(120, 90, 64), width=2)


def _mountain(draw: ImageDraw.ImageDraw, horizon: int, rng: Random) -> None:
    _bands(draw, horizon, near((168, 196, 230), rng), near((232, 237, 244), rng, 4))
    for x in (rng.randint(0, 30), rng.randint(45, 70), rng.randint(80, 110)):
        top, half = rng.randint(8, 26), rng.randint(26, 38)
        draw.polygon([(x - half, horizon), (x, top), (x + half, horizon)], fill=(150, 162, 182))
        middle = (top + horizon) // 2
        snow = [(x - half // 2, middle), (x, top), (x + half // 2, middle)]
        draw.polygon(snow, fill=(240, 244, 250))


_PLACES: dict[str, Callable[[ImageDraw.ImageDraw, int, Random], None]] = {
    "beach": _beach,
    "meadow": _meadow,
    "street": _street,
    "room": _room,
    "mountain": _mountain,
}

_AXIS = (np.arange(SIZE, dtype=np.float32) + 0.5) / SIZE * 2 - 1
_RADIUS = np.hypot(_AXIS[:, None], _AXIS[None, :])
_VIGNETTE = np.clip(1.25 - 0.62 * _RADIUS**2, 0.25, 1.0).astype(np.float32)[:, :, None]
_VINTAGE = _VIGNETTE * np.array([1.02, 0.97, 0.86], np.float32)
_EDGE = np.maximum(np.abs(_AXIS)[:, None], np.abs(_AXIS)[None, :])
_PAPER = np.clip((_EDGE - 0.78) * 6, 0, 1).astype(np.float32)[:, :, None]
_BAR = 10


def apply_style(key: str, image: Image.Image, rng: Random) -> Image.Image:
    """Return the picture in a style."""
    return _STYLES[key](image, rng)


def _cartoon(image: Image.Image, _rng: Random) -> Image.Image:
    draw = ImageDraw.Draw(image)
    draw.rectangle((0, 0, SIZE - 1, SIZE - 1), outline=(20, 20, 20), width=3)
    return image


def _cinematic(image: Image.Image, _rng: Random) -> Image.Image:
    image = image.point([int(min(255, v * s)) for s in (0.93, 0.97, 1.03) for v in range(256)])
    draw = ImageDraw.Draw(image)
    draw.rectangle((0, 0, SIZE, _BAR), fill=(0, 0, 0))
    draw.rectangle((0, SIZE - _BAR, SIZE, SIZE), fill=(0, 0, 0))
    return image


def _vintage(image: Image.Image, _rng: Random) -> Image.Image:
    return Image.fromarray((np.asarray(image) * _VINTAGE).clip(0, 255).astype(np.uint8))


def _watercolour(image: Image.Image, _rng: Random) -> Image.Image:
    soft = np.asarray(image.filter(ImageFilter.BoxBlur(1)), np.float32)
    return Image.fromarray((soft + (250 - soft) * (0.12 + 0.88 * _PAPER)).astype(np.uint8))


def _documentary(image: Image.Image, rng: Random) -> Image.Image:
    coarse = np.frombuffer(rng.randbytes((SIZE // 2) ** 2), np.uint8).reshape(SIZE // 2, -1)
    grain = (coarse % 3).astype(np.int16).repeat(2, axis=0).repeat(2, axis=1)[:, :, None] * 24 - 24
    return Image.fromarray((np.asarray(image) + grain).clip(0, 255).astype(np.uint8))


_STYLES: dict[str, Callable[[Image.Image, Random], Image.Image]] = {
    "cartoon": _cartoon,
    "cinematic": _cinematic,
    "vintage": _vintage,
    "watercolour": _watercolour,
    "documentary": _documentary,
}
