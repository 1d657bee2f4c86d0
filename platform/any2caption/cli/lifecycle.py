"""`a2c lifecycle run`, `a2c corpus make`, `a2c approve`."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from any2caption.cli.stack import DryRun, Home, Json
from any2caption.cli.terminal.console import ProgressPrinter, put, put_json, say, working
from any2caption.errors import UnavailableError
from any2caption.model.presets import PRESETS

if TYPE_CHECKING:
    from any2caption.orchestration.client import AirflowClient
    from any2caption.orchestration.lifecycle import Outcome
    from any2caption.settings import Settings

SCENES, SEED = 6000, 0
PATIENCE = 7200.0
"""Seconds: the demo's chain takes over an hour where other work has the cores."""
Scenes = Annotated[int, typer.Option(min=1, help="Size of the synthetic corpus.")]
lifecycle = typer.Typer(help="Run the whole life cycle of a model.", no_args_is_help=True)
corpus = typer.Typer(help="Synthetic corpora with known truth.", no_args_is_help=True)


@lifecycle.command("run")
def run(
    source: Annotated[
        str,
        typer.Option(
            help="URI of a folder with manifest.jsonl; without one a synthetic corpus is made."
        ),
    ] = "",
    preset: Annotated[str, typer.Option(help=f"Model: {', '.join(PRESETS)}.")] = "tiny",
    recipe: Annotated[str, typer.Option(help="Training recipe.")] = "tiny",
    weights: Annotated[
        str, typer.Option(help="Folder or URI of Qwen2-VL weights, for presets other than tiny.")
    ] = "",
    policy: Annotated[str, typer.Option(help="Gate policy; by default the recipe's name.")] = "",
    scenes: Scenes = SCENES,
    auto_approve: Annotated[
        bool | None,
        typer.Option(
            "--auto-approve/--ask",
            help="Promote without a person's word; by default the setting A2C_AUTO_APPROVE.",
        ),
    ] = None,
    timeout: Annotated[float, typer.Option(help="Seconds to wait for the end.")] = PATIENCE,
    dry_run: DryRun = False,
    home: Home = None,
    json: Json = False,
) -> None:
    """Ingest, fine-tune, evaluate, promote and release through Airflow, and follow it to the end.

    An unchanged source and recipe train nothing again. Needs `a2c up`.
    """
    from dataclasses import asdict

    from any2caption.stack import environment

    settings = environment.load_settings(home)
    params: dict[str, Any] = {
        "source": source,
        "preset": preset,
        "recipe": recipe,
        "weights": weights,
        "policy": policy or recipe,
        "auto_approve": settings.auto_approve if auto_approve is None else auto_approve,
    }
    if dry_run:
        planned = {**params, "source": source or corpus_uri(settings, scenes, SEED)}
        if json:
            put_json({"airflow": settings.airflow_url, "params": planned})
        else:
            put("\n".join(f"{name:<13} {value}".rstrip() for name, value in planned.items()))
        return
    outcome = follow(settings, **params, scenes=scenes, timeout=timeout)
    if json:
        put_json({**asdict(outcome), "carried": dict(outcome.carried)})
    else:
        put(summary(outcome))


def follow(
    settings: "Settings",
    *,
    source: str = "",
    preset: str = "tiny",
    recipe: str = "tiny",
    weights: str = "",
    policy: str = "tiny",
    scenes: int = SCENES,
    auto_approve: bool = False,
    timeout: float = PATIENCE,
) -> "Outcome":
    """Make the corpus if no source was given, run the chain, show its progress."""
    from any2caption.orchestration.lifecycle import new_id, run_lifecycle
    from any2caption.progress import ProgressLog

    log = ProgressLog(settings.progress_log, new_id())
    client = airflow(settings)
    params = {
        "source": source or make(settings, scenes, SEED),
        "preset": preset,
        "recipe": recipe,
        "weights": weights,
        "policy": policy,
        "auto_approve": auto_approve,
    }
    with ProgressPrinter() as show:
        say(f"life cycle {log.lifecycle} on {params['source']}; Airflow: {settings.airflow_url}")
        return run_lifecycle(client, log, params, show, timeout=timeout)


