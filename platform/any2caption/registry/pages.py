"""Addresses of MLflow's own pages, for people to follow."""

import json
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

from any2caption.registry.client import EXPERIMENT, MODEL, mlflow_client
from any2caption.settings import Settings
from any2caption.training.loop.metrics import NOTE

if TYPE_CHECKING:
    from mlflow import MlflowClient

DATA_EXPERIMENT = f"{EXPERIMENT}-data"


def version_page(settings: Settings, version: int) -> str:
    """Return the address of a version's page."""
    return f"{_root(settings)}/models/{MODEL}/versions/{version}"


def run_page(settings: Settings, client: "MlflowClient", run: str, artifact: str = "") -> str:
    """Return the address of a run's page, or of an artifact of it."""
    found = client.get_run(run).info
    address = f"{_root(settings)}/experiments/{found.experiment_id}/runs/{found.run_id}"
    return f"{address}/artifacts/{artifact}" if artifact else address


def version_artifact(settings: Settings, version: int, artifact: str) -> str:
    """Return the address of an artifact of a version's run.

    Raises:
        NotFoundError: MLflow does not know the version.
        UnavailableError: it does not answer.
    """
    with mlflow_client(settings) as client:
        run = client.get_model_version(MODEL, str(version)).run_id
        return run_page(settings, client, run, artifact)


def verdict_page(settings: Settings, version: int) -> str:
    """Return the address of the report of a version's last verdict in MLflow."""
    from any2caption.registry.promotion import open_ledger

    with closing(open_ledger(settings)) as ledger:
        verdict = ledger.verdict_on(version)
    if verdict is None:
        return ""
    return version_artifact(settings, version, f"evaluation/{verdict.policy}/report.html")


def training_page(settings: Settings, run_folder: Path) -> str:
    """Return the address of the run that a training in this folder logs to; "" before it did."""
    try:
        run = str(json.loads((run_folder / "train" / NOTE).read_text())["run"])
    except (OSError, ValueError, KeyError, TypeError):
        return ""
    if not run:
        return ""
    with mlflow_client(settings) as client:
        return run_page(settings, client, run)


def data_page(settings: Settings, snapshot: str, artifact: str = "") -> str:
    """Return the address of the run that shows a snapshot, or of an artifact of it; "" for none."""
    with mlflow_client(settings) as client:
        found = client.get_experiment_by_name(DATA_EXPERIMENT)
        if found is None:
            return ""
        wanted = f"tags.snapshot = '{snapshot}'"
        runs = client.search_runs([found.experiment_id], wanted, max_results=1)
        return run_page(settings, client, runs[0].info.run_id, artifact) if runs else ""


def _root(settings: Settings) -> str:
    return f"{settings.mlflow_url.rstrip('/')}/#"
