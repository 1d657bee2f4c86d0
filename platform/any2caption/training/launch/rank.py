"""One rank of a training run; DeepSpeed's launcher starts one a rank.

Use `any2caption.training.launch.supervisor`.
"""

import json
import os
import sys
import threading
import time
import traceback
from pathlib import Path
from typing import Annotated

import typer

from any2caption import __version__
from any2caption.errors import A2CError, InterruptedTrainingError
from any2caption.model.presets import weights_of
from any2caption.revision import revision
from any2caption.storage.atomic import write_atomically
from any2caption.training.hardware import bind_rank, has_gpu
from any2caption.training.run_spec import RunSpec, read_run

POLL_SECONDS = 2.0


def main(run: Annotated[Path, typer.Argument(help="The node's run.json")]) -> None:
    """Train as one rank."""
    rank, own = int(os.environ.get("RANK", "0")), run.parent
    if not has_gpu():
        bind_rank(int(os.environ.get("LOCAL_RANK", "0")), int(os.environ.get("LOCAL_SIZE", "1")))
    (own / f"worker-{rank}.pid").write_text(str(os.getpid()))
    _follow(int(os.environ.get("A2C_SUPERVISOR_PID", "0")))
    try:
        _train(read_run(run))
    except Exception as error:  # noqa: BLE001 - whatever it was, the supervisor must know
        if _lost_peer(error):
            traceback.print_exc()
            os._exit(InterruptedTrainingError.exit_code)
        code = error.exit_code if isinstance(error, A2CError) else 1
        failure = {
            "error": type(error).__name__,
            "message": str(error),
            "exit_code": code,
            "rank": rank,
        }
        write_atomically(own / f"failure-{rank}.json", json.dumps(failure))
        traceback.print_exc()
        sys.stdout.flush()
        # Not sys.exit: other ranks may be inside an exchange that never ends, and the launcher
        # stops them.
        os._exit(code)


def _lost_peer(error: Exception) -> bool:
    """Whether another rank went away in the middle of an exchange.

    That is not a failure of this rank: whoever went away says why, or was killed and cannot.
    """
    return isinstance(error, RuntimeError) and "gloo/transport" in str(error)


def _train(run: RunSpec) -> None:
    import torch

    from any2caption.training.context import RunContext
    from any2caption.training.engine.distributed import connect
    from any2caption.training.loop.metrics import Metrics
    from any2caption.training.loop.profiling import parse_steps
    from any2caption.training.loop.trainer import Trainer
    from any2caption.training.open_data import open_data
    from any2caption.training.recipes.told import parameters

    torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", "1")))
    rank, world_size = connect()
    torch.manual_seed(run.recipe.seed)
    data = open_data(run.data)
    if weights := weights_of(run.preset, run.weights):
        from any2caption.model.weights import from_pretrained

        model, _ = from_pretrained(weights, data.config)
    else:
        from any2caption.model.any2caption import Any2Caption

        model = Any2Caption(data.config)
    snapshot = str(data.meta["snapshot"])
    metrics = Metrics(
        run.out / "metrics.jsonl",
        mlflow_url=run.mlflow_url if rank == 0 else "",
        mlflow_run=run.mlflow_run,
        tags={
            "mlflow.runName": f"{run.preset} by {run.recipe.name} on {snapshot[:12]}",
            "mlflow.note.content": (
                f"Training of preset **{run.preset}** by recipe **{run.recipe.name}** "
                f"({run.recipe.note or 'no note'}) on snapshot `{snapshot}`.\n\n"
                f"Life cycle `{run.lifecycle or 'none'}`, folder `{run.out}`, {world_size} ranks, "
                f"code {revision()[:13] or __version__}."
            ),
            "preset": run.preset,
            "world_size": str(world_size),
            "lifecycle": run.lifecycle,
            "folder": str(run.out),
            "recipe": run.recipe.name,
            "recipe_digest": run.recipe.digest,
            "snapshot": snapshot,
        },
        params={"preset": run.preset, "recipe": run.recipe.name, **parameters(run.recipe)},
    )
    steps = parse_steps(run.profile, run.recipe)
    context = RunContext(run.data, run.out, rank, world_size)
    Trainer(context, run.recipe, model, run.log, metrics, steps, data).run()
    if problem := metrics.close():
        run.log.emit("finetune", problem)


def _follow(supervisor: int) -> None:
    """Leave when the supervisor is gone, so that no training goes on unwatched."""

    def watch() -> None:
        while True:
            time.sleep(POLL_SECONDS)
            if not Path(f"/proc/{supervisor}").exists():
                os._exit(75)

    if supervisor:
        threading.Thread(target=watch, daemon=True).start()


if __name__ == "__main__":
    typer.run(main)
