"""Results of the data contract in MLflow: one run a data set, in an experiment of their own."""

from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import Any

from any2caption.datasets.mlflow_input import mlflow_input
from any2caption.registry.client import mlflow_client
from any2caption.registry.descriptions import described
from any2caption.registry.pages import DATA_EXPERIMENT as EXPERIMENT
from any2caption.settings import Settings

_METRICS = ("records", "rejected", "pending", "leaks", "expectations", "seconds", "media_sets")
_TEXT = 5_000  # characters of a tag


def log_data_set(settings: Settings, result: Mapping[str, Any]) -> str | None:
    """Log an ingest's or a validation's result; return the run's id, None without a snapshot.

    The same snapshot is logged into the same run, with its data report and data card.

    Raises:
        UnavailableError: the MLflow server does not answer.
    """
    identity = result.get("snapshot")
    if not identity:
        return None
    with mlflow_client(settings) as client:
        found = client.get_experiment_by_name(EXPERIMENT)
        experiment = found.experiment_id if found else client.create_experiment(EXPERIMENT)
        runs = client.search_runs([experiment], f"tags.snapshot = '{identity}'", max_results=1)
        run = runs[0] if runs else client.create_run(experiment, run_name=_name(result))
        run_id = str(run.info.run_id)
        client.log_inputs(run_id, datasets=[mlflow_input(identity, "ingest")])
        tags = {
            "snapshot": identity,
            "contract": "passed" if result.get("passed", True) else "failed",
            "data_docs": str(result.get("data_docs", "")),
            "quarantine": str(result.get("quarantine") or ""),
            "warnings": "; ".join(result.get("warnings", ()))[:_TEXT],
            "failures": "; ".join(result.get("failures", ()))[:_TEXT],
        }
        for name, value in tags.items():
            client.set_tag(run_id, name, value)
        for name in _METRICS:
            if name in result:
                client.log_metric(run_id, name, float(result[name]))
        for name in ("data_docs", "data_card"):
            if (page := Path(str(result.get(name) or "-"))).is_file():
                client.log_artifact(run_id, str(page), name)
        card = Path(str(result.get("data_card") or "-")).with_name("README.md")
        if card.is_file():
            client.set_tag(run_id, "mlflow.note.content", described(card.read_text("utf-8")))
        client.set_terminated(run_id)
        return run_id


def _name(result: Mapping[str, Any]) -> str:
    """Name a data set's run: the last part of its source, its size, its id's first digits."""
    source = PurePosixPath(str(result.get("source", "")).rstrip("/")).name or "data"
    records = f", {result['records']:,} records" if "records" in result else ""
    return f"{source}{records} ({result['snapshot'][:12]})"
