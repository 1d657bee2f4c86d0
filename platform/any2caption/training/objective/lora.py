"""Low-rank adaptation of the language model's attention projections (arXiv 2106.09685).

`attach` puts W + s·B·A in the place of W, with B zero at first, so nothing changes before the first
step; `merge` adds the product into W, so a bundle knows nothing of it.
"""

import math

import torch
from torch import Tensor, nn

RANK, ALPHA = 16, 32.0
TARGETS = ("q_proj", "k_proj", "v_proj", "o_proj")


class LoraLinear(nn.Module):
    """A frozen linear layer and its low-rank update."""

    def __init__(self, base: nn.Linear, rank: int = RANK, alpha: float = ALPHA) -> None:
        super().__init__()
        self.base, self.scale = base, alpha / rank
        self.lora_a = nn.Parameter(torch.empty(rank, base.in_features, dtype=base.weight.dtype))
        self.lora_b = nn.Parameter(torch.zeros(base.out_features, rank, dtype=base.weight.dtype))
        nn.init.kaiming_uniform_(self.lora_a, a=math.sqrt(5))

    def forward(self, x: Tensor) -> Tensor:
        """(…, in) → (…, out)."""
        update = nn.functional.linear(nn.functional.linear(x, self.lora_a), self.lora_b)
        return self.base(x) + self.scale * update  # type: ignore[no-any-return]


def attach(language: nn.Module, rank: int = RANK, alpha: float = ALPHA) -> None:
    """Wrap every attention projection of a language model."""
    for module in list(language.modules()):
        for name in TARGETS:
            child = getattr(module, name, None)
            if isinstance(child, nn.Linear):
                setattr(module, name, LoraLinear(child, rank, alpha))


@torch.no_grad()
def merge(language: nn.Module) -> None:
    """Add every update to its weights and put the plain layers back."""
    for module in list(language.modules()):
        for name in TARGETS:
            child = getattr(module, name, None)
            if isinstance(child, LoraLinear):
                child.base.weight += child.scale * child.lora_b @ child.lora_a
                setattr(module, name, child.base)
