"""Short real trainings on whatever ranks there are; `test_two_ranks.py` runs it on one and on two.

    python -m two_ranks DATA OUT CASE…

Each case trains a few steps, saves a checkpoint before the last one, and leaves OUT/<case>.json
(the losses) and OUT/<case>.safetensors (the weights afterwards). A case with `after` goes on from
the checkpoint of another one, which may have been written by another number of ranks.
"""

import json
import os
import sys
from dataclasses import dataclass, field, replace
from pathlib import Path

import torch
from safetensors.torch import save_file

from any2caption.model.any2caption import Any2Caption
from any2caption.training.checkpoints.checkpointer import Checkpointer
from any2caption.training.checkpoints.run_folder import Position
from any2caption.training.context import RunContext
from any2caption.training.data.prepared import Prepared
from any2caption.training.data.stage_batches import Source
from any2caption.training.engine import distributed
from any2caption.training.engine import engine as engines
from any2caption.training.loop.step import Tally, forward_backward, micro_batches
from any2caption.training.objective.objective import Objective
from any2caption.training.recipes.builtin import SMOKE

STEPS = 3


@dataclass(frozen=True, kw_only=True)
class Case:
    """Changes of the recipe and of its stage; the case whose checkpoint it goes on from."""

    recipe: dict = field(default_factory=dict)
    stage: dict = field(default_factory=dict)
    after: str = ""


TIGHT = {"clip": 0.01}
CASES = {
    "one": Case(),
    "one-clip": Case(stage=TIGHT),
    "one-after-two": Case(after="zero3"),
    **{f"zero{level}": Case(recipe={"zero": level}) for level in range(4)},
    "zero1-clip": Case(
        recipe={"zero": 1, "offload": "optimizer"}, stage={**TIGHT, "accumulate": 2}
    ),
    "zero3-clip": Case(
        recipe={"zero": 3, "offload": "parameters", "checkpoint_activations": True},
        stage={**TIGHT, "accumulate": 2},
    ),
    "zero3-frozen": Case(
        recipe={"zero": 3, "checkpoint_activations": True}, stage={"train": ("lm_head",)}
    ),
    "zero2-bf16": Case(recipe={"zero": 2, "precision": "bf16"}, stage={"train": ("language",)}),
    "zero2-bf16-again": Case(
        recipe={"zero": 2, "precision": "bf16"}, stage={"train": ("language",)}, after="zero2-bf16"
    ),
    "zero3-again": Case(recipe={"zero": 3}, after="zero3"),
    "zero3-after-one": Case(recipe={"zero": 3}, after="one"),
}


def recipe_of(case):
    """One short stage that reaches every module."""
    values = {
        "train": ("vision", "motion", "camera", "language", "lm_head"),
        "steps": STEPS,
        "batch": 8,
        "encode_once": False,
        **case.stage,
    }
    stage = replace(SMOKE.stages[-1], **values)
    return replace(SMOKE, stages=(stage,), **{"precision": "fp32", **case.recipe})


def gathered_parameters(objective):
    """Names of parameters that ZeRO 3 split and that are whole on this rank all the same."""
    return [
        name
        for name, parameter in objective.named_parameters()
        if hasattr(parameter, "ds_status")
        and not parameter.ds_persist
        and parameter.ds_status.name == "AVAILABLE"
    ]


def run(name, data, out, rank, world_size):
    """Train one case."""
    case = CASES[name]
    recipe = recipe_of(case)
    stage = recipe.stages[0]
    torch.manual_seed(1)
    model = Any2Caption(data.config)
    model.camera_encoder.fit_normalisation(torch.from_numpy(data.poses().copy()))
    objective = Objective(model, data.classes(), bf16=engines.multiplies_in_bf16(recipe))
    context = RunContext(data.folder, out / (case.after or name), rank, world_size)
    checkpointer = Checkpointer(context, recipe, objective, "snapshot")
    position, _ = checkpointer.resume() if case.after else (Position(), "")
    engine = engines.start(objective, recipe, stage, world_size)
    checkpointer.restore_optimizer(engine)
    source = Source(data, data.processor(), stage, 1)
    losses, whole = [], []
    for step in range(position.step, STEPS):
        batches = micro_batches(source, step, rank, world_size, stage.accumulate)
        loss, _ = forward_backward(engine, batches, 0.0, lambda _: None, Tally())
        whole += gathered_parameters(objective)
        engines.set_rate(engine, stage, 1.0)
        engine.step()
        losses.append(loss)
        if step == STEPS - 2 and not case.after:
            checkpointer.save(Position(step=step + 1, total_steps=step + 1), engine)
    engines.finish(engine, objective)
    if rank == 0:
        (out / f"{name}.json").write_text(json.dumps(losses))
        (out / f"{name}.whole.json").write_text(json.dumps(whole))
        state = {k: v.clone().contiguous() for k, v in objective.state_dict().items()}
        save_file(state, out / f"{name}.safetensors")


def main():
    """Run the cases of the command line."""
    folder, out, *names = sys.argv[1:]
    torch.set_num_threads(1)
    rank, world_size = distributed.connect()
    for name in names:
        run(name, Prepared(Path(folder)), Path(out), rank, world_size)
    sys.stdout.flush()
    os._exit(0)  # DeepSpeed's threads may hold up a normal end


if __name__ == "__main__":
    main()
