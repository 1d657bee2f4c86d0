"""What an extractor and an annotator look at: the pictures, masks and camera of one record."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from any2caption.conditions.types import Camera, Condition, Image, Video
from any2caption.errors import InputError


@dataclass(frozen=True, slots=True)
class Media:
    """One record's clip, as far as it is known; `name` is for messages.

    `frames` uint8 T×H×W×3 (a still has T = 1); `masks` int32 T×H×W of object ids, 0 = background.
    """

    name: str
    frames: NDArray[np.uint8] | None = None
    fps: float = 0.0
    masks: NDArray[np.int32] | None = None
    camera: Camera | None = None

    def pictures(self, wanted_by: str) -> NDArray[np.uint8]:
        """Return the frames.

        Raises:
            InputError: the record has no pictures; names it and who wanted them.
        """
        if self.frames is None or not len(self.frames):
            raise InputError(
                f"{wanted_by} needs the record's clip: give `target` or a video condition",
                record=self.name,
                field="target",
            )
        return self.frames

    def with_masks(self, masks: NDArray[np.int32]) -> "Media":
        """Return the same media with these masks."""
        return replace(self, masks=masks)


def media_of(name: str, conditions: Sequence[Condition], target: Condition | None = None) -> Media:
    """Take a record's clip from its target, else its first video, else its first frame."""
    frames, fps = None, 0.0
    clips = [c for c in conditions if isinstance(c.payload, Video)]
    stills = [c for c in conditions if c.role == "first_frame"]
    for condition in [*([target] if target else []), *clips, *stills]:
        if isinstance(condition.payload, Video):
            frames, fps = condition.payload.frames, condition.payload.fps
            break
        if isinstance(condition.payload, Image):
            frames = condition.payload.pixels[None]
            break
    cameras = [c.payload for c in conditions if isinstance(c.payload, Camera)]
    masks = [m for c in conditions if (m := _masks(c)) is not None]
    return Media(
        name,
        frames,
        fps,
        masks=masks[0] if masks else None,
        camera=cameras[0] if cameras else None,
    )


def _masks(condition: Condition) -> NDArray[np.int32] | None:
    """Object ids T×H×W of a segmentation condition."""
    ids = getattr(condition.payload, "ids", None)
    if condition.kind != "segmentation" or not isinstance(ids, np.ndarray):
        return None
    return ids.astype(np.int32)