def airflow(settings: "Settings") -> "AirflowClient":
    """Return a client of the settings' Airflow with the local stack's login."""
    from any2caption.orchestration.client import AirflowClient
    from any2caption.stack import local

    user, password = local.airflow_login(settings)
    client = AirflowClient(settings.airflow_url, user, password)
    try:
        client.call("GET", "/version")
    except UnavailableError as error:
        raise UnavailableError(f"{error}; is the stack up? `a2c up` starts it") from error
    return client


def make(settings: "Settings", scenes: int, seed: int) -> str:
    """Make a synthetic corpus in the object store, unless it is there; return its URI."""
    from any2caption.datasets.synthetic.corpus import make_corpus
    from any2caption.storage import open_store

    store = open_store(settings.object_store, settings.s3_endpoint_url)
    with working(f"drawing {scenes} synthetic scenes"):
        make_corpus(store, _corpus(scenes, seed), scenes=scenes, seed=seed, log=say)
    return corpus_uri(settings, scenes, seed)


def corpus_uri(settings: "Settings", scenes: int, seed: int) -> str:
    """Where the synthetic corpus lies, or would lie."""
    return f"{settings.object_store.rstrip('/')}/{_corpus(scenes, seed)}"


def _corpus(scenes: int, seed: int) -> str:
    return f"sources/synthetic-{scenes}-{seed}"


def summary(outcome: "Outcome") -> str:
    """The result of a life cycle for people."""
    carried: dict[str, Any] = dict(outcome.carried)
    done = "trained" if outcome.trained else "reused what was trained before"
    return "\n".join(
        [
            f"life cycle {outcome.lifecycle}: released in {outcome.seconds:.0f} s ({done})",
            f"  snapshot     {str(carried.get('snapshot', ''))[:16]}",
            f"  training run {carried.get('run', '')}",
            f"  version      {carried.get('version', '')}",
            f"  release      {carried.get('release', '')}",
            f"  gate report  {outcome.report}",
        ]
    )


@corpus.command("make")
def corpus_make(
    scenes: Scenes = SCENES,
    seed: Annotated[int, typer.Option(help="The same seed gives the same scenes.")] = SEED,
    home: Home = None,
    json: Json = False,
) -> None:
    """Make a synthetic corpus in the object store and print its URI, fit for `--source`."""
    from any2caption.stack import environment

    uri = make(environment.load_settings(home), scenes, seed)
    if json:
        put_json({"source": uri, "scenes": scenes, "seed": seed})
    else:
        put(uri)


def approve(
    version: Annotated[
        int | None, typer.Argument(help="Model version; may be left out where only one waits.")
    ] = None,
    reject: Annotated[
        bool, typer.Option("--reject", help="Say no: the present champion stays.")
    ] = False,
    timeout: Annotated[float, typer.Option(help="Seconds until the answer is taken up.")] = 120.0,
    dry_run: DryRun = False,
    home: Home = None,
    json: Json = False,
) -> None:
    """Answer a promotion that waits for a person; without a version: the only one that waits."""
    from any2caption.orchestration.approval.answers import answer, waiting
    from any2caption.stack import environment

    settings = environment.load_settings(home)
    if dry_run:
        versions = sorted(waiting(airflow(settings)))
        if json:
            put_json({"waiting": versions})
        else:
            names = ", ".join(map(str, versions))
            put(f"waiting: version {names}" if names else "no promotion waits for an answer")
        return
    option = "Reject" if reject else "Approve"
    chosen = answer(airflow(settings), option, version=version, timeout=timeout)
    said = "rejected" if reject else "approved"
    if json:
        put_json({said: chosen})
    else:
        say(f"{said} version {chosen}")
