"""The fused operations on a GPU beside their eager twins: time and peak memory.

    python bench/kernels_gpu.py --out kernels.json

1. Plücker patches of `--cameras` paths of 16 frames (the 7B preset: maps 256 x 256, PixelUnshuffle
   4, patch 16): this project's Triton kernel, its eager twin, and the twin under torch.compile, to
   float32 and to bfloat16. The least traffic is the result written once; GB/s counts only that, to
   be compared with the card's measured copy rate.
2. Language head and loss, forward and backward, of `--rows` hidden states (3584) against 152,064
   tokens in bfloat16: plain PyTorch, the chunked eager twin, Liger; with the head trained and with
   the head frozen. Memory is the peak above what the operands hold.

Times are medians of CUDA events after warming up. Errors are relative, in the 2-norm, to float64 of
the same inputs (1.), and to plain PyTorch in float32 on 512 rows (2.). Without a GPU nothing is
measured; `--tiny` runs small shapes there, to check the script.
"""

import argparse
import statistics
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from gpu import Results, card, gpu_or_leave
from torch import Tensor, nn

from any2caption.model.encoders.plucker import patchify, plucker_maps, plucker_patches
from any2caption.model.fused.kernels import chosen
from any2caption.model.fused.linear_cross_entropy import linear_cross_entropy
from any2caption.model.presets import QWEN2_VL_7B


def milliseconds(work: Callable[[], Any], device: torch.device, repeat: int) -> float:
    """Median time of `work`."""
    for _ in range(3):
        work()
    if device.type != "cuda":
        times = []
        for _ in range(repeat):
            began = time.perf_counter()
            work()
            times.append(1e3 * (time.perf_counter() - began))
        return statistics.median(times)
    marks = [[torch.cuda.Event(enable_timing=True) for _ in range(2)] for _ in range(repeat)]
    for start, end in marks:
        start.record()
        work()
        end.record()
    torch.cuda.synchronize()
    return statistics.median(start.elapsed_time(end) for start, end in marks)


def peak_bytes(work: Callable[[], Any], device: torch.device) -> int:
    """The most memory that `work` holds beyond what was held before."""
    if device.type != "cuda":
        return 0
    torch.cuda.synchronize()
    torch.cuda.empty_cache()
    torch.cuda.reset_peak_memory_stats()
    before = torch.cuda.memory_allocated()
    work()
    torch.cuda.synchronize()
    return torch.cuda.max_memory_allocated() - before


def poses_of(count: int, device: torch.device) -> Tensor:
    """Random cameras: rotations, centres, lenses."""
    rotation = torch.linalg.qr(torch.randn(count, 3, 3, device=device))[0]
    c2w = torch.cat([rotation, torch.randn(count, 3, 1, device=device)], -1)
    lens = torch.tensor([0.6, 0.9, 0.5, 0.5], device=device) + 0.2 * torch.rand(
        count, 4, device=device
    )
    return torch.cat([lens, c2w.flatten(1)], 1)


def ceilings(results: Results, device: torch.device, repeat: int) -> None:
    """The card's copy rate and bfloat16 matrix rate, as found."""
    source = torch.randn(2**30, device=device)
    target = torch.empty_like(source)
    took = milliseconds(lambda: target.copy_(source), device, repeat)
    a, b = (torch.randn(8192, 8192, device=device, dtype=torch.bfloat16) for _ in range(2))
    product = milliseconds(lambda: a @ b, device, repeat)
    results.add(
        what="ceilings",
        copy_gb_s=2 * source.nbytes / took / 1e6,
        bf16_tflops=2 * 8192**3 / product / 1e9,
    )


