"""Body keypoints by a ViTPose model that the user brings, written as OpenPose JSON (18 points)."""

import json
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from any2caption.annotation.extractors.base import MAX_FRAMES, Extracted
from any2caption.annotation.extractors.pretrained import as_picture, check_folder, weights_version
from any2caption.annotation.media import Media
from any2caption.conditions.sampling import sample_frames
from any2caption.conditions.types import Part
from any2caption.errors import ConfigError, InputError

NAME = "pose-model"
COCO_POINTS = 17
# COCO-17 point of each OpenPose (COCO_18) point; the neck, point 1, is made from the shoulders.
_ORDER = (0, -1, 6, 8, 10, 5, 7, 9, 12, 14, 16, 11, 13, 15, 2, 1, 4, 3)
_SHOULDERS = (5, 6)


@dataclass(frozen=True)
class PoseModel:
    """Finds the keypoints of one person who fills the frame; `keep` is the least score kept."""

    path: Path | None
    frames: int = MAX_FRAMES
    keep: float = 0.3
    device: str = "cpu"
    kind: str = field(default="pose", init=False)
    name: str = field(default=NAME, init=False)

    def __post_init__(self) -> None:
        check_folder(NAME, self.path)

    @cached_property
    def version(self) -> str:
        """The library's version and the digest of the weights."""
        return weights_version(check_folder(NAME, self.path))

    @cached_property
    def _model(self) -> tuple[Any, Any]:
        from transformers import AutoImageProcessor, VitPoseForPoseEstimation

        path = check_folder(NAME, self.path)
        try:
            processor = AutoImageProcessor.from_pretrained(path, local_files_only=True)
            model = VitPoseForPoseEstimation.from_pretrained(
                path, local_files_only=True, use_safetensors=True
            )
        except (ValueError, KeyError, OSError, RuntimeError, TypeError) as error:
            reason = " ".join(str(error).split())[:200]
            raise ConfigError(
                f"extractor {NAME}: {path} is not a ViTPose model: {reason}"
            ) from error
        return processor, model.to(self.device).eval()

    def extract(self, media: Media) -> list[Extracted]:
        """Return one pose condition, a JSON file a frame."""
        pictures = media.pictures(NAME)
        chosen = sample_frames(len(pictures), min(len(pictures), self.frames))
        height, width = pictures.shape[1:3]
        parts = tuple(
            Part(f"pose_{number:05d}_keypoints.json", self._json(pictures[at], media.name))
            for number, at in enumerate(chosen)
        )
        said = ("one person who fills the frame is assumed: no detector runs before it",)
        options = {"layout": "COCO_18", "width": width, "height": height}
        return [Extracted(parts, options=options, assumptions=said)]

    def _json(self, frame: NDArray[np.uint8], record: str) -> bytes:
        points = openpose_points(self._points(frame, record), self.keep)
        flat = [round(float(value), 3) for value in points.ravel()]
        people = [{"person_id": [-1], "pose_keypoints_2d": flat}] if points.any() else []
        return json.dumps({"version": 1.3, "people": people}).encode()

    def _points(self, frame: NDArray[np.uint8], record: str) -> NDArray[np.float64]:
        import torch

        processor, model = self._model
        boxes = [[[0.0, 0.0, float(frame.shape[1]), float(frame.shape[0])]]]
        inputs = processor(as_picture(frame), boxes=boxes, return_tensors="pt").to(self.device)
        with torch.no_grad():
            output = model(**inputs)
        (found,) = processor.post_process_pose_estimation(output, boxes=boxes)[0]
        points = np.column_stack([found["keypoints"].cpu(), found["scores"].cpu()])
        if points.shape != (COCO_POINTS, 3):
            raise InputError(
                f"the model gives {len(points)} points; {COCO_POINTS} (COCO) are wanted",
                record=record,
                field="pose",
            )
        return points.astype(np.float64)


def openpose_points(coco: NDArray[np.float64], keep: float) -> NDArray[np.float64]:
    """Reorder COCO-17 points (x, y, score) to 18 OpenPose points; below `keep` is missing, zero."""
    left, right = (coco[point] for point in _SHOULDERS)
    neck = (left + right) / 2
    neck[2] = min(left[2], right[2])
    points = np.vstack([coco, neck])[list(_ORDER)]
    points[points[:, 2] < keep] = 0
    return points
