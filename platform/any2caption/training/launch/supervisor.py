"""Train a model: start DeepSpeed's launcher, watch it, resume after a kill, leave a bundle.

    python -m any2caption.training.launch.supervisor --preset tiny --recipe tiny --data DIR --out
    DIR --progress FILE --lifecycle ID [--world-size N] [--hostfile FILE --node-rank N]

On many nodes the same command runs on each; see `training.launch.nodes`.

Leaves OUT/bundle/, OUT/metrics.jsonl, OUT/train.log. A finished OUT is reused at once. Exit codes:
0 done, 2 wrong configuration, 75 interrupted (start again: it resumes). Workers that were killed
are started again from the last checkpoint, up to three times, before that.
"""

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated

import typer

from any2caption.commands import run_command
from any2caption.errors import A2CError, ConfigError, InterruptedTrainingError, UnavailableError
from any2caption.model.fused.kernels import check_kernels
from any2caption.model.presets import FROM_SCRATCH
from any2caption.model.presets import preset as preset_of
from any2caption.model.processing.processor import LABELS
from any2caption.settings import Settings
from any2caption.storage.locks import file_lock
from any2caption.storage.signing_keys import Keys
from any2caption.training.checkpoints.run_folder import RUN_LOCK, bundle_meta, refuse_another
from any2caption.training.context import address_of
from any2caption.training.hardware import gpus, worker_environment
from any2caption.training.launch.nodes import PORT, Nodes, nodes_of
from any2caption.training.loop.metrics import send_rest
from any2caption.training.open_data import check_data, read_marker
from any2caption.training.recipes.checks import check_pack, check_recipe
from any2caption.training.recipes.files import load_recipe
from any2caption.training.recipes.schema import Recipe
from any2caption.training.run_spec import RunSpec

RESTARTS = 3
STOP_SECONDS = 30.0
"""What workers get to save after a SIGTERM, unless `A2C_GRACE_SECONDS` says more."""


class _FailedError(A2CError):
    """A worker's own error, passed on with its exit code."""


def main(  # noqa: PLR0913, PLR0917 - a command's options
    preset: Annotated[str, typer.Option()],
    recipe: Annotated[str, typer.Option(help="Name, or a .yaml or .json file")],
    data: Annotated[str, typer.Option(help="Prepared folder, or folder or s3:// of shards")],
    out: Annotated[Path, typer.Option(help="Folder of the run")],
    progress: Annotated[Path | None, typer.Option(help="Progress log")] = None,
    lifecycle: Annotated[str, typer.Option()] = "",
    world_size: Annotated[
        int, typer.Option(help="Processes; 0 = the recipe's, at most one a core")
    ] = 0,
    weights: Annotated[str, typer.Option(help="Folder of Qwen2-VL weights")] = "",
    mlflow_run: Annotated[str, typer.Option(help="MLflow run id to log to")] = "",
    hostfile: Annotated[Path | None, typer.Option(help="All nodes, a line each")] = None,
    node_rank: Annotated[int, typer.Option(help="This node's line in it, from 0")] = 0,
    master_port: Annotated[int, typer.Option(help="Port of the first node")] = PORT,
) -> None:
    """Train, resuming where the last start ended."""
    settings = Settings()
    chosen = load_recipe(recipe)
    nodes = nodes_of(hostfile, node_rank, os.environ, master_port)
    run = RunSpec(
        recipe=chosen,
        preset=preset,
        data=address_of(data),
        out=out,
        world_size=nodes.world_size if nodes else world_size_of(chosen, world_size),
        local_world_size=nodes.own if nodes else 0,
        progress=progress or settings.progress_log,
        lifecycle=lifecycle,
        weights=weights,
        mlflow_run=mlflow_run,
        mlflow_url=settings.mlflow_url,
    )
    refuse_early(run)
    train(run, settings, nodes)


def world_size_of(recipe: Recipe, asked: int = 0) -> int:
    """How many processes: what was asked, or the recipe's, at most one a GPU (without any: a core).

    Not asked for, their number divides the batch of every stage.
    """
    if asked:
        return asked
    most = max(1, min(recipe.world_size, gpus() or len(os.sched_getaffinity(0))))
    fits = (
        n
        for n in range(most, 1, -1)
        if all(s.batch % (n * s.accumulate) == 0 for s in recipe.stages)
    )
    return next(fits, 1)


def refuse_early(run: RunSpec, *, force: bool = False) -> None:
    """Raise ConfigError for what can be known before a process is started.

    With `force` too little memory is not a reason.

    For presets that start from nothing memory is not estimated: their few million parameters fit
    wherever torch does, and the estimate loads torch into a process that watches for the whole run.
    """
    recipe = run.recipe
    check_recipe(recipe, run.preset, run.world_size, tuple(LABELS))
    check_kernels(recipe.kernels, gpu=gpus() > 0)
    for stage in recipe.stages:
        check_pack(stage, preset_of(run.preset).text.max_positions)
    if bundle_meta(run.out) is not None:
        refuse_another(run.out, recipe.digest)
        return
    if run.preset in FROM_SCRATCH:
        check_data(run.data, recipe, run.preset, run.weights)
        refuse_another(run.out, recipe.digest, str(read_marker(run.data)["snapshot"]))
        return
    from any2caption.training.planning.facts import survey
    from any2caption.training.planning.plan import make_plan

    if (refusals := make_plan(survey(run)).refusals) and not force:
        raise ConfigError("; ".join(refusals))


