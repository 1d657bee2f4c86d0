"""One rank of real trainings, for `test_ranks.py`; not a test itself.

    python -m two_ranks DATA OUT CASE…

Runs each case of `CASES` for a few steps and writes OUT/<case>.json (losses, on rank 0) and
OUT/<case>.safetensors (the objective's weights afterwards).
"""

import json
import os
import sys
from dataclasses import replace
from pathlib import Path

import torch
from safetensors.torch import save_file

from any2caption.model.any2caption import Any2Caption
from any2caption.training import engine as engines
from any2caption.training.batches import Collator, Order, share
from any2caption.training.dataset import Prepared
from any2caption.training.machine import has_bf16
from any2caption.training.objective import Objective
from any2caption.training.recipes import SMOKE
from any2caption.training.step import forward_backward, micro_batches

STEPS = 3
CASES = {
    **{f"zero{z}": {"zero": z} for z in range(4)},
    **{f"zero{z}-accumulate": {"zero": z, "accumulate": 2} for z in range(4)},
    **{f"zero{z}-bf16": {"zero": z, "precision": "bf16"} for z in range(4)},
    "zero1-offload": {"zero": 1, "offload": "optimizer"},
    "zero2-offload": {"zero": 2, "offload": "optimizer"},
    "zero3-offload": {"zero": 3, "offload": "parameters"},
    "zero2-offload-bf16": {"zero": 2, "offload": "optimizer", "precision": "bf16"},
    "zero3-offload-bf16": {"zero": 3, "offload": "parameters", "precision": "bf16"},
    "zero0-recompute": {"zero": 0, "checkpoint_activations": True},
    "zero3-recompute": {"zero": 3, "checkpoint_activations": True},
    "zero0-clip": {"zero": 0, "clip": 0.01},
    "zero3-clip": {"zero": 3, "clip": 0.01},
}


def recipe_of(accumulate=1, clip=1.0, precision="fp32", **changes):
    """One short stage that reaches every module."""
    stage = replace(
        SMOKE.stages[-1],
        train=("vision", "motion", "camera", "language", "lm_head"),
        steps=STEPS,
        batch=8,
        encode_once=False,
        accumulate=accumulate,
        clip=clip,
    )
    return replace(SMOKE, stages=(stage,), precision=precision, **changes)


def source_of(data, stage):
    """Batches by (step, rank, ranks), as training takes them."""
    samples = data.samples("train")
    order = Order(torch.tensor([s.length for s in samples]).numpy(), stage.batch, 1)
    collate = Collator(data, data.processor(), stage, 1)
    return lambda step, rank, ranks: collate(
        [samples[i] for i in share(order(step), rank, ranks)], step
    )


def objective_of(data, *, bf16):
    torch.manual_seed(1)
    model = Any2Caption(data.config)
    model.camera_encoder.fit_normalisation(torch.from_numpy(data.poses().copy()))
    return Objective(model, data.classes(), bf16=bf16)


def train(engine, source, stage, rank, ranks, steps):
    losses = []
    for step in steps:
        batches = micro_batches(source, step, rank, ranks, stage.accumulate)
        loss, _ = forward_backward(engine, batches, 0.0, ranks, lambda _: None)
        engines.set_rate(engine, stage, 1.0)
        engine.step()
        losses.append(loss)
    return losses


def run(case, data, out, rank, ranks):
    recipe = recipe_of(**CASES[case])
    stage = recipe.stages[0]
    objective = objective_of(data, bf16=recipe.precision == "bf16")
    engine = engines.start(objective, recipe, stage, ranks)
    losses = train(engine, source_of(data, stage), stage, rank, ranks, range(STEPS))
    engines.finish(engine, objective)
    if rank == 0:
        (out / f"{case}.json").write_text(json.dumps(losses))
        state = {k: v.clone().contiguous() for k, v in objective.state_dict().items()}
        save_file(state, out / f"{case}.safetensors")


def main():
    folder, out, *cases = sys.argv[1:]
    torch.set_num_threads(1)
    import faulthandler; faulthandler.dump_traceback_later(45, exit=True)
    if os.environ.get("NOSTOP"): import torch.utils.checkpoint as c; c._enable_checkpoint_early_stop = False
    rank, ranks = engines.connect()
    data = Prepared(Path(folder))
    for case in cases or CASES:
        try:
            run(case, data, Path(out), rank, ranks)
        except Exception as error:
            print("CASE", case, flush=True)
            import traceback; traceback.print_exc()
            if not os.environ.get("GO_ON"): os._exit(1)
    sys.stdout.flush()
    os._exit(0)


if __name__ == "__main__":
    main()
