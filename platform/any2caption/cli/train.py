"""`a2c train`: show what a training run will do, then do it."""

import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from any2caption.cli.stack import Home, Json
from any2caption.cli.terminal.console import ProgressPrinter, put_json, say
from any2caption.errors import ConfigError
from any2caption.model.presets import PRESETS

if TYPE_CHECKING:
    from rich.table import Table

    from any2caption.progress import ProgressLog
    from any2caption.settings import Settings
    from any2caption.training.planning.plan import Plan
    from any2caption.training.prepare.preparation import Preparation
    from any2caption.training.run_spec import RunSpec

_WIDTH = 120  # of a plan that goes into a file
_ID = 12  # digits of a digest that people are shown


def train(
    recipe: Annotated[
        str, typer.Option(metavar="NAME|FILE", help="tiny, smoke, paper, reade, or a file.")
    ],
    out: Annotated[Path, typer.Option(help="Folder of the run; there already: it resumes.")],
    snapshot: Annotated[
        str, typer.Option(help="Id, its first 6 digits or more, or latest: prepared in OUT/data.")
    ] = "",
    data: Annotated[
        str, typer.Option(help="Prepared folder, folder or s3:// of shards; not --snapshot.")
    ] = "",
    preset: Annotated[str, typer.Option(help=f"Model: {', '.join(PRESETS)}.")] = "tiny",
    change: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="KEY=VALUE",
            help="Change the recipe: seed=3, stages.interpret.lr=1e-3.",
        ),
    ] = None,
    world_size: Annotated[
        int, typer.Option(min=0, help="Processes; 0: the recipe's, at most one a GPU or core.")
    ] = 0,
    weights: Annotated[
        str, typer.Option(help="Folder or file:// URI of Qwen2-VL, 2.5 or 3 weights.")
    ] = "",
    workers: Annotated[int, typer.Option(min=1, help="Processes that prepare the data.")] = 2,
    general: Annotated[
        list[str] | None,
        typer.Option(
            metavar="FILE=LICENCE",
            help="General instruction data to mix in: LLaVA or Alpaca rows, JSON or JSONL.",
        ),
    ] = None,
    traces: Annotated[
        Path | None, typer.Option(help="Reasoning traces: JSONL of id and reasoning.")
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Print the plan; write and start nothing.")
    ] = False,
    force: Annotated[
        bool, typer.Option("--force", help="Start although memory looks too small.")
    ] = False,
    hostfile: Annotated[
        Path | None,
        typer.Option(help="Nodes as NAME slots=N lines; run the same command on each."),
    ] = None,
    node_rank: Annotated[int, typer.Option(min=0, help="This node's line in it.")] = 0,
    profile: Annotated[
        str,
        typer.Option(metavar="STAGE:FIRST-LAST", help="Trace these steps into OUT/profile."),
    ] = "",
    home: Home = None,
    json: Json = False,
) -> None:
    """Print the plan of a training run, then prepare its data and train; resumes what is there.

    [dim]a2c train --snapshot latest --recipe tiny --out runs/first --dry-run[/]
    """
    from any2caption.model.processing.processor import LABELS
    from any2caption.progress import ProgressLog
    from any2caption.stack import environment
    from any2caption.training.context import address_of
    from any2caption.training.launch.nodes import nodes_of
    from any2caption.training.launch.supervisor import refuse_early, world_size_of
    from any2caption.training.launch.supervisor import train as start
    from any2caption.training.loop.profiling import parse_steps
    from any2caption.training.open_data import read_marker
    from any2caption.training.recipes.checks import check_recipe
    from any2caption.training.recipes.files import load_recipe
    from any2caption.training.run_spec import RunSpec

    if bool(snapshot) == bool(data):
        raise ConfigError("give either --snapshot or --data")
    settings = environment.load_settings(home)
    chosen = load_recipe(recipe, change or ())
    nodes = nodes_of(hostfile, node_rank, os.environ)
    if nodes is not None and not data:
        raise ConfigError("several nodes need data that was prepared once: give --data")
    count = nodes.world_size if nodes else world_size_of(chosen, world_size)
    check_recipe(chosen, preset, count, tuple(LABELS))
    traced = parse_steps(profile, chosen)
    if data:
        read_marker(address_of(data))
    log = ProgressLog(settings.progress_log, f"train-{chosen.digest[:6]}")
    run = RunSpec(
        recipe=chosen,
        preset=preset,
        data=address_of(data) if data else out / "data",
        out=out,
        world_size=count,
        local_world_size=nodes.own if nodes else 0,
        progress=log.path,
        lifecycle=log.lifecycle,
        weights=weights,
        mlflow_url=settings.mlflow_url,
        profile=profile,
    )
    preparation = _preparation(settings, run, snapshot, general or (), traces)
    # What follows needs torch, whose import takes longer than all checks.
    from any2caption.training.planning.facts import survey
    from any2caption.training.planning.plan import make_plan, refuse_past

    plan = make_plan(survey(run, preparation, settings))
    refuse_past(traced, plan.stages)
    if not json:
        show(plan)
    elif dry_run:
        put_json(plan.as_dict())
    if plan.refusals and not force:
        raise ConfigError(f"{'; '.join(plan.refusals)} (--force starts it all the same)")
    if dry_run:
        return
    from any2caption.training.prepare.prepared_folder import prepare

    with _followed(log):
        if preparation is not None and plan.resume.does != "reuses the bundle":
            prepare(settings, preparation, out / "data", workers=workers, progress=log)
            refuse_early(run, force=force)
        start(run, settings, nodes)
    _tell(plan, out, as_json=json)


