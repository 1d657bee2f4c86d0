"""Useful tokens a second of this project's training beside the Hugging Face Trainer with DeepSpeed.

    python bench/train_throughput.py --with FOLDER --out throughput.json

Both train the tiny model's language part on the same prepared synthetic corpus, in fp32, with the
same global batch, AdamW, clipping and DeepSpeed (ZeRO 0) under its launcher, on `--world-size`
gloo ranks of one thread each. Useful tokens are those that are no padding. The ways take turns for
`--rounds` rounds; the table gives medians, and ratios to the Trainer's defaults.

trainer          transformers.Trainer: random order, padded batches, a loader process, scores of
                 every place, as transformers' own loss takes them
trainer_grouped  the same with batches of like length (`group_by_length`)
padded           this project: batches of like length, made in the background, scores of captions
packed           the same in packs of 1,024 tokens
once             padded, with the frozen encoders run once over all items before the first step, as
                 the recipe `tiny` does; the encoding is in `before`

`waiting` is the share of a step that waits for its batch. The Trainer needs accelerate, which is
not in the locks: `uv pip install --target FOLDER --no-deps accelerate`.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))
HELP = (__doc__ or "").partition("\n")[0]
WAYS = ("trainer", "trainer_grouped", "padded", "packed", "once")
_PACK, _WARM, _SEED = 1024, 3, 1


class Run:
    """One rank of one way: the model, the data, the stage."""

    def __init__(self, options: argparse.Namespace) -> None:
        import torch

        from any2caption.model.any2caption import Any2Caption
        from any2caption.training.data.prepared import Prepared
        from any2caption.training.objective.objective import Objective
        from any2caption.training.recipes.builtin import TINY

        torch.set_num_threads(1)
        torch.manual_seed(_SEED)
        self.options, self.data = options, Prepared(options.data)
        self.processor = self.data.processor()
        packs = {"pack_tokens": _PACK, "batch": options.packs} if options.way == "packed" else {}
        changes = {"encode_once": options.way == "once", "batch": options.batch, **packs}
        self.stage = replace(TINY.stages[-1], **changes)
        self.recipe = replace(TINY, stages=(self.stage,), precision="fp32", compile=False)
        self.objective = Objective(Any2Caption(self.data.config), self.data.classes(), bf16=False)

    def ours(self) -> dict[str, Any]:
        """Train by this project's loop."""
        from any2caption.training.data.encoder_cache import encode_items
        from any2caption.training.data.prefetch import Prefetcher
        from any2caption.training.data.stage_batches import Source
        from any2caption.training.engine import distributed
        from any2caption.training.engine import engine as engines
        from any2caption.training.hardware import bind_rank
        from any2caption.training.loop.step import Tally, forward_backward

        bind_rank(int(os.environ["LOCAL_RANK"]), int(os.environ["LOCAL_SIZE"]))
        rank, world_size = distributed.connect()
        began = time.monotonic()
        once = self.stage.encode_once
        encoded = encode_items(self.objective.model, self.data, rank, world_size) if once else None
        before = time.monotonic() - began
        source = Source(self.data, self.processor, self.stage, _SEED, encoded)
        engine = engines.start(self.objective, self.recipe, self.stage, world_size)
        ends, tokens, places, waited = [], [], [], []
        steps = self.options.steps + _WARM
        with Prefetcher(source, steps) as ahead:
            for step in range(steps):
                wanted = time.monotonic()
                batch: Any = ahead(step, rank, world_size)
                waited.append(time.monotonic() - wanted)
                forward_backward(engine, [batch], 0.0, lambda _: None, Tally())
                engines.set_rate(engine, self.stage, 1.0)
                engine.step()
                ends.append(time.monotonic())
                tokens.append(batch.tokens)
                places.append(batch.input_ids.numel())
        return {**measured(ends, tokens, places, waited), "before": before}

    def trainer(self) -> dict[str, Any]:
        """Train by transformers.Trainer."""
        import torch
        from transformers import Trainer, TrainerCallback, TrainingArguments

        from any2caption.training.data.collate import Batch, Collator
        from any2caption.training.engine.config import configuration
        from any2caption.training.objective.trainable import parameter_groups

        collate = Collator(self.data, self.processor, self.stage, _SEED)
        samples = self.data.samples("train")
        ends: list[float] = []
        shapes: list[tuple[int, int]] = []
        asked: list[float] = []
        model = Plain(self.objective, shapes, asked)
        parameter_groups(self.objective, self.recipe, self.stage)  # freezes the rest

        class Records(torch.utils.data.Dataset):
            def __len__(self) -> int:
                return len(samples)

            def __getitem__(self, at: int) -> dict[str, Any]:
                # Its length is what `group_by_length` groups by.
                return {"at": at, "input_ids": range(samples[at].length)}

        def padded(records: list[dict[str, Any]]) -> dict[str, Any]:  # in the loader's process
            batch = collate([samples[record["at"]] for record in records], 0)
            values = {field.name: getattr(batch, field.name) for field in fields(Batch)}
            return {
                name: value
                for name, value in values.items()
                if isinstance(value, torch.Tensor) or name == "tokens"
            }

        class Ends(TrainerCallback):
            def on_step_end(self, *_: Any, **__: Any) -> None:
                ends.append(time.monotonic())

        world_size = int(os.environ["WORLD_SIZE"])
        config = configuration(
            self.recipe, self.stage, world_size, hidden=self.data.config.text.hidden
        )
        grouped = self.options.way == "trainer_grouped"
        with tempfile.TemporaryDirectory() as out:
            Trainer(
                model=model,
                args=TrainingArguments(
                    output_dir=out,
                    use_cpu=True,
                    deepspeed=config,
                    max_steps=self.options.steps + _WARM,
                    per_device_train_batch_size=self.stage.batch // world_size,
                    learning_rate=self.stage.lr,
                    adam_beta2=self.stage.betas[1],
                    weight_decay=self.stage.weight_decay,
                    max_grad_norm=self.stage.clip,
                    train_sampling_strategy="group_by_length" if grouped else "random",
                    dataloader_num_workers=1,
                    remove_unused_columns=False,
                    label_names=["labels"],
                    save_strategy="no",
                    logging_strategy="no",
                    report_to=[],
                    disable_tqdm=True,
                    seed=_SEED,
                ),
                train_dataset=Records(),
                data_collator=padded,
                callbacks=[Ends()],
            ).train()
        tokens, places = zip(*shapes, strict=True)
        waited = [0.0, *(start - end for start, end in zip(asked[1:], ends, strict=False))]
        return measured(ends, tokens, places, waited)


