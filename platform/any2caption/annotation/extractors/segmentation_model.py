"""Masks by a semantic segmentation model that the user brings (SegFormer, Mask2Former, …)."""

import io
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from any2caption.annotation.extractors.base import MAX_FRAMES, Extracted
from any2caption.annotation.extractors.pretrained import (
    as_picture,
    check_folder,
    load_pipeline,
    weights_version,
)
from any2caption.annotation.media import Media
from any2caption.conditions.sampling import sample_frames
from any2caption.conditions.types import Part
from any2caption.errors import ConfigError

NAME = "segmentation-model"
_PALETTE = 255


@dataclass(frozen=True)
class SegmentationModel:
    """Labels `frames` evenly spaced frames; an id is a class + 1, the same in every frame."""

    path: Path | None
    frames: int = 16
    device: str = "cpu"
    kind: str = field(default="segmentation", init=False)
    name: str = field(default=NAME, init=False)

    def __post_init__(self) -> None:
        check_folder(NAME, self.path)

    @cached_property
    def version(self) -> str:
        """The library's version and the digest of the weights."""
        return weights_version(check_folder(NAME, self.path))

    @cached_property
    def _model(self) -> Any:
        path = check_folder(NAME, self.path)
        model = load_pipeline("image-segmentation", NAME, path, self.device)
        classes = len(model.model.config.id2label)
        if classes > _PALETTE:
            raise ConfigError(
                f"extractor {NAME}: {path} has {classes} classes; a palette holds {_PALETTE}"
            )
        return model

    def extract(self, media: Media) -> list[Extracted]:
        """Return one segmentation condition: palette PNGs whose index is the id."""
        pictures = media.pictures(NAME)
        chosen = sample_frames(len(pictures), min(len(pictures), self.frames, MAX_FRAMES))
        ids = np.stack([self._label(pictures[at]) for at in chosen])
        labels: dict[int, str] = self._model.model.config.id2label
        there = [int(number) for number in np.unique(ids) if number]
        named = ", ".join(f"{number} = {labels[number - 1]}" for number in there)
        parts = tuple(
            Part(f"mask_{number:05d}.png", palette_png(one)) for number, one in enumerate(ids)
        )
        said = ("ids are classes, not objects", f"ids: {named}")
        return [Extracted(parts, assumptions=said, masks=ids.astype(np.int32))]

    def _label(self, frame: NDArray[np.uint8]) -> NDArray[np.uint8]:
        numbers = {label: int(n) for n, label in self._model.model.config.id2label.items()}
        ids = np.zeros(frame.shape[:2], dtype=np.uint8)
        for found in self._model(as_picture(frame), subtask="semantic"):
            ids[np.asarray(found["mask"]) > 0] = numbers[found["label"]] + 1
        return ids


def palette_png(ids: NDArray[np.uint8]) -> bytes:
    """Encode ids H×W as an index picture; the colours only serve the eye."""
    from PIL import Image

    index = np.arange(256, dtype=np.uint32)
    colours = np.stack([index * 67 % 256, index * 131 % 256, index * 29 % 256], axis=1)
    picture = Image.fromarray(ids)
    picture.putpalette(colours.astype(np.uint8).tobytes())
    buffer = io.BytesIO()
    picture.save(buffer, "PNG", optimize=False)
    return buffer.getvalue()
