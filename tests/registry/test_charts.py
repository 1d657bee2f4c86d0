"""Versions can be charted and compared in MLflow: real server."""

import pytest

from any2caption.evaluation.gates import Check, Verdict
from any2caption.evaluation.statistics.paired import Comparison
from any2caption.registry import charts, models
from any2caption.registry.client import mlflow_client

pytestmark = pytest.mark.server
SNAPSHOT = "ab" * 32


def verdict(value):
    checks = (
        Check("camera: alone ≥", value, 0.93, True, "camera"),
        Check("action", None, 0.93, True, "not measured"),
    )
    worse = Comparison("mix", 128, 512, 0.95, 0.91, -0.04, 0.013, 0.05, 0.01, 0)
    return Verdict("tiny", True, True, checks, (worse,))


def test_versions_are_compared_by_their_gates_figures_on_the_same_data(
    settings, make_bundle, request
):
    first, second = (
        models.register(settings, make_bundle(f"{request.node.name}{name}", name))
        for name in ("one", "two")
    )
    ids = [
        charts.log_gate(settings, found, verdict(value), SNAPSHOT)
        for found, value in ((first, 0.95), (second, 0.97))
    ]
    assert charts.log_gate(settings, first, verdict(0.95), SNAPSHOT) == ids[0] != ids[1]
    with mlflow_client(settings) as client:
        run = client.get_run(second.run_id)
        assert run.data.metrics["tiny/gate/camera alone"] == 0.97
        assert run.data.metrics["tiny/difference/mix"] == -0.04
        assert run.data.metrics["tiny/gate passed"] == 1.0
        assert not any("action" in name for name in run.data.metrics)  # it was not measured
        held = run.inputs.dataset_inputs[0].dataset
        assert (held.name, held.digest) == (f"snapshot {SNAPSHOT[:12]}", SNAPSHOT[:36])
        found = client.search_logged_models(
            [run.info.experiment_id],
            filter_string="metrics.`tiny/gate/camera alone` > 0.96",
            datasets=[{"dataset_name": held.name, "dataset_digest": held.digest}],
        )
        assert [model.model_id for model in found] == [ids[1]]
        assert found[0].source_run_id == second.run_id
        assert found[0].status == "READY"
