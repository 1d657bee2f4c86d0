"""YOLO's label lines: `class x y width height` (or a polygon), all but the class as fractions.

They are neither a camera's path nor a point's; both kinds refuse them by name.
"""

from collections.abc import Sequence

SAID = (
    "YOLO label lines (class, then x, y, width, height or corners as fractions): they are regions; "
    'give them as JSON, {"regions": [{"label": "dog", "box": [left, top, right, bottom]}]}'
)
_BOX = 5
_WITH_CONFIDENCE = 6


def looks_like(rows: Sequence[Sequence[str]]) -> bool:
    """Whether all lines, cut into cells, are labels: a whole number, then fractions with a size."""
    return bool(rows) and all(map(_is_label, rows))


def _is_label(cells: Sequence[str]) -> bool:
    if len(cells) < _BOX or (len(cells) % 2 == 0 and len(cells) != _WITH_CONFIDENCE):
        return False
    if not cells[0].isascii() or not cells[0].isdigit():
        return False
    try:
        values = [float(cell) for cell in cells[1:]]
    except ValueError:
        return False
    sized = len(cells) > _WITH_CONFIDENCE or min(values[2:4]) > 0
    return sized and any(values) and all(0 <= value <= 1 for value in values)
