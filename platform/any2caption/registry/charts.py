"""What MLflow's own pages compare: a logged model for each version, its gate's metrics, its data.

A projection for people, like the tags: nothing is decided by it.
"""

import re
import time
from typing import TYPE_CHECKING

from any2caption.datasets.mlflow_input import input_name, mlflow_input
from any2caption.evaluation.gates import Verdict
from any2caption.registry.client import MODEL, mlflow_client
from any2caption.settings import Settings

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import LoggedModel

    from any2caption.registry.models import Registered

_VERSION = "a2c.version"
_UNFIT = re.compile(r"[^\w\-. ]+")


def metrics_of(verdict: Verdict) -> dict[str, float]:
    """Return the verdict's figures by the names that MLflow shows: `gate/…` and `difference/…`."""
    found = {f"gate/{_name(c.name)}": c.value for c in verdict.checks if c.value is not None}
    found |= {f"difference/{_name(one.slice)}": one.difference for one in verdict.comparisons}
    return {**found, "gate passed": float(verdict.passed)}


def _name(text: str) -> str:
    return " ".join(_UNFIT.sub(" ", text).split())


def log_gate(settings: Settings, found: "Registered", verdict: Verdict, snapshot: str) -> str:
    """Log a verdict's figures on the version's run and logged model; return the model's id.

    The snapshot is the data set that they were measured on. Logged again they are one more point.

    Raises:
        UnavailableError: the MLflow server does not answer.
    """
    from mlflow.entities import Metric

    with mlflow_client(settings) as client:
        model = _logged_model(client, found)
        name, digest = input_name(snapshot)
        moment = int(time.time() * 1000)
        client.log_inputs(found.run_id, datasets=[mlflow_input(snapshot, "gate")])
        client.log_batch(
            found.run_id,
            metrics=[
                Metric(
                    key=f"{verdict.policy}/{key}",
                    value=value,
                    timestamp=moment,
                    step=found.version,
                    model_id=model.model_id,
                    dataset_name=name,
                    dataset_digest=digest,
                    run_id=found.run_id,
                )
                for key, value in metrics_of(verdict).items()
            ],
        )
        return str(model.model_id)


def _logged_model(client: "MlflowClient", found: "Registered") -> "LoggedModel":
    """Return the version's logged model; the first verdict makes it."""
    experiment = client.get_run(found.run_id).info.experiment_id
    known = client.search_logged_models(
        [experiment], filter_string=f"tags.`{_VERSION}` = '{found.version}'", max_results=1
    )
    if known:
        return known[0]
    made = client.create_logged_model(
        experiment,
        name=f"{MODEL}-v{found.version}",
        source_run_id=found.run_id,
        tags={_VERSION: str(found.version), "a2c.bundle_digest": found.digest},
        model_type="captioner",
    )
    return client.finalize_logged_model(made.model_id, "READY")
