"""Where things lie in the picture, by thirds, in words."""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from any2caption.conditions.facts.words import joined

CELLS = (
    *("upper left", "top", "upper right"),
    *("left", "middle", "right"),
    *("lower left", "bottom", "lower right"),
)
"""The nine fields of the picture by thirds, row by row."""
_AT = {"left": "on the left", "right": "on the right", "middle": "in the middle"}
_LINES = (
    ("along the bottom", frozenset({"lower left", "bottom", "lower right"})),
    ("along the left side", frozenset({"upper left", "left", "lower left"})),
    ("along the right side", frozenset({"upper right", "right", "lower right"})),
    ("along the top", frozenset({"upper left", "top", "upper right"})),
)
_HALVES = (
    ("in the lower two thirds", _LINES[0][1] | {"left", "middle", "right"}),
    ("in the upper two thirds", _LINES[3][1] | {"left", "middle", "right"}),
    ("in the left two thirds", _LINES[1][1] | {"top", "middle", "bottom"}),
    ("in the right two thirds", _LINES[2][1] | {"top", "middle", "bottom"}),
)
_MOST_PLACES = 2
_HALF = 0.5
_FILLS = 0.7


def cell_of(x: float, y: float) -> str:
    """Return the field of `CELLS` in which a point of the picture lies (fractions; clipped)."""
    column = min(max(int(x * 3), 0), 2)
    row = min(max(int(y * 3), 0), 2)
    return CELLS[3 * row + column]


def at(cell: str) -> str:
    """Return `on the left`, `at the lower left`, `in the middle`."""
    return _AT.get(cell, f"at the {cell}")


def where(cells: Sequence[str]) -> str:
    """Return where several fields lie: `along the bottom`, `on the left and at the top`.

    `cells` are in order of weight; where more than two places would have to be named, the first
    two are, and nine fields are `everywhere`.
    """
    left = list(dict.fromkeys(cells))
    if len(left) == len(CELLS):
        return "everywhere"
    places = []
    for words, line in (*_HALVES, *_LINES):
        if line <= set(left):
            places.append(words)
            left = [cell for cell in left if cell not in line]
    places += [at(cell) for cell in left]
    return joined(places[:_MOST_PLACES])


def fields_of(mask: NDArray[np.bool_]) -> list[str]:
    """Return the fields in which a mask H×W mainly lies, the fullest first.

    Those that are filled at least half as much as the fullest one.
    """
    shares = field_shares(mask)
    most = float(shares.max())
    order = np.argsort(-shares, kind="stable").tolist()
    return [CELLS[field] for field in order if shares[field] >= _HALF * most > 0]


def field_shares(mask: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Return how full each of the nine fields of a mask H×W is, 0…1."""
    height, width = mask.shape
    rows = np.linspace(0, height, 4).astype(int).tolist()
    columns = np.linspace(0, width, 4).astype(int).tolist()
    shares = [
        float(mask[top:bottom, left:right].mean()) if bottom > top and right > left else 0.0
        for top, bottom in pairwise(rows)
        for left, right in pairwise(columns)
    ]
    return np.array(shares)


def phrase_of(mask: NDArray[np.bool_]) -> str:
    """Return where a mask H×W mainly lies: `on the left`, `along the bottom`."""
    return where(fields_of(mask))


def sized(share: float) -> str:
    """Return how large something is that covers this share of the picture; often nothing."""
    if share >= 0.25:  # noqa: PLR2004 - a quarter of the picture
        return "large"
    return "small" if share < 0.01 else ""  # noqa: PLR2004 - a hundredth


def spread_of(mask: NDArray[np.bool_]) -> str:
    """Return where a drawing H×W lies as a whole: `in the middle`, `over the whole picture`."""
    left, top, right, bottom = box_of(mask)
    if right - left >= _FILLS and bottom - top >= _FILLS:
        return "over the whole picture"
    return at(cell_of((left + right) / 2, (top + bottom) / 2))


def box_of(mask: NDArray[np.bool_]) -> tuple[float, float, float, float]:
    """Return left, top, right, bottom of a mask H×W with anything in it, as fractions."""
    height, width = mask.shape
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    left, right = columns[0] / width, (columns[-1] + 1) / width
    top, bottom = rows[0] / height, (rows[-1] + 1) / height
    return round(left, 3), round(top, 3), round(right, 3), round(bottom, 3)
