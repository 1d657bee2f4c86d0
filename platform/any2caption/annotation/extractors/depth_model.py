"""Depth maps by a model that the user brings (Depth Anything, DPT and their like)."""

from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from any2caption.annotation.extractors.base import Extracted
from any2caption.annotation.extractors.pretrained import (
    as_picture,
    check_folder,
    load_pipeline,
    weights_version,
)
from any2caption.annotation.media import Media
from any2caption.conditions.io.images import encode_png
from any2caption.conditions.sampling import sample_frames
from any2caption.conditions.types import Part
from any2caption.errors import InputError

NAME = "depth-model"


@dataclass(frozen=True)
class DepthModel:
    """Estimates depth on `frames` evenly spaced frames (≤ 5 are sparse key maps).

    `near` says what large values mean to the model: `bright` for relative (inverse) depth, as Depth
    Anything and DPT give it, `dark` for metres.
    """

    path: Path | None
    frames: int = 5
    near: Literal["bright", "dark"] = "bright"
    device: str = "cpu"
    kind: str = field(default="depth", init=False)
    name: str = field(default=NAME, init=False)

    def __post_init__(self) -> None:
        check_folder(NAME, self.path)

    @cached_property
    def version(self) -> str:
        """The library's version and the digest of the weights."""
        return weights_version(check_folder(NAME, self.path))

    @cached_property
    def _model(self) -> Any:
        return load_pipeline("depth-estimation", NAME, check_folder(NAME, self.path), self.device)

    def extract(self, media: Media) -> list[Extracted]:
        """Return one depth condition of 8-bit relative maps, near = bright."""
        pictures = media.pictures(NAME)
        chosen = sample_frames(len(pictures), min(len(pictures), self.frames))
        maps = np.stack([self._estimate(pictures[at], media.name) for at in chosen])
        said = (
            f"the model's large values are {'near' if self.near == 'bright' else 'far'}",
            "one scale for all maps of the clip",
        )
        parts = tuple(
            Part(f"depth_{number:05d}.png", encode_png(one))
            for number, one in enumerate(relative_maps(maps, self.near))
        )
        return [Extracted(parts, options={"near": "bright"}, assumptions=said)]

    def _estimate(self, frame: NDArray[np.uint8], record: str) -> NDArray[np.float32]:
        found: NDArray[np.float32] = self._model(as_picture(frame))["predicted_depth"].numpy()
        if not np.isfinite(found).all():
            raise InputError("the model gave NaN or infinite depth", record=record, field="depth")
        return found.reshape(frame.shape[:2]).astype(np.float32)


def relative_maps(maps: NDArray[np.float32], near: Literal["bright", "dark"]) -> NDArray[np.uint8]:
    """Scale T×H×W to uint8 T×H×W×3, near = 255, with one scale for the whole clip."""
    low, high = float(maps.min()), float(maps.max())
    scaled = (maps - low) / max(high - low, 1e-12)
    shown = scaled if near == "bright" else 1 - scaled
    return np.repeat(np.rint(shown * 255).astype(np.uint8)[..., None], 3, axis=3)
