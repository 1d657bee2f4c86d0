"""What a canonical form is: all that those who read, draw or store conditions ask about one."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

Frames = NDArray[np.uint8]
Paint = Callable[[NDArray[Any]], Frames]
Extent = tuple[int, int | None, int | None]
"""Frames, and height and width of what has pixels."""
Moments = tuple[int, Callable[[Sequence[int]], Frames], float | None]
"""How many frames, pictures T×H×W×3 of those at given places, and frames per second."""
GREY = 128


@dataclass(frozen=True, slots=True, kw_only=True)
class Pixels:
    """A form that has a value at each point of a picture: `frames` are T arrays H×W(×n).

    `paint` makes a picture H×W(×3) of one of them; None: it is one already. `fill` is the level of
    borders that bring pictures to a shape. A `still` is one picture to the model, not a clip.
    """

    frames: Sequence[NDArray[Any]] | NDArray[Any]
    paint: Paint | None = None
    fill: int = GREY
    still: bool = False

    def painted(self, places: Sequence[int]) -> Frames:
        """Return pictures T×H×W×3 of the frames at these places."""
        paint = self.paint or np.asarray
        return np.stack([_coloured(paint(self.frames[place])) for place in places])


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """One canonical form. Every function takes a payload of its class.

    A form has `pixels`, or is drawn (`draw`), or is neither: then `watch` says what people see of
    it, and the model must know it by itself.
    """

    payload: type
    extent: Callable[[Any], Extent]
    describe: Callable[[Any], dict[str, Any]]
    """JSON-ready facts beside `frames`, `height` and `width`."""
    pixels: Callable[[Any], Pixels] | None = None
    draw: Callable[[Any, int, int], Frames] | None = None
    """Draw a payload into squares of so many pixels a side, at so many even moments."""
    watch: Callable[[Any, int], Frames] | None = None
    """At most so many moments T×H×W×3 for people, where it is not `pixels` or `draw` that says."""
    moments: Callable[[Any], Moments] | None = None
    """What a preview shows, where it is more than `pixels`."""
    preview: Callable[[Any, Path], None] | None = None
    """Draws the whole preview, PNG or MP4."""
    finite: Callable[[Any], bool] = lambda _: True
    """Whether all numbers are such as can be drawn."""


def _coloured(frame: Frames) -> Frames:
    return frame if frame.ndim == 3 else np.repeat(frame[..., None], 3, axis=-1)  # noqa: PLR2004
