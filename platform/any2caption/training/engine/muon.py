"""Muon for an encoder's matrices, AdamW for the rest, as one optimizer.

Muon (Jordan et al., 2024; scaled as in arXiv 2502.16982) makes every update of a matrix nearly
orthogonal. It is meant for a small encoder that starts from nothing, and needs whole matrices,
which ZeRO 1 to 3 cut.
"""

from collections.abc import Callable, Iterable
from typing import Any

import torch

MOMENT = "momentum_buffer"


class MuonAndAdamW(torch.optim.Optimizer):
    """Groups with `"muon": True` are stepped by Muon, the others by AdamW.

    Both share this optimizer's groups and state, so rates that are set here reach them and a
    checkpoint sees one optimizer.
    """

    def __init__(
        self,
        groups: Iterable[dict[str, Any]],
        *,
        lr: float,
        betas: tuple[float, float],
        weight_decay: float,
        fused: bool | None = None,
    ) -> None:
        groups = list(groups)
        whole = [group for group in groups if group.get("muon")]
        others = [group for group in groups if not group.get("muon")]
        muon = torch.optim.Muon(
            whole, lr=lr, weight_decay=weight_decay, adjust_lr_fn="match_rms_adamw"
        )
        adamw = torch.optim.AdamW(
            others, lr=lr, betas=betas, weight_decay=weight_decay, fused=fused
        )
        super().__init__(groups, {})
        self._inner = (muon, adamw)
        for optimizer in self._inner:
            optimizer.state = self.state

    def step(self, closure: Callable[[], float] | None = None) -> float | None:  # type: ignore[override]
        """Make one step with both; a closure is run once, before them, and its loss returned."""
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for optimizer in self._inner:
            optimizer.step()  # type: ignore[no-untyped-call]
        return loss
