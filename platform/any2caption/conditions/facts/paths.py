"""The way that something takes over the picture, in words."""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
_STILL = 0.04
_LEAST = 0.35
"""A way goes sideways too if that part is so large beside the other."""
_BACK = 0.4
"""Who ends within this part of the farthest way from the start came back."""
_ROUND = np.radians(300.0)
_ROUNDISH = 0.3
_BACK_AND_FORTH = 3


def way_words(places: Floats, aspect: float = 1.0) -> str:
    """Return the way of points T×2 (fractions of the picture, in order, none missing).

    `to the right`, `from left to right and downwards`, `in a circle`, `up and back`; empty: it
    stays where it is, or there are fewer than two places. Behind a verb of moving.
    """
    if len(places) < 2:  # noqa: PLR2004 - no way
        return ""
    way = (places - places[0]) * (aspect, 1.0)
    lengths = np.linalg.norm(way, axis=1)
    farthest = int(lengths.argmax())
    if lengths[farthest] < _STILL:
        return ""
    if turns := _circles(way):
        return turns
    if _strokes(way, farthest) >= _BACK_AND_FORTH:
        return "back and forth"
    if lengths[-1] > _BACK * lengths[farthest]:
        return _straight(places, len(places) - 1, aspect)
    return f"{_straight(places, farthest, aspect)} and back"


def _straight(places: Floats, end: int, aspect: float) -> str:
    across, down = (places[end] - places[0]) * (aspect, 1.0)
    words = []
    if abs(across) >= _LEAST * abs(down):
        sides = [int(np.clip(places[at, 0] * 3, 0, 2)) for at in (0, end)]
        side = "right" if across > 0 else "left"
        if set(sides) == {0, 2}:
            words.append(f"from {'left to right' if across > 0 else 'right to left'}")
        else:
            words.append(f"to the {side}")
    if abs(down) >= _LEAST * abs(across):
        words.append("downwards" if down > 0 else "upwards")
    return " and ".join(words)


def _circles(way: Floats) -> str:
    """`in a circle` where the way turns around its middle and is about as wide as high."""
    size = np.ptp(way, axis=0)
    if size.min() < _ROUNDISH * size.max():
        return ""
    middle = way - (way.max(axis=0) + way.min(axis=0)) / 2
    radii = np.linalg.norm(middle, axis=1)
    if radii.min() < _ROUNDISH * radii.max():
        return ""
    angle = np.unwrap(np.arctan2(middle[:, 1], middle[:, 0]))
    turned = float(angle[-1] - angle[0])
    if abs(turned) < _ROUND:
        return ""
    many = "circles" if abs(turned) > 2 * _ROUND else "a circle"
    return f"in {many}, {'clockwise' if turned > 0 else 'anticlockwise'}"


def _strokes(way: Floats, farthest: int) -> int:
    """In how many strokes, there and back, the way goes along its main direction."""
    along = way @ (way[farthest] / np.linalg.norm(way[farthest]))
    least = _BACK * float(np.ptp(along))
    turns, low, high, rising = 0, along[0], along[0], True
    for at in along:
        low, high = min(low, at), max(high, at)
        if rising and high - at > least:
            turns, rising, low = turns + 1, False, at
        elif not rising and at - low > least:
            turns, rising, high = turns + 1, True, at
    return turns
