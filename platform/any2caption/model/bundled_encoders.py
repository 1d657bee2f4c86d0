"""The encoders of a bundle: each loaded from its own part alone, and run on arrays.

Served in float32. Only the towers need transformers, which loads with the first of them: the step
for camera paths starts without it.
"""

from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from any2caption.model.bundle import PARTS, load_config, load_part
from any2caption.model.encoders.camera import CameraEncoder

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
    from any2caption.model.backbones import backbone, transformers_config

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
    from any2caption.model.encoders.towers import run_tower

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
