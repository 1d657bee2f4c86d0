"""Pictures cut from the clip: its first or last frame, and its subjects by their masks."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from any2caption.annotation.extractors.base import Extracted
from any2caption.annotation.media import Media
from any2caption.conditions.io.images import encode_png
from any2caption.conditions.types import Part
from any2caption.errors import InputError

WHITE = 255


@dataclass(frozen=True, slots=True)
class EdgeFrame:
    """Takes the clip's first or last frame."""

    role: Literal["first_frame", "last_frame"] = "first_frame"
    kind: str = "image"
    version: str = "1"

    @property
    def name(self) -> str:
        """`first-frame` or `last-frame`."""
        return self.role.replace("_", "-")

    def extract(self, media: Media) -> list[Extracted]:
        """Return the frame as one picture."""
        frame = media.pictures(self.name)[0 if self.role == "first_frame" else -1]
        return [Extracted((Part(f"{self.role}.png", encode_png(frame)),), role=self.role)]


@dataclass(frozen=True, slots=True)
class MaskCrops:
    """Cuts every masked object out of the frame that shows most of it, on white ground.

    Objects below `smallest` (a fraction of the frame) in every frame are left out; of more than
    `most` objects the largest are kept. `margin` is added round the box, in fractions of its size.
    """

    smallest: float = 0.01
    most: int = 3
    margin: float = 0.05
    kind: str = "image"
    name: str = "mask-crops"
    version: str = "1"

    def extract(self, media: Media) -> list[Extracted]:
        """Return an identity picture an object, in order of id."""
        pictures = media.pictures(self.name)
        masks = media.masks
        if masks is None:
            raise InputError(
                "mask-crops needs masks: give a segmentation condition, or put the extractor "
                "segmentation-model before it",
                record=media.name,
                field="segmentation",
            )
        if masks.shape[1:] != pictures.shape[1:3]:
            raise InputError(
                f"masks are {masks.shape[1]}×{masks.shape[2]}, "
                f"frames {pictures.shape[1]}×{pictures.shape[2]} pixels",
                record=media.name,
                field="segmentation",
            )
        areas: dict[int, tuple[int, int]] = {}
        for at in range(len(masks)):
            for number, area in zip(*np.unique(masks[at], return_counts=True), strict=True):
                if number and area > areas.get(int(number), (0, 0))[0]:
                    areas[int(number)] = (int(area), at)
        floor = self.smallest * masks.shape[1] * masks.shape[2]
        large = sorted((n for n in areas if areas[n][0] >= floor), key=lambda n: -areas[n][0])
        found = []
        for number in sorted(large[: self.most]):
            at = areas[number][1]
            # Masks of fewer frames than the clip are taken to be spread over it evenly.
            frame = pictures[round(at * (len(pictures) - 1) / max(len(masks) - 1, 1))]
            part = Part(f"object_{number}.png", encode_png(self._cut(frame, masks[at] == number)))
            found.append(
                Extracted((part,), role="identity", assumptions=(f"cut out by mask id {number}",))
            )
        return found

    def _cut(self, frame: NDArray[np.uint8], mask: NDArray[np.bool_]) -> NDArray[np.uint8]:
        rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
        more_y = round(self.margin * len(rows))
        more_x = round(self.margin * len(columns))
        box = (
            slice(max(0, rows[0] - more_y), rows[-1] + 1 + more_y),
            slice(max(0, columns[0] - more_x), columns[-1] + 1 + more_x),
        )
        return np.where(mask[box][:, :, None], frame[box], np.uint8(WHITE))
