"""Useful tokens and speed of packs beside padded batches.

    python bench/packing.py --out packing.json
    python bench/packing.py --data PREPARED --device cuda --hidden 1024 --layers 8 --pack 16384

First table: the share of token places that are no padding, over 200 steps, for padded batches in
random order, padded batches of like length, and packs. `paper` are lengths drawn to the paper's
stated ones (a prompt of 0-92 words, mean 55; a caption of 170-316, mean 231; 1.4 tokens a word;
one to four conditions of 64 to 1,024 tokens each, which is assumed); `captions` are the same
without conditions; `--data` adds the lengths of a prepared folder. Second table: forward and
backward of a random Qwen2 text model over the same `paper` samples, in one process, the ways
taking turns, median of `--repeats`; tokens are useful tokens. `block mask` is the same pack with
one mask over the whole row.
"""

import argparse
import json
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

HELP = (__doc__ or "").partition("\n")[0]
_STEPS, _BATCH, _A_WORD = 200, 16, 1.4


def paper_lengths(count: int, *, conditions: bool, seed: int = 0) -> list[int]:
    rng = np.random.default_rng(seed)
    words = rng.normal(55, 16, count).clip(0, 92) + rng.normal(231, 26, count).clip(170, 316)
    tokens = words * _A_WORD + 30
    if conditions:
        each = np.exp2(rng.uniform(6, 10, (count, 4)))
        tokens += (each * (np.arange(4) < rng.integers(1, 5, (count, 1)))).sum(1)
    return tokens.astype(int).tolist()


def prepared_lengths(folder: Path) -> list[int]:
    from any2caption.training.data.packing import PackCollator
    from any2caption.training.data.prepared import Prepared
    from any2caption.training.recipes.builtin import TINY

    data = Prepared(folder)
    samples = data.samples("train")[:4096]
    whole = replace(TINY.stages[-1], pack_tokens=data.config.text.max_positions)
    collate = PackCollator(data, data.processor(), whole, 0)
    return [collate.size(sample, 0).tokens for sample in samples]


def shares(lengths: Sequence[int], pack: int, rows: int) -> dict[str, float]:
    from any2caption.training.data.collate import Order
    from any2caption.training.data.packing import PackOrder, Size

    sizes = np.asarray(lengths)
    rng = np.random.default_rng(1)
    random = [sizes[rng.choice(len(sizes), _BATCH, replace=False)] for _ in range(_STEPS)]
    order = Order(sizes, _BATCH, 1)
    alike = [sizes[order(step)] for step in range(_STEPS)]
    plan = PackOrder(
        len(sizes), lambda turn: Size(int(sizes[turn.number])), Size(pack), packs=rows, seed=1
    )
    used = [
        [sum(int(sizes[turn.number]) for turn in turns) for turns in plan(step)]
        for step in range(_STEPS)
    ]
    return {
        "padded, random": _share(random),
        "padded, like length": _share(alike),
        "packed": _share([np.asarray(step) for step in used]),
        "packed, of the limit": sum(map(sum, used)) / (pack * rows * _STEPS),
    }


