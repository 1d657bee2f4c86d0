"""Say in plain data what a parsed condition is: for records, probes, logs and the command line."""

from typing import Any

from any2caption.conditions.registry import form_of
from any2caption.conditions.types import Condition


def describe(condition: Condition) -> dict[str, Any]:
    """Return JSON-ready facts: kind, number, role, format, frames, sizes, notes.

    `frames` is always there (1 for text and a picture); `height`, `width` for pictures and clips;
    for a camera path and a pose `words` and `movements` (see `camera.movements.Movement` and
    `body.movements`).
    """
    form = form_of(condition.payload)
    frames, height, width = form.extent(condition.payload)
    size = {} if height is None else {"height": height, "width": width}
    return {
        "kind": condition.kind,
        "number": condition.number,
        "role": condition.role,
        "format": condition.format,
        "frames": frames,
        **size,
        **form.describe(condition.payload),
        "assumptions": list(condition.assumptions),
        "warnings": list(condition.warnings),
    }
