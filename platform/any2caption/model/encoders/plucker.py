"""Plücker maps of camera paths, and the same cut into the camera encoder's patches.

Ray of a pixel (u, v) with centres at +0.5, in fractions of the image: d = R · normalise([(u - cx)
/ fx, (v - cy) / fy, 1]), o = the camera's centre; the six channels are (o × d, d). A zoom changes
fx and fy and so every ray.
"""

import torch
from torch import Tensor

from any2caption.model.config import CameraConfig


def plucker_maps(poses: Tensor, size: int) -> Tensor:
    """Return maps (…, 6, size, size) for poses (…, 16).

    A pose is fx, fy, cx, cy as fractions, then camera-to-world 3×4 by rows.
    """
    lens, c2w = poses[..., :4], poses[..., 4:].reshape(*poses.shape[:-1], 3, 4)
    steps = (torch.arange(size, dtype=poses.dtype, device=poses.device) + 0.5) / size
    fx, fy, cx, cy = (lens[..., i, None] for i in range(4))
    x = ((steps - cx) / fx)[..., None, :].expand(*poses.shape[:-1], size, size)
    y = ((steps - cy) / fy)[..., :, None].expand(*poses.shape[:-1], size, size)
    rays = torch.stack([x, y, torch.ones_like(x)], dim=-3)
    rays = rays / rays.norm(dim=-3, keepdim=True)
    directions = torch.einsum("...ij,...jhw->...ihw", c2w[..., :3], rays)
    origins = c2w[..., 3, None, None].expand_as(directions)
    return torch.cat([torch.linalg.cross(origins, directions, dim=-3), directions], dim=-3)


def patchify(maps: Tensor, config: CameraConfig) -> Tensor:
    """Cut maps (n, 6, size, size) into patches (n, patches, channels · patch²).

    PixelUnshuffle first, so a patch holds its numbers as (map channel, row and column within an
    unshuffled cell, row and column of the cell within the patch).
    """
    p = config.patch
    cells = torch.nn.functional.pixel_unshuffle(maps, config.unshuffle)
    n, channels, side, _ = cells.shape
    cut = cells.reshape(n, channels, side // p, p, side // p, p)
    return cut.permute(0, 2, 4, 1, 3, 5).flatten(3).flatten(1, 2)


def plucker_patches(
    poses: Tensor, mean: Tensor, scale: Tensor, config: CameraConfig, dtype: torch.dtype
) -> Tensor:
    """Return the patches (n, patches, channels · patch²) of poses (n, 16), normalised.

    Maps minus the map `mean` (6, size, size), divided by the channels' `scale` (6). Computed in
    float32, given in `dtype`. `plucker_triton.plucker_patches` is the same in one pass.
    """
    maps = plucker_maps(poses.float(), config.size)
    normal = (maps - mean.float()) / scale.float()[:, None, None]
    return patchify(normal, config).to(dtype)
