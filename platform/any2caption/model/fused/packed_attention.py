"""Attention within the documents of packed rows.

A pack is a row of several documents, one after the other, each with positions of its own from 0.
Linear layers see the row as it is; attention must stay within each document, and be causal there.

On a GPU, in half precision, `torch.nn.attention.varlen` does that on the row itself. Elsewhere the
queries, keys and values of each document are put into a row of their own (documents, longest),
padded on the right: no mask but the causal one is needed, since no token sees what comes after it.
On a CPU this is faster than a block mask over the row, of which most blocks are thrown away
(`bench/packing.py` compares them).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from transformers import AttentionInterface
from transformers.models.qwen2_vl.modeling_qwen2_vl import eager_attention_forward

NAME = "documents"
"""What this attention is called in transformers' registry."""
_HALF = (torch.bfloat16, torch.float16)


@dataclass(frozen=True, slots=True)
class Documents:
    """Where the documents of packed rows (B, L) lie. T = B·L places, D documents.

    - starts: int32 (n + 1), where each begins among the T places, then T; the padding at a row's
      end counts as one more (n ≥ D).
    - widest: the most places between two of them.
    - own: int64 (D, longest), the place of each document's tokens; padding repeats its first.
    - valid: bool (D, longest), which of them are tokens.
    - back: int64 (T,), where each place is found in the D·longest; padding finds the first.
    - inside: bool (T,), which places are of a document.
    """

    starts: Tensor
    widest: int
    own: Tensor
    valid: Tensor
    back: Tensor
    inside: Tensor

    def to(self, device: torch.device | str) -> "Documents":
        """The same on another device."""
        parts = (self.own, self.valid, self.back, self.inside)
        return Documents(self.starts.to(device), self.widest, *(part.to(device) for part in parts))


def lay_out(rows: Sequence[Sequence[int]], width: int) -> Documents:
    """Documents of these lengths, row by row, in rows of `width` places.

    Raises:
        ValueError: a row's documents are longer than the row, or one is empty.
    """
    starts, firsts, lengths = [0], [], []
    for number, row in enumerate(rows):
        at = number * width
        for length in row:
            if length < 1:
                raise ValueError("a document has at least one token")
            firsts.append(at)
            lengths.append(length)
            at += length
            starts.append(at)
        end = (number + 1) * width
        if at > end:
            raise ValueError(f"row {number}: {at - number * width} tokens in {width} places")
        if at < end:
            starts.append(end)
    longest = max(lengths)
    size, first = torch.tensor(lengths)[:, None], torch.tensor(firsts)[:, None]
    step = torch.arange(longest)[None]
    valid = step < size
    own = torch.where(valid, first + step, first)
    back = torch.zeros(len(rows) * width, dtype=torch.int64)
    inside = torch.zeros(len(rows) * width, dtype=torch.bool)
    back[own[valid]] = valid.flatten().nonzero()[:, 0]
    inside[own[valid]] = True
    bounds = torch.tensor(starts, dtype=torch.int32)
    return Documents(bounds, int(bounds.diff().max()), own, valid, back, inside)


class _Moved(torch.autograd.Function):
    """`x[there]` (of T or D·longest places), where `back` finds each place again.

    Backward is a gather too, where autograd's own would add up over indices, which is slow.
    `used` (as long as x) says which places are tokens: only those get a gradient.
    """

    @staticmethod
    def forward(ctx: Any, x: Tensor, there: Tensor, back: Tensor, used: Tensor) -> Tensor:
        ctx.save_for_backward(back, used)
        return x[there]

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, None, None, None]:
        back, used = ctx.saved_tensors
        grad = grads[0][back]
        return grad * used.view(-1, *[1] * (grad.ndim - 1)).to(grad.dtype), None, None, None


def attend(query: Tensor, key: Tensor, value: Tensor, documents: Documents, scale: float) -> Tensor:
    """Causal attention within each document.

    Queries (T, heads, d), keys and values (T, groups, d), with `groups` dividing `heads`; returns
    (T, heads, d). What padding gets is not defined, but finite.
    """
    if query.is_cuda and value.dtype in _HALF:
        return _on_the_row(query, key, value, documents, scale)
    places = documents.own.flatten()
    valid = documents.valid.flatten()
    shape = documents.own.shape

    def apart(x: Tensor) -> Tensor:
        rows = _move(x, places, documents.back, documents.inside)
        return rows.view(*shape, *x.shape[1:]).transpose(1, 2)

    out = nn.functional.scaled_dot_product_attention(
        apart(query), apart(key), apart(value), is_causal=True, scale=scale, enable_gqa=True
    )
    return _move(out.transpose(1, 2).flatten(0, 1), documents.back, places, valid)


def _move(x: Tensor, there: Tensor, back: Tensor, used: Tensor) -> Tensor:
    moved: Tensor = _Moved.apply(x, there, back, used)  # type: ignore[no-untyped-call]
    return moved


def _on_the_row(
    query: Tensor, key: Tensor, value: Tensor, documents: Documents, scale: float
) -> Tensor:
    """The same by the varlen flash kernels, without moving anything."""
    from torch.nn.attention.varlen import varlen_attn

    starts, widest = documents.starts, documents.widest
    # Rotary positions leave queries and keys in float32 under autocast.
    query, key = query.to(value.dtype), key.to(value.dtype)
    out = varlen_attn(
        query,
        key,
        value,
        starts,
        starts,
        widest,
        widest,
        scale=scale,
        window_size=(-1, 0),
        enable_gqa=True,
    )
    assert isinstance(out, Tensor)  # noqa: S101 - nothing else was asked for
    return out


def attention_forward(  # noqa: PLR0913, PLR0917 - transformers' signature
    module: nn.Module,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attention_mask: Tensor | None,
    scaling: float,
    dropout: float = 0.0,
    documents: Documents | None = None,
    **kwargs: Any,
) -> tuple[Tensor, Tensor | None]:
    """As transformers calls it: (B, heads, L, d) → (B, L, heads, d).

    Without `documents` it is transformers' own eager attention.
    """
    if documents is None:
        plain: tuple[Tensor, Tensor | None] = eager_attention_forward(
            module, query, key, value, attention_mask, scaling, dropout, **kwargs
        )
        return plain
    q, k, v = (part.transpose(1, 2).flatten(0, 1) for part in (query, key, value))
    out = attend(q, k, v, documents, scaling)
    return out.view(query.shape[0], -1, *out.shape[1:]), None


AttentionInterface.register(NAME, attention_forward)
