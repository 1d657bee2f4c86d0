"""Results of the data contract in MLflow: one run a data set, in an experiment of their own."""

from collections.abc import Mapping
from typing import Any

from any2caption.registry.client import mlflow_client
from any2caption.settings import Settings

EXPERIMENT = "any2caption-data"
_METRICS = ("records", "rejected", "pending", "leaks", "expectations", "seconds", "media_sets")
_TEXT = 5_000  # characters of a tag


def log_data_set(settings: Settings, result: Mapping[str, Any]) -> str | None:
    """Log an ingest's or a validation's result; return the run's id, None without a snapshot.

    The same snapshot is logged into the same run.

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
        run = runs[0] if runs else client.create_run(experiment, run_name=f"data {identity[:12]}")
        run_id = str(run.info.run_id)
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
        client.set_terminated(run_id)
        return run_id
