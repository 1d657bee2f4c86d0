"""A trained parameter's whole state: fp32 weight and moments, whatever ZeRO split.

This is the content of DeepSpeed's universal checkpoints, read and written through its public
functions for whole values (`deepspeed.utils.safe_get_full_…`). With ZeRO every rank must call
these together and for the same parameter, since each holds a part.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, cast

import torch
from torch import Tensor, nn

from any2caption.training.engine import muon

MOMENTS = ("exp_avg", "exp_avg_sq")
_STEP = "step"


@dataclass(frozen=True, slots=True)
class Whole:
    """One parameter: fp32 weight and moments in its own shape."""

    weight: Tensor
    moments: dict[str, Tensor]


def clear(engine: Any) -> None:
    """Forget the moments of the step of zeros that DeepSpeed may have tried."""
    _base(engine).state.clear()


@torch.no_grad()
def inexact(module: nn.Module) -> dict[int, Tensor]:
    """Frozen parameters that bfloat16 would round, by id, on the host: they must stay as they are.

    Weights that were published in bfloat16 are none of them, and cost nothing here.
    """
    return {
        id(p): p.detach().cpu().clone()
        for p in module.parameters()
        if not p.requires_grad and not torch.equal(p, p.bfloat16().to(p.dtype))
    }


@torch.no_grad()
def whole_weight(engine: Any, parameter: nn.Parameter) -> Tensor:
    """One parameter's fp32 weight as a tensor of its own, on this rank."""
    from deepspeed.runtime.zero import GatheredParameters
    from deepspeed.utils import safe_get_full_fp32_param

    if parameter.requires_grad:
        found = safe_get_full_fp32_param(parameter)
        if found is None:
            found = _masters(engine).get(id(parameter), parameter)
        whole: Tensor = found.detach().view(_shape(parameter)).float().clone()
        return whole
    exact = engine.frozen_exact.get(id(parameter))
    if exact is not None:
        return cast("Tensor", exact).to(parameter.device, copy=True)
    if not hasattr(parameter, "ds_id"):
        return parameter.detach().float().clone()
    with GatheredParameters([parameter]):
        return parameter.detach().float().clone()


def moment_names(engine: Any, parameter: nn.Parameter) -> tuple[str, ...]:
    """The names of a trained parameter's moments, after `prepare` or a step."""
    own = _base(engine).state.get(_masters(engine).get(id(parameter), parameter))
    return MOMENTS if own is None else tuple(name for name in own if name != _STEP)


@torch.no_grad()
def moments(engine: Any, parameter: nn.Parameter) -> dict[str, Tensor]:
    """One trained parameter's moments, after at least one step."""
    from deepspeed.utils import safe_get_full_optimizer_state

    own = _base(engine).state.get(_masters(engine).get(id(parameter), parameter))
    out = {}
    for name in moment_names(engine, parameter):
        found = own[name] if own is not None else safe_get_full_optimizer_state(parameter, name)
        out[name] = found.detach().view(_shape(parameter)).float().clone()
    return out


@torch.no_grad()
def write(engine: Any, parameter: nn.Parameter, state: Whole) -> None:
    """Put a trained parameter's state into an engine on which `prepare` was called."""
    from deepspeed.utils import safe_set_full_fp32_param, safe_set_full_optimizer_state

    device = parameter.device
    if _is_split(parameter):
        safe_set_full_fp32_param(parameter, state.weight.to(device))
        for name, value in state.moments.items():
            safe_set_full_optimizer_state(parameter, value.to(device), name)
        return
    master = _masters(engine).get(id(parameter), parameter)
    master.data.copy_(state.weight)
    for name, value in state.moments.items():
        _base(engine).state[master][name].copy_(value)


@torch.no_grad()
def prepare(engine: Any, step: int) -> None:
    """Give every part of the optimizer its moments, zeros, as its first step would do."""
    base = _base(engine)
    orthogonal = {id(p) for g in base.param_groups if g.get("muon") for p in g["params"]}
    for part in _parts(engine):
        names = (muon.MOMENT,) if id(part) in orthogonal else MOMENTS
        base.state[part] = {
            _STEP: torch.tensor(float(step), device=part.device),
            **{name: torch.zeros_like(part, dtype=torch.float32) for name in names},
        }
    link(engine)


def link(engine: Any) -> None:
    """Let parameters find their moments, which must be there; call it before reading them.

    ZeRO 1 and 2 make their map once, of the moments that there were then.
    """
    wrapper = engine.optimizer
    if hasattr(wrapper, "_lazy_init_hp_params_optimizer_state"):
        wrapper._hp_optimizer_states_linked = False  # noqa: SLF001 - there is no public way
        wrapper._lazy_init_hp_params_optimizer_state()  # noqa: SLF001


def steps(engine: Any) -> int:
    """How many steps the optimizer has made; 0 before the first."""
    made = (s[_STEP] for s in _base(engine).state.values() if _STEP in s)  # Muon counts none
    return int(next(made, 0))


def state_bytes(engine: Any) -> int:
    """Bytes of this rank's masters and moments."""
    parts = list(_parts(engine))
    tensors = [t for p in parts for t in _base(engine).state.get(p, {}).values()]
    return sum(t.nbytes for t in tensors if isinstance(t, Tensor)) + sum(
        p.nbytes for p in parts if not _is_model_parameter(engine, p)
    )


def _base(engine: Any) -> torch.optim.Optimizer:
    """The torch optimizer inside DeepSpeed's wrapper."""
    found = engine.optimizer
    while not isinstance(found, torch.optim.Optimizer) or hasattr(found, "optimizer"):
        found = found.optimizer
    return found


def _parts(engine: Any) -> Iterator[Tensor]:
    """What this rank's optimizer steps: whole parameters, masters, or flat parts of them."""
    flat = getattr(engine.optimizer, "fp32_partitioned_groups_flat", None)  # ZeRO 3
    if flat is not None:
        yield from flat
        return
    for group in _base(engine).param_groups:
        yield from group["params"]


def _masters(engine: Any) -> dict[int, Tensor]:
    """ZeRO 0 in bf16: id of a parameter → its fp32 master. Empty elsewhere."""
    wrapper = engine.optimizer
    pairs = zip(
        getattr(wrapper, "fp16_groups", ()), getattr(wrapper, "fp32_groups", ()), strict=False
    )
    return {
        id(parameter): master
        for parameters, masters in pairs
        for parameter, master in zip(parameters, masters, strict=True)
    }


def _is_split(parameter: nn.Parameter) -> bool:
    return hasattr(parameter, "ds_id") or hasattr(parameter, "_hp_mapping")


def _shape(parameter: nn.Parameter) -> torch.Size:
    return torch.Size(getattr(parameter, "ds_shape", parameter.shape))


def _is_model_parameter(engine: Any, part: Tensor) -> bool:
    return any(part is parameter for parameter in engine.module.parameters())
