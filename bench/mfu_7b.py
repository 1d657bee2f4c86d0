"""Model FLOPs utilisation of training steps of the Qwen2-VL-7B shape, random weights, one GPU.

    python bench/mfu_7b.py --out mfu.json

The whole Any2Caption (language model, vision tower, motion encoder, camera encoder; 9.2 billion
parameters in bfloat16) through the trainer's own objective: encode, embed, language model, loss of
the caption's tokens, backward, clip, fused AdamW (bfloat16 moments). No DeepSpeed and no data
loading. Encoders are frozen as in stage 2; what the language model trains is `--tune`:

    lora     rank 16 on the attention projections, everything else frozen
    full     the language model and its head
    lm_head  the head alone: nothing goes back through the layers

A row of `--length` tokens holds one picture (448 x 448: 1,024 patches, 256 tokens), one skeleton
video (16 frames of 224 x 224: 2,048 patches, 512 tokens), one camera path (16 tokens), text, and a
caption of `--caption` tokens at its end.

FLOPs of a step, counted once whatever is recomputed (2 a multiply-add; n_* products' weights):

    language    2 · tokens · n_layers · k     n_layers: weights of the layers' linear maps
    attention   2 · rows · layers · length² · hidden · a        (causal: half of 4 · length²)
    head        2 · caption tokens · hidden · vocabulary · h
    encoders    2 · patches · n_encoder + 4 · patches · attended · width · depth   (forward only)

k = 1 forward, + 1 for gradients of activations where they pass through the layers, + 1 for
gradients of weights where they are trained; a = 1, or 3 with backward; h like k for the head.
LoRA's own products are left out (0.3 %). MFU = FLOPs / (median time · peak), the peak being the
data sheet's dense bfloat16 rate of the card (989.4 TFLOP/s for H100 and H200 SXM; `--peak`).

`--layers compile` compiles the language model's layers, as a recipe's `compile` does but for these
shapes alone. Without a GPU nothing is measured; `--tiny` runs small shapes there, to check the
script.
"""

import argparse
import gc
import statistics
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from gpu import Results, card, gpu_or_leave, peak_of
from torch import Tensor, nn

from any2caption.model.any2caption import Any2Caption
from any2caption.model.config import ModelConfig
from any2caption.model.inputs import CAMERA, MOTION, TEXT, VISION
from any2caption.model.presets import QWEN2_VL_7B
from any2caption.model.processing.positions import prompt_positions
from any2caption.training.data.collate import Batch
from any2caption.training.objective import lora
from any2caption.training.objective.objective import Objective

PICTURE, SKELETON = (1, 32, 32), (8, 16, 16)


def small(config: ModelConfig) -> ModelConfig:
    """The same model, a few thousand times smaller."""
    return replace(
        config,
        text=replace(
            config.text, vocab_size=500, hidden=64, layers=2, heads=4, kv_heads=2, mlp=128,
            mrope_section=(2, 3, 3),
        ),
        vision=replace(config.vision, depth=2, width=32, heads=2),
        camera=replace(config.camera, size=64, width=32, depth=2, heads=2),
    )  # fmt: skip


def build(config: ModelConfig, device: torch.device, tune: str, kernels: str) -> Objective:
    """Random weights in bfloat16, frozen as `tune` says."""
    torch.set_default_dtype(torch.bfloat16)
    with device:
        model = Any2Caption(config)
    torch.set_default_dtype(torch.float32)
    model.use_kernels(kernels)
    objective = Objective(model, {}, bf16=False).requires_grad_(requires_grad=False).to(device)
    if tune == "lora":
        lora.attach(model.language)
        objective.to(device)
        for name, parameter in model.language.named_parameters():
            parameter.requires_grad_(".lora_" in name)
    if tune == "full":
        model.language.requires_grad_(requires_grad=True)
    if tune in {"full", "lm_head"}:
        model.mllm.lm_head.requires_grad_(requires_grad=True)
    return objective.train()


