"""Regions drawn on a picture, as lines that can be read and typed: `the dog: 0.1 0.2 0.6 0.9`.

The numbers are left, top, right and bottom as fractions of the picture.
"""

import io
import json
from collections.abc import Sequence
from dataclasses import dataclass

from any2caption.conditions.palette import PALETTE
from any2caption.conditions.types import Part
from any2caption.errors import InputError

FILE = "regions.json"
_SIDES = 4
Point = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Box:
    """A labelled box: left, top, right, bottom in 0…1."""

    label: str
    sides: tuple[float, float, float, float]

    def line(self) -> str:
        """Return the box as a line."""
        return f"{self.label}: {' '.join(f'{side:.3g}' for side in self.sides)}"


def box_between(label: str, one: Point, other: Point) -> Box:
    """Return the box of two opposite corners."""
    (left, right), (top, bottom) = (sorted(pair) for pair in zip(one, other, strict=True))
    return Box(label, (left, top, right, bottom))


def read_boxes(text: str) -> list[Box]:
    """Read regions, one a line.

    Raises:
        InputError: a line that is no region; the message names it.
    """
    found = []
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip():
            continue
        label, _, numbers = line.rpartition(":")
        try:
            sides = [float(one) for one in numbers.replace(",", " ").split()]
        except ValueError:
            sides = []
        if not label.strip() or len(sides) != _SIDES:
            raise InputError(
                "expected a name and left, top, right, bottom: the dog: 0.1 0.2 0.6 0.9",
                record=f"line {number}",
                field="region",
            )
        left, top, right, bottom = sides
        if not (0 <= left < right <= 1 and 0 <= top < bottom <= 1):
            raise InputError(
                "fractions of the picture, left before right and top before bottom",
                record=f"line {number}",
                field="region",
            )
        found.append(Box(label.strip(), (left, top, right, bottom)))
    if not found:
        raise InputError("no region yet: name one and mark two corners", field="region")
    return found


def regions_file(boxes: Sequence[Box]) -> Part:
    """Return the regions as the file that the platform reads."""
    entries = [{"label": one.label, "box": list(one.sides)} for one in boxes]
    return Part(FILE, json.dumps({"regions": entries}).encode())


def drawn(picture: bytes, boxes: Sequence[Box], corner: Point | None = None) -> bytes:
    """Return a picture with its regions outlined and named, and a first corner marked, as JPEG."""
    from PIL import Image, ImageDraw

    with Image.open(io.BytesIO(picture)) as opened:
        canvas = opened.convert("RGB")
    pen = ImageDraw.Draw(canvas)
    width, height = canvas.size
    for place, box in enumerate(boxes):
        red, green, blue = PALETTE[9 + place % 6].tolist()  # bright ones
        colour = (red, green, blue)
        left, top, right, bottom = box.sides
        pen.rectangle(
            (left * width, top * height, right * width, bottom * height), outline=colour, width=4
        )
        pen.text((left * width + 8, top * height + 6), box.label, fill=colour, font_size=22)
    if corner is not None:
        x, y = corner[0] * width, corner[1] * height
        pen.line((x - 14, y, x + 14, y), fill="red", width=4)
        pen.line((x, y - 14, x, y + 14), fill="red", width=4)
    buffer = io.BytesIO()
    canvas.save(buffer, "JPEG", quality=90)
    return buffer.getvalue()