def plain_module() -> type:
    """The model as transformers' own: a loss over scores of every place."""
    from torch import nn
    from torch.nn.functional import cross_entropy

    class Module(nn.Module):
        def __init__(self, objective: Any, shapes: list, asked: list) -> None:
            super().__init__()
            self.model, self.shapes, self.asked = objective.model, shapes, asked

        def forward(self, tokens: int, labels: Any, **batch: Any) -> dict[str, Any]:
            self.asked.append(time.monotonic())
            self.shapes.append((tokens, labels.numel()))
            model = self.model
            embeds = model.embed(
                batch["input_ids"],
                batch["types"],
                model.encode_vision(batch["vision"], batch["vision_grid"]),
                model.encode_motion(batch["motion"], batch["motion_grid"]),
                model.encode_camera(batch["poses"]),
            )
            scores = model.mllm.lm_head(model.hidden_states(embeds, batch["positions"]))
            loss = cross_entropy(scores.flatten(0, 1).float(), labels.flatten(), ignore_index=-1)
            return {"loss": loss}

    return Module


def Plain(*arguments: Any) -> Any:  # noqa: N802 - stands for a class whose base is imported late
    return plain_module()(*arguments)


def measured(ends: Any, tokens: Any, places: Any, waited: Any) -> dict[str, Any]:
    """Seconds, tokens and places of the steps after those that warm up."""
    return {
        "seconds": ends[-1] - ends[_WARM - 1],
        "tokens": sum(tokens[_WARM:]),
        "places": sum(places[_WARM:]),
        "waited": sum(waited[_WARM:]),
        "before": 0.0,
    }


