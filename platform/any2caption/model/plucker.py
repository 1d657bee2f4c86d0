"""Plücker maps of camera paths.

Ray of a pixel (u, v) with centres at +0.5, in fractions of the image: d = R · normalise([(u - cx)
/ fx, (v - cy) / fy, 1]), o = the camera's centre; the six channels are (o × d, d). A zoom changes
fx and fy and so every ray.
"""

import torch
from torch import Tensor


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
