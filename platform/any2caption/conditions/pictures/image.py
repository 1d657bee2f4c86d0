"""Image condition: a still picture in one of six roles."""

from collections.abc import Sequence

from any2caption.conditions.io.images import MAX_PIXELS, decode_image, image_header, warn_of_odd
from any2caption.conditions.kind import Limits, Notes, Options, Parsed
from any2caption.conditions.types import Image, Part


def parse_image(parts: Sequence[Part], _: Options, limits: Limits) -> Parsed:
    """Parse one PNG, JPEG or WebP to upright uint8 H×W×3."""
    (part,) = parts
    notes = Notes()
    max_pixels = limits.pixels or MAX_PIXELS
    header = image_header(part, max_pixels)
    warn_of_odd(part, notes, max_pixels)
    return notes.parsed(Image(decode_image(part, max_pixels)), header.format)
