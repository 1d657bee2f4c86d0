"""Run every trained encoder on every rank, with the smallest input if a batch has nothing for it.

Otherwise ranks deadlock in different collectives: ZeRO 1 and 2 exchange gradients in buckets that
all ranks fill in the same order, and ZeRO 3 gathers each layer's weights when it runs. The filler
has no weight in the loss.
"""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from any2caption.model.any2caption import Any2Caption
from any2caption.training.data.collate import Batch


@dataclass(frozen=True, slots=True)
class Encoded:
    """Encoder outputs (N, rows) of a batch, and the zero that ties idle encoders to the loss."""

    vision: Tensor
    motion: Tensor
    camera: Tensor
    idle: Tensor


def encode_in_step(model: Any2Caption, batch: Batch) -> Encoded:
    """Run every encoder that ranks exchange something for, whatever this batch holds."""
    device, config = batch.input_ids.device, model.config
    cell = config.vision.merge
    patches = torch.zeros(cell**2, 3 * config.vision.temporal * config.vision.patch**2)
    smallest = (patches.to(device), torch.tensor([[1, cell, cell]], device=device))
    idle = torch.zeros((), device=device)
    outputs = []
    for module, encode, given, least in (
        (
            model.mllm.model.visual,
            model.encode_vision,
            (batch.vision, batch.vision_grid),
            smallest,
        ),
        (model.motion_encoder, model.encode_motion, (batch.motion, batch.motion_grid), smallest),
        (
            model.camera_encoder,
            model.encode_camera,
            (batch.camera,),
            (_still(config.camera.frames).to(device),),
        ),
    ):
        if len(given[0]) or not takes_part(module):
            outputs.append(encode(*given))
        else:
            rows = encode(*least)
            idle = idle + 0.0 * rows.float().sum()
            outputs.append(rows[:0])
    vision, motion, camera = outputs
    return Encoded(vision, motion, camera, idle)


def takes_part(module: nn.Module) -> bool:
    """Whether ranks exchange something when this module runs."""
    return any(p.requires_grad or hasattr(p, "ds_id") for p in module.parameters())


def _still(frames: int) -> Tensor:
    """A camera that stands still: (frames, 16), intrinsics and camera-to-world."""
    pose = torch.cat([torch.tensor([1.0, 1.0, 0.5, 0.5]), torch.eye(3, 4).flatten()])
    return pose.repeat(frames, 1)
