"""The language head's loss without ever holding all its scores.

A vocabulary of 152,064 makes 0.6 MB of float32 scores a token, three times that with softmax and
gradient: for a long batch more than the model. Here rows are taken in chunks: a chunk's scores,
loss and gradients are computed and forgotten before the next (the method of Liger Kernel, arXiv
2410.10989, which runs in its place on a GPU). The gradients come with the loss, so nothing is
computed twice.
"""

from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from any2caption.model.fused.kernels import Kernels, chosen

NUMBERS = 1 << 27
"""Scores held at a time: 512 MB of them, 882 rows of Qwen2-VL's vocabulary."""


class LossHead(nn.Linear):
    """The language head (no bias). With targets it returns their loss instead of scores.

    The loss is computed inside this module's forward, so that whatever gathers a split weight
    around a module (ZeRO 3) does so for the loss too.
    """

    kernels: Kernels = "auto"

    @classmethod
    def of(cls, linear: nn.Linear) -> "LossHead":
        """A head on the same weight (the parameter itself: it stays tied where it was)."""
        head = cls(linear.in_features, linear.out_features, bias=False, device="meta")
        head.weight = linear.weight
        return head

    def forward(
        self, hidden: Tensor, targets: Tensor | None = None, weights: Tensor | None = None
    ) -> Tensor:
        """Scores (…, vocabulary) of hidden states (…, hidden).

        With targets (N,) and weights (N,) for hidden states (N, hidden): Σ weight · cross-entropy.
        """
        if targets is None or weights is None:
            return super().forward(hidden)
        return linear_cross_entropy(hidden, self.weight, targets, weights, self.kernels)


def linear_cross_entropy(  # noqa: PLR0913, PLR0917 - a loss's operands
    hidden: Tensor,
    weight: Tensor,
    targets: Tensor,
    weights: Tensor,
    kernels: Kernels = "auto",
    rows: int = 0,
) -> Tensor:
    """Σ weights · cross-entropy(hidden · weightᵀ, targets), a float32 scalar.

    hidden (N, H), weight (V, H), targets int64 (N,), weights float32 (N,). Products are in the
    autocast type where autocast is on, softmax and sums in float32. `rows` a chunk; 0: as many as
    `NUMBERS` allows.
    """
    device = hidden.device
    if torch.is_autocast_enabled(device.type):
        dtype = torch.get_autocast_dtype(device.type)
        hidden, weight = hidden.to(dtype), weight.to(dtype)
    with torch.autocast(device.type, enabled=False):
        way = chosen(kernels, device)
        if kernels == "auto" and weight.requires_grad:  # measured: faster (bench/README.md)
            way = "eager"
        if len(targets) and way == "liger":
            return _liger(hidden, weight, targets, weights)
        rows = rows or max(1, NUMBERS // len(weight))
        found: Tensor = _Chunked.apply(  # type: ignore[no-untyped-call]
            hidden, weight, targets, weights, rows, torch.is_grad_enabled()
        )
        return found


def _liger(hidden: Tensor, weight: Tensor, targets: Tensor, weights: Tensor) -> Tensor:
    """Liger's kernel. Equal weights are taken out of the sum: it then computes scores only once."""
    from liger_kernel.ops import LigerFusedLinearCrossEntropyFunction

    equal = bool((weights == weights[0]).all())
    loss, *_ = LigerFusedLinearCrossEntropyFunction.apply(
        hidden,
        weight,
        targets,
        None,  # bias
        None,  # weights of classes
        -100,  # the target to ignore
        0.0,
        0.0,
        "sum" if equal else "none",
        None,
        False,
        torch.float32,  # sums of the weight's gradient over chunks
    )
    total: Tensor = loss * weights[0] if equal else (loss * weights).sum()
    return total.float()


class _Chunked(torch.autograd.Function):
    """The eager twin."""

    @staticmethod
    def forward(  # noqa: PLR0913, PLR0917
        ctx: Any,
        hidden: Tensor,
        weight: Tensor,
        targets: Tensor,
        weights: Tensor,
        rows: int,
        gradients: bool,  # noqa: FBT001 - apply() takes positions only
    ) -> Tensor:
        for_hidden, for_weight = (gradients and needed for needed in ctx.needs_input_grad[:2])
        total = torch.zeros((), dtype=torch.float32, device=hidden.device)
        d_hidden = torch.empty_like(hidden) if for_hidden else None
        d_weight: Tensor | None = None
        for start in range(0, len(hidden), rows):
            part = slice(start, start + rows)
            own, target, share = hidden[part], targets[part, None], weights[part, None].float()
            scores = (own @ weight.T).float()
            norm = scores.logsumexp(-1, keepdim=True)
            total += (share * (norm - scores.gather(1, target))).sum()
            if not (for_hidden or for_weight):
                continue
            slope = scores.sub_(norm).exp_().mul_(share)  # weights · (softmax - one-hot)
            slope.scatter_add_(1, target, -share)
            small = slope.to(hidden.dtype)
            if d_hidden is not None:
                torch.mm(small, weight, out=d_hidden[part])
            if for_weight:
                d_weight = _added(d_weight, small.T, own, only=rows >= len(hidden))
        if for_weight and d_weight is None:  # no rows at all
            d_weight = torch.zeros_like(weight)
        ctx.gradients = d_hidden, None if d_weight is None else d_weight.to(weight.dtype)
        return total

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *outer: Tensor) -> tuple[Tensor | None, ...]:
        """Both gradients were found on the way forth; they are scaled in place, once."""
        found, ctx.gradients = ctx.gradients, None
        if found is None:
            raise RuntimeError("linear_cross_entropy: its gradients are given only once")
        d_hidden, d_weight = (None if d is None else d.mul_(outer[0].to(d.dtype)) for d in found)
        return d_hidden, d_weight, None, None, None, None


def _added(total: Tensor | None, left: Tensor, right: Tensor, *, only: bool) -> Tensor:
    """Add left · right, over chunks in float32."""
    if only:
        return left @ right
    if total is None:
        shape = len(left), right.shape[1]
        total = torch.zeros(shape, dtype=torch.float32, device=left.device)
    if left.is_cuda and left.dtype != torch.float32:  # sums in float32 without a second copy
        return torch.addmm(total, left, right, out_dtype=torch.float32, out=total)
    return total.add_((left @ right).float())
