"""The camera encoder.

Plücker maps → PixelUnshuffle(4) = 96 channels → patches → transformer → one token a frame. On a
GPU maps and patches are made by one kernel (`kernels`).
"""

import torch
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from any2caption.model.config import CameraConfig
from any2caption.model.encoders.plucker import plucker_maps, plucker_patches
from any2caption.model.fused.kernels import Kernels, chosen


class _Block(nn.Module):
    """Pre-norm transformer block with full attention over all frames' patches."""

    def __init__(self, width: int, heads: int, ratio: int) -> None:
        super().__init__()
        self.heads = heads
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.qkv, self.proj = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.mlp = nn.Sequential(
            nn.Linear(width, ratio * width), nn.GELU(), nn.Linear(ratio * width, width)
        )

    def forward(self, x: Tensor) -> Tensor:
        """(B, L, width) → the same."""
        q, k, v = self.qkv(self.norm1(x)).unflatten(-1, (3, self.heads, -1)).permute(2, 0, 3, 1, 4)
        weights = (q @ k.transpose(-1, -2) * q.shape[-1] ** -0.5).softmax(-1)
        x = x + self.proj((weights @ v).transpose(1, 2).flatten(2))
        return x + self.mlp(self.norm2(x))  # type: ignore[no-any-return]


class CameraEncoder(nn.Module):
    """poses (c, F, 16) → (c, F, hidden)."""

    mean: Tensor
    scale: Tensor
    kernels: Kernels = "auto"

    def __init__(self, config: CameraConfig, hidden: int) -> None:
        super().__init__()
        self.config, self.hidden = config, hidden
        self.recompute = False
        """Gradient checkpointing: whether to recompute a block's activations in backward."""
        side = config.size
        # "Empty is 0" for rays too: maps minus the data's mean map, divided by each channel's
        # deviation.
        self.register_buffer("mean", torch.zeros(6, side, side))
        self.register_buffer("scale", torch.ones(6))
        self.embed = nn.Linear(config.in_channels * config.patch**2, config.width)
        self.frame_position = nn.Parameter(torch.randn(config.frames, 1, config.width) * 0.02)
        self.patch_position = nn.Parameter(torch.randn(1, config.patches, config.width) * 0.02)
        self.blocks = nn.ModuleList(
            _Block(config.width, config.heads, config.mlp_ratio) for _ in range(config.depth)
        )
        self.norm = nn.LayerNorm(config.width)
        self.project: nn.Sequential = nn.Sequential(
            nn.Linear(config.width, config.width * config.mlp_ratio),
            nn.GELU(),
            nn.Linear(config.width * config.mlp_ratio, hidden),
        )

    @torch.no_grad()
    def fit_normalisation(self, poses: Tensor) -> None:
        """Set the input normalisation from training poses (c, F, 16)."""
        maps = plucker_maps(poses.double(), self.config.size)
        mean = maps.mean((0, 1))
        self.mean.copy_(mean)
        self.scale.copy_((maps - mean).pow(2).mean((0, 1, 3, 4)).sqrt().clamp_min(1e-3))

    def forward(self, poses: Tensor) -> Tensor:
        """Return one token a frame."""
        config = self.config
        if not len(poses):
            return poses.new_zeros(0, config.frames, self.hidden)
        c, f = poses.shape[:2]
        patches = self._patches(poses.flatten(0, 1))
        x = self.embed(patches).unflatten(0, (c, f)) + self.frame_position + self.patch_position
        x = x.flatten(1, 2)
        for block in self.blocks:
            x = checkpoint(block, x, use_reentrant=False) if self.recompute else block(x)
        pooled = self.norm(x).unflatten(1, (f, -1)).mean(2)
        return self.project(pooled)  # type: ignore[no-any-return]

    def _patches(self, poses: Tensor) -> Tensor:
        """Poses (n, 16) → (n, patches, channels · patch²) in the type that `embed` takes."""
        device, dtype = poses.device, self.embed.weight.dtype
        if torch.is_autocast_enabled(device.type):
            dtype = torch.get_autocast_dtype(device.type)
        make = plucker_patches
        if chosen(self.kernels, device) != "eager":
            from any2caption.model.encoders.plucker_triton import plucker_patches as make
        with torch.no_grad(), torch.autocast(device.type, enabled=False):
            return make(poses, self.mean, self.scale, self.config, dtype)
