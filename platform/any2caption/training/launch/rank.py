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

from any2caption.errors import A2CError, InterruptedTrainingError
from any2caption.progress import ProgressLog
from any2caption.storage.atomic import write_atomically
from any2caption.training.hardware import bind_rank, has_gpu
from any2caption.training.recipes.files import RESOLVED, read_resolved
from any2caption.training.recipes.schema import Recipe

POLL_SECONDS = 2.0


def main(  # noqa: PLR0913, PLR0917 - a command's options
    recipe_digest: Annotated[str, typer.Option(help="Of OUT/recipe.json")],
    data: Annotated[Path, typer.Option()],
    out: Annotated[Path, typer.Option()],
    progress: Annotated[Path, typer.Option()],
    lifecycle: Annotated[str, typer.Option()] = "",
    weights: Annotated[str, typer.Option()] = "",
    mlflow_run: Annotated[str, typer.Option()] = "",
    mlflow_url: Annotated[str, typer.Option()] = "",
    profile: Annotated[str, typer.Option()] = "",
) -> None:
    """Train as one rank."""
    rank = int(os.environ.get("RANK", "0"))
    if not has_gpu():
        bind_rank(int(os.environ.get("LOCAL_RANK", "0")), int(os.environ.get("LOCAL_SIZE", "1")))
    own = Path(os.environ.get("A2C_NODE_FOLDER", out))
    (own / f"worker-{rank}.pid").write_text(str(os.getpid()))
    _follow(int(os.environ.get("A2C_SUPERVISOR_PID", "0")))
    try:
        _train(
            read_resolved(out / RESOLVED, recipe_digest),
            data,
            out,
            ProgressLog(progress, lifecycle),
            weights,
            (mlflow_run, mlflow_url),
            profile,
        )
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

    That is no failure of this rank: whoever went away says why, or was killed and can say nothing.
    """
    return isinstance(error, RuntimeError) and "gloo/transport" in str(error)


def _train(  # noqa: PLR0913, PLR0917
    found: Recipe,
    data: Path,
    out: Path,
    progress: ProgressLog,
    weights: str,
    mlflow: tuple[str, str],
    profile: str,
) -> None:
    import torch

    from any2caption.training.context import RunContext
    from any2caption.training.engine.distributed import connect
    from any2caption.training.loop.metrics import Metrics
    from any2caption.training.loop.profiling import parse_steps
    from any2caption.training.loop.trainer import Trainer
    from any2caption.training.open_data import open_data

    torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", "1")))
    rank, ranks = connect()
    torch.manual_seed(found.seed)
    prepared = open_data(data)
    if weights:
        from any2caption.model.weights import from_pretrained

        model, _ = from_pretrained(weights, prepared.config)
    else:
        from any2caption.model.any2caption import Any2Caption

        model = Any2Caption(prepared.config)
    run, url = mlflow
    metrics = Metrics(
        out / "metrics.jsonl",
        mlflow_url=url if rank == 0 else "",
        mlflow_run=run,
        tags={
            "mlflow.runName": "-".join(out.absolute().parts[-2:]),
            "recipe": found.name,
            "recipe_digest": found.digest,
            "snapshot": str(prepared.meta["snapshot"]),
        },
    )
    steps = parse_steps(profile, found)
    context = RunContext(data, out, rank, ranks)
    Trainer(context, found, model, progress, metrics, steps, prepared).run()
    if problem := metrics.close():
        progress.emit("finetune", problem)


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