def launch(way: str, data: Path, options: argparse.Namespace) -> dict[str, float]:
    """Run one way on all ranks; returns its figures over all ranks."""
    from any2caption.training.hardware import worker_environment
    from any2caption.training.launch.supervisor import free_port

    command = [
        *(sys.executable, "-m", "deepspeed.launcher.runner"),
        *("--num_accelerators", str(options.world_size)),
        *("--master_addr", "127.0.0.1", "--master_port", str(free_port()), "--no_local_rank"),
        *(__file__, "--way", way, "--data", str(data), "--steps", str(options.steps)),
        *("--batch", str(options.batch), "--packs", str(options.packs)),
    ]
    environment = {**os.environ, **worker_environment(options.world_size, data)}
    paths = [environment.get("PYTHONPATH", ""), options.folder or ""]
    environment["PYTHONPATH"] = os.pathsep.join(path for path in paths if path)
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{way}: {done.stderr[-3000:] or done.stdout[-3000:]}")
    found = [json.loads(file.read_text()) for file in sorted(data.glob(f"{way}-*.row"))]
    tokens, places = (sum(row[name] for row in found) for name in ("tokens", "places"))
    seconds = max(row["seconds"] for row in found)
    return {
        "tokens_s": tokens / seconds,
        "useful": tokens / places,
        "waiting": max(row["waited"] for row in found) / seconds,
        "before": max(row["before"] for row in found),
    }


def main() -> None:
    """Run all ways in turns and print the table."""
    parser = argparse.ArgumentParser(description=HELP)
    parser.add_argument("--steps", type=int, default=30)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--world-size", type=int, default=2)
    parser.add_argument("--batch", type=int, default=32, help="samples a step over all ranks")
    parser.add_argument("--packs", type=int, default=4, help="packs a step over all ranks")
    parser.add_argument("--with", dest="folder", help="folder that accelerate was installed into")
    parser.add_argument("--out", type=Path)
    parser.add_argument("--data", type=Path, help="prepared folder; made without")
    parser.add_argument("--ways", nargs="+", choices=WAYS, default=WAYS)
    parser.add_argument("--way", choices=WAYS, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.way:
        run = Run(options)
        found = run.trainer() if options.way.startswith("trainer") else run.ours()
        row = options.data / f"{options.way}-{os.environ['RANK']}.row"
        row.write_text(json.dumps(found))
        sys.stdout.flush()
        os._exit(0)
    from train_zero import prepare

    rows: dict[str, list[dict[str, float]]] = {way: [] for way in options.ways}
    with tempfile.TemporaryDirectory() as folder:
        data = options.data or prepare(Path(folder))
        for _ in range(options.rounds):
            for way in options.ways:
                rows[way].append(launch(way, data, options))
    table = {
        way: {name: statistics.median(row[name] for row in found) for name in found[0]}
        for way, found in rows.items()
    }
    base = table[options.ways[0]]["tokens_s"]
    print(f"{options.world_size} ranks, {options.batch} samples or {options.packs} packs a step")
    print("| way | useful tokens/s | ratio | useful share | waiting | before |")
    print("|---|---|---|---|---|---|")
    for way, row in table.items():
        print(
            f"| {way} | {row['tokens_s']:,.0f} | {row['tokens_s'] / base:.2f}"
            f" | {row['useful']:.3f} | {row['waiting']:.1%} | {row['before']:.1f} s |"
        )
    if options.out:
        settings = {k: v for k, v in vars(options).items() if isinstance(v, int)}
        options.out.write_text(json.dumps({**settings, "rounds": rows}, indent=1) + "\n")


if __name__ == "__main__":
    main()