def _tell(plan: "Plan", out: Path, *, as_json: bool) -> None:
    """Say where the finished run's bundle is."""
    from any2caption.training.checkpoints.run_folder import bundle_meta

    bundle = str((out / "bundle").absolute())
    if as_json:
        put_json({"plan": plan.as_dict(), "bundle": bundle, "meta": bundle_meta(out)})
    else:
        say(f"bundle {bundle}")


def _preparation(
    settings: "Settings",
    run: "RunSpec",
    snapshot: str,
    general: Sequence[str],
    traces: Path | None,
) -> "Preparation | None":
    """What the run's data are prepared from; None where they are given."""
    from any2caption.datasets.snapshots import resolve
    from any2caption.storage import open_store
    from any2caption.training.prepare.instruction_data import parse_argument
    from any2caption.training.prepare.preparation import Preparation

    if not snapshot:
        if general or traces:
            raise ConfigError("--general and --traces are read when a --snapshot is prepared")
        return None
    return Preparation(
        general=[parse_argument(one) for one in general],
        snapshot=resolve(open_store(settings.object_store, settings.s3_endpoint_url), snapshot),
        preset=run.preset,
        recipe=run.recipe,
        weights=run.weights,
        traces=traces,
    )


@contextmanager
def _followed(log: "ProgressLog") -> Iterator[None]:
    """Show the run's own progress until the block ends."""
    import threading

    done = threading.Event()

    def follow(show: ProgressPrinter, offset: int) -> None:
        last = False
        while not last:
            last = done.wait(0.5)
            for after, line in log.read(offset):
                offset = after
                if line.get("lifecycle") == log.lifecycle:
                    show(line)

    began = log.path.stat().st_size if log.path.exists() else 0
    with ProgressPrinter() as show:
        follower = threading.Thread(target=follow, args=(show, began), daemon=True)
        follower.start()
        try:
            yield
        finally:
            done.set()
            follower.join()


def show(plan: "Plan") -> None:
    """Print a plan for people."""
    from rich.console import Console

    from any2caption.training.planning.memory import size

    console = Console(highlight=False, width=None if sys.stdout.isatty() else _WIDTH)
    limit = "no time limit" if plan.minutes is None else f"at most {plan.minutes:g} minutes"
    head = (
        f"recipe    {plan.recipe} ({plan.digest[:_ID]})",
        f"model     {plan.preset}, {plan.parameters:,} parameters",
        f"data      snapshot {plan.snapshot[:_ID]}",
        f"machine   {plan.machine.name}, {plan.world_size} ranks, {_engine(plan)}",
        f"to do     {plan.steps:,} steps, {limit}",
        f"in OUT    {plan.resume.sentence}",
    )
    for line in head:
        console.print(line, markup=False, soft_wrap=True)
    console.print(_steps(plan))
    for stage in plan.stages:
        if stage.details:
            console.print(f"{stage.name}: {'; '.join(stage.details)}", markup=False)
    console.print(_modules(plan))
    console.print(_memory(plan))
    have = plan.machine.available
    there = "not known" if have is None else size(have)
    console.print(f"memory    {size(plan.memory)} a rank by estimate, {there} there", markup=False)
    for warning in plan.warnings:
        console.print(f"warning   {warning}", markup=False, soft_wrap=True)


def _engine(plan: "Plan") -> str:
    """How DeepSpeed runs it."""
    words = [f"ZeRO {plan.zero}"]
    words += [plan.precision] if plan.precision != "auto" else []
    words += [f"{plan.offload} on the host"] if plan.offload != "none" else []
    return ", ".join([*words, *(["activations recomputed"] if plan.recomputes else [])])


def _steps(plan: "Plan") -> "Table":
    table = _table("stage", "", "learns to", "from", "samples", "steps", "batch", "epochs", "rate")
    for stage in plan.stages:
        done = f"{stage.first_step:,} … " if stage.first_step else ""
        rate = f"{stage.learning_rate:g}"
        if stage.encoder_learning_rate != stage.learning_rate:
            rate += f" (encoders {stage.encoder_learning_rate:g})"
        table.add_row(
            stage.name,
            stage.does,
            stage.objective,
            ", ".join(stage.kinds) or "all",
            f"{stage.samples:,}",
            f"{done}{stage.steps:,}",
            f"{stage.batch} = {plan.world_size} × {stage.batch_per_rank}",
            f"{stage.epochs:g}",
            rate,
        )
    return table


def _modules(plan: "Plan") -> "Table":
    table = _table("stage", "trained", "frozen")
    for stage in plan.stages:
        table.add_row(stage.name, _counted(stage.trained), _counted(stage.frozen))
    return table


def _memory(plan: "Plan") -> "Table":
    from any2caption.training.planning.memory import size

    table = _table("memory a rank", *(stage.name for stage in plan.stages))
    for name in ("weights", "gradients", "moments", "exchange", "activations", "encoded"):
        table.add_row(name, *(size(getattr(stage.memory, name)) for stage in plan.stages))
    table.add_row("saving", *(size(stage.memory.saving) for stage in plan.stages))
    table.add_row("libraries", *(size(stage.memory.libraries) for stage in plan.stages))
    table.add_row("at most", *(size(stage.memory.total) for stage in plan.stages))
    return table


def _counted(modules: Mapping[str, int]) -> str:
    return ", ".join(f"{name} {_short(count)}" for name, count in modules.items()) or "nothing"


def _short(count: int) -> str:
    """1,234 → 1.2 K; with M and G."""
    for limit, unit in ((10**9, "G"), (10**6, "M"), (10**3, "K")):
        if count >= limit:
            return f"{count / limit:.3g} {unit}"
    return str(count)


def _table(*names: str) -> "Table":
    from rich import box
    from rich.table import Table

    table = Table(box=box.SIMPLE, pad_edge=False)
    for number, name in enumerate(names):
        table.add_column(name, overflow="fold", no_wrap=number == 0)
    return table
