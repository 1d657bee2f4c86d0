"""What people see of a condition: one way for reports, annotators and pages to draw any kind."""

from any2caption.conditions.form import Frames
from any2caption.conditions.registry import form_of
from any2caption.conditions.sampling import sample_frames
from any2caption.conditions.types import Payload

SIDE = 256
"""Pixels of a side of what is drawn from points alone."""


def seen(payload: Payload, most: int) -> Frames | None:
    """Return at most `most` evenly spaced moments as uint8 T×H×W×3; None: it is words or a path.

    Depth is grey (near = white, holes black), masks and normals have colours, strokes are white on
    black, skeletons and tracks are drawn on black, regions on their picture.
    """
    form = form_of(payload)
    if form.watch is not None:
        return form.watch(payload, most)
    if form.draw is not None:
        return form.draw(payload, SIDE, min(most, form.extent(payload)[0]))
    if form.pixels is None:
        return None
    pixels = form.pixels(payload)
    count = len(pixels.frames)
    return pixels.painted(sample_frames(count, min(most, count)).tolist())