def batch_of(config: ModelConfig, rows: int, length: int, caption: int, device: Any) -> Batch:
    """Equal rows of random tokens and pixels."""
    merge = config.vision.merge**2
    frames = config.camera.frames
    segments: list[tuple[int, int, tuple[int, int, int] | None]] = [(TEXT, 8, None)]
    for kind, grid in ((VISION, PICTURE), (MOTION, SKELETON)):
        segments += [(kind, int(np.prod(grid)) // merge, grid), (TEXT, 8, None)]
    segments += [(CAMERA, frames, None)]
    used = sum(size for _, size, _ in segments)
    segments += [(TEXT, length - used, None)]
    types = torch.cat([torch.full((size,), kind) for kind, size, _ in segments])
    positions = torch.from_numpy(
        prompt_positions([(size, grid) for _, size, grid in segments], config.vision.merge)
    )
    labels = torch.full((length,), -1)
    labels[-caption - 1 : -1] = torch.randint(config.text.vocab_size, (caption,))
    dim = config.vision.patch_dim

    def same(row: Tensor) -> Tensor:
        return row.expand(rows, *row.shape).contiguous().to(device)

    pose = torch.cat([torch.tensor([0.6, 0.9, 0.5, 0.5]), torch.eye(3, 4).flatten()])
    return Batch(
        ids=(),
        input_ids=torch.randint(config.text.vocab_size, (rows, length), device=device),
        positions=positions[:, None].expand(3, rows, length).contiguous().to(device),
        types=same(types),
        labels=same(labels),
        weights=same((labels >= 0).float()),
        vision=torch.randn(rows * int(np.prod(PICTURE)), dim, device=device),
        vision_grid=torch.tensor([PICTURE] * rows),
        motion=torch.randn(rows * int(np.prod(SKELETON)), dim, device=device),
        motion_grid=torch.tensor([SKELETON] * rows),
        camera=pose.repeat(rows * frames, 1).to(device),
        answers=(),
        tokens=rows * length,
    )


def linear_weights(module: nn.Module) -> int:
    """Weights of a module's linear maps."""
    return sum(m.weight.numel() for m in module.modules() if isinstance(m, nn.Linear))


def step_flops(objective: Objective, rows: int, length: int, caption: int, tune: str) -> float:
    """The formula above."""
    model, config = objective.model, objective.model.config
    text, vision, camera = config.text, config.vision, config.camera
    through, whole = tune != "lm_head", tune == "full"
    layers = linear_weights(model.language)
    k = 1 + through + whole
    total = 2.0 * rows * length * layers * k
    total += 2.0 * rows * text.layers * length**2 * text.hidden * (3 if through else 1)
    h = 1 + through + (tune != "lora")
    total += 2.0 * rows * caption * text.hidden * text.vocab_size * h
    tower = linear_weights(model.motion_encoder.blocks) + vision.patch_dim * vision.width
    tower += linear_weights(model.motion_encoder.merger) // vision.merge**2
    for grid in (PICTURE, SKELETON):
        patches, attended = rows * int(np.prod(grid)), grid[1] * grid[2]
        total += 2.0 * patches * tower + 4.0 * patches * attended * vision.width * vision.depth
    patches = rows * camera.frames * camera.patches
    total += 2.0 * patches * linear_weights(model.camera_encoder)
    attended = camera.frames * camera.patches
    return total + 4.0 * patches * attended * camera.width * camera.depth


def speed_up(objective: Objective, layers: str) -> None:
    """Compiled layers in the language model."""
    if layers == "compile":
        for layer in objective.model.language.layers:  # type: ignore[union-attr]
            layer.compile(dynamic=False)


def measure(objective: Objective, batch: Batch, steps: int, device: torch.device) -> dict[str, Any]:
    """Median seconds of a step, peak memory, first and last loss."""
    trained = [p for p in objective.parameters() if p.requires_grad]
    optimizer = torch.optim.AdamW(trained, lr=1e-5, fused=device.type == "cuda")
    times, losses = [], []
    gpu = device.type == "cuda"
    if gpu:
        torch.cuda.reset_peak_memory_stats()
    for _ in range(3 + steps):
        if gpu:
            torch.cuda.synchronize()
        began = time.perf_counter()
        loss, weight = objective(batch, 0.0)
        mean = loss / weight
        mean.backward()
        mean = mean.detach()
        torch.nn.utils.clip_grad_norm_(trained, 1.0)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        if gpu:
            torch.cuda.synchronize()
        times.append(time.perf_counter() - began)
        losses.append(float(mean))
    return {
        "seconds": statistics.median(times[3:]),
        "first_seconds": times[0],
        "peak_gib": torch.cuda.max_memory_allocated() / 2**30 if gpu else 0.0,
        "first_loss": losses[0],
        "last_loss": losses[-1],
    }


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--tune", nargs="+", default=["lora"], choices=["lora", "full", "lm_head"])
    parser.add_argument("--layers", nargs="+", default=["plain"], choices=["plain", "compile"])
    parser.add_argument("--kernels", default="auto", choices=["auto", "eager", "triton", "liger"])
    parser.add_argument("--rows", type=int, default=4)
    parser.add_argument("--length", type=int, default=2048)
    parser.add_argument("--caption", type=int, default=320)
    parser.add_argument("--steps", type=int, default=6)
    parser.add_argument("--peak", type=float, help="TFLOP/s; by the card's name where left out")
    parser.add_argument("--tiny", action="store_true", help="small shapes, also on a CPU")
    parser.add_argument("--out", type=Path, help="JSON")
    given = parser.parse_args()
    device = torch.device("cpu") if given.tiny else gpu_or_leave(given.out, "MFU")
    if given.tiny and torch.cuda.is_available():
        device = torch.device("cuda")
    torch.manual_seed(0)
    about = card(device)
    peak = given.peak or peak_of(about["card"])
    results = Results(given.out, {**about, "peak_tflops": peak})
    config = small(QWEN2_VL_7B) if given.tiny else QWEN2_VL_7B
    batch = batch_of(config, given.rows, given.length, given.caption, device)
    for tune in given.tune:
        for layers in given.layers:
            began = time.perf_counter()
            objective = build(config, device, tune, given.kernels)
            flops = step_flops(objective, given.rows, given.length, given.caption, tune)
            speed_up(objective, layers)
            setup = time.perf_counter() - began
            row = {"tune": tune, "layers": layers, "rows": given.rows, "length": given.length}
            try:
                found = measure(objective, batch, given.steps, device)
            except torch.cuda.OutOfMemoryError as error:
                results.add(**row, failed=str(error).splitlines()[0][:120])
            else:
                rate = flops / found["seconds"] / 1e12
                results.add(
                    **row,
                    **found,
                    tokens_s=given.rows * given.length / found["seconds"],
                    step_tflop=flops / 1e12,
                    tflops=rate,
                    mfu=rate / peak if peak else None,
                    setup_seconds=setup,
                )
            del objective
            gc.collect()
            if device.type == "cuda":
                torch.cuda.empty_cache()


if __name__ == "__main__":
    main()