def plucker(
    results: Results, device: torch.device, cameras: int, repeat: int, *, tiny: bool
) -> None:
    """Part 1."""
    config = replace(QWEN2_VL_7B.camera, size=64) if tiny else QWEN2_VL_7B.camera
    mean = torch.randn(6, config.size, config.size, device=device)
    scale = 0.5 + torch.rand(6, device=device)
    poses, few = poses_of(cameras * config.frames, device), poses_of(4, device)
    exact = plucker_maps(few.double(), config.size)
    exact = patchify((exact - mean.double()) / scale.double()[:, None, None], config)
    ways: dict[str, Callable[..., Tensor]] = {"eager": plucker_patches}
    if device.type == "cuda":
        from any2caption.model.encoders.plucker_triton import plucker_patches as fused

        ways |= {"eager, compiled": torch.compile(plucker_patches), "triton": fused}
    for dtype in (torch.float32, torch.bfloat16):
        for name, way in ways.items():

            def work(way: Any = way, dtype: Any = dtype) -> Tensor:
                return way(poses, mean, scale, config, dtype)

            took = milliseconds(work, device, repeat)
            found = plucker_patches if name == "eager, compiled" else way  # a shape compiled once
            error = (found(few, mean, scale, config, dtype).double() - exact).norm() / exact.norm()
            written = len(poses) * config.patches * config.in_channels * config.patch**2
            results.add(
                what="plucker patches",
                way=name,
                dtype=str(dtype).removeprefix("torch."),
                cameras=cameras,
                ms=took,
                result_gb_s=written * dtype.itemsize / took / 1e6,
                peak_mb=peak_bytes(work, device) / 1e6,
                result_mb=written * dtype.itemsize / 1e6,
                error=float(error),
            )


def plain(hidden: Tensor, weight: Tensor, targets: Tensor, weights: Tensor) -> Tensor:
    """All scores at once, as a trainer without a fused loss."""
    losses = nn.functional.cross_entropy((hidden @ weight.T).float(), targets, reduction="none")
    return (losses * weights).sum()


def loss(results: Results, device: torch.device, rows: int, repeat: int, *, tiny: bool) -> None:
    """Part 2."""
    width, vocabulary = (64, 500) if tiny else (3584, 152064)
    weight = (torch.randn(vocabulary, width, device=device) * 0.02).bfloat16()
    hidden = torch.randn(rows, width, device=device).bfloat16().requires_grad_()
    targets = torch.randint(vocabulary, (rows,), device=device)
    weights = torch.ones(rows, device=device)
    few = min(rows, 512)
    ways: dict[str, Callable[..., Tensor]] = {
        "plain": plain,
        "chunked": lambda *given: linear_cross_entropy(*given, kernels="eager"),
    }
    if device.type == "cuda" and chosen("auto", device) == "liger":
        ways["liger"] = lambda *given: linear_cross_entropy(*given, kernels="liger")
        ways["liger, unequal weights"] = lambda h, w, t, _: linear_cross_entropy(
            h, w, t, unequal[: len(h)], kernels="liger"
        )
    unequal = torch.where(torch.arange(rows, device=device) % 2 == 0, 1.0, 1.0 + 1e-6)
    sample = hidden[:few].detach().float().requires_grad_()
    exact = plain(sample, weight.float(), targets[:few], weights[:few])
    slope = torch.autograd.grad(exact, sample)[0]
    for trained in (True, False):
        weight.requires_grad_(trained)
        for name, way in ways.items():

            def work(way: Any = way) -> None:
                hidden.grad = weight.grad = None
                (0.5 * way(hidden, weight, targets, weights)).backward()

            took = milliseconds(work, device, repeat)
            peak = peak_bytes(work, device)
            hidden.grad = weight.grad = None
            part = hidden[:few].detach().requires_grad_()
            value = way(part, weight, targets[:few], weights[:few])
            found = torch.autograd.grad(value, part)[0]
            flops = (6 if trained else 4) * rows * width * vocabulary
            results.add(
                what="head and loss",
                way=name,
                head="trained" if trained else "frozen",
                rows=rows,
                ms=took,
                tflops=flops / took / 1e9,
                peak_mb=peak / 1e6,
                loss_error=float(((value - exact).abs() / exact.abs()).detach()),
                gradient_error=float((found.float() - slope).norm() / slope.norm()),
            )


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--cameras", type=int, nargs="+", default=[1, 64])
    parser.add_argument("--rows", type=int, nargs="+", default=[2048, 8192])
    parser.add_argument("--repeat", type=int, default=20)
    parser.add_argument("--tiny", action="store_true", help="small shapes, also on a CPU")
    parser.add_argument("--out", type=Path, help="JSON")
    given = parser.parse_args()
    device = torch.device("cpu") if given.tiny else gpu_or_leave(given.out, "kernels")
    if given.tiny and torch.cuda.is_available():
        device = torch.device("cuda")
    torch.manual_seed(0)
    results = Results(given.out, card(device))
    if not given.tiny:
        ceilings(results, device, given.repeat)
    for cameras in given.cameras:
        plucker(results, device, cameras, given.repeat, tiny=given.tiny)
    for rows in given.rows:
        loss(results, device, rows, given.repeat, tiny=given.tiny)


if __name__ == "__main__":
    main()
