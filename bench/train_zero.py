"""Memory a rank and time a step of ZeRO 0 to 3, two ranks, one after the other in one run.

    python bench/train_zero.py --out train_zero.json

The tiny model, deepened to `--layers`, trains on a synthetic corpus with everything thawed, through
DeepSpeed's launcher with gloo. `held` are the bytes of all tensors of rank 0 when the gradients are
there and before the step (activations are gone by then); `state` those of them that are masters and
moments; `resident` the most that the process held, libraries and activations included. Time is the
median of `--steps` steps after one that warms up, and processor seconds of rank 0 a step. All
exchanges go through this machine's memory: times say nothing about a network or a GPU.
"""

import argparse
import gc
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

HELP = (__doc__ or "").partition("\n")[0]


def prepare(home: Path) -> Path:
    """A small synthetic corpus, prepared."""
    from any2caption.datasets.ingest.engine import ingest
    from any2caption.datasets.snapshots import publish
    from any2caption.datasets.synthetic.corpus import make_corpus
    from any2caption.settings import Settings
    from any2caption.storage import open_store
    from any2caption.training.prepare.preparation import Preparation
    from any2caption.training.prepare.prepared_folder import prepare as prepared
    from any2caption.training.recipes.builtin import SMOKE

    settings = Settings(home=home, object_store="")
    store = open_store(settings.object_store)
    make_corpus(store, "corpus", scenes=40, seed=11, workers=1)
    snapshot = publish(store, ingest(store, "corpus", store, workers=1).records)
    made_from = Preparation(snapshot=snapshot.id, preset="tiny", recipe=SMOKE)
    return prepared(settings, made_from, home / "data", workers=1)


def held(engine: Any) -> int:
    """Bytes of all tensors that this process can reach."""
    import torch

    found: dict[int, int] = {}
    tensors = [one for one in gc.get_objects() if issubclass(type(one), torch.Tensor)]
    tensors += [p.grad for p in engine.module.parameters() if p.grad is not None]
    for tensor in tensors:
        if tensor.layout == torch.strided and tensor.device.type == "cpu":
            storage = tensor.untyped_storage()
            found[storage.data_ptr()] = storage.nbytes()
    return sum(found.values())


def rank(options: argparse.Namespace) -> None:
    """One rank of one level."""
    import torch

    from any2caption.model.any2caption import Any2Caption
    from any2caption.training.data.prepared import Prepared
    from any2caption.training.data.stage_batches import Source
    from any2caption.training.engine import distributed, optimizer_state
    from any2caption.training.engine import engine as engines
    from any2caption.training.hardware import bind_rank
    from any2caption.training.loop.reporting import peak_memory
    from any2caption.training.loop.step import Tally, forward_backward
    from any2caption.training.objective.objective import Objective
    from any2caption.training.recipes.builtin import SMOKE

    bind_rank(int(os.environ["LOCAL_RANK"]), int(os.environ["LOCAL_SIZE"]))
    torch.set_num_threads(1)
    number, world_size = distributed.connect()
    torch.manual_seed(1)
    data = Prepared(options.data)
    stage = replace(
        SMOKE.stages[-1],
        train=("vision", "motion", "camera", "language", "lm_head"),
        batch=options.batch,
        encode_once=False,
    )
    recipe = replace(SMOKE, stages=(stage,), zero=options.rank, precision="fp32")
    text = replace(data.config.text, layers=options.layers)
    objective = Objective(Any2Caption(replace(data.config, text=text)), data.classes(), bf16=False)
    parameters = sum(p.numel() for p in objective.parameters())
    source = Source(data, data.processor(), stage, 1)
    engine = engines.start(objective, recipe, stage, world_size)
    seconds, processor, most = [], [], 0
    for step in range(options.steps + 1):
        batch = source(step, number, world_size)
        began, used = time.monotonic(), time.process_time()
        loss, _ = forward_backward(engine, [batch], 0.0, lambda _: None, Tally())
        took, spent = time.monotonic() - began, time.process_time() - used
        most = max(most, held(engine)) if step else most
        began, used = time.monotonic(), time.process_time()
        engines.set_rate(engine, stage, 1.0)
        engine.step()
        seconds.append(took + time.monotonic() - began)
        processor.append(spent + time.process_time() - used)
    if number == 0:
        row = {
            "zero": options.rank,
            "parameters": parameters,
            "held_mb": round(most / 2**20, 1),
            "state_mb": round(optimizer_state.state_bytes(engine) / 2**20, 1),
            "resident_mb": round(peak_memory() / 2**20),
            "seconds": round(statistics.median(seconds[1:]), 3),
            "processor_seconds": round(statistics.median(processor[1:]), 3),
            "loss": round(loss, 5),
        }
        (options.data / f"zero{options.rank}.row").write_text(json.dumps(row))
    sys.stdout.flush()
    os._exit(0)


def main() -> None:
    """Run all levels and print the table."""
    parser = argparse.ArgumentParser(description=HELP)
    parser.add_argument("--layers", type=int, default=12)
    parser.add_argument("--batch", type=int, default=4)
    parser.add_argument("--steps", type=int, default=5)
    parser.add_argument("--out", type=Path)
    parser.add_argument("--data", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--rank", type=int, choices=range(4), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.rank is not None:
        rank(options)
    from any2caption.training.hardware import worker_environment
    from any2caption.training.launch.supervisor import free_port

    rows = []
    with tempfile.TemporaryDirectory() as folder:
        data = options.data or prepare(Path(folder))
        for level in range(4):
            command = [
                *(sys.executable, "-m", "deepspeed.launcher.runner", "--num_accelerators", "2"),
                *("--master_addr", "127.0.0.1", "--master_port", str(free_port())),
                *("--no_local_rank", __file__, "--rank", str(level), "--data", str(data)),
                *("--layers", str(options.layers), "--batch", str(options.batch)),
                *("--steps", str(options.steps)),
            ]
            environment = {**os.environ, **worker_environment(2, Path(folder))}
            subprocess.run(command, env=environment, check=True, stdout=subprocess.DEVNULL)
            rows.append(json.loads((data / f"zero{level}.row").read_text()))
    print(f"{rows[0]['parameters']:,} parameters, {options.batch} samples a step, two ranks")
    print("| ZeRO | held | state | resident | s a step | processor s a step | loss |")
    print("|---|---|---|---|---|---|---|")
    for row in rows:
        print(
            f"| {row['zero']} | {row['held_mb']:.0f} MB | {row['state_mb']:.0f} MB"
            f" | {row['resident_mb']:,} MB | {row['seconds']:.2f} | {row['processor_seconds']:.2f}"
            f" | {row['loss']:.4f} |"
        )
    if options.out:
        options.out.write_text(json.dumps(rows, indent=1) + "\n")


if __name__ == "__main__":
    main()
