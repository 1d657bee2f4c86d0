"""From conditions to captions.

The same steps for evaluation in this process and for Triton's models.

Triton runs one step a model: `Processor` (preprocess), `load_vision`/`load_motion`/`load_camera`
with the `encode_…` functions, `Decoder`. Each loads only its own part of the bundle. Everything is
served in float32: on a CPU one token at a time is a matrix-vector product, where bfloat16 is not
faster.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from any2caption.captions.schema import StructuredCaption
from any2caption.captions.text import parse
from any2caption.conditions.types import Condition
from any2caption.model.any2caption import PARTS
from any2caption.model.backbones import backbone, transformers_config
from any2caption.model.bundle import (
    load_config,
    load_part,
    load_processor,
    trained_kinds,
    unseen_warnings,
)
from any2caption.model.decoder import Decoder
from any2caption.model.encoders.camera import CameraEncoder
from any2caption.model.encoders.towers import run_tower
from any2caption.model.inputs import DecoderInputs, ModelInputs

__all__ = [
    "CaptionResult",
    "Captioner",
    "Decoder",
    "Request",
    "decoder_inputs",
    "encode_camera",
    "encode_motion",
    "encode_vision",
    "load_camera",
    "load_motion",
    "load_vision",
]
Array = NDArray[np.float32]
Grid = NDArray[np.int64]


def load_vision(bundle: Path) -> nn.Module:
    """Load the vision tower of a bundle."""
    return _load_tower(bundle, "vision")


def load_motion(bundle: Path) -> nn.Module:
    """Load the motion encoder of a bundle."""
    return _load_tower(bundle, "motion")


def load_camera(bundle: Path) -> CameraEncoder:
    """Load the camera encoder of a bundle."""
    config = load_config(bundle)
    encoder = CameraEncoder(config.camera, config.text.hidden)
    encoder.load_state_dict(_local(bundle, "camera"))
    return encoder.float().eval()


def _load_tower(bundle: Path, part: str) -> nn.Module:
    config = load_config(bundle)
    tower: nn.Module = backbone(config.vision.backbone).tower(
        transformers_config(config).vision_config
    )
    tower.load_state_dict(_local(bundle, part))
    return tower.float().eval()


def _local(bundle: Path, part: str) -> dict[str, torch.Tensor]:
    return {k.removeprefix(PARTS[part]): v for k, v in load_part(bundle, part).items()}


@torch.inference_mode()
def encode_vision(tower: nn.Module, patches: Array, grid: Grid) -> Array:
    """vision_patches [N, D] and vision_grid [n, 3] → vision_embeds [N / merge², hidden].

    Zero rows give zero rows.
    """
    rows = run_tower(tower, torch.from_numpy(np.array(patches)), torch.from_numpy(np.array(grid)))
    return rows.numpy()


def encode_motion(tower: nn.Module, patches: Array, grid: Grid) -> Array:
    """motion_patches [M, D] and motion_grid [m, 3] → motion_embeds [M / merge², hidden]."""
    return encode_vision(tower, patches, grid)


@torch.inference_mode()
def encode_camera(encoder: CameraEncoder, poses: Array) -> Array:
    """camera_poses [c·F, 16] → camera_embeds [c·F, hidden]."""
    rows = encoder(torch.from_numpy(np.array(poses)).view(-1, encoder.config.frames, 16))
    return rows.flatten(0, 1).numpy()  # type: ignore[no-any-return]


def decoder_inputs(
    inputs: ModelInputs, vision: Array, motion: Array, camera: Array
) -> DecoderInputs:
    """Join a request's prompt with its encoders' outputs."""
    return DecoderInputs(
        inputs.input_ids, inputs.position_ids, inputs.token_types, vision, motion, camera
    )


@dataclass(frozen=True, slots=True)
class Request:
    """What a user asks for: a short text and parsed conditions, numbered within their kind."""

    text: str
    conditions: Sequence[Condition] = ()


@dataclass(frozen=True, slots=True)
class CaptionResult:
    """The answer: six numbered lines, and the same as an object."""

    text: str
    caption: StructuredCaption
    warnings: tuple[str, ...] = ()


class Captioner:
    """A whole bundle in this process."""

    def __init__(self, bundle: Path, *, batch: int = 32) -> None:
        self.processor, self.kinds = load_processor(bundle), trained_kinds(bundle)
        self.vision, self.motion = load_vision(bundle), load_motion(bundle)
        self.camera, self.decoder = load_camera(bundle), Decoder.from_bundle(bundle)
        self.batch = batch

    def caption(self, requests: Sequence[Request]) -> list[CaptionResult]:
        """Caption the requests, in order, `batch` at a time."""
        results: list[CaptionResult] = []
        for start in range(0, len(requests), self.batch):
            group = requests[start : start + self.batch]
            inputs = [self._assemble(request) for request in group]
            texts = self.decoder.generate([self._encode(item) for item in inputs])
            results += [
                CaptionResult(text, parse(text), item.warnings)
                for text, item in zip(texts, inputs, strict=True)
            ]
        return results

    def _assemble(self, request: Request) -> ModelInputs:
        features = [self.processor.features(condition) for condition in request.conditions]
        texts = [c.payload for c in request.conditions if isinstance(c.payload, str)]
        inputs = self.processor.assemble("\n".join([request.text, *texts]).strip(), features)
        unseen = unseen_warnings(self.kinds, request.conditions)
        return replace(inputs, warnings=(*unseen, *inputs.warnings))

    def _encode(self, inputs: ModelInputs) -> DecoderInputs:
        return decoder_inputs(
            inputs,
            encode_vision(self.vision, inputs.vision_patches, inputs.vision_grid),
            encode_motion(self.motion, inputs.motion_patches, inputs.motion_grid),
            encode_camera(self.camera, inputs.camera_poses),
        )
