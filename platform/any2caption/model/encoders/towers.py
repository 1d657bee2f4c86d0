"""Running transformers' vision towers, Qwen2-VL's fast where pictures come in a few sizes.

The stock forward loops over frames in Python and embeds patches with a Conv3d; both dominate a
tiny tower on a CPU (the convolution is about 10 times slower than the same product as a linear
layer), and the loop leaves a GPU waiting. Same weights, same result.
"""

from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint
from transformers.models.qwen2_vl.modeling_qwen2_vl import (
    Qwen2VisionTransformerPretrainedModel,
    apply_rotary_pos_emb_vision,
)


def run_tower(tower: Any, patches: Tensor, grid: Tensor) -> Tensor:
    """Return merged tokens (N / merge², `ModelConfig.rows`) of patches (N, D) with grids (n, 3)."""
    if len(patches) == 0:
        return patches.new_zeros(0, _width(tower))
    sizes = [(h, w) for _, h, w in grid.tolist()]
    # Other towers are transformers' own business; with ZeRO 3 all ranks call each once.
    fast = isinstance(tower, Qwen2VisionTransformerPretrainedModel)
    if not fast or hasattr(tower.patch_embed.proj.weight, "ds_id"):
        found = tower(patches.to(tower.dtype), grid_thw=grid)
        return torch.cat([found.pooler_output, *getattr(found, "deepstack_features", ())], -1)
    if len(set(sizes)) == 1:
        return _equal_frames(tower, patches, *sizes[0])
    items = torch.split(patches, grid.prod(-1).tolist())
    merged: dict[int, Tensor] = {}
    for size in sorted(set(sizes)):
        chosen = [i for i, other in enumerate(sizes) if other == size]
        rows = _equal_frames(tower, torch.cat([items[i] for i in chosen]), *size)
        counts = [len(items[i]) // int(tower.spatial_merge_size) ** 2 for i in chosen]
        merged.update(zip(chosen, torch.split(rows, counts), strict=True))
    return torch.cat([merged[i] for i in range(len(items))])


def _width(tower: Any) -> int:
    """Numbers in a row that the tower gives."""
    *_, last = (layer for layer in tower.merger.modules() if isinstance(layer, nn.Linear))
    return int(last.out_features) * (1 + len(getattr(tower, "deepstack_merger_list", ())))


def _equal_frames(tower: Any, patches: Tensor, h: int, w: int) -> Tensor:
    """All frame pairs are h×w patches: attention in one batch."""
    weight = tower.patch_embed.proj.weight
    x = nn.functional.linear(patches.to(weight.dtype), weight.flatten(1)).view(
        -1, h * w, len(weight)
    )
    merge = int(tower.spatial_merge_size)
    index = torch.stack(torch.meshgrid(torch.arange(h), torch.arange(w), indexing="ij"))
    index = index.view(2, h // merge, merge, w // merge, merge).transpose(2, 3).flatten(1)
    cos, sin = tower.rotary_pos_emb(x, index.T.to(x.device))
    for block in tower.blocks:
        if getattr(block, "gradient_checkpointing", False) and block.training:
            x = checkpoint(_block, block, x, cos, sin, use_reentrant=False)
        else:
            x = _block(block, x, cos, sin)
    merged: Tensor = tower.merger(x.flatten(0, 1))
    return merged


def _block(block: Any, x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """One transformer block over (n, patches, width)."""
    attention = block.attn
    qkv = attention.qkv(block.norm1(x)).unflatten(-1, (3, attention.num_heads, -1))
    q, k, v = qkv.unbind(2)
    q, k = apply_rotary_pos_emb_vision(q, k, cos, sin)
    q, k, v = (part.transpose(1, 2) for part in (q, k, v))
    x = x + attention.proj(_attend(q, k, v, attention.scaling).transpose(1, 2).flatten(2))
    return x + block.mlp(block.norm2(x))  # type: ignore[no-any-return]


def _attend(q: Tensor, k: Tensor, v: Tensor, scale: float) -> Tensor:
    """Attention over the last but one dimension; on a CPU plain products beat torch's fused one."""
    if q.is_cuda:
        return nn.functional.scaled_dot_product_attention(q, k, v, scale=scale)
    return (q @ k.transpose(-1, -2) * scale).softmax(-1) @ v
