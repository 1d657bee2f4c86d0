"""What a recogniser is given: the pixels of one condition, its name and its role."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from any2caption.conditions.fact import Fact

FRAMES = frozenset({"first_frame", "last_frame", "key_frame"})
"""Roles of pictures that are frames of the video, not pictures of somebody in it."""
Look = Callable[["View"], list[Fact]]
"""Says what a view shows; nothing that it is not sure of."""


@dataclass(frozen=True, slots=True)
class View:
    """A picture (T = 1) or evenly spaced frames of a clip.

    `frames` uint8 T×H×W×3; `name` as prompts name it ("picture 2"); `role` of a picture; `fps` of
    these frames, None of a picture.
    """

    frames: NDArray[np.uint8]
    name: str
    role: str | None = None
    fps: float | None = None
