"""What a video generator is to the platform: a caption in, a clip and a report out."""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from any2caption.captions.schema import StructuredCaption


@dataclass(frozen=True, slots=True)
class Report:
    """What a generator made of a caption.

    `understood` names what was read (`camera`: `pans left`); `assumptions` are sentences about
    what the caption left open or the generator cannot show, and what was done instead.
    """

    generator: str
    understood: dict[str, str]
    assumptions: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Clip:
    """A generated clip: `frames` uint8 T×H×W×3 at `fps`.

    A generator that knows its own camera gives the path for closed-loop evaluation: `w2c`
    float64 T×3×4 world-to-camera relative to frame 0 (OpenCV axes) and `intrinsics` float64 T×4
    = fx, fy, cx, cy as fractions of width and height.
    """

    frames: NDArray[np.uint8]
    fps: float
    report: Report
    w2c: NDArray[np.float64] | None = None
    intrinsics: NDArray[np.float64] | None = None


class Generator(Protocol):
    """A frozen text-to-video generator."""

    @property
    def name(self) -> str:
        """Name under which captions are compiled for it."""

    def render(
        self,
        caption: StructuredCaption,
        *,
        seconds: float,
        fps: float,
        size: int,
        seed: int,
    ) -> Clip:
        """Make a clip, `size`×`size` pixels; the same seed gives the same clip."""
