"""What ranks exchange: joining their group, sums of numbers, short texts."""

import json
from collections.abc import Sequence

import torch
import torch.distributed as dist
from torch import Tensor


def connect() -> tuple[int, int]:
    """Join the process group of the launcher; returns (rank, world size)."""
    import deepspeed

    # Its shared-memory exchange is compiled at first use, for minutes, and a process killed
    # meanwhile leaves a lock that every later start waits for without end. gloo's own exchange of
    # a tiny model costs milliseconds.
    deepspeed.ops.__compatible_ops__["deepspeed_shm_comm"] = False
    backend = "nccl" if torch.cuda.is_available() else "gloo"
    deepspeed.init_distributed(dist_backend=backend, verbose=False)
    return dist.get_rank(), dist.get_world_size()


def world_size() -> int:
    """How many ranks there are; 1 without a process group."""
    return dist.get_world_size() if dist.is_initialized() else 1


def summed(values: Sequence[float | Tensor]) -> list[float]:
    """Add numbers over all ranks in one exchange, and wait for the sums."""
    return [float(value) for value in added(values)]


def added(values: Sequence[float | Tensor]) -> Tensor:
    """Add numbers over all ranks in one exchange: float64, on the device, not waited for."""
    device = "cuda" if torch.cuda.is_available() else "cpu"
    total = torch.stack(
        [torch.as_tensor(v, dtype=torch.float64, device=device).detach() for v in values]
    )
    if world_size() > 1:
        dist.all_reduce(total)
    return total


def gathered(values: Sequence[str]) -> list[str]:
    """The values of all ranks, in order of rank; every rank must call it.

    As JSON in tensors: torch's own exchange of objects pickles them.
    """
    if world_size() == 1:
        return list(values)
    device = "cuda" if torch.cuda.is_available() else "cpu"
    text = json.dumps(list(values)).encode()
    sizes = [torch.zeros(1, dtype=torch.int64, device=device) for _ in range(world_size())]
    dist.all_gather(sizes, torch.tensor([len(text)], device=device))
    longest = max(int(size) for size in sizes)
    padded = torch.tensor(list(text.ljust(longest)), dtype=torch.uint8, device=device)
    parts = [torch.zeros_like(padded) for _ in sizes]
    dist.all_gather(parts, padded)
    return [str(value) for part in parts for value in json.loads(bytes(part.tolist()))]