def _share(steps: Sequence[Any]) -> float:
    """Tokens of places, every row as long as the longest, to a multiple of 8, as batches are."""
    places = sum(len(step) * int(-(-step.max() // 8) * 8) for step in steps)
    return float(sum(int(step.sum()) for step in steps) / places)


class Model:
    """A random Qwen2 text model and the ways to run it."""

    def __init__(self, options: argparse.Namespace) -> None:
        from transformers.models.qwen2_vl.configuration_qwen2_vl import Qwen2VLTextConfig
        from transformers.models.qwen2_vl.modeling_qwen2_vl import Qwen2VLTextModel

        from any2caption.model.fused import packed_attention as documents

        heads = max(4, options.hidden // 64)
        size = options.hidden // heads
        section = [size // 8, 3 * size // 16, size // 2 - size // 8 - 3 * size // 16]
        config = Qwen2VLTextConfig(
            vocab_size=128,
            hidden_size=options.hidden,
            intermediate_size=3 * options.hidden,
            num_hidden_layers=options.layers,
            num_attention_heads=heads,
            num_key_value_heads=heads // 2,
            max_position_embeddings=65536,
            rope_parameters={
                "rope_type": "default",
                "rope_theta": 1e6,
                "mrope_section": section,
            },
        )
        torch.manual_seed(0)
        self.device = torch.device(options.device)
        self.half = self.device.type == "cuda"
        self.name = documents.NAME
        self.model = Qwen2VLTextModel(config).to(self.device)

    def run(self, lengths: Sequence[Sequence[int]], way: str) -> None:
        """Forward and backward over rows of documents."""
        from any2caption.model.fused.packed_attention import lay_out

        width = -(-max(map(sum, lengths)) // 8) * 8
        positions = torch.zeros(len(lengths), width, dtype=torch.int64)
        for row, documents in zip(positions, lengths, strict=True):
            at = 0
            for length in documents:
                row[at : at + length] = torch.arange(length)
                at += length
        packed = lay_out(lengths, width)
        mask: Any = dict.fromkeys(("full_attention", "sliding_attention"))
        more: dict[str, Any] = {}
        self.model.set_attn_implementation(self.name if way == "packed" else "sdpa")
        if way == "packed":
            more = {"documents": packed.to(self.device)}
        elif way == "block mask":
            mask["full_attention"] = _blocks(packed.starts, len(lengths), width).to(self.device)
        # padded: SDPA's own causal attention; padding on the right is never seen
        embeds = torch.randn(len(lengths), width, self.model.config.hidden_size, device=self.device)
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.half):
            out = self.model(
                inputs_embeds=embeds,
                position_ids=positions[None].expand(3, -1, -1).to(self.device),
                attention_mask=mask,
                use_cache=False,
                **more,
            ).last_hidden_state
        out.float().square().mean().backward()
        self.model.zero_grad()
        if self.half:
            torch.cuda.synchronize()


def _blocks(starts: Tensor, rows: int, width: int) -> Tensor:
    number = torch.zeros(rows * width, dtype=torch.int64)
    number[starts[1:-1].long()] = 1
    number = number.cumsum(0).view(rows, 1, width)
    same = number[..., None] == number[..., None, :]
    return same & torch.ones(width, width, dtype=torch.bool).tril()


def speeds(options: argparse.Namespace) -> dict[str, float]:
    lengths = paper_lengths(4096, conditions=True)
    from any2caption.training.data.packing import Size, best_fit

    chosen = lengths[:1024]
    packs = best_fit([Size(length) for length in chosen], Size(options.pack))
    rows = [[chosen[i] for i in pack] for pack in packs[: options.rows]]
    documents = [length for row in rows for length in row]
    alike = sorted(documents)
    half = -(-len(documents) // max(1, options.rows))
    tokens = sum(documents)
    model = Model(options)

    def padded(found: Sequence[int]) -> Callable[[], None]:
        def go() -> None:
            for at in range(0, len(found), half):
                model.run([[length] for length in found[at : at + half]], "padded")

        return go

    def packed(way: str) -> Callable[[], None]:
        def go() -> None:
            for row in rows:
                model.run([row], way)

        return go

    ways = {
        "padded, random": padded(list(np.random.default_rng(0).permutation(documents))),
        "padded, like length": padded(alike),
        "packed": packed("packed"),
        "packed, block mask": packed("block mask"),
    }
    taken: dict[str, list[float]] = {name: [] for name in ways}
    for repeat in range(options.repeats + 1):
        for name, go in ways.items():
            began = time.perf_counter()
            go()
            if repeat:
                taken[name].append(time.perf_counter() - began)
    return {name: tokens / statistics.median(seconds) for name, seconds in taken.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=HELP)
    parser.add_argument("--data", type=Path, help="a prepared folder, for its lengths")
    parser.add_argument("--pack", type=int, default=4096, help="tokens of a pack")
    parser.add_argument("--rows", type=int, default=2, help="packs a step")
    parser.add_argument("--hidden", type=int, default=192)
    parser.add_argument("--layers", type=int, default=4)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    sources = {
        "captions": paper_lengths(20_000, conditions=False),
        "paper": paper_lengths(20_000, conditions=True),
    }
    if options.data:
        sources["prepared data"] = prepared_lengths(options.data)
    found: dict[str, Any] = {"useful": {}}
    print(f"useful share of token places, packs of {options.pack}")
    for name, lengths in sources.items():
        row = shares(lengths, options.pack, options.rows)
        found["useful"][name] = row
        print(f"  {name:<16}", "  ".join(f"{way} {value:.2%}" for way, value in row.items()))
    found["tokens_per_s"] = speeds(options)
    base = found["tokens_per_s"]["padded, random"]
    where = torch.cuda.get_device_name() if options.device == "cuda" else "CPU"
    print(f"useful tokens a second, forward and backward, {where}")
    for name, value in found["tokens_per_s"].items():
        print(f"  {name:<22}{value:>12,.0f}{value / base:>8.2f} times")
    if options.out:
        options.out.write_text(json.dumps(found, indent=1))


if __name__ == "__main__":
    main()
