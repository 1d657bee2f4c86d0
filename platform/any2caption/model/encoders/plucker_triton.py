"""Plücker maps computed, normalised and cut into patches in one pass, in OpenAI Triton.

The eager way (`plucker.plucker_patches`) writes rays, directions, maps, the normalised maps and two
permuted copies, each as large as the result. Here a program computes a block of one patch's pixels
from the 16 numbers of a pose, in registers, and writes it in its final place and type: the maps
never exist, and the only traffic is the result itself and the mean map, which stays in the cache.
Poses take no gradient, so there is no backward.

A program's block is BLOCK consecutive places of a patch's U²·P² (U the unshuffle factor, P the
patch's side in unshuffled cells): the six channels of these pixels are six contiguous runs.
"""

import torch
import triton
import triton.language as tl
from torch import Tensor

from any2caption.model.config import CameraConfig
from any2caption.model.encoders.plucker import patchify

BLOCK = 1024


@triton.jit  # type: ignore[untyped-decorator,unused-ignore]
def _kernel(  # type: ignore[no-untyped-def]  # noqa: ANN202, PLR0913, PLR0917
    poses_ptr,  # noqa: ANN001
    mean_ptr,  # noqa: ANN001
    scale_ptr,  # noqa: ANN001
    out_ptr,  # noqa: ANN001
    SIZE: tl.constexpr,
    U: tl.constexpr,
    P: tl.constexpr,
    SIDE: tl.constexpr,  # patches along a side
    BLOCK: tl.constexpr,
):
    AREA: tl.constexpr = U * U * P * P
    BLOCKS: tl.constexpr = (AREA + BLOCK - 1) // BLOCK
    pose = tl.program_id(0).to(tl.int64)
    patch = tl.program_id(1) // BLOCKS
    j = tl.program_id(1) % BLOCKS * BLOCK + tl.arange(0, BLOCK)
    inside = j < AREA
    cell, within = j // (P * P), j % (P * P)
    row = (patch // SIDE * P + within // P) * U + cell // U
    column = (patch % SIDE * P + within % P) * U + cell % U

    base = poses_ptr + pose * 16
    fx, fy = tl.load(base), tl.load(base + 1)
    cx, cy = tl.load(base + 2), tl.load(base + 3)
    r00, r01, r02, ox = (
        tl.load(base + 4),
        tl.load(base + 5),
        tl.load(base + 6),
        tl.load(base + 7),
    )
    r10, r11, r12, oy = (
        tl.load(base + 8),
        tl.load(base + 9),
        tl.load(base + 10),
        tl.load(base + 11),
    )
    r20, r21, r22, oz = (
        tl.load(base + 12),
        tl.load(base + 13),
        tl.load(base + 14),
        tl.load(base + 15),
    )

    x = ((column + 0.5) / SIZE - cx) / fx
    y = ((row + 0.5) / SIZE - cy) / fy
    length = tl.sqrt(x * x + y * y + 1.0)
    x, y, z = x / length, y / length, 1.0 / length
    dx = r00 * x + r01 * y + r02 * z
    dy = r10 * x + r11 * y + r12 * z
    dz = r20 * x + r21 * y + r22 * z

    means = mean_ptr + patch * (6 * AREA) + j
    patches: tl.constexpr = SIDE * SIDE
    outs = out_ptr + (pose * patches + patch) * (6 * AREA) + j
    value = (oy * dz - oz * dy - tl.load(means, inside)) / tl.load(scale_ptr)
    tl.store(outs, value, inside)
    value = (oz * dx - ox * dz - tl.load(means + AREA, inside)) / tl.load(scale_ptr + 1)
    tl.store(outs + AREA, value, inside)
    value = (ox * dy - oy * dx - tl.load(means + 2 * AREA, inside)) / tl.load(scale_ptr + 2)
    tl.store(outs + 2 * AREA, value, inside)
    value = (dx - tl.load(means + 3 * AREA, inside)) / tl.load(scale_ptr + 3)
    tl.store(outs + 3 * AREA, value, inside)
    value = (dy - tl.load(means + 4 * AREA, inside)) / tl.load(scale_ptr + 4)
    tl.store(outs + 4 * AREA, value, inside)
    value = (dz - tl.load(means + 5 * AREA, inside)) / tl.load(scale_ptr + 5)
    tl.store(outs + 5 * AREA, value, inside)


def plucker_patches(
    poses: Tensor, mean: Tensor, scale: Tensor, config: CameraConfig, dtype: torch.dtype
) -> Tensor:
    """As `plucker.plucker_patches`, on the device of the poses (n, 16)."""
    area = config.unshuffle**2 * config.patch**2
    out = torch.empty(len(poses), config.patches, 6 * area, dtype=dtype, device=poses.device)
    block = min(BLOCK, triton.next_power_of_2(area))
    if len(poses):
        _kernel[(len(poses), config.patches * triton.cdiv(area, block))](
            poses.float().contiguous(),
            patchify(mean.float()[None], config).contiguous(),
            scale.float().contiguous(),
            out,
            SIZE=config.size,
            U=config.unshuffle,
            P=config.patch,
            SIDE=config.size // config.unshuffle // config.patch,
            BLOCK=block,
        )
    return out
