"""Camera paths from geometry that is already there, written as RealEstate10K text.

A path estimated from pixels needs a structure-from-motion tool; none is built in, and none is made
up: a record without geometry is refused.
"""

from dataclasses import dataclass

import numpy as np

from any2caption.annotation.extractors.base import Extracted
from any2caption.annotation.media import Media
from any2caption.conditions.types import Camera, Part
from any2caption.errors import InputError

ASSUMED_FOCAL = 0.5
DEFAULT_FPS = 24.0


@dataclass(frozen=True, slots=True)
class GivenGeometry:
    """Writes a camera of any accepted format in the one format that all tools read."""

    kind: str = "camera"
    name: str = "given-geometry"
    version: str = "1"

    def extract(self, media: Media) -> list[Extracted]:
        """Return the path as one text file."""
        if media.camera is None:
            raise InputError(
                "given-geometry needs a camera condition to rewrite; estimating one from pixels "
                "needs a structure-from-motion tool, which is not built in",
                record=media.name,
                field="camera",
            )
        text, assumptions = realestate_text(media.camera, media.fps or DEFAULT_FPS)
        return [Extracted((Part("camera.txt", text.encode()),), assumptions=assumptions)]


def realestate_text(camera: Camera, fps: float) -> tuple[str, tuple[str, ...]]:
    """Return the path as RealEstate10K text, and what was assumed where intrinsics are unknown."""
    known = np.isfinite(camera.intrinsics)
    default = np.array([ASSUMED_FOCAL, ASSUMED_FOCAL, 0.5, 0.5])
    intrinsics = np.where(known, camera.intrinsics, default)
    lines = ["any2caption"]
    for at, (inner, pose) in enumerate(zip(intrinsics, camera.w2c, strict=True)):
        numbers = [*inner, 0.0, 0.0, *pose.ravel()]
        lines.append(" ".join([str(round(at * 1e6 / fps)), *(f"{n:.12g}" for n in numbers)]))
    said = f"unknown intrinsics are written as focal length {ASSUMED_FOCAL}, centre 0.5"
    return "\n".join(lines) + "\n", () if known.all() else (said,)