def train(run: RunSpec, settings: Settings, nodes: Nodes | None = None) -> None:
    """Run the workers until the bundle is there; MLflow gets what it missed of a finished run.

    Raises the worker's error, or InterruptedTrainingError; ConfigError before all else if the
    bundle could not be signed.
    """
    keys = Keys.of(settings)
    keys.for_signing()
    own = run.out / f"node-{nodes.rank}" if nodes else run.out
    own.mkdir(parents=True, exist_ok=True)
    with _alone(own):
        if (run.out / "bundle" / "manifest.json").exists():
            run.log.emit("finetune", "this run has finished before; its bundle is reused")
            if run.mlflow_url and (lacks := send_rest(run.out / "metrics.jsonl", run.mlflow_url)):
                run.log.emit("finetune", lacks)
            return
        spec = run.write(own)
        _stop_strays(spec)
        environment = worker_environment(run.here, settings.home / "cache") | keys.variables()
        for attempt in range(RESTARTS + 1):
            if attempt:
                again = f"workers died; start {attempt + 1} from the last checkpoint"
                run.log.emit("finetune", again)
            for old in own.glob("failure-*.json"):
                old.unlink()
            code = _launch(spec, run.out, _place(own, run.world_size, nodes), environment)
            if code == 0 and nodes and nodes.rank:
                return  # the first node leaves the bundle
            if (run.out / "bundle" / "manifest.json").exists():
                return
            _raise_failure(run.out)
        raise InterruptedTrainingError(
            f"{run.out}: workers died {RESTARTS + 1} times; see train.log"
        )


def _place(own: Path, world_size: int, nodes: Nodes | None) -> list[str]:
    """The launcher's options that say which ranks to start here."""
    if nodes is None:
        port = str(free_port())
        return [
            *("--num_accelerators", str(world_size)),
            *("--master_addr", "127.0.0.1", "--master_port", port),
        ]
    hostfile = own / "hostfile"
    hostfile.write_text(nodes.hostfile())
    return nodes.options(hostfile)


def _launch(spec: Path, out: Path, place: Sequence[str], settings: Mapping[str, str]) -> int:
    """Start the launcher in a process group of its own and wait for its exit code.

    `spec` is the run.json of this node. A SIGTERM to us stops the launcher and raises.
    """
    command = [
        *(sys.executable, "-m", "deepspeed.launcher.runner", *place),
        *("--no_local_rank", "--module", "any2caption.training.launch.rank", str(spec)),
    ]
    environment = {**os.environ, **settings, "A2C_SUPERVISOR_PID": str(os.getpid())}
    with (spec.parent / "train.log").open("ab") as output:
        process = subprocess.Popen(
            command,
            stdout=output,
            stderr=subprocess.STDOUT,
            env=environment,
            start_new_session=True,
        )
    stopped = []
    grace = float(os.environ.get("A2C_GRACE_SECONDS", STOP_SECONDS))

    def stop(number: int, _: object) -> None:
        stopped.append(number)
        _signal_workers(spec, signal.SIGTERM)

    before = {number: signal.signal(number, stop) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        deadline = None
        while process.poll() is None:
            time.sleep(0.2)
            if stopped and deadline is None:
                deadline = time.monotonic() + grace
            if deadline is not None and time.monotonic() > deadline:
                break
    finally:
        _end_group(process)
        _stop_strays(spec)
        for number, handler in before.items():
            signal.signal(number, handler)
    if stopped and not (out / "bundle" / "manifest.json").exists():
        raise InterruptedTrainingError(
            f"{out}: stopped by signal {stopped[0]}; start again to resume"
        )
    return int(process.returncode)


def _raise_failure(out: Path) -> None:
    """Raise the error that a worker left.

    A rank that was only stopped because of another comes second; all nodes' ranks count.
    """
    for file in sorted([*out.glob("failure-*.json"), *out.glob("node-*/failure-*.json")]):
        failure = json.loads(file.read_text())
        error = _FailedError(f"{failure['error']}: {failure['message']}")
        error.exit_code = failure["exit_code"]  # type: ignore[misc]
        if failure["exit_code"] == InterruptedTrainingError.exit_code:
            raise InterruptedTrainingError(failure["message"])
        raise error


@contextlib.contextmanager
def _alone(out: Path) -> Iterator[None]:
    """Hold the run's lock: two supervisors never train in one folder."""
    with file_lock(out / RUN_LOCK, wait=0) as held:
        if not held:
            raise UnavailableError(f"{out}: another process trains here")
        yield


def _workers(spec: Path) -> Iterator[int]:
    """Process ids of this node's workers that are alive."""
    for file in spec.parent.glob("worker-*.pid"):
        pid = file.read_text()
        with contextlib.suppress(OSError):
            words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
            if str(spec).encode() in words:
                yield int(pid)


def _signal_workers(spec: Path, number: int) -> None:
    for pid in _workers(spec):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)


def _stop_strays(spec: Path) -> None:
    """Kill workers that outlived their launcher."""
    _signal_workers(spec, signal.SIGKILL)
    for file in spec.parent.glob("worker-*.pid"):
        file.unlink(missing_ok=True)


def _end_group(process: "subprocess.Popen[bytes]") -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def free_port() -> int:
    """A TCP port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


if __name__ == "__main__":
    sys.exit(run_command(main))
